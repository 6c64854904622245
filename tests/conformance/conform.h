/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions that the conformance tests share. They import a file as `grus import` does and run the
 * model on recorded inputs three times: in the reference evaluator, compiled by LLVM in memory, and
 * compiled by the C compiler from generated C. The result is a table of the largest differences
 * from the recorded outputs; the column "C" is the largest difference between the two compiled
 * programs:
 *
 *     file                     outputs  evaluator   compiled          C  tolerance
 *     lstm_qqq/gru_model.keras      40    7.6e-08    9.1e-08    0.0e+00      1e-05  ok
 *
 * The rows are also written to the file CONFORM_ROWS, a macro, for table.sh. If the environment
 * variable CONFORM_FEW is set, the C compiler compiles only every eighth model, only every eighth
 * file is damaged, programs are not optimised, and the rows go to CONFORM_ROWS ".few". */
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
  const Model *compiled_model; /* the model that `program` and `by_c` compute */
  const GrusProgram *program, *by_c;
  bool only_llvm; /* do not use the C compiler: for tests of many small models */
  int by_c_every; /* use the C compiler for every by_c_every-th model */
  int n_programs; /* how many models have been compiled */
  double apart;   /* largest difference of `by_c` from `program` since the last row; < 0: none */
  FILE *rows;
} Conform;

/* The main function of a test over published models. argv[1] to argv[n_folders] are folders with
 * models; the test is skipped if one of them does not exist. n_args is the number of arguments that
 * `run` needs, argv[0] included. */
int conform_main(int argc, char **argv, int n_args, int n_folders,
                 void (*run)(Conform *c, char **argv));
/* Starts a test. */
void conform_begin(Conform *c, Arena *arena);
/* Prints the heading of the table. */
void conform_heading(void);
/* The model in a file; NULL after printing the diagnostics and counting a failure. */
Model *conform_import(Conform *c, const char *path);
/* True if the import refuses the file with this code; else false after counting a failure. */
bool conform_refused(Conform *c, const char *path, DiagCode code);

/* The names of the files of a folder that end in one of these words, sorted; none if there is no
 * such folder. endings: NULL for all files but .npz. */
const char **conform_files(Conform *c, const char *folder, const char *endings, size_t *n);
/* Imports the content of a file. True if the import reports an error, or if every layer of the
 * model that needs weights has them. */
bool conform_survives(const char *path, const uint8_t *data, size_t len);
/* The next number of a generator that gives the same numbers in every run. */
uint32_t conform_random(uint32_t *state);

/* A recorded array, whose first axis counts samples, or an archive of them. */
Tensor conform_npy(Conform *c, const char *path);
TensorFile *conform_npz(Conform *c, const char *path);

/* Runs the samples 0, every, 2 every, ... below n and adds a row to the table. x[i] belongs to
 * input i and y[i] to output i; an output whose y[i] has a count of 0 is not
 * compared. Counts a failure if a difference is above the tolerance. */
void conform_batch(Conform *c, const char *label, const Model *model, const Tensor *x,
                   const Tensor *y, int64_t n, int64_t every, double tolerance);
/* As conform_batch, with the file imported as a stream (--stream): the recorded outputs of a sample
 * are compared with the last outputs of its steps. False, without a row, if the file cannot be
 * imported as a stream. */
bool conform_streamed(Conform *c, const char *path, const Tensor *x, const Tensor *y, int64_t n,
                      int64_t every, double tolerance);
/* As conform_batch, with one recorded stream and the file imported with --time `steps`. */
void conform_whole(Conform *c, const char *path, const Tensor *x, const Tensor *y, int64_t steps,
                   double tolerance);
/* Runs the evaluator once: in[i] are all values of input i, steps[i] is its number of steps, and
 * the result holds the outputs in storage order. */
EvalTensor *conform_run(Conform *c, const Model *model, double *const *in, const int64_t *steps);
/* The model compiled by LLVM; valid until the next call with another model. NULL after counting a
 * failure. */
const GrusProgram *conform_program(Conform *c, const Model *model);
/* As conform_run, by the compiled programs, which the first run of a model compiles. out[i] has no
 * data if the run failed. False if the model could not be compiled. */
bool conform_compiled(Conform *c, const Model *model, double *const *in, const int64_t *steps,
                      EvalTensor *out);
/* Adds a row to the table. A negative `error` or `compiled` stands for a program that was not run.
 */
void conform_row(Conform *c, const char *label, int64_t outputs, double error, double compiled,
                 double tolerance);
/* Adds a row for a file that is not run, with the reason. */
void conform_said(Conform *c, const char *label, const char *what);

#endif
