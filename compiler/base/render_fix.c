/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Applying fixes to source text. */
#include "base/render.h"

#include <stdlib.h>

static int edit_order(const void *a, const void *b) {
  const FixEdit *x = a, *y = b;
  if (x->span.begin != y->span.begin) return x->span.begin < y->span.begin ? -1 : 1;
  return (x->span.end > y->span.end) - (x->span.end < y->span.end);
}

/* Source with sorted edits applied. */
static const char *edits_apply(Arena *arena, const Source *source, const FixEdit *edits, size_t n,
                               size_t *len) {
  Text out = text_new(arena);
  size_t at = 0;
  for (size_t i = 0; i < n; i++) {
    text_add_n(&out, source->text + at, edits[i].span.begin - at);
    text_add(&out, edits[i].text);
    at = edits[i].span.end;
  }
  text_add_n(&out, source->text + at, source->len - at);
  *len = out.len;
  return text_str(&out);
}

const char *fix_apply(Arena *arena, const Source *source, const Fix *fix, size_t *len) {
  FixEdit *edits = ARENA_ARRAY(arena, FixEdit, fix->n_edits + 1);
  size_t n = 0;
  for (size_t i = 0; i < fix->n_edits; i++)
    if (fix->edits[i].span.file == source->id) edits[n++] = fix->edits[i];
  qsort(edits, n, sizeof *edits, edit_order);
  return edits_apply(arena, source, edits, n, len);
}

static bool edits_touch(const FixEdit *a, const FixEdit *b) {
  return a->span.begin <= b->span.end && b->span.begin <= a->span.end;
}

const char *diags_apply_sure(const Diags *diags, const Source *source, size_t *len,
                             size_t *n_applied) {
  FixEdit *edits = NULL;
  size_t n = 0, cap = 0;
  *n_applied = 0;
  for (const Diag *d = diags->first; d; d = d->next) {
    const Fix *fix = NULL; /* the first sure fix: a second one would be a choice */
    for (size_t i = 0; i < d->n_fixes && !fix; i++)
      if (d->fixes[i]->kind == FIX_SURE && d->fixes[i]->n_edits) fix = d->fixes[i];
    bool free_of_others = fix != NULL;
    for (size_t i = 0; fix && i < fix->n_edits; i++) {
      free_of_others &= fix->edits[i].span.file == source->id;
      for (size_t j = 0; j < n; j++)
        free_of_others &= !edits_touch(&fix->edits[i], &edits[j]);
    }
    if (!free_of_others) continue;
    for (size_t i = 0; i < fix->n_edits; i++)
      ARENA_PUSH(diags->arena, edits, n, cap, fix->edits[i]);
    ++*n_applied;
  }
  if (n) qsort(edits, n, sizeof *edits, edit_order);
  return edits_apply(diags->arena, source, edits, n, len);
}
