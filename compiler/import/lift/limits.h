/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding to integers with a scale as operators on real numbers: see limits.c. real.c calls these.
 */
#ifndef GRUS_IMPORT_LIMITS_H
#define GRUS_IMPORT_LIMITS_H

#include "import/graph/graph.h"

/* *range gets the least and the greatest number that the integers of a Quantize or a Dequantize
 * stand for, and *step their distance. False: the node has more than one scale, or the range of its
 * integers is not known. */
bool lift_numbers_of(const GraphNode *node, GraphRange *range, double *step);
/* The real numbers that the integers of this Quantize of x stand for. NULL: as above. */
GraphValue *lift_rounded(Graph *graph, const GraphNode *quantize, GraphValue *x);
/* x without rounding. If the least integer of this Quantize stands for 0, negative numbers become
 * 0. */
GraphValue *lift_not_negative(Graph *graph, const GraphNode *quantize, GraphValue *x);

#endif
