/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one broadcast: repeat gives a value the axes it lacks, expand a time axis of one step. */
#include "model/infer/infer_rule.h"

#include <string.h>

/* Room for one more axis, and no time axis yet. */
static bool can_spread(Infer *inf, Layer *layer, const Value *v) {
  if (!needs_values(inf, layer, v)) return false;
  if (type_is_sequence(&v->type)) {
    Diag *d = infer_report(inf, E305, layer, layer->span, "a value has at most one time axis");
    diag_primary(d, "%s is already a sequence", shape_str(inf->arena, &v->type));
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

/* The axis of x that each axis of the value is: by label, the others from the right. Axes of x
 * beyond those of the value are the ones it is repeated along. False where two want one, or the
 * order differs. */
bool repeat_match(const Type *v, const Type *x, int axis[TYPE_MAX_AXES]) {
  bool taken[TYPE_MAX_AXES] = {false};
  for (int i = 0; i < v->rank; i++) {
    axis[i] = -1;
    for (int k = 0; k < x->rank && v->dim[i].label; k++)
      if (x->dim[k].label && !taken[k] && strcmp(x->dim[k].label, v->dim[i].label) == 0)
        axis[i] = k;
    if (axis[i] >= 0) taken[axis[i]] = true;
  }
  for (int i = v->rank - 1, k = x->rank - 1; i >= 0; i--) {
    if (axis[i] >= 0) continue;
    while (k >= 0 && taken[k])
      k--;
    if (k < 0) return false;
    taken[k] = true;
    axis[i] = k;
  }
  for (int i = 1; i < v->rank; i++)
    if (axis[i] <= axis[i - 1]) return false;
  return true;
}

static bool report_mismatch(Infer *inf, const Layer *layer, const Value *v, const Value *x) {
  Diag *d = infer_report(inf, E303, layer, layer->span, "the axes of %s are not among those of %s",
                         shape_or_type_str(inf->arena, &v->type),
                         shape_or_type_str(inf->arena, &x->type));
  diag_primary(d, "cannot be repeated along it");
  const Value *both[] = {v, x};
  trace_values(d, inf->model, 2, both, false);
  diag_note(d, "grus matches axes by label, and those without a label from the right, in order");
  return false;
}

/* Adds the axes of x that v lacks; a value with as many axes as x lacks time alone. */
static bool repeat_axes(Infer *inf, Layer *layer, const Value *v, const Value *x, Type *type) {
  int axis[TYPE_MAX_AXES];
  if (v->type.rank >= x->type.rank) return true;
  if (!repeat_match(&v->type, &x->type, axis)) return report_mismatch(inf, layer, v, x);
  type->rank = x->type.rank;
  for (int k = 0; k < x->type.rank; k++)
    type->dim[k] = x->type.dim[k];
  for (int i = 0; i < v->type.rank; i++) {
    const char *label = type->dim[axis[i]].label;
    type->dim[axis[i]] = v->type.dim[i];
    if (!v->type.dim[i].label && v->type.dim[i].n == x->type.dim[axis[i]].n)
      type->dim[axis[i]].label = label;
  }
  return true;
}

static bool repeat_along(Infer *inf, Layer *layer, const OptVal *along, Time *time) {
  const Value *x = along->value, *v = layer->in[0];
  if (type_is_sequence(&v->type)) { /* it lacks feature axes alone */
    if (time_equal(&v->type.time, &x->type.time) && v->type.time.lag == x->type.time.lag)
      return true;
    return report_mismatch(inf, layer, v, x);
  }
  *time = x->type.time;
  if (type_is_sequence(&x->type) || x->type.rank > v->type.rank) return true;
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
    diag_primary(d, "both set the length");
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
  bool lacks = along->value && v->type.rank < along->value->type.rank;
  if (!(lacks ? needs_values(inf, layer, v) : can_spread(inf, layer, v))) return false;
  Type type = type_result(&v->type);
  if (along->value) {
    if (!repeat_along(inf, layer, along, &type.time)) return false;
    if (!repeat_axes(inf, layer, v, along->value, &type)) return false;
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
