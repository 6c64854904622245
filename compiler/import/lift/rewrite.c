/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What every rewriting of a flat graph ends with: types of the new node, and new for old. */
#include "import/lift/flat.h"

#include <string.h>

GraphValue *flat_typed(Flat *flat, GraphNode *node) {
  const char *fault;
  return flat_type(flat, node, &fault) ? node->out[0] : NULL;
}

GraphNode *flat_like(Flat *flat, const GraphNode *like, int n_in, GraphValue *const *in) {
  GraphNode *node = flat_node(flat, like->op, like, n_in, in, like->n_out);
  node->attribute = ARENA_ARRAY(flat->arena, GraphAttribute, like->n_attributes + 1);
  if (like->n_attributes)
    memcpy(node->attribute, like->attribute, sizeof *like->attribute * (size_t)like->n_attributes);
  node->n_attributes = like->n_attributes;
  return node;
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
