/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Makes stages of the modules of a PyTorch state dict. PyTorch has weight_ih [G u, d], weight_hh [G
 * u, u] and two biases [G u]. The gates i f g o of an LSTM have the canonical order, and its biases
 * are added up. The gates of a GRU are r z n, where the canonical order is z r n, and it has
 * reset=after. */
#include "import/audio/audio.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The values of a tensor with exactly this shape; NULL after reporting. */
static const float *tensor(Audio *audio, const TorchModule *m, const char *leaf, int rank,
                           const int64_t *dim) {
  const Tensor *t = torch_module_tensor(audio->arena, m, leaf);
  const char *key = arena_printf(audio->arena, "%s%s%s", m->name, *m->name ? "." : "", leaf);
  if (!t) {
    foreign_report(audio->diags, audio->file, E602, "%s has no `%s`", m->origin, key);
    return NULL;
  }
  if (t->rank != rank || memcmp(t->dim, dim, sizeof *dim * (size_t)rank) != 0) {
    Diag *d =
        foreign_report(audio->diags, audio->file, E603, "`%s` does not fit %s", key, m->origin);
    diag_note(d, "it is %s, the layer needs %s",
              t->rank ? dims_str(audio->arena, t->rank, t->dim) : "a single number",
              dims_str(audio->arena, rank, dim));
    if (audio->sizes) diag_note(d, "%s", audio->sizes);
    return NULL;
  }
  float *to = ARENA_ARRAY(audio->arena, float, t->count);
  for (int64_t i = 0; i < t->count; i++) {
    double value = tensor_get(t, i);
    to[i] = value > (double)FLT_MAX    ? INFINITY
            : value < -(double)FLT_MAX ? -INFINITY
                                       : (float)value; /* foreign_finish reports infinities */
  }
  return to;
}

/* Copies the gates of PyTorch to their canonical places. gate: the numbers of one gate. */
static void put_gates(LayerKind kind, const float *from, int64_t gate, float *to) {
  static const int canonical[2][4] = {{0, 1, 2, 3}, {1, 0, 2, 3}};
  int n = kind == LAYER_LSTM ? 4 : 3;
  for (int g = 0; g < n; g++)
    memcpy(to + canonical[kind == LAYER_GRU][g] * gate, from + g * gate, sizeof *to * (size_t)gate);
}

/* Copies the weights of one direction: to[0..3] are kernel, recurrent kernel, bias and recurrent
 * bias. */
static bool put_direction(Audio *audio, const TorchModule *m, LayerKind kind, int64_t u,
                          const char *suffix, float *const to[4]) {
  int64_t g = kind == LAYER_LSTM ? 4 : 3, d = audio->width;
  const char *name[4];
  static const char *const leaf[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
  const float *from[4] = {NULL};
  for (int i = 0; i < (m->bias ? 4 : 2); i++) {
    name[i] = arena_printf(audio->arena, "%s%s", leaf[i], suffix);
    from[i] = tensor(audio, m, name[i], i < 2 ? 2 : 1, (int64_t[]){g * u, i == 0 ? d : u});
    if (!from[i]) return false;
  }
  put_gates(kind, from[0], u * d, to[0]);
  put_gates(kind, from[1], u * u, to[1]);
  if (!m->bias) return true;
  put_gates(kind, from[2], u, to[2]);
  if (to[3]) put_gates(kind, from[3], u, to[3]);
  for (int64_t i = 0; !to[3] && i < g * u; i++)
    to[2][i] += from[3][i];
  return true;
}

static bool one_layer(Audio *audio, const TorchModule *m, LayerKind kind, int64_t u, int k) {
  int64_t g = kind == LAYER_LSTM ? 4 : 3, d = audio->width, dirs = m->both ? 2 : 1;
  Layer *stage = audio_stage(
      audio, kind, m->layers == 1 ? m->name : arena_printf(audio->arena, "%s.l%d", m->name, k),
      m->origin);
  layer_set_size(stage, OPT_units, u);
  if (m->both) layer_set_word(stage, OPT_direction, "both");
  if (kind == LAYER_GRU) layer_set_word(stage, OPT_reset, "after");
  if (!m->bias) layer_set_word(stage, OPT_bias, "false");
  float *to[4] = {
      audio_tensor(audio, stage, ROLE_KERNEL, 4, (int64_t[]){dirs, g, u, d}, "weight_ih"),
      audio_tensor(audio, stage, ROLE_RECURRENT, 4, (int64_t[]){dirs, g, u, u}, "weight_hh"), NULL,
      NULL};
  bool inner = m->bias && kind == LAYER_GRU;
  if (m->bias) to[2] = audio_tensor(audio, stage, ROLE_BIAS, 3, (int64_t[]){dirs, g, u}, "bias_ih");
  if (inner)
    to[3] = audio_tensor(audio, stage, ROLE_RECURRENT_BIAS, 3, (int64_t[]){dirs, g, u}, "bias_hh");
  if (!to[0] || !to[1] || (m->bias && !to[2]) || (inner && !to[3])) return false;
  for (int dir = 0; dir < dirs; dir++) {
    const char *suffix =
        m->cell ? "" : arena_printf(audio->arena, "_l%d%s", k, dir ? "_reverse" : "");
    if (!put_direction(audio, m, kind, u, suffix, to)) return false;
    to[0] += g * u * d;
    to[1] += g * u * u;
    for (int i = 2; i < 4; i++)
      if (to[i]) to[i] += g * u;
  }
  audio->width = u * dirs;
  return true;
}

bool torch_recurrent(Audio *audio, const TorchModule *m, LayerKind kind, int64_t units,
                     int n_layers) {
  bool ok = true;
  for (int k = 0; k < n_layers && ok; k++)
    ok = one_layer(audio, m, kind, units, k);
  return ok;
}

/* Gives a stage the numbers of a tensor of the module; false after reporting. */
static bool give(Audio *audio, const TorchModule *m, Layer *stage, Role role, const char *leaf,
                 int rank, const int64_t *dim) {
  const float *from = tensor(audio, m, leaf, rank, dim);
  float *to = from ? audio_tensor(audio, stage, role, rank, dim, leaf) : NULL;
  size_t n = (size_t)dim[0] * (size_t)(rank == 2 ? dim[1] : 1);
  if (to) memcpy(to, from, sizeof *to * n);
  return to != NULL;
}

bool torch_linear(Audio *audio, const TorchModule *m, int64_t units, bool bias) {
  Layer *stage = audio_stage(audio, LAYER_Dense, m->name, m->origin);
  layer_set_size(stage, OPT_units, units);
  if (!bias) layer_set_word(stage, OPT_bias, "false");
  if (!give(audio, m, stage, ROLE_KERNEL, "weight", 2, (int64_t[]){units, audio->width}))
    return false;
  if (bias && !give(audio, m, stage, ROLE_BIAS, "bias", 1, &units)) return false;
  audio->width = units;
  return true;
}

bool torch_embedding(Audio *audio, const TorchModule *m) {
  Layer *stage = audio_stage(audio, LAYER_Embedding, m->name, m->origin);
  layer_set_size(stage, OPT_units, m->out);
  audio->width = m->out;
  return give(audio, m, stage, ROLE_TABLE, "weight", 2, (int64_t[]){m->in, m->out});
}

bool torch_norm(Audio *audio, const TorchModule *m) {
  bool batch = m->kind == TORCH_BATCH_NORM,
       affine = torch_module_tensor(audio->arena, m, "weight") != NULL;
  Layer *stage = audio_stage(audio, batch ? LAYER_BatchNorm : LAYER_LayerNorm, m->name, m->origin);
  layer_set_number(stage, OPT_eps, 1e-5);
  if (!affine) layer_set_word(stage, OPT_scale, "false");
  if (!affine) layer_set_word(stage, OPT_center, "false");
  if (affine && (!give(audio, m, stage, ROLE_SCALE, "weight", 1, &audio->width) ||
                 !give(audio, m, stage, ROLE_CENTER, "bias", 1, &audio->width)))
    return false;
  if (!batch) return true;
  return give(audio, m, stage, ROLE_MEAN, "running_mean", 1, &audio->width) &&
         give(audio, m, stage, ROLE_VARIANCE, "running_var", 1, &audio->width);
}

/* The weight of PyTorch is [f, d / groups, k], the canonical kernel [f, k, d / groups]. */
bool torch_conv(Audio *audio, const TorchModule *m, const TorchConv *conv) {
  int64_t f = m->out, d = m->in, k = m->kernel;
  Layer *stage = audio_stage(audio, LAYER_Conv1D, m->name, m->origin);
  layer_set_size(stage, OPT_filters, f);
  layer_set_size(stage, OPT_kernel, k);
  layer_set_size(stage, OPT_stride, conv->stride);
  layer_set_size(stage, OPT_dilation, conv->dilation);
  layer_set_size(stage, OPT_groups, conv->groups);
  layer_set_word(stage, OPT_padding, "valid");
  if (!m->bias) layer_set_word(stage, OPT_bias, "false");
  const float *w = tensor(audio, m, "weight", 3, (int64_t[]){f, d, k});
  float *kernel =
      w ? audio_tensor(audio, stage, ROLE_KERNEL, 3, (int64_t[]){f, k, d}, "weight") : NULL;
  if (!kernel || (m->bias && !give(audio, m, stage, ROLE_BIAS, "bias", 1, &f))) return false;
  for (int64_t n = 0; n < f * d * k; n++)
    kernel[n / (d * k) * d * k + n % k * d + n / k % d] = w[n];
  audio->width = f;
  return true;
}
