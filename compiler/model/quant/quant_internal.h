/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the stage `quantise` share. Private to them. */
#ifndef GRUS_MODEL_QUANT_INTERNAL_H
#define GRUS_MODEL_QUANT_INTERNAL_H

#include "model/quant/quant.h"

typedef struct Quantise {
  Model *model;
  Arena *arena;
  const Ranges *ranges;
  const QuantGiven *given;
  Diags *diags;
  Quant *quant;
  QuantNames *missing; /* values without a range are noted here and not reported; NULL: E704 */
  bool failed;
} Quantise;

/* relu, clip and what is bounded: can be applied to sums. */
bool quant_is_activation(const Layer *layer);
/* The activation words that integer cells have: bounded ones, and linear and relu. */
bool quant_has_bounded(Activation a);
/* Whether each step of a GRU, LSTM or RNN gives numbers in -1..1 if it starts from such numbers. */
bool quant_is_within_one(const Layer *layer);

/* quant_format.c: every value's format, and which layers compute in integers. */
void quantise_formats(Quantise *q);
/* The range of a value; E704 where there is none. */
const Range *quant_range(Quantise *q, const char *name, const Layer *layer);
QuantFormat quant_format_of_range(double low, double high, int bits, bool headroom);
QuantFormat quant_format_fraction(int fraction, int bits); /* scale 2^-fraction */
/* How a layer of this precision reads a value: the value's own format where it can. */
QuantFormat quant_operand(Quantise *q, const Value *value, Precision precision, const Layer *layer);
Diag *quant_report(Quantise *q, DiagCode code, const Layer *layer, const char *message);

/* E703: the layer does not support its precision, because of `what`; `instead` is what to type. */
void quant_refuse(Quantise *q, const Layer *layer, const char *what, const char *instead);

/* quant_state.c: fraction bits of h, and of c of an LSTM. */
int quant_state_fraction(Quantise *q, const Layer *layer);
int quant_cell_fraction(Quantise *q, const Layer *layer);
/* Whether h stays within what its integers hold from the initial state on; E703 if not. */
bool quant_state_fits(Quantise *q, const Layer *layer);
/* The largest absolute value of a learned initial state; 0 without. state: 0 for h, 1 for c. */
double quant_learned_size(const Layer *layer, int state);

/* quant_rows.c */
typedef struct PartSpec {
  int64_t rows, depth;
  const double *w; /* [rows][depth] */
  const double *b; /* [rows]; NULL: zeros */
  QuantFormat x;
  double out;    /* preactivations are in units of this much, 1 for gates */
  int bits;      /* of the weights */
  bool to_float; /* no multipliers */
} PartSpec;
/* The most fraction bits that part can have; INT_MIN where its sums cannot be held in 32 bits. */
int quant_part_fraction(const PartSpec *spec, int most);
QuantPart quant_part_make(Arena *arena, const PartSpec *spec, int fraction);
/* The largest |bias| + sum of |w q| of any row is below 2^31. */
bool quant_part_fits(const QuantPart *part);
/* Whether a multiplier of 16 bits can change the scale of numbers up to `bound` by `ratio`. */
bool quant_scale_fits(double ratio, double bound);
/* Such a change of scale, with at most `most` fraction bits. */
QuantScale quant_scale_make(double ratio, double bound, int most);
double quant_largest(const QuantFormat *x); /* |q| */
/* The number whose multiples by -127..127, in 16 bits by -255..255, all n are, but for their
 * rounding to f32; 0: there is none. */
double quant_grid(const double *w, int64_t n, int bits);
/* Notes a name that is not there yet. */
void quant_name(Arena *arena, QuantNames *names, const char *name);

/* quant_layer.c */
void quantise_layer(Quantise *q, const Layer *layer);
/* What one step of an Embedding's table counts, and whether its rows are whole multiples of it. */
double quant_table_step(Arena *arena, const Layer *layer, int bits, bool *is_grid);
/* W and b of a Dense or Conv1D, with the BatchNorm after it folded in: [rows][depth] and
 * [rows]. */
double *quant_folded(const Model *model, Arena *arena, const Layer *layer, const Layer *norm,
                     double **bias);

#endif
