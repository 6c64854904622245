/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors in JSON that is parsed already. */
#ifndef GRUS_IMPORT_TENSORS_JSON_TENSORS_H
#define GRUS_IMPORT_TENSORS_JSON_TENSORS_H

#include "import/import.h"

#include <jansson.h>

/* An object whose values are arrays of numbers of one shape each. NULL with *reason. */
TensorFile *json_tensors_of(Arena *arena, json_t *object, const char **reason);

#endif
