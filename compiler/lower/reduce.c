/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* mean, max, min and sum: over time, or along feature axes of one step. */
#include "lower/lower_internal.h"

/* The greater or lesser of both (op KIR_MAX, KIR_MIN), and NaN if either is. */
KirExpr *farther(Kb *kb, KirOp op, KirExpr *x, KirReg *so_far) {
  KirReg *v = kb_let(kb, "v", x);
  KirExpr *is_number = kb_op2(kb, KIR_EQ, kb_use(kb, v), kb_use(kb, v));
  return kb_select(kb, is_number, kb_op2(kb, op, kb_use(kb, v), kb_use(kb, so_far)), kb_use(kb, v));
}

/* ---- mean and max over time: a running row, finished after the loop ---- */

/* The sum over time is compensated (Kahan 1965), so that its error does not grow with the length:
 * y = x - lost, t = sum + y, lost = (t - sum) - y, sum = t. An infinite sum has lost nothing: inf -
 * inf would make NaN of it. */
static void over_time_before(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *y = view_of(l, layer->out[0]);
  if (layer->kind == LAYER_mean || layer->kind == LAYER_sum) {
    KirBuffer *lost = new_kept(e, layer, "lost", KIR_F32, view_size(y));
    l->place[layer->out[0]->id].lost = lost;
    kb_zero(kb, lost, at_batch(e, lost, 0), view_size(y));
  }
  KirIndex iy = view_row(y, ONLY_STEP, 0), same = iy;
  int opened = open_all_axes(e, y, y, &same, &iy);
  int bits = layer->kind == LAYER_min ? PLUS_INFINITY : MINUS_INFINITY;
  KirExpr *farthest = kb_bitcast(kb, KIR_F32, kb_int(kb, KIR_I32, bits, 1));
  bool adds = layer->kind == LAYER_mean || layer->kind == LAYER_sum;
  kb_store(kb, y->buffer, iy, adds ? kb_num(kb, 0, 1) : farthest);
  close_loops(e, opened);
}

static void over_time_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  KirBuffer *lost = l->place[layer->out[0]->id].lost;
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, ONLY_STEP, 0),
           il = lost ? at_batch(e, lost, 0) : kir_at(0);
  int opened = open_axes_beside(e, x, y, &ix, &iy, &il);
  KirExpr *v = kb_load(kb, x->buffer, ix, 1), *so_far = kb_load(kb, y->buffer, iy, 1);
  if (lost) {
    KirReg *term = kb_let(kb, "y", kb_op2(kb, KIR_SUB, v, kb_load(kb, lost, il, 1)));
    KirReg *sum = kb_let(kb, "sum", so_far);
    KirReg *next = kb_let(kb, "next", kb_op2(kb, KIR_ADD, kb_use(kb, sum), kb_use(kb, term)));
    KirReg *rest =
        kb_let(kb, "rest",
               kb_op2(kb, KIR_SUB, kb_op2(kb, KIR_SUB, kb_use(kb, next), kb_use(kb, sum)),
                      kb_use(kb, term)));
    KirExpr *is_number = kb_op2(kb, KIR_EQ, kb_use(kb, rest), kb_use(kb, rest));
    kb_store(kb, lost, il, kb_select(kb, is_number, kb_use(kb, rest), kb_num(kb, 0, 1)));
    kb_store(kb, y->buffer, iy, kb_use(kb, next));
  } else
    kb_store(
        kb, y->buffer, iy,
        farther(kb, layer->kind == LAYER_min ? KIR_MIN : KIR_MAX, v, kb_let(kb, "most", so_far)));
  close_loops(e, opened);
}

static void over_time_after(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  if (layer->kind != LAYER_mean) return;
  Kb *kb = &e->kb;
  const View *y = view_of(l, layer->out[0]);
  Domain d = domain_of(l, &layer->in[0]->type);
  KirExpr *n = d.kind == TIME_BOUNDED
                   ? kb_convert(kb, KIR_F32, kb_convert(kb, KIR_I32, domain_count(e, d)))
                   : kb_num(kb, (float)d.n, 1);
  KirIndex iy = view_row(y, ONLY_STEP, 0), same = iy;
  int opened = open_all_axes(e, y, y, &same, &iy);
  kb_store(kb, y->buffer, iy, kb_op2(kb, KIR_DIV, kb_load(kb, y->buffer, iy, 1), n));
  close_loops(e, opened);
}

/* ---- mean, max, min and sum along feature axes: one step ---- */

/* Loops over the axes that stay: x and y at the position. Where the last one lies in a row in both,
 * it is left to the vectors: its size, else 1. */
static int64_t open_kept(Emit *e, const Layer *layer, const View *x, const View *y, KirIndex *ix,
                         KirIndex *iy, int *opened) {
  static const char *const names[TYPE_MAX_AXES] = {"p", "q", "r", "s", "o", "m", "v", "i"};
  int64_t row = 1;
  *opened = 0;
  for (int axis = 0, to = 0; axis < x->rank; axis++) {
    if (layer_along(layer, axis)) continue;
    bool last = axis == x->rank - 1 && x->stride[axis] == 1 && y->stride[to] == 1;
    if (last)
      row = x->dim[axis];
    else if (x->dim[axis] > 1) {
      KirReg *p = kb_for(&e->kb, names[axis], 0, x->dim[axis], 1);
      *ix = kir_at_plus(*ix, x->stride[axis], p);
      *iy = kir_at_plus(*iy, y->stride[to], p);
      ++*opened;
    }
    to++;
  }
  return row;
}

/* The result of `lanes` positions beside each other. */
static void over_lanes(Emit *e, const Layer *layer, const View *x, KirIndex ix, const View *y,
                       KirIndex iy, int lanes) {
  Kb *kb = &e->kb;
  bool adds = layer->kind == LAYER_mean || layer->kind == LAYER_sum;
  KirOp op = adds ? KIR_ADD : layer->kind == LAYER_max ? KIR_MAX : KIR_MIN;
  int opened = 0;
  int64_t n = 1;
  KirReg *v = kb_var(kb, "v", adds ? kb_num(kb, 0, lanes) : kb_load(kb, x->buffer, ix, lanes));
  for (int axis = 0; axis < x->rank; axis++) {
    if (!layer_along(layer, axis)) continue;
    n *= x->dim[axis];
    if (x->dim[axis] == 1) continue;
    ix = kir_at_plus(ix, x->stride[axis], kb_for(kb, "k", 0, x->dim[axis], 1));
    opened++;
  }
  KirExpr *next = kb_load(kb, x->buffer, ix, lanes);
  kb_set(kb, v, adds ? kb_op2(kb, op, next, kb_use(kb, v)) : farther(kb, op, next, v));
  close_loops(e, opened);
  KirExpr *result = kb_use(kb, v);
  if (layer->kind == LAYER_mean) result = kb_op2(kb, KIR_DIV, result, kb_num(kb, (float)n, lanes));
  kb_store(kb, y->buffer, iy, result);
}

static void over_axes_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened;
  LineParts parts = line_parts(open_kept(e, layer, x, y, &ix, &iy, &opened), l->target->lanes);
  for (int i = 0; i < parts.n; i++) {
    int64_t from = parts.part[i].from, to = parts.part[i].to;
    int step = parts.part[i].lanes;
    KirReg *k = to - from > step ? kb_for(kb, "c", from, to, step) : NULL;
    over_lanes(e, layer, x, kir_at_plus(kir_at_offset(ix, k ? 0 : from), 1, k), y,
               kir_at_plus(kir_at_offset(iy, k ? 0 : from), 1, k), step);
    if (k) kb_end(kb);
  }
  close_loops(e, opened);
}

/* ---- families ---- */

static void over_before(Emit *e, const Layer *layer) {
  if (layer_is_along_time(layer)) over_time_before(e, layer);
}

static void over_step(Emit *e, const Layer *layer, Step t) {
  if (layer_is_along_time(layer))
    over_time_step(e, layer, t);
  else
    over_axes_step(e, layer, t);
}

static void over_after(Emit *e, const Layer *layer) {
  if (layer_is_along_time(layer)) over_time_after(e, layer);
}

const Lowering over_lowering = {.step = over_step,
                                .before = over_before,
                                .after = over_after,
                                .ends_time = layer_is_along_time};
