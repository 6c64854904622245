/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* In, a layer and what it reads; out, nodes of the graph. See reader.h. */
#include "import/read/keras/reader.h"

#include <string.h>

enum { FOLDS = 1 << 26 }; /* elements that may be computed while reading */

Graph *keras_graph_new(Keras *k, const char *format) {
  Graph *graph = graph_new(k->arena, k->file->path);
  graph->format = format;
  graph->names_layers = true;
  k->emit = ARENA_NEW(k->arena, Emit);
  k->emit->graph = graph;
  k->emit->name = k->emit->source = "";
  k->emit->folds = ARENA_NEW(k->arena, int64_t);
  *k->emit->folds = FOLDS;
  return graph;
}

static const KerasReadClass *class_find(const char *name) {
  const KerasReadClass *const tables[] = {keras_read_layers, keras_read_windows, keras_read_joins,
                                          keras_read_recurrent, keras_read_operators};
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
    for (const KerasReadClass *c = tables[t]; c->name; c++)
      if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

bool keras_read_layer(KerasLayer *layer) {
  const KerasReadClass *class = class_find(layer->class_name);
  if (!class) {
    keras_refuse_class(layer);
    return false;
  }
  size_t errors = layer->keras->diags->n_errors;
  if (class->n_in && layer->n_in != class->n_in) {
    keras_refuse(layer, E903, "reads %d values, and takes %d", layer->n_in, class->n_in);
    return false;
  }
  if (!keras_check_options(layer, class->options)) return false;
  Emit *e = keras_emit(layer), outer = *e;
  e->name = layer->name;
  e->source = layer->class_name;
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
  if (asked) value->dim[0] = wished_length(o);
  in->dim[1] =
      (GraphDim){.n = value->dim[0] < 0 ? GRAPH_OPEN : value->dim[0], .role = GRAPH_ROLE_TIME};
  if (value->dim[0] < 0)
    in->dim[1].symbol = asked ? "time" : arena_printf(layer->keras->arena, "time of %s", in->name);
}

void keras_read_input(const KerasLayer *layer, const char *name, KerasValue *value) {
  Keras *k = layer->keras;
  GraphInput *in = graph_input(k->emit->graph, arena_strdup(k->arena, name), GRAPH_FLOAT);
  in->rank = value->rank + 1;
  in->dim[0] = (GraphDim){.n = GRAPH_OPEN, .symbol = "batch", .role = GRAPH_ROLE_BATCH};
  for (int i = 0; i < value->rank; i++)
    in->dim[i + 1] = (GraphDim){.n = value->dim[i]};
  if (value->rank > 1 || value->dim[0] < 0) keras_is_sequence(layer, in, value);
  value->graph = in->value;
}

GraphValue *keras_weight(KerasLayer *layer, const char *side, const char *leaf, int number,
                         int rank, const int64_t *dim) {
  Arena *arena = layer->keras->arena;
  Hdf5Tensor t;
  if (!keras_tensor(layer, side, leaf, number, &t)) return NULL;
  int64_t want[TENSOR_MAX_RANK];
  for (int i = 0; i < rank; i++)
    want[i] = dim[i] < 0 && i < t.rank ? t.dim[i] : dim[i];
  if (!keras_shape_is(layer, &t, leaf, rank, want)) return NULL;
  double *data;
  GraphTensor *tensor = graph_tensor(arena, GRAPH_FLOAT, t.rank, t.dim, &data);
  if (!tensor || tensor->count != t.count) {
    keras_refuse(layer, E901, "has a tensor `%s` whose sizes cannot be", leaf);
    return NULL;
  }
  for (int64_t i = 0; i < t.count; i++)
    data[i] = (double)t.data[i];
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

int64_t keras_listed(const KerasLayer *layer, const char *name, int i, int64_t if_absent) {
  json_t *list = keras_option(layer, name);
  if (!list) return if_absent;
  json_t *item =
      json_is_array(list) ? json_array_get(list, json_array_size(list) == 1 ? 0 : (size_t)i) : list;
  if (json_is_integer(item) && json_integer_value(item) > 0 &&
      json_integer_value(item) <= INT32_MAX)
    return json_integer_value(item);
  keras_refuse(layer, E901, "has a `%s` that is no list of positive numbers", name);
  return -1;
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
