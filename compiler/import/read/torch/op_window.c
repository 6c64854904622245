/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions, pools and resizing: what moves a window along the last axes. */
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

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

/* Gives x, the argument `name`, a batch of one where it has none, so that it has `rank` axes. A
 * TorchScript archive does not record sizes, and more of those that are tried would fit. False
 * after reporting. */
static bool with_batch(TorchCall *c, const char *name, int rank, GraphValue **x, bool *single) {
  int given = torch_rank(c, name);
  *single = given == rank - 1;
  if (given < 0) return torch_refuse(c, E901, "has an input of unknown axes");
  if (*single && c->reader->is_script)
    return torch_lacks(c, E902, "give it one: `x.unsqueeze(0)` before, and `squeeze(0)` after",
                       "has an input without a batch");
  if (given != rank && !*single)
    return torch_refuse(c, E901, "has an input of %d axes; it takes %d", given, rank);
  if (*single) *x = emit_unsqueeze(c->emit, *x, 1, zeros);
  return true;
}

/* Sets the result, without the batch of one. */
static bool set_window(TorchCall *c, GraphValue *y, bool single) {
  return torch_set(c, 0, y && single ? emit_squeeze(c->emit, y, 1, zeros) : y);
}

bool torch_op_conv(TorchCall *c) {
  int rank = torch_rank(c, "weight"), n = rank - 2;
  int64_t stride[GRAPH_MAX_RANK], dilation[GRAPH_MAX_RANK], pads[2 * GRAPH_MAX_RANK],
      more[GRAPH_MAX_RANK];
  bool transposed = torch_bool(c, "transposed", strncmp(c->op, "conv_transpose", 14) == 0);
  GraphValue *x = torch_in(c, "input"), *w = x ? torch_in(c, "weight") : NULL,
             *b = torch_tensor_arg(c, "bias");
  bool single;
  if (!w) return false;
  if (n < 1) return torch_refuse(c, E901, "has weights of %d axes", rank);
  if (!with_batch(c, "input", rank, &x, &single)) return false;
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
  return set_window(c, emit_done(c->emit, node), single);
}

static GraphNode *pool_node(TorchCall *c, GraphValue *x, int n, const int64_t *kernel,
                            const int64_t *stride, bool is_max) {
  GraphNode *node = emit_node(c->emit, is_max ? GRAPH_MaxPool : GRAPH_AvgPool, 1, &x, 1);
  graph_set_ints(c->emit->graph, node, GRAPH_ATTR_kernel, n, kernel);
  graph_set_ints(c->emit->graph, node, GRAPH_ATTR_strides, n, stride);
  return node;
}

bool torch_op_pool(TorchCall *c) {
  bool is_max = strncmp(c->op, "max", 3) == 0;
  int n = strchr(c->op, '1') ? 1 : 2;
  int64_t kernel[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK], dilation[GRAPH_MAX_RANK],
      pads[2 * GRAPH_MAX_RANK];
  GraphValue *x = torch_in(c, "self");
  bool single;
  if (!x) return false;
  if (!with_batch(c, "self", n + 2, &x, &single)) return false;
  if (torch_has(c, "divisor_override"))
    return torch_lacks(
        c, E902, "leave it out, and multiply the result by the size of the window over the divisor",
        "has a `divisor_override`, which is not supported");
  if (!per_axis(c, "kernel_size", n, ones, kernel) || !per_axis(c, "stride", n, kernel, stride) ||
      !per_axis(c, "dilation", n, ones, dilation) || !pads_of(c, n, "self", dilation, pads))
    return false;
  Graph *graph = c->emit->graph;
  GraphNode *node = pool_node(c, x, n, kernel, stride, is_max);
  graph_set_ints(graph, node, GRAPH_ATTR_dilations, n, dilation);
  graph_set_ints(graph, node, GRAPH_ATTR_pads, 2 * n, pads);
  graph_set_int(graph, node, GRAPH_ATTR_ceil, torch_bool(c, "ceil_mode", false));
  if (!is_max)
    graph_set_int(graph, node, GRAPH_ATTR_count_pad, torch_bool(c, "count_include_pad", true));
  return set_window(c, emit_done(c->emit, node), single);
}

/* Along the last axes to a number of elements: the windows are of one size where it divides. */
bool torch_op_adaptive_pool(TorchCall *c) {
  int n = strchr(c->op, '1') ? 1 : 2, rank = torch_rank(c, "self"), n_all = 0;
  int64_t to[2], kernel[2], all[2];
  bool is_max = strstr(c->op, "max") != NULL;
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  if (torch_ints(c, "output_size", n, to) != n || rank < n)
    return torch_lacks(c, E902, "give `output_size` as numbers, one for each axis",
                       "pools to sizes that are not known");
  for (int i = 0; i < n; i++)
    if (to[i] == 1) all[n_all++] = rank - n + i;
  if (n_all)
    x = emit_reduce(c->emit, is_max ? GRAPH_ReduceMax : GRAPH_ReduceMean, x, n_all, all, true);
  for (int i = 0; i < n; i++) {
    int64_t size = to[i] == 1 ? 1 : torch_size(c, "self", rank - n + i);
    if (to[i] < 1 || size < 1 || size % to[i])
      return torch_lacks(c, E902,
                         size < 0 ? "a pool to 1 element takes any size; for more, export with a "
                                    "fixed size of that axis, without `dynamic_shapes` for it"
                                  : "pool to a size that divides it, or by the `kernel_size` and "
                                    "`stride` of `avg_pool1d` and the like",
                         "pools to %lld elements from %s%lld, which is not a multiple",
                         (long long)to[i], size < 0 ? "an open number, here " : "",
                         (long long)size);
    kernel[i] = size / to[i];
  }
  if (n_all == n) return torch_set(c, 0, x);
  bool single;
  return with_batch(c, "self", n + 2, &x, &single) &&
         set_window(c, emit_done(c->emit, pool_node(c, x, n, kernel, kernel, is_max)), single);
}

/* By whole factors, so that each element is repeated. */
bool torch_op_upsample(TorchCall *c) {
  const char *of = torch_has(c, "input") ? "input" : "self";
  GraphValue *x = torch_in(c, of);
  int n = strchr(c->op, '1') ? 1 : 2, rank = torch_rank(c, of);
  int64_t size[2];
  bool sized = torch_has(c, "output_size") && torch_ints(c, "output_size", n, size) == n;
  if (!x) return false;
  if (rank != n + 2)
    return torch_refuse(c, E901, "has an input of %d axes; it takes %d", rank, n + 2);
  for (int i = n - 1; i >= 0; i--) {
    int64_t from = torch_size(c, of, i + 2);
    double factor = torch_number_at(c, "scale_factors", (size_t)i, 0);
    if (sized) factor = from > 0 ? (double)size[i] / (double)from : 0;
    if (factor < 1 || factor != floor(factor) || factor > INT16_MAX)
      return torch_lacks(c, E902,
                         "`mode=\"nearest\"` by a whole factor is read, along axes of a fixed size",
                         "resizes by a factor that is not a whole number");
    x = torch_repeated(c, x, rank, i + 2, (int64_t)factor);
  }
  return torch_set(c, 0, x);
}
