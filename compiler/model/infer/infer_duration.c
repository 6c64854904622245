/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Durations as steps: 25ms at 16kHz are 400. In: num/den seconds and the value whose time they
 * divide. Out: a whole number of steps, or E406, E407. */
#include "model/infer/infer_rule.h"

#include "base/shape.h"

/* num/den seconds at rate_num/rate_den hertz as the fraction *a / *b in lowest terms. */
static bool steps_fraction(int64_t num, int64_t den, const Time *time, int64_t *a, int64_t *b) {
  int64_t g = size_gcd(num, den), n = num / g, d = den / g, rn = time->rate_num,
          rd = time->rate_den;
  g = size_gcd(n, rd);
  n /= g, rd /= g;
  g = size_gcd(rn, d);
  rn /= g, d /= g;
  return size_mul(n, rn, a) && size_mul(d, rd, b);
}

/* num/den seconds as "25ms", in the largest unit that shows it whole. */
static const char *duration_text(Arena *arena, int64_t num, int64_t den) {
  static const struct {
    const char *name;
    int64_t per_second;
  } unit[] = {{"s", 1}, {"ms", 1000}, {"us", 1000000}};
  for (int i = 0; i < 3; i++) {
    int64_t scaled;
    if (!size_mul(num, unit[i].per_second, &scaled) || scaled % den) continue;
    return arena_printf(arena, "%lld%s", (long long)(scaled / den), unit[i].name);
  }
  return NULL;
}

static void report_no_rate(Infer *inf, const Layer *layer, Span at, const Value *v) {
  Diag *d = infer_report(inf, E407, layer, at, "a duration needs a sample rate");
  diag_primary(d, "the number of steps depends on the rate");
  const Port *port = value_port(v);
  diag_trace_value(d, inf->model, v);
  if (!port || !span_valid(port->type_span)) return;
  diag_label(d, port->type_span, "no `@ rate` on this time axis");
  Span axis = type_axis_span(inf, port->type_span, port->declared.time_pos);
  Fix *fix = diag_fix(d, FIX_FILL, "give the sample rate");
  if (span_valid(axis)) fix_edit(fix, (Span){axis.file, axis.end, axis.end}, " @ NHz");
}

/* The nearest durations that come out even, in whole milliseconds, and the nearest counts of
 * steps. */
static void report_uneven(Infer *inf, const Layer *layer, Span at, const char *text, const Value *v,
                          int64_t a, int64_t b) {
  const Time *time = &v->type.time;
  Text rate = text_new(inf->arena);
  text_add_rate(&rate, time->rate_num, time->rate_den);
  Diag *d = infer_report(inf, E406, layer, at, "%s is not a whole number of steps at %s", text,
                         text_str(&rate));
  diag_primary(d, "%.10g steps", (double)a / (double)b);
  trace_values(d, inf->model, 1, &v, true);
  /* g ms are per steps: the smallest that come out even */
  int64_t rate_num, g, per,
      ms =
          (int64_t)((double)a / (double)b * 1000 * (double)time->rate_den / (double)time->rate_num);
  int64_t common = size_gcd(1000, time->rate_num);
  bool even = size_mul(1000 / common, time->rate_den, &g) && g <= 1000;
  rate_num = time->rate_num / common;
  for (int64_t m = even ? ms / g * g : 0; even && m <= ms / g * g + g; m += g) {
    if (m < g || !size_mul(m / g, rate_num, &per)) continue;
    Fix *fix = diag_fix(d, FIX_MAYBE, "%lldms are %lld steps", (long long)m, (long long)per);
    if (span_valid(at)) fix_edit(fix, at, "%lldms", (long long)m);
  }
  int64_t near = a / b + (a % b > b / 2);
  if (near < 1) near = 1;
  Fix *fix = diag_fix(d, FIX_MAYBE, "or give the number of steps");
  if (span_valid(at)) fix_edit(fix, at, "%lld", (long long)near);
}

bool duration_steps(Infer *inf, const Layer *layer, Span at, int64_t num, int64_t den,
                    const Value *v, int64_t *steps) {
  const Time *time = &v->type.time;
  if (!time->rate_num) {
    report_no_rate(inf, layer, at, v);
    return false;
  }
  const char *text = span_valid(at) ? span_text(inf->arena, inf->diags->sources, at)
                                    : duration_text(inf->arena, num, den);
  if (!text) text = "this duration";
  int64_t a, b;
  if (!steps_fraction(num, den, time, &a, &b)) {
    Diag *d = infer_report(inf, E406, layer, at, "%s cannot be counted in steps", text);
    diag_primary(d, "give a number of steps");
    return false;
  }
  *steps = a / b;
  if (a % b == 0) return true;
  report_uneven(inf, layer, at, text, v, a, b);
  return false;
}
