/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building a flat graph: new nodes, constants, and their types. See flat.h. */
#include "import/lift/flatten.h"

void flat_set_type(Flat *flat, const GraphValue *value, const GraphTensor *type) {
  flat->type = arena_grow(flat->arena, flat->type, &flat->cap_types, (size_t)value->id + 1,
                          sizeof *flat->type);
  flat->type[value->id] = type;
}

GraphValue *flat_constant(Flat *flat, const char *name, const GraphTensor *tensor) {
  GraphValue *value = graph_constant(flat->graph, name, tensor);
  flat_set_type(flat, value, tensor);
  return value;
}

bool flat_compares(const GraphNode *node) {
  return node && (node->op == GRAPH_Greater || node->op == GRAPH_Less ||
                  node->op == GRAPH_GreaterEqual || node->op == GRAPH_LessEqual);
}

GraphValue *flat_number(Flat *flat, double x) {
  return flat_constant(flat, "", graph_scalar(flat->arena, GRAPH_FLOAT, x));
}

GraphNode *flat_node(Flat *flat, GraphOp op, const GraphNode *like, int n_in, GraphValue *const *in,
                     int n_out) {
  GraphNode *node = graph_node(flat->graph, op, like ? like->name : "", like ? like->source : "",
                               n_in, in, n_out);
  node->masked = like ? like->masked : NULL;
  node->is_cell = like && like->is_cell;
  return node;
}

GraphCall flat_call_of(Flat *flat, const GraphNode *node, bool *constant) {
  const GraphTensor **in =
      ARENA_ARRAY(flat->arena, const GraphTensor *, node->n_in ? node->n_in : 1);
  *constant = true;
  for (int i = 0; i < node->n_in; i++) {
    in[i] = node->in[i] ? flat_type_of(flat, node->in[i]) : NULL;
    if (in[i] && !graph_known(in[i])) *constant = false;
  }
  GraphTensor *out = ARENA_ARRAY(flat->arena, GraphTensor, node->n_out ? node->n_out : 1);
  return (GraphCall){.arena = flat->arena, .node = node, .in = in, .out = out};
}

bool flat_type(Flat *flat, GraphNode *node, const char **fault) {
  bool constant;
  GraphCall call = flat_call_of(flat, node, &constant);
  if (!graph_call_shape(&call)) {
    *fault = call.fault;
    return false;
  }
  for (int i = 0; i < node->n_out; i++)
    flat_set_type(flat, node->out[i], &call.out[i]);
  return true;
}
