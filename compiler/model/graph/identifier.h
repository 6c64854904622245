/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of the language out of names that need not be: "conv1d/BiasAdd:0" becomes
 * "conv1d_BiasAdd". */
#ifndef GRUS_MODEL_IDENTIFIER_H
#define GRUS_MODEL_IDENTIFIER_H

#include "base/arena.h"

#include <stdbool.h>

/* The letters, digits and `_` of name, beginning with a letter. It may still be reserved. */
char *identifier_clean(Arena *arena, const char *name);
/* The language, or the C that grus prints, uses the name itself. */
bool identifier_reserved(const char *name);
/* A name that is clean and not reserved. */
const char *identifier_of(Arena *arena, const char *wanted);

#endif
