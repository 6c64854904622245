/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that move the positions of axes and compute nothing: slice, pad, every_nth, upsample,
 * reverse along an axis, permute, label. Along a feature axis all of them are legal on a stream. */
#include "model/infer/infer_rule.h"

#include <string.h>

static bool report_slice(Infer *inf, Layer *layer, const Value *v, int64_t begin, int64_t end) {
  bool empty = begin >= end, time = layer->along[0].axis == AXIS_TIME;
  bool last = layer->along[0].axis == v->type.rank - 1;
  const OptVal *opt = layer_opt(layer, OPT_end);
  const char *axis = axis_name(inf->arena, &v->type, layer->along[0].axis);
  Span at = span_valid(opt->at) ? opt->at : layer->span;
  long long n = time ? (long long)v->type.time.n : (long long)v->type.dim[layer->along[0].axis].n;
  Diag *d = infer_report(inf, empty ? E310 : E306, layer, at,
                         empty ? "`slice(%lld, %lld)` takes no feature"
                               : "`slice(%lld, %lld)` takes more than the axis has",
                         (long long)begin, (long long)end);
  if (empty)
    diag_primary(d, "must be at least %lld: the first feature not taken", (long long)begin + 1);
  else if (last)
    diag_primary(d, "the last axis has %lld features, 0 to %lld", n, n - 1);
  else
    diag_primary(d, "`%s` has %lld positions, 0 to %lld", axis, n, n - 1);
  diag_trace_value(d, inf->model, v);
  return false;
}

bool infer_slice(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t begin, end;
  if (!needs_values(inf, layer, v) || !layer_goes_along_last(inf, layer, v)) return false;
  const Value *counted = layer->along[0].axis == AXIS_TIME ? v : NULL;
  if (!counted && v->type.elem == ELEM_INDEX && !needs_numbers(inf, layer, v)) return false;
  if (!needs_size_least(inf, layer, OPT_begin, counted, 0, &begin) ||
      !needs_size(inf, layer, OPT_end, counted, &end))
    return false;
  int axis = layer->along[0].axis;
  if (axis == AXIS_TIME && v->type.time.kind != TIME_FIXED)
    return report_not_time(inf, layer, v, "`slice` along time needs a fixed number of steps");
  int64_t n = axis == AXIS_TIME ? v->type.time.n : v->type.dim[axis].n;
  if (begin >= end || end > n) return report_slice(inf, layer, v, begin, end);
  Type type = type_result(&v->type);
  if (axis == AXIS_TIME)
    type.time.n = end - begin;
  else
    type.dim[axis] =
        (Dim){.n = end - begin, .label = axis == type.rank - 1 ? NULL : type.dim[axis].label};
  layer->out[0]->type = type;
  return true;
}

static bool report_reflect(Infer *inf, const Layer *layer, const Value *v, int64_t n) {
  Diag *d = infer_report(inf, E404, layer, layer->span,
                         "`pad` by reflection needs more positions than it adds");
  diag_primary(d, "`%s` has %lld", axis_name(inf->arena, &v->type, layer->along[0].axis),
               (long long)n);
  diag_trace_value(d, inf->model, v);
  diag_note(d,
            "the first position is the mirror and is not repeated, so at most n - 1 can be added");
  return false;
}

static bool pad_time(Infer *inf, Layer *layer, const Value *v, int64_t before, int64_t after) {
  Type type = type_result(&v->type);
  bool zero = layer_word_is(layer, OPT_mode, "zero");
  if (!zero && v->type.time.kind != TIME_FIXED)
    return report_not_time(inf, layer, v,
                           "repeating or mirroring the ends needs a fixed number of steps");
  if (layer_word_is(layer, OPT_mode, "reflect") && (before >= type.time.n || after >= type.time.n))
    return report_reflect(inf, layer, v, type.time.n);
  if (v->type.time.kind == TIME_STREAM && after)
    return report_not_time(inf, layer, v, "a stream has no end: add zeros only at its start");
  if (v->type.time.kind == TIME_BOUNDED)
    return report_not_time(
        inf, layer, v,
        "the number of steps varies at run time; a convolution takes `padding=(before, after)`");
  if (type.time.kind == TIME_FIXED &&
      (!size_add(type.time.n, before, &type.time.n) || !size_add(type.time.n, after, &type.time.n)))
    type.time.n = INT64_MAX; /* infer_size_fits reports it */
  layer->out[0]->type = type;
  return true;
}

bool infer_pad(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t before, after, n;
  if (!needs_numbers(inf, layer, v) || !layer_goes_along(inf, layer, v, 1, true)) return false;
  int axis = layer->along[0].axis;
  const Value *counted = axis == AXIS_TIME ? v : NULL;
  if (!needs_size_least(inf, layer, OPT_before, counted, 0, &before) ||
      !needs_size_least(inf, layer, OPT_after, counted, 0, &after))
    return false;
  if (axis == AXIS_TIME) return pad_time(inf, layer, v, before, after);
  n = v->type.dim[axis].n;
  if (layer_word_is(layer, OPT_mode, "reflect") && (before >= n || after >= n))
    return report_reflect(inf, layer, v, n);
  Type type = type_result(&v->type);
  if (!size_add(n, before, &n) || !size_add(n, after, &n))
    n = INT64_MAX; /* infer_size_fits reports it */
  type.dim[axis].n = n;
  layer->out[0]->type = type;
  return true;
}

bool infer_every_nth(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t n;
  if (!needs_values(inf, layer, v) || !layer_goes_along(inf, layer, v, 1, true)) return false;
  int axis = layer->along[0].axis;
  if (!needs_size(inf, layer, OPT_n, axis == AXIS_TIME ? v : NULL, &n)) return false;
  Type type = type_result(&v->type);
  if (axis == AXIS_TIME) {
    if (!time_windows(inf, layer, v, 1, n, &type.time)) return false;
  } else
    type.dim[axis].n = (type.dim[axis].n - 1) / n + 1;
  layer->out[0]->type = type;
  return true;
}

bool infer_upsample(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t n;
  if (!needs_numbers(inf, layer, v) || !layer_goes_along(inf, layer, v, 1, true)) return false;
  int axis = layer->along[0].axis;
  if (!needs_size(inf, layer, OPT_n, NULL, &n)) return false;
  Type type = type_result(&v->type);
  if (axis == AXIS_TIME) {
    if (!time_faster(inf, layer, v, n, &type.time)) return false;
  } else if (!size_mul(type.dim[axis].n, n, &type.dim[axis].n))
    type.dim[axis].n = INT64_MAX;
  layer->out[0]->type = type;
  return true;
}

/* ---- permute and label: a name for each feature axis ---- */

static bool report_names(Infer *inf, const Layer *layer, const Value *v, int given) {
  Diag *d = infer_report(inf, E315, layer, layer->span, "`%s` names %d of %d feature axes",
                         layer_name(layer), given, v->type.rank);
  diag_primary(d, "gets %s", shape_or_type_str(inf->arena, &v->type));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "time is not one of them: it stays first");
  return false;
}

bool infer_permute(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  const OptVal *axes = layer_opt(layer, OPT_axes);
  if (!needs_values(inf, layer, v)) return false;
  if (!layer_goes_along(inf, layer, v, 0, true)) return false;
  for (int k = 0; k < layer->n_along; k++)
    if (layer->along[k].axis == AXIS_TIME)
      return report_not_time(inf, layer, v, "the time axis stays first: do not name it");
  if (layer->n_along != v->type.rank) return report_names(inf, layer, v, axes->n_axes);
  Type type = type_result(&v->type);
  for (int k = 0; k < type.rank; k++)
    type.dim[k] = v->type.dim[layer->along[k].axis];
  layer->out[0]->type = type;
  return true;
}

static bool report_same_names(Infer *inf, const Layer *layer, const OptVal *axes, int k) {
  Span at = axes->value_span ? axes->value_span[k] : layer->span;
  Diag *d =
      infer_report(inf, E315, layer, at, "`label` gives two axes the name `%s`", axes->axis[k]);
  diag_primary(d, "again here");
  diag_trace_value(d, inf->model, layer->in[0]);
  return false;
}

bool infer_label(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  const OptVal *axes = layer_opt(layer, OPT_axes);
  if (!needs_values(inf, layer, v)) return false;
  Type type = type_result(&v->type);
  for (int k = 0; k < axes->n_axes; k++)
    if (strcmp(axes->axis[k], "time") == 0)
      return report_not_time(inf, layer, v, "`label` names feature axes; time already has a name");
  if (axes->n_axes != type.rank) return report_names(inf, layer, v, axes->n_axes);
  for (int k = 0; k < type.rank; k++) {
    for (int i = 0; i < k; i++)
      if (strcmp(axes->axis[i], axes->axis[k]) == 0) return report_same_names(inf, layer, axes, k);
    type.dim[k].label = axes->axis[k];
  }
  layer->out[0]->type = type;
  return true;
}
