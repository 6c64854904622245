/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* attention in double (Vaswani et al. 2017): y[i] is the sum over j of v[j] times the softmax over
 * j of the scores q[i] . k[j] factor, for each head by itself. AdditiveAttention (Bahdanau et al.
 * 2015): a score is the sum of scale tanh(q[i] + k[j]) over the features. Each position of the axes
 * that it does not go along has an attention of its own. */
#include "model/eval/eval_layer.h"

#include <math.h>

/* Queries, keys or values of one attention: n rows of d numbers, each `stride` after the one
 * before. */
typedef struct ScoreRows {
  const double *data;
  int64_t n, d, stride;
} ScoreRows;

/* The score of a query and a key in a head: features first .. first + size. */
static double score(const Layer *layer, const double *q, const double *k, int64_t first,
                    int64_t size) {
  const float *scale = layer->weights ? layer->weights->role[ROLE_SCALE] : NULL;
  double sum = 0;
  for (int64_t c = first; c < first + size; c++)
    if (layer->kind == LAYER_AdditiveAttention)
      sum += (scale ? (double)scale[c] : 1) * tanh(q[c] + k[c]);
    else
      sum += q[c] * k[c];
  if (layer->kind == LAYER_AdditiveAttention) return sum;
  return sum * layer_number(layer, OPT_factor, 1 / sqrt((double)size));
}

/* One attention: all heads and queries. weight: memory for a score of each key. */
static void attend(const Layer *layer, const ScoreRows *q, const ScoreRows *k, const ScoreRows *v,
                   double *y, int64_t y_stride, double *weight) {
  int64_t heads = layer_size(layer, OPT_heads, 1), size = q->d / heads, width = v->d / heads;
  int64_t window = layer_window(layer);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t i = 0; i < q->n; i++) {
      int64_t end = layer_looks_back(layer) ? i + 1 : k->n;
      int64_t begin = window && end > window ? end - window : 0;
      double most = -INFINITY, sum = 0;
      for (int64_t j = begin; j < end; j++) {
        weight[j] = score(layer, q->data + i * q->stride, k->data + j * k->stride, h * size, size);
        most = eval_greater(most, weight[j]);
      }
      for (int64_t j = begin; j < end; j++)
        sum += exp(weight[j] - most);
      for (int64_t c = h * width; c < (h + 1) * width; c++) {
        double *to = &y[i * y_stride + c];
        *to = 0;
        for (int64_t j = begin; j < end; j++)
          *to += exp(weight[j] - most) / sum * v->data[j * v->stride + c];
      }
    }
}

/* The distance, in elements, from one position of an axis to the next. */
static int64_t stride_of(const Type *type, int axis) {
  int64_t n = 1;
  for (int i = axis + 1; i < type->rank; i++)
    n *= type->dim[i].n;
  return n;
}

EvalStatus eval_attention(Eval *e, const Layer *layer) {
  const EvalTensor *x[3];
  ScoreRows rows[3];
  int axis = layer->along[0].axis;
  bool timed = axis == AXIS_TIME;
  const Type *type = &layer->in[0]->type;
  int64_t steps = eval_in(e, layer->in[0])->steps, outer = 1, inner = 1;
  for (int i = 0; i < 3; i++) {
    const Type *t = &layer->in[i]->type;
    x[i] = eval_in(e, layer->in[i]);
    rows[i] = (ScoreRows){.n = timed ? x[i]->steps : t->dim[axis].n,
                          .d = t->dim[t->rank - 1].n,
                          .stride = stride_of(t, axis)};
    if (!timed && x[i]->steps < steps) steps = x[i]->steps;
  }
  if (!timed) outer = steps;
  for (int i = 0; i + 1 < type->rank; i++) {
    if (i < axis) outer *= type->dim[i].n;
    if (i > axis) inner *= type->dim[i].n;
  }
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  double *weight = ARENA_ARRAY(e->arena, double, rows[1].n);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t p = 0; p < inner; p++) {
      for (int i = 0; i < 3; i++)
        rows[i].data = x[i]->data + o * rows[i].n * rows[i].stride + p * rows[i].d;
      double *to = y->data + o * rows[0].n * rows[2].stride + p * rows[2].d;
      attend(layer, &rows[0], &rows[1], &rows[2], to, rows[2].stride, weight);
    }
  return EVAL_OK;
}
