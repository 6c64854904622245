/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What rounding by calibration knows of the operands of some rows, and the rounding of these rows.
 * Private to round.c and round_moments.c. */
#ifndef GRUS_MODEL_ROUND_MOMENTS_H
#define GRUS_MODEL_ROUND_MOMENTS_H

#include "model/quant/quant_internal.h"

/* What a group of rows is multiplied with: columns of the operands, then those of biases, which are
 * not rounded. */
typedef struct Moments {
  int64_t k; /* operands */
  int64_t n; /* and biases */
  int64_t steps;
  int64_t apart; /* of these, so many that have nothing in common; 0: all of them */
  double *h;     /* [n][n] */
  double *cross; /* [n][n], of operands that are rounded themselves: [real][rounded]; NULL: none */
} Moments;

Moments moments_new(Arena *arena, int64_t k, int64_t biases);
/* z[n]: operands, then what biases count with. rounded[n]: the same as the rows are multiplied
 * with; NULL: no other. */
void moments_add(Arena *arena, Moments *m, const double *z, const double *rounded);

typedef struct Columns {
  const double *w; /* of the part: [rows][depth], real */
  int64_t rows, depth;
  const QuantPart *part; /* NULL: weights are pruned and not rounded */
  const bool *pruned;    /* [rows][depth]: these become 0; NULL: none */
  int16_t *q;
  float *real;   /* without a part, in place of q */
  double *shift; /* [rows]: what the bias takes, real */
} Columns;

/* By operand, the least squared error of a row whose weight 1 there becomes 0 and whose others make
 * up for it: 1 / [H^-1]_jj (Hassibi and Stork 1993). */
double *moments_salience(Arena *arena, const Moments *m);

/* Rows first..last of up to two parts that share their operands side by side. With two columns of
 * biases each part has its own. */
void round_rows(Arena *arena, Moments *m, const Columns *c, int n_parts, int64_t first,
                int64_t last);

#endif
