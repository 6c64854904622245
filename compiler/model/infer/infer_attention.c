/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* attention(q, k, v): every position of q takes a mean of v, weighted by how its query fits the
 * keys. The positions are the steps of whole sequences, or those of the axis that `along` names,
 * within one step. */
#include "model/infer/infer_rule.h"

static bool report_three(Infer *inf, const Layer *layer) {
  Diag *d = infer_report(inf, layer->n_in < 3 ? E204 : E217, layer, layer->span,
                         "`attention` works on three values: queries, keys, values");
  diag_primary(d, "%d given", layer->n_in);
  diag_note(d, "`attention(q, k, v, heads=4)`; attention of a sequence to itself has all three "
               "made from it");
  return false;
}

static bool report_stream(Infer *inf, const Layer *layer, const Value *v) {
  Diag *d = infer_report(inf, E401, layer, layer->span,
                         "`attention` along time looks at every step, but a stream has no end");
  diag_primary(d, "gets %s", shape_str(inf->arena, &v->type));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "within a step it is legal: `along=` names a feature axis");
  return false;
}

static bool report_parts(Infer *inf, const Layer *layer, const char *message, int a, int b) {
  Diag *d = infer_report(inf, E303, layer, layer->name_span, "%s", message);
  const int which[] = {a, b};
  for (int i = 0; i < 2; i++) {
    Span at = input_span(layer, which[i]);
    if (span_valid(at))
      diag_label(d, at, "%s", shape_or_type_str(inf->arena, &layer->in[which[i]]->type));
  }
  const Value *values[] = {layer->in[a], layer->in[b]};
  trace_values(d, inf->model, 2, values, false);
  return false;
}

static bool heads_divide(Infer *inf, Layer *layer, const Value *v, int64_t heads) {
  const OptVal *opt = layer_opt(layer, OPT_heads);
  long long d = (long long)v->type.dim[v->type.rank - 1].n;
  if (d % heads == 0) return true;
  Diag *diag = infer_report(inf, E311, layer, span_valid(opt->at) ? opt->at : layer->span,
                            "%lld features do not divide into %lld heads", d, (long long)heads);
  diag_primary(diag, "%lld / %lld is not a whole number", d, (long long)heads);
  diag_trace_value(diag, inf->model, v);
  return false;
}

/* Time along which it goes is that of whole sequences; where it goes within steps all have the same
 * steps. */
static bool positions_meet(Infer *inf, const Layer *layer, bool timed) {
  const Type *q = &layer->in[0]->type, *k = &layer->in[1]->type, *v = &layer->in[2]->type;
  bool causal = layer_word_is(layer, OPT_mask, "causal");
  int axis = layer->along[0].axis;
  for (int i = 0; i < 3; i++)
    if (timed && type_is_stream(&layer->in[i]->type))
      return report_stream(inf, layer, layer->in[i]);
  if (!time_equal(&k->time, &v->time))
    return report_parts(inf, layer, "keys and values of `attention` need the same steps", 1, 2);
  if ((!timed || causal) &&
      (!time_equal(&q->time, &k->time) || q->time.lag != k->time.lag || q->time.lag != v->time.lag))
    return report_parts(inf, layer,
                        timed ? "with `mask=causal` queries and keys need the same steps"
                              : "queries, keys and values of `attention` need the same steps",
                        0, 1);
  if (timed) return true;
  if (k->dim[axis].n != v->dim[axis].n)
    return report_parts(inf, layer, "keys and values of `attention` need the same positions", 1, 2);
  if (causal && q->dim[axis].n != k->dim[axis].n)
    return report_parts(inf, layer, "with `mask=causal` queries and keys need the same positions",
                        0, 1);
  return true;
}

bool infer_attention(Infer *inf, Layer *layer) {
  int64_t heads;
  if (layer->n_in != 3) return report_three(inf, layer);
  for (int i = 0; i < 3; i++)
    if (!needs_numbers(inf, layer, layer->in[i])) return false;
  const Value *q = layer->in[0];
  if (!layer_goes_along(inf, layer, q, 1, false)) return false;
  bool timed = layer->along[0].axis == AXIS_TIME;
  int rank = timed ? 1 : 2;
  for (int i = 0; i < 3; i++)
    if (layer->in[i]->type.rank != rank || (timed && !type_is_sequence(&layer->in[i]->type))) {
      Diag *d = infer_report(inf, E304, layer, layer->span, "`attention` needs %s",
                             timed ? "[time t, d] of all three" : "[.., f, d] of all three");
      diag_primary(d, "gets %s", shape_or_type_str(inf->arena, &layer->in[i]->type));
      diag_trace_value(d, inf->model, layer->in[i]);
      return false;
    }
  if (!positions_meet(inf, layer, timed)) return false;
  if (q->type.dim[rank - 1].n != layer->in[1]->type.dim[rank - 1].n)
    return report_parts(inf, layer, "queries and keys of `attention` need equally many features", 0,
                        1);
  if (!needs_size(inf, layer, OPT_heads, NULL, &heads) || !heads_divide(inf, layer, q, heads) ||
      !heads_divide(inf, layer, layer->in[2], heads))
    return false;
  Type type = type_result(&q->type);
  type_set_last(&type, layer->in[2]->type.dim[rank - 1].n);
  layer->out[0]->type = type;
  return true;
}
