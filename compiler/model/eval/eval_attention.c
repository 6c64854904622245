/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* attention in double (Vaswani et al. 2017): y[i] = sum over j of softmax over j of (q[i] . k[j]
 * scale) v[j], each head by itself. */
#include "model/eval/eval_layer.h"

#include <math.h>

/* Positions of one attention: rows of width d. */
typedef struct Rows {
  const double *data;
  int64_t n, d;
} Rows;

static double score(const Rows *q, int64_t i, const Rows *k, int64_t j, int64_t first, int64_t size,
                    double scale) {
  double sum = 0;
  for (int64_t c = first; c < first + size; c++)
    sum += q->data[i * q->d + c] * k->data[j * k->d + c];
  return sum * scale;
}

static void attend(const Layer *layer, const Rows *q, const Rows *k, const Rows *v, double *y,
                   double *weight) {
  int64_t heads = layer_size(layer, OPT_heads, 1), size = q->d / heads, width = v->d / heads;
  double scale = layer_number(layer, OPT_factor, 1 / sqrt((double)size));
  bool causal = layer_word_is(layer, OPT_mask, "causal");
  for (int64_t h = 0; h < heads; h++)
    for (int64_t i = 0; i < q->n; i++) {
      int64_t n = causal ? i + 1 : k->n;
      double most = -INFINITY, sum = 0;
      for (int64_t j = 0; j < n; j++) {
        weight[j] = score(q, i, k, j, h * size, size, scale);
        most = eval_greater(most, weight[j]);
      }
      for (int64_t j = 0; j < n; j++)
        sum += exp(weight[j] - most);
      for (int64_t c = h * width; c < (h + 1) * width; c++) {
        y[i * v->d + c] = 0;
        for (int64_t j = 0; j < n; j++)
          y[i * v->d + c] += exp(weight[j] - most) / sum * v->data[j * v->d + c];
      }
    }
}

EvalStatus eval_attention(Eval *e, const Layer *layer) {
  const EvalTensor *x[3];
  Rows rows[3];
  bool timed = layer->along[0].axis == AXIS_TIME;
  int64_t runs = timed ? 1 : eval_in(e, layer->in[0])->steps;
  for (int i = 0; i < 3; i++) {
    const Type *type = &layer->in[i]->type;
    x[i] = eval_in(e, layer->in[i]);
    rows[i] = (Rows){.n = timed ? x[i]->steps : type->dim[0].n, .d = type->dim[type->rank - 1].n};
    if (!timed && x[i]->steps < runs) runs = x[i]->steps;
  }
  EvalTensor *y = eval_out(e, layer->out[0], timed ? x[0]->steps : runs);
  double *weight = ARENA_ARRAY(e->arena, double, rows[1].n);
  for (int64_t t = 0; t < runs; t++) {
    for (int i = 0; i < 3; i++)
      rows[i].data = x[i]->data + t * rows[i].n * rows[i].d;
    attend(layer, &rows[0], &rows[1], &rows[2], y->data + t * rows[0].n * rows[2].d, weight);
  }
  return EVAL_OK;
}
