/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ConvNet and Linear of Neural Amp Modeler. A ConvNet has convolutions of two taps, each with a
 * norm or a bias and an activation, then a Dense. A Linear is one long filter, whose first number
 * multiplies the newest sample. */
#include "import/audio/nam.h"

#include <math.h>

enum { LAYERS_MAX = 1024 };

static int64_t channels(Nam *nam, const char *key) {
  return json_object_get(nam->config, key)
             ? audio_size(&nam->audio, nam->config, key, 1, nam->origin)
             : 1;
}

static bool flag(Nam *nam, const char *key, bool *out) {
  const json_t *value = json_object_get(nam->config, key);
  *out = json_is_true(value);
  Arena *arena = nam->audio.arena;
  return json_is_boolean(value) ||
         nam_lacks(nam, value ? E901 : E904,
                   arena_printf(arena,
                                "add it to `config` as the model was trained: `\"%s\": false`, "
                                "or true",
                                key),
                   arena_printf(arena, "does not say `%s`, true or false", key));
}

/* Appends a norm. Its weights are mean, variance, scale and center of each channel, then eps. */
static bool add_norm(Nam *nam, NamFlow *flow) {
  static const Role roles[] = {ROLE_MEAN, ROLE_VARIANCE, ROLE_SCALE, ROLE_CENTER};
  const float *from[4], *eps;
  Layer *layer = model_layer(nam->audio.foreign->model, LAYER_BatchNorm, 1, &flow->value);
  double *rest = ARENA_ARRAY(nam->audio.arena, double, flow->width);
  layer->origin = "batchnorm";
  for (int i = 0; i < 4; i++) {
    float *to = audio_tensor(&nam->audio, layer, roles[i], 1, &flow->width, "batchnorm");
    if (!to || !nam_take(nam, flow->width, &from[i])) return false;
    for (int64_t k = 0; k < flow->width; k++)
      to[k] = from[i][k];
  }
  if (!nam_take(nam, 1, &eps)) return false;
  if (!(*eps >= 0)) return nam_refuse(nam, E901, "has a norm whose eps is below 0");
  layer_set_number(layer, OPT_eps, (double)*eps);
  for (int64_t k = 0; k < flow->width; k++)
    rest[k] = (double)from[2][k] * (flow->rest[k] - (double)from[0][k]) /
                  sqrt((double)from[1][k] + (double)*eps) +
              (double)from[3][k];
  *flow = (NamFlow){layer->out[0], flow->width, rest};
  return true;
}

bool nam_convnet(Nam *nam, NamFlow *flow) {
  static const char known[] =
      "channels dilations batchnorm activation groups in_channels out_channels";
  json_t *dilations = json_object_get(nam->config, "dilations");
  int64_t n = (int64_t)json_array_size(dilations), width, out = channels(nam, "out_channels"),
          groups = channels(nam, "groups");
  bool norm;
  NamActivation activation;
  if (!audio_keys_known(&nam->audio, nam->config, known, nam->origin) || out < 1 || groups < 1)
    return false;
  width = audio_size(&nam->audio, nam->config, "channels", 1, nam->origin);
  if (width < 1 || !flag(nam, "batchnorm", &norm) ||
      !nam_activation_read(nam, json_object_get(nam->config, "activation"), &activation))
    return false;
  if (n < 1 || n > LAYERS_MAX) return nam_refuse(nam, E901, "has no `dilations`");
  for (int64_t i = 0; i < n; i++) {
    int64_t dilation = json_integer_value(json_array_get(dilations, (size_t)i));
    if (dilation < 1 || dilation > INT32_MAX)
      return nam_refuse(nam, E901, "has a dilation that is not at least 1");
    NamConv conv = {flow->width, width, flow->width, width, 2,   dilation,
                    groups,      !norm, NULL,        NULL,  NULL};
    conv.name = arena_printf(nam->audio.arena, "block %lld", (long long)i + 1);
    if (!nam_conv_take(nam, &conv) || !nam_conv(nam, &conv, flow)) return false;
    if ((norm && !add_norm(nam, flow)) || !nam_activate(nam, &activation, flow)) return false;
  }
  NamConv head = {width, out, width, out, 1, 1, 1, true, NULL, NULL, "the head"};
  return nam_conv_take(nam, &head) && nam_conv(nam, &head, flow);
}

bool nam_linear(Nam *nam, NamFlow *flow) {
  static const char known[] = "receptive_field bias in_channels out_channels implementation";
  int64_t n = audio_size(&nam->audio, nam->config, "receptive_field", 1, nam->origin);
  bool bias;
  const float *taps;
  if (n < 1 || !audio_keys_known(&nam->audio, nam->config, known, nam->origin) ||
      !flag(nam, "bias", &bias))
    return false;
  if (flow->width != 1 || channels(nam, "out_channels") != 1)
    return nam_lacks(nam, E903, "use a Linear of one channel, or a ConvNet",
                     "is a Linear with more than one channel");
  NamConv conv = {1, 1, 1, 1, n, 1, 1, bias, NULL, NULL, "the filter"};
  if (!nam_take(nam, n, &taps) || !nam_take(nam, bias, &conv.bias)) return false;
  float *turned = ARENA_ARRAY(nam->audio.arena, float, n);
  for (int64_t i = 0; i < n; i++)
    turned[i] = taps[n - 1 - i];
  conv.weight = turned;
  return nam_conv(nam, &conv, flow);
}
