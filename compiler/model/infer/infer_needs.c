/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the left side of a rule needs of the value that flows in: element, time, feature axes; and
 * what it needs of a size. In: a layer and its value. Out: true, or one report. */
#include "model/infer/infer_rule.h"

#include <string.h>

Type type_result(const Type *in) {
  Type type = *in;
  type.time_pos = 0;
  if (type.elem != ELEM_INDEX) type.elem = ELEM_F32;
  return type;
}

void type_set_last(Type *type, int64_t n) {
  type->dim[type->rank - 1] = (Dim){.n = n};
}

static bool is_integer(const Type *t) {
  return t->elem != ELEM_F32 && t->elem != ELEM_F16 && t->elem != ELEM_INDEX;
}

/* The largest value of an integer type plus one: as `std`, it scales the values to -1..1. */
static const char *full_scale(Elem elem) {
  switch (elem) {
  case ELEM_I8: return "128";
  case ELEM_U8: return "255";
  case ELEM_I16: return "32768";
  case ELEM_U16: return "65535";
  case ELEM_I32:
  case ELEM_F32:
  case ELEM_F16:
  case ELEM_INDEX: break;
  }
  return NULL;
}

static void report_integer(Infer *inf, const Layer *layer, const Value *v) {
  const Type *t = &v->type;
  Text elem = text_new(inf->arena);
  text_add_elem(&elem, t);
  Diag *d =
      infer_report(inf, E701, layer, layer->span, "`%s` needs numbers in f32, but this value is %s",
                   layer_name(layer), text_str(&elem));
  diag_primary(d, "gets %s", type_str(inf->arena, t));
  const Port *port = value_port(v);
  if (port) diag_label(d, port->type_span, "`%s` is %s", port->name, type_str(inf->arena, t));
  infer_trace_needs(inf, d, layer, v);
  diag_note(d,
            "only `normalize` converts integers to f32: it subtracts `mean` and divides by `std`");
  const char *scale = full_scale(t->elem);
  const char *stage = arena_printf(inf->arena, "normalize(mean=0, std=%s)", scale ? scale : "1");
  Fix *fix = diag_fix(d, FIX_MAYBE, "if they are measurements, convert them: `%s`", stage);
  edit_insert_stage(inf, fix, layer, stage);
}

static void report_index(Infer *inf, const Layer *layer, const Value *v) {
  long long n = (long long)v->type.categories;
  Diag *d = infer_report(inf, E701, layer, layer->span,
                         "`%s` needs numbers, but this value is an index", layer_name(layer));
  diag_primary(d, "gets %s", type_str(inf->arena, &v->type));
  infer_trace_needs(inf, d, layer, v);
  diag_note(d, "an index names one of %lld categories; the order of their numbers has no meaning",
            n);
  if (v->type.rank + type_is_sequence(&v->type) >= TYPE_MAX_AXES) return;
  bool few = n <= 64 && v->type.rank == 0;
  bool fits = layer->kind == LAYER_Dense || layer->kind == LAYER_concat ||
              (layer_info(layer->kind)->flags & RECURRENT && type_is_sequence(&v->type));
  int i = 0;
  while (i < layer->n_in - 1 && layer->in[i] != v)
    i++;
  Fix *fix = diag_fix(d, few && fits ? FIX_SURE : FIX_MAYBE,
                      "replace the index by %lld numbers, one for each category", n);
  edit_pipe_input(inf, fix, layer, i, "onehot");
  fix = diag_fix(d, FIX_FILL, "or look up a trained vector for each category");
  edit_pipe_input(inf, fix, layer, i, "Embedding(N)");
}

bool needs_values(Infer *inf, const Layer *layer, const Value *v) {
  if (!is_integer(&v->type)) return true;
  report_integer(inf, layer, v);
  return false;
}

bool needs_numbers(Infer *inf, const Layer *layer, const Value *v) {
  if (!needs_values(inf, layer, v)) return false;
  if (v->type.elem != ELEM_INDEX) return true;
  report_index(inf, layer, v);
  return false;
}

bool needs_index(Infer *inf, const Layer *layer, const Value *v) {
  if (v->type.elem == ELEM_INDEX) return true;
  Text elem = text_new(inf->arena);
  text_add_elem(&elem, &v->type);
  Diag *d =
      infer_report(inf, E702, layer, layer->span, "`%s` looks up indices, but this value is %s",
                   layer_name(layer), text_str(&elem));
  diag_primary(d, "gets %s", shape_str(inf->arena, &v->type));
  infer_trace_needs(inf, d, layer, v);
  diag_note(d, "`index(n)` sets the number of categories, and with it the width of the result");
  const Port *port = v->port;
  if (!port) return false;
  diag_label(d, port->type_span, "`%s` is %s", port->name, type_str(inf->arena, &v->type));
  Fix *fix = diag_fix(d, FIX_FILL, "declare the input as an index into N categories");
  Span at = port->type_span;
  at.end = at.begin + (uint32_t)elem.len;
  if (span_valid(at)) fix_edit(fix, at, "index(N)");
  return false;
}

/* ---- E301 ---- */

/* The stage that ended time on the way to v; NULL if it never had any. */
static const Layer *time_ender(const Value *v) {
  while (v->layer && v->layer->n_in && !type_is_sequence(&v->layer->in[0]->type))
    v = v->layer->in[0];
  return v->layer && v->layer->n_in ? v->layer : NULL;
}

/* `a.h |> GRU(64)`: the state is used, but the sequence is meant. */
static void explain_state(Infer *inf, Diag *d, const Layer *layer, const Value *v) {
  const char *base = v->layer->out[0]->name;
  diag_label(d, v->layer->span, "its state has no time axis");
  if (!base) return;
  diag_note(d, "`%s.%s` is the final state, a vector; `%s` is the whole sequence", base, v->field,
            base);
  Span at = input_span(layer, 0);
  if (layer->in[0] != v || !span_valid(at) || strcmp(v->field, "h") != 0) return;
  if (strchr(span_text(inf->arena, inf->diags->sources, at), ' ')) return;
  bool stacked = layer_info(layer->kind)->flags & RECURRENT;
  fix_edit(diag_fix(d, stacked ? FIX_SURE : FIX_MAYBE, "read every step: drop `.h`"), at, "%s",
           base);
}

static void explain_ended(Infer *inf, Diag *d, const Layer *layer, const Value *v,
                          const Layer *ender) {
  const char *end = layer_name(ender), *name = layer_name(layer);
  unsigned flags = layer_info(layer->kind)->flags;
  bool direct = v->layer == ender && v->n_uses == 1;
  diag_label(d, ender->span, "`%s` removed `time`", end);
  if (flags & ENDS) {
    if (!span_valid(layer->pipe)) return;
    FixKind kind = layer->kind == ender->kind && direct ? FIX_SURE : FIX_MAYBE;
    edit_drop_stage(inf, diag_fix(d, kind, "remove `%s`: the value has no time axis anymore", name),
                    layer);
    return;
  }
  bool removable = layer_info(ender->kind)->flags & ENDS && ender->call == layer->call &&
                   span_valid(ender->pipe) && v->n_uses == 1;
  if (!removable) return;
  bool stacked = flags & RECURRENT && direct && ender->kind == LAYER_last;
  Fix *fix =
      stacked ? diag_fix(d, FIX_SURE,
                         "remove `last`: a stacked `%s` reads every step of the layer below", name)
              : diag_fix(d, FIX_MAYBE, "remove `%s`, so that `%s` reads every step", end, name);
  edit_drop_stage(inf, fix, ender);
}

/* `reshape([20, 3]) |> LSTM(8)`, with stages that keep the shape between: the reshape names no
 * time. False if no reshape of two axes made the value. */
static bool explain_reshaped(Infer *inf, Diag *d, const Layer *layer, const Value *v) {
  const Value *at = v;
  while (at->layer && at->layer->n_in == 1 && at->layer->kind != LAYER_reshape)
    at = at->layer->in[0];
  const Layer *reshape = at->layer;
  if (!reshape || reshape->kind != LAYER_reshape || at->type.rank != 2 || v->type.rank != 2)
    return false;
  Span size = type_axis_span(inf, layer_opt(reshape, OPT_shape)->at, 0);
  diag_label(d, reshape->span, "this `reshape` has no axis `time`");
  diag_note(d, "an unnamed axis holds features; only an axis named `time` makes a sequence");
  if (!span_valid(size) || layer->call != reshape->call) return true;
  bool direct = v == at && v->n_uses == 1;
  direct &= !at->type.dim[0].label;
  fix_edit(diag_fix(d, direct ? FIX_SURE : FIX_MAYBE, "name the first axis `time`"), size,
           "time %lld", (long long)at->type.dim[0].n);
  return true;
}

/* [1440, 3] where [time 1440, 3] is meant; [32, 10, 128] with its batch; [128]. */
static void explain_untimed(Infer *inf, Diag *d, const Layer *layer, const Value *v,
                            const Port *port) {
  const Type *t = &port->declared;
  diag_label(d, port->type_span, "`%s` is %s", port->name, shape_or_type_str(inf->arena, t));
  bool direct = v->port != NULL;
  Span first = type_axis_span(inf, port->type_span, 0);
  long long n0 = t->rank > 0 ? (long long)t->dim[0].n : 0,
            n1 = t->rank > 1 ? (long long)t->dim[1].n : 0;
  if (t->rank == 2 && direct) {
    diag_note(d, "an unnamed axis holds features; only an axis named `time` makes a sequence");
    Fix *fix = diag_fix(d, t->dim[0].label || v->n_uses > 1 ? FIX_MAYBE : FIX_SURE,
                        "name the first axis `time`");
    if (span_valid(first)) fix_edit(fix, first, "time %lld", n0);
  } else if (t->rank == 3 && direct) {
    Fix *fix = diag_fix(
        d, FIX_MAYBE, "shapes describe one sample: drop the batch axis and build with `--batch N`");
    Span second = type_axis_span(inf, port->type_span, 1);
    if (span_valid(first) && span_valid(second))
      fix_edit(fix, span_join(first, second), "time %lld", n1);
  } else if (t->rank == 1) {
    if (layer_info(layer->kind)->flags & RECURRENT)
      diag_note(d, "`expand` makes a sequence of one step; it compiles, but the recurrent weights "
                   "are then never used (W401)");
    if (!span_valid(first)) return;
    Span at = {first.file, first.begin, first.begin};
    bool ends = layer_info(layer->kind)->flags & ENDS;
    Fix *fix = diag_fix(d, FIX_FILL, "if one call passes a whole sequence, declare its length");
    fix_edit(fix, at, "time N, ");
    if (ends) return;
    fix = diag_fix(d, FIX_MAYBE,
                   "if one call passes one step of an endless sequence, declare a stream");
    fix_edit(fix, at, "time .., ");
  } else
    diag_note(d, "an unnamed axis holds features; only an axis named `time` makes a sequence");
}

/* The final state of a recurrent layer of a stream is one vector a call. */
static bool report_stream_state(Infer *inf, const Layer *layer, const Value *v) {
  if (!v->field || !type_is_stream(&v->layer->out[0]->type)) return false;
  Span at = input_span(layer, 0);
  Diag *d = infer_report(inf, E504, layer, layer->span,
                         "`.%s` of a stream is one vector per call, but `%s` needs a sequence",
                         v->field, layer_name(layer));
  diag_primary(d, "gets %s", shape_str(inf->arena, &v->type));
  if (span_valid(at)) diag_label(d, at, "the state after this call");
  infer_trace_needs(inf, d, layer, v);
  diag_note(d, "the output of the layer is the sequence of its states");
  const char *base = v->layer->out[0]->name;
  if (!base || strcmp(v->field, "h") != 0 || !span_valid(at)) return true;
  const char *text = span_text(inf->arena, inf->diags->sources, at);
  if (strcmp(text, arena_printf(inf->arena, "%s.h", base)) != 0) return true;
  fix_edit(diag_fix(d, FIX_SURE, "drop `.h`: `%s` is the state at every step", base), at, "%s",
           base);
  return true;
}

bool needs_sequence(Infer *inf, const Layer *layer, const Value *v) {
  if (type_is_sequence(&v->type)) return true;
  if (report_stream_state(inf, layer, v)) return false;
  Diag *d =
      infer_report(inf, E301, layer, layer->span,
                   "`%s` needs a sequence, but this value has no time axis", layer_name(layer));
  diag_primary(d, "needs %s, gets %s", layer_pattern(inf->arena, layer),
               shape_or_type_str(inf->arena, &v->type));
  infer_trace_needs(inf, d, layer, v);
  const Layer *ender = time_ender(v);
  const Port *port = value_port(v);
  if (v->field)
    explain_state(inf, d, layer, v);
  else if (ender)
    explain_ended(inf, d, layer, v, ender);
  else if (!explain_reshaped(inf, d, layer, v) && port)
    explain_untimed(inf, d, layer, v, port);
  return false;
}

/* ---- E304 ---- */

/* [32, time 10, 8] or [batch 32, time 10, 8]: the axis before time is a batch. */
static bool fix_batch_axis(Infer *inf, Diag *d, const Value *v) {
  const Type *t = &v->type;
  if (!v->port || t->rank != 2 || t->time_pos != 1) return false;
  if (t->dim[0].label && strcmp(t->dim[0].label, "batch") != 0) return false;
  Span first = type_axis_span(inf, v->port->type_span, 0);
  Span second = type_axis_span(inf, v->port->type_span, 1);
  if (!span_valid(first) || !span_valid(second)) return false;
  Fix *fix = diag_fix(d, FIX_MAYBE,
                      "shapes describe one sample: drop the batch axis and build with `--batch N`");
  first.end = second.begin;
  fix_edit(fix, first, "%s", "");
  return true;
}

bool needs_rank(Infer *inf, const Layer *layer, const Value *v, int at_least, int at_most) {
  const Type *t = &v->type;
  if (t->rank >= at_least && t->rank <= at_most) return true;
  const char *count = t->rank == 0 ? "none" : arena_printf(inf->arena, "%d", t->rank);
  Diag *d =
      infer_report(inf, E304, layer, layer->span,
                   "`%s` needs one feature axis, but this value has %s", layer_name(layer), count);
  diag_primary(d, "needs %s, gets %s", layer_pattern(inf->arena, layer),
               shape_or_type_str(inf->arena, t));
  infer_trace_needs(inf, d, layer, v);
  int64_t d_all = type_step_size(t);
  if (fix_batch_axis(inf, d, v)) return false;
  if (t->rank > 1 && t->time.kind == TIME_FIXED) {
    const char *stage = arena_printf(inf->arena, "reshape([time %lld, %lld])", (long long)t->time.n,
                                     (long long)d_all);
    Fix *fix = diag_fix(d, FIX_MAYBE, "join the %lld features of a step", (long long)d_all);
    edit_insert_stage(inf, fix, layer, stage);
  } else if (t->rank == 0 && v->port && span_valid(v->port->type_span)) {
    Fix *fix = diag_fix(d, v->n_uses > 1 ? FIX_MAYBE : FIX_SURE, "give it a feature axis of one");
    Span at = v->port->type_span;
    const char *text = span_text(inf->arena, inf->diags->sources, at);
    at.begin = at.end -= text[0] && text[strlen(text) - 1] == ']';
    fix_edit(fix, at, type_is_sequence(t) ? ", 1" : "[1]");
  }
  return false;
}

/* [32, time 10, 8] and [time 10, batch 32, 8]: a layer could be mapped over the batch, but that is
 * never meant. */
static bool has_batch_axis(const Value *v) {
  const Type *t = &v->type;
  if (t->rank < 2) return false;
  const char *label = t->dim[0].label;
  return label ? strcmp(label, "batch") == 0 : v->port && t->time_pos == 1;
}

bool needs_mapped(Infer *inf, const Layer *layer, const Value *v) {
  if (!needs_numbers(inf, layer, v) || !needs_sequence(inf, layer, v)) return false;
  return needs_rank(inf, layer, v, 1, has_batch_axis(v) ? 1 : TYPE_MAX_AXES);
}

bool needs_steps(Infer *inf, const Layer *layer, const Value *v) {
  return needs_numbers(inf, layer, v) && needs_sequence(inf, layer, v) &&
         needs_rank(inf, layer, v, 1, 1);
}

/* Reports a duration, such as 25ms, for an option that counts positions of a feature axis. */
static bool report_duration(Infer *inf, const Layer *layer, Span at) {
  Diag *d = infer_report(inf, E407, layer, at, "a duration counts steps of time");
  diag_primary(d, "expected a whole number");
  return false;
}

bool needs_size_least(Infer *inf, Layer *layer, OptName name, const Value *v, int64_t least,
                      int64_t *out) {
  OptVal *opt = layer_opt_mut(layer, name);
  Span at = span_valid(opt->at) ? opt->at : layer->span;
  if (opt->is_duration && !v) return report_duration(inf, layer, at);
  if (opt->is_duration && !duration_steps(inf, layer, at, opt->num, opt->den, v, &opt->i))
    return false;
  *out = opt->i;
  if (opt->i >= least) return true;
  const char *key = layer_info(layer->kind)->opts[opt - layer->opt].name;
  Diag *d = infer_report(inf, E310, layer, at, "`%s` of `%s` is %lld", key, layer_name(layer),
                         (long long)opt->i);
  diag_primary(d, "must be at least %lld", (long long)least);
  return false;
}

bool needs_size(Infer *inf, Layer *layer, OptName name, const Value *v, int64_t *out) {
  return needs_size_least(inf, layer, name, v, 1, out);
}

bool needs_division(Infer *inf, const Layer *layer, const Value *v, OptName name, int64_t parts) {
  const OptVal *opt = layer_opt(layer, name);
  const char *what = layer_info(layer->kind)->opts[opt - layer->opt].name;
  long long d = (long long)v->type.dim[v->type.rank - 1].n;
  if (d % parts == 0) return true;
  Diag *diag = infer_report(inf, E311, layer, span_valid(opt->at) ? opt->at : layer->span,
                            "%lld features do not divide into %lld %s", d, (long long)parts, what);
  diag_primary(diag, "%lld / %lld is not a whole number", d, (long long)parts);
  diag_trace_value(diag, inf->model, v);
  return false;
}
