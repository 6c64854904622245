/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A cell for all steps at once. In, its parts (own.h); out, nodes whose values have an axis of T
 * steps in front of the axes of one step. A part that is another part at the step before becomes a
 * State. Nodes outside of the cell read its values through one Keep. */
#include "import/lift/lift.h"
#include "import/lift/own.h"

/* ---- parts ---- */

/* The sequence of a part as [T, ...], with row k for step k of the cell. */
static GraphValue *sequence_across(Own *own, const Part *part) {
  const GraphNode *like = part->value->node;
  const GraphTensor *t = own_type(own, part->spot.sequence);
  GraphValue *x = part->spot.sequence;
  int64_t perm[GRAPH_MAX_RANK] = {part->spot.axis}, dim[GRAPH_MAX_RANK + 1];
  for (int i = 0, n = 1; i < t->rank; i++)
    if (i != part->spot.axis) perm[n++] = i;
  if (part->spot.axis) x = flat_transposed(own->flat, like, x, t->rank, perm);
  if (x && own->backward) x = flat_reversed(own->flat, like, x, 0);
  const GraphTensor *step = own_type(own, part->value);
  if (!x || step->rank >= GRAPH_MAX_RANK) return NULL;
  int n = own_dims_across(own, step, step->rank, dim);
  return own_reshaped(own, like, x, n, dim);
}

static bool make_across(Own *own, int which, int depth);

/* A value with the steps of the cell, which a State needs as its first operand: a sequence of real
 * numbers or, if the cell reads only indices, numbers that it computes from each of them. */
static GraphValue *steps_of(Own *own, int depth) {
  static const PartKind kinds[] = {PART_SEQUENCE, PART_NODE};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (int i = 0; i < own->n; i++) {
      Part *part = &own->part[i];
      if (part->kind != kinds[k] || part->stateful ||
          own_type(own, part->value)->elem != GRAPH_FLOAT)
        continue;
      if (part->kind == PART_SEQUENCE && !part->across) part->across = sequence_across(own, part);
      if (part->kind == PART_SEQUENCE) return part->across;
      if (make_across(own, i, depth) && part->timed) return part->across;
    }
  return NULL;
}

/* Makes the operator of a part at all steps, after its operands. Its other results that are parts
 * get their values too. */
static bool make_node(Own *own, int which, int depth) {
  const GraphNode *node = own->part[which].value->node;
  bool any = false;
  for (int k = 0; k < node->n_in; k++) {
    if (!node->in[k]) continue;
    if (!make_across(own, own->part_of[node->in[k]->id] - 1, depth + 1)) return false;
    any = any || own_is_timed(own, node, k);
  }
  GraphNode *made = any ? own_node_across(own, node) : NULL;
  if (any && (!made || !flat_typed(own->flat, made))) return false;
  for (int k = 0; k < node->n_out; k++) {
    int at = own->part_of[node->out[k]->id] - 1;
    if (at < 0) continue;
    own->part[at].across = any ? made->out[k] : node->out[k];
    own->part[at].timed = any;
    if (any) made->out[k]->name = node->out[k]->name;
  }
  return true;
}

/* Sets `across` and `timed` of a part, after those of the parts that it depends on. False: an
 * operator cannot compute all steps at once. */
static bool make_across(Own *own, int which, int depth) {
  enum { DEEPEST = 1000 };
  Part *part = &own->part[which];
  if (depth > DEEPEST) return false;
  if (part->across && (part->kind != PART_SEQUENCE || part->timed)) return true;
  part->timed = part->kind != PART_FIXED;
  switch (part->kind) {
  case PART_FIXED: part->across = part->value; break;
  case PART_SEQUENCE:
    if (!part->across) part->across = sequence_across(own, part);
    break;
  case PART_STATE: {
    const GraphNode *like = own->part[part->of].value->node;
    GraphValue *in[2] = {steps_of(own, depth + 1), part->at[0]};
    GraphNode *state = in[0] ? flat_node(own->flat, GRAPH_State, like, 2, in, 1) : NULL;
    if (state) own_name(own, state);
    part->across = state ? flat_typed(own->flat, state) : NULL;
    if (part->across) part->across->name = "h";
    break;
  }
  case PART_NODE: return make_node(own, which, depth);
  }
  return part->across != NULL;
}

GraphValue *own_all_steps(Own *own, int which) {
  return make_across(own, which, 0) && own->part[which].timed ? own->part[which].across : NULL;
}

/* ---- what others read ---- */

/* inside[id]: the node that makes this value is an operator of the cell at some step. */
static bool *nodes_inside(const Own *own) {
  bool *inside = ARENA_ARRAY(own->flat->arena, bool, own->flat->graph->n_values + 1);
  for (int i = 0; i < own->n; i++)
    for (int64_t k = 0; k < own->steps; k++) {
      const GraphValue *value = own->part[i].at[k];
      if (own->part[i].kind == PART_NODE && value && value->node)
        inside[value->node->out[0]->id] = true;
    }
  return inside;
}

/* read[id]: a node outside of the cell or an output of the graph reads this value. */
static bool *read_outside(const Own *own, const bool *inside, int n_nodes) {
  const Graph *graph = own->flat->graph;
  bool *read = ARENA_ARRAY(own->flat->arena, bool, graph->n_values + 1);
  for (int i = 0; i < n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (inside[node->out[0]->id]) continue;
    for (int k = 0; k < node->n_in; k++)
      if (node->in[k]) read[node->in[k]->id] = true;
  }
  for (int i = 0; i < graph->n_out; i++)
    read[graph->out[i].value->id] = true;
  return read;
}

static bool is_read(const Own *own, const Part *part, const bool *read) {
  for (int64_t k = 0; k < own->steps && part->kind == PART_NODE && part->stateful; k++)
    if (part->at[k] && read[part->at[k]->id]) return true;
  return false;
}

/* Row k of y, which has the shape of one step. */
static GraphValue *row_of(Own *own, GraphValue *y, int64_t k, const GraphNode *like) {
  GraphTensor *place = graph_scalar(own->flat->arena, GRAPH_I64, (double)k);
  GraphValue *in[2] = {y, flat_constant(own->flat, "", place)};
  GraphNode *gather = flat_node(own->flat, GRAPH_Gather, like, 2, in, 1);
  graph_set_int(own->flat->graph, gather, GRAPH_ATTR_axis, 0);
  return flat_typed(own->flat, gather);
}

/* Nodes outside of the cell that read the part at some step read that row of y. */
static bool replace_rows(Own *own, const Part *part, GraphValue *y, const bool *read) {
  for (int64_t k = 0; k < own->steps; k++) {
    GraphValue *value = part->at[k];
    if (!value || !read[value->id] || graph_known(own_type(own, value))) continue;
    GraphValue *row = row_of(own, y, k, part->value->node);
    if (!row) return false;
    flat_replace(own->flat, value, row);
  }
  return true;
}

/* One Keep of all states and of the other parts that are read outside, so that a reader of any of
 * them needs all states. result[i] gets the number of the result for part i; -1: it has none. */
static GraphNode *make_keep(Own *own, const bool *read, int *result) {
  GraphValue **in = ARENA_ARRAY(own->flat->arena, GraphValue *, 3 * own->n + 1);
  const GraphNode *like = NULL;
  int states = 0, n = 0;
  for (int i = 0; i < own->n; i++)
    result[i] = -1;
  for (int i = 0; i < own->n; i++) {
    const Part *part = &own->part[i];
    if (part->kind != PART_STATE) continue;
    in[n++] = own->part[part->of].across;
    in[n++] = part->across;
    like = own->part[part->of].value->node;
    result[part->of] = states++;
  }
  for (int i = 0; i < own->n; i++) {
    if (result[i] >= 0 || !is_read(own, &own->part[i], read)) continue;
    result[i] = n - states;
    in[n++] = own->part[i].across;
  }
  GraphNode *keep = flat_node(own->flat, GRAPH_Keep, like, n, in, n - states);
  graph_set_int(own->flat->graph, keep, GRAPH_ATTR_states, states);
  own_name(own, keep);
  return flat_typed(own->flat, keep) ? keep : NULL;
}

bool own_across(Own *own) {
  Graph *graph = own->flat->graph;
  int n_nodes = graph->n_nodes, *result = ARENA_ARRAY(own->flat->arena, int, own->n + 1);
  for (int i = 0; i < own->n; i++)
    if (!make_across(own, i, 0) || (own->part[i].kind == PART_STATE && !own->part[i].timed))
      return false;
  for (int i = 0; i < own->n; i++) /* a state that depends on no step of a sequence is no cell */
    if (own->part[i].kind == PART_STATE && !own->part[own->part[i].of].timed) return false;
  const bool *inside = nodes_inside(own), *read = read_outside(own, inside, n_nodes);
  GraphNode *keep = make_keep(own, read, result);
  if (!keep) return false;
  for (int i = 0; i < own->n; i++)
    if (result[i] >= 0 && !replace_rows(own, &own->part[i], keep->out[result[i]], read))
      return false;
  for (int k = 0; k < n_nodes; k++)
    if (graph->node[k]->op == GRAPH_Concat) chain_unstack(&own->spots, graph->node[k]);
  return true;
}
