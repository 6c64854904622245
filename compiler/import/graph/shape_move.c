/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shape rules of operators whose results have the same numbers in other places. */
#include "import/graph/call.h"

bool graph_shape_reshape(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int rank, open = -1;
  int64_t dim[GRAPH_MAX_RANK], known = 1;
  if (!call_numbers(call, 1, GRAPH_MAX_RANK, &rank, dim)) return false;
  for (int i = 0; i < rank; i++) {
    if (dim[i] == 0 && graph_int(call->node, GRAPH_ATTR_copy_zeros, 0)) {
      if (i >= x->rank) return call_fault(call, "there is no size to copy at position %d", i);
      dim[i] = x->dim[i];
    }
    if (dim[i] == -1 && open >= 0) return call_fault(call, "two sizes of its shape are open");
    if (dim[i] == -1)
      open = i;
    else if (dim[i] < 0 || !size_mul(known, dim[i], &known))
      return call_fault(call, "the shape %s has a negative or too large dimension",
                        call_dims(call, rank, dim));
  }
  if (open >= 0 && known > 0 && x->count % known == 0)
    dim[open] = x->count / known;
  else if (open >= 0 && known == 0 && x->count == 0)
    dim[open] = 0;
  else if (open >= 0 || known != x->count)
    return call_fault(call, "%lld elements %s do not fit the shape %s", (long long)x->count,
                      call_dims(call, x->rank, x->dim), call_dims(call, rank, dim));
  return call_result(call, 0, x->elem, rank, dim);
}

bool graph_shape_squeeze(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  bool named = graph_attribute(call->node, GRAPH_ATTR_axes) != NULL;
  unsigned set;
  int rank = 0;
  int64_t dim[GRAPH_MAX_RANK];
  if (!call_axes(call, GRAPH_ATTR_axes, x->rank, &set)) return false;
  for (int i = 0; i < x->rank; i++) {
    bool out = (set & 1u << i) != 0;
    if (out && named && x->dim[i] != 1)
      return call_fault(call, "axis %d has the size %lld, and only an axis of 1 can be removed", i,
                        (long long)x->dim[i]);
    if (!out || x->dim[i] != 1) dim[rank++] = x->dim[i];
  }
  return call_result(call, 0, x->elem, rank, dim);
}

bool graph_shape_unsqueeze(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  const GraphAttribute *axes = graph_attribute(call->node, GRAPH_ATTR_axes);
  int rank = x->rank + (axes ? axes->n : 0);
  unsigned set;
  int64_t dim[GRAPH_MAX_RANK];
  if (!axes) return call_fault(call, "it names no axes");
  if (axes->n > GRAPH_MAX_RANK || rank > GRAPH_MAX_RANK)
    return call_fault(call, "its result has too many axes");
  if (!call_axes(call, GRAPH_ATTR_axes, rank, &set)) return false;
  for (int i = 0, from = 0; i < rank; i++)
    dim[i] = set & 1u << i ? 1 : x->dim[from++];
  return call_result(call, 0, x->elem, rank, dim);
}

bool graph_shape_flatten(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int64_t axis = graph_int(call->node, GRAPH_ATTR_axis, 1), dim[2] = {1, 1};
  if (axis < 0) axis += x->rank;
  if (axis < 0 || axis > x->rank)
    return call_fault(call, "axis %lld does not exist among %d axes", (long long)axis, x->rank);
  for (int i = 0; i < x->rank; i++)
    if (!size_mul(dim[i >= axis], x->dim[i], &dim[i >= axis]))
      return call_fault(call, "its result is too large");
  return call_result(call, 0, x->elem, 2, dim);
}

bool graph_shape_transpose(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  const GraphAttribute *perm = graph_attribute(call->node, GRAPH_ATTR_perm);
  unsigned set;
  int64_t dim[GRAPH_MAX_RANK];
  if (perm && perm->n != x->rank)
    return call_fault(call, "an order of %d axes does not fit %d axes", perm->n, x->rank);
  if (!call_axes(call, GRAPH_ATTR_perm, x->rank, &set)) return false;
  for (int i = 0; i < x->rank; i++) {
    int from = x->rank - 1 - i;
    if (perm && !call_axis(call, perm->i[i], x->rank, &from)) return false;
    dim[i] = x->dim[from];
  }
  return call_result(call, 0, x->elem, x->rank, dim);
}

bool graph_shape_expand(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int n, rank;
  int64_t shape[GRAPH_MAX_RANK], dim[GRAPH_MAX_RANK];
  return call_numbers(call, 1, GRAPH_MAX_RANK, &n, shape) &&
         call_broadcast(call, x->rank, x->dim, n, shape, &rank, dim) &&
         call_result(call, 0, x->elem, rank, dim);
}

bool graph_shape_tile(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int n;
  int64_t dim[GRAPH_MAX_RANK];
  if (!call_numbers(call, 1, GRAPH_MAX_RANK, &n, dim)) return false;
  if (n != x->rank) return call_fault(call, "%d repeats do not fit %d axes", n, x->rank);
  for (int i = 0; i < n; i++)
    if (!size_mul(dim[i], x->dim[i], &dim[i])) return call_fault(call, "its result is too large");
  return call_result(call, 0, x->elem, n, dim);
}

bool graph_shape_concat(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int axis;
  int64_t dim[GRAPH_MAX_RANK];
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  for (int i = 0; i < x->rank; i++)
    dim[i] = x->dim[i];
  for (int k = 1; k < call->node->n_in; k++) {
    const GraphTensor *t = call_in(call, k);
    if (!t || t->rank != x->rank) return call_fault(call, "its operands differ in their axes");
    for (int i = 0; i < x->rank; i++)
      if (i != axis && t->dim[i] != dim[i])
        return call_fault(call, "sizes %lld and %lld of axis %d do not match", (long long)dim[i],
                          (long long)t->dim[i], i);
    if (!size_add(dim[axis], t->dim[axis], &dim[axis]))
      return call_fault(call, "its result is too large");
  }
  return call_result(call, 0, x->elem, x->rank, dim);
}

bool graph_shape_split(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *sizes = call_in(call, 1);
  int axis, n = call->node->n_out, given;
  int64_t dim[GRAPH_MAX_RANK], sum = 0;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  if (n < 1) return call_fault(call, "it has no results");
  int64_t *part = ARENA_ARRAY(call->arena, int64_t, n);
  int64_t equal = graph_int(call->node, GRAPH_ATTR_count, 1);
  if (!sizes && x->dim[axis] % equal)
    return call_fault(call, "%lld equal parts do not fit the size %lld of axis %d",
                      (long long)equal, (long long)x->dim[axis], axis);
  if (sizes && (!call_numbers(call, 1, n, &given, part) || given != n))
    return call->fault ? false : call_fault(call, "%d sizes do not fit %d results", given, n);
  int64_t each = (x->dim[axis] + n - 1) / n;
  for (int k = 0; k < n; k++) {
    if (!sizes) part[k] = sum + each <= x->dim[axis] ? each : x->dim[axis] - sum;
    if (part[k] < 0 || !size_add(sum, part[k], &sum))
      return call_fault(call, "a part of %lld elements is negative or too large",
                        (long long)part[k]);
  }
  if (sum != x->dim[axis])
    return call_fault(call, "parts of %lld in all do not fill the size %lld", (long long)sum,
                      (long long)x->dim[axis]);
  for (int k = 0; k < n; k++) {
    for (int i = 0; i < x->rank; i++)
      dim[i] = i == axis ? part[k] : x->dim[i];
    if (!call_result(call, k, x->elem, x->rank, dim)) return false;
  }
  return true;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

bool call_slice(GraphCall *call, CallSlice *slice) {
  const GraphTensor *x = call_in(call, 0);
  int n, n_ends, n_axes, n_steps;
  int64_t start[GRAPH_MAX_RANK], end[GRAPH_MAX_RANK], axes[GRAPH_MAX_RANK], step[GRAPH_MAX_RANK];
  unsigned seen = 0;
  if (!call_numbers(call, 1, GRAPH_MAX_RANK, &n, start) ||
      !call_numbers(call, 2, GRAPH_MAX_RANK, &n_ends, end) ||
      (call_in(call, 3) && !call_numbers(call, 3, GRAPH_MAX_RANK, &n_axes, axes)) ||
      (call_in(call, 4) && !call_numbers(call, 4, GRAPH_MAX_RANK, &n_steps, step)))
    return false;
  if (n_ends != n || (call_in(call, 3) && n_axes != n) || (call_in(call, 4) && n_steps != n))
    return call_fault(call, "its starts, ends, axes and steps differ in number");
  for (int i = 0; i < x->rank; i++) {
    slice->start[i] = 0;
    slice->step[i] = 1;
    slice->count[i] = x->dim[i];
  }
  for (int k = 0; k < n; k++) {
    int axis;
    int64_t by = call_in(call, 4) ? step[k] : 1;
    if (!call_axis(call, call_in(call, 3) ? axes[k] : k, x->rank, &axis)) return false;
    if (seen & 1u << axis) return call_fault(call, "axis %d is named twice", axis);
    if (by == 0) return call_fault(call, "its step is zero");
    seen |= 1u << axis;
    int64_t size = x->dim[axis], low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
    int64_t from = clamp(start[k] < 0 ? start[k] + size : start[k], by > 0 ? 0 : -1, high);
    int64_t to = clamp(end[k] < 0 ? end[k] + size : end[k], low, high);
    int64_t way = by > 0 ? to - from : from - to, stride = by > 0 ? by : -by;
    slice->start[axis] = from;
    slice->step[axis] = by;
    slice->count[axis] = way > 0 ? (way - 1) / stride + 1 : 0;
  }
  return true;
}

bool graph_shape_slice(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  CallSlice slice;
  return call_slice(call, &slice) && call_result(call, 0, x->elem, x->rank, slice.count);
}

bool graph_shape_pad(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int n;
  int64_t pads[2 * GRAPH_MAX_RANK], dim[GRAPH_MAX_RANK];
  if (!call_numbers(call, 1, 2 * GRAPH_MAX_RANK, &n, pads)) return false;
  if (n != 2 * x->rank) return call_fault(call, "%d pads do not fit %d axes", n, x->rank);
  for (int i = 0; i < x->rank; i++)
    if (!size_add(x->dim[i], pads[i], &dim[i]) || !size_add(dim[i], pads[x->rank + i], &dim[i]))
      return call_fault(call, "its result is too large");
  return call_result(call, 0, x->elem, x->rank, dim);
}

bool graph_shape_depth_to_space(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int64_t block = graph_int(call->node, GRAPH_ATTR_block, 1), square, dim[4];
  if (x->rank != 4 || block < 1 || !size_mul(block, block, &square) || x->dim[1] % square != 0)
    return call_fault(call, "%s does not divide into blocks of %lld",
                      call_dims(call, x->rank, x->dim), (long long)block);
  dim[0] = x->dim[0];
  dim[1] = x->dim[1] / square;
  if (!size_mul(x->dim[2], block, &dim[2]) || !size_mul(x->dim[3], block, &dim[3]))
    return call_fault(call, "its result is too large");
  return call_result(call, 0, x->elem, 4, dim);
}
