/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wake word on a Cortex-M4. In a product the features come from the microphone, one vector
 * every 20 ms; here they are read from test.npy, which QEMU passes on by semihosting. First the
 * self-test compares the arithmetic of this processor with the reference evaluator's. Prints when
 * the score rises above a half, and how many wake words of test.csv were heard. */
#include "wake.h"

#include <stdio.h>

enum {
  FEATURES = 20,
  FRAME_MS = 20,
  NPY_HEADER = 128, /* of version 1.0 as NumPy writes it for a small shape */
  PATIENCE = 15,    /* frames after its end in which a wake word counts as heard */
  PAUSE = 25,       /* frames after an alarm without another one */
  MOST_WORDS = 64
};

static int read_ends(int *end) {
  FILE *file = fopen("test.csv", "r");
  int n = 0;
  if (!file) return -1;
  while (n < MOST_WORDS && fscanf(file, "%d", &end[n]) == 1)
    n++;
  fclose(file);
  return n;
}

/* Marks the wake word that an alarm belongs to; 0: it belongs to none. */
static int belongs(int frame, const int *end, int n, char *heard) {
  for (int i = 0; i < n; i++) {
    if (frame < end[i] - PATIENCE || frame >= end[i] + PATIENCE) continue;
    heard[i] = 1;
    return 1;
  }
  return 0;
}

int main(void) {
  static wake_state state;
  static char heard[MOST_WORDS];
  int end[MOST_WORDS], words = read_ends(end), frame = 0, quiet_until = 0, wrong = 0, right = 0;
  float features[FEATURES], score;
  int wrong_layer = wake_selftest();
  if (wrong_layer != 0) {
    printf("the self-test returns %d: see grus verify wake.grus --selftest=%d\n", wrong_layer,
           wrong_layer);
    return 1;
  }
  FILE *file = fopen("test.npy", "rb");
  if (!file || words < 0 || fseek(file, NPY_HEADER, SEEK_SET) != 0) {
    printf("test.npy and test.csv have to be in this folder\n");
    return 1;
  }
  wake_reset(&state);
  for (; fread(features, sizeof features, 1, file) == 1; frame++) {
    wake_step(&state, features, &score);
    if (score < 0.5f || frame < quiet_until) continue;
    quiet_until = frame + PAUSE;
    int fits = belongs(frame, end, words, heard);
    wrong += !fits;
    printf("%6d ms  score %d %%%s\n", frame * FRAME_MS, (int)(score * 100),
           fits ? "" : "  false alarm");
  }
  fclose(file);
  for (int i = 0; i < words; i++)
    right += heard[i];
  printf("%d of %d wake words, %d false alarms in %d s\n", right, words, wrong,
         frame * FRAME_MS / 1000);
  return 0;
}
