/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding to 16 bits: every binary16 and bfloat16 comes back as itself, and between two neighbours
 * the nearer is taken, the even one of two equally near. */
#include "model/bind/weights.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static float value(TensorElem elem, uint16_t bits) {
  uint8_t bytes[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
  Tensor t = {.elem = elem, .count = 1, .data = bytes};
  return (float)tensor_get(&t, 0);
}

/* Every magnitude up to the largest number and the steps between. */
static void check(TensorElem elem, uint16_t (*round)(float), uint16_t largest) {
  for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000)
    for (uint32_t i = 0; i < largest; i++) {
      uint16_t here = (uint16_t)(sign | i), next = (uint16_t)(sign | (i + 1));
      float a = value(elem, here), b = value(elem, next);
      float middle = (float)(((double)a + (double)b) / 2); /* exact: one bit more than 16 have */
      assert_int_equal(round(a), here);
      assert_int_equal(round(middle), i % 2 ? next : here);
      assert_int_equal(round(nextafterf(middle, a)), here);
      assert_int_equal(round(nextafterf(middle, b)), next);
    }
}

static void halves(void **state) {
  (void)state;
  check(TENSOR_F16, half_of, 0x7bff);
  assert_int_equal(half_of(65504.0f), 0x7bff);
  assert_int_equal(half_of(65519.0f), 0x7bff);
  assert_int_equal(half_of(65520.0f), 0x7c00);
  assert_int_equal(half_of(-INFINITY), 0xfc00);
  assert_true(isnan(value(TENSOR_F16, half_of(NAN))));
}

static void bfloats(void **state) {
  (void)state;
  check(TENSOR_BF16, bfloat_of, 0x7f7f);
  assert_int_equal(bfloat_of(INFINITY), 0x7f80);
  assert_int_equal(bfloat_of(3.4028234e38f), 0x7f80);
  assert_true(isnan(value(TENSOR_BF16, bfloat_of(NAN))));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(halves), cmocka_unit_test(bfloats)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
