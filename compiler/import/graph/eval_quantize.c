/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From real numbers to integers with a scale, and back. */
#include "import/graph/eval.h"

/* Which of the scales belongs to each element: stride[0] of the walk, in places along an axis or
 * blocks of it. */
typedef struct Scales {
  Walk walk;
  int axis;
  int64_t block, step[GRAPH_MAX_RANK];
} Scales;

static Scales scales_of(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *scale = call_in(call, 1);
  Scales s = {.walk = walk_start(x->rank, x->dim),
              .block = graph_int(call->node, GRAPH_ATTR_block, 0)};
  if (!s.block && scale->count == 1) return s;
  call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 1), x->rank,
            &s.axis); /* checked by the shape rule */
  if (s.block)
    strides_of(scale->rank, scale->dim, s.step);
  else
    s.step[s.axis] = 1;
  return s;
}

static int64_t scale_place(const Scales *s) {
  int64_t place = 0;
  for (int i = 0; i < s->walk.rank; i++)
    place += s->walk.at[i] / (s->block && i == s->axis ? s->block : 1) * s->step[i];
  return place;
}

/* A function of one number, its scale and its zero point. */
typedef double ScaleOne(double x, double scale, double zero, GraphElem to);

static double quantized(double x, double scale, double zero, GraphElem to) {
  double q = nearbyint(x / scale) + zero;
  return isnan(q) ? 0 : elem_saturate(to, q);
}

static double dequantized(double x, double scale, double zero, GraphElem to) {
  (void)to;
  return (float)((x - zero) * scale);
}

/* How many elements in a row have one scale: all, or those of one place along the last axis but
 * one, or only one. */
static int64_t same_scale(const Scales *s, const GraphTensor *x) {
  bool any = false;
  for (int i = 0; i < x->rank; i++)
    any = any || s->step[i];
  if (!any) return x->count;
  return x->rank > 1 && !s->step[x->rank - 1] ? x->dim[x->rank - 1] : 1;
}

static inline bool scale_each(GraphCall *call, ScaleOne *one) {
  const GraphTensor *x = call_in(call, 0), *scale = call_in(call, 1), *zero = call_in(call, 2);
  Scales s = scales_of(call);
  GraphNumbers y = call_numbers_for(call, 0, x->narrow != NULL);
  GraphElem elem = call->out[0].elem;
  int64_t n = same_scale(&s, x);
  for (int64_t i = 0; i < x->count; i += n) {
    int64_t k = scale_place(&s);
    double step = graph_at(scale, k), from = zero ? graph_at(zero, k) : 0;
    for (int64_t j = i; j < i + n; j++)
      graph_put(&y, j, one(graph_at(x, j), step, from, elem));
    if (n == 1)
      walk_next(&s.walk);
    else
      walk_skip_row(&s.walk);
  }
  return true;
}

bool graph_eval_Quantize(GraphCall *call) {
  return scale_each(call, quantized);
}

bool graph_eval_Dequantize(GraphCall *call) {
  return scale_each(call, dequantized);
}

/* The range of the operand is widened to have 0, which becomes a whole number exactly. If all
 * numbers are 0, the scale is 1. */
bool graph_eval_DynamicQuantize(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  double low = 0, high = 0, *y = call_data(call, 0);
  for (int64_t i = 0; i < x->count; i++) {
    low = fmin(low, x->wide[i]);
    high = fmax(high, x->wide[i]);
  }
  double scale = high > low ? (high - low) / 255 : 1;
  double zero = elem_saturate(GRAPH_U8, nearbyint(-low / scale));
  for (int64_t i = 0; i < x->count; i++)
    y[i] = elem_saturate(GRAPH_U8, nearbyint(x->wide[i] / scale) + zero);
  if (call->node->n_out > 1) call_data(call, 1)[0] = scale;
  if (call->node->n_out > 2) call_data(call, 2)[0] = zero;
  return true;
}
