/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A few steps of layer.h on invented numbers: instructions are counted from layer_step to
 * step_done. Prints a checksum of the outputs and, on RISC-V, the instructions of the last step. */
#include "layer.h"
#include "ports.h"

#include <stdio.h>

enum { CALLS = 3 };

static layer_state state;
static Input x[D];
static float y[OUTPUTS];

__attribute__((noinline)) void step_done(void) {
  __asm volatile("");
}

static uint32_t retired(void) {
  uint32_t n = 0;
#ifdef __riscv
  __asm volatile("rdinstret %0" : "=r"(n));
#endif
  return n;
}

int main(void) {
  uint32_t seed = 1, sum = 2166136261u, count = 0;
  layer_reset(&state);
  for (int t = 0; t < CALLS; t++) {
    for (int i = 0; i < D; i++) {
      seed = seed * 1664525u + 1013904223u;
      x[i] = (Input)(((float)(int)(seed >> 16 & 1023) / 512.0f - 1.0f) * (float)UNITS);
    }
    uint32_t before = retired();
    layer_step(&state, x, y);
    count = retired() - before;
    step_done();
    for (int i = 0; i < OUTPUTS; i++)
      sum = (sum ^ (uint32_t)(int32_t)(y[i] * 32768.0f)) * 16777619u;
  }
  printf("%08lx %lu\n", (unsigned long)sum, (unsigned long)count);
  return 0;
}
