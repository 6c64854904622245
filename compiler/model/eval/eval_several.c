/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* maximum, minimum, atan2 and select in double: stages of several inputs that act on each element
 * alone. select(a, b, c, d) is c where a > b, else d. */
#include "model/eval/eval_layer.h"

#include <math.h>

static double value_of(LayerKind kind, const double *v) {
  if (kind == LAYER_maximum) return eval_greater(v[0], v[1]);
  if (kind == LAYER_minimum) return -eval_greater(-v[0], -v[1]);
  return kind == LAYER_atan2 ? atan2(v[0], v[1]) : v[0] > v[1] ? v[2] : v[3];
}

EvalStatus eval_several(Eval *e, const Layer *layer) {
  enum { MOST = 4 };
  int64_t steps = eval_in(e, layer->in[0])->steps;
  for (int k = 1; k < layer->n_in; k++)
    if (eval_in(e, layer->in[k])->steps < steps) steps = eval_in(e, layer->in[k])->steps;
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t i = 0, n = steps * type_step_size(&layer->out[0]->type); i < n; i++) {
    double v[MOST] = {0};
    for (int k = 0; k < layer->n_in; k++)
      v[k] = eval_in(e, layer->in[k])->data[i];
    y->data[i] = value_of(layer->kind, v);
  }
  return EVAL_OK;
}
