/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The instructions of AVX-VNNI that generated C uses, from their description in Intel's manuals,
 * for processors without them: `gcc -D__AVXVNNI__ -include avx_vnni_emulator.h`. */
#ifndef AVX_VNNI_EMULATOR_H
#define AVX_VNNI_EMULATOR_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* VPDPBUSD: to each of n sums the products of four bytes of a, without a sign, and of b, with one.
 */
static inline void emulated_bytes(int n, int32_t *sum, const void *a, const void *b) {
  const uint8_t *x = (const uint8_t *)a;
  const int8_t *y = (const int8_t *)b;
  for (int i = 0; i < n; i++)
    for (int k = 4 * i; k < 4 * i + 4; k++)
      sum[i] = (int32_t)((uint32_t)sum[i] + (uint32_t)(x[k] * y[k]));
}

/* VPDPWSSD: the products of two numbers of 16 bits with a sign. */
static inline void emulated_words(int n, int32_t *sum, const int16_t *x, const int16_t *y) {
  for (int i = 0; i < n; i++)
    for (int k = 2 * i; k < 2 * i + 2; k++)
      sum[i] = (int32_t)((uint32_t)sum[i] + (uint32_t)(x[k] * y[k]));
}

static inline __m128i emulated_dpbusd(__m128i sum, __m128i a, __m128i b) {
  int32_t s[4];
  memcpy(s, &sum, sizeof s);
  emulated_bytes(4, s, &a, &b);
  memcpy(&sum, s, sizeof s);
  return sum;
}

static inline __m256i emulated_256_dpbusd(__m256i sum, __m256i a, __m256i b) {
  int32_t s[8];
  memcpy(s, &sum, sizeof s);
  emulated_bytes(8, s, &a, &b);
  memcpy(&sum, s, sizeof s);
  return sum;
}

static inline __m256i emulated_256_dpwssd(__m256i sum, __m256i a, __m256i b) {
  int32_t s[8];
  int16_t x[16], y[16];
  memcpy(s, &sum, sizeof s);
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  emulated_words(8, s, x, y);
  memcpy(&sum, s, sizeof s);
  return sum;
}

#define _mm_dpbusd_avx_epi32    emulated_dpbusd
#define _mm256_dpbusd_avx_epi32 emulated_256_dpbusd
#define _mm256_dpwssd_avx_epi32 emulated_256_dpwssd

#endif
