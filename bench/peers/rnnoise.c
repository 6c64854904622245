/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The network of RNNoise 0.1, a frame a call: its own C and what grus makes of its weights, in
 * turn, in one process. Built by hand, with the sources of RNNoise 0.1 beside; rnnoise.grus is in
 * tests/conformance/written.
 *
 *   grus import weights_float.npz --config rnnoise.grus -o net.grus
 *   grus build net.grus --target=native --prefix net -o net.o
 *   cc -O3 -march=native -IRNNOISE/src -IRNNOISE/include -I. rnnoise.c RNNOISE/src/rnn.c
 *      RNNOISE/src/rnn_data.c net.o -lm -o rnnoise
 */
#include "net.h"
#include "rnn.h"
#include "rnn_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FRAMES = 500, FEATURES = 42, BANDS = 22, ROUNDS = 60 };

static net_state state __attribute__((aligned(64)));

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(void) {
  static float x[FRAMES][FEATURES];
  float gain[2][BANDS], voice[2][1];
  double took[2][ROUNDS], apart = 0;
  RNNState theirs = {{0}, {0}, {0}};
  net_reset(&state);
  for (int k = 0; k < FRAMES; k++)
    for (int i = 0; i < FEATURES; i++)
      x[k][i] = (float)sin(k * 0.3 + i * i * 0.7) * (i < 6 ? 2 : 0.5f);
  for (int n = 0; n < ROUNDS; n++) {
    double from = now();
    for (int k = 0; k < FRAMES; k++)
      compute_rnn(&theirs, gain[0], voice[0], x[k]);
    took[0][n] = (now() - from) / FRAMES;
    from = now();
    for (int k = 0; k < FRAMES; k++)
      net_step(&state, x[k], gain[1], voice[1]);
    took[1][n] = (now() - from) / FRAMES;
    for (int i = 0; i < BANDS; i++)
      apart = fmax(apart, fabs((double)gain[0][i] - (double)gain[1][i]));
  }
  for (int i = 0; i < 2; i++)
    qsort(took[i], ROUNDS, sizeof took[i][0], by_size);
  printf("a frame: its own C %.0f ns, grus %.0f ns, ratio %.1f; difference %.0e\n",
         took[0][ROUNDS / 2], took[1][ROUNDS / 2], took[0][ROUNDS / 2] / took[1][ROUNDS / 2],
         apart);
  return 0;
}
