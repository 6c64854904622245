/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the parts of flattening share: flatten.c has frames and the public function, flatten_call.c
 * operators, flatten_control.c bodies, flatten_list.c lists, flat.c the graph that is made. */
#ifndef GRUS_IMPORT_FLATTEN_H
#define GRUS_IMPORT_FLATTEN_H

#include "import/lift/flat.h"

enum { FLAT_MAX_NODES = 100000, FLAT_MAX_DEPTH = 32 };

/* A list during flattening: its elements, NULL where none was set. */
typedef struct FlatList {
  int n;
  GraphValue **element;
} FlatList;

/* What a value of the original graph is. */
typedef struct Meaning {
  GraphValue *value;
  FlatList *list;
} Meaning;

typedef struct FlattenFrame {
  const Graph *graph;
  Meaning *meaning; /* by value id */
  struct FlattenFrame *outer;
} FlattenFrame;

typedef struct Flattening {
  Flat *flat;
  GraphFault *fault;
  const GraphNode *node;   /* being flattened, for faults */
  GraphValue **variable;   /* what each variable holds now */
  bool *variable_is_input; /* it was read before it was written */
  int depth;
} Flattening;

/* Sets the fault, about the node being flattened; always false. */
bool flatten_fail(Flattening *f, const char *text);
void flatten_define(FlattenFrame *frame, const GraphValue *value, Meaning meaning);
/* The flat value of operand i; NULL: left out, or a list. */
GraphValue *flatten_operand(Flattening *f, FlattenFrame *frame, const GraphNode *node, int i);
FlatList *flatten_list_operand(Flattening *f, FlattenFrame *frame, const GraphNode *node, int i);
/* The number that a scalar is; false where it depends on data. */
bool flatten_number(const Flat *flat, const GraphValue *value, double *out);
/* Computes op(in...) on the way, with one attribute; NULL with the fault set. */
GraphValue *flatten_compute(Flattening *f, GraphOp op, int n_in, GraphValue **in,
                            GraphAttributeName name, int64_t number);
/* [n, ...] of n values of one shape; concat: joined along axis instead. */
GraphValue *flatten_stack(Flattening *f, int n, GraphValue **element, bool concat, int64_t axis);

/* What a value is, in this frame or one around it; NULL: nothing defines it. */
Meaning *flatten_meaning(Flattening *f, FlattenFrame *frame, const GraphValue *value);
FlattenFrame *frame_new(Flattening *f, const Graph *graph, FlattenFrame *outer);
/* A call of `node` with what is known of its operands; *constant: all their numbers are. */
GraphCall flat_call_of(Flat *flat, const GraphNode *node, bool *constant);

/* Nodes of a kind each; false with the fault set. */
bool flatten_graph(Flattening *f, FlattenFrame *frame);
bool flatten_call(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_if(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_loop(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_scan(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_while(Flattening *f, FlattenFrame *frame, const GraphNode *node);
bool flatten_list(Flattening *f, FlattenFrame *frame, const GraphNode *node);

#endif
