/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sequences whose steps a Reshape makes of the steps and the features of another one, as an
 * upsampling along time does: what goes along them sees one axis of steps, not two. Such a Reshape
 * is marked, so that its result has axes of its own. */
#include "import/lift/lift.h"
#include "import/lift/recurrent_form.h"

/* The axis is time and something else, both of several positions. */
static bool is_merged(Lift *l, const GraphValue *value, int axis) {
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, axis, atom), time = 0, others = 0;
  for (int i = 0; i < n; i++) {
    int family = atom_family(l->atoms, atom[i]);
    if (atom_size(l->atoms, atom[i]) == 1 || family == l->roles.batch) continue;
    if (family == l->roles.time)
      time++;
    else
      others++;
  }
  return time && others;
}

static bool has_merged(Lift *l, const GraphValue *value) {
  for (int axis = 0; axis < lift_type(l, value)->rank; axis++)
    if (is_merged(l, value, axis)) return true;
  return false;
}

/* The Reshape that merged the axes of a value, behind what keeps them so; NULL: none did. */
static const GraphNode *merging(Lift *l, const GraphValue *value) {
  while (value->node && value->node->n_in && value->node->in[0] && has_merged(l, value)) {
    const GraphNode *node = value->node;
    if (node->op == GRAPH_Reshape && !has_merged(l, node->in[0])) return node;
    value = node->in[0];
  }
  return NULL;
}

/* A node goes along axis `axis` of its operand. */
static bool part(Lift *l, const GraphNode *node, int axis) {
  const GraphNode *reshape = is_merged(l, node->in[0], axis) ? merging(l, node->in[0]) : NULL;
  if (!reshape || flat_is_parted(l->flat, reshape)) return false;
  ARENA_PUSH(l->arena, l->flat->parted, l->flat->n_parted, l->flat->cap_parted, reshape);
  return true;
}

bool lift_part_merged(Lift *l) {
  bool found = false;
  if (l->roles.way != TIME_WAY_AXIS || l->roles.time_is_open || l->options->stream) return false;
  for (int i = 0; i < l->flat->graph->n_nodes; i++) {
    const GraphNode *node = l->flat->graph->node[i];
    GraphOp op = node->op;
    bool recurrent = recurrent_form(op) != NULL;
    bool windows =
        op == GRAPH_Conv || op == GRAPH_ConvTranspose || op == GRAPH_MaxPool || op == GRAPH_AvgPool;
    if (recurrent) found = part(l, node, 0) || found;
    for (int axis = 2; windows && axis < lift_type(l, node->in[0])->rank; axis++)
      found = part(l, node, axis) || found;
  }
  return found;
}
