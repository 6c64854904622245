#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# count.sh FIGURES CORE MODEL [PRECISION]: the instructions of one call of a model under QEMU, compiled with the flags
# that grus prints. CORE: as in grus build --target. Exit code 77: a tool is missing.
set -eu
figures=$1 core=$2 model=$3 precision=${4:-f32}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
target=$core gcc=arm-none-eabi-gcc ns=40 # of a tick of 25 MHz
case $core in
cortex-m0) cpu="-mcpu=cortex-m0 -mthumb" board=mps2-an385 ;;
cortex-m3) cpu="-mcpu=cortex-m3 -mthumb" board=mps2-an385 target=cortex-m0 ;;
cortex-m4) cpu="-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16" board=mps2-an386 ;;
cortex-m33) cpu="-mcpu=cortex-m33 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16" board=mps3-an547 target=cortex-m4 ns=31.25 ;;
cortex-m7) cpu="-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16" board=mps2-an500 ;;
cortex-m55) cpu="-mcpu=cortex-m55 -mthumb -mfloat-abi=hard" board=mps3-an547 ns=31.25 ;;
rv32) cpu="-march=rv32imac -mabi=ilp32 --specs=picolibc.specs" gcc=riscv64-unknown-elf-gcc ;;
*) echo "count.sh: no core $core" >&2 && exit 2 ;;
esac
for tool in $gcc qemu-system-arm qemu-system-riscv32; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
[ "$precision" = f32 ] && how= || how=precision=$precision
"$figures" "$model" $target "$dir" $how >"$dir/said"
gcc="$gcc $cpu -O2 -ffp-contract=off -Wno-psabi"
$gcc -std=c99 -c "$dir/model.c" -o "$dir/model.o"
if [ $core = rv32 ]; then
  link="--oslib=semihost --crt0=hosted -Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=0x00400000"
  link="$link -Wl,--defsym=__ram=0x80400000,--defsym=__ram_size=0x00400000"
  qemu="qemu-system-riscv32 -M virt -cpu rv32 -bios none"
else
  sed 's/ORIGIN = 0x00000000, LENGTH = 512K/ORIGIN = 0x00000000, LENGTH = 4096K/' "$root/tests/embedded/mps.ld" >"$dir/memory.ld"
  link="--specs=rdimon.specs -T $dir/memory.ld $root/tests/embedded/startup.c"
  qemu="qemu-system-arm -M $board"
fi
# shellcheck disable=SC2086
$gcc -std=gnu99 -DNANOSECONDS=$ns -I"$dir" -I"$root/runtime/host" "$here/count.c" "$dir/program.c" "$dir/model.o" $link -o "$dir/image" 2>"$dir/log" ||
  { cat "$dir/log" >&2 && exit 1; }
# shellcheck disable=SC2086
timeout 300 $qemu -icount shift=0 -nographic -semihosting-config enable=on,target=native -kernel "$dir/image" </dev/null 2>&1
