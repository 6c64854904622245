/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Printing a Model, in two halves. Private to print_*.c. */
#ifndef GRUS_EXPORT_PRINT_MODEL_H
#define GRUS_EXPORT_PRINT_MODEL_H

#include "export/export.h"

/* What the text calls things. By id; NULL: inside a chain. */
typedef struct Names {
  const char *model;
  const char **in, **out;
  const char **value; /* of main results and inputs that have a name of their own */
} Names;

Names names_choose(Arena *arena, const Model *model);
/* "x", "enc.h" */
const char *names_of(Arena *arena, const Names *names, const Value *value);

#endif
