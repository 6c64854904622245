#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# build.sh GRUS MODELS yes|no: what `grus build --backend=llvm` makes of models, and what a compiler
# without LLVM ("no") says.
set -eu
grus=$1 models=$2 llvm=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
  echo "$*"
  exit 1
}

# build OUT MODEL OPTION...
build() {
  out=$1 model=$2
  shift 2
  "$grus" build "$models/$model.grus" --weights=random:7 -o "$out" -q "$@"
}

# refused TEXT OUT MODEL OPTION...: exit code 1, no file, and TEXT in what is said
refused() {
  text=$1 file=$2
  shift
  code=0
  build "$@" 2>said || code=$?
  [ $code = 1 ] || fail "$*: exit code $code"
  grep -q "$text" said || fail "$*: does not say $text: $(cat said)"
  [ ! -e "$file" ] || fail "$*: left $file"
}

if [ "$llvm" = no ]; then
  for out in a.o a.s a.ll a.bc; do
    refused 'E805.*built without LLVM' $out gru_stream --backend=llvm
  done
  exit 0
fi

# begins FILE HEX: its first bytes
begins() {
  found=$(od -An -tx1 -N$((${#2} / 2)) "$1" | tr -d ' \n')
  [ "$found" = "$2" ] || fail "$1 begins with $found, not with $2"
}

# Every machine, from here: the magic number of the object and its machine code (ELF: e_machine).
object() {
  build "$1.o" gru_stream --target="$1" ${3-}
  begins "$1.o" "$2"
  [ "$2" != 7f454c46 ] || [ "$(od -An -tu2 -j18 -N2 "$1.o" | tr -d ' ')" = "$4" ] || fail "$1: not for machine $4"
}
object cortex-m0 7f454c46 '' 40
object cortex-m4 7f454c46 '' 40
object cortex-m55 7f454c46 '' 40
object thumbv8m.main-none-eabi 7f454c46 '' 40
object armv7-linux-gnueabihf 7f454c46 '' 40
object rv32 7f454c46 '' 243
object rv64gcv 7f454c46 '' 243
object riscv64-linux-gnu 7f454c46 '' 243
object aarch64-linux-gnu 7f454c46 '' 183
object x86_64-linux-gnu 7f454c46 '' 62
object avr-none 7f454c46 --cpu=atmega2560 83
object wasm32-unknown-unknown 0061736d
object aarch64-apple-darwin cffaedfe
object x86_64-pc-windows-msvc 6486

# Every kind of file.
build a.ll gru_stream --backend=llvm
grep -q '^define .*@gru_stream_step(' a.ll || fail 'a.ll does not define gru_stream_step'
! grep -qE ' (fast|nnan|contract|reassoc|afn) ' a.ll || fail 'a.ll has fast-math flags'
build a.bc gru_stream --backend=llvm
begins a.bc 4243c0de
build a.s gru_stream --target=cortex-m4 -Os
grep -q '^gru_stream_step:' a.s || fail 'a.s has no label gru_stream_step'
build a.a gru_stream --backend=llvm
begins a.a 213c617263683e0a
[ -f a.h ] || fail 'a.a came without a.h'
refused 'E805.*xtensa' x.o gru_stream --target=xtensa-none-elf

# Line tables lead to the line of the layer.
build g.o gru_stream --backend=llvm -g
line=$(grep -n 'GRU(' "$models/gru_stream.grus" | cut -d: -f1)
objdump --dwarf=decodedline g.o | grep -qE "^gru_stream.grus +$line " || fail "no line $line in $(objdump --dwarf=decodedline g.o)"

# Programs.
"$grus" verify "$models/lstm_both.grus" --weights=random:7 --backend=llvm >said || fail "verify: $(cat said)"
"$grus" verify "$models/window.grus" --weights=random:7 --backend=llvm --cpu=native -O3 >said || fail "verify: $(cat said)"

# The interface in every form: memory of the caller, weights at run time, batches, other names.
cat >main.c <<'C'
#include <stdio.h>
#include <string.h>
#include "model.h"
int main(void) {
  static float x[2][6], h[2][12], y[2][2], scratch[M_SCRATCH + 1];
  static _Alignas(64) float weights[M_WEIGHT_BYTES / sizeof(float)];
  static m_state s;
  for (unsigned i = 0; i < sizeof weights / sizeof *weights; i++) weights[i] = (float)(i * 37 % 101 - 50) / 200;
  for (int i = 0; i < 12; i++) h[0][i] = h[1][i] = (float)i / 16;
  memset(&s, 0x55, sizeof s);
  m_reset(&s, h);
  for (int t = 0; t < 5; t++) {
    for (int i = 0; i < 12; i++) x[i / 6][i % 6] = (float)((i + t) * 29 % 17 - 8) / 8;
    m_step(&s, x, y, weights, scratch);
    for (int i = 0; i < 4; i++) printf("%a\n", (double)y[i / 2][i % 2]);
  }
  return 0;
}
C
for backend in c llvm; do
  mkdir $backend
  "$grus" build "$models/gru_stream.grus" --weights=extern --batch=2 --scratch=caller --prefix=m \
    --backend=$backend -o $backend/model.o -q
  cc -I$backend main.c $backend/model.o -o $backend/main -lm
  $backend/main >$backend/out
done
cmp c/out llvm/out || fail 'the two backends differ with extern weights in a batch'

# A learned start state: reset reads the weights at run time.
cat >start.c <<'C'
#include <stdio.h>
#include "model.h"
int main(void) {
  static float x[3] = {0.5f, -1, 0.25f}, y[2];
  static _Alignas(64) float weights[M_WEIGHT_BYTES / sizeof(float)];
  static m_state s;
  for (unsigned i = 0; i < sizeof weights / sizeof *weights; i++) weights[i] = (float)(i * 37 % 101 - 50) / 200;
  m_reset(&s, weights);
  for (int t = 0; t < 3; t++) {
    m_step(&s, x, y, weights);
    printf("%a %a\n", (double)y[0], (double)y[1]);
  }
  return 0;
}
C
for backend in c llvm; do
  "$grus" build "$models/learned_stream.grus" --weights=extern --prefix=m --backend=$backend -o $backend/model.o -q
  cc -I$backend start.c $backend/model.o -o $backend/start -lm
  $backend/start >$backend/out
done
cmp c/out llvm/out || fail 'the two backends differ with an extern start state'

# A feature that the target implies and the user takes back is not used.
for pair in aarch64-dotprod:-dotprod x86-64-v3-vnni:-avxvnni x86-64-v4-vnni:-avx512vnni; do
  build off.o learned_stream --precision=i8 --backend=llvm --target="${pair%:*}" --features="${pair#*:}"
done
