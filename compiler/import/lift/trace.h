/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where elements come from. An operator that only moves numbers is computed with a mark in place of
 * each element. The marks of the result then show where its elements come from, and no operator
 * needs a rule of its own. */
#ifndef GRUS_IMPORT_TRACE_H
#define GRUS_IMPORT_TRACE_H

#include "import/lift/flat.h"

/* Whether a node only moves numbers, and its other operands, which say where to, are constants. */
bool trace_moves(const Flat *flat, const GraphNode *node);
/* The marks of result `index` of such a node. mark[k] has those of operand k, if its numbers are
 * moved. NULL: the node cannot be computed. */
const double *trace_moved(const Flat *flat, const GraphNode *node, const double *const *mark,
                          int index);

/* Each element of each value has a code: element k of a value has the code base[id] + k. */
typedef struct Trace {
  const Flat *flat;
  double *base;
  const double **code; /* by value id: the results of trace_of so far */
  int64_t budget;      /* how many elements may still be followed */
} Trace;

Trace trace_new(const Flat *flat);
/* For each element of a value, the code of the earliest element from which it was only moved; -1:
 * it is a constant. The last row of the y of a forward recurrent operator counts as its h. NULL:
 * these are too many elements. */
const double *trace_of(Trace *t, const GraphValue *value);
/* Whether this is the code of an element of `value`. */
bool trace_holds(const Trace *t, const GraphValue *value, double code);

#endif
