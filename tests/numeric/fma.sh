#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# fma.sh TOOL MODEL.grus DIR: C scheduled for machines with fused multiply-adds rounds as they do
# where the compiler has none, and calls no library in any case.
set -eu
tool=$1 model=$2 dir=$3 here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$dir"
mkdir -p "$dir/header" "$dir/lanes4" "$dir/lanes8" "$dir/lanes16" "$dir/iso"
"$tool" "$model" "$dir/header" --target=cortex-m7 --header
name=$(sed -n 's/^static inline float \(.*_fma_f32\)(.*/\1/p' "$dir/header/model.h")
[ -n "$name" ] || { echo "$model: no fused multiply-add in it"; exit 1; }
for cc in gcc clang-19; do
  command -v $cc >/dev/null || continue
  $cc -std=c99 -O2 -ffp-contract=off -Wall -Wextra -DHEADER='"model.h"' "-DFMA=$name" "-I$dir/header" "$here/fma.c" \
    -o "$dir/fma" -lm
  "$dir/fma"
done
for case in header:cortex-m7 lanes4:aarch64 lanes8:x86-64-v3 lanes16:x86-64-v4; do
  at=$dir/${case%:*}
  "$tool" "$model" "$at" --target="${case#*:}"
  for level in 0 2; do
    gcc -std=c99 -w -O$level -c "$at/model.c" -o "$at/model.o"
    if nm -u "$at/model.o" | grep -v -e memcpy -e memset -e memmove -e __stack_chk_fail; then
      echo "${case#*:}, gcc -O$level: needs a library"
      exit 1
    fi
  done
done
rm -rf "$dir"
