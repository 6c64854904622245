/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that move elements: reshape, concat, frames, overlap_add, delay, onehot, flatten, expand
 * and Dropout. Values are time first, [steps, step size]. */
#include "model/eval/eval_layer.h"

#include <string.h>

static void copy(double *to, const double *from, int64_t n) {
  if (n > 0) memcpy(to, from, (size_t)n * sizeof *to);
}

/* The elements in the storage order of the old shape are those in the storage order of the new one.
 */
EvalStatus eval_reshape(Eval *e, const Layer *layer) {
  const Value *in = layer->in[0], *out = layer->out[0];
  const EvalTensor *x = eval_in(e, in);
  bool timed = type_is_sequence(&out->type);
  if (timed && type_is_sequence(&in->type) &&
      type_step_size(&in->type) == type_step_size(&out->type) &&
      in->type.time_pos == 0) { /* each step keeps its elements */
    copy(eval_out(e, out, x->steps)->data, x->data, x->steps * type_step_size(&in->type));
    return EVAL_OK;
  }
  EvalTensor *y = eval_out(e, out, timed ? out->type.time.n : 1);
  double *storage = ARENA_ARRAY(e->arena, double, (x->steps * type_step_size(&in->type)));
  eval_to_storage(&in->type, x->steps, x->data, storage);
  eval_from_storage(&out->type, y->steps, storage, y->data);
  return EVAL_OK;
}

/* Joins the inputs along one axis. inner: elements after that axis. */
EvalStatus eval_concat(Eval *e, const Layer *layer) {
  int64_t steps = eval_in(e, layer->in[0])->steps, at = 0, inner = 1;
  int axis = layer->along[0].axis;
  for (int i = 1; i < layer->n_in; i++)
    if (eval_in(e, layer->in[i])->steps < steps) steps = eval_in(e, layer->in[i])->steps;
  const Type *type = &layer->out[0]->type;
  for (int i = axis + 1; i < type->rank; i++)
    inner *= type->dim[i].n;
  int64_t width = type->dim[axis].n * inner, rows = steps * type_step_size(type) / width;
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int i = 0; i < layer->n_in; i++) {
    int64_t d = layer->in[i]->type.dim[axis].n * inner;
    for (int64_t r = 0; r < rows; r++)
      copy(y->data + r * width + at, eval_in(e, layer->in[i])->data + r * d, d);
    at += d;
  }
  return EVAL_OK;
}

EvalStatus eval_frames(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t d = type_step_size(&layer->in[0]->type), size = layer_size(layer, OPT_size, 1);
  int64_t hop = layer_size(layer, OPT_hop, 1),
          steps = x->steps < size ? 0 : (x->steps - size) / hop + 1;
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t t = 0; t < steps; t++)
    copy(y->data + t * size * d, x->data + t * hop * d, size * d);
  return EVAL_OK;
}

EvalStatus eval_overlap_add(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t size = type_step_size(&layer->in[0]->type), hop = layer_size(layer, OPT_hop, 1);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps ? (x->steps - 1) * hop + size : 0);
  for (int64_t t = 0; t < x->steps; t++)
    for (int64_t k = 0; k < size; k++)
      y->data[t * hop + k] += x->data[t * size + k];
  return EVAL_OK;
}

EvalStatus eval_delay(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t n = type_step_size(&layer->in[0]->type), by = layer_size(layer, OPT_n, 0);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  copy(y->data + (by < x->steps ? by : x->steps) * n, x->data, (x->steps - by) * n);
  return EVAL_OK;
}

EvalStatus eval_onehot(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t v = layer->in[0]->type.categories, n = x->steps * type_step_size(&layer->in[0]->type);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0; i < n; i++)
    y->data[i * v + (int64_t)x->data[i]] = 1;
  return EVAL_OK;
}

/* flatten and expand: the same elements in the same order, as one step. */
static void relabel(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  EvalTensor *y = eval_out(e, layer->out[0], 1);
  copy(y->data, x->data, x->steps * type_step_size(&layer->in[0]->type));
}

EvalStatus eval_flatten(Eval *e, const Layer *layer) {
  relabel(e, layer);
  return EVAL_OK;
}

EvalStatus eval_expand(Eval *e, const Layer *layer) {
  relabel(e, layer);
  return EVAL_OK;
}

/* Dropout and GaussianNoise do nothing when the model runs. */
EvalStatus eval_training(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  copy(y->data, x->data, x->steps * type_step_size(&layer->in[0]->type));
  return EVAL_OK;
}
