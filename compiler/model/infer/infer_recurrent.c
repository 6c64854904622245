/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM, RNN: a sequence in, a sequence out, one vector for each state. */
#include "model/infer/infer_rule.h"

static bool report_backwards(Infer *inf, const Layer *layer, const Value *v) {
  const OptVal *direction = layer_opt(layer, OPT_direction);
  Span at = span_valid(direction->span) ? direction->span : layer->span;
  Diag *d = infer_report(inf, E402, layer, at,
                         "`direction=%s` reads the sequence backwards, but a stream has no end",
                         direction->s);
  diag_primary(d, "not causal");
  diag_trace_value(d, inf->model, v);
  if (span_valid(direction->at)) {
    Fix *fix = diag_fix(d, FIX_MAYBE, "run forward only");
    edit_drop_argument(inf, fix, direction->span);
  }
  const Port *port = stream_port(v);
  if (port) fix_window(inf, d, port);
  return false;
}

/* Along a feature axis, the recurrence begins again in every step. */
static bool report_init(Infer *inf, const Layer *layer, const Value *v) {
  const OptVal *init = layer_opt(layer, OPT_init);
  const char *axis = axis_name(inf->arena, &v->type, layer->along[0].axis);
  Span at = span_valid(init->span) ? init->span : layer->span;
  Diag *d =
      infer_report(inf, E315, layer, at,
                   "`init` is a state before the first step of time, but this `%s` runs along `%s`",
                   layer_name(layer), axis);
  diag_primary(d, "not supported along `%s`", axis);
  diag_trace_value(d, inf->model, v);
  diag_note(d, "along a feature axis, the initial state of every step is zero or `init=learned`");
  return false;
}

static bool infer_recurrent(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t units, width;
  bool named = layer_opt(layer, OPT_along)->given;
  if (!needs_numbers(inf, layer, v) || (!named && !needs_mapped(inf, layer, v))) return false;
  if (!needs_rank(inf, layer, v, 1, TYPE_MAX_AXES) || !layer_goes_along(inf, layer, v, 1, false))
    return false;
  if (!needs_size(inf, layer, OPT_units, NULL, &units)) return false;
  int axis = layer->along[0].axis;
  if (axis != AXIS_TIME && layer_opt(layer, OPT_init)->n_values) return report_init(inf, layer, v);
  if (axis == AXIS_TIME && type_is_stream(&v->type) &&
      !layer_word_is(layer, OPT_direction, "forward"))
    return report_backwards(inf, layer, v);
  if (!size_mul(units, layer_directions(layer), &width))
    width = INT64_MAX; /* infer_size_fits reports it */
  Type type = type_result(&v->type);
  type_set_last(&type, width);
  layer->out[0]->type = type;
  if (axis == AXIS_TIME)
    type.time = (Time){.kind = TIME_NONE};
  else
    type_drop_axis(&type, axis);
  if (!infer_init(inf, layer, &type)) return false;
  for (int i = 1; i <= layer_n_states(layer); i++)
    layer->out[i]->type = type;
  return true;
}

bool infer_GRU(Infer *inf, Layer *layer) {
  return infer_recurrent(inf, layer);
}

bool infer_LSTM(Infer *inf, Layer *layer) {
  return infer_recurrent(inf, layer);
}

bool infer_RNN(Infer *inf, Layer *layer) {
  return infer_recurrent(inf, layer);
}
