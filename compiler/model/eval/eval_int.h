/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the integer oracle share. Private to them. Integers are int64_t. A number that
 * the arithmetic says to fit 32 bits goes through oracle_held, which notes if it does not. */
#ifndef GRUS_MODEL_EVAL_INT_H
#define GRUS_MODEL_EVAL_INT_H

#include "model/eval/eval_layer.h"
#include "model/quant/quant.h"

/* ---- eval_int_math.c ---- */
/* Returns x. Notes an overflow of the run if x does not fit 32 bits. */
int64_t oracle_held(Eval *e, int64_t x);
/* floor(a * m / 2^16), for a of 32 and m of 16 bits. */
int64_t oracle_mulw(Eval *e, int64_t a, int64_t m);
/* The nearest number to x within lo..hi. */
int64_t oracle_limit(int64_t x, int64_t lo, int64_t hi);
/* x rounded to the nearest integer, ties to even, within lo..hi; lo for a NaN. */
int64_t oracle_round(float x, double lo, double hi);
/* A bounded activation, in Q0.15, of p with `fraction` fraction bits. */
int64_t oracle_activation(Eval *e, Activation a, int64_t p, int fraction);
/* p with `from` fraction bits as a number with `to` fraction bits, rounded to nearest, within
 * lo..hi. */
int64_t oracle_to_fraction(Eval *e, int64_t p, int from, int to, int64_t lo, int64_t hi);
/* A constant with `fraction` fraction bits, limited to 32 bits. */
int64_t oracle_constant(double x, int fraction);
/* a in the units of another format. */
int64_t oracle_rescale(Eval *e, int64_t a, const QuantScale *s, const QuantFormat *out);
/* An element of a value in the format of an operand. x is a real number if the value is f32. */
int64_t oracle_operand(double x, const QuantFormat *value, const QuantFormat *operand);
/* The sum of a row: its bias + sum of w[k] q[k]. */
int64_t oracle_sum(Eval *e, const QuantPart *part, int64_t row, const int64_t *q);
/* The preactivation of a row: its sum times its multiplier. */
int64_t oracle_preactivation(Eval *e, const QuantPart *part, int64_t row, const int64_t *q);
/* Numbers in f32 as integers of 16 bits, scaled by the largest of them; returns the scale. */
float oracle_by_largest(const double *x, int64_t n, int64_t *q);

/* ---- one function for each family of layers: computes the results of a layer in integers ---- */
void oracle_recurrent(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_matrix(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_table(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_same(Eval *e, const Layer *layer, const QuantLayer *ql);
void oracle_rescaled(Eval *e, const Layer *layer, const QuantLayer *ql);

/* How a value is kept. */
static inline QuantFormat oracle_format(const Eval *e, const Value *v) {
  return e->model->quant->value[v->id];
}

#endif
