/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The quantised model: what the stage `quantise` decides, and all that the integer oracle and
 * lower/ know about integers.
 *
 * In: a bound model with integer precisions, and the ranges of its values. Out: model->quant, with
 * a format for every value and a QuantLayer for every layer that computes in integers. All
 * decisions of scale are made here; who reads a QuantLayer finds integers only.
 *
 * Whoever has exact integers and scales already (a file that was quantised elsewhere) fills in
 * QuantGiven: the integer weights, biases and scales of a layer's parts, and the formats of values.
 * They are kept as they are; only the multipliers m follow from them.
 *
 * The arithmetic, version 1. mulw(a, m) = floor(a m / 2^16); >> is arithmetic; round is to nearest,
 * ties to even, and from f32 it is taken of the f32 product x * inverse.
 *
 *   operand         q = clamp(round(x * inverse) + zero, low, high); a NaN becomes low
 *   sum             acc = bias + sum of w q, exact in 32 bits
 *   preactivation   p = mulw(acc << shift, m[row]), `fraction` fraction bits; the parts of a
 *                   layer add up
 *   tanh, sigmoid   of p as Q3.17: quant_table.c; result in Q0.15
 *   LSTM            c' = sat(c - 2 mulw(c, n) + ((i g) >> (30 - cell_fraction)))
 *                   n = sigmoid(~p_f)
 *                   h = (o tanh(c') + 2^14) >> 15
 *   GRU             s' = s + 2 mulw((n << state_fraction) - s, u)   u = sigmoid(~p_z), n in Q0.15
 *                   h = (s' + 2^14) >> 15
 *                   reset after: p_n = p_x + 2 mulw(p_h, r)
 *                   reset before: the operand is (r h + 2^14) >> 15
 *   RNN             h = activation(p)
 *   change of scale out = clamp(r + zero, low, high)
 *                   r = (mulw(a << shift, m) + 2^(fraction-1)) >> fraction
 *   f32 edge        y = f32(acc) * f32(scale[row] * scale of the operand) */
#ifndef GRUS_MODEL_QUANT_H
#define GRUS_MODEL_QUANT_H

#include "model/bind/weights.h"
#include "model/quant/ranges.h"

/* How a value is kept: real = scale * (q - zero). bits 0: as f32. */
typedef struct QuantFormat {
  int bits; /* 8, 16; 0: f32 */
  bool is_unsigned;
  double scale;
  double zero;       /* whole, but for an integer port after `normalize`, where it is the mean */
  int32_t low, high; /* the least and the greatest q */
  float inverse;     /* 1 / scale */
} QuantFormat;

/* out = clamp(((mulw(a << shift, m) + half) >> fraction) + zero). */
typedef struct QuantScale {
  int shift, fraction;
  int32_t m;
} QuantScale;

/* Products with one operand: rows of integer weights. */
typedef struct QuantPart {
  int64_t rows, depth;
  int bits;                /* of the weights: 8 or 16 */
  const int16_t *w;        /* [rows][depth] */
  const int32_t *bias;     /* [rows] */
  const float *float_bias; /* [rows], w8: added in f32; NULL: none */
  const float *bias_shift; /* [rows], w8: what rounding by calibration adds to that; NULL: none */
  const double *scale;     /* [rows]: a weight stands for scale * w */
  const int16_t *m;        /* [rows]; NULL: sums leave as f32 */
  int shift;
  bool is_grid;  /* the weights of each row were multiples of one number, and are these integers */
  QuantFormat x; /* of the operand */
} QuantPart;

enum { QUANT_INPUT, QUANT_STATE, QUANT_PARTS };

typedef struct QuantLayer {
  Precision precision;     /* of integers: i8, i16, i16x16; or w8 */
  const Layer *norm;       /* a BatchNorm that became part of W and b; NULL: none */
  const Layer *activation; /* applied to the sums of a Dense or Conv1D; NULL: none */
  const Layer *last;       /* the layer whose result the sums become: activation, norm or itself */
  int directions;
  QuantPart part[2][QUANT_PARTS]; /* by direction */
  int fraction;                   /* F, of preactivations */
  bool to_float;                  /* Dense, Conv1D: sums leave as f32, without preactivation */
  QuantFormat out;                /* what is computed: Q0.15, or the value's */
  int cell_fraction;              /* LSTM: of c */
  int state_fraction; /* of h: 15, less if the activation is unbounded or h of a GRU starts beyond 1
                       */
  const int16_t *peephole[2]; /* [3][units], i f o: p += mulw(c, peephole) >> peephole_shift */
  int peephole_shift;
  QuantScale *input;    /* stages that join or rescale: one for each input */
  QuantFormat *operand; /* how they read each input */
  const int16_t *table; /* Embedding: [categories][units] in the value's format */
  bool table_is_grid;   /* its rows were multiples of one number, and are these integers */
} QuantLayer;

/* What a kind of stage can do with integers. */
typedef enum QuantKind {
  QUANT_MATRIX,    /* Dense, Conv1D */
  QUANT_RECURRENT, /* GRU, LSTM, RNN */
  QUANT_TABLE,     /* Embedding */
  QUANT_NORM,      /* BatchNorm: becomes part of a Dense or Conv1D before it, else f32 */
  QUANT_SAME,      /* its result has the format of its input */
  QUANT_RESCALE,   /* its result has a format of its own */
  QUANT_PORT,      /* normalize: the integers of a port are the operand */
  QUANT_FLOAT      /* f32 only */
} QuantKind;
QuantKind quant_kind(const Layer *layer);
/* tanh, sigmoid and their hard forms: results in Q0.15. */
bool quant_is_bounded(const Layer *layer);

/* Of a file that was quantised elsewhere; see above. By layer path and value name. */
typedef struct QuantGivenPart {
  const char *layer; /* path */
  int direction, part;
  const int16_t *w;
  const int32_t *bias; /* NULL in w8 */
  const double *scale;
  const float *bias_shift; /* w8 alone: what the bias in f32 takes of the rounding */
} QuantGivenPart;

typedef struct QuantGiven {
  const QuantGivenPart *part;
  int n_parts;
  bool needs_same_scale; /* scales must be those that are computed here (E705 if not): rounded
                            weights */
  const char *path;      /* of the file, for messages */
} QuantGiven;

typedef struct Quant {
  QuantFormat *value; /* by value id */
  QuantLayer **layer; /* by layer id; NULL: computes in f32 */
  /* by layer id: the Dense or Conv1D on whose sums it is done; NULL: none */
  const Layer **absorber;
} Quant;

/* E703 to E705. given may be NULL. A model without integer precisions has no quant. */
bool model_quantise(Model *model, const Ranges *ranges, const QuantGiven *given, Diags *diags);
/* Names of values or layers, each once. */
typedef struct QuantNames {
  const char **name;
  int n;
  size_t cap;
} QuantNames;

/* The values that the model would need ranges of in this precision, and that have none. */
QuantNames quant_missing_ranges(Model *model, Precision precision, const Ranges *ranges);
/* The layers whose weights are no multiples of one number a row by -127..127: 8 bits round them. */
QuantNames quant_rounded_layers(Model *model);
/* Whether any layer asks for integers with ranges (i8, i16, i16x16), or for w8. */
bool model_wants_ranges(const Model *model);
bool model_wants_integers(const Model *model);

/* Whether everything that makes a value is exact: integers, moves and comparisons, no function in
 * f32. */
bool quant_is_exact(const Model *model, const Value *value);

/* The name of a value in a file of ranges: an input's, or the path of the layer that makes it. */
const char *quant_value_name(const Value *value);
static inline bool quant_is_integer(Precision p) {
  return precision_info[p].arithmetic == ARITHMETIC_INTEGER;
}

/* 32 cubics of 2^15 steps: tanh of Q3.17 as Q0.16, normative. quant_tanh[j]: coefficients of
 * t^j. */
enum { QUANT_SEGMENTS = 32 };
extern const int32_t quant_tanh[4][QUANT_SEGMENTS];

#endif
