#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# pairs.sh GRUS KERNEL_TOOL MAKE_WEIGHTS DIR few|all [OBJECT_TOOL]: `precision bf16` where products of bf16 are taken
# in pairs. The instruction, its scalar form, vectors in ISO C and LLVM with and without the instruction give the same
# bits, near to the evaluator; batches give those of singles; and operands are rounded to nearest even. `few` optimises less.
set -eu
. "$(dirname "$0")/bits.sh"
here=$(cd "$(dirname "$0")" && pwd)
grus=$1 tool=$2 make_weights=$3 dir=$4 ways=$5 object_tool=${6:-}
rm -rf "$dir"
mkdir -p "$dir"
has_instruction=
if grep -q avx512_bf16 /proc/cpuinfo; then has_instruction=yes; else echo "this processor has no AVX512_BF16: the scalar form alone"; fi

level=-O2 plain_level=-O1
[ "$ways" = all ] || level=-O1 plain_level=-O0

# layers TIME UNITS INPUTS: a model of every stage that has such products
layers() {
  printf 'grus 1\nmodel m {\n  precision bf16\n  in x : f32[time %s, %d]\n' "$1" "$3"
  for stage in "LSTM($2, peephole=true)" "GRU($2)" "GRU($2, reset=before)" "RNN($2)" "Dense($2) |> relu"; do
    printf '  out y%d : f32[time %s, %d] = x |> %s\n' "$((n += 1))" "$1" "$2" "$stage"
  done
  printf '}\n'
}

# write NAME MODEL OPTIONS: the C of a model in $dir/NAME
write() {
  name=$1 model=$2
  shift 2
  mkdir -p "$dir/$name"
  "$tool" "$model" "$dir/$name" --target=x86-64-v4-bf16 "$@"
}

# bits NAME LABEL COMPILER FLAGS: what it computes, after a look at the errors
bits() {
  at=$dir/$1 label=$2
  shift 2
  # shellcheck disable=SC2086
  (cd "$at" && $cache "$@" $strict -MD -c model.c -o "$label.o" && $cache gcc -std=c99 -w -MD -c check.c -o check.o)
  finish "$at" "$label"
}

finish() {
  gcc "$1/check.o" "$1/$2.o" -o "$1/$2"
  "$1/$2" >"$1/$2.out" || { echo "$1, $2: $(cat "$1/$2.out")"; exit 1; }
  "$1/$2" bits | sort >"$1/$2.bits"
}

# every NAME MODEL SAMPLES: all ways to compile it; with `few` clang and LLVM without the instruction compile single samples alone
every() {
  bits "$1" scalar gcc -std=c99 $plain_level
  if [ $has_instruction ]; then
    bits "$1" gcc gcc -std=c99 $level -march=x86-64-v4 -mavx512bf16
    same "$1/scalar" "$1/gcc"
    if command -v clang-19 >/dev/null && { [ "$ways" = all ] || [ "$3" = 1 ]; }; then
      bits "$1" clang clang-19 -std=c99 $level -march=x86-64-v4 -mavx512bf16
      same "$1/scalar" "$1/clang"
    fi
  fi
  [ -n "$object_tool" ] || return 0
  for target in x86-64-v3 ${has_instruction:+x86-64-v4-bf16}; do
    case $ways$has_instruction$target$3 in fewyesx86-64-v3[2-9]) continue ;; esac
    [ $target != x86-64-v3 ] || grep -q ' fma .* avx2' /proc/cpuinfo || continue
    "$object_tool" "$2" "$dir/$1/llvm-$target.o" --schedule=x86-64-v4-bf16 --target=$target --batch="$3"
    finish "$dir/$1" llvm-$target
    same "$1/scalar" "$1/llvm-$target"
  done
}

# rounding: one weight of 1, so that results are operands as they are multiplied.
rounding() {
  printf 'tensor w 1x1 all 1\n' >"$dir/one.txt"
  "$make_weights" "$dir/one.txt" "$dir/one.npz"
  printf 'grus 1\nmodel m {\n  precision bf16\n  weights keras "one.npz"\n  in x : f32[time 9, 1]\n%s\n}\n' \
    '  out y : f32[time 9, 1] = x |> Dense(1, bias=false, from="w")' >"$dir/one.grus"
  "$grus" build "$dir/one.grus" -q --emit=header --target x86-64-v4-bf16 -o "$dir/whole.h"
  sed '/^#error /d' "$dir/whole.h" >"$dir/one.h" # the scalar form may be compiled for any processor
  cat >"$dir/one.c" <<'EOF'
#include <stdio.h>
#include <string.h>
#include "one.h"
int main(void) {
  static const float x[9][1] = {{1.00390625f}, {1.01171875f}, {-1.00390649f}, {3.4028235e38f}, {1e-40f},
                                {-1e-40f},     {0.0f},         {1.0f / 0.0f},  {0.0f / 0.0f}};
  float y[9][1];
  m_run(x, y);
  for (int i = 0; i < 9; i++) {
    unsigned bits;
    memcpy(&bits, &y[i][0], sizeof bits);
    printf("%s%08x", i ? " " : "", y[i][0] == y[i][0] ? bits : 0x7fc00000u);
  }
  printf("\n");
  return 0;
}
EOF
  for flags in -O1 ${has_instruction:+-march=x86-64-v4,-mavx512bf16}; do
    # shellcheck disable=SC2046
    gcc -std=c99 -w $(echo $flags | tr , ' ') -DM_IMPLEMENTATION "$dir/one.c" -o "$dir/one"
    said=$("$dir/one")
    # the ties go to even; the largest is beyond the largest bf16; below 2^-126 all are zeros
    [ "$said" = "3f800000 3f820000 bf810000 7f800000 00000000 00000000 00000000 7f800000 7fc00000" ] ||
      { echo "rounding, $flags: $said"; exit 1; }
  done
}

n=0
layers 3 33 17 >"$dir/odd.grus"
write odd "$dir/odd.grus"
every odd "$dir/odd.grus" 1
write batch "$dir/odd.grus" --batch=5 --calls=1
every batch "$dir/odd.grus" 5
write singles "$dir/odd.grus" --calls=5
bits singles scalar gcc -std=c99 $plain_level
same singles/scalar batch/scalar
rounding
# inspect says which stages do so, and verify what it costs
"$grus" inspect "$dir/odd.grus" --target x86-64-v4-bf16 >"$dir/said"
[ "$(grep -c 'bf16 products' "$dir/said")" = 5 ] || { echo "inspect:"; cat "$dir/said"; exit 1; }
"$grus" inspect "$dir/odd.grus" --target x86-64-v4 | grep -q 'bf16 products' && { echo "inspect names another target"; exit 1; }
if [ $has_instruction ]; then
  verify="$grus verify $dir/odd.grus --weights=random:1 -q --target x86-64-v4-bf16"
  $verify >"$dir/said" || { cat "$dir/said"; exit 1; }
  $verify --rtol 1e-4 >"$dir/said" 2>&1 && { echo "verify finds no error:"; cat "$dir/said"; exit 1; }
fi
if [ "$ways" = all ]; then
  bits odd cpp g++ -x c++ -std=c++11 -O1
  same odd/scalar odd/cpp
  write iso "$dir/odd.grus" --vectors=iso
  bits iso scalar gcc -std=c99 -O1
  same odd/scalar iso/scalar
  n=0
  layers .. 33 17 >"$dir/stream.grus"
  write stream "$dir/stream.grus" --calls=3
  every stream "$dir/stream.grus" 1
  n=0
  layers 4 300 270 >"$dir/long.grus" # sums in blocks
  write long "$dir/long.grus"
  every long "$dir/long.grus" 1
  write kinds "$here/kernels/bf16_weights.grus" --calls=2
  every kinds "$here/kernels/bf16_weights.grus" 1
fi
rm -rf "$dir"
