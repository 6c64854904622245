/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Integers with a scale as real numbers: what real.c and real_product.c share. Integers q with a
 * scale and a zero point stand for the numbers (q - zero) * scale. */
#ifndef GRUS_IMPORT_REAL_H
#define GRUS_IMPORT_REAL_H

#include "import/lift/lift.h"

/* What a value of the old graph is in the new one. */
typedef struct RealValue {
  GraphValue *value; /* NULL: it is not made yet */
  const GraphTensor *scale,
      *zero;    /* in the old graph it is integers of this scale; NULL: both values are the same */
  int64_t axis; /* the axis along which there are several scales */
  bool is_dynamic; /* its scale is found anew in each call; `scale` and `zero` are 1 and 0 */
} RealValue;

/* One graph, or one body in it, while its values become real numbers. */
typedef struct RealFrame {
  const Graph *from;
  Graph *to;
  RealValue *meaning; /* by value id of `from` */
  bool *is_read;      /* by value id of `from`: a node other than a Quantize reads it */
  struct RealFrame *outer;
} RealFrame;

/* What a value is in the new graph; NULL: nothing defines it. */
RealValue *real_value(RealFrame *frame, const GraphValue *value);
/* The numbers of operand k in the new graph; NULL: it is left out, or no constant. */
const GraphTensor *real_constant(RealFrame *frame, const GraphNode *node, int k);
/* Whether all zero points are z. If `zero` is NULL, there is one, which is 0. */
bool real_zero_is(const GraphTensor *zero, double z);
/* A MatMulInteger or a ConvInteger as a MatMul or a Conv of real numbers. False: it cannot be one.
 */
bool real_product(RealFrame *frame, const GraphNode *node);
/* A Dequantize that reads integers q with another scale than they were written with, so that they
 * stand for other numbers. False: one of the two has several scales. */
bool real_read_otherwise(RealFrame *frame, const GraphNode *node, const RealValue *q);

#endif
