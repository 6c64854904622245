/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pruning of weights in f32 by calibration. prune.c chooses the blocks that become zeros, and
 * round_moments.c, without rounding, the new values of the other weights. */
#ifndef GRUS_MODEL_PRUNE_FLOAT_H
#define GRUS_MODEL_PRUNE_FLOAT_H

#include "model/quant/round.h"

/* Whether a bound layer can be pruned: a Dense, or a recurrent layer along time, with at least as
 * many units as a block. */
bool prune_float_takes(const Layer *layer);
/* The weights of such a layer with a share (data->prune) of their blocks set to zero. False: the
 * data has fewer steps than the layer has weights a row; *steps and *needed say how many. */
bool prune_float(Arena *arena, const Layer *layer, const RoundData *data, LayerWeights *out,
                 QuantBlocks *blocks, int64_t *steps, int64_t *needed);

#endif
