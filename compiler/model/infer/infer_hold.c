/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between a bounded length and a fixed one: hold gives a sequence steps after its end, cut takes
 * them away again. Neither has a meaning on a stream, which has no end. */
#include "model/infer/infer_rule.h"

#include <math.h>

/* Checks that `fill` is a category of the value. */
static bool fill_fits(Infer *inf, const Layer *layer, const Value *v) {
  const OptVal *fill = layer_opt(layer, OPT_fill);
  if (!fill->given || v->type.elem != ELEM_INDEX) return true;
  if (fill->f >= 0 && fill->f < (double)v->type.categories && fill->f == floor(fill->f))
    return true;
  Diag *d = infer_report(inf, E211, layer, span_valid(fill->at) ? fill->at : layer->span,
                         "`fill=%g` is not a category of this value", fill->f);
  diag_primary(d, "%s has the categories 0 to %lld", type_str(inf->arena, &v->type),
               (long long)v->type.categories - 1);
  diag_trace_value(d, inf->model, v);
  return false;
}

/* [time n <= N, ...] -> [time N, ...]; a sequence of fixed length stays as it is. */
bool infer_hold(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_values(inf, layer, v) || !needs_sequence(inf, layer, v) || !needs_end(inf, layer, v) ||
      !fill_fits(inf, layer, v))
    return false;
  Type type = type_result(&v->type);
  type.time.kind = TIME_FIXED;
  type.time.length = 0;
  type.time.len = NULL;
  layer->out[0]->type = type;
  return true;
}

static bool report_cut(Infer *inf, const Layer *layer, const Value *v, const Value *x) {
  Diag *d = infer_report(
      inf, E303, layer, layer->span, "`cut` cannot take the steps of %s for the length of %s",
      shape_or_type_str(inf->arena, &v->type), shape_or_type_str(inf->arena, &x->type));
  diag_primary(d, "needs a fixed length that is not shorter than that of `along`");
  const Value *both[] = {v, x};
  trace_values(d, inf->model, 2, both, false);
  return false;
}

/* [time t, ...] -> [time of x, ...]: the first steps. */
bool infer_cut(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0], *x = layer_opt(layer, OPT_along)->value;
  if (!needs_values(inf, layer, v) || !needs_sequence(inf, layer, v) ||
      !needs_sequence(inf, layer, x))
    return false;
  const Time *have = &v->type.time, *want = &x->type.time;
  if (have->kind != TIME_FIXED || want->kind == TIME_STREAM || want->n > have->n)
    return report_cut(inf, layer, v, x);
  Type type = type_result(&v->type);
  type.time.kind = want->kind;
  type.time.n = want->n;
  type.time.len = want->len;
  type.time.length = want->length;
  layer->out[0]->type = type;
  return true;
}
