#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# One checksum on every machine: a model in integers, 64 steps of it, built for each processor whose
# compiler and emulator are there, with and without optimisation, and in the form for Arm's DSP instructions.
#   integers.sh GRUS EMBEDDED-DIR RUNTIME-DIR few|all PRECISION...
# `few` leaves out processors and levels whose like is there.
set -eu
grus=$1 here=$2 runtime=$3 ways=$4
shift 4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/both.grus" <<'END'
grus 1

model both {
  allow state_never_reset, ordinal_weights
  in  x : f32[time .., 13]
  out y : f32[time .., 12] = x |> Dense(16) |> relu |> GRU(20) |> LSTM(12)
}
END
cat >"$dir/main.c" <<'END'
#include "both.h"

#include <stdio.h>

int main(void) {
  static both_state s;
  unsigned seed = 1, sum = 2166136261u;
  both_reset(&s);
  for (int t = 0; t < 64; t++) {
    float x[13], y[12];
    for (int i = 0; i < 13; i++) {
      seed = seed * 1664525u + 1013904223u;
      x[i] = (float)(int)(seed >> 16 & 1023) / 512.0f - 1.0f;
    }
    both_step(&s, x, y);
    for (int i = 0; i < 12; i++)
      sum = (sum ^ (unsigned)(int)(y[i] * 32768.0f)) * 16777619u;
  }
  printf("%08x\n", sum);
  return 0;
}
END
first= machines=0

# compare NAME CHECKSUM
compare() {
  name=$1 got=$2
  [ -n "$first" ] || first=$got
  echo "$precision $name $got"
  [ "$got" = "$first" ] || exit 1
  machines=$((machines + 1))
}

have() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null || return 1
  done
}

native() {
  have "$1" || return 0
  "$1" -std=c99 $2 -I "$runtime/core" -I "$dir" "$dir/both.c" "$dir/main.c" -o "$dir/native"
  compare "$1$2" "$("$dir/native")"
}

user() { # NAME CC QEMU FLAGS
  have "$2" "$3" || return 0
  # shellcheck disable=SC2086
  $2 $4 -std=c99 -static -I "$runtime/core" -I "$dir" "$dir/both.c" "$dir/main.c" -o "$dir/user"
  compare "$1" "$($3 "$dir/user")"
}

board() { # NAME CPU BOARD [SOURCE]
  have arm-none-eabi-gcc qemu-system-arm || return 0
  # shellcheck disable=SC2086
  arm-none-eabi-gcc -O2 $2 -mthumb --specs=rdimon.specs -T "$here/mps.ld" "$here/startup.c" -std=c99 -I "$runtime/core" -I "$dir" \
    "$dir/${4:-both.c}" "$dir/main.c" -o "$dir/board.elf" 2>"$dir/log" || {
    cat "$dir/log"
    exit 1
  }
  compare "$1" "$(qemu-system-arm -M "$3" -display none -serial null -monitor none -semihosting -kernel "$dir/board.elf" 2>/dev/null </dev/null)"
}

board_object() { # NAME CPU BOARD
  [ ! -f "$dir/both.o" ] || board "$1" "$2" "$3" both.o
}

riscv() { # NAME
  have riscv64-unknown-elf-gcc qemu-system-riscv32 || return 0
  riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 --specs=picolibc.specs --oslib=semihost --crt0=hosted \
    -Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=0x00400000,--defsym=__ram=0x80400000,--defsym=__ram_size=0x00400000 \
    -std=c99 -O2 -I "$runtime/core" -I "$dir" "$dir/both.c" "$dir/main.c" -o "$dir/board.elf" 2>/dev/null || return 0
  compare "$1" "$(qemu-system-riscv32 -M virt -cpu rv32 -bios none -nographic -semihosting-config enable=on,target=native -kernel "$dir/board.elf" 2>&1 </dev/null)"
}

# Whether this processor has all of these flags.
runs_here() {
  for flag in "$@"; do
    grep -qw "$flag" /proc/cpuinfo 2>/dev/null || return 1
  done
}

# for_target TARGET [OPTION...]: the C of a target in both.c, and what LLVM makes of it in both.o with the options,
# where it can.
for_target() {
  target=$1
  shift
  "$grus" build "$dir/both.grus" --weights random:9 --precision $precision -q --target "$target" -o "$dir/both.c"
  rm -f "$dir/both.o"
  "$grus" build "$dir/both.grus" --weights random:9 --precision $precision -q --target "$target" --backend llvm "$@" -o "$dir/both.o" 2>/dev/null || true
}

user_object() { # NAME CC QEMU
  [ -f "$dir/both.o" ] && have "$2" "$3" || return 0
  $2 -std=c99 -static -I "$dir" "$dir/both.o" "$dir/main.c" -o "$dir/user"
  compare "$1" "$($3 "$dir/user")"
}

native_object() { # NAME
  [ -f "$dir/both.o" ] || return 0
  ${CC:-cc} -std=c99 -I "$dir" "$dir/both.o" "$dir/main.c" -o "$dir/native"
  compare "$1" "$("$dir/native")"
}

for precision in "$@"; do
  "$grus" build "$dir/both.grus" --weights random:9 --precision $precision -q -o "$dir/both.c"
  first=
  native "${CC:-cc}" -O0
  [ $ways = few ] || native "${CC:-cc}" -O2
  [ $ways = few ] || native clang-19 -O3
  user aarch64 aarch64-linux-gnu-gcc qemu-aarch64 -O2
  [ $ways = few ] || user riscv64 riscv64-linux-gnu-gcc qemu-riscv64 -O2
  board m0 -mcpu=cortex-m0 mps2-an385
  [ $ways = few ] || board m3 -mcpu=cortex-m3 mps2-an385
  board m4 "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16" mps2-an386
  [ $ways = few ] || board m7 "-mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-sp-d16" mps2-an500
  [ $ways = few ] || board m55 "-mcpu=cortex-m55 -mfloat-abi=hard" mps3-an547
  riscv rv32
  for_target cortex-m0
  board m0-bytes -mcpu=cortex-m0 mps2-an385
  board m0-bytes-on-m4 "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16" mps2-an386
  [ $ways = few ] || board m0-bytes-small "-mcpu=cortex-m0 -Os" mps2-an385
  for_target rv32
  [ $ways = few ] || native "${CC:-cc}" -O1
  riscv rv32-multiplies
  for_target cortex-m4
  [ $ways = few ] || native "${CC:-cc}" -O1
  board m4-dsp "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16" mps2-an386
  [ $ways = few ] || board m7-dsp "-mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-sp-d16" mps2-an500
  for_target cortex-m55
  [ $ways = few ] || native "${CC:-cc}" -O1
  board m55-mve "-mcpu=cortex-m55 -mfloat-abi=hard" mps3-an547
  board_object llvm-m55-mve "-mcpu=cortex-m55 -mfloat-abi=hard" mps3-an547
  for_target aarch64
  user aarch64-simd aarch64-linux-gnu-gcc qemu-aarch64 -O2
  for_target aarch64-dotprod
  user aarch64-dotprod aarch64-linux-gnu-gcc qemu-aarch64 "-O2 -march=armv8.2-a+dotprod"
  user_object llvm-aarch64-dotprod aarch64-linux-gnu-gcc qemu-aarch64
  if runs_here avx2 fma; then
    for_target x86-64-v3
    native "${CC:-cc}" "-O2 -march=x86-64-v3"
    [ $ways = few ] || native clang-19 "-O2 -march=x86-64-v3"
    native_object llvm-v3
  fi
  if runs_here avx512f avx512vl avx512bw avx512_vnni; then
    for_target x86-64-v4-vnni
    native "${CC:-cc}" "-O2 -march=x86-64-v4 -mavx512vnni"
    native_object llvm-v4-vnni
    for_target x86-64-v3-vnni --cpu x86-64-v4-vnni # the instruction of 8 lanes as AVX-512 writes it
    native "${CC:-cc}" "-O2 -march=x86-64-v3 -D__AVXVNNI__ -include $here/../numeric/avx_vnni_emulator.h"
    native_object llvm-v3-vnni
  fi
done
echo "$machines checksums"
