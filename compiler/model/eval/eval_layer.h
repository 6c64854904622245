/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the evaluator share. Private to them. */
#ifndef GRUS_MODEL_EVAL_LAYER_H
#define GRUS_MODEL_EVAL_LAYER_H

#include "model/bind/weights.h"
#include "model/eval/eval.h"

typedef struct Eval {
  const Model *model;
  Arena *arena;
  EvalRun *run;
  double **kept;   /* by layer id: what a `state` holds between two steps of its loop */
  bool overflowed; /* in integers: a number did not fit 32 bits */
} Eval;

/* Value of v, time first: [steps, step size]. */
static inline const EvalTensor *eval_in(const Eval *e, const Value *v) {
  return &e->run->value[v->id];
}
/* Makes the value v with `steps` steps, all zeros. */
EvalTensor *eval_out(Eval *e, const Value *v, int64_t steps);

/* Copies a value between the storage order of its type and time first. */
void eval_to_storage(const Type *type, int64_t steps, const double *logical, double *storage);
void eval_from_storage(const Type *type, int64_t steps, const double *storage, double *logical);

double eval_activation(Activation a, double x);
/* The greater of two numbers; NaN if either is NaN, unlike fmax. */
double eval_greater(double a, double b);
/* The nearest number to x within low..high; NaN for a NaN. */
double eval_clamp(double x, double low, double high);

/* eval_<family> for each family of layers.def: computes layer->out[] from the inputs. */
typedef EvalStatus EvalFn(Eval *e, const Layer *layer);
#define LAYER(id, name, rule, flags, family, ...) EvalFn eval_##family;
#include "model/graph/layers.def"

/* Computes a layer and shows its results. */
EvalStatus eval_layer(Eval *e, const Layer *layer);
/* Shows the results of a layer to the watcher of the run, if there is one. */
void eval_show(const Eval *e, const Layer *layer);
/* Computes all layers of a loop through states, step by step, each with `one`. */
EvalStatus eval_loop(Eval *e, int loop, EvalFn *one);

/* ---- convolutions: which input position each tap of each result reads ---- */
enum { EVAL_MAX_AXES = TYPE_MAX_AXES + 1 };

/* The sizes of all axes of a value but the last, time first; d is the size of the last. */
typedef struct EvalGrid {
  int rank;
  int64_t n[EVAL_MAX_AXES], d;
} EvalGrid;

/* A convolution over an input of a given number of steps. */
typedef struct ConvTaps {
  const Layer *layer;
  EvalGrid from, to;
  int64_t taps, steps, positions; /* steps and positions of the result */
  int64_t before[WINDOW_MAX_AXES];
} ConvTaps;

/* The coordinates of an element of a value, time first; and the element with these coordinates. */
void eval_split(const Type *type, int64_t element, int64_t at[EVAL_MAX_AXES]);
int64_t eval_join(const Type *type, const int64_t at[EVAL_MAX_AXES]);

/* Of windows along an axis of n positions: how many there are, and how many positions of the first
 * window lie before the axis. */
int64_t window_results(const LayerAxis *a, int64_t n);
int64_t window_before(const LayerAxis *a, int64_t n);

ConvTaps conv_taps(const Layer *layer, int64_t steps);
enum { CONV_BEFORE_FIRST = -2 };
/* The position of the input that a tap of a result reads; a negative number if it reads a zero,
 * CONV_BEFORE_FIRST before the first step. */
int64_t conv_tap(const ConvTaps *c, int64_t position, int64_t tap);

/* ---- the integer oracle ---- */
/* Converts the inputs to the formats in which the quantised model keeps them. */
void eval_int_inputs(Eval *e);
/* Computes a layer as the quantised model does. */
EvalStatus eval_int_layer(Eval *e, const Layer *layer);

#endif
