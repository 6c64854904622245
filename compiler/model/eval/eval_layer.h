/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the evaluator share. Private to them. */
#ifndef GRUS_MODEL_EVAL_LAYER_H
#define GRUS_MODEL_EVAL_LAYER_H

#include "model/eval/eval.h"
#include "model/bind/weights.h"

typedef struct Eval {
  const Model *model;
  Arena *arena;
  EvalRun *run;
} Eval;

/* Value of v, time first: [steps, step size]. */
static inline const EvalTensor *eval_in(const Eval *e, const Value *v) { return &e->run->value[v->id]; }
/* Makes the result of a layer: steps values of its type's step size, zeroed. */
EvalTensor *eval_out(Eval *e, const Value *v, int64_t steps);

/* Between the storage order of a type and time first. */
void eval_to_storage(const Type *type, int64_t steps, const double *logical, double *storage);
void eval_from_storage(const Type *type, int64_t steps, const double *storage, double *logical);

double eval_activation(Activation a, double x);

/* eval_<family> for each family of layers.def: computes layer->out[] from the inputs. */
typedef EvalStatus EvalFn(Eval *e, const Layer *layer);
#define LAYER(id, name, rule, flags, family, ...) EvalFn eval_##family;
#include "model/graph/layers.def"

#endif
