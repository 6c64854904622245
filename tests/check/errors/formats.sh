#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Reads the diagnostics of every model here, which are JSON lines or a SARIF log, with read_diagnostics.
# A model that almost triggers a lint reports nothing, and has an empty expected output.
set -eu
grus=$1
reader=$2
format=$3
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for model in *.grus; do
  [ -s "${model%.grus}.out" ] || continue
  args=
  [ ! -f "${model%.grus}.args" ] || args=$(cat "${model%.grus}.args")
  # shellcheck disable=SC2086 # several arguments
  "$grus" check --diagnostics="$format" $args "$model" 2>"$work/out" || true
  "$reader" "$format" <"$work/out" || { printf '%s\n' "$model"; failed=1; }
done
# A file name that is not UTF-8.
odd=$work/$(printf "\\377").grus
cp e301_stacked.grus "$odd"
"$grus" check --diagnostics="$format" "$odd" 2>"$work/out" || true
"$reader" "$format" <"$work/out" || { echo "a file name that is not UTF-8"; failed=1; }
exit $failed
