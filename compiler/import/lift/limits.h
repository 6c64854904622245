/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Of lift/real.c: see limits.c. */
#ifndef GRUS_IMPORT_LIMITS_H
#define GRUS_IMPORT_LIMITS_H

#include "import/graph/graph.h"

/* The numbers that the integers of a Quantize or a Dequantize stand for, and how far they are
 * apart. False: more than one scale, or integers whose range is not known. */
bool lift_numbers_of(const GraphNode *node, GraphRange *range, double *step);
/* x as a Quantize rounds it, as real numbers. NULL: it has more than one scale, or integers whose
 * range is not known. */
GraphValue *lift_rounded(Graph *graph, const GraphNode *quantize, GraphValue *x);
/* x, not rounded, but not below zero where the integers of a Quantize say nothing below it. */
GraphValue *lift_not_negative(Graph *graph, const GraphNode *quantize, GraphValue *x);

#endif
