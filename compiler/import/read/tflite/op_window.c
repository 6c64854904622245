/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions and pools. TensorFlow Lite has the channels last and the graph has them first, so
 * that a Transpose stands before and after each. */
#include "import/read/tflite/reader.h"
#include "import/read/window.h"

enum { CONV_2D = 3, DEPTHWISE = 4, MAX_POOL = 17, SAME = 0 };

static bool window_fits(TflCall *c, const Window2D *w) {
  return window_possible(w) ||
         tfl_refuse(c, E901, "has a window of %lld x %lld elements in steps of %lld x %lld",
                    (long long)w->kernel[0], (long long)w->kernel[1], (long long)w->stride[0],
                    (long long)w->stride[1]);
}

/* The pads of a window over `from`, before h and w and then after them, of which the odd one is
 * after; false if they follow from a size that is open. */
static bool pads_of(const TflTensor *from, const Window2D *w, int64_t *pads) {
  bool known = true;
  for (int i = 0; i < 2; i++) {
    int64_t span = window_span(w, i), size = from->rank == 4 ? from->dim[1 + i] : GRAPH_OPEN;
    int64_t needed =
        w->stride[i] == 1 ? span - 1 : (size - 1) / w->stride[i] * w->stride[i] + span - size;
    bool sized = w->stride[i] == 1 || size > 0;
    if (needed < 0 || !w->same) needed = 0;
    pads[i] = needed / 2;
    pads[2 + i] = needed - pads[i];
    known = known && (sized || !w->same);
  }
  return known;
}

/* The filters are [o, kh, kw, i], and those of a depthwise convolution
 * [1, kh, kw, channels * multiplier]. */
bool tfl_op_conv(TflCall *c) {
  GraphEmit *e = c->emit;
  bool depthwise = c->op.code == DEPTHWISE;
  int dilations = depthwise ? 5 : 4,
      activation = flat_u8(&c->reader->flat, c->op.options, depthwise ? 4 : 3);
  const TflTensor *filter = c->from[1], *from = c->from[0];
  if (filter->rank != 4 || (from->rank >= 0 && from->rank != 4))
    return tfl_refuse(c, E901, "has operands of %d and %d axes", from->rank, filter->rank);
  Window2D w = {.kernel = {filter->dim[1], filter->dim[2]},
                .stride = {tfl_option(c, 2, 0), tfl_option(c, 1, 0)},
                .dilation = {tfl_option(c, (unsigned)dilations + 1, 1),
                             tfl_option(c, (unsigned)dilations, 1)},
                .same = flat_u8(&c->reader->flat, c->op.options, 0) == SAME};
  int64_t multiplier = tfl_option(c, 3, 0), pads[4], groups = 0;
  bool known = from->rank == 4 && from->dim[3] > 0 && filter->dim[3] > 0;
  if (!window_fits(c, &w)) return false;
  if (depthwise) {
    if (from->rank == 4 && from->dim[3] > 0)
      groups = from->dim[3]; /* the multiplier says less: it may be left at 0 */
    else
      groups = multiplier > 0 ? filter->dim[3] / multiplier : 0;
  } else if (known)
    groups = from->dim[3] / filter->dim[3];
  if (groups < 1 && (depthwise || known))
    return tfl_refuse(c, E901, "has filters that do not fit its channels");
  GraphValue *x = channels_first(e, tfl_real(c, 0)), *f = tfl_real(c, 1),
             *b = tfl_real_bias(c, 2, 0, 1);
  f = emit_transpose(e, f, 4, depthwise ? (int64_t[]){3, 0, 1, 2} : (int64_t[]){0, 3, 1, 2});
  if (!pads_of(from, &w, pads)) {
    x = window_padded(e, x, &w);
    for (int i = 0; i < 4; i++)
      pads[i] = 0;
  }
  GraphValue *y = tfl_activated(
      c, window_node(c->emit, GRAPH_Conv, &w, pads, b ? 3 : 2, (GraphValue *[]){x, f, b}, groups),
      activation);
  return y && tfl_set_real(c, 0, channels_last(e, y));
}

bool tfl_op_pool(TflCall *c) {
  bool is_max = c->op.code == MAX_POOL;
  Window2D w = {.kernel = {tfl_option(c, 4, 0), tfl_option(c, 3, 0)},
                .stride = {tfl_option(c, 2, 0), tfl_option(c, 1, 0)},
                .dilation = {1, 1},
                .same = flat_u8(&c->reader->flat, c->op.options, 0) == SAME};
  int64_t pads[4];
  if (!window_fits(c, &w)) return false;
  GraphValue *x = channels_first(c->emit, tfl_real(c, 0));
  bool known = pads_of(c->from[0], &w, pads);
  GraphValue *y = window_node(c->emit, is_max ? GRAPH_MaxPool : GRAPH_AvgPool, &w,
                              known ? pads : NULL, 1, &x, 1);
  y = tfl_activated(c, y, flat_u8(&c->reader->flat, c->op.options, 5));
  return y && tfl_set_real(c, 0, channels_last(c->emit, y));
}

/* Pads and additions that make the full result, of size (size - 1) stride + kernel, as large as
 * `wanted`. Where the number of elements that go is odd, the larger part goes at the end. False
 * after reporting. */
static bool transposed_pads(TflCall *c, const Window2D *w, const int64_t *wanted, int64_t *pads,
                            int64_t *more) {
  const TflTensor *from = c->from[2];
  for (int i = 0; i < 2; i++) {
    int64_t size = from->rank == 4 ? from->dim[1 + i] : GRAPH_OPEN;
    if (size < 1 || size > INT32_MAX)
      return tfl_lacks(c, E902, tfl_fixed_sizes, "has an operand whose size is open");
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

/* Operands: shape, filters [o, kh, kw, i], x, bias. A shape that is computed has to be the one that
 * the padding gives: the Reshape changes nothing, and fails where there are more or fewer
 * elements. */
bool tfl_op_transpose_conv(TflCall *c) {
  GraphEmit *e = c->emit;
  const TflTensor *filter = c->from[1];
  int64_t wanted[4], pads[4], more[2];
  bool told = c->in[0]->constant != NULL;
  int n;
  if (filter->rank != 4) return tfl_refuse(c, E901, "has filters of %d axes", filter->rank);
  if (told && !tfl_constant_ints(c, 0, "output shape", 4, &n, wanted)) return false;
  if (told && n != 4) return tfl_refuse(c, E901, "has an output shape of %d axes", n);
  Window2D w = {.kernel = {filter->dim[1], filter->dim[2]},
                .stride = {tfl_option(c, 2, 0), tfl_option(c, 1, 0)},
                .dilation = {1, 1},
                .same = flat_u8(&c->reader->flat, c->op.options, 0) == SAME};
  if (!window_fits(c, &w)) return false;
  if (!told)
    window_transposed_pads(&w, pads, more);
  else if (!transposed_pads(c, &w, wanted, pads, more))
    return false;
  GraphValue *in[3] = {channels_first(e, tfl_real(c, 2)),
                       emit_transpose(e, tfl_real(c, 1), 4, (int64_t[]){3, 0, 1, 2}),
                       tfl_real_bias(c, 3, 2, 1)};
  GraphValue *y = window_transposed(e, &w, pads, more, in[2] ? 3 : 2, in);
  y = tfl_activated(c, y, flat_u8(&c->reader->flat, c->op.options, 3));
  if (!y) return false;
  y = channels_last(e, y);
  return tfl_set_real(c, 0, told ? y : EMIT(e, Reshape, y, c->in[0]));
}
