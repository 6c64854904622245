/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types behind an error, for editors. In: a model after the walk, with values that nothing is known
 * of because something before them was reported. Out: those whose type can be told as if that had
 * not been have it; they stay poisoned, so that nothing is reported about them. */
#include "model/infer/infer_rule.h"

/* The type of a value, or what it is taken for: the type its statement declares, or the last value
 * before a stage that could not be read. */
static bool value_guess(Infer *inf, Value *v) {
  if (!v || v->typed) return v != NULL;
  if (!v->poisoned) return false;
  const Type *type = v->guess_type;
  for (const Value *g = v->guess; g && !type; g = g->guess)
    type = g->typed ? &g->type : g->guess_type;
  int a = inf->ascribed[v->id];
  if (!type && a >= 0) type = &inf->model->ascription[a].type;
  if (!type || (type->time.kind == TIME_BOUNDED && type->time.length <= 0)) return false;
  v->type = *type;
  v->typed = true;
  return true;
}

static bool reads_guessed(Infer *inf, const Layer *layer) {
  bool all = true;
  for (int i = 0; i < layer->n_in; i++)
    all = value_guess(inf, layer->in[i]) && all;
  for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++) {
    const OptVal *opt = &layer->opt[o];
    if (opt->value) all = value_guess(inf, opt->value) && all;
    for (int i = 0; i < opt->n_values; i++)
      all = value_guess(inf, opt->values[i]) && all;
  }
  return all;
}

void infer_guesses(Infer *inf, InferRule *const *rules) {
  Infer silent = *inf;
  silent.diags = diags_new(inf->arena, inf->diags->sources);
  silent.listed = (Map){0};
  for (int i = 0; i < inf->model->n_layers; i++) {
    Layer *layer = inf->model->layer[i];
    if (!layer->out[0]->poisoned || layer->out[0]->typed) continue;
    bool ok = reads_guessed(inf, layer) && rules[layer->kind](&silent, layer) &&
              infer_size_fits(&silent, &layer->out[0]->type, layer->span, layer, NULL);
    for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
      layer->out[k]->typed = ok;
    if (!ok) value_guess(inf, layer->out[0]);
  }
}
