/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between categories and numbers: onehot and Embedding take the count from index(v), argmax makes
 * an index. */
#include "model/infer/infer_rule.h"

/* index(v)[...] -> f32[..., width] */
static bool infer_spread(Infer *inf, Layer *layer, int64_t width) {
  const Value *v = layer->in[0];
  Type type = type_result(&v->type);
  type.elem = ELEM_F32;
  type.categories = 0;
  if (type.rank + type_is_sequence(&type) >= TYPE_MAX_AXES) {
    type.rank++; /* one more than there is room for: infer_size_fits says so */
    return infer_size_fits(inf, &type, layer->span, layer, v);
  }
  type.rank++;
  type_set_last(&type, width);
  layer->out[0]->type = type;
  return true;
}

bool infer_onehot(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  return needs_index(inf, layer, v) && infer_spread(inf, layer, v->type.categories);
}

bool infer_Embedding(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t units;
  return needs_index(inf, layer, v) && needs_size(inf, layer, OPT_units, v, &units) &&
         infer_spread(inf, layer, units);
}

bool infer_argmax(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v) || !layer_goes_along_last(inf, layer, v)) return false;
  int axis = layer->along[0].axis;
  if (axis == AXIS_TIME)
    return report_not_time(inf, layer, v, "it works within one step, along a feature axis");
  Type type = type_result(&v->type);
  type.elem = ELEM_INDEX;
  type.categories = type.dim[axis].n;
  type_drop_axis(&type, axis);
  layer->out[0]->type = type;
  return true;
}
