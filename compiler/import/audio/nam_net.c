/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Makes stages of the parts of a Neural Amp Modeler network. Its engine plays silence into a model
 * before the first sample, for as long as the model looks back. So every convolution begins after a
 * past of equal steps, which becomes its `initial_x`. Each NamFlow has the value and the step that
 * it is after silence. */
#include "import/audio/nam.h"

#include <math.h>
#include <string.h>

bool nam_refuse(Nam *nam, DiagCode code, const char *what) {
  foreign_report(nam->audio.diags, nam->audio.file, code, "%s %s", nam->origin, what);
  return false;
}

bool nam_lacks(Nam *nam, DiagCode code, const char *help, const char *what) {
  return foreign_lacks(nam->audio.diags, nam->audio.file, code, help, "%s %s", nam->origin, what);
}

/* E603: the layers need other than the numbers that are there. how: "" or "more than ". */
static bool report_numbers(Nam *nam, const char *how) {
  Diag *d = foreign_report(nam->audio.diags, nam->audio.file, E603,
                           "`weights` does not fit %s: it has %lld numbers", nam->origin,
                           (long long)nam->n);
  diag_note(d, "its layers need %s%lld", how, (long long)nam->taken);
  return false;
}

bool nam_take(Nam *nam, int64_t n, const float **out) {
  if (n < 0 || n > nam->n - nam->taken) return report_numbers(nam, "more than ");
  *out = nam->weights + nam->taken;
  nam->taken += n;
  return true;
}

bool nam_all_taken(Nam *nam) {
  return nam->taken == nam->n || report_numbers(nam, "");
}

/* The first `out` rows and `in` columns of [full_out, full_in, kernel]. */
static const float *cut(Nam *nam, const NamConv *conv, const float *from) {
  float *to = ARENA_ARRAY(nam->audio.arena, float, conv->out * conv->in * conv->kernel);
  int64_t row = conv->in * conv->kernel;
  for (int64_t i = 0; i < conv->out; i++)
    memcpy(to + i * row, from + i * conv->full_in * conv->kernel, sizeof *to * (size_t)row);
  return to;
}

bool nam_conv_take(Nam *nam, NamConv *conv) {
  int64_t n;
  if (conv->groups < 1 || conv->full_in % conv->groups || conv->full_out % conv->groups ||
      conv->kernel < 1 || conv->dilation < 1)
    return nam_lacks(nam, E903,
                     "train it with groups that divide the channels on both sides, and with a "
                     "kernel and a dilation of at least 1",
                     arena_printf(nam->audio.arena,
                                  "has a convolution `%s` whose groups do not divide its channels",
                                  conv->name));
  bool fits =
      size_mul(conv->full_in / conv->groups, conv->full_out, &n) && size_mul(n, conv->kernel, &n);
  if (!nam_take(nam, fits ? n : -1, &conv->weight) ||
      !nam_take(nam, conv->has_bias ? conv->full_out : 0, &conv->bias))
    return false;
  if (conv->in != conv->full_in || conv->out != conv->full_out)
    conv->weight = cut(nam, conv, conv->weight);
  return true;
}

static bool is_silent(const NamFlow *flow) {
  for (int64_t i = 0; i < flow->width; i++)
    if (fabs(flow->rest[i]) > 0) return false;
  return true;
}

/* The result of a convolution if every step is x: y[f] = b[f] + sum over j, k of W[f, j, k] x[j].
 */
static const double *conv_rest(Nam *nam, const NamConv *conv, const double *x) {
  double *y = ARENA_ARRAY(nam->audio.arena, double, conv->out);
  int64_t depth = conv->in / conv->groups, rows = conv->out / conv->groups;
  for (int64_t f = 0; f < conv->out; f++) {
    y[f] = conv->has_bias ? (double)conv->bias[f] : 0;
    for (int64_t j = 0; j < depth; j++)
      for (int64_t k = 0; k < conv->kernel; k++)
        y[f] += (double)conv->weight[(f * depth + j) * conv->kernel + k] * x[f / rows * depth + j];
  }
  return y;
}

static Layer *stage(Nam *nam, LayerKind kind, int n, Value *const *in, const char *name) {
  Layer *layer = model_layer(nam->audio.foreign->model, kind, n, in);
  layer->origin = name;
  return layer;
}

/* Gives a convolution its past as `initial_x`. */
static bool give_past(Nam *nam, Layer *layer, const NamFlow *flow) {
  layer_set_word(layer, OPT_init, "learned");
  float *to = audio_tensor(&nam->audio, layer, ROLE_INITIAL_X, 1, &flow->width, "silence");
  for (int64_t i = 0; to && i < flow->width; i++)
    to[i] = (float)flow->rest[i];
  return to != NULL;
}

bool nam_conv(Nam *nam, const NamConv *conv, NamFlow *flow) {
  Audio *a = &nam->audio;
  int64_t depth = conv->in / conv->groups;
  bool dense = conv->kernel == 1 && conv->groups == 1;
  if (flow->width != conv->in)
    return nam_lacks(
        nam, E903,
        arena_printf(a->arena, "correct the channels in `config`: it reads %lld, and gets %lld",
                     (long long)conv->in, (long long)flow->width),
        arena_printf(a->arena, "has sizes that do not fit each other at `%s`", conv->name));
  Layer *layer = stage(nam, dense ? LAYER_Dense : LAYER_Conv1D, 1, &flow->value, conv->name);
  layer_set_size(layer, dense ? OPT_units : OPT_filters, conv->out);
  if (!dense) {
    layer_set_size(layer, OPT_kernel, conv->kernel);
    layer_set_size(layer, OPT_dilation, conv->dilation);
    layer_set_size(layer, OPT_groups, conv->groups);
    layer_set_word(layer, OPT_padding, "causal");
  }
  if (!conv->has_bias) layer_set_word(layer, OPT_bias, "false");
  float *w = dense
                 ? audio_tensor(a, layer, ROLE_KERNEL, 2, (int64_t[]){conv->out, depth}, conv->name)
                 : audio_tensor(a, layer, ROLE_KERNEL, 3,
                                (int64_t[]){conv->out, conv->kernel, depth}, conv->name);
  float *b =
      conv->has_bias && w ? audio_tensor(a, layer, ROLE_BIAS, 1, &conv->out, conv->name) : NULL;
  if (!w || (conv->has_bias && !b)) return false;
  for (int64_t i = 0; i < conv->out * depth * conv->kernel;
       i++) { /* [out, depth, kernel] to [out, kernel, depth] */
    int64_t f = i / (depth * conv->kernel), j = i / conv->kernel % depth, k = i % conv->kernel;
    w[(f * conv->kernel + k) * depth + j] = conv->weight[i];
  }
  if (b) memcpy(b, conv->bias, sizeof *b * (size_t)conv->out);
  if (conv->kernel > 1 && !is_silent(flow) && !give_past(nam, layer, flow)) return false;
  flow->rest = conv_rest(nam, conv, flow->rest);
  flow->value = layer->out[0];
  flow->width = conv->out;
  return true;
}

NamFlow nam_join(Nam *nam, LayerKind kind, NamFlow a, NamFlow b) {
  Value *both[] = {a.value, b.value};
  double *rest = ARENA_ARRAY(nam->audio.arena, double, a.width);
  for (int64_t i = 0; i < a.width; i++)
    rest[i] = kind == LAYER_mul ? a.rest[i] * b.rest[i] : a.rest[i] + b.rest[i];
  return (NamFlow){stage(nam, kind, 2, both, NULL)->out[0], a.width, rest};
}

NamFlow nam_number(Nam *nam, LayerKind kind, NamFlow v, double number, bool swapped) {
  Layer *layer = stage(nam, kind, 1, &v.value, NULL);
  double *rest = ARENA_ARRAY(nam->audio.arena, double, v.width);
  layer_set_number(layer, OPT_value, number);
  if (swapped) layer_set_word(layer, OPT_swapped, "true");
  for (int64_t i = 0; i < v.width; i++)
    rest[i] = kind == LAYER_mul ? v.rest[i] * number
              : swapped         ? number - v.rest[i]
                                : v.rest[i] - number;
  return (NamFlow){layer->out[0], v.width, rest};
}

NamFlow nam_slice(Nam *nam, NamFlow v, int64_t begin, int64_t end) {
  Layer *layer = stage(nam, LAYER_slice, 1, &v.value, NULL);
  layer_set_size(layer, OPT_begin, begin);
  layer_set_size(layer, OPT_end, end);
  return (NamFlow){layer->out[0], end - begin, v.rest + begin};
}
