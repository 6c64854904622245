/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* floor, round, erf, sin, cos and atan2 of generated code against the library in double: every
 * 1021st float, and for atan2 a second number drawn at random. Prints the greatest errors; fails
 * where one exceeds its bound, where floor or round is not exact, or where NaN, infinity or an
 * argument that is too large gives anything but what it should. Includes the generated source to
 * reach its functions. */
#include "model.c"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t seed = 1;

/* x times a random number, its sign and size drawn. */
static float partner(float x) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  float u = (float)(int32_t)(seed >> 32) / 2147483648.0f;
  int power = (int)(seed >> 27 & 31) - 16;
  return ldexpf(u, power) * x;
}

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

typedef struct Bound {
  const char *name;
  double most, found; /* of the absolute error */
} Bound;

static Bound bounds[] = {{"floor", 0, 0},  {"round", 0, 0},  {"erf", 2e-7, 0},
                         {"sin", 2e-7, 0}, {"cos", 2e-7, 0}, {"atan2", 4e-7, 0}};
enum { FLOOR, ROUND, ERF, SIN, COS, ATAN2, BOUNDS };
static int failures = 0;

static void compare(int which, float y, double exact) {
  double error = fabs((double)y - exact);
  if (isnan(y) && isnan(exact)) return;
  if (isinf(exact) && (double)y == exact) return;
  if (!(error <= bounds[which].found)) bounds[which].found = error;
}

static void check(float x) {
  double t = (double)x;
  int within = fabs(t) <= 32768;
  float y = partner(x);
  compare(FLOOR, m_floor_f32(x), floor(t));
  compare(ROUND, m_round_f32(x), nearbyint(t));
  compare(ERF, m_erf_f32(x), erf(t));
  compare(SIN, m_sin_f32(x), within ? sin(t) : (double)NAN);
  compare(COS, m_cos_f32(x), within ? cos(t) : (double)NAN);
  compare(ATAN2, m_atan2_f32(y, x), atan2((double)y, t));
}

static void expect(const char *what, float found, double wanted) {
  int same = isnan(wanted) ? isnan(found) : fabs((double)found - wanted) <= 3e-7;
  if (same) return;
  printf("%s: %g, not %g\n", what, (double)found, wanted);
  failures++;
}

int main(void) {
  const float inf = float_of(0x7f800000u), nan = float_of(0x7fc00000u);
  for (uint64_t k = 0; k < (uint64_t)1 << 32; k += 1021) {
    float x = float_of((uint32_t)k);
    if (x == x) check(x);
  }
  expect("erf(inf)", m_erf_f32(inf), 1);
  expect("erf(-inf)", m_erf_f32(-inf), -1);
  expect("erf(NaN)", m_erf_f32(nan), (double)NAN);
  expect("floor(NaN)", m_floor_f32(nan), (double)NAN);
  expect("round(NaN)", m_round_f32(nan), (double)NAN);
  expect("round(2.5)", m_round_f32(2.5f), 2);
  expect("round(-3.5)", m_round_f32(-3.5f), -4);
  expect("sin(NaN)", m_sin_f32(nan), (double)NAN);
  expect("sin(inf)", m_sin_f32(inf), (double)NAN);
  expect("cos(40000)", m_cos_f32(40000), (double)NAN);
  expect("atan2(NaN, 1)", m_atan2_f32(nan, 1), (double)NAN);
  expect("atan2(1, NaN)", m_atan2_f32(1, nan), (double)NAN);
  for (int i = 0; i < 9; i++) {
    const float at[] = {-inf, 0, inf};
    float y = at[i / 3], x = at[i % 3];
    expect("atan2 of 0 and infinities", m_atan2_f32(y, x), atan2((double)y, (double)x));
  }
  expect("atan2(-0, -1)", m_atan2_f32(-0.0f, -1), -3.14159265358979);
  for (int i = 0; i < BOUNDS; i++) {
    printf("%s: %.3g\n", bounds[i].name, bounds[i].found);
    failures += !(bounds[i].found <= bounds[i].most);
  }
  return failures != 0;
}
