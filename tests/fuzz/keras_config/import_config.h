/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Imports a configuration of Keras with weights of any shape (any_weights.h): it is refused with a
 * message, or a model that prints and agrees with the graph of the configuration. */
#ifndef GRUS_TESTS_FUZZ_KERAS_CONFIG_IMPORT_CONFIG_H
#define GRUS_TESTS_FUZZ_KERAS_CONFIG_IMPORT_CONFIG_H

#include "any_weights.h"

#include "../import.h"

static inline void import_config(Arena *arena, const uint8_t *data, size_t size) {
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena, .path = "fuzz", .data = any_weights_file(arena, data, size)};
  ImportOptions options = {0};
  Foreign *foreign = foreign_import(&file, &options, diags);
  if (fuzz_is_wrong(diags) || (!foreign && !diags->n_errors)) __builtin_trap();
  fuzz_print(arena, foreign);
}

#endif
