/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Letters that nobody can guess, for names of temporary files. */
#ifndef GRUS_DRIVER_RANDOM_H
#define GRUS_DRIVER_RANDOM_H

enum { RANDOM_LETTERS = 12 }; /* of 32: 60 bits */

/* Writes RANDOM_LETTERS letters and digits to `to`, without a NUL. */
void random_letters(char *to);

#endif
