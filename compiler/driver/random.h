/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Letters that nobody can guess, for names of temporary files. */
#ifndef GRUS_DRIVER_RANDOM_H
#define GRUS_DRIVER_RANDOM_H

#include <stdbool.h>

#define RANDOM_ALPHABET "abcdefghijklmnopqrstuvwxyz234567"
enum { RANDOM_LETTERS = 12 }; /* of 32: 60 bits */

/* Writes RANDOM_LETTERS letters and digits to `to`, without a NUL. */
void random_letters(char *to);
/* Whether a name is the prefix and such letters. */
bool random_named(const char *name, const char *prefix);

#endif
