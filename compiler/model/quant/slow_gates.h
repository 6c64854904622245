/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Units of recurrent layers that forget more slowly than a gate of 15 bits can represent. */
#ifndef GRUS_MODEL_SLOW_GATES_H
#define GRUS_MODEL_SLOW_GATES_H

#include "model/eval/eval.h"

typedef struct SlowGates {
  int64_t units;  /* how many have a time constant above SLOW_STEPS */
  double slowest; /* the largest time constant, in steps */
} SlowGates;

enum { SLOW_STEPS = 10000 };

/* The slow units of a GRU or LSTM with sigmoid gates in runs of the reference evaluator; none for
 * other layers. The time constant of a unit is one over the mean of what it forgets in a step,
 * which is 1 - f of an LSTM and 1 - z of a GRU. */
SlowGates quant_slow_gates(Arena *arena, const Layer *layer, const EvalRun *run, int n_runs);

#endif
