/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W201, W202: inputs and values that nothing reads. A model with errors is left out, because a
 * statement with an error does not count as a reader. */
#include "model/lint/lint.h"

#include <string.h>

void lint_unused_inputs(Infer *lint) {
  const Model *model = lint->model;
  if (lint_after_errors(lint)) return;
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    if (port->value->n_uses || !lint_typed(port->value)) continue;
    Diag *d = lint_report(lint, W201, NULL, port->span, "input `%s` is never used", port->name);
    diag_primary(d, "callers must still supply it");
    if (!span_valid(port->span)) continue;
    Fix *fix = diag_fix(d, FIX_MAYBE, "delete it");
    lint_drop_statement(lint, fix, port->span);
  }
}

/* Whether a layer belongs to this use of a block, or to a use inside of it. */
static bool layer_of_call(const Layer *layer, const Call *call) {
  const Call *c = layer ? layer->call : NULL;
  while (c && c != call)
    c = c->outer;
  return c != NULL;
}

/* Whether anything outside of this use of a block reads one of its values. */
static bool call_is_read(const Model *model, const Call *call) {
  for (int i = 0; i < model->n_out; i++)
    if (layer_of_call(model->out[i]->value->layer, call)) return true;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (layer_of_call(layer, call)) continue;
    for (int k = 0; k < layer->n_in; k++)
      if (layer_of_call(layer->in[k]->layer, call)) return true;
    for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++) {
      const OptVal *opt = &layer->opt[o];
      if (opt->value && layer_of_call(opt->value->layer, call)) return true;
      for (int k = 0; k < opt->n_values; k++)
        if (layer_of_call(opt->values[k]->layer, call)) return true;
    }
  }
  return false;
}

/* Whether anything reads what a `let` names: the main result of its last stage, or `.h` and `.c`.
 */
static bool let_is_read(const Model *model, const Value *let) {
  const Layer *layer = let->layer;
  if (let->n_uses || !layer || layer->kind == LAYER_keep) return true;
  for (int i = 0; i < LAYER_MAX_RESULTS; i++)
    if (layer->out[i] && layer->out[i]->n_uses) return true;
  const Call *call = layer->call;
  while (call && !span_within(call->span, let->span))
    call = call->outer;
  return call && call_is_read(model, call);
}

/* The named value that the statement of let begins with; NULL if there is none. */
static const Value *source_of(const Value *let) {
  const Value *v = let;
  while (v->layer && v->layer->n_in && (v == let || !v->name))
    v = v->layer->in[0];
  return v->name && v != let ? v : NULL;
}

/* Finds the first stage after the statement of let that reads source by its name, and the place of
 * the name. False if there is none. */
static bool later_use(const Infer *lint, const Value *let, const Value *source,
                      const Layer **reader, Span *at) {
  const Model *model = lint->model;
  for (int i = let->layer->id + 1; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    for (int k = 0; k < layer->n_in; k++) {
      Span s = layer->in_span[k];
      if (layer->in[k] != source || s.file != let->span.file || s.begin < let->span.end) continue;
      if (strcmp(span_text(lint->arena, lint->diags->sources, s), source->name) != 0) continue;
      *reader = layer;
      *at = s;
      return true;
    }
  }
  return false;
}

void lint_unused_lets(Infer *lint) {
  const Model *model = lint->model;
  if (lint_after_errors(lint)) return;
  for (int i = 0; i < model->n_lets; i++) {
    const Value *let = model->let[i], *source;
    if (!lint_typed(let) || let_is_read(model, let)) continue;
    Diag *d = lint_report(lint, W202, let->layer, let->name_span, "`%s` is never used", let->name);
    diag_primary(d, "nothing below reads it");
    const Layer *reader;
    Span at;
    source = source_of(let);
    if (source && time_equal(&source->type.time, &let->type.time) &&
        dims_equal(&source->type, &let->type) && later_use(lint, let, source, &reader, &at)) {
      diag_label(d, at, "reads `%s`, the value before `%s`", source->name, let->name);
      Fix *fix = diag_fix(d, FIX_MAYBE, "if this `%s` was meant to read `%s`", layer_name(reader),
                          let->name);
      fix_edit(fix, at, "%s", let->name);
    }
    if (!span_valid(let->span)) continue;
    Fix *fix = diag_fix(d, FIX_MAYBE, d->n_fixes ? "or delete it" : "delete it");
    lint_drop_statement(lint, fix, let->span);
  }
}
