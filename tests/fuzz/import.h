/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What fuzz targets of imports share: an arena around what they do, and the model printed. */
#ifndef GRUS_TESTS_FUZZ_IMPORT_H
#define GRUS_TESTS_FUZZ_IMPORT_H

#include "export/export.h"
#include "import/foreign.h"

#include <setjmp.h>
#include <string.h>

/* The comparison of the import found other numbers than those of the graph. */
static inline bool fuzz_is_wrong(const Diags *diags) {
  for (const Diag *d = diags->first; d; d = d->next)
    if (d->code == E905 && strstr(d->message, "would not compute")) return true;
  return false;
}

/* Prints what was imported; NULL: it was refused. */
static inline void fuzz_print(Arena *arena, const Foreign *foreign) {
  if (!foreign) return;
  print_model(arena, foreign->model,
              &(PrintOrigin){foreign->file->path, foreign->format, foreign->allow_reason},
              "w.safetensors", ARENA_ARRAY(arena, Layer *, foreign->model->n_layers + 1));
}

typedef void FuzzImport(Arena *arena, const uint8_t *data, size_t size);

static inline int fuzz_in_arena(FuzzImport *import, const uint8_t *data, size_t size) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return 0;
    import(arena, data, size);
  }
  arena_free(arena);
  return 0;
}

#endif
