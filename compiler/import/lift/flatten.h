/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of flattening share. flatten.c has the frames and the public function,
 * flatten_call.c flattens operators, flatten_control.c bodies, and flatten_list.c lists. flat.c
 * builds the flat graph. */
#ifndef GRUS_IMPORT_FLATTEN_H
#define GRUS_IMPORT_FLATTEN_H

#include "import/lift/flat.h"

enum { FLAT_MAX_NODES = 100000, FLAT_MAX_DEPTH = 32 };

/* A list while it is flattened. An element that was never set is NULL. */
typedef struct FlatList {
  int n;
  GraphValue **element;
} FlatList;

/* What a value of the original graph is in the flat graph: a value, or a list of values. */
typedef struct Meaning {
  GraphValue *value;
  FlatList *list;
} Meaning;

/* The values of one graph while it is flattened: the outermost graph, or one call of a body. */
typedef struct FlattenFrame {
  const Graph *graph;
  Meaning *meaning; /* by value id */
  struct FlattenFrame *outer;
} FlattenFrame;

typedef struct Flattening {
  Flat *flat;
  GraphFault *fault;
  const GraphNode *node; /* the node that is flattened now, for faults */
  GraphValue **variable; /* what each variable holds now */
  int depth;             /* how many bodies stand around the node */
  int64_t made;          /* elements of constants beyond those that they were computed from */
} Flattening;

/* Sets the fault, about the node being flattened; always false. */
bool flatten_fail(Flattening *f, const char *text);
/* The same, because operands and attributes of the node do not fit each other. */
bool flatten_misfit(Flattening *f, const char *text);
void flatten_define(FlattenFrame *frame, const GraphValue *value, Meaning meaning);
/* The flat value of operand i; NULL: it is left out, or is a list. */
GraphValue *flatten_operand(Flattening *f, FlattenFrame *frame, const GraphNode *node, int i);
/* The list that operand i is; NULL: it is left out, or is a value. */
FlatList *flatten_list_operand(Flattening *f, FlattenFrame *frame, const GraphNode *node, int i);
/* *out gets the number of a value of one element. False: it depends on data. */
bool flatten_number(const Flat *flat, const GraphValue *value, double *out);
/* The result of op(in...) with one attribute, which nodes of the graph do not have; NULL with the
 * fault set. */
GraphValue *flatten_compute(Flattening *f, GraphOp op, int n_in, GraphValue **in,
                            GraphAttributeName name, int64_t number);
/* n values of one shape along a new axis; if `concat`, along the axis that they have. */
GraphValue *flatten_stack(Flattening *f, int n, GraphValue **element, bool concat, int64_t axis);

/* What a value of this frame, or of one around it, is in the flat graph; NULL: nothing defines it.
 */
Meaning *flatten_meaning(Flattening *f, FlattenFrame *frame, const GraphValue *value);
FlattenFrame *frame_new(Flattening *f, const Graph *graph, FlattenFrame *outer);
/* A call of `node` whose operands have the types of the flat graph. *constant gets whether all of
 * them are constants. */
GraphCall flat_call_of(Flat *flat, const GraphNode *node, bool *constant);

/* Flatten a graph, or a node of one kind. False with the fault set. */
bool flatten_graph(Flattening *f, FlattenFrame *frame);
bool flatten_call(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_if(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_loop(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_scan(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_while(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_list(Flattening *f, FlattenFrame *frame, const GraphNode *node);

#endif
