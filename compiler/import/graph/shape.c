/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types and shapes of results. In, a call whose operands have shapes; out, its results without
 * numbers, or a fault. The rules are in shape_*.c, one for each word in the column `shape` of
 * graph_ops.def. */
#include "import/graph/call.h"

#include <math.h>

bool call_fault(GraphCall *call, const char *format, ...) {
  va_list args;
  va_start(args, format);
  call->fault = arena_vprintf(call->arena, format, args);
  va_end(args);
  return false;
}

const GraphTensor *call_in(const GraphCall *call, int k) {
  return k < call->node->n_in ? call->in[k] : NULL;
}

const char *call_dims(GraphCall *call, int rank, const int64_t *dim) {
  return dims_str(call->arena, rank, dim);
}

bool call_result(GraphCall *call, int k, GraphElem elem, int rank, const int64_t *dim) {
  int64_t count = 1,
          room = 1; /* room: empty axes count as 1, so that no product of sizes overflows */
  if (rank > GRAPH_MAX_RANK)
    return call_fault(call, "its result has %d axes; at most %d are supported", rank,
                      GRAPH_MAX_RANK);
  for (int i = 0; i < rank; i++)
    if (dim[i] < 0 || !size_mul(count, dim[i], &count) ||
        !size_mul(room, dim[i] ? dim[i] : 1, &room) || room > INT32_MAX)
      return call_fault(
          call, "its result would have the shape %s, with a negative or too large dimension",
          call_dims(call, rank, dim));
  if (k >= call->node->n_out)
    return call_fault(call, "it has %d results; it needs %d", call->node->n_out, k + 1);
  call->out[k] = (GraphTensor){.elem = elem, .rank = rank, .count = count};
  for (int i = 0; i < rank; i++)
    call->out[k].dim[i] = dim[i];
  return true;
}

bool call_axis(GraphCall *call, int64_t axis, int rank, int *out) {
  int64_t from_front = axis < 0 ? axis + rank : axis;
  if (from_front < 0 || from_front >= rank)
    return call_fault(call, "axis %lld does not exist among %d axes", (long long)axis, rank);
  *out = (int)from_front;
  return true;
}

bool call_axes(GraphCall *call, GraphAttributeName name, int rank, unsigned *set) {
  const GraphAttribute *axes = graph_attribute(call->node, name);
  *set = axes ? 0 : (1u << rank) - 1;
  for (int i = 0; axes && i < axes->n; i++) {
    int axis;
    if (!call_axis(call, axes->i[i], rank, &axis)) return false;
    if (*set & 1u << axis) return call_fault(call, "axis %d is named twice", axis);
    *set |= 1u << axis;
  }
  return true;
}

int64_t graph_span(const GraphTensor *t) {
  int64_t span = 1;
  for (int i = 0; i < t->rank; i++)
    span *=
        t->dim[i] ? t->dim[i] : 1; /* at most INT32_MAX: call_result and graph_tensor see to it */
  return span;
}

int64_t graph_whole(double x) {
  const double most = 4.611686018427387904e18; /* 2^62: sums of two still fit */
  if (isnan(x)) return 0;
  if (x >= most) return INT64_C(1) << 62;
  if (x <= -most) return -(INT64_C(1) << 62);
  return (int64_t)x;
}

bool call_numbers(GraphCall *call, int k, int most, int *n, int64_t *out) {
  const GraphTensor *t = call_in(call, k);
  if (!t || t->rank > 1) return call_fault(call, "operand %d has to be a vector", k);
  if (!graph_known(t) && t->count > 0)
    return call_fault(call, "the numbers of operand %d are not known", k);
  if (t->count > most)
    return call_fault(call, "operand %d has %lld elements; at most %d are supported", k,
                      (long long)t->count, most);
  *n = (int)t->count;
  for (int i = 0; i < *n; i++)
    out[i] = graph_whole(graph_at(t, i));
  return true;
}

bool call_number(GraphCall *call, int k, int64_t *out) {
  const GraphTensor *t = call_in(call, k);
  if (!t || t->count != 1) return call_fault(call, "operand %d has to be one number", k);
  if (!graph_known(t)) return call_fault(call, "the number of operand %d is not known", k);
  *out = graph_whole(graph_at(t, 0));
  return true;
}

bool call_per_axis(GraphCall *call, GraphAttributeName name, int n, int64_t usual, int64_t *out) {
  const GraphAttribute *a = graph_attribute(call->node, name);
  if (a && a->n != n) return call_fault(call, "an attribute has %d numbers for %d axes", a->n, n);
  for (int i = 0; i < n; i++)
    out[i] = a ? a->i[i] : usual;
  return true;
}

bool call_broadcast(GraphCall *call, int rank_a, const int64_t *a, int rank_b, const int64_t *b,
                    int *rank, int64_t *dim) {
  *rank = rank_a > rank_b ? rank_a : rank_b;
  for (int i = 0; i < *rank; i++) { /* axes from the last one on */
    int64_t x = i < rank_a ? a[rank_a - 1 - i] : 1, y = i < rank_b ? b[rank_b - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      return call_fault(call, "sizes %lld and %lld do not match (%s and %s)", (long long)x,
                        (long long)y, call_dims(call, rank_a, a), call_dims(call, rank_b, b));
    dim[*rank - 1 - i] = x == 1 ? y : x;
  }
  return true;
}

/* The number of operands of each operator, and its shape rule. */
static const struct {
  int min_in, max_in, n_out;
  bool (*shape)(GraphCall *call);
} rule[GRAPH_OP_COUNT] = {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes, nearest)                         \
  {min_in, max_in, n_out, graph_shape_##shape},
#include "import/graph/graph_ops.def"
#undef OP
};

bool graph_shape_control(GraphCall *call) {
  return call_fault(call, "%s is not computed on its own", graph_op_name(call->node->op));
}

bool graph_call_shape(GraphCall *call) {
  const GraphNode *node = call->node;
  int min_in = rule[node->op].min_in, max_in = rule[node->op].max_in, n_out = rule[node->op].n_out;
  call->fault = NULL;
  if (node->n_in < min_in || node->n_in > max_in)
    return call_fault(call, "it has %d operands; it needs %s%d", node->n_in,
                      node->n_in < min_in ? "at least " : "at most ",
                      node->n_in < min_in ? min_in : max_in);
  if (n_out != MANY && node->n_out > n_out)
    return call_fault(call, "it has %d results; it makes %d", node->n_out, n_out);
  for (int k = 0; k < node->n_in; k++) {
    const GraphTensor *t = call->in[k];
    if (!t && k < min_in) return call_fault(call, "operand %d is missing", k);
    if (t && (t->rank < 0 || t->rank > GRAPH_MAX_RANK))
      return call_fault(call, "operand %d has %d axes", k, t->rank);
  }
  return rule[node->op].shape(call);
}
