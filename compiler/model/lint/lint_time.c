/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W401, W402, W405: a recurrent layer over a single step, and steps that no frame and no window
 * reads. */
#include "model/lint/lint.h"

#include <string.h>

/* If v is an input to which a stage `expand` adds a time axis of one step: the input, and the stage
 * in *expand. Else NULL. */
static const Port *expanded_port(const Value *v, const Layer **expand) {
  v = lint_run_source(v);
  if (!v->layer || v->layer->kind != LAYER_expand) return NULL;
  *expand = v->layer;
  v = lint_run_source(v->layer->in[0]);
  return v->port;
}

/* Suggests `time ..` as the first axis of the input, without the stage `expand`. */
static void fix_stream(Infer *lint, Diag *d, const Value *v) {
  const Layer *expand = NULL;
  const Port *port = expanded_port(v, &expand);
  Fix *fix = diag_fix(
      d, FIX_MAYBE,
      "if each call passes the next step of one signal, declare a stream, which keeps its state");
  if (port) {
    Span axis = type_axis_span(lint, port->type_span, 0);
    if (!span_valid(axis) || !span_valid(expand->pipe) || expand->call) return;
    fix_edit(fix, (Span){axis.file, axis.begin, axis.begin}, "time .., ");
    edit_drop_stage(lint, fix, expand);
    return;
  }
  const Value *source = lint_run_source(v);
  if (!source->port || source->type.time_pos != 0) return;
  Span axis = type_axis_span(lint, source->port->type_span, 0);
  if (span_valid(axis)) fix_edit(fix, axis, "time ..");
}

void lint_single_step(Infer *lint, const Layer *layer) {
  const Value *v = layer->in[0];
  const Time *time = &v->type.time;
  const OptVal *init = layer_opt(layer, OPT_init), *units = layer_opt(layer, OPT_units);
  if (!(layer_info(layer->kind)->flags & RECURRENT) || init->given ||
      layer->along[0].axis != AXIS_TIME)
    return;
  if ((time->kind != TIME_FIXED && time->kind != TIME_BOUNDED) || time->n != 1) return;
  long long u = (long long)units->i, gates = layer_gates(layer) * layer_directions(layer);
  Diag *d = lint_report(lint, W401, layer, layer->span,
                        "`%s` over one step never uses its recurrent weights", layer_name(layer));
  diag_primary(d, "%s has a single step", shape_str(lint->arena, &v->type));
  diag_trace_value(d, lint->model, v);
  if (gates == 1)
    diag_note(
        d, "%lld x %lld weights are multiplied by the state before the first step, which is zero",
        u, u);
  else
    diag_note(d,
              "%lld x %lld x %lld weights are multiplied by the state before the first step, which "
              "is zero",
              gates, u, u);
  fix_stream(lint, d, v);
  if (layer_directions(layer) == 2 || layer->out[1]->n_uses) return;
  Fix *fix = diag_fix(d, FIX_MAYBE, "if the data has no time axis, use `Dense`");
  if (span_valid(units->at) && span_valid(layer->pipe))
    fix_edit(fix, layer->span, "Dense(%s) |> tanh",
             span_text(lint->arena, lint->diags->sources, units->at));
}

/* The windows of a stage: how many steps each reads, the steps from one to the next, and what
 * messages call one of them and several. */
typedef struct Windows {
  int64_t size, step;
  const char *one, *many;
} Windows;

/* The windows of a stage along time without padding; false for other stages. */
static bool windows_of(const Layer *layer, Windows *w) {
  if (layer->n_along && !layer_time(layer)) return false;
  LayerKind kind = layer->kind;
  if (kind == LAYER_frames)
    *w =
        (Windows){layer_size(layer, OPT_size, 1), layer_size(layer, OPT_hop, 1), "frame", "frames"};
  else if (kind == LAYER_max_pool || kind == LAYER_mean_pool) {
    if (layer->n_along > 1 || layer_time(layer)->padding.kind != PAD_VALID) return false;
    *w = (Windows){layer_size(layer, OPT_size, 1), 0, "pool", "pools"};
  } else if (kind == LAYER_Conv1D) {
    if (!layer_word_is(layer, OPT_padding, "valid")) return false;
    w->size = (layer_size(layer, OPT_kernel, 1) - 1) * layer_size(layer, OPT_dilation, 1) + 1;
    w->step = layer_size(layer, OPT_stride, 1);
    w->one = "kernel";
    w->many = "kernels";
  } else
    return false;
  if (!w->step) w->step = layer_size(layer, OPT_stride, w->size);
  return w->size > 0 && w->step > 0;
}

static void report_tail(Infer *lint, const Layer *layer, Windows w) {
  const Time *time = &layer->in[0]->type.time;
  long long left = (long long)((time->n - w.size) % w.step),
            n = (long long)((time->n - w.size) / w.step + 1);
  long long t = (long long)time->n, shorter = t - left, longer = shorter + (long long)w.step;
  Diag *d = left == 1
                ? lint_report(lint, W402, layer, layer->span,
                              "the last of %lld steps does not fill a %s and is dropped", t, w.one)
                : lint_report(lint, W402, layer, layer->span,
                              "the last %lld of %lld steps do not fill a %s and are dropped", left,
                              t, w.one);
  diag_primary(d, "%lld %s of %lld, %s %lld", n, n == 1 ? w.one : w.many, (long long)w.size,
               layer->kind == LAYER_frames ? "hop" : "stride", (long long)w.step);
  Fix *fix = diag_fix(d, FIX_MAYBE, "with %lld or %lld steps, none is left over", shorter, longer);
  const Port *port = layer->in[0]->port;
  Span axis =
      port && port->declared.time_pos == 0 ? type_axis_span(lint, port->type_span, 0) : span_none();
  const char *text = span_valid(axis) ? span_text(lint->arena, lint->diags->sources, axis) : "";
  if (strcmp(text, arena_printf(lint->arena, "time %lld", t)) == 0)
    fix_edit(fix, axis, "time %lld", longer);
}

/* Reports only the first stage of a chain, because what is left over in later stages depends on its
 * length. */
void lint_dropped_tail(Infer *lint) {
  const Model *model = lint->model;
  bool *short_by_tail = ARENA_ARRAY(lint->arena, bool, model->n_values);
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (!lint_layer_typed(layer)) continue;
    bool before = false;
    for (int k = 0; k < layer->n_in; k++)
      before |= short_by_tail[layer->in[k]->id];
    const Time *time = &layer->in[0]->type.time;
    Windows w;
    bool here = time->kind == TIME_FIXED && windows_of(layer, &w) && time->n >= w.size &&
                (time->n - w.size) % w.step != 0;
    if (here && !before) report_tail(lint, layer, w);
    short_by_tail[layer->out[0]->id] = here || before;
  }
}

void lint_skipped_samples(Infer *lint) {
  const Model *model = lint->model;
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    const Time *time = &port->value->type.time;
    if (!lint_typed(port->value) || time->kind != TIME_FIXED || port->every <= time->n) continue;
    long long hop = (long long)port->every, n = (long long)time->n;
    Diag *d = lint_report(lint, W405, NULL, port->every_span,
                          "a hop of %lld skips samples between windows of %lld", hop, n);
    diag_primary(d, "%lld of every %lld %s never read", hop - n, hop, hop - n == 1 ? "is" : "are");
    diag_label(d, port->type_span, "a window of %lld", n);
  }
}
