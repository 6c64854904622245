/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Merged buffers of a module whose repeated statements became loops. In: a slot for each buffer
 * that is to be a neighbour of others. Out: one buffer for each group of slots, with the numbers of
 * its parts in order, in the place of the first of them; every statement uses it instead. */
#include "kir/share_internal.h"

#include <string.h>

/* Elements from one slot of a merged buffer to the next: whole vectors. */
int64_t share_slot_size(const KirBuffer *b) {
  int64_t whole = b->align / kir_elem_size(b->elem);
  return whole > 1 ? size_whole(b->count, whole) : b->count;
}

/* One buffer for each group; its slots in order. */
typedef struct Merged {
  KirBuffer *buffer;
  int64_t least, slots, size;
} Merged;

static Merged *measure_groups(const Sharing *s) {
  Merged *group = ARENA_ARRAY(s->m->arena, Merged, s->n_groups + 1);
  for (int i = 0; i < s->m->n_buffers; i++) {
    Slot p = s->place[i];
    Merged *g = &group[p.group];
    if (!p.group) continue;
    if (!g->slots || p.at < g->least) g->least = p.at;
    g->slots++;
    g->size = share_slot_size(s->m->buffer[i]);
  }
  return group;
}

static void make_merged(const Sharing *s, Merged *g, const KirBuffer *first) {
  KirBuffer *b = g->buffer = ARENA_NEW(s->m->arena, KirBuffer);
  *b = *first;
  b->count = g->slots * g->size;
  b->rank = b->space == KIR_STATE ? 2 : 1;
  b->dim[0] = b->rank == 2 ? g->slots : b->count;
  b->dim[1] = g->size;
  b->is_per_sample = false;
  if (first->doc)
    b->doc = arena_printf(s->m->arena, "%lld of: %s", (long long)g->slots, first->doc);
  if (first->data) b->data = arena_alloc(s->m->arena, (size_t)kir_bytes(b));
}

/* Merged buffers take the place of the first of theirs, and the others go. */
static void merge_buffers(Sharing *s, Merged *group) {
  KirModule *m = s->m;
  int n = 0;
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    Slot p = s->place[i];
    Merged *g = &group[p.group];
    bool first = p.group && !g->buffer;
    if (first) make_merged(s, g, b);
    if (p.group && b->data) {
      char *to = (char *)(uintptr_t)g->buffer->data;
      size_t size = (size_t)kir_elem_size(b->elem);
      memcpy(to + (size_t)((p.at - g->least) * g->size) * size, b->data, (size_t)b->count * size);
    }
    if (!p.group || first) m->buffer[n++] = p.group ? g->buffer : m->buffer[i];
  }
  m->n_buffers = n;
}

/* Every use of a buffer that was merged. */
static void redirect(const Sharing *s, const Merged *group, Uses *uses) {
  for (int u = 0; u < uses->n; u++) {
    Slot p = s->place[uses->use[u].buffer->id];
    const Merged *g = &group[p.group];
    if (p.group) uses->use[u].at->offset += (p.at - g->least) * g->size;
  }
}

static void replace_in_expr(const Sharing *s, const Merged *group, KirExpr *e) {
  if (!e) return;
  if (e->op == KIR_LOAD && s->place[e->buffer->id].group)
    e->buffer = group[s->place[e->buffer->id].group].buffer;
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    replace_in_expr(s, group, e->arg[i]);
}

static KirBuffer *replaced(const Sharing *s, const Merged *group, KirBuffer *b) {
  return b && s->place[b->id].group ? group[s->place[b->id].group].buffer : b;
}

static void replace_in_list(const Sharing *s, const Merged *group, KirStmt *list) {
  for (KirStmt *x = list; x; x = x->next) {
    x->buffer = replaced(s, group, x->buffer);
    x->source = replaced(s, group, x->source);
    x->bias = replaced(s, group, x->bias);
    x->weights = replaced(s, group, x->weights);
    replace_in_expr(s, group, x->value);
    replace_in_expr(s, group, x->lo);
    replace_in_expr(s, group, x->hi);
    replace_in_list(s, group, x->body);
    replace_in_list(s, group, x->other);
  }
}

/* Zeros beside zeros are one statement. */
static void join_zeros(KirStmt *list) {
  for (KirStmt *x = list; x; x = x->next)
    while (x->kind == KIR_ZERO && x->next && x->next->kind == KIR_ZERO &&
           x->next->buffer == x->buffer && x->at.n_terms == 0 && x->next->at.n_terms == 0 &&
           x->next->at.offset == x->at.offset + x->count) {
      x->count += x->next->count;
      x->next = x->next->next;
    }
}

void share_merge(Sharing *s) {
  KirModule *m = s->m;
  Uses all = {0};
  for (int i = 0; i < m->n_funcs; i++)
    share_list_uses(s, &all, m->func[i]->body);
  Merged *group = measure_groups(s);
  Uses left = share_distinct(s, &all);
  redirect(s, group, &left);
  merge_buffers(s, group);
  for (int i = 0; i < m->n_funcs; i++) {
    replace_in_list(s, group, m->func[i]->body);
    join_zeros(m->func[i]->body);
  }
  for (int i = 0; i < m->n_buffers; i++)
    m->buffer[i]->id = i;
}
