/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that take or set elements at the places that another operand lists, and those that make
 * tensors of numbers, such as Range. */
#include "import/graph/eval.h"

#include <string.h>

/* *out gets a place along an axis of n elements; a negative one counts from the end. False with a
 * fault if there is no such element. */
static bool place_of(GraphCall *call, double number, int64_t n, int64_t *out) {
  int64_t place = graph_whole(number);
  *out = place < 0 ? place + n : place;
  return (*out >= 0 && *out < n) ||
         call_fault(call, "index %lld is outside of %lld elements", (long long)place, (long long)n);
}

bool graph_eval_Gather(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1);
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  Line line = line_of(x, axis);
  GraphNumbers y = call_numbers_like(call, 0, x);
  for (int64_t k = 0; k < places->count; k++) {
    int64_t from;
    if (!place_of(call, graph_at(places, k), line.n, &from)) return false;
    for (int64_t o = 0; o < line.outer; o++)
      for (int64_t i = 0; i < line.inner; i++)
        graph_put(&y, (o * places->count + k) * line.inner + i,
                  graph_at(x, (o * line.n + from) * line.inner + i));
  }
  return true;
}

bool graph_eval_GatherElements(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1);
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  double *y = call_data(call, 0);
  Walk w = walk_start(places->rank, places->dim);
  strides_of(x->rank, x->dim, w.stride[0]);
  int64_t step = w.stride[0][axis];
  for (int64_t i = 0; i < places->count; i++, walk_next(&w)) {
    int64_t from;
    if (!place_of(call, places->wide[i], x->dim[axis], &from)) return false;
    y[i] = x->wide[w.offset[0] + (from - w.at[axis]) * step];
  }
  return true;
}

/* The place in x to which `depth` numbers lead, one for each axis from `first` on. */
static bool nd_place(GraphCall *call, const double *numbers, int64_t depth, const GraphTensor *x,
                     int first, int64_t *out) {
  int64_t stride[GRAPH_MAX_RANK];
  strides_of(x->rank, x->dim, stride);
  *out = 0;
  for (int64_t k = 0; k < depth; k++) {
    int64_t place;
    if (!place_of(call, numbers[k], x->dim[first + k], &place)) return false;
    *out += place * stride[first + k];
  }
  return true;
}

bool graph_eval_GatherNd(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1);
  int block = (int)graph_int(call->node, GRAPH_ATTR_block, 0);
  int64_t depth = places->dim[places->rank - 1], n = depth ? places->count / depth : 0;
  int64_t run = 1, blocks = 1, step = 1;
  for (int i = block + (int)depth; i < x->rank; i++)
    run *= x->dim[i];
  for (int i = 0; i < block; i++)
    blocks *= x->dim[i];
  for (int i = block; i < x->rank; i++)
    step *= x->dim[i];
  double *y = call_data(call, 0);
  for (int64_t k = 0; k < n; k++) {
    int64_t from;
    if (!nd_place(call, places->wide + k * depth, depth, x, block, &from)) return false;
    from += k / (n / blocks) * step;
    if (run) memcpy(y + k * run, x->wide + from, sizeof *y * (size_t)run);
  }
  return true;
}

static double *copied(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  double *y = call_data(call, 0);
  if (x->count) memcpy(y, x->wide, sizeof *y * (size_t)x->count);
  return y;
}

bool graph_eval_ScatterElements(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1), *update = call_in(call, 2);
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  bool fits = places->rank == x->rank && update->rank == x->rank;
  for (int i = 0; fits && i < x->rank; i++)
    fits = places->dim[i] == update->dim[i] && (i == axis || places->dim[i] <= x->dim[i]);
  if (!fits) return call_fault(call, "its indices and updates do not fit its tensor");
  double *y = copied(call);
  Walk w = walk_start(places->rank, places->dim);
  strides_of(x->rank, x->dim, w.stride[0]);
  int64_t step = w.stride[0][axis];
  for (int64_t i = 0; i < places->count; i++, walk_next(&w)) {
    int64_t to;
    if (!place_of(call, places->wide[i], x->dim[axis], &to)) return false;
    y[w.offset[0] + (to - w.at[axis]) * step] = update->wide[i];
  }
  return true;
}

bool graph_eval_ScatterNd(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1), *update = call_in(call, 2);
  int64_t depth = places->rank ? places->dim[places->rank - 1] : 0;
  if (depth < 1 || depth > x->rank) return call_fault(call, "its indices do not fit its tensor");
  int64_t run = 1, n = places->count / depth, all;
  for (int i = (int)depth; i < x->rank; i++)
    run *= x->dim[i];
  if (!size_mul(n, run, &all) || update->count != all)
    return call_fault(call, "%lld updates do not fill %lld indices of %lld",
                      (long long)update->count, (long long)n, (long long)run);
  double *y = copied(call);
  for (int64_t k = 0; k < n; k++) {
    int64_t to;
    if (!nd_place(call, places->wide + k * depth, depth, x, 0, &to)) return false;
    if (run) memcpy(y + to, update->wide + k * run, sizeof *y * (size_t)run);
  }
  return true;
}

/* x with the first lengths[n] steps of each sample n in reverse order. */
bool graph_eval_ReverseSequence(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *lengths = call_in(call, 1);
  int axis, batch;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis) ||
      !call_axis(call, graph_int(call->node, GRAPH_ATTR_batch_axis, 1), x->rank, &batch))
    return false;
  if (axis == batch || lengths->count != x->dim[batch])
    return call_fault(call, "%lld lengths do not match %lld samples", (long long)lengths->count,
                      (long long)x->dim[batch]);
  double *y = call_data(call, 0);
  Walk w = walk_start(x->rank, x->dim);
  strides_of(x->rank, x->dim, w.stride[0]);
  for (int64_t i = 0; i < x->count; i++, walk_next(&w)) {
    int64_t n = graph_whole(lengths->wide[w.at[batch]]), t = w.at[axis];
    if (n < 0 || n > x->dim[axis])
      return call_fault(call, "a length of %lld is outside of %lld steps", (long long)n,
                        (long long)x->dim[axis]);
    int64_t from = t < n ? n - 1 - t : t;
    y[i] = x->wide[i + (from - t) * w.stride[0][axis]];
  }
  return true;
}

/* ---- tensors from numbers ---- */

bool graph_eval_Shape(GraphCall *call) {
  double *y = call_data(call, 0);
  for (int i = 0; i < call_in(call, 0)->rank; i++)
    y[i] = (double)call_in(call, 0)->dim[i];
  return true;
}

bool graph_eval_Size(GraphCall *call) {
  call_data(call, 0)[0] = (double)call_in(call, 0)->count;
  return true;
}

bool graph_eval_Range(GraphCall *call) {
  double start = call_in(call, 0)->wide[0], step = call_in(call, 2)->wide[0],
         *y = call_data(call, 0);
  for (int64_t i = 0; i < call->out[0].count; i++)
    y[i] = start + (double)i * step;
  return true;
}

bool graph_eval_ConstantOfShape(GraphCall *call) {
  double value = graph_number(call->node, GRAPH_ATTR_value, 0), *y = call_data(call, 0);
  for (int64_t i = 0; i < call->out[0].count; i++)
    y[i] = value;
  return true;
}

/* A negative place counts from the end; a place that does not exist gives no element that is on. */
bool graph_eval_OneHot(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *values = call_in(call, 2);
  GraphTensor *out = &call->out[0];
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, -1), out->rank, &axis)) return false;
  Line line = line_of(out, axis);
  double *y = call_data(call, 0);
  for (int64_t i = 0; i < out->count; i++)
    y[i] = values->wide[0];
  for (int64_t o = 0; o < line.outer; o++)
    for (int64_t i = 0; i < line.inner; i++) {
      int64_t place = graph_whole(x->wide[o * line.inner + i]);
      if (place < 0) place += line.n;
      if (place >= 0 && place < line.n) y[(o * line.n + place) * line.inner + i] = values->wide[1];
    }
  return true;
}
