/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What tap.go and tap.py do, in C. */
#include "tap.h"

#include <stdio.h>

int main(void) {
  static tap_state state;
  float x[3], y[2];
  tap_reset(&state);
  for (int t = 0; t < 4; t++) {
    for (int i = 0; i < 3; i++)
      x[i] = (float)(t * 3 + i) * 0.125f;
    printf("%d ", tap_step(&state, x, 2, y));
    printf("%.9g %.9g\n", (double)y[0], (double)y[1]);
  }
  printf("%d\n", tap_step(&state, x, 4, y));
  return 0;
}
