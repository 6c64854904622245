/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of temporary files, told from others. */
#include "driver/random.h"

#include <string.h>

bool random_named(const char *name, const char *prefix) {
  size_t n = strlen(prefix);
  return strncmp(name, prefix, n) == 0 && strlen(name) == n + RANDOM_LETTERS &&
         strspn(name + n, RANDOM_ALPHABET) == RANDOM_LETTERS;
}
