#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# more_functions.sh TOOL SOURCE_DIR DIR: with and without fma.
set -eu
tool=$1 source=$2 dir=$3
mkdir -p "$dir"
# run TARGET FLAGS
run() {
  target=$1
  shift
  "$tool" "$source/more_functions.grus" "$dir" --target="$target"
  gcc -std=c99 -O2 -Wall -Werror -Wno-unused-function -ffp-contract=off "$@" -I"$dir" "$source/more_functions.c" -lm -o "$dir/more_functions"
  echo "$target"
  "$dir/more_functions"
}
run generic
if grep -q ' fma ' /proc/cpuinfo; then run cortex-m7 -mfma; fi
