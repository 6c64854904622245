/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What shape*.c and eval*.c have in common: one operator, its operands and its results. */
#ifndef GRUS_IMPORT_GRAPH_CALL_H
#define GRUS_IMPORT_GRAPH_CALL_H

#include "base/shape.h"
#include "import/graph/graph.h"

/* Sets why the call cannot be computed, in a plain sentence; always false. */
bool call_fault(GraphCall *call, const char *format, ...) GRUS_PRINTF(2, 3);
/* Operand k; NULL where it is left out or beyond the end. */
const GraphTensor *call_in(const GraphCall *call, int k);
/* Type and shape of result k, whose data stays NULL. False where the sizes are impossible. */
bool call_result(GraphCall *call, int k, GraphElem elem, int rank, const int64_t *dim);
/* *out gets an axis, counted from 0, of `rank` axes; a negative one counts from the end. False with
 * a fault if there is no such axis. */
bool call_axis(GraphCall *call, int64_t axis, int rank, int *out);
/* *set gets a bit for each axis that an attribute names, or all bits if it is absent. */
bool call_axes(GraphCall *call, GraphAttributeName name, int rank, unsigned *set);
/* *set gets a bit for each axis that a reduction goes over: those of the attribute axes, or all
 * from the attribute axis on. */
bool call_reduced(GraphCall *call, int rank, unsigned *set);
/* The numbers of operand k, which is a vector of whole numbers (a scalar counts as one). */
bool call_numbers(GraphCall *call, int k, int most, int *n, int64_t *out);
/* The one number of operand k. */
bool call_number(GraphCall *call, int k, int64_t *out);
/* The n whole numbers of an attribute, one for each axis; `usual` for each if it is absent. */
bool call_per_axis(GraphCall *call, GraphAttributeName name, int n, int64_t usual, int64_t *out);
/* A shape as text, such as "[2, 3]". */
const char *call_dims(GraphCall *call, int rank, const int64_t *dim);

/* The shape of two operands of these shapes that are broadcast, as NumPy does it. */
bool call_broadcast(GraphCall *call, int rank_a, const int64_t *a, int rank_b, const int64_t *b,
                    int *rank, int64_t *dim);

/* The product of the sizes of a tensor, in which empty axes count as 1: the number of turns that
 * loops over some of its axes may take even if there is no element. */
int64_t graph_span(const GraphTensor *t);

/* A number rounded towards zero and clamped to what int64_t holds; 0 of NaN. */
int64_t graph_whole(double x);

/* The sizes of a convolution or pool, one for each of the n axes over which its window moves. */
typedef struct CallWindow {
  int n;
  int64_t kernel[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK], dilation[GRAPH_MAX_RANK];
  int64_t before[GRAPH_MAX_RANK], after[GRAPH_MAX_RANK];
} CallWindow;
/* Reads the attributes of a window over n axes, whose kernel the caller has filled in. */
bool call_window(GraphCall *call, int n, CallWindow *window);

/* Where a Slice begins along each axis, its steps, and how many elements it takes. */
typedef struct CallSlice {
  int64_t start[GRAPH_MAX_RANK], step[GRAPH_MAX_RANK], count[GRAPH_MAX_RANK];
} CallSlice;
bool call_slice(GraphCall *call, CallSlice *slice);

/* Room for the numbers of result k, which eval*.c fill in after graph_call_shape. */
double *call_data(GraphCall *call, int k);
/* The same; are_floats: whether a float holds each of them. */
GraphNumbers call_numbers_for(GraphCall *call, int k, bool are_floats);
/* The same, for the numbers of x in other places. */
GraphNumbers call_numbers_like(GraphCall *call, int k, const GraphTensor *x);
/* Whether a result shares the numbers of an operand. */
bool call_hands_on(const GraphTensor *in, const GraphTensor *out);

#define OP(name, min_in, max_in, n_out, shape, moves, attributes, nearest)                         \
  bool graph_shape_##shape(GraphCall *call);                                                       \
  bool graph_eval_##name(GraphCall *call);
#include "import/graph/graph_ops.def"
#undef OP

#endif
