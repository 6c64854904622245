/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Simpler forms of nodes, while a graph is flattened. In, a node whose operands are in the flat
 * graph; out, its result by fewer nodes, or by nodes that stages support. Many of them undo each
 * other: a loop that keeps its steps in a tensor writes row t as Concat(rows before, row, rows
 * after), and reads single rows of it. The table at the end names the rule of each operator. */
#include "import/lift/flat.h"

enum { MOST_PIECES = 1 << 14 };

/* A new Gather along an axis, without a type. */
static GraphNode *gather_along(Flat *flat, const GraphNode *like, GraphValue *x, GraphValue *places,
                               int64_t axis) {
  GraphNode *gather = flat_node(flat, GRAPH_Gather, like, 2, (GraphValue *[]){x, places}, 1);
  graph_set_int(flat->graph, gather, GRAPH_ATTR_axis, axis);
  return gather;
}

bool flat_plain_cut(const Flat *flat, const GraphNode *node, int *axis, int64_t *start,
                    int64_t *end) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]),
                    *steps = node->n_in > 4 && node->in[4] ? flat_type_of(flat, node->in[4]) : NULL;
  const GraphTensor *starts = flat_type_of(flat, node->in[1]),
                    *ends = flat_type_of(flat, node->in[2]);
  const GraphTensor *axes = node->n_in > 3 && node->in[3] ? flat_type_of(flat, node->in[3]) : NULL;
  *axis = -1;
  for (int64_t i = 0; i < starts->count; i++) {
    int64_t at = axes ? (int64_t)graph_at(axes, i) : i;
    if (at < 0) at += x->rank;
    int64_t size = x->dim[at], from = (int64_t)graph_at(starts, i),
            to = graph_at(ends, i) > (double)size ? size : (int64_t)graph_at(ends, i);
    if (from < 0) from += size;
    if (to < 0) to += size;
    if ((steps && graph_at(steps, i) != 1) || from < 0 || to < from) return false;
    if (from == 0 && to == size) continue;
    if (*axis >= 0) return false;
    *axis = (int)at;
    *start = from;
    *end = to;
  }
  return *axis >= 0;
}

/* The elements [start, end) of an axis of a piece: the piece, or a constant. NULL: this would need
 * a Slice. */
static GraphValue *part_of(Flat *flat, GraphValue *piece, int axis, int64_t start, int64_t end) {
  const GraphTensor *t = flat_type_of(flat, piece);
  if (start == 0 && end == t->dim[axis]) return piece;
  if (!graph_known(t)) return NULL;
  int64_t dim[GRAPH_MAX_RANK], inner = 1, outer = 1;
  double *data;
  for (int i = 0; i < t->rank; i++) {
    dim[i] = i == axis ? end - start : t->dim[i];
    if (i < axis) outer *= dim[i];
    if (i > axis) inner *= dim[i];
  }
  GraphTensor *part = graph_tensor(flat->graph->numbers, t->elem, t->rank, dim, &data);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < (end - start) * inner; i++)
      data[o * (end - start) * inner + i] = graph_at(t, (o * t->dim[axis] + start) * inner + i);
  return flat_constant(flat, "", part);
}

/* A Slice of a Concat along the same axis, as a Concat of some of its pieces. */
static GraphValue *cut_of_join(Flat *flat, const GraphNode *node) {
  const GraphNode *join = node->in[0]->node;
  int axis, n = 0;
  int64_t start, end, at = 0;
  if (!join || join->op != GRAPH_Concat || join->n_in > MOST_PIECES ||
      !flat_plain_cut(flat, node, &axis, &start, &end))
    return NULL;
  if (graph_int(join, GRAPH_ATTR_axis, 0) != axis) return NULL;
  GraphValue **piece = ARENA_ARRAY(flat->arena, GraphValue *, join->n_in + 1);
  for (int k = 0; k < join->n_in; k++) {
    int64_t size = flat_type_of(flat, join->in[k])->dim[axis], from = start > at ? start - at : 0,
            to = end < at + size ? end - at : size;
    at += size;
    if (from >= to) continue;
    piece[n] = part_of(flat, join->in[k], axis, from, to);
    if (!piece[n++]) return NULL;
  }
  return n ? flat_joined(flat, node, axis, n, piece) : NULL;
}

/* A Slice of row k of a reversed axis, as a Slice of row n - 1 - k. */
static GraphValue *row_of_reversed(Flat *flat, const GraphNode *node) {
  const GraphNode *reverse = node->in[0]->node;
  const GraphAttribute *axes =
      reverse && reverse->op == GRAPH_Reverse ? graph_attribute(reverse, GRAPH_ATTR_axes) : NULL;
  int axis;
  int64_t start, end;
  if (!axes || axes->n != 1 || !flat_plain_cut(flat, node, &axis, &start, &end) ||
      axes->i[0] != axis || end - start != 1)
    return NULL;
  int64_t size = flat_type_of(flat, reverse->in[0])->dim[axis];
  return flat_rows(flat, node, reverse->in[0], axis, size - end, size - start, 1);
}

/* A Concat of Concats along the same axis, as one Concat without empty pieces. */
static GraphValue *join_of_joins(Flat *flat, const GraphNode *node) {
  const GraphTensor *first = flat_type_of(flat, node->in[0]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  int n = 0, count = 0;
  bool changes = false;
  if (axis < 0) axis += first->rank;
  for (int k = 0; k < node->n_in; k++) {
    const GraphNode *inner = node->in[k]->node;
    bool nested =
        inner && inner->op == GRAPH_Concat && graph_int(inner, GRAPH_ATTR_axis, 0) == axis;
    bool empty = flat_type_of(flat, node->in[k])->dim[axis] == 0;
    count += nested ? inner->n_in : 1;
    changes = changes || nested || empty;
  }
  if (!changes || count > MOST_PIECES) return NULL;
  GraphValue **piece = ARENA_ARRAY(flat->arena, GraphValue *, count + 1);
  for (int k = 0; k < node->n_in; k++) {
    const GraphNode *inner = node->in[k]->node;
    bool nested =
        inner && inner->op == GRAPH_Concat && graph_int(inner, GRAPH_ATTR_axis, 0) == axis;
    if (flat_type_of(flat, node->in[k])->dim[axis] == 0) continue;
    for (int i = 0; i < (nested ? inner->n_in : 1); i++)
      piece[n++] = nested ? inner->in[i] : node->in[k];
  }
  return n ? flat_joined(flat, node, (int)axis, n, piece) : NULL;
}

/* A Gather of element k of a reversed axis, as a Gather of element n - 1 - k. */
static GraphValue *element_of_reversed(Flat *flat, const GraphNode *node) {
  const GraphNode *reverse = node->in[0]->node;
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *place = flat_type_of(flat, node->in[1]);
  const GraphAttribute *axes =
      reverse && reverse->op == GRAPH_Reverse ? graph_attribute(reverse, GRAPH_ATTR_axes) : NULL;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (axis < 0) axis += x->rank;
  if (!axes || axes->n != 1 || axes->i[0] != axis || !graph_known(place)) return NULL;
  double *data;
  GraphTensor *mirrored =
      graph_tensor(flat->graph->numbers, place->elem, place->rank, place->dim, &data);
  for (int64_t i = 0; i < place->count; i++)
    data[i] = graph_at(place, i) < 0 ? -1 - graph_at(place, i)
                                     : (double)x->dim[axis] - 1 - graph_at(place, i);
  GraphValue *at = flat_constant(flat, "", mirrored);
  return flat_typed(flat, gather_along(flat, node, reverse->in[0], at, axis));
}

/* A Gather of one element of an axis of a Transpose, if the other axes keep their order, as a
 * Gather from its operand. */
static GraphValue *element_of_transposed(Flat *flat, const GraphNode *node) {
  const GraphNode *turn = node->in[0]->node;
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *place = flat_type_of(flat, node->in[1]);
  const GraphAttribute *perm =
      turn && turn->op == GRAPH_Transpose ? graph_attribute(turn, GRAPH_ATTR_perm) : NULL;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0), before = -1;
  if (axis < 0) axis += x->rank;
  if (!perm || perm->n != x->rank || !graph_known(place) || place->rank != 0) return NULL;
  for (int i = 0; i < perm->n; i++) {
    if (i == axis) continue;
    if (perm->i[i] < before) return NULL;
    before = perm->i[i];
  }
  GraphNode *gather = gather_along(flat, node, turn->in[0], node->in[1], perm->i[axis]);
  GraphValue *simpler = flat_simplified(flat, gather);
  return simpler ? simpler : flat_typed(flat, gather);
}

/* A Gather of all elements of an axis in order, as its operand or as a Reshape. */
static GraphValue *all_elements(Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]), *place = flat_type_of(flat, node->in[1]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (axis < 0) axis += x->rank;
  if (!graph_known(place) || place->rank < 1 || place->count != x->dim[axis]) return NULL;
  for (int64_t i = 0; i < place->count; i++)
    if (graph_at(place, i) != (double)i && graph_at(place, i) != (double)(i - place->count))
      return NULL;
  if (place->rank == 1) return node->in[0];
  int64_t dim[GRAPH_MAX_RANK];
  int rank = 0;
  if (x->rank - 1 + place->rank > GRAPH_MAX_RANK) return NULL;
  for (int i = 0; i < x->rank; i++) {
    for (int k = 0; k < place->rank && i == axis; k++)
      dim[rank++] = place->dim[k];
    if (i != axis) dim[rank++] = x->dim[i];
  }
  return flat_reshaped(flat, node, node->in[0], rank, dim);
}

/* A Slice of all elements in order, as its operand. An axis of one element may be reversed. */
static GraphValue *whole(const Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]),
                    *steps = node->n_in > 4 && node->in[4] ? flat_type_of(flat, node->in[4]) : NULL,
                    *starts = flat_type_of(flat, node->in[1]),
                    *ends = flat_type_of(flat, node->in[2]),
                    *axes = node->n_in > 3 && node->in[3] ? flat_type_of(flat, node->in[3]) : NULL;
  for (int64_t i = 0; i < starts->count; i++) {
    int64_t at = axes ? (int64_t)graph_at(axes, i) : i;
    double size = (double)x->dim[at < 0 ? at + x->rank : at], step = steps ? graph_at(steps, i) : 1,
           from = graph_at(starts, i) < 0 ? graph_at(starts, i) + size : graph_at(starts, i),
           to = graph_at(ends, i) < 0 ? graph_at(ends, i) + size : graph_at(ends, i);
    bool forward = step == 1 && from <= 0 && to >= size,
         only = size == 1 && step == -1 && from >= 0 && to < 0;
    if (!forward && !only) return NULL;
  }
  return node->in[0];
}

/* A value before casts of whole numbers or truths. */
static GraphValue *uncast(const Flat *flat, GraphValue *value) {
  while (value->node && value->node->op == GRAPH_Cast &&
         graph_elem_is_whole(flat_type_of(flat, value->node->in[0])->elem))
    value = value->node->in[0];
  return value;
}

static bool is_number(const Flat *flat, const GraphValue *value, double number) {
  const GraphTensor *t = flat_type_of(flat, value);
  return graph_known(t) && t->count == 1 && graph_at(t, 0) == number;
}

/* The value of which `truth` says that it is below 0; NULL: it says something else. */
static GraphValue *below_zero(const Flat *flat, GraphValue *truth) {
  const GraphNode *less = uncast(flat, truth)->node;
  if (!less || less->op != GRAPH_Less || !is_number(flat, less->in[1], 0)) return NULL;
  return uncast(flat, less->in[0]);
}

/* Whether a value is place + n. */
static bool is_plus(const Flat *flat, const GraphValue *sum, const GraphValue *place, double n) {
  const GraphNode *add = sum->node;
  return add && add->op == GRAPH_Add && add->in[0] == place && is_number(flat, add->in[1], n);
}

/* Whether a value is a comparison or its opposite, perhaps cast. */
static bool is_truth(const Flat *flat, GraphValue *value) {
  const GraphNode *node = uncast(flat, value)->node;
  return node && (node->op == GRAPH_Less || node->op == GRAPH_Not);
}

/* The other factor of a product with a truth, which *truth gets; NULL: it is another value. */
static GraphValue *times_truth(const Flat *flat, const GraphValue *product, GraphValue **truth) {
  const GraphNode *mul = product->node;
  *truth = NULL;
  if (!mul || mul->op != GRAPH_Mul) return NULL;
  for (int k = 0; k < 2; k++) {
    *truth = mul->in[k];
    if (is_truth(flat, *truth)) return mul->in[1 - k];
  }
  return NULL;
}

/* The `place` of place < 0 ? place + n : place. The file may write this as a Where, or as exporters
 * of TensorFlow's graphs do: (place < 0) (place + n) + !(place < 0) place. NULL: it is another
 * value. */
static GraphValue *counted_place(const Flat *flat, const GraphValue *value, double n) {
  const GraphNode *node = value->node;
  if (node && node->op == GRAPH_Where) {
    GraphValue *place = node->in[2];
    bool fits = below_zero(flat, node->in[0]) == place && is_plus(flat, node->in[1], place, n);
    return fits ? place : NULL;
  }
  if (!node || node->op != GRAPH_Add) return NULL;
  GraphValue *below, *above, *sum = times_truth(flat, node->in[0], &below),
                             *place = times_truth(flat, node->in[1], &above);
  const GraphNode *not = sum && place ? uncast(flat, above)->node : NULL;
  bool fits = not && not->op == GRAPH_Not && below_zero(flat, below) == place &&
              below_zero(flat, not->in[0]) == place && is_plus(flat, sum, place, n);
  return fits ? place : NULL;
}

/* A Gather whose indices are counted from the front by such nodes, as a Gather of the indices,
 * which counts negative ones from the end itself. */
static GraphValue *counted_by_gather(Flat *flat, const GraphNode *node) {
  const GraphTensor *x = flat_type_of(flat, node->in[0]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0),
          size = x->dim[axis < 0 ? axis + x->rank : axis];
  GraphValue *place = counted_place(flat, node->in[1], (double)size);
  if (!place) return NULL;
  return flat_typed(flat, gather_along(flat, node, node->in[0], place, axis));
}

/* The rules of Gather, Concat and Slice. */
static GraphValue *element(Flat *flat, const GraphNode *node) {
  GraphValue *counted = counted_by_gather(flat, node);
  if (counted) return counted;
  GraphValue *all = all_elements(flat, node);
  if (all) return all;
  GraphValue *y = flat_windows(flat, node);
  if (!y) y = element_of_reversed(flat, node);
  if (!y) y = element_of_transposed(flat, node);
  return y ? y : flat_ordered(flat, node);
}

static GraphValue *join(Flat *flat, const GraphNode *node) {
  GraphValue *y = join_of_joins(flat, node);
  return y ? y : flat_framed(flat, node);
}

static GraphValue *cut(Flat *flat, const GraphNode *node) {
  GraphValue *y = whole(flat, node);
  if (!y) y = cut_of_join(flat, node);
  if (!y) y = row_of_reversed(flat, node);
  return y ? y : flat_by_steps(flat, node);
}

/* A OneHot along a new last axis, as a Gather from a table; NULL: the table would be too large, or
 * the axis is another one. */
static GraphValue *rows_of_one_hot(Flat *flat, const GraphNode *node) {
  const int64_t most = 1024;
  const GraphTensor *place = flat_type_of(flat, node->in[0]),
                    *depth = flat_type_of(flat, node->in[1]),
                    *ends = flat_type_of(flat, node->in[2]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, -1), n;
  bool last = axis == -1 || axis == place->rank;
  double *data;
  if (!last || !graph_known(depth) || depth->count != 1 || !graph_known(ends) || ends->count != 2 ||
      !(graph_at(depth, 0) >= 1 && graph_at(depth, 0) <= (double)most))
    return NULL;
  n = (int64_t)graph_at(depth, 0);
  GraphTensor *table = graph_tensor(flat->graph->numbers, ends->elem, 2, (int64_t[]){n, n}, &data);
  for (int64_t i = 0; i < n * n; i++)
    data[i] = graph_at(ends, i / n == i % n);
  GraphValue *all = flat_constant(flat, "", table);
  return flat_typed(flat, gather_along(flat, node, all, node->in[0], 0));
}

GraphValue *flat_simplified(Flat *flat, const GraphNode *node) {
  static GraphValue *(*const rule[GRAPH_OP_COUNT])(Flat *, const GraphNode *) = {
      [GRAPH_OneHot] = rows_of_one_hot,
      [GRAPH_Slice] = cut,
      [GRAPH_Concat] = join,
      [GRAPH_Gather] = element,
      [GRAPH_GatherNd] = flat_of_one_coordinate,
      [GRAPH_ScatterNd] = flat_scattered,
      [GRAPH_Tile] = flat_tiled,
      [GRAPH_AvgPool] = flat_counted_zeros,
      [GRAPH_Where] = flat_chosen,
      [GRAPH_Pow] = flat_power_of_number,
      [GRAPH_Mod] = flat_rest,
      [GRAPH_FloorDiv] = flat_rest,
      [GRAPH_DepthToSpace] = flat_depth_to_space,
      [GRAPH_Ceil] = flat_ceiling,
      [GRAPH_Tan] = flat_tangent,
      [GRAPH_ArgMin] = flat_smallest_place,
      [GRAPH_ReduceLogSumExp] = flat_log_of_sum,
      [GRAPH_CumSum] = flat_cumulated,
  };
  return rule[node->op] ? rule[node->op](flat, node) : NULL;
}
