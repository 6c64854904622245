/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions, pools and batch normalisation over images [n, h, w, c] (NHWC) or [n, c, h, w].
 * `last` says that the channels are the last axis. */
#include "import/read/tf/reader.h"
#include "import/read/window.h"

#include <string.h>

/* Whether an attribute, or its default where it is absent, is this word. */
static bool is_word(TfCall *c, const char *name, const char *if_absent, const char *word) {
  return strcmp(tf_word(c->reader, c->node, name, if_absent), word) == 0;
}

/* Whether the channels are the last axis; false after reporting an order that is not known. */
static bool order_of(TfCall *c, bool *last) {
  *last = is_word(c, "data_format", "NHWC", "NHWC");
  return *last || is_word(c, "data_format", "", "NCHW") ||
         tf_lacks(c, E902, "`NHWC` and `NCHW` are read",
                  "has its axes in the order `%s`, which is not supported",
                  tf_word(c->reader, c->node, "data_format", ""));
}

/* The two sizes of an attribute with four, one for each axis; 1 and 1 where it is absent. */
static bool plane_sizes(TfCall *c, const char *name, bool last, int64_t *out) {
  const TfFile__Value *v = tf_attribute(c->node, name);
  const TfFile__List *list = v ? v->list : NULL;
  out[0] = out[1] = 1;
  if (!list || list->n_i == 0) return true;
  if (list->n_i != 4 || list->i[0] != 1 || list->i[last ? 3 : 1] != 1)
    return tf_lacks(c, E902,
                    "sizes along height and width are read: 1 for the batch and the channels",
                    "has `%s` along the batch or the channels", name);
  out[0] = list->i[last ? 1 : 2];
  out[1] = list->i[last ? 2 : 3];
  return true;
}

/* The pads that the file lists, before and after each of four axes. pads: before h and w, then
 * after h and w. */
static bool explicit_pads(TfCall *c, bool last, int64_t *pads) {
  const TfFile__Value *v = tf_attribute(c->node, "explicit_paddings");
  const TfFile__List *list = v ? v->list : NULL;
  if (!list || list->n_i != 8) return tf_refuse(c, E901, "does not list its eight pads");
  const int64_t *channels = list->i + (last ? 6 : 2);
  if (list->i[0] || list->i[1] || channels[0] || channels[1])
    return tf_lacks(c, E902,
                    "sizes along height and width are read: 1 for the batch and the channels",
                    "has pads along the batch or the channels");
  for (int i = 0; i < 2; i++)
    for (int side = 0; side < 2; side++) {
      int64_t pad = list->i[2 * (i + (last ? 1 : 2)) + side];
      if (pad < 0 || pad > INT16_MAX) return tf_refuse(c, E901, "pads %lld", (long long)pad);
      pads[2 * side + i] = pad;
    }
  return true;
}

/* Strides, dilations and pads of a node whose kernel is known. *sized tells whether the pads are
 * known now; if not, they are left 0 and follow from the size of x when it runs. */
static bool window_of(TfCall *c, Window2D *w, bool last, bool *sized, int64_t *pads) {
  w->same = is_word(c, "padding", "", "SAME");
  *sized = true;
  for (int i = 0; i < 4; i++)
    pads[i] = 0;
  if (!plane_sizes(c, "strides", last, w->stride) ||
      !plane_sizes(c, "dilations", last, w->dilation))
    return false;
  if (!window_possible(w))
    return tf_refuse(c, E901, "has a window of %lld x %lld elements in steps of %lld x %lld",
                     (long long)w->kernel[0], (long long)w->kernel[1], (long long)w->stride[0],
                     (long long)w->stride[1]);
  if (is_word(c, "padding", "", "EXPLICIT")) return explicit_pads(c, last, pads);
  if (!w->same) return is_word(c, "padding", "", "VALID") || tf_refuse(c, E901, "names no padding");
  *sized = w->stride[0] == 1 && w->stride[1] == 1;
  for (int i = 0; *sized && i < 2; i++) {
    pads[i] = (window_span(w, i) - 1) / 2;
    pads[2 + i] = window_span(w, i) - 1 - pads[i];
  }
  return true;
}

/* The filters [h, w, ...] of a convolution, whose first two axes are the kernel of *w; NULL after
 * reporting. */
static const GraphTensor *filters_of(TfCall *c, const GraphValue *value, Window2D *w) {
  const GraphTensor *filter = value->constant;
  *w = (Window2D){.same = false};
  if (!filter || filter->rank != 4) {
    if (filter)
      tf_refuse(c, E901, "has filters of %d axes", filter->rank);
    else
      tf_lacks(c, E902,
               "a kernel that is a constant or a variable of the model is read, as "
               "`keras.layers.Conv1D` has it",
               "has a kernel that is not a constant");
    return NULL;
  }
  w->kernel[0] = filter->dim[0];
  w->kernel[1] = filter->dim[1];
  return filter;
}

/* Operands: x, filters [h, w, c, o]. The filters of a depthwise one are [h, w, c, multiplier], and
 * its result has c * multiplier channels. */
static bool convolution(TfCall *c, bool depthwise) {
  GraphEmit *e = c->emit;
  GraphValue *in[2];
  bool sized, last;
  if (!order_of(c, &last) || !tf_all_in(c, 2, in)) return false;
  Window2D w;
  const GraphTensor *filter = filters_of(c, in[1], &w);
  if (!filter) return false;
  GraphValue *x = last ? channels_first(e, in[0]) : in[0];
  int64_t pads[4], block[2], groups = depthwise ? filter->dim[2] : 0;
  if (!window_of(c, &w, last, &sized, pads)) return false;
  if (!sized) x = window_padded(e, x, &w);
  bool blocked = tf_blocked(c->reader, in[0], block);
  for (int i = 0; blocked && i < 2; i++) {
    if (!last || w.same || w.stride[i] != 1 || pads[i] || pads[2 + i])
      return tf_lacks(
          c, E902, tf_dilations,
          "has strides or pads between SpaceToBatchND and BatchToSpaceND, which is not supported");
    w.dilation[i] *= block[i];
  }
  if (!window_possible(&w)) return tf_refuse(c, E901, "has a dilation that is out of range");
  GraphValue *f =
      emit_transpose(e, in[1], 4, depthwise ? (int64_t[]){2, 3, 0, 1} : (int64_t[]){3, 2, 0, 1});
  if (depthwise)
    f = emit_reshape(e, f, 4,
                     (int64_t[]){groups * filter->dim[3], 1, filter->dim[0], filter->dim[1]});
  GraphValue *y = window_node(e, GRAPH_Conv, &w, pads, 2, (GraphValue *[]){x, f}, groups);
  if (last) y = channels_last(e, y);
  if (blocked) tf_mark_blocked(c->reader, y, 2, block);
  return tf_done(c, y);
}

bool tf_op_conv(TfCall *c) {
  return convolution(c, false);
}
bool tf_op_depthwise(TfCall *c) {
  return convolution(c, true);
}

/* Operands: shape, filters [h, w, m, c], y. The result is what a convolution by these filters would
 * make y of. The file says its shape, which has to be the one that the padding gives: the Reshape
 * changes nothing, and fails where there are more or fewer elements. */
bool tf_op_transposed(TfCall *c) {
  GraphEmit *e = c->emit;
  GraphValue *in[3];
  bool sized, last;
  if (!order_of(c, &last) || !tf_all_in(c, 3, in)) return false;
  Window2D w;
  int64_t pads[4], more[2];
  if (!filters_of(c, in[1], &w) || !window_of(c, &w, last, &sized, pads)) return false;
  if (w.dilation[0] != 1 || w.dilation[1] != 1 || is_word(c, "padding", "", "EXPLICIT"))
    return tf_lacks(
        c, E902,
        "transposed convolutions without dilations, with padding `SAME` or `VALID`, are read",
        "has dilations or explicit pads, which is not supported");
  window_transposed_pads(&w, pads, more);
  GraphValue *y =
      window_transposed(e, &w, pads, more, 2,
                        (GraphValue *[]){last ? channels_first(e, in[2]) : in[2],
                                         emit_transpose(e, in[1], 4, (int64_t[]){3, 2, 0, 1})});
  if (last) y = channels_last(e, y);
  return tf_done(c, EMIT(e, Reshape, y, in[0]));
}

bool tf_op_pool(TfCall *c) {
  bool is_max = strcmp(c->node->op, "MaxPool") == 0, sized, last;
  if (!order_of(c, &last)) return false;
  Window2D w = {.same = false};
  int64_t pads[4];
  GraphValue *x = tf_in(c, 0);
  if (!x || !plane_sizes(c, "ksize", last, w.kernel) || !window_of(c, &w, last, &sized, pads))
    return false;
  if (last) x = channels_first(c->emit, x);
  GraphValue *y = window_node(c->emit, is_max ? GRAPH_MaxPool : GRAPH_AvgPool, &w,
                              sized ? pads : NULL, 1, &x, 1);
  return tf_done(c, last ? channels_last(c->emit, y) : y);
}

/* Operands: x, scale, center, mean, variance. */
bool tf_op_batch_norm(TfCall *c) {
  GraphValue *in[5];
  bool last;
  if (!order_of(c, &last)) return false;
  if (tf_bool(c->node, "is_training", true))
    return tf_lacks(c, E902,
                    "save the model for use, not for training: `model.export(FOLDER)`, or "
                    "`training=False` in the call",
                    "takes mean and variance of the batch, as in training");
  if (!tf_all_in(c, 5, in)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_BatchNorm, 5, in, 1);
  graph_set_int(c->scope->graph, node, GRAPH_ATTR_axis, last ? -1 : 1);
  graph_set_number(c->scope->graph, node, GRAPH_ATTR_eps, tf_number(c->node, "epsilon", 1e-4));
  return tf_done(c, emit_done(c->emit, node));
}
