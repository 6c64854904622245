/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What weighted.c, conv.c, transposed.c and depthwise.c share, private to them. */
#ifndef GRUS_LOWER_WEIGHTED_H
#define GRUS_LOWER_WEIGHTED_H

#include "lower/mat.h"

/* What happens to the sums of a Mat: the layers of the tail, then to a row. */
typedef struct RowOut {
  const Layer *layer;
  KirBuffer *buffer;
  KirIndex at;
  int64_t stride;
} RowOut;

/* A Mat of one sum for each of `filters` units, with the bias of the layer, whose sums go to `out`;
 * its part is the caller's. */
Mat row_mat(const Lower *l, const Layer *layer, RowOut *out, int64_t filters, const MapRows *rows);
/* depthwise.c: whether the lanes of mat can be its groups, and then all of it. */
bool is_depthwise(const Mat *mat);
void depthwise_emit(Emit *e, Mat *mat);
/* A BatchNorm after a layer becomes part of its weights: a (W x + b) + c. depth: terms of a
 * sum. */
void fold_norm(Lower *l, const Layer *layer, Mat *mat, int64_t units, int64_t depth);

#endif
