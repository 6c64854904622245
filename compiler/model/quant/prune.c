/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The choice of blocks; see prune.h. In: real weights, and the salience of each input. Out: a mask.
 * The saliency of a block is the sum of w^2 salience[input]. Blocks of equal saliency are taken in
 * their order, so the same weights and data give the same mask. */
#include "model/quant/prune.h"

#include <stdlib.h>

typedef struct PruneBlock {
  int64_t at; /* of all blocks */
  int64_t row, rows, from, to;
  double saliency;
} PruneBlock;

static int64_t tiles_of(const PruneShape *shape) {
  return (shape->units + PRUNE_UNITS - 1) / PRUNE_UNITS;
}

static int64_t columns_of_blocks(const PruneShape *shape) {
  return (shape->depth + PRUNE_DEPTH - 1) / PRUNE_DEPTH;
}

int64_t prune_blocks(const PruneShape *shape) {
  if (shape->units < PRUNE_UNITS) return 0;
  return shape->rows / shape->units * tiles_of(shape) * columns_of_blocks(shape);
}

int64_t prune_wanted(const PruneShape *shape, double share) {
  static const double SLACK =
      1e-6; /* so that 29 % of 100 blocks are 29, although 0.29 is rounded */
  return (int64_t)((double)prune_blocks(shape) * share + SLACK);
}

/* The block with this number. The last blocks of a gate and of a row may be smaller. */
static PruneBlock block_at(const PruneShape *shape, int64_t at) {
  int64_t columns = columns_of_blocks(shape), tiles = tiles_of(shape);
  int64_t tile = at / columns % tiles, gate = at / columns / tiles;
  int64_t unit = tile * PRUNE_UNITS, left = shape->units - unit;
  PruneBlock b = {.at = at, .row = gate * shape->units + unit, .from = at % columns * PRUNE_DEPTH};
  b.rows = left < PRUNE_UNITS ? left : PRUNE_UNITS;
  b.to = b.from + PRUNE_DEPTH < shape->depth ? b.from + PRUNE_DEPTH : shape->depth;
  return b;
}

int64_t prune_zeros(const PruneShape *shape, const int16_t *w) {
  int64_t zeros = 0;
  for (int64_t i = 0; i < prune_blocks(shape); i++) {
    PruneBlock b = block_at(shape, i);
    bool all = true;
    for (int64_t r = b.row; r < b.row + b.rows; r++)
      for (int64_t k = b.from; k < b.to; k++)
        all &= w[r * shape->depth + k] == 0;
    zeros += all;
  }
  return zeros;
}

static int by_saliency(const void *a, const void *b) {
  const PruneBlock *x = a, *y = b;
  if (x->saliency != y->saliency) return x->saliency < y->saliency ? -1 : 1;
  return (x->at > y->at) - (x->at < y->at);
}

const bool *prune_choose(Arena *arena, const PruneShape *shape, const double *w,
                         const double *salience, double share) {
  int64_t n = prune_blocks(shape), taken = prune_wanted(shape, share);
  if (!taken) return NULL;
  PruneBlock *block = ARENA_ARRAY(arena, PruneBlock, n);
  bool *mask = ARENA_ARRAY(arena, bool, shape->rows * shape->depth);
  for (int64_t i = 0; i < n; i++) {
    PruneBlock *b = &block[i];
    *b = block_at(shape, i);
    for (int64_t r = b->row; r < b->row + b->rows; r++)
      for (int64_t k = b->from; k < b->to; k++)
        b->saliency += w[r * shape->depth + k] * w[r * shape->depth + k] * salience[k];
  }
  qsort(block, (size_t)n, sizeof *block, by_saliency);
  for (int64_t i = 0; i < taken; i++)
    for (int64_t r = block[i].row; r < block[i].row + block[i].rows; r++)
      for (int64_t k = block[i].from; k < block[i].to; k++)
        mask[r * shape->depth + k] = true;
  return mask;
}
