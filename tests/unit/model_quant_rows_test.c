/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows of weights as integers: those that are integers with a scale already come out as they went
 * in, others as the nearest of 127 steps. */
#include "model/quant/quant_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ROWS = 3, DEPTH = 6 };

/* What a file of integers holds: a scale a row; the last row uses few of its steps, and gets a
 * finer scale of which they are whole multiples. */
static const int integer[ROWS][DEPTH] = {
    {127, -126, 3, 0, 64, -1}, {-100, 99, 7, -7, 50, 1}, {5, -3, 0, 2, 1, -4}};
static const double scale[ROWS] = {0.0031415926, 0.0123456, 0.04};
static const int times[ROWS] = {1, 1, 25};

static QuantPart made(Arena *arena, double noise, int bits, bool to_float) {
  double *w = ARENA_ARRAY(arena, double, (ROWS * DEPTH)), *b = ARENA_ARRAY(arena, double, ROWS);
  for (int r = 0; r < ROWS; r++)
    for (int k = 0; k < DEPTH; k++)
      w[r * DEPTH + k] =
          (double)(float)(integer[r][k] * scale[r] + noise * scale[r] * sin(1 + k + 7 * r));
  PartSpec spec = {
      .rows = ROWS, .depth = DEPTH, .w = w, .b = b, .bits = bits, .out = 1, .to_float = to_float};
  spec.x = (QuantFormat){.bits = 8, .scale = 1.0 / 64, .low = -128, .high = 127, .inverse = 64};
  return quant_part_make(arena, &spec, quant_part_fraction(&spec, 20));
}

static void check_kept(Arena *arena, int bits, bool to_float) {
  QuantPart part = made(arena, 0, bits, to_float);
  for (int r = 0; r < ROWS; r++)
    for (int k = 0; k < DEPTH; k++)
      assert_int_equal(part.w[r * DEPTH + k], integer[r][k] * times[r]);
  for (int r = 0; r < ROWS;
       r++) /* m is whole: its rounding moves the scale by half of one at most */
    assert_true(fabs(part.scale[r] * times[r] / scale[r] - 1) <
                (to_float ? 1e-6 : 0.51 / part.m[r]));
  assert_true(quant_part_fits(&part));
}

static void integers_are_kept(void **state) {
  jmp_buf oom;
  (void)state;
  if (setjmp(oom)) fail();
  Arena *arena = arena_new(&oom);
  check_kept(arena, 8, true);
  check_kept(arena, 8, false);
  check_kept(arena, 16, true);
  arena_free(arena);
}

/* Off the grid, the largest weight of a row is 127 steps. */
static void others_use_all_steps(void **state) {
  jmp_buf oom;
  (void)state;
  if (setjmp(oom)) fail();
  Arena *arena = arena_new(&oom);
  QuantPart part = made(arena, 1, 8, true);
  for (int r = 0; r < ROWS; r++) {
    int most = 0;
    for (int k = 0; k < DEPTH; k++)
      most = part.w[r * DEPTH + k] > most    ? part.w[r * DEPTH + k]
             : -part.w[r * DEPTH + k] > most ? -part.w[r * DEPTH + k]
                                             : most;
    assert_int_equal(most, 127);
  }
  arena_free(arena);
}

/* |bias| + the sum of |w| times the largest operand is 2^31 - 1 and fits; one unit more does not.
 */
static void one_unit_over_is_too_much(void **state) {
  static const int16_t w[4] = {127, -127, 100, 0};
  static const int operand_bits[] = {8, 16};
  (void)state;
  for (int i = 0; i < 2; i++) {
    QuantPart part = {.rows = 1, .depth = 4, .bits = 8, .w = w, .x = {.bits = operand_bits[i]}};
    int32_t products = (127 + 127 + 100) * (i ? 32768 : 128);
    int32_t room = INT32_MAX - products, fits[] = {room, -room}, over[] = {room + 1, -room - 1};
    for (int k = 0; k < 2; k++) {
      part.bias = &fits[k];
      assert_true(quant_part_fits(&part));
      part.bias = &over[k];
      assert_false(quant_part_fits(&part));
    }
    int32_t half = INT32_MAX / 2 - products; /* shifted left by one: 2^31 - 2, then 2^31 */
    part.bias = &half;
    part.shift = 1;
    assert_true(quant_part_fits(&part));
    half++;
    assert_false(quant_part_fits(&part));
  }
}

/* The zero of 8 bits is one of their values whatever the range is, so zeros stay exact. */
static void zero_points_are_inside(void **state) {
  static const double range[][2] = {{3, 5},      {-5, -3}, {0, 1e-30},   {-1e-30, 0},
                                    {0, 1},      {-1, 0},  {1e30, 1e38}, {-1e38, -1e30},
                                    {-1e-38, 2}, {0, 0},   {-7, 1e-12},  {-3, 250}};
  (void)state;
  for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
    QuantFormat f = quant_format_of_range(range[i][0], range[i][1], 8, true);
    assert_true(f.zero >= f.low && f.zero <= f.high && f.zero == floor(f.zero));
    assert_true(f.scale > 0 && isfinite(f.scale));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_are_kept), cmocka_unit_test(others_use_all_steps),
      cmocka_unit_test(one_unit_over_is_too_much), cmocka_unit_test(zero_points_are_inside)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
