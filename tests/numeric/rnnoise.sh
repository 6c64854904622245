#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# rnnoise.sh GRUS BENCH: a network of the shapes and the blocks of zeros of RNNoise 0.2, with invented weights. Its zeros are left
# out, it computes what the evaluator does, and it gives the bits that it gives with its zeros, in f32 and in integers.
# Exit code 77: no NumPy.
set -eu
grus=$1 bench=$2
python3 -c 'import numpy' 2>/dev/null || { echo "skipped: no NumPy" && exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 "$bench/sparse/make_rnnoise.py" .
python3 -c 'import numpy; numpy.save("x.npy", numpy.random.default_rng(2).standard_normal((40, 65)).astype("f4"))'
[ "$("$grus" inspect rnnoise.grus | grep -c '6[0-9] % zeros left out')" = 3 ]
"$grus" verify rnnoise.grus -q
"$grus" calibrate rnnoise.grus features=x.npy --precision i8 -W no-short_calibration -q
for precision in f32 i8; do
  "$grus" run rnnoise.grus features=x.npy --precision $precision -q -o without
  "$grus" run rnnoise.grus features=x.npy --precision $precision -q --keep-zeros -o with
  cmp without/gain.npy with/gain.npy
  cmp without/vad.npy with/vad.npy
done
