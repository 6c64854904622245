/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* reshape: the same values under other axes. Of a sequence whose time stays first, each step is
 * laid out anew; else all values are counted in storage order, time included. */
#include "model/infer/infer_rule.h"

#include <stdlib.h>

/* The nearest size that makes the count come out when one axis of the request is off. */
static void fix_one_axis(Infer *inf, Diag *d, const OptVal *opt, int64_t have) {
  const Type *to = opt->shape;
  int axes = to->rank + type_is_sequence(to);
  for (int i = axes - 1, f = to->rank - 1; i >= 0; i--) {
    bool time = type_is_sequence(to) && i == to->time_pos;
    int64_t size = time ? to->time.n : to->dim[f].n, others = size ? type_size(to) / size : 0;
    const char *label = time               ? "time "
                        : to->dim[f].label ? arena_printf(inf->arena, "%s ", to->dim[f].label)
                                           : "";
    f -= !time;
    if (others <= 0 || have % others) continue;
    long long fits = (long long)(have / others);
    Fix *fix = diag_fix(d, FIX_MAYBE, "%s%lld fits", label, fits);
    Span at = type_axis_span(inf, opt->at, i);
    if (span_valid(at)) fix_edit(fix, at, "%s%lld", label, fits);
  }
}

/* Two axes that multiply to n, the first as near to the one asked for as there is. */
static void note_factors(Diag *d, const Type *to, int64_t n) {
  bool time = type_is_sequence(to);
  if (to->rank + time != 2 || n > 1000000) return;
  int64_t wanted = time && to->time_pos == 0 ? to->time.n : to->dim[0].n, best = 1;
  for (int64_t a = 1; a <= n; a++)
    if (n % a == 0 && llabs(a - wanted) < llabs(best - wanted)) best = a;
  diag_note(d, "nearest: %lld = %lld x %lld", (long long)n, (long long)best, (long long)(n / best));
}

static bool report_count(Infer *inf, Layer *layer, const Value *v, const OptVal *opt) {
  int64_t have = type_size(&v->type), want = type_size(opt->shape);
  Diag *d =
      infer_report(inf, E306, layer, layer->span, "`reshape` cannot turn %lld values into %lld",
                   (long long)have, (long long)want);
  diag_primary(d, "%s has %lld, %s has %lld", shape_str(inf->arena, &v->type), (long long)have,
               shape_str(inf->arena, opt->shape), (long long)want);
  diag_trace_value(d, inf->model, v);
  fix_one_axis(inf, d, opt, have);
  if (!d->n_fixes) note_factors(d, opt->shape, have);
  return false;
}

static const char *time_str(Arena *arena, const Time *time) {
  Text text = text_new(arena);
  text_add_time(&text, time);
  return text_str(&text);
}

/* Reports a value whose number of elements is not fixed. */
static bool report_open(Infer *inf, Layer *layer, const Value *v) {
  bool stream = type_is_stream(&v->type);
  Text text = text_new(inf->arena);
  text_add_time(&text, &v->type.time);
  Diag *d =
      stream
          ? infer_report(inf, E401, layer, layer->span,
                         "`reshape` needs the end of the sequence, but a stream has no end")
          : infer_report(inf, E405, layer, layer->span, "`reshape` needs a fixed number of steps");
  diag_primary(d, stream ? "gets %s" : "%s varies at run time",
               stream ? shape_str(inf->arena, &v->type) : text_str(&text));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "to reshape each step, begin the shape with this time axis: `reshape([%s, 16, 8])`",
            time_str(inf->arena, &v->type.time));
  return false;
}

/* [time .., 128] -> [time .., 16, 8]: a length that is not named means the one that is there. */
static bool keeps_time(const Type *from, const Type *to) {
  const Time *a = &from->time, *b = &to->time;
  if (a->kind != b->kind || from->time_pos || to->time_pos) return false;
  switch (a->kind) {
  case TIME_NONE: return false;
  case TIME_FIXED: return a->n == b->n;
  case TIME_BOUNDED: return b->length < 0 ? a->n == b->n : a->length == b->length;
  case TIME_STREAM: return b->period == 1 || a->period == b->period;
  }
  return false;
}

static bool report_step_count(Infer *inf, Layer *layer, const Value *v, const OptVal *opt) {
  long long have = (long long)type_step_size(&v->type),
            want = (long long)type_step_size(opt->shape);
  Diag *d = infer_report(inf, E306, layer, layer->span,
                         "`reshape` cannot turn %lld values of a step into %lld", have, want);
  diag_primary(d, "a step of %s has %lld, of %s %lld", shape_str(inf->arena, &v->type), have,
               shape_str(inf->arena, opt->shape), want);
  diag_trace_value(d, inf->model, v);
  return false;
}

static bool reshape_steps(Infer *inf, Layer *layer, const Value *v, const OptVal *opt) {
  const Type *to = opt->shape;
  if (type_step_size(to) != type_step_size(&v->type)) return report_step_count(inf, layer, v, opt);
  Type type = type_result(&v->type);
  type.rank = to->rank;
  for (int i = 0; i < to->rank; i++)
    type.dim[i] = to->dim[i];
  layer->out[0]->type = type;
  return true;
}

bool infer_reshape(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  const OptVal *opt = layer_opt(layer, OPT_shape);
  const Type *to = opt->shape;
  if (!needs_values(inf, layer, v)) return false;
  if (keeps_time(&v->type, to)) return reshape_steps(inf, layer, v, opt);
  if (type_is_stream(&v->type) || v->type.time.kind == TIME_BOUNDED)
    return report_open(inf, layer, v);
  if (to->time.kind == TIME_STREAM || to->time.kind == TIME_BOUNDED) {
    Diag *d =
        infer_report(inf, E306, layer, layer->span, "`reshape` needs a fixed number of steps");
    diag_primary(d, "makes %s of %s", shape_str(inf->arena, to), shape_str(inf->arena, &v->type));
    diag_trace_value(d, inf->model, v);
    return false;
  }
  if (!infer_size_fits(inf, to, layer->span, layer, v)) return false;
  if (type_size(to) != type_size(&v->type)) return report_count(inf, layer, v, opt);
  Type type = *to;
  type.elem = v->type.elem == ELEM_INDEX ? ELEM_INDEX : ELEM_F32;
  type.categories = v->type.categories;
  layer->out[0]->type = type;
  return true;
}
