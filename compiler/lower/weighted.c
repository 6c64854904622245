/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dense, Conv1D, Embedding, LayerNorm, BatchNorm and prelu: one step. All but Conv1D act on the
 * last axis [.., d]. */
#include "lower/lower_internal.h"

#include <math.h>

static const float *role(const Layer *layer, Role r) {
  return layer->weights ? layer->weights->role[r] : NULL;
}

static int64_t last_dim(const View *v) {
  return v->rank ? v->dim[v->rank - 1] : 1;
}
static int64_t last_stride(const View *v) {
  return v->rank ? v->stride[v->rank - 1] : 1;
}

/* What happens to the sums of a Mat: the layers of the tail, then to a row. */
typedef struct RowOut {
  const Layer *layer;
  KirBuffer *buffer;
  KirIndex at;
  int64_t stride;
} RowOut;

static void store_finish(Lower *l, void *context, const MatUnits *u, KirReg *const *acc) {
  const RowOut *out = context;
  Kb *kb = &l->kb;
  for (const Layer *at = l->job[out->layer->id].tail; at; at = l->job[at->id].tail)
    if (at->kind != LAYER_BatchNorm) kb_set(kb, acc[0], pointwise_value(l, at, kb_use(kb, acc[0])));
  mat_store(l, out->buffer, out->at, out->stride, u, acc[0]);
}

/* BatchNorm as y = a x + b. */
static void norm_factors(Lower *l, const Layer *layer, int64_t d, double *a, double *b) {
  double eps = layer_eps(l->model, layer);
  const float *scale = role(layer, ROLE_SCALE), *center = role(layer, ROLE_CENTER);
  const float *mean = role(layer, ROLE_MEAN), *variance = role(layer, ROLE_VARIANCE);
  for (int64_t k = 0; k < d && mean && variance; k++) {
    a[k] = (scale ? (double)scale[k] : 1) / sqrt((double)variance[k] + eps);
    b[k] = (center ? (double)center[k] : 0) - a[k] * (double)mean[k];
  }
}

/* A BatchNorm behind a Dense or Conv1D becomes part of its weights: a (W x + b) + c. */
static void fold_norm(Lower *l, const Layer *layer, Mat *mat, int64_t units, int64_t depth) {
  const Layer *norm = l->job[layer->id].tail;
  if (!norm || norm->kind != LAYER_BatchNorm) return;
  double *a = ARENA_ARRAY(l->arena, double, units), *c = ARENA_ARRAY(l->arena, double, units);
  float *w = ARENA_ARRAY(l->arena, float, units *depth), *b = ARENA_ARRAY(l->arena, float, units);
  norm_factors(l, norm, units, a, c);
  for (int64_t u = 0; u < units; u++) {
    for (int64_t k = 0; k < depth; k++)
      w[u * depth + k] = (float)(a[u] * (double)mat->part[0].w[0][u * depth + k]);
    b[u] = (float)(a[u] * (mat->bias[0] ? (double)mat->bias[0][u] : 0) + c[u]);
  }
  mat->part[0].w[0] = w;
  mat->bias[0] = b;
  mat->has_bias[0] = true;
}

static int64_t rows_per_call(Lower *l, const Layer *layer) {
  const Type *out = &layer->out[0]->type;
  return domain_of(l, out).n * type_step_size(out) / (out->rank ? out->dim[out->rank - 1].n : 1);
}

static void dense_step(Lower *l, const Layer *layer, KirReg *t) {
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, fused_result(l, layer));
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_axes(l, x, y, &ix, &iy);
  RowOut out = {layer, y->buffer, iy, last_stride(y)};
  Mat mat = {.layer = layer,
             .units = last_dim(y),
             .n_acc = 1,
             .n_parts = 1,
             .suffix = "",
             .acc_name = {"sum"},
             .finish = store_finish,
             .context = &out};
  mat.lanes = mat_lanes(l, mat.units);
  mat.part[0] = (MatPart){.x = x->buffer,
                          .at = ix,
                          .k_stride = last_stride(x),
                          .taps = 1,
                          .d = last_dim(x),
                          .n_gates = 1,
                          .name = "W"};
  mat.part[0].w[0] = role(layer, ROLE_KERNEL);
  mat.bias[0] = role(layer, ROLE_BIAS);
  mat.has_bias[0] = layer_has_role(l, layer, ROLE_BIAS);
  l->cost->macs += rows_per_call(l, layer) * mat.units * mat.part[0].d;
  fold_norm(l, layer, &mat, mat.units, mat.part[0].d);
  mat_emit(l, &mat);
  close_loops(l, opened);
}

/* padding=same as Keras has it: the larger half behind. With a stride and a length known only at
 * run time the half in front varies up to its greatest value, span / 2. */
static int64_t conv_before(const Layer *layer, int64_t span, int64_t stride, const Type *in) {
  if (layer_word_is(layer, OPT_padding, "causal")) return span - 1;
  if (!layer_word_is(layer, OPT_padding, "same")) return 0;
  if (in->time.kind == TIME_BOUNDED) return (span - 1) / 2;
  int64_t n = in->time.n, pad = ((n + stride - 1) / stride - 1) * stride + span - n;
  return pad > 0 ? pad / 2 : 0;
}

static Window conv_window(const Layer *layer) {
  const Type *in = &layer->in[0]->type;
  Window w = {.size = layer_size(layer, OPT_kernel, 1),
              .hop = layer_size(layer, OPT_stride, 1),
              .dilation = layer_size(layer, OPT_dilation, 1)};
  w.shift = -conv_before(layer, (w.size - 1) * w.dilation + 1, w.hop, in);
  w.same_bounded =
      in->time.kind == TIME_BOUNDED && w.hop > 1 && layer_word_is(layer, OPT_padding, "same");
  return w;
}

/* The row of padding in front for a length and stride known only at run time, as Keras has it:
 * max((n' - 1) stride + span - n, 0) / 2. */
static KirReg *same_before(Lower *l, const Layer *layer, const Window *w) {
  Kb *kb = &l->kb;
  Domain in = domain_of(l, &layer->in[0]->type), out = domain_of(l, &layer->out[0]->type);
  int64_t span = (w->size - 1) * w->dilation + 1;
  KirExpr *pad = kb_op2(kb, KIR_MUL, domain_count(l, out), kb_int(kb, KIR_INDEX, w->hop, 1));
  pad = kb_op2(kb, KIR_ADD, pad, kb_int(kb, KIR_INDEX, span - w->hop, 1));
  pad = kb_op2(kb, KIR_SUB, pad, domain_count(l, in));
  pad = kb_op2(kb, KIR_MAX, pad, kb_int(kb, KIR_INDEX, 0, 1));
  KirReg *r = kb_let(kb, "pad", kb_op2(kb, KIR_DIV, pad, kb_int(kb, KIR_INDEX, 2, 1)));
  r->lo = 0;
  r->hi = (span - 1) / 2;
  return r;
}

static void conv_step(Lower *l, const Layer *layer, KirReg *t) {
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, fused_result(l, layer));
  Window w = window_of(l, layer);
  int64_t d = last_dim(x), filters = last_dim(y), groups = layer_size(layer, OPT_groups, 1);
  KirIndex at = kir_at_plus(x->at, x->time * w.hop, t);
  if (w.same_bounded)
    at = kir_at_plus(at, -x->time, same_before(l, layer, &w));
  else
    at = kir_at_offset(at, w.shift * x->time);
  RowOut out = {layer, y->buffer, view_row(y, t, 0), last_stride(y)};
  Mat mat = {.layer = layer,
             .units = filters / groups,
             .groups = groups,
             .n_acc = 1,
             .n_parts = 1,
             .suffix = "",
             .acc_name = {"sum"},
             .finish = store_finish,
             .context = &out};
  mat.lanes = mat_lanes(l, mat.units);
  MatPart *p = &mat.part[0];
  *p = (MatPart){.x = x->buffer,
                 .at = at,
                 .k_stride = last_stride(x),
                 .taps = w.size,
                 .tap_stride = x->time * w.dilation,
                 .d = d / groups,
                 .n_gates = 1,
                 .name = "W",
                 .group_stride = d / groups * last_stride(x)};
  p->w[0] = role(layer, ROLE_KERNEL);
  if (groups == 1 && w.dilation == 1 && x->time == d &&
      p->k_stride == 1) { /* the taps lie in a row */
    p->d *= p->taps;
    p->taps = 1;
  }
  mat.bias[0] = role(layer, ROLE_BIAS);
  mat.has_bias[0] = layer_has_role(l, layer, ROLE_BIAS);
  l->cost->macs += domain_of(l, &layer->out[0]->type).n * filters * w.size * (d / groups);
  fold_norm(l, layer, &mat, filters, w.size * (d / groups));
  mat_emit(l, &mat);
}

/* Opens loops over all features of x and one row of y for each: y[.., :] belongs to x[..]. */
static int open_elements(Lower *l, const View *x, const View *y, KirIndex *ix, KirIndex *iy) {
  int opened = open_axes(l, x, y, ix, iy);
  if (last_dim(x) > 1) {
    KirReg *v = kb_for(&l->kb, "k", 0, last_dim(x), 1);
    *ix = kir_at_plus(*ix, last_stride(x), v);
    *iy = kir_at_plus(*iy, y->stride[x->rank - 1], v);
    opened++;
  }
  return opened;
}

static void embedding_step(Lower *l, const Layer *layer, KirReg *t) {
  Kb *kb = &l->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int64_t units = last_dim(y), v = layer->in[0]->type.categories;
  KirBuffer *table =
      new_weights(l, layer, "table", role(layer, ROLE_TABLE), v * units,
                  arena_printf(l->arena, "%s: [category %lld][%lld]",
                               layer->path ? layer->path : "", (long long)v, (long long)units));
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_elements(l, x, y, &ix, &iy);
  KirReg *row = kb_let(kb, "row", kb_convert(kb, KIR_INDEX, kb_load(kb, x->buffer, ix, 1)));
  row->lo = 0;
  row->hi = v - 1;
  if (last_stride(y) == 1)
    kb_copy(kb, y->buffer, iy, table, kir_at_plus(kir_at(0), units, row), units);
  else {
    KirReg *k = kb_for(kb, "u", 0, units, 1);
    kb_store(kb, y->buffer, kir_at_plus(iy, last_stride(y), k),
             kb_load(kb, table, kir_at_plus(kir_at_plus(kir_at(0), units, row), 1, k), 1));
    kb_end(kb);
  }
  close_loops(l, opened);
}

/* y = scale (x - mean) / sqrt(variance + eps) + center, mean and variance of each vector. */
static void layer_norm(Lower *l, const Layer *layer, KirReg *t) {
  Kb *kb = &l->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int64_t d = last_dim(x), sx = last_stride(x), sy = last_stride(y);
  bool has_scale = layer_word_is(layer, OPT_scale, "true"),
       has_center = layer_word_is(layer, OPT_center, "true");
  KirBuffer *scale =
      has_scale ? new_weights(l, layer, "scale", role(layer, ROLE_SCALE), d, NULL) : NULL;
  KirBuffer *center =
      has_center ? new_weights(l, layer, "center", role(layer, ROLE_CENTER), d, NULL) : NULL;
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_axes(l, x, y, &ix, &iy);
  KirReg *mean = kb_var(kb, "mean", kb_num(kb, 0, 1));
  KirReg *k = kb_for(kb, "k", 0, d, 1);
  kb_set(kb, mean,
         kb_op2(kb, KIR_ADD, kb_use(kb, mean), kb_load(kb, x->buffer, kir_at_plus(ix, sx, k), 1)));
  kb_end(kb);
  kb_set(kb, mean, kb_op2(kb, KIR_DIV, kb_use(kb, mean), kb_num(kb, (float)d, 1)));
  KirReg *variance = kb_var(kb, "variance", kb_num(kb, 0, 1));
  k = kb_for(kb, "k", 0, d, 1);
  KirReg *e = kb_let(
      kb, "e",
      kb_op2(kb, KIR_SUB, kb_load(kb, x->buffer, kir_at_plus(ix, sx, k), 1), kb_use(kb, mean)));
  kb_set(kb, variance, muladd(l, kb_use(kb, e), kb_use(kb, e), kb_use(kb, variance)));
  kb_end(kb);
  KirExpr *v = kb_op2(kb, KIR_DIV, kb_use(kb, variance), kb_num(kb, (float)d, 1));
  v = kb_op2(kb, KIR_ADD, v, kb_num(kb, (float)layer_eps(l->model, layer), 1));
  KirReg *inverse =
      kb_let(kb, "inverse", kb_op2(kb, KIR_DIV, kb_num(kb, 1, 1), math_call(l, MATH_SQRT, v)));
  k = kb_for(kb, "k", 0, d, 1);
  KirExpr *z =
      kb_op2(kb, KIR_SUB, kb_load(kb, x->buffer, kir_at_plus(ix, sx, k), 1), kb_use(kb, mean));
  z = kb_op2(kb, KIR_MUL, z, kb_use(kb, inverse));
  KirIndex ik = kir_at_plus(kir_at(0), 1, k);
  if (scale && center)
    z = muladd(l, z, kb_load(kb, scale, ik, 1), kb_load(kb, center, ik, 1));
  else if (scale)
    z = kb_op2(kb, KIR_MUL, z, kb_load(kb, scale, ik, 1));
  else if (center)
    z = kb_op2(kb, KIR_ADD, z, kb_load(kb, center, ik, 1));
  kb_store(kb, y->buffer, kir_at_plus(iy, sy, k), z);
  kb_end(kb);
  close_loops(l, opened);
}

/* Trained mean and variance become y = a x + b. */
static void batch_norm(Lower *l, const Layer *layer, KirReg *t) {
  Kb *kb = &l->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int64_t d = last_dim(x);
  double *factor = ARENA_ARRAY(l->arena, double, d), *offset = ARENA_ARRAY(l->arena, double, d);
  float *a = ARENA_ARRAY(l->arena, float, d), *b = ARENA_ARRAY(l->arena, float, d);
  norm_factors(l, layer, d, factor, offset);
  for (int64_t k = 0; k < d; k++) {
    a[k] = (float)factor[k];
    b[k] = (float)offset[k];
  }
  bool bound = role(layer, ROLE_MEAN) != NULL;
  KirBuffer *wa =
      new_weights(l, layer, "scale", bound ? a : NULL, d, "scale / sqrt(variance + eps)");
  KirBuffer *wb = new_weights(l, layer, "shift", bound ? b : NULL, d,
                              "center - mean * scale / sqrt(variance + eps)");
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_axes(l, x, y, &ix, &iy);
  KirReg *k = kb_for(kb, "k", 0, d, 1);
  KirIndex ik = kir_at_plus(kir_at(0), 1, k);
  KirExpr *z = muladd(l, kb_load(kb, x->buffer, kir_at_plus(ix, last_stride(x), k), 1),
                      kb_load(kb, wa, ik, 1), kb_load(kb, wb, ik, 1));
  kb_store(kb, y->buffer, kir_at_plus(iy, last_stride(y), k), z);
  kb_end(kb);
  close_loops(l, opened);
}

/* x > 0 ? x : slope x */
static void prelu(Lower *l, const Layer *layer, KirReg *t) {
  Kb *kb = &l->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int64_t d = last_dim(x);
  KirBuffer *slope = new_weights(l, layer, "slope", role(layer, ROLE_SLOPE), d, NULL);
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_axes(l, x, y, &ix, &iy);
  KirReg *k = kb_for(kb, "k", 0, d, 1);
  KirReg *v = kb_let(kb, "v", kb_load(kb, x->buffer, kir_at_plus(ix, last_stride(x), k), 1));
  KirExpr *low =
      kb_op2(kb, KIR_MUL, kb_load(kb, slope, kir_at_plus(kir_at(0), 1, k), 1), kb_use(kb, v));
  KirExpr *positive = kb_op2(kb, KIR_LT, kb_num(kb, 0, 1), kb_use(kb, v));
  kb_store(kb, y->buffer, kir_at_plus(iy, last_stride(y), k),
           kb_select(kb, positive, kb_use(kb, v), low));
  kb_end(kb);
  close_loops(l, opened);
}

const Lowering dense_lowering = {
    .step = dense_step, .takes_samples = true, .has_kernel = true, .text = "y = W x + b"};
const Lowering conv_lowering = {.step = conv_step,
                                .window = conv_window,
                                .takes_samples = true,
                                .has_kernel = true,
                                .text = "y[t] = sum of W[i] x[t * stride + i * dilation] + b"};
const Lowering embedding_lowering = {.step = embedding_step};
const Lowering layer_norm_lowering = {
    .step = layer_norm, .text = "y = scale (x - mean) / sqrt(variance + eps) + center"};
const Lowering batch_norm_lowering = {.step = batch_norm, .text = "y = scale x + shift"};
const Lowering prelu_lowering = {.step = prelu};
