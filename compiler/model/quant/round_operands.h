/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows of Dense and recurrent layers, rounded or pruned by what they are multiplied with. Private
 * to round.c, round_operands.c and prune_float.c. */
#ifndef GRUS_MODEL_ROUND_OPERANDS_H
#define GRUS_MODEL_ROUND_OPERANDS_H

#include "model/quant/prune.h"
#include "model/quant/round.h"
#include "model/quant/round_moments.h"

/* Steps of a run that are looked at. */
int64_t round_looked_at(const RoundData *data, int64_t steps);
/* Every how manieth of `all` vectors is looked at. */
int64_t round_stride(int64_t all);

/* Columns of integers; w: [rows][depth], real. */
Columns columns_new(Arena *arena, const QuantPart *part, const double *w);
PruneShape round_prune_shape(const Layer *layer, int64_t rows, int64_t depth);

/* Vectors that the rows of such a layer are multiplied with. */
int64_t round_vector_count(const Layer *layer, const RoundData *data);
/* The rows of a Dense, and those of one direction of a recurrent layer: columns of W, then of U. */
void round_vectors(Arena *arena, const Layer *layer, const RoundData *data, Columns *c);
void round_direction(Arena *arena, const Layer *layer, const RoundData *data, int dir,
                     Columns c[QUANT_PARTS]);

#endif
