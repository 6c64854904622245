/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that slide over time: convolutions, the pools, frames. Each value they make reads `span`
 * steps and begins `step` steps after the one before:
 *
 *     whole    t' = (t - span) / step + 1
 *     stream   period' = period * step, lag' = ceil((span + lag - step) / step): value k reads up
 * to input k * step + span - 1, which is in slot k * step + span - 1 + lag */
#include "model/infer/infer_rule.h"

#include "base/shape.h"

bool time_slower(Time *time, int64_t step) {
  if (time->kind == TIME_STREAM && !size_mul(time->period, step, &time->period)) return false;
  if (!time->rate_num) return true;
  int64_t g = size_gcd(time->rate_num, step), den;
  if (!size_mul(time->rate_den, step / g, &den)) return false;
  time->rate_num /= g;
  time->rate_den = den;
  return true;
}

static void report_too_long(Infer *inf, Layer *layer, const Value *v, int64_t span) {
  const Time *time = &v->type.time;
  const OptVal *kernel = layer_opt(layer, OPT_kernel);
  const char *what = kernel                        ? "kernel spanning"
                     : layer->kind == LAYER_frames ? "frame of"
                                                   : "window of";
  long long n = (long long)time->n, k = (long long)span;
  Text text = text_new(inf->arena);
  text_add_time(&text, time);
  Diag *d = infer_report(inf, E404, layer, layer->span, "a %s %lld steps does not fit in %s", what,
                         k, text_str(&text));
  diag_primary(d, "%lld - %lld + 1 = %lld steps", n, k, n - k + 1);
  diag_trace_value(d, inf->model, v);
  int64_t dilation = layer_size(layer, OPT_dilation, 1), most = (time->n - 1) / dilation + 1;
  if (kernel) diag_note(d, "a kernel spans (kernel - 1) * dilation + 1 steps");
  infer_largest(d, layer, kernel ? OPT_kernel : OPT_size, AXIS_TIME, most);
  if (layer->kind != LAYER_Conv1D) return;
  Fix *fix = diag_fix(d, FIX_MAYBE, "or keep the length, with zeros before the first step");
  const OptVal *padding = layer_opt(layer, OPT_padding);
  if (padding->given && span_valid(padding->at))
    fix_edit(fix, padding->at, "causal");
  else
    edit_add_argument(inf, fix, layer, "padding=causal");
}

/* Slots without a value before the first one. */
static bool lag_after(int64_t lag, int64_t span, int64_t step, int64_t *out) {
  int64_t sum;
  if (!size_add(lag, span, &sum)) return false;
  sum -= step;
  *out = sum <= 0 ? 0 : (sum - 1) / step + 1;
  return true;
}

/* Sets *out to the time of windows of `span` steps, `step` apart, over v. */
bool time_windows(Infer *inf, Layer *layer, const Value *v, int64_t span, int64_t step, Time *out) {
  Time time = v->type.time;
  bool whole = time.kind == TIME_FIXED || time.kind == TIME_BOUNDED;
  if (whole && time.n < span) {
    report_too_long(inf, layer, v, span);
    return false;
  }
  if (time.kind == TIME_FIXED) time.n = (time.n - span) / step + 1;
  if (time.kind == TIME_BOUNDED && (span > 1 || step > 1)) {
    time.length = model_length_derived(inf->model, time.length, span, step);
    time.n = inf->model->length[time.length].bound;
    time.len = inf->model->length[time.length].name;
  }
  if (time.kind == TIME_STREAM && !lag_after(time.lag, span, step, &time.lag))
    return report_uncounted(inf, layer, v, "steps", "2^63");
  if (!time_slower(&time, step)) return report_uncounted(inf, layer, v, "steps", "2^63");
  *out = time;
  return true;
}

/* padding=causal, padding=same: t' = ceil(t / step). */
static bool time_padded(Infer *inf, Layer *layer, const Value *v, int64_t step, Time *out) {
  int64_t lag = v->type.time.lag;
  if (!time_windows(inf, layer, v, 1, step, out)) return false;
  if (out->kind == TIME_STREAM) out->lag = lag ? (lag - 1) / step + 1 : 0;
  return true;
}

static bool report_same(Infer *inf, Layer *layer, const Value *v, int64_t span) {
  const OptVal *padding = layer_opt(layer, OPT_padding);
  Span at = span_valid(padding->span) ? padding->span : layer->span;
  Diag *d =
      infer_report(inf, E403, layer, at, "`padding=same` looks ahead, but a stream has no future");
  diag_primary(d, "not causal");
  diag_trace_value(d, inf->model, v);
  diag_note(d, "`causal` computes the same numbers %lld steps later", (long long)(span - 1) / 2);
  Fix *fix = diag_fix(d, FIX_SURE, "read only the present and the past");
  if (span_valid(padding->at)) fix_edit(fix, padding->at, "causal");
  return false;
}

/* padding=(before, after). On a stream, the zeros before the first step must fit in the kernel, and
 * there can be none after the last, because later steps follow. */
static bool report_ahead(Infer *inf, Layer *layer, const Value *v, int64_t span) {
  const Padding pad = layer_time(layer)->padding;
  const OptVal *padding = layer_opt(layer, OPT_padding);
  Span at = span_valid(padding->at) ? padding->at : layer->span;
  Diag *d = infer_report(
      inf, E403, layer, at,
      pad.after ? "zeros after the last step need future steps, which a stream does not have"
                : "more zeros before a stream than the kernel is long");
  diag_primary(d, pad.after ? "not causal" : "at most %lld", (long long)span - 1);
  diag_trace_value(d, inf->model, v);
  if (span_valid(padding->at) && padding->n_paddings == 1)
    fix_edit(diag_fix(d, FIX_MAYBE, "read only the present and the past"), padding->at, "causal");
  return false;
}

static bool report_longer(Infer *inf, Layer *layer, const Value *v) {
  Diag *d = infer_report(inf, E405, layer, layer->span,
                         "more zeros than the kernel is long, on a sequence of bounded length");
  diag_primary(d, "at most as many as the kernel spans, minus one");
  diag_trace_value(d, inf->model, v);
  return false;
}

static bool time_with_zeros(Infer *inf, Layer *layer, const Value *v, const LayerAxis *a,
                            int64_t span, Time *out) {
  int64_t both, shorter;
  if (!size_add(a->padding.before, a->padding.after, &both) || both > INT32_MAX)
    return report_uncounted(inf, layer, v, "steps", "2^63");
  shorter = span - both;
  if (type_is_stream(&v->type)) {
    if (a->padding.after || shorter < 1) return report_ahead(inf, layer, v, span);
    return time_windows(inf, layer, v, shorter, a->stride, out);
  }
  if (shorter >= 1) return time_windows(inf, layer, v, shorter, a->stride, out);
  if (v->type.time.kind == TIME_BOUNDED) return report_longer(inf, layer, v);
  if (!time_windows(inf, layer, v, 1, a->stride, out)) return false;
  out->n = (v->type.time.n - shorter) / a->stride + 1;
  return true;
}

bool time_convolved(Infer *inf, Layer *layer, const Value *v, const LayerAxis *a, Time *out) {
  int64_t span;
  if (!size_mul(a->size - 1, a->dilation, &span) || !size_add(span, 1, &span))
    return report_uncounted(inf, layer, v, "steps", "2^63");
  switch (a->padding.kind) {
  case PAD_SAME:
    if (type_is_stream(&v->type)) return report_same(inf, layer, v, span);
    return time_padded(inf, layer, v, a->stride, out);
  case PAD_CAUSAL: return time_padded(inf, layer, v, a->stride, out);
  case PAD_ZEROS: return time_with_zeros(inf, layer, v, a, span, out);
  case PAD_VALID: break;
  }
  return time_windows(inf, layer, v, span, a->stride, out);
}

bool infer_frames(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t size, hop, width;
  if (!needs_steps(inf, layer, v) || !needs_size(inf, layer, OPT_size, v, &size) ||
      !needs_size(inf, layer, OPT_hop, v, &hop))
    return false;
  Type type = type_result(&v->type);
  if (!time_windows(inf, layer, v, size, hop, &type.time)) return false;
  if (!size_mul(size, v->type.dim[0].n, &width))
    return report_uncounted(inf, layer, v, "steps", "2^63");
  type_set_last(&type, width);
  layer->out[0]->type = type;
  return true;
}
