/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The ranges of values in runs of the reference evaluator, and the digest of the weights. */
#ifndef GRUS_MODEL_OBSERVE_H
#define GRUS_MODEL_OBSERVE_H

#include "base/sha256.h"
#include "model/eval/eval.h"
#include "model/quant/ranges.h"

/* Widens the ranges of all f32 values, and of the c of every LSTM ("path.c"), to the numbers of a
 * run. NULL, or the name of a value that was not finite, at which it stops. */
const char *ranges_observe(Arena *arena, const Model *model, const EvalRun *run, Ranges *ranges);
/* The SHA-256 of the bound weights and the paths of their layers, as 64 hexadecimal digits. */
const char *weights_digest(Arena *arena, const Model *model);
void weights_digest_add(Sha256 *sha, const Layer *layer); /* layer by layer, in order */
const char *weights_digest_end(Arena *arena, Sha256 *sha);

#endif
