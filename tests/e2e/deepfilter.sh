#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The three published networks of DeepFilterNet3 as one program that turns a noisy .wav into a clean one: what
# examples/denoise_deepfilter says. The figure of its README, in bold there, is of a recording of 16 kHz with its rate
# tripled.
#
#   deepfilter.sh GRUS WAV MODELS CC [OPTION...]
#
# CC OPTION... compiles and links.
set -eu
grus=$1 wav=$2 models=$3
shift 3
example=$(cd "$(dirname "$0")/../../examples/denoise_deepfilter" && pwd)
if [ ! -d "$models" ]; then
  echo "SKIPPED: there are no published models in $models"
  exit 77
fi
models=$(cd "$models" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
end=o
"$grus" --version | grep -q llvm || end=c
for part in enc erb_dec df_dec; do
  "$grus" build -q "$models/deepfilternet3_$part/$part.onnx" --stream -o $part.$end
done
compiler=$1
shift
"$compiler" -O2 -I. -o denoise "$example/denoise.c" enc.$end erb_dec.$end df_dec.$end "$@"
sounds=$example/../denoiser
"$wav" triple "$sounds/noisy.wav" noisy.wav
./denoise noisy.wav clean.wav
"$wav" third clean.wav third.wav
"$compiler" -O2 -o snr "$sounds/snr.c" -lm
gain=$(./snr "$sounds/clean.wav" "$sounds/noisy.wav" third.wav | sed 's/.*gain \(.* dB\) over.*/\1/')
echo "gain on the denoiser's recording: $gain"
grep -qF "**$gain**" "$example/README.md"
# Too short for a frame, none at all, a rate that the networks do not know.
"$wav" third third.wav other.wav
if ./denoise other.wav no.wav 2>message; then
  echo "a rate of 5333 Hz is accepted"
  exit 1
fi
grep -q 'at 5333 Hz; the networks were trained on one at 48000 Hz' message
[ ! -e no.wav ]
