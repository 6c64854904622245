/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What convolutions and pools have in common. Their operand is x [N, C, ...], and the axes after
 * the channels C are spatial. A *sweep* is a spatial axis along which the window does something:
 * time, or an axis of features. A *field* is the value that windows go over, in a layout in which
 * each sweep has an axis of its own and the channels are last. */
#ifndef GRUS_IMPORT_SWEEP_H
#define GRUS_IMPORT_SWEEP_H

#include "import/lift/lift.h"

/* A window along one axis. */
typedef struct Sweep {
  int spatial;                                   /* the spatial axis, from 0; -1: none */
  int64_t taps, stride, dilation, before, after; /* before, after: the padding */
  int64_t steps;                                 /* the size of the axis */
  bool same;     /* the padding follows from the size, as `padding=same` has it */
  int64_t extra; /* on a stream: steps of `before` for which the result has steps as well */
} Sweep;

/* A field and where its sweeps are. */
typedef struct SweptField {
  Layout layout;
  int time;     /* the number of the sweep along time; -1: none is */
  int where[2]; /* by sweep: its axis in the layout; -1: it is time */
  bool named;   /* the stage names its axes, by `names` */
  AxisNames names;
} SweptField;

/* Number i of an attribute of the node. */
int64_t sweep_number(const GraphNode *node, GraphAttributeName name, int i, int64_t if_absent);
/* The sweep that the attributes of the node describe for a spatial axis of so many taps. */
Sweep sweep_along(Lift *l, const GraphNode *node, int axis, int64_t taps);
/* How many spatial axes x has. */
int sweep_axes(const Lift *l, const GraphNode *node);
/* Writes the spatial axes along which a kernel w does something, and returns how many there are. */
int sweep_live(Lift *l, const GraphNode *node, const GraphTensor *w, int out[GRAPH_MAX_RANK]);
/* The axes along which a stage of a convolution works: the n of sweep_live, or the last one if
 * there is none. 0 after reporting that they are not one or two. */
int sweep_one_or_two(Lift *l, const GraphNode *node, int n, int *live);
/* Sets the options of a stage for n sweeps. size: the option for the taps. usual: the stride that
 * the stage has if none is given; 0: as many as the taps. */
void sweep_set(const Lift *l, Layer *layer, OptName size, int64_t usual, int n, const Sweep *sweep);
/* Gives a stage its bias, and its kernel [filters, taps of each sweep, d] from w, which is
 * [filters, d, k...], and of a transposed convolution [groups * d, filters / groups, k...]. False
 * after reporting. */
bool sweep_kernel(Lift *l, const GraphNode *node, Layer *layer, const GraphTensor *w, int n,
                  const Sweep *sweep);
/* The field of n sweeps. False after reporting. */
bool field_find(Lift *l, const GraphNode *node, int n, const Sweep *sweep, SweptField *out);
/* The value of the field as the stage reads it: with names for its axes, unless they are those that
 * the stage takes if its `along` is not given. NULL stays NULL. */
Value *field_labelled(Lift *l, const GraphNode *node, SweptField *f, int n, Value *value);
/* Sets `along` of a stage to the axes of the field, if the field has names. */
void field_name_axes(Lift *l, Layer *layer, const SweptField *f, int n);
/* Places the result of the node as the result of a stage over the field. */
void field_place(Lift *l, const GraphNode *node, const SweptField *f, int n, const Sweep *sweep,
                 Value *made);
/* Gives the layout of the field the channels of the result, for a stage that changes them. */
void field_new_channels(Lift *l, const GraphNode *node, SweptField *f);

#endif
