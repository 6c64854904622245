/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows of convolutions and pools. Spatial axes of the graph along which a kernel does nothing
 * are mapped; what is left is time, feature axes, or one of each. A sweep is one axis of a window,
 * a field the value that windows go over, with the axes of the sweeps apart and the channels last.
 */
#ifndef GRUS_IMPORT_SWEEP_H
#define GRUS_IMPORT_SWEEP_H

#include "import/lift/lift.h"

/* One axis of a window, as a stage has it. */
typedef struct Sweep {
  int spatial; /* which axis of the kernel; -1: none, size 1 */
  int64_t taps, stride, dilation, before, after, steps;
  bool same;     /* pads follow from the size, as `same` says */
  int64_t extra; /* on a stream: steps of before that the result has as well */
} Sweep;

/* Where a window goes: x with the axes of the kernel apart and the channels last. */
typedef struct SweptField {
  Layout layout;
  int time;     /* which sweep goes along time; -1: none */
  int where[2]; /* the axes of the sweeps that do not */
} SweptField;

/* Number i of an attribute of the node. */
int64_t sweep_number(const GraphNode *node, GraphAttributeName name, int i, int64_t if_absent);
/* What the attributes of the node say of one axis, for a kernel of so many taps. */
Sweep sweep_along(Lift *l, const GraphNode *node, int axis, int64_t taps);
/* How many axes of x come after the samples and the channels. */
int sweep_axes(const Lift *l, const GraphNode *node);
/* The spatial axes along which the kernel does something; zeros that wait around time count. */
int sweep_live(Lift *l, const GraphNode *node, const GraphTensor *w, int out[GRAPH_MAX_RANK]);
/* Gives a stage its windows. size: what it calls them. usual: the stride that it has by itself, 0:
 * that of its size. */
void sweep_set(const Lift *l, Layer *layer, OptName size, int64_t usual, int n, const Sweep *sweep);
/* Where n sweeps go. False after reporting. */
bool field_find(Lift *l, const GraphNode *node, int n, const Sweep *sweep, SweptField *out);
/* The axes of a field are those that a stage takes when none is named. */
bool field_by_default(const SweptField *f, int n);
void field_name_axes(Lift *l, Layer *layer, const SweptField *f, int n, const AxisNames *names);
/* The result of a stage over the field: its axes are those of the node's result. */
void field_place(Lift *l, const GraphNode *node, const SweptField *f, int n, const Sweep *sweep,
                 Value *made);
/* The channels of the result are others than those that were read. */
void field_new_channels(Lift *l, const GraphNode *node, SweptField *f);

#endif
