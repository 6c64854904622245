/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How products, attention, windows and recurrent operators relate axes: see relate.h. */
#include "import/lift/relate.h"

#include <string.h>

void relate_matmul(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0], *y = node->in[1];
  int rx = atoms_rank(a, x), ry = atoms_rank(a, y), rank = atoms_rank(a, node->out[0]);
  bool cx = atoms_constant(a, x), cy = atoms_constant(a, y);
  int kx = rx - 1, ky = ry > 1 ? ry - 2 : 0;
  if (!cx) atoms_mark_axis(a, x, kx, FACT_CONTRACTED | FACT_MIXED);
  if (!cy) atoms_mark_axis(a, y, ky, FACT_CONTRACTED | FACT_MIXED);
  if (!cx && !cy) atoms_join_axes(a, x, kx, y, ky);
  int rows = rx > 1, columns = ry > 1;
  for (int axis = 0; axis < rank; axis++) {
    bool is_row = rows && axis == rank - 1 - columns, is_column = columns && axis == rank - 1;
    if (is_row || is_column) {
      const GraphValue *v = is_row ? x : y;
      if (!atoms_constant(a, v))
        atoms_keep_axis(a, v, is_row ? rx - 2 : ry - 1, out, axis);
      else
        factors_add(out, atom_new(a, atoms_dim(a, node->out[0], axis), FACT_MADE | FACT_MIXED),
                    axis);
      continue;
    }
    int lead = rank - rows - columns, ox = axis - lead + (rx - 2), oy = axis - lead + (ry - 2);
    const GraphValue *from = NULL;
    int own = 0;
    if (!cx && ox >= 0 && atoms_dim(a, x, ox) == atoms_dim(a, node->out[0], axis)) {
      from = x;
      own = ox;
    }
    if (!cy && oy >= 0 && atoms_dim(a, y, oy) == atoms_dim(a, node->out[0], axis)) {
      if (from)
        atoms_join_axes(a, from, own, y, oy);
      else {
        from = y;
        own = oy;
      }
    }
    /* Weights that differ along a leading axis mix it. */
    bool apart =
        (cx && ox >= 0 && atoms_dim(a, x, ox) > 1) || (cy && oy >= 0 && atoms_dim(a, y, oy) > 1);
    if (from && apart) atoms_mark_axis(a, from, own, FACT_MIXED);
    if (from)
      atoms_keep_axis(a, from, own, out, axis);
    else
      factors_add(out, atom_new(a, atoms_dim(a, node->out[0], axis), FACT_MADE | FACT_MIXED), axis);
  }
}

/* q [.., t, d], k [.., s, d], v [.., s, e]: every position of q reads all positions of k and v. */
void relate_attention(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *q = node->in[0], *k = node->in[1], *v = node->in[2];
  int rank = atoms_rank(a, q);
  for (int axis = 0; axis < rank - 2; axis++) {
    atoms_join_axes(a, q, axis, k, axis);
    atoms_join_axes(a, q, axis, v, axis);
    atoms_keep_axis(a, q, axis, out, axis);
  }
  atoms_join_axes(a, k, rank - 2, v, rank - 2);
  atoms_join_axes(a, q, rank - 1, k, rank - 1);
  atoms_mark_axis(a, q, rank - 1, FACT_CONTRACTED | FACT_MIXED);
  atoms_mark_axis(a, k, rank - 2, FACT_CONVOLVED | FACT_MIXED);
  atoms_mark_axis(a, q, rank - 2, FACT_MIXED);
  atoms_mark_axis(a, v, rank - 1, FACT_MIXED);
  atoms_keep_axis(a, q, rank - 2, out, rank - 2);
  atoms_keep_axis(a, v, rank - 1, out, rank - 1);
}

/* x [N, C, ...]: windows go along the axes after the channels. */
void relate_windows(Atoms *a, const GraphNode *node, bool channels, Factors *out) {
  const GraphValue *x = node->in[0];
  const GraphAttribute *kernel = graph_attribute(node, GRAPH_ATTR_kernel);
  const GraphAttribute *strides = graph_attribute(node, GRAPH_ATTR_strides);
  const GraphTensor *y = flat_type_of(a->flat, node->out[0]);
  atoms_keep_axis(a, x, 0, out, 0);
  atoms_mark_axis(a, x, 0, FACT_SAMPLED);
  if (!channels)
    atoms_keep_axis(a, x, 1, out, 1);
  else {
    atoms_mark_axis(a, x, 1, FACT_CONTRACTED | FACT_MIXED);
    factors_add(out, atom_new(a, y->dim[1], FACT_MADE | FACT_MIXED), 1);
  }
  for (int axis = 2; axis < y->rank; axis++) {
    int64_t taps = channels                         ? atoms_dim(a, node->in[1], axis)
                   : kernel && axis - 2 < kernel->n ? kernel->i[axis - 2]
                                                    : 1;
    bool alone = taps == 1 && y->dim[axis] == atoms_dim(a, x, axis) &&
                 (!strides || axis - 2 >= strides->n || strides->i[axis - 2] == 1);
    if (alone)
      atoms_keep_axis(a, x, axis, out, axis);
    else
      atoms_derive_axis(a, x, axis, y->dim[axis], FACT_CONVOLVED | FACT_MIXED, out, axis);
  }
}

/* x [T, N, d] -> y [T, dirs, N, u], h and c [dirs, N, u]. */
void relate_recurrent(Atoms *a, const GraphNode *node) {
  const GraphValue *x = node->in[0];
  const GraphTensor *y = flat_type_of(a->flat, node->out[0]);
  const char *direction = graph_word(node, GRAPH_ATTR_direction, 0, "forward");
  unsigned way = strcmp(direction, "forward") == 0 ? 0 : FACT_BACKWARD;
  atoms_mark_axis(a, x, 0, FACT_SCANNED | FACT_MIXED | way);
  atoms_mark_axis(a, x, 1, FACT_BATCHED);
  atoms_mark_axis(a, x, 2, FACT_CONTRACTED | FACT_MIXED);
  int units = atom_new(a, y->dim[3], FACT_MADE | FACT_MIXED),
      dirs = atom_new(a, y->dim[1], FACT_MADE | FACT_MIXED);
  int first_state = node->op == GRAPH_Lstm  ? 5
                    : node->op == GRAPH_Gru ? 6
                                            : 5,
      n_states = node->op == GRAPH_Lstm ? 2 : 1;
  for (int k = 0; k < node->n_out; k++) {
    Factors *out = &a->factors[node->out[k]->id];
    if (k == 0) atoms_keep_axis(a, x, 0, out, 0);
    factors_add(out, dirs, k == 0 ? 1 : 0);
    atoms_keep_axis(a, x, 1, out, k == 0 ? 2 : 1);
    factors_add(out, units, k == 0 ? 3 : 2);
  }
  const GraphValue *lengths = first_state - 1 < node->n_in ? node->in[first_state - 1] : NULL;
  if (lengths && !atoms_constant(a, lengths)) atoms_join_axes(a, x, 1, lengths, 0);
  for (int i = first_state; i < first_state + n_states && i < node->n_in; i++) {
    if (!node->in[i] || atoms_constant(a, node->in[i])) continue;
    atoms_join_axes(a, x, 1, node->in[i], 1);
    atoms_mark_axis(a, node->in[i], 0, FACT_MIXED);
    atoms_mark_axis(a, node->in[i], 2, FACT_MIXED);
  }
}

/* x [T, ...], start [...] -> [T, ...]. */
void relate_state(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0], *start = node->in[1];
  atoms_mark_axis(a, x, 0, FACT_SCANNED | FACT_MIXED);
  if (atoms_rank(a, x) > 2 && atoms_rank(a, start) > 1) atoms_mark_axis(a, x, 1, FACT_BATCHED);
  atoms_keep_axis(a, x, 0, out, 0);
  for (int axis = 0; axis < atoms_rank(a, start); axis++) {
    if (atoms_constant(a, start))
      factors_add(out, atom_new(a, atoms_dim(a, start, axis), FACT_MADE), axis + 1);
    else
      atoms_keep_axis(a, start, axis, out, axis + 1);
  }
}

/* Each result that is kept has the axes of its State. */
void relate_keep(Atoms *a, const GraphNode *node) {
  int states = (int)graph_int(node, GRAPH_ATTR_states, 0);
  for (int k = 0; k < node->n_out; k++) {
    const GraphValue *v = node->in[k < states ? 2 * k : k + states];
    for (int axis = 0; axis < atoms_rank(a, node->out[k]); axis++) {
      const GraphValue *state = k < states ? node->in[2 * k + 1] : v;
      bool varies = !atoms_constant(a, v);
      if (varies && state != v && !atoms_join_axes(a, state, axis, v, axis)) {
        atoms_mark_axis(a, state, axis, FACT_MIXED);
        atoms_mark_axis(a, v, axis, FACT_MIXED);
      }
      atoms_keep_axis(a, varies ? v : state, axis, &a->factors[node->out[k]->id], axis);
    }
  }
}

/* A Hold makes a fixed number of steps, which are a new axis. */
void relate_hold(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0];
  int held = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  atoms_mark_axis(a, x, held, FACT_MIXED);
  for (int axis = 0; axis < atoms_rank(a, x); axis++)
    if (axis == held)
      factors_add(out, atom_new(a, atoms_dim(a, x, axis), FACT_MADE | FACT_HELD), axis);
    else
      atoms_keep_axis(a, x, axis, out, axis);
}

/* A Cut gives x the steps of the sequence `like`. */
void relate_cut(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0];
  const int64_t *at = graph_attribute(node, GRAPH_ATTR_axes)->i;
  atoms_mark_axis(a, x, (int)at[0], FACT_MIXED);
  for (int axis = 0; axis < atoms_rank(a, x); axis++)
    if (axis == at[0])
      atoms_keep_axis(a, node->in[1], (int)at[1], out, axis);
    else
      atoms_keep_axis(a, x, axis, out, axis);
}
