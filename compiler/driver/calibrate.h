/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The parts of `grus calibrate`: layers are judged alone, a mixture of precisions is chosen, the
 * report is printed, and the files are written. */
#ifndef GRUS_DRIVER_CALIBRATE_H
#define GRUS_DRIVER_CALIBRATE_H

#include "driver/calibration.h"
#include "model/quant/mixture.h"
#include "model/quant/round.h"

/* A layer alone in one precision of integers, all others in f32. */
typedef struct Verdict {
  bool there;            /* false: not looked at, or the layer has no such form */
  double plain, rounded; /* SNR on what is held out; rounded counts if `rounds` */
  bool rounds, keeps;    /* rounding was tried; it does better on what it has not seen */
  bool prunes;           /* its blocks of least saliency become zeros, by --prune */
  double pruned;         /* SNR with these */
  QuantBlocks blocks;    /* of its matrices, after that */
  int64_t bytes;         /* of weights */
  int64_t steps, needed; /* where the data is too short to round: what there is, what it takes */
} Verdict;

typedef struct Judged {
  Layer *layer;
  Precision precision; /* that the layer has now */
  Verdict in[PRECISION_COUNT];
} Judged;

typedef struct Calibrate {
  Session *s;
  const Source *source;
  Model *model;
  Ranges *ranges;
  Calibration data;
  Judged *judged;
  int n;
  QuantGivenPart *part; /* rounded weights of the model in its present precisions */
  int n_parts;
  double predicted, measured; /* SNR of the model in its present precisions */
  double whole;               /* the same without --prune */
  bool is_float;              /* no layer computes in integers: --prune of weights in f32 */
  bool writes;                /* --write: the present precisions go into the source */
} Calibrate;

/* The layers' precisions, kept while single ones are looked at. */
typedef struct Precisions {
  Precision model;
  OptVal *own;
} Precisions;
Precisions precisions_keep(Session *s, const Model *model);
void precisions_restore(Model *model, const Precisions *kept);
/* All layers in f32 but one. NULL: all of them. */
void precisions_only(Model *model, const Layer *one, Precision p);

/* Every layer with weights in integers alone: in its own precision, and for a mixture in all that
 * it may get. False after reporting. */
bool calibrate_judge(Calibrate *c, bool for_mixture);
/* The model in its present precisions, with rounded weights: fills part, predicted and measured.
 * False after reporting. */
bool calibrate_measure(Calibrate *c);
/* The SNR of a layer as it would be built. */
double verdict_snr(const Verdict *v);
/* Bytes of the weights, biases and scales of a layer that the model computes in integers or in w8,
 * without the padding of a target. */
int64_t calibrate_bytes(const Calibrate *c, const Layer *layer);

/* What rounding and pruning look at: the runs, or the part of each, that are not held out. */
RoundData calibrate_looked_at(const Calibrate *c, double prune);
#define CALIBRATE_TOO_SHORT                                                                        \
  "%lld steps are too few to prune `%s`: it has %lld weights in a row, and the data must tell "    \
  "which of them count"
/* For a model without integers: --prune of its weights in f32, which it has afterwards. Fills
 * judged, predicted and measured. False after reporting. */
bool calibrate_prune_floats(Calibrate *c);
/* Writes these weights. */
ExitCode calibrate_write_floats(Calibrate *c, const char *path);

/* Chooses a mixture for --snr and --max-flash and prints it. With --write the model's layers have
 * its precisions afterwards; without, their own. The exit code says whether the bounds are met. */
ExitCode calibrate_mix(Calibrate *c);

void calibrate_report(const Calibrate *c, Text *out);
/* What --prune did: blocks, exactness, multiply-adds, flash. False after reporting. */
bool calibrate_report_pruned(Calibrate *c, Text *out);

/* Writes the ranges, the rounded weights and with --write the source: all or nothing. */
ExitCode calibrate_write(Calibrate *c, const char *path);

#endif
