/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounds or prunes the rows of Dense and recurrent layers by the operands in recorded data. Private
 * to round.c, round_operands.c and prune_float.c. */
#ifndef GRUS_MODEL_ROUND_OPERANDS_H
#define GRUS_MODEL_ROUND_OPERANDS_H

#include "model/quant/prune.h"
#include "model/quant/round.h"
#include "model/quant/round_moments.h"

/* How many of the steps of a run are used: those that are not held out. */
int64_t round_looked_at(const RoundData *data, int64_t steps);
/* The distance between the vectors that are used, of `all` vectors: enough for MOST_ROWS of them.
 */
int64_t round_stride(int64_t all);

/* A matrix that becomes integers. w: [rows][depth], its real weights. */
Columns columns_new(Arena *arena, const QuantPart *part, const double *w);
/* The shape of a matrix of a layer for pruning. */
PruneShape round_prune_shape(const Layer *layer, int64_t rows, int64_t depth);

/* How many vectors the rows of such a layer are multiplied with in the data. */
int64_t round_vector_count(const Layer *layer, const RoundData *data);
/* Rounds or prunes the rows of a Dense; and those of one direction of a recurrent layer: c[0] is W,
 * c[1] is U. */
void round_vectors(Arena *arena, const Layer *layer, const RoundData *data, Columns *c);
void round_direction(Arena *arena, const Layer *layer, const RoundData *data, int dir,
                     Columns c[QUANT_PARTS]);

#endif
