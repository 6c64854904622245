/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes through the formatter: what it accepts keeps its meaning and its comments, and is
 * formatted already when it comes out. */
#include "front/front.h"
#include "front/tree_equal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Arena *volatile arena;

static void check(const char *text, size_t len) {
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  const Source *before = sources_add(&sources, "before.grus", text, len);
  const char *once = format(arena, before, diags);
  if (!once) {
    if (diags->n_errors == 0) abort();
    return;
  }
  const Source *after = sources_add(&sources, "after.grus", once, strlen(once));
  const char *twice = format(arena, after, diags);
  if (!twice || strcmp(once, twice) != 0) abort();
  if (!tree_equal(parse(arena, before, diags), parse(arena, after, diags))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  jmp_buf oom;
  arena = arena_new(&oom);
  if (!arena) return 0;
  if (setjmp(oom) == 0) check(arena_strndup(arena, (const char *)data, size), size);
  arena_free(arena);
  return 0;
}
