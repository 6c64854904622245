/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms, and the statistics that they are made of. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <math.h>
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

/* Scale and center stand along axis 1 of a value of `rank` axes. */
static GraphValue *scaled(TorchCall *c, GraphValue *x, int rank, GraphValue *scale,
                          GraphValue *center) {
  int64_t behind[GRAPH_MAX_RANK];
  int n = rank - 2;
  for (int i = 0; i < n; i++)
    behind[i] = i + 1;
  if (scale && n > 0) scale = emit_unsqueeze(c->emit, scale, n, behind);
  if (center && n > 0) center = emit_unsqueeze(c->emit, center, n, behind);
  if (scale) x = EMIT(c->emit, Mul, x, scale);
  return center ? EMIT(c->emit, Add, x, center) : x;
}

static GraphValue *group_norm(TorchCall *c, GraphValue *x, int64_t groups) {
  GraphValue *in[3] = {x, torch_tensor_arg(c, "weight"), torch_tensor_arg(c, "bias")};
  int n = in[2] ? 3 : in[1] ? 2 : 1;
  GraphNode *node = emit_node(c->emit, GRAPH_GroupNorm, n, in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_groups, groups);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_eps, torch_number(c, "eps", 1e-5));
  return emit_done(c->emit, node);
}

/* False after reporting. */
static bool trains(TorchCall *c) {
  return torch_lacks(c, E902, "export in evaluation mode: `module.eval()` before the export",
                     "takes the mean of its input, as in training");
}

/* By the mean and variance of the input itself: of each channel over the samples and the axes
 * behind it. Of one sample it is a group norm with a group for each channel. */
static bool own_batch_norm(TorchCall *c, GraphValue *x) {
  int rank = torch_rank(c, "input"), n = 0;
  int64_t axes[GRAPH_MAX_RANK], channels = torch_size(c, "input", 1);
  if (rank < 3 || channels < 1) return trains(c);
  if (torch_size(c, "input", 0) == 1) return torch_set(c, 0, group_norm(c, x, channels));
  for (int i = 0; i < rank; i++)
    if (i != 1) axes[n++] = i;
  GraphValue *y = form_normalised(c->emit, x, n, axes, torch_number(c, "eps", 1e-5));
  return torch_set(c, 0,
                   scaled(c, y, rank, torch_tensor_arg(c, "weight"), torch_tensor_arg(c, "bias")));
}

bool torch_op_batch_norm(TorchCall *c) {
  GraphValue *x = torch_in(c, "input"), *mean = torch_tensor_arg(c, "running_mean"),
             *variance = torch_tensor_arg(c, "running_var");
  GraphValue *scale = torch_tensor_arg(c, "weight"), *center = torch_tensor_arg(c, "bias");
  if (!x) return false;
  if (!torch_has(c, "running_mean") && !torch_has(c, "running_var")) return own_batch_norm(c, x);
  if (torch_bool(c, "training", false) || !mean || !variance || !mean->constant) return trains(c);
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
  GraphValue *x = torch_in(c, "input");
  int64_t groups = torch_int(c, "num_groups", torch_int(c, "group", 1));
  return x && torch_set(c, 0, group_norm(c, x, groups));
}

/* Each channel of each sample by itself, or by statistics that the model keeps. */
bool torch_op_instance_norm(TorchCall *c) {
  GraphValue *x = torch_in(c, "input");
  int64_t channels = torch_size(c, "input", 1);
  if (!x) return false;
  if (!torch_bool(c, "use_input_stats", true)) return torch_op_batch_norm(c);
  if (torch_rank(c, "input") < 3 || channels < 1)
    return torch_lacks(c, E902,
                       "give the input a batch, `x.unsqueeze(0)`, and a fixed number of channels",
                       "has an input without a batch, or an open number of channels");
  return torch_set(c, 0, group_norm(c, x, channels));
}

/* All axes where none is named. False after reporting. */
static bool axes_or_all(TorchCall *c, const char *name, int *n, int64_t *axes) {
  int rank = torch_rank(c, "self");
  if (!torch_axes(c, name, "self", n, axes)) return false;
  for (int i = 0; *n == 0 && i < rank; i++)
    axes[i] = i;
  if (*n == 0) *n = rank;
  return true;
}

/* var, std, var_mean, std_mean: over one element less where nothing else is said. */
bool torch_op_variance(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  bool keep = torch_bool(c, "keepdim", false);
  double correction = torch_number(c, "correction", torch_bool(c, "unbiased", true) ? 1 : 0);
  if (!x || !axes_or_all(c, "dim", &n, axes)) return false;
  GraphValue *y = form_variance(c->emit, x, n, axes, correction, keep);
  if (strncmp(c->op, "std", 3) == 0) y = EMIT(c->emit, Sqrt, y);
  if (!torch_set(c, 0, y) || !strstr(c->op, "mean")) return y != NULL;
  return torch_set(c, 1, emit_reduce(c->emit, GRAPH_ReduceMean, x, n, axes, keep));
}

bool torch_op_norm(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  double p = torch_number(c, "ord", torch_number(c, "p", 2));
  if (!x || !axes_or_all(c, "dim", &n, axes)) return false;
  if (isnan(p)) return torch_refuse(c, E901, "has an order that is not a number");
  x = torch_real(c, "self", x);
  return torch_set(c, 0, form_norm(c->emit, x, p, n, axes, torch_bool(c, "keepdim", false)));
}

/* g v / |v|, the norm of v over all axes but one; over all where that one is -1. Results: the
 * weight, and the norm where it is asked for. */
bool torch_op_weight_norm(TorchCall *c) {
  GraphValue *v = torch_in(c, "v"), *g = v ? torch_in(c, "g") : NULL;
  int rank = torch_rank(c, "v"), n = 0;
  int64_t axes[GRAPH_MAX_RANK], kept = torch_int(c, "dim", 0);
  if (!g) return false;
  if (rank < 1 || kept < -1 || kept >= rank)
    return torch_refuse(c, E901, "names axis %lld of %d", (long long)kept, rank);
  for (int i = 0; i < rank; i++)
    if (i != kept) axes[n++] = i;
  GraphValue *norm =
      n ? emit_reduce(c->emit, GRAPH_ReduceL2, v, n, axes, kept >= 0) : EMIT(c->emit, Abs, v);
  GraphValue *w = EMIT(c->emit, Mul, v, EMIT(c->emit, Div, g, norm));
  return torch_set(c, 0, w) && torch_set(c, 1, norm);
}
