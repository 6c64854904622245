/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls all lints of a model, and holds the functions that they share; see lint.h. */
#include "model/lint/lint.h"

#include <string.h>

#define LINT_FUNCTION(name) lint_##name,
static void (*const of_model[])(Infer *) = {LINTS_OF_MODEL(LINT_FUNCTION)};
static void (*const of_layer[])(Infer *, const Layer *) = {LINTS_OF_LAYER(LINT_FUNCTION)};

bool lint_typed(const Value *v) {
  return v && v->typed && !v->poisoned;
}

bool lint_after_errors(const Infer *lint) {
  return lint->model->failed || lint->diags->n_errors > lint->diags->n_promoted;
}

bool lint_layer_typed(const Layer *layer) {
  for (int i = 0; i < layer->n_in; i++)
    if (!lint_typed(layer->in[i])) return false;
  return lint_typed(layer->out[0]);
}

Diag *lint_report(Infer *lint, DiagCode code, const Layer *layer, Span at, const char *format,
                  ...) {
  signed char *level = &lint->diags->lint[code], as_set = *level;
  va_list args;
  va_start(args, format);
  const char *message = arena_vprintf(lint->arena, format, args);
  va_end(args);
  if (span_valid(at) && !infer_first_report(lint, code, at)) *level = -1;
  Diag *d = infer_report(lint, code, layer, at, "%s", message);
  *level = as_set;
  return d;
}

bool lint_per_step(const Layer *layer) {
  if (layer->n_in != 1) return false;
  return (layer_info(layer->kind)->flags & (POINTWISE | TRAINING | OPERATOR | PER_STEP)) != 0;
}

const Value *lint_run_source(const Value *v) {
  while (v->layer && layer_info(v->layer->kind)->flags & TRAINING)
    v = v->layer->in[0];
  return v;
}

bool *lint_feeds_weights(const Infer *lint) {
  const Model *model = lint->model;
  bool *feeds = ARENA_ARRAY(lint->arena, bool, model->n_values);
  for (int i = model->n_layers - 1; i >= 0; i--) {
    const Layer *layer = model->layer[i];
    bool weights = layer_info(layer->kind)->flags & WEIGHTS;
    bool passes = lint_per_step(layer) || layer->kind == LAYER_concat;
    for (int k = 0; k < layer->n_in; k++)
      feeds[layer->in[k]->id] |= weights || (passes && feeds[layer->out[0]->id]);
  }
  return feeds;
}

void model_lint(const Model *model, Diags *diags) {
  signed char as_set[DIAG_CODE_COUNT];
  memcpy(as_set, diags->lint, sizeof as_set);
  for (int code = 0; code < DIAG_CODE_COUNT; code++)
    if (model_allows(model, diags, (DiagCode)code)) diags->lint[code] = -1;
  /* The rules of inference write types and share their context with the lints, which only read. */
  Infer lint = {.model = (Model *)(uintptr_t)model, .diags = diags, .arena = diags->arena};
  for (size_t k = 0; k < sizeof of_model / sizeof of_model[0]; k++)
    of_model[k](&lint);
  for (int i = 0; i < model->n_layers; i++) {
    if (!lint_layer_typed(model->layer[i])) continue;
    for (size_t k = 0; k < sizeof of_layer / sizeof of_layer[0]; k++)
      of_layer[k](&lint, model->layer[i]);
  }
  memcpy(diags->lint, as_set, sizeof as_set);
}
