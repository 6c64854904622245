/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Depthwise convolutions: every feature has a kernel of its own and one filter, so that the lanes
 * are the features. In: the Mat that conv.c has made of the layer, a group for each feature.
 * Weights are packed [tap][feature]. */
#include "lower/weighted.h"

enum { VECTORS = 4, UNROLLED_TAPS = 16 };

bool is_depthwise(const Mat *mat) {
  const MatPart *p = &mat->part[0];
  return mat->units == 1 && mat->groups > 1 && p->d == 1 && p->group_stride == 1;
}

static int64_t taps_of(const MatPart *p) {
  return p->taps * (p->taps2 ? p->taps2 : 1);
}

/* [tap][feature] of [feature][tap]. */
static KirBuffer *packed(Lower *l, const Mat *mat) {
  const MatPart *p = &mat->part[0];
  int64_t taps = taps_of(p), d = mat->groups;
  float *to = ARENA_ARRAY(l->arena, float, (taps * d));
  for (int64_t c = 0; c < d && p->w[0]; c++)
    for (int64_t i = 0; i < taps; i++)
      to[i * d + c] = p->w[0][c * taps + i];
  const char *doc =
      arena_printf(l->arena, "%s: [tap %lld][feature %lld]",
                   mat->layer->path ? mat->layer->path : "weights", (long long)taps, (long long)d);
  return new_kernel(l, mat->layer, "W", p->w[0] ? to : NULL, taps * d, doc);
}

/* A few vectors of features at once. */
typedef struct Lanes {
  const Mat *mat;
  KirBuffer *w, *b;
  KirReg *k; /* the first feature, but for `first`; NULL: that */
  int64_t first;
  int vectors, lanes;
  KirReg *sum[VECTORS];
} Lanes;

static KirIndex feature_at(const Lanes *v, KirIndex at, int i) {
  return kir_at_plus(kir_at_offset(at, v->first + (int64_t)i * v->lanes), 1, v->k);
}

/* The tap at (i, j), numbers or registers. */
static void add_tap(Emit *e, const Lanes *v, KirReg *const reg[2], int64_t i, int64_t j) {
  Kb *kb = &e->kb;
  const MatPart *p = &v->mat->part[0];
  int64_t d = v->mat->groups, taps2 = p->taps2 ? p->taps2 : 1;
  KirIndex w = kir_at_plus(kir_at_plus(kir_at((i * taps2 + j) * d), taps2 * d, reg[0]), d, reg[1]);
  KirIndex x = kir_at_plus(kir_at_plus(kir_at_offset(p->at, i * p->tap_stride + j * p->tap2_stride),
                                       p->tap_stride, reg[0]),
                           p->tap2_stride, reg[1]);
  for (int n = 0; n < v->vectors; n++)
    kb_set(kb, v->sum[n],
           muladd(e, kb_load(kb, v->w, feature_at(v, w, n), v->lanes),
                  kb_load(kb, p->x, feature_at(v, x, n), v->lanes), kb_use(kb, v->sum[n])));
}

static void add_taps(Emit *e, const Lanes *v) {
  const MatPart *p = &v->mat->part[0];
  KirReg *tap[2] = {NULL, NULL};
  if (taps_of(p) > UNROLLED_TAPS) {
    mat_open_taps(e, p, tap);
    add_tap(e, v, tap, 0, 0);
    mat_close_taps(e, tap);
    return;
  }
  for (int64_t i = 0; i < p->taps; i++)
    for (int64_t j = 0; j < (p->taps2 ? p->taps2 : 1); j++)
      add_tap(e, v, tap, i, j);
}

static void features_emit(Emit *e, Lanes *v) {
  Kb *kb = &e->kb;
  const Mat *mat = v->mat;
  for (int n = 0; n < v->vectors; n++)
    v->sum[n] = kb_var(kb, "sum",
                       v->b ? kb_load(kb, v->b, feature_at(v, kir_at(0), n), v->lanes)
                            : kb_num(kb, 0, v->lanes));
  add_taps(e, v);
  for (int n = 0; n < v->vectors; n++) {
    MatUnits units = {.unit = feature_at(v, kir_at(0), n), .lanes = v->lanes, .valid = v->lanes};
    mat->finish(e, mat->context, &units, &v->sum[n]);
  }
}

/* All features: as many vectors at once as there are, then single vectors, then one feature at a
 * time. */
static void row_emit(Emit *e, Lanes *v) {
  Kb *kb = &e->kb;
  int64_t d = v->mat->groups, at = 0;
  int widest = e->l->target->lanes;
  while (widest > d)
    widest /= 2;
  const struct {
    int lanes, vectors;
  } size[] = {{widest, VECTORS}, {widest, 1}, {1, 1}};
  for (int i = 0; i < 3; i++) {
    int64_t step = (int64_t)size[i].lanes * size[i].vectors, n = (d - at) / step * step;
    if (n == 0) continue;
    v->lanes = size[i].lanes;
    v->vectors = size[i].vectors;
    v->k = n > step ? kb_for(kb, "c", at, at + n, step) : NULL;
    v->first = v->k ? 0 : at;
    features_emit(e, v);
    if (v->k) kb_end(kb);
    at += n;
  }
}

void depthwise_emit(Emit *e, Mat *mat) {
  Lower *l = e->l;
  Lanes v = {.mat = mat, .w = packed(l, mat)};
  if (mat->has_bias[0]) v.b = new_weights(l, mat->layer, "b", mat->bias[0], mat->groups, NULL);
  if (batch_takes(e, mat->layer)) {
    mat->row = e->sample;
    mat->n_rows = l->m->batch;
  }
  if (mat->row) kb_for_again(&e->kb, mat->row, 0, mat->n_rows);
  row_emit(e, &v);
  if (mat->row) kb_end(&e->kb);
}
