/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What all renderings share: place, level, notes. */
#include "base/render.h"

const char *diag_place(const Diag *diag, Place *place) {
  const Source *source = sources_get(diag->diags->sources, diag->span.file);
  *place = (Place){0, 0};
  if (!source) return diag->file ? diag->file : "";
  *place = source_place(diag->diags->sources, source, diag->span.begin);
  return source->path;
}

const char *diag_level_name(const Diag *diag) {
  static const char *const name[] = {"error", "warning", "note"};
  return name[diag->level];
}

size_t diag_all_notes(const Diag *diag, const char ***notes) {
  const DiagInfo *info = &diag_info[diag->code];
  size_t n = diag->n_notes;
  const char **all = ARENA_ARRAY(diag->diags->arena, const char *, n + 1);
  for (size_t i = 0; i < n; i++)
    all[i] = diag->notes[i];
  if (info->name)
    all[n++] =
        arena_printf(diag->diags->arena, "`allow %s` in the model silences this", info->name);
  *notes = all;
  return n;
}
