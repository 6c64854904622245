#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus.exe under Wine says and writes what grus of this system does, byte for byte.
#
#   agree.sh GRUS.EXE GRUS
set -eu
exe=$(realpath "$1") grus=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
wine=$(command -v wine64 || ls /usr/lib/wine/wine64 2>/dev/null) || { echo "skipped: wine64 is not installed"; exit 77; }
wineserver=$(command -v wineserver || echo /usr/lib/wine/wineserver)
[ -f "$exe" ] || { echo "skipped: there is no $exe; scripts/windows builds it"; exit 77; }
work=$(mktemp -d)
trap '"$wineserver" -k || true; rm -rf "$work"' EXIT
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

"$wineserver" -p 2>/dev/null || true # stays from one command to the next
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

# HDF5, which a second process of grus.exe reads: Keras files, weights, a file cut short, damaged ones.
keras=$root/tests/conformance/keras/fixtures
for place in here there; do
  cp "$keras/activations.h5" "$work/$place/one.h5"
  for file in "$keras"/*.keras; do cp "$file" "$work/$place/two.keras"; break; done
  head -c 3000 "$keras/activations.h5" >"$work/$place/short.h5"
  # bytes in the middle changed: libhdf5 answers, refuses or crashes
  for at in 900 2100 4100; do
    { head -c $at "$keras/activations.h5"; printf '\377\377\377\377\377\377\377\377'; tail -c +$((at + 9)) "$keras/activations.h5"; } >"$work/$place/bad$at.h5"
  done
  printf 'grus 1\nmodel m {\n  weights keras "one.h5"\n  in x : f32[4]\n  out y : f32[2] = x |> Dense(2)\n}\n' >"$work/$place/reads.grus"
done
for file in one.h5 two.keras short.h5 bad900.h5 bad2100.h5 bad4100.h5; do both import $file -o seven.grus; done
both check reads.grus

# What needs a C compiler: GCC of mingw-w64 for grus.exe (cc.c), the system's for grus.
if command -v x86_64-w64-mingw32-gcc-posix >/dev/null; then
  x86_64-w64-mingw32-gcc-posix -O1 "$root/tests/windows/cc.c" -o "$work/cc.exe"
  bridge="Z:$work/cc.exe"
  for place in here there; do
    printf '0.1,0.2,0.3,0.1,0.5,-0.25\n1,-1,0,0.5,0.125,2\n0,0,0,0,0,1e-3\n' >"$work/$place/x.csv"
    printf '1,2\n' >"$work/$place/short.csv"
  done
  # compiled WORD...: as both, each with its C compiler.
  compiled() {
    export CC="$bridge"
    here_grus=$grus
    grus=$work/with_cc
    both "$@"
    grus=$here_grus
    unset CC
  }
  printf '#!/bin/sh\nCC=cc exec %s "$@"\n' "$grus" >"$work/with_cc"
  chmod +x "$work/with_cc"
  stream='gru_stream.grus --weights=random:1 --target generic'
  # shellcheck disable=SC2086 # words
  {
    compiled run $stream x=x.csv y=y.npy
    compiled run $stream x=x.csv --out folder2
    compiled run $stream x=x.csv
    compiled run $stream x=short.csv y=never.npy
    compiled run $stream x=missing.csv
    compiled run $stream x=x.csv y=x.csv
    compiled run $stream "h0=1,2"
    compiled verify $stream
    compiled verify --weights=random:1 --target generic lstm_one.grus
  }
  # Programs: made by grus.exe, and by grus for Windows; both answer as grus run does.
  for way in exe cross; do
    case $way in
    exe) (cd "$work/there" && CC=$bridge "$wine" "$exe" build $stream --emit=exe -o "$way.exe" -q 2>"$work/diff") || true ;;
    cross) (cd "$work/there" && CC=x86_64-w64-mingw32-gcc-posix "$grus" build $stream --emit=exe -o "$way.exe" -q 2>"$work/diff") || true ;;
    esac
    if (cd "$work/there" && "$wine" "$way.exe" x=x.csv y="$way.npy" && cmp y.npy "$way.npy" && ! "$wine" "$way.exe" x=missing.csv) >>"$work/diff" 2>&1; then
      passed=$((passed + 1))
    else
      echo "FAILED a program for Windows ($way)"
      tail -20 "$work/diff"
      failed=$((failed + 1))
    fi
  done
  (cd "$work/there" && CC=$bridge "$wine" "$exe" bench $stream) >"$work/diff" 2>&1 && grep -q 'ns a call\|us a call' "$work/diff" &&
    passed=$((passed + 1)) || { echo 'FAILED grus bench'; cat "$work/diff"; failed=$((failed + 1)); }
  (cd "$work/there" && CC=$bridge "$wine" "$exe" build $stream --emit=shared -o shared.dll) >"$work/diff" 2>&1 &&
    x86_64-w64-mingw32-objdump -p "$work/there/shared.dll" | grep -q ' grus_rows$\| grus_steps$' &&
    passed=$((passed + 1)) || { echo 'FAILED a library for Windows'; cat "$work/diff"; failed=$((failed + 1)); }
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
