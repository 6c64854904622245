/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Letters from the random numbers of whoever runs the module. See random.h. */
#define _DEFAULT_SOURCE /* getentropy */
#include "driver/random.h"

#include <stdint.h>
#include <unistd.h>

void random_letters(char *to) {
  static const char letters[] = RANDOM_ALPHABET;
  static uint8_t count; /* where there are none, at least no name comes twice */
  uint8_t bytes[RANDOM_LETTERS] = {0};
  if (getentropy(bytes, sizeof bytes) != 0) bytes[0] = count++;
  for (int i = 0; i < RANDOM_LETTERS; i++)
    to[i] = letters[bytes[i] & 31];
}
