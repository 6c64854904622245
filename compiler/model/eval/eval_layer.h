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
  double **kept;   /* by layer: what a state holds now */
  bool overflowed; /* integers: a claim about 32 bits did not hold */
} Eval;

/* Value of v, time first: [steps, step size]. */
static inline const EvalTensor *eval_in(const Eval *e, const Value *v) {
  return &e->run->value[v->id];
}
/* Makes the result of a layer: steps values of its type's step size, zeroed. */
EvalTensor *eval_out(Eval *e, const Value *v, int64_t steps);

/* Between the storage order of a type and time first. */
void eval_to_storage(const Type *type, int64_t steps, const double *logical, double *storage);
void eval_from_storage(const Type *type, int64_t steps, const double *storage, double *logical);

double eval_activation(Activation a, double x);
/* NaN if either is, as nothing else of IEEE 754's own maximum and minimum. */
double eval_greater(double a, double b);
double eval_clamp(double x, double low, double high);

/* eval_<family> for each family of layers.def: computes layer->out[] from the inputs. */
typedef EvalStatus EvalFn(Eval *e, const Layer *layer);
#define LAYER(id, name, rule, flags, family, ...) EvalFn eval_##family;
#include "model/graph/layers.def"

EvalStatus eval_layer(Eval *e, const Layer *layer);
/* Its results, to whoever watches the run. */
void eval_show(const Eval *e, const Layer *layer);
/* All layers of a loop, step by step, each by `one`. */
EvalStatus eval_loop(Eval *e, int loop, EvalFn *one);

/* ---- convolutions: which input position each tap of each result reads ---- */
enum { EVAL_MAX_AXES = TYPE_MAX_AXES + 1 };

/* Positions of a value before its last axis, time first. */
typedef struct EvalGrid {
  int rank;
  int64_t n[EVAL_MAX_AXES], d;
} EvalGrid;

typedef struct ConvTaps {
  const Layer *layer;
  EvalGrid from, to;
  int64_t taps, steps, positions; /* steps and positions of the result */
  int64_t before[WINDOW_MAX_AXES];
} ConvTaps;

/* Coordinates of an element of a value, time first, and the element with these coordinates. */
void eval_split(const Type *type, int64_t element, int64_t at[EVAL_MAX_AXES]);
int64_t eval_join(const Type *type, const int64_t at[EVAL_MAX_AXES]);

/* Windows along an axis of n positions: how many there are, and how many of the first lie in front
 * of it. */
int64_t window_results(const LayerAxis *a, int64_t n);
int64_t window_before(const LayerAxis *a, int64_t n);

ConvTaps conv_taps(const Layer *layer, int64_t steps);
enum { CONV_BEFORE_FIRST = -2 };
/* The position of the input, or a negative number where there are zeros: CONV_BEFORE_FIRST before
 * the first step. */
int64_t conv_tap(const ConvTaps *c, int64_t position, int64_t tap);

/* ---- the integer oracle ---- */
/* Inputs that are kept in integers. */
void eval_int_inputs(Eval *e);
/* A layer as the quantised model computes it. */
EvalStatus eval_int_layer(Eval *e, const Layer *layer);

#endif
