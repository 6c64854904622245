/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pools, softmax, argmax, glu and cumsum in double. An element of the result depends on the
 * positions of the axes that the stage goes along. */
#include "model/eval/eval_layer.h"

#include <math.h>

void eval_split(const Type *type, int64_t element, int64_t at[EVAL_MAX_AXES]) {
  for (int i = type->rank; i > 0; i--) {
    at[i] = element % type->dim[i - 1].n;
    element /= type->dim[i - 1].n;
  }
  at[0] = element;
}

int64_t eval_join(const Type *type, const int64_t at[EVAL_MAX_AXES]) {
  int64_t element = at[0];
  for (int i = 1; i <= type->rank; i++)
    element = element * type->dim[i - 1].n + at[i];
  return element;
}

static int64_t size_of(const Type *type, int64_t steps, int axis) {
  return axis == AXIS_TIME ? steps : type->dim[axis].n;
}

/* ---- pools: positions that padding adds do not count ---- */

/* The coordinates in x of one tap of the window of a result; false if it is outside of x. */
static bool in_window(const Layer *layer, int64_t steps, const int64_t *to, int64_t tap,
                      int64_t *from) {
  for (int k = layer->n_along - 1; k >= 0; k--) {
    const LayerAxis *a = &layer->along[k];
    int64_t n = size_of(&layer->in[0]->type, steps, a->axis), *at = &from[a->axis + 1];
    *at = to[a->axis + 1] * a->stride + tap % a->size - window_before(a, n);
    tap /= a->size;
    if (*at < 0 || *at >= n) return false;
  }
  return true;
}

EvalStatus eval_pool(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  int64_t steps = x->steps, taps = 1;
  for (int k = 0; k < layer->n_along; k++) {
    taps *= layer->along[k].size;
    if (layer->along[k].axis == AXIS_TIME) steps = window_results(&layer->along[k], x->steps);
  }
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t i = 0, n = steps * type_step_size(out); i < n; i++) {
    int64_t to[EVAL_MAX_AXES], from[EVAL_MAX_AXES], seen = 0;
    double sum = 0, most = -INFINITY;
    eval_split(out, i, to);
    eval_split(out, i, from);
    for (int64_t tap = 0; tap < taps; tap++) {
      if (!in_window(layer, x->steps, to, tap, from)) continue;
      double v = x->data[eval_join(in, from)];
      sum += v;
      most = eval_greater(most, v);
      seen++;
    }
    y->data[i] = layer->kind == LAYER_max_pool ? most : sum / (double)seen;
  }
  return EVAL_OK;
}

/* ---- lines: the elements along one axis with all other coordinates the same ---- */

typedef struct ReducedLine {
  int64_t first, stride, n; /* of x */
} ReducedLine;

/* The line of x for the element at `to` of the result. The result has the axes of x, or, if the
 * stage ended the axis of the line, all but that one. */
static ReducedLine line_of(const Layer *layer, int64_t steps, const int64_t *to, bool ended) {
  const Type *in = &layer->in[0]->type;
  int axis = layer->along[0].axis;
  int64_t at[EVAL_MAX_AXES];
  for (int k = 0; k <= in->rank; k++)
    at[k] = k <= axis || !ended ? to[k] : k > axis + 1 ? to[k - 1] : 0;
  at[axis + 1] = 0;
  ReducedLine line = {.first = eval_join(in, at), .n = size_of(in, steps, axis)};
  at[axis + 1] = 1;
  line.stride = eval_join(in, at) - line.first;
  return line;
}

static double line_at(const EvalTensor *x, const ReducedLine *line, int64_t k) {
  return x->data[line->first + k * line->stride];
}

/* The position of the greatest element; of equal ones the first. */
static int64_t line_best(const EvalTensor *x, const ReducedLine *line) {
  int64_t best = 0;
  for (int64_t k = 1; k < line->n; k++)
    if (line_at(x, line, k) > line_at(x, line, best)) best = k;
  return best;
}

/* Computes every element of the result as `value` of its line of x; `to` are the coordinates of the
 * element. */
static EvalStatus from_lines(Eval *e, const Layer *layer, bool ended,
                             double (*value)(const Layer *, const EvalTensor *x,
                                             const ReducedLine *, const int64_t *to)) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *out = &layer->out[0]->type;
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0, n = x->steps * type_step_size(out); i < n; i++) {
    int64_t to[EVAL_MAX_AXES];
    eval_split(out, i, to);
    ReducedLine line = line_of(layer, x->steps, to, ended);
    y->data[i] = value(layer, x, &line, to);
  }
  return EVAL_OK;
}

static double softmax_value(const Layer *layer, const EvalTensor *x, const ReducedLine *line,
                            const int64_t *to) {
  double most = line_at(x, line, line_best(x, line)), sum = 0;
  double here = line_at(x, line, to[layer->along[0].axis + 1]);
  for (int64_t k = 0; k < line->n; k++)
    sum += exp(line_at(x, line, k) - most);
  return layer->kind == LAYER_softmax ? exp(here - most) / sum : here - most - log(sum);
}

EvalStatus eval_softmax(Eval *e, const Layer *layer) {
  return from_lines(e, layer, false, softmax_value);
}

static double argmax_value(const Layer *layer, const EvalTensor *x, const ReducedLine *line,
                           const int64_t *to) {
  (void)layer;
  (void)to;
  return (double)line_best(x, line);
}

EvalStatus eval_argmax(Eval *e, const Layer *layer) {
  return from_lines(e, layer, true, argmax_value);
}

/* Dauphin et al. 2017: the first half times the sigmoid of the second. */
static double glu_value(const Layer *layer, const EvalTensor *x, const ReducedLine *line,
                        const int64_t *to) {
  int64_t k = to[layer->along[0].axis + 1];
  return line_at(x, line, k) * eval_activation(ACT_SIGMOID, line_at(x, line, k + line->n / 2));
}

EvalStatus eval_glu(Eval *e, const Layer *layer) {
  return from_lines(e, layer, false, glu_value);
}

EvalStatus eval_cumsum(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *out = &layer->out[0]->type;
  int axis = layer->along[0].axis;
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0, n = x->steps * type_step_size(out); i < n; i++) {
    int64_t to[EVAL_MAX_AXES];
    eval_split(out, i, to);
    bool first = to[axis + 1] == 0;
    to[axis + 1]--;
    y->data[i] = (first ? 0 : y->data[eval_join(out, to)]) + x->data[i];
  }
  return EVAL_OK;
}
