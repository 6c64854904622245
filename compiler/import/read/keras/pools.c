/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pools, and steps that are put on, cut off and repeated. */
#include "import/read/keras/window.h"

#include <math.h>
#include <string.h>

static bool read_pool(KerasLayer *layer) {
  bool max = strstr(layer->class_name, "Max") != NULL, old = layer->keras->major == 1;
  KerasWindow w = {.n = keras_window_axes(layer), .fill = max ? -(double)INFINITY : 0};
  KerasValue value = layer->in[0];
  if (!keras_window_options(layer, false, old ? "pool_length" : "pool_size",
                            old ? "stride" : "strides", old ? "border_mode" : "padding", &w))
    return false;
  bool open = false;
  for (int i = 0; i < w.n; i++)
    open = open || (value.dim[i] < 0 && w.stride[i] != 1);
  if (open && keras_window_is_same(&w) && !max) {
    keras_lacks(layer, E903,
                "give the model an input of a fixed length, `keras.Input((steps, features))`, and "
                "save it again; `padding=\"valid\"` takes any length",
                "pads a sequence of unknown length by its length");
    return false;
  }
  GraphValue *y =
      keras_window_slide(layer, &w, &value, max ? GRAPH_MaxPool : GRAPH_AvgPool,
                         keras_window_channels_first(layer, value.graph, w.n), NULL, NULL, 1);
  if (!y) return false;
  value.graph = keras_window_channels_last(layer, y, w.n);
  keras_window_lengths(&w, &value);
  return keras_gives(layer, value);
}

/* The mean of the steps that a mask keeps. */
static GraphValue *masked_mean(KerasLayer *layer, GraphValue *x, GraphValue *keeps,
                               bool keep_axis) {
  static const int64_t time[] = {1}, last[] = {2};
  GraphEmit *e = keras_emit(layer);
  GraphValue *weight = emit_unsqueeze(e, emit_cast(e, keeps, GRAPH_FLOAT), 1, last);
  GraphValue *sum = emit_reduce(e, GRAPH_ReduceSum, EMIT(e, Mul, x, weight), 1, time, keep_axis);
  return EMIT(e, Div, sum, emit_reduce(e, GRAPH_ReduceSum, weight, 1, time, keep_axis));
}

static bool read_global(KerasLayer *layer) {
  static const int64_t axes[] = {1, 2};
  bool max = strstr(layer->class_name, "Max") != NULL, keep = keras_flag(layer, "keepdims", false);
  int n = keras_window_axes(layer);
  KerasValue value = layer->in[0];
  GraphValue *keeps = NULL;
  if (!keras_window_input(layer, n)) return false;
  if (!max && n == 1) keeps = keras_mask_of(layer);
  value.graph = keeps ? masked_mean(layer, value.graph, keeps, keep)
                      : emit_reduce(keras_emit(layer), max ? GRAPH_ReduceMax : GRAPH_ReduceMean,
                                    value.graph, n, axes, keep);
  for (int i = 0; i < n && keep; i++)
    value.dim[i] = 1;
  if (!keep) {
    value.dim[0] = value.dim[n];
    value.rank = 1;
  }
  value.mask.keeps = NULL;
  return keras_gives(layer, value);
}

/* ---- steps put on, cut off and repeated ---- */

/* Two lengths, or one for both ends; false after reporting. */
static bool ends_of(const KerasLayer *layer, const char *name, int64_t *before, int64_t *after) {
  json_t *ends = keras_option(layer, name);
  json_t *first = json_is_array(ends) ? json_array_get(ends, 0) : ends,
         *last = json_is_array(ends) ? json_array_get(ends, 1) : ends;
  *before = json_integer_value(first);
  *after = json_integer_value(last);
  bool two = json_is_integer(first) && json_is_integer(last) &&
             (!json_is_array(ends) || json_array_size(ends) == 2);
  if (two && *before >= 0 && *after >= 0 && *before <= INT32_MAX && *after <= INT32_MAX &&
      layer->in[0].rank == 2)
    return true;
  keras_refuse(layer, E901, "has a `%s` that is not two lengths of a sequence", name);
  return false;
}

static bool read_zero_padding(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t before, after;
  if (!ends_of(layer, "padding", &before, &after)) return false;
  value.graph = EMIT(e, Pad, value.graph, emit_ints(e, 6, (int64_t[]){0, before, 0, 0, after, 0}),
                     emit_number(e, 0));
  if (value.dim[0] >= 0) value.dim[0] += before + after;
  return keras_gives(layer, value);
}

static bool read_cropping(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  int64_t before, after;
  if (!ends_of(layer, "cropping", &before, &after)) return false;
  value.graph =
      emit_slice(keras_emit(layer), value.graph, 1, before, after ? -after : INT32_MAX, 1);
  if (value.dim[0] >= 0)
    value.dim[0] = value.dim[0] > before + after ? value.dim[0] - before - after : 0;
  return keras_gives(layer, value);
}

/* Every step n times: [b, t, d] to [b, t, 1, d] to [b, t, n, d] to [b, t n, d]. */
static bool read_upsampling(KerasLayer *layer) {
  static const int64_t behind[] = {2};
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t n = keras_size(layer, "size", 2);
  if (n < 0 || value.rank != 2 || value.dim[1] < 0) {
    if (n >= 0)
      keras_lacks(layer, E903,
                  "give it [batch, time, features]: a `Reshape` before it makes that shape",
                  "needs a sequence of vectors");
    return false;
  }
  GraphValue *apart = emit_unsqueeze(e, value.graph, 1, behind);
  GraphValue *many = EMIT(e, Expand, apart, emit_ints(e, 4, (int64_t[]){1, 1, n, 1}));
  value.graph = emit_reshape(e, many, 3, (int64_t[]){0, -1, value.dim[1]});
  if (value.dim[0] >= 0 && !size_mul(value.dim[0], n, &value.dim[0])) return false;
  return keras_gives(layer, value);
}

#define POOL_OPTIONS "pool_size strides padding data_format=\"channels_last\""
const KerasClass keras_pools[] = {
    KERAS_CLASS(MaxPooling1D, read_pool, 1, POOL_OPTIONS " pool_length stride border_mode"),
    KERAS_CLASS(AveragePooling1D, read_pool, 1, POOL_OPTIONS " pool_length stride border_mode"),
    KERAS_CLASS(MaxPooling2D, read_pool, 1, POOL_OPTIONS),
    KERAS_CLASS(AveragePooling2D, read_pool, 1, POOL_OPTIONS),
    KERAS_CLASS(GlobalAveragePooling1D, read_global, 1, "data_format=\"channels_last\" keepdims"),
    KERAS_CLASS(GlobalMaxPooling1D, read_global, 1, "data_format=\"channels_last\" keepdims"),
    KERAS_CLASS(GlobalAveragePooling2D, read_global, 1, "data_format=\"channels_last\" keepdims"),
    KERAS_CLASS(GlobalMaxPooling2D, read_global, 1, "data_format=\"channels_last\" keepdims"),
    KERAS_CLASS(ZeroPadding1D, read_zero_padding, 1, "padding data_format=\"channels_last\""),
    KERAS_CLASS(Cropping1D, read_cropping, 1, "cropping"),
    KERAS_CLASS(UpSampling1D, read_upsampling, 1, "size"),
    KERAS_CLASS_END};
