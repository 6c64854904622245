/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reference evaluator: plain loops in double over the typed, bound Model. It is the oracle of
 * `grus verify` and of the tests; it must never be made fast or share code with lower/. */
#ifndef GRUS_MODEL_EVAL_H
#define GRUS_MODEL_EVAL_H

#include "model/graph/model.h"

/* A value in doubles, [steps, features in C order]. Indices are whole numbers. */
typedef struct EvalTensor {
  double *data;
  /* how many steps it has: a fixed or the actual length, or those of a stream; 1 without time */
  int64_t steps;
} EvalTensor;

typedef enum EvalStatus { EVAL_OK, EVAL_BAD_INDEX, EVAL_BAD_LENGTH, EVAL_OVERFLOW } EvalStatus;

/* What EvalRun calls with each result. */
typedef void EvalWatch(void *watcher, const Value *v, EvalTensor *result);

typedef struct EvalRun {
  EvalTensor *in;    /* from the caller: one for each model->in, in the storage order of its type. A
                        value without time next to a stream holds for the whole run */
  EvalTensor *out;   /* made by model_eval: one for each model->out, in storage order. A stream of S
                        base steps gives the values of S / steps_per_call calls of _step */
  EvalTensor *cell;  /* made by model_eval, by layer id: c of an LSTM at every step */
  EvalTensor *value; /* made by model_eval, by value id, time first */
  bool
      only_outputs; /* frees what no later layer reads, so that `value` and `cell` are incomplete */
  /* NULL, or called with each result that a layer computes in real numbers, before other layers
     read it; it may change the numbers. In a loop through states it is called for each step. */
  EvalWatch *watch;
  void *watcher;
} EvalRun;

/* Runs one sample; a window of an `every` input is a run of its own. The model is typed and every
 * layer with weights is bound. */
EvalStatus model_eval(const Model *model, Arena *arena, EvalRun *run);

/* The integer oracle: runs one sample of a quantised model by the arithmetic of
 * model/quant/quant.h, in 64 bits, and checks every claim about 32 bits (EVAL_OVERFLOW). For a
 * value that is kept in integers, `value` holds the integers. Layers in f32 compute as in
 * model_eval, rounded to f32. */
EvalStatus model_eval_int(const Model *model, Arena *arena, EvalRun *run);

#endif
