#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# measure.sh BIN CORE NET D H CANDIDATE: one line of the table: what one step of a net costs on a core
# under QEMU. BIN: folder of grus, vectors and cycles. CORE: m4 m7 m55. NET: lstm gru. CANDIDATE:
#   plain       plain.c and the C library's functions, gcc -O2 (fused multiply-adds allowed)
#   gcc         generated C, arm-none-eabi-gcc -O2
#   clang       generated C, clang-19 -O2
#   llvm        the object grus writes itself
#   DIR         any other folder: its candidate.c, gcc -O2, with the flags in DIR/flags if there are any
# Prints: core net d h candidate instructions cycles code-bytes stack-bytes error-e-9
# WORK keeps the files made. Exit code 77: the tools are not installed.
set -eu
bin=$1 core=$2 net=$3 d=$4 h=$5 candidate=$6
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
embedded=$root/tests/embedded
dir=${WORK:-$(mktemp -d)}
mkdir -p "$dir"
[ -n "${WORK:-}" ] || trap 'rm -rf "$dir"' EXIT
case $core in
m4) flags="-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16" board=mps2-an386 ;;
m7) flags="-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16" board=mps2-an500 ;;
m55) flags="-mcpu=cortex-m55 -mthumb -mfloat-abi=hard" board=mps3-an547 ;;
*) echo "measure.sh: no core $core" >&2 && exit 2 ;;
esac
for tool in arm-none-eabi-gcc qemu-system-arm clang-19; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
target=cortex-$core
"$bin/vectors" "$here/$net.grus" "$target" "$dir" "d=$d" "h=$h"
gcc="arm-none-eabi-gcc $flags -O2 -ffunction-sections"
include="-I$dir -I$here -I$root/runtime/host -I$embedded"
case $candidate in
plain)
  gru=
  [ "$net" = gru ] && gru=-DGRU
  $gcc -std=gnu11 $gru -D"D=$d" -D"H=$h" $include -c "$here/plain.c" -o "$dir/candidate.o"
  ;;
gcc)
  $gcc -std=c99 -ffp-contract=off -c "$dir/model.c" -o "$dir/model.o"
  ;;
clang)
  sysroot=$(arm-none-eabi-gcc -print-sysroot)
  clang-19 --target=arm-none-eabi $flags -isystem "$sysroot/include" -isystem /usr/lib/arm-none-eabi/include \
    -O2 -std=c99 -ffp-contract=off -c "$dir/model.c" -o "$dir/model.o"
  ;;
llvm)
  "$bin/grus" build -q "$here/$net.grus" -D "d=$d" -D "h=$h" --weights=random:1 --target "$target" --prefix model \
    --backend=llvm -o "$dir/model.o"
  ;;
*)
  more=
  [ -f "$candidate/flags" ] && more=$(cat "$candidate/flags")
  $gcc -std=gnu11 $more -D"D=$d" -D"H=$h" $include -I"$candidate" -c "$candidate/candidate.c" -o "$dir/candidate.o"
  ;;
esac
objects=$dir/candidate.o
if [ "$candidate" = gcc ] || [ "$candidate" = clang ] || [ "$candidate" = llvm ]; then
  $gcc -std=c99 $include -c "$here/generated.c" -o "$dir/candidate.o"
  objects="$objects $dir/model.o"
fi
arm-none-eabi-gcc $flags -std=gnu99 -Os $include "$here/bench.c" "$dir/vectors.c" $objects -lm \
  --specs=rdimon.specs -T "$embedded/mps.ld" "$embedded/startup.c" -o "$dir/image" 2>"$dir/log.link" || {
  cat "$dir/log.link" >&2
  exit 1
}
answer=$(timeout 100 qemu-system-arm -M $board -nographic -semihosting-config enable=on,target=native \
  -d in_asm,exec,nochain -D "$dir/trace" -kernel "$dir/image" </dev/null) || {
  echo "$core $net $d $h $candidate: wrong, $answer" >&2
  exit 1
}
objdump=arm-none-eabi-objdump
[ "$core" = m55 ] && command -v llvm-objdump-19 >/dev/null && objdump="llvm-objdump-19 --mcpu=cortex-m55"
$objdump -d "$dir/image" >"$dir/listing"
count=$("$bin/cycles" "$core" "$dir/listing" "$dir/trace" candidate_step step_done)
# code of one step, library functions included, without weights
arm-none-eabi-gcc $flags $objects -nostartfiles -Wl,--gc-sections -Wl,-e,candidate_step --specs=nosys.specs -lm -o "$dir/code" 2>/dev/null
code=$(arm-none-eabi-size -A "$dir/code" | awk '$1 == ".text" { print $2 }')
set -- $count $answer
echo "$core $net $d $h $(basename "$candidate") $2 $3 $code $5 $4"
[ -n "${WORK:-}" ] || rm -f "$dir/trace"
