/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shape rules of operators that compute each element by itself, and of those that make tensors of
 * numbers. */
#include "import/graph/call.h"

bool graph_shape_same(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  if (!call_result(call, 0, x->elem, x->rank, x->dim)) return false;
  call->out[0].is_list = x->is_list;
  return true;
}

bool graph_shape_truth(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  return call_result(call, 0, GRAPH_BOOL, x->rank, x->dim);
}

static bool elem_of(GraphCall *call, int64_t if_absent, GraphElem *elem) {
  int64_t e = graph_int(call->node, GRAPH_ATTR_elem, if_absent);
  if (e < GRAPH_FLOAT || e > GRAPH_U64)
    return call_fault(call, "there is no element type %lld", (long long)e);
  *elem = (GraphElem)e;
  return true;
}

bool graph_shape_cast(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  GraphElem elem = GRAPH_FLOAT;
  return elem_of(call, GRAPH_FLOAT, &elem) && call_result(call, 0, elem, x->rank, x->dim);
}

/* The type of a result of two operands. Readers give both the same type; where these differ, the
 * result has fractions if either has. */
static GraphElem wider(GraphElem a, GraphElem b) {
  return a == GRAPH_FLOAT ? a : b == GRAPH_FLOAT ? b : a;
}

static bool broadcast(GraphCall *call, GraphElem elem, const GraphTensor *a, const GraphTensor *b) {
  int rank;
  int64_t dim[GRAPH_MAX_RANK];
  return call_broadcast(call, a->rank, a->dim, b->rank, b->dim, &rank, dim) &&
         call_result(call, 0, elem, rank, dim);
}

bool graph_shape_broadcast(GraphCall *call) {
  const GraphTensor *a = call_in(call, 0), *b = call_in(call, 1);
  return broadcast(call, wider(a->elem, b->elem), a, b);
}

bool graph_shape_compare(GraphCall *call) {
  return broadcast(call, GRAPH_BOOL, call_in(call, 0), call_in(call, 1));
}

bool graph_shape_where(GraphCall *call) {
  const GraphTensor *c = call_in(call, 0), *a = call_in(call, 1), *b = call_in(call, 2);
  if (!broadcast(call, wider(a->elem, b->elem), a, b)) return false;
  GraphTensor both = call->out[0];
  return broadcast(call, both.elem, c, &both);
}

/* Whether scales fit x: there is one for all elements, one for each place along an axis, or one for
 * each block of `block` places along it. */
static bool scale_fits(GraphCall *call, const GraphTensor *x, const GraphTensor *scale) {
  int axis;
  int64_t block = graph_int(call->node, GRAPH_ATTR_block, 0);
  if (block < 0)
    return call_fault(call, "a block has %lld elements; it needs at least 0", (long long)block);
  if (!block && scale->count == 1) return true;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 1), x->rank, &axis)) return false;
  if (!block)
    return (scale->rank == 1 && scale->count == x->dim[axis]) ||
           call_fault(call, "%lld scales do not match the size %lld of axis %d",
                      (long long)scale->count, (long long)x->dim[axis], axis);
  bool fits = scale->rank == x->rank;
  for (int i = 0; fits && i < x->rank; i++)
    fits = scale->dim[i] == (i == axis ? (x->dim[i] + block - 1) / block : x->dim[i]);
  return fits || call_fault(call, "scales %s do not match %s in blocks of %lld",
                            call_dims(call, scale->rank, scale->dim),
                            call_dims(call, x->rank, x->dim), (long long)block);
}

static bool quantised(GraphCall *call, GraphElem elem) {
  const GraphTensor *x = call_in(call, 0), *scale = call_in(call, 1), *zero = call_in(call, 2);
  if (!scale_fits(call, x, scale)) return false;
  if (zero && zero->count != scale->count)
    return call_fault(call, "%lld scales and %lld zero points do not match",
                      (long long)scale->count, (long long)zero->count);
  return call_result(call, 0, elem, x->rank, x->dim);
}

bool graph_shape_quantize(GraphCall *call) {
  const GraphTensor *zero = call_in(call, 2);
  GraphElem elem = GRAPH_FLOAT;
  return elem_of(call, zero ? (int64_t)zero->elem : GRAPH_U8, &elem) && quantised(call, elem);
}

bool graph_shape_dequantize(GraphCall *call) {
  return quantised(call, GRAPH_FLOAT);
}

bool graph_shape_dynamic_quantize(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  return call_result(call, 0, GRAPH_U8, x->rank, x->dim) &&
         call_result(call, 1, GRAPH_FLOAT, 0, NULL) && call_result(call, 2, GRAPH_U8, 0, NULL);
}

bool graph_shape_shape(GraphCall *call) {
  int64_t rank = call_in(call, 0)->rank;
  return call_result(call, 0, GRAPH_I64, 1, &rank);
}

bool graph_shape_size(GraphCall *call) {
  return call_result(call, 0, GRAPH_I64, 0, NULL);
}

bool graph_shape_range(GraphCall *call) {
  double at[3];
  for (int k = 0; k < 3; k++) {
    const GraphTensor *t = call_in(call, k);
    if (t->count != 1) return call_fault(call, "operand %d has to be one number", k);
    if (!graph_known(t)) return call_fault(call, "the number of operand %d is not known", k);
    at[k] = graph_at(t, 0);
  }
  double steps = (at[1] - at[0]) / at[2];
  if (!(at[2] != 0)) return call_fault(call, "its step is zero");
  int64_t n = graph_whole(steps), whole = steps > (double)n ? n + 1 : n;
  if (whole < 0) whole = 0;
  return call_result(call, 0, call_in(call, 0)->elem, 1, &whole);
}

bool graph_shape_filled(GraphCall *call) {
  int rank;
  int64_t dim[GRAPH_MAX_RANK];
  GraphElem elem = GRAPH_FLOAT;
  return elem_of(call, GRAPH_FLOAT, &elem) && call_numbers(call, 0, GRAPH_MAX_RANK, &rank, dim) &&
         call_result(call, 0, elem, rank, dim);
}

bool graph_shape_onehot(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *values = call_in(call, 2);
  int64_t depth, dim[GRAPH_MAX_RANK + 1];
  int axis;
  if (!call_number(call, 1, &depth)) return false;
  if (values->count != 2) return call_fault(call, "operand 2 has to be two numbers");
  if (x->rank == GRAPH_MAX_RANK) return call_fault(call, "its result has too many axes");
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, -1), x->rank + 1, &axis))
    return false;
  for (int i = 0; i <= x->rank; i++)
    dim[i] = i == axis ? depth : x->dim[i > axis ? i - 1 : i];
  return call_result(call, 0, values->elem, x->rank + 1, dim);
}
