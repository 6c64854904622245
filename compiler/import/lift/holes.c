/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Numbers that mark masked steps in the inputs. In, a flat graph as the file has it; out, for each
 * input the number that the graph compares it with. The check of an import puts this number into
 * its random inputs, which would never hold it otherwise. */
#include "import/lift/lift.h"

static bool is_comparison(const GraphNode *node) {
  return flat_compares(node) || node->op == GRAPH_Equal;
}

/* Whether the result of an operator shows where all of its operand is this number, or is 0 if the
 * number is 0. */
static bool keeps(GraphOp op) {
  return op == GRAPH_Cast || op == GRAPH_Abs || op == GRAPH_Square || op == GRAPH_ReduceMax ||
         op == GRAPH_ReduceMin || op == GRAPH_ReduceMean || op == GRAPH_ReduceSum ||
         op == GRAPH_ReduceL1 || op == GRAPH_ReduceL2;
}

/* The number of the input from which such operators alone compute a value; -1: there is none. */
static int source_of(const Flat *flat, const GraphValue *value) {
  while (value->node &&
         (keeps(value->node->op) || graph_op_moves(value->node->op) == GRAPH_MOVES_first))
    value = value->node->in[0];
  for (int i = 0; i < flat->n_file_in; i++)
    if (flat->graph->in[i].value == value) return i;
  return -1;
}

static void add(Lift *l, int input, double number) {
  Hole *hole = &l->hole[input];
  if (hole->is) return;
  *hole = (Hole){true, number};
  l->has_holes = true;
}

void lift_find_holes(Lift *l) {
  const Flat *flat = l->flat;
  l->hole = ARENA_ARRAY(l->arena, Hole, flat->n_file_in + 1);
  l->has_holes = false;
  for (int i = 0; i < flat->graph->n_nodes; i++) {
    const GraphNode *node = flat->graph->node[i];
    bool truth = node->op == GRAPH_Cast && lift_type(l, node->out[0])->elem == GRAPH_BOOL &&
                 lift_type(l, node->in[0])->elem != GRAPH_BOOL;
    if (truth && source_of(flat, node->in[0]) >= 0) add(l, source_of(flat, node->in[0]), 0);
    for (int k = 0; k < 2 && is_comparison(node); k++) {
      const GraphTensor *t = lift_type(l, node->in[1 - k]);
      int input = graph_known(t) && t->count == 1 ? source_of(flat, node->in[k]) : -1;
      if (input >= 0) add(l, input, graph_at(t, 0));
    }
  }
}
