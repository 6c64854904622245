/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors in a JSON object. */
#ifndef GRUS_IMPORT_TENSORS_JSON_TENSORS_H
#define GRUS_IMPORT_TENSORS_JSON_TENSORS_H

#include "import/weights_file.h"

#include <jansson.h>

/* The tensors of an object whose values are nested arrays of numbers. NULL with *reason. */
TensorFile *json_tensors_of(Arena *arena, json_t *object, const char **reason);

#endif
