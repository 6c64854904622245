/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The static memory plan. In: scratch buffers. After: each has an offset in one scratch area, and
 * two that are live at the same time share no byte.
 *
 * Time is counted in top-level statements of an entry's body, sections and the batch loop opened
 * up: a buffer lives from the first statement that touches it to the last. Buffers are placed
 * largest first, each at the lowest offset free over its life.
 *
 *     a [0..2] 400 bytes, b [1..3] 100, c [3..4] 300   ->   a at 0, b at 400, c at 0; 500 bytes */
#include "kir/kir.h"

#include <stdlib.h>

typedef struct Life {
  KirBuffer *buffer;
  int64_t first, last; /* -1: untouched */
} Life;

typedef struct PlanWalk {
  Life *life; /* by buffer id */
  int64_t now;
} PlanWalk;

static void touch(PlanWalk *w, const KirBuffer *b) {
  if (!b || b->space != KIR_SCRATCH) return;
  Life *l = &w->life[b->id];
  if (l->first < 0) l->first = w->now;
  l->last = w->now;
}

static void walk_expr(PlanWalk *w, const KirExpr *e) {
  if (!e) return;
  if (e->op == KIR_LOAD) touch(w, e->buffer);
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    walk_expr(w, e->arg[i]);
}

static void walk_nested(PlanWalk *w, const KirStmt *list) {
  for (const KirStmt *s = list; s; s = s->next) {
    touch(w, s->buffer);
    touch(w, s->source);
    walk_expr(w, s->value);
    walk_expr(w, s->lo);
    walk_expr(w, s->hi);
    for (int i = 0; i < s->n_args; i++)
      touch(w, s->args[i]);
    walk_nested(w, s->body);
    walk_nested(w, s->other);
  }
}

static void walk_top(PlanWalk *w, KirStmt *list) {
  for (KirStmt *s = list; s; s = s->next) {
    if (s->kind == KIR_SECTION || (s->kind == KIR_FOR && s->independent)) {
      walk_top(w, s->body);
      continue;
    }
    w->now++;
    KirStmt *next = s->next;
    s->next = NULL;
    walk_nested(w, s);
    s->next = next;
  }
}

static int by_size(const void *a, const void *b) {
  const Life *x = a, *y = b;
  if (x->buffer->count != y->buffer->count) return x->buffer->count < y->buffer->count ? 1 : -1;
  return x->buffer->id - y->buffer->id;
}

/* The lowest offset for life[n] that is free of every placed buffer alive with it. */
static int64_t place(const Life *life, int n) {
  const KirBuffer *b = life[n].buffer;
  int64_t align = b->align, at = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < n; i++) {
      const KirBuffer *o = life[i].buffer;
      bool together = life[i].first <= life[n].last && life[n].first <= life[i].last;
      if (!together || at >= o->scratch_offset + kir_bytes(o) ||
          o->scratch_offset >= at + kir_bytes(b))
        continue;
      at = size_whole(o->scratch_offset + kir_bytes(o), align);
      moved = true;
    }
  }
  return at;
}

void kir_plan(KirModule *m) {
  PlanWalk w = {.life = ARENA_ARRAY(m->arena, Life, m->n_buffers)};
  for (int i = 0; i < m->n_buffers; i++)
    w.life[i] = (Life){m->buffer[i], -1, -1};
  for (int i = 0; i < m->n_funcs; i++)
    walk_top(&w, m->func[i]->body);
  int n = 0;
  for (int i = 0; i < m->n_buffers; i++)
    if (w.life[i].first >= 0) w.life[n++] = w.life[i];
  qsort(w.life, (size_t)n, sizeof *w.life, by_size);
  m->scratch_bytes = 0;
  for (int i = 0; i < n; i++) {
    KirBuffer *b = w.life[i].buffer;
    b->scratch_offset = place(w.life, i);
    b->live_from = w.life[i].first;
    b->live_to = w.life[i].last;
    int64_t end = b->scratch_offset + kir_bytes(b);
    if (end > m->scratch_bytes) m->scratch_bytes = end;
    if (b->align > m->scratch_align) m->scratch_align = b->align;
  }
  int64_t align = m->scratch_align;
  m->scratch_bytes = size_whole(m->scratch_bytes, align);
}
