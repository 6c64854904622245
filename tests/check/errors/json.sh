#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Reads the JSON lines of every model here with read_diagnostics.
set -eu
grus=$1
reader=$2
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for model in *.grus; do
  args=
  [ ! -f "${model%.grus}.args" ] || args=$(cat "${model%.grus}.args")
  # shellcheck disable=SC2086 # several arguments
  "$grus" check --diagnostics=json $args "$model" 2>"$work/out" || true
  "$reader" json <"$work/out" || { printf '%s\n' "$model"; failed=1; }
done
# A file name that is not UTF-8.
odd=$work/$(printf "\\377").grus
cp e301_stacked.grus "$odd"
"$grus" check --diagnostics=json "$odd" 2>"$work/out" || true
"$reader" json <"$work/out" || { echo "a file name that is not UTF-8"; failed=1; }
exit $failed
