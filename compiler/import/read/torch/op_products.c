/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products, convolutions, pools, attention. */
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

bool torch_op_linear(TorchCall *c) {
  GraphValue *x = torch_in(c, "input"), *w = x ? torch_in(c, "weight") : NULL,
             *b = torch_tensor_arg(c, "bias");
  if (!w) return false;
  if (torch_rank(c, "weight") != 2)
    return torch_refuse(c, E902, "has a weight that is not a matrix");
  GraphValue *y = EMIT(c->emit, MatMul, x, emit_transpose(c->emit, w, 2, (int64_t[]){1, 0}));
  return torch_set(c, 0, b ? EMIT(c->emit, Add, y, b) : y);
}

bool torch_op_matmul(TorchCall *c) {
  const char *second = torch_has(c, "other") ? "other" : torch_has(c, "mat2") ? "mat2" : "vec";
  GraphValue *a = torch_in(c, "self"), *b = a ? torch_in(c, second) : NULL;
  return b && torch_set(c, 0, EMIT(c->emit, MatMul, a, b));
}

bool torch_op_addmm(TorchCall *c) {
  GraphValue *bias = torch_in(c, "self"), *a = bias ? torch_in(c, "mat1") : NULL,
             *b = a ? torch_in(c, "mat2") : NULL;
  double alpha = torch_number(c, "alpha", 1), beta = torch_number(c, "beta", 1);
  if (!b) return false;
  GraphValue *y = EMIT(c->emit, MatMul, a, b);
  if (alpha != 1) y = EMIT(c->emit, Mul, y, emit_number(c->emit, alpha));
  if (beta != 1) bias = EMIT(c->emit, Mul, bias, emit_number(c->emit, beta));
  return torch_set(c, 0, EMIT(c->emit, Add, y, bias));
}

/* One number an axis: as many as there are, or one for all; `usual` where the list is absent or
 * empty. */
static bool per_axis(TorchCall *c, const char *name, int n, const int64_t *usual, int64_t *out) {
  int64_t given[GRAPH_MAX_RANK];
  int got = torch_has(c, name) ? torch_ints(c, name, GRAPH_MAX_RANK, given) : 0;
  if (got != 0 && got != 1 && got != n)
    return torch_refuse(c, E901, "has a %s that does not fit a window of %d axes", name, n);
  for (int i = 0; i < n; i++)
    out[i] = got == 0 ? usual[i] : given[got == 1 ? 0 : i];
  return true;
}

static const int64_t zeros[GRAPH_MAX_RANK] = {0}, ones[GRAPH_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};

/* Pads of both sides: numbers, or the words same and valid. */
static bool pads_of(TorchCall *c, int n, const char *weights, const int64_t *dilation,
                    int64_t *pads) {
  const char *word = torch_word(c, "padding", "");
  int64_t each[GRAPH_MAX_RANK];
  if (!*word && !per_axis(c, "padding", n, zeros, each)) return false;
  for (int i = 0; i < n; i++) {
    int64_t span =
        strcmp(word, "same") == 0 ? (torch_size(c, weights, i + 2) - 1) * dilation[i] : 0;
    pads[i] = *word ? span / 2 : each[i];
    pads[n + i] = *word ? span - span / 2 : each[i];
  }
  return true;
}

bool torch_op_conv(TorchCall *c) {
  int rank = torch_rank(c, "weight"), n = rank - 2;
  int64_t stride[GRAPH_MAX_RANK], dilation[GRAPH_MAX_RANK], pads[2 * GRAPH_MAX_RANK],
      more[GRAPH_MAX_RANK];
  bool transposed = torch_bool(c, "transposed", strncmp(c->op, "conv_transpose", 14) == 0);
  GraphValue *x = torch_in(c, "input"), *w = x ? torch_in(c, "weight") : NULL,
             *b = torch_tensor_arg(c, "bias");
  if (!w) return false;
  if (n < 1 || torch_rank(c, "input") != rank)
    return torch_refuse(c, E902, "has an input without a batch");
  if (!per_axis(c, "stride", n, ones, stride) || !per_axis(c, "dilation", n, ones, dilation) ||
      !pads_of(c, n, "weight", dilation, pads) || !per_axis(c, "output_padding", n, zeros, more))
    return false;
  Graph *graph = c->emit->graph;
  GraphNode *node = emit_node(c->emit, transposed ? GRAPH_ConvTranspose : GRAPH_Conv, b ? 3 : 2,
                              (GraphValue *[]){x, w, b}, 1);
  graph_set_ints(graph, node, GRAPH_ATTR_strides, n, stride);
  graph_set_ints(graph, node, GRAPH_ATTR_dilations, n, dilation);
  graph_set_ints(graph, node, GRAPH_ATTR_pads, 2 * n, pads);
  graph_set_int(graph, node, GRAPH_ATTR_groups, torch_int(c, "groups", 1));
  if (transposed) graph_set_ints(graph, node, GRAPH_ATTR_output_padding, n, more);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_pool(TorchCall *c) {
  bool is_max = strncmp(c->op, "max", 3) == 0;
  int n = strchr(c->op, '1') ? 1 : 2;
  int64_t kernel[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK], dilation[GRAPH_MAX_RANK],
      pads[2 * GRAPH_MAX_RANK];
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  if (torch_rank(c, "self") != n + 2) return torch_refuse(c, E902, "has an input without a batch");
  if (torch_has(c, "divisor_override")) return torch_refuse(c, E902, "has a divisor of its own");
  if (!per_axis(c, "kernel_size", n, ones, kernel) || !per_axis(c, "stride", n, kernel, stride) ||
      !per_axis(c, "dilation", n, ones, dilation) || !pads_of(c, n, "self", dilation, pads))
    return false;
  Graph *graph = c->emit->graph;
  GraphNode *node = emit_node(c->emit, is_max ? GRAPH_MaxPool : GRAPH_AvgPool, 1, &x, 1);
  graph_set_ints(graph, node, GRAPH_ATTR_kernel, n, kernel);
  graph_set_ints(graph, node, GRAPH_ATTR_strides, n, stride);
  graph_set_ints(graph, node, GRAPH_ATTR_dilations, n, dilation);
  graph_set_ints(graph, node, GRAPH_ATTR_pads, 2 * n, pads);
  graph_set_int(graph, node, GRAPH_ATTR_ceil, torch_bool(c, "ceil_mode", false));
  if (!is_max)
    graph_set_int(graph, node, GRAPH_ATTR_count_pad, torch_bool(c, "count_include_pad", true));
  return torch_set(c, 0, emit_done(c->emit, node));
}

/* To one element of each channel. */
bool torch_op_global_pool(TorchCall *c) {
  int n = strchr(c->op, '1') ? 1 : 2, rank = torch_rank(c, "self");
  int64_t size[GRAPH_MAX_RANK], axes[2] = {rank - n, rank - 1};
  GraphValue *x = torch_in(c, "self");
  int got = torch_ints(c, "output_size", n, size);
  if (!x) return false;
  for (int i = 0; i < got; i++)
    if (size[i] != 1) got = -1;
  if (got < 1 || rank < n) return torch_refuse(c, E902, "pools to other sizes than 1");
  GraphOp op = strstr(c->op, "max") ? GRAPH_ReduceMax : GRAPH_ReduceMean;
  return torch_set(c, 0, emit_reduce(c->emit, op, x, n, axes, true));
}

bool torch_op_embedding(TorchCall *c) {
  GraphValue *w = torch_in(c, "weight"), *places = w ? torch_in(c, "indices") : NULL;
  return places &&
         torch_set(c, 0, emit_axis_call(c->emit, GRAPH_Gather, 0, 2, (GraphValue *[]){w, places}));
}

/* A causal mask: row i is 0 in columns 0 to i, and minus infinity elsewhere. */
static GraphValue *causal(TorchCall *c, int rank) {
  int64_t dim[2] = {torch_size(c, "query", rank - 2), torch_size(c, "key", rank - 2)};
  double *data;
  GraphTensor *t =
      dim[0] > 0 && dim[1] > 0 ? graph_tensor(c->reader->arena, GRAPH_FLOAT, 2, dim, &data) : NULL;
  if (!t || t->count > 1 << 22) return NULL;
  for (int64_t i = 0; i < t->count; i++)
    data[i] = i % dim[1] <= i / dim[1] ? 0 : -INFINITY;
  return graph_constant(c->emit->graph, "", t);
}

/* softmax(q k^T scale + mask) v */
bool torch_op_attention(TorchCall *c) {
  GraphEmit *e = c->emit;
  GraphValue *q = torch_in(c, "query"), *k = q ? torch_in(c, "key") : NULL,
             *v = k ? torch_in(c, "value") : NULL, *mask = torch_tensor_arg(c, "attn_mask");
  int rank = torch_rank(c, "query");
  int64_t width = rank > 1 ? torch_size(c, "query", rank - 1) : 0, perm[GRAPH_MAX_RANK];
  if (!v) return false;
  if (rank < 2 || width < 1 || torch_rank(c, "key") != rank)
    return torch_refuse(c, E902, "has queries and keys of other axes");
  if (torch_number(c, "dropout_p", 0) > 0 || torch_bool(c, "enable_gqa", false))
    return torch_refuse(c, E902, "drops elements or shares keys among heads");
  for (int i = 0; i < rank; i++)
    perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
  double scale = torch_number(c, "scale", 1 / sqrt((double)width));
  GraphValue *score =
      EMIT(e, Mul, EMIT(e, MatMul, q, emit_transpose(e, k, rank, perm)), emit_number(e, scale));
  if (torch_bool(c, "is_causal", false)) {
    mask = causal(c, rank);
    if (!mask) return torch_refuse(c, E902, "is causal over an open number of steps");
  } else if (mask && torch_arg_elem(c, "attn_mask") == GRAPH_BOOL)
    mask = EMIT(e, Where, mask, emit_number(e, 0), emit_number(e, -INFINITY));
  if (mask) score = EMIT(e, Add, score, mask);
  GraphValue *weight = emit_axis_call(e, GRAPH_Softmax, rank - 1, 1, &score);
  return torch_set(c, 0, EMIT(e, MatMul, weight, v));
}
