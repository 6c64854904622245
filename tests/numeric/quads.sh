#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# quads.sh KERNEL_TOOL DIR few|all: `i8` where bytes are multiplied four at a time, by VPDPBUSD and by SDOT. The
# instructions, their scalar forms and vectors in ISO C give the bits of the scalar target, alone and in a batch. AVX-VNNI
# is emulated (avx_vnni_emulator.h) where the processor has none.
set -eu
. "$(dirname "$0")/bits.sh"
here=$(cd "$(dirname "$0")" && pwd)
tool=$1 dir=$2 ways=$3
rm -rf "$dir"
mkdir -p "$dir"

# model TIME UNITS INPUTS: every stage whose sums are made so
model() {
  printf 'grus 1\nmodel m {\n  in x : f32[time %s, %d]\n' "$1" "$3"
  for stage in "LSTM($2)" "LSTM($2, peephole=true)" "GRU($2)" "GRU($2, reset=before)" "RNN($2)" "Dense($2) |> relu" \
    "Conv1D($2, kernel=3, padding=causal)"; do
    printf '  out y%d : f32[time %s, %d] = x |> %s\n' "$((n += 1))" "$1" "$2" "$stage"
  done
  printf '  in u : u8[time %s, %d]\n  out v : f32[time %s, %d] = u |> normalize(mean=0, std=255) |> GRU(%d)\n}\n' "$1" "$3" "$1" "$2" "$2"
}

# bits NAME MODEL COMPILER -- OPTIONS: what the C of a model computes, in NAME.bits
bits() {
  at=$dir/$1 model=$2 compiler=$3
  shift 4
  mkdir -p "$at"
  "$tool" "$dir/$model.grus" "$at" --precision=i8 "$@"
  # shellcheck disable=SC2086
  (cd "$at" && $cache $compiler $strict -MD -c model.c -o model.o && $cache ${link:-gcc} -std=c99 -w -MD -c check.c -o check.o)
  ${link:-gcc} "$at/check.o" "$at/model.o" -o "$at/check"
  ${run:-} "$at/check" bits | sort >"$at.bits"
  [ -s "$at.bits" ] || { echo "$at: no bits"; exit 1; }
}

# dot_products: the same by those of Arm, under QEMU
dot_products() {
  target=--target=aarch64-dotprod arm='aarch64-linux-gnu-gcc -static'
  if command -v ${arm%% *} >/dev/null && command -v qemu-aarch64 >/dev/null; then
    link=$arm run='qemu-aarch64 -cpu max'
    bits arm whole "$arm -std=c99 -O2 -march=armv8.2-a+dotprod" -- $target --calls=1 --batch=2
    ${arm%-gcc*}-objdump -d "$dir/arm/model.o" | grep -q sdot || { echo "GCC does not multiply by SDOT"; exit 1; }
    same plain arm
    link='' run=''
    [ "$ways" = all ] || return 0
  else
    echo "aarch64-linux-gnu-gcc or qemu-aarch64 is not installed: the scalar form alone"
  fi
  bits arm_scalar whole 'gcc -std=c99 -O1' -- $target --calls=2
  grep -q signed_quads_i32x "$dir/arm_scalar/model.c" || { echo "Arm: nothing is multiplied four at a time"; exit 1; }
  same plain arm_scalar
}

# avx_vnni: the same in 8 lanes
avx_vnni() {
  target=--target=x86-64-v3-vnni v3='gcc -std=c99 -O2 -march=x86-64-v3'
  grep -q avx2 /proc/cpuinfo || { echo "this processor has no AVX2: nobody tries AVX-VNNI"; return 0; }
  bits vex whole "$v3 -D__AVXVNNI__ -include $here/avx_vnni_emulator.h" -- $target --calls=2
  same plain vex
  (cd "$dir/vex" && $v3 -mavxvnni -Wno-psabi -c model.c -o instructions.o)
  objdump -d "$dir/vex/instructions.o" | grep -q '{vex} vpdpbusd.*ymm' || { echo "GCC does not multiply by AVX-VNNI"; exit 1; }
  if grep -q avx_vnni /proc/cpuinfo; then
    bits vex_here whole "$v3 -mavxvnni" -- $target --calls=2
    same plain vex_here
  fi
}

# sizes UNITS INPUTS: odd ones leave bytes of a word and lanes of a vector empty
sizes() {
  n=0
  model 5 "$1" "$2" >"$dir/whole.grus"
  target=--target=x86-64-v4-vnni
  bits plain whole 'gcc -std=c99 -O1' -- --calls=2
  bits scalar whole 'gcc -std=c99 -O1' -- $target --calls=2
  grep -q quads_i32x "$dir/scalar/model.c" || { echo "$1 $2: nothing is multiplied four at a time"; exit 1; }
  same plain scalar
  bits batch whole 'gcc -std=c99 -O1' -- $target --calls=1 --batch=2
  same plain batch
  if grep -q avx512_vnni /proc/cpuinfo; then
    bits instruction whole 'gcc -std=c99 -O2 -march=x86-64-v4 -mavx512vnni' -- $target --calls=2
    same plain instruction
  else
    echo "this processor has no AVX512_VNNI: the scalar form alone"
  fi
  [ "$ways" = all ] || return 0
  bits iso whole 'g++ -x c++ -std=c++11 -O1' -- $target --calls=2 --vectors=iso
  same plain iso
  if command -v clang-19 >/dev/null && grep -q avx512_vnni /proc/cpuinfo; then
    bits clang whole 'clang-19 -std=c99 -O2 -march=x86-64-v4 -mavx512vnni' -- $target --calls=2
    same plain clang
  fi
}

sizes 33 17
dot_products
avx_vnni
if [ "$ways" = all ]; then
  sizes 128 64
  dot_products
  avx_vnni
  sizes 20 300
  dot_products
  avx_vnni
fi
rm -rf "$dir"
