/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the conformance tests have in common: importing a file as `grus import` does, running the
 * model on recorded inputs in the reference evaluator and compiled for this machine, by LLVM in
 * memory and by the C compiler from the C file, and a table of the largest differences. "C" is how
 * far the two compiled programs are apart:
 *
 *     file                     outputs  evaluator   compiled          C  tolerance
 *     lstm_qqq/gru_model.keras      40    7.6e-08    9.1e-08    0.0e+00      1e-05  ok
 *
 * Rows go to the file CONFORM_ROWS too, for table.sh. With CONFORM_FEW in the environment the C
 * compiler gets one of four models, one of four files is damaged, and the rows go to a file of
 * their own. */
#ifndef GRUS_TESTS_CONFORMANCE_CONFORM_H
#define GRUS_TESTS_CONFORMANCE_CONFORM_H

#include "driver/imported.h"
#include "model/eval/eval.h"

#include "runtime/host/grus_host.h"

#include <stdio.h>

enum { SKIPPED = 77 };

typedef struct Conform {
  Arena *arena;
  Options options; /* --config, --stream, --time of the next import */
  Session session;
  int failures;
  const Model *compiled_model; /* whose programs are kept */
  const GrusProgram *program, *by_c;
  bool only_llvm;             /* no C compiler: many small models */
  int by_c_every, n_programs; /* the C compiler for one of so many models */
  double apart;               /* of by_c from program since the last row; < 0: not compared */
  FILE *rows;
} Conform;

/* The main of a test over published models: argv[1] to argv[n_folders] are folders of theirs, and
 * the test is skipped where one is not there; argv[n_args - 1] is the last argument. */
int conform_main(int argc, char **argv, int n_args, int n_folders,
                 void (*run)(Conform *c, char **argv));
/* Starts a test; the folder of published models must be there. */
void conform_begin(Conform *c, Arena *arena);
/* Prints the heading of the table. */
void conform_heading(void);
/* NULL after printing the diagnostics and counting a failure. */
Model *conform_import(Conform *c, const char *path);
/* True if the file is refused with this code; else counts a failure. */
bool conform_refused(Conform *c, const char *path, DiagCode code);

/* True if the content is refused with a message, or every layer that needs weights has them. */
bool conform_survives(const char *path, const uint8_t *data, size_t len);
/* A fixed generator: the same changes in every run. */
uint32_t conform_random(uint32_t *state);

/* A recorded array: samples along the first axis. */
Tensor conform_npy(Conform *c, const char *path);
TensorFile *conform_npz(Conform *c, const char *path);

/* Runs samples 0, every, 2 every ... below n: x[i] belongs to input i, y[i] to output i (NULL: not
 * compared). Counts a failure beyond tolerance. */
void conform_batch(Conform *c, const char *label, const Model *model, const Tensor *x,
                   const Tensor *y, int64_t n, int64_t every, double tolerance);
/* The same samples through the file with --stream: what was recorded for a sample are the last
 * outputs of its steps. False, and no row, if the file cannot be a stream. */
bool conform_streamed(Conform *c, const char *path, const Tensor *x, const Tensor *y, int64_t n,
                      int64_t every, double tolerance);
/* One recorded stream through the file with --time STEPS. */
void conform_whole(Conform *c, const char *path, const Tensor *x, const Tensor *y, int64_t steps,
                   double tolerance);
/* The outputs of one run, in storage order; in[i] are all values of input i. */
EvalTensor *conform_run(Conform *c, const Model *model, double *const *in, const int64_t *steps);
/* The compiled program, which is kept until another model's is asked for; NULL after counting a
 * failure. */
const GrusProgram *conform_program(Conform *c, const Model *model);
/* The same by the compiled programs, which are made at the first run of a model: out[i] as from the
 * evaluator, data NULL if it failed. False if there is no program. */
bool conform_compiled(Conform *c, const Model *model, double *const *in, const int64_t *steps,
                      EvalTensor *out);
/* One line of the table; error, compiled < 0: not run. */
void conform_row(Conform *c, const char *label, int64_t outputs, double error, double compiled,
                 double tolerance);
/* A line for a file that is not run, with the reason. */
void conform_said(Conform *c, const char *label, const char *what);

#endif
