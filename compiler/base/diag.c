/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building diagnostics. Counting, lint levels and promotion happen here, once. */
#include "base/diag.h"

#include "base/safe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const DiagInfo diag_info[DIAG_CODE_COUNT] = {
#define DIAG(code, summary)       [code] = {#code, NULL, summary, LEVEL_ERROR},
#define LINT(code, lint, summary) [code] = {#code, #lint, summary, LEVEL_WARNING},
#include "base/diag.def"
#undef DIAG
#undef LINT
};

DiagCode diag_code_find(const char *code_or_name) {
  int i = 0;
  while (i < DIAG_CODE_COUNT && strcasecmp(diag_info[i].code, code_or_name) != 0 &&
         !(diag_info[i].name && strcmp(diag_info[i].name, code_or_name) == 0))
    i++;
  return (DiagCode)i;
}

Diags *diags_new(Arena *arena, Sources *sources) {
  Diags *diags = ARENA_NEW(arena, Diags);
  diags->arena = arena;
  diags->sources = sources;
  diags->last = &diags->first;
  return diags;
}

Diag *diag_new(Diags *diags, DiagCode code, Span at, const char *format, ...) {
  Diag *d = ARENA_NEW(diags->arena, Diag);
  va_list args;
  va_start(args, format);
  d->message = safe_vprintf(diags->arena, format, args);
  va_end(args);
  d->code = code;
  d->span = at;
  d->diags = diags;
  d->level = diag_info[code].level;
  if (d->level == LEVEL_WARNING && diags->lint[code] < 0) return d;
  if (d->level == LEVEL_WARNING && (diags->werror_all || diags->werror[code])) {
    d->level = LEVEL_ERROR;
    d->promoted = true;
    diags->n_promoted++;
  }
  if (d->level == LEVEL_ERROR)
    diags->n_errors++;
  else
    diags->n_warnings++;
  *diags->last = d;
  diags->last = &d->next;
  return d;
}

void diag_primary(Diag *diag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  diag->label = safe_vprintf(diag->diags->arena, format, args);
  va_end(args);
}

void diag_label(Diag *diag, Span at, const char *format, ...) {
  if (!span_valid(at)) return;
  va_list args;
  va_start(args, format);
  DiagLabel label = {at, safe_vprintf(diag->diags->arena, format, args)};
  va_end(args);
  ARENA_PUSH(diag->diags->arena, diag->labels, diag->n_labels, diag->cap_labels, label);
}

void diag_note(Diag *diag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *note = safe_vprintf(diag->diags->arena, format, args);
  va_end(args);
  ARENA_PUSH(diag->diags->arena, diag->notes, diag->n_notes, diag->cap_notes, note);
}

void diag_step(Diag *diag, Span at, const char *code, const char *shape, const char *note) {
  Arena *arena = diag->diags->arena;
  DiagStep step = {at, safe_line(arena, code), safe_line(arena, shape), safe_line(arena, note)};
  ARENA_PUSH(diag->diags->arena, diag->trace, diag->n_trace, diag->cap_trace, step);
}

Fix *diag_fix(Diag *diag, FixKind kind, const char *format, ...) {
  Fix *fix = ARENA_NEW(diag->diags->arena, Fix);
  va_list args;
  va_start(args, format);
  fix->title = safe_vprintf(diag->diags->arena, format, args);
  va_end(args);
  fix->kind = kind;
  fix->diags = diag->diags;
  ARENA_PUSH(diag->diags->arena, diag->fixes, diag->n_fixes, diag->cap_fixes, fix);
  return fix;
}

void fix_edit(Fix *fix, Span at, const char *format, ...) {
  if (!span_valid(at)) return;
  va_list args;
  va_start(args, format);
  FixEdit edit = {at, arena_vprintf(fix->diags->arena, format, args)};
  va_end(args);
  ARENA_PUSH(fix->diags->arena, fix->edits, fix->n_edits, fix->cap, edit);
}

static bool diag_before(const Diag *a, const Diag *b) {
  if (a->span.file != b->span.file) return a->span.file < b->span.file;
  return a->span.begin < b->span.begin;
}

/* Merge sort of a list; stable. */
static Diag *diag_list_sort(Diag *list) {
  if (!list || !list->next) return list;
  Diag *slow = list, *fast = list->next;
  while (fast && fast->next) {
    slow = slow->next;
    fast = fast->next->next;
  }
  Diag *b = diag_list_sort(slow->next);
  slow->next = NULL;
  Diag *a = diag_list_sort(list), *sorted = NULL, **tail = &sorted;
  while (a && b) {
    Diag **from = diag_before(b, a) ? &b : &a;
    *tail = *from;
    tail = &(*tail)->next;
    *from = (*from)->next;
  }
  *tail = a ? a : b;
  return sorted;
}

void diags_sort(Diags *diags) {
  diags->first = diag_list_sort(diags->first);
  diags->last = &diags->first;
  while (*diags->last)
    diags->last = &(*diags->last)->next;
}
