#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# same_functions.sh TOOL SOURCE_DIR RUNTIME_DIR DIR: with and without fma.
set -eu
mkdir -p "$4"
# run TARGET FLAGS
run() {
  target=$1
  shift
  "$tool" "$source/same_functions.grus" "$dir" --target="$target"
  gcc -std=c99 -O2 -Wall -Werror -ffp-contract=off "$@" -I"$runtime" -I"$dir" "$source/same_functions.c" -o "$dir/same"
  "$dir/same"
}
tool=$1 source=$2 runtime=$3 dir=$4
run generic
if grep -q ' fma ' /proc/cpuinfo; then # a scalar target that has fma
  run cortex-m7 -mfma
fi
