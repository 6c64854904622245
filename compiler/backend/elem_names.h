/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The element types of KIR as the languages of the interfaces call them. */
#ifndef GRUS_BACKEND_ELEM_NAMES_H
#define GRUS_BACKEND_ELEM_NAMES_H

#include "kir/kir.h"

typedef struct ElemNames {
  const char *c, *rust, *go, *cgo, *python;
  /* as the module array and the class memoryview of Python name it; of binary16 NumPy's name too */
  const char *python_code;
} ElemNames;

const ElemNames *elem_names(KirElem elem);
/* `name`, or `name_` if it is one of n words that a language takes for itself. */
const char *name_apart(Arena *arena, const char *name, const char *const *taken, size_t n);

#endif
