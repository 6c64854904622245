/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Multiply-adds of a typed layer. */
#include "model/graph/cost.h"

#include "model/bind/weights.h"

int64_t value_steps(const Model *model, const Type *type) {
  switch (type->time.kind) {
  case TIME_FIXED:
  case TIME_BOUNDED: return type->time.n;
  case TIME_STREAM: return model->steps_per_call / type->time.period;
  case TIME_NONE: break;
  }
  return 1;
}

/* Trained matrices are multiplied once for each position of the result, which is a vector along its last
 * axis; scales, tables and biases cost no multiply-add. */
int64_t layer_macs(const Model *model, const Layer *layer) {
  ParamShape params[LAYER_MAX_PARAMS];
  int64_t per_vector = 0, vectors = value_steps(model, &layer->out[0]->type);
  const Type *out = &layer->out[0]->type;
  for (int i = 0, n = layer_params(layer, params); i < n; i++)
    if (params[i].role == ROLE_KERNEL || params[i].role == ROLE_RECURRENT) per_vector += param_count(&params[i]);
  for (int i = 0; i + 1 < out->rank; i++)
    vectors *= out->dim[i].n;
  return per_vector * vectors;
}
