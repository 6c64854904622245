/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the integer oracle share. Private to them. Integers are int64_t; whatever is
 * said to fit 32 bits goes through oracle_held, which notes when it does not. */
#ifndef GRUS_MODEL_EVAL_INT_H
#define GRUS_MODEL_EVAL_INT_H

#include "model/eval/eval_layer.h"
#include "model/quant/quant.h"

/* ---- eval_int_math.c ---- */
int64_t oracle_held(Eval *e, int64_t x); /* x, which is claimed to fit 32 bits */
int64_t oracle_mulw(Eval *e, int64_t a, int64_t m);
int64_t oracle_limit(int64_t x, int64_t lo, int64_t hi);
/* x to nearest within lo..hi, ties to even; a NaN is lo. */
int64_t oracle_round(float x, double lo, double hi);
/* tanh and its kin of p with `fraction` fraction bits, in Q0.15. */
int64_t oracle_activation(Eval *e, Activation a, int64_t p, int fraction);
/* p with `from` fraction bits as one with `to`, to nearest, within lo..hi. */
int64_t oracle_to_fraction(Eval *e, int64_t p, int from, int to, int64_t lo, int64_t hi);
/* A constant with so many fraction bits, held to 32 bits. */
int64_t oracle_constant(double x, int fraction);
int64_t oracle_rescale(Eval *e, int64_t a, const QuantScale *s, const QuantFormat *out);
/* An element of a value as an operand of another format. */
int64_t oracle_operand(double x, const QuantFormat *value, const QuantFormat *operand);
/* bias + sum of w q of one row. */
int64_t oracle_sum(Eval *e, const QuantPart *part, int64_t row, const int64_t *q);
/* Its preactivation. */
int64_t oracle_preactivation(Eval *e, const QuantPart *part, int64_t row, const int64_t *q);
/* Numbers in f32 as int16, by the largest of them; returns the scale. */
float oracle_by_largest(const double *x, int64_t n, int64_t *q);

/* ---- the families ---- */
void oracle_recurrent(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_matrix(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_table(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_same(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_rescaled(Eval *e, const Layer *layer, const QuantLayer *ql);

static inline QuantFormat oracle_format(const Eval *e, const Value *v) {
  return e->model->quant->value[v->id];
}

#endif
