/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of the language, made of names in other frameworks, which may contain anything:
 * "conv1d/BiasAdd:0" becomes "conv1d_BiasAdd". */
#ifndef GRUS_MODEL_IDENTIFIER_H
#define GRUS_MODEL_IDENTIFIER_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a name may contain the character: an ASCII letter, a digit or `_`. */
bool identifier_has(char c);
/* The length of the name that a text begins with; 0: it begins with none. */
size_t identifier_length(const char *s);
/* A copy of name in which every character that a name cannot contain is `_`, which begins with a
 * letter, and which has at most 42 characters. It may be a reserved word. */
char *identifier_clean(Arena *arena, const char *name);
/* Whether the language, or the C that grus prints, uses the name for itself. */
bool identifier_reserved(const char *name);
/* The clean form of `wanted`, with `_1` after it if that is reserved. */
const char *identifier_of(Arena *arena, const char *wanted);

#endif
