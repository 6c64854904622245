/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Activations, tables, and layers that change each number alone. */
#include "import/read/keras/keras.h"

#include <math.h>
#include <string.h>

/* ---- activations ---- */

static const double old_slope = 0.2; /* of hard_sigmoid before Keras 3 */

static GraphValue *hard_sigmoid(KerasLayer *layer, GraphValue *x, double slope) {
  GraphNode *node = keras_node(layer, GRAPH_HardSigmoid, 1, &x);
  graph_set_number(keras_emit(layer)->graph, node, GRAPH_ATTR_alpha, slope);
  graph_set_number(keras_emit(layer)->graph, node, GRAPH_ATTR_beta, 0.5);
  return emit_done(keras_emit(layer), node);
}

/* gamma (x > 0 ? x : alpha (e^x - 1)) */
static GraphValue *elu(KerasLayer *layer, GraphValue *x, double alpha, double gamma) {
  GraphNode *node = keras_node(layer, GRAPH_Elu, 1, &x);
  graph_set_number(keras_emit(layer)->graph, node, GRAPH_ATTR_alpha, alpha);
  graph_set_number(keras_emit(layer)->graph, node, GRAPH_ATTR_gamma, gamma);
  return emit_done(keras_emit(layer), node);
}

static GraphValue *gelu(KerasLayer *layer, GraphValue *x) {
  const char *form = "erf";
  GraphNode *node = keras_node(layer, GRAPH_Gelu, 1, &x);
  graph_set_words(keras_emit(layer)->graph, node, GRAPH_ATTR_form, 1, &form);
  return emit_done(keras_emit(layer), node);
}

static GraphValue *plain(KerasLayer *layer, GraphValue *x, const char *name) {
  static const NamedOp same[] = {
      {"relu", GRAPH_Relu},           {"tanh", GRAPH_Tanh},           {"sigmoid", GRAPH_Sigmoid},
      {"softplus", GRAPH_Softplus},   {"softsign", GRAPH_Softsign},   {"exponential", GRAPH_Exp},
      {"swish", GRAPH_Silu},          {"silu", GRAPH_Silu},           {"mish", GRAPH_Mish},
      {"hard_silu", GRAPH_HardSwish}, {"hard_swish", GRAPH_HardSwish}};
  GraphOp op = OP_NAMED(same, name);
  return op == GRAPH_OP_COUNT ? NULL : emit_call(keras_emit(layer), op, 1, &x);
}

/* Activations that are sums of others. */
static GraphValue *composed(KerasLayer *layer, GraphValue *x, const char *name) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *half = emit_number(e, 0.5);
  if (strcmp(name, "celu") == 0)
    return keras_number_call(layer, GRAPH_Celu, x, GRAPH_ATTR_alpha, 1);
  if (strcmp(name, "log_sigmoid") == 0) return EMIT(e, Neg, EMIT(e, Softplus, EMIT(e, Neg, x)));
  if (strcmp(name, "tanh_shrink") == 0) return EMIT(e, Sub, x, EMIT(e, Tanh, x));
  if (strcmp(name, "soft_shrink") == 0) return EMIT(e, Sub, x, emit_clip(e, x, -0.5, 0.5));
  if (strcmp(name, "squareplus") == 0) {
    GraphValue *root = EMIT(e, Sqrt, EMIT(e, Add, EMIT(e, Square, x), emit_number(e, 4)));
    return EMIT(e, Mul, EMIT(e, Add, x, root), half);
  }
  if (strcmp(name, "sparse_sigmoid") == 0)
    return emit_clip(e, EMIT(e, Add, EMIT(e, Mul, x, half), half), 0, 1);
  return NULL;
}

GraphValue *keras_read_activation(KerasLayer *layer, GraphValue *x, const char *name, int rank) {
  static const double selu_alpha = 1.6732632423543772, selu_scale = 1.0507009873554805, leak = 0.2;
  GraphEmit *e = keras_emit(layer);
  if (!name || !x) return NULL;
  if (strcmp(name, "linear") == 0) return x;
  GraphValue *y = plain(layer, x, name);
  if (y) return y;
  if (strcmp(name, "hard_sigmoid") == 0)
    return hard_sigmoid(layer, x, layer->keras->major < 3 ? old_slope : 1.0 / 6);
  if (strcmp(name, "elu") == 0) return elu(layer, x, 1, 1);
  if (strcmp(name, "selu") == 0) return elu(layer, x, selu_alpha, selu_scale);
  if (strcmp(name, "gelu") == 0) return gelu(layer, x);
  if (strcmp(name, "relu6") == 0) return emit_clip(e, x, 0, 6);
  if (strcmp(name, "hard_tanh") == 0) return emit_clip(e, x, -1, 1);
  if (strcmp(name, "leaky_relu") == 0)
    return keras_number_call(layer, GRAPH_LeakyRelu, x, GRAPH_ATTR_alpha, leak);
  y = composed(layer, x, name);
  if (y) return y;
  if (strcmp(name, "softmax") == 0) return emit_axis_call(e, GRAPH_Softmax, rank, 1, &x);
  if (strcmp(name, "log_softmax") == 0) return emit_axis_call(e, GRAPH_LogSoftmax, rank, 1, &x);
  keras_lacks(
      layer, E902,
      "linear, relu, relu6, leaky_relu, tanh, sigmoid, hard_sigmoid, hard_tanh, softmax, "
      "log_softmax, softplus, softsign, elu, selu, gelu, exponential, silu, hard_silu, mish, "
      "celu, log_sigmoid, squareplus, tanh_shrink, soft_shrink and sparse_sigmoid are read",
      "has activation `%s`, which is not supported", name);
  return NULL;
}

bool keras_activated(KerasLayer *layer, KerasValue value) {
  value.graph = keras_read_activation(
      layer, value.graph, keras_activation_name(layer, "activation", "linear"), value.rank);
  return value.graph && keras_gives(layer, value);
}

static bool read_activation(KerasLayer *layer) {
  return keras_activated(layer, layer->in[0]);
}

/* keras.backend.hard_sigmoid, which no version has changed. */
static bool read_backend_hard_sigmoid(KerasLayer *layer) {
  return keras_gives_like(layer, hard_sigmoid(layer, layer->in[0].graph, old_slope));
}

/* x above the threshold and 0 elsewhere, at most max; below it slope (x - threshold). */
static bool read_relu(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *x = layer->in[0].graph, *y;
  double max = keras_number(layer, "max_value", (double)INFINITY),
         slope = keras_number(layer, "negative_slope", 0),
         threshold = keras_number(layer, "threshold", 0);
  if (threshold != 0) {
    GraphValue *bound = emit_number(e, threshold);
    y = EMIT(e, Where, EMIT(e, Greater, x, bound), x, emit_number(e, 0));
    if (isfinite(max)) y = emit_clip(e, y, 0, max);
    if (slope == 0) return keras_gives_like(layer, y);
    GraphValue *below = EMIT(e, Relu, EMIT(e, Sub, bound, x));
    return keras_gives_like(layer, EMIT(e, Sub, y, EMIT(e, Mul, below, emit_number(e, slope))));
  }
  if (slope == 0 && isfinite(max)) return keras_gives_like(layer, emit_clip(e, x, 0, max));
  y = slope != 0 ? keras_number_call(layer, GRAPH_LeakyRelu, x, GRAPH_ATTR_alpha, slope)
                 : EMIT(e, Relu, x);
  if (isfinite(max)) y = emit_clip(e, y, (double)-INFINITY, max);
  return keras_gives_like(layer, y);
}

/* x above theta, and 0 elsewhere. */
static bool read_thresholded_relu(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *x = layer->in[0].graph, *theta = emit_number(e, keras_number(layer, "theta", 1));
  return keras_gives_like(layer, EMIT(e, Where, EMIT(e, Greater, x, theta), x, emit_number(e, 0)));
}

static bool read_leaky_relu(KerasLayer *layer) {
  double slope = keras_number(layer, "negative_slope", keras_number(layer, "alpha", 0.3));
  return keras_gives_like(layer, keras_number_call(layer, GRAPH_LeakyRelu, layer->in[0].graph,
                                                   GRAPH_ATTR_alpha, slope));
}

static bool read_elu(KerasLayer *layer) {
  return keras_gives_like(layer,
                          elu(layer, layer->in[0].graph, keras_number(layer, "alpha", 1), 1));
}

/* alpha has the sizes of a sample, 1 along axes that share it. */
static bool read_prelu(KerasLayer *layer) {
  static const int64_t any[] = {-1, -1, -1, -1};
  int rank = layer->in[0].rank;
  if (rank > 4) {
    keras_lacks(layer, E903,
                "share slopes along axes: `shared_axes=[1, 2]`, or flatten them with a `Reshape`",
                "has slopes of more than 4 axes");
    return false;
  }
  GraphValue *alpha = keras_weight(layer, "", "alpha", 0, rank, any);
  return alpha &&
         keras_gives_like(layer, EMIT(keras_emit(layer), Prelu, layer->in[0].graph, alpha));
}

/* ---- tables ---- */

/* Inputs that an Embedding reads hold the numbers of categories, one a step: their axis is time. */
void keras_mark_categories(const KerasLayer *layer, KerasValue *value) {
  Graph *graph = keras_emit(layer)->graph;
  for (int i = 0; i < graph->n_in; i++)
    if (graph->in[i].value == value->graph) {
      graph->in[i].elem = GRAPH_I64;
      if (graph->in[i].rank == 2) keras_is_sequence(layer, &graph->in[i], value);
    }
}

static bool read_embedding(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t categories = keras_size(layer, "input_dim", -1);
  int64_t units = keras_option(layer, "output_dim") || layer->keras->major > 1
                      ? keras_size(layer, "output_dim", -1)
                      : keras_size(layer, "units", -1);
  if (categories < 0 || units < 0) return false;
  if (value.rank == TYPE_MAX_AXES) {
    keras_lacks(layer, E903, "join axes with a `Reshape` before it",
                "reads a value of too many axes");
    return false;
  }
  keras_mark_categories(layer, &value);
  GraphValue *table = keras_weight(layer, "", "embeddings", 0, 2, (int64_t[]){categories, units}),
             *x = value.graph;
  if (!table) return false;
  bool masked = keras_flag(layer, "mask_zero", false);
  value.mask.keeps =
      masked ? EMIT(e, Not, EMIT(e, Equal, x, emit_cast(e, emit_int(e, 0), GRAPH_I64))) : NULL;
  if (masked) keras_mark_padding(layer, 0);
  bool whole = !x->node && !x->constant;
  value.graph = emit_axis_call(e, GRAPH_Gather, 0, 2,
                               (GraphValue *[]){table, whole ? x : emit_cast(e, x, GRAPH_I64)});
  value.dim[value.rank++] = units;
  return keras_gives(layer, value);
}

/* Steps all of whose features are mask_value are masked, and become zeros. */
static bool read_masking(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  double skipped = keras_number(layer, "mask_value", 0);
  if (value.rank != 2) {
    keras_lacks(layer, E903,
                "give it [batch, time, features]: a `Reshape` before it makes that shape",
                "needs a sequence of vectors");
    return false;
  }
  static const int64_t last[] = {2};
  GraphValue *differs = EMIT(e, Not, EMIT(e, Equal, value.graph, emit_number(e, skipped)));
  GraphValue *any = emit_reduce(e, GRAPH_ReduceAny, differs, 1, last, true);
  value.mask.keeps = emit_squeeze(e, any, 1, last);
  value.graph = EMIT(e, Mul, value.graph, emit_cast(e, any, GRAPH_FLOAT));
  keras_mark_padding(layer, skipped);
  return keras_gives(layer, value);
}

/* ---- the rest ---- */

static bool read_softmax_by(KerasLayer *layer, GraphOp op) {
  if (json_is_null(json_object_get(layer->config, "axis"))) {
    keras_lacks(layer, E903, "name the axis: `axis=-1` is the features",
                "has None for `axis`: all axes, the batch among them, or the last one in some "
                "functions of TensorFlow");
    return false;
  }
  int axis = keras_one_axis(layer);
  if (axis < 0) return false;
  if (layer->mask || layer->in[0].mask.keeps) {
    return keras_lacks(layer, E903, "use Activation(\"softmax\"), which ignores masks",
                       "uses a mask of steps as a mask of features");
  }
  return keras_gives_like(layer,
                          emit_axis_call(keras_emit(layer), op, axis, 1, &layer->in[0].graph));
}

static bool read_softmax(KerasLayer *layer) {
  return read_softmax_by(layer, GRAPH_Softmax);
}

static bool read_log_softmax(KerasLayer *layer) {
  return read_softmax_by(layer, GRAPH_LogSoftmax);
}

/* Layers that do nothing when the model runs. */
static bool read_nothing(KerasLayer *layer) {
  return keras_gives_like(layer, layer->in[0].graph);
}

/* A number, or one for each feature. */
GraphValue *keras_numbers(KerasLayer *layer, const char *name, double if_absent) {
  json_t *list = keras_option(layer, name);
  double *data;
  if (!json_is_array(list))
    return emit_number(keras_emit(layer), keras_number(layer, name, if_absent));
  int64_t n = (int64_t)json_array_size(list);
  GraphTensor *t = graph_tensor(layer->keras->arena, GRAPH_FLOAT, 1, &n, &data);
  for (int64_t i = 0; t && i < n; i++) {
    data[i] = json_number_value(json_array_get(list, (size_t)i));
    if (!json_is_number(json_array_get(list, (size_t)i))) t = NULL;
  }
  if (t) return graph_constant(keras_emit(layer)->graph, name, t);
  keras_refuse(layer, E901, "has a `%s` that is neither a number nor a list of numbers", name);
  return NULL;
}

static bool read_rescaling(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *scale = keras_numbers(layer, "scale", 1),
             *offset = scale ? keras_numbers(layer, "offset", 0) : NULL;
  return offset &&
         keras_gives_like(layer, EMIT(e, Add, EMIT(e, Mul, layer->in[0].graph, scale), offset));
}

const KerasClass keras_layers[] = {
    KERAS_CLASS(Embedding, read_embedding, 1, "input_dim output_dim units mask_zero"),
    KERAS_CLASS(PReLU, read_prelu, 1, "shared_axes"),
    KERAS_CLASS(Activation, read_activation, 1, "activation"),
    KERAS_CLASS(ReLU, read_relu, 1, "max_value negative_slope threshold"),
    KERAS_CLASS(ThresholdedReLU, read_thresholded_relu, 1, "theta"),
    KERAS_CLASS(LeakyReLU, read_leaky_relu, 1, "alpha negative_slope"),
    KERAS_CLASS(ELU, read_elu, 1, "alpha"),
    KERAS_CLASS(Softmax, read_softmax, 1, "axis"),
    KERAS_CLASS(LogSoftmax, read_log_softmax, 1, "axis"),
    KERAS_CLASS(BackendHardSigmoid, read_backend_hard_sigmoid, 1, ""),
    KERAS_CLASS(Dropout, read_nothing, 1, "rate"),
    KERAS_CLASS(SpatialDropout1D, read_nothing, 1, "rate"),
    KERAS_CLASS(SpatialDropout2D, read_nothing, 1, "rate data_format"),
    KERAS_CLASS(AlphaDropout, read_nothing, 1, "rate"),
    KERAS_CLASS(GaussianDropout, read_nothing, 1, "rate"),
    KERAS_CLASS(GaussianNoise, read_nothing, 1, "stddev"),
    KERAS_CLASS(ActivityRegularization, read_nothing, 1, "l1 l2"),
    KERAS_CLASS(Identity, read_nothing, 1, ""),
    KERAS_CLASS(Masking, read_masking, 1, "mask_value"),
    KERAS_CLASS(Rescaling, read_rescaling, 1, "scale offset"),
    KERAS_CLASS_END};
