/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that no stage computes, by others. In, a node of a flat graph; out, the same value:
 *
 *   AvgPool that counts the zeros of its padding    Pad, and AvgPool without padding
 *   Where, by one constant for all elements         the operand that it takes
 *   Pow of one number b > 0                         b^x = e^(x log b)
 *   Mod, FloorDiv of real numbers                   a - b floor(a / b), floor(a / b)
 *   Ceil, Tan, ArgMin                               -floor(-x), sin x / cos x, argmax(-x)
 *   ReduceLogSumExp, with m = max x                 m + log sum e^(x - m)
 *   CumSum without the element, from the end        of x after a zero, of x in reverse order */
#include "import/lift/flat.h"

#include <math.h>
#include <string.h>

/* y without the windows that `node` does not have: with `ceil`, one that begins in the padding
 * behind is none. */
static GraphValue *as_many_windows(Flat *flat, const GraphNode *node, GraphValue *y) {
  int mark = flat->graph->n_nodes;
  GraphValue *like = flat_typed(flat, flat_like(flat, node, 1, node->in));
  flat->graph->n_nodes = mark; /* this node only served to compute the shape */
  if (!y || !like) return NULL;
  const GraphTensor *want = flat_type_of(flat, like);
  for (int i = 2; i < want->rank && y; i++)
    if (flat_type_of(flat, y)->dim[i] > want->dim[i])
      y = flat_rows(flat, node, y, i, 0, want->dim[i], 1);
  return y;
}

GraphValue *flat_counted_zeros(Flat *flat, const GraphNode *node) {
  const GraphAttribute *pads = graph_attribute(node, GRAPH_ATTR_pads);
  const GraphTensor *x = flat_type_of(flat, node->in[0]);
  int n = x->rank - 2;
  int64_t around[2 * GRAPH_MAX_RANK] = {0}, none[2 * GRAPH_MAX_RANK] = {0};
  bool any = false;
  if (!graph_int(node, GRAPH_ATTR_count_pad, 0) || !pads || pads->n != 2 * n ||
      *graph_word(node, GRAPH_ATTR_same, 0, ""))
    return NULL;
  for (int i = 0; i < n; i++) {
    around[2 + i] = pads->i[i];
    around[x->rank + 2 + i] = pads->i[n + i];
    any = any || pads->i[i] || pads->i[n + i];
  }
  GraphValue *wide =
      any ? flat_of_two(flat, GRAPH_Pad, node, node->in[0], flat_ints(flat, 2 * x->rank, around))
          : NULL;
  if (!wide) return NULL;
  GraphNode *pool = flat_like(flat, node, 1, &wide);
  graph_set_ints(flat->graph, pool, GRAPH_ATTR_pads, 2 * n, none);
  graph_set_int(flat->graph, pool, GRAPH_ATTR_count_pad, 0);
  GraphValue *y = flat_typed(flat, pool);
  return as_many_windows(flat, node, y);
}

GraphValue *flat_chosen(Flat *flat, const GraphNode *node) {
  const GraphTensor *condition = flat_type_of(flat, node->in[0]);
  if (!graph_known(condition) || !condition->count) return NULL;
  for (int64_t i = 1; i < condition->count; i++)
    if ((graph_at(condition, i) != 0) != (graph_at(condition, 0) != 0)) return NULL;
  GraphValue *taken = node->in[graph_at(condition, 0) != 0 ? 1 : 2];
  int mark = flat->graph->n_nodes;
  GraphValue *y = flat_typed(flat, flat_node(flat, GRAPH_Where, node, 3, node->in, 1));
  flat->graph->n_nodes = mark; /* this node only served to compute the shape */
  if (!y) return NULL;
  const GraphTensor *t = flat_type_of(flat, taken), *like = flat_type_of(flat, y);
  if (t->rank == like->rank && memcmp(t->dim, like->dim, sizeof *t->dim * (size_t)t->rank) == 0)
    return taken;
  return flat_of_two(flat, GRAPH_Expand, node, taken, flat_ints(flat, like->rank, like->dim));
}

GraphValue *flat_power_of_number(Flat *flat, const GraphNode *node) {
  const GraphTensor *base = flat_type_of(flat, node->in[0]), *x = flat_type_of(flat, node->in[1]);
  bool one = graph_known(base) && base->count == 1 && base->rank <= x->rank;
  if (!one || graph_known(x) || !(graph_at(base, 0) > 0) || !isfinite(graph_at(base, 0)) ||
      graph_elem_is_whole(base->elem) || graph_elem_is_whole(x->elem))
    return NULL;
  GraphValue *log_base =
      flat_constant(flat, "", graph_scalar(flat->arena, GRAPH_FLOAT, log(graph_at(base, 0))));
  GraphValue *scaled = flat_of_two(flat, GRAPH_Mul, node, node->in[1], log_base);
  return scaled ? flat_typed(flat, flat_node(flat, GRAPH_Exp, node, 1, &scaled, 1)) : NULL;
}

/* a / b rounded down, or for the rest of C's fmod towards zero. */
static GraphValue *whole_part(Flat *flat, const GraphNode *node, bool to_zero) {
  GraphValue *ratio = flat_of_two(flat, GRAPH_Div, node, node->in[0], node->in[1]), *size = ratio;
  if (to_zero && ratio) size = flat_typed(flat, flat_node(flat, GRAPH_Abs, node, 1, &ratio, 1));
  GraphValue *whole =
      size ? flat_typed(flat, flat_node(flat, GRAPH_Floor, node, 1, &size, 1)) : NULL;
  if (!to_zero || !whole) return whole;
  GraphValue *sign = flat_typed(flat, flat_node(flat, GRAPH_Sign, node, 1, &ratio, 1));
  return flat_of_two(flat, GRAPH_Mul, node, sign, whole);
}

GraphValue *flat_rest(Flat *flat, const GraphNode *node) {
  bool rest = node->op == GRAPH_Mod;
  if (graph_elem_is_whole(flat_type_of(flat, node->in[0])->elem)) return NULL;
  GraphValue *whole = whole_part(
      flat, node, rest && strcmp(graph_word(node, GRAPH_ATTR_mode, 0, "floor"), "trunc") == 0);
  if (!rest || !whole) return whole;
  GraphValue *taken = flat_of_two(flat, GRAPH_Mul, node, whole, node->in[1]);
  return flat_of_two(flat, GRAPH_Sub, node, node->in[0], taken);
}

static GraphValue *of_one(Flat *flat, GraphOp op, const GraphNode *like, GraphValue *x) {
  return x ? flat_typed(flat, flat_node(flat, op, like, 1, &x, 1)) : NULL;
}

GraphValue *flat_ceiling(Flat *flat, const GraphNode *node) {
  GraphValue *down = of_one(flat, GRAPH_Neg, node, node->in[0]);
  return of_one(flat, GRAPH_Neg, node, of_one(flat, GRAPH_Floor, node, down));
}

GraphValue *flat_tangent(Flat *flat, const GraphNode *node) {
  return flat_of_two(flat, GRAPH_Div, node, of_one(flat, GRAPH_Sin, node, node->in[0]),
                     of_one(flat, GRAPH_Cos, node, node->in[0]));
}

GraphValue *flat_smallest_place(Flat *flat, const GraphNode *node) {
  if (graph_elem_is_whole(flat_type_of(flat, node->in[0])->elem)) return NULL;
  GraphValue *negative = of_one(flat, GRAPH_Neg, node, node->in[0]);
  if (!negative) return NULL;
  GraphNode *largest = flat_like(flat, node, 1, &negative);
  largest->op = GRAPH_ArgMax;
  return flat_typed(flat, largest);
}

/* A reduction along n axes, which stay. */
static GraphValue *reduced(Flat *flat, GraphOp op, const GraphNode *like, GraphValue *x, int n,
                           const int64_t *axes) {
  if (!x) return NULL;
  GraphNode *node = flat_node(flat, op, like, 1, &x, 1);
  graph_set_ints(flat->graph, node, GRAPH_ATTR_axes, n, axes);
  graph_set_int(flat->graph, node, GRAPH_ATTR_keepdims, 1);
  return flat_typed(flat, node);
}

/* A maximum that is infinite counts as the largest number, so that its difference to x is one. */
GraphValue *flat_log_of_sum(Flat *flat, const GraphNode *node) {
  const double largest = 3.4028234663852886e38;
  const GraphAttribute *said = graph_attribute(node, GRAPH_ATTR_axes);
  GraphValue *x = node->in[0];
  int rank = flat_type_of(flat, x)->rank, n = 0;
  int64_t axes[GRAPH_MAX_RANK];
  for (int i = 0; said && i < said->n && n < rank; i++)
    axes[n++] = said->i[i];
  for (int i = (int)graph_int(node, GRAPH_ATTR_axis, 0); !said && i >= 0 && i < rank; i++)
    axes[n++] = i;
  GraphValue *most = n ? reduced(flat, GRAPH_ReduceMax, node, x, n, axes) : NULL;
  if (!most) return NULL;
  GraphNode *clip = flat_node(flat, GRAPH_Clip, node, 1, &most, 1);
  graph_set_number(flat->graph, clip, GRAPH_ATTR_low, -largest);
  graph_set_number(flat->graph, clip, GRAPH_ATTR_high, largest);
  GraphValue *m = flat_typed(flat, clip);
  GraphValue *powers = of_one(flat, GRAPH_Exp, node, flat_of_two(flat, GRAPH_Sub, node, x, m));
  GraphValue *sum = reduced(flat, GRAPH_ReduceSum, node, powers, n, axes);
  GraphValue *y = flat_of_two(flat, GRAPH_Add, node, of_one(flat, GRAPH_Log, node, sum), m);
  if (!y || graph_int(node, GRAPH_ATTR_keepdims, 1)) return y;
  GraphNode *squeeze = flat_node(flat, GRAPH_Squeeze, node, 1, &y, 1);
  graph_set_ints(flat->graph, squeeze, GRAPH_ATTR_axes, n, axes);
  return flat_typed(flat, squeeze);
}

GraphValue *flat_cumulated(Flat *flat, const GraphNode *node) {
  bool reverse = graph_int(node, GRAPH_ATTR_reverse, 0),
       other = graph_int(node, GRAPH_ATTR_exclusive, 0);
  const GraphTensor *t = flat_type_of(flat, node->in[0]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0), pads[2 * GRAPH_MAX_RANK] = {0};
  GraphValue *x = node->in[0];
  if (!reverse && !other) return NULL;
  if (axis < 0) axis += t->rank;
  int64_t size = t->dim[axis];
  if (reverse) x = flat_reversed(flat, node, x, axis);
  pads[axis] = 1;
  if (other) x = flat_of_two(flat, GRAPH_Pad, node, x, flat_ints(flat, 2 * t->rank, pads));
  if (other && x) x = flat_rows(flat, node, x, axis, 0, size, 1);
  if (!x) return NULL;
  GraphNode *sum = flat_node(flat, GRAPH_CumSum, node, 1, &x, 1);
  graph_set_int(flat->graph, sum, GRAPH_ATTR_axis, axis);
  GraphValue *y = flat_typed(flat, sum);
  return y && reverse ? flat_reversed(flat, node, y, axis) : y;
}
