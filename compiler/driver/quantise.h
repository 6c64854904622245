/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The stage `quantise` for a command: --precision, the file of ranges, rounded weights. */
#ifndef GRUS_DRIVER_QUANTISE_H
#define GRUS_DRIVER_QUANTISE_H

#include "driver/build.h"
#include "model/eval/eval.h"
#include "model/quant/quant.h"

/* Replaces the precision of the model by --precision. False after reporting a word that is no
 * precision. */
bool precision_choose(Session *s, Model *model);
/* Quantises a bound model that asks for integers. If its weights are invented and no file has
 * ranges for any weights, the ranges are those of invented inputs. False after reporting. */
bool build_quantise(Session *s, Model *model, const Source *source);
/* For commands that need only sizes: ranges of invented inputs. */
void quantise_invented(Session *s, Model *model);
/* What calibration measured of a layer alone in its precision: SNR in dB; 0: not known. */
double layer_ratio(const Session *s, const Model *model, const Layer *layer);
/* The same of the whole model; 0 also where a layer has another precision than was measured. */
double model_ratio(const Session *s, const Model *model);
/* What the file of ranges says of a model that is being written: the SNR of the whole; 0 where
 * there is no such file, or where it is of other layers, precisions or weights. Reports nothing. */
double model_ratio_in_file(Session *s, const Model *model, const Source *source);
/* Whether a model without a `ranges` statement can be checked as one with ranges: --ranges or the
 * file next to it has them, `grus calibrate` is about to measure them, or the weights are or may be
 * invented. */
bool ranges_are_known(Session *s, const Model *model, const Source *source);
/* The path of the ranges file: that of --ranges, else of the `ranges` statement, else NAME.ranges
 * next to NAME.grus. */
const char *ranges_path(Session *s, const Model *model, const Source *source);
/* What `grus calibrate` writes beside it: NAME.q.safetensors. */
const char *rounded_path(Session *s, const char *ranges);
/* What `grus calibrate --prune` writes of a model in f32. */
const char *pruned_path(Session *s, const Model *model, const Source *source);

/* Values in -1..1, or whole numbers, for an input: the same for the same seed. steps 0: as many as
 * the type says, some hundred of a stream. */
EvalTensor invented_input(Arena *arena, const Model *model, const Port *port, uint64_t seed);

#endif
