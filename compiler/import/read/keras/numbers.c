/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Numbers that the file holds in a call of Keras 3. In, the call; out, the constant operand of an
 * operator of two, and the arrays of others as constant values. An array that a layer does not take
 * is an error: without it, the layer would compute something else. */
#include "import/read/keras/walk.h"

#include <string.h>

/* The sizes of a nest of lists, taken from its first elements; -1: it is too deep. */
static int nest_rank(json_t *nest, int64_t *dim) {
  int rank = 0;
  for (; json_is_array(nest); nest = json_array_get(nest, 0)) {
    if (rank == GRAPH_MAX_RANK - 1) return -1;
    dim[rank++] = (int64_t)json_array_size(nest);
  }
  return rank;
}

/* A nest of lists has these sizes and holds numbers, which go to *to unless it is NULL. */
static bool nest_is_array(json_t *nest, int rank, const int64_t *dim, double **to) {
  if (!rank && to) *(*to)++ = json_number_value(nest);
  if (!rank) return json_is_number(nest);
  if (!json_is_array(nest) || (int64_t)json_array_size(nest) != *dim) return false;
  for (int64_t i = 0; i < *dim; i++)
    if (!nest_is_array(json_array_get(nest, (size_t)i), rank - 1, dim + 1, to)) return false;
  return true;
}

static bool is_array(json_t *object) {
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  return class_name &&
         (strcmp(class_name, "__tensor__") == 0 || strcmp(class_name, "__numpy__") == 0);
}

/* {"class_name": "__tensor__", "config": {"value": [[1.5, ...], ...]}}; NULL: it is another. */
static const GraphTensor *array_of(KerasGraph *g, json_t *object) {
  if (!is_array(object)) return NULL;
  json_t *nest = json_object_get(json_object_get(object, "config"), "value");
  int64_t dim[GRAPH_MAX_RANK] = {1};
  double *data;
  int rank = nest_rank(nest, dim + 1);
  if (rank < 0 || !nest_is_array(nest, rank, dim + 1, NULL)) return NULL;
  GraphTensor *out = graph_tensor(g->keras->arena, GRAPH_FLOAT, rank + 1, dim, &data);
  nest_is_array(nest, rank, dim + 1, &data);
  return out;
}

/* x * 2 of Keras 3: one of the arguments is a number, or an array of them. */
static void constant_operand(KerasGraph *g, KerasLayer *layer, json_t *args) {
  for (size_t i = 0; i < json_array_size(args) && json_array_size(args) == 2; i++) {
    json_t *item = json_array_get(args, i);
    const GraphTensor *array = layer->is_operator ? array_of(g, item) : NULL;
    if (!array && !json_is_number(item)) continue;
    layer->numbers = array;
    layer->number = json_number_value(item);
    layer->has_number = true;
    layer->number_first = i == 0;
  }
}

/* Layers and operators that take a constant value as any other. */
static bool takes_arrays(const KerasLayer *layer) {
  static const char *const names[] = {"Add",     "Multiply", "Average",  "Maximum",
                                      "Minimum", "LSTM",     "GRU",      "SimpleRNN",
                                      "RNN",     "Where",    "Subtract", "Attention"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(layer->class_name, names[i]) == 0) return !layer->has_number;
  return false;
}

/* The first axis of an array beside values is that of the batch, of size 1. */
bool keras_array_value(KerasGraph *g, const KerasLayer *layer, json_t *object, KerasValue *out) {
  const GraphTensor *t = takes_arrays(layer) ? array_of(g, object) : NULL;
  if (!t || t->rank < 2 || t->rank - 2 > TYPE_MAX_AXES || t->dim[1] != 1) return false;
  GraphTensor *made = ARENA_NEW(g->keras->arena, GraphTensor);
  *made = *t;
  *out = (KerasValue){.rank = t->rank - 2};
  made->rank = t->rank - 1;
  for (int i = 0; i < made->rank; i++)
    made->dim[i] = t->dim[i + 1];
  for (int i = 0; i < out->rank; i++)
    out->dim[i] = made->dim[i + 1];
  out->graph = graph_constant(keras_emit(layer)->graph, "", made);
  return true;
}

/* How many arrays a nest of lists and named arguments holds. */
static int arrays_in(json_t *nest, int depth) {
  const char *name;
  json_t *value;
  int n = is_array(nest);
  if (n || depth == DEPTH_MAX) return n;
  for (size_t i = 0; i < json_array_size(nest); i++)
    n += arrays_in(json_array_get(nest, i), depth + 1);
  json_object_foreach(nest, name, value) n += arrays_in(value, depth + 1);
  return n;
}

void keras_call_operand(KerasGraph *g, KerasLayer *layer, json_t *call) {
  layer->has_number = false;
  if (json_is_object(call)) constant_operand(g, layer, json_object_get(call, "args"));
}

bool keras_call_numbers(KerasLayer *layer, json_t *call, int n_read) {
  if (!json_is_object(call)) return true;
  int n =
      arrays_in(json_object_get(call, "args"), 0) + arrays_in(json_object_get(call, "kwargs"), 0);
  if (n == n_read + (layer->numbers ? 1 : 0)) return true;
  keras_lacks(
      layer, E903,
      "`x + array` and the like are read, `Add()([x, array])` if the first axis of the "
      "array has the size 1, and `Embedding` for a table; for others, put the numbers in as "
      "a second `Input`",
      "is called with an array of numbers that it does not take, or whose first axis, that "
      "of the batch, has not the size 1");
  return false;
}
