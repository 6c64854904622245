/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding of weights by calibration. The weights of a row are rounded one after another. Each
 * time, the weights that are not yet rounded change so that the error of the products is least,
 * which follows from the second moments of the operands (Frantar et al. 2022, GPTQ; Hassibi and
 * Stork 1993). The bias takes the error that is left. */
#ifndef GRUS_MODEL_ROUND_H
#define GRUS_MODEL_ROUND_H

#include "model/eval/eval.h"
#include "model/quant/quant.h"

/* Runs of the reference evaluator on calibration data. */
typedef struct RoundData {
  const EvalRun *run;
  int n_runs;
  double share; /* the share of the steps of each run, from its beginning, that are used */
  double prune; /* the share of the blocks of each matrix that become zeros; 0: none */
} RoundData;

/* Rounds the parts of a quantised layer by the data and writes them to out; returns how many there
 * are. 0 with *needed 0: there is nothing to round. 0 with *needed above 0: the data has only
 * *steps steps (or vectors, or windows), and a row has *needed weights. */
int quant_round_layer(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                      QuantGivenPart out[4], int64_t *steps, int64_t *needed);

/* Whether a quantised layer can be pruned: it has at least as many units as a block. */
bool quant_prunes(const Model *model, const Layer *layer);

/* Blocks of the matrices of a layer. */
typedef struct QuantBlocks {
  int64_t all, zeros;
  int64_t wanted; /* zeros that pruning by a share makes at least */
} QuantBlocks;

/* The blocks of a layer that was rounded to these parts. */
QuantBlocks quant_count_blocks(const Model *model, const Layer *layer, const QuantGivenPart *part,
                               int n, double share);

#endif
