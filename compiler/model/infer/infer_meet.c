/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Two values joined step by step, by concat or an operator: their times must be one. In: inputs i
 * and j of a layer. Out: true, or one of E307, E303, E309, E409, E410, E412. */
#include "model/infer/infer_rule.h"

#include <string.h>

static Span operand_span(const Layer *layer, int i) {
  Span at = input_span(layer, i);
  return span_valid(at) ? at : layer->span;
}

/* Labels both operands; without source text, the message names them. */
static void label_both(Diag *d, const Layer *layer, int i, int j, const char *a, const char *b) {
  if (span_valid(operand_span(layer, i))) diag_label(d, operand_span(layer, i), "%s", a);
  if (span_valid(operand_span(layer, j))) diag_label(d, operand_span(layer, j), "%s", b);
}

void infer_label_both(Infer *inf, Diag *d, const Layer *layer, int i, int j) {
  const int both[] = {i, j};
  for (int k = 0; k < 2; k++) {
    Span at = input_span(layer, both[k]);
    if (span_valid(at))
      diag_label(d, at, "%s", shape_or_type_str(inf->arena, &layer->in[both[k]]->type));
  }
  const Value *values[] = {layer->in[i], layer->in[j]};
  trace_values(d, inf->model, 2, values, false);
}

static const char *shape_and_time(Infer *inf, const Value *v) {
  const char *shape = shape_or_type_str(inf->arena, &v->type);
  return type_is_sequence(&v->type) ? shape : arena_printf(inf->arena, "%s, no time axis", shape);
}

static const char *time_text(Infer *inf, const Value *v) {
  Text text = text_new(inf->arena);
  text_add_time(&text, &v->type.time);
  return text_str(&text);
}

static Diag *report_pair(Infer *inf, DiagCode code, const Layer *layer, int i, int j, bool rates,
                         const char *message) {
  Diag *d = infer_report(inf, code, layer, layer->name_span, "%s", message);
  const Value *both[] = {layer->in[i], layer->in[j]};
  trace_values(d, inf->model, 2, both, rates);
  return d;
}

/* A name in the scope of layer for a sequence with the time of v; NULL if there is none. */
static const char *name_along(const Layer *layer, const Value *v) {
  const Time *time = &v->type.time;
  for (; v; v = v->layer && v->layer->n_in ? v->layer->in[0] : NULL) {
    bool same = time_equal(&v->type.time, time) && v->type.time.lag == time->lag;
    if (same && v->name && !v->field && (v->layer ? v->layer->call : NULL) == layer->call)
      return v->name;
  }
  return NULL;
}

/* Two values whose times differ, concatenated (`code`, `what` they are) or element by element. */
static Diag *report_times(Infer *inf, const Layer *layer, int i, int j, DiagCode code,
                          const char *what) {
  bool concat = layer->kind == LAYER_concat;
  const char *message = concat ? arena_printf(inf->arena, "cannot concatenate %s", what)
                               : arena_printf(inf->arena, "operands of `%s` must have equal shapes",
                                              layer_name(layer));
  Diag *d = report_pair(inf, concat ? code : E303, layer, i, j, false, message);
  label_both(d, layer, i, j, shape_and_time(inf, layer->in[i]), shape_and_time(inf, layer->in[j]));
  return d;
}

/* A sequence and a vector: repeat the vector, sure when only time differs and it can be written. */
static bool report_vector(Infer *inf, const Layer *layer, int i, int j) {
  bool concat = layer->kind == LAYER_concat;
  int s = type_is_sequence(&layer->in[i]->type) ? i : j, v = s == i ? j : i;
  const Value *sequence = layer->in[s], *vector = layer->in[v];
  Diag *d = report_times(inf, layer, i, j, E307, "a sequence with a single vector");
  diag_note(d, "grus does not broadcast: repeat a value that holds for the whole sequence");
  bool fits = concat ? sequence->type.rank == vector->type.rank
                     : dims_equal(&sequence->type, &vector->type);
  if (!fits) return false;
  const char *name = name_along(layer, sequence);
  const char *title = "repeat the vector at every step of the sequence";
  Fix *fix =
      name ? diag_fix(d, FIX_SURE, "%s", title)
           : diag_fix(d, FIX_MAYBE, "name the sequence with `let`, and repeat the vector along it");
  if (name) edit_pipe_input(inf, fix, layer, v, arena_printf(inf->arena, "repeat(along=%s)", name));
  return false;
}

/* Two inputs whose lengths are not said to be the same: give both one name. */
static void share_name(Infer *inf, Diag *d, const Value *a, const Value *b) {
  diag_note(d, "lengths with different names, or without a name, can differ in a call");
  const Port *from[] = {value_port(a), value_port(b)};
  for (int i = 0; i < 2; i++) { /* nothing on the way changed the length */
    if (!from[i] || from[i]->value->type.time.kind != TIME_BOUNDED) return;
    if (from[i]->value->type.time.length != (i ? b : a)->type.time.length) return;
  }
  if (a->type.time.n != b->type.time.n) return;
  const char *name = a->type.time.len   ? a->type.time.len
                     : b->type.time.len ? b->type.time.len
                                        : "n";
  Fix *fix =
      diag_fix(d, FIX_MAYBE, "if both always have the same length, give the lengths one name");
  const Value *both[] = {a, b};
  for (int i = 0; i < 2; i++) {
    const Port *port = from[i];
    Span axis = type_axis_span(inf, port->type_span, port->declared.time_pos);
    if (!span_valid(axis) || (both[i]->type.time.len && strcmp(both[i]->type.time.len, name) == 0))
      continue;
    const char *text = span_text(inf->arena, inf->diags->sources, axis), *less = strstr(text, "<=");
    if (!less) continue;
    Span before = {axis.file, axis.begin, axis.begin + (uint32_t)(less - text)};
    fix_edit(fix, before, "time %s ", name);
  }
}

/* The convolution along time that is not padded and made one branch shorter. */
static const Layer *shortened_by(const Value *v) {
  for (; v->layer && v->layer->n_in; v = v->layer->in[0])
    if (v->layer->kind == LAYER_Conv1D && layer_time(v->layer) &&
        layer_word_is(v->layer, OPT_padding, "valid") && layer_size(v->layer, OPT_kernel, 1) > 1)
      return v->layer;
  return NULL;
}

bool advise_causal(Infer *inf, Diag *d, const Value *v, const char *title) {
  const Layer *conv = shortened_by(v);
  if (!conv) return false;
  const OptVal *padding = layer_opt(conv, OPT_padding);
  Fix *fix = diag_fix(d, FIX_MAYBE, "%s", title);
  if (padding->given && span_valid(padding->at))
    fix_edit(fix, padding->at, "causal");
  else
    edit_add_argument(inf, fix, conv, "padding=causal");
  return true;
}

static bool report_lengths(Infer *inf, const Layer *layer, int i, int j) {
  const Value *a = layer->in[i], *b = layer->in[j];
  bool concat = layer->kind == LAYER_concat;
  const char *message = concat ? "cannot concatenate sequences of different lengths"
                               : arena_printf(inf->arena, "operands of `%s` must have equal shapes",
                                              layer_name(layer));
  Diag *d = report_pair(inf, concat ? E309 : E303, layer, i, j, false, message);
  if (concat)
    label_both(d, layer, i, j, time_text(inf, a), time_text(inf, b));
  else
    label_both(d, layer, i, j, shape_and_time(inf, a), shape_and_time(inf, b));
  if (a->type.time.kind == TIME_BOUNDED && b->type.time.kind == TIME_BOUNDED)
    share_name(inf, d, a, b);
  else if (a->type.time.kind != b->type.time.kind)
    diag_note(d, "one length is fixed, the other varies from call to call");
  const char *title = "`padding=causal` keeps the length, with zeros before the first step";
  if (!advise_causal(inf, d, a, title)) advise_causal(inf, d, b, title);
  return false;
}

static bool report_stream_meets(Infer *inf, const Layer *layer, int i, int j) {
  const Value *a = layer->in[i], *b = layer->in[j];
  Diag *d = report_pair(inf, E409, layer, i, j, false,
                        "a stream and a whole sequence cannot be combined");
  label_both(d, layer, i, j, time_text(inf, a), time_text(inf, b));
  diag_note(d, "a call takes one step of a stream, but all steps of a whole sequence");
  const Value *stream = type_is_stream(&a->type) ? a : b, *whole = stream == a ? b : a;
  const Port *port = whole->port;
  if (port && span_valid(port->type_span)) {
    Fix *fix = diag_fix(d, FIX_MAYBE, "declare both as streams");
    Span axis = type_axis_span(inf, port->type_span, port->declared.time_pos);
    const char *text = span_valid(axis) ? span_text(inf->arena, inf->diags->sources, axis) : "";
    const char *rate = strchr(text, '@');
    if (*text && port->declared.time_pos == 0)
      fix_edit(fix, axis, rate ? "time .. %s" : "time ..", rate);
  }
  if (stream_port(stream)) fix_window(inf, d, stream_port(stream));
  return false;
}

/* Reports streams of different periods. */
static bool report_periods(Infer *inf, const Layer *layer, int i, int j) {
  Diag *d = report_times(inf, layer, i, j, E309, "streams of different periods");
  diag_note(d, "`time .. / p` has one value for every p steps of the inputs; `frames` or `stride` "
               "reduce the faster rate");
  return false;
}

static const char *rate_text(Infer *inf, const Value *v) {
  Text text = text_new(inf->arena);
  text_add_rate(&text, v->type.time.rate_num, v->type.time.rate_den);
  return text_str(&text);
}

static bool report_rates(Infer *inf, const Layer *layer, int i, int j) {
  const char *a = rate_text(inf, layer->in[i]), *b = rate_text(inf, layer->in[j]);
  Diag *d = report_pair(inf, E410, layer, i, j, true,
                        arena_printf(inf->arena, "the sample rates %s and %s differ", a, b));
  label_both(d, layer, i, j, a, b);
  diag_note(d, "step k of one is another moment than step k of the other; `frames` or a `stride` "
               "reduce the faster rate");
  return false;
}

static bool report_lags(Infer *inf, const Layer *layer, int i, int j) {
  const Value *a = layer->in[i], *b = layer->in[j];
  long long la = (long long)a->type.time.lag, lb = (long long)b->type.time.lag;
  Diag *d = report_pair(inf, E412, layer, i, j, false, "these streams start at different steps");
  label_both(d, layer, i, j, arena_printf(inf->arena, "starts at step %lld", la + 1),
             arena_printf(inf->arena, "starts at step %lld", lb + 1));
  diag_note(d, "a kernel or frame without padding waits until its history is full, so the result "
               "would combine values of different moments");
  const Value *late = la > lb ? a : b;
  if (!advise_causal(inf, d, late, "start at the first step, with zeros before it"))
    diag_note(d, "put the same `frames` before the fork, so that both branches wait together");
  return false;
}

bool times_meet(Infer *inf, const Layer *layer, int i, int j) {
  const Time *a = &layer->in[i]->type.time, *b = &layer->in[j]->type.time;
  if (a->kind == TIME_NONE && b->kind == TIME_NONE) return true;
  if (a->kind == TIME_NONE || b->kind == TIME_NONE) return report_vector(inf, layer, i, j);
  if ((a->kind == TIME_STREAM) != (b->kind == TIME_STREAM))
    return report_stream_meets(inf, layer, i, j);
  if (!time_rates_agree(a, b)) return report_rates(inf, layer, i, j);
  if (a->kind == TIME_STREAM && a->period != b->period) return report_periods(inf, layer, i, j);
  if (!time_equal(a, b)) return report_lengths(inf, layer, i, j);
  if (a->kind == TIME_STREAM && a->lag != b->lag) return report_lags(inf, layer, i, j);
  return true;
}

void type_merge(Type *into, const Type *other) {
  if (!into->time.rate_num) {
    into->time.rate_num = other->time.rate_num;
    into->time.rate_den = other->time.rate_den;
  }
  if (!into->time.len) into->time.len = other->time.len;
  for (int i = 0; i < into->rank && i < other->rank; i++)
    if (!into->dim[i].label) into->dim[i].label = other->dim[i].label;
}

void report_labels(Infer *inf, const Layer *layer, int i, int j, int axis) {
  const char *a = layer->in[i]->type.dim[axis].label, *b = layer->in[j]->type.dim[axis].label;
  Diag *d =
      report_pair(inf, E312, layer, i, j, false,
                  arena_printf(inf->arena, "the axes `%s` and `%s` have different labels", a, b));
  label_both(d, layer, i, j, arena_printf(inf->arena, "the label `%s`", a),
             arena_printf(inf->arena, "the label `%s`", b));
  diag_note(d, "the sizes are equal, but axes with labels must also have equal labels");
  const Port *port = layer->in[j]->port;
  if (!port || !span_valid(port->type_span)) return;
  int written = axis + (type_is_sequence(&port->declared) && port->declared.time_pos <= axis);
  Span at = type_axis_span(inf, port->type_span, written);
  if (!span_valid(at)) return;
  at.end = at.begin + (uint32_t)strlen(b);
  fix_edit(diag_fix(d, FIX_MAYBE, "if both axes mean the same, rename one"), at, "%s", a);
}
