/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Letters from the system's random numbers. See random.h. */
#include "driver/random.h"

#include <stdint.h>
#include <windows.h>
/* after windows.h, whose types it uses */
#include <bcrypt.h>

void random_letters(char *to) {
  static const char letters[] = RANDOM_ALPHABET;
  static uint8_t count; /* where there are none, at least no name comes twice */
  uint8_t bytes[RANDOM_LETTERS] = {0};
  if (BCryptGenRandom(NULL, bytes, sizeof bytes, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0)
    bytes[0] = count++;
  for (int i = 0; i < RANDOM_LETTERS; i++)
    to[i] = letters[bytes[i] & 31];
}
