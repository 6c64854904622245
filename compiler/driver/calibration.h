/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recorded data for `grus calibrate`, read by the program around a model as `grus run` reads it,
 * and what the evaluators make of it. */
#ifndef GRUS_DRIVER_CALIBRATION_H
#define GRUS_DRIVER_CALIBRATION_H

#include "driver/quantise.h"
#include "driver/trial.h"

/* One run of the evaluator: a sequence, a window, or a stream from a reset on. */
typedef struct CalibrationRun {
  EvalTensor *in; /* by model->in */
  EvalRun truth;  /* of the reference evaluator */
} CalibrationRun;

typedef struct Calibration {
  CalibrationRun *run;
  int n;
  size_t cap;
  int64_t steps; /* in all; samples, where there is no time */
} Calibration;

/* Reads the data named on the command line and runs the reference evaluator on it. module: the
 * model in f32. An exit code; EXIT_DONE if all is well. */
ExitCode calibration_read(Session *s, Model *model, const KirModule *module, Calibration *out);

/* Signal-to-noise ratio in dB of the outputs of a quantised or pruned model against the reference;
 * held_out: on the last fifth of the data alone. 999 where nothing differs. */
double calibration_snr(Session *s, const Model *model, const Calibration *c, bool held_out);
/* The share of each run that is not held out: of many runs the last ones are held out whole. */
double calibration_share(const Calibration *c);
int calibration_first_held_out(const Calibration *c);

#endif
