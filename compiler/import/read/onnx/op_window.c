/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions, pools and the short-time Fourier transform. */
#include "import/read/onnx/window.h"
#include "import/read/window.h"

#include <math.h>
#include <string.h>

/* The size of the kernel along each axis: as an attribute, or of the weights where they are
 * constant. Where only its number of axes is needed, any list has it; n is 0 where there is
 * none. */
static bool kernel_of(OnnxCall *c, const GraphValue *weights, bool needed, int *n,
                      int64_t *kernel) {
  static const char *const lists[] = {"strides", "dilations", "pads"};
  const int64_t *given;
  int n_given;
  if (call_attr_ints(c, "kernel_shape", &n_given, &given)) {
    if (n_given < 1 || n_given > GRAPH_MAX_RANK - 2)
      return call_refuse(c, E901, "has a kernel of %d axes", n_given);
    *n = n_given;
    memcpy(kernel, given, sizeof *kernel * (size_t)n_given);
    return true;
  }
  const GraphTensor *t = weights ? weights->constant : NULL;
  *n = 0;
  for (int k = 0; !t && !needed && k < 3; k++)
    if (call_attr_ints(c, lists[k], &n_given, &given)) *n = k == 2 ? n_given / 2 : n_given;
  if (!t && !needed && *n <= GRAPH_MAX_RANK - 2) return true;
  if (!t || t->rank < 3)
    return call_lacks(c, E904, "add the attribute `kernel_shape` to the node",
                      "does not say the size of its kernel");
  *n = t->rank - 2;
  memcpy(kernel, t->dim + 2, sizeof *kernel * (size_t)*n);
  return true;
}

static bool copy_ints(OnnxCall *c, GraphNode *node, const char *name, GraphAttributeName to,
                      int n) {
  const int64_t *given;
  int n_given;
  if (!call_attr_ints(c, name, &n_given, &given)) return true;
  if (n_given != n)
    return call_refuse(c, E901, "has %d %s for a window of %d axes", n_given, name, n);
  graph_set_ints(c->emit->graph, node, to, n, given);
  return true;
}

static int64_t listed(OnnxCall *c, const char *name, int k) {
  const int64_t *given;
  int n;
  return call_attr_ints(c, name, &n, &given) && k < n ? given[k] : 1;
}

/* Pads that keep ceil(size / stride) steps, of a size that is known when it runs. */
static GraphValue *padded_by_size(OnnxCall *c, int n, const int64_t *kernel, bool upper,
                                  double fill) {
  int64_t stride[GRAPH_MAX_RANK], span[GRAPH_MAX_RANK];
  for (int i = 0; i < n; i++) {
    stride[i] = listed(c, "strides", i);
    span[i] = (kernel[i] - 1) * listed(c, "dilations", i) + 1;
    if (stride[i] < 1 || span[i] < 1 || span[i] > INT32_MAX || stride[i] > INT32_MAX) {
      call_refuse(c, E901, "has a window whose strides or dilations are out of range");
      return NULL;
    }
  }
  return window_same_pads(c->emit, c->in[0], n, stride, span, upper, fill);
}

/* How pads follow from sizes. False after reporting a word that is none of ONNX. */
static bool automatic_pads(OnnxCall *c, const char **out) {
  static const char *const known[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
  *out = call_attr_string(c, "auto_pad", known[0]);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(*out, known[i]) == 0) return true;
  return call_refuse(c, E901,
                     "has auto_pad `%s`; there are NOTSET, VALID, SAME_UPPER and SAME_LOWER", *out);
}

/* Pads as numbers; *same becomes "upper" or "lower" where they follow from the size. */
static bool pads_of(OnnxCall *c, int n, const int64_t *kernel, const char **same, int64_t *pads) {
  const char *automatic;
  if (!automatic_pads(c, &automatic)) return false;
  bool upper = strcmp(automatic, "SAME_UPPER") == 0, lower = strcmp(automatic, "SAME_LOWER") == 0,
       plain = true;
  const int64_t *given;
  int n_given;
  memset(pads, 0, sizeof *pads * 2 * (size_t)n);
  *same = NULL;
  if (!upper && !lower) {
    if (strcmp(automatic, "VALID") == 0 || !call_attr_ints(c, "pads", &n_given, &given))
      return true;
    if (n_given != 2 * n)
      return call_refuse(c, E901, "has %d pads for a window of %d axes", n_given, n);
    if (n) memcpy(pads, given, sizeof *pads * 2 * (size_t)n);
    return true;
  }
  for (int i = 0; i < n; i++) {
    int64_t span = (kernel[i] - 1) * listed(c, "dilations", i);
    plain = plain && listed(c, "strides", i) == 1;
    pads[i] = upper ? span / 2 : span - span / 2;
    pads[n + i] = span - pads[i];
  }
  if (plain) return true;
  memset(pads, 0, sizeof *pads * 2 * (size_t)n);
  *same = upper ? "upper" : "lower";
  return true;
}

GraphValue *onnx_window(OnnxCall *c, GraphOp op, GraphValue *x, int n_more, GraphValue *const *more,
                        const GraphValue *weights, double fill) {
  Graph *graph = c->emit->graph;
  int n;
  int64_t kernel[GRAPH_MAX_RANK], pads[2 * GRAPH_MAX_RANK];
  const char *same;
  GraphValue *in[4] = {x};
  bool is_pool = op == GRAPH_MaxPool || op == GRAPH_AvgPool;
  bool needed = !weights || strncmp(call_attr_string(c, "auto_pad", ""), "SAME", 4) == 0;
  c->in[0] = x; /* that the pads are for */
  if (!kernel_of(c, weights, needed, &n, kernel) || !pads_of(c, n, kernel, &same, pads))
    return NULL;
  if (same && !is_pool) in[0] = padded_by_size(c, n, kernel, strcmp(same, "upper") == 0, fill);
  if (!in[0]) return NULL;
  for (int k = 0; k < n_more; k++)
    in[1 + k] = more[k];
  GraphNode *node = emit_node(c->emit, op, 1 + n_more, in, 1);
  if (!copy_ints(c, node, "strides", GRAPH_ATTR_strides, n) ||
      !copy_ints(c, node, "dilations", GRAPH_ATTR_dilations, n))
    return NULL;
  if (n && !(same && is_pool)) graph_set_ints(graph, node, GRAPH_ATTR_pads, 2 * n, pads);
  if (same && is_pool) graph_set_words(graph, node, GRAPH_ATTR_same, 1, &same);
  if (is_pool) {
    graph_set_ints(graph, node, GRAPH_ATTR_kernel, n, kernel);
    graph_set_int(graph, node, GRAPH_ATTR_ceil, call_attr_int(c, "ceil_mode", 0));
    if (op == GRAPH_AvgPool)
      graph_set_int(graph, node, GRAPH_ATTR_count_pad, call_attr_int(c, "count_include_pad", 0));
  } else
    graph_set_int(graph, node, GRAPH_ATTR_groups, call_attr_int(c, "group", 1));
  return emit_done(c->emit, node);
}

bool onnx_op_conv(OnnxCall *c) {
  GraphValue *y =
      onnx_activated(c, onnx_window(c, GRAPH_Conv, c->in[0], c->n_in - 1, c->in + 1, c->in[1], 0));
  return y && call_set(c, 0, y);
}

bool onnx_op_conv_transpose(OnnxCall *c) {
  const char *automatic;
  int n;
  int64_t kernel[GRAPH_MAX_RANK];
  const int64_t *given;
  if (!automatic_pads(c, &automatic)) return false;
  if (call_attr_ints(c, "output_shape", &n, &given))
    return call_lacks(c, E902,
                      "write `pads` and `output_padding` instead, as `torch.onnx.export` does",
                      "has an `output_shape` instead of pads, which is not supported");
  if (strncmp(automatic, "SAME", 4) == 0)
    return call_lacks(c, E902, "write `pads` instead, as `torch.onnx.export` does",
                      "has the auto_pad `%s` instead of pads, which is not supported", automatic);
  if (!kernel_of(c, c->in[1], false, &n, kernel)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_ConvTranspose, c->n_in, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_groups, call_attr_int(c, "group", 1));
  return copy_ints(c, node, "strides", GRAPH_ATTR_strides, n) &&
         copy_ints(c, node, "dilations", GRAPH_ATTR_dilations, n) &&
         copy_ints(c, node, "pads", GRAPH_ATTR_pads, 2 * n) &&
         copy_ints(c, node, "output_padding", GRAPH_ATTR_output_padding, n) &&
         call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_pool(OnnxCall *c) {
  bool is_max = strcmp(c->node->op_type, "MaxPool") == 0;
  if (call_is_read(c, 1))
    return call_lacks(c, E902, onnx_cut(c),
                      "returns the indices of its largest elements, which is not supported");
  GraphValue *y =
      onnx_window(c, is_max ? GRAPH_MaxPool : GRAPH_AvgPool, c->in[0], 0, NULL, NULL, 0);
  return y && call_set(c, 0, y);
}

/* Over all axes after the channels. */
GraphValue *onnx_global_pool(OnnxCall *c, GraphValue *x, bool is_max) {
  GraphNode *node = emit_node(c->emit, is_max ? GRAPH_ReduceMax : GRAPH_ReduceMean, 1, &x, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, 2);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, 1);
  return emit_done(c->emit, node);
}

bool onnx_op_global_pool(OnnxCall *c) {
  return call_set(c, 0,
                  onnx_global_pool(c, c->in[0], strcmp(c->node->op_type, "GlobalMaxPool") == 0));
}

/* ---- Fourier ---- */

static const double pi = 3.14159265358979323846;

/* Rows of cosines, then of sines with a minus: a convolution of stride `step` with them is the
 * transform. */
static GraphValue *fourier_rows(OnnxCall *c, int64_t length, int64_t bins,
                                const GraphTensor *window) {
  double *data;
  GraphTensor *t =
      graph_tensor(c->reader->arena, GRAPH_FLOAT, 3, (int64_t[]){2 * bins, 1, length}, &data);
  if (!t) return NULL;
  for (int64_t k = 0; k < bins; k++)
    for (int64_t i = 0; i < length; i++) {
      double angle = 2 * pi * (double)(k * i % length) / (double)length,
             w = window ? graph_at(window, i) : 1;
      data[k * length + i] = w * cos(angle);
      data[(bins + k) * length + i] = -w * sin(angle);
    }
  return graph_constant(c->emit->graph, "", t);
}

/* signal [N, L, 1] -> [N, frames, bins, 2] */
bool onnx_op_stft(OnnxCall *c) {
  enum { LONGEST = 1 << 13 };
  GraphEmit *e = c->emit;
  GraphValue *window = call_operand(c, 2);
  int n;
  int64_t step, length = 0;
  if (!call_constant_ints(c, 1, "frame_step", 1, &n, &step) ||
      (call_operand(c, 3) && !call_constant_ints(c, 3, "frame_length", 1, &n, &length)))
    return false;
  if (window && !window->constant)
    return call_lacks(c, E902,
                      "the window has to be a constant; a computed factor can multiply the steps "
                      "before, in your program",
                      "has a computed window, which is not supported");
  if (!length && window) length = window->constant->count;
  if (length < 1 || length > LONGEST || step < 1 || step > INT32_MAX ||
      (window && window->constant->count != length))
    return call_lacks(c, E902,
                      arena_printf(c->reader->arena,
                                   "frames of 1 to %d steps are read, one every step or more, with "
                                   "a window of that length",
                                   LONGEST),
                      "has frames of %lld steps, one every %lld", (long long)length,
                      (long long)step);
  int64_t bins = call_attr_int(c, "onesided", 1) ? length / 2 + 1 : length;
  GraphValue *rows = fourier_rows(c, length, bins, window ? window->constant : NULL);
  if (!rows)
    return call_lacks(c, E902, "shorter frames are read; or compute the spectrum in your program",
                      "has frames that are too long");
  GraphValue *signal = emit_transpose(e, c->in[0], 3, (int64_t[]){0, 2, 1});
  GraphNode *conv = emit_node(e, GRAPH_Conv, 2, (GraphValue *[]){signal, rows}, 1);
  graph_set_ints(e->graph, conv, GRAPH_ATTR_strides, 1, &step);
  GraphValue *parts = emit_reshape(e, emit_done(e, conv), 4, (int64_t[]){0, 2, bins, -1});
  return call_set(c, 0, emit_transpose(e, parts, 4, (int64_t[]){0, 3, 2, 1}));
}

/* a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n) */
bool onnx_op_window_function(OnnxCall *c) {
  static const struct {
    const char *name;
    double a[3];
  } known[] = {{"HannWindow", {0.5, 0.5, 0}},
               {"HammingWindow", {25.0 / 46, 21.0 / 46, 0}},
               {"BlackmanWindow", {0.42, 0.5, 0.08}}};
  int n;
  int64_t size;
  double *data;
  if (!call_constant_ints(c, 0, "size", 1, &n, &size)) return false;
  GraphTensor *t = size > 0 && size < INT16_MAX
                       ? graph_tensor(c->reader->arena, GRAPH_FLOAT, 1, &size, &data)
                       : NULL;
  if (!t)
    return call_lacks(c, E902, "sizes of 1 to 32766 are read", "has a size of %lld",
                      (long long)size);
  double period = call_attr_int(c, "periodic", 1) || size == 1 ? (double)size : (double)(size - 1);
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    for (int64_t i = 0; i < size && strcmp(known[k].name, c->node->op_type) == 0; i++)
      data[i] = known[k].a[0] - known[k].a[1] * cos(2 * pi * (double)i / period) +
                known[k].a[2] * cos(4 * pi * (double)i / period);
  return call_set(c, 0, graph_constant(c->emit->graph, "", t));
}
