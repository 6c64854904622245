/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the architectures of Neural Amp Modeler share. Private to nam*.c. */
#ifndef GRUS_IMPORT_AUDIO_NAM_H
#define GRUS_IMPORT_AUDIO_NAM_H

#include "import/audio/audio.h"

/* A model: that of the file, or one inside of it. Its layers take their weights from one list, in
 * order. */
typedef struct Nam {
  Audio audio;
  const ImportOptions *options;
  const char *origin; /* "`config`", or "`condition_dsp`" */
  json_t *config;
  const float *weights; /* the list */
  int64_t n, taken;     /* its length, and how many numbers were taken */
  bool sized;           /* the file has models of several sizes */
} Nam;

/* A value, its width, and the numbers that it has after a long silence. */
typedef struct NamFlow {
  Value *value;
  int64_t width;
  const double *rest;
} NamFlow;

/* A convolution, or a Dense if kernel is 1. A model at a smaller size uses the first `out` rows and
 * the first `in` columns; the full sizes are those of the file. weight [out, in / groups, kernel].
 */
typedef struct NamConv {
  int64_t full_in, full_out, in, out, kernel, dilation, groups;
  bool has_bias;
  const float *weight, *bias;
  const char *name;
} NamConv;

typedef enum NamShape {
  NAM_TANH,
  NAM_HARD_TANH,
  NAM_RELU,
  NAM_LEAKY_RELU,
  NAM_PRELU,
  NAM_SIGMOID,
  NAM_SILU,
  NAM_HARD_SWISH,
  NAM_LEAKY_HARD_TANH,
  NAM_SOFTSIGN
} NamShape;

typedef struct NamActivation {
  NamShape shape;
  double low, high, low_slope, high_slope; /* of a leaky hard tanh; a leaky relu has low_slope */
  const float *slopes;                     /* of a prelu, one for each channel */
  int64_t n_slopes;
} NamActivation;

/* The functions of type bool return false after reporting. */

/* Reports that the model `what`; returns false. */
bool nam_refuse(Nam *nam, DiagCode code, const char *what);
/* The same of E902, E903 and E904, with what works instead. */
bool nam_lacks(Nam *nam, DiagCode code, const char *help, const char *what);
/* Takes the next n numbers of the list. */
bool nam_take(Nam *nam, int64_t n, const float **out);
/* Whether all numbers of the list were taken. */
bool nam_all_taken(Nam *nam);
/* Takes the weights of a convolution; checks that its groups divide its channels. */
bool nam_conv_take(Nam *nam, NamConv *conv);
/* Appends a convolution to a flow. */
bool nam_conv(Nam *nam, const NamConv *conv, NamFlow *flow);
/* Reads an activation: "Tanh" or {"type": "LeakyReLU", "negative_slope": 0.01}. */
bool nam_activation_read(Nam *nam, const json_t *value, NamActivation *out);
/* Appends an activation to a flow. */
bool nam_activate(Nam *nam, const NamActivation *activation, NamFlow *flow);
/* a + b or a * b; kind: LAYER_add or LAYER_mul. */
NamFlow nam_join(Nam *nam, LayerKind kind, NamFlow a, NamFlow b);
/* v with a number: v * number, v - number, or number - v if swapped. */
NamFlow nam_number(Nam *nam, LayerKind kind, NamFlow v, double number, bool swapped);
/* Features begin .. end of v. */
NamFlow nam_slice(Nam *nam, NamFlow v, int64_t begin, int64_t end);

/* Append the stages of an architecture. */
bool nam_wavenet(Nam *nam, NamFlow *flow);
bool nam_convnet(Nam *nam, NamFlow *flow);
bool nam_linear(Nam *nam, NamFlow *flow);
/* Appends the stages of a model inside of another one (nam.c). */
bool nam_model(Nam *outer, json_t *root, const char *origin, NamFlow *flow);

#endif
