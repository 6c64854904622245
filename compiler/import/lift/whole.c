/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Masked steps for the nodes that see them. In, a flat graph and what the masked steps of its
 * values hold; out, a flat graph in which each sequence has either the real steps or all steps,
 * with a Hold or a Cut where a node reads one as the other:
 *
 *   a layer with a mask, then Conv1D     a Hold between them: the Conv1D has all steps
 *   Conv1D, then a layer with a mask     a Cut between them
 *
 * A Hold can give masked steps one number, or the last real step. If they hold something else, the
 * node that makes the value gets all steps as well. */
#include "import/lift/masks.h"

typedef struct Whole {
  Masks *m;
  bool *all;              /* by value id: it has all steps */
  bool *reads_all;        /* by number of a node: it reads all steps */
  GraphValue **other;     /* by value id: its Hold or its Cut, once it is made */
  const GraphValue *like; /* an input of real steps, from which a Cut takes the length */
  int like_axis;          /* its axis of steps */
  int *held_axis;         /* by input: see Flat */
  bool changed, added;
} Whole;

/* The axis that is time and nothing else; -1: none. */
static int plain_axis(const Lift *l, const GraphValue *value) {
  Factors f = atoms_of(l->atoms, value);
  int found = -1;
  for (int i = 0; i < f.n; i++) {
    if (!masks_is_time(l, f.atom[i])) continue;
    if (found >= 0) return -1;
    found = f.dim[i];
  }
  for (int i = 0; i < f.n; i++)
    if (f.dim[i] == found && !masks_is_time(l, f.atom[i]) && atom_size(l->atoms, f.atom[i]) != 1)
      return -1;
  return found;
}

/* Whether a value is a sequence of the graph as it was. */
static bool is_steps(const Whole *w, const GraphValue *value) {
  const Lift *l = w->m->l;
  return value && value->id < w->m->n_values && !lift_is_constant(l, value) &&
         masks_has_time(l, value);
}

/* If a value is an input, it has all steps from now on. */
static bool need_input(Whole *w, const GraphValue *value) {
  const Lift *l = w->m->l;
  int axis = plain_axis(l, value);
  for (int i = 0; i < l->flat->n_file_in && axis >= 0; i++) {
    if (l->flat->graph->in[i].value != value) continue;
    w->held_axis[i] = axis + 1;
    w->all[value->id] = w->changed = w->added = true;
    return true;
  }
  return false;
}

/* Sees to it that a value has all steps, or that a Hold can give it these. False: neither is
 * possible. */
static bool need_all(Whole *w, const GraphValue *value) {
  const Masks *m = w->m;
  if (w->all[value->id]) return true;
  if (m->tail[value->id] != TAIL_ANY && plain_axis(m->l, value) >= 0) return true;
  const GraphNode *node = value->node;
  if (!node) return need_input(w, value);
  if (m->heeds[node->out[0]->id] || m->unmasked[node->out[0]->id]) return false;
  for (int k = 0; k < node->n_out; k++)
    w->all[node->out[k]->id] = true;
  w->changed = true;
  return true;
}

/* Whether an operand or a result of a node has all steps. */
static bool has_all(const Whole *w, const GraphNode *node) {
  for (int k = 0; k < node->n_out; k++)
    if (w->all[node->out[k]->id]) return true;
  for (int k = 0; k < node->n_in; k++)
    if (node->in[k] && w->all[node->in[k]->id]) return true;
  return false;
}

/* If a node sees masked steps, or an operand or a result has all steps, it reads and makes all
 * steps. False after reporting. */
static bool visit(Whole *w, int number) {
  const Masks *m = w->m;
  const GraphNode *node = m->l->flat->graph->node[number];
  if (!node->n_out || !masks_is_live(node, m->needed) || !masks_sees_time(m->l, node) ||
      m->heeds[node->out[0]->id] || m->unmasked[node->out[0]->id])
    return true;
  if (!w->reads_all[number] && !has_all(w, node) && masks_is_safe(m, node)) return true;
  w->reads_all[number] = true;
  for (int k = 0; k < node->n_in; k++)
    if (is_steps(w, node->in[k]) && !need_all(w, node->in[k])) return masks_refuse(m, node);
  for (int k = 0; k < node->n_out; k++) {
    bool steps = is_steps(w, node->out[k]);
    w->changed = w->changed || (steps && !w->all[node->out[k]->id]);
    w->all[node->out[k]->id] = steps;
  }
  return true;
}

static bool find_all(Whole *w) {
  int n = w->m->l->flat->graph->n_nodes;
  do {
    w->changed = false;
    for (int i = n; i-- > 0;)
      if (!visit(w, i)) return false;
    for (int i = 0; i < n; i++)
      if (!visit(w, i)) return false;
  } while (w->changed);
  return true;
}

/* ---- Hold and Cut ---- */

/* The result of a new Hold or Cut along an axis. fill: the number of a Hold, or NULL. */
static GraphValue *new_node(Whole *w, GraphOp op, const GraphNode *like, int n_in, GraphValue **in,
                            int axis, const double *fill) {
  Flat *flat = w->m->l->flat;
  GraphNode *node = flat_node(flat, op, like, n_in, in, 1);
  if (op == GRAPH_Cut)
    graph_set_ints(flat->graph, node, GRAPH_ATTR_axes, 2, (int64_t[]){axis, w->like_axis});
  else
    graph_set_int(flat->graph, node, GRAPH_ATTR_axis, axis);
  if (fill) graph_set_number(flat->graph, node, GRAPH_ATTR_value, *fill);
  w->added = true;
  return flat_typed(flat, node);
}

/* A value with its real steps only, for a node that reads it. */
static GraphValue *real_steps(Whole *w, const GraphNode *reader, GraphValue *value) {
  while (w->m->unmasked[value->id])
    value = w->m->unmasked[value->id];
  if (!w->all[value->id]) return value;
  GraphValue **cut = &w->other[value->id];
  if (!*cut)
    *cut = new_node(w, GRAPH_Cut, value->node ? value->node : reader, 2,
                    (GraphValue *[]){value, (GraphValue *)(uintptr_t)w->like},
                    plain_axis(w->m->l, value), NULL);
  return *cut;
}

/* A value with all steps, for a node that reads it. */
static GraphValue *all_steps(Whole *w, const GraphNode *reader, GraphValue *value) {
  const Masks *m = w->m;
  if (w->all[value->id]) return value;
  GraphValue **held = &w->other[value->id];
  if (!*held) {
    GraphValue *real = real_steps(w, reader, value);
    *held = new_node(w, GRAPH_Hold, value->node ? value->node : reader, 1, &real,
                     plain_axis(m->l, value),
                     m->tail[value->id] == TAIL_FILL ? &m->fill[value->id] : NULL);
  }
  return *held;
}

/* Sets `like` to the first input that has the real steps only. */
static void find_like(Whole *w) {
  const Lift *l = w->m->l;
  for (int i = 0; i < l->flat->n_file_in && !w->like; i++) {
    int axis = plain_axis(l, l->flat->graph->in[i].value);
    if (axis < 0 || w->held_axis[i]) continue;
    w->like = l->flat->graph->in[i].value;
    w->like_axis = axis;
  }
}

/* Gives every node its operands with the steps that it reads. False after reporting. */
static bool connect(Whole *w) {
  Graph *graph = w->m->l->flat->graph;
  for (int i = 0, n = graph->n_nodes; i < n; i++) {
    GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in && masks_is_live(node, w->m->needed); k++) {
      if (!is_steps(w, node->in[k])) continue;
      bool cut = !w->reads_all[i] && w->all[node->in[k]->id];
      if (cut && (!w->like || plain_axis(w->m->l, node->in[k]) < 0))
        return masks_refuse(w->m, node);
      node->in[k] =
          w->reads_all[i] ? all_steps(w, node, node->in[k]) : real_steps(w, node, node->in[k]);
      if (!node->in[k]) return masks_refuse(w->m, node);
    }
  }
  for (int i = 0; i < graph->n_out; i++) {
    GraphValue *value = graph->out[i].value;
    if (is_steps(w, value) && !w->all[value->id])
      graph->out[i].value = real_steps(w, value->node, value);
  }
  return true;
}

bool masks_give_steps(Masks *m, bool *added) {
  Arena *arena = m->l->arena;
  Graph *graph = m->l->flat->graph;
  Whole w = {.m = m,
             .all = ARENA_ARRAY(arena, bool, m->n_values + 1),
             .reads_all = ARENA_ARRAY(arena, bool, graph->n_nodes + 1),
             .other = ARENA_ARRAY(arena, GraphValue *, m->n_values + 1),
             .held_axis = ARENA_ARRAY(arena, int, m->l->flat->n_file_in + 1)};
  if (!find_all(&w)) return false;
  find_like(&w);
  if (!connect(&w)) return false;
  *added = w.added;
  if (w.added) m->l->flat->held_axis = w.held_axis;
  if (w.added) flat_sort(m->l->flat);
  return true;
}
