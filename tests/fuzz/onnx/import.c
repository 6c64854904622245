/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as an ONNX file: refused, or a model that prints. The last bit of the last byte asks
 * for a stream. */
#include "../import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import(Arena *arena, const uint8_t *data, size_t size) {
  Sources sources = {.arena = arena};
  ForeignFile file = {.arena = arena, .path = "fuzz", .data = {data, size}};
  ImportOptions options = {.stream = size && data[size - 1] & 1};
  fuzz_print(arena, foreign_import(&file, &options, diags_new(arena, &sources)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_in_arena(import, data, size);
}
