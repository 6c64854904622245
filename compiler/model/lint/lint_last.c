/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Warnings about what `last` throws away: W301, work on all other steps; W404, nearly everything
 * that the backward half of a layer with two directions has read. */
#include "model/lint/lint.h"

#include <string.h>

/* The first Dense among the stages before `last` that compute each step by itself and that nothing
 * else reads; NULL if there is none. */
static const Layer *first_dense(const Layer *last) {
  const Layer *dense = NULL;
  const Value *v = last->in[0];
  while (v->layer && v->n_uses == 1 && lint_per_step(v->layer) && !v->field) {
    if (v->layer->kind == LAYER_Dense) dense = v->layer;
    v = v->layer->in[0];
  }
  return dense;
}

/* Whether dense and last are in one pipeline of one statement, with no named value between them. */
static bool same_pipeline(const Layer *dense, const Layer *last) {
  const Value *v = last->in[0];
  for (; v->layer != dense; v = v->layer->in[0])
    if (v->name || !span_valid(v->layer->pipe)) return false;
  return !v->name && span_valid(dense->pipe) && span_valid(last->pipe) && dense->call == last->call;
}

void lint_dense_per_step(Infer *lint, const Layer *layer) {
  if (layer->kind != LAYER_last || layer->along[0].axis != AXIS_TIME) return;
  const Layer *dense = first_dense(layer);
  if (!dense) return;
  const Value *v = dense->out[0];
  const Time *time = &v->type.time;
  const char *steps = time->kind == TIME_FIXED
                          ? arena_printf(lint->arena, "on all %lld steps", (long long)time->n)
                          : "on every step";
  if (time->kind == TIME_FIXED && time->n == 1) return;
  Diag *d = lint_report(lint, W301, dense, dense->span,
                        "`Dense` runs %s, but only the last is kept", steps);
  diag_primary(d, "%s here", shape_str(lint->arena, &v->type));
  diag_label(d, layer->span, "keeps one step");
  diag_trace_value(d, lint->model, layer->out[0]);
  diag_note(d, "that is legal: `Dense` acts on the last axis, so on a sequence it runs once per "
               "step; with `last` "
               "before it the result is the same");
  Fix *fix = diag_fix(d, FIX_MAYBE, "move `last` before it");
  if (!same_pipeline(dense, layer)) return;
  edit_insert_stage(lint, fix, dense, "last");
  edit_drop_stage(lint, fix, layer);
}

/* The recurrent layer that makes the steps of v, directly or before stages that act on each element
 * alone; NULL if there is none. */
static const Layer *recurrent_before(const Value *v) {
  while (v->layer && !v->field && layer_info(v->layer->kind)->flags & (POINTWISE | TRAINING) &&
         v->layer->n_in == 1)
    v = v->layer->in[0];
  return v->layer && !v->field && layer_info(v->layer->kind)->flags & RECURRENT ? v->layer : NULL;
}

void lint_last_of_both(Infer *lint, const Layer *layer) {
  const Layer *both = layer->kind == LAYER_last && layer->along[0].axis == AXIS_TIME
                          ? recurrent_before(layer->in[0])
                          : NULL;
  const Time *time = &layer->in[0]->type.time;
  if (!both || layer_directions(both) != 2 || (time->kind == TIME_FIXED && time->n == 1)) return;
  Diag *d = lint_report(lint, W404, layer, layer->span,
                        "`last` keeps only one step of the backward half of this layer");
  diag_primary(d, "the backward half has read one step here");
  diag_label(d, both->span, "reads the sequence in both directions");
  diag_trace_value(d, lint->model, layer->in[0]);
  diag_note(d, "at the last step the backward half has just begun; it finishes at the first step");
  diag_note(d, "`.h` holds both final states, as Keras `Bidirectional(return_sequences=False)` and "
               "PyTorch `h_n` do");
  Fix *fix = diag_fix(d, FIX_MAYBE, "use both final states");
  bool direct = layer->in[0]->layer == both;
  const char *name = both->out[0]->name;
  Span in = layer->in_span[0];
  if (!direct) return;
  if (name && strcmp(span_text(lint->arena, lint->diags->sources, in), name) == 0)
    fix_edit(fix,
             span_valid(layer->pipe) ? (Span){in.file, in.begin, layer->span.end} : layer->span,
             "%s.h", name);
  else if (span_valid(layer->pipe))
    lint_name_layer(lint, fix, both, "two", ".h", layer->span.end);
}
