/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ranges of values from runs of the evaluator; see observe.h. */
#include "model/quant/observe.h"

#include "model/bind/weights.h"
#include "model/quant/quant.h"

#include <math.h>
#include <string.h>

/* Widens one range to n numbers; false if one of them is not finite. */
static bool observe(Arena *arena, Ranges *ranges, const char *name, const double *x, int64_t n) {
  double low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) return false;
    low = fmin(low, x[i]);
    high = fmax(high, x[i]);
  }
  if (n > 0) ranges_widen(arena, ranges, name, low, high);
  return true;
}

static bool observe_value(Arena *arena, const EvalRun *run, const Value *v, Ranges *ranges) {
  const EvalTensor *t = &run->value[v->id];
  bool ok = true;
  if (v->type.elem == ELEM_F32)
    ok = observe(arena, ranges, quant_value_name(v), t->data, t->steps * type_step_size(&v->type));
  return ok;
}

const char *ranges_observe(Arena *arena, const Model *model, const EvalRun *run, Ranges *ranges) {
  for (int i = 0; i < model->n_in; i++)
    if (!observe_value(arena, run, model->in[i]->value, ranges)) return model->in[i]->name;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (!observe_value(arena, run, layer->out[0], ranges)) return layer->path;
    if (layer->kind != LAYER_LSTM) continue;
    const char *name = arena_printf(arena, "%s.c", layer->path);
    int64_t n = run->cell[i].steps * type_step_size(&layer->out[0]->type);
    if (!observe(arena, ranges, name, run->cell[i].data, n)) return name;
  }
  return NULL;
}

void weights_digest_add(Sha256 *sha, const Layer *layer) {
  ParamShape shape[LAYER_MAX_PARAMS];
  for (int k = 0, n = layer_params(layer, shape); k < n && layer->weights; k++) {
    const float *w = layer->weights->role[shape[k].role];
    sha256_add(sha, layer->path, strlen(layer->path) + 1);
    enum { AT_ONCE = 256 };
    uint8_t bytes[4 * AT_ONCE];
    int64_t n_bytes = 0;
    for (int64_t j = 0, m = param_count(&shape[k]); w && j < m; j++) {
      uint32_t bits;
      memcpy(&bits, &w[j], sizeof bits);
      for (int b = 0; b < 4; b++)
        bytes[n_bytes++] = (uint8_t)(bits >> 8 * b);
      if (n_bytes < (int64_t)sizeof bytes && j + 1 < m) continue;
      sha256_add(sha, bytes, (size_t)n_bytes);
      n_bytes = 0;
    }
  }
}

const char *weights_digest_end(Arena *arena, Sha256 *sha) {
  char *digits = arena_alloc(arena, SHA256_DIGITS + 1);
  sha256_finish(sha, digits);
  return digits;
}

const char *weights_digest(Arena *arena, const Model *model) {
  Sha256 sha = sha256_new();
  for (int i = 0; i < model->n_layers; i++)
    weights_digest_add(&sha, model->layer[i]);
  return weights_digest_end(arena, &sha);
}
