#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# step_is_run.sh TOOL STREAM.grus DIR: the stream stepped 12 times, and stepped in chunks of 4, gives
# bit for bit what the same model gives on a whole sequence of 12.
set -eu
tool=$1 model=$2 dir=$3
rm -rf "$dir"
mkdir -p "$dir/step" "$dir/chunk" "$dir/run"
sed 's/time \.\./time 12/' "$model" >"$dir/whole.grus"
. "$(dirname "$0")/../ccache.sh"
for target in generic x86-64-v2; do
  "$tool" "$model" "$dir/step" --calls=12 --target=$target
  "$tool" "$model" "$dir/chunk" --calls=3 --chunk=4 --target=$target
  "$tool" "$dir/whole.grus" "$dir/run" --calls=1 --target=$target
  for way in step chunk run; do
    (cd "$dir/$way" && $cache gcc -std=c99 -O1 -w -ffp-contract=off -MD -c model.c -o model.o && $cache gcc -std=c99 -O0 -w -MD -c check.c -o check.o)
    gcc "$dir/$way/check.o" "$dir/$way/model.o" -o "$dir/$way/check"
    "$dir/$way/check" >"$dir/$way/out" || { echo "$way: $(cat "$dir/$way/out")"; exit 1; }
    "$dir/$way/check" bits | sort >"$dir/$way/bits"
  done
  for way in step chunk; do
    cmp "$dir/$way/bits" "$dir/run/bits" || { echo "$target: $way and run differ"; exit 1; }
  done
done
rm -rf "$dir"
