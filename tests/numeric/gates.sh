#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# gates.sh TOOL SOURCE_DIR DIR: with and without fma.
set -eu
tool=$1 source=$2 dir=$3
mkdir -p "$dir"
# run TARGET FLAGS
run() {
  target=$1
  shift
  "$tool" "$source/gates.grus" "$dir" --target="$target"
  gcc -std=c99 -O2 -Wall -Werror -Wno-unused-function -ffp-contract=off "$@" -I"$dir" "$source/gates.c" -lm -o "$dir/gates"
  echo "$target"
  "$dir/gates"
}
run generic
if grep -q ' fma ' /proc/cpuinfo; then run cortex-m7 -mfma; fi
