/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Model -> KIR. In: a typed model with bound weights (or weights marked extern). Out: a verified
 * module with entries run, or reset and step, or run, reset and push; scratch placed. */
#ifndef GRUS_LOWER_LOWER_H
#define GRUS_LOWER_LOWER_H

#include "kir/kir.h"
#include "lower/target.h"
#include "model/bind/weights.h"
#include "model/graph/model.h"

typedef struct LowerOptions {
  const Target *target; /* NULL: generic */
  int64_t batch;        /* 0 and 1: none */
  int64_t chunk;        /* steps per call of a stream; 0 and 1: one */
  bool math_fast;       /* shorter exp, tanh and sigmoid, within 8e-5 (docs/numerics.md) */
  bool keep_zeros;      /* leaves out no blocks of zeros (sparse.c) */
  bool weights_extern;  /* weights come as a pointer at run time: one block, buffers at their
                           weight_offset, in the same order as in the code */
} LowerOptions;

/* Whether a layer, or any of a model, rounds what it multiplies: `precision bf16` on a target with
 * products of bf16. */
bool lower_layer_rounds(const Model *model, const Layer *layer, const Target *target);
bool lower_rounds(const Model *model, const Target *target);

/* NULL if diagnostics were reported (E703, E805). */
KirModule *lower(const Model *model, const LowerOptions *options, Arena *arena, Diags *diags);

#endif
