/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What eval_graph.c (the walk over the nodes) and eval_control.c (loops, branches, variables)
 * share. */
#ifndef GRUS_IMPORT_GRAPH_RUN_H
#define GRUS_IMPORT_GRAPH_RUN_H

#include "import/graph/call.h"

enum { MAX_DEPTH = 32 };

/* One evaluation. */
typedef struct Run {
  Arena *arena;
  const Graph *graph; /* the outermost */
  GraphState *state;
  GraphFault *fault;
  int64_t steps, work, room; /* what is left */
} Run;

typedef struct Release Release;

/* The values of one graph while it is evaluated. */
typedef struct RunFrame {
  const Graph *graph;
  const GraphTensor **value; /* by id; NULL: not yet computed */
  Arena *arena;              /* where results go */
  const struct RunFrame *outer;
  Release *release; /* when numbers go; NULL: with the arena */
  int depth;
} RunFrame;

/* Keeps the first fault; always false. */
bool run_fault(Run *run, const GraphNode *node, const char *text);
/* The same: it would take more than the limits allow. */
bool run_limited(Run *run, const GraphNode *node, const char *text);
/* Operand k of a node; NULL where it is left out. */
bool run_operand(Run *run, const RunFrame *frame, const GraphNode *node, int k,
                 const GraphTensor **out);
void run_result(const RunFrame *frame, const GraphNode *node, int k, const GraphTensor *tensor);
GraphTensor *run_copy(Run *run, Arena *arena, const GraphTensor *t);
/* A graph as the body of node, its intermediate values in `arena`. */
bool run_graph(Run *run, const Graph *graph, const RunFrame *outer, Arena *arena,
               const GraphNode *node, int n_in, const GraphTensor *const *in, int n_out,
               const GraphTensor **out);

/* ---- eval_release.c ---- */
Release *release_plan(Arena *arena, const Graph *graph);
/* Where the results of a call go that are so many elements. */
Arena *release_arena(const RunFrame *frame, int64_t elements);
/* The call at hand made its results, which take so many elements of room. */
void release_made(const RunFrame *frame, const GraphCall *call, int64_t room);
/* The node at this place has read its operands. */
void release_read(Run *run, RunFrame *frame, int place);

bool run_if(Run *run, RunFrame *frame, const GraphNode *node);
bool run_loop(Run *run, RunFrame *frame, const GraphNode *node);
bool run_scan(Run *run, RunFrame *frame, const GraphNode *node);
bool run_while(Run *run, RunFrame *frame, const GraphNode *node);
bool run_var_read(Run *run, RunFrame *frame, const GraphNode *node);
bool run_var_assign(Run *run, RunFrame *frame, const GraphNode *node);

#endif
