#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Large weights, which LLVM does not see, are in the object as they are in the assembly that it writes of the same
# module, in sections of their own that are read-only; the program computes what the C compiler's computes.
# Building an object takes at most three times the bytes of its weights and 100 MB.
#
#   apart.sh GRUS CC few|all      `few` takes a machine of either order of bytes, and smaller weights
set -eu
grus=$1 cc=$2 ways=$3
for tool in llvm-objcopy-19 llvm-nm-19 llvm-readelf-19 clang-19 /usr/bin/time; do
  if ! command -v $tool >/dev/null; then
    echo "SKIPPED: there is no $tool"
    exit 77
  fi
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
model() { # UNITS
  cat <<END
grus 1
model net {
  in  x : f32[time .., 300]
  out y : f32[time .., $1] = x |> LSTM($1)
  allow state_never_reset
}
END
}
units=512 largest=1024 targets='host cortex-m4 riscv32-unknown-elf powerpc-linux-gnu s390x-linux-gnu'
[ "$ways" = all ] || units=256 largest=512 targets='host powerpc-linux-gnu'
model $units >net.grus

for target in $targets; do
  case $target in host) flags= ;; *) flags="--target=$target" ;; esac
  # shellcheck disable=SC2086
  if ! "$grus" build -q $flags --backend=llvm --weights=random:1 net.grus -o net.o 2>message; then
    grep -q 'no target' message && echo "$target: LLVM does not have it" && continue
    cat message
    exit 1
  fi
  # shellcheck disable=SC2086
  "$grus" build -q $flags --backend=llvm --weights=random:1 --emit=asm net.grus -o net.s
  case $target in
  host) triple=$("$cc" -dumpmachine) ;;
  cortex-m4) triple="thumbv7em-none-eabihf -mcpu=cortex-m4" ;;
  riscv32*) triple="riscv32-unknown-elf -march=rv32imc -mabi=ilp32" ;;
  *) triple=$target ;;
  esac
  # shellcheck disable=SC2086
  clang-19 --target=$triple -c net.s -o whole.o
  llvm-objcopy-19 -O binary --only-section=.rodata whole.o whole.bin
  for name in net_lstm_W net_lstm_U; do
    llvm-readelf-19 -SW net.o | grep " .rodata.$name *PROGBITS .* A " >/dev/null
    llvm-objcopy-19 -O binary --only-section=.rodata.$name net.o part.bin
    at=$((0x$(llvm-nm-19 whole.o | sed -n "s/ . $name\$//p")))
    size=$(wc -c <part.bin)
    [ "$size" -ge $((4 * units * units)) ]
    cmp -n "$size" -i 0:$at part.bin whole.bin
  done
  echo "$target: the same weights"
done

cat >main.c <<'END'
#include "net.h"
#include <stdio.h>
#include <string.h>
static net_state s;
int main(void) {
  static float x[300], y[UNITS];
  net_reset(&s);
  for (int k = 0; k < 20; k++) {
    for (int i = 0; i < 300; i++) x[i] = (float)((i * 37 + k) % 19 - 9) / 9;
    net_step(&s, x, y);
    for (int i = 0; i < UNITS; i++) {
      unsigned bits;
      memcpy(&bits, &y[i], sizeof bits);
      printf("%08x\n", bits);
    }
  }
  return 0;
}
END
for backend in llvm c; do
  "$grus" build -q --backend=$backend --weights=random:1 net.grus -o net.o
  "$cc" -O1 -DUNITS=$units main.c net.o -o main
  ./main >$backend.txt
done
cmp llvm.txt c.txt
[ "$(sort -u llvm.txt | wc -l)" -gt 1000 ]

model $largest >net.grus
/usr/bin/time -f %M -o peak "$grus" build -q --backend=llvm --weights=random:1 net.grus -o net.o
weights=$((4 * largest * (300 + largest + 1))) # of f32
peak=$(($(cat peak) * 1024))
echo "peak $peak bytes, weights $((4 * weights))"
[ $peak -le $((3 * 4 * weights + 100000000)) ]
