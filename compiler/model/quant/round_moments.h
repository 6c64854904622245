/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The second moments of the operands of some rows, and the rounding of these rows by them. Private
 * to round*.c and prune_float.c. */
#ifndef GRUS_MODEL_ROUND_MOMENTS_H
#define GRUS_MODEL_ROUND_MOMENTS_H

#include "model/quant/quant_internal.h"

/* The second moments of a vector z of k operands, then of the numbers that the biases are
 * multiplied with, which are 1 for most. Columns of biases are not rounded. */
typedef struct Moments {
  int64_t k; /* operands */
  int64_t n; /* operands and biases */
  int64_t steps;
  int64_t apart; /* how many of the steps share no data; 0: all of them */
  double *h;     /* [n][n] */
  double
      *cross; /* [n][n]: moments of the error of rounded operands with these; NULL: not rounded */
} Moments;

Moments moments_new(Arena *arena, int64_t k, int64_t biases);
/* Adds a vector z[n]. rounded[n]: the same vector as the integers of the operands have it; NULL if
 * they have more than 8 bits. */
void moments_add(Arena *arena, Moments *m, const double *z, const double *rounded);

/* A matrix whose rows are rounded or pruned. */
typedef struct Columns {
  const double *w; /* [rows][depth], its real weights */
  int64_t rows, depth;
  const QuantPart *part; /* the part in integers; NULL: weights are pruned and stay f32 */
  const bool *pruned;    /* [rows][depth]: these become 0; NULL: none */
  int16_t *q;            /* the result: integers */
  float *real;           /* the result without a part: f32 */
  double *shift;         /* the result: [rows], real numbers that the biases take */
} Columns;

/* For each operand, the least squared error of a row if its weight of 1 there becomes 0 and the
 * other weights compensate: 1 / [H^-1]_jj (Hassibi and Stork 1993). */
double *moments_salience(Arena *arena, const Moments *m);

/* Rounds the rows first..last of one or two matrices, whose operands are side by side in the
 * moments. With two columns of biases, each matrix has its own. */
void round_rows(Arena *arena, Moments *m, const Columns *c, int n_parts, int64_t first,
                int64_t last);

#endif
