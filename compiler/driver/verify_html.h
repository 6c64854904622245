/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What verify found as one page of HTML that loads nothing: a table, each output's values against
 * the truth with their error below, and the error of every layer. */
#ifndef GRUS_DRIVER_VERIFY_HTML_H
#define GRUS_DRIVER_VERIFY_HTML_H

#include "driver/trial.h"

/* One comparison: `got` against `truth`, which are as long as each other or not. */
typedef struct Compared {
  const char *name, *what; /* "y", "compiled / evaluator" */
  const Recorded *got, *truth;
  Difference difference;
  bool ok;
} Compared;

/* A layer of the compiled code against the evaluator. */
typedef struct ComparedLayer {
  const char *path, *text; /* "probs.gru", "GRU(64)" */
  Difference difference;
  bool ok;
} ComparedLayer;

void verify_html(Text *out, const char *title, const Compared *compared, int n,
                 const ComparedLayer *layer, int n_layers);

#endif
