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

bool infer_LayerNorm(Infer *inf, Layer *layer) {
  return infer_last_axis(inf, layer);
}

bool infer_BatchNorm(Infer *inf, Layer *layer) {
  return infer_last_axis(inf, layer);
}

bool infer_prelu(Infer *inf, Layer *layer) {
  return infer_last_axis(inf, layer);
}

bool infer_softmax(Infer *inf, Layer *layer) {
  return infer_last_axis(inf, layer);
}

bool infer_log_softmax(Infer *inf, Layer *layer) {
  return infer_last_axis(inf, layer);
}

bool infer_Dense(Infer *inf, Layer *layer) {
  int64_t units;
  if (!infer_last_axis(inf, layer) || !needs_size(inf, layer, OPT_units, layer->in[0], &units))
    return false;
  type_set_last(&layer->out[0]->type, units);
  return true;
}
