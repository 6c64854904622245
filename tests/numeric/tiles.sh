#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# tiles.sh GRUS KERNEL_TOOL DIR few|all [OBJECT_TOOL]: batches by the tiles of AMX. The instructions, emulated in C
# (amx_emulator.h), the plain form, ISO C and LLVM without the instructions give the same bits: in i8 those of single
# samples on a scalar target, in bf16 numbers near the evaluator's. Compilers and LLVM make the instructions, and a
# processor without them is told so.
set -eu
. "$(dirname "$0")/bits.sh"
here=$(cd "$(dirname "$0")" && pwd)
grus=$1 tool=$2 dir=$3 ways=$4 object_tool=${5:-}
rm -rf "$dir"
mkdir -p "$dir"
amx='-march=x86-64-v4 -mavx512vnni -mavx512bf16 -mamx-tile -mamx-int8 -mamx-bf16'
emulated="$amx -include $here/amx_emulator.h"
target=--target=x86-64-amx
runs_v4=
if grep -q avx512_bf16 /proc/cpuinfo; then runs_v4=yes; else echo "this processor has no AVX512_BF16: the plain form alone"; fi

# model TIME UNITS INPUTS [LINE]: every stage whose sums are made by tiles
model() {
  n=0
  printf 'grus 1\nmodel m {\n  %s\n  in x : f32[time %s, %d]\n' "${4:-}" "$1" "$3"
  for stage in "LSTM($2, peephole=true)" "GRU($2)" "Dense($2) |> relu" "GRU($2, reset=before)" "RNN($2)"; do
    [ "$ways" = all ] || [ $n -lt 3 ] || break
    printf '  out y%d : f32[time %s, %d] = x |> %s\n' "$((n += 1))" "$1" "$2" "$stage"
  done
  printf '}\n'
}

# write NAME MODEL OPTIONS: the C of a model in $dir/NAME
write() {
  name=$1 model=$2
  shift 2
  mkdir -p "$dir/$name"
  "$tool" "$dir/$model.grus" "$dir/$name" "$@"
  (cd "$dir/$name" && $cache gcc -std=c99 -w -MD -c check.c -o check.o)
}

# bits NAME LABEL COMPILER: what it computes, in NAME/LABEL.bits
bits() {
  at=$dir/$1
  # shellcheck disable=SC2086
  (cd "$at" && $cache $3 $strict -MD -c model.c -o "$2.o")
  finish "$at" "$2"
}

finish() {
  gcc "$1/check.o" "$1/$2.o" -o "$1/$2"
  EMULATOR_REPORT=1 "$1/$2" bits 2>"$1/$2.said" | sort >"$1/$2.bits"
  [ -s "$1/$2.bits" ] || { echo "$1/$2: no bits: $(cat "$1/$2.said")"; exit 1; }
}

# multiplied NAME: the emulated instructions ran
multiplied() {
  grep -q 'tiles multiplied: [1-9]' "$dir/$1.said" || { echo "$1: no tile was multiplied"; exit 1; }
}

# forms NAME: all ways to compile what `write` made
forms() {
  bits "$1" plain 'gcc -std=c99 -O1'
  [ $runs_v4 ] || return 0
  bits "$1" emulated "gcc -std=c99 -O2 $emulated"
  same "$1/plain" "$1/emulated"
  multiplied "$1/emulated"
  [ "$ways" = all ] || return 0
  bits "$1" cpp "g++ -x c++ -std=c++11 -O1 $emulated"
  same "$1/plain" "$1/cpp"
  if command -v clang-19 >/dev/null; then
    bits "$1" clang "clang-19 -std=c99 -O2 $emulated"
    same "$1/plain" "$1/clang"
    multiplied "$1/clang"
  fi
}

# has OBJECT INSTRUCTION: what was compiled for the instructions has them, configured and released as often
has() {
  command -v llvm-objdump-19 >/dev/null || { echo "llvm-objdump-19 is missing: nobody looks for $2"; return 0; }
  llvm-objdump-19 -d --no-show-raw-insn "$1" >"$dir/listing"
  grep -q "$2" "$dir/listing" || { echo "$1 has no $2"; exit 1; }
  [ "$(grep -c ldtilecfg "$dir/listing")" = "$(grep -c tilerelease "$dir/listing")" ] || { echo "$1 does not release its tiles"; exit 1; }
}

# of_bytes UNITS INPUTS BATCH: i8, whose bits are those of single samples
of_bytes() {
  model 4 "$1" "$2" >"$dir/bytes.grus"
  write single bytes --precision=i8 --calls="$3"
  bits single plain 'gcc -std=c99 -O1'
  write bytes bytes --precision=i8 $target --calls=1 --batch="$3"
  forms bytes
  same single/plain bytes/plain
  (cd "$dir/bytes" && gcc -std=c99 -O1 $amx -c model.c -o instructions.o)
  has "$dir/bytes/instructions.o" tdpbssd
  "$grus" build "$dir/bytes.grus" -q --precision=i8 --weights=random:1 $target --batch="$3" --emit=obj -o "$dir/bytes.o"
  [ -z "$object_tool" ] || has "$dir/bytes.o" tdpbssd
}

# of_pairs UNITS INPUTS BATCH: bf16
of_pairs() {
  model 3 "$1" "$2" "precision bf16" >"$dir/pairs.grus"
  write pairs pairs $target --calls=1 --batch="$3"
  forms pairs
  "$dir/pairs/plain" >"$dir/said" || { echo "pairs: $(cat "$dir/said")"; exit 1; }
  (cd "$dir/pairs" && gcc -std=c99 -O1 $amx -c model.c -o instructions.o)
  has "$dir/pairs/instructions.o" tdpbf16ps
  "$grus" build "$dir/pairs.grus" -q --weights=extern $target --batch="$3" --emit=header -o "$dir/apart.h"
  printf '#define M_IMPLEMENTATION\n#include "apart.h"\n' >"$dir/apart.c" # weights that come at run time
  # shellcheck disable=SC2086
  gcc -std=c99 $strict $amx -fsyntax-only "$dir/apart.c"
  if [ "$ways" = all ]; then
    write iso pairs $target --calls=1 --batch="$3" --vectors=iso
    bits iso plain 'gcc -std=c99 -O1'
    same pairs/plain iso/plain
  fi
  [ -n "$object_tool" ] || return 0
  "$object_tool" "$dir/pairs.grus" "$dir/pairs/llvm.o" --schedule=x86-64-amx --target=x86-64-v3 --batch="$3"
  finish "$dir/pairs" llvm
  same pairs/plain pairs/llvm
  "$object_tool" "$dir/pairs.grus" "$dir/pairs/instructions.o" $target --schedule=x86-64-amx --batch="$3"
  has "$dir/pairs/instructions.o" tdpbf16ps
}

of_bytes 33 17 19
of_pairs 33 17 19
if [ "$ways" = all ]; then
  of_bytes 64 130 32
  of_pairs 80 40 48
fi

# A processor or a system without tiles
if ! grep -q amx_int8 /proc/cpuinfo; then
  status=0
  "$grus" verify "$dir/pairs.grus" --weights=random:1 --target x86-64-amx --batch 16 >"$dir/said" 2>&1 || status=$?
  { [ $status != 0 ] && grep -q 'this machine cannot run code for x86-64-amx' "$dir/said"; } || { echo "verify:"; cat "$dir/said"; exit 1; }
  CC=gcc "$grus" build "$dir/pairs.grus" -q --weights=random:1 --target x86-64-amx --batch 16 -o "$dir/program"
  status=0
  "$dir/program" --help >"$dir/said" 2>&1 || status=$?
  { [ $status != 0 ] && grep -q 'this processor has no AMX' "$dir/said"; } || { echo "the program:"; cat "$dir/said"; exit 1; }
fi
rm -rf "$dir"
