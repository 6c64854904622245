#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# collect.sh FIGURES OUT MODEL...: for every target with a compiler here, each model as C, compiled with the
# flags that grus prints. Appends to OUT, for fit.py: "object TARGET MODEL CODE" (bytes of flash, weights
# included), "stack TARGET MODEL FUNCTION BYTES", and what FIGURES prints with TARGET MODEL in front. PRECISIONS: those
# to compile each model in (default: f32 i8 i16 w8); MODEL becomes MODEL:PRECISION for integers.
set -eu
figures=$1 out=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
m() {
  name=$1 target=$2
  shift 2
  command -v "$1" >/dev/null || return 0
  for pair in $pairs; do
    model=${pair%:*} precision=${pair##*:}
    rm -f "$dir"/model.*
    base=$(basename "$model" .grus)
    if [ "$precision" = f32 ]; then
      "$figures" "$model" "$target" "$dir" >"$dir/said" 2>/dev/null || continue
    else
      "$figures" "$model" "$target" "$dir" "precision=$precision" >"$dir/said" 2>/dev/null || continue
      base=$base:$precision
    fi
    "$@" -O2 -ffp-contract=off -std=c99 -Wno-psabi -fstack-usage -c "$dir/model.c" -o "$dir/model.o" 2>/dev/null || continue
    sed "s/^/$name $base /" "$dir/said" >>"$out"
    size -A "$dir/model.o" | awk -v n="$name $base" '$1 ~ /^\.(text|rodata|data)/ { sum += $2 } END { print n, "object", sum }' >>"$out"
    awk -v n="$name $base" '{ split($1, a, ":"); print n, "stack", a[4] ? a[4] : a[3], $2, $3 }' "$dir/model.su" >>"$out"
  done
}
pairs=
for model; do for precision in ${PRECISIONS:-f32 i8 i16 w8}; do pairs="$pairs $model:$precision"; done; done
m cortex-m0 cortex-m0 arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb
m cortex-m3 cortex-m0 arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb
m cortex-m4 cortex-m4 arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16
m cortex-m33 cortex-m4 arm-none-eabi-gcc -mcpu=cortex-m33 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16
m cortex-m7 cortex-m7 arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16
m cortex-m55 cortex-m55 arm-none-eabi-gcc -mcpu=cortex-m55 -mthumb -mfloat-abi=hard
m rv32 rv32 riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 --specs=picolibc.specs
