#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh stages.sh GRUS FOLDER: the stages of the models of fixtures stages_*.keras.
set -u
work=$(mktemp -d) && cd "$2" || exit 1
trap 'rm -rf "$work"' EXIT
for file in stages_*.keras; do
  "$1" import "$file" -q -o "$work/m.grus" && printf '%s\n' "$file" && sed -n '/^  in/,/^}/{/^$/d;/^}/d;p;}' "$work/m.grus"
done
