/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows over the axes between the batch and the channels, for convolutions (window.c), pools
 * (pools.c) and cells of convolutions (conv_lstm.c). */
#ifndef GRUS_READ_KERAS_WINDOW_H
#define GRUS_READ_KERAS_WINDOW_H

#include "import/read/keras/keras.h"

#include <string.h>

enum { WINDOW_AXES = 2 };

/* A window along `n` axes. */
typedef struct KerasWindow {
  int n;
  int64_t kernel[WINDOW_AXES], stride[WINDOW_AXES], dilation[WINDOW_AXES];
  const char *padding; /* "valid", "same" or "causal" */
  double fill;         /* the value of the padding */
} KerasWindow;

/* How many axes a class has windows along, by its name. */
int keras_window_axes(const KerasLayer *layer);
/* Reads the options of a window; kernel, strides, padding: their names. A pool has no dilation, and
 * its stride is its kernel if none is said. False after reporting. */
bool keras_window_options(KerasLayer *layer, bool is_conv, const char *kernel, const char *strides,
                          const char *padding, KerasWindow *w);
/* The input is [axes..., channels]. False after reporting. */
bool keras_window_input(const KerasLayer *layer, int n);
/* [batch, axes..., channels] to [batch, channels, axes...], and back. */
GraphValue *keras_window_channels_first(KerasLayer *layer, GraphValue *x, int n);
GraphValue *keras_window_channels_last(KerasLayer *layer, GraphValue *x, int n);
/* A kernel [axes..., d, filters] as [filters, d, axes...]; the positions of Theano are counted from
 * the end. */
GraphValue *keras_window_kernel(KerasLayer *layer, GraphValue *kernel, int n);
/* *out becomes the bias, tensor `number` of the layer, or NULL if there is none. False after
 * reporting. */
bool keras_window_bias(KerasLayer *layer, int64_t filters, int number, GraphValue **out);
/* A convolution or a pool over x [batch, channels, axes...], of which `in` has the lengths. */
GraphValue *keras_window_slide(KerasLayer *layer, const KerasWindow *w, const KerasValue *in,
                               GraphOp op, GraphValue *x, GraphValue *weights, GraphValue *bias,
                               int64_t groups);
/* The lengths after the window. */
void keras_window_lengths(const KerasWindow *w, KerasValue *value);
static inline bool keras_window_is_same(const KerasWindow *w) {
  return strcmp(w->padding, "same") == 0;
}

#endif
