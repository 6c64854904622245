/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows over two axes, as TensorFlow and TensorFlow Lite describe them: the channels are last,
 * and pads follow from the size. The graph has the channels first. */
#ifndef GRUS_IMPORT_READ_WINDOW_H
#define GRUS_IMPORT_READ_WINDOW_H

#include "import/read/emit.h"

typedef struct Window2D {
  int64_t kernel[2], stride[2], dilation[2];
  bool same; /* ceil(size / stride) steps, the odd pad after; else no pads */
} Window2D;

GraphValue *channels_first(GraphEmit *e, GraphValue *x); /* [n, h, w, c] -> [n, c, h, w] */
GraphValue *channels_last(GraphEmit *e, GraphValue *x);

/* Whether all sizes are positive and small enough to compute with. */
bool window_possible(const Window2D *w);
/* The elements that a window reaches over along axis i, 0 or 1. */
int64_t window_span(const Window2D *w, int i);
/* x [n, c, ...] with what keeps ceil(size / stride) steps along each of its n axes, for sizes that
 * are known when it runs: needed = max((ceil(size / stride) - 1) stride + span - size, 0), the odd
 * one after (upper) or in front. */
GraphValue *window_same_pads(GraphEmit *e, GraphValue *x, int n, const int64_t *stride,
                             const int64_t *span, bool upper, double fill);
/* x [n, c, h, w] with the zeros around it of a `same` window, for a size that is known when it
 * runs. */
GraphValue *window_padded(GraphEmit *e, GraphValue *x, const Window2D *w);
/* Conv, MaxPool or AvgPool; `groups` matters for Conv alone; 0: as many as the channels show. pads:
 * begins, then ends; NULL for a pool whose pads follow from its size. */
GraphValue *window_node(GraphEmit *e, GraphOp op, const Window2D *w, const int64_t *pads, int n_in,
                        GraphValue *const *in, int64_t groups);
/* What a transposed convolution leaves out of the full result, (size - 1) stride + kernel, and adds
 * after it: size * stride steps stay of a `same` window, all of another. */
void window_transposed_pads(const Window2D *w, int64_t pads[4], int64_t more[2]);
/* ConvTranspose of x, filters [c, m, h, w] and, if n_in is 3, a bias. */
GraphValue *window_transposed(GraphEmit *e, const Window2D *w, const int64_t *pads,
                              const int64_t *more, int n_in, GraphValue *const *in);

#endif
