/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules of a PyTorch state dict in the canonical layout. In PyTorch weight_ih [G u, d], weight_hh
 * [G u, u], two biases [G u]. LSTM's gates i f g o are canonical, its biases are added to each other;
 * GRU's are r z n (canonical: z r n), and its reset comes after the product. */
#include "import/audio/audio.h"

#include <string.h>

static const char *key_of(Audio *audio, const TorchModule *m, const char *leaf, int layer) {
  return layer < 0 ? arena_printf(audio->arena, "%s%s", m->prefix, leaf)
                   : arena_printf(audio->arena, "%s%s_l%d", m->prefix, leaf, layer);
}

static const float *tensor(Audio *audio, const TorchModule *m, const char *key, int rank, const int64_t *dim, size_t *used) {
  const float *data = audio_array(audio, json_object_get(m->dict, key), key, m->origin, rank, dim);
  if (data) ++*used;
  return data;
}

static void put_gates(LayerKind kind, const float *from, int64_t gate, float *to) {
  static const int canonical[2][4] = {{0, 1, 2, 3}, {1, 0, 2, 3}};
  int n = kind == LAYER_LSTM ? 4 : 3;
  for (int g = 0; g < n; g++)
    memcpy(to + canonical[kind == LAYER_GRU][g] * gate, from + g * gate, sizeof *to * (size_t)gate);
}

static bool one_layer(Audio *audio, const TorchModule *m, LayerKind kind, int64_t u, int k, size_t *used) {
  int64_t g = kind == LAYER_LSTM ? 4 : 3, d = audio->width;
  const char *ih = key_of(audio, m, "weight_ih", k), *hh = key_of(audio, m, "weight_hh", k);
  const char *b1 = key_of(audio, m, "bias_ih", k), *b2 = key_of(audio, m, "bias_hh", k);
  bool bias = json_object_get(m->dict, b1) || json_object_get(m->dict, b2);
  const float *w = tensor(audio, m, ih, 2, (int64_t[]){g * u, d}, used);
  const float *r = w ? tensor(audio, m, hh, 2, (int64_t[]){g * u, u}, used) : NULL;
  const float *first = r && bias ? tensor(audio, m, b1, 1, (int64_t[]){g * u}, used) : NULL;
  const float *second = first ? tensor(audio, m, b2, 1, (int64_t[]){g * u}, used) : NULL;
  if (!r || (bias && !second)) return false;
  Layer *stage = audio_stage(audio, kind, arena_printf(audio->arena, "%sl%d", m->prefix, k), m->origin);
  layer_set_size(stage, OPT_units, u);
  if (kind == LAYER_GRU) layer_set_word(stage, OPT_reset, "after");
  if (!bias) layer_set_word(stage, OPT_bias, "false");
  float *kernel = audio_tensor(audio, stage, ROLE_KERNEL, 4, (int64_t[]){1, g, u, d}, ih);
  float *recurrent = audio_tensor(audio, stage, ROLE_RECURRENT, 4, (int64_t[]){1, g, u, u}, hh);
  float *sum = bias ? audio_tensor(audio, stage, ROLE_BIAS, 3, (int64_t[]){1, g, u}, b1) : NULL;
  float *inner = bias && kind == LAYER_GRU ? audio_tensor(audio, stage, ROLE_RECURRENT_BIAS, 3, (int64_t[]){1, g, u}, b2) : NULL;
  if (!kernel || !recurrent || (bias && !sum)) return false;
  put_gates(kind, w, u * d, kernel);
  put_gates(kind, r, u * u, recurrent);
  if (sum) put_gates(kind, first, u, sum);
  if (inner) put_gates(kind, second, u, inner);
  else if (sum)
    for (int64_t i = 0; i < g * u; i++)
      sum[i] += second[i];
  audio->width = u;
  return true;
}

bool torch_recurrent(Audio *audio, const TorchModule *module, LayerKind kind, int64_t units, int n_layers, size_t *used) {
  bool ok = true;
  for (int k = 0; k < n_layers && ok; k++)
    ok = one_layer(audio, module, kind, units, k, used);
  return ok;
}

bool torch_linear(Audio *audio, const TorchModule *m, int64_t units, bool bias, size_t *used) {
  const char *weight = key_of(audio, m, "weight", -1), *b = key_of(audio, m, "bias", -1);
  int64_t dim[] = {units, audio->width};
  const float *w = tensor(audio, m, weight, 2, dim, used), *c = w && bias ? tensor(audio, m, b, 1, dim, used) : NULL;
  if (!w || (bias && !c)) return false;
  Layer *stage = audio_stage(audio, LAYER_Dense, arena_strndup(audio->arena, m->prefix, strcspn(m->prefix, ".")), m->origin);
  layer_set_size(stage, OPT_units, units);
  if (!bias) layer_set_word(stage, OPT_bias, "false");
  float *kernel = audio_tensor(audio, stage, ROLE_KERNEL, 2, dim, weight);
  float *to = bias ? audio_tensor(audio, stage, ROLE_BIAS, 1, dim, b) : NULL;
  if (!kernel || (bias && !to)) return false;
  memcpy(kernel, w, sizeof *w * (size_t)(units * audio->width));
  if (to) memcpy(to, c, sizeof *c * (size_t)units);
  audio->width = units;
  return true;
}
