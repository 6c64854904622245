/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms, reductions and what goes along an axis. */
#include "import/read/torch/reader.h"

#include <string.h>

/* A vector like another one, of one number. */
static GraphValue *vector_of(TorchCall *c, const GraphValue *like, double x) {
  double *data;
  const GraphTensor *t = like->constant;
  GraphTensor *out = graph_tensor(c->reader->arena, GRAPH_FLOAT, t->rank, t->dim, &data);
  for (int64_t i = 0; i < out->count; i++)
    data[i] = x;
  return graph_constant(c->emit->graph, "", out);
}

bool torch_op_batch_norm(TorchCall *c) {
  GraphValue *x = torch_in(c, "input"), *mean = torch_tensor_arg(c, "running_mean"),
             *variance = torch_tensor_arg(c, "running_var");
  GraphValue *scale = torch_tensor_arg(c, "weight"), *center = torch_tensor_arg(c, "bias");
  if (!x) return false;
  if (torch_bool(c, "training", false) || !mean || !variance || !mean->constant)
    return torch_refuse(
        c, E902, "takes the mean of its input: it is exported for training; export in eval mode");
  if (!scale) scale = vector_of(c, mean, 1);
  if (!center) center = vector_of(c, mean, 0);
  GraphNode *node =
      emit_node(c->emit, GRAPH_BatchNorm, 5, (GraphValue *[]){x, scale, center, mean, variance}, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, 1);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_eps, torch_number(c, "eps", 1e-5));
  return torch_set(c, 0, emit_done(c->emit, node));
}

/* Over the last axes, as many as normalized_shape has. */
static bool last_axes_norm(TorchCall *c, GraphOp op, double eps) {
  int64_t shape[GRAPH_MAX_RANK];
  int n = torch_ints(c, "normalized_shape", GRAPH_MAX_RANK, shape), rank = torch_rank(c, "input"),
      n_in = 1;
  GraphValue *in[3] = {torch_in(c, "input"), torch_tensor_arg(c, "weight"),
                       torch_tensor_arg(c, "bias")};
  if (!in[0]) return false;
  if (n < 1 || rank < n) return torch_refuse(c, E901, "is over %d of %d axes", n, rank);
  for (int k = 1; k < 3; k++)
    if (in[k]) n_in = k + 1;
  GraphNode *node = emit_node(c->emit, op, n_in, in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, rank - n);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_eps, eps);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_layer_norm(TorchCall *c) {
  return last_axes_norm(c, GRAPH_LayerNorm, torch_number(c, "eps", 1e-5));
}

bool torch_op_rms_norm(TorchCall *c) {
  const double float_eps = 1.1920928955078125e-07; /* the default of PyTorch */
  return last_axes_norm(c, GRAPH_RmsNorm, torch_number(c, "eps", float_eps));
}

bool torch_op_group_norm(TorchCall *c) {
  GraphValue *in[3] = {torch_in(c, "input"), torch_tensor_arg(c, "weight"),
                       torch_tensor_arg(c, "bias")};
  if (!in[0]) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_GroupNorm, in[2] ? 3 : in[1] ? 2 : 1, in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_groups, torch_int(c, "num_groups", 1));
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_eps, torch_number(c, "eps", 1e-5));
  return torch_set(c, 0, emit_done(c->emit, node));
}

/* Axes of the argument dim, from the front; 0 of them: all. False after reporting. */
static bool axes_of(TorchCall *c, int *n, int64_t *axes) {
  int rank = torch_rank(c, "self");
  *n = torch_has(c, "dim") ? torch_ints(c, "dim", GRAPH_MAX_RANK, axes) : 0;
  if (*n < 0 || rank < 0) return torch_refuse(c, E901, "names unknown axes");
  for (int i = 0; i < *n; i++) {
    if (axes[i] < 0) axes[i] += rank;
    if (axes[i] < 0 || axes[i] >= rank)
      return torch_refuse(c, E901, "names an axis that does not exist");
  }
  return true;
}

static GraphValue *reduced(TorchCall *c, GraphOp op, GraphValue *x, int n, const int64_t *axes) {
  GraphNode *node = emit_node(c->emit, op, 1, &x, 1);
  if (n) graph_set_ints(c->emit->graph, node, GRAPH_ATTR_axes, n, axes);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, torch_bool(c, "keepdim", false));
  return emit_done(c->emit, node);
}

bool torch_op_reduce(TorchCall *c) {
  static const struct {
    const char *name;
    GraphOp op;
  } known[] = {{"mean", GRAPH_ReduceMean}, {"sum", GRAPH_ReduceSum},
               {"amax", GRAPH_ReduceMax},  {"amin", GRAPH_ReduceMin},
               {"prod", GRAPH_ReduceProd}, {"logsumexp", GRAPH_ReduceLogSumExp}};
  GraphValue *x = torch_in(c, "self");
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  if (!x || !axes_of(c, &n, axes)) return false;
  if (torch_arg_elem(c, "self") == GRAPH_BOOL) x = emit_cast(c->emit, x, GRAPH_I64);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].name, c->op) == 0)
      return torch_set(c, 0, reduced(c, known[i].op, x, n, axes));
  return false;
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
