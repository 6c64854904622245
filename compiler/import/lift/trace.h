/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where elements come from. Operators that only move numbers are computed on marks that stand for
 * elements, so that packing, cutting and transposing need no rule of their own. */
#ifndef GRUS_IMPORT_TRACE_H
#define GRUS_IMPORT_TRACE_H

#include "import/lift/flat.h"

/* It moves numbers by constants alone: what says where they go is known. */
bool trace_moves(const Flat *flat, const GraphNode *node);
/* The marks of result `index`, from those of the operands that are moved: mark[k], of operand k.
 * NULL: it cannot be computed. */
const double *trace_moved(const Flat *flat, const GraphNode *node, const double *const *mark,
                          int index);

/* Element k of a value is element base[id] + k of all values laid end to end; that is its code. */
typedef struct Trace {
  const Flat *flat;
  double *base;
  const double **code; /* by value id, once known */
  int64_t budget;      /* elements that may still be followed */
} Trace;

Trace trace_new(const Flat *flat);
/* The code of the element that each element of a value is, as far back as it only moved; -1: a
 * constant. The last row of y of a forward recurrent operator is its h. NULL: too many elements. */
const double *trace_of(Trace *t, const GraphValue *value);
/* This code is of an element of value. */
bool trace_holds(const Trace *t, const GraphValue *value, double code);

#endif
