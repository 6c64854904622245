/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reference evaluator: plain loops in double over the typed, bound Model. It is the oracle of
 * `grus verify` and of the tests; it must never be made fast or share code with lower/. */
#ifndef GRUS_MODEL_EVAL_H
#define GRUS_MODEL_EVAL_H

#include "model/model.h"

/* A tensor of doubles in storage order of its type. For a stream, `steps` values along time. */
typedef struct EvalTensor {
  double *data;
  int64_t steps; /* values along time: fixed n, the actual length, or the stream's count; 1 without */
} EvalTensor;

typedef enum EvalStatus { EVAL_OK, EVAL_BAD_INDEX, EVAL_BAD_LENGTH } EvalStatus;

typedef struct EvalRun {
  EvalTensor *in;    /* per model->in, given by the caller; every window of an `every` input is a
                        run of its own */
  EvalTensor *out;   /* per model->out, allocated by model_eval. A stream of S base steps gives
                        every value the model produces after these steps */
  EvalTensor *value; /* per model->value by id: every intermediate value, for the first divergence */
} EvalRun;

/* Runs one sample. Streams are run as a whole sequence of in[].steps base steps. */
EvalStatus model_eval(const Model *model, Arena *arena, EvalRun *run);

#endif
