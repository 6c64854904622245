/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms: (x - mean) / sqrt(variance + eps), which differ in the elements that they go over. */
#include "import/graph/eval.h"

bool graph_eval_BatchNorm(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  double eps = graph_number(call->node, GRAPH_ATTR_eps, 0), *y = call_data(call, 0);
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 1), x->rank, &axis)) return false;
  for (int k = 1; k < 5; k++)
    if (call_in(call, k)->count != x->dim[axis])
      return call_fault(call, "sizes %lld and %lld do not match: a parameter and axis %d",
                        (long long)call_in(call, k)->count, (long long)x->dim[axis], axis);
  const double *scale = call_in(call, 1)->wide, *center = call_in(call, 2)->wide;
  const double *mean = call_in(call, 3)->wide, *variance = call_in(call, 4)->wide;
  Line line = line_of(x, axis);
  for (int64_t i = 0; i < x->count; i++) {
    int64_t c = i / line.inner % line.n;
    y[i] = scale[c] * (x->wide[i] - mean[c]) / sqrt(variance[c] + eps) + center[c];
  }
  return true;
}

static void standardise(const double *x, int64_t n, double eps, bool centered, double *y) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; centered && i < n; i++)
    mean += x[i] / (double)n;
  for (int64_t i = 0; i < n; i++)
    variance += (x[i] - mean) * (x[i] - mean) / (double)n;
  for (int64_t i = 0; i < n; i++)
    y[i] = (x[i] - mean) / sqrt(variance + eps);
}

static bool differs(int rank, const int64_t *dim, const GraphTensor *x) {
  for (int i = 0; i < rank; i++)
    if (dim[i] != x->dim[i]) return true;
  return rank != x->rank;
}

/* A norm over an axis and all after it. Scale and center are broadcast. */
static bool layer_norm(GraphCall *call, bool centered) {
  const GraphTensor *x = call_in(call, 0), *scale = call_in(call, 1),
                    *center = centered ? call_in(call, 2) : NULL;
  double eps = graph_number(call->node, GRAPH_ATTR_eps, 0), *y = call_data(call, 0);
  const GraphTensor *affine[2] = {scale, center};
  int axis, rank;
  int64_t dim[GRAPH_MAX_RANK];
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, -1), x->rank, &axis)) return false;
  for (int k = 0; k < 2; k++)
    if (affine[k] &&
        (affine[k]->rank > x->rank ||
         !call_broadcast(call, x->rank, x->dim, affine[k]->rank, affine[k]->dim, &rank, dim) ||
         differs(rank, dim, x)))
      return call->fault ? false
                         : call_fault(call, "its parameters have more elements than its operand");
  Line line = line_of(x, axis);
  int64_t n = line.n * line.inner;
  for (int64_t o = 0; o < line.outer; o++)
    standardise(x->wide + o * n, n, eps, centered, y + o * n);
  Walk w = walk_start(x->rank, x->dim);
  for (int k = 0; k < 2; k++)
    if (affine[k]) strides_broadcast(affine[k], x->rank, w.stride[k]);
  for (int64_t i = 0; i < x->count; i++, walk_next(&w)) {
    if (scale) y[i] *= scale->wide[w.offset[0]];
    if (center) y[i] += center->wide[w.offset[1]];
  }
  return true;
}

bool graph_eval_LayerNorm(GraphCall *call) {
  return layer_norm(call, true);
}
bool graph_eval_RmsNorm(GraphCall *call) {
  return layer_norm(call, false);
}

bool graph_eval_GroupNorm(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *scale = call_in(call, 1), *center = call_in(call, 2);
  int64_t groups = graph_int(call->node, GRAPH_ATTR_groups, 1);
  double eps = graph_number(call->node, GRAPH_ATTR_eps, 0), *y = call_data(call, 0);
  if (x->rank < 2 || groups < 1 || x->dim[1] % groups != 0)
    return call_fault(call, "%lld groups do not divide the channels of %s", (long long)groups,
                      call_dims(call, x->rank, x->dim));
  if ((scale && scale->count != x->dim[1]) || (center && center->count != x->dim[1]))
    return call_fault(call, "its parameters do not match %lld channels", (long long)x->dim[1]);
  Line line = line_of(x, 1);
  int64_t n = line.n / groups * line.inner;
  for (int64_t o = 0; o < line.outer * groups; o++)
    standardise(x->wide + o * n, n, eps, true, y + o * n);
  for (int64_t i = 0; i < x->count; i++) {
    int64_t c = i / line.inner % line.n;
    if (scale) y[i] *= scale->wide[c];
    if (center) y[i] += center->wide[c];
  }
  return true;
}
