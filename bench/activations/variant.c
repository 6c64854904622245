/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every function over an array; built once for each meaning of GRUS_MAD, with VARIANT as suffix. */
#include <stddef.h>

#ifdef VARIANT_ROUNDS_ONCE
#define GRUS_MAD(a, b, c) __builtin_fmaf(a, b, c)
#else
#define GRUS_MAD(a, b, c) ((a) * (b) + (c))
#endif
#include "core/grus_math.h"

#define JOIN2(a, b) a##_##b
#define JOIN(a, b)  JOIN2(a, b)
#define APPLY(function)                                                                            \
  void JOIN(function, VARIANT)(const float *x, float *y, size_t n);                                \
  void JOIN(function, VARIANT)(const float *x, float *y, size_t n) {                               \
    for (size_t i = 0; i < n; i++)                                                                 \
      y[i] = function(x[i]);                                                                       \
  }

APPLY(grus_tanh)
APPLY(grus_sigmoid)
APPLY(grus_exp)
APPLY(grus_expm1)
APPLY(grus_log)
APPLY(grus_softplus)
APPLY(grus_gelu)
APPLY(grus_gelu_tanh)
APPLY(grus_sqrt)
APPLY(grus_tanh_fast)
APPLY(grus_sigmoid_fast)
APPLY(grus_exp_fast)
