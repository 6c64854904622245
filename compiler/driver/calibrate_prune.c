/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate --prune of a model without integers. In: the model and its data. Out: weights in
 * f32 with blocks of zeros, and a file of them that binds to the same model. */
#include "driver/calibrate.h"

#include "export/export.h"
#include "model/quant/prune_float.h"

#include <math.h>
#include <string.h>

static const int64_t FLOAT_BYTES = 4;

static bool report_short(Calibrate *c, const Layer *layer, int64_t steps, int64_t needed) {
  session_error(c->s, CALIBRATE_TOO_SHORT, (long long)steps, layer->path, (long long)needed);
  return false;
}

bool calibrate_prune_floats(Calibrate *c) {
  Model *model = c->model;
  LayerWeights **pruned = ARENA_ARRAY(c->s->arena, LayerWeights *, model->n_layers + 1);
  RoundData data = calibrate_looked_at(c, c->s->options->prune);
  double noise = 0;
  c->judged = ARENA_ARRAY(c->s->arena, Judged, model->n_layers + 1);
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    if (!prune_float_takes(layer)) continue;
    Judged *j = &c->judged[c->n++];
    *j = (Judged){.layer = layer, .precision = layer_precision(model, layer)};
    Verdict *v = &j->in[j->precision];
    *v = (Verdict){.there = true, .prunes = true, .bytes = FLOAT_BYTES * layer_param_count(layer)};
    LayerWeights *own = layer->weights;
    pruned[i] = ARENA_NEW(c->s->arena, LayerWeights);
    if (!prune_float(c->s->arena, layer, &data, pruned[i], &v->blocks, &v->steps, &v->needed))
      return report_short(c, layer, v->steps, v->needed);
    layer->weights = pruned[i];
    v->pruned = calibration_snr(c->s, model, &c->data, true);
    layer->weights = own;
    noise += pow(10, -v->pruned / 10);
  }
  for (int i = 0; i < model->n_layers; i++)
    if (pruned[i]) model->layer[i]->weights = pruned[i];
  c->measured = calibration_snr(c->s, model, &c->data, true);
  c->predicted = noise > 0 ? -10 * log10(noise) : c->measured;
  return true;
}

/* ---- the file ---- */

/* The weights by layer, before the file is bound again. */
static LayerWeights *weights_kept(const Calibrate *c) {
  LayerWeights *kept = ARENA_ARRAY(c->s->arena, LayerWeights, c->model->n_layers + 1);
  for (int i = 0; i < c->model->n_layers; i++)
    if (c->model->layer[i]->weights) kept[i] = *c->model->layer[i]->weights;
  return kept;
}

static bool same_weights(const Layer *layer, const LayerWeights *other) {
  ParamShape param[LAYER_MAX_PARAMS];
  int n = layer_params(layer, param);
  for (int i = 0; i < n; i++) {
    const float *a = layer->weights->role[param[i].role], *b = other->role[param[i].role];
    if (!a != !b) return false;
    if (a && memcmp(a, b, (size_t)param_count(&param[i]) * sizeof *a) != 0) return false;
  }
  return true;
}

/* The file gives these weights to the model. It does not where two stages name the same tensors, or
 * where a name in `from` is of one tensor. */
static bool binds_again(Calibrate *c, TensorFile *file) {
  const LayerWeights *kept = weights_kept(c);
  Diags *aside = diags_new(c->s->arena, &c->s->sources);
  bool same = model_bind(c->model, file, aside);
  for (int i = 0; i < c->model->n_layers && same; i++)
    same = !c->model->layer[i]->weights || same_weights(c->model->layer[i], &kept[i]);
  if (!same)
    session_error(c->s,
                  "grus cannot write the pruned weights of `%s`: two stages share tensors, or "
                  "`from` lists them one by one",
                  c->model->name);
  return same;
}

ExitCode calibrate_write_floats(Calibrate *c, const char *path) {
  Session *s = c->s;
  Text bytes = text_new(s->arena);
  Model *model = c->model;
  const char *failed, *reason;
  if (model->weights.convention == CONVENTION_NONE)
    model->weights.convention = model_unbind_convention(model);
  TensorFile *file = model_unbind(model, model->weights.convention, path);
  if (!binds_again(c, file)) return EXIT_MODEL;
  safetensors_write(&bytes, file);
  FileOut out = {.path = path, .data = bytes.s, .len = bytes.len};
  if (!files_write(s->arena, &out, 1, &failed, &reason)) {
    session_file_error(s, failed, "write", reason);
    return EXIT_FILE;
  }
  session_say(s, "%s written: `weights %s \"%s\"` in the model reads it", path,
              convention_word[model->weights.convention], file_base(path));
  return EXIT_DONE;
}
