#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Names of machines; what a build says of flags; C that is compiled with too few of them; C with a
# body for each kind of processor, chosen by the compiler or by the processor. The last argument says few or all:
# `few` compiles for the highest level alone, and gives the same lines.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1

model m {
  in  x : f32[time 6, feature 4]
  let h = x |> GRU(20)
  out y : f32[3] = h |> last |> Dense(3)
}
END
cat >s.grus <<'END'
grus 1

model s {
  in  x : f32[time .., feature 4]
  out y : f32[time .., 3] = x |> LSTM(18) |> Dense(3)
}
END
cat >main.c <<'END'
#include <stdio.h>
#include "m.h"
#include "s.h"
int main(void) {
  static float x[6][4], y[3], z[3];
  static s_state state;
  for (int i = 0; i < 24; i++)
    x[i / 4][i % 4] = (float)(i % 7) * 0.25f - 0.5f;
  m_run((const float (*)[4])x, y);
  s_reset(&state);
  for (int t = 0; t < 6; t++)
    s_step(&state, (const float *)x[t], z);
  printf("%.4f %.4f %.4f %.4f %.4f %.4f\n", (double)y[0], (double)y[1], (double)y[2], (double)z[0], (double)z[1], (double)z[2]);
  return 0;
}
END
strict="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-psabi"

say names
t build m.grus --target help
t build m.grus --target cortexm4
t build m.grus --target RP2040
t build m.grus --target rp2041
t build m.grus --target z80
t run m.grus --target cortex-m4 --weights=random:1 x=x.csv
t verify m.grus --target rp2040 --weights=random:1
t bench m.grus --target thumbv7em-none-eabihf
t bench m.grus --cpu cortex-m4 --target cortex-m4

say what to compile with
for target in generic x86-64-v3 cortex-m33 esp32 multi; do
  "$GRUS" build m.grus --weights=random:1 --emit=header -o m.h --target $target | tail -1
  sed -n '/Made for/p' m.h
done
"$GRUS" build m.grus --weights=random:1 -o m.c --dispatch | tail -1

say too few flags
for target in x86-64-v3 x86-64-v4 aarch64; do
  q build m.grus --weights=random:1 -q --emit=header -o m.h --target $target
  gcc -fsyntax-only -x c m.h 2>&1 | grep -o 'error: #error .*'
done
q build m.grus --weights=random:1 -q --emit=header -o m.h --target cortex-m4
arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -fsyntax-only -x c m.h 2>&1 | grep -o 'error: #error .*'

say one file for all processors
run() { # LABEL COMPILER FLAG...
  label=$1
  shift
  objects=
  for source in $sources; do
    "$@" $strict -ffp-contract=off -c "$source" -o "$source.o" 2>said || { echo "$label: $(cat said)"; return; }
    objects="$objects $source.o"
  done
  "$@" $strict -ffp-contract=off main.c $objects -o program 2>said && ./program || { echo "$label: $(cat said)"; return; }
  for object in $objects; do
    nm -u "$object" | grep -v -e memcpy -e memset -e memmove -e __stack_chk_fail -e __cpu_model -e _GLOBAL_OFFSET_TABLE_
  done
}
levels="-march=x86-64"
grep -q ' fma .* avx2' /proc/cpuinfo && levels="$levels -march=x86-64-v3"
grep -q avx512vl /proc/cpuinfo && levels="$levels -march=x86-64-v4"
[ "$(uname -m)" = x86_64 ] || levels=-O1
[ "$4" = all ] || levels=${levels##* }
# Numbers with every compiler and level given; the same lines are shown once.
each() {
  for level in "$@"; do
    run "$level" gcc -O0 "$level"
  done
  [ -z "$clang" ] || run "clang $level" clang-19 -O0 "$level"
}
once() { sort | uniq; }
clang=$(command -v clang-19)
sources='m.c s.c'
q build m.grus --weights=random:1 -q -o m.c --target multi
q build s.grus --weights=random:1 -q -o s.c --target multi
each $levels | once
q build m.grus --weights=random:1 -q -o m.c --dispatch
q build s.grus --weights=random:1 -q -o s.c --dispatch
each -g0 | once
say the same under other processors
gcc -O0 -static $strict main.c m.c s.c -o program
for cpu in Nehalem Haswell; do
  if command -v qemu-x86_64 >/dev/null; then qemu-x86_64 -cpu $cpu ./program 2>/dev/null; else ./program; fi
done
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
  aarch64-linux-gnu-gcc -O0 -static $strict main.c m.c s.c -o program_a && qemu-aarch64 ./program_a
else
  ./program
fi
say one header, as C++ too
q build m.grus --weights=random:1 -q -o m.h --dispatch
q build s.grus --weights=random:1 -q -o s.h --dispatch
sources=
run header gcc -O0
g++ -std=c++11 -Wall -Wextra -Werror -Wno-psabi -x c++ -O0 main.c -o program && ./program

say the flash of an object is what size says
for target in generic cortex-m0 cortex-m4 cortex-m7 cortex-m55 rv32 rp2350 esp32-c3 aarch64 rv64gcv; do
  "$GRUS" build m.grus --weights=random:1 -o flash.o --target $target >said 2>&1 || { sed "s/^/$target: /" said; continue; }
  said=$(sed -n 's/^flash of the object.*: \([0-9,]*\) bytes/\1/p' said | tr -d ,)
  right=$(size flash.o | awk 'NR == 2 { print $1 + $2 }')
  [ "$said" = "$right" ] || echo "$target: $said, and size says $right"
done
t build m.grus --weights=random:1 -q -o flash.o --target cortex-m4 --max-flash 7KiB | sed 's/[0-9.]* KiB/N KiB/g'

say what does not go together
t build m.grus --weights=random:1 --target multi -o m.o
t build m.grus --weights=random:1 --dispatch -o m.c --scratch=caller
t build m.grus --weights=extern --dispatch -o m.c
t build m.grus --weights=random:1 --dispatch -o m.c --vectors=iso
