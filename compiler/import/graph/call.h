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
/* An axis of `rank` axes, counted from the end where negative. */
bool call_axis(GraphCall *call, int64_t axis, int rank, int *out);
/* The set of axes of an attribute as a bit for each; all of them where it is absent. */
bool call_axes(GraphCall *call, GraphAttributeName name, int rank, unsigned *set);
/* Those that a reduction goes over: the attribute axes, or all from the attribute axis on. */
bool call_reduced(GraphCall *call, int rank, unsigned *set);
/* The numbers of operand k, which is a vector of whole numbers (a scalar counts as one). */
bool call_numbers(GraphCall *call, int k, int most, int *n, int64_t *out);
/* The one number of operand k. */
bool call_number(GraphCall *call, int k, int64_t *out);
/* Whole numbers of an attribute, one an axis; `usual` for each where it is absent. */
bool call_per_axis(GraphCall *call, GraphAttributeName name, int n, int64_t usual, int64_t *out);
/* "[2, 3]" */
const char *call_dims(GraphCall *call, int rank, const int64_t *dim);

/* Two shapes broadcast against each other as NumPy does it. */
bool call_broadcast(GraphCall *call, int rank_a, const int64_t *a, int rank_b, const int64_t *b,
                    int *rank, int64_t *dim);

/* The product of the sizes of a tensor, where empty axes count as 1: what loops over some of its
 * axes may come to even where there is no element. */
int64_t graph_span(const GraphTensor *t);

/* A number as a whole one: towards zero, clamped to what fits; NaN is 0. */
int64_t graph_whole(double x);

/* Sizes of a convolution or pool, one an axis of the window. */
typedef struct CallWindow {
  int n;
  int64_t kernel[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK], dilation[GRAPH_MAX_RANK];
  int64_t before[GRAPH_MAX_RANK], after[GRAPH_MAX_RANK];
} CallWindow;
/* n: axes that the window moves over; the kernel is filled in by the caller first. */
bool call_window(GraphCall *call, int n, CallWindow *window);

/* Where ONNX's Slice begins and how many elements it takes along an axis of `size`. */
typedef struct CallSlice {
  int64_t start[GRAPH_MAX_RANK], step[GRAPH_MAX_RANK], count[GRAPH_MAX_RANK];
} CallSlice;
bool call_slice(GraphCall *call, CallSlice *slice);

/* Results with room for their numbers, after graph_call_shape: eval*.c fill them. */
double *call_data(GraphCall *call, int k);
/* The same, for numbers each of which is a float if `are_floats`. */
GraphNumbers call_numbers_for(GraphCall *call, int k, bool are_floats);
/* The same, for numbers of x in other places. */
GraphNumbers call_numbers_like(GraphCall *call, int k, const GraphTensor *x);
/* Whether a result has the numbers of an operand as they are. */
bool call_hands_on(const GraphTensor *in, const GraphTensor *out);

#define OP(name, min_in, max_in, n_out, shape, moves, attributes)                                  \
  bool graph_shape_##shape(GraphCall *call);                                                       \
  bool graph_eval_##name(GraphCall *call);
#include "import/graph/graph_ops.def"
#undef OP

#endif
