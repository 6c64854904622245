/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions and what goes along an axis. */
#include "import/read/torch/reader.h"

#include <string.h>

static GraphValue *reduced(TorchCall *c, GraphOp op, GraphValue *x, int n, const int64_t *axes) {
  GraphNode *node = emit_node(c->emit, op, 1, &x, 1);
  if (n) graph_set_ints(c->emit->graph, node, GRAPH_ATTR_axes, n, axes);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, torch_bool(c, "keepdim", false));
  return emit_done(c->emit, node);
}

bool torch_op_reduce(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  bool truth = c->same == GRAPH_ReduceAny || c->same == GRAPH_ReduceAll,
       is_truth = torch_arg_elem(c, "self") == GRAPH_BOOL;
  if (!x || !torch_axes(c, "dim", "self", &n, axes)) return false;
  if (truth != is_truth) x = emit_cast(c->emit, x, truth ? GRAPH_BOOL : GRAPH_I64);
  return torch_set(c, 0, reduced(c, c->same, x, n, axes));
}

/* The smallest and the largest, along an axis or of all. */
bool torch_op_aminmax(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  return x && torch_axes(c, "dim", "self", &n, axes) &&
         torch_set(c, 0, reduced(c, GRAPH_ReduceMin, x, n, axes)) &&
         torch_set(c, 1, reduced(c, GRAPH_ReduceMax, x, n, axes));
}

static GraphValue *arg(TorchCall *c, GraphOp op, GraphValue *x, int64_t axis, bool keep) {
  GraphNode *node = emit_node(c->emit, op, 1, &x, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, keep);
  return emit_done(c->emit, node);
}

/* max and min: of two tensors, of all elements, or along an axis with the places. */
bool torch_op_max_along(TorchCall *c) {
  bool is_max = strcmp(c->op, "max") == 0;
  GraphValue *x = torch_in(c, "self"), *other = torch_tensor_arg(c, "other");
  if (!x) return false;
  if (other)
    return torch_set(c, 0, is_max ? EMIT(c->emit, Max, x, other) : EMIT(c->emit, Min, x, other));
  int64_t axis = torch_has(c, "dim") ? torch_axis(c, "dim", 0, "self", 0) : 0;
  if (axis < 0) return false;
  if (!torch_set(
          c, 0,
          reduced(c, is_max ? GRAPH_ReduceMax : GRAPH_ReduceMin, x, torch_has(c, "dim"), &axis)))
    return false;
  return !torch_wants(c, 1) || torch_set(c, 1,
                                         arg(c, is_max ? GRAPH_ArgMax : GRAPH_ArgMin, x, axis,
                                             torch_bool(c, "keepdim", false)));
}

bool torch_op_arg(TorchCall *c) {
  GraphOp op = strcmp(c->op, "argmax") == 0 ? GRAPH_ArgMax : GRAPH_ArgMin;
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  if (!torch_has(c, "dim"))
    return torch_set(c, 0, arg(c, op, emit_reshape(c->emit, x, 1, (int64_t[]){-1}), 0, false));
  int axis = torch_axis(c, "dim", 0, "self", 0);
  return axis >= 0 && torch_set(c, 0, arg(c, op, x, axis, torch_bool(c, "keepdim", false)));
}

static bool along(TorchCall *c, GraphOp op) {
  GraphValue *x = torch_in(c, "self");
  int axis = x ? torch_axis(c, "dim", -1, "self", 0) : -1;
  return axis >= 0 && torch_set(c, 0, emit_axis_call(c->emit, op, axis, 1, &x));
}

bool torch_op_cumsum(TorchCall *c) {
  return along(c, GRAPH_CumSum);
}

bool torch_op_softmax(TorchCall *c) {
  return along(c, strstr(c->op, "log") ? GRAPH_LogSoftmax : GRAPH_Softmax);
}

bool torch_op_topk(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *k = x ? torch_operand(c, "k") : NULL;
  int axis = k ? torch_axis(c, "dim", -1, "self", 0) : -1;
  if (axis < 0) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_TopK, 2, (GraphValue *[]){x, k}, 2);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_largest, torch_bool(c, "largest", true));
  emit_done(c->emit, node);
  return torch_set(c, 0, node->out[0]) && torch_set(c, 1, node->out[1]);
}
