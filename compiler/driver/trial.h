/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running a model both ways on the same data: the reference evaluator, and the compiled code loaded
 * into this process. Values are doubles in storage order; index values are whole numbers. */
#ifndef GRUS_DRIVER_TRIAL_H
#define GRUS_DRIVER_TRIAL_H

#include "driver/build.h"
#include "model/eval/eval.h"

#include "runtime/host/grus_host.h"

/* One value: data[steps][...] of a port, or a recorded array. data NULL: absent. */
typedef struct Recorded {
  double *data;
  int64_t count; /* elements */
  int64_t steps; /* along time; 1 without a time axis */
} Recorded;

/* Compiles module, in memory or by the C compiler, and loads it; with --run-with, as a program of
 * its own. NULL after reporting. */
const GrusProgram *trial_load(Session *s, const KirModule *m);
/* Bytes of one place of a port in a call; of a window, one step. */
size_t trial_port_bytes(const GrusPort *port);
/* Loads the shared object `path` in the temporary folder dir, which is then removed. NULL after
 * reporting. */
const GrusProgram *trial_open(Session *s, const char *dir, const char *path);
/* In place of a GRUS_ status: the program that --run-with runs failed, which was reported. */
enum { TRIAL_BROKEN = -1 };
/* Runs the compiled code on one sample, in every place of a batch: in per model->in; out per
 * model->out is filled. Returns a GRUS_ status, or TRIAL_BROKEN. */
int trial_compiled(Session *s, const Model *model, const GrusProgram *program, const Recorded *in,
                   Recorded *out);
/* The same with a sample of its own in each place of the batch. */
int trial_samples(Session *s, const Model *model, const GrusProgram *program,
                  const Recorded *const *in, Recorded *const *out);
/* The same by the evaluator; values (may be NULL) gets every intermediate value, time first. */
EvalStatus trial_reference(Session *s, const Model *model, const Recorded *in, Recorded *out,
                           EvalTensor **values);

/* The same, each real number that a layer computes seen, and perhaps changed, by watch. */
typedef struct TrialWatch {
  EvalWatch *watch;
  void *watcher;
} TrialWatch;
EvalStatus trial_watched(Session *s, const Model *model, const Recorded *in,
                         const TrialWatch *watch, Recorded *out, EvalTensor **values);

/* What compiled code gave for output i, made comparable with the `want` elements of the evaluator.
 * A stream with outputs of several lags fills the places before an output's first value with zeros;
 * false if they are not. What has no time beside a stream is given by every call; the evaluator has
 * what it is at the end. */
bool trial_align(const KirModule *m, const Model *model, int i, int64_t want, Recorded *got);

/* The elements of a buffer as the interface has it, `steps` of them along time, one after the
 * other. */
void trial_take(const GrusPort *p, const void *buffer, double *dense, int64_t steps);

/* Makes the value of each layer an output, in the order of the layers; with streams_only those that
 * have a value at each step. Values that a later layer in integers computes with its own are left
 * out: they are nowhere. Integers are chosen anew, for an output is a float. codes[i] is the number
 * of the layer of output i of these, from 1 on. False after reporting. */
bool trial_add_layers(Session *s, Model *model, const Source *source, bool streams_only,
                      int *codes);

/* Largest absolute difference, largest value of b, and the SNR in dB (b is the truth; 999 if
 * equal). */
typedef struct Difference {
  double max, scale, snr;
  int64_t at; /* element with the largest difference */
  bool bad;   /* different counts, or a NaN on one side only */
} Difference;
Difference difference(const double *a, int64_t n_a, const double *b, int64_t n_b);

#endif
