#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ops.sh OPS_TOOL TESTS few|all: every operation of KIR, by C and by LLVM, on the same numbers, gives the
# same bits: one lane, four and eight, at -O0 and -O2, here and on AArch64 with dot products and without. `few` takes each number of lanes
# and each processor once, at -O2.
set -eu
tool=$1 check=$2/llvm/ops_check.c ways=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
for lanes in 1 4 8; do
  for target in generic x86-64-v3 aarch64 aarch64-dotprod; do
    cc=cc run=''
    case $ways:$lanes:$target in all:* | few:1:generic | few:8:x86-64-v3 | few:4:aarch64 | few:4:aarch64-dotprod) ;; *) continue ;; esac
    case $target in
    generic) [ "$(uname -m)" = x86_64 ] || [ $lanes != 8 ] || continue ;;
    x86-64-v3)
      grep -q 'avx2.* fma\|fma.* avx2' /proc/cpuinfo || {
        echo "$target: skipped, this processor is none"
        continue
      }
      ;;
    aarch64*)
      cc='aarch64-linux-gnu-gcc -static' run=qemu-aarch64
      command -v aarch64-linux-gnu-gcc >/dev/null && command -v $run >/dev/null || {
        echo "$target: skipped, aarch64-linux-gnu-gcc or $run is not installed"
        continue
      }
      ;;
    esac
    for level in 0 2; do
      [ $ways = all ] || [ $level = 2 ] || continue
      "$tool" "$dir" $target $level $lanes
      cc -std=gnu99 -O1 -w -Wno-psabi -ffp-contract=off -I"$dir" "$check" "$dir/ops.c" -lm -o "$dir/c"
      $cc -std=gnu99 -O1 -w -I"$dir" "$check" "$dir/ops.o" -lm -o "$dir/llvm"
      "$dir/c" >"$dir/c.bits"
      $run "$dir/llvm" >"$dir/llvm.bits"
      if ! cmp -s "$dir/c.bits" "$dir/llvm.bits"; then
        echo "$lanes lanes, $target, -O$level: C and LLVM differ"
        diff "$dir/c.bits" "$dir/llvm.bits" | head -4
        failed=1
      fi
    done
  done
done
exit $failed
