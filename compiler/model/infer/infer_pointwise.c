/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that act on each element alone, and those of training only: the shape stays, numbers come
 * out as f32. */
#include "model/infer/infer_rule.h"

static bool infer_pointwise(Infer *inf, Layer *layer) {
  if (!needs_numbers(inf, layer, layer->in[0])) return false;
  layer->out[0]->type = type_result(&layer->in[0]->type);
  return true;
}

#define LAYER(id, name, rule, flags, family, ...)
#define ELEMENTWISE(id, integers, ...)                                                             \
  bool infer_##id(Infer *inf, Layer *layer) {                                                      \
    return infer_pointwise(inf, layer);                                                            \
  }
#include "model/graph/layers.def"

bool infer_Dropout(Infer *inf, Layer *layer) {
  return infer_pointwise(inf, layer);
}

bool infer_GaussianNoise(Infer *inf, Layer *layer) {
  return infer_pointwise(inf, layer);
}

/* The one conversion from integers. */
bool infer_normalize(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (v->type.elem == ELEM_INDEX && !needs_numbers(inf, layer, v)) return false;
  layer->out[0]->type = type_result(&v->type);
  layer->out[0]->type.elem = ELEM_F32;
  return true;
}
