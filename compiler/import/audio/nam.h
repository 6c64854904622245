/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Neural Amp Modeler, what its architectures share. Private to nam*.c. */
#ifndef GRUS_IMPORT_AUDIO_NAM_H
#define GRUS_IMPORT_AUDIO_NAM_H

#include "import/audio/audio.h"

/* A model of the file: the file's own, or one that it holds. Its numbers are taken in their
 * order. */
typedef struct Nam {
  Audio audio;
  const ImportOptions *options;
  const char *origin; /* "`config`", or "`condition_dsp`" */
  json_t *config;
  const float *weights; /* all of them */
  int64_t n, taken;
  bool sized; /* a choice of size was there to be made */
} Nam;

/* A value, and what it is after a long silence. */
typedef struct NamFlow {
  Value *value;
  int64_t width;
  const double *rest;
} NamFlow;

/* A convolution, 1x1 where kernel is 1. Of a model that is used at a smaller size the first `out`
 * rows and the first `in` columns are taken; `full` sizes are those of the file. weight [out, in /
 * groups, kernel]. */
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
  double low, high, low_slope, high_slope; /* of a leaky hard tanh; low_slope of a leaky relu */
  const float *slopes;                     /* of a prelu, one a channel */
  int64_t n_slopes;
} NamActivation;

/* All false after reporting. */
bool nam_refuse(Nam *nam, DiagCode code, const char *what);
bool nam_take(Nam *nam, int64_t n, const float **out);
/* Every number was taken. */
bool nam_all_taken(Nam *nam);
/* The sizes divide, and the weights are there. */
bool nam_conv_take(Nam *nam, NamConv *conv);
bool nam_conv(Nam *nam, const NamConv *conv, NamFlow *flow);
/* value: "Tanh" or {"type": "LeakyReLU", "negative_slope": 0.01} */
bool nam_activation_read(Nam *nam, const json_t *value, NamActivation *out);
bool nam_activate(Nam *nam, const NamActivation *activation, NamFlow *flow);
/* kind: LAYER_add or LAYER_mul */
NamFlow nam_join(Nam *nam, LayerKind kind, NamFlow a, NamFlow b);
/* v op number, or number op v */
NamFlow nam_number(Nam *nam, LayerKind kind, NamFlow v, double number, bool swapped);
NamFlow nam_slice(Nam *nam, NamFlow v, int64_t begin, int64_t end);

bool nam_wavenet(Nam *nam, NamFlow *flow);
bool nam_convnet(Nam *nam, NamFlow *flow);
bool nam_linear(Nam *nam, NamFlow *flow);
/* What a model in JSON, inside of another, does to a flow (nam.c). */
bool nam_model(Nam *outer, json_t *root, const char *origin, NamFlow *flow);

#endif
