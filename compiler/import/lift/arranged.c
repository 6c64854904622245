/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that move elements in a way that no stage does, by others that stages do. In, a node of
 * a flat graph; out, the same value:
 *
 *   Tile                        Expand along axes of 1, a Concat with itself along others
 *   Gather, any constant order  a Concat of Slices; places of other ranks than 1: a Reshape of that
 *   GatherNd of one coordinate  a Gather along the first axis
 *   DepthToSpace                Reshape, Transpose, Reshape
 *   Slice by steps, of a part   Slices of neighbours, a Reverse if it goes backwards, and a Slice
 *   of an axis                  that takes every step-th element of all of its axis
 *   Concat of windows           a Gather of a table of places, which `frames` is */
#include "import/lift/flatten.h"

#include "import/graph/call.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 256 };

GraphValue *flat_tiled(Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *times = flat_type_of(flat, node->in[1]);
  GraphValue *y = node->in[0];
  int64_t dim[GRAPH_MAX_RANK];
  bool spread = false;
  if (!graph_known(times) || times->count != x->rank) return NULL;
  for (int axis = 0; axis < x->rank; axis++) {
    if (graph_at(times, axis) < 1 ||
        (graph_at(times, axis) > (double)MOST_RUNS && x->dim[axis] != 1))
      return NULL;
    bool one = x->dim[axis] == 1 && graph_at(times, axis) > 1;
    dim[axis] = one ? (int64_t)graph_at(times, axis) : 1;
    spread = spread || one;
  }
  for (int axis = 0; axis < x->rank; axis++) {
    GraphValue *part[MOST_RUNS];
    if (x->dim[axis] == 1 || graph_at(times, axis) == 1) continue;
    for (int k = 0; k < (int)graph_at(times, axis); k++)
      part[k] = y;
    y = flat_joined(flat, node, axis, (int)graph_at(times, axis), part);
    if (!y) return NULL;
  }
  return spread ? flat_of_two(flat, GRAPH_Expand, node, y, flat_ints(flat, x->rank, dim)) : y;
}

/* ---- constant places ---- */

/* The indices of a constant, counted from the front; NULL: it is no constant, or it is empty. */
static int64_t *places_of(Flat *flat, const GraphTensor *place, int64_t size) {
  if (!graph_known(place) || !place->count) return NULL;
  int64_t *at = ARENA_ARRAY(flat->arena, int64_t, place->count);
  for (int64_t i = 0; i < place->count; i++)
    at[i] = (int64_t)graph_at(place, i) + (graph_at(place, i) < 0 ? size : 0);
  return at;
}

/* How many indices from the first one on are *step apart. If it is one index, *step is 1. */
static int64_t run_of(const int64_t *at, int64_t n, int64_t *step) {
  int64_t count = 1;
  *step = n > 1 && at[1] > at[0] ? at[1] - at[0] : 1;
  while (count < n && at[count] - at[count - 1] == *step)
    count++;
  if (count == 2 && *step > 1) { /* two indices can be any step apart */
    count = *step = 1;
  }
  return count;
}

/* The elements of an axis at these indices, as a Concat of Slices. */
static GraphValue *in_runs(Flat *flat, const GraphNode *node, int64_t axis, const int64_t *at,
                           int64_t n) {
  GraphValue *part[MOST_RUNS];
  int parts = 0;
  for (int64_t i = 0, count, step; i < n; i += count) {
    if (parts == MOST_RUNS) return NULL;
    count = run_of(at + i, n - i, &step);
    part[parts++] =
        flat_rows(flat, node, node->in[0], axis, at[i], at[i] + (count - 1) * step + 1, step);
  }
  return flat_joined(flat, node, axis, parts, part);
}

/* Whether stages take these elements without a Concat: they are neighbours in order, or all
 * elements of the axis from the last to the first. */
static bool is_plain(const int64_t *at, int64_t n, int64_t size) {
  bool up = true, down = n == size;
  for (int64_t i = 0; i < n; i++) {
    up = up && at[i] == at[0] + i;
    down = down && at[i] == size - 1 - i;
  }
  return up || down;
}

/* A Gather whose indices have several axes: the elements along one axis, and then a Reshape. */
static GraphValue *in_one_axis(Flat *flat, const GraphNode *node, int axis, const int64_t *at) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *place = flat_type_of(flat, node->in[1]);
  int64_t dim[GRAPH_MAX_RANK];
  bool whole = place->count == x->dim[axis];
  int rank = 0;
  for (int64_t i = 0; i < place->count; i++)
    whole = whole && at[i] == i;
  for (int i = 0; i < axis; i++)
    dim[rank++] = x->dim[i];
  for (int i = 0; i < place->rank; i++)
    dim[rank++] = place->dim[i];
  for (int i = axis + 1; i < x->rank; i++)
    dim[rank++] = x->dim[i];
  GraphValue *y = whole ? node->in[0] : in_runs(flat, node, axis, at, place->count);
  return y ? flat_reshaped(flat, node, y, rank, dim) : NULL;
}

GraphValue *flat_ordered(Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *place = flat_type_of(flat, node->in[1]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0), hop;
  if (axis < 0) axis += x->rank;
  int64_t *at = place->rank ? places_of(flat, place, x->dim[axis]) : NULL;
  if (!at || graph_known(x) || flat_frames(x, (int)axis, place, &hop)) return NULL;
  if (place->rank > 1) return in_one_axis(flat, node, (int)axis, at);
  return is_plain(at, place->count, x->dim[axis]) ? NULL
                                                  : in_runs(flat, node, axis, at, place->count);
}

GraphValue *flat_of_one_coordinate(Flat *flat, const GraphNode *node) {
  const GraphTensor *place = flat_type_of(flat, node->in[1]);
  int64_t dim[GRAPH_MAX_RANK];
  int rank = place->rank - 1;
  if (!graph_known(place) || rank < 0 || place->dim[rank] != 1 ||
      graph_int(node, GRAPH_ATTR_block, 0))
    return NULL;
  for (int i = 0; i < rank; i++)
    dim[i] = place->dim[i];
  double *data;
  GraphTensor *t = graph_tensor(flat->graph->numbers, place->elem, rank, dim, &data);
  graph_copy_numbers(place, data);
  GraphValue *in[2] = {node->in[0], flat_constant(flat, "", t)};
  GraphNode *gather = flat_node(flat, GRAPH_Gather, node, 2, in, 1);
  graph_set_int(flat->graph, gather, GRAPH_ATTR_axis, 0);
  GraphValue *simpler = flat_simplified(flat, gather);
  return simpler ? simpler : flat_typed(flat, gather);
}

GraphValue *flat_depth_to_space(Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]);
  int64_t b = graph_int(node, GRAPH_ATTR_block, 1), n = x->dim[0], c = x->dim[1] / (b * b),
          h = x->dim[2], w = x->dim[3];
  bool columns_first = strcmp(graph_word(node, GRAPH_ATTR_mode, 0, "DCR"), "CRD") == 0;
  const int64_t apart[6] = {n, columns_first ? c : b, b, columns_first ? b : c, h, w},
                depth[6] = {0, 3, 4, 1, 5, 2}, columns[6] = {0, 1, 4, 2, 5, 3},
                together[4] = {n, c, h * b, w * b};
  GraphValue *y = flat_reshaped(flat, node, node->in[0], 6, apart);
  if (!y) return NULL;
  y = flat_transposed(flat, node, y, 6, columns_first ? columns : depth);
  return y ? flat_reshaped(flat, node, y, 4, together) : NULL;
}

/* ---- slices by steps ---- */

/* A stage takes every step-th element of an axis from the first one on, or turns all of it round.
 * Returns whether this Slice takes other elements of an axis of `size`. */
static bool is_awkward(int64_t size, int64_t start, int64_t step, int64_t count) {
  if (count < 2 || step == 1) return false;
  if (step == -1) return count != size;
  return step < 0 || start > 0 || (size + step - 1) / step != count;
}

/* Elements start, start + step, .. of an axis of x, `count` of them. */
static GraphValue *taken(Flat *flat, const GraphNode *node, GraphValue *x, int axis, int64_t start,
                         int64_t step, int64_t count) {
  int64_t size = flat_type_of(flat, x)->dim[axis], apart = step < 0 ? -step : step;
  if (count == 1) apart = step = 1;
  int64_t first = step < 0 ? start + (count - 1) * step : start,
          end = first + (count - 1) * apart + 1;
  if (step > 1 && (size - first + step - 1) / step == count) end = size; /* a sequence to its end */
  x = flat_rows(flat, node, x, axis, first, end, 1);
  if (x && step < 0) x = flat_reversed(flat, node, x, axis);
  return x && apart > 1 ? flat_rows(flat, node, x, axis, 0, end - first, apart) : x;
}

GraphValue *flat_by_steps(Flat *flat, const GraphNode *node) {
  CallSlice slice;
  bool constant, awkward = false;
  GraphCall call = flat_call_of(flat, node, &constant);
  GraphValue *x = node->in[0];
  int rank = flat_type_of(flat, x)->rank;
  if (!call_slice(&call, &slice)) return NULL;
  for (int i = 0; i < rank; i++) {
    int64_t size = flat_type_of(flat, x)->dim[i];
    if (slice.count[i] < 1) return NULL;
    awkward = awkward || is_awkward(size, slice.start[i], slice.step[i], slice.count[i]);
  }
  for (int i = 0; awkward && x && i < rank; i++)
    x = taken(flat, node, x, i, slice.start[i], slice.step[i], slice.count[i]);
  return awkward ? x : NULL;
}

/* ---- windows ---- */

bool flat_frames(const GraphTensor *x, int axis, const GraphTensor *place, int64_t *hop) {
  if (!graph_known(place) || place->rank != 2 || place->dim[0] < 2 || place->dim[1] < 2)
    return false;
  int64_t n = place->dim[0], size = place->dim[1], steps = x->dim[axis];
  if (x->rank == 1 && n * size == steps) return false; /* a Reshape at most */
  *hop = (int64_t)(graph_at(place, size) - graph_at(place, 0));
  if (*hop < 1 || steps < size || (steps - size) / *hop + 1 != n) return false;
  for (int64_t i = 0; i < place->count; i++)
    if (graph_at(place, i) != (double)(i / size * *hop + i % size)) return false;
  return true;
}

/* The nodes of one window: a Slice, perhaps a Transpose, and an Unsqueeze. */
typedef struct Window {
  const GraphNode *cut, *turn, *apart;
} Window;

/* The window that a value is; its Slice is NULL if it is none. */
static Window window_of(GraphValue *piece) {
  Window w = {0};
  w.apart = piece->node && piece->node->op == GRAPH_Unsqueeze ? piece->node : NULL;
  GraphValue *inner = w.apart ? w.apart->in[0] : NULL;
  w.turn = inner && inner->node && inner->node->op == GRAPH_Transpose ? inner->node : NULL;
  if (w.turn) inner = w.turn->in[0];
  w.cut = inner && inner->node && inner->node->op == GRAPH_Slice ? inner->node : NULL;
  return w;
}

static bool same_numbers(const GraphNode *a, const GraphNode *b, GraphAttributeName name) {
  const GraphAttribute *one = graph_attribute(a, name), *two = graph_attribute(b, name);
  return one && two && one->n == two->n &&
         memcmp(one->i, two->i, sizeof *one->i * (size_t)one->n) == 0;
}

/* Whether two windows are of the same value, with the same axes. */
static bool alike(const Window *a, const Window *b) {
  return b->cut && b->cut->in[0] == a->cut->in[0] && (a->turn != NULL) == (b->turn != NULL) &&
         (!a->turn || same_numbers(a->turn, b->turn, GRAPH_ATTR_perm)) &&
         same_numbers(a->apart, b->apart, GRAPH_ATTR_axes);
}

/* Whether the operands of a Concat are windows that `frames` takes. *axis gets the axis of the
 * Slices, and *places the indices [n, size] of all windows. */
static bool table_of(Flat *flat, const GraphNode *join, const Window *first, int *axis,
                     GraphTensor **places) {
  *axis = 0;
  *places = NULL;
  int64_t start, end, size = 0, hop;
  double *data = NULL;
  for (int k = 0; k < join->n_in; k++) {
    Window w = window_of(join->in[k]);
    int at;
    if (!alike(first, &w) || !flat_plain_cut(flat, w.cut, &at, &start, &end)) return false;
    if (!k) {
      *axis = at;
      size = end - start;
      *places =
          graph_tensor(flat->graph->numbers, GRAPH_I64, 2, (int64_t[]){join->n_in, size}, &data);
    }
    if (!data || at != *axis || end - start != size) return false;
    for (int64_t i = 0; i < size; i++)
      data[k * size + i] = (double)(start + i);
  }
  return data && flat_frames(flat_type_of(flat, first->cut->in[0]), *axis, *places, &hop);
}

/* Each operand of the Concat has the axes of x, perhaps transposed, and a new axis along which the
 * windows are joined. The Gather gives [.., n, size, ..], which is transposed into that order. */
GraphValue *flat_framed(Flat *flat, const GraphNode *join) {
  const GraphAttribute *axes;
  GraphTensor *places;
  int axis, to = (int)graph_int(join, GRAPH_ATTR_axis, 0);
  Window first = join->n_in > 1 ? window_of(join->in[0]) : (Window){0};
  axes = first.cut ? graph_attribute(first.apart, GRAPH_ATTR_axes) : NULL;
  if (!axes || axes->n != 1 || !table_of(flat, join, &first, &axis, &places)) return NULL;
  int rank = flat_type_of(flat, join->in[0])->rank, n = 0;
  int64_t own = axes->i[0] < 0 ? axes->i[0] + rank : axes->i[0], perm[GRAPH_MAX_RANK];
  if (to < 0) to += rank;
  if (own != to) return NULL;
  GraphValue *in[2] = {first.cut->in[0], flat_constant(flat, "", places)};
  GraphNode *gather = flat_node(flat, GRAPH_Gather, join, 2, in, 1);
  graph_set_int(flat->graph, gather, GRAPH_ATTR_axis, axis);
  GraphValue *y = flat_typed(flat, gather);
  const GraphAttribute *turned = first.turn ? graph_attribute(first.turn, GRAPH_ATTR_perm) : NULL;
  if (!y || (first.turn && !turned)) return NULL;
  for (int i = 0; i < rank; i++) { /* of y: axis is which window, axis + 1 the place in it */
    int64_t of = i == to ? -1 : turned ? turned->i[n] : n;
    perm[i] = i == to ? axis : of < axis ? of : of + 1;
    n += i != to;
  }
  return flat_transposed(flat, join, y, rank, perm);
}
