/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a run of the reference evaluator shows of the values: their ranges. */
#ifndef GRUS_MODEL_OBSERVE_H
#define GRUS_MODEL_OBSERVE_H

#include "base/sha256.h"
#include "model/eval/eval.h"
#include "model/quant/ranges.h"

/* Widens the ranges of all f32 values by those of a run, and of the c of every LSTM ("path.c"). The
 * name of a value that was not finite, else NULL; then nothing was widened by it. */
const char *ranges_observe(Arena *arena, const Model *model, const EvalRun *run, Ranges *ranges);
/* SHA-256 of the bound weights, as 64 digits. */
const char *weights_digest(Arena *arena, const Model *model);
void weights_digest_add(Sha256 *sha, const Layer *layer); /* layer by layer, in order */
const char *weights_digest_end(Arena *arena, Sha256 *sha);

#endif
