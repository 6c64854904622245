/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a model of another framework: refused, or a model that prints. HDF5 keeps the
 * configuration as plain text without a checksum, so that changed bytes reach every part of the
 * reader. */
#include "export/export.h"
#include "import/foreign.h"

#include <setjmp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return 0;
    Sources sources = {.arena = arena};
    Diags *diags = diags_new(arena, &sources);
    ForeignFile file = {.arena = arena, .path = "fuzz", .data = {data, size}};
    ImportOptions options = {0};
    Foreign *foreign = foreign_import(&file, &options, diags);
    if (foreign)
      print_model(arena, foreign->model,
                  &(PrintOrigin){foreign->file->path, foreign->format, foreign->allow_reason},
                  "w.safetensors", ARENA_ARRAY(arena, Layer *, foreign->model->n_layers + 1));
  }
  arena_free(arena);
  return 0;
}
