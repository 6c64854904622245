/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bounds of bench/activations/functions.c on 2^22 floats spread over all exponents, and results
 * that must be exact. Both meanings of GRUS_MAD. */
#include "functions.h"

#include "core/grus.h"
#include "core/grus_math.h"

#include "core/grus.h" /* as a second generated header would bring it */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const Activation *activation_find(const char *name) {
  for (size_t i = 0; i < activation_count; i++)
    if (strcmp(activations[i].name, name) == 0) return &activations[i];
  fail_msg("no function %s", name);
  return NULL;
}

/* 1021 is prime: the sample meets every exponent and no pattern of low bits. */
static void test_bounds(void **state) {
  (void)state;
  for (size_t i = 0; i < activation_count; i++) {
    const Activation *f = &activations[i];
    Measure m[VARIANT_COUNT] = {measure_empty(), measure_empty()};
    measure_range(m, f, 0, (uint64_t)1 << 32, 1021);
    for (int v = 0; v < VARIANT_COUNT; v++) {
      if (m[v].ulp > f->max_ulp || m[v].abs > f->max_abs)
        fail_msg("%s, variant %d: %g ulp at %.9g, %g at %.9g; its bounds are %g ulp and %g",
                 f->name, v, m[v].ulp, (double)m[v].ulp_at, m[v].abs, (double)m[v].abs_at,
                 f->max_ulp, f->max_abs);
      if (m[v].low < f->low || m[v].high > f->high)
        fail_msg("%s, variant %d: results from %.9g to %.9g, not within %.9g .. %.9g", f->name, v,
                 (double)m[v].low, (double)m[v].high, (double)f->low, (double)f->high);
    }
  }
}

static void test_exact(void **state) {
  static const struct {
    const char *name;
    float x, y;
  } row[] = {
      {"grus_tanh", 0.0f, 0.0f},
      {"grus_tanh", -0.0f, -0.0f},
      {"grus_tanh", INFINITY, 1.0f},
      {"grus_tanh", -INFINITY, -1.0f},
      {"grus_sigmoid", 0.0f, 0.5f},
      {"grus_sigmoid", -0.0f, 0.5f},
      {"grus_sigmoid", INFINITY, 1.0f},
      {"grus_sigmoid", -INFINITY, 0.0f},
      {"grus_exp", 0.0f, 1.0f},
      {"grus_exp", -0.0f, 1.0f},
      {"grus_exp", INFINITY, INFINITY},
      {"grus_exp", -INFINITY, 0.0f},
      {"grus_exp", 88.73f, INFINITY},
      {"grus_exp", -103.0f, 1.4012985e-45f},
      {"grus_exp", -104.0f, 0.0f},
      {"grus_expm1", 0.0f, 0.0f},
      {"grus_expm1", -0.0f, -0.0f},
      {"grus_expm1", 1e-40f, 1e-40f},
      {"grus_expm1", INFINITY, INFINITY},
      {"grus_expm1", -INFINITY, -1.0f},
      {"grus_log", 1.0f, 0.0f},
      {"grus_log", 0.0f, -INFINITY},
      {"grus_log", -0.0f, -INFINITY},
      {"grus_log", -1.0f, NAN},
      {"grus_log", -INFINITY, NAN},
      {"grus_log", INFINITY, INFINITY},
      {"grus_softplus", INFINITY, INFINITY},
      {"grus_softplus", -INFINITY, 0.0f},
      {"grus_gelu", 0.0f, 0.0f},
      {"grus_gelu", -0.0f, -0.0f},
      {"grus_gelu", INFINITY, INFINITY},
      {"grus_gelu", -INFINITY, 0.0f},
      {"grus_gelu_tanh", 0.0f, 0.0f},
      {"grus_gelu_tanh", -0.0f, -0.0f},
      {"grus_gelu_tanh", INFINITY, INFINITY},
      {"grus_gelu_tanh", -INFINITY, -0.0f},
      {"grus_sqrt", 0.0f, 0.0f},
      {"grus_sqrt", -0.0f, -0.0f},
      {"grus_sqrt", -1.0f, NAN},
      {"grus_sqrt", -INFINITY, NAN},
      {"grus_sqrt", INFINITY, INFINITY},
      {"grus_sqrt", 2.0f, 1.41421354f},
      {"grus_sqrt", 1.4012985e-45f, 3.74339207e-23f},
      {"grus_tanh_fast", -0.0f, -0.0f},
      {"grus_sigmoid_fast", 0.0f, 0.5f},
  };
  (void)state;
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    const Activation *f = activation_find(row[i].name);
    for (int v = 0; v < VARIANT_COUNT; v++) {
      float y;
      f->apply[v](&row[i].x, &y, 1);
      int same = isnan(row[i].y) ? isnan(y) : y == row[i].y && !signbit(y) == !signbit(row[i].y);
      if (!same)
        fail_msg("%s(%g), variant %d: %.9g, not %.9g", f->name, (double)row[i].x, v, (double)y,
                 (double)row[i].y);
    }
  }
}

/* Quiet NaNs with either sign and any payload, and a signalling one. */
static void test_nan(void **state) {
  static const uint32_t pattern[] = {0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff,
                                     0x7fc00001, 0xffd55555, 0x7f800001, 0xffaaaaaa};
  (void)state;
  for (size_t i = 0; i < activation_count; i++)
    for (size_t k = 0; k < sizeof pattern / sizeof *pattern; k++)
      for (int v = 0; v < VARIANT_COUNT; v++) {
        float x, y;
        memcpy(&x, &pattern[k], sizeof x);
        activations[i].apply[v](&x, &y, 1);
        if (!isnan(y))
          fail_msg("%s(NaN 0x%08x), variant %d: %g", activations[i].name, (unsigned)pattern[k], v,
                   (double)y);
      }
}

/* One ulp of the product above the 1.75 of grus_expm1. */
static void test_elu(void **state) {
  static const float alpha[] = {1.0f, 0.5f, 1.75809934f};
  (void)state;
  for (size_t k = 0; k < sizeof alpha / sizeof *alpha; k++) {
    for (float x = -20.0f; x < 0; x += 0.0078125f) {
      double exact = (double)alpha[k] * expm1((double)x);
      double error = fabs((double)grus_elu(x, alpha[k]) - exact);
      if (error > 4 * 5.9604644775390625e-8 * fabs(exact))
        fail_msg("elu(%g, %g) is off by %g", (double)x, (double)alpha[k], error);
    }
    assert_true(grus_elu(3.25f, alpha[k]) == 3.25f);
    assert_true(isinf(grus_elu(INFINITY, alpha[k])));
    assert_true(grus_elu(-INFINITY, alpha[k]) == -alpha[k]);
    assert_true(signbit(grus_elu(-0.0f, alpha[k])));
    assert_true(isnan(grus_elu(NAN, alpha[k])));
  }
}

static float sum_of_49(const float x[GRUS_N(49)][2]) {
  float sum = 0;
  for (int i = 0; i < 49; i++)
    sum += x[i][0] + x[i][1];
  return sum;
}

/* GRUS_N declares a parameter of any rank; the codes are distinct and only success is 0. */
static void test_interface(void **state) {
  static const int code[] = {GRUS_OK, GRUS_BAD_INDEX, GRUS_BAD_LENGTH, GRUS_NO_OUTPUT};
  static const float x[49][2] = {[48] = {1, 2}};
  (void)state;
  assert_true(sum_of_49(x) == 3);
  for (int i = 0; i < 4; i++)
    assert_int_equal(code[i], i);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bounds), cmocka_unit_test(test_exact),     cmocka_unit_test(test_nan),
      cmocka_unit_test(test_elu),    cmocka_unit_test(test_interface),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
