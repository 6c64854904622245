/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Units that forget more slowly than a gate of 15 bits can say. */
#ifndef GRUS_MODEL_SLOW_GATES_H
#define GRUS_MODEL_SLOW_GATES_H

#include "model/eval/eval.h"

typedef struct SlowGates {
  int64_t units;  /* whose time constant is above SLOW_STEPS */
  double slowest; /* in steps */
} SlowGates;

enum { SLOW_STEPS = 10000 };

/* A GRU or LSTM with sigmoid gates over runs of the reference evaluator; of other layers none. The
 * time constant of a unit is one over the mean of what it forgets in a step: 1 - f of an LSTM,
 * 1 - z of a GRU. */
SlowGates quant_slow_gates(Arena *arena, const Layer *layer, const EvalRun *run, int n_runs);

#endif
