/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Activations of Neural Amp Modeler: reads them from JSON, makes stages of them, and computes them
 * in double for the values after silence. */
#include "import/audio/nam.h"

#include <math.h>
#include <string.h>

static const struct {
  const char *name;
  NamShape shape;
} names[] = {{"Tanh", NAM_TANH},
             {"Hardtanh", NAM_HARD_TANH},
             {"ReLU", NAM_RELU},
             {"LeakyReLU", NAM_LEAKY_RELU},
             {"PReLU", NAM_PRELU},
             {"Sigmoid", NAM_SIGMOID},
             {"SiLU", NAM_SILU},
             {"Hardswish", NAM_HARD_SWISH},
             {"LeakyHardtanh", NAM_LEAKY_HARD_TANH},
             {"LeakyHardTanh", NAM_LEAKY_HARD_TANH},
             {"Softsign", NAM_SOFTSIGN}};

static bool number(Nam *nam, const json_t *object, const char *key, double if_absent, double *out) {
  const json_t *value = json_object_get(object, key);
  *out = value ? json_number_value(value) : if_absent;
  return !value || json_is_number(value) ||
         nam_refuse(nam, E901,
                    arena_printf(nam->audio.arena, "has a `%s` that is not a number", key));
}

static bool read_slopes(Nam *nam, const json_t *object, NamActivation *out) {
  const json_t *list = json_object_get(object, "negative_slopes");
  if (!number(nam, object, "negative_slope", 0.01, &out->low_slope)) return false;
  if (!list || json_object_get(object, "negative_slope")) {
    out->shape = NAM_LEAKY_RELU;
    return true;
  }
  out->n_slopes = (int64_t)json_array_size(list);
  out->slopes = audio_array(&nam->audio, list, "negative_slopes", nam->origin, 1, &out->n_slopes);
  return out->slopes && (out->n_slopes || nam_refuse(nam, E901, "has a PReLU without slopes"));
}

bool nam_activation_read(Nam *nam, const json_t *value, NamActivation *out) {
  static const char known[] =
      "type negative_slope negative_slopes min_val max_val min_slope max_slope";
  const json_t *object = json_is_object(value) ? value : NULL;
  const char *name = json_string_value(object ? json_object_get(object, "type") : value);
  size_t i = 0, n = sizeof names / sizeof *names;
  *out = (NamActivation){0};
  while (name && i < n && strcmp(names[i].name, name) != 0)
    i++;
  if (!name || i == n) {
    Diag *d = foreign_report(nam->audio.diags, nam->audio.file, E902,
                             "%s has the activation `%.40s`, which is not supported", nam->origin,
                             name ? name : "?");
    diag_fix(
        d, FIX_MAYBE,
        "train it with one of Tanh, Hardtanh, ReLU, LeakyReLU, PReLU, Sigmoid, SiLU, Hardswish, "
        "LeakyHardtanh, Softsign");
    return false;
  }
  out->shape = names[i].shape;
  if (object && !audio_keys_known(&nam->audio, (json_t *)(uintptr_t)object, known, "an activation"))
    return false;
  if (out->shape == NAM_LEAKY_RELU)
    return number(nam, object, "negative_slope", 0.01, &out->low_slope);
  if (out->shape == NAM_PRELU) return read_slopes(nam, object, out);
  if (out->shape != NAM_LEAKY_HARD_TANH) return true;
  if (!number(nam, object, "min_val", -1, &out->low) ||
      !number(nam, object, "max_val", 1, &out->high))
    return false;
  if (!number(nam, object, "min_slope", 0.01, &out->low_slope) ||
      !number(nam, object, "max_slope", 0.01, &out->high_slope))
    return false;
  return out->low <= out->high || nam_lacks(nam, E903, "make `min_val` the smaller of both bounds",
                                            "has a LeakyHardtanh whose bounds cross");
}

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

static double clip(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

static double apply(const NamActivation *a, double x, int64_t channel) {
  switch (a->shape) {
  case NAM_TANH: return tanh(x);
  case NAM_HARD_TANH: return clip(x, -1, 1);
  case NAM_RELU: return x > 0 ? x : 0;
  case NAM_LEAKY_RELU: return x > 0 ? x : a->low_slope * x;
  case NAM_PRELU: return x > 0 ? x : (double)a->slopes[channel] * x;
  case NAM_SIGMOID: return sigmoid(x);
  case NAM_SILU: return x * sigmoid(x);
  case NAM_HARD_SWISH: return x * clip(x + 3, 0, 6) / 6;
  case NAM_LEAKY_HARD_TANH:
    return clip(x, a->low, a->high) + a->low_slope * (x < a->low ? x - a->low : 0) +
           a->high_slope * (x > a->high ? x - a->high : 0);
  case NAM_SOFTSIGN: return x / (1 + fabs(x));
  }
  return x;
}

/* Appends a stage. The caller sets the value after silence. */
static NamFlow plain(Nam *nam, LayerKind kind, NamFlow x) {
  Layer *layer = model_layer(nam->audio.foreign->model, kind, 1, &x.value);
  return (NamFlow){layer->out[0], x.width, x.rest};
}

/* clip(x), plus on each side the slope times the part of x beyond the bound. */
static NamFlow leaky_hard_tanh(Nam *nam, const NamActivation *a, NamFlow x) {
  NamFlow y = plain(nam, LAYER_clip, x);
  layer_set_number(y.value->layer, OPT_low, a->low);
  layer_set_number(y.value->layer, OPT_high, a->high);
  if (fabs(a->low_slope) > 0) {
    NamFlow below = plain(nam, LAYER_relu, nam_number(nam, LAYER_sub, x, a->low, true));
    y = nam_join(nam, LAYER_add, y, nam_number(nam, LAYER_mul, below, -a->low_slope, false));
  }
  if (fabs(a->high_slope) > 0) {
    NamFlow above = plain(nam, LAYER_relu, nam_number(nam, LAYER_sub, x, a->high, false));
    y = nam_join(nam, LAYER_add, y, nam_number(nam, LAYER_mul, above, a->high_slope, false));
  }
  return y;
}

static bool build(Nam *nam, const NamActivation *a, NamFlow *x) {
  switch (a->shape) {
  case NAM_TANH: *x = plain(nam, LAYER_tanh, *x); return true;
  case NAM_HARD_TANH: *x = plain(nam, LAYER_hard_tanh, *x); return true;
  case NAM_RELU: *x = plain(nam, LAYER_relu, *x); return true;
  case NAM_LEAKY_RELU:
    *x = plain(nam, LAYER_leaky_relu, *x);
    layer_set_number(x->value->layer, OPT_slope, a->low_slope);
    return true;
  case NAM_PRELU: {
    *x = plain(nam, LAYER_prelu, *x);
    float *to =
        audio_tensor(&nam->audio, x->value->layer, ROLE_SLOPE, 1, &x->width, "negative_slopes");
    if (to) memcpy(to, a->slopes, sizeof *to * (size_t)x->width);
    return to != NULL;
  }
  case NAM_SIGMOID: *x = plain(nam, LAYER_sigmoid, *x); return true;
  case NAM_SILU: *x = nam_join(nam, LAYER_mul, *x, plain(nam, LAYER_sigmoid, *x)); return true;
  case NAM_HARD_SWISH:
    *x = nam_join(nam, LAYER_mul, *x, plain(nam, LAYER_hard_sigmoid, *x));
    return true;
  case NAM_LEAKY_HARD_TANH: *x = leaky_hard_tanh(nam, a, *x); return true;
  case NAM_SOFTSIGN: *x = plain(nam, LAYER_softsign, *x); return true;
  }
  return false;
}

bool nam_activate(Nam *nam, const NamActivation *a, NamFlow *flow) {
  double *rest = ARENA_ARRAY(nam->audio.arena, double, flow->width);
  if (a->shape == NAM_PRELU && a->n_slopes != flow->width)
    return nam_refuse(nam, E603, "has a PReLU with another number of slopes than channels");
  for (int64_t i = 0; i < flow->width; i++)
    rest[i] = apply(a, flow->rest[i], i);
  if (!build(nam, a, flow)) return false;
  flow->rest = rest;
  return true;
}
