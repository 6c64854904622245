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
  const Graph *graph; /* the outermost graph */
  GraphState *state;
  GraphFault *fault;
  int64_t steps, work, room; /* what is left */
} Run;

typedef struct Release Release;

/* The values of one graph while it is evaluated. */
typedef struct RunFrame {
  const Graph *graph;
  const GraphTensor **value; /* by id; NULL for one that is not computed yet */
  Arena *arena;              /* where results go */
  const struct RunFrame *outer;
  Release *release; /* when numbers are freed; NULL if that is when the arena is */
  int depth;
} RunFrame;

/* Notes why an evaluation ends, if nothing was noted yet; always false. */
bool run_fault(Run *run, const GraphNode *node, const char *text);
/* The same where the reason is a limit. */
bool run_limited(Run *run, const GraphNode *node, const char *text);
/* *out gets operand k of a node, or NULL if it is left out; false after run_fault. */
bool run_operand(Run *run, const RunFrame *frame, const GraphNode *node, int k,
                 const GraphTensor **out);
void run_result(const RunFrame *frame, const GraphNode *node, int k, const GraphTensor *tensor);
GraphTensor *run_copy(Run *run, Arena *arena, const GraphTensor *t);
/* Computes a graph, as the body of a node or, with NULL, as the outermost one. Its values go into
 * `arena`. */
bool run_graph(Run *run, const Graph *graph, const RunFrame *outer, Arena *arena,
               const GraphNode *node, int n_in, const GraphTensor *const *in, int n_out,
               const GraphTensor **out);

/* ---- eval_release.c ---- */
/* Finds the last reader of each value. */
Release *release_plan(Arena *arena, const Graph *graph);
/* The arena for results of this many elements. */
Arena *release_arena(const RunFrame *frame, int64_t elements);
/* Notes that a call made its results, which take this many elements of room. */
void release_made(const RunFrame *frame, const GraphCall *call, int64_t room);
/* Notes that the node at this place has read its operands, and frees what no node reads any more.
 */
void release_read(Run *run, RunFrame *frame, int place);

bool run_if(Run *run, RunFrame *frame, const GraphNode *node);
bool run_loop(Run *run, RunFrame *frame, const GraphNode *node);
bool run_scan(Run *run, RunFrame *frame, const GraphNode *node);
bool run_while(Run *run, RunFrame *frame, const GraphNode *node);
bool run_var_read(Run *run, RunFrame *frame, const GraphNode *node);
bool run_var_assign(Run *run, RunFrame *frame, const GraphNode *node);

#endif
