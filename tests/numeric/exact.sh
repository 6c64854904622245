#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# exact.sh TOOL CASE DIR: CASE.c checks what CASE.grus compiles to, with and without fma.
set -eu
tool=$1 case=$2 dir=$3
mkdir -p "$dir"
# run TARGET FLAGS
run() {
  target=$1
  shift
  "$tool" "$case.grus" "$dir" --target="$target"
  gcc -std=c99 -O2 -Wall -Werror -Wno-unused-function -ffp-contract=off "$@" -I"$dir" "$case.c" -lm -o "$dir/check"
  echo "$target"
  "$dir/check"
}
run generic
if grep -q ' fma ' /proc/cpuinfo; then run cortex-m7 -mfma; fi
