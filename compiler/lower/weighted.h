/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What weighted.c and conv.c share, private to them. */
#ifndef GRUS_LOWER_WEIGHTED_H
#define GRUS_LOWER_WEIGHTED_H

#include "lower/lower_internal.h"

/* What happens to the sums of a Mat: the layers of the tail, then to a row. */
typedef struct RowOut {
  const Layer *layer;
  KirBuffer *buffer;
  KirIndex at;
  int64_t stride;
} RowOut;

/* The finish of a Mat whose sums go to a RowOut: its context. */
void row_finish(Lower *l, void *context, const MatUnits *u, KirReg *const *acc);
/* depthwise.c: whether the lanes of mat can be its groups, and then all of it. */
bool is_depthwise(const Mat *mat);
void depthwise_emit(Lower *l, Mat *mat);
/* A BatchNorm behind a layer becomes part of its weights: a (W x + b) + c. depth: terms of a
 * sum. */
void fold_norm(Lower *l, const Layer *layer, Mat *mat, int64_t units, int64_t depth);

#endif
