/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that reduce axes, and those that go along one. */
#include "import/graph/eval.h"

#include <stdlib.h>

/* A walk over the operand of a reduction, whose offset[0] is the place in the result to which an
 * element belongs. *each gets the number of elements that become one. */
static Walk reduction(GraphCall *call, int64_t *each) {
  const GraphTensor *x = call_in(call, 0);
  unsigned set;
  int64_t kept[GRAPH_MAX_RANK];
  call_reduced(call, x->rank, &set); /* checked by the shape rule */
  *each = 1;
  for (int i = 0; i < x->rank; i++) {
    kept[i] = set & 1u << i ? 1 : x->dim[i];
    if (set & 1u << i) *each *= x->dim[i];
  }
  GraphTensor like = {.rank = x->rank};
  for (int i = 0; i < x->rank; i++)
    like.dim[i] = kept[i];
  Walk w = walk_start(x->rank, x->dim);
  strides_broadcast(&like, x->rank, w.stride[0]);
  return w;
}

static bool reduce(GraphCall *call, double start, double (*f)(double sum, double x)) {
  const GraphTensor *x = call_in(call, 0);
  int64_t each;
  Walk w = reduction(call, &each);
  double *y = call_data(call, 0);
  for (int64_t i = 0; i < call->out[0].count; i++)
    y[i] = start;
  for (int64_t i = 0; i < x->count; i++, walk_next(&w))
    y[w.offset[0]] = f(y[w.offset[0]], x->wide[i]);
  for (int64_t i = 0; i < call->out[0].count; i++)
    y[i] = elem_wrap(call->out[0].elem, y[i]);
  return true;
}

/* REDUCE(operator, value of nothing, a value y and one more element x) */
#define REDUCE(name, start, value)                                                                 \
  static double name##_of(double y, double x) {                                                    \
    return value;                                                                                  \
  }                                                                                                \
  bool graph_eval_##name(GraphCall *call) {                                                        \
    return reduce(call, start, name##_of);                                                         \
  }

REDUCE(ReduceSum, 0, y + x)
REDUCE(ReduceMax, -INFINITY, x > y || isnan(x) ? x : y)
REDUCE(ReduceMin, INFINITY, x < y || isnan(x) ? x : y)
REDUCE(ReduceProd, 1, y *x)
REDUCE(ReduceL1, 0, y + fabs(x))
REDUCE(ReduceAll, 1, y != 0 && x != 0)
REDUCE(ReduceAny, 0, y != 0 || x != 0)

static double plus_square(double y, double x) {
  return y + x * x;
}

bool graph_eval_ReduceL2(GraphCall *call) {
  reduce(call, 0, plus_square);
  double *y = (double *)call->out[0].wide;
  for (int64_t i = 0; i < call->out[0].count; i++)
    y[i] = sqrt(y[i]);
  return true;
}

bool graph_eval_ReduceMean(GraphCall *call) {
  int64_t each;
  reduction(call, &each);
  graph_eval_ReduceSum(call);
  double *y = (double *)call->out[0].wide;
  for (int64_t i = 0; i < call->out[0].count; i++)
    y[i] = call->out[0].elem == GRAPH_FLOAT ? y[i] / (double)each : trunc(y[i] / (double)each);
  return true;
}

bool graph_eval_ReduceLogSumExp(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int64_t each;
  Walk w = reduction(call, &each);
  graph_eval_ReduceMax(call);
  const double *most = call->out[0].wide;
  double *y = call_data(call, 0);
  for (int64_t i = 0; i < x->count; i++, walk_next(&w)) {
    double top = isfinite(most[w.offset[0]]) ? most[w.offset[0]] : 0;
    y[w.offset[0]] += exp(x->wide[i] - top);
  }
  for (int64_t i = 0; i < call->out[0].count; i++)
    y[i] = log(y[i]) + (isfinite(most[i]) ? most[i] : 0);
  return true;
}

/* ---- along one axis ---- */

static Line along(GraphCall *call, int64_t usual, int *axis) {
  const GraphTensor *x = call_in(call, 0);
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, usual), x->rank, axis))
    return (Line){0, 0, 0};
  return line_of(x, *axis);
}

static bool arg(GraphCall *call, bool is_max) {
  const GraphTensor *x = call_in(call, 0);
  int axis;
  Line line = along(call, 0, &axis);
  double *y = call_data(call, 0);
  for (int64_t o = 0; o < line.outer; o++)
    for (int64_t i = 0; i < line.inner; i++) {
      const double *at = x->wide + o * line.n * line.inner + i;
      int64_t best = 0;
      for (int64_t k = 1; k < line.n; k++)
        if (is_max ? at[k * line.inner] > at[best * line.inner]
                   : at[k * line.inner] < at[best * line.inner])
          best = k;
      y[o * line.inner + i] = (double)best;
    }
  return true;
}

bool graph_eval_ArgMax(GraphCall *call) {
  return arg(call, true);
}
bool graph_eval_ArgMin(GraphCall *call) {
  return arg(call, false);
}

bool graph_eval_CumSum(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  bool exclusive = graph_int(call->node, GRAPH_ATTR_exclusive, 0) != 0;
  bool reverse = graph_int(call->node, GRAPH_ATTR_reverse, 0) != 0;
  int axis;
  Line line = along(call, 0, &axis);
  if (call->fault) return false;
  double *y = call_data(call, 0);
  for (int64_t o = 0; o < line.outer; o++)
    for (int64_t i = 0; i < line.inner; i++) {
      double sum = 0;
      for (int64_t k = 0; k < line.n; k++) {
        int64_t at = (o * line.n + (reverse ? line.n - 1 - k : k)) * line.inner + i;
        double with = sum + x->wide[at];
        y[at] = elem_wrap(x->elem, exclusive ? sum : with);
        sum = with;
      }
    }
  return true;
}

static bool softmax(GraphCall *call, bool is_log) {
  const GraphTensor *x = call_in(call, 0);
  int axis;
  Line line = along(call, -1, &axis);
  if (call->fault) return false;
  double *y = call_data(call, 0);
  for (int64_t o = 0; o < line.outer; o++)
    for (int64_t i = 0; i < line.inner; i++) {
      int64_t base = o * line.n * line.inner + i;
      double most = -INFINITY, sum = 0;
      for (int64_t k = 0; k < line.n; k++)
        most = fmax(most, x->wide[base + k * line.inner]);
      for (int64_t k = 0; k < line.n; k++)
        sum += exp(x->wide[base + k * line.inner] - most);
      for (int64_t k = 0; k < line.n; k++) {
        double d = x->wide[base + k * line.inner] - most;
        y[base + k * line.inner] = is_log ? d - log(sum) : exp(d) / sum;
      }
    }
  return true;
}

bool graph_eval_Softmax(GraphCall *call) {
  return softmax(call, false);
}
bool graph_eval_LogSoftmax(GraphCall *call) {
  return softmax(call, true);
}

bool graph_eval_LpNormalize(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int64_t order = graph_int(call->node, GRAPH_ATTR_order, 2);
  double eps = graph_number(call->node, GRAPH_ATTR_eps, 0);
  int axis;
  Line line = along(call, -1, &axis);
  if (call->fault) return false;
  if (order != 1 && order != 2)
    return call_fault(call, "there is no norm of order %lld", (long long)order);
  double *y = call_data(call, 0);
  for (int64_t o = 0; o < line.outer; o++)
    for (int64_t i = 0; i < line.inner; i++) {
      int64_t base = o * line.n * line.inner + i;
      double norm = 0;
      for (int64_t k = 0; k < line.n; k++) {
        double v = x->wide[base + k * line.inner];
        norm += order == 1 ? fabs(v) : v * v;
      }
      if (order == 2) norm = sqrt(norm);
      for (int64_t k = 0; k < line.n; k++) /* what is all zero stays so */
        y[base + k * line.inner] =
            norm == 0 && eps == 0 ? 0 : x->wide[base + k * line.inner] / fmax(norm, eps);
    }
  return true;
}

/* ---- the largest ---- */

typedef struct RankedElement {
  double value;
  int64_t place;
} RankedElement;

/* The order of TopK: NaN first, then the larger numbers, and equal ones by their places. */
static int by_size(const void *left, const void *right) {
  const RankedElement *a = left, *b = right;
  bool nan_a = isnan(a->value), nan_b = isnan(b->value);
  if (nan_a != nan_b) return nan_a ? -1 : 1;
  if (!nan_a && a->value != b->value) return a->value > b->value ? -1 : 1;
  return (a->place > b->place) - (a->place < b->place);
}

bool graph_eval_TopK(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  double sign = graph_int(call->node, GRAPH_ATTR_largest, 1) ? 1 : -1;
  int axis;
  Line line = along(call, -1, &axis);
  int64_t k = call->out[0].dim[axis];
  double *y = call_data(call, 0), *places = call->node->n_out > 1 ? call_data(call, 1) : NULL;
  RankedElement *all = ARENA_ARRAY(call->arena, RankedElement, line.n + 1);
  for (int64_t o = 0; o < line.outer; o++)
    for (int64_t i = 0; i < line.inner; i++) {
      for (int64_t j = 0; j < line.n; j++)
        all[j] = (RankedElement){sign * x->wide[(o * line.n + j) * line.inner + i], j};
      qsort(all, (size_t)line.n, sizeof *all, by_size);
      for (int64_t j = 0; j < k; j++) {
        y[(o * k + j) * line.inner + i] = sign * all[j].value;
        if (places) places[(o * k + j) * line.inner + i] = (double)all[j].place;
      }
    }
  return true;
}
