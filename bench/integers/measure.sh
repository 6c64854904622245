#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# measure.sh BIN CORE NET D H PRECISION [gcc|llvm]: what one step of a recurrent layer costs in integers on a core
# under QEMU. BIN: folder of grus and cycles. CORE: m0 m3 m4 m7 m55 rv32, and AArch64
# without dot products and with them: a64 a64dot. NET: lstm gru, and with inputs of 16 bits and Dense(1) on the
# first unit as the output: lstm-i16 gru-i16.
# Prints: core net d h precision compiler instructions flash-bytes ram-bytes checksum
# flash and ram are those of `size` on a linked image that holds the model and its state; image.c's
# own arrays are taken off; of AArch64 they are not counted. Exit code 77: the tools are not installed.
set -eu
bin=$(cd "$1" && pwd) core=$2 net=$3 d=$4 h=$5 precision=$6 how=${7:-gcc}
here=$(cd "$(dirname "$0")" && pwd)
embedded=$here/../../tests/embedded
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
gcc=arm-none-eabi-gcc size=arm-none-eabi-size target=cortex-$core priced=$core
case $core in
m0) flags="-mcpu=cortex-m0 -mthumb" board=mps2-an385 priced=m4 ;;
m3) flags="-mcpu=cortex-m3 -mthumb" board=mps2-an385 priced=m4 ;;
m4) flags="-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16" board=mps2-an386 ;;
m7) flags="-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16" board=mps2-an500 ;;
m55) flags="-mcpu=cortex-m55 -mthumb -mfloat-abi=hard" board=mps3-an547 ;;
a64) flags="" gcc=aarch64-linux-gnu-gcc size=aarch64-linux-gnu-size target=aarch64 ;;
a64dot) flags=-march=armv8.2-a+dotprod gcc=aarch64-linux-gnu-gcc size=aarch64-linux-gnu-size target=aarch64-dotprod ;;
rv32) flags="-march=rv32imac -mabi=ilp32" gcc=riscv64-unknown-elf-gcc size=riscv64-unknown-elf-size target=rv32 ;;
*) echo "measure.sh: no core $core" >&2 && exit 2 ;;
esac
for tool in $gcc qemu-system-arm qemu-system-riscv32 qemu-aarch64; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
ports= own=$((4 * (d + h)))
case $net in *-i16) ports=-DINTEGER_PORTS own=$((2 * d + 4)) ;; esac
cd "$dir"
cp "$here/$net.grus" layer.grus
object=
if [ "$how" = llvm ]; then
  "$bin/grus" build layer.grus -D "d=$d" -D "h=$h" --weights random:9 --precision "$precision" --target $target --backend llvm -q -o layer.o
  object=layer.o
fi
"$bin/grus" build layer.grus -D "d=$d" -D "h=$h" --weights random:9 --precision "$precision" --target $target -q -o layer.c
gcc="$gcc $flags -std=gnu99 -O2 -ffp-contract=off -ffunction-sections -fdata-sections $ports -DD=$d -DH=$h -I. -I$here"
libc= memory=
if [ $core = rv32 ]; then
  libc=--specs=picolibc.specs
  memory=-Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=0x00400000,--defsym=__ram=0x80400000,--defsym=__ram_size=0x00400000
fi
# shellcheck disable=SC2086
[ -n "$object" ] || $gcc $libc -c layer.c -o layer.o
case $core in
a64*)
  # shellcheck disable=SC2086
  $gcc "$here/step.c" layer.o -static -no-pie -o image
  place() { "${size%size}nm" image | awk -v name="$1" '$3 == name { print $1 }'; }
  answer=$(qemu-aarch64 -cpu max ./image)
  count=$(qemu-aarch64 -cpu max -singlestep -d exec,nochain -D /dev/stdout ./image |
    awk -F/ -v from="$(place layer_step)" -v to="$(place step_done)" '/^Trace/ { if ($2 == from) n = 0; if ($2 == to) last = n; n++ } END { print last }')
  echo "$core $net $d $h $precision $how $count - - ${answer%% *}"
  exit
  ;;
rv32)
  # shellcheck disable=SC2086
  $gcc $libc --oslib=semihost --crt0=hosted $memory "$here/step.c" layer.o -o image 2>log || { cat log >&2 && exit 1; }
  answer=$(qemu-system-riscv32 -M virt -cpu rv32 -icount shift=0 -bios none -nographic -semihosting-config enable=on,target=native \
    -kernel image </dev/null 2>&1)
  count=${answer#* }
  ;;
*)
  # shellcheck disable=SC2086
  $gcc "$here/step.c" layer.o --specs=rdimon.specs -T "$embedded/mps.ld" "$embedded/startup.c" -lm -o image 2>log || { cat log >&2 && exit 1; }
  answer=$(timeout 200 qemu-system-arm -M $board -nographic -semihosting-config enable=on,target=native -d in_asm,exec,nochain \
    -D trace -kernel image </dev/null)
  objdump=arm-none-eabi-objdump
  [ $core = m55 ] && objdump="llvm-objdump-19 --mcpu=cortex-m55"
  $objdump -d image >listing
  count=$("$bin/cycles" $priced listing trace layer_step step_done | awk '{ print $2 }')
  ;;
esac
# shellcheck disable=SC2086
$gcc $libc -c "$here/image.c" -o image.o
# shellcheck disable=SC2086
$gcc $libc $memory image.o layer.o -nostartfiles -Wl,--gc-sections -Wl,-e,image_main -o least 2>log || { cat log >&2 && exit 1; }
flash=$($size least | awk 'NR == 2 { print $1 + $2 }')
ram=$($size -A least | awk -v own=$own '$1 ~ /^[.]s?(data|bss)/ { n += $2 } END { print n - own }')
echo "$core $net $d $h $precision $how $count $flash $ram ${answer%% *}"
