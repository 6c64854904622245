#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# same_functions.sh TOOL SOURCE_DIR RUNTIME_DIR DIR: with and without fma,
# and those of --math=fast.
set -eu
mkdir -p "$4"
# run TARGET MATH FLAGS
run() {
  target=$1 math=$2
  shift 2
  "$tool" "$source/same_functions.grus" "$dir" --target="$target" $math
  gcc -std=c99 -O2 -Wall -Werror -ffp-contract=off "$@" -I"$runtime" -I"$dir" "$source/same_functions.c" -o "$dir/same"
  "$dir/same"
}
tool=$1 source=$2 runtime=$3 dir=$4
run generic ''
run generic --math=fast -DFAST
if grep -q ' fma ' /proc/cpuinfo; then # a scalar target that has fma
  run cortex-m7 '' -mfma
  run cortex-m7 --math=fast -DFAST -mfma
fi
