/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Emulates the instructions of AVX-VNNI that generated C uses, after their description in Intel's
 * Software Developer's Manual, on processors that lack them:
 * `gcc -D__AVXVNNI__ -include avx_vnni_emulator.h`. */
#ifndef AVX_VNNI_EMULATOR_H
#define AVX_VNNI_EMULATOR_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* VPDPBUSD: adds to each of n sums of 32 bits the products of four unsigned bytes of a with four
 * signed bytes of b. */
static inline void emulated_bytes(int n, void *sum, const void *a, const void *b) {
  const uint8_t *x = (const uint8_t *)a;
  const int8_t *y = (const int8_t *)b;
  for (int i = 0; i < n; i++) {
    uint32_t s;
    memcpy(&s, (char *)sum + 4 * i, sizeof s);
    for (int k = 4 * i; k < 4 * i + 4; k++)
      s += (uint32_t)(x[k] * y[k]);
    memcpy((char *)sum + 4 * i, &s, sizeof s);
  }
}

static inline __m128i emulated_dpbusd(__m128i sum, __m128i a, __m128i b) {
  emulated_bytes(4, &sum, &a, &b);
  return sum;
}

static inline __m256i emulated_256_dpbusd(__m256i sum, __m256i a, __m256i b) {
  emulated_bytes(8, &sum, &a, &b);
  return sum;
}

/* VPDPWSSD: the products of two numbers of 16 bits with a sign. */
static inline __m256i emulated_256_dpwssd(__m256i sum, __m256i a, __m256i b) {
  uint32_t s[8];
  int16_t x[16], y[16];
  memcpy(s, &sum, sizeof s);
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  for (int k = 0; k < 16; k++)
    s[k / 2] += (uint32_t)(x[k] * y[k]);
  memcpy(&sum, s, sizeof s);
  return sum;
}

#define _mm_dpbusd_avx_epi32    emulated_dpbusd
#define _mm256_dpbusd_avx_epi32 emulated_256_dpbusd
#define _mm256_dpwssd_avx_epi32 emulated_256_dpwssd

#endif
