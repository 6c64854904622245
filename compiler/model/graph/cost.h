/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Multiply-adds of a typed layer, as its formula has them. */
#ifndef GRUS_MODEL_COST_H
#define GRUS_MODEL_COST_H

#include "model/graph/model.h"

/* For one run of a whole sequence (the bound, where bounded), or one call of a stream. */
int64_t layer_macs(const Model *model, const Layer *layer);
/* Of all layers of a model: elements of their weights, and multiply-adds of one run or call. */
typedef struct ModelCost {
  int64_t params, macs;
} ModelCost;
ModelCost model_cost(const Model *model);
/* Values along time in one run or call; 1 without time. */
int64_t value_steps(const Model *model, const Type *type);

#endif
