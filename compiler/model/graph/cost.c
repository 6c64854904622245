/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Multiply-adds of the stages of a typed model; see cost.h. */
#include "model/graph/cost.h"

#include "model/bind/weights.h"

int64_t value_steps(const Model *model, const Type *type) {
  switch (type->time.kind) {
  case TIME_FIXED:
  case TIME_BOUNDED: return type->time.n;
  case TIME_STREAM: return model->steps_per_call / type->time.period;
  case TIME_NONE: break;
  }
  return 1;
}

/* Attention multiplies each query with the keys that it sees, and each score with a value. */
static int64_t attention_macs(const Model *model, const Layer *layer) {
  const Type *q = &layer->in[0]->type, *k = &layer->in[1]->type, *v = &layer->in[2]->type;
  bool timed = layer->along[0].axis == AXIS_TIME;
  int axis = layer->along[0].axis;
  int64_t queries = timed ? q->time.n : q->dim[axis].n, keys = timed ? k->time.n : k->dim[axis].n;
  int64_t pairs = queries * keys, times = timed ? 1 : value_steps(model, q),
          window = layer_window(layer);
  if (layer_looks_back(layer)) {
    if (window == 0 || window > keys) window = keys;
    pairs = window * (window + 1) / 2 + (queries - window) * window;
  }
  if (timed && type_is_stream(q)) { /* once the window is full */
    times = value_steps(model, q);
    pairs = layer_window(layer);
  }
  for (int i = 0; i + 1 < q->rank; i++)
    if (i != axis) times *= q->dim[i].n;
  return times * pairs * (q->dim[q->rank - 1].n + v->dim[v->rank - 1].n);
}

/* A kernel is multiplied once for each position of the result, which is a vector along the last
 * axis. The kernel of a transposed convolution is multiplied once for each position of the input.
 * Scales, tables and biases cost no multiply-add. */
int64_t layer_macs(const Model *model, const Layer *layer) {
  ParamShape params[LAYER_MAX_PARAMS];
  bool spreads = layer->kind == LAYER_Conv1DTranspose || layer->kind == LAYER_Conv2DTranspose;
  const Type *out = spreads ? &layer->in[0]->type : &layer->out[0]->type;
  int64_t per_vector = 0, vectors = value_steps(model, out);
  if (layer->kind == LAYER_attention || layer->kind == LAYER_AdditiveAttention)
    return attention_macs(model, layer);
  for (int i = 0, n = layer_params(layer, params); i < n; i++)
    if (params[i].role == ROLE_KERNEL || params[i].role == ROLE_RECURRENT)
      per_vector += param_count(&params[i]);
  for (int i = 0; i + 1 < out->rank; i++)
    vectors *= out->dim[i].n;
  return per_vector * vectors;
}

ModelCost model_cost(const Model *model) {
  ModelCost cost = {0};
  for (int i = 0; i < model->n_layers; i++) {
    cost.params += layer_param_count(model->layer[i]);
    cost.macs += layer_macs(model, model->layer[i]);
  }
  return cost;
}
