#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sequences.sh TOOL DIR few|all UNITS INPUTS STEPS BATCH [OBJECT_TOOL]: recurrent layers of one size, written here, whole
# and stepped, alone and side by side: input products hoisted over blocks of steps, samples in tiles,
# weights walked to and fro all give what the evaluator gives, and the bits of one step after the other;
# so does LLVM, where there is one. `few` steps, runs whole, in tiles, backwards and with a length, each once.
set -eu
. "$(dirname "$0")/../ccache.sh"
tool=$1 dir=$2 ways=$3 units=$4 inputs=$5 steps=$6 batch=$7 object_tool=${8:-}
rm -rf "$dir"
mkdir -p "$dir"
target=x86-64-v2 flags=
if grep -q ' fma .* avx2' /proc/cpuinfo; then target=x86-64-v3 flags=-march=x86-64-v3; fi

# out NAME LAYERS [FACTOR]: an output of FACTOR * units
out() {
  printf '  out %s : f32[time %s, %d] = x |> %s\n' "$1" "$time" $((units * ${3:-1})) "$2"
}

# layers TIME: what can be stepped
layers() {
  time=$1
  out l "LSTM($units)"
  out p "LSTM($units, peephole=true, init=learned)"
  out g "GRU($units)"
  out b "GRU($units, reset=before, init=learned)"
  out r "RNN($units, init=learned)"
  out s "Dense(16) |> relu |> LSTM($units) |> Dropout(0.5) |> GRU($units)"
}

# both TIME: what needs the whole sequence
both() {
  time=$1
  out l "LSTM($units, direction=backward)"
  out g "GRU($units, direction=both, init=learned)" 2
  out b "GRU($units, direction=both, reset=before)" 2
  out r "RNN($units, direction=backward) |> LSTM($units)"
}

# model NAME TIME LAYERS
model() {
  printf 'grus 1\nmodel m {\n  in x : f32[time %s, %d]\n%s\n}\n' "$2" "$inputs" "$($3 "$2")" >"$dir/$1.grus"
}

# bits MODEL NAME OPTIONS: the bits of every output in NAME.bits, after a look at the errors
bits() {
  model=$1 at=$dir/$2
  mkdir "$at"
  shift 2
  "$tool" "$dir/$model.grus" "$at" --target=$target "$@"
  # shellcheck disable=SC2086
  (cd "$at" && $cache gcc -std=c99 -O1 -w -ffp-contract=off $flags model.c -MD -c -o model.o && $cache gcc -std=c99 -w -MD -c check.c -o check.o)
  gcc "$at/check.o" "$at/model.o" -o "$at/check"
  "$at/check" >"$at/out" || { echo "$at $*: $(cat "$at/out")"; exit 1; }
  "$at/check" bits | sort >"$at.bits"
}

# within A B: every line of A is in B
within() {
  [ -s "$dir/$1.bits" ] || { echo "$dir: $1 gave nothing"; exit 1; }
  comm -23 "$dir/$1.bits" "$dir/$2.bits" >"$dir/differ"
  [ ! -s "$dir/differ" ] || { echo "$dir: $1 and $2 differ in bits: $(head -1 "$dir/differ")"; exit 1; }
}

model stream .. layers
model whole "$steps" layers
model both "$steps" both
model bounded "n <= $steps" both

# llvm NAME MODEL SAMPLES: LLVM's object in the place of the C compiler's
llvm() {
  [ -n "$object_tool" ] && [ $target = x86-64-v3 ] || return 0
  "$object_tool" "$dir/$2.grus" "$dir/$1/llvm.o" --schedule=$target --target=$target --batch="$3"
  gcc -std=c99 -w "$dir/$1/check.c" "$dir/$1/llvm.o" -lm -o "$dir/$1/llvm"
  "$dir/$1/llvm" bits | sort >"$dir/llvm.bits"
  within "$1" llvm
}

if [ "$ways" = few ]; then
  bits stream step --calls="$steps"
  bits whole one --calls=1
  bits whole tiles --calls=1 --batch="$batch"
  bits both back --calls=1
  bits both backs --calls=1 --batch="$batch"
  bits bounded lengths --calls=1 --batch="$batch"
  within step one
  within one step
  within one tiles
  within back backs
  llvm tiles whole "$batch"
  llvm lengths bounded "$batch"
  rm -rf "$dir"
  exit 0
fi
bits stream step --calls="$steps"
bits stream steps --calls="$steps" --batch="$batch"
bits whole one --calls=1
bits whole ones --calls="$batch"
bits whole tiles --calls=1 --batch="$batch"
bits both back --calls="$batch"
bits both backs --calls=1 --batch="$batch"
bits bounded length --calls="$batch"
bits bounded lengths --calls=1 --batch="$batch"
within step one
within one step
within step steps
within one ones
within ones tiles
within tiles ones
within steps tiles
within back backs
within length lengths

llvm one whole 1
llvm tiles whole "$batch"
llvm back both 1
llvm lengths bounded "$batch"
if [ $((steps % 4)) = 0 ]; then
  bits stream chunk --calls=$((steps / 4)) --chunk=4
  within chunk step
fi
rm -rf "$dir"
