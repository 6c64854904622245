/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Keras layers that join values or change their axes. */
#include "import/keras.h"

#include <string.h>

static bool same_axes(const KerasValue *a, const KerasValue *b) {
  bool same = a->rank == b->rank;
  for (int i = 0; i < a->rank && same; i++)
    same = a->dim[i] == b->dim[i];
  return same;
}

static bool import_concatenate(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  json_t *axis = keras_option(layer, "axis");
  int64_t at = axis ? json_integer_value(axis) : -1;
  if (at != -1 && at != value.rank) {
    Diag *d = keras_refuse(layer, E903, "joins along axis %lld", (long long)at);
    diag_note(d, "`concat` puts features side by side: axis -1");
    return false;
  }
  Value **in = ARENA_ARRAY(layer->keras->arena, Value *, layer->n_in);
  int64_t width = 0;
  for (int i = 0; i < layer->n_in; i++) {
    const KerasValue *part = &layer->in[i];
    in[i] = part->value;
    if (part->rank != value.rank || !part->rank ||
        !size_add(width, part->dim[part->rank - 1], &width)) {
      keras_refuse(layer, E903, "joins values with different numbers of axes");
      return false;
    }
  }
  if (layer->n_in > 1) value.value = keras_stage(layer, LAYER_concat, layer->n_in, in)->out[0];
  value.dim[value.rank - 1] = width;
  keras_result(layer, value);
  return true;
}

static bool report_spread(KerasLayer *layer) {
  Diag *d = keras_refuse(layer, E903, "combines values of different shapes");
  diag_note(d, "grus has no broadcasting; RepeatVector says over which steps a vector is repeated");
  return false;
}

/* a + b + c ..., with a constant operand where Keras 3 has written x * 2 */
static bool combine(KerasLayer *layer, LayerKind kind, KerasValue *value) {
  *value = layer->in[0];
  if (layer->has_number) {
    Layer *stage = keras_pipe(layer, kind, value);
    layer_set_number(stage, OPT_value, layer->number);
    if (layer->number_first) layer_set_word(stage, OPT_swapped, "true");
    return true;
  }
  if (layer->n_in < 2) {
    keras_refuse(layer, E901, "needs two inputs or more, and has %d", layer->n_in);
    return false;
  }
  for (int i = 1; i < layer->n_in; i++) {
    if (!same_axes(value, &layer->in[i])) return report_spread(layer);
    Value *both[] = {value->value, layer->in[i].value};
    value->value = keras_stage(layer, kind, 2, both)->out[0];
  }
  return true;
}

static bool import_operator(KerasLayer *layer) {
  static const struct {
    const char *name;
    LayerKind kind;
  } operators[] = {{"Add", LAYER_add},
                   {"Subtract", LAYER_sub},
                   {"Multiply", LAYER_mul},
                   {"Divide", LAYER_div},
                   {"TrueDivide", LAYER_div}};
  KerasValue value;
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (strcmp(layer->class_name, operators[i].name) == 0) {
      if (!combine(layer, operators[i].kind, &value)) return false;
      keras_result(layer, value);
    }
  return true;
}

static bool import_average(KerasLayer *layer) {
  KerasValue value;
  if (!combine(layer, LAYER_add, &value)) return false;
  Layer *stage = keras_pipe(layer, LAYER_div, &value);
  layer_set_number(stage, OPT_value, layer->n_in);
  keras_result(layer, value);
  return true;
}

static bool report_size(KerasLayer *layer) {
  keras_refuse(layer, E903, "makes more values than can be counted");
  return false;
}

static bool import_flatten(KerasLayer *layer) {
  KerasValue value = layer->in[0], flat = {.value = value.value, .rank = 1, .dim = {1}};
  for (int i = 0; i < value.rank; i++)
    if (value.dim[i] < 0)
      flat.dim[0] = -1;
    else if (flat.dim[0] > 0 && !size_mul(flat.dim[0], value.dim[i], &flat.dim[0]))
      return report_size(layer);
  if (value.rank > 1) keras_pipe(layer, LAYER_flatten, &flat);
  keras_result(layer, flat);
  return true;
}

/* Sizes behind the batch, with the one that is -1 worked out. False after reporting. */
static bool target_shape(KerasLayer *layer, const KerasValue *value, KerasValue *out) {
  json_t *shape = keras_option(layer, "target_shape");
  int64_t known = 1, total = 1;
  int open = -1;
  out->rank = (int)json_array_size(shape);
  bool ok = json_is_array(shape) && json_array_size(shape) >= 1 &&
            json_array_size(shape) <= TYPE_MAX_AXES;
  for (int i = 0; i < value->rank && ok; i++)
    ok = value->dim[i] > 0 && size_mul(total, value->dim[i], &total);
  for (int i = 0; i < out->rank && ok; i++) {
    out->dim[i] = json_integer_value(json_array_get(shape, (size_t)i));
    if (out->dim[i] == -1 && open < 0)
      open = i;
    else
      ok = out->dim[i] > 0 && size_mul(known, out->dim[i], &known);
  }
  if (open >= 0 && ok) {
    ok = total % known == 0;
    out->dim[open] = ok ? total / known : 1;
  } else if (ok)
    ok = total == known;
  if (!ok)
    keras_refuse(
        layer, E903,
        "gives its %lld values a shape that does not fit, or has a length that is not fixed",
        (long long)total);
  return ok;
}

static Type type_of(const KerasValue *value) {
  bool sequence = value->rank > 1;
  Time time = {.kind = sequence ? TIME_FIXED : TIME_NONE, .n = sequence ? value->dim[0] : 0};
  return foreign_type(time, value->rank - sequence, value->dim + sequence);
}

static bool import_reshape(KerasLayer *layer) {
  KerasValue value = layer->in[0], out = {.value = value.value};
  if (!target_shape(layer, &value, &out)) return false;
  if (!same_axes(&value, &out)) {
    Layer *stage = keras_pipe(layer, LAYER_reshape, &out);
    layer_set_shape(layer->keras->arena, stage, type_of(&out));
  }
  keras_result(layer, out);
  return true;
}

static bool import_permute(KerasLayer *layer) {
  json_t *dims = keras_option(layer, "dims");
  if (!dims) dims = keras_option(layer, "target_shape"); /* the Keras 1 name of Reshape's option */
  for (size_t i = 0; i < json_array_size(dims); i++)
    if (json_integer_value(json_array_get(dims, i)) != (json_int_t)i + 1) {
      Diag *d = keras_refuse(layer, E903, "exchanges axes");
      diag_note(d, "grus stores time first; feed the model its transposed input");
      return false;
    }
  keras_result(layer, layer->in[0]);
  return true;
}

static bool import_repeat(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  int64_t n = keras_size(layer, "n", -1);
  if (n < 0 || value.rank != 1) {
    if (value.rank != 1) keras_refuse(layer, E903, "needs a vector");
    return false;
  }
  layer_set_size(keras_pipe(layer, LAYER_repeat, &value), OPT_n, n);
  value.rank = 2;
  value.dim[1] = value.dim[0];
  value.dim[0] = n;
  keras_result(layer, value);
  return true;
}

static bool import_global(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  if (value.rank != 2) {
    keras_refuse(layer, E903, "needs a sequence of vectors");
    return false;
  }
  keras_pipe(layer, strstr(layer->class_name, "Max") ? LAYER_max : LAYER_mean, &value);
  value.rank = 1;
  value.dim[0] = value.dim[1];
  keras_result(layer, value);
  return true;
}

static bool import_pool(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  int64_t size = keras_size(layer, "pool_size", 2);
  if (layer->keras->major == 1) size = keras_size(layer, "pool_length", 2);
  int64_t stride = keras_size(layer, layer->keras->major == 1 ? "stride" : "strides", size);
  if (size < 0 || stride < 0 || value.rank != 2) {
    if (value.rank != 2) keras_refuse(layer, E903, "needs a sequence of vectors");
    return false;
  }
  if (strcmp(keras_word(layer, layer->keras->major == 1 ? "border_mode" : "padding", "valid"),
             "valid") != 0) {
    keras_refuse(layer, E903, "pads its input (`same`); it would work with `valid`");
    return false;
  }
  Layer *stage = keras_pipe(
      layer, strstr(layer->class_name, "Max") ? LAYER_max_pool : LAYER_mean_pool, &value);
  layer_set_size(stage, OPT_size, size);
  if (stride != size) layer_set_size(stage, OPT_stride, stride);
  if (value.dim[0] > 0) value.dim[0] = value.dim[0] < size ? 0 : (value.dim[0] - size) / stride + 1;
  keras_result(layer, value);
  return true;
}

/* The convolution that follows takes it up, or it is refused there and everywhere else. */
static bool import_zero_padding(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  json_t *padding = keras_option(layer, "padding");
  value.pad_before =
      json_integer_value(json_is_array(padding) ? json_array_get(padding, 0) : padding);
  value.pad_after = json_integer_value(
      json_is_array(padding) ? json_array_get(padding, json_array_size(padding) - 1) : padding);
  if (value.pad_before < 0 || value.pad_after < 0 || value.rank != 2) {
    keras_refuse(layer, E901, "has paddings that are not two lengths of a sequence");
    return false;
  }
  keras_result(layer, value);
  return true;
}

/* The layer inside runs on every step: the same as without the wrapper for layers that look at one
 * step only. */
static bool import_time_distributed(KerasLayer *layer) {
  static const char *const per_step[] = {
      "Dense",     "Activation", "Dropout", "BatchNormalization", "LayerNormalization", "ReLU",
      "LeakyReLU", "ELU",        "Softmax", "GaussianNoise",      "Rescaling",          "Identity"};
  json_t *inner = keras_option(layer, "layer");
  const char *class_name = json_string_value(json_object_get(inner, "class_name"));
  KerasLayer step = *layer;
  step.config = json_object_get(inner, "config");
  step.class_name = class_name ? class_name : "";
  step.inner = "layer";
  if (class_name && strcmp(class_name, "Flatten") == 0 && layer->in[0].rank > 2) {
    KerasValue value = layer->in[0],
               out = {.value = value.value, .rank = 2, .dim = {value.dim[0], 1}};
    for (int i = 1; i < value.rank; i++)
      if (!size_mul(out.dim[1], value.dim[i], &out.dim[1])) return report_size(layer);
    layer_set_shape(layer->keras->arena, keras_pipe(layer, LAYER_reshape, &out), type_of(&out));
    keras_result(layer, out);
    if (out.dim[0] < 1)
      keras_refuse(layer, E904, "does not say how long its sequence is; give it with --time");
    return out.dim[0] > 0;
  }
  bool image = strcmp(step.class_name, "Conv2D") == 0;
  for (size_t i = 0; i < sizeof per_step / sizeof *per_step; i++)
    if (image || strcmp(step.class_name, per_step[i]) == 0) {
      bool ok = image ? keras_image_conv(&step) : keras_layer_import(&step);
      memcpy(layer->out, step.out, sizeof layer->out);
      layer->n_out = step.n_out;
      return ok;
    }
  Diag *d = keras_refuse(layer, E902, "runs `%s` on every step", step.class_name);
  diag_note(d, "inside TimeDistributed grus has Dense, activations, normalisation, dropout, "
               "Flatten and, on small images, Conv2D");
  return false;
}

const KerasClass keras_join_classes[] = {
    KERAS_CLASS(Concatenate, import_concatenate, 0, "axis"),
    KERAS_CLASS(Add, import_operator, 0, ""),
    KERAS_CLASS(Subtract, import_operator, 0, ""),
    KERAS_CLASS(Multiply, import_operator, 0, ""),
    KERAS_CLASS(Divide, import_operator, 0, ""),
    KERAS_CLASS(TrueDivide, import_operator, 0, ""),
    KERAS_CLASS(Average, import_average, 0, ""),
    KERAS_CLASS(Flatten, import_flatten, 1, "data_format=\"channels_last\""),
    KERAS_CLASS(Reshape, import_reshape, 1, "target_shape"),
    KERAS_CLASS(Permute, import_permute, 1, "dims target_shape"),
    KERAS_CLASS(RepeatVector, import_repeat, 1, "n"),
    KERAS_CLASS(GlobalAveragePooling1D, import_global, 1,
                "data_format=\"channels_last\" keepdims=false"),
    KERAS_CLASS(GlobalMaxPooling1D, import_global, 1,
                "data_format=\"channels_last\" keepdims=false"),
    KERAS_CLASS(
        MaxPooling1D, import_pool, 1,
        "pool_size strides padding data_format=\"channels_last\" pool_length stride border_mode"),
    KERAS_CLASS(
        AveragePooling1D, import_pool, 1,
        "pool_size strides padding data_format=\"channels_last\" pool_length stride border_mode"),
    KERAS_CLASS(ZeroPadding1D, import_zero_padding, 1, "padding data_format=\"channels_last\""),
    KERAS_CLASS(TimeDistributed, import_time_distributed, 1, "layer"),
    KERAS_CLASS_END};
