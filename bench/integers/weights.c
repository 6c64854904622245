/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the weights of an LSTM in 8 bits cost at least: every vector of them is read once and
 * multiplied by VPDPBUSD into one of 16 sums, and nothing else is done.
 *
 *     gcc -O2 -march=x86-64-v4 -mavx512vnni bench/integers/weights.c -o weights && ./weights 128
 * 256
 *
 * In: numbers of units, as many as inputs. Out: microseconds of a step, the least of many. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUMS = 16, VECTOR = 64, ROUNDS = 3000, GATES = 4, PARTS = 2 };

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static __m512i multiply(const unsigned char *w, size_t bytes, __m512i x) {
  __m512i sum[SUMS], all = _mm512_setzero_si512();
  for (int i = 0; i < SUMS; i++)
    sum[i] = all;
  for (size_t at = 0; at < bytes; at += (size_t)SUMS * VECTOR)
    for (int i = 0; i < SUMS; i++)
      sum[i] = _mm512_dpbusd_epi32(sum[i], x, _mm512_load_si512(w + at + (size_t)i * VECTOR));
  for (int i = 0; i < SUMS; i++)
    all = _mm512_add_epi32(all, sum[i]);
  return all;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    size_t units = (size_t)atoi(argv[i]), bytes = PARTS * GATES * units * units;
    unsigned char *w = aligned_alloc(VECTOR, (bytes + 1023) / 1024 * 1024);
    if (!w) return 1;
    memset(w, 1, bytes);
    __m512i total = _mm512_set1_epi32(1);
    double best = 1e9;
    for (int k = 0; k < ROUNDS; k++) {
      double start = now();
      total = multiply(w, bytes, total);
      double took = now() - start;
      if (took < best) best = took;
    }
    printf("%zu units, %zu KB: %.2f microseconds (%d)\n", units, bytes / 1024, best,
           _mm_cvtsi128_si32(_mm512_castsi512_si128(total)) & 1);
    free(w);
  }
  return 0;
}
