/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dense, Embedding, BatchNorm and prelu in double. They act on the last axis of their input. */
#include "model/eval/eval_layer.h"

#include <math.h>

/* How many vectors along the last axis a value of `steps` steps has. */
static int64_t vectors(const Type *type, int64_t steps) {
  return steps * type_step_size(type) / type_last_dim(type);
}

/* y = W x + b */
EvalStatus eval_dense(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t d = type_last_dim(&layer->in[0]->type), u = type_last_dim(&layer->out[0]->type);
  const float *w = layer->weights->role[ROLE_KERNEL], *b = layer->weights->role[ROLE_BIAS];
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t v = 0, n = vectors(&layer->in[0]->type, x->steps); v < n; v++)
    for (int64_t j = 0; j < u; j++) {
      double sum = b ? (double)b[j] : 0;
      for (int64_t k = 0; k < d; k++)
        sum += (double)w[j * d + k] * x->data[v * d + k];
      y->data[v * u + j] = sum;
    }
  return EVAL_OK;
}

EvalStatus eval_embedding(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t u = type_last_dim(&layer->out[0]->type),
          n = x->steps * type_step_size(&layer->in[0]->type);
  const float *table = layer->weights->role[ROLE_TABLE];
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < u; j++)
      y->data[i * u + j] = (double)table[(int64_t)x->data[i] * u + j];
  return EVAL_OK;
}

/* y = scale (x - mean) / sqrt(variance + eps) + center, where mean and variance are weights */
EvalStatus eval_batch_norm(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t d = type_last_dim(&layer->in[0]->type);
  const LayerWeights *w = layer->weights;
  double eps = layer_eps(e->model, layer);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0, n = vectors(&layer->in[0]->type, x->steps) * d; i < n; i++) {
    int64_t k = i % d;
    double s = w->role[ROLE_SCALE] ? (double)w->role[ROLE_SCALE][k] : 1;
    double c = w->role[ROLE_CENTER] ? (double)w->role[ROLE_CENTER][k] : 0;
    y->data[i] = s * (x->data[i] - (double)w->role[ROLE_MEAN][k]) /
                     sqrt((double)w->role[ROLE_VARIANCE][k] + eps) +
                 c;
  }
  return EVAL_OK;
}

EvalStatus eval_prelu(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t d = type_last_dim(&layer->in[0]->type),
          n = x->steps * type_step_size(&layer->in[0]->type);
  const float *slope = layer->weights->role[ROLE_SLOPE];
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0; i < n; i++)
    y->data[i] = x->data[i] > 0 ? x->data[i] : (double)slope[i % d] * x->data[i];
  return EVAL_OK;
}
