/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reshapes that make the steps of a sequence of the steps and the features of another one, as an
 * upsampling along time does. In, a flat graph with roles; out, marks on such Reshapes
 * (Flat.parted). The result of a marked Reshape gets new atoms, so that operators that go along its
 * steps see one axis of time, and not time and features, and so does a reader of an output of the
 * model. */
#include "import/lift/lift.h"
#include "import/lift/recurrent_form.h"

enum { STEPS_OF_OUTPUT = 1 }; /* the axis after the batch */

/* Whether an axis is time and features at once, both of several positions. */
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

/* The Reshape that merged time and features of a value, before nodes that keep the merged axis;
 * NULL: there is none. */
static const GraphNode *merging(Lift *l, const GraphValue *value) {
  while (value->node && value->node->n_in && value->node->in[0] && has_merged(l, value)) {
    const GraphNode *node = value->node;
    if (node->op == GRAPH_Reshape && !has_merged(l, node->in[0])) return node;
    value = node->in[0];
  }
  return NULL;
}

/* Marks the Reshape that merged axis `axis` of a value. True if there is one that was not marked.
 */
static bool part(Lift *l, const GraphValue *value, int axis) {
  const GraphNode *reshape = is_merged(l, value, axis) ? merging(l, value) : NULL;
  if (!reshape || flat_is_parted(l->flat, reshape)) return false;
  ARENA_PUSH(l->arena, l->flat->parted, l->flat->n_parted, l->flat->cap_parted, reshape);
  return true;
}

/* Whether an output is a sequence [batch, steps, features ..] whose steps are merged, those of the
 * other sequence outermost. */
static bool steps_begin_with_time(Lift *l, const GraphValue *out) {
  int atom[FACTORS_MAX];
  if (lift_type(l, out)->rank <= STEPS_OF_OUTPUT + 1 || !is_merged(l, out, STEPS_OF_OUTPUT))
    return false;
  int n = atoms_of_axis(l->atoms, out, STEPS_OF_OUTPUT, atom);
  return n > 0 && atom_family(l->atoms, atom[0]) == l->roles.time;
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
    if (recurrent) found = part(l, node->in[0], 0) || found;
    for (int axis = 2; windows && axis < lift_type(l, node->in[0])->rank; axis++)
      found = part(l, node->in[0], axis) || found;
  }
  for (int i = 0; i < l->flat->graph->n_out; i++) {
    const GraphValue *out = l->flat->graph->out[i].value;
    if (steps_begin_with_time(l, out)) found = part(l, out, STEPS_OF_OUTPUT) || found;
  }
  return found;
}
