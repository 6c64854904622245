/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conv1DTranspose and Conv2DTranspose. Each position of the input is spread over `span` = (kernel -
 * 1) * dilation + 1 positions of the result, `stride` apart from those of the next one, and padding
 * takes positions away:
 *
 *     valid          n' = (n - 1) * stride + span
 *     (a, b)         n' = (n - 1) * stride + span - a - b
 *     same, causal   n' = n * stride; causal takes the surplus off the end, same off both ends
 *
 * A result is a sum over the inputs that reach it, at most (span - 1) / stride before its own:
 * legal along time of a stream, whose rate is multiplied. */
#include "model/infer/infer_rule.h"

static bool report_empty(Infer *inf, const Layer *layer, const Value *v, const LayerAxis *a,
                         int64_t whole) {
  const OptVal *padding = layer_opt(layer, OPT_padding);
  Diag *d = infer_report(inf, E404, layer, span_valid(padding->at) ? padding->at : layer->span,
                         "`padding` removes more positions than the result has along `%s`",
                         axis_name(inf->arena, &v->type, a->axis));
  diag_primary(d, "%lld positions, less %lld and %lld", (long long)whole,
               (long long)a->padding.before, (long long)a->padding.after);
  diag_trace_value(d, inf->model, v);
  diag_note(d, "before `padding` removes any, the result has (n - 1) * stride + (kernel - 1) * "
               "dilation + 1 positions");
  return false;
}

/* Positions of the result along an axis of n, and the zeros around the input that the sums at its
 * ends read. */
static bool axis_spread(Infer *inf, const Layer *layer, const Value *v, LayerAxis *a, int64_t n) {
  int64_t span, whole, crop = 0;
  if (!size_mul(a->size - 1, a->dilation, &span) || !size_add(span, 1, &span) ||
      !size_mul(n - 1, a->stride, &whole) || !size_add(whole, span, &whole) || whole > INT32_MAX ||
      !size_mul(n, a->stride, &a->n_out) || a->n_out > INT32_MAX)
    return report_uncounted(inf, layer, v, "positions", "2^31");
  a->n = n;
  switch (a->padding.kind) {
  case PAD_VALID: a->n_out = whole; break;
  case PAD_CAUSAL: break;
  case PAD_SAME:
    crop = span > a->stride ? (span - a->stride) / 2 : 0;
    break; /* as Keras: the smaller half in front */
  case PAD_ZEROS:
    crop = a->padding.before;
    if (a->padding.before >= whole || a->padding.after >= whole - a->padding.before)
      return report_empty(inf, layer, v, a, whole);
    a->n_out = whole - a->padding.before - a->padding.after;
    break;
  }
  a->before = (span - 1) / a->stride;
  int64_t last = (crop + a->n_out - 1) / a->stride;
  a->after = last > n - 1 ? last - (n - 1) : 0;
  return true;
}

/* Reports E413: the stream would have more steps than the inputs. */
static bool report_clock(Infer *inf, const Layer *layer, const Value *v, int64_t times) {
  bool repeats = layer->kind == LAYER_upsample;
  const Time *time = &v->type.time;
  Diag *d = infer_report(
      inf, E413, layer, layer->span,
      "`%s` multiplies the rate by %lld, so the stream would be faster than the inputs",
      layer_name(layer), (long long)times);
  diag_primary(d,
               time->period > 1 ? "one value for %lld steps of the inputs"
                                : "one value for each step of the inputs",
               (long long)time->period);
  diag_trace_value(d, inf->model, v);
  diag_note(d,
            "%s must divide the period of the stream: it can only restore a rate that frames, "
            "pools or strides have divided",
            repeats ? "`n` of `upsample`" : "the stride of a transposed convolution");
  diag_note(d, "if a call takes several samples, declare `f32[time .., sample N, 1]`; "
               "`along=sample` then returns more of them");
  return false;
}

static bool report_stream_padding(Infer *inf, const Layer *layer, const Value *v) {
  const OptVal *padding = layer_opt(layer, OPT_padding);
  Diag *d = infer_report(inf, E403, layer, span_valid(padding->at) ? padding->at : layer->span,
                         "`padding` cannot remove steps at the start of a stream");
  diag_primary(d, "`valid`, `causal` or (0, b) along time of a stream");
  diag_trace_value(d, inf->model, v);
  if (span_valid(padding->at) && layer->n_along == 1)
    fix_edit(diag_fix(d, FIX_MAYBE, "use `causal`, which computes the same sums later"),
             padding->at, "causal");
  return false;
}

static bool report_length(Infer *inf, const Layer *layer, const Value *v) {
  Diag *d = infer_report(inf, E405, layer, layer->span,
                         "`%s` changes the number of steps, but each call sets its own length",
                         layer_name(layer));
  if (layer->kind == LAYER_upsample)
    diag_primary(d, "needs a fixed number of steps, or a stream");
  else
    diag_primary(d, "only a stride of 1 with `same` or `causal` keeps the length");
  diag_trace_value(d, inf->model, v);
  return false;
}

/* Period, lag and rate of a stream that has `times` steps for each of v. */
static bool rate_faster(Infer *inf, const Layer *layer, const Value *v, int64_t times, Time *time) {
  if (time->kind == TIME_STREAM) {
    if (time->period % times) return report_clock(inf, layer, v, times);
    time->period /= times;
    if (!size_mul(time->lag, times, &time->lag))
      return report_uncounted(inf, layer, v, "positions", "2^31");
  }
  if (time->rate_num && !size_mul(time->rate_num, times, &time->rate_num))
    return report_uncounted(inf, layer, v, "positions", "2^31");
  return true;
}

static bool time_spread(Infer *inf, const Layer *layer, const Value *v, LayerAxis *a, Time *time) {
  int64_t n = time->kind == TIME_STREAM ? 1 : time->n;
  if (!axis_spread(inf, layer, v, a, n)) return false;
  if (time->kind == TIME_BOUNDED && a->n_out != n) return report_length(inf, layer, v);
  if (time->kind == TIME_BOUNDED && a->padding.kind == PAD_VALID && a->size > 1)
    return report_length(inf, layer, v);
  if (time->kind == TIME_FIXED) time->n = a->n_out;
  if (time->kind == TIME_STREAM) {
    bool front = a->padding.kind == PAD_SAME ? a->size > 1
                                             : a->padding.kind == PAD_ZEROS && a->padding.before;
    if (front) return report_stream_padding(inf, layer, v);
  }
  return rate_faster(inf, layer, v, a->stride, time);
}

bool time_faster(Infer *inf, const Layer *layer, const Value *v, int64_t times, Time *time) {
  if (time->kind == TIME_BOUNDED && times > 1) return report_length(inf, layer, v);
  if (time->kind == TIME_FIXED && (!size_mul(time->n, times, &time->n) || time->n > INT32_MAX))
    return report_uncounted(inf, layer, v, "positions", "2^31");
  return rate_faster(inf, layer, v, times, time);
}

static bool infer_transposed(Infer *inf, Layer *layer, int axes) {
  const Value *v = layer->in[0];
  int64_t filters;
  if (!conv_options(inf, layer, v, axes, &filters)) return false;
  Type type = type_result(&v->type);
  for (int k = 0; k < axes; k++) {
    LayerAxis *a = &layer->along[k];
    bool timed = a->axis == AXIS_TIME;
    if (timed ? !time_spread(inf, layer, v, a, &type.time)
              : !axis_spread(inf, layer, v, a, v->type.dim[a->axis].n))
      return false;
    if (!timed) type.dim[a->axis].n = a->n_out;
  }
  type_set_last(&type, filters);
  layer->out[0]->type = type;
  return true;
}

bool infer_Conv1DTranspose(Infer *inf, Layer *layer) {
  return infer_transposed(inf, layer, 1);
}

bool infer_Conv2DTranspose(Infer *inf, Layer *layer) {
  return infer_transposed(inf, layer, 2);
}
