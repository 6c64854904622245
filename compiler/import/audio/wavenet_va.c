/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Imports WaveNets that PedalNet writes and that SmartGuitarAmp, SmartPedal and WaveNetVA play. The
 * file is JSON with sizes, dilations and flat arrays of numbers; the model computes, on a stream of
 * samples u,
 *
 *   x_0 = input(u)
 *   s_k = activation(conv_k(x_k))
 *   x_(k+1) = out_k(s_k) + x_k
 *   y = mix(s_0, s_1, ...)
 *
 * conv_k is a causal convolution with a kernel of `filter_width` steps; input, out_k and mix are
 * dense layers. A gated activation halves the channels of conv_k: the result is tanh of the first
 * half times sigmoid of the second half, or for `softgated` softsign of each half. */
#include "import/audio/audio.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 256 };

static const char origin[] = "the model";

typedef struct WaveNet {
  Audio audio;
  json_t *variables;
  int64_t inputs, outputs, channels; /* residual_channels */
  int64_t taps;                      /* filter_width: steps of a kernel */
  int64_t n_layers, *dilation;
  bool is_linear, is_gated;
  LayerKind activation; /* unless is_linear */
  LayerKind gate;       /* of the second half of the channels, if is_gated */
  size_t used;          /* how many of `variables` the layers have read */
} WaveNet;

bool wavenet_va_sniff(const ForeignFile *file) {
  return audio_sniff(file, "residual_channels");
}

/* Reads a number, which older programs write as a string; false if it does not fit in f32. */
static bool value_of(const json_t *number, float *out) {
  const char *digits = json_string_value(number);
  char *end = NULL;
  double value = digits ? strtod(digits, &end) : json_number_value(number);
  if (digits ? end == digits || *end : !json_is_number(number)) return false;
  if (!(value >= -(double)FLT_MAX && value <= (double)FLT_MAX)) return false;
  *out = (float)value;
  return true;
}

/* The n numbers of the variable `name` of a layer; NULL after reporting. Layer -1 is the input, and
 * layer n_layers the mix. */
static const float *variable(WaveNet *w, int64_t layer, const char *name, int64_t n) {
  Audio *a = &w->audio;
  const json_t *data = NULL;
  for (size_t i = 0; i < json_array_size(w->variables); i++) {
    const json_t *v = json_array_get(w->variables, i), *at = json_object_get(v, "layer_idx");
    const char *word = json_string_value(json_object_get(v, "name"));
    if (!json_is_integer(at) || json_integer_value(at) != layer || !word || strcmp(word, name) != 0)
      continue;
    if (data) {
      foreign_report(a->diags, a->file, E901, "`variables` has `%s` of layer %lld twice", name,
                     (long long)layer);
      return NULL;
    }
    data = json_object_get(v, "data");
  }
  if (!data) {
    foreign_report(a->diags, a->file, E602, "`variables` has no `%s` of layer %lld", name,
                   (long long)layer);
    return NULL;
  }
  if ((int64_t)json_array_size(data) != n) {
    Diag *d = foreign_report(a->diags, a->file, E603, "`%s` of layer %lld does not fit", name,
                             (long long)layer);
    diag_note(d, "it is %zu numbers, the layer needs %lld", json_array_size(data), (long long)n);
    return NULL;
  }
  float *out = ARENA_ARRAY(a->arena, float, n);
  for (int64_t i = 0; i < n; i++)
    if (!value_of(json_array_get(data, (size_t)i), &out[i])) {
      foreign_report(a->diags, a->file, E603,
                     "element %lld of `%s` of layer %lld is not a number that fits in f32",
                     (long long)i, name, (long long)layer);
      return NULL;
    }
  w->used++;
  return out;
}

/* Adds a dense layer, whose weights are [width, units] in the file. */
static bool product(WaveNet *w, int64_t layer, const char *weights, const char *bias, int64_t units,
                    const char *name) {
  const float *k = variable(w, layer, weights, w->audio.width * units),
              *b = k ? variable(w, layer, bias, units) : NULL;
  return b && audio_dense(&w->audio, k, b, units, NULL, name);
}

/* Adds a causal convolution, whose weights W_conv are [taps, width, filters] in the file, with the
 * oldest step first. */
static bool convolution(WaveNet *w, int64_t layer, int64_t filters, const char *name) {
  Audio *a = &w->audio;
  int64_t d = a->width, rows = w->taps * d;
  const float *k = variable(w, layer, "W_conv", rows * filters),
              *b = k ? variable(w, layer, "b_conv", filters) : NULL;
  if (!b) return false;
  Layer *stage = audio_stage(a, LAYER_Conv1D, NULL, name);
  layer_set_size(stage, OPT_filters, filters);
  layer_set_size(stage, OPT_kernel, w->taps);
  layer_set_size(stage, OPT_dilation, w->dilation[layer]);
  layer_set_word(stage, OPT_padding, "causal");
  const int64_t dim[] = {filters, w->taps, d};
  return audio_product(a, stage, k, b, 3, dim, "W_conv", "b_conv");
}

/* Features `begin` to `begin` + channels of `of`, through an activation. */
static Value *half(WaveNet *w, Value *of, int64_t begin, LayerKind activation, const char *name) {
  Audio *a = &w->audio;
  a->value = of;
  Layer *slice = audio_stage(a, LAYER_slice, NULL, name);
  layer_set_size(slice, OPT_begin, begin);
  layer_set_size(slice, OPT_end, begin + w->channels);
  audio_stage(a, activation, NULL, name);
  return a->value;
}

static void activate(WaveNet *w, const char *name) {
  Audio *a = &w->audio;
  if (!w->is_gated && !w->is_linear) audio_stage(a, w->activation, NULL, name);
  if (!w->is_gated) return;
  Value *all = a->value, *both[2] = {half(w, all, 0, w->activation, name), NULL};
  both[1] = half(w, all, w->channels, w->gate, name);
  Layer *gated = model_layer(a->foreign->model, LAYER_mul, 2, both);
  gated->origin = name;
  a->value = gated->out[0];
  a->width = w->channels;
}

/* Builds the whole model, from the value of the input to that of the mix. */
static bool layers(WaveNet *w) {
  Audio *a = &w->audio;
  Value **skip = ARENA_ARRAY(a->arena, Value *, w->n_layers);
  if (!product(w, -1, "W", "b", w->channels, "the input")) return false;
  for (int64_t k = 0; k < w->n_layers; k++) {
    const char *name = arena_printf(a->arena, "layer %lld", (long long)k);
    Value *before = a->value;
    if (!convolution(w, k, w->is_gated ? 2 * w->channels : w->channels, name)) return false;
    activate(w, name);
    skip[k] = a->value;
    if (k + 1 == w->n_layers) break;
    if (!product(w, k, "W_out", "b_out", w->channels, name)) return false;
    Layer *sum = model_layer(a->foreign->model, LAYER_add, 2, (Value *[]){a->value, before});
    sum->origin = name;
    a->value = sum->out[0];
  }
  /* Nothing reads x_(k+1) of the last layer, so its out_k is only checked. */
  for (int k = 0; k < 2; k++)
    if (!variable(w, w->n_layers - 1, k ? "b_out" : "W_out", w->channels * (k ? 1 : w->channels)))
      return false;
  if (w->n_layers > 1) {
    Layer *all = model_layer(a->foreign->model, LAYER_concat, (int)w->n_layers, skip);
    all->origin = "the skips";
    a->value = all->out[0];
  }
  a->width = w->n_layers * w->channels;
  return product(w, w->n_layers, "W", "b", w->outputs, "the mix");
}

static bool read_activation(WaveNet *w, const json_t *root) {
  static const struct {
    const char *word;
    LayerKind activation, gate;
    bool is_gated;
  } known[] = {{"gated", LAYER_tanh, LAYER_sigmoid, true},
               {"softgated", LAYER_softsign, LAYER_softsign, true},
               {"tanh", LAYER_tanh, LAYER_tanh, false},
               {"sigmoid", LAYER_sigmoid, LAYER_sigmoid, false},
               {"relu", LAYER_relu, LAYER_relu, false},
               {"softsign", LAYER_softsign, LAYER_softsign, false}};
  const char *word = json_string_value(json_object_get(root, "activation"));
  w->is_linear = word && strcmp(word, "linear") == 0;
  if (w->is_linear) return true;
  for (size_t i = 0; word && i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].word, word) != 0) continue;
    w->activation = known[i].activation;
    w->gate = known[i].gate;
    w->is_gated = known[i].is_gated;
    return true;
  }
  Diag *d = foreign_report(w->audio.diags, w->audio.file, word ? E902 : E904,
                           word ? "the model has the activation `%s`, which is not supported"
                                : "the model does not say its `activation`",
                           word);
  if (word)
    diag_fix(d, FIX_MAYBE,
             "train it with one of gated, softgated, tanh, sigmoid, relu, softsign and linear");
  if (!word) diag_fix(d, FIX_MAYBE, "add it as the model was trained: `\"activation\": \"gated\"`");
  return false;
}

static bool read_sizes(WaveNet *w, const json_t *root) {
  Audio *a = &w->audio;
  const json_t *dilations = json_object_get(root, "dilations");
  w->inputs = audio_size(a, root, "input_channels", 1, origin);
  w->outputs = audio_size(a, root, "output_channels", 1, origin);
  w->channels = audio_size(a, root, "residual_channels", 1, origin);
  w->taps = audio_size(a, root, "filter_width", 1, origin);
  if (w->inputs < 0 || w->outputs < 0 || w->channels < 0 || w->taps < 0) return false;
  w->n_layers = (int64_t)json_array_size(dilations);
  w->dilation = ARENA_ARRAY(a->arena, int64_t, w->n_layers + 1);
  bool fits = w->n_layers >= 1 && w->n_layers <= LAYERS_MAX && w->channels <= INT16_MAX &&
              w->taps <= INT16_MAX && w->inputs <= INT16_MAX && w->outputs <= INT16_MAX;
  for (int64_t k = 0; fits && k < w->n_layers; k++) {
    w->dilation[k] = json_integer_value(json_array_get(dilations, (size_t)k));
    fits = w->dilation[k] >= 1 && w->dilation[k] <= INT32_MAX;
  }
  if (fits) return true;
  Diag *d = foreign_report(a->diags, a->file, E901, "the model has sizes out of range");
  diag_note(d,
            "`dilations` is a list of 1 to %d whole numbers of at least 1, other sizes at most %d",
            LAYERS_MAX, INT16_MAX);
  return false;
}

Foreign *wavenet_va_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  static const char known[] = "level_adjust activation output_channels input_channels "
                              "residual_channels filter_width dilations variables";
  WaveNet w = {.audio = {.arena = file->arena, .file = file, .diags = diags}};
  Audio *a = &w.audio;
  json_t *root = audio_json(a);
  (void)options;
  if (!root || !audio_keys_known(a, root, known, origin) || !read_activation(&w, root) ||
      !read_sizes(&w, root))
    return NULL;
  w.variables = json_object_get(root, "variables");
  a->foreign = foreign_new(file, "WaveNet JSON", NULL);
  Type type = foreign_type((Time){.kind = TIME_STREAM, .period = 1}, 1, &w.inputs);
  a->value = model_input(a->foreign->model, "x", type)->value;
  a->width = w.inputs;
  if (!layers(&w)) return NULL;
  if (w.used != json_array_size(w.variables)) {
    foreign_lacks(
        diags, file, E903,
        "correct the sizes of the model, such as `dilations`, which has an entry for each "
        "layer, or remove the other entries",
        "`variables` has %zu entries, of which the layers use %zu", json_array_size(w.variables),
        w.used);
    return NULL;
  }
  double gain = json_number_value(json_object_get(root, "level_adjust"));
  if (gain > 0 || gain < 0)
    foreign_note(a->foreign,
                 "`level_adjust` %g is not in the model: programs multiply what they play by it",
                 gain);
  model_output(a->foreign->model, "y", a->value);
  return a->foreign;
}
