/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files eval_*.c share: walks over the elements of tensors of any rank. */
#ifndef GRUS_IMPORT_GRAPH_EVAL_H
#define GRUS_IMPORT_GRAPH_EVAL_H

#include "import/graph/call.h"

#include <math.h>

/* The elements of a shape in C order, with the places of the same element in up to WALKED tensors.
 *
 *     Walk w = walk_start(rank, dim);
 *     strides_broadcast(x, rank, w.stride[0]);
 *     for (int64_t i = 0; i < count; i++, walk_next(&w)) ... x->data[w.offset[0]] ... */
enum { WALKED = 3 };
typedef struct Walk {
  int rank;
  int64_t dim[GRAPH_MAX_RANK], at[GRAPH_MAX_RANK];
  int64_t stride[WALKED][GRAPH_MAX_RANK], offset[WALKED];
} Walk;
Walk walk_start(int rank, const int64_t *dim);
void walk_next(Walk *w);
/* From the first place of a row of the last axis to that of the next row. */
void walk_skip_row(Walk *w);

void strides_of(int rank, const int64_t *dim, int64_t *stride);
/* The strides of t when it is broadcast to `rank` axes: 0 along an axis that is repeated. */
void strides_broadcast(const GraphTensor *t, int rank, int64_t *stride);

/* A tensor seen as [outer, n, inner] around one axis. */
typedef struct Line {
  int64_t outer, n, inner;
} Line;
static inline Line line_of(const GraphTensor *t, int axis) {
  Line line = {1, t->dim[axis], 1};
  for (int i = 0; i < axis; i++)
    line.outer *= t->dim[i];
  for (int i = axis + 1; i < t->rank; i++)
    line.inner *= t->dim[i];
  return line;
}

/* The least and the greatest number of a type; false if the type has fractions, or every whole
 * number that a double holds. */
bool elem_range(GraphElem elem, double *low, double *high);
/* The number that the low bits of a whole number stand for in a type. */
double elem_wrap(GraphElem elem, double x);
/* The number of a type that is nearest to a number. */
double elem_saturate(GraphElem elem, double x);

#endif
