/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What walk.c and functional.c share, private to them. */
#ifndef GRUS_READ_KERAS_WALK_H
#define GRUS_READ_KERAS_WALK_H

#include "import/read/keras/keras.h"

enum { LAYERS_MAX = 4096, INPUTS_MAX = 256, READS_MAX = 16384, DEPTH_MAX = KERAS_MAX_DEPTH };

/* A layer of a functional model, and its calls. */
typedef struct KerasNode {
  KerasLayer layer;
  json_t *inbound;  /* inbound_nodes of the file: the values that each call reads */
  KerasLayer *call; /* [n_calls] */
  bool *done;       /* [n_calls], true if the call has been read */
  int n_calls;
  /* The number of the first call: first[0] in inbound_nodes, first[1] in the list of outputs. It is
   * 0, except for a model among the layers: there, Keras 1 and 2 begin both at 1, and Keras 3 the
   * second one. */
  int64_t first[2];
} KerasNode;

/* A model while its layers are read. */
typedef struct KerasGraph {
  Keras *keras;
  KerasGroups groups;
  const KerasLayer *outer; /* the call of this model by another model; NULL: it is the whole one */
  int depth;               /* the number of models around it */
  KerasNode *node;
  int n;       /* the number of layers */
  int n_left;  /* the number of calls that have not been read */
  Map by_name; /* name of a layer -> KerasNode */
} KerasGraph;

/* Sets the name, class, configuration and group of a layer from its object in the file. index: its
 * place in the list of layers. False after reporting. */
bool graph_layer_read(KerasGraph *g, json_t *object, int index, KerasLayer *out);
/* An input of the model; shape: its axes after the batch. False after reporting. */
bool keras_graph_input(const KerasLayer *layer, const char *name, json_t *shape, KerasValue *out);
/* The shape of the input that a layer declares, with the batch; NULL: it declares none. */
json_t *graph_input_shape(const KerasLayer *layer);
bool graph_is_input(const KerasLayer *layer); /* its class is InputLayer */

/* ---- numbers.c ---- */
/* Sets the constant operand of an operator from the arguments of its call. */
void keras_call_operand(KerasGraph *g, KerasLayer *layer, json_t *call);
/* An array of numbers as a constant value; false if it is none, or the layer does not take it. */
bool keras_array_value(KerasGraph *g, const KerasLayer *layer, json_t *object, KerasValue *out);
/* Reports arrays of a call other than the operand and `n_read` values; false if there are any. */
bool keras_call_numbers(KerasLayer *layer, json_t *call, int n_read);

/* Reads the layers of a functional model. The second function reads such a model among the layers
 * of another one: its outputs become the results of the call. False after reporting. */
bool graph_functional(KerasGraph *g, json_t *config);
bool graph_functional_call(KerasGraph *g, KerasLayer *layer);
/* Puts the inputs of the graph into the order of the list `inputs` of the model. */
void graph_order_inputs(KerasGraph *g, json_t *inputs);

#endif
