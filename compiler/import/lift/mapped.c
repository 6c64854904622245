/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions that a file writes out for each step and joins. In, a flat graph with Concat(f(row 0 of
 * x), f(row 1 of x), ...); out, the same values, with f of all rows at once. The function may read
 * rows of several sequences, and values that are the same at every step. */
#include "import/lift/lift.h"
#include "import/lift/own.h"

enum { MOST_JOINS = 256 };

/* Whether a node joins two or more values that each have the size 1 along its axis. */
static bool is_join(const Own *own, const GraphNode *node) {
  if (node->op != GRAPH_Concat || node->n_in < 2) return false;
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  for (int k = 0; k < node->n_in; k++) {
    const GraphTensor *t = own_type(own, node->in[k]);
    if (graph_known(t) || t->rank >= GRAPH_MAX_RANK ||
        t->dim[axis < 0 ? axis + t->rank : axis] != 1)
      return false;
  }
  return true;
}

/* Whether the parts are a function of rows, in which no step depends on another one. */
static bool is_map(const Own *own) {
  bool rows = false;
  for (int i = 0; i < own->n; i++) {
    rows = rows || own->part[i].kind == PART_SEQUENCE;
    if (own->part[i].kind == PART_STATE) return false;
  }
  return rows;
}

/* The function of all rows, [T, ...], with T moved to the axis along which the Concat joins. */
static GraphValue *in_place(Own *own, const GraphNode *join, GraphValue *all) {
  const GraphTensor *step = own_type(own, join->in[0]);
  int rank = step->rank, axis = (int)graph_int(join, GRAPH_ATTR_axis, 0), n = 0;
  int64_t dim[GRAPH_MAX_RANK], perm[GRAPH_MAX_RANK];
  if (axis < 0) axis += rank;
  dim[n++] = join->n_in;
  for (int i = 0; i < rank; i++)
    if (i != axis) dim[n++] = step->dim[i];
  GraphValue *y = flat_reshaped(own->flat, join, all, n, dim);
  for (int i = 0; i < rank; i++)
    perm[i] = i < axis ? i + 1 : i == axis ? 0 : i;
  if (!y || axis == 0) return y;
  return flat_transposed(own->flat, join, y, rank, perm);
}

/* Replaces a Concat by the function of all rows. backward: its first operand reads the last rows.
 * False: its operands are no such functions. */
static bool is_mapped(Own *own, const GraphNode *join, bool backward) {
  int64_t steps = join->n_in;
  own_begin(own, steps, backward);
  int root = own_match(own, join->in[steps - 2], join->in[steps - 1]);
  if (root < 0 || !is_map(own)) return false;
  for (int64_t k = steps - 3; k >= 0; k--)
    if (!own_walk(own, root, join->in[k], k)) return false;
  GraphValue *all = own_start(own) ? own_all_steps(own, root) : NULL,
             *y = all ? in_place(own, join, all) : NULL;
  if (y) flat_replace(own->flat, join->out[0], y);
  return y != NULL;
}

bool lift_mapped_steps(Flat *flat) {
  Own own = {.flat = flat, .spots = {.flat = flat}};
  int n = flat->graph->n_nodes, tried = 0;
  bool changed = false;
  for (int i = 0; i < n && tried < MOST_JOINS; i++) {
    const GraphNode *node = flat->graph->node[i];
    if (!is_join(&own, node)) continue;
    tried++;
    int mark = flat->graph->n_nodes;
    bool mapped = flat_keep_if(flat, is_mapped(&own, node, false), mark) ||
                  flat_keep_if(flat, is_mapped(&own, node, true), mark);
    changed = changed || mapped;
  }
  if (changed) flat_sort(flat);
  return changed;
}
