#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus.exe under Wine says and writes what grus of this system does, byte for byte.
#
#   agree.sh GRUS.EXE GRUS
set -eu
exe=$(realpath "$1") grus=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
wine=$(command -v wine64 || ls /usr/lib/wine/wine64 2>/dev/null) || { echo "skipped: wine64 is not installed"; exit 77; }
[ -f "$exe" ] || { echo "skipped: there is no $exe; scripts/windows builds it"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WINEPREFIX="$work/prefix" WINEDEBUG=-all
mkdir -p "$work/here" "$work/there"
failed=0 passed=0

# both WORD...: the same command, one in each folder; exit code, what is printed and the files agree.
both() {
  here=0 there=0
  : >"$work/diff"
  (cd "$work/here" && "$grus" "$@" >out 2>err) || here=$?
  (cd "$work/there" && "$wine" "$exe" "$@" >out 2>err) || there=$?
  sed -i '/^wine: /d' "$work/there/err"
  # The libraries of the two systems round tanh in double precision differently.
  sed -i 's/largest difference .*/largest difference/' "$work/here/out" "$work/there/out"
  if [ $here = $there ] && diff -r "$work/here" "$work/there" >"$work/diff"; then
    passed=$((passed + 1))
  else
    echo "FAILED grus $* (exit codes $here and $there)"
    head -20 "$work/diff"
    failed=$((failed + 1))
  fi
}

"$wine" "$exe" version >/dev/null 2>&1 # makes the prefix
of=$("$wine" "$exe" version 2>/dev/null | tr -d '\r' | sed -n 1p)
[ "$of" = "$("$grus" version | sed -n 1p)" ] || { echo "skipped: $exe is $of, another than $grus; scripts/windows builds it"; exit 77; }
for place in here there; do
  cp "$root"/tests/models/gru_stream.grus "$root"/tests/models/lstm_one.grus "$root"/tests/check/errors/e301_stacked.grus "$work/$place/"
  printf 'model broken {' >"$work/$place/broken.grus"
done
both check e301_stacked.grus
both check broken.grus
both check missing.grus
both check --fix e301_stacked.grus
both check --format=json gru_stream.grus
both fmt e301_stacked.grus
both explain E301
both inspect gru_stream.grus
both inspect --svg gru_stream.grus
both build --weights=random:1 gru_stream.grus --emit=header -o one.h
both build --weights=random:1 gru_stream.grus --emit=header -o folder/one.h
both build --weights=random:1 gru_stream.grus --emit=c -o two
both build --weights=random:1 gru_stream.grus --emit=wasm -o three.wasm
both build --weights=random:1 gru_stream.grus --emit=package -o four
both weights gru_stream.grus --weights=random:1 -o five.bin
for file in "$root"/tests/conformance/onnx/fixtures/conv.onnx "$root"/tests/conformance/onnx/fixtures/dense.onnx "$root"/tests/conformance/tflite/fixtures/[bc]*.tflite; do
  [ -f "$file" ] || continue
  for place in here there; do cp "$file" "$work/$place/"; done
  both import "$(basename "$file")" -o six.grus
done
both --help
echo "$passed passed, $failed failed"
[ $failed = 0 ]
