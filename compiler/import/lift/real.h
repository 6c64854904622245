/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Integers with a scale as real numbers: what real.c and real_product.c share. */
#ifndef GRUS_IMPORT_REAL_H
#define GRUS_IMPORT_REAL_H

#include "import/lift/lift.h"

/* What a value of the old graph is in the new one. */
typedef struct RealValue {
  GraphValue *value; /* NULL: not made yet */
  const GraphTensor *scale,
      *zero; /* it stands for integers of this scale; NULL: it is what it was */
  int64_t axis;
  bool is_dynamic; /* its scale is found anew in each call; `scale` and `zero` are 1 and 0 */
} RealValue;

typedef struct RealFrame {
  const Graph *from;
  Graph *to;
  RealValue *meaning; /* by value id */
  bool *is_read;      /* by value id: also as it is, not only rounded to integers */
  struct RealFrame *outer;
} RealFrame;

/* What a value is in the new graph; NULL: nothing defines it. */
RealValue *real_value(RealFrame *frame, const GraphValue *value);
/* The numbers of operand k, if they are constant; NULL. */
const GraphTensor *real_constant(RealFrame *frame, const GraphNode *node, int k);
/* All zero points are this number; NULL: 0. */
bool real_zero_is(const GraphTensor *zero, double z);
/* MatMulInteger, ConvInteger: the same sums of real numbers. */
bool real_product(RealFrame *frame, const GraphNode *node);
/* Read by another scale than they were written by, integers stand for other numbers. */
bool real_read_otherwise(RealFrame *frame, const GraphNode *node, const RealValue *q);

#endif
