/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Printing a Model, in two halves. Private to print_*.c. */
#ifndef GRUS_IMPORT_PRINT_MODEL_H
#define GRUS_IMPORT_PRINT_MODEL_H

#include "import/foreign.h"

/* What the text calls things. By id; NULL: inside a chain. */
typedef struct Names {
  const char *model;
  const char **in, **out;
  const char **value; /* of main results and inputs that have a name of their own */
} Names;

Names names_choose(Arena *arena, const Model *model);
/* "x", "enc.h" */
const char *names_of(Arena *arena, const Names *names, const Value *value);

/* A name of the language out of one that need not be. */
const char *print_name(Arena *arena, const char *wanted);

#endif
