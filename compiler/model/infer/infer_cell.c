/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* state and keep: recurrence that a model writes itself. `h = x |> state(units)` is what
 * `v |> keep(as=h)` kept at the step before. Stages on a way from a state to what is kept as it run
 * step by step: together they are a loop, which evaluator and lowering run as one. After: kept_by
 * of each state, loop of each layer in one.
 *
 *     let h = x |> state(8)                        %1 state, loop 1
 *     out y = (x |> Dense(8)) + (h |> Dense(8))    %2 Dense, which reads x alone; %3 Dense, loop 1
 *             |> tanh |> keep(as=h)                %4 add, %5 tanh, %6 keep, loop 1 */
#include "model/infer/infer_rule.h"

#include <string.h>

/* The state that a keep writes; NULL if `as` names none. */
static Layer *state_of(const Layer *keep) {
  const Value *v = layer_opt(keep, OPT_as)->value;
  return v && v->layer && v->layer->kind == LAYER_state && v == v->layer->out[0] ? v->layer : NULL;
}

bool infer_state(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t units;
  if (!needs_mapped(inf, layer, v) || !needs_size(inf, layer, OPT_units, NULL, &units))
    return false;
  Type type = type_result(&v->type), start;
  type_set_last(&type, units);
  start = type;
  start.time = (Time){.kind = TIME_NONE};
  layer->out[0]->type = type;
  return infer_init(inf, layer, &start);
}

static bool report_not_state(Infer *inf, const Layer *layer) {
  const OptVal *as = layer_opt(layer, OPT_as);
  Diag *d = infer_report(inf, E507, layer, span_valid(as->at) ? as->at : layer->span,
                         "`keep` writes a state, but `%s` is not one", value_text(inf, as->value));
  if (as->value->layer)
    diag_primary(d, "made by `%s`", layer_name(as->value->layer));
  else
    diag_primary(d, "an input of the model");
  diag_note(d, "declare a state: `let h = x |> state(units)`");
  return false;
}

static bool report_shape(Infer *inf, const Layer *layer, const Value *v, const Layer *state) {
  Diag *d = infer_report(inf, E507, layer, layer->span, "the kept value is %s, but the state is %s",
                         shape_or_type_str(inf->arena, &v->type),
                         shape_or_type_str(inf->arena, &state->out[0]->type));
  diag_primary(d, "kept here");
  diag_label(d, state->span, "the state");
  diag_trace_value(d, inf->model, v);
  return false;
}

bool infer_keep(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v)) return false;
  const Layer *state = state_of(layer);
  if (!state) return report_not_state(inf, layer);
  const Type *t = &state->out[0]->type;
  if (!dims_equal(t, &v->type) || !time_equal(&t->time, &v->type.time) ||
      t->time.lag != v->type.time.lag)
    return report_shape(inf, layer, v, state);
  layer->out[0]->type = type_result(&v->type);
  return true;
}

/* ---- who keeps which state ---- */

static void report_twice(Infer *inf, const Layer *keep, const Layer *state) {
  Diag *d = infer_report(inf, E507, keep, keep->span, "this state is kept twice");
  diag_primary(d, "again here");
  diag_label(d, state->kept_by->span, "first here");
}

static void report_never(Infer *inf, const Layer *state) {
  Diag *d = infer_report(inf, E507, state, state->span, "this state is never given a next value");
  diag_primary(d, "it would keep its initial value");
  const char *name = state->out[0]->name;
  diag_note(d, "`v |> keep(as=%s)` keeps v for the next step", name ? name : "h");
}

/* False after a report. */
static bool find_keepers(Infer *inf) {
  bool ok = true;
  for (int i = 0; i < inf->model->n_layers; i++) {
    Layer *keep = inf->model->layer[i], *state = keep->kind == LAYER_keep ? state_of(keep) : NULL;
    if (!state) continue;
    if (state->kept_by) report_twice(inf, keep, state);
    ok = ok && !state->kept_by;
    state->kept_by = keep;
  }
  for (int i = 0; i < inf->model->n_layers; i++) {
    const Layer *state = inf->model->layer[i];
    if (state->kind != LAYER_state || state->kept_by || !state->out[0]->typed) continue;
    report_never(inf, state);
    ok = false;
  }
  return ok;
}

/* ---- loops ---- */

static bool marks(const bool *mark, const Value *v) {
  return v && v->layer && mark[v->layer->id];
}

/* Whether a layer reads anything that is marked. */
static bool reads_marked(const Layer *layer, const bool *mark) {
  bool reads = false;
  for (int k = 0; k < layer->n_in; k++)
    reads |= marks(mark, layer->in[k]);
  for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++)
    reads |= marks(mark, layer->opt[o].value);
  return reads;
}

/* Marks all layers that a state reaches, also by the values that are kept for the next step. */
static void mark_down(const Model *model, const Layer *state, bool *mark) {
  mark[state->id] = true;
  for (bool again = true; again;) {
    again = false;
    for (int i = 0; i < model->n_layers; i++) {
      const Layer *layer = model->layer[i];
      if (mark[i] || !reads_marked(layer, mark)) continue;
      mark[i] = true;
      const Layer *kept = layer->kind == LAYER_keep ? state_of(layer) : NULL;
      if (!kept || mark[kept->id]) continue;
      mark[kept->id] = true;
      again = true;
    }
  }
}

static void mark_value(bool *mark, const Value *v) {
  if (v && v->layer) mark[v->layer->id] = true;
}

/* Marks all layers that reach a state. */
static void mark_up(const Model *model, const Layer *state, bool *mark) {
  mark[state->id] = true;
  for (bool again = true; again;) {
    again = false;
    for (int i = model->n_layers - 1; i >= 0; i--) {
      const Layer *layer = model->layer[i];
      if (!mark[i]) continue;
      for (int k = 0; k < layer->n_in; k++)
        mark_value(mark, layer->in[k]);
      for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++)
        mark_value(mark, layer->opt[o].value);
      if (layer->kind != LAYER_state || mark[layer->kept_by->id]) continue;
      mark[layer->kept_by->id] = true;
      again = true;
    }
  }
}

/* Whether a stage reads only its own step and has no state. */
static bool is_of_one_step(const Layer *layer) {
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  const LayerAxis *time = layer_time(layer);
  bool window =
      time && layer_opt(layer, OPT_padding) && time->size == 1 && time->stride == 1 &&
      (time->padding.kind != PAD_ZEROS || time->padding.before + time->padding.after == 0);
  if (layer->kind == LAYER_state || layer->kind == LAYER_keep) return true;
  if (layer_info(layer->kind)->flags & SEQUENCE && !layer_opt(layer, OPT_along)) return false;
  if (layer->kind == LAYER_Conv1DTranspose || layer->kind == LAYER_Conv2DTranspose ||
      layer->kind == LAYER_upsample)
    return !time;
  if (layer->kind == LAYER_reshape && (in->time_pos != 0 || out->time_pos != 0)) return false;
  return (!time || window) && type_is_sequence(in) && type_is_sequence(out) &&
         time_equal(&in->time, &out->time);
}

static void report_steps(Infer *inf, const Layer *layer, const Layer *state) {
  Diag *d = infer_report(inf, E508, layer, layer->span,
                         "`%s` reads other steps, but it is between a state and its next value",
                         layer_name(layer));
  diag_primary(d, "the next value must be known at the end of the step");
  diag_label(d, state->span, "the state");
  diag_label(d, state->kept_by->span, "its next value");
  diag_trace_value(d, inf->model, layer->in[0]);
  diag_note(d, "use stages that act on one step: `Dense`, arithmetic, functions, stages `along` a "
               "feature axis");
}

void infer_loops(Infer *inf) {
  Model *model = inf->model;
  bool any = false;
  for (int i = 0; i < model->n_layers; i++)
    any |= model->layer[i]->kind == LAYER_state || model->layer[i]->kind == LAYER_keep;
  model->n_loops = 0;
  for (int i = 0; i < model->n_layers; i++) {
    model->layer[i]->kept_by = NULL;
    model->layer[i]->loop = 0;
  }
  if (!any || !find_keepers(inf) || inf->diags->n_errors) return;
  bool *down = ARENA_ARRAY(inf->arena, bool, model->n_layers),
       *up = ARENA_ARRAY(inf->arena, bool, model->n_layers);
  for (int s = 0; s < model->n_layers; s++) {
    const Layer *state = model->layer[s];
    if (state->kind != LAYER_state || state->loop) continue;
    memset(down, 0, (size_t)model->n_layers * sizeof *down);
    memset(up, 0, (size_t)model->n_layers * sizeof *up);
    mark_down(model, state, down);
    mark_up(model, state, up);
    model->n_loops++;
    for (int i = 0; i < model->n_layers; i++) {
      if (!down[i] || !up[i]) continue;
      model->layer[i]->loop = model->n_loops;
      if (!is_of_one_step(model->layer[i])) report_steps(inf, model->layer[i], state);
    }
  }
}
