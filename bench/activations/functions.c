/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "functions.h"

#include <float.h>
#include <math.h>

static double ref_sigmoid(double x) {
  return 1 / (1 + exp(-x));
}
static double ref_softplus(double x) {
  return fmax(0, x) + log1p(exp(-fabs(x)));
}

static double ref_softplus_nan(double x) {
  return isnan(x) ? x : ref_softplus(x);
}

/* The limit at -inf is -0. */
static double ref_gelu(double x) {
  return x == -INFINITY ? -0.0 : 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static double ref_gelu_tanh(double x) {
  double z = 0.79788456080286535588 * x * (1 + 0.044715 * x * x);
  return x == -INFINITY ? -0.0 : x / (1 + exp(-2 * z));
}

/* Constant outside -87 .. 88. */
static double ref_exp_fast(double x) {
  return exp(x < -87 ? -87 : x > 88 ? 88 : x);
}

#define VARIANTS(function) ApplyFn function##_mad, function##_fma;
#define ROW(function, reference, max_ulp, max_abs, low, high)                                      \
  {#function, reference, {function##_mad, function##_fma}, max_ulp, max_abs, low, high}

VARIANTS(grus_tanh)
VARIANTS(grus_sigmoid)
VARIANTS(grus_exp)
VARIANTS(grus_expm1)
VARIANTS(grus_log)
VARIANTS(grus_softplus)
VARIANTS(grus_gelu)
VARIANTS(grus_gelu_tanh)
VARIANTS(grus_sqrt)
VARIANTS(grus_tanh_fast)
VARIANTS(grus_sigmoid_fast)
VARIANTS(grus_exp_fast)

const Activation activations[] = {
    ROW(grus_tanh, tanh, 3.7, 1.55e-7, -1, 1),
    ROW(grus_sigmoid, ref_sigmoid, INFINITY, 1e-7, 0, 1),
    ROW(grus_exp, exp, 1.05, INFINITY, 0, INFINITY),
    ROW(grus_expm1, expm1, 1.75, INFINITY, -1, INFINITY),
    ROW(grus_log, log, 0.96, INFINITY, -INFINITY, INFINITY),
    ROW(grus_softplus, ref_softplus_nan, 2.5, INFINITY, 0, INFINITY),
    ROW(grus_gelu, ref_gelu, 7, 2.4e-7, -0.16998f, INFINITY),
    ROW(grus_gelu_tanh, ref_gelu_tanh, INFINITY, 5.2e-7, -0.17005f, INFINITY),
    ROW(grus_sqrt, sqrt, 0.5, INFINITY, 0, INFINITY),
    ROW(grus_tanh_fast, tanh, 1311, 7.9e-5, -1.00003f, 1.00003f),
    ROW(grus_sigmoid_fast, ref_sigmoid, INFINITY, 4e-5, -1.5e-5f, 1.000015f),
    ROW(grus_exp_fast, ref_exp_fast, 1311, INFINITY, 1.6e-38f, 1.66e38f),
};
const size_t activation_count = sizeof activations / sizeof *activations;

/* Distance of floats around r. */
static double ulp_of(double r) {
  int e;
  frexp(r, &e);
  return ldexp(1, (e < -125 ? -125 : e) - 24);
}

static void measure_one(Measure *m, float x, float y, double r) {
  if (y < m->low) m->low = y;
  if (y > m->high) m->high = y;
  if (isnan(y) && isnan(r)) return;
  float rounded = (float)r;
  double error = y == rounded && isinf(y) ? 0 : fabs((double)y - r);
  if (isnan(error) || isinf(rounded) != isinf(y) || (x == 0 && !signbit(y) != !signbit(r)))
    error = INFINITY;
  double ulp = error / ulp_of(r);
  if (ulp > m->ulp) {
    m->ulp = ulp;
    m->ulp_at = x;
  }
  if (error > m->abs) {
    m->abs = error;
    m->abs_at = x;
  }
}

Measure measure_empty(void) {
  return (Measure){.ulp = 0, .abs = 0, .low = INFINITY, .high = -INFINITY};
}

void measure_merge(Measure *into, const Measure *from) {
  if (from->ulp > into->ulp) {
    into->ulp = from->ulp;
    into->ulp_at = from->ulp_at;
  }
  if (from->abs > into->abs) {
    into->abs = from->abs;
    into->abs_at = from->abs_at;
  }
  into->low = from->low < into->low ? from->low : into->low;
  into->high = from->high > into->high ? from->high : into->high;
}

void measure_range(Measure *m, const Activation *f, uint64_t first, uint64_t end, uint64_t stride) {
  enum { BLOCK = 4096 };
  static _Thread_local float x[BLOCK], y[BLOCK];
  static _Thread_local double r[BLOCK];
  uint64_t at = first;
  while (at < end) {
    size_t n = 0;
    for (; n < BLOCK && at < end; n++, at += stride) {
      union {
        uint32_t i;
        float f;
      } u = {.i = (uint32_t)at};
      x[n] = u.f;
      r[n] = f->reference((double)u.f);
    }
    for (int v = 0; v < VARIANT_COUNT; v++) {
      f->apply[v](x, y, n);
      for (size_t i = 0; i < n; i++)
        measure_one(&m[v], x[i], y[i], r[i]);
    }
  }
}
