/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256 by the instructions of x86-64 for it (SHA extensions, in processors since 2016). In: a
 * state and whole blocks. Out: the state after them, the same as that of sha256.c. */
#include "base/sha256.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__wasm__)
#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* Whether the processor has these instructions, and those of SSE4.1. */
static bool is_there(void) {
  static int known; /* 0: not yet asked, 1: no, 2: yes */
  unsigned a, b, c, d;
  if (known) return known == 2;
  bool has = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3) &&
             __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1U << 29);
  known = has ? 2 : 1;
  return has;
}

/* One block. The instructions keep the state as ABEF and CDGH, and compute four rounds at a time of
 * the words w[i]..w[i + 3]. */
WITH_SHA static void add_block(__m128i *abef, __m128i *cdgh, const uint8_t *block) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i first = *abef, second = *cdgh, w[4];
  for (int i = 0; i < 4; i++)
    w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i)), swap);
  for (int i = 0; i < 16; i++) {
    __m128i now = w[i % 4];
    if (i >= 4) {
      __m128i before = w[(i + 3) % 4];
      now = _mm_add_epi32(_mm_sha256msg1_epu32(now, w[(i + 1) % 4]),
                          _mm_alignr_epi8(before, w[(i + 2) % 4], 4));
      now = w[i % 4] = _mm_sha256msg2_epu32(now, before);
    }
    __m128i sum = _mm_add_epi32(
        now, _mm_loadu_si128((const __m128i *)(const void *)(sha256_constant + 4 * i)));
    second = _mm_sha256rnds2_epu32(second, first, sum);
    first = _mm_sha256rnds2_epu32(first, second, _mm_shuffle_epi32(sum, 0x0e));
  }
  *abef = _mm_add_epi32(*abef, first);
  *cdgh = _mm_add_epi32(*cdgh, second);
}

WITH_SHA static void add_blocks(uint32_t state[8], const uint8_t *block, size_t n) {
  __m128i *at = (__m128i *)(void *)state;
  __m128i dcba = _mm_loadu_si128(at), hgfe = _mm_loadu_si128(at + 1);
  __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  for (size_t i = 0; i < n; i++)
    add_block(&abef, &cdgh, block + SHA256_BLOCK * i);
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(at, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(at + 1, _mm_alignr_epi8(dchg, feba, 8));
}

bool sha256_x86_compress(uint32_t state[8], const uint8_t *block, size_t n) {
  if (!is_there()) return false;
  add_blocks(state, block, n);
  return true;
}
#else
bool sha256_x86_compress(uint32_t state[8], const uint8_t *block, size_t n) {
  (void)state;
  (void)block;
  (void)n;
  return false;
}
#endif
