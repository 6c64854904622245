/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The stage `quantise`: see quant.h. */
#include "model/quant/quant_internal.h"

#include <string.h>

bool model_wants_integers(const Model *model) {
  for (int i = 0; i < model->n_layers; i++) {
    Precision p = layer_precision(model, model->layer[i]);
    if (quant_is_integer(p) || p == PRECISION_W8) return true;
  }
  return false;
}

bool model_wants_ranges(const Model *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (quant_is_integer(layer_precision(model, model->layer[i]))) return true;
  return false;
}

/* Whether the weights of all layers in integers are known; E703 if a program passes them. */
static bool weights_are_there(Quantise *q) {
  for (int i = 0; i < q->model->n_layers; i++) {
    const Layer *layer = q->model->layer[i];
    Precision p = layer_precision(q->model, layer);
    ParamShape shape[LAYER_MAX_PARAMS];
    if ((!quant_is_integer(p) && p != PRECISION_W8) || !layer_params(layer, shape)) continue;
    if (layer->weights && layer->weights->role[shape[0].role]) continue;
    Diag *d = quant_report(q, E703, layer,
                           arena_printf(q->arena, "`%s` does not support %s",
                                        layer_info(layer->kind)->name, precision_name[p]));
    diag_primary(d, "%s here", precision_name[p]);
    diag_note(d, "weights that a program passes at run time are f32");
    diag_fix(d, FIX_MAYBE, "compute in f32, or compile the weights into the code");
    return false;
  }
  return true;
}

/* In integers, a Conv1D has zeros before its first step. E703 if it has learned other numbers. */
static bool pasts_are_zero(Quantise *q) {
  for (int i = 0; i < q->model->n_layers; i++) {
    const Layer *layer = q->model->layer[i];
    Precision p = layer_precision(q->model, layer);
    bool integer = quant_is_integer(p) || p == PRECISION_W8;
    if (!integer || layer->kind != LAYER_Conv1D || !layer_learns_start(layer)) continue;
    Diag *d =
        quant_report(q, E703, layer,
                     arena_printf(q->arena, "`Conv1D` with `init=learned` does not support %s",
                                  precision_name[p]));
    diag_primary(d, "has learned the steps before the first one");
    diag_fix(d, FIX_MAYBE, "compute this layer in f32: `precision=f32`");
    return false;
  }
  return true;
}

/* Whether a stage in f32 rounds each number at most once. */
static bool is_exact_in_float(const Layer *layer) {
  bool averages = layer->kind == LAYER_mean || layer->kind == LAYER_mean_pool;
  bool joins = layer->kind == LAYER_concat || layer->kind == LAYER_add ||
               layer->kind == LAYER_sub || layer->kind == LAYER_mul;
  return (quant_kind(layer) == QUANT_SAME && !averages) || joins || layer->kind == LAYER_argmax ||
         layer->kind == LAYER_onehot;
}

/* Whether the results of a layer are exact, if `exact` is known of all values before it. */
static bool layer_is_exact(const Model *model, const Layer *layer, const bool *exact) {
  const Layer *by = model->quant->absorber[layer->id];
  const QuantLayer *ql = model->quant->layer[by ? by->id : layer->id];
  bool all = ql ? ql->precision != PRECISION_W8 : is_exact_in_float(layer);
  const OptVal *init = layer_opt(layer, OPT_init);
  for (int i = 0; i < layer->n_in; i++)
    all = all && exact[layer->in[i]->id];
  for (int i = 0; init && i < init->n_values; i++)
    all = all && exact[init->values[i]->id];
  return all && (!init || !init->states_of || exact[init->states_of->out[0]->id]);
}

bool quant_is_exact(const Model *model, const Value *value) {
  bool *exact = ARENA_ARRAY(model->arena, bool, model->n_values + 1);
  for (int i = 0; i < model->n_in; i++)
    exact[model->in[i]->value->id] = true;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    bool all = layer_is_exact(model, layer, exact);
    for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
      exact[layer->out[k]->id] = all;
  }
  return exact[value->id];
}

bool quant_begin(Quantise *q) {
  const Model *model = q->model;
  if (!weights_are_there(q) || !pasts_are_zero(q)) return false;
  q->quant = ARENA_NEW(q->arena, Quant);
  q->quant->value = ARENA_ARRAY(q->arena, QuantFormat, model->n_values + 1);
  q->quant->layer = ARENA_ARRAY(q->arena, QuantLayer *, model->n_layers + 1);
  q->quant->absorber = ARENA_ARRAY(q->arena, const Layer *, model->n_layers + 1);
  quantise_formats(q);
  return true;
}

bool model_quantise(Model *model, const Ranges *ranges, const QuantGiven *given, Diags *diags) {
  Quantise q = {
      .model = model, .arena = model->arena, .ranges = ranges, .given = given, .diags = diags};
  if (!model_wants_integers(model)) return true;
  if (!quant_begin(&q)) return false;
  for (int i = 0; i < model->n_layers && !q.failed; i++)
    if (q.quant->layer[i]) quantise_layer(&q, model->layer[i]);
  if (q.failed) return false;
  model->quant = q.quant;
  return true;
}

bool quant_aside_begin(Quantise *q, Precision precision) {
  q->arena = arena_child(q->model->arena);
  Sources *sources = ARENA_NEW(q->arena, Sources);
  sources->arena = q->arena;
  q->diags = diags_new(q->arena, sources);
  q->own = q->model->precision;
  q->model->precision = precision;
  return quant_begin(q);
}

void quant_aside_end(Quantise *q) {
  q->model->precision = q->own;
  arena_free(q->arena);
}

void quant_name(Arena *arena, QuantNames *names, const char *name) {
  for (int i = 0; i < names->n; i++)
    if (strcmp(names->name[i], name) == 0) return;
  ARENA_PUSH(arena, names->name, names->n, names->cap, arena_strdup(arena, name));
}

/* The values whose ranges the model would need in this precision, without reporting anything and
 * without changing it. */
QuantNames quant_missing_ranges(Model *model, Precision precision, const Ranges *ranges) {
  QuantNames missing = {0};
  Quantise q = {.model = model, .ranges = ranges, .missing = &missing};
  bool ok = quant_aside_begin(&q, precision);
  for (int i = 0; i < model->n_layers && ok && !q.failed; i++)
    if (q.quant->layer[i]) quantise_layer(&q, model->layer[i]);
  quant_aside_end(&q);
  return missing;
}
