/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that act on each element alone, and those of training only: the shape stays, numbers come
 * out as f32. */
#include "model/infer/infer_rule.h"

static bool infer_pointwise(Infer *inf, Layer *layer) {
  if (!needs_numbers(inf, layer, layer->in[0])) return false;
  layer->out[0]->type = type_result(&layer->in[0]->type);
  return true;
}

#define POINTWISE_RULE(id)                                                                         \
  bool infer_##id(Infer *inf, Layer *layer) {                                                      \
    return infer_pointwise(inf, layer);                                                            \
  }

POINTWISE_RULE(relu)
POINTWISE_RULE(leaky_relu)
POINTWISE_RULE(elu)
POINTWISE_RULE(selu)
POINTWISE_RULE(gelu)
POINTWISE_RULE(sigmoid)
POINTWISE_RULE(hard_sigmoid)
POINTWISE_RULE(tanh)
POINTWISE_RULE(hard_tanh)
POINTWISE_RULE(softplus)
POINTWISE_RULE(softsign)
POINTWISE_RULE(abs)
POINTWISE_RULE(exp)
POINTWISE_RULE(log)
POINTWISE_RULE(sqrt)
POINTWISE_RULE(square)
POINTWISE_RULE(clip)
POINTWISE_RULE(Dropout)
POINTWISE_RULE(GaussianNoise)

/* The one conversion from integers. */
bool infer_normalize(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (v->type.elem == ELEM_INDEX && !needs_numbers(inf, layer, v)) return false;
  layer->out[0]->type = type_result(&v->type);
  layer->out[0]->type.elem = ELEM_F32;
  return true;
}
