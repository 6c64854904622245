/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The fused multiply-add of generated code for compilers without one, against the C library's, bit
 * for bit: every triple of a list of hard numbers, and random triples whose product and term are
 * near each other, so that the sum lies near halves and cancels. */
#include HEADER

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TRIPLES = 1000000 };

static uint32_t bits(float f) {
  uint32_t i;
  memcpy(&i, &f, sizeof i);
  return i;
}

static float from(uint32_t i) {
  float f;
  memcpy(&f, &i, sizeof f);
  return f;
}

static uint32_t next(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 32);
}

/* Whether both are the same, a NaN being any NaN. */
static int agrees(float a, float b, float c) {
  float ours = FMA(a, b, c), right = fmaf(a, b, c);
  if (bits(ours) == bits(right) || (ours != ours && right != right)) return 1;
  printf("fma(%a, %a, %a) is %a, not %a\n", (double)a, (double)b, (double)c, (double)ours,
         (double)right);
  return 0;
}

int main(void) {
  static const uint32_t hard[] = {
      0x00000000, 0x00000001, 0x00000002, 0x00000003, 0x007fffff, 0x00800000, 0x00800001,
      0x00ffffff, 0x1f800000, 0x20000001, 0x33800000, 0x33800001, 0x337fffff, 0x34000000,
      0x3effffff, 0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3f800002,
      0x3fffffff, 0x40000000, 0x4b000001, 0x4b7fffff, 0x5f7fffff, 0x5f800000, 0x7f000000,
      0x7f7ffffe, 0x7f7fffff, 0x7f800000, 0x7fc00000};
  int n = (int)(sizeof hard / sizeof *hard), good = 1;
  for (int i = 0; i < 8 * n * n * n && good; i++) {
    uint32_t a = hard[i / 8 % n] | (uint32_t)(i & 1) << 31,
             b = hard[i / 8 / n % n] | (uint32_t)(i >> 1 & 1) << 31;
    good = agrees(from(a), from(b), from(hard[i / 8 / n / n] | (uint32_t)(i >> 2 & 1) << 31));
  }
  uint64_t state = 1;
  for (int i = 0; i < TRIPLES && good; i++) {
    uint32_t a = next(&state), b = next(&state), c = next(&state);
    if (i & 1) { /* the term's exponent within 64 of the product's */
      int exponent =
          (int)(a >> 23 & 255) + (int)(b >> 23 & 255) - 127 + (int)(next(&state) % 128) - 64;
      exponent = exponent < 0 ? 0 : exponent > 254 ? 254 : exponent;
      c = (c & 0x807fffffu) | (uint32_t)exponent << 23;
      if (i & 2) c &= 0xfffff000u;
      if (i & 4) a &= 0xfffff000u;
    }
    good = agrees(from(a), from(b), from(c));
  }
  return good ? 0 : 1;
}
