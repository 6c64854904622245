/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* softmax, log_softmax, argmax, glu and cumsum: one step, along one axis of it (cumsum also along
 * time). */
#include "lower/lower_internal.h"

static int axis_of(const Layer *layer) {
  return layer->along[0].axis;
}

int open_lines(Emit *e, const View *x, const View *y, int axis, KirIndex *ix, KirIndex *iy) {
  static const char *const names[TYPE_MAX_AXES] = {"p", "q", "r", "s", "o", "m", "v", "i"};
  int opened = 0;
  for (int i = 0; i < x->rank; i++) {
    int of_y = y->rank < x->rank && i > axis ? i - 1 : i;
    if (i == axis || x->dim[i] == 1) continue;
    KirReg *p = kb_for(&e->kb, names[i], 0, x->dim[i], 1);
    *ix = kir_at_plus(*ix, x->stride[i], p);
    *iy = kir_at_plus(*iy, y->stride[of_y], p);
    opened++;
  }
  return opened;
}

/* The lines of a layer along its axis at one step: where one begins, and from element to element.
 */
typedef struct AlongLines {
  const View *x, *y;
  KirIndex ix, iy;
  int64_t n, sx, sy; /* n: elements of a line of x */
  int opened;        /* loops over the other axes, to close */
} AlongLines;

static AlongLines lines_of(Emit *e, const Layer *layer, Step t) {
  int axis = axis_of(layer);
  AlongLines of = {.x = view_of(e->l, layer->in[0]), .y = view_of(e->l, layer->out[0])};
  of.n = of.x->dim[axis];
  of.sx = of.x->stride[axis];
  of.sy = of.y->rank == of.x->rank ? of.y->stride[axis] : 0; /* argmax removes the axis */
  of.ix = view_row(of.x, t, 0);
  of.iy = view_row(of.y, t, 0);
  of.opened = open_lines(e, of.x, of.y, axis, &of.ix, &of.iy);
  return of;
}

/* The greatest of n elements, as a register. */
static KirReg *greatest(Emit *e, KirBuffer *b, KirIndex at, int64_t stride, int64_t n) {
  Kb *kb = &e->kb;
  KirReg *most = kb_var(kb, "most", kb_load(kb, b, at, 1));
  if (n < 2) return most;
  KirReg *k = kb_for(kb, "k", 1, n, 1);
  kb_set(kb, most,
         kb_op2(kb, KIR_MAX, kb_load(kb, b, kir_at_plus(at, stride, k), 1), kb_use(kb, most)));
  kb_end(kb);
  return most;
}

/* exp(x - max) / sum of them; its logarithm is x - max - log(sum), where sum is at least 1. */
static void softmax_step(Emit *e, const Layer *layer, Step t) {
  Kb *kb = &e->kb;
  AlongLines of = lines_of(e, layer, t);
  KirReg *most = greatest(e, of.x->buffer, of.ix, of.sx, of.n);
  KirReg *sum = kb_var(kb, "sum", kb_num(kb, 0, 1));
  KirReg *k = kb_for(kb, "k", 0, of.n, 1);
  KirExpr *shifted = kb_op2(kb, KIR_SUB, kb_load(kb, of.x->buffer, kir_at_plus(of.ix, of.sx, k), 1),
                            kb_use(kb, most));
  bool is_log = layer->kind == LAYER_log_softmax;
  KirReg *z = is_log ? kb_let(kb, "z", shifted) : NULL;
  KirReg *power = kb_let(kb, "e", math_call(e, MATH_EXP, is_log ? kb_use(kb, z) : shifted));
  kb_set(kb, sum, kb_op2(kb, KIR_ADD, kb_use(kb, sum), kb_use(kb, power)));
  kb_store(kb, of.y->buffer, kir_at_plus(of.iy, of.sy, k),
           is_log ? kb_use(kb, z) : kb_use(kb, power));
  kb_end(kb);
  KirReg *whole = is_log ? kb_let(kb, "whole", math_call(e, MATH_LOG, kb_use(kb, sum))) : sum;
  k = kb_for(kb, "k", 0, of.n, 1);
  KirIndex at = kir_at_plus(of.iy, of.sy, k);
  KirExpr *part = kb_load(kb, of.y->buffer, at, 1);
  kb_store(kb, of.y->buffer, at, kb_op2(kb, is_log ? KIR_SUB : KIR_DIV, part, kb_use(kb, whole)));
  kb_end(kb);
  close_loops(e, of.opened);
}

/* The first of the greatest elements. */
static void argmax_step(Emit *e, const Layer *layer, Step t) {
  Kb *kb = &e->kb;
  AlongLines of = lines_of(e, layer, t);
  KirReg *most = kb_var(kb, "most", kb_load(kb, of.x->buffer, of.ix, 1));
  KirReg *best = kb_var(kb, "best", kb_int(kb, KIR_I32, 0, 1));
  if (of.n > 1) {
    KirReg *k = kb_for(kb, "k", 1, of.n, 1);
    KirReg *v = kb_let(kb, "v", kb_load(kb, of.x->buffer, kir_at_plus(of.ix, of.sx, k), 1));
    kb_if(kb, kb_op2(kb, KIR_LT, kb_use(kb, most), kb_use(kb, v)));
    kb_set(kb, most, kb_use(kb, v));
    kb_set(kb, best, kb_convert(kb, KIR_I32, kb_use(kb, k)));
    kb_end(kb);
    kb_end(kb);
  }
  kb_store(kb, of.y->buffer, of.iy, kb_use(kb, best));
  close_loops(e, of.opened);
}

/* y[k] = x[k] sigmoid(x[k + n]) for the n positions of the first half. */
static void glu_step(Emit *e, const Layer *layer, Step t) {
  Kb *kb = &e->kb;
  AlongLines of = lines_of(e, layer, t);
  int64_t half = of.n / 2;
  LineParts parts = line_parts(half, of.sx == 1 && of.sy == 1 ? e->l->target->lanes : 1);
  for (int i = 0; i < parts.n; i++) {
    int64_t from = parts.part[i].from, to = parts.part[i].to;
    int step = parts.part[i].lanes;
    KirReg *k = kb_for(kb, "k", from, to, step);
    KirIndex first = kir_at_plus(of.ix, of.sx, k);
    KirReg *gate =
        kb_let(kb, "gate", kb_load(kb, of.x->buffer, kir_at_offset(first, half * of.sx), step));
    KirExpr *open = math_activation(e, ACT_SIGMOID, kb_use(kb, gate));
    kb_store(kb, of.y->buffer, kir_at_plus(of.iy, of.sy, k),
             kb_op2(kb, KIR_MUL, kb_load(kb, of.x->buffer, first, step), open));
    kb_end(kb);
  }
  close_loops(e, of.opened);
}

/* ---- cumsum ---- */

static bool sums_time(const Layer *layer) {
  return axis_of(layer) == AXIS_TIME;
}

/* sum += v, compensated (Kahan 1965) as in reduce.c: the rounding error of a sum is subtracted from
 * the next term. */
static void add_term(Emit *e, KirReg *sum, KirReg *lost, KirExpr *v) {
  Kb *kb = &e->kb;
  KirReg *term = kb_let(kb, "y", kb_op2(kb, KIR_SUB, v, kb_use(kb, lost)));
  KirReg *next = kb_let(kb, "next", kb_op2(kb, KIR_ADD, kb_use(kb, sum), kb_use(kb, term)));
  KirReg *rest = kb_let(kb, "rest",
                        kb_op2(kb, KIR_SUB, kb_op2(kb, KIR_SUB, kb_use(kb, next), kb_use(kb, sum)),
                               kb_use(kb, term)));
  KirExpr *is_number = kb_op2(kb, KIR_EQ, kb_use(kb, rest), kb_use(kb, rest));
  kb_set(kb, lost, kb_select(kb, is_number, kb_use(kb, rest), kb_num(kb, 0, 1)));
  kb_set(kb, sum, kb_use(kb, next));
}

/* The sums so far, and after them their rounding errors: a state of a stream; zero before a whole
 * sequence. */
static void cumsum_before(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  if (!sums_time(layer)) return;
  int64_t n = 2 * view_size(view_of(l, layer->out[0]));
  bool is_state = lower_streams(l, layer);
  KirBuffer *sums =
      is_state ? new_state(e, layer, "sum", KIR_F32, n) : new_kept(e, layer, "sum", KIR_F32, n);
  l->place[layer->out[0]->id].lost = sums;
  if (!is_state) kb_zero(&e->kb, sums, at_batch(e, sums, 0), n);
}

static void cumsum_time(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  KirBuffer *sums = l->place[layer->out[0]->id].lost;
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0), at = at_batch(e, sums, 0);
  int opened = open_axes_beside(e, x, y, &ix, &iy, &at);
  KirIndex at_lost = kir_at_offset(at, view_size(y));
  KirReg *sum = kb_var(kb, "sum", kb_load(kb, sums, at, 1)),
         *lost = kb_var(kb, "lost", kb_load(kb, sums, at_lost, 1));
  add_term(e, sum, lost, kb_load(kb, x->buffer, ix, 1));
  kb_store(kb, sums, at, kb_use(kb, sum));
  kb_store(kb, sums, at_lost, kb_use(kb, lost));
  kb_store(kb, y->buffer, iy, kb_use(kb, sum));
  close_loops(e, opened);
}

static void cumsum_step(Emit *e, const Layer *layer, Step t) {
  Kb *kb = &e->kb;
  if (sums_time(layer)) {
    cumsum_time(e, layer, t);
    return;
  }
  AlongLines of = lines_of(e, layer, t);
  KirReg *sum = kb_var(kb, "sum", kb_num(kb, 0, 1)), *lost = kb_var(kb, "lost", kb_num(kb, 0, 1));
  KirReg *k = kb_for(kb, "k", 0, of.n, 1);
  add_term(e, sum, lost, kb_load(kb, of.x->buffer, kir_at_plus(of.ix, of.sx, k), 1));
  kb_store(kb, of.y->buffer, kir_at_plus(of.iy, of.sy, k), kb_use(kb, sum));
  kb_end(kb);
  close_loops(e, of.opened);
}

const Lowering softmax_lowering = {.step = softmax_step,
                                   .text = "y = exp(x - max x) / sum of exp(x - max x)"};
const Lowering argmax_lowering = {.step = argmax_step};
const Lowering glu_lowering = {.step = glu_step,
                               .text = "y = a sigmoid(b), a and b the halves of x"};
const Lowering cumsum_lowering = {
    .step = cumsum_step, .before = cumsum_before, .text = "y = the sum of x up to here"};
