/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Neighbouring rows of an axis that are written or read by constant indices. In, a node of a flat
 * graph; out, the same value:
 *
 *   ScatterNd, x[:, :, 2:4] = y    a Concat of the rows before these, y, and the rows after them
 *   Gather by [K, n] indices       a Concat of K Slices of n rows, the windows of `unfold` */
#include "import/lift/flat.h"

enum { WINDOWS_MAX = 16 };

/* Rows [start, start + n) of an axis. */
typedef struct RowBlock {
  int axis;
  int64_t start, n;
} RowBlock;

/* Whether the indices are those of all elements in the rows of a block, in order. depth: how many
 * numbers an index has. */
static bool covers(const GraphTensor *x, const GraphTensor *place, int depth, const RowBlock *b) {
  int64_t count = place->count / depth;
  for (int64_t row = 0; row < count; row++) {
    int64_t left = row;
    for (int i = depth; i-- > 0;) {
      int64_t size = i == b->axis ? b->n : x->dim[i], at = left % size, want = at;
      double given = graph_at(place, row * depth + i);
      left /= size;
      if (i == b->axis) want += b->start;
      if ((int64_t)given + (given < 0 ? x->dim[i] : 0) != want) return false;
    }
  }
  return true;
}

/* The block of rows that the indices name. False: they name others. */
static bool block_of(const GraphTensor *x, const GraphTensor *place, RowBlock *out) {
  int depth = place->rank ? (int)place->dim[place->rank - 1] : 0;
  if (depth < 1 || depth > x->rank || !place->count) return false;
  for (int axis = 0; axis < depth; axis++) {
    int64_t others = 1, rows = place->count / depth;
    for (int i = 0; i < depth; i++)
      if (i != axis) others *= x->dim[i];
    if (others < 1 || rows % others != 0 || rows / others > x->dim[axis]) continue;
    double start = graph_at(place, axis) < 0 ? graph_at(place, axis) + (double)x->dim[axis]
                                             : graph_at(place, axis);
    *out = (RowBlock){.axis = axis, .start = (int64_t)start, .n = rows / others};
    if (out->start + out->n <= x->dim[axis] && covers(x, place, depth, out)) return true;
  }
  return false;
}

GraphValue *flat_scattered(Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *place = flat_type_of(flat, node->in[1]);
  RowBlock b;
  int64_t dim[GRAPH_MAX_RANK];
  GraphValue *part[3];
  int n = 0;
  if (!graph_known(place) || !block_of(x, place, &b)) return NULL;
  for (int i = 0; i < x->rank; i++)
    dim[i] = i == b.axis ? b.n : x->dim[i];
  if (b.start) part[n++] = flat_rows(flat, node, node->in[0], b.axis, 0, b.start, 1);
  part[n++] = flat_reshaped(flat, node, node->in[2], x->rank, dim);
  if (b.start + b.n < x->dim[b.axis])
    part[n++] = flat_rows(flat, node, node->in[0], b.axis, b.start + b.n, x->dim[b.axis], 1);
  return flat_joined(flat, node, b.axis, n, part);
}

/* Whether row k of the indices are neighbours in order. *start gets the first of them. */
static bool is_run(const GraphTensor *place, int64_t k, int64_t size, int64_t *start) {
  *start = 0;
  for (int64_t i = 0; i < place->dim[1]; i++) {
    double at = graph_at(place, k * place->dim[1] + i);
    int64_t row = (int64_t)at + (at < 0 ? size : 0);
    if (!i) *start = row;
    if (row != *start + i) return false;
  }
  return true;
}

GraphValue *flat_windows(Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *place = flat_type_of(flat, node->in[1]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0), start, hop;
  GraphValue *part[WINDOWS_MAX];
  if (axis < 0) axis += x->rank;
  if (!graph_known(place) || place->rank != 2 || !place->count || place->dim[0] > WINDOWS_MAX ||
      flat_frames(x, (int)axis, place, &hop))
    return NULL;
  for (int64_t k = 0; k < place->dim[0]; k++) {
    if (!is_run(place, k, x->dim[axis], &start)) return NULL;
    GraphValue *cut = flat_rows(flat, node, node->in[0], axis, start, start + place->dim[1], 1);
    GraphNode *apart = flat_node(flat, GRAPH_Unsqueeze, node, 1, &cut, 1);
    graph_set_int(flat->graph, apart, GRAPH_ATTR_axes, axis);
    part[k] = cut ? flat_typed(flat, apart) : NULL;
    if (!part[k]) return NULL;
  }
  return flat_joined(flat, node, axis, (int)place->dim[0], part);
}
