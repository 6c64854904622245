/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What every rewriting of a flat graph ends with: types of the new node, and new for old. */
#include "import/lift/flat.h"

GraphValue *flat_typed(Flat *flat, GraphNode *node) {
  const char *fault;
  return flat_type(flat, node, &fault) ? node->out[0] : NULL;
}

void flat_replace(Flat *flat, const GraphValue *old, GraphValue *by) {
  Graph *graph = flat->graph;
  if (!by->range) by->range = old->range;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i]->n_in; k++)
      if (graph->node[i]->in[k] == old && graph->node[i] != by->node) graph->node[i]->in[k] = by;
  for (int i = 0; i < graph->n_out; i++)
    if (graph->out[i].value == old) graph->out[i].value = by;
}
