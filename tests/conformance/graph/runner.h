/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the tests of graphs have in common: a foreign file through its reader, recorded arrays, and
 * a comparison of what the graph's evaluator gives with what the file's own framework gave. */
#ifndef GRUS_TESTS_CONFORMANCE_GRAPH_RUNNER_H
#define GRUS_TESTS_CONFORMANCE_GRAPH_RUNNER_H

#include "import/read/read.h"

enum { SKIPPED = 77 };

typedef struct Runner {
  Arena *arena;
  Sources sources;
  Diags *diags;      /* of the last file */
  const char *input; /* of the options of import */
} Runner;

void runner_begin(Runner *run, Arena *arena);
/* NULL with a reason in *why: the first message, or that no reader knows the file. */
Graph *runner_read(Runner *run, const char *path, const char **why);
Graph *runner_read_bytes(Runner *run, const char *path, Mapped data, const char **why);
GraphElem runner_elem(TensorElem stored);
/* A recorded .npy; NULL with a reason. */
const GraphTensor *runner_npy(Runner *run, const char *path, const char **why);
/* A part of t along its first axis: rows from `row` on, `n` of them; drop: without the axis (n is
 * 1). */
GraphTensor *runner_rows(Runner *run, const GraphTensor *t, int64_t row, int64_t n, bool drop);
/* "[2, 3]" */
const char *runner_dims(Runner *run, const GraphTensor *t);
/* The largest |a - b|, as a part of max(1, the largest |b|); infinity where they differ in
 * number. */
double runner_difference(const double *a, const double *b, int64_t n);
const char *runner_fault(Runner *run, const GraphFault *fault);

#endif
