/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions, and what all windows share. In, a layer over [batch, axes..., channels]; out, nodes
 * over [batch, channels, axes...] and their result with the channels last again. */
#include "import/read/keras/window.h"

#include <math.h>
#include <string.h>

GraphValue *keras_window_channels_first(KerasLayer *layer, GraphValue *x, int n) {
  int64_t perm[WINDOW_AXES + 2] = {0, n + 1};
  for (int i = 0; i < n; i++)
    perm[2 + i] = 1 + i;
  return emit_transpose(keras_emit(layer), x, n + 2, perm);
}

GraphValue *keras_window_channels_last(KerasLayer *layer, GraphValue *x, int n) {
  int64_t perm[WINDOW_AXES + 2] = {0};
  for (int i = 0; i < n; i++)
    perm[1 + i] = 2 + i;
  perm[n + 1] = 1;
  return emit_transpose(keras_emit(layer), x, n + 2, perm);
}

static int64_t reach_of(const KerasWindow *w, int i) {
  return (w->kernel[i] - 1) * w->dilation[i];
}

/* The zeros before and after axis i. False: they depend on its length, which is not known. */
static bool pads_known(const KerasWindow *w, int i, int64_t length, int64_t *before,
                       int64_t *after) {
  int64_t total = 0;
  *before = *after = 0;
  if (strcmp(w->padding, "causal") == 0) *before = reach_of(w, i);
  if (!keras_window_is_same(w)) return true;
  if (w->stride[i] == 1)
    total = reach_of(w, i);
  else if (length < 0)
    return false;
  else
    total = ((length + w->stride[i] - 1) / w->stride[i] - 1) * w->stride[i] + reach_of(w, i) + 1 -
            length;
  if (total < 0) total = 0;
  *before = total / 2;
  *after = total - total / 2;
  return true;
}

/* x [batch, channels, axes...] padded with `fill` for the padding `same`, by lengths that are known
 * when the graph runs: max((ceil(length / stride) - 1) stride + reach + 1 - length, 0) in all, half
 * of it before; if the number is odd, one more after. */
static GraphValue *padded_by_length(KerasLayer *layer, const KerasWindow *w, GraphValue *x) {
  GraphEmit *e = keras_emit(layer);
  int64_t span[WINDOW_AXES], none[2] = {0, 0};
  for (int i = 0; i < w->n; i++)
    span[i] = reach_of(w, i) + 1;
  GraphValue *size = emit_slice(e, EMIT(e, Shape, x), 0, 2, INT32_MAX, 1),
             *stride = emit_ints(e, w->n, w->stride);
  GraphValue *last = EMIT(e, FloorDiv, EMIT(e, Sub, size, emit_int(e, 1)), stride);
  GraphValue *end = EMIT(e, Add, EMIT(e, Mul, last, stride), emit_ints(e, w->n, span));
  GraphValue *total = EMIT(e, Max, EMIT(e, Sub, end, size), emit_int(e, 0));
  GraphValue *before = EMIT(e, FloorDiv, total, emit_int(e, 2)),
             *after = EMIT(e, Sub, total, before), *front = emit_ints(e, 2, none);
  GraphValue *pads = emit_concat(e, 0, 4, (GraphValue *[]){front, before, front, after});
  return EMIT(e, Pad, x, pads, emit_number(e, w->fill));
}

/* Sets the strides, pads and dilations of a node over x. If the pads depend on lengths that are not
 * known, the operand of the node becomes x with padding around it. */
static bool set_window(KerasLayer *layer, const KerasWindow *w, const KerasValue *in,
                       GraphValue **x, int64_t pads[2 * WINDOW_AXES]) {
  bool known = true;
  for (int i = 0; i < w->n; i++)
    known = pads_known(w, i, in->dim[i], &pads[i], &pads[w->n + i]) && known;
  if (known) return true;
  memset(pads, 0, sizeof *pads * 2 * WINDOW_AXES);
  *x = padded_by_length(layer, w, *x);
  return true;
}

GraphValue *keras_window_slide(KerasLayer *layer, const KerasWindow *w, const KerasValue *in,
                               GraphOp op, GraphValue *x, GraphValue *weights, GraphValue *bias,
                               int64_t groups) {
  Graph *graph = keras_emit(layer)->graph;
  int64_t pads[2 * WINDOW_AXES];
  bool conv = op == GRAPH_Conv;
  if (!set_window(layer, w, in, &x, pads)) return NULL;
  GraphNode *node = keras_node(layer, op,
                               bias   ? 3
                               : conv ? 2
                                      : 1,
                               (GraphValue *[]){x, weights, bias});
  graph_set_ints(graph, node, GRAPH_ATTR_strides, w->n, w->stride);
  graph_set_ints(graph, node, GRAPH_ATTR_pads, 2 * w->n, pads);
  if (conv)
    graph_set_ints(graph, node, GRAPH_ATTR_dilations, w->n, w->dilation);
  else
    graph_set_ints(graph, node, GRAPH_ATTR_kernel, w->n, w->kernel);
  if (conv) graph_set_int(graph, node, GRAPH_ATTR_groups, groups);
  return emit_done(keras_emit(layer), node);
}

void keras_window_lengths(const KerasWindow *w, KerasValue *value) {
  for (int i = 0; i < w->n; i++) {
    int64_t n = value->dim[i], reach = reach_of(w, i);
    if (n < 0) continue;
    bool valid = strcmp(w->padding, "valid") == 0;
    value->dim[i] = valid ? (n > reach ? (n - reach - 1) / w->stride[i] + 1 : 0)
                          : (n + w->stride[i] - 1) / w->stride[i];
  }
}

int keras_window_axes(const KerasLayer *layer) {
  return strstr(layer->class_name, "2D") ? 2 : 1;
}

bool keras_window_input(const KerasLayer *layer, int n) {
  if (layer->in[0].rank == n + 1) return true;
  keras_lacks(
      layer, E903,
      n == 1 ? "give it [batch, time, features]: a `Reshape` before it makes that shape"
             : "give it [batch, height, width, channels]: a `Reshape` before it makes that shape",
      n == 1 ? "needs a sequence of vectors" : "needs an image: [height, width, channels]");
  return false;
}

bool keras_window_options(KerasLayer *layer, bool is_conv, const char *kernel, const char *strides,
                          const char *padding, KerasWindow *w) {
  bool causal_known = is_conv && w->n == 1;
  if (!keras_window_input(layer, w->n)) return false;
  for (int i = 0; i < w->n; i++) {
    w->kernel[i] = keras_listed(layer, kernel, i, w->n, 2);
    w->stride[i] = keras_listed(layer, strides, i, w->n, is_conv ? 1 : w->kernel[i]);
    w->dilation[i] = is_conv ? keras_listed(layer, "dilation_rate", i, w->n, 1) : 1;
    if (w->kernel[i] < 1 || w->stride[i] < 1 || w->dilation[i] < 1) return false;
  }
  w->padding = keras_word(layer, padding, "valid");
  bool known = strcmp(w->padding, "valid") == 0 || keras_window_is_same(w) ||
               (causal_known && strcmp(w->padding, "causal") == 0);
  if (!known)
    keras_lacks(layer, E903,
                causal_known ? "`valid`, `same` and `causal` are read"
                             : "`valid` and `same` are read",
                "has the padding `%s`, which is not supported", w->padding);
  return known;
}

GraphValue *keras_window_kernel(KerasLayer *layer, GraphValue *kernel, int n) {
  int64_t perm[WINDOW_AXES + 2] = {n + 1, n}, axes[WINDOW_AXES] = {0, 1};
  if (layer->keras->is_theano) {
    GraphNode *reverse = keras_node(layer, GRAPH_Reverse, 1, &kernel);
    graph_set_ints(keras_emit(layer)->graph, reverse, GRAPH_ATTR_axes, n, axes);
    kernel = emit_done(keras_emit(layer), reverse);
  }
  for (int i = 0; i < n; i++)
    perm[2 + i] = i;
  return emit_transpose(keras_emit(layer), kernel, n + 2, perm);
}

bool keras_window_bias(KerasLayer *layer, const char *side, int64_t filters, int number,
                       GraphValue **out) {
  *out = NULL;
  if (!keras_flag(layer, "use_bias", true)) return true;
  *out = keras_weight(layer, side, "bias", number, 1, &filters);
  return *out != NULL;
}

/* Makes y [batch, filters, axes...] the result of the layer, with the channels last. */
static bool conv_done(KerasLayer *layer, const KerasWindow *w, GraphValue *y, int64_t filters) {
  KerasValue value = layer->in[0];
  value.graph = keras_window_channels_last(layer, y, w->n);
  keras_window_lengths(w, &value);
  value.dim[w->n] = filters;
  return keras_activated(layer, value);
}

static bool read_conv(KerasLayer *layer) {
  KerasWindow w = {.n = keras_window_axes(layer)};
  const KerasValue *in = &layer->in[0];
  int64_t filters = keras_size(layer, "filters", -1), groups = keras_size(layer, "groups", 1);
  if (filters < 0 || groups < 0 ||
      !keras_window_options(layer, true, "kernel_size", "strides", "padding", &w))
    return false;
  int64_t channels = in->dim[w.n], dim[WINDOW_AXES + 2];
  for (int i = 0; i < w.n; i++)
    dim[i] = w.kernel[i];
  dim[w.n] = channels < 0 ? -1 : channels / groups;
  dim[w.n + 1] = filters;
  GraphValue *kernel = keras_weight(layer, "", "kernel", 0, w.n + 2, dim), *bias;
  if (!kernel || !keras_window_bias(layer, "", filters, 1, &bias)) return false;
  GraphValue *y = keras_window_slide(layer, &w, in, GRAPH_Conv,
                                     keras_window_channels_first(layer, in->graph, w.n),
                                     keras_window_kernel(layer, kernel, w.n), bias, groups);
  return y && conv_done(layer, &w, y, filters);
}

/* A transposed convolution. Its kernel [axes..., filters, d] becomes [d, filters, axes...]. Each
 * position of the input adds to all positions of the kernel, and the result has `stride` positions
 * for each of the input. */
static bool read_transposed(KerasLayer *layer) {
  KerasWindow w = {.n = keras_window_axes(layer)};
  KerasValue value = layer->in[0];
  Graph *graph = keras_emit(layer)->graph;
  int64_t filters = keras_size(layer, "filters", -1), dim[WINDOW_AXES + 2],
          pads[2 * WINDOW_AXES] = {0}, more[WINDOW_AXES] = {0};
  if (filters < 0 || !keras_window_options(layer, true, "kernel_size", "strides", "padding", &w))
    return false;
  for (int i = 0; i < w.n; i++) {
    int64_t over = reach_of(&w, i) + 1 - w.stride[i];
    dim[i] = w.kernel[i];
    if (over < 0) more[i] = -over;
    if (keras_window_is_same(&w) && over > 0) {
      pads[i] = over / 2;
      pads[w.n + i] = over - over / 2;
    }
  }
  dim[w.n] = filters;
  dim[w.n + 1] = value.dim[w.n];
  GraphValue *kernel = keras_weight(layer, "", "kernel", 0, w.n + 2, dim), *bias;
  if (!kernel || !keras_window_bias(layer, "", filters, 1, &bias)) return false;
  GraphNode *node =
      keras_node(layer, GRAPH_ConvTranspose, bias ? 3 : 2,
                 (GraphValue *[]){keras_window_channels_first(layer, value.graph, w.n),
                                  keras_window_kernel(layer, kernel, w.n), bias});
  graph_set_ints(graph, node, GRAPH_ATTR_strides, w.n, w.stride);
  graph_set_ints(graph, node, GRAPH_ATTR_dilations, w.n, w.dilation);
  graph_set_ints(graph, node, GRAPH_ATTR_pads, 2 * w.n, pads);
  graph_set_ints(graph, node, GRAPH_ATTR_output_padding, w.n, more);
  graph_set_int(graph, node, GRAPH_ATTR_groups, 1);
  value.graph = keras_window_channels_last(layer, emit_done(keras_emit(layer), node), w.n);
  for (int i = 0; i < w.n; i++) {
    int64_t n = value.dim[i], over = reach_of(&w, i) + 1 - w.stride[i];
    if (n < 0 || !size_mul(n, w.stride[i], &n)) n = -1;
    value.dim[i] = n >= 0 && !keras_window_is_same(&w) && over > 0 ? n + over : n;
  }
  value.dim[w.n] = filters;
  return keras_activated(layer, value);
}

/* The convolution of each channel with m kernels of its own: [axes..., channels, m]. */
static GraphValue *depthwise(KerasLayer *layer, const KerasWindow *w, int64_t channels, int64_t m,
                             GraphValue *bias) {
  GraphEmit *e = keras_emit(layer);
  int64_t dim[WINDOW_AXES + 2], perm[WINDOW_AXES + 2] = {w->n, w->n + 1},
                                                   shape[WINDOW_AXES + 2] = {channels * m, 1};
  for (int i = 0; i < w->n; i++) {
    dim[i] = shape[2 + i] = w->kernel[i];
    perm[2 + i] = i;
  }
  dim[w->n] = channels;
  dim[w->n + 1] = m;
  if (layer->keras->is_theano) {
    keras_lacks(layer, E902,
                "load the model in Keras 2 with the backend Theano, and train it again with "
                "TensorFlow: Theano turns its kernels over",
                "is not supported in a file that Theano computed");
    return NULL;
  }
  bool own = layer->keras->major > 2 && strncmp(layer->class_name, "Depthwise", 9) == 0;
  GraphValue *kernel =
      keras_weight(layer, "", own ? "kernel" : "depthwise_kernel", 0, w->n + 2, dim);
  if (!kernel) return NULL;
  GraphValue *turned = emit_reshape(e, emit_transpose(e, kernel, w->n + 2, perm), w->n + 2, shape);
  return keras_window_slide(layer, w, &layer->in[0], GRAPH_Conv,
                            keras_window_channels_first(layer, layer->in[0].graph, w->n), turned,
                            bias, channels);
}

/* The number of channels of the input, and of a result that has m for each. False after reporting.
 */
static bool channels_of(KerasLayer *layer, int n, int64_t m, int64_t *channels, int64_t *made) {
  *channels = layer->in[0].dim[n];
  if (*channels >= 1 && size_mul(*channels, m, made)) return true;
  keras_lacks(layer, E903,
              "say the number of channels in the input of the model, and save it again",
              "reads an unknown number of channels");
  return false;
}

static bool read_depthwise(KerasLayer *layer) {
  KerasWindow w = {.n = keras_window_axes(layer)};
  int64_t m = keras_size(layer, "depth_multiplier", 1), channels, made;
  if (m < 0 || !keras_window_options(layer, true, "kernel_size", "strides", "padding", &w))
    return false;
  if (!channels_of(layer, w.n, m, &channels, &made)) return false;
  GraphValue *bias, *y = keras_window_bias(layer, "", made, 1, &bias)
                             ? depthwise(layer, &w, channels, m, bias)
                             : NULL;
  return y && conv_done(layer, &w, y, made);
}

static bool read_separable(KerasLayer *layer) {
  KerasWindow w = {.n = keras_window_axes(layer)}, point = {.n = w.n, .padding = "valid"};
  int64_t m = keras_size(layer, "depth_multiplier", 1), filters = keras_size(layer, "filters", -1),
          channels, made, dim[WINDOW_AXES + 2];
  if (m < 0 || filters < 0 ||
      !keras_window_options(layer, true, "kernel_size", "strides", "padding", &w))
    return false;
  if (!channels_of(layer, w.n, m, &channels, &made)) return false;
  for (int i = 0; i < w.n; i++)
    dim[i] = point.kernel[i] = point.stride[i] = point.dilation[i] = 1;
  dim[w.n] = made;
  dim[w.n + 1] = filters;
  GraphValue *y = depthwise(layer, &w, channels, m, NULL), *bias;
  GraphValue *kernel = y ? keras_weight(layer, "", "pointwise_kernel", 1, w.n + 2, dim) : NULL;
  if (!kernel || !keras_window_bias(layer, "", filters, 2, &bias)) return false;
  y = keras_window_slide(layer, &point, &layer->in[0], GRAPH_Conv, y,
                         keras_window_kernel(layer, kernel, w.n), bias, 1);
  return y && conv_done(layer, &w, y, filters);
}

#define CONV_OPTIONS                                                                               \
  "kernel_size strides padding data_format=\"channels_last\" dilation_rate activation use_bias "   \
  "rank"
const KerasClass keras_windows[] = {
    KERAS_CLASS(Conv1D, read_conv, 1, "filters groups " CONV_OPTIONS),
    KERAS_CLASS(Conv2D, read_conv, 1, "filters groups " CONV_OPTIONS),
    KERAS_CLASS(Conv1DTranspose, read_transposed, 1, "filters " CONV_OPTIONS),
    KERAS_CLASS(Conv2DTranspose, read_transposed, 1, "filters " CONV_OPTIONS),
    KERAS_CLASS(DepthwiseConv1D, read_depthwise, 1,
                "depth_multiplier filters groups " CONV_OPTIONS),
    KERAS_CLASS(DepthwiseConv2D, read_depthwise, 1,
                "depth_multiplier filters groups " CONV_OPTIONS),
    KERAS_CLASS(SeparableConv1D, read_separable, 1,
                "depth_multiplier filters groups=1 " CONV_OPTIONS),
    KERAS_CLASS(SeparableConv2D, read_separable, 1,
                "depth_multiplier filters groups=1 " CONV_OPTIONS),
    KERAS_CLASS_END};
