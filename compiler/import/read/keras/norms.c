/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms: by stored statistics, by those of each step, and by those of groups of channels. */
#include "import/read/keras/keras.h"

#include <string.h>

/* The axis that an option says, the batch being axis 0; -1 after reporting. *to gets the last of
 * several. */
int keras_axis_of(const KerasLayer *layer, int *to) {
  json_t *axis = keras_option(layer, "axis");
  int rank = layer->in[0].rank;
  size_t n = json_is_array(axis) ? json_array_size(axis) : 1;
  int first = -1, previous = -1;
  if (!n)
    keras_lacks(layer, E903, "`axis=-1` works along the features", "has an empty list of axes");
  for (size_t i = 0; i < n; i++) {
    json_t *item = json_is_array(axis) ? json_array_get(axis, i) : axis;
    int64_t at = axis ? json_integer_value(item) : -1;
    if (at < 0) at += rank + 1;
    bool fits = (!axis || json_is_integer(item)) && at > 0 && at <= rank &&
                (previous < 0 || at == previous + 1);
    if (!fits) {
      keras_lacks(layer, E903,
                  "put the axes next to each other with a `Permute` before it, and name those: "
                  "`axis=-1` is the features",
                  "works along an axis that its input does not have, or along several axes that "
                  "are not neighbours");
      return -1;
    }
    previous = (int)at;
    if (first < 0) first = previous;
  }
  *to = previous;
  return first;
}

int keras_one_axis(const KerasLayer *layer) {
  int last, axis = keras_axis_of(layer, &last);
  if (axis < 0 || axis == last) return axis;
  keras_lacks(layer, E903, "join the axes with a `Reshape` before it, and work along that one",
              "works along several axes, which is not supported");
  return -1;
}

/* A weight of a norm for each element of its n axes from `first` on. If the layer has none because
 * `option` is false, a constant of plain_value for each. option: NULL if the layer always has it.
 * NULL after reporting. */
static GraphValue *norm_weight(KerasLayer *layer, const char *option, const char *leaf, int *number,
                               double plain_value, int first, int n) {
  const KerasValue *in = &layer->in[0];
  GraphEmit *e = keras_emit(layer);
  if (!option || keras_flag(layer, option, true))
    return keras_weight(layer, "", leaf, (*number)++, n, in->dim + first - 1);
  double *data;
  int64_t size = in->dim[first - 1];
  if (size <= 0 || n != 1) {
    keras_lacks(layer, E903,
                "give the model an input of fixed sizes, `keras.Input((steps, features))`, and "
                "save it again",
                "has no `%s`, and works along axes of unknown size", option);
    return NULL;
  }
  GraphTensor *same = graph_tensor_within(e->graph->arena, GRAPH_FLOAT, 1, &size, *e->folds, &data);
  if (!same) {
    keras_refuse(layer, E901, "has no `%s`, and works along an axis of %lld elements", option,
                 (long long)size);
    return NULL;
  }
  *e->folds -= size;
  for (int64_t i = 0; i < same->count; i++)
    data[i] = plain_value;
  return graph_constant(e->graph, leaf, same);
}

/* Sets the axis of a norm and the number that keeps it from dividing by 0, and makes it the result
 * of the layer. */
static bool give_norm(KerasLayer *layer, GraphNode *node, int axis, double eps) {
  GraphEmit *e = keras_emit(layer);
  graph_set_int(e->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_number(e->graph, node, GRAPH_ATTR_eps, eps);
  return keras_gives_like(layer, emit_done(e, node));
}

/* The first of the axes along which a norm goes, which have to be the last ones of its input; -1
 * after reporting. */
static int last_axes(KerasLayer *layer) {
  int last, axis = keras_axis_of(layer, &last);
  if (axis < 0 || last == layer->in[0].rank) return axis;
  keras_lacks(layer, E903,
              "put a `Permute` before it and one after it, and let it work along the last axes",
              "works along other axes than the last ones, which is not supported");
  return -1;
}

static bool read_batch_norm(KerasLayer *layer) {
  int number = 0, axis = keras_one_axis(layer);
  if (axis < 0) return false;
  GraphValue *in[5] = {layer->in[0].graph};
  in[1] = norm_weight(layer, "scale", "gamma", &number, 1, axis, 1);
  in[2] = in[1] ? norm_weight(layer, "center", "beta", &number, 0, axis, 1) : NULL;
  in[3] = in[2] ? norm_weight(layer, NULL, "moving_mean", &number, 0, axis, 1) : NULL;
  in[4] = in[3] ? norm_weight(layer, NULL, "moving_variance", &number, 0, axis, 1) : NULL;
  if (!in[4]) return false;
  GraphNode *node = keras_node(layer, GRAPH_BatchNorm, 5, in);
  return give_norm(layer, node, axis, keras_number(layer, "epsilon", 1e-3));
}

static bool read_layer_norm(KerasLayer *layer) {
  int number = 0, axis = last_axes(layer), rank = layer->in[0].rank;
  if (axis < 0) return false;
  GraphValue *in[3] = {layer->in[0].graph, NULL, NULL};
  bool scale = keras_flag(layer, "scale", true), center = keras_flag(layer, "center", true);
  if (scale) in[1] = norm_weight(layer, NULL, "gamma", &number, 1, axis, rank - axis + 1);
  if (center) in[2] = norm_weight(layer, NULL, "beta", &number, 0, axis, rank - axis + 1);
  if ((scale && !in[1]) || (center && !in[2])) return false;
  GraphNode *node = keras_node(layer, GRAPH_LayerNorm, center ? 3 : scale ? 2 : 1, in);
  return give_norm(layer, node, axis, keras_number(layer, "epsilon", 1e-3));
}

/* x / max(length, least). Before Keras 3.6 the square of the length is at least 1e-12, and since
 * then the length itself. */
static bool read_unit_norm(KerasLayer *layer) {
  enum { FIRST_OF_LENGTHS = 6 };
  const Keras *k = layer->keras;
  bool of_length = k->major > 3 || (k->major == 3 && k->minor >= FIRST_OF_LENGTHS);
  double least = of_length ? 1e-12 : 1e-6;
  int axis = keras_one_axis(layer);
  if (axis < 0) return false;
  GraphNode *node = keras_node(layer, GRAPH_LpNormalize, 1, &layer->in[0].graph);
  return give_norm(layer, node, axis, least);
}

/* x / sqrt(mean of x^2 + eps) times a scale. */
static bool read_rms_norm(KerasLayer *layer) {
  int axis = last_axes(layer), rank = layer->in[0].rank;
  if (axis < 0) return false;
  GraphValue *scale =
      keras_weight(layer, "", "scale", 0, rank - axis + 1, layer->in[0].dim + axis - 1);
  if (!scale) return false;
  GraphNode *node =
      keras_node(layer, GRAPH_RmsNorm, 2, (GraphValue *[]){layer->in[0].graph, scale});
  return give_norm(layer, node, axis, keras_number(layer, "epsilon", 1e-6));
}

/* A norm by the mean and variance of each group of channels over all positions of a sample. */
static bool read_group_norm(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  int last, number = 0, axis = keras_axis_of(layer, &last), rank = layer->in[0].rank;
  int64_t groups = keras_size(layer, "groups", 32), perm[TYPE_MAX_AXES + 1] = {0},
          back[TYPE_MAX_AXES + 1] = {0};
  if (axis < 0 || groups < 0) return false;
  if (axis != rank || last != rank) {
    keras_lacks(layer, E903, keras_cut(layer),
                "works along another axis than the last one, which is not supported");
    return false;
  }
  for (int i = 1; i <= rank; i++) {
    perm[i] = i == 1 ? rank : i - 1;
    back[i] = i == rank ? 1 : i + 1;
  }
  GraphValue *in[3] = {emit_transpose(e, layer->in[0].graph, rank + 1, perm)};
  in[1] = norm_weight(layer, "scale", "gamma", &number, 1, axis, 1);
  in[2] = in[1] ? norm_weight(layer, "center", "beta", &number, 0, axis, 1) : NULL;
  if (!in[2]) return false;
  GraphNode *node = keras_node(layer, GRAPH_GroupNorm, 3, in);
  graph_set_int(e->graph, node, GRAPH_ATTR_groups, groups);
  graph_set_number(e->graph, node, GRAPH_ATTR_eps, keras_number(layer, "epsilon", 1e-3));
  return keras_gives_like(layer, emit_transpose(e, emit_done(e, node), rank + 1, back));
}

/* The mean or the variance, which the configuration gives, or which Keras computed from data and
 * stored with the weights as number `number`. n: 1 if there is one for each feature, 0 if there is
 * one number. */
static GraphValue *statistic(KerasLayer *layer, const char *name, int number, int n) {
  if (keras_option(layer, name)) return keras_numbers(layer, name, 0);
  return keras_weight(layer, "", name, number, n, layer->in[0].dim + layer->in[0].rank - 1);
}

/* (x - mean) / max(sqrt(variance), 1e-7), or the way back. */
static bool read_normalization(KerasLayer *layer) {
  const double least = 1e-7;
  GraphEmit *e = keras_emit(layer);
  json_t *axis = json_object_get(layer->config, "axis");
  bool whole = json_is_null(axis) || (json_is_array(axis) && !json_array_size(axis));
  int last, first = whole ? 0 : keras_axis_of(layer, &last);
  if (first < 0) return false;
  if (!whole && (first != layer->in[0].rank || last != first)) {
    keras_lacks(layer, E903, "put a `Permute` before it and one after it, with `axis=-1`",
                "has a mean for each position of another axis than the last one");
    return false;
  }
  GraphValue *mean = statistic(layer, "mean", 0, !whole),
             *variance = mean ? statistic(layer, "variance", 1, !whole) : NULL;
  if (!variance) return false;
  GraphValue *width = EMIT(e, Max, EMIT(e, Sqrt, variance), emit_number(e, least)),
             *x = layer->in[0].graph;
  if (keras_flag(layer, "invert", false))
    return keras_gives_like(layer, EMIT(e, Add, EMIT(e, Mul, x, width), mean));
  GraphValue *scale = EMIT(e, Div, emit_number(e, 1), width);
  GraphValue *offset = EMIT(e, Neg, EMIT(e, Mul, mean, scale));
  return keras_gives_like(layer, EMIT(e, Add, EMIT(e, Mul, x, scale), offset));
}

const KerasClass keras_norms[] = {
    KERAS_CLASS(BatchNormalization, read_batch_norm, 1,
                "axis epsilon center scale renorm=false mode=0 renorm_clipping renorm_momentum"),
    KERAS_CLASS(BatchNormalizationV1, read_batch_norm, 1, "axis epsilon center scale renorm=false"),
    KERAS_CLASS(LayerNormalization, read_layer_norm, 1,
                "axis epsilon center scale rms_scaling=false"),
    KERAS_CLASS(UnitNormalization, read_unit_norm, 1, "axis"),
    KERAS_CLASS(RMSNormalization, read_rms_norm, 1, "axis epsilon"),
    KERAS_CLASS(GroupNormalization, read_group_norm, 1, "groups axis epsilon center scale"),
    KERAS_CLASS(Normalization, read_normalization, 1, "axis mean variance invert"),
    KERAS_CLASS_END};
