/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sorting a flat graph. In, its nodes in any order; out, the nodes that its outputs need, each
 * after those that it reads. A graph may be as deep as it has nodes, so nothing here is recursive.
 */
#include "import/lift/flat.h"

/* A node whose operands are being visited. Those before number `next` are done. */
typedef struct Visit {
  GraphNode *node;
  int next;
} Visit;

/* Appends a node to `out`, after all nodes that it needs. done: by id of a first result. */
static void visit(GraphNode *node, bool *done, Visit *stack, GraphNode **out, int *n) {
  int depth = 0;
  if (done[node->out[0]->id]) return;
  done[node->out[0]->id] = true;
  stack[depth++] = (Visit){.node = node};
  while (depth) {
    Visit *top = &stack[depth - 1];
    if (top->next == top->node->n_in) {
      out[(*n)++] = top->node;
      depth--;
      continue;
    }
    GraphValue *value = top->node->in[top->next++];
    GraphNode *made = value ? value->node : NULL;
    if (!made || done[made->out[0]->id]) continue;
    done[made->out[0]->id] = true;
    stack[depth++] = (Visit){.node = made};
  }
}

void flat_sort(Flat *flat) {
  Graph *graph = flat->graph;
  bool *done = ARENA_ARRAY(flat->arena, bool, graph->n_values + 1);
  GraphNode **order = ARENA_ARRAY(flat->arena, GraphNode *, graph->n_nodes + 1);
  Visit *stack = ARENA_ARRAY(flat->arena, Visit, graph->n_nodes + 1);
  int n = 0;
  for (int i = 0; i < graph->n_nodes; i++) { /* a node keeps its place if that is possible */
    GraphNode *node = graph->node[i];
    if (node->n_out) visit(node, done, stack, order, &n);
  }
  bool *used = ARENA_ARRAY(flat->arena, bool, graph->n_values + 1);
  for (int i = 0; i < graph->n_out; i++)
    used[graph->out[i].value->id] = true;
  for (int i = n; i-- > 0;) {
    bool any = false;
    for (int k = 0; k < order[i]->n_out; k++)
      any = any || used[order[i]->out[k]->id];
    for (int k = 0; any && k < order[i]->n_in; k++)
      if (order[i]->in[k]) used[order[i]->in[k]->id] = true;
    if (!any) order[i] = NULL;
  }
  graph->n_nodes = 0;
  for (int i = 0; i < n; i++)
    if (order[i]) graph->node[graph->n_nodes++] = order[i];
}

bool flat_keep_if(Flat *flat, bool done, int mark) {
  if (!done) flat->graph->n_nodes = mark;
  return done;
}

bool flat_each(Flat *flat, FlatChange *change) {
  int n = flat->graph->n_nodes;
  bool changed = false;
  for (int i = 0; i < n; i++) {
    int mark = flat->graph->n_nodes;
    changed = flat_keep_if(flat, change(flat, flat->graph->node[i]), mark) || changed;
  }
  if (changed) flat_sort(flat);
  return changed;
}
