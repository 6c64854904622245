/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dense, Embedding, BatchNorm and prelu: one step. They act on the last axis [.., d]. */
#include "lower/weighted.h"

#include <math.h>

/* BatchNorm as y = a x + b. */
static void norm_factors(Lower *l, const Layer *layer, int64_t d, double *a, double *b) {
  double eps = layer_eps(l->model, layer);
  const float *scale = layer_role(layer, ROLE_SCALE), *center = layer_role(layer, ROLE_CENTER);
  const float *mean = layer_role(layer, ROLE_MEAN), *variance = layer_role(layer, ROLE_VARIANCE);
  for (int64_t k = 0; k < d && mean && variance; k++) {
    a[k] = (scale ? (double)scale[k] : 1) / sqrt((double)variance[k] + eps);
    b[k] = (center ? (double)center[k] : 0) - a[k] * (double)mean[k];
  }
}

/* A BatchNorm after a Dense or Conv1D becomes part of its weights: a (W x + b) + c. */
void fold_norm(Lower *l, const Layer *layer, Mat *mat, int64_t units, int64_t depth) {
  const Layer *norm = l->job[layer->id].tail;
  if (!norm || norm->kind != LAYER_BatchNorm) return;
  double *a = ARENA_ARRAY(l->arena, double, units), *c = ARENA_ARRAY(l->arena, double, units);
  float *w = ARENA_ARRAY(l->arena, float, (units * depth)),
        *b = ARENA_ARRAY(l->arena, float, units);
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

static void dense_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, fused_result(l, layer));
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  MapRows rows = map_open(e, layer, t, (const View *const[]){y, x}, (KirIndex *const[]){&iy, &ix});
  RowOut out = {layer, y->buffer, iy, view_last_stride(y)};
  Mat mat = row_mat(l, layer, &out, view_last_dim(y), &rows);
  mat.part[0] = (MatPart){.x = x->buffer,
                          .at = ix,
                          .k_stride = view_last_stride(x),
                          .taps = 1,
                          .d = view_last_dim(x),
                          .n_gates = 1,
                          .name = "W",
                          .sparse = l->sparse[layer->id].depth[0]};
  mat.part[0].w[0] = layer_role(layer, ROLE_KERNEL);
  layer_cost(l, layer)->macs += rows_per_call(l, layer) * mat.units * mat.part[0].d;
  fold_norm(l, layer, &mat, mat.units, mat.part[0].d);
  mat_emit(e, &mat);
  close_loops(e, rows.opened);
}

static void embedding_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int64_t units = view_last_dim(y), v = layer->in[0]->type.categories;
  KirBuffer *table =
      new_weights(l, layer, "table", layer_role(layer, ROLE_TABLE), v * units,
                  arena_printf(l->arena, "%s: [category %lld][%lld]",
                               layer->path ? layer->path : "", (long long)v, (long long)units));
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_all_axes(e, x, y, &ix, &iy);
  KirReg *row = category_at(e, "row", x, ix, v);
  if (view_last_stride(y) == 1)
    kb_copy(kb, y->buffer, iy, table, kir_at_plus(kir_at(0), units, row), units);
  else {
    KirReg *k = kb_for(kb, "u", 0, units, 1);
    kb_store(kb, y->buffer, kir_at_plus(iy, view_last_stride(y), k),
             kb_load(kb, table, kir_at_plus(kir_at_plus(kir_at(0), units, row), 1, k), 1));
    kb_end(kb);
  }
  close_loops(e, opened);
}

/* Loops over all elements of a step, which have weights by their last axis. */
typedef struct Features {
  KirExpr *x;     /* the element, to be used once */
  KirIndex y, of; /* its place in the result, and among the weights */
  int opened;
} Features;

static Features open_features(Emit *e, const Layer *layer, Step t) {
  const View *x = view_of(e->l, layer->in[0]), *y = view_of(e->l, layer->out[0]);
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_axes(e, x, y, &ix, &iy);
  KirReg *k = kb_for(&e->kb, "k", 0, view_last_dim(x), 1);
  return (Features){
      .x = kb_load(&e->kb, x->buffer, kir_at_plus(ix, view_last_stride(x), k), 1),
      .y = kir_at_plus(iy, view_last_stride(y), k),
      .of = kir_at_plus(kir_at(0), 1, k),
      .opened = opened + 1,
  };
}

/* Trained mean and variance become y = a x + b. */
static void batch_norm(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *y = view_of(l, layer->out[0]);
  int64_t d = view_last_dim(y);
  double *factor = ARENA_ARRAY(l->arena, double, d), *offset = ARENA_ARRAY(l->arena, double, d);
  float *a = ARENA_ARRAY(l->arena, float, d), *b = ARENA_ARRAY(l->arena, float, d);
  norm_factors(l, layer, d, factor, offset);
  for (int64_t k = 0; k < d; k++) {
    a[k] = (float)factor[k];
    b[k] = (float)offset[k];
  }
  bool bound = layer_role(layer, ROLE_MEAN) != NULL;
  KirBuffer *wa =
      new_weights(l, layer, "scale", bound ? a : NULL, d, "scale / sqrt(variance + eps)");
  KirBuffer *wb = new_weights(l, layer, "shift", bound ? b : NULL, d,
                              "center - mean * scale / sqrt(variance + eps)");
  Features at = open_features(e, layer, t);
  kb_store(kb, y->buffer, at.y,
           muladd(e, at.x, kb_load(kb, wa, at.of, 1), kb_load(kb, wb, at.of, 1)));
  close_loops(e, at.opened);
}

/* x > 0 ? x : slope x */
static void prelu(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *y = view_of(l, layer->out[0]);
  KirBuffer *slope =
      new_weights(l, layer, "slope", layer_role(layer, ROLE_SLOPE), view_last_dim(y), NULL);
  Features at = open_features(e, layer, t);
  KirReg *v = kb_let(kb, "v", at.x);
  KirExpr *low = kb_op2(kb, KIR_MUL, kb_load(kb, slope, at.of, 1), kb_use(kb, v));
  KirExpr *positive = kb_op2(kb, KIR_LT, kb_num(kb, 0, 1), kb_use(kb, v));
  kb_store(kb, y->buffer, at.y, kb_select(kb, positive, kb_use(kb, v), low));
  close_loops(e, at.opened);
}

const Lowering dense_lowering = {
    .step = dense_step, .takes_samples = true, .has_kernel = true, .text = "y = W x + b"};
const Lowering embedding_lowering = {.step = embedding_step};
const Lowering batch_norm_lowering = {.step = batch_norm, .text = "y = scale x + shift"};
const Lowering prelu_lowering = {.step = prelu};
