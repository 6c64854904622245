/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The functions in generated code are those of grus_math.h, bit for bit: on every 1021st float, and
 * on every float of the binades around 1. Includes the generated source to reach them. */
#include "core/grus_math.h"
#include "model.c"

#include <stdio.h>

static uint32_t bits_of(float x) {
  return (uint32_t)grus_bits(x);
}

#define CHECK(name)                                                                                \
  do {                                                                                             \
    float a = m_##name##_f32(x), b = grus_##name(x);                                               \
    if (bits_of(a) != bits_of(b) && (a == a || b == b)) {                                          \
      printf(#name "(%.9g): %.9g in generated code, %.9g in grus_math.h\n", (double)x, (double)a,  \
             (double)b);                                                                           \
      return 1;                                                                                    \
    }                                                                                              \
  } while (0)

static int check(uint32_t i) {
  float x = grus_float((int32_t)i);
#ifdef FAST
  CHECK(tanh_fast);
  CHECK(sigmoid_fast);
  CHECK(exp_fast);
#else
  CHECK(tanh);
  CHECK(sigmoid);
  CHECK(exp);
  CHECK(expm1);
  CHECK(log);
  CHECK(softplus);
  CHECK(gelu);
  CHECK(gelu_tanh);
  CHECK(sqrt);
#endif
  return 0;
}

int main(void) {
  for (uint64_t i = 0; i < (uint64_t)1 << 32; i += 1021)
    if (check((uint32_t)i)) return 1;
  for (uint32_t i = 0x3f000000; i < 0x40000000; i += 7)
    if (check(i) || check(i | 0x80000000u)) return 1;
  return 0;
}
