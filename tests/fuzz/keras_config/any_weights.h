/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A configuration of Keras as a file that has every tensor that a layer asks for, of the shape that
 * it needs. */
#ifndef GRUS_TESTS_FUZZ_KERAS_CONFIG_ANY_WEIGHTS_H
#define GRUS_TESTS_FUZZ_KERAS_CONFIG_ANY_WEIGHTS_H

#include "import/weights_file.h"

/* The bytes that the reader takes for such a file. */
Mapped any_weights_file(Arena *arena, const uint8_t *config, size_t size);

#endif
