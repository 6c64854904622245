/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* RTNeural JSON. In: {"in_shape": [null, null, 1], "layers": [{"type", "activation", "shape",
 * "weights"}]} with arrays in the order of Keras. Out: a chain of stages on a stream, because a
 * program calls RTNeural once for each sample and it keeps all state. With in_shape [null, d] the
 * model takes a vector instead; [null, null, n, d] is a stream of n features of d channels each.
 *
 *   dense      [d, u], [u]            the bias may be missing
 *   gru        [d, 3u], [u, 3u], [2, 3u]   gates z r h, reset after the product
 *   lstm       [d, 4u], [u, 4u], [4u]      gates i f c o
 *   conv1d     [k, d / groups, f], [f]     causal
 *   conv2d     [k time, k features, d, f], [f]     causal along time whatever `padding` says
 *   batchnorm  scale, center, mean, variance; or mean, variance; batchnorm2d: of each channel
 *   prelu      [1, d] or [1, 1]
 *
 * Files of AIDA-X also have levels (audio_levels.c), and the input and output of a test run. */
#include "import/audio/audio.h"

#include <string.h>

enum { LAYERS_MAX = 4096 };

bool rtneural_sniff(const ForeignFile *file) {
  return audio_sniff(file, "in_shape");
}

typedef struct RtLayer {
  Audio *audio;
  json_t *object, *weights;
  const char *origin, *prefix;
  int64_t width;    /* last of `shape` */
  int64_t features; /* the axis before that, if there are channels; else 0 */
  size_t n_weights;
} RtLayer;

static Diag *refuse(const RtLayer *layer, DiagCode code, const char *what) {
  return foreign_report(layer->audio->diags, layer->audio->file, code, "%s %s", layer->origin,
                        what);
}

/* With what works instead. Always false. */
static bool lacks(const RtLayer *layer, DiagCode code, const char *help, const char *what) {
  diag_fix(refuse(layer, code, what), FIX_MAYBE, "%s", help);
  return false;
}

static Layer *stage_of(const RtLayer *layer, LayerKind kind) {
  return audio_stage(layer->audio, kind, layer->prefix, layer->origin);
}

static const char *weight_name(const RtLayer *layer, int i) {
  return arena_printf(layer->audio->arena, "weights[%d]", i);
}

static const float *weight(const RtLayer *layer, int i, int rank, const int64_t *dim) {
  return audio_array(layer->audio, json_array_get(layer->weights, (size_t)i), weight_name(layer, i),
                     layer->origin, rank, dim);
}

static bool count_is(const RtLayer *layer, size_t least, size_t most) {
  if (layer->n_weights >= least && layer->n_weights <= most) return true;
  Diag *d = refuse(layer, E602, "does not have the arrays that its type needs");
  diag_note(d, "`weights` has %zu arrays; the layer needs %zu%s", layer->n_weights, most,
            least == most ? "" : " (the bias may be missing)");
  return false;
}

static bool activate(const RtLayer *layer) {
  static const struct {
    const char *name;
    LayerKind kind;
  } known[] = {{"tanh", LAYER_tanh},
               {"relu", LAYER_relu},
               {"sigmoid", LAYER_sigmoid},
               {"softmax", LAYER_softmax},
               {"elu", LAYER_elu}};
  const json_t *value = json_object_get(layer->object, "activation");
  const char *name = value ? json_string_value(value) : "";
  if (name && (!*name || strcmp(name, "linear") == 0)) return true;
  if (name && layer->features && strcmp(name, "softmax") == 0) {
    return lacks(layer, E902, "leave the softmax out of the file, and compute it in your program",
                 "has a softmax over features and channels together");
  }
  for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].name, name) == 0) {
      stage_of(layer, known[i].kind);
      return true;
    }
  return lacks(layer, E902, "train it with one of RTNeural: tanh, relu, sigmoid, softmax or elu",
               arena_printf(layer->audio->arena, "has the activation `%.40s`, which is not known",
                            name ? name : "?"));
}

static bool give(const RtLayer *layer, Layer *stage, Role role, int i, const int64_t *dim,
                 const float *from) {
  float *to = audio_tensor(layer->audio, stage, role, 1, dim, weight_name(layer, i));
  if (to) memcpy(to, from, sizeof *to * (size_t)*dim);
  return to != NULL;
}

static bool import_dense(RtLayer *layer) {
  Audio *a = layer->audio;
  int64_t dim[] = {a->width, layer->width}, u = layer->width;
  bool bias = layer->n_weights == 2;
  if (!count_is(layer, 1, 2)) return false;
  const float *w = weight(layer, 0, 2, dim), *b = w && bias ? weight(layer, 1, 1, &u) : NULL;
  if (!w || (bias && !b)) return false;
  Layer *stage = stage_of(layer, LAYER_Dense);
  layer_set_size(stage, OPT_units, u);
  if (!bias) layer_set_word(stage, OPT_bias, "false");
  float *kernel =
      audio_tensor(a, stage, ROLE_KERNEL, 2, (int64_t[]){u, a->width}, weight_name(layer, 0));
  if (!kernel || (bias && !give(layer, stage, ROLE_BIAS, 1, &u, b))) return false;
  audio_turn(w, a->width, u, kernel);
  return activate(layer);
}

/* Reports an activation other than tanh: RTNeural computes tanh and sigmoid, whatever the file
 * says. */
static bool cell_activation(const RtLayer *layer) {
  const json_t *value = json_object_get(layer->object, "activation");
  const char *name = json_string_value(value);
  if (!value || (name && (!*name || strcmp(name, "tanh") == 0))) return true;
  return lacks(layer, E903,
               "train it with tanh, the only one of RTNeural's cells, or import the Keras model",
               "has an activation other than tanh");
}

/* Gives a cell its bias: one row, or two for a GRU. */
static bool cell_bias(const RtLayer *layer, Layer *stage, LayerKind kind, int64_t width,
                      const float *b) {
  Audio *a = layer->audio;
  int64_t gates = kind == LAYER_LSTM ? 4 : 3, dim[] = {1, gates, layer->width};
  for (int half = 0; half < (kind == LAYER_GRU ? 2 : 1); half++) {
    float *to = audio_tensor(a, stage, half ? ROLE_RECURRENT_BIAS : ROLE_BIAS, 3, dim,
                             weight_name(layer, 2));
    if (!to) return false;
    memcpy(to, b + half * width, sizeof *to * (size_t)width);
  }
  return true;
}

static bool import_cell(RtLayer *layer, LayerKind kind) {
  Audio *a = layer->audio;
  int64_t u = layer->width, d = a->width, gates = kind == LAYER_LSTM ? 4 : 3, width = gates * u;
  if (!count_is(layer, 3, 3) || !cell_activation(layer)) return false;
  const float *w = weight(layer, 0, 2, (int64_t[]){d, width});
  const float *r = w ? weight(layer, 1, 2, (int64_t[]){u, width}) : NULL;
  const float *b = !r                   ? NULL
                   : kind == LAYER_LSTM ? weight(layer, 2, 1, &width)
                                        : weight(layer, 2, 2, (int64_t[]){2, width});
  if (!b) return false;
  Layer *stage = stage_of(layer, kind);
  layer_set_size(stage, OPT_units, u);
  if (kind == LAYER_GRU) layer_set_word(stage, OPT_reset, "after");
  float *kernel =
      audio_tensor(a, stage, ROLE_KERNEL, 4, (int64_t[]){1, gates, u, d}, weight_name(layer, 0));
  float *recurrent =
      audio_tensor(a, stage, ROLE_RECURRENT, 4, (int64_t[]){1, gates, u, u}, weight_name(layer, 1));
  if (!kernel || !recurrent) return false;
  audio_turn(w, d, width, kernel);
  audio_turn(r, u, width, recurrent);
  return cell_bias(layer, stage, kind, width, b);
}

static bool import_gru(RtLayer *layer) {
  return import_cell(layer, LAYER_GRU);
}
static bool import_lstm(RtLayer *layer) {
  return import_cell(layer, LAYER_LSTM);
}

static bool import_conv1d(RtLayer *layer) {
  Audio *a = layer->audio;
  int64_t f = layer->width, size = audio_size(a, layer->object, "kernel_size", 1, layer->origin);
  int64_t dilation = audio_size(a, layer->object, "dilation", 1, layer->origin);
  int64_t groups = json_object_get(layer->object, "groups")
                       ? audio_size(a, layer->object, "groups", 1, layer->origin)
                       : 1;
  if (size < 0 || dilation < 0 || groups < 0 || !count_is(layer, 1, 2)) return false;
  if (a->width % groups || f % groups) {
    Diag *d = refuse(layer, E903, "has groups that do not divide its features");
    diag_fix(d, FIX_MAYBE, "train it with groups that divide %lld features in and %lld out",
             (long long)a->width, (long long)f);
    return false;
  }
  int64_t d = a->width / groups;
  bool bias = layer->n_weights == 2;
  const float *w = weight(layer, 0, 3, (int64_t[]){size, d, f}),
              *b = w && bias ? weight(layer, 1, 1, &f) : NULL;
  if (!w || (bias && !b)) return false;
  Layer *stage = stage_of(layer, LAYER_Conv1D);
  layer_set_size(stage, OPT_filters, f);
  layer_set_size(stage, OPT_kernel, size);
  layer_set_size(stage, OPT_dilation, dilation);
  layer_set_size(stage, OPT_groups, groups);
  layer_set_word(stage, OPT_padding, "causal");
  if (!bias) layer_set_word(stage, OPT_bias, "false");
  float *kernel =
      audio_tensor(a, stage, ROLE_KERNEL, 3, (int64_t[]){f, size, d}, weight_name(layer, 0));
  if (!kernel || (bias && !give(layer, stage, ROLE_BIAS, 1, &f, b))) return false;
  audio_turn(w, size * d, f, kernel);
  return activate(layer);
}

/* Whether a size that the layer names is the right one; reports if not. */
static bool size_is(const RtLayer *layer, const char *key, int64_t size) {
  int64_t said = audio_size(layer->audio, layer->object, key, 1, layer->origin);
  if (said < 0 || said == size) return said == size;
  Diag *d = refuse(layer, E603, "has sizes that do not fit");
  diag_note(d, "`%s` is %lld, and it is %lld by the shapes", key, (long long)said, (long long)size);
  return false;
}

/* Sets the windows of a Conv2D: along time they look back; along features they have the padding of
 * the file. */
static bool set_windows(const RtLayer *layer, Layer *stage, const int64_t size[2], int64_t dilation,
                        int64_t stride) {
  const char *padding = json_string_value(json_object_get(layer->object, "padding"));
  int64_t n = layer->audio->features;
  bool valid = padding && strcmp(padding, "valid") == 0;
  if (!padding || (!valid && strcmp(padding, "same") != 0)) {
    return lacks(layer, padding ? E902 : E904, "write the one with which it was trained",
                 "needs a `padding`, `valid` or `same`");
  }
  int64_t reach = valid ? n - size[1] + 1 : n, made = reach > 0 ? (reach + stride - 1) / stride : 0;
  if (made != layer->features) {
    Diag *d = refuse(layer, E603, "has a `shape` of another number of features than it makes");
    diag_note(d, "%lld, and its windows make %lld of %lld", (long long)layer->features,
              (long long)made, (long long)n);
    return false;
  }
  layer_set_sizes(stage, OPT_kernel, 2, size);
  if (dilation > 1) layer_set_sizes(stage, OPT_dilation, 2, (int64_t[]){dilation, 1});
  if (stride > 1) layer_set_sizes(stage, OPT_stride, 2, (int64_t[]){1, stride});
  layer_set_paddings(stage, OPT_padding, 2,
                     (Padding[]){{.kind = PAD_CAUSAL}, {.kind = valid ? PAD_VALID : PAD_SAME}});
  return true;
}

static bool import_conv2d(RtLayer *layer) {
  Audio *a = layer->audio;
  json_t *object = layer->object;
  int64_t size[2] = {audio_size(a, object, "kernel_size_time", 1, layer->origin),
                     audio_size(a, object, "kernel_size_feature", 1, layer->origin)};
  int64_t dilation = audio_size(a, object, "dilation", 1, layer->origin),
          stride = audio_size(a, object, "strides", 1, layer->origin), f = layer->width,
          d = a->width;
  if (size[0] < 0 || size[1] < 0 || dilation < 0 || stride < 0 || !count_is(layer, 2, 2) ||
      !size_is(layer, "num_filters_in", d) || !size_is(layer, "num_filters_out", f) ||
      !size_is(layer, "num_features_in", a->features))
    return false;
  const float *w = weight(layer, 0, 4, (int64_t[]){size[0], size[1], d, f}),
              *b = w ? weight(layer, 1, 1, &f) : NULL;
  if (!b) return false;
  Layer *stage = stage_of(layer, LAYER_Conv2D);
  layer_set_size(stage, OPT_filters, f);
  if (!set_windows(layer, stage, size, dilation, stride)) return false;
  float *kernel = audio_tensor(a, stage, ROLE_KERNEL, 4, (int64_t[]){f, size[0], size[1], d},
                               weight_name(layer, 0));
  if (!kernel || !give(layer, stage, ROLE_BIAS, 1, &f, b)) return false;
  audio_turn(w, size[0] * size[1] * d, f, kernel);
  return activate(layer);
}

static bool import_batchnorm(RtLayer *layer) {
  static const Role roles[] = {ROLE_SCALE, ROLE_CENTER, ROLE_MEAN, ROLE_VARIANCE};
  const json_t *eps = json_object_get(layer->object, "epsilon");
  int skipped = layer->n_weights == 2 ? 2 : 0;
  if (layer->n_weights != 2 && !count_is(layer, 4, 4)) return false;
  if (!json_is_number(eps) || json_number_value(eps) < 0) {
    return lacks(layer, eps ? E901 : E904, "write the one of the layer; Keras has 0.001 by default",
                 "needs an `epsilon`, a number of at least 0");
  }
  Layer *stage = stage_of(layer, LAYER_BatchNorm);
  layer_set_number(stage, OPT_eps, json_number_value(eps));
  if (skipped) {
    layer_set_word(stage, OPT_scale, "false");
    layer_set_word(stage, OPT_center, "false");
  }
  for (int i = skipped; i < 4; i++) {
    const float *from = weight(layer, i - skipped, 1, &layer->width);
    if (!from || !give(layer, stage, roles[i], i - skipped, &layer->width, from)) return false;
  }
  return activate(layer);
}

static bool import_batchnorm2d(RtLayer *layer) {
  return size_is(layer, "num_filters_in", layer->width) &&
         size_is(layer, "num_features_in", layer->features) && import_batchnorm(layer);
}

static bool import_prelu(RtLayer *layer) {
  int64_t found[4], d = layer->width;
  if (!count_is(layer, 1, 1)) return false;
  bool one = audio_rank(json_array_get(layer->weights, 0), found) == 2 && found[1] == 1;
  const float *slope = weight(layer, 0, 2, (int64_t[]){1, one ? 1 : d});
  if (!slope) return false;
  float *to = audio_tensor(layer->audio, stage_of(layer, LAYER_prelu), ROLE_SLOPE, 1, &d,
                           weight_name(layer, 0));
  for (int64_t i = 0; to && i < d; i++)
    to[i] = slope[one ? 0 : i];
  return to && activate(layer);
}

static bool import_activation(RtLayer *layer) {
  if (layer->n_weights == 0 && json_object_get(layer->object, "activation")) return activate(layer);
  return lacks(layer, E904, "write it, such as `\"activation\": \"tanh\"`, and no `weights`",
               "needs an `activation`, and no weights");
}

#define COMMON "type activation shape weights"
static const struct {
  const char *type;
  bool (*import)(RtLayer *layer);
  bool keeps_width;
  bool of_features, of_channels; /* of inputs [.., d], of inputs [.., n, d] */
  const char *keys;
} types[] = {{"dense", import_dense, false, true, false, COMMON},
             {"time-distributed-dense", import_dense, false, true, false, COMMON},
             {"gru", import_gru, false, true, false, COMMON},
             {"lstm", import_lstm, false, true, false, COMMON},
             {"conv1d", import_conv1d, false, true, false, COMMON " kernel_size dilation groups"},
             {"batchnorm", import_batchnorm, true, true, false, COMMON " epsilon"},
             {"conv2d", import_conv2d, false, false, true,
              COMMON " kernel_size_time kernel_size_feature dilation strides num_filters_in "
                     "num_features_in num_filters_out padding"},
             {"batchnorm2d", import_batchnorm2d, true, false, true,
              COMMON " epsilon num_filters_in num_features_in"},
             {"prelu", import_prelu, true, true, false, COMMON},
             {"activation", import_activation, true, true, true, COMMON}};

enum { CHANNELS_RANK = 4 };

/* The last size of a shape such as [null, null, 8], which has as many axes as in_shape. With four
 * axes, *features is the size before it. 0 after reporting. */
static int64_t shape_width(Audio *a, const json_t *shape, size_t rank, const char *key,
                           const char *origin, int64_t *features) {
  *features = 0;
  const json_t *last = json_array_get(shape, json_array_size(shape) - 1);
  bool ok = json_array_size(shape) == rank && json_is_integer(last) &&
            json_integer_value(last) > 0 && json_integer_value(last) <= INT32_MAX;
  for (size_t i = 0; ok && i + 1 < rank; i++) {
    const json_t *axis = json_array_get(shape, i);
    ok = json_is_null(axis) || (json_is_integer(axis) && json_integer_value(axis) > 0);
  }
  if (ok && rank == CHANNELS_RANK) {
    json_int_t n = json_integer_value(json_array_get(shape, rank - 2)); /* 0: null */
    *features = n <= INT32_MAX ? n : 0;
    ok = *features > 0;
  }
  if (ok) return json_integer_value(last);
  Diag *d =
      foreign_report(a->diags, a->file, shape ? E901 : E904,
                     "%s needs a `%s` of %zu axes, the last one its width", origin, key, rank);
  diag_fix(d, FIX_MAYBE,
           rank == CHANNELS_RANK ? "write it as in [null, null, 23, 1], 23 features of 1 channel"
                                 : "write it as in [null, null, 8]");
  return 0;
}

static bool import_layer(Audio *a, json_t *object, int index, size_t rank) {
  const char *type = json_string_value(json_object_get(object, "type"));
  const char *origin =
      arena_printf(a->arena, "layer %d (`%.40s`)", index + 1, type ? type : "no type");
  RtLayer layer = {.audio = a,
                   .object = object,
                   .weights = json_object_get(object, "weights"),
                   .origin = origin};
  layer.prefix = arena_printf(a->arena, "%.40s_%d", type ? type : "layer", index + 1);
  size_t i = 0, n = sizeof types / sizeof *types;
  while (i < n && type && strcmp(types[i].type, type) != 0)
    i++;
  if (!type || i == n) {
    return lacks(&layer, type ? E902 : E901, "use one that docs/import.md names for RTNeural",
                 type ? "is of a type that is not supported" : "has no `type`");
  }
  bool channels = rank == CHANNELS_RANK;
  if (channels ? !types[i].of_channels : !types[i].of_features) {
    return lacks(&layer, E902,
                 channels ? "use conv2d, batchnorm2d and activation, which take channels"
                          : "write an `in_shape` of four axes: [null, null, FEATURES, CHANNELS]",
                 channels ? "works on features without channels"
                          : "works on features with channels");
  }
  if (!audio_keys_known(a, object, types[i].keys, origin)) return false;
  layer.n_weights = json_array_size(layer.weights);
  layer.width =
      shape_width(a, json_object_get(object, "shape"), rank, "shape", origin, &layer.features);
  if (!layer.width || (types[i].keeps_width && layer.width != a->width)) {
    if (layer.width)
      diag_note(refuse(&layer, E603, "has a `shape` of another width than what it reads"),
                "%lld, and it reads %lld", (long long)layer.width, (long long)a->width);
    return false;
  }
  a->sizes = arena_printf(a->arena, "the layer is %lld wide by its `shape`, and reads %lld",
                          (long long)layer.width, (long long)a->width);
  bool ok = types[i].import(&layer);
  a->width = layer.width;
  a->features = layer.features;
  return ok;
}

static bool rank_known(Audio *a, size_t rank) {
  if (rank >= 2 && rank <= CHANNELS_RANK) return true;
  Diag *d = foreign_report(a->diags, a->file, E903, "`in_shape` has %zu axes", rank);
  diag_fix(d, FIX_MAYBE,
           "[null, null, d] is a stream of vectors, [null, null, n, d] one of n features of d "
           "channels, [null, d] a vector");
  return false;
}

/* Reads the sample rate from one of the places where programs write it. */
static bool read_rate(Audio *a, const json_t *root, Time *time) {
  return audio_rate(a, root, "samplerate", "the model", time) &&
         audio_rate(a, root, "sample_rate", "the model", time) &&
         audio_rate(a, json_object_get(root, "metadata"), "samplerate", "`metadata`", time);
}

Foreign *rtneural_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Audio audio = {.arena = file->arena, .file = file, .diags = diags}, *a = &audio;
  static const char known[] =
      "in_shape layers samplerate sample_rate author name date version esr metadata "
      "in_skip in_gain out_gain input_batch output_batch";
  json_t *root = audio_json(a), *shape = json_object_get(root, "in_shape"),
         *layers = json_object_get(root, "layers");
  size_t n = json_array_size(layers), rank = json_array_size(shape);
  (void)options;
  if (!root || !audio_keys_known(a, root, known, "the model") || !rank_known(a, rank)) return NULL;
  if (n == 0 || n > LAYERS_MAX) {
    foreign_report(diags, file, E901, "the model in `%s` has %zu layers; 1 to %d are supported",
                   file->path, n, LAYERS_MAX);
    return NULL;
  }
  audio.width = shape_width(a, shape, rank, "in_shape", "the model", &audio.features);
  if (!audio.width) return NULL;
  AudioLevels levels = {0};
  Time time = {.kind = rank > 2 ? TIME_STREAM : TIME_NONE, .period = 1};
  if (!audio_levels_read(a, root, &levels)) return NULL;
  if (rank > 2 && !read_rate(a, root, &time)) return NULL;
  audio.foreign = foreign_new(file, "RTNeural JSON", NULL);
  int64_t dims[2] = {audio.features, audio.width};
  Type type = audio.features ? foreign_type(time, 2, dims) : foreign_type(time, 1, &audio.width);
  audio.value = model_input(audio.foreign->model, "x", type)->value;
  audio_levels_before(a, &levels);
  for (size_t i = 0; i < n; i++)
    if (!import_layer(a, json_array_get(layers, i), (int)i, rank)) return NULL;
  if (!audio_levels_after(a, &levels)) return NULL;
  model_output(audio.foreign->model, "y", audio.value);
  return audio.foreign;
}
