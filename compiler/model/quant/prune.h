/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pruning by calibration: which blocks of a matrix of weights become zeros. A block is PRUNE_UNITS
 * units of one gate times PRUNE_DEPTH neighbouring inputs, the unit that kernels in integers leave
 * out (lower/int_sparse.c). */
#ifndef GRUS_MODEL_PRUNE_H
#define GRUS_MODEL_PRUNE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { PRUNE_UNITS = 8, PRUNE_DEPTH = 4 };

/* A matrix [rows][depth] whose rows are [gates][units]. */
typedef struct PruneShape {
  int64_t rows, depth, units;
} PruneShape;

/* How many blocks a matrix has; 0 if it has fewer units than a block, so that it is not pruned. */
int64_t prune_blocks(const PruneShape *shape);
/* How many blocks pruning by a share sets to zero. */
int64_t prune_wanted(const PruneShape *shape, double share);
/* How many blocks have only weights of 0. */
int64_t prune_zeros(const PruneShape *shape, const int16_t *w);
/* Which weights [rows][depth] become 0: those of a share of the blocks, rounded down, the ones with
 * the least saliency. salience[depth]: the squared error for each input if a weight of 1 becomes 0.
 * NULL if no block does. */
const bool *prune_choose(Arena *arena, const PruneShape *shape, const double *w,
                         const double *salience, double share);

#endif
