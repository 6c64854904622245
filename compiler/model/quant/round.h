/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding of weights by calibration: each weight of a row in turn, its error made up for by those
 * not yet rounded, in the metric of the second moments of what is multiplied (Frantar et al. 2022,
 * GPTQ; Hassibi and Stork 1993). The bias takes the rest. */
#ifndef GRUS_MODEL_ROUND_H
#define GRUS_MODEL_ROUND_H

#include "model/eval/eval.h"
#include "model/quant/quant.h"

/* Runs of the reference evaluator on calibration data. */
typedef struct RoundData {
  const EvalRun *run;
  int n_runs;
  double share; /* of the steps of each run that are looked at, from its beginning; at least one */
  double prune; /* the share of the blocks of each matrix that become zeros; 0: none */
} RoundData;

/* The parts of a quantised layer rounded by the data, as QuantGiven wants them; how many. 0: its
 * weights are integers already, and *needed is 0; or the data has fewer steps than the layer has
 * weights a row, and *steps, *needed say how many. */
int quant_round_layer(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                      QuantGivenPart out[4], int64_t *steps, int64_t *needed);

/* Whether pruning changes a quantised layer: it has a matrix of at least the units of a block. */
bool quant_prunes(const Model *model, const Layer *layer);

/* Blocks of the matrices of a layer. */
typedef struct QuantBlocks {
  int64_t all, zeros;
  int64_t wanted; /* zeros that pruning by a share makes at least */
} QuantBlocks;

/* Of a layer that was rounded to these parts. */
QuantBlocks quant_count_blocks(const Model *model, const Layer *layer, const QuantGivenPart *part,
                               int n, double share);

#endif
