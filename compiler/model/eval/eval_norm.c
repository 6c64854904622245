/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LayerNorm, RMSNorm, GroupNorm, InstanceNorm and l2_normalize in double. Elements that share a
 * mean and a variance have the same key: the coordinates of the axes that the statistics do not go
 * over, and the group of the feature. */
#include "model/eval/eval_layer.h"

#include <math.h>

/* The key of the element with these coordinates: a number below the count of elements. */
static int64_t key_of(const Layer *layer, const int64_t *at) {
  const Type *type = &layer->in[0]->type;
  int64_t key = at[0];
  for (int i = 0; i < type->rank; i++) {
    int64_t n = type->dim[i].n,
            groups = layer->kind == LAYER_GroupNorm ? layer_size(layer, OPT_groups, 1) : 1;
    bool features = layer->kind == LAYER_GroupNorm && i == type->rank - 1;
    if (features)
      key = key * groups + at[i + 1] / (n / groups);
    else if (!layer_along(layer, i))
      key = key * n + at[i + 1];
  }
  return key;
}

/* The place of an element in scale and center: its feature, or its coordinates along the axes that
 * the statistics go over. */
static int64_t weight_of(const Layer *layer, const int64_t *at) {
  const Type *type = &layer->in[0]->type;
  bool of_features = layer->kind == LAYER_GroupNorm || layer->kind == LAYER_InstanceNorm;
  int64_t place = 0;
  if (of_features) return at[type->rank];
  for (int i = 0; i < type->rank; i++)
    if (layer_along(layer, i)) place = place * type->dim[i].n + at[i + 1];
  return place;
}

typedef struct NormMoments {
  double mean, square; /* square: the sum of squares around the mean, or around 0 */
  int64_t n;
} NormMoments;

EvalStatus eval_norm(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *type = &layer->in[0]->type;
  static const LayerWeights none;
  const LayerWeights *w = layer->weights ? layer->weights : &none; /* a norm may own no tensor */
  int64_t n = x->steps * type_step_size(type), at[EVAL_MAX_AXES];
  bool centred = layer->kind != LAYER_RMSNorm && layer->kind != LAYER_l2_normalize;
  double eps = layer_eps(e->model, layer);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  NormMoments *of = ARENA_ARRAY(e->arena, NormMoments, n + 1);
  for (int64_t i = 0; i < n; i++) {
    eval_split(type, i, at);
    NormMoments *m = &of[key_of(layer, at)];
    m->mean += x->data[i];
    m->n++;
  }
  for (int64_t i = 0; i < n; i++)
    if (of[i].n) of[i].mean = centred ? of[i].mean / (double)of[i].n : 0;
  for (int64_t i = 0; i < n; i++) {
    eval_split(type, i, at);
    NormMoments *m = &of[key_of(layer, at)];
    m->square += (x->data[i] - m->mean) * (x->data[i] - m->mean);
  }
  for (int64_t i = 0; i < n; i++) {
    eval_split(type, i, at);
    const NormMoments *m = &of[key_of(layer, at)];
    int64_t k = weight_of(layer, at);
    double scale = w->role[ROLE_SCALE] ? (double)w->role[ROLE_SCALE][k] : 1;
    double center = w->role[ROLE_CENTER] ? (double)w->role[ROLE_CENTER][k] : 0;
    double root = layer->kind == LAYER_l2_normalize ? eval_greater(sqrt(m->square), eps)
                                                    : sqrt(m->square / (double)m->n + eps);
    y->data[i] = scale * (x->data[i] - m->mean) / root + center;
  }
  return EVAL_OK;
}
