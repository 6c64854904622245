/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WaveNet of Neural Amp Modeler, versions 0.5 to 0.7. In: `config` and one list of weights. Out:
 * stages. c is the condition (the input, or the output of `condition_dsp`), and F a FiLM if the
 * config has one:
 *
 *   array   x = rechannel(x); for each layer: x, head += layer(x, c); head = head_rechannel(head)
 *   layer   z = F(F(conv(F(x))) + F(mixin(F(c)))); z = activation(z); z = F(z);
 *           head becomes z, or F(head1x1(z)); x becomes x + layer1x1(z), or stays
 *   FiLM    (scale, shift) = 1x1(c); v scale + shift
 *
 * The second half of z may gate or blend its activation. The next array begins with the x and the
 * head of the one before. The output is the head after the last array times head_scale, the last
 * number of the list. As in the engine, a FiLM after layer1x1 acts only in the blended mode. */
#include "import/audio/nam.h"

#include <math.h>
#include <string.h>

enum { ARRAYS_MAX = 64, LAYERS_MAX = 1024 };

typedef enum Gating { GATING_NONE, GATING_GATED, GATING_BLENDED } Gating;

enum {
  FILM_CONV_PRE,
  FILM_CONV_POST,
  FILM_MIXIN_PRE,
  FILM_MIXIN_POST,
  FILM_ACTIVATION_PRE,
  FILM_ACTIVATION_POST,
  FILM_LAYER_POST,
  FILM_HEAD_POST,
  FILMS
};

static const char *const film_keys[FILMS] = {
    "conv_pre_film",       "conv_post_film",       "input_mixin_pre_film", "input_mixin_post_film",
    "activation_pre_film", "activation_post_film", "layer1x1_post_film",   "head1x1_post_film"};

typedef struct Film {
  bool active, shift;
  int64_t groups;
  NamConv conv;
} Film;

/* An array of layers: its sizes in the file, and (use_) those at the chosen size. */
typedef struct Array {
  json_t *json;
  int64_t input, condition, channels, bottleneck, head, layers;
  int64_t use_input, use_channels, use_bottleneck, use_head;
  int64_t head_kernel, head_dilation, groups, mixin_groups;
  bool head_bias, has_layer1x1, has_head1x1;
  int64_t layer1x1_groups, head1x1_out, head1x1_groups;
} Array;

/* The parts of one layer with their weights. */
typedef struct LayerParts {
  NamConv conv, mixin, layer1x1, head1x1;
  Film film[FILMS];
  Gating gating;
  NamActivation activation, second;
  bool is_read; /* whether a later layer reads its x; no layer reads that of the last one */
} LayerParts;

static bool truth(Nam *nam, const json_t *object, const char *key, bool if_absent, bool *out) {
  const json_t *value = json_object_get(object, key);
  *out = value ? json_is_true(value) : if_absent;
  return !value || json_is_boolean(value) ||
         nam_refuse(
             nam, E901,
             arena_printf(nam->audio.arena, "has a `%s` that is neither true nor false", key));
}

/* Reads a size of at least 1; if_absent 0: it must be there. */
static bool size(Nam *nam, const json_t *object, const char *key, int64_t if_absent, int64_t *out) {
  bool absent = if_absent > 0 && !json_object_get(object, key);
  *out = absent ? if_absent : audio_size(&nam->audio, object, key, 1, nam->origin);
  return *out > 0;
}

/* The value for layer i: an item of a list, or one value for all layers. */
static json_t *each(json_t *value, int64_t i) {
  return json_is_array(value) ? json_array_get(value, (size_t)i) : value;
}

static bool lists_fit(Nam *nam, const Array *a) {
  static const char *const keys[] = {"kernel_sizes", "activation", "gating_mode",
                                     "secondary_activation"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const json_t *list = json_object_get(a->json, keys[i]);
    if (json_is_array(list) && (int64_t)json_array_size(list) != a->layers)
      return nam_refuse(nam, E603,
                        arena_printf(nam->audio.arena,
                                     "has a list `%s` of another length than `dilations`",
                                     keys[i]));
  }
  return true;
}

static bool read_head(Nam *nam, Array *a) {
  json_t *head = json_object_get(a->json, "head");
  a->head_kernel = a->head_dilation = 1;
  if (!head || json_is_null(head))
    return size(nam, a->json, "head_size", 0, &a->head) &&
           truth(nam, a->json, "head_bias", false, &a->head_bias);
  if (!audio_keys_known(&nam->audio, head, "out_channels kernel_size bias head_dilation", "`head`"))
    return false;
  return size(nam, head, "out_channels", 0, &a->head) &&
         size(nam, head, "kernel_size", 0, &a->head_kernel) &&
         size(nam, head, "head_dilation", 1, &a->head_dilation) &&
         truth(nam, head, "bias", false, &a->head_bias);
}

static bool read_1x1(Nam *nam, Array *a) {
  json_t *layer = json_object_get(a->json, "layer1x1"), *head = json_object_get(a->json, "head1x1");
  if (layer && !audio_keys_known(&nam->audio, layer, "active groups", "`layer1x1`")) return false;
  if (head && !audio_keys_known(&nam->audio, head, "active out_channels groups", "`head1x1`"))
    return false;
  return truth(nam, layer, "active", true, &a->has_layer1x1) &&
         size(nam, layer, "groups", 1, &a->layer1x1_groups) &&
         truth(nam, head, "active", false, &a->has_head1x1) &&
         size(nam, head, "out_channels", a->channels, &a->head1x1_out) &&
         size(nam, head, "groups", 1, &a->head1x1_groups);
}

static bool read_array(Nam *nam, json_t *json, Array *a) {
  static const char known[] =
      "input_size condition_size head_size head channels bottleneck kernel_size kernel_sizes "
      "dilations activation gated "
      "gating_mode head_bias groups_input groups_input_mixin head1x1 layer1x1 secondary_activation "
      "slimmable "
      "conv_pre_film conv_post_film input_mixin_pre_film input_mixin_post_film activation_pre_film "
      "activation_post_film layer1x1_post_film head1x1_post_film";
  *a =
      (Array){.json = json, .layers = (int64_t)json_array_size(json_object_get(json, "dilations"))};
  if (!json_is_object(json) || a->layers < 1 || a->layers > LAYERS_MAX)
    return nam_refuse(nam, E901, "has an array of layers without `dilations`");
  if (!audio_keys_known(&nam->audio, json, known, "an array of layers")) return false;
  return size(nam, json, "input_size", 0, &a->input) &&
         size(nam, json, "condition_size", 0, &a->condition) &&
         size(nam, json, "channels", 0, &a->channels) &&
         size(nam, json, "bottleneck", a->channels, &a->bottleneck) &&
         size(nam, json, "groups_input", 1, &a->groups) &&
         size(nam, json, "groups_input_mixin", 1, &a->mixin_groups) && read_head(nam, a) &&
         read_1x1(nam, a) && lists_fit(nam, a);
}

/* Finds the channels of an array at the size of --size, one of `allowed_channels`. */
static bool slim_channels(Nam *nam, Array *a, int64_t *out) {
  json_t *slimmable = json_object_get(a->json, "slimmable"),
         *kwargs = json_object_get(slimmable, "kwargs");
  json_t *allowed = json_object_get(kwargs, "allowed_channels");
  const char *method = json_string_value(json_object_get(slimmable, "method"));
  size_t n = json_array_size(allowed);
  *out = a->channels;
  if (!slimmable || json_is_null(slimmable)) return true;
  if (!method || strcmp(method, "slice_channels_uniform") != 0)
    return nam_lacks(nam, E902, "train it with the method `slice_channels_uniform`",
                     "is slimmable by a method other than slice_channels_uniform");
  if (!n || json_integer_value(json_array_get(allowed, n - 1)) != a->channels)
    return nam_refuse(nam, E901, "has no `allowed_channels` that end in its channels");
  nam->sized = true;
  if (!nam->options->size) return true;
  size_t i = (size_t)floor(*nam->options->size * (double)n);
  *out = json_integer_value(json_array_get(allowed, i < n ? i : n - 1));
  bool whole = a->groups == 1 && a->mixin_groups == 1 && a->layer1x1_groups == 1 &&
               a->head1x1_groups == 1 && a->head_kernel == 1;
  if (*out == a->channels || (whole && *out > 0 && *out < a->channels)) return true;
  return nam_lacks(
      nam, E903, "leave out `--size`, or give its full size: --size 1",
      "cannot be used at a smaller size: its convolutions have groups, or its head looks back");
}

static bool read_arrays(Nam *nam, json_t *list, Array *array, int n) {
  for (int i = 0; i < n; i++) {
    Array *a = &array[i];
    if (!read_array(nam, json_array_get(list, (size_t)i), a) ||
        !slim_channels(nam, a, &a->use_channels))
      return false;
    int64_t slim = a->bottleneck * a->use_channels / a->channels;
    a->use_bottleneck = !a->has_layer1x1 && a->use_channels != a->channels ? a->use_channels
                        : slim > 1                                         ? slim
                                                                           : 1;
    a->use_input = i ? array[i - 1].use_channels : a->input;
    if (i && (a->channels != array[i - 1].head || a->input != array[i - 1].channels))
      return nam_refuse(nam, E603, "has arrays of layers whose sizes do not fit each other");
  }
  for (int i = 0; i < n; i++)
    array[i].use_head = i + 1 < n ? array[i + 1].use_channels : array[i].head;
  return true;
}

static bool read_gating(Nam *nam, const Array *a, int64_t i, LayerParts *p) {
  json_t *mode = each(json_object_get(a->json, "gating_mode"), i),
         *second = each(json_object_get(a->json, "secondary_activation"), i);
  const char *name = json_string_value(mode);
  bool gated;
  if (!truth(nam, mode ? NULL : a->json, "gated", false, &gated)) return false;
  p->gating = gated ? GATING_GATED : GATING_NONE;
  if (mode) {
    if (name && strcmp(name, "gated") == 0)
      p->gating = GATING_GATED;
    else if (name && strcmp(name, "blended") == 0)
      p->gating = GATING_BLENDED;
    else if (!name || strcmp(name, "none") != 0)
      return nam_lacks(nam, E902, "train it with one of these three",
                       "has a `gating_mode` other than none, gated and blended");
  }
  if (p->gating == GATING_NONE) return true;
  p->second = (NamActivation){.shape = NAM_SIGMOID};
  return !mode || !second || nam_activation_read(nam, second, &p->second);
}

static bool read_film(Nam *nam, const Array *a, int which, Film *film) {
  json_t *json = json_object_get(a->json, film_keys[which]);
  *film = (Film){.groups = 1};
  if (!json || json_is_false(json) || json_is_null(json)) return true;
  if (!json_is_object(json))
    return nam_refuse(
        nam, E901,
        arena_printf(nam->audio.arena, "has a `%s` that is not an object", film_keys[which]));
  return audio_keys_known(&nam->audio, json, "active shift groups", film_keys[which]) &&
         truth(nam, json, "active", true, &film->active) &&
         truth(nam, json, "shift", true, &film->shift) &&
         size(nam, json, "groups", 1, &film->groups);
}

/* Takes the weights of a FiLM: a 1x1 that gives scale and shift for `full` channels, of which `use`
 * are used. */
static bool take_film(Nam *nam, const Array *a, Film *film, int which, int64_t full, int64_t use) {
  int64_t times = film->shift ? 2 : 1;
  if (!film->active) return true;
  film->conv =
      (NamConv){a->condition, times * full, a->condition, times * use,     1, 1, film->groups,
                true,         NULL,         NULL,         film_keys[which]};
  return nam_conv_take(nam, &film->conv);
}

/* Takes the weights of a layer in the order of the list. */
static bool take_layer(Nam *nam, const Array *a, int64_t i, LayerParts *p) {
  json_t *sizes = json_object_get(a->json, "kernel_sizes"),
         *dilations = json_object_get(a->json, "dilations");
  int64_t kernel = sizes ? json_integer_value(json_array_get(sizes, (size_t)i))
                         : audio_size(&nam->audio, a->json, "kernel_size", 1, nam->origin);
  int64_t dilation = json_integer_value(json_array_get(dilations, (size_t)i)), bn = a->bottleneck,
          use = a->use_bottleneck;
  if (kernel < 1 || dilation < 1 || kernel > INT32_MAX || dilation > INT32_MAX)
    return nam_refuse(nam, E901, "has a kernel or a dilation that is not at least 1");
  *p = (LayerParts){0};
  if (!nam_activation_read(nam, each(json_object_get(a->json, "activation"), i), &p->activation) ||
      !read_gating(nam, a, i, p))
    return false;
  int64_t times = p->gating == GATING_NONE ? 1 : 2, z = times * bn, use_z = times * use;
  p->conv = (NamConv){a->channels, z,    a->use_channels, use_z, kernel, dilation, a->groups, true,
                      NULL,        NULL, "conv"};
  p->mixin = (NamConv){a->condition, z,    a->condition, use_z,        1, 1, a->mixin_groups,
                       false,        NULL, NULL,         "input_mixin"};
  p->layer1x1 = (NamConv){bn,   a->channels, use,  a->use_channels, 1, 1, a->layer1x1_groups,
                          true, NULL,        NULL, "layer1x1"};
  p->head1x1 = (NamConv){bn,   a->head1x1_out, use,  a->head1x1_out, 1, 1, a->head1x1_groups,
                         true, NULL,           NULL, "head1x1"};
  if (!nam_conv_take(nam, &p->conv) || !nam_conv_take(nam, &p->mixin)) return false;
  if (a->has_layer1x1 && !nam_conv_take(nam, &p->layer1x1)) return false;
  if (a->has_head1x1 && !nam_conv_take(nam, &p->head1x1)) return false;
  const int64_t full[FILMS] = {a->channels, z, a->condition, z, z, bn, a->channels, a->head1x1_out};
  const int64_t used[FILMS] = {a->use_channels, use_z, a->condition,    use_z,
                               use_z,           use,   a->use_channels, a->head1x1_out};
  for (int f = 0; f < FILMS; f++) {
    if (!read_film(nam, a, f, &p->film[f])) return false;
    if (f == FILM_LAYER_POST && p->film[f].active && !a->has_layer1x1)
      return nam_lacks(nam, E903,
                       "train it with an active `layer1x1`, or without `layer1x1_post_film`",
                       "has a `layer1x1_post_film` without a layer1x1");
    if (f == FILM_HEAD_POST && !a->has_head1x1) p->film[f].active = false;
    if (!take_film(nam, a, &p->film[f], f, full[f], used[f])) return false;
  }
  return true;
}

/* Appends a FiLM: v scale + shift, where scale and shift come from the condition c. */
static bool film(Nam *nam, const Film *film, NamFlow c, NamFlow *v) {
  int64_t n = v->width;
  if (!film->active) return true;
  if (!nam_conv(nam, &film->conv, &c)) return false;
  *v = nam_join(nam, LAYER_mul, *v, film->shift ? nam_slice(nam, c, 0, n) : c);
  if (film->shift) *v = nam_join(nam, LAYER_add, *v, nam_slice(nam, c, n, 2 * n));
  return true;
}

/* Appends the activation. Gated, it is a s; blended, a s + v (1 - s), where v is the first half of
 * z, a its activation, and s the second activation of the second half. */
static bool activate(Nam *nam, const LayerParts *p, NamFlow *z) {
  if (p->gating == GATING_NONE) return nam_activate(nam, &p->activation, z);
  NamFlow v = nam_slice(nam, *z, 0, z->width / 2), a = v,
          s = nam_slice(nam, *z, z->width / 2, z->width);
  if (!nam_activate(nam, &p->activation, &a) || !nam_activate(nam, &p->second, &s)) return false;
  *z = nam_join(nam, LAYER_mul, a, s);
  if (p->gating == GATING_BLENDED)
    *z = nam_join(nam, LAYER_add, *z,
                  nam_join(nam, LAYER_mul, v, nam_number(nam, LAYER_sub, s, 1, true)));
  return true;
}

/* Appends a layer. *x becomes the input of the next layer, and *head what this layer adds to the
 * head. */
static bool add_layer(Nam *nam, const Array *a, const LayerParts *p, NamFlow c, NamFlow *x,
                      NamFlow *head) {
  NamFlow z = *x, mixed = c;
  const Film *f = p->film;
  if (!film(nam, &f[FILM_CONV_PRE], c, &z) || !nam_conv(nam, &p->conv, &z) ||
      !film(nam, &f[FILM_CONV_POST], c, &z))
    return false;
  if (!film(nam, &f[FILM_MIXIN_PRE], c, &mixed) || !nam_conv(nam, &p->mixin, &mixed) ||
      !film(nam, &f[FILM_MIXIN_POST], c, &mixed))
    return false;
  z = nam_join(nam, LAYER_add, z, mixed);
  if (!film(nam, &f[FILM_ACTIVATION_PRE], c, &z) || !activate(nam, p, &z) ||
      !film(nam, &f[FILM_ACTIVATION_POST], c, &z))
    return false;
  NamFlow out = z;
  *head = z;
  if (a->has_layer1x1 && p->is_read) {
    if (!nam_conv(nam, &p->layer1x1, &out)) return false;
    if (p->gating == GATING_BLENDED && !film(nam, &f[FILM_LAYER_POST], c, &out)) return false;
    *x = nam_join(nam, LAYER_add, *x, out);
  }
  return !a->has_head1x1 ||
         (nam_conv(nam, &p->head1x1, head) && film(nam, &f[FILM_HEAD_POST], c, head));
}

/* Appends an array. *head: the sum of the heads so far, without a value before the first array. */
static bool add_array(Nam *nam, const Array *a, int index, bool last_array, NamFlow c, NamFlow *x,
                      NamFlow *head) {
  NamConv rechannel = {a->input, a->channels, a->use_input, a->use_channels, 1, 1, 1,
                       false,    NULL,        NULL,         "rechannel"};
  if (c.width != a->condition)
    return nam_refuse(nam, E603, "has a `condition_size` other than the width of its condition");
  if (!nam_conv_take(nam, &rechannel) || !nam_conv(nam, &rechannel, x)) return false;
  for (int64_t i = 0; i < a->layers; i++) {
    LayerParts p;
    NamFlow part;
    if (!take_layer(nam, a, i, &p)) return false;
    p.is_read = !last_array || i + 1 < a->layers;
    p.conv.name =
        arena_printf(nam->audio.arena, "array %d, layer %lld", index + 1, (long long)i + 1);
    if (!add_layer(nam, a, &p, c, x, &part)) return false;
    if (head->value && head->width != part.width)
      return nam_refuse(nam, E603, "has arrays of layers whose heads do not fit each other");
    *head = head->value ? nam_join(nam, LAYER_add, *head, part) : part;
  }
  int64_t in = a->has_head1x1 ? a->head1x1_out : a->bottleneck,
          use_in = a->has_head1x1 ? a->head1x1_out : a->use_bottleneck;
  NamConv last = {in,           a->head, use_in, a->use_head, a->head_kernel, a->head_dilation, 1,
                  a->head_bias, NULL,    NULL,   NULL};
  last.name = arena_printf(nam->audio.arena, "array %d, head", index + 1);
  return nam_conv_take(nam, &last) && nam_conv(nam, &last, head);
}

/* Appends activations and convolutions after the arrays. Their weights come before head_scale in
 * the list, but head_scale multiplies first. */
static bool add_post_head(Nam *nam, json_t *json, NamFlow *flow) {
  NamActivation activation;
  int64_t channels, out;
  json_t *kernels = json_object_get(json, "kernel_sizes");
  int n = (int)json_array_size(kernels);
  const float *scale;
  if (!audio_keys_known(&nam->audio, json,
                        "in_channels channels out_channels kernel_sizes activation", "`head`"))
    return false;
  if (!size(nam, json, "channels", 0, &channels) || !size(nam, json, "out_channels", 0, &out) ||
      !nam_activation_read(nam, json_object_get(json, "activation"), &activation))
    return false;
  if (n < 1 || n > LAYERS_MAX) return nam_refuse(nam, E901, "has a `head` without `kernel_sizes`");
  NamConv *conv = ARENA_ARRAY(nam->audio.arena, NamConv, n);
  int64_t in = flow->width;
  for (int i = 0; i < n; in = conv[i++].out) {
    int64_t filters = i + 1 == n ? out : channels,
            kernel = json_integer_value(json_array_get(kernels, (size_t)i));
    conv[i] = (NamConv){in,
                        filters,
                        in,
                        filters,
                        kernel,
                        1,
                        1,
                        true,
                        NULL,
                        NULL,
                        arena_printf(nam->audio.arena, "head, layer %d", i + 1)};
    if (!nam_conv_take(nam, &conv[i])) return false;
  }
  if (!nam_take(nam, 1, &scale)) return false;
  *flow = nam_number(nam, LAYER_mul, *flow, (double)*scale, false);
  for (int i = 0; i < n; i++)
    if (!nam_activate(nam, &activation, flow) || !nam_conv(nam, &conv[i], flow)) return false;
  return true;
}

bool nam_wavenet(Nam *nam, NamFlow *flow) {
  json_t *layers = json_object_get(nam->config, "layers"),
         *head_json = json_object_get(nam->config, "head");
  json_t *dsp = json_object_get(nam->config, "condition_dsp");
  int n = (int)json_array_size(layers);
  NamFlow c = *flow, head = {0};
  const float *scale;
  if (!audio_keys_known(&nam->audio, nam->config,
                        "layers head head_scale in_channels condition_dsp", nam->origin))
    return false;
  if (n < 1 || n > ARRAYS_MAX) return nam_refuse(nam, E901, "has no `layers`");
  Array *array = ARENA_ARRAY(nam->audio.arena, Array, n);
  if (!read_arrays(nam, layers, array, n)) return false;
  if (dsp && !json_is_null(dsp) && !nam_model(nam, dsp, "`condition_dsp`", &c)) return false;
  for (int i = 0; i < n; i++)
    if (!add_array(nam, &array[i], i, i + 1 == n, c, flow, &head)) return false;
  *flow = head;
  if (head_json && !json_is_null(head_json)) return add_post_head(nam, head_json, flow);
  if (!nam_take(nam, 1, &scale)) return false;
  *flow = nam_number(nam, LAYER_mul, *flow, (double)*scale, false);
  return true;
}
