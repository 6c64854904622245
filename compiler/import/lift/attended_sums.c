/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention whose scores are sums. In, scores [.., t, s] in a flat graph; out, the queries
 * [.., t, d], keys [.., s, d] and the scale [d] of
 *
 *   sum over d of scale tanh(c (q[t] + k[s]))
 *
 * The sum may be a ReduceSum or a product with a matrix of one column. A number that is added to
 * all scores changes no weight of the softmax, so it is left out. Queries and keys are multiplied
 * by c. */
#include "import/lift/lift.h"

static const GraphTensor *type_of(const Flat *flat, const GraphValue *value) {
  return flat_type_of(flat, value);
}

static GraphNode *made_by(const GraphValue *value, GraphOp op) {
  return value->node && value->node->op == op ? value->node : NULL;
}

/* If one operand of a node is a constant, which *constant gets: the other operand. NULL: none is.
 */
static GraphValue *beside_constant(const Flat *flat, const GraphNode *node,
                                   const GraphTensor **constant) {
  for (int i = 0; node && i < 2; i++) {
    const GraphTensor *t = type_of(flat, node->in[i]);
    if (!graph_known(t) || graph_known(type_of(flat, node->in[1 - i]))) continue;
    *constant = t;
    return node->in[1 - i];
  }
  return NULL;
}

/* Whether a constant is one number, or one for each of the d elements of the last axis. */
static bool is_scale(const GraphTensor *t, int64_t d) {
  return t->count == 1 || (t->count == d && t->rank > 0 && t->dim[t->rank - 1] == d);
}

/* For a ReduceSum over the last axis: its operand without the scale, which *scale gets if there is
 * one. NULL: the node sums over other axes. */
static GraphValue *summed(const Flat *flat, const GraphNode *sum, const GraphTensor **scale) {
  const GraphAttribute *axes = graph_attribute(sum, GRAPH_ATTR_axes);
  GraphValue *x = sum->in[0];
  const GraphTensor *t = type_of(flat, x), *found;
  if (!axes || axes->n != 1 || axes->i[0] != t->rank - 1 ||
      graph_int(sum, GRAPH_ATTR_keepdims, 0) || t->rank < 1)
    return NULL;
  GraphValue *bare = beside_constant(flat, made_by(x, GRAPH_Mul), &found);
  if (!bare || !is_scale(found, t->dim[t->rank - 1])) return x;
  *scale = found;
  return bare;
}

/* The same for a product with a matrix of one column. moved: the node that removes its axis of 1.
 */
static GraphValue *multiplied(const Flat *flat, const GraphNode *moved, const GraphTensor **scale) {
  GraphValue *x = moved->in[0];
  const GraphTensor *t = type_of(flat, x), *added;
  if (t->rank != type_of(flat, moved->out[0])->rank + 1 || t->dim[t->rank - 1] != 1) return NULL;
  for (int i = 0; i < t->rank - 1; i++)
    if (t->dim[i] != type_of(flat, moved->out[0])->dim[i]) return NULL;
  GraphValue *bare = beside_constant(flat, made_by(x, GRAPH_Add), &added);
  GraphNode *product = made_by(bare && added->count == 1 ? bare : x, GRAPH_MatMul);
  if (!product) return NULL;
  const GraphTensor *column = type_of(flat, product->in[1]);
  if (!graph_known(column) || column->rank != 2 || column->dim[1] != 1) return NULL;
  *scale = column;
  return product->in[0];
}

/* x without its axis of 1, times c. */
static GraphValue *without_axis(Flat *flat, const GraphNode *like, GraphValue *x, int axis,
                                double c) {
  int64_t axes[] = {axis};
  double *number;
  GraphNode *node = flat_node(flat, GRAPH_Squeeze, like, 1, &x, 1);
  graph_set_ints(flat->graph, node, GRAPH_ATTR_axes, 1, axes);
  GraphValue *out = flat_typed(flat, node);
  if (!out || c == 1) return out;
  const GraphTensor *t = graph_tensor(flat->arena, GRAPH_FLOAT, 0, NULL, &number);
  *number = c;
  GraphValue *both[] = {out, flat_constant(flat, "scale", t)};
  return flat_typed(flat, flat_node(flat, GRAPH_Mul, like, 2, both, 1));
}

/* Whether x has the axes of `sum`, [.., t, s, d], but the size 1 for axis `without`. */
static bool is_part(const Flat *flat, const GraphValue *x, const GraphTensor *sum, int without) {
  const GraphTensor *t = type_of(flat, x);
  bool same = t->rank == sum->rank && !graph_known(t);
  for (int i = 0; same && i < sum->rank; i++)
    same = t->dim[i] == (i == without ? 1 : sum->dim[i]);
  return same;
}

/* The scale [d] times a factor. from: one number, one for each element, or NULL for ones. */
static GraphValue *scale_of(Flat *flat, const GraphTensor *from, int64_t d, double factor) {
  double *data;
  const GraphTensor *scale = graph_tensor(flat->arena, GRAPH_FLOAT, 1, &d, &data);
  if (!scale) return NULL;
  for (int64_t i = 0; i < d; i++)
    data[i] = factor * (!from ? 1 : graph_at(from, from->count == 1 ? 0 : i));
  return flat_constant(flat, "scale", scale);
}

bool lift_attended_sums(Flat *flat, const GraphValue *scores, double factor, GraphValue **in) {
  GraphNode *last = scores->node;
  const GraphTensor *scale = NULL, *number = NULL;
  bool moves = last->op == GRAPH_Squeeze || last->op == GRAPH_Reshape;
  if (last->op != GRAPH_ReduceSum && !moves) return false;
  GraphValue *bent = moves ? multiplied(flat, last, &scale) : summed(flat, last, &scale);
  GraphNode *tanh_node = bent ? made_by(bent, GRAPH_Tanh) : NULL;
  if (!tanh_node) return false;
  GraphValue *sum = tanh_node->in[0];
  GraphValue *bare = beside_constant(flat, made_by(sum, GRAPH_Mul), &number);
  if (bare && number->count == 1) sum = bare;
  double c = bare && number->count == 1 ? graph_at(number, 0) : 1;
  GraphNode *add = made_by(sum, GRAPH_Add);
  const GraphTensor *whole = type_of(flat, sum);
  int rank = whole->rank;
  if (!add || rank < 3 || rank != type_of(flat, scores)->rank + 1) return false;
  for (int i = 0; i < 2; i++) {
    GraphValue *query = add->in[i], *key = add->in[1 - i];
    if (!is_part(flat, query, whole, rank - 2) || !is_part(flat, key, whole, rank - 3)) continue;
    in[0] = without_axis(flat, add, query, rank - 2, c);
    in[1] = without_axis(flat, add, key, rank - 3, c);
    in[3] = scale_of(flat, scale, whole->dim[rank - 1], factor);
    return in[0] && in[1] && in[3];
  }
  return false;
}
