/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that no stage computes, by others. In, a node of a flat graph; out, the same value:
 *
 *   AvgPool that counts the zeros of its padding    Pad, and AvgPool without padding
 *   Where, by one constant for all elements         the operand that it takes
 *   Pow of one number b > 0                         b^x = e^(x log b)
 *   Mod, FloorDiv of real numbers                   a - b floor(a / b), floor(a / b) */
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
