/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that give the same values other axes: reshape, repeat, expand, slice. */
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

/* Only counted values can be laid out anew. */
static bool report_uncounted(Infer *inf, Layer *layer, const Value *v) {
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
  diag_note(d, "`reshape` gives all values of a sequence new axes, time included");
  return false;
}

bool infer_reshape(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  const OptVal *opt = layer_opt(layer, OPT_shape);
  const Type *to = opt->shape;
  if (!needs_values(inf, layer, v)) return false;
  if (type_is_stream(&v->type) || v->type.time.kind == TIME_BOUNDED)
    return report_uncounted(inf, layer, v);
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

/* Room for one more axis, and no time axis yet. */
static bool can_spread(Infer *inf, Layer *layer, const Value *v) {
  if (!needs_values(inf, layer, v)) return false;
  if (type_is_sequence(&v->type)) {
    Diag *d = infer_report(inf, E305, layer, layer->span, "a value has at most one time axis");
    diag_primary(d, "%s is a sequence already", shape_str(inf->arena, &v->type));
    diag_trace_value(d, inf->model, v);
    if (span_valid(layer->pipe))
      edit_drop_stage(inf, diag_fix(d, FIX_MAYBE, "remove `%s`", layer_name(layer)), layer);
    return false;
  }
  if (v->type.rank < TYPE_MAX_AXES) return true;
  Type type = v->type;
  type.time.kind = TIME_FIXED;
  return infer_size_fits(inf, &type, layer->span, layer, v);
}

static bool repeat_along(Infer *inf, Layer *layer, const OptVal *along, Time *time) {
  const Value *x = along->value;
  *time = x->type.time;
  if (type_is_sequence(&x->type)) return true;
  Span at = span_valid(along->at) ? along->at : layer->span;
  Diag *d = infer_report(inf, E301, layer, at,
                         "`along` needs a sequence, but this value has no time axis");
  diag_primary(d, "needs [time t, ...], gets %s", shape_str(inf->arena, &x->type));
  diag_trace_value(d, inf->model, x);
  return false;
}

/* Both or neither of n and along. */
static bool report_repeat(Infer *inf, Layer *layer, bool both, const OptVal *n,
                          const OptVal *along) {
  if (both) {
    Diag *d = infer_report(inf, E217, layer, span_valid(along->span) ? along->span : layer->span,
                           "`repeat` takes either a number of steps or `along`");
    diag_primary(d, "the length is given twice");
    if (span_valid(n->span)) diag_label(d, n->span, "here first");
  } else {
    Diag *d =
        infer_report(inf, E204, layer, layer->span, "`repeat` needs `along` or a number of steps");
    diag_primary(d, "missing here");
    edit_add_argument(inf, diag_fix(d, FIX_FILL, "repeat it N times"), layer, "N");
  }
  return false;
}

bool infer_repeat(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  const OptVal *n = layer_opt(layer, OPT_n), *along = layer_opt(layer, OPT_along);
  bool both = n->given && along->value, neither = !n->given && !along->value;
  if (both || neither) return report_repeat(inf, layer, both, n, along);
  if (!can_spread(inf, layer, v)) return false;
  Type type = type_result(&v->type);
  if (along->value) {
    if (!repeat_along(inf, layer, along, &type.time)) return false;
  } else {
    type.time = (Time){.kind = TIME_FIXED};
    if (!needs_size(inf, layer, OPT_n, v, &type.time.n)) return false;
  }
  layer->out[0]->type = type;
  return true;
}

bool infer_expand(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!can_spread(inf, layer, v)) return false;
  Type type = type_result(&v->type);
  type.time = (Time){.kind = TIME_FIXED, .n = 1};
  layer->out[0]->type = type;
  return true;
}

bool infer_slice(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t begin, end;
  if (!needs_numbers(inf, layer, v) || !needs_rank(inf, layer, v, 1, TYPE_MAX_AXES) ||
      !needs_size_least(inf, layer, OPT_begin, v, 0, &begin) ||
      !needs_size(inf, layer, OPT_end, v, &end))
    return false;
  int64_t width = v->type.dim[v->type.rank - 1].n;
  if (begin >= end || end > width) {
    bool empty = begin >= end;
    const OptVal *opt = layer_opt(layer, OPT_end);
    Span at = span_valid(opt->at) ? opt->at : layer->span;
    Diag *d = infer_report(inf, empty ? E310 : E306, layer, at,
                           empty ? "`slice(%lld, %lld)` takes no feature"
                                 : "`slice(%lld, %lld)` takes more than there is",
                           (long long)begin, (long long)end);
    if (empty)
      diag_primary(d, "must be at least %lld: the first feature not taken", (long long)begin + 1);
    else
      diag_primary(d, "the last axis has %lld features, 0 to %lld", (long long)width,
                   (long long)width - 1);
    diag_trace_value(d, inf->model, v);
    return false;
  }
  Type type = type_result(&v->type);
  type_set_last(&type, end - begin);
  layer->out[0]->type = type;
  return true;
}
