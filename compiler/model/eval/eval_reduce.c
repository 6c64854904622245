/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pools, softmax and argmax in double. */
#include "model/eval/eval_layer.h"

#include <math.h>

static void pool(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t n = type_step_size(&layer->in[0]->type), size = layer_size(layer, OPT_size, 1);
  int64_t stride = layer_size(layer, OPT_stride, size);
  int64_t steps = x->steps < size ? 0 : (x->steps - size) / stride + 1;
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t t = 0; t < steps; t++)
    for (int64_t k = 0; k < n; k++) {
      double sum = 0, most = -INFINITY;
      for (int64_t i = 0; i < size; i++) {
        sum += x->data[(t * stride + i) * n + k];
        most = eval_greater(most, x->data[(t * stride + i) * n + k]);
      }
      y->data[t * n + k] = layer->kind == LAYER_max_pool ? most : sum / (double)size;
    }
}

/* Of equal values argmax takes the first. */
static void over_last_axis(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *type = &layer->in[0]->type;
  int64_t d = type->rank ? type->dim[type->rank - 1].n : 1, n = x->steps * type_step_size(type) / d;
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t v = 0; v < n; v++) {
    const double *in = x->data + v * d;
    int64_t best = 0;
    double sum = 0;
    for (int64_t k = 1; k < d; k++)
      if (in[k] > in[best]) best = k;
    for (int64_t k = 0; k < d; k++)
      sum += exp(in[k] - in[best]);
    if (layer->kind == LAYER_argmax) y->data[v] = (double)best;
    for (int64_t k = 0; k < d && layer->kind == LAYER_softmax; k++)
      y->data[v * d + k] = exp(in[k] - in[best]) / sum;
    for (int64_t k = 0; k < d && layer->kind == LAYER_log_softmax; k++)
      y->data[v * d + k] = in[k] - in[best] - log(sum);
  }
}

EvalStatus eval_pool(Eval *e, const Layer *layer) {
  pool(e, layer);
  return EVAL_OK;
}

EvalStatus eval_softmax(Eval *e, const Layer *layer) {
  over_last_axis(e, layer);
  return EVAL_OK;
}

EvalStatus eval_argmax(Eval *e, const Layer *layer) {
  over_last_axis(e, layer);
  return EVAL_OK;
}
