/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conv1D, Conv2D and the pools. Each axis they go along reads `span` = (kernel - 1) * dilation + 1
 * positions and makes one result every `stride`:
 *
 *     valid   n' = (n - span) / stride + 1        (a, b)  n' = (n + a + b - span) / stride + 1
 *     same, causal   n' = ceil(n / stride)
 *
 * Along time of a stream nothing ahead can be read (infer_window.c has its clock); a feature axis
 * is there as a whole. All other axes but the last are mapped over. */
#include "model/infer/infer_rule.h"

static bool groups_divide(Infer *inf, Layer *layer, const Value *v, int64_t groups,
                          int64_t filters) {
  int64_t d = v->type.dim[v->type.rank - 1].n;
  if (d % groups == 0 && filters % groups == 0) return true;
  const OptVal *opt = layer_opt(layer, OPT_groups);
  Span at = span_valid(opt->at) ? opt->at : layer->span;
  bool features = d % groups != 0;
  Diag *diag = infer_report(inf, E311, layer, at, "%lld %s do not divide into %lld groups",
                            (long long)(features ? d : filters), features ? "features" : "filters",
                            (long long)groups);
  diag_primary(diag, "%lld / %lld is not a whole number", (long long)(features ? d : filters),
               (long long)groups);
  diag_trace_value(diag, inf->model, v);
  return false;
}

void infer_largest(Diag *d, const Layer *layer, OptName name, int axis, int64_t most) {
  const OptVal *size = layer_opt(layer, name);
  if (!span_valid(size->at)) {
    diag_note(d, "the largest that fits is %lld", (long long)most);
    return;
  }
  Fix *fix = diag_fix(d, FIX_MAYBE, "the largest that fits is %lld", (long long)most);
  if (layer->n_along < 2) {
    fix_edit(fix, size->at, "%lld", (long long)most);
    return;
  }
  bool first = layer->along[0].axis == axis;
  fix_edit(fix, size->at, "(%lld, %lld)", (long long)(first ? most : layer_size_of(layer, name, 0)),
           (long long)(first ? layer_size_of(layer, name, 1) : most));
}

static void report_too_long(Infer *inf, Layer *layer, const Value *v, const LayerAxis *a,
                            int64_t span) {
  long long n = (long long)(a->n + a->before + a->after), k = (long long)span;
  const char *axis = axis_name(inf->arena, &v->type, a->axis);
  bool conv = layer_opt(layer, OPT_kernel) != NULL;
  Diag *d = infer_report(inf, E404, layer, layer->span,
                         "a %s %lld positions does not fit in `%s` of %lld",
                         conv ? "kernel spanning" : "window of", k, axis, (long long)a->n);
  diag_primary(d, "%lld - %lld + 1 = %lld positions", n, k, n - k + 1);
  diag_trace_value(d, inf->model, v);
  if (conv) diag_note(d, "a kernel spans (kernel - 1) * dilation + 1 positions");
  infer_largest(d, layer, conv ? OPT_kernel : OPT_size, a->axis, (n - 1) / a->dilation + 1);
}

bool axis_windows(Infer *inf, Layer *layer, const Value *v, LayerAxis *a) {
  int64_t span, reach;
  a->n = v->type.dim[a->axis].n;
  if (!size_mul(a->size - 1, a->dilation, &span) || !size_add(span, 1, &span))
    return report_uncounted(inf, layer, v, "positions", "2^63");
  a->before = a->after = 0;
  switch (a->padding.kind) {
  case PAD_VALID: break;
  case PAD_ZEROS:
    a->before = a->padding.before;
    a->after = a->padding.after;
    break;
  case PAD_CAUSAL: a->before = span - 1; break;
  case PAD_SAME: { /* as Keras: the larger half after */
    int64_t rows = (a->n - 1) / a->stride * a->stride, pad = rows + span - a->n;
    a->before = pad > 0 ? pad / 2 : 0;
    a->after = pad > 0 ? pad - pad / 2 : 0;
    break;
  }
  }
  if (!size_add(a->n, a->before, &reach) || !size_add(reach, a->after, &reach) || reach > INT32_MAX)
    return report_uncounted(inf, layer, v, "positions", "2^63");
  if (reach < span) {
    report_too_long(inf, layer, v, a, span);
    return false;
  }
  a->n_out = (reach - span) / a->stride + 1;
  return true;
}

/* What the options say of axis k; a pool has no dilation and steps by its size where nothing is
 * said. */
bool window_options(Infer *inf, Layer *layer, const Value *v, int k) {
  const OptName name[] = {layer_opt(layer, OPT_kernel) ? OPT_kernel : OPT_size, OPT_stride,
                          OPT_dilation};
  LayerAxis *a = &layer->along[k];
  int64_t *to[] = {&a->size, &a->stride, &a->dilation};
  for (int i = 0; i < 3; i++) {
    if (!layer_has(layer, name[i])) {
      *to[i] = name[i] == OPT_stride ? a->size : 1;
      continue;
    }
    if (!layer_opt(layer, name[i])->n_sizes) {
      if (!needs_size(inf, layer, name[i], a->axis == AXIS_TIME ? v : NULL, to[i])) return false;
      continue;
    }
    *to[i] = layer_size_of(layer, name[i], k);
    if (*to[i] < 1) return report_uncounted(inf, layer, v, "positions", "2^63");
  }
  a->padding = layer_padding_of(layer, k);
  return true;
}

/* Sets the length of each axis along which windows go to the number of windows. */
static bool windows_along(Infer *inf, Layer *layer, const Value *v, Type *type) {
  for (int k = 0; k < layer->n_along; k++) {
    LayerAxis *a = &layer->along[k];
    if (a->axis == AXIS_TIME) {
      if (!time_convolved(inf, layer, v, a, &type->time)) return false;
      continue;
    }
    if (!axis_windows(inf, layer, v, a)) return false;
    type->dim[a->axis].n = a->n_out;
  }
  return true;
}

/* Checks the inputs, axes and filters of a convolution, also a transposed one, but not its windows.
 */
bool conv_options(Infer *inf, Layer *layer, const Value *v, int axes, int64_t *filters) {
  int64_t groups;
  if (!needs_numbers(inf, layer, v)) return false;
  if (axes == 1 && !layer_opt(layer, OPT_along)->given && !needs_mapped(inf, layer, v))
    return false;
  if (!needs_rank(inf, layer, v, 1, TYPE_MAX_AXES) || !layer_goes_along(inf, layer, v, axes, false))
    return false;
  if (!needs_size(inf, layer, OPT_filters, NULL, filters)) return false;
  for (int k = 0; k < axes; k++)
    if (!window_options(inf, layer, v, k)) return false;
  return needs_size(inf, layer, OPT_groups, NULL, &groups) &&
         groups_divide(inf, layer, v, groups, *filters);
}

static bool infer_conv(Infer *inf, Layer *layer, int axes) {
  const Value *v = layer->in[0];
  int64_t filters;
  if (!conv_options(inf, layer, v, axes, &filters)) return false;
  Type type = type_result(&v->type);
  if (!windows_along(inf, layer, v, &type)) return false;
  type_set_last(&type, filters);
  layer->out[0]->type = type;
  return true;
}

bool infer_Conv1D(Infer *inf, Layer *layer) {
  return infer_conv(inf, layer, 1) && infer_past(inf, layer);
}

bool infer_Conv2D(Infer *inf, Layer *layer) {
  return infer_conv(inf, layer, 2);
}

/* ---- pools ---- */

/* A pair of numbers and one axis, or one entry of padding and two axes. */
static bool report_entries(Infer *inf, const Layer *layer, const Value *v, OptName name,
                           const char *message) {
  const OptVal *opt = layer_opt(layer, name);
  Diag *d = infer_report(inf, E316, layer, span_valid(opt->at) ? opt->at : layer->span, message,
                         layer_name(layer), axis_name(inf->arena, &v->type, layer->along[0].axis));
  diag_primary(d, layer->n_along == 1 ? "expected one entry" : "expected an entry for each axis");
  diag_trace_value(d, inf->model, v);
  return false;
}

static bool entries_fit(Infer *inf, const Layer *layer, const Value *v) {
  static const OptName sizes[] = {OPT_size, OPT_stride};
  for (int i = 0; i < 2; i++)
    if (layer->n_along == 1 && layer_opt(layer, sizes[i])->n_sizes)
      return report_entries(inf, layer, v, sizes[i],
                            "`%s` works along one axis here, `%s`, and needs one number");
  const OptVal *padding = layer_opt(layer, OPT_padding);
  if (layer->n_along == 1 && padding->n_paddings > 1)
    return report_entries(inf, layer, v, OPT_padding,
                          "`%s` works along one axis here, `%s`, and needs one entry");
  if (layer->n_along == 2 && padding->n_paddings == 1)
    return report_entries(
        inf, layer, v, OPT_padding,
        "`%s` works along two axes, `%s` first: give a pair (before, after) for each");
  return true;
}

/* A pool ignores padding: every window needs a real position, and a stream has no end to pad. */
static bool pool_padding_fits(Infer *inf, Layer *layer, const Value *v, const LayerAxis *a) {
  const OptVal *padding = layer_opt(layer, OPT_padding);
  Span at = span_valid(padding->at) ? padding->at : layer->span;
  if (a->padding.kind == PAD_VALID) return true;
  if (a->axis == AXIS_TIME && type_is_stream(&v->type)) {
    Diag *d = infer_report(inf, E403, layer, at,
                           "`%s` does not count padding at the end, but a stream has no end",
                           layer_name(layer));
    diag_primary(d, "not supported along time of a stream");
    diag_trace_value(d, inf->model, v);
    diag_note(d, "to add zeros before the first step, use `pad(%lld, 0, along=time)`",
              (long long)a->size - 1);
    return false;
  }
  if (a->padding.kind != PAD_ZEROS || (a->padding.before < a->size && a->padding.after < a->size))
    return true;
  Diag *d = infer_report(inf, E316, layer, at, "`padding` of `%s` must be shorter than its window",
                         layer_name(layer));
  diag_primary(d, "at most %lld on each side", (long long)a->size - 1);
  diag_trace_value(d, inf->model, v);
  return false;
}

static bool infer_pool(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  const OptVal *along = layer_opt(layer, OPT_along);
  int axes = along->given                          ? (along->n_axes > 1 ? 2 : 1)
             : layer_opt(layer, OPT_size)->n_sizes ? 2
                                                   : 1;
  if (!needs_numbers(inf, layer, v)) return false;
  if (axes == 1 && !along->given && !needs_mapped(inf, layer, v)) return false;
  if (!layer_goes_along(inf, layer, v, axes, true) || !entries_fit(inf, layer, v)) return false;
  for (int k = 0; k < axes; k++)
    if (!window_options(inf, layer, v, k) || !pool_padding_fits(inf, layer, v, &layer->along[k]))
      return false;
  Type type = type_result(&v->type);
  if (!windows_along(inf, layer, v, &type)) return false;
  layer->out[0]->type = type;
  return true;
}

bool infer_max_pool(Infer *inf, Layer *layer) {
  return infer_pool(inf, layer);
}

bool infer_mean_pool(Infer *inf, Layer *layer) {
  return infer_pool(inf, layer);
}
