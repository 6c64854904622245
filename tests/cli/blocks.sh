#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Weights at run time: blocks of every kind of code give the bits of weights in the code.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1

model m {
  allow state_never_reset
  in  x : f32[time .., 3]
  out y : f32[time .., 2] = x |> Conv1D(5, 3, padding=causal) |> BatchNorm |> LSTM(18, init=learned) |> Dense(2)
}
END
sed 's/^model m {/model m {\n  precision f16/' m.grus >half.grus
cat >main.c <<'END'
#include <stdio.h>
#include <string.h>
#include "code.h"
#include "baked.h"
static unsigned char block[1 << 16];
int main(void) {
  FILE *file = fopen("w.bin", "rb");
  size_t n = fread(block, 1, sizeof block, file);
  code_state a;
  baked_state b;
  float x[3], y[2], z[2];
  int same = 1;
  fclose(file);
  printf("%d", code_weights_check(block, n));
  code_reset(&a, block);
  baked_reset(&b);
  for (int t = 0; t < 40; t++) {
    for (int k = 0; k < 3; k++) x[k] = (float)((t * 7 + k * 3) % 11) * 0.2f - 1.0f;
    code_step(&a, x, y, block);
    baked_step(&b, x, z);
    same = same && memcmp(y, z, sizeof y) == 0;
  }
  block[n - 1] ^= 1;
  block[n - 70] ^= 1;
  printf(" %s %d", same ? "same bits" : "differs", code_weights_check(block, n));
  block[16] ^= 1;
  printf(" %d %d\n", code_weights_check(block, n), code_weights_check(block, 20));
  return 0;
}
END
try() { # MODEL, options of build and weights
  model=$1
  shift
  q build $model.grus --weights=extern -q --prefix code "$@" -o code.$kind
  q build $model.grus --weights=random:5 -q --prefix baked "$@" -o baked.$kind
  q weights $model.grus --weights=random:5 -q "$@" -o w.bin
  gcc -std=c99 -Wall -Wextra -Wconversion -Werror -Wno-psabi -O1 -ffp-contract=off main.c code.$kind baked.$kind -o main && ./main
}
say C and machine code
kind=c
try m
try m --target x86-64-v2
try half --target x86-64-v2
try m --target cortex-m4
try m --precision w8
kind=o
if [ "$(uname -m)" = x86_64 ]; then try m --target x86-64-v2 && try half --target x86-64-v2; else try m && try half; fi

say what a block is
t weights m.grus --weights=random:5 -o w.bin | sed 's/code .*/code HASH/'
t weights m.grus --weights=random:5 --target cortex-m7 -o other.bin | sed 's/code .*/code HASH/'
cmp w.bin other.bin >same || echo "another order, or another code"
head -c 8 w.bin | od -An -c
"$GRUS" weights m.grus --weights=random:5 -q -o - | cmp - w.bin

say what cannot be
t weights m.grus --weights=random:5
t weights m.grus --weights=extern -o w.bin
t weights m.grus --weights=random:5 --target multi -o w.bin
t weights m.grus -o w.bin
t weights nothere.grus -o w.bin
t weights m.grus --weights=random:5 -o nothere/w.bin
