/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* max_pool and mean_pool: one step. For every position of the result a loop over its window in each
 * axis; where there is padding the loop runs over those positions of the window that the input
 * has. */
#include "lower/lower_internal.h"

/* A window along one axis. */
typedef struct PoolAxis {
  const LayerAxis *a;
  int64_t n, stride; /* of the input: positions (the bound of a length), distance */
  int64_t before;
  KirReg *out;        /* position of the result; NULL: the only one */
  KirReg *low, *high; /* padded: the positions it has, high not included */
  bool is_padded;
} PoolAxis;

static int64_t rows_before(const LayerAxis *a, int64_t n) {
  int64_t span = a->size;
  if (a->padding.kind == PAD_ZEROS) return a->padding.before;
  if (a->padding.kind == PAD_CAUSAL) return span - 1;
  if (a->padding.kind == PAD_VALID) return 0;
  int64_t pad = ((n + a->stride - 1) / a->stride - 1) * a->stride + span - n;
  return pad > 0 ? pad / 2 : 0;
}

static Window pool_window(const Layer *layer) {
  const LayerAxis *a = layer_along(layer, AXIS_TIME);
  const Time *time = &layer->in[0]->type.time;
  if (!a) return (Window){.size = 0};
  bool varies = time->kind == TIME_BOUNDED && a->padding.kind == PAD_SAME;
  int64_t before = varies ? (a->size - 1) / 2 : rows_before(a, time->n);
  return (Window){.size = a->size,
                  .hop = a->stride,
                  .dilation = 1,
                  .shift = -before,
                  .same_bounded = varies && a->stride > 1};
}

/* max(0, o stride - before) and min(n, o stride - before + size). */
static void padded_range(Emit *e, const Layer *layer, PoolAxis *p) {
  Kb *kb = &e->kb;
  const LayerAxis *a = p->a;
  Window w = pool_window(layer);
  bool timed = a->axis == AXIS_TIME;
  Domain d = domain_of(e->l, &layer->in[0]->type);
  KirExpr *at = p->out
                    ? kb_op2(kb, KIR_MUL, kb_use(kb, p->out), kb_int(kb, KIR_INDEX, a->stride, 1))
                    : kb_int(kb, KIR_INDEX, 0, 1);
  KirExpr *before = timed && w.same_bounded ? kb_use(kb, same_before(e, layer, &w))
                                            : kb_int(kb, KIR_INDEX, p->before, 1);
  KirReg *first = kb_let(kb, "first", kb_op2(kb, KIR_SUB, at, before));
  KirExpr *low = kb_op2(kb, KIR_MAX, kb_use(kb, first), kb_int(kb, KIR_INDEX, 0, 1));
  KirExpr *end = kb_op2(kb, KIR_ADD, kb_use(kb, first), kb_int(kb, KIR_INDEX, a->size, 1));
  KirExpr *n =
      timed && d.kind == TIME_BOUNDED ? domain_count(e, d) : kb_int(kb, KIR_INDEX, p->n, 1);
  p->low = kb_let(kb, "low", low);
  p->high = kb_let(kb, "high", kb_op2(kb, KIR_MIN, end, n));
}

/* Opens the loop over a window and moves ix into it. */
static KirIndex open_window(Emit *e, const PoolAxis *p, KirIndex ix, bool *opened) {
  Kb *kb = &e->kb;
  *opened = p->is_padded || p->a->size > 1;
  if (!*opened) return ix;
  KirReg *i = p->is_padded ? kb_for_expr(kb, "i", kb_use(kb, p->low), kb_use(kb, p->high), 1)
                           : kb_for(kb, "i", 0, p->a->size, 1);
  return kir_at_plus(ix, p->stride, i);
}

/* The number of values in a mean. */
static KirExpr *window_count(Emit *e, const PoolAxis *p, int axes, int lanes) {
  Kb *kb = &e->kb;
  int64_t n = 1;
  KirExpr *count = NULL;
  for (int k = 0; k < axes; k++) {
    if (!p[k].is_padded)
      n *= p[k].a->size;
    else {
      KirExpr *size =
          kb_convert(kb, KIR_I32, kb_op2(kb, KIR_SUB, kb_use(kb, p[k].high), kb_use(kb, p[k].low)));
      size = kb_convert(kb, KIR_F32, size);
      count = count ? kb_op2(kb, KIR_MUL, count, size) : size;
    }
  }
  if (!count) return kb_num(kb, (float)n, lanes);
  if (n > 1) count = kb_op2(kb, KIR_MUL, count, kb_num(kb, (float)n, 1));
  return kb_splat(kb, count, lanes);
}

static void pool_lanes(Emit *e, const Layer *layer, const PoolAxis *p, const View *x, KirIndex ix,
                       const View *y, KirIndex iy, int lanes) {
  Kb *kb = &e->kb;
  bool is_max = layer->kind == LAYER_max_pool, opened[WINDOW_MAX_AXES] = {false};
  KirExpr *least =
      kb_splat(kb, kb_bitcast(kb, KIR_F32, kb_int(kb, KIR_I32, MINUS_INFINITY, 1)), lanes);
  KirReg *v = kb_var(kb, "v", is_max ? least : kb_num(kb, 0, lanes));
  for (int k = 0; k < layer->n_along; k++)
    ix = open_window(e, &p[k], ix, &opened[k]);
  KirExpr *next = kb_load(kb, x->buffer, ix, lanes);
  kb_set(kb, v, is_max ? farther(kb, KIR_MAX, next, v) : kb_op2(kb, KIR_ADD, next, kb_use(kb, v)));
  for (int k = 0; k < layer->n_along; k++)
    if (opened[k]) kb_end(kb);
  KirExpr *result = kb_use(kb, v);
  if (!is_max) result = kb_op2(kb, KIR_DIV, result, window_count(e, p, layer->n_along, lanes));
  kb_store(kb, y->buffer, iy, result);
}

/* The last axis where it is not pooled and lies in a row in both: taken in vectors. */
static int64_t row_length(const Layer *layer, const View *x, const View *y) {
  int last = x->rank - 1;
  if (last < 0 || x->stride[last] != 1 || y->stride[last] != 1) return 0;
  for (int k = 0; k < layer->n_along; k++)
    if (layer->along[k].axis == last) return 0;
  return x->dim[last];
}

/* Sets p for each axis pooled and opens loops over all positions of the result but a row. */
static int open_positions(Emit *e, const Layer *layer, PoolAxis *p, const View *x, const View *y,
                          Step t, int64_t row, KirIndex *ix, KirIndex *iy) {
  static const char *const names[TYPE_MAX_AXES] = {"p", "q", "r", "s", "o", "m", "u", "w"};
  Domain d = domain_of(e->l, &layer->in[0]->type);
  KirReg *at[TYPE_MAX_AXES] = {NULL};
  int opened = 0;
  for (int axis = 0; axis < y->rank - (row > 0); axis++) {
    bool pooled = false;
    for (int k = 0; k < layer->n_along; k++)
      pooled |= layer->along[k].axis == axis;
    if (y->dim[axis] == 1) continue;
    at[axis] = kb_for(&e->kb, names[axis], 0, y->dim[axis], 1);
    *iy = kir_at_plus(*iy, y->stride[axis], at[axis]);
    if (!pooled) *ix = kir_at_plus(*ix, x->stride[axis], at[axis]);
    opened++;
  }
  for (int k = 0; k < layer->n_along; k++) {
    const LayerAxis *a = &layer->along[k];
    bool timed = a->axis == AXIS_TIME;
    p[k] = (PoolAxis){
        .a = a, .n = timed ? d.n : x->dim[a->axis], .stride = timed ? x->time : x->stride[a->axis]};
    p[k].out = timed ? t.t : at[a->axis];
    p[k].is_padded = a->padding.kind != PAD_VALID;
    p[k].before = rows_before(a, p[k].n);
    if (p[k].is_padded)
      padded_range(e, layer, &p[k]);
    else
      *ix = kir_at_plus(*ix, p[k].stride * a->stride, p[k].out);
  }
  return opened;
}

static void pool_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  const LayerAxis *time = layer_along(layer, AXIS_TIME);
  PoolAxis p[WINDOW_MAX_AXES];
  int64_t row = row_length(layer, x, y);
  KirIndex ix = time ? x->at : view_row(x, t, 0), iy = view_row(y, t, 0);
  if (time && time->padding.kind == PAD_VALID)
    ix = kir_at_offset(ix, window_of(l, layer).shift * x->time);
  int opened = open_positions(e, layer, p, x, y, t, row, &ix, &iy),
      lanes = row ? l->target->lanes : 1;
  while (row && lanes > row)
    lanes /= 2;
  int64_t whole = row / lanes * lanes;
  if (!row) pool_lanes(e, layer, p, x, ix, y, iy, 1);
  for (int part = 0; part < 2; part++) {
    int64_t from = part ? whole : 0, to = part ? row : whole;
    int step = part ? 1 : lanes;
    if (from == to) continue;
    KirReg *k = kb_for(kb, "k", from, to, step);
    pool_lanes(e, layer, p, x, kir_at_plus(ix, 1, k), y, kir_at_plus(iy, 1, k), step);
    kb_end(kb);
  }
  close_loops(e, opened);
}

const Lowering pool_lowering = {.step = pool_step, .window = pool_window};
