/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* In, a layer and what it reads; out, nodes of the graph. */
#include "import/read/keras/keras.h"

#include <string.h>

const KerasClass *const keras_tables[] = {
    keras_layers,    keras_norms,     keras_windows,   keras_pools, keras_joins,  keras_products,
    keras_attention, keras_recurrent, keras_operators, keras_moves, keras_lambda, NULL};

const KerasClass *keras_class_find(const char *name) {
  for (int t = 0; keras_tables[t]; t++)
    for (const KerasClass *c = keras_tables[t]; c->name; c++)
      if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

/* The closest supported alternative, for classes that people use. */
static void suggest(const char *name, Diag *d) {
  static const char *const hints[][2] = {
      {"ConvLSTM3D", "cells of convolutions along one axis and along two are supported"},
      {"Conv3D", "convolutions along one axis and along two are supported"},
      {"TimeDistributedDense", "load the model in Keras 2, and save it again"},
      {"CategoryEncoding", "use an Embedding, or `onehot` in the .grus file"}};
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strncmp(name, hints[i][0], strlen(hints[i][0])) == 0) {
      diag_note(d, "%s", hints[i][1]);
      return;
    }
  diag_note(d, "if it is your own layer, write what it does as stages in a .grus file");
}

/* Keras 1 computed with Theano or TensorFlow, and its files do not say with which. */
static void refuse_class(const KerasLayer *layer) {
  if (strstr(layer->class_name, "Convolution1D") || strstr(layer->class_name, "Convolution2D")) {
    Diag *d = keras_refuse(layer, E904,
                           "is of Keras 1, whose files do not say which backend trained them: "
                           "Theano reverses kernels, TensorFlow does not");
    diag_note(d, "load the model in Keras 2 with the backend that trained it, and save it again");
    return;
  }
  suggest(layer->class_name, keras_refuse(layer, E902, "is not supported"));
}

bool keras_read_layer(KerasLayer *layer) {
  const KerasClass *class = keras_class_find(layer->class_name);
  if (!class) {
    refuse_class(layer);
    return false;
  }
  size_t errors = layer->keras->diags->n_errors;
  if (class->n_in && layer->n_in != class->n_in) {
    keras_refuse(layer, E903, "reads %d values; it takes %d", layer->n_in, class->n_in);
    return false;
  }
  if (!keras_check_options(layer, class->options)) return false;
  GraphEmit *e = keras_emit(layer), outer = *e;
  e->name = layer->name;
  e->source = layer->class_name;
  e->masked = keras_masks_words(layer, class->mask);
  bool ok = class->read(layer);
  *e = outer;
  if (ok) keras_masks_follow(layer, class->mask);
  return ok && layer->keras->diags->n_errors == errors;
}

/* The length that --time gives sequences; GRAPH_OPEN: none, or a bound. */
static int64_t wished_length(const ImportOptions *options) {
  int64_t n = 0;
  const char *s = options->time;
  for (; s && *s >= '0' && *s <= '9' && n < INT32_MAX; s++)
    n = n * 10 + (*s - '0');
  return s && !*s && n > 0 ? n : GRAPH_OPEN;
}

void keras_is_sequence(const KerasLayer *layer, GraphInput *in, KerasValue *value) {
  const ImportOptions *o = layer->keras->options;
  bool asked = o->time || o->stream;
  int64_t own = value->dim[0] < 0 ? 0 : value->dim[0];
  if (asked) value->dim[0] = wished_length(o);
  in->dim[1] = (GraphDim){.n = value->dim[0] < 0 ? GRAPH_OPEN : value->dim[0],
                          .own = value->dim[0] < 0 ? own : 0,
                          .role = GRAPH_ROLE_TIME};
  if (value->dim[0] < 0)
    in->dim[1].symbol = asked ? "time" : arena_printf(layer->keras->arena, "time of %s", in->name);
}

void keras_read_input(const KerasLayer *layer, const char *name, KerasValue *value) {
  Keras *k = layer->keras;
  const char *type = json_string_value(keras_option(layer, "dtype"));
  GraphElem elem = type && strcmp(type, "bool") == 0 ? GRAPH_BOOL : GRAPH_FLOAT;
  GraphInput *in = graph_input(k->emit->graph, arena_strdup(k->arena, name), elem);
  in->rank = value->rank + 1;
  in->dim[0] = (GraphDim){.n = GRAPH_OPEN, .symbol = "batch", .role = GRAPH_ROLE_BATCH};
  for (int i = 0; i < value->rank; i++)
    in->dim[i + 1] = (GraphDim){.n = value->dim[i]};
  if (value->rank > 1 || value->dim[0] < 0) keras_is_sequence(layer, in, value);
  value->graph = in->value;
}

GraphValue *keras_weight(KerasLayer *layer, const char *side, const char *leaf, int number,
                         int rank, const int64_t *dim) {
  Hdf5Tensor t;
  if (!keras_tensor(layer, side, leaf, number, &t)) return NULL;
  int64_t want[TENSOR_MAX_RANK];
  for (int i = 0; i < rank; i++)
    want[i] = dim[i] < 0 && i < t.rank ? t.dim[i] : dim[i];
  if (!keras_shape_is(layer, &t, leaf, rank, want)) return NULL;
  GraphNumbers to;
  GraphTensor *tensor = graph_tensor_of(foreign_numbers(layer->keras->file), GRAPH_FLOAT, t.rank,
                                        t.dim, INT32_MAX, true, &to);
  if (!tensor || tensor->count != t.count) {
    keras_refuse(layer, E901, "has a tensor `%s` that is too large", leaf);
    return NULL;
  }
  for (int64_t i = 0; i < t.count; i++)
    graph_put(&to, i, (double)t.data[i]);
  return graph_constant(keras_emit(layer)->graph, leaf, tensor);
}

bool keras_gives(KerasLayer *layer, KerasValue value) {
  if (layer->n_out == KERAS_MAX_OUT) {
    keras_refuse(layer, E903, "has more than %d results", KERAS_MAX_OUT);
    return false;
  }
  value.field = NULL;
  if (!*value.graph->name && value.graph->node) value.graph->name = layer->name;
  layer->out[layer->n_out++] = value;
  return true;
}

bool keras_gives_state(KerasLayer *layer, GraphValue *graph, int64_t units, const char *field) {
  if (!keras_gives(layer, (KerasValue){.graph = graph, .rank = 1, .dim = {units}})) return false;
  layer->out[layer->n_out - 1].field = field;
  return true;
}

bool keras_gives_like(KerasLayer *layer, GraphValue *graph) {
  KerasValue value = layer->in[0];
  value.graph = graph;
  return graph && keras_gives(layer, value);
}

GraphNode *keras_node(const KerasLayer *layer, GraphOp op, int n_in, GraphValue *const *in) {
  return emit_node(keras_emit(layer), op, n_in, in, 1);
}

GraphValue *keras_number_call(KerasLayer *layer, GraphOp op, GraphValue *x, GraphAttributeName name,
                              double number) {
  GraphNode *node = keras_node(layer, op, 1, &x);
  graph_set_number(keras_emit(layer)->graph, node, name, number);
  return emit_done(keras_emit(layer), node);
}
