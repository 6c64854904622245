/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* maximum, minimum, atan2 and select: one step. In vectors where all operands lie in one piece. */
#include "lower/lower_internal.h"

enum { MOST_OPERANDS = 5 }; /* the result is the first */

static KirExpr *value_of(Emit *e, const Layer *layer, KirReg *const *v) {
  Kb *kb = &e->kb;
  if (layer->kind == LAYER_maximum) return farther(kb, KIR_MAX, kb_use(kb, v[0]), v[1]);
  if (layer->kind == LAYER_minimum) return farther(kb, KIR_MIN, kb_use(kb, v[0]), v[1]);
  if (layer->kind == LAYER_select)
    return kb_select(kb, kb_op2(kb, KIR_LT, kb_use(kb, v[1]), kb_use(kb, v[0])), kb_use(kb, v[2]),
                     kb_use(kb, v[3]));
  return math_gates(e, MATH_ATAN2, (KirExpr *[KIR_MAX_ARGS]){kb_use(kb, v[0]), kb_use(kb, v[1])});
}

static void element(Emit *e, const Layer *layer, const View *const *view, const KirIndex *at,
                    int lanes) {
  Kb *kb = &e->kb;
  KirReg *v[MOST_OPERANDS] = {NULL};
  for (int i = 0; i < layer->n_in; i++)
    v[i] = kb_let(kb, "v", kb_load(kb, view[i + 1]->buffer, at[i + 1], lanes));
  kb_store(kb, view[0]->buffer, at[0], value_of(e, layer, v));
}

/* n elements in a row of every operand. */
static void row(Emit *e, const Layer *layer, const View *const *view, const KirIndex *at,
                int64_t n) {
  Kb *kb = &e->kb;
  LineParts parts = line_parts(n, e->l->target->lanes);
  for (int p = 0; p < parts.n; p++) {
    int lanes = parts.part[p].lanes;
    KirIndex moved[MOST_OPERANDS];
    KirReg *k = kb_for(kb, "k", parts.part[p].from, parts.part[p].to, lanes);
    for (int i = 0; i <= layer->n_in; i++)
      moved[i] = kir_at_plus(at[i], 1, k);
    element(e, layer, view, moved, lanes);
    kb_end(kb);
  }
}

static void several_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  static const char *const names[TYPE_MAX_AXES] = {"i", "j", "m", "p", "q", "r", "s", "u"};
  const View *view[MOST_OPERANDS] = {view_of(l, layer->out[0])};
  KirIndex at[MOST_OPERANDS] = {view_row(view[0], t, 0)};
  bool flat = view_is_dense(view[0]);
  for (int i = 0; i < layer->n_in; i++) {
    view[i + 1] = view_of(l, layer->in[i]);
    at[i + 1] = view_row(view[i + 1], t, 0);
    flat = flat && view_is_dense(view[i + 1]);
  }
  if (flat) {
    row(e, layer, view, at, view_size(view[0]));
    return;
  }
  int opened = 0;
  for (int axis = 0; axis < view[0]->rank; axis++) {
    if (view[0]->dim[axis] == 1) continue;
    KirReg *k = kb_for(&e->kb, names[axis], 0, view[0]->dim[axis], 1);
    for (int i = 0; i <= layer->n_in; i++)
      at[i] = kir_at_plus(at[i], view[i]->stride[axis], k);
    opened++;
  }
  element(e, layer, view, at, 1);
  close_loops(e, opened);
}

const Lowering several_lowering = {.step = several_step};
