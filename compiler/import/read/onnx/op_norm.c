/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms. */
#include "import/read/onnx/reader.h"

#include <string.h>

static GraphValue *norm(OnnxCall *c, GraphOp op, int n_in, GraphValue *const *in, int64_t axis,
                        double eps) {
  GraphNode *node = emit_node(c->emit, op, n_in, in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_eps, eps);
  return emit_done(c->emit, node);
}

bool onnx_op_batch_norm(OnnxCall *c) {
  bool training = call_attr_int(c, "training_mode", 0) != 0 ||
                  (c->reader->opset < 7 && !call_attr_int(c, "is_test", 0));
  if (training)
    return call_lacks(
        c, E902, "export the model in evaluation mode: `model.eval()` before `torch.onnx.export`",
        "is exported for training: it takes the mean of its input");
  if (!call_attr_int(c, "spatial", 1))
    return call_lacks(
        c, E902, "write it as `Mul` and `Add` with a constant for each position, which grus reads",
        "has a mean for each position, not for each channel");
  for (int k = 1; k < 5; k++)
    if (call_wants(c, k))
      return call_lacks(c, E902,
                        "export the model in evaluation mode (`model.eval()`), where it has one "
                        "result",
                        "returns its mean, as in training");
  return call_set(c, 0, norm(c, GRAPH_BatchNorm, 5, c->in, 1, call_attr_float(c, "epsilon", 1e-5)));
}

static GraphValue *group_norm(OnnxCall *c, int64_t groups, GraphValue *scale, GraphValue *center) {
  GraphNode *node =
      emit_node(c->emit, GRAPH_GroupNorm, 3, (GraphValue *[]){c->in[0], scale, center}, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_groups, groups);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_eps, call_attr_float(c, "epsilon", 1e-5));
  return emit_done(c->emit, node);
}

bool onnx_op_instance_norm(OnnxCall *c) {
  if (!c->in[1]->constant)
    return call_lacks(c, E902,
                      "give it a scale of ones and a bias of zeros, and multiply and add the "
                      "computed values after it",
                      "has a computed scale, which is not supported");
  return call_set(c, 0, group_norm(c, c->in[1]->constant->count, c->in[1], c->in[2]));
}

/* Before opset 21 one scale a group, then one a channel. */
bool onnx_op_group_norm(OnnxCall *c) {
  int64_t groups = call_attr_int(c, "num_groups", 1);
  if (c->reader->opset < 21)
    return call_lacks(
        c, E902,
        "export with opset 21, whose scale is one for each channel; `torch.onnx.export(..., "
        "opset_version=17)` writes `InstanceNormalization`, which grus reads",
        "has a scale for each group, as before opset 21; grus supports one for each channel");
  return call_set(c, 0, group_norm(c, groups, c->in[1], c->in[2]));
}

static GraphValue *mean_from(OnnxCall *c, GraphValue *x, int64_t axis) {
  GraphNode *node = emit_node(c->emit, GRAPH_ReduceMean, 1, &x, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, 1);
  return emit_done(c->emit, node);
}

/* Results 1 and 2: the mean, and 1 / sqrt(variance + eps). */
bool onnx_op_layer_norm(OnnxCall *c) {
  int64_t axis = call_attr_int(c, "axis", -1);
  double eps = call_attr_float(c, "epsilon", 1e-5);
  if (call_wants(c, 1) || call_wants(c, 2)) {
    GraphValue *mean = mean_from(c, c->in[0], axis);
    GraphValue *variance =
        mean_from(c, EMIT(c->emit, Square, EMIT(c->emit, Sub, c->in[0], mean)), axis);
    GraphValue *inverse =
        EMIT(c->emit, Reciprocal,
             EMIT(c->emit, Sqrt, EMIT(c->emit, Add, variance, emit_number(c->emit, eps))));
    if (!call_set(c, 1, mean) || !call_set(c, 2, inverse)) return false;
  }
  return call_set(c, 0, norm(c, GRAPH_LayerNorm, c->n_in, c->in, axis, eps));
}

bool onnx_op_rms_norm(OnnxCall *c) {
  if (call_is_read(c, 1))
    return call_lacks(
        c, E902, "compute the factor from the input of the norm, by `ReduceMean` of its squares",
        "returns the factor of its scale, which is not supported");
  return call_set(c, 0,
                  norm(c, GRAPH_RmsNorm, 2, c->in, call_attr_int(c, "axis", -1),
                       call_attr_float(c, "epsilon", 1e-5)));
}

/* x, skip, scale, center, bias: the norm of x + skip + bias; result 3 is that sum. */
bool onnx_op_skip_layer_norm(OnnxCall *c) {
  GraphValue *sum = EMIT(c->emit, Add, c->in[0], c->in[1]), *center = call_operand(c, 3),
             *bias = call_operand(c, 4);
  if (call_is_read(c, 1) || call_is_read(c, 2))
    return call_lacks(
        c, E902, "result 3 is the sum that is normed: compute the mean from it, by `ReduceMean`",
        "returns its mean, which is not supported");
  if (bias) sum = EMIT(c->emit, Add, sum, bias);
  GraphValue *y = norm(c, GRAPH_LayerNorm, center ? 3 : 2, (GraphValue *[]){sum, c->in[2], center},
                       -1, call_attr_float(c, "epsilon", 1e-12));
  return call_set(c, 0, y) && call_set(c, 3, sum);
}

/* (x - mean) / (sqrt(variance) + 1e-9) */
bool onnx_op_mean_variance(OnnxCall *c) {
  static const int64_t usual[] = {0, 2, 3};
  const double eps = 1e-9;
  const int64_t *axes;
  int n;
  if (!call_attr_ints(c, "axes", &n, &axes)) {
    axes = usual;
    n = 3;
  }
  if (n > GRAPH_MAX_RANK) return call_refuse(c, E901, "names %d axes", n);
  GraphValue *d =
      EMIT(c->emit, Sub, c->in[0], emit_reduce(c->emit, GRAPH_ReduceMean, c->in[0], n, axes, true));
  GraphValue *variance =
      emit_reduce(c->emit, GRAPH_ReduceMean, EMIT(c->emit, Square, d), n, axes, true);
  GraphValue *deviation =
      EMIT(c->emit, Add, EMIT(c->emit, Sqrt, variance), emit_number(c->emit, eps));
  return call_set(c, 0, EMIT(c->emit, Div, d, deviation));
}
