/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a statement touches: each load, lookup and store of a buffer is a use, in the order of its
 * text. In: KIR. Out: lists of uses; arguments of calls are marked as fixed, for a function finds
 * its buffers by their place. */
#include "kir/share_internal.h"

#include <stdlib.h>
#include <string.h>

void share_add_use(Sharing *s, Uses *to, KirBuffer *b, KirIndex *at) {
  if (!b) return;
  Use use = {b, at, false};
  ARENA_PUSH(s->m->arena, to->use, to->n, to->cap, use);
}

static void expr_uses(Sharing *s, Uses *to, KirExpr *e) {
  if (!e) return;
  if (e->op == KIR_LOAD) share_add_use(s, to, e->buffer, &e->at);
  if (e->op == KIR_LOOKUP) share_add_use(s, to, e->buffer, NULL);
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    expr_uses(s, to, e->arg[i]);
}

/* What it reads, then what it writes. */
void share_stmt_uses(Sharing *s, Uses *to, KirStmt *x) {
  expr_uses(s, to, x->value);
  expr_uses(s, to, x->lo);
  expr_uses(s, to, x->hi);
  share_add_use(s, to, x->source, &x->from);
  share_add_use(s, to, x->bias, &x->bias_at);
  share_add_use(s, to, x->weights, &x->weights_at);
  share_add_use(s, to, x->buffer, &x->at);
  if (x->kind == KIR_STORE || x->kind == KIR_COPY || x->kind == KIR_ZERO)
    to->use[to->n - 1].writes = true;
  for (int i = 0; i < x->n_args; i++)
    s->is_fixed[x->args[i]->id] = true;
  int before = to->n;
  share_list_uses(s, to, x->body);
  share_list_uses(s, to, x->other);
  for (int u = before; u < to->n && x->kind == KIR_IF; u++)
    to->use[u].writes = false;
}

void share_list_uses(Sharing *s, Uses *to, KirStmt *list) {
  for (KirStmt *x = list; x; x = x->next)
    share_stmt_uses(s, to, x);
}

static int by_index(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)((const Use *)a)->at, y = (uintptr_t)((const Use *)b)->at;
  return x < y ? -1 : x > y;
}

/* Each index once: an expression may stand in two places of a tree. */
Uses share_distinct(const Sharing *s, const Uses *from) {
  Uses to = {ARENA_ARRAY(s->m->arena, Use, from->n + 1), 0, 0};
  if (!from->n) return to;
  Use *sorted = ARENA_ARRAY(s->m->arena, Use, from->n);
  memcpy(sorted, from->use, (size_t)from->n * sizeof *sorted);
  qsort(sorted, (size_t)from->n, sizeof *sorted, by_index);
  for (int i = 0; i < from->n; i++)
    if (sorted[i].at && (i == 0 || sorted[i].at != sorted[i - 1].at)) to.use[to.n++] = sorted[i];
  return to;
}
