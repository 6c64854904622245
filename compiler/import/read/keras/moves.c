/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of Keras 3 on values, which functions in a Lambda also use: bounds, types, elements in
 * another order or repeated, norms, products of matrices. */
#include "import/read/forms.h"
#include "import/read/keras/keras.h"

#include <math.h>
#include <string.h>

static bool read_clip(KerasLayer *layer) {
  double min = keras_number(layer, "x_min", (double)-INFINITY),
         max = keras_number(layer, "x_max", (double)INFINITY);
  if (min > max) {
    keras_lacks(layer, E903, "exchange them: the lower bound comes first",
                "has a lower bound of %g, which is above the upper one, %g", min, max);
    return false;
  }
  return keras_gives_like(layer, emit_clip(keras_emit(layer), layer->in[0].graph, min, max));
}

static bool read_rsqrt(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  return keras_gives_like(layer, EMIT(e, Reciprocal, EMIT(e, Sqrt, layer->in[0].graph)));
}

/* A cast to a type of real numbers. Casts to other types round, and are an error. */
static bool read_cast(KerasLayer *layer) {
  const char *type = keras_word(layer, "dtype", "");
  bool is_real = strcmp(type, "float16") == 0 || strcmp(type, "bfloat16") == 0 ||
                 strcmp(type, "float32") == 0 || strcmp(type, "float64") == 0;
  if (!is_real) {
    keras_lacks(layer, E902,
                "casts to `float32` are read; `Embedding` and `ops.one_hot` take whole numbers as "
                "they are, from `keras.Input(shape, dtype=\"int32\")`",
                "turns its input into type `%s`, which is not supported", type);
    return false;
  }
  return keras_gives_like(layer, emit_cast(keras_emit(layer), layer->in[0].graph, GRAPH_FLOAT));
}

/* The axis that the option `axis` names, from 1 to `last`; the batch is axis 0. -1 after reporting.
 */
static int64_t one_axis(const KerasLayer *layer, int64_t last) {
  json_t *axis = keras_option(layer, "axis");
  if (json_is_array(axis) && json_array_size(axis) == 1) axis = json_array_get(axis, 0);
  int64_t at = json_is_integer(axis) ? json_integer_value(axis) : 0;
  if (at < 0) at += last + 1;
  if (at >= 1 && at <= last) return at;
  keras_lacks(layer, E903, "name one axis after the batch, such as `axis=-1`",
              "works along the batch, along several axes, or along one that its "
              "input does not have");
  return -1;
}

static bool read_flip(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  int64_t at = one_axis(layer, layer->in[0].rank);
  if (at < 0) return false;
  GraphNode *node = keras_node(layer, GRAPH_Reverse, 1, &layer->in[0].graph);
  graph_set_ints(e->graph, node, GRAPH_ATTR_axes, 1, &at);
  return keras_gives_like(layer, emit_done(e, node));
}

/* Joins values along a new axis. */
static bool read_stack(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t at = one_axis(layer, value.rank + 1);
  if (at < 0) return false;
  GraphValue **in = ARENA_ARRAY(layer->keras->arena, GraphValue *, layer->n_in);
  for (int i = 0; i < layer->n_in; i++) {
    if (layer->in[i].rank != value.rank || value.rank == TYPE_MAX_AXES) {
      keras_lacks(
          layer, E903,
          arena_printf(layer->keras->arena,
                       "stack values of the same number of axes, at most %d after the batch",
                       TYPE_MAX_AXES - 1),
          "stacks values with different numbers of axes, or with too many");
      return false;
    }
    in[i] = emit_unsqueeze(e, layer->in[i].graph, 1, &at);
  }
  value.graph = emit_concat(e, at, layer->n_in, in);
  memmove(value.dim + at, value.dim + at - 1, sizeof *value.dim * (size_t)(value.rank + 1 - at));
  value.dim[at - 1] = layer->n_in;
  value.rank++;
  return keras_gives(layer, value);
}

/* Repeats each element along an axis: a b becomes a a b b. */
static bool read_repeat_elements(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t at = one_axis(layer, value.rank), times = keras_size(layer, "repeats", -1);
  if (at < 0 || times < 0) return false;
  value.graph = form_repeated(e, value.graph, value.rank + 1, (int)at, emit_ints(e, 1, &times));
  int64_t *size = &value.dim[at - 1];
  if (*size >= 0 && !size_mul(*size, times, size)) {
    keras_lacks(layer, E903, keras_cut(layer), "has a result that is too large");
    return false;
  }
  return keras_gives(layer, value);
}

/* x / max(length, epsilon) along an axis. */
static bool read_normalize(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  int64_t at = one_axis(layer, layer->in[0].rank);
  if (at < 0) return false;
  GraphNode *node = keras_node(layer, GRAPH_LpNormalize, 1, &layer->in[0].graph);
  graph_set_int(e->graph, node, GRAPH_ATTR_axis, at);
  graph_set_number(e->graph, node, GRAPH_ATTR_eps, keras_number(layer, "epsilon", 1e-7));
  return keras_gives_like(layer, emit_done(e, node));
}

/* Elements of an axis by their places, which are constants of one axis. */
static bool read_take(KerasLayer *layer) {
  const GraphTensor *t = layer->has_number && !layer->number_first ? layer->numbers : NULL;
  KerasValue value = layer->in[0];
  int64_t at = one_axis(layer, value.rank);
  if (at < 0) return false;
  if (!t || t->rank != 2 || value.dim[at - 1] < 0) {
    return keras_lacks(layer, E903, "slices are read, as in `x[:, 1:3]`",
                       "takes elements at places that are not a constant list of one axis, or from "
                       "an axis whose size is open");
  }
  int n = (int)t->count;
  int64_t *place = ARENA_ARRAY(layer->keras->arena, int64_t, n);
  for (int i = 0; i < n; i++) {
    place[i] = (int64_t)graph_at(t, i);
    if (place[i] < 0) place[i] += value.dim[at - 1];
    if (place[i] >= 0 && place[i] < value.dim[at - 1]) continue;
    keras_refuse(layer, E901, "takes an element that does not exist");
    return false;
  }
  value.graph = emit_gather(keras_emit(layer), value.graph, at, n, place);
  value.dim[at - 1] = n;
  return keras_gives(layer, value);
}

/* Elements of the second argument where the first is true, else of the third. Each of these two may
 * be a number. */
static bool read_where(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  json_t *args = json_object_get(layer->call, "args");
  GraphValue *in[3] = {NULL};
  KerasValue value = layer->in[0];
  int n = 0;
  for (int i = 0; i < 3; i++) {
    json_t *arg = json_array_get(args, (size_t)i);
    const KerasValue *from = json_is_number(arg) || n == layer->n_in ? NULL : &layer->in[n++];
    in[i] = from                  ? from->graph
            : json_is_number(arg) ? emit_number(e, json_number_value(arg))
                                  : NULL;
    bool fits = in[i] && (!from || from->rank == value.rank);
    for (int k = 0; fits && from && k < value.rank; k++) {
      fits = from->dim[k] == value.dim[k] || from->dim[k] == 1 || value.dim[k] == 1;
      if (value.dim[k] == 1) value.dim[k] = from->dim[k];
    }
    if (fits) continue;
    return keras_lacks(layer, E903, keras_cut(layer),
                       "chooses between values that have not the sizes of its condition");
  }
  value.graph = emit_call(e, GRAPH_Where, 3, in);
  return keras_gives(layer, value);
}

/* The product of a value and a constant matrix. */
static bool by_matrix(KerasLayer *layer) {
  const GraphTensor *t = layer->numbers;
  KerasValue value = layer->in[0];
  if (layer->number_first || !t || t->rank != 3 || value.rank < 1 ||
      value.dim[value.rank - 1] != t->dim[1]) {
    return keras_lacks(layer, E903, "`Dense` is read, and `ops.matmul` with a matrix on the right",
                       "multiplies a value and an array that is no matrix with as many rows as the "
                       "value has elements in its last axis");
  }
  GraphTensor *matrix = ARENA_NEW(layer->keras->arena, GraphTensor);
  *matrix = *t;
  matrix->rank = 2;
  matrix->dim[0] = t->dim[1];
  matrix->dim[1] = t->dim[2];
  value.dim[value.rank - 1] = t->dim[2];
  GraphEmit *e = keras_emit(layer);
  value.graph = EMIT(e, MatMul, value.graph, graph_constant(e->graph, "", matrix));
  return keras_gives(layer, value);
}

/* The product of [b, ..., n, k] and [b, ..., k, m]. Each may have its last two axes exchanged. */
static bool read_matmul(KerasLayer *layer) {
  static const char *const options[] = {"transpose_a", "transpose_b"};
  GraphEmit *e = keras_emit(layer);
  if (layer->has_number) return by_matrix(layer);
  if (layer->n_in != 2)
    return keras_lacks(layer, E903, keras_cut(layer), "reads %d values; it takes 2", layer->n_in);
  KerasValue part[2] = {layer->in[0], layer->in[1]}, out = part[0];
  int rank = out.rank;
  for (int i = 0; i < 2; i++) {
    int64_t perm[TYPE_MAX_AXES + 1], *dim = part[i].dim;
    if (part[i].rank != rank || rank < 2) {
      keras_lacks(
          layer, E903,
          "give both the same number of axes, two or more after the batch, with a `Reshape`",
          "multiplies values that are not both matrices, or have different "
          "numbers of axes");
      return false;
    }
    if (!keras_flag(layer, options[i], false)) continue;
    for (int k = 0; k <= rank; k++)
      perm[k] = k;
    perm[rank] = rank - 1;
    perm[rank - 1] = rank;
    part[i].graph = emit_transpose(e, part[i].graph, rank + 1, perm);
    int64_t last = dim[rank - 1];
    dim[rank - 1] = dim[rank - 2];
    dim[rank - 2] = last;
  }
  out.dim[rank - 2] = part[0].dim[rank - 2];
  out.dim[rank - 1] = part[1].dim[rank - 1];
  out.graph = EMIT(e, MatMul, part[0].graph, part[1].graph);
  return keras_gives(layer, out);
}

const KerasClass keras_moves[] = {KERAS_CLASS(Clip, read_clip, 1, "x_min x_max"),
                                  KERAS_CLASS(Rsqrt, read_rsqrt, 1, ""),
                                  KERAS_CLASS(Cast, read_cast, 1, "dtype"),
                                  KERAS_CLASS(Flip, read_flip, 1, "axis"),
                                  KERAS_CLASS(Stack, read_stack, 0, "axis"),
                                  KERAS_CLASS(Repeat, read_repeat_elements, 1, "repeats axis"),
                                  KERAS_CLASS(Normalize, read_normalize, 1, "axis order=2 epsilon"),
                                  KERAS_CLASS(Take, read_take, 1, "axis"),
                                  KERAS_CLASS(Where, read_where, 0, ""),
                                  KERAS_CLASS(Matmul, read_matmul, 0, "transpose_a transpose_b"),
                                  KERAS_CLASS_END};
