/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the stage `quantise` share. Private to them. */
#ifndef GRUS_MODEL_QUANT_INTERNAL_H
#define GRUS_MODEL_QUANT_INTERNAL_H

#include "model/quant/quant.h"

/* A model while it is quantised. */
typedef struct Quantise {
  Model *model;
  Arena *arena;
  const Ranges *ranges;
  const QuantGiven *given;
  Diags *diags;
  Quant *quant;
  QuantNames *missing; /* gets the names of values without a range, instead of E704; NULL: E704.
                          Layers then get no integers */
  bool failed;
  Precision own; /* between quant_aside_begin and quant_aside_end: that of the model */
} Quantise;

/* quant.c: formats of all values; layers have no integers yet. False after reporting E703. */
bool quant_begin(Quantise *q);
/* The same for what the model would be in another precision, in an arena of its own and without
 * reporting anything. The caller sets the model, and the ranges and `missing` if there are any.
 * quant_aside_end follows in either case: the model is then as before, and the arena is gone. */
bool quant_aside_begin(Quantise *q, Precision precision);
void quant_aside_end(Quantise *q);
/* Whether a stage can be applied to sums: relu, clip and the bounded ones. */
bool quant_is_activation(const Layer *layer);
/* Whether an activation word is one that integer cells have with values within -1..1. */
bool quant_has_bounded(Activation a);
/* Whether each step of a GRU, LSTM or RNN gives numbers in -1..1 if it starts from such numbers. */
bool quant_is_within_one(const Layer *layer);

/* quant_format.c: decides the format of every value, and which layers compute in integers. */
void quantise_formats(Quantise *q);
/* The range of a value; E704 and -1..1 if there is none. */
const Range *quant_range(Quantise *q, const char *name, const Layer *layer);
/* A format for the numbers low..high. headroom: in 16 bits, for twice as large ones. */
QuantFormat quant_format_of_range(double low, double high, int bits, bool headroom);
QuantFormat quant_format_fraction(int fraction, int bits); /* scale 2^-fraction */
/* Of the result of an Embedding: the 8 or 16 bits of its table. */
QuantFormat quant_format_of_table(const Layer *layer, Precision precision);
/* The format in which a layer of this precision reads a value: the value's own, if it has as few
 * bits. */
QuantFormat quant_operand(Quantise *q, const Value *value, Precision precision, const Layer *layer);
/* A diagnostic at the precision of the layer. */
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
/* A part in real numbers, of which quant_part_make makes integers. */
typedef struct PartSpec {
  int64_t rows, depth;
  const double *w; /* [rows][depth] */
  const double *b; /* [rows]; NULL: zeros */
  QuantFormat x;
  double out;    /* the unit of preactivations: 1 for gates, else the scale of the result */
  int bits;      /* of the weights */
  bool to_float; /* sums become f32: there are no multipliers */
} PartSpec;
/* The most fraction bits, at most `most`, that preactivations can have; INT_MIN if the sums do not
 * fit 32 bits. */
int quant_part_fraction(const PartSpec *spec, int most);
QuantPart quant_part_make(Arena *arena, const PartSpec *spec, int fraction);
/* Whether |bias| + the sum of |w q| is below 2^31 in every row, whatever the operand is. */
bool quant_part_fits(const QuantPart *part);
/* Whether a multiplier of 16 bits can change the scale of numbers up to `bound` by `ratio`. */
bool quant_scale_fits(double ratio, double bound);
/* Such a change of scale, with at most `most` fraction bits. */
QuantScale quant_scale_make(double ratio, double bound, int most);
/* The largest |q| that the memory of an operand can hold. */
double quant_largest(const QuantFormat *x);
/* What quant_part_make does with a row whose weights are integers with a scale. */
typedef enum RowIs {
  ROW_KEPT,      /* it keeps these integers */
  ROW_OFF_GRID,  /* there are none: the weights are no multiples of one number by -127..127 */
  ROW_TOO_LARGE, /* it takes a larger scale, because sums of these integers could leave 32 bits */
} RowIs;
RowIs quant_row_is(const PartSpec *spec, int64_t row);
/* The number of which all n are multiples by -127..127, or with 16 bits by -255..255, apart from
 * their rounding to f32; 0 if there is none. *most: the largest |w|, at least 1e-9. */
double quant_table_grid(const float *w, int64_t n, int bits, double *most);
/* Adds a name to a list unless it is there. */
void quant_name(Arena *arena, QuantNames *names, const char *name);

/* quant_layer.c */
/* Fills in the QuantLayer of a layer. */
void quantise_layer(Quantise *q, const Layer *layer);
/* By what a BatchNorm multiplies a row of the layer before it. */
double quant_norm_factor(const Model *model, const Layer *norm, int64_t row);
/* W and b of a Dense or Conv1D, with the BatchNorm after it folded in: [rows][depth] and
 * [rows]. */
double *quant_folded(const Model *model, Arena *arena, const Layer *layer, const Layer *norm,
                     double **bias);

#endif
