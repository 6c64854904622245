/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Keras layers with one input and no state: what they are as stages. */
#include "import/keras.h"

#include <math.h>
#include <string.h>

enum { PRELU_SPREAD_MAX = 1 << 16 };

Layer *keras_stage(KerasLayer *layer, LayerKind kind, int n_in, Value *const *in) {
  Layer *stage = model_layer(layer->keras->model, kind, n_in, in);
  stage->origin = layer->origin;
  stage->prefix = layer->name;
  return stage;
}

Layer *keras_pipe(KerasLayer *layer, LayerKind kind, KerasValue *value) {
  Layer *stage = keras_stage(layer, kind, 1, &value->value);
  value->value = stage->out[0];
  return stage;
}

void keras_result(KerasLayer *layer, KerasValue value) {
  if (!value.value->name && !value.value->field) value.value->name = layer->name;
  layer->out[layer->n_out++] = value;
}

static int64_t last_dim(const KerasValue *value) {
  return value->rank ? value->dim[value->rank - 1] : 1;
}

/* x * f(x) */
static void gate_itself(KerasLayer *layer, KerasValue *value, Value *gate) {
  Value *both[] = {value->value, gate};
  value->value = keras_stage(layer, LAYER_mul, 2, both)->out[0];
}

static void hard_sigmoid(KerasLayer *layer, KerasValue *value) {
  Layer *stage = keras_pipe(layer, LAYER_hard_sigmoid, value);
  if (layer->keras->major < 3) layer_set_number(stage, OPT_slope, 0.2);
}

/* Activations that are one stage of the same meaning. */
static bool activate_plain(KerasLayer *layer, KerasValue *value, const char *name) {
  static const struct {
    const char *name;
    LayerKind kind;
  } plain[] = {{"relu", LAYER_relu},
               {"tanh", LAYER_tanh},
               {"sigmoid", LAYER_sigmoid},
               {"softmax", LAYER_softmax},
               {"log_softmax", LAYER_log_softmax},
               {"softplus", LAYER_softplus},
               {"softsign", LAYER_softsign},
               {"elu", LAYER_elu},
               {"selu", LAYER_selu},
               {"gelu", LAYER_gelu},
               {"exponential", LAYER_exp},
               {"hard_tanh", LAYER_hard_tanh}};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(name, plain[i].name) == 0) {
      keras_pipe(layer, plain[i].kind, value);
      return true;
    }
  return false;
}

bool keras_activate(KerasLayer *layer, KerasValue *value, const char *name) {
  KerasValue gate = *value;
  if (!name) return false;
  if (strcmp(name, "linear") == 0) return true;
  if (activate_plain(layer, value, name)) return true;
  if (strcmp(name, "hard_sigmoid") == 0) {
    hard_sigmoid(layer, value);
  } else if (strcmp(name, "relu6") == 0) {
    layer_set_number(keras_pipe(layer, LAYER_relu, value), OPT_max, 6);
  } else if (strcmp(name, "leaky_relu") == 0) {
    layer_set_number(keras_pipe(layer, LAYER_leaky_relu, value), OPT_slope, 0.2);
  } else if (strcmp(name, "swish") == 0 || strcmp(name, "silu") == 0) {
    keras_pipe(layer, LAYER_sigmoid, &gate);
    gate_itself(layer, value, gate.value);
  } else if (strcmp(name, "hard_silu") == 0 || strcmp(name, "hard_swish") == 0) {
    hard_sigmoid(layer, &gate);
    gate_itself(layer, value, gate.value);
  } else if (strcmp(name, "mish") == 0) {
    keras_pipe(layer, LAYER_softplus, &gate);
    keras_pipe(layer, LAYER_tanh, &gate);
    gate_itself(layer, value, gate.value);
  } else {
    Diag *d = keras_refuse(layer, E902, "has activation `%s`, which grus does not have", name);
    diag_note(d, "activations: linear, relu, relu6, leaky_relu, tanh, sigmoid, hard_sigmoid, "
                 "softmax, log_softmax, softplus, softsign, elu, selu, gelu, "
                 "exponential, silu, hard_silu, mish");
    return false;
  }
  return true;
}

static bool import_activation(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  if (!keras_activate(layer, &value, keras_activation_name(layer, "activation", "linear")))
    return false;
  keras_result(layer, value);
  return true;
}

static bool import_dense(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  int64_t units = keras_size(layer, "units", -1);
  if (units < 0) return false;
  int64_t d = last_dim(&value), file_dim[] = {d, units};
  bool bias = keras_flag(layer, "use_bias", true);
  Hdf5Tensor kernel;
  if (!value.rank) {
    keras_refuse(layer, E903, "reads a value without axes");
    return false;
  }
  Layer *stage = keras_pipe(layer, LAYER_Dense, &value);
  layer_set_size(stage, OPT_units, units);
  if (!bias) layer_set_word(stage, OPT_bias, "false");
  if (!keras_tensor(layer, "", "kernel", 0, &kernel) ||
      !keras_shape_is(layer, &kernel, "kernel", 2, file_dim))
    return false;
  float *to =
      foreign_tensor(layer->keras->foreign, stage, ROLE_KERNEL, 2, (int64_t[]){units, d}, "kernel");
  for (int64_t u = 0; to && u < units; u++)
    for (int64_t i = 0; i < d; i++)
      to[u * d + i] = kernel.data[i * units + u];
  if (bias && !keras_give(layer, stage, ROLE_BIAS, 1, &units, "bias", 1)) return false;
  value.dim[value.rank - 1] = units;
  if (!keras_activate(layer, &value, keras_activation_name(layer, "activation", "linear")))
    return false;
  keras_result(layer, value);
  return to != NULL;
}

/* Padding that ZeroPadding1D in front of a valid convolution adds is `causal` if it is just as long
 * as the kernel reaches back. */
static const char *conv_padding(KerasLayer *layer, const KerasValue *in, int64_t reach) {
  const char *padding = keras_word(layer, "padding", "valid");
  if (!in->pad_before && !in->pad_after) return padding;
  if (strcmp(padding, "valid") == 0 && in->pad_before == reach && !in->pad_after) return "causal";
  Diag *d = keras_refuse(layer, E903, "reads %lld zeros before and %lld behind the sequence",
                         (long long)in->pad_before, (long long)in->pad_after);
  diag_note(d, "`causal` puts %lld before it, and `same` as many on both sides", (long long)reach);
  return NULL;
}

static bool import_conv1d(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  int64_t filters = keras_size(layer, "filters", -1), size = keras_size(layer, "kernel_size", -1);
  int64_t stride = keras_size(layer, "strides", 1),
          dilation = keras_size(layer, "dilation_rate", 1);
  int64_t groups = keras_size(layer, "groups", 1);
  if (filters < 0 || size < 0 || stride < 0 || dilation < 0 || groups < 0 || value.rank != 2) {
    if (value.rank != 2) keras_refuse(layer, E903, "needs a sequence of vectors");
    return false;
  }
  const char *padding = conv_padding(layer, &value, (size - 1) * dilation);
  if (!padding) return false;
  int64_t d = value.dim[1] / groups, dim[] = {size, d, filters};
  Hdf5Tensor kernel;
  Layer *stage = keras_pipe(layer, LAYER_Conv1D, &value);
  layer_set_size(stage, OPT_filters, filters);
  layer_set_size(stage, OPT_kernel, size);
  layer_set_size(stage, OPT_stride, stride);
  layer_set_size(stage, OPT_dilation, dilation);
  layer_set_size(stage, OPT_groups, groups);
  layer_set_word(stage, OPT_padding, padding);
  if (!keras_tensor(layer, "", "kernel", 0, &kernel) ||
      !keras_shape_is(layer, &kernel, "kernel", 3, dim))
    return false;
  float *to = foreign_tensor(layer->keras->foreign, stage, ROLE_KERNEL, 3,
                             (int64_t[]){filters, size, d}, "kernel");
  for (int64_t n = 0; to && n < kernel.count; n++) /* file [k, d, f], canonical [f, k, d] */
    to[n % filters * size * d + n / filters] = kernel.data[n];
  if (!keras_flag(layer, "use_bias", true))
    layer_set_word(stage, OPT_bias, "false");
  else if (!keras_give(layer, stage, ROLE_BIAS, 1, &filters, "bias", 1))
    return false;
  int64_t n = value.dim[0], reach = (size - 1) * dilation;
  bool valid = strcmp(padding, "valid") == 0;
  if (n > 0)
    value.dim[0] =
        valid ? (n > reach ? (n - reach - 1) / stride + 1 : 0) : (n + stride - 1) / stride;
  value.dim[1] = filters;
  value.pad_before = value.pad_after = 0;
  if (!keras_activate(layer, &value, keras_activation_name(layer, "activation", "linear")))
    return false;
  keras_result(layer, value);
  return to != NULL;
}

/* The input of an Embedding is an input of the model, and becomes one of categories. */
static bool import_embedding(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  int64_t categories = keras_size(layer, "input_dim", -1);
  int64_t units = keras_option(layer, "output_dim") || layer->keras->major > 1
                      ? keras_size(layer, "output_dim", -1)
                      : keras_size(layer, "units", -1);
  Port *port = value.value->port;
  if (categories < 0 || units < 0) return false;
  bool fits = port && value.rank == 1 &&
              (port->declared.elem == ELEM_INDEX ? port->declared.categories == categories
                                                 : value.value->n_uses == 0);
  if (!fits) {
    Diag *d = keras_refuse(
        layer, E903,
        "reads a value that is also used as a number, or is not a sequence of category numbers");
    diag_note(d,
              "an Embedding must read an input of the model, of one axis, that only Embeddings of "
              "%lld categories read",
              (long long)categories);
    return false;
  }
  if (keras_flag(layer, "mask_zero", false) && !keras_mask_becomes_length(layer, "mask_zero"))
    return false;
  if (port->declared.elem != ELEM_INDEX) {
    Time time = {.kind = TIME_FIXED, .n = value.dim[0] > 0 ? value.dim[0] : 1};
    port->declared = (Type){.elem = ELEM_INDEX, .categories = categories, .time = time};
  }
  int64_t dim[] = {categories, units};
  Layer *stage = keras_pipe(layer, LAYER_Embedding, &value);
  layer_set_size(stage, OPT_units, units);
  value.rank = 2;
  value.dim[1] = units;
  keras_result(layer, value);
  return keras_give(layer, stage, ROLE_TABLE, 2, dim, "embeddings", 0);
}

/* Whether `axis` is the last one: -1, or counted with the batch in front; also [2]. */
static bool axis_is_last(KerasLayer *layer) {
  json_t *axis = keras_option(layer, "axis");
  if (json_is_array(axis) && json_array_size(axis) == 1) axis = json_array_get(axis, 0);
  if (!axis || (json_is_integer(axis) &&
                (json_integer_value(axis) == -1 || json_integer_value(axis) == layer->in[0].rank)))
    return true;
  Diag *d = keras_refuse(layer, E903, "works along another axis than the last");
  diag_note(d, "it would work with axis -1");
  return false;
}

static bool import_norm(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  bool batch = strcmp(layer->class_name, "LayerNormalization") != 0;
  if (!axis_is_last(layer) || !value.rank) return false;
  int64_t d = last_dim(&value);
  int number = 0;
  Layer *stage = keras_pipe(layer, batch ? LAYER_BatchNorm : LAYER_LayerNorm, &value);
  layer_set_number(stage, OPT_eps, keras_number(layer, "epsilon", 1e-3));
  bool scale = keras_flag(layer, "scale", true), center = keras_flag(layer, "center", true);
  if (!scale)
    layer_set_word(stage, OPT_scale, "false");
  else if (!keras_give(layer, stage, ROLE_SCALE, 1, &d, "gamma", number++))
    return false;
  if (!center)
    layer_set_word(stage, OPT_center, "false");
  else if (!keras_give(layer, stage, ROLE_CENTER, 1, &d, "beta", number++))
    return false;
  if (batch && !keras_give(layer, stage, ROLE_MEAN, 1, &d, "moving_mean", number)) return false;
  if (batch && !keras_give(layer, stage, ROLE_VARIANCE, 1, &d, "moving_variance", number + 1))
    return false;
  keras_result(layer, value);
  return true;
}

/* alpha [1, F] where time is shared, [1, 1] or [T, 1] where features are. */
static bool import_prelu(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  Hdf5Tensor alpha;
  int64_t d = last_dim(&value);
  if (!keras_tensor(layer, "", "alpha", 0, &alpha)) return false;
  if ((alpha.count != 1 || d > PRELU_SPREAD_MAX) &&
      !(alpha.count == d && alpha.rank && alpha.dim[alpha.rank - 1] == d)) {
    Diag *d1 = keras_refuse(layer, E903, "has a slope for every step");
    diag_note(d1, "it would work with `shared_axes=[1]`: one slope for each feature at all steps");
    return false;
  }
  Layer *stage = keras_pipe(layer, LAYER_prelu, &value);
  float *to = foreign_tensor(layer->keras->foreign, stage, ROLE_SLOPE, 1, &d, "alpha");
  for (int64_t i = 0; to && i < d; i++)
    to[i] = alpha.data[alpha.count == 1 ? 0 : i];
  keras_result(layer, value);
  return to != NULL;
}

static bool import_relu(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  double max = keras_number(layer, "max_value", (double)INFINITY),
         slope = keras_number(layer, "negative_slope", 0);
  if (keras_number(layer, "threshold", 0) != 0 || (slope != 0 && isfinite(max))) {
    keras_refuse(layer, E903,
                 "has a threshold, or a slope and a largest value: grus has relu(max=) and "
                 "leaky_relu(slope=)");
    return false;
  }
  if (slope != 0)
    layer_set_number(keras_pipe(layer, LAYER_leaky_relu, &value), OPT_slope, slope);
  else {
    Layer *stage = keras_pipe(layer, LAYER_relu, &value);
    if (isfinite(max)) layer_set_number(stage, OPT_max, max);
  }
  keras_result(layer, value);
  return true;
}

static bool import_leaky_relu(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  double slope = keras_number(layer, "negative_slope", keras_number(layer, "alpha", 0.3));
  layer_set_number(keras_pipe(layer, LAYER_leaky_relu, &value), OPT_slope, slope);
  keras_result(layer, value);
  return true;
}

static bool import_elu(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  layer_set_number(keras_pipe(layer, LAYER_elu, &value), OPT_alpha,
                   keras_number(layer, "alpha", 1));
  keras_result(layer, value);
  return true;
}

static bool import_softmax(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  if (!axis_is_last(layer)) return false;
  keras_pipe(layer, LAYER_softmax, &value);
  keras_result(layer, value);
  return true;
}

static bool import_dropout(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  double rate = keras_number(layer, "rate", 0);
  if (rate >= 0 && rate < 1)
    layer_set_number(keras_pipe(layer, LAYER_Dropout, &value), OPT_rate, rate);
  keras_result(layer, value);
  return true;
}

static bool import_noise(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  layer_set_number(keras_pipe(layer, LAYER_GaussianNoise, &value), OPT_std,
                   fmax(0, keras_number(layer, "stddev", 0)));
  keras_result(layer, value);
  return true;
}

static bool import_nothing(KerasLayer *layer) {
  keras_result(layer, layer->in[0]);
  return true;
}

static bool import_masking(KerasLayer *layer) {
  if (!keras_mask_becomes_length(layer, "masking")) return false;
  return import_nothing(layer);
}

static bool import_rescaling(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  double scale = keras_number(layer, "scale", 1), offset = keras_number(layer, "offset", 0);
  if (scale != 1) layer_set_number(keras_pipe(layer, LAYER_mul, &value), OPT_value, scale);
  if (offset != 0) layer_set_number(keras_pipe(layer, LAYER_add, &value), OPT_value, offset);
  keras_result(layer, value);
  return true;
}

const KerasClass keras_layer_classes[] = {
    KERAS_CLASS(Dense, import_dense, 1, "units activation use_bias"),
    KERAS_CLASS(Conv1D, import_conv1d, 1,
                "filters kernel_size strides padding data_format=\"channels_last\" dilation_rate "
                "groups activation use_bias rank"),
    KERAS_CLASS(Embedding, import_embedding, 1, "input_dim output_dim units mask_zero"),
    KERAS_CLASS(BatchNormalization, import_norm, 1,
                "axis epsilon center scale renorm=false mode=0 renorm_clipping renorm_momentum"),
    KERAS_CLASS(BatchNormalizationV1, import_norm, 1, "axis epsilon center scale renorm=false"),
    KERAS_CLASS(LayerNormalization, import_norm, 1, "axis epsilon center scale rms_scaling=false"),
    KERAS_CLASS(PReLU, import_prelu, 1, "shared_axes"),
    KERAS_CLASS(Activation, import_activation, 1, "activation"),
    KERAS_CLASS(ReLU, import_relu, 1, "max_value negative_slope threshold"),
    KERAS_CLASS(LeakyReLU, import_leaky_relu, 1, "alpha negative_slope"),
    KERAS_CLASS(ELU, import_elu, 1, "alpha"),
    KERAS_CLASS(Softmax, import_softmax, 1, "axis"),
    KERAS_CLASS(Dropout, import_dropout, 1, "rate"),
    KERAS_CLASS(SpatialDropout1D, import_dropout, 1, "rate"),
    KERAS_CLASS(AlphaDropout, import_dropout, 1, "rate"),
    KERAS_CLASS(GaussianDropout, import_dropout, 1, "rate"),
    KERAS_CLASS(GaussianNoise, import_noise, 1, "stddev"),
    KERAS_CLASS(ActivityRegularization, import_nothing, 1, "l1 l2"),
    KERAS_CLASS(Identity, import_nothing, 1, ""),
    KERAS_CLASS(Masking, import_masking, 1, "mask_value"),
    KERAS_CLASS(Rescaling, import_rescaling, 1, "scale offset"),
    KERAS_CLASS_END};
