/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as the configuration of a Keras model with weights of any shape (any_weights.h):
 * refused with a message, or a model that prints and agrees with the graph of its configuration. */
#include "any_weights.h"

#include "../import.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The comparison of the import found other numbers than those of the graph. */
static bool is_wrong(const Diags *diags) {
  for (const Diag *d = diags->first; d; d = d->next)
    if (d->code == E905 && strstr(d->message, "would not compute")) return true;
  return false;
}

static void import(Arena *arena, const uint8_t *data, size_t size) {
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena, .path = "fuzz", .data = any_weights_file(arena, data, size)};
  ImportOptions options = {0};
  Foreign *foreign = foreign_import(&file, &options, diags);
  if (is_wrong(diags) || (!foreign && !diags->n_errors)) __builtin_trap();
  fuzz_print(arena, foreign);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_in_arena(import, data, size);
}
