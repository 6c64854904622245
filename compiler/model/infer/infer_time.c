/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that end time (last, mean, max, flatten) and those that move along it (overlap_add, delay,
 * reverse). */
#include "model/infer/infer_rule.h"

#include <assert.h>
#include <string.h>

/* The `time ..` of a stream's type, without its rate. */
static Span endless_axis(const Infer *inf, const Port *port) {
  Span axis = type_axis_span(inf, port->type_span, 0);
  if (!span_valid(axis)) return port->type_span;
  const char *text = span_text(inf->arena, inf->diags->sources, axis);
  size_t n = strcspn(text, "@");
  while (n && strchr(" \t\r\n", text[n - 1]))
    n--;
  axis.end = axis.begin + (uint32_t)n;
  return axis;
}

static bool report_endless(Infer *inf, const Layer *layer, const Value *v) {
  Diag *d = infer_report(inf, E401, layer, layer->span,
                         "`%s` needs the end of the sequence, but a stream has no end",
                         layer_name(layer));
  diag_primary(d, "gets %s", shape_str(inf->arena, &v->type));
  const Port *port = stream_port(v);
  if (port) diag_label(d, endless_axis(inf, port), "endless: one step per call");
  diag_trace_value(d, inf->model, v);
  if (layer->kind == LAYER_flatten && v->type.rank > 1 && span_valid(layer->span))
    fix_edit(diag_fix(d, FIX_MAYBE, "join the features of each step"), layer->span,
             "reshape([time .., %lld])", (long long)type_step_size(&v->type));
  else if (span_valid(layer->pipe)) {
    Fix *fix =
        diag_fix(d, FIX_MAYBE, "remove `%s` to return an output at every step", layer_name(layer));
    edit_drop_stage(inf, fix, layer);
  }
  if (port) fix_window(inf, d, port);
  return false;
}

bool needs_end(Infer *inf, const Layer *layer, const Value *v) {
  return !type_is_stream(&v->type) || report_endless(inf, layer, v);
}

/* Removes feature axes one by one, from the last to the first. */
static void drop_axes(const Layer *layer, Type *type) {
  for (int axis = type->rank - 1; axis >= 0; axis--)
    for (int k = 0; k < layer->n_along; k++)
      if (layer->along[k].axis == axis) {
        type_drop_axis(type, axis);
        break;
      }
}

void type_drop_axis(Type *type, int axis) {
  type->rank--;
  for (int i = axis; i < type->rank; i++)
    type->dim[i] = type->dim[i + 1];
}

/* [time t, ...] -> [...], and the same along feature axes */
static bool infer_end(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  bool numbers = layer->kind != LAYER_last && layer->kind != LAYER_first;
  if (!(numbers ? needs_numbers(inf, layer, v) : needs_values(inf, layer, v))) return false;
  if (!layer_goes_along(inf, layer, v, numbers ? 0 : 1, true)) return false;
  Type type = type_result(&v->type);
  if (layer_time(layer)) {
    assert(layer->n_along == 1); /* resolve_stage.c makes a layer of its own for other axes */
    if (type_is_stream(&v->type)) return report_endless(inf, layer, v);
    type.time = (Time){.kind = TIME_NONE};
  } else
    drop_axes(layer, &type);
  layer->out[0]->type = type;
  return true;
}

/* The stages that remove an axis. */
#define INFER_END(stage)                                                                           \
  bool infer_##stage(Infer *inf, Layer *layer) {                                                   \
    return infer_end(inf, layer);                                                                  \
  }
INFER_END(last)
INFER_END(first)
INFER_END(mean)
INFER_END(max)
INFER_END(min)
INFER_END(sum)

/* Running sums along one axis, time by default: also on a stream, whose sum is a state. */
bool infer_cumsum(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v) || !layer_goes_along(inf, layer, v, 1, true)) return false;
  layer->out[0]->type = type_result(&v->type);
  return true;
}

static bool report_varying(Infer *inf, const Layer *layer, const Value *v) {
  static const char *const cure[] = {"last", "mean", "max"};
  static const char *const what[] = {"the final step", "the average over time",
                                     "the largest over time"};
  Diag *d = infer_report(inf, E405, layer, layer->span, "`flatten` needs a fixed number of steps");
  Text text = text_new(inf->arena);
  text_add_time(&text, &v->type.time);
  diag_primary(d, "%s varies at run time", text_str(&text));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "the next layer would need weights for each of the %lld steps",
            (long long)v->type.time.n);
  for (int i = 0; i < 3; i++) {
    Fix *fix = diag_fix(d, FIX_MAYBE, "%s`%s`: %s", i ? "or " : "use ", cure[i], what[i]);
    if (span_valid(layer->span)) fix_edit(fix, layer->span, "%s", cure[i]);
  }
  return false;
}

/* A vector stays as it is; several axes become one. */
bool infer_flatten(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v)) return false;
  if (type_is_stream(&v->type)) return report_endless(inf, layer, v);
  if (v->type.time.kind == TIME_BOUNDED) return report_varying(inf, layer, v);
  Type type = {.elem = ELEM_F32, .rank = 1};
  type.dim[0].n = type_size(&v->type);
  if (v->type.rank == 1 && !type_is_sequence(&v->type)) type.dim[0].label = v->type.dim[0].label;
  layer->out[0]->type = type;
  return true;
}

/* The `frames` whose signal v still is: through stages that act on each step alone. */
static const Layer *framed_by(const Value *v) {
  while (v->layer && v->layer->n_in && v->layer->kind != LAYER_frames)
    v = v->layer->in[0];
  return v->layer && v->layer->kind == LAYER_frames ? v->layer : NULL;
}

static bool report_overlap(Infer *inf, const Layer *layer, const Value *v, const char *why) {
  const OptVal *hop = layer_opt(layer, OPT_hop);
  const Layer *frames = framed_by(v);
  Span at = span_valid(hop->at) ? hop->at : layer->span;
  Diag *d = infer_report(inf, E411, layer, at, "`overlap_add` does not fit its frames");
  diag_primary(d, "%s", why);
  if (frames) diag_label(d, frames->span, "the frames are made here");
  diag_trace_value(d, inf->model, v);
  diag_note(d, "`overlap_add(hop=h)` places frames h steps apart and adds them where they overlap: "
               "their width must be a multiple of h");
  if (v->type.time.kind == TIME_BOUNDED || !frames) return false;
  const OptVal *other = layer_opt(frames, OPT_hop);
  int64_t size = layer_opt(frames, OPT_size)->i, width = v->type.dim[0].n;
  if (other->i != hop->i && span_valid(hop->at) && span_valid(other->at)) {
    const char *text = span_text(inf->arena, inf->diags->sources, other->at);
    fix_edit(diag_fix(d, FIX_MAYBE, "take the hop of `frames`"), hop->at, "%s", text);
  } else if (v->layer->kind == LAYER_Dense && width != size) {
    Span units = layer_opt(v->layer, OPT_units)->at;
    Fix *fix = diag_fix(d, FIX_MAYBE, "make the `Dense` as wide as a frame");
    if (span_valid(units)) fix_edit(fix, units, "%lld", (long long)size);
  }
  return false;
}

/* Reads the hop, or reports why it does not fit. A duration counts steps of the signal before
 * `frames`. */
static bool overlap_hop(Infer *inf, Layer *layer, const Value *v, int64_t *hop) {
  const Layer *frames = framed_by(v);
  int64_t size = v->type.dim[0].n;
  if (v->type.time.kind == TIME_BOUNDED)
    return report_overlap(inf, layer, v, "the steps after the last whole frame are dropped");
  if (!needs_size(inf, layer, OPT_hop, frames ? frames->in[0] : v, hop)) return false;
  const char *why = NULL;
  if (*hop > size || size % *hop)
    why = arena_printf(inf->arena, "a frame of %lld steps is not a multiple of the hop, %lld",
                       (long long)size, (long long)*hop);
  else if (type_is_stream(&v->type) && v->type.time.period % *hop)
    why = arena_printf(inf->arena,
                       "there is a frame every %lld steps, which is not a multiple of %lld",
                       (long long)v->type.time.period, (long long)*hop);
  return !why || report_overlap(inf, layer, v, why);
}

/* [time t', size] -> [time (t' - 1) * hop + size, 1]; on a stream hop values for each frame. */
bool infer_overlap_add(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t hop, size = 0;
  if (!needs_steps(inf, layer, v) || !overlap_hop(inf, layer, v, &hop)) return false;
  Type type = type_result(&v->type);
  Time *time = &type.time;
  bool counted = true;
  size = type.dim[0].n;
  if (time->kind == TIME_STREAM) {
    time->period /= hop;
    counted = size_mul(time->lag, hop, &time->lag);
  } else
    counted = size_mul(time->n - 1, hop, &time->n) && size_add(time->n, size, &time->n);
  if (time->rate_num && time->rate_den % hop == 0)
    time->rate_den /= hop;
  else if (!size_mul(time->rate_num, hop, &time->rate_num))
    counted = false;
  type_set_last(&type, counted ? 1 : INT64_MAX); /* uncountable: infer_size_fits reports it */
  layer->out[0]->type = type;
  return true;
}

bool infer_delay(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t n;
  if (!needs_numbers(inf, layer, v) || !needs_sequence(inf, layer, v) ||
      !needs_size_least(inf, layer, OPT_n, v, 0, &n))
    return false;
  layer->out[0]->type = type_result(&v->type);
  return true;
}

bool infer_reverse(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_values(inf, layer, v) || !layer_goes_along(inf, layer, v, 1, true)) return false;
  layer->out[0]->type = type_result(&v->type);
  if (!type_is_stream(&v->type) || !layer_time(layer)) return true;
  Diag *d = infer_report(inf, E402, layer, layer->span,
                         "`reverse` reads the sequence backwards, but a stream has no end");
  diag_primary(d, "not causal");
  const Port *port = stream_port(v);
  if (port) diag_label(d, endless_axis(inf, port), "endless: one step per call");
  diag_trace_value(d, inf->model, v);
  if (port) fix_window(inf, d, port);
  return false;
}
