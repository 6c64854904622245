/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The quantised model: what the stage `quantise` decides, and all that the integer oracle and
 * lower/ know about integers.
 *
 * In: a bound model with integer precisions, and the ranges of its values. Out: model->quant, with
 * a format for every value and a QuantLayer for every layer that computes in integers. This stage
 * makes all decisions about scales, so a QuantLayer holds integers and the scales that they have.
 *
 * `grus calibrate` rounds weights by its data and passes them back in QuantGiven: the integer
 * weights, biases and scales of the parts of a layer, which are kept as they are.
 *
 * The arithmetic, version 1. mulw(a, m) = floor(a m / 2^16). >> is arithmetic. round is to nearest,
 * ties to even; of a number x in f32 it rounds the f32 product x * inverse.
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

/* How a value is kept: an integer q stands for scale * (q - zero). */
typedef struct QuantFormat {
  int bits; /* 8 or 16; 0: the value is kept in f32 */
  bool is_unsigned;
  double scale;
  double zero;       /* an integer, but of an integer input before `normalize`, the mean */
  int32_t low, high; /* the least and the greatest q */
  float inverse;     /* 1 / scale */
} QuantFormat;

/* A change of scale: out = clamp(((mulw(a << shift, m) + half) >> fraction) + zero, low, high),
 * where half is 2^(fraction-1). */
typedef struct QuantScale {
  int shift, fraction;
  int32_t m;
} QuantScale;

/* One matrix of a layer: the rows of integer weights that are multiplied with one operand. */
typedef struct QuantPart {
  int64_t rows, depth;
  int bits;                /* of the weights: 8 or 16 */
  const int16_t *w;        /* [rows][depth] */
  const int32_t *bias;     /* [rows] */
  const float *float_bias; /* [rows], only in w8: added in f32; NULL: none */
  const float
      *bias_shift;     /* [rows], only in w8: what calibration adds to the bias; NULL: nothing */
  const double *scale; /* [rows]: a weight stands for scale * w */
  const int16_t *m;    /* [rows], multipliers; NULL: sums become f32 */
  int shift;           /* of the sums, before m multiplies them */
  bool
      is_grid; /* the weights of each row were multiples of one number, and w has these multiples */
  QuantFormat x; /* the format of the operand */
} QuantPart;

/* The parts of a layer: W, which is multiplied with the input, and U of a recurrent layer, with h.
 */
enum { QUANT_INPUT, QUANT_STATE, QUANT_PARTS };

/* What a layer in integers computes with. */
typedef struct QuantLayer {
  Precision precision;     /* i8, i16, i16x16 or w8 */
  const Layer *norm;       /* a BatchNorm that W and b include; NULL: none */
  const Layer *activation; /* that the sums of a Dense or Conv1D pass through; NULL: none */
  const Layer *last; /* whose result is computed: the activation, else the norm, else itself */
  int directions;
  QuantPart part[2][QUANT_PARTS]; /* by direction */
  int fraction;                   /* fraction bits of preactivations */
  bool to_float;                  /* Dense, Conv1D: sums become f32 without a preactivation */
  QuantFormat out;                /* of the result: Q0.15, or the format of the value */
  int cell_fraction;              /* LSTM: fraction bits of c */
  int state_fraction; /* of h: 15, less if the activation is unbounded or h of a GRU starts beyond 1
                       */
  const int16_t *peephole[2]; /* [3][units], i f o: p += mulw(c, peephole) >> peephole_shift */
  int peephole_shift;
  QuantScale *input;    /* of stages that join or rescale: one for each input */
  QuantFormat *operand; /* and how they read each input */
  const int16_t *table; /* Embedding: [categories][units] in the format of the value */
} QuantLayer;

/* What a kind of stage can do with integers. */
typedef enum QuantKind {
  QUANT_MATRIX,    /* Dense, Conv1D, Conv2D */
  QUANT_RECURRENT, /* GRU, LSTM, RNN */
  QUANT_TABLE,     /* Embedding */
  QUANT_NORM,      /* BatchNorm: becomes part of a Dense or Conv1D before it, else f32 */
  QUANT_SAME,      /* its result has the format of its input */
  QUANT_RESCALE,   /* its result has a format of its own */
  QUANT_PORT,      /* normalize: the integers of an input are the operand of what follows */
  QUANT_FLOAT      /* f32 only */
} QuantKind;
QuantKind quant_kind(const Layer *layer);
/* The activation that computes a stage in integers, with a result in Q0.15: of tanh, sigmoid and
 * their hard forms. ACT_LINEAR for all other stages, and for a hard_sigmoid of another slope. */
Activation quant_function(const Layer *layer);
bool quant_is_bounded(const Layer *layer); /* whether there is one */

/* Rounded weights of one part of a layer; see above. */
typedef struct QuantGivenPart {
  const char *layer; /* path */
  int direction, part;
  const int16_t *w;
  const int32_t *bias; /* NULL in w8 */
  const double *scale;
  const float *bias_shift; /* only in w8: what calibration adds to the bias in f32 */
} QuantGivenPart;

typedef struct QuantGiven {
  const QuantGivenPart *part;
  int n_parts;
  bool needs_same_scale; /* the scales must be those that are computed here; E705 if not */
  const char *path;      /* the file of the weights, for messages */
} QuantGiven;

typedef struct Quant {
  QuantFormat *value; /* by value id */
  QuantLayer **layer; /* by layer id; NULL: computes in f32 */
  /* by layer id: the Dense or Conv1D that computes this norm or activation on its sums; NULL: none
   */
  const Layer **absorber;
} Quant;

/* Quantises a bound model. given may be NULL. A model without integer precisions gets no quant.
 * False after reporting E703 to E705. */
bool model_quantise(Model *model, const Ranges *ranges, const QuantGiven *given, Diags *diags);
/* Names of values or layers, each once. */
typedef struct QuantNames {
  const char **name;
  int n;
  size_t cap;
} QuantNames;

/* The values whose ranges the model would need in this precision, and that have none. */
QuantNames quant_missing_ranges(Model *model, Precision precision, const Ranges *ranges);
/* The layers whose weights w8 rounds. off_grid: in some row, the weights are not multiples
 * -127..127 of one number. too_large: they are in all rows, but sums of these multiples and of
 * values in 16 bits could leave 32 bits. */
typedef struct QuantRounded {
  QuantNames off_grid, too_large;
} QuantRounded;
QuantRounded quant_rounded_layers(Model *model);
/* Whether any layer is in i8, i16 or i16x16, which need ranges; and whether any is in these or in
 * w8. */
bool model_wants_ranges(const Model *model);
bool model_wants_integers(const Model *model);

/* Whether a value is made only of integers, moves and comparisons, so that compiled code has
 * exactly the numbers of the oracle. */
bool quant_is_exact(const Model *model, const Value *value);

/* The name of a value in a ranges file: the name of an input, or the path of the layer that makes
 * it. */
const char *quant_value_name(const Value *value);
static inline bool quant_is_integer(Precision p) {
  return precision_info[p].arithmetic == ARITHMETIC_INTEGER;
}

/* tanh of Q3.17 as Q0.16: 32 cubics of 2^15 steps each, of which quant_tanh[j] has the coefficients
 * of t^j. The numbers are part of the arithmetic. */
enum { QUANT_SEGMENTS = 32 };
extern const int32_t quant_tanh[4][QUANT_SEGMENTS];

#endif
