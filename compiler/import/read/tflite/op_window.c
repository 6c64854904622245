/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions and pools. TensorFlow Lite keeps the channels last: they are brought in front and
 * back. */
#include "import/read/tflite/reader.h"

#include <math.h>

enum { CONV_2D = 3, DEPTHWISE = 4, MAX_POOL = 17, SAME = 0 };

GraphValue *tfl_channels_first(Emit *e, GraphValue *x) {
  return emit_transpose(e, x, 4, (int64_t[]){0, 3, 1, 2});
}
GraphValue *tfl_channels_last(Emit *e, GraphValue *x) {
  return emit_transpose(e, x, 4, (int64_t[]){0, 2, 3, 1});
}

/* The two axes of a window: of its options and of the kernel. */
typedef struct Window {
  int64_t kernel[2], stride[2], dilation[2];
  bool same;
} Window;

static bool window_fits(TflCall *c, const Window *w) {
  for (int i = 0; i < 2; i++)
    if (w->kernel[i] < 1 || w->stride[i] < 1 || w->dilation[i] < 1 || w->kernel[i] > INT16_MAX ||
        w->dilation[i] > INT16_MAX)
      return tfl_refuse(c, E901, "has a window of %lld elements in steps of %lld",
                        (long long)w->kernel[i], (long long)w->stride[i]);
  return true;
}

/* Pads that keep ceil(size / stride) steps, for a size that is not known until it runs. */
static GraphValue *padded_by_size(TflCall *c, GraphValue *x, const Window *w, double fill) {
  Emit *e = c->emit;
  int64_t span[2] = {(w->kernel[0] - 1) * w->dilation[0] + 1,
                     (w->kernel[1] - 1) * w->dilation[1] + 1};
  GraphValue *size = emit_slice(e, EMIT(e, Shape, x), 0, 2, 4, 1),
             *step = emit_ints(e, 2, w->stride), *one = emit_int(e, 1), *two = emit_int(e, 2);
  GraphValue *last = EMIT(e, FloorDiv, EMIT(e, Sub, size, one), step);
  GraphValue *reach = EMIT(e, Add, EMIT(e, Mul, last, step), emit_ints(e, 2, span));
  GraphValue *needed = EMIT(e, Max, EMIT(e, Sub, reach, size), emit_int(e, 0));
  GraphValue *less = EMIT(e, FloorDiv, needed, two), *more = EMIT(e, Sub, needed, less),
             *none = emit_ints(e, 2, (int64_t[]){0, 0});
  GraphValue *pads = emit_concat(e, 0, 4, (GraphValue *[]){none, less, none, more});
  GraphNode *pad = emit_node(e, GRAPH_Pad, 3, (GraphValue *[]){x, pads, emit_number(e, fill)}, 1);
  const char *mode = "constant";
  graph_set_words(e->graph, pad, GRAPH_ATTR_mode, 1, &mode);
  return emit_done(e, pad);
}

/* Pads as numbers where they are known: the odd one is after. Else x becomes x padded, if
 * `computed` is allowed. */
static bool pads_of(TflCall *c, const TflTensor *from, const Window *w, bool computed, double fill,
                    GraphValue **x, int64_t *pads) {
  bool known = true;
  for (int i = 0; i < 2; i++) {
    int64_t span = (w->kernel[i] - 1) * w->dilation[i] + 1,
            size = from->rank == 4 ? from->dim[1 + i] : GRAPH_OPEN;
    int64_t needed =
        w->stride[i] == 1 ? span - 1 : (size - 1) / w->stride[i] * w->stride[i] + span - size;
    bool sized = w->stride[i] == 1 || size > 0;
    if (needed < 0 || !w->same) needed = 0;
    pads[i] = needed / 2;
    pads[2 + i] = needed - pads[i];
    known = known && (sized || !w->same);
  }
  if (known) return true;
  if (!computed) return tfl_refuse(c, E902, "averages over padding that depends on the size");
  for (int i = 0; i < 4; i++)
    pads[i] = 0;
  *x = padded_by_size(c, *x, w, fill);
  return true;
}

static GraphValue *windowed(TflCall *c, GraphOp op, const Window *w, const int64_t *pads, int n_in,
                            GraphValue *const *in, int64_t groups) {
  Graph *graph = c->emit->graph;
  GraphNode *node = emit_node(c->emit, op, n_in, in, 1);
  graph_set_ints(graph, node, GRAPH_ATTR_strides, 2, w->stride);
  graph_set_ints(graph, node, GRAPH_ATTR_pads, 4, pads);
  if (op == GRAPH_MaxPool || op == GRAPH_AvgPool)
    graph_set_ints(graph, node, GRAPH_ATTR_kernel, 2, w->kernel);
  else
    graph_set_int(graph, node, GRAPH_ATTR_groups, groups);
  if (op == GRAPH_Conv) graph_set_ints(graph, node, GRAPH_ATTR_dilations, 2, w->dilation);
  return emit_done(c->emit, node);
}

/* Filters [o, kh, kw, i], of a depthwise convolution [1, kh, kw, channels * multiplier]. */
bool tfl_op_conv(TflCall *c) {
  Emit *e = c->emit;
  bool depthwise = c->op.code == DEPTHWISE;
  int dilations = depthwise ? 5 : 4,
      activation = flat_u8(&c->reader->flat, c->op.options, depthwise ? 4 : 3);
  const TflTensor *filter = c->from[1], *from = c->from[0];
  if (filter->rank != 4 || (from->rank >= 0 && from->rank != 4))
    return tfl_refuse(c, E901, "has operands of %d and %d axes", from->rank, filter->rank);
  Window w = {.kernel = {filter->dim[1], filter->dim[2]},
              .stride = {tfl_option(c, 2, 0), tfl_option(c, 1, 0)},
              .dilation = {tfl_option(c, (unsigned)dilations + 1, 1),
                           tfl_option(c, (unsigned)dilations, 1)},
              .same = flat_u8(&c->reader->flat, c->op.options, 0) == SAME};
  int64_t multiplier = tfl_option(c, 3, 0), pads[4], groups = 1;
  if (!window_fits(c, &w)) return false;
  if (depthwise) {
    if (from->rank == 4 && from->dim[3] > 0)
      groups = from->dim[3]; /* the multiplier says less: it may be left at 0 */
    else
      groups = multiplier > 0 ? filter->dim[3] / multiplier : 0;
  } else if (from->rank == 4 && from->dim[3] > 0 && filter->dim[3] > 0)
    groups = from->dim[3] / filter->dim[3];
  if (groups < 1) return tfl_refuse(c, E901, "has filters that do not fit its channels");
  GraphValue *x = tfl_channels_first(e, tfl_real(c, 0)), *f = tfl_real(c, 1),
             *b = tfl_real_bias(c, 2, 0, 1);
  f = emit_transpose(e, f, 4, depthwise ? (int64_t[]){3, 0, 1, 2} : (int64_t[]){0, 3, 1, 2});
  if (!pads_of(c, from, &w, true, 0, &x, pads)) return false;
  GraphValue *y = tfl_activated(
      c, windowed(c, GRAPH_Conv, &w, pads, b ? 3 : 2, (GraphValue *[]){x, f, b}, groups),
      activation);
  return y && tfl_set_real(c, 0, tfl_channels_last(e, y));
}

bool tfl_op_pool(TflCall *c) {
  bool is_max = c->op.code == MAX_POOL;
  Window w = {.kernel = {tfl_option(c, 4, 0), tfl_option(c, 3, 0)},
              .stride = {tfl_option(c, 2, 0), tfl_option(c, 1, 0)},
              .dilation = {1, 1},
              .same = flat_u8(&c->reader->flat, c->op.options, 0) == SAME};
  int64_t pads[4];
  if (!window_fits(c, &w)) return false;
  GraphValue *x = tfl_channels_first(c->emit, tfl_real(c, 0));
  if (!pads_of(c, c->from[0], &w, is_max, -INFINITY, &x, pads)) return false;
  GraphValue *y = windowed(c, is_max ? GRAPH_MaxPool : GRAPH_AvgPool, &w, pads, 1, &x, 1);
  y = tfl_activated(c, y, flat_u8(&c->reader->flat, c->op.options, 5));
  return y && tfl_set_real(c, 0, tfl_channels_last(c->emit, y));
}

/* Of the full result, (size - 1) stride + kernel, the part that the file asks for: more is cut off
 * after. */
static bool transposed_pads(TflCall *c, const Window *w, const int64_t *wanted, int64_t *pads,
                            int64_t *more) {
  const TflTensor *from = c->from[2];
  for (int i = 0; i < 2; i++) {
    int64_t size = from->rank == 4 ? from->dim[1 + i] : GRAPH_OPEN;
    if (size < 1 || size > INT32_MAX)
      return tfl_refuse(c, E902, "has an operand whose size is open");
    int64_t spare = (size - 1) * w->stride[i] + w->kernel[i] - wanted[1 + i];
    more[i] = spare < 0 ? -spare : 0;
    if (spare < 0) spare = 0;
    if (more[i] >= w->stride[i] && more[i] > 0)
      return tfl_refuse(c, E901, "makes %lld steps of %lld", (long long)wanted[1 + i],
                        (long long)size);
    pads[i] = spare / 2;
    pads[2 + i] = spare - pads[i];
  }
  return true;
}

/* shape, filters [o, kh, kw, i], x, bias */
bool tfl_op_transpose_conv(TflCall *c) {
  Emit *e = c->emit;
  const TflTensor *filter = c->from[1];
  int64_t wanted[4], pads[4], more[2];
  int n;
  if (filter->rank != 4) return tfl_refuse(c, E901, "has filters of %d axes", filter->rank);
  if (!tfl_constant_ints(c, 0, "output shape", 4, &n, wanted)) return false;
  if (n != 4) return tfl_refuse(c, E901, "has an output shape of %d axes", n);
  Window w = {.kernel = {filter->dim[1], filter->dim[2]},
              .stride = {tfl_option(c, 2, 0), tfl_option(c, 1, 0)},
              .dilation = {1, 1}};
  if (!window_fits(c, &w) || !transposed_pads(c, &w, wanted, pads, more)) return false;
  GraphValue *x = tfl_channels_first(e, tfl_real(c, 2)),
             *f = emit_transpose(e, tfl_real(c, 1), 4, (int64_t[]){3, 0, 1, 2}),
             *b = tfl_real_bias(c, 3, 2, 1);
  GraphNode *node = emit_node(e, GRAPH_ConvTranspose, b ? 3 : 2, (GraphValue *[]){x, f, b}, 1);
  graph_set_ints(e->graph, node, GRAPH_ATTR_strides, 2, w.stride);
  graph_set_ints(e->graph, node, GRAPH_ATTR_pads, 4, pads);
  graph_set_ints(e->graph, node, GRAPH_ATTR_output_padding, 2, more);
  GraphValue *y = tfl_activated(c, emit_done(e, node), flat_u8(&c->reader->flat, c->op.options, 3));
  return y && tfl_set_real(c, 0, tfl_channels_last(e, y));
}
