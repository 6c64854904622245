/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What generated functions refuse, and that state and outputs are untouched then. Built against
 * refuses.grus (model.h). */
#include "model.h"

#include <stdio.h>
#include <string.h>

#define EXPECT(test)                                                                               \
  do {                                                                                             \
    if (!(test)) {                                                                                 \
      printf("line %d: " #test "\n", __LINE__);                                                    \
      return 1;                                                                                    \
    }                                                                                              \
  } while (0)

int main(void) {
  static uint16_t words[10];
  static float x[10][2], y[10][3], last[3];
  for (int i = 0; i < 10; i++) {
    words[i] = 299;
    x[i][0] = 1;
    y[i][0] = y[i][1] = y[i][2] = 7;
  }
  last[0] = 7;
  EXPECT(refuses_run(0, words, x, y, last) == GRUS_BAD_LENGTH);
  EXPECT(refuses_run(2, words, x, y, last) == GRUS_BAD_LENGTH); /* no window of 3 */
  EXPECT(refuses_run(11, words, x, y, last) == GRUS_BAD_LENGTH);
  EXPECT(refuses_run((size_t)-1, words, x, y, last) == GRUS_BAD_LENGTH);
  EXPECT(last[0] == 7 && y[0][0] == 7 && y[9][2] == 7);
  words[3] = 300;
  EXPECT(refuses_run(4, words, x, y, last) == GRUS_BAD_INDEX);
  EXPECT(last[0] == 7 && y[0][0] == 7);
  EXPECT(refuses_run(3, words, x, y, last) == GRUS_OK); /* beyond the length nothing is read */
  EXPECT(last[0] != 7 && y[0][0] != 7);
  for (int i = 3; i < 10; i++)
    EXPECT(y[i][0] == 0 && y[i][1] == 0 && y[i][2] == 0);
  words[3] = 65535;
  EXPECT(refuses_run(10, words, x, y, last) == GRUS_BAD_INDEX);
  return 0;
}
