/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a model of another framework: refused, or a model that prints. HDF5 keeps the
 * configuration as plain text without a checksum, so that changed bytes reach every part of the
 * reader. */
#include "../import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import(Arena *arena, const uint8_t *data, size_t size) {
  Sources sources = {.arena = arena};
  ForeignFile file = {.arena = arena, .path = "fuzz", .data = {data, size}};
  ImportOptions options = {0};
  fuzz_print(arena, foreign_import(&file, &options, diags_new(arena, &sources)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_in_arena(import, data, size);
}
