/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Numbers that the file holds in a call of Keras 3. In, the call; out, the constant operand of an
 * operator of two. Any other array is an error: without it, the layer would compute something else.
 */
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
    const GraphTensor *array = array_of(g, item);
    if (!array && !json_is_number(item)) continue;
    layer->numbers = array;
    layer->number = json_number_value(item);
    layer->has_number = true;
    layer->number_first = i == 0;
  }
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

bool keras_call_numbers(KerasGraph *g, KerasLayer *layer, json_t *call) {
  if (!json_is_object(call)) return true;
  json_t *args = json_object_get(call, "args");
  constant_operand(g, layer, args);
  int n = arrays_in(args, 0) + arrays_in(json_object_get(call, "kwargs"), 0);
  if (n == (layer->numbers && layer->is_operator ? 1 : 0)) return true;
  keras_lacks(layer, E903,
              "`x + array`, `x * array` and the like are read, and `Embedding` for a table; for "
              "others, put the numbers in as a second `Input`",
              "is called with an array of numbers, which only an operator of two values takes");
  return false;
}
