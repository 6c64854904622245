/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention that a file writes as several operators. In, a flat graph before its axes are known;
 * out, the same values, with one Attention for
 *
 *   softmax(scale * q k^T + mask) v,   or with scores that are sums (attended_sums.c)
 *
 * The scale may be on the queries, the keys or the scores. The product of the scores may have the
 * keys first, with a softmax over its rows, and the result may be transposed. The mask may hide
 * later positions. The Attention takes the place of the last product. */
#include "import/lift/lift.h"

#include <math.h>
#include <string.h>

enum { CHAIN_MAX = 8 };
static const double hidden = -1e4; /* a mask that adds this number or less hides a position */

static const GraphTensor *type_of(const Flat *flat, const GraphValue *value) {
  return flat_type_of(flat, value);
}

/* If one operand of a Mul or a Div is one constant number: the other operand, and in *number what
 * it is multiplied by. NULL: no operand is. */
static GraphValue *with_number(const Flat *flat, const GraphNode *node, double *number) {
  for (int i = 0; i < 2; i++) {
    const GraphTensor *t = type_of(flat, node->in[i]);
    if (!graph_known(t) || t->count != 1 || graph_known(type_of(flat, node->in[1 - i]))) continue;
    if (i == 0 && node->op == GRAPH_Div) continue;
    *number = node->op == GRAPH_Div ? 1 / graph_at(t, 0) : graph_at(t, 0);
    return node->in[1 - i];
  }
  return NULL;
}

static bool is_move(const Flat *flat, const GraphNode *node) {
  bool told = node->op == GRAPH_Reshape && graph_known(type_of(flat, node->in[1]));
  return told || node->op == GRAPH_Transpose || node->op == GRAPH_Identity ||
         node->op == GRAPH_Unsqueeze || node->op == GRAPH_Squeeze;
}

/* A value without the number by which it is multiplied, before moves or after them. *factor is
 * multiplied by that number. */
static GraphValue *unscaled(Flat *flat, GraphValue *value, double *factor, int depth) {
  GraphNode *node = value->node;
  double number;
  if (!node || depth == CHAIN_MAX) return value;
  if (node->op == GRAPH_Mul || node->op == GRAPH_Div) {
    GraphValue *x = with_number(flat, node, &number);
    if (!x || type_of(flat, x)->rank != type_of(flat, value)->rank) return value;
    *factor *= number;
    return unscaled(flat, x, factor, depth + 1);
  }
  if (!is_move(flat, node)) return value;
  GraphValue *inner = unscaled(flat, node->in[0], factor, depth + 1);
  if (inner == node->in[0]) return value;
  GraphValue **in = ARENA_ARRAY(flat->arena, GraphValue *, node->n_in);
  const char *fault;
  memcpy(in, node->in, sizeof *in * (size_t)node->n_in);
  in[0] = inner;
  GraphNode *moved = flat_node(flat, node->op, node, node->n_in, in, 1);
  moved->attribute = node->attribute;
  moved->n_attributes = node->n_attributes;
  flat_type(flat, moved, &fault); /* the same shapes as before */
  return moved->out[0];
}

/* The order of axes that exchanges the last two. */
static void turn(int rank, int64_t *perm) {
  for (int i = 0; i < rank; i++)
    perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
}

static bool is_turn(const Flat *flat, const GraphNode *node) {
  const GraphAttribute *perm = graph_attribute(node, GRAPH_ATTR_perm);
  int rank = type_of(flat, node->in[0])->rank;
  int64_t want[GRAPH_MAX_RANK];
  turn(rank, want);
  if (node->op != GRAPH_Transpose || rank < 2) return false;
  if (!perm) return rank == 2;
  return perm->n == rank && memcmp(perm->i, want, sizeof *want * (size_t)rank) == 0;
}

static GraphValue *turned(Flat *flat, const GraphNode *like, GraphValue *x) {
  int64_t perm[GRAPH_MAX_RANK];
  int rank = type_of(flat, x)->rank;
  if (x->node && is_turn(flat, x->node)) return x->node->in[0];
  turn(rank, perm);
  return flat_transposed(flat, like, x, rank, perm);
}

/* Whether a constant that is added to the scores hides nothing, or all later positions, which sets
 * *causal. False: it does something else. swapped: the rows of the scores are keys. */
static bool mask_says(const GraphTensor *t, int64_t n, bool swapped, bool *causal) {
  bool none = true, later = t->rank >= 2 && t->dim[t->rank - 1] == n && t->dim[t->rank - 2] == n;
  for (int64_t i = 0; i < t->count; i++) {
    int64_t column = i % n, row = i / n % n;
    bool is_later = swapped ? row > column : column > row;
    none = none && graph_at(t, i) == 0;
    later = later && (is_later ? graph_at(t, i) <= hidden : graph_at(t, i) == 0);
  }
  *causal = *causal || (later && !none);
  return none || later;
}

/* The value before moves that change only leading axes, and keep the rows and columns: exporters
 * merge samples and heads before a product of many axes. */
static GraphValue *regrouped(const Flat *flat, GraphValue *value) {
  const GraphTensor *t = type_of(flat, value), *from;
  GraphValue *x = value;
  while (x->node && x->node->op != GRAPH_Transpose && is_move(flat, x->node))
    x = x->node->in[0];
  from = type_of(flat, x);
  bool same = t->rank >= 2 && from->rank >= 2 &&
              memcmp(t->dim + t->rank - 2, from->dim + from->rank - 2, 2 * sizeof *t->dim) == 0;
  return same ? x : value;
}

/* The scores that a mask leaves where it does not choose a large negative number; NULL: the node is
 * another. */
static GraphValue *chosen_scores(const Flat *flat, const GraphNode *node, bool swapped,
                                 bool *causal) {
  if (node->op != GRAPH_Where) return NULL;
  const GraphTensor *c = type_of(flat, node->in[0]), *y = type_of(flat, node->out[0]);
  for (int k = 1; graph_known(c) && k <= 2; k++) {
    const GraphTensor *far = type_of(flat, node->in[3 - k]);
    if (!graph_known(far) || far->count != 1 || !(graph_at(far, 0) <= hidden) ||
        graph_known(type_of(flat, node->in[k])))
      continue;
    GraphTensor mask = *c;
    double *data = ARENA_ARRAY(flat->arena, double, c->count + 1);
    for (int64_t i = 0; i < c->count; i++)
      data[i] = (graph_at(c, i) != 0) == (k == 1) ? 0 : graph_at(far, 0);
    mask.wide = data;
    mask.narrow = NULL;
    if (mask_says(&mask, y->dim[y->rank - 1], swapped, causal)) return node->in[k];
  }
  return NULL;
}

/* The scores before a scale, which *factor is multiplied by, and a mask. NULL: they are an input,
 * or too many nodes follow them. */
static const GraphValue *scores(const Flat *flat, GraphValue *value, bool swapped, double *factor,
                                bool *causal) {
  for (int depth = 0; depth < CHAIN_MAX && value->node; depth++) {
    GraphNode *node = value->node;
    const GraphTensor *t = type_of(flat, value);
    GraphValue *x = NULL;
    double number;
    if (node->op == GRAPH_Identity) x = node->in[0];
    if (node->op == GRAPH_Mul || node->op == GRAPH_Div) {
      x = with_number(flat, node, &number);
      if (x) *factor *= number;
    }
    for (int i = 0; node->op == GRAPH_Add && i < 2; i++) {
      const GraphTensor *mask = type_of(flat, node->in[i]);
      if (!x && graph_known(mask) && !graph_known(type_of(flat, node->in[1 - i])) &&
          mask_says(mask, t->dim[t->rank - 1], swapped, causal))
        x = node->in[1 - i];
    }
    if (!x) x = chosen_scores(flat, node, swapped, causal);
    if (!x || type_of(flat, x)->count != t->count) return regrouped(flat, value);
    value = x;
  }
  return NULL;
}

/* The Softmax that made the weights `value`. *columns gets whether the queries are the columns of
 * `value`. NULL: it is no Softmax along one of the last two axes. */
static const GraphNode *weights(const Flat *flat, GraphValue *value, bool *columns) {
  const GraphNode *node = regrouped(flat, value)->node;
  *columns = false;
  if (node && is_turn(flat, node)) {
    *columns = true;
    node = node->in[0]->node;
  }
  if (!node || node->op != GRAPH_Softmax) return NULL;
  int rank = type_of(flat, node->out[0])->rank;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, -1);
  if (axis < 0) axis += rank;
  if (rank < 2 || axis < rank - 2) return NULL;
  if (axis == rank - 2) *columns = !*columns;
  return node;
}

/* Whether queries [.., t, d], keys [.., s, d] and values [.., s, e] have the same leading axes. */
static bool fit(const Flat *flat, const GraphValue *const *in) {
  const GraphTensor *q = type_of(flat, in[0]), *k = type_of(flat, in[1]), *v = type_of(flat, in[2]);
  if (q->rank < 2 || k->rank != q->rank || v->rank != q->rank || graph_known(q) || graph_known(k) ||
      graph_known(v))
    return false;
  for (int i = 0; i + 2 < q->rank; i++)
    if (q->dim[i] != k->dim[i] || q->dim[i] != v->dim[i]) return false;
  return true;
}

/* Sets in[] to the queries, keys and values, where the scores are a product. */
static bool of_product(Flat *flat, GraphNode *node, int side, const GraphNode *product,
                       bool swapped, double *factor, GraphValue **in) {
  int rank = type_of(flat, product->out[0])->rank;
  if (type_of(flat, product->in[0])->rank != rank || type_of(flat, product->in[1])->rank != rank)
    return false;
  GraphValue *a = unscaled(flat, product->in[0], factor, 0),
             *b = unscaled(flat, product->in[1], factor, 0), *v = node->in[1 - side];
  in[0] = swapped ? turned(flat, product, b) : a;
  in[1] = swapped ? a : turned(flat, product, b);
  in[2] = side == 1 ? turned(flat, node, v) : v;
  return true;
}

/* Makes an Attention of the product with the values. side: its operand that has the weights. False:
 * it is another product. */
static bool attend(Flat *flat, GraphNode *node, int side) {
  bool columns, causal = false;
  double factor = 1;
  const GraphNode *softmax = weights(flat, node->in[side], &columns);
  if (!softmax || columns != (side == 1)) return false;
  int rank = type_of(flat, softmax->out[0])->rank;
  int64_t axis = graph_int(softmax, GRAPH_ATTR_axis, -1);
  bool swapped = (axis < 0 ? axis + rank : axis) == rank - 2; /* rows of the scores are keys */
  const GraphValue *bare = scores(flat, softmax->in[0], swapped, &factor, &causal);
  if (!bare || !bare->node) return false;
  GraphValue *in[4] = {NULL, NULL, node->in[1 - side]};
  bool product = bare->node->op == GRAPH_MatMul;
  bool found = product ? of_product(flat, node, side, bare->node, swapped, &factor, in)
                       : !swapped && side == 0 && lift_attended_sums(flat, bare, factor, in);
  if (!found || !fit(flat, (const GraphValue *const *)in)) return false;
  if (!product) factor = 1;
  GraphNode *made = flat_node(flat, GRAPH_Attention, node, product ? 3 : 4, in, 1);
  graph_set_number(flat->graph, made, GRAPH_ATTR_factor, factor);
  graph_set_int(flat->graph, made, GRAPH_ATTR_causal, causal);
  GraphValue *y = flat_typed(flat, made);
  if (y && side == 1) y = turned(flat, node, y);
  if (!y) return false;
  flat_replace(flat, node->out[0], y);
  return true;
}

static bool attend_either(Flat *flat, GraphNode *node) {
  return node->op == GRAPH_MatMul && (attend(flat, node, 0) || attend(flat, node, 1));
}

void lift_attended(Flat *flat) {
  flat_each(flat, attend_either);
}
