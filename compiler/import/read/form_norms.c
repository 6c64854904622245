/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See forms.h: along axes. */
#include "import/read/forms.h"

#include <math.h>

/* How many elements of x come together in one. */
static GraphValue *count_along(GraphEmit *e, GraphValue *x, int n, const int64_t *axes) {
  GraphValue *size = EMIT(e, Shape, x);
  size = emit_gather(e, size, 0, n, axes);
  return emit_reduce(e, GRAPH_ReduceProd, size, 1, (int64_t[]){0}, false);
}

/* x less its mean along axes. */
static GraphValue *centered(GraphEmit *e, GraphValue *x, int n, const int64_t *axes) {
  return EMIT(e, Sub, x, emit_reduce(e, GRAPH_ReduceMean, x, n, axes, true));
}

GraphValue *form_variance(GraphEmit *e, GraphValue *x, int n, const int64_t *axes,
                          double correction, bool keep) {
  GraphValue *mean =
      emit_reduce(e, GRAPH_ReduceMean, EMIT(e, Square, centered(e, x, n, axes)), n, axes, keep);
  if (correction == 0) return mean;
  GraphValue *count = emit_cast(e, count_along(e, x, n, axes), GRAPH_FLOAT);
  GraphValue *less = EMIT(e, Sub, count, emit_number(e, correction));
  return EMIT(e, Mul, mean, EMIT(e, Div, count, less));
}

GraphValue *form_norm(GraphEmit *e, GraphValue *x, double p, int n, const int64_t *axes,
                      bool keep) {
  if (p == 1) return emit_reduce(e, GRAPH_ReduceL1, x, n, axes, keep);
  if (p == 2) return emit_reduce(e, GRAPH_ReduceL2, x, n, axes, keep);
  GraphValue *size = EMIT(e, Abs, x);
  if (isinf(p))
    return emit_reduce(e, p > 0 ? GRAPH_ReduceMax : GRAPH_ReduceMin, size, n, axes, keep);
  if (p == 0) {
    GraphValue *counts = emit_cast(e, EMIT(e, Greater, size, emit_number(e, 0)), GRAPH_FLOAT);
    return emit_reduce(e, GRAPH_ReduceSum, counts, n, axes, keep);
  }
  GraphValue *power = EMIT(e, Pow, size, emit_number(e, p));
  GraphValue *sum = emit_reduce(e, GRAPH_ReduceSum, power, n, axes, keep);
  return EMIT(e, Pow, sum, emit_number(e, 1 / p));
}

GraphValue *form_normalised(GraphEmit *e, GraphValue *x, int n, const int64_t *axes, double eps) {
  GraphValue *variance = form_variance(e, x, n, axes, 0, true);
  GraphValue *deviation = EMIT(e, Sqrt, EMIT(e, Add, variance, emit_number(e, eps)));
  return EMIT(e, Div, centered(e, x, n, axes), deviation);
}
