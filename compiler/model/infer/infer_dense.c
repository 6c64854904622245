/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages with weights and without state that act on the last axis: Dense, the norms, prelu,
 * softmax. On a sequence they run once per step. */
#include "model/infer/infer_rule.h"

/* [..., d] -> [..., d] */
static bool infer_last_axis(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v) || !needs_rank(inf, layer, v, 1, TYPE_MAX_AXES)) return false;
  layer->out[0]->type = type_result(&v->type);
  return true;
}

bool infer_BatchNorm(Infer *inf, Layer *layer) {
  return infer_last_axis(inf, layer);
}

bool infer_prelu(Infer *inf, Layer *layer) {
  return infer_last_axis(inf, layer);
}

/* The same shape, along one axis of a step, the last by default. */
static bool infer_along_axis(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v) || !layer_goes_along_last(inf, layer, v)) return false;
  if (layer->along[0].axis == AXIS_TIME)
    return report_not_time(inf, layer, v, "it works within one step, along a feature axis");
  layer->out[0]->type = type_result(&v->type);
  return true;
}

bool infer_softmax(Infer *inf, Layer *layer) {
  return infer_along_axis(inf, layer);
}

bool infer_log_softmax(Infer *inf, Layer *layer) {
  return infer_along_axis(inf, layer);
}

/* The first half times the sigmoid of the second. */
bool infer_glu(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!infer_along_axis(inf, layer)) return false;
  Dim *dim = &layer->out[0]->type.dim[layer->along[0].axis];
  if (dim->n % 2 == 0) {
    *dim = (Dim){.n = dim->n / 2,
                 .label = layer->along[0].axis == v->type.rank - 1 ? NULL : dim->label};
    return true;
  }
  Diag *d = infer_report(inf, E311, layer, layer->span, "`glu` halves `%s`, but %lld is odd",
                         axis_name(inf->arena, &v->type, layer->along[0].axis), (long long)dim->n);
  diag_primary(d, "gets %s", shape_or_type_str(inf->arena, &v->type));
  diag_trace_value(d, inf->model, v);
  return false;
}

bool infer_Dense(Infer *inf, Layer *layer) {
  int64_t units;
  if (!infer_last_axis(inf, layer) || !needs_size(inf, layer, OPT_units, layer->in[0], &units))
    return false;
  type_set_last(&layer->out[0]->type, units);
  return true;
}
