/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM, RNN: a sequence in, a sequence out, one vector for each state. */
#include "model/infer/infer_rule.h"

static bool report_backwards(Infer *inf, const Layer *layer, const Value *v) {
  const OptVal *direction = layer_opt(layer, OPT_direction);
  Span at = span_valid(direction->span) ? direction->span : layer->span;
  Diag *d = infer_report(inf, E402, layer, at,
                         "`direction=%s` reads the sequence backwards, and a stream has no end",
                         direction->s);
  diag_primary(d, "not causal");
  diag_trace_value(d, inf->model, v);
  if (span_valid(direction->at)) {
    Fix *fix = diag_fix(d, FIX_MAYBE, "read forward only");
    edit_drop_argument(inf, fix, direction->span);
  }
  const Port *port = stream_port(v);
  if (port) fix_window(inf, d, port);
  return false;
}

static bool infer_recurrent(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t units, width;
  if (!needs_steps(inf, layer, v) || !needs_size(inf, layer, OPT_units, v, &units)) return false;
  if (type_is_stream(&v->type) && !layer_word_is(layer, OPT_direction, "forward"))
    return report_backwards(inf, layer, v);
  if (!size_mul(units, layer_directions(layer), &width))
    width = INT64_MAX; /* infer_size_fits reports it */
  if (!infer_init(inf, layer, width)) return false;
  Type type = type_result(&v->type);
  type_set_last(&type, width);
  layer->out[0]->type = type;
  type.time = (Time){.kind = TIME_NONE};
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
