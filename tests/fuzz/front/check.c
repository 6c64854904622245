/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes through the parser and everything `grus check` does with a model: no crash, and either
 * a model or a diagnostic. */
#include "base/render.h"
#include "front/front.h"
#include "model/infer/infer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checked in the middle of unwinding: volatile. */
static Arena *volatile arena;

static void check(const char *text, size_t len) {
  Sources sources = {.arena = arena};
  const Source *source = sources_add(&sources, "fuzz.grus", text, len);
  Diags *diags = diags_new(arena, &sources);
  Define define = {"n", "4", false};
  ResolveOptions options = {.define = &define, .n_defines = 1};
  Node *tree = parse(arena, source, diags);
  Program *program = resolve(arena, source, tree, &options, diags);
  for (int i = 0; i < program->n_models; i++) {
    bool ok = model_infer(program->model[i], diags);
    if (!ok && diags->n_errors == 0) abort();
    model_lint(program->model[i], diags);
  }
  diags_sort(diags);
  Text text_out = text_new(arena);
  int n = 0;
  for (const Diag *d = diags->first; d && n < 20; d = d->next, n++)
    render_human(&text_out, d, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  jmp_buf oom;
  arena = arena_new(&oom);
  if (!arena) return 0;
  if (setjmp(oom) == 0) check(arena_strndup(arena, (const char *)data, size), size);
  arena_free(arena);
  return 0;
}
