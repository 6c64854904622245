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

/* The number of axes that a class has windows along: 1 or 2, by its name. */
int keras_window_axes(const KerasLayer *layer);
/* Reads the options of a window, whose names are given. A pool has no dilation, and its stride is
 * its kernel if the option is absent. False after reporting. */
bool keras_window_options(KerasLayer *layer, bool is_conv, const char *kernel, const char *strides,
                          const char *padding, KerasWindow *w);
/* Whether a sample of the input is [axes..., channels]. False after reporting that it is not. */
bool keras_window_input(const KerasLayer *layer, int n);
/* [batch, axes..., channels] to [batch, channels, axes...], and back. */
GraphValue *keras_window_channels_first(KerasLayer *layer, GraphValue *x, int n);
GraphValue *keras_window_channels_last(KerasLayer *layer, GraphValue *x, int n);
/* A kernel [axes..., d, filters] as [filters, d, axes...]. The positions of a kernel that Theano
 * trained are reversed. */
GraphValue *keras_window_kernel(KerasLayer *layer, GraphValue *kernel, int n);
/* *out gets the bias, which is tensor `number` of the layer; NULL: the layer has none. False after
 * reporting. */
bool keras_window_bias(KerasLayer *layer, const char *side, int64_t filters, int number,
                       GraphValue **out);
/* A convolution or a pool (op) over x [batch, channels, axes...]. in: the value with the lengths of
 * these axes. NULL after reporting. */
GraphValue *keras_window_slide(KerasLayer *layer, const KerasWindow *w, const KerasValue *in,
                               GraphOp op, GraphValue *x, GraphValue *weights, GraphValue *bias,
                               int64_t groups);
/* Replaces the lengths of a value by those of the result of a window over it. */
void keras_window_lengths(const KerasWindow *w, KerasValue *value);
static inline bool keras_window_is_same(const KerasWindow *w) {
  return strcmp(w->padding, "same") == 0;
}

#endif
