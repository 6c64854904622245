/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants of several numbers, as operands that no stage has. In, a flat graph whose cells are
 * found; out, the same values, with each constant c added to a value, which a stage does:
 *
 *   Concat(x, c, y)          Concat(Pad(x), y) + [0 c 0]
 *   x > c                    x - c > 0
 *   x + c, larger than x     Expand(x) + c, and the same for other operators of two operands
 *   Max(x, c)                Max(x, Clip(x, 0, 0) + c), and the same for Min
 *   Where(x > y, a, c)       Where(x > y, a, a' + c), where a' = Clip(a, 0, 0) is 0 for every a
 *   Where(c, a, b)           Where(a' + c > 1/2, a, b) */
#include "import/lift/flat.h"
#include "import/lift/lift.h"
#include "import/lift/relate.h"

#include <string.h>

static bool is_of_reals(const Flat *flat, const GraphValue *value) {
  return flat_type_of(flat, value)->elem == GRAPH_FLOAT;
}

/* Whether a value is a constant whose numbers differ. */
static bool is_uneven(const Flat *flat, const GraphValue *value) {
  const GraphTensor *t = flat_type_of(flat, value);
  return graph_known(t) && t->count && !tensor_is_one_number(t);
}

/* The constant as a value: Clip(x, 0, 0) + c. */
static GraphValue *spread_like(Flat *flat, const GraphNode *node, GraphValue *x,
                               const GraphTensor *c) {
  GraphNode *none = flat_node(flat, GRAPH_Clip, node, 1, &x, 1);
  double *data;
  graph_set_number(flat->graph, none, GRAPH_ATTR_low, 0);
  graph_set_number(flat->graph, none, GRAPH_ATTR_high, 0);
  GraphTensor *reals = graph_tensor(flat->graph->numbers, GRAPH_FLOAT, c->rank, c->dim, &data);
  for (int64_t i = 0; i < c->count; i++)
    data[i] = graph_at(c, i);
  return flat_of_two(flat, GRAPH_Add, node, flat_typed(flat, none), flat_constant(flat, "", reals));
}

/* ---- Where ---- */

static GraphValue *compared(Flat *flat, const GraphNode *node) {
  int k = is_uneven(flat, node->in[0]) ? 0 : 1;
  if (!is_uneven(flat, node->in[k]) || !is_of_reals(flat, node->in[k]) ||
      graph_known(flat_type_of(flat, node->in[1 - k])))
    return NULL;
  GraphValue *in[2], *zero = flat_number(flat, 0);
  in[1 - k] = flat_of_two(flat, GRAPH_Sub, node, node->in[1 - k], node->in[k]);
  in[k] = zero;
  return flat_of_two(flat, node->op, node, in[0], in[1]);
}

/* An operand with the shape of the result, of the Where or of its comparison; NULL: none has it. */
static GraphValue *whole_operand(const Flat *flat, const GraphNode *node) {
  const GraphTensor *y = flat_type_of(flat, node->out[0]);
  const GraphNode *is = node->in[0]->node;
  GraphValue *from[4] = {node->in[1], node->in[2], flat_compares(is) ? is->in[0] : NULL,
                         flat_compares(is) ? is->in[1] : NULL};
  for (int i = 0; i < 4; i++)
    if (from[i] && !graph_known(flat_type_of(flat, from[i])) && is_of_reals(flat, from[i]) &&
        graph_same_shape(flat_type_of(flat, from[i]), y))
      return from[i];
  return NULL;
}

static GraphValue *chosen(Flat *flat, const GraphNode *node) {
  bool by_constant = is_uneven(flat, node->in[0]);
  bool uneven = by_constant || is_uneven(flat, node->in[1]) || is_uneven(flat, node->in[2]);
  GraphValue *whole = uneven && is_of_reals(flat, node->out[0]) ? whole_operand(flat, node) : NULL;
  if (!whole || !(by_constant || flat_compares(node->in[0]->node))) return NULL;
  GraphValue *in[3] = {node->in[0], node->in[1], node->in[2]};
  for (int k = 0; k < 3; k++)
    if (is_uneven(flat, in[k])) in[k] = spread_like(flat, node, whole, flat_type_of(flat, in[k]));
  if (by_constant)
    in[0] = in[0] ? flat_of_two(flat, GRAPH_Greater, node, in[0], flat_number(flat, 0.5)) : NULL;
  for (int k = 0; k < 3; k++)
    if (!in[k]) return NULL;
  return flat_typed(flat, flat_node(flat, GRAPH_Where, node, 3, in, 1));
}

/* ---- operators of two operands ---- */

/* The operator with the value expanded to the shape of the result, which is that of its constant.
 */
static GraphValue *enlarged(Flat *flat, const GraphNode *node) {
  const GraphTensor *y = flat_type_of(flat, node->out[0]);
  int k = graph_known(flat_type_of(flat, node->in[0])) ? 1 : 0;
  GraphValue *in[2] = {node->in[0], node->in[1]};
  if (graph_known(flat_type_of(flat, in[k])) || !graph_known(flat_type_of(flat, in[1 - k])) ||
      !is_of_reals(flat, in[k]) || flat_type_of(flat, in[k])->count == y->count)
    return NULL;
  in[k] = flat_of_two(flat, GRAPH_Expand, node, in[k], flat_ints(flat, y->rank, y->dim));
  return flat_of_two(flat, node->op, node, in[0], in[1]);
}

/* The larger or smaller of a value and a constant of several numbers. */
static GraphValue *limited(Flat *flat, const GraphNode *node) {
  int k = graph_known(flat_type_of(flat, node->in[0])) ? 1 : 0;
  GraphValue *in[2] = {node->in[0], node->in[1]}, *larger = enlarged(flat, node);
  if (larger || !is_uneven(flat, in[1 - k]) || graph_known(flat_type_of(flat, in[k])) ||
      !is_of_reals(flat, in[k]))
    return larger;
  in[1 - k] = spread_like(flat, node, in[k], flat_type_of(flat, in[1 - k]));
  return in[1 - k] ? flat_of_two(flat, node->op, node, in[0], in[1]) : NULL;
}

/* ---- Concat ---- */

/* x with zeros before and after it along an axis. */
static GraphValue *between_zeros(Flat *flat, const GraphNode *node, GraphValue *x, int axis,
                                 int64_t before, int64_t after) {
  int rank = flat_type_of(flat, x)->rank;
  int64_t pads[2 * GRAPH_MAX_RANK] = {0};
  if (!before && !after) return x;
  pads[axis] = before;
  pads[rank + axis] = after;
  return flat_of_two(flat, GRAPH_Pad, node, x, flat_ints(flat, 2 * rank, pads));
}

/* A tensor of the size of the result of a Concat: its constants at their places, and zeros
 * elsewhere.
 */
static const GraphTensor *constants_of(Flat *flat, const GraphNode *node, int axis) {
  const GraphTensor *y = flat_type_of(flat, node->out[0]);
  int64_t dim[GRAPH_MAX_RANK], inner = 1, outer = 1, at = 0;
  double *data;
  for (int i = 0; i < y->rank; i++) {
    dim[i] = y->dim[i];
    if (i > axis)
      inner *= dim[i];
    else if (i < axis)
      outer *= dim[i];
  }
  GraphTensor *all = graph_tensor(flat->graph->numbers, GRAPH_FLOAT, y->rank, dim, &data);
  memset(data, 0, sizeof *data * (size_t)y->count);
  for (int k = 0; k < node->n_in; k++) {
    const GraphTensor *t = flat_type_of(flat, node->in[k]);
    int64_t run = t->dim[axis] * inner;
    for (int64_t i = 0; graph_known(t) && i < outer; i++)
      for (int64_t e = 0; e < run; e++)
        data[(i * dim[axis] + at) * inner + e] = graph_at(t, i * run + e);
    at += t->dim[axis];
  }
  return all;
}

static GraphValue *joined(Flat *flat, const GraphNode *node) {
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), values = 0, n = 0;
  bool constants = false, zero = true;
  for (int k = 0; k < node->n_in; k++) {
    const GraphTensor *t = flat_type_of(flat, node->in[k]);
    values += !graph_known(t);
    constants = constants || graph_known(t);
    for (int64_t i = 0; graph_known(t) && i < t->count; i++)
      zero = zero && graph_at(t, i) == 0;
  }
  if (!constants || !values || !is_of_reals(flat, node->out[0]) || (zero && values == 1))
    return NULL; /* zeros around one value become pads */
  GraphValue **in = ARENA_ARRAY(flat->arena, GraphValue *, node->n_in);
  int64_t before = 0;
  for (int k = 0; k < node->n_in; k++) {
    int64_t after = 0;
    if (graph_known(flat_type_of(flat, node->in[k]))) { /* constants after a value are its pads */
      before += n ? 0 : flat_type_of(flat, node->in[k])->dim[axis];
      continue;
    }
    for (int i = k + 1; i < node->n_in && graph_known(flat_type_of(flat, node->in[i])); i++)
      after += flat_type_of(flat, node->in[i])->dim[axis];
    in[n] = between_zeros(flat, node, node->in[k], axis, before, after);
    before = 0;
    if (!in[n++]) return NULL;
  }
  GraphValue *y = in[0];
  if (n > 1) {
    GraphNode *join = flat_node(flat, GRAPH_Concat, node, n, in, 1);
    graph_set_int(flat->graph, join, GRAPH_ATTR_axis, axis);
    y = flat_typed(flat, join);
  }
  const GraphTensor *all = constants_of(flat, node, axis);
  return zero ? y : flat_of_two(flat, GRAPH_Add, node, y, flat_constant(flat, "", all));
}

static bool rewrite(Flat *flat, GraphNode *node) {
  static GraphValue *(*const rule[GRAPH_OP_COUNT])(Flat *, const GraphNode *) = {
      [GRAPH_Where] = chosen,          [GRAPH_Concat] = joined, [GRAPH_Greater] = compared,
      [GRAPH_GreaterEqual] = compared, [GRAPH_Less] = compared, [GRAPH_LessEqual] = compared,
      [GRAPH_Add] = enlarged,          [GRAPH_Sub] = enlarged,  [GRAPH_Mul] = enlarged,
      [GRAPH_Div] = enlarged,          [GRAPH_Max] = limited,   [GRAPH_Min] = limited,
  };
  if (!rule[node->op] || (node->op == GRAPH_Concat && flat_is_window(flat, node->out[0])))
    return false;
  GraphValue *y = rule[node->op](flat, node);
  if (y) flat_replace(flat, node->out[0], y);
  return y != NULL;
}

bool lift_constants_beside(Flat *flat) {
  return flat_each(flat, rewrite);
}
