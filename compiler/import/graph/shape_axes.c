/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shape rules of operators that reduce or select along axes, and of lists. */
#include "import/graph/call.h"

bool call_reduced(GraphCall *call, int rank, unsigned *set) {
  int64_t from = graph_int(call->node, GRAPH_ATTR_axis, 0);
  if (!call_axes(call, GRAPH_ATTR_axes, rank, set)) return false;
  if (graph_attribute(call->node, GRAPH_ATTR_axes) || from == 0) return true;
  if (from < 0) from += rank;
  if (from < 0 || from >= rank)
    return call_fault(call, "axis %lld does not exist among %d axes", (long long)from, rank);
  *set &= ~((1u << from) - 1);
  return true;
}

static bool reduced(GraphCall *call, GraphElem elem, unsigned set, int64_t keep) {
  const GraphTensor *x = call_in(call, 0);
  int rank = 0;
  int64_t dim[GRAPH_MAX_RANK];
  for (int i = 0; i < x->rank; i++)
    if (!(set & 1u << i))
      dim[rank++] = x->dim[i];
    else if (keep)
      dim[rank++] = 1;
  return call_result(call, 0, elem, rank, dim);
}

bool graph_shape_reduce(GraphCall *call) {
  unsigned set;
  GraphOp op = call->node->op;
  bool truth = op == GRAPH_ReduceAll || op == GRAPH_ReduceAny;
  return call_reduced(call, call_in(call, 0)->rank, &set) &&
         reduced(call, truth ? GRAPH_BOOL : call_in(call, 0)->elem, set,
                 graph_int(call->node, GRAPH_ATTR_keepdims, 1));
}

bool graph_shape_argmax(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  if (x->dim[axis] == 0) return call_fault(call, "there is no largest or smallest of no elements");
  return reduced(call, GRAPH_I64, 1u << axis, graph_int(call->node, GRAPH_ATTR_keepdims, 1));
}

bool graph_shape_topk(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int axis;
  int64_t k, dim[GRAPH_MAX_RANK];
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, -1), x->rank, &axis) ||
      !call_number(call, 1, &k))
    return false;
  if (k < 0 || k > x->dim[axis])
    return call_fault(call, "it takes %lld of %lld elements", (long long)k,
                      (long long)x->dim[axis]);
  for (int i = 0; i < x->rank; i++)
    dim[i] = i == axis ? k : x->dim[i];
  return call_result(call, 0, x->elem, x->rank, dim) &&
         (call->node->n_out < 2 || call_result(call, 1, GRAPH_I64, x->rank, dim));
}

bool graph_shape_gather(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1);
  int axis, rank = 0;
  int64_t dim[2 * GRAPH_MAX_RANK];
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  int64_t count = graph_int(call->node, GRAPH_ATTR_count, x->dim[axis]);
  if (count != x->dim[axis])
    return call_fault(call, "%lld parts do not fit the size %lld of axis %d", (long long)count,
                      (long long)x->dim[axis], axis);
  for (int i = 0; i < x->rank; i++)
    if (i != axis)
      dim[rank++] = x->dim[i];
    else
      for (int k = 0; k < places->rank; k++)
        dim[rank++] = places->dim[k];
  return call_result(call, 0, x->elem, rank, dim);
}

bool graph_shape_gather_elements(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1);
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  if (places->rank != x->rank)
    return call_fault(call, "its indices have other axes than its tensor");
  for (int i = 0; i < x->rank; i++)
    if (i != axis && places->dim[i] > x->dim[i])
      return call_fault(call, "sizes %lld and %lld of axis %d do not match",
                        (long long)places->dim[i], (long long)x->dim[i], i);
  return call_result(call, 0, x->elem, x->rank, places->dim);
}

bool graph_shape_gather_nd(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *places = call_in(call, 1);
  int64_t block = graph_int(call->node, GRAPH_ATTR_block, 0), dim[2 * GRAPH_MAX_RANK];
  int rank = 0;
  if (places->rank < 1 || block < 0 || block >= places->rank || block > x->rank)
    return call_fault(call, "indices %s do not fit %s", call_dims(call, places->rank, places->dim),
                      call_dims(call, x->rank, x->dim));
  int64_t depth = places->dim[places->rank - 1];
  if (depth > x->rank - block || depth < 1)
    return call_fault(call, "indices of %lld numbers do not fit %s", (long long)depth,
                      call_dims(call, x->rank, x->dim));
  for (int i = 0; i < block; i++)
    if (places->dim[i] != x->dim[i])
      return call_fault(call, "sizes %lld and %lld do not match", (long long)places->dim[i],
                        (long long)x->dim[i]);
  for (int i = 0; i < places->rank - 1; i++)
    dim[rank++] = places->dim[i];
  for (int i = (int)(block + depth); i < x->rank; i++)
    dim[rank++] = x->dim[i];
  return call_result(call, 0, x->elem, rank, dim);
}

/* ---- lists ---- */

static bool list_result(GraphCall *call, GraphElem elem, int rank, const int64_t *dim) {
  if (!call_result(call, 0, elem, rank, dim)) return false;
  call->out[0].is_list = true;
  return true;
}

static bool list_operand(GraphCall *call, const GraphTensor **list) {
  *list = call_in(call, 0);
  return ((*list)->is_list && (*list)->rank >= 1) || call_fault(call, "its operand is not a list");
}

bool graph_shape_list_new(GraphCall *call) {
  int64_t n;
  return call_number(call, 0, &n) &&
         list_result(call, (GraphElem)graph_int(call->node, GRAPH_ATTR_elem, GRAPH_FLOAT), 1, &n);
}

bool graph_shape_list_from(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int axis, to = 1;
  int64_t dim[GRAPH_MAX_RANK + 1];
  bool keep = graph_int(call->node, GRAPH_ATTR_keepdims, 0) != 0;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  dim[0] = x->dim[axis];
  for (int i = 0; i < x->rank; i++)
    if (i != axis || keep) dim[to++] = i == axis ? 1 : x->dim[i];
  return list_result(call, x->elem, to, dim);
}

bool graph_shape_list_get(GraphCall *call) {
  const GraphTensor *list;
  return list_operand(call, &list) &&
         call_result(call, 0, list->elem, list->rank - 1, list->dim + 1);
}

/* A list of `n` elements like `element`, which the elements of `list` have to be like. */
static bool list_with(GraphCall *call, const GraphTensor *list, const GraphTensor *element,
                      int64_t n) {
  int64_t dim[GRAPH_MAX_RANK + 1] = {n};
  bool unset = list->rank == 1 && (!graph_known(list) || list->count == 0),
       same = list->rank == element->rank + 1;
  for (int i = 0; i < element->rank; i++) {
    dim[i + 1] = element->dim[i];
    same = same && list->dim[i + 1] == element->dim[i];
  }
  if (!same && !unset)
    return call_fault(call, "a list of %s cannot hold %s",
                      call_dims(call, list->rank - 1, list->dim + 1),
                      call_dims(call, element->rank, element->dim));
  return list_result(call, element->elem, element->rank + 1, dim);
}

bool graph_shape_list_set(GraphCall *call) {
  const GraphTensor *list;
  return list_operand(call, &list) && list_with(call, list, call_in(call, 2), list->dim[0]);
}

bool graph_shape_list_push(GraphCall *call) {
  const GraphTensor *list;
  return list_operand(call, &list) && list_with(call, list, call_in(call, 1), list->dim[0] + 1);
}

bool graph_shape_list_stack(GraphCall *call) {
  const GraphTensor *list;
  int axis;
  int64_t dim[GRAPH_MAX_RANK];
  if (!list_operand(call, &list) ||
      !call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), list->rank, &axis))
    return false;
  for (int i = 0; i < list->rank; i++)
    dim[i] = i == axis ? list->dim[0] : list->dim[i < axis ? i + 1 : i];
  return call_result(call, 0, list->elem, list->rank, dim);
}

bool graph_shape_list_concat(GraphCall *call) {
  const GraphTensor *list;
  int axis;
  int64_t dim[GRAPH_MAX_RANK];
  if (!list_operand(call, &list) ||
      !call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), list->rank - 1, &axis))
    return false;
  for (int i = 0; i < list->rank - 1; i++)
    dim[i] = list->dim[i + 1];
  if (!size_mul(dim[axis], list->dim[0], &dim[axis]))
    return call_fault(call, "its result is too large");
  return call_result(call, 0, list->elem, list->rank - 1, dim);
}

bool graph_shape_list_size(GraphCall *call) {
  const GraphTensor *list;
  return list_operand(call, &list) && call_result(call, 0, GRAPH_I64, 0, NULL);
}
