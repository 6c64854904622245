/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints the bits of what ops_run computes from zeros of both signs, infinities, NaN, subnormals,
 * the largest numbers and random bits. Every NaN goes in quiet and prints alike: what becomes of a
 * signalling one, and of payloads, is no promise. */
#include "ops.h"

#include <stdio.h>
#include <string.h>

enum { N = 64, ROWS = 64 };

static float a[N], b[N], c[N], y[ROWS * N], rest[N];

static uint32_t next(void) {
  static uint32_t x = 2463534242u;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return x;
}

static void fill(float *to, int round) {
  static const uint32_t special[] = {0,          0x80000000, 0x3f800000, 0xbf800000,
                                     0x7f800000, 0xff800000, 0x7fc00000, 1,
                                     0x80000001, 0x007fffff, 0x7f7fffff, 0xff7fffff};
  for (int i = 0; i < N; i++) {
    uint32_t u = next();
    if (round == 0) u = special[u % 12];
    if (round >= 2) u = (u & 0x807fffff) | (0x3d000000 + (u >> 9) % 0x04000000); /* 2^-5 to 2^3 */
    if ((u & 0x7fffffff) > 0x7f800000) u |= 0x00400000;
    memcpy(&to[i], &u, 4);
  }
}

static void print(const float *x, int n) {
  for (int i = 0; i < n; i++) {
    uint32_t u;
    memcpy(&u, &x[i], 4);
    if ((u & 0x7fffffff) > 0x7f800000)
      printf("nan ");
    else
      printf("%08x ", (unsigned)u);
    if (i % 8 == 7) printf("\n");
  }
}

int main(void) {
  for (int round = 0; round < 5; round++) {
    fill(a, round);
    fill(b, round);
    fill(c, round);
    ops_run(a, b, c, y, rest);
    print(y, ROWS * N);
    print(rest, N);
  }
  return 0;
}
