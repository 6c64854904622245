/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What GRU and LSTM make of their sums over one division, against the formulas in double: every
 * 4093rd float as the sum that goes through tanh, the other gates and states drawn at random.
 * Prints the greatest errors; fails where one exceeds its bound, or where infinity or NaN gives
 * anything but the limit or NaN. Includes the generated source to reach its functions. */
#include "model.c"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 1;

/* Uniform in -reach .. reach; 1 of 16 is beyond all saturation. */
static float draw(float reach) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  float u = (float)(int32_t)(seed >> 32) / 2147483648.0f;
  return (seed >> 28 & 15) == 0 ? u * 1e6f : u * reach;
}

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

typedef struct Bound {
  const char *name;
  double most, found;
} Bound;

/* Measured with products rounded, and fused: 9.64e-8, 9.01e-8; 2.97e-7, 2.92e-7; 2.48e-7, 2.46e-7;
 * 3.12e-7, 2.95e-7. A sigmoid alone is within 1e-7 in every use. */
static Bound bounds[] = {
    {"sigmoid", 1e-7, 0}, {"c", 3.1e-7, 0}, {"h of LSTM", 2.6e-7, 0}, {"h of GRU", 3.2e-7, 0}};

/* scale: of what the error is taken */
static void compare(int which, float y, double exact, double scale) {
  double error = fabs((double)y - exact) / scale;
  if (!(error <= bounds[which].found)) bounds[which].found = error;
}

static void check(float x) {
  float i = draw(12), f = draw(12), o = draw(12), c = draw(4), h = draw(1);
  if (h > 1 || h < -1) h = h > 0 ? 1 : -1;
  float di = m_sigmoid_divisor_f32(i), df = m_sigmoid_divisor_f32(f), d = m_sigmoid_divisor_f32(o);
  compare(0, 1 / m_sigmoid_divisor_f32(x), sigmoid(x), 1);
  compare(1, m_lstm_state_f32(x, di, df, c), sigmoid(f) * c + sigmoid(i) * tanh(x),
          1 + fabs((double)c));
  compare(2, m_tanh_over_f32(x, d), sigmoid(o) * tanh(x), 1);
  compare(3, m_gru_state_f32(x, d, h), sigmoid(o) * h + sigmoid(-(double)o) * tanh(x), 1);
}

int main(void) {
  float nan = nanf("");
  for (uint64_t k = 0; k < (uint64_t)1 << 32; k += 4093) {
    uint32_t bits = (uint32_t)k;
    float x;
    memcpy(&x, &bits, sizeof x);
    if (x == x) check(x);
  }
  for (float x = -12; x < 12; x += 1e-5f)
    check(x);
  int failed = 0;
  for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
    printf("%s: %.3g\n", bounds[k].name, bounds[k].found);
    failed |= !(bounds[k].found <= bounds[k].most);
  }
  float one = m_sigmoid_divisor_f32(0);
  failed |= one != 2 || m_lstm_state_f32(nan, one, one, 0) == m_lstm_state_f32(nan, one, one, 0) ||
            m_tanh_over_f32(nan, one) == m_tanh_over_f32(nan, one) ||
            m_gru_state_f32(0, one, nan) == m_gru_state_f32(0, one, nan);
  return failed;
}
