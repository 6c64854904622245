/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The baseline: the formulas as one writes them down, with the C library's expf and tanhf. D, H:
 * inputs and units; GRU: reset after, else LSTM. */
#include "candidate.h"
#include "weights.h"

#include <math.h>

#ifdef GRU
enum { GATES = 3 };
#else
enum { GATES = 4 };
static float c[H];
#endif
static float h[H];

static float sigmoid(float x) {
  return 1.0f / (1.0f + expf(-x));
}

static float row(const float *w, const float *x, int n) {
  float sum = 0;
  for (int k = 0; k < n; k++)
    sum += w[k] * x[k];
  return sum;
}

void candidate_reset(void) {
  for (int u = 0; u < H; u++) {
    h[u] = 0;
#ifndef GRU
    c[u] = 0;
#endif
  }
}

void candidate_step(const float *x, float *y) {
  float of_x[GATES][H], of_h[GATES][H];
  for (int g = 0; g < GATES; g++)
    for (int u = 0; u < H; u++) {
      of_x[g][u] = bias_0[g * H + u] + row(kernel_0 + (g * H + u) * D, x, D);
      of_h[g][u] = row(recurrent_kernel_0 + (g * H + u) * H, h, H);
    }
  for (int u = 0; u < H; u++) {
#ifdef GRU
    float z = sigmoid(of_x[0][u] + of_h[0][u] + recurrent_bias_0[u]);
    float r = sigmoid(of_x[1][u] + of_h[1][u] + recurrent_bias_0[H + u]);
    float n = tanhf(of_x[2][u] + r * (of_h[2][u] + recurrent_bias_0[2 * H + u]));
    h[u] = (1.0f - z) * n + z * h[u];
#else
    float i = sigmoid(of_x[0][u] + of_h[0][u]);
    float f = sigmoid(of_x[1][u] + of_h[1][u]);
    float g = tanhf(of_x[2][u] + of_h[2][u]);
    float o = sigmoid(of_x[3][u] + of_h[3][u]);
    c[u] = f * c[u] + i * g;
    h[u] = o * tanhf(c[u]);
#endif
  }
  for (int i = 0; i < 4; i++)
    y[i] = bias_1[i] + row(kernel_1 + i * H, h, H);
}
