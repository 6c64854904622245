/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators over whole axes: reductions, the place of the largest element, the k largest, running
 * sums. */
#include "import/read/tflite/reader.h"

static GraphOp reduction_of(int32_t code) {
  static const struct {
    int32_t code;
    GraphOp op;
  } ops[] = {{40, GRAPH_ReduceMean}, {74, GRAPH_ReduceSum}, {81, GRAPH_ReduceProd},
             {82, GRAPH_ReduceMax},  {89, GRAPH_ReduceMin}, {91, GRAPH_ReduceAny},
             {140, GRAPH_ReduceAll}};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (ops[i].code == code) return ops[i].op;
  return GRAPH_Identity;
}

/* If it names no axes, the result is the operand. */
bool tfl_op_reduce(TflCall *c) {
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  if (!tfl_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, &n, axes)) return false;
  GraphValue *x = tfl_real(c, 0);
  return tfl_set_real(c, 0,
                      n ? emit_reduce(c->emit, reduction_of(c->op.code), x, n, axes, tfl_flag(c, 0))
                        : EMIT(c->emit, Identity, x));
}

bool tfl_op_arg(TflCall *c) {
  enum { ARG_MAX = 56 };
  int64_t axis;
  if (!tfl_constant_int(c, 1, "axis", &axis)) return false;
  GraphNode *node =
      emit_node(c->emit, c->op.code == ARG_MAX ? GRAPH_ArgMax : GRAPH_ArgMin, 1, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, 0);
  return tfl_set(c, 0, emit_done(c->emit, node));
}

bool tfl_op_top_k(TflCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_TopK, 2, c->in, 2);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, -1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_largest, 1);
  return tfl_set_like(c, 0, node->out[0], 0) && tfl_set(c, 1, node->out[1]);
}

bool tfl_op_cumsum(TflCall *c) {
  int64_t axis;
  GraphValue *x = tfl_real(c, 0);
  if (!tfl_constant_int(c, 1, "axis", &axis)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_CumSum, 1, &x, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_exclusive, tfl_flag(c, 0));
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_reverse, tfl_flag(c, 1));
  return tfl_set_real(c, 0, emit_done(c->emit, node));
}
