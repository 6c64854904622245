/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs one candidate over the test vectors of its model, call after call, and prints the largest
 * error against the reference evaluator (float64) in units of 1e-9, and the bytes of stack of one
 * step. cycles.c counts from candidate_step to step_done. */
#include "candidate.h"
#include "vectors.h"

#include <stdint.h>
#include <stdio.h>

enum { OUTPUTS = 4, STACK = 16384, UNTOUCHED = 0xa5 };

__attribute__((noinline)) void step_done(void) {
  __asm volatile("");
}

static uint32_t painted_from;

/* Below the caller's frame. */
__attribute__((noinline)) static void paint_stack(void) {
  painted_from = (uint32_t)(uintptr_t)__builtin_frame_address(0) - 64;
  for (uint32_t at = painted_from - STACK; at < painted_from; at++)
    *(volatile unsigned char *)(uintptr_t)at = UNTOUCHED;
}

static long stack_used(void) {
  uint32_t at = painted_from - STACK;
  while (at < painted_from && *(volatile unsigned char *)(uintptr_t)at == UNTOUCHED)
    at++;
  return (long)(painted_from - at);
}

int main(void) {
  float worst = 0, y[OUTPUTS];
  candidate_reset();
  paint_stack();
  for (int call = 0; call < vector_calls; call++) {
    const float *want = vector_out[0].expected + call * OUTPUTS;
    candidate_step((const float *)((const char *)vector_in[0].data +
                                   (size_t)call * vector_in[0].bytes_per_call),
                   y);
    step_done();
    for (int i = 0; i < OUTPUTS; i++) {
      float error = y[i] < want[i] ? want[i] - y[i] : y[i] - want[i];
      if (!(error <= worst)) worst = error;
    }
  }
  printf("%ld %ld\n", (long)(worst * 1e9f), stack_used());
  return worst <= 1e-5f ? 0 : 1;
}
