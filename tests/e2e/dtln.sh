#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The two published networks of DTLN as one program that turns a noisy .wav into a clean one: what
# examples/denoise_dtln says, on a recorded sound.
#
#   dtln.sh GRUS WAV MODELS HOW CC [OPTION...]
#
# HOW: `c`, the .onnx files straight to C; `obj`, by way of `grus import`, to objects. CC OPTION... compiles
# and links.
# Tolerance: the recorded sound is numpy's FFT and onnxruntime in f32, this one another FFT and grus in f32.
# Each is within 3e-7 of the other here, one rounding of a sample near 1 is 6e-8; 2e-6 leaves other
# processors' roundings room. A 16-bit .wav has steps of 3e-5.
set -eu
grus=$1 wav=$2 models=$3/dtln how=$4
shift 4
example=$(cd "$(dirname "$0")/../../examples/denoise_dtln" && pwd)
if [ ! -d "$models" ]; then
  echo "SKIPPED: there are no published models in $models"
  exit 77
fi
if [ "$how" = obj ] && ! "$grus" --version | grep -q llvm; then
  echo "SKIPPED: this grus makes no objects"
  exit 77
fi
models=$(cd "$models" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for model in model_1 model_2; do
  if [ "$how" = c ]; then
    "$grus" build -q "$models/$model.onnx" -o "$model.c"
  else
    "$grus" import -q "$models/$model.onnx" -o "$model.grus"
    "$grus" build -q "$model.grus" -o "$model.o"
  fi
done
compiler=$1
shift
"$compiler" -O2 -I. -o denoise "$example/denoise.c" model_1."${how%bj}" model_2."${how%bj}" "$@"
# COUNT N: the whole sound, one that ends inside a hop, one shorter than a block. What is compared, N samples, is
# what no zero behind the end reaches: whole hops, without the 384 samples before their end.
while read -r count n; do
  "$wav" make "$models/ref/e2e_in_audio_16k.npy" "$count" noisy.wav
  ./denoise noisy.wav clean.wav
  "$wav" compare clean.wav "$count" "$models/ref/e2e_out_audio_16k.npy" "$n" 384 2e-6
done <<END
20480 20096
5000 4608
100 0
END

# The figure of the example's README, in bold there.
[ "$how" = obj ] || exit 0
sounds=$example/../denoiser
"$compiler" -O2 -o snr "$sounds/snr.c" -lm
./denoise "$sounds/noisy.wav" dtln.wav
gain=$(./snr "$sounds/clean.wav" "$sounds/noisy.wav" dtln.wav | sed 's/.*gain \(.* dB\) over.*/\1/')
echo "gain on the denoiser's recording: $gain"
grep -qF "**$gain**" "$example/README.md"
