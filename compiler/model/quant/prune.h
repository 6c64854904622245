/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pruning by calibration: which blocks of a matrix of weights become zeros. A block is what the
 * kernels in integers leave out (lower/int_sparse.c): units of one gate, and inputs in a row. */
#ifndef GRUS_MODEL_PRUNE_H
#define GRUS_MODEL_PRUNE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { PRUNE_UNITS = 8, PRUNE_DEPTH = 4 };

/* Rows are [gates][units]. */
typedef struct PruneShape {
  int64_t rows, depth, units;
} PruneShape;

/* Blocks of a matrix; 0: it has fewer units than a block and is not pruned. */
int64_t prune_blocks(const PruneShape *shape);
/* Blocks that pruning by a share sets to zero. */
int64_t prune_wanted(const PruneShape *shape, double share);
/* Blocks whose weights are all 0. */
int64_t prune_zeros(const PruneShape *shape, const int16_t *w);
/* Which weights [rows][depth] become 0: those of a share of the blocks (rounded down), least
 * saliency first. salience[depth]: what the square of a weight of each input costs. NULL: none. */
const bool *prune_choose(Arena *arena, const PruneShape *shape, const double *w,
                         const double *salience, double share);

#endif
