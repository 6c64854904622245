/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints what the model makes of one fixed input, whose last step is (10, 100). */
#include "gauge.h"

#include <stdio.h>

int main(void) {
  float x[4][2] = {{1, 2}, {3, 4}, {5, 6}, {10, 100}};
  float y[1];
  gauge_run((const float(*)[2])x, y);
  printf("%g\n", (double)y[0]);
  return 0;
}
