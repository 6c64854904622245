/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reference evaluator: plain loops in double over the typed, bound Model. It is the oracle of
 * `grus verify` and of the tests; it must never be made fast or share code with lower/. */
#ifndef GRUS_MODEL_EVAL_H
#define GRUS_MODEL_EVAL_H

#include "model/graph/model.h"

/* A tensor of doubles; index values are whole numbers. */
typedef struct EvalTensor {
  double *data;
  /* values along time: fixed n, the actual length, a stream's count; 1 without time */
  int64_t steps;
} EvalTensor;

typedef enum EvalStatus { EVAL_OK, EVAL_BAD_INDEX, EVAL_BAD_LENGTH, EVAL_OVERFLOW } EvalStatus;

typedef void EvalWatch(void *watcher, const Value *v, EvalTensor *result);

typedef struct EvalRun {
  EvalTensor *in;    /* per model->in, by the caller, in storage order of its type. A plain value
                        beside a stream holds for the whole run */
  EvalTensor *out;   /* per model->out, made by model_eval, in storage order. A stream of S base
                        steps gives the values that S / steps_per_call calls of _step give */
  EvalTensor *cell;  /* per model->layer by id, made by model_eval: c of an LSTM at every step */
  EvalTensor *value; /* per model->value by id, made by model_eval, time first */
  bool only_outputs; /* `value` and `cell` are not wanted: what no later layer reads is freed */
  /* NULL, or called with each result that a layer computes in real numbers, before others read
     it: it may change the numbers. In a loop, once for each step. */
  EvalWatch *watch;
  void *watcher;
} EvalRun;

/* Runs one sample; a window of an `every` input is a run of its own. The model is typed and every
 * layer with weights is bound. */
EvalStatus model_eval(const Model *model, Arena *arena, EvalRun *run);

/* The integer oracle: the same by the arithmetic of model/quant/quant.h, in 64 bits, with every
 * claim about 32 bits checked. Of values kept in integers, value holds the integers. The model is
 * quantised. Layers that compute in f32 are those of model_eval, rounded to f32. */
EvalStatus model_eval_int(const Model *model, Arena *arena, EvalRun *run);

#endif
