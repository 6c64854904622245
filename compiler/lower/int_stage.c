/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages between layers, in integers: those that keep a format (relu, clip, abs, pools, mean and
 * max over time) and those that have one of their own (add, sub, mul, concat, tanh and its kin). */
#include "lower/int.h"

#include <math.h>

/* Loops over all features of y, with what lies at the same place in x and z. Returns how many to
 * close. */
static int open_all(Emit *e, const View *y, KirIndex *iy, const View *x, KirIndex *ix,
                    const View *z, KirIndex *iz) {
  int opened = 0;
  for (int axis = 0; axis < y->rank; axis++) {
    if (y->dim[axis] == 1) continue;
    KirReg *k = kb_for(&e->kb, axis == y->rank - 1 ? "k" : "i", 0, y->dim[axis], 1);
    *iy = kir_at_plus(*iy, y->stride[axis], k);
    *ix = kir_at_plus(*ix, x->stride[axis], k);
    if (z) *iz = kir_at_plus(*iz, z->stride[axis], k);
    opened++;
  }
  return opened;
}

/* An element without its zero. */
static KirExpr *term(Emit *e, const Layer *layer, int i, KirBuffer *b, KirIndex at) {
  Lower *l = e->l;
  const QuantFormat *operand = int_layer(l, layer)->operand;
  QuantFormat value = int_format(l, layer->in[i]), read = operand ? operand[i] : value;
  int64_t zero = (int64_t)nearbyint(read.zero);
  KirExpr *x = int_operand(e, kb_load(&e->kb, b, at, 1), &value, &read);
  return zero ? int_sub(e, x, int_num(e, zero)) : x;
}

/* ---- one format before and after ---- */

/* One function for each elementwise stage that keeps its format: same_<id>. x: an element without
 * the zero of the format. Out: the same of the result, which may still be beyond the format. */
typedef KirExpr *Same(Emit *e, const Layer *layer, const QuantFormat *f, KirExpr *x);

/* The greatest number of a format, without its zero. */
static int64_t greatest(const QuantFormat *f) {
  return f->high - (int64_t)f->zero;
}

static KirExpr *same_abs(Emit *e, const Layer *layer, const QuantFormat *f, KirExpr *x) {
  Kb *kb = &e->kb;
  (void)layer;
  KirReg *v = kb_let(kb, "v", x);
  x = kb_op2(kb, KIR_MAX, kb_use(kb, v), int_sub(e, int_num(e, 0), kb_use(kb, v)));
  return int_limit(e, x, 0, greatest(f));
}

static KirExpr *same_relu(Emit *e, const Layer *layer, const QuantFormat *f, KirExpr *x) {
  bool has_max = layer_has(layer, OPT_max);
  return int_limit(
      e, x, 0, has_max ? int_constant(layer_number(layer, OPT_max, 0) / f->scale, 0) : greatest(f));
}

static KirExpr *same_clip(Emit *e, const Layer *layer, const QuantFormat *f, KirExpr *x) {
  return int_limit(e, x, int_constant(layer_number(layer, OPT_low, 0) / f->scale, 0),
                   int_constant(layer_number(layer, OPT_high, 0) / f->scale, 0));
}

static Same *const same_of[LAYER_KIND_COUNT] = {
#define SAME_SAME(id) [LAYER_##id] = same_##id,
#define SAME_FLOAT(id)
#define SAME_AS(activation) SAME_FLOAT
#define LAYER(...)
#define ELEMENTWISE(id, integers, ...) SAME_##integers(id)
#include "model/graph/layers.def"
};

bool int_same_computes(const Layer *layer) {
  return same_of[layer->kind] != NULL;
}

static KirExpr *same_value(Emit *e, const Layer *layer, const QuantFormat *f, KirExpr *x) {
  int64_t zero = (int64_t)f->zero;
  if (zero) x = int_sub(e, x, int_num(e, zero));
  x = same_of[layer->kind](e, layer, f, x);
  if (zero) x = int_add(e, x, int_num(e, zero));
  return int_limit(e, x, f->low, f->high);
}

void int_same_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  QuantFormat f = int_format(l, layer->out[0]);
  int opened = open_all(e, y, &iy, x, &ix, NULL, NULL);
  kb_store(kb, y->buffer, iy, same_value(e, layer, &f, kb_load(kb, x->buffer, ix, 1)));
  close_loops(e, opened);
}

/* Of sums of n elements: their mean. */
static KirExpr *averaged(Emit *e, const QuantLayer *q, KirExpr *sum) {
  return int_settled(e, int_scaled(e, sum, q->input), q->input->fraction, &q->out);
}

/* The most that n elements can come to, either way. */
static int64_t sum_bound(const QuantFormat *f, int64_t n) {
  int64_t most = f->bits == 16 ? 32768 : f->is_unsigned ? 255 : 128;
  return n * (most + (int64_t)ceil(fabs(f->zero)));
}

/* A running sum whose range is known from the number of its terms. */
static KirReg *running(Emit *e, const char *name, KirExpr *first, int64_t bound) {
  KirReg *sum = kb_var(&e->kb, name, first);
  sum->lo = -bound;
  sum->hi = bound;
  return sum;
}

void int_pool_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const QuantLayer *q = int_layer(l, layer);
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  Window w = window_of(l, layer);
  bool is_max = layer->kind == LAYER_max_pool;
  KirIndex ix = kir_at_offset(kir_at_plus(x->at, x->time * w.hop, t.t), w.shift * x->time),
           iy = view_row(y, t, 0);
  int opened = open_all(e, y, &iy, x, &ix, NULL, NULL);
  if (is_max) {
    KirReg *v = running(e, "v", kb_load(kb, x->buffer, ix, 1), 32768);
    v->lo = q->out.bits == 16 ? INT16_MIN : q->out.is_unsigned ? 0 : INT8_MIN;
    v->hi = q->out.bits == 16 ? INT16_MAX : q->out.is_unsigned ? UINT8_MAX : INT8_MAX;
    KirReg *i = w.size > 1 ? kb_for(kb, "i", 1, w.size, 1) : NULL;
    if (i)
      kb_set(kb, v,
             kb_op2(kb, KIR_MAX, kb_load(kb, x->buffer, kir_at_plus(ix, x->time, i), 1),
                    kb_use(kb, v)));
    if (i) kb_end(kb);
    kb_store(kb, y->buffer, iy, kb_use(kb, v));
  } else { /* written out: the sum of a window is proved term by term */
    KirExpr *sum = term(e, layer, 0, x->buffer, ix);
    for (int64_t i = 1; i < w.size; i++)
      sum = int_add(e, sum, term(e, layer, 0, x->buffer, kir_at_offset(ix, i * x->time)));
    kb_store(kb, y->buffer, iy, averaged(e, q, sum));
  }
  close_loops(e, opened);
}

/* ---- over time: sums and maxima in 32 bits, finished after the loop ---- */

static KirBuffer *running_row(Lower *l, const Layer *layer) {
  return l->place[layer->out[0]->id].lost;
}

void int_over_time_before(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *y = view_of(l, layer->out[0]);
  int64_t n = view_size(y);
  if (layer->kind == LAYER_mean) {
    QuantFormat f = int_format(l, layer->out[0]);
    KirBuffer *sums = new_kept(e, layer, "sum", KIR_I32, n);
    sums->lo = -sum_bound(&f, layer->in[0]->type.time.n);
    sums->hi = -sums->lo;
    l->place[layer->out[0]->id].lost = sums;
    kb_zero(kb, sums, at_batch(e, sums, 0), n);
    return;
  }
  QuantFormat f = int_format(l, layer->out[0]);
  KirIndex iy = view_row(y, ONLY_STEP, 0), same = iy;
  int opened = open_all(e, y, &iy, y, &same, NULL, NULL);
  kb_store(kb, y->buffer, iy, int_num(e, f.bits == 16 ? INT16_MIN : f.is_unsigned ? 0 : INT8_MIN));
  close_loops(e, opened);
}

/* A dense view of the running sums, shaped like y. */
static View sums_view(Emit *e, const Layer *layer, const View *y) {
  View v = *y;
  int64_t stride = 1;
  v.buffer = running_row(e->l, layer);
  v.at = at_batch(e, v.buffer, 0);
  v.time = 0;
  for (int a = v.rank - 1; a >= 0; a--) {
    v.stride[a] = stride;
    stride *= v.dim[a];
  }
  return v;
}

void int_over_time_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  bool mean = layer->kind == LAYER_mean;
  View to = mean ? sums_view(e, layer, y) : *y;
  KirIndex ix = view_row(x, t, 0), iy = view_row(&to, ONLY_STEP, 0);
  int opened = open_all(e, &to, &iy, x, &ix, NULL, NULL);
  KirExpr *so_far = kb_load(kb, to.buffer, iy, 1);
  if (mean) {
    KirExpr *sum = int_add(e, so_far, term(e, layer, 0, x->buffer, ix));
    kb_store(kb, to.buffer, iy, int_limit(e, sum, to.buffer->lo, to.buffer->hi));
  } else
    kb_store(kb, to.buffer, iy, kb_op2(kb, KIR_MAX, kb_load(kb, x->buffer, ix, 1), so_far));
  close_loops(e, opened);
}

void int_over_time_after(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  if (layer->kind == LAYER_max) return;
  const View *y = view_of(l, layer->out[0]);
  View sums = sums_view(e, layer, y);
  KirIndex iy = view_row(y, ONLY_STEP, 0), is = view_row(&sums, ONLY_STEP, 0);
  int opened = open_all(e, y, &iy, &sums, &is, NULL, NULL);
  kb_store(&e->kb, y->buffer, iy,
           averaged(e, int_layer(l, layer), kb_load(&e->kb, sums.buffer, is, 1)));
  close_loops(e, opened);
}

/* ---- a format of its own ---- */

static KirExpr *joined(Emit *e, const Layer *layer, const QuantLayer *q, KirExpr *a, KirExpr *b) {
  int fraction = q->input[0].fraction;
  a = int_scaled(e, a, &q->input[0]);
  if (b)
    b = int_scaled(e, b, &q->input[1]);
  else {
    int64_t c = int_constant(layer_number(layer, OPT_value, 0) / q->out.scale, fraction),
            most = 1 << 29;
    b = int_num(e, c < -most ? -most : c > most ? most : c);
  }
  bool swapped = layer_word_is(layer, OPT_swapped, "true");
  KirExpr *p = layer->kind == LAYER_add ? int_add(e, a, b)
               : swapped                ? int_sub(e, b, a)
                                        : int_sub(e, a, b);
  return int_settled(e, p, fraction, &q->out);
}

static KirExpr *multiplied(Emit *e, const Layer *layer, const QuantLayer *q, KirExpr *a,
                           KirExpr *b) {
  if (b)
    a = int_mul(e, a, b);
  else if (layer_number(layer, OPT_value, 0) < 0)
    a = int_sub(e, int_num(e, 0), a);
  return int_settled(e, int_scaled(e, a, &q->input[0]), q->input[0].fraction, &q->out);
}

static KirExpr *result_of(Emit *e, const Layer *layer, const QuantLayer *q, KirExpr *a,
                          KirExpr *b) {
  if (layer->kind == LAYER_add || layer->kind == LAYER_sub) return joined(e, layer, q, a, b);
  if (layer->kind == LAYER_mul || layer->kind == LAYER_div) return multiplied(e, layer, q, a, b);
  return int_activation(e, quant_function(layer), int_scaled(e, a, &q->input[0]),
                        17 + q->input[0].fraction);
}

void int_rescaled_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const QuantLayer *q = int_layer(l, layer);
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]),
             *z = layer->n_in > 1 ? view_of(l, layer->in[1]) : NULL;
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0), iz = z ? view_row(z, t, 0) : kir_at(0);
  int opened = open_all(e, y, &iy, x, &ix, z, &iz);
  KirExpr *a = term(e, layer, 0, x->buffer, ix), *b = z ? term(e, layer, 1, z->buffer, iz) : NULL,
          *result = result_of(e, layer, q, a, b);
  if (!int_format(l, layer->out[0]).bits) result = int_to_float(e, result, q->out.scale);
  kb_store(&e->kb, y->buffer, iy, result);
  close_loops(e, opened);
}

void int_concat_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const QuantLayer *q = int_layer(l, layer);
  const View *y = view_of(l, layer->out[0]);
  int64_t at = 0;
  for (int i = 0; i < layer->n_in; i++) {
    const Value *v = layer->in[i];
    const View *x = view_of(l, v);
    QuantFormat from = int_format(l, v);
    View part = *y;
    part.dim[part.rank - 1] = view_last_dim(x);
    part.at = kir_at_offset(part.at, at * view_last_stride(y));
    at += view_last_dim(x);
    if (l->place[v->id].concat == layer && l->place[v->id].concat_input == i)
      continue; /* made there */
    if (int_formats_agree(l, v, layer->out[0])) {
      copy_row(e, &part, t, x, t);
      continue;
    }
    KirIndex ix = view_row(x, t, 0), iy = view_row(&part, t, 0);
    int opened = open_all(e, &part, &iy, x, &ix, NULL, NULL);
    KirExpr *value =
        from.bits ? int_settled(e, int_scaled(e, term(e, layer, i, x->buffer, ix), &q->input[i]),
                                q->input[i].fraction, &q->out)
                  : int_from_float(e, kb_load(kb, x->buffer, ix, 1), &q->out);
    kb_store(kb, y->buffer, iy, value);
    close_loops(e, opened);
  }
}
