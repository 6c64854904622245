/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What walk.c and functional.c share, private to them. */
#ifndef GRUS_READ_KERAS_WALK_H
#define GRUS_READ_KERAS_WALK_H

#include "import/read/keras/keras.h"

enum { LAYERS_MAX = 4096, INPUTS_MAX = 256, READS_MAX = 16384, DEPTH_MAX = KERAS_MAX_DEPTH };

/* A layer of a functional model, and its calls. */
typedef struct KerasNode {
  KerasLayer layer;
  json_t *inbound;
  KerasLayer *call;
  bool *done; /* by call */
  int n_calls;
  /* the number of the first call, in what layers read and in the list of outputs: 1 for models
   * among the layers of Keras 1 and 2, in Keras 3 in that list alone */
  int64_t first[2];
} KerasNode;

typedef struct KerasGraph {
  Keras *keras;
  KerasGroups groups;
  const KerasLayer *outer; /* the call of this model by another one; NULL */
  int depth;
  KerasNode *node;
  int n, n_left; /* layers, and calls to be imported */
  Map by_name;   /* KerasNode */
} KerasGraph;

/* Fills name, class, configuration and group from a layer's object; false after reporting. */
bool graph_layer_read(KerasGraph *g, json_t *object, int index, KerasLayer *out);
/* An input of the model; shape: its axes after the batch. False after reporting. */
bool keras_graph_input(const KerasLayer *layer, const char *name, json_t *shape, KerasValue *out);
json_t *graph_input_shape(const KerasLayer *layer);
bool graph_is_input(const KerasLayer *layer);
/* Imports a layer, or the layers of a model. False after reporting. */

/* A functional model; the same among the layers of another, where its outputs become those of the
 * call. False after reporting. */
bool graph_functional(KerasGraph *g, json_t *config);
bool graph_functional_call(KerasGraph *g, KerasLayer *layer);
/* The inputs in the order of the model's own list. */
void graph_order_inputs(KerasGraph *g, json_t *inputs);

#endif
