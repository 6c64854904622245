/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How much work a model is: multiply-adds and elements of weights. In: a typed model. The numbers
 * are those of the formulas, before lowering leaves anything out. */
#ifndef GRUS_MODEL_COST_H
#define GRUS_MODEL_COST_H

#include "model/graph/model.h"

/* Multiply-adds of a layer in one run of a whole sequence (of the longest one, if the length is
 * bounded), or in one call of a stream. */
int64_t layer_macs(const Model *model, const Layer *layer);
/* The sums over all layers: elements of weights, and multiply-adds of one run or call. */
typedef struct ModelCost {
  int64_t params, macs;
} ModelCost;
ModelCost model_cost(const Model *model);
/* How many steps a value of this type has in one run or call; 1 if it has no time axis. */
int64_t value_steps(const Model *model, const Type *type);

#endif
