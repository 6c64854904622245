#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# board.sh CORE VECTORS TESTS RUNTIME MODEL.grus...: builds each model for a core with its cross
# compiler, runs it under QEMU and compares with the reference evaluator; then looks at the symbols
# of the object: generated code calls no allocator, no libm, no stdio.
# CORE: m0 m4 m7 m55 rv32. Exit code 77: the tools for it are not installed.
set -eu
core=$1 vectors=$2 tests=$3 runtime=$4
shift 4
here=$tests/embedded
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
arm="-mthumb --specs=rdimon.specs -T $here/mps.ld $here/startup.c"
target=generic
case $core in
m0) cpu="-mcpu=cortex-m0" board=mps2-an385 target=cortex-m0 ;;
m4) cpu="-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16" board=mps2-an386 target=cortex-m4 ;;
m7) cpu="-mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-sp-d16" board=mps2-an500 target=cortex-m7 ;;
m55) cpu="-mcpu=cortex-m55 -mfloat-abi=hard" board=mps3-an547 target=cortex-m55 ;;
rv32) cpu="-march=rv32imac -mabi=ilp32 --specs=picolibc.specs" board=virt target=rv32 ;;
esac
if [ "$core" = rv32 ]; then
  cc=riscv64-unknown-elf-gcc qemu=qemu-system-riscv32
  link="--oslib=semihost --crt0=hosted -Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=0x00400000,--defsym=__ram=0x80400000,--defsym=__ram_size=0x00400000"
  machine="-M virt -cpu rv32 -bios none"
else
  cc=arm-none-eabi-gcc qemu=qemu-system-arm link=$arm machine="-M $board"
  cpu="$cpu -mthumb"
fi
for tool in $cc $qemu; do
  if ! command -v $tool >/dev/null; then
    echo "$core: skipped, $tool is not installed"
    exit 77
  fi
done
failed=0
for model in "$@"; do
  name=$(basename "$model" .grus)
  rm -rf "$dir/m" && mkdir "$dir/m"
  "$vectors" "$model" "$target" "$dir/m"
  # shellcheck disable=SC2086
  $cc $cpu -std=c99 -O2 -Wall -Wextra -Wpedantic -Wconversion -Werror -c "$dir/m/model.c" -o "$dir/m/model.o" 2>"$dir/m/log" || {
    cat "$dir/m/log"
    # gcc 13 puts constants of M55's vectors farther away than its own assembler can reach
    if grep -q 'co-processor offset out of range' "$dir/m/log"; then
      echo "$name: skipped, this $cc writes what its assembler refuses"
    else
      failed=1
    fi
    continue
  }
  bad=$(${cc%gcc}nm -u "$dir/m/model.o" | grep -Ev ' (__aeabi_[a-z0-9_]*|__(add|sub|mul|div|eq|ne|lt|le|gt|ge|unord|fix|float)[a-z0-9]*|mem(cpy|set|move)|__gnu_thumb1_case_[a-z]*)$' || true)
  if [ -n "$bad" ]; then
    echo "$name: calls what generated code may not call:$bad"
    failed=1
  fi
  # shellcheck disable=SC2086
  $cc $cpu -std=gnu99 -Os -I"$dir/m" -I"$runtime/host" -I"$here" "$dir/m/program.c" "$dir/m/vectors.c" \
    "$here/harness.c" "$dir/m/model.o" $link -o "$dir/m/image" 2>"$dir/m/log" || {
    cat "$dir/m/log"
    failed=1
    continue
  }
  # shellcheck disable=SC2086
  timeout 3000 $qemu $machine -nographic -semihosting-config enable=on,target=native \
    -kernel "$dir/m/image" </dev/null || {
    echo "$name: FAILED on $core"
    failed=1
  }
done
exit $failed
