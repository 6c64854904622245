/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the translation check share: a trial, and where the elements of its tensors are
 * in the model. */
#ifndef GRUS_IMPORT_LIFT_CHECK_H
#define GRUS_IMPORT_LIFT_CHECK_H

#include "import/lift/lift.h"

/* One comparison: how many samples, steps a call and calls; of bounded sequences the steps that are
 * no padding. */
typedef struct Trial {
  int64_t batch, steps;
  int calls;
  int64_t real; /* 0: all */
  bool steady;  /* every step has the same, large numbers: what is bounded meets its bounds */
} Trial;

/* Where an element of a graph tensor is in the model: sample, step, place among the features, place
 * without the batch. */
typedef struct ElementPlace {
  int64_t sample, step, feature, rest;
} ElementPlace;

typedef struct Comparison {
  Lift *l;
  Arena *arena; /* of one trial */
  uint64_t random;
  int64_t batch, steps; /* what those atoms are worth in this trial */
  double worst;
  int runs;
  GraphLimits limits;
} Comparison;

/* Where each element of a tensor is that has the factors of `value`; out has room for all. */
void check_spots(const Comparison *c, const GraphValue *value, const GraphTensor *tensor,
                 ElementPlace *out);
/* Whether one of the factors of `value` is the time. */
bool check_has_time(const Comparison *c, const GraphValue *value);
/* Whether each sample has numbers of its own; else they are the same for all. */
bool check_has_batch(const Comparison *c, const GraphValue *value);
/* The numbers of an input in one call. port: the input of the model that it became, or NULL. */
const GraphTensor *check_input(Comparison *c, const Trial *trial, const GraphInput *in,
                               const GraphValue *flat_value, const Port *port);

#endif
