#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Imports the fixtures of all frameworks as streams. Each is imported, or rejected for a reason in the
# file: never because the stream would not compute what the file does (E905), which is a mistake of grus.
#
#   streams.sh GRUS CONFORMANCE EVERY        takes every EVERY-th fixture
set -u
grus=$1 folder=$2 every=$3
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
find "$folder" \( -name '*.onnx' -o -name '*.tflite' -o -name '*.pt2' -o -name '*.keras' -o -name '*.h5' \) | sort |
  awk -v every="$every" 'NR % every == 0' >"$dir/files"
failed=0 imported=0
while read -r file; do
  if "$grus" import "$file" --stream -q -o "$dir/model.grus" >"$dir/said" 2>&1; then
    imported=$((imported + 1))
  elif grep -q 'E905' "$dir/said" || ! grep -q '^error' "$dir/said"; then
    echo "$file:"
    cat "$dir/said"
    failed=1
  fi
done <"$dir/files"
echo "$(wc -l <"$dir/files") fixtures, of which $imported are streams"
[ "$imported" -gt 0 ] || failed=1
exit $failed
