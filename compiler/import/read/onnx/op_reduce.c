/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that reduce axes, and those that go along one. */
#include "import/read/onnx/reader.h"

#include <string.h>

/* Axes are an attribute, or the second operand. `named`: there are any. */
static bool axes_of(OnnxCall *c, int *n, int64_t *axes, bool *named) {
  const int64_t *given;
  *n = 0;
  if (call_operand(c, 1)) {
    if (!call_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, n, axes)) return false;
  } else if (call_attr_ints(c, "axes", n, &given)) {
    if (*n > GRAPH_MAX_RANK) return call_refuse(c, E901, "names %d axes", *n);
    if (*n) memcpy(axes, given, sizeof *axes * (size_t)*n);
  }
  *named = *n > 0;
  return true;
}

bool onnx_op_reduce(OnnxCall *c) {
  static const NamedOp known[] = {
      {"ReduceSum", GRAPH_ReduceSum},       {"ReduceMean", GRAPH_ReduceMean},
      {"ReduceMax", GRAPH_ReduceMax},       {"ReduceMin", GRAPH_ReduceMin},
      {"ReduceProd", GRAPH_ReduceProd},     {"ReduceL1", GRAPH_ReduceL1},
      {"ReduceL2", GRAPH_ReduceL2},         {"ReduceLogSumExp", GRAPH_ReduceLogSumExp},
      {"ReduceSumSquare", GRAPH_ReduceSum}, {"ReduceLogSum", GRAPH_ReduceSum}};
  const char *name = c->node->op_type;
  GraphOp op = OP_NAMED(known, name);
  GraphValue *x = c->in[0];
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  bool named = false;
  if (!axes_of(c, &n, axes, &named)) return false;
  if (strcmp(name, "ReduceSumSquare") == 0) x = EMIT(c->emit, Square, x);
  if (named || !call_attr_int(c, "noop_with_empty_axes", 0)) {
    GraphNode *node = emit_node(c->emit, op, 1, &x, 1);
    if (named) graph_set_ints(c->emit->graph, node, GRAPH_ATTR_axes, n, axes);
    graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, call_attr_int(c, "keepdims", 1) != 0);
    x = emit_done(c->emit, node);
  } else if (op == GRAPH_ReduceL1 || op == GRAPH_ReduceL2)
    x = EMIT(c->emit, Abs, x);
  if (strcmp(name, "ReduceLogSum") == 0) x = EMIT(c->emit, Log, x);
  return call_set(c, 0, x);
}

bool onnx_op_arg(OnnxCall *c) {
  GraphOp op = strcmp(c->node->op_type, "ArgMax") == 0 ? GRAPH_ArgMax : GRAPH_ArgMin;
  if (call_attr_int(c, "select_last_index", 0))
    return call_lacks(c, E902,
                      "without `select_last_index`, it returns the first, which differs only where "
                      "elements are equal",
                      "returns the last of several equal elements; grus supports the first");
  GraphNode *node = emit_node(c->emit, op, 1, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, call_attr_int(c, "axis", 0));
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, call_attr_int(c, "keepdims", 1) != 0);
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_cumsum(OnnxCall *c) {
  int n;
  int64_t axis;
  if (!call_constant_ints(c, 1, "axis", 1, &n, &axis)) return false;
  if (n != 1) return call_refuse(c, E901, "names no axis");
  GraphNode *node = emit_node(c->emit, GRAPH_CumSum, 1, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_exclusive, call_attr_int(c, "exclusive", 0) != 0);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_reverse, call_attr_int(c, "reverse", 0) != 0);
  return call_set(c, 0, emit_done(c->emit, node));
}

/* How many axes a value has, where the file says so. */
static int rank_of(const OnnxCall *c, const GraphValue *value) {
  const Graph *graph = c->reader->graph;
  if (value->constant) return value->constant->rank;
  for (int i = 0; i < graph->n_in; i++)
    if (graph->in[i].value == value) return graph->in[i].rank;
  return -1;
}

/* Before opset 13 over all axes from `axis` on together; since then over `axis` alone. */
bool onnx_op_softmax(OnnxCall *c) {
  GraphOp op = strcmp(c->node->op_type, "Softmax") == 0 ? GRAPH_Softmax : GRAPH_LogSoftmax;
  bool together = c->reader->opset < 13;
  int64_t axis = call_attr_int(c, "axis", together ? 1 : -1);
  int rank = rank_of(c, c->in[0]);
  if (!together || axis == -1 || (rank > 0 && axis == rank - 1))
    return call_set(c, 0, emit_axis_call(c->emit, op, axis, 1, c->in));
  GraphValue *flat = emit_axis_call(c->emit, GRAPH_Flatten, axis, 1, c->in);
  GraphValue *y = emit_axis_call(c->emit, op, 1, 1, &flat);
  return call_set(c, 0, EMIT(c->emit, Reshape, y, EMIT(c->emit, Shape, c->in[0])));
}

bool onnx_op_lp_normalization(OnnxCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_LpNormalize, 1, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, call_attr_int(c, "axis", -1));
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_order, call_attr_int(c, "p", 2));
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_topk(OnnxCall *c) {
  GraphValue *k = call_operand(c, 1);
  if (!k) k = emit_int(c->emit, call_attr_int(c, "k", 1));
  GraphNode *node = emit_node(c->emit, GRAPH_TopK, 2, (GraphValue *[]){c->in[0], k}, 2);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, call_attr_int(c, "axis", -1));
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_largest, call_attr_int(c, "largest", 1) != 0);
  emit_done(c->emit, node);
  return call_set(c, 0, node->out[0]) && call_set(c, 1, node->out[1]);
}
