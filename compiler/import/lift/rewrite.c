/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Helpers of the passes over a flat graph: new nodes with their types, and one value in place of
 * another. flat.h says what each function returns. */
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

GraphValue *flat_of_two(Flat *flat, GraphOp op, const GraphNode *like, GraphValue *a,
                        GraphValue *b) {
  return a && b ? flat_typed(flat, flat_node(flat, op, like, 2, (GraphValue *[]){a, b}, 1)) : NULL;
}

GraphValue *flat_ints(Flat *flat, int n, const int64_t *values) {
  const GraphTensor *t = graph_ints(flat->arena, n, values);
  return flat_constant(flat, "", t);
}

GraphValue *flat_reshaped(Flat *flat, const GraphNode *like, GraphValue *x, int rank,
                          const int64_t *dim) {
  return flat_of_two(flat, GRAPH_Reshape, like, x, flat_ints(flat, rank, dim));
}

GraphValue *flat_transposed(Flat *flat, const GraphNode *like, GraphValue *x, int rank,
                            const int64_t *perm) {
  GraphNode *node = flat_node(flat, GRAPH_Transpose, like, 1, &x, 1);
  graph_set_ints(flat->graph, node, GRAPH_ATTR_perm, rank, perm);
  return flat_typed(flat, node);
}

GraphValue *flat_reversed(Flat *flat, const GraphNode *like, GraphValue *x, int64_t axis) {
  GraphNode *node = flat_node(flat, GRAPH_Reverse, like, 1, &x, 1);
  graph_set_int(flat->graph, node, GRAPH_ATTR_axes, axis);
  return flat_typed(flat, node);
}

GraphValue *flat_joined(Flat *flat, const GraphNode *like, int64_t axis, int n,
                        GraphValue *const *part) {
  for (int i = 0; i < n; i++)
    if (!part[i]) return NULL;
  if (n == 1) return part[0];
  GraphNode *node = flat_node(flat, GRAPH_Concat, like, n, part, 1);
  graph_set_int(flat->graph, node, GRAPH_ATTR_axis, axis);
  GraphValue *simpler = flat_simplified(flat, node);
  return simpler ? simpler : flat_typed(flat, node);
}

GraphValue *flat_rows(Flat *flat, const GraphNode *like, GraphValue *x, int64_t axis, int64_t from,
                      int64_t to, int64_t step) {
  GraphValue *in[5] = {x, flat_ints(flat, 1, &from), flat_ints(flat, 1, &to),
                       flat_ints(flat, 1, &axis), flat_ints(flat, 1, &step)};
  GraphNode *cut = flat_node(flat, GRAPH_Slice, like, step == 1 ? 4 : 5, in, 1);
  GraphValue *simpler = flat_simplified(flat, cut);
  return simpler ? simpler : flat_typed(flat, cut);
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
