/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms and functions that a file writes as several small operators. In, a flat graph; out, the
 * same values, in which each of these is one operator:
 *
 *   (x - mean) / sqrt(mean((x - mean)^2) + eps)   is a LayerNorm over the axes of the mean
 *   x f + (b - mean f), f = c / sqrt(variance + eps)   is one with its scale and centre
 *   x * sigmoid(x), x * tanh(softplus(x)), x * hard_sigmoid(x), x * clip(x + 3, 0, 6) / 6,
 *   x * (1 + erf(x / sqrt 2)) / 2                 are Silu, Mish, HardSwish and Gelu
 *   clip(x + 3, 0, 6) / 6, x / (1 + |x|)          are HardSigmoid and Softsign
 *   a part of sigmoid(x)                          is the sigmoid of a part of x
 *   x [.., 1] * c [n]                             is the MatMul of x and c [1, n]
 *
 * The node of the last operation becomes the new operator, so that the order of nodes stays. */
#include "import/lift/lift.h"

#include <math.h>
#include <string.h>

static const double close_to = 1e-6;

/* Whether a value is a constant all of whose elements are one number, which *out gets. */
static bool is_number(const Flat *flat, const GraphValue *value, double *out) {
  const GraphTensor *t = flat_known(flat, value);
  for (int64_t i = 1; t && i < t->count; i++)
    if (graph_at(t, i) != graph_at(t, 0)) return false;
  if (!t || !t->count) return false;
  *out = graph_at(t, 0);
  return true;
}

static bool is_near(const Flat *flat, const GraphValue *value, double number) {
  double x;
  return is_number(flat, value, &x) && fabs(x - number) <= close_to * fmax(1, fabs(number));
}

/* The node that makes a value; NULL: it has another operator. */
static const GraphNode *made_by(const GraphValue *value, GraphOp op) {
  return value && value->node && value->node->op == op ? value->node : NULL;
}

/* The other operand of a node with two, if one of them is `one`; NULL: none is. */
static GraphValue *beside(const GraphNode *node, const GraphValue *one) {
  return node->in[0] == one ? node->in[1] : node->in[1] == one ? node->in[0] : NULL;
}

/* The operand of a node with two that varies, if the other one is this number; NULL: it is not. */
static GraphValue *with_number(const Flat *flat, const GraphNode *node, double number) {
  for (int i = 0; node && i < 2; i++)
    if (is_near(flat, node->in[i], number) && !flat_known(flat, node->in[1 - i]))
      return node->in[1 - i];
  return NULL;
}

/* The x of op(x), or of x^exponent, that a value is; NULL: it is neither. */
static GraphValue *power_of(const Flat *flat, const GraphValue *value, GraphOp op,
                            double exponent) {
  const GraphNode *node = made_by(value, op);
  if (node) return node->in[0];
  node = made_by(value, GRAPH_Pow);
  return node && is_near(flat, node->in[1], exponent) ? node->in[0] : NULL;
}

static GraphValue *squared(const Flat *flat, const GraphValue *value) {
  const GraphNode *node = made_by(value, GRAPH_Mul);
  return node && node->in[0] == node->in[1] ? node->in[0] : power_of(flat, value, GRAPH_Square, 2);
}

/* ---- norms ---- */

/* Whether two nodes reduce the same axes and leave them as axes of size 1. */
static bool same_axes(const GraphNode *a, const GraphNode *b) {
  const GraphAttribute *one = graph_attribute(a, GRAPH_ATTR_axes),
                       *two = graph_attribute(b, GRAPH_ATTR_axes);
  if (!one || !two || one->n != two->n || !graph_int(a, GRAPH_ATTR_keepdims, 0) ||
      !graph_int(b, GRAPH_ATTR_keepdims, 0))
    return false;
  for (int i = 0; i < one->n; i++)
    if (one->i[i] != two->i[i]) return false;
  return true;
}

/* If a value is x - mean(x): the node of the mean; NULL: it is not. *x gets x. */
static const GraphNode *centred(const GraphValue *value, GraphValue **x) {
  const GraphNode *sub = made_by(value, GRAPH_Sub),
                  *mean = sub ? made_by(sub->in[1], GRAPH_ReduceMean) : NULL;
  if (!mean || mean->in[0] != sub->in[0]) return NULL;
  *x = sub->in[0];
  return mean;
}

/* Whether a value is mean((x - mean(x))^2) + eps, over the axes of `mean`. */
static bool variance_of(const Flat *flat, const GraphValue *value, const GraphValue *x,
                        const GraphNode *mean, double *eps) {
  const GraphNode *add = made_by(value, GRAPH_Add), *spread = NULL;
  for (int i = 0; add && i < 2; i++)
    if (is_number(flat, add->in[i], eps)) spread = made_by(add->in[1 - i], GRAPH_ReduceMean);
  GraphValue *difference = spread ? squared(flat, spread->in[0]) : NULL, *of = NULL;
  const GraphNode *own = difference ? centred(difference, &of) : NULL;
  return own && of == x && *eps > 0 && same_axes(spread, mean) && same_axes(own, mean);
}

/* The x of 1 / sqrt(x) that a value is; NULL: it is not. */
static GraphValue *inverse_root(const Flat *flat, const GraphValue *value) {
  const GraphNode *node = made_by(value, GRAPH_Reciprocal), *div = made_by(value, GRAPH_Div),
                  *pow = made_by(value, GRAPH_Pow);
  if (node) return power_of(flat, node->in[0], GRAPH_Sqrt, 0.5);
  if (div && is_near(flat, div->in[0], 1)) return power_of(flat, div->in[1], GRAPH_Sqrt, 0.5);
  return pow && is_near(flat, pow->in[1], -0.5) ? pow->in[0] : NULL;
}

/* The first axis of a mean over the last axes; -1: it is over others. */
static int trailing(const Flat *flat, const GraphNode *mean) {
  const GraphAttribute *axes = graph_attribute(mean, GRAPH_ATTR_axes);
  int rank = flat_type_of(flat, mean->in[0])->rank, first = rank;
  bool reduced[GRAPH_MAX_RANK] = {false};
  for (int i = 0; i < axes->n; i++)
    reduced[axes->i[i] < 0 ? axes->i[i] + rank : axes->i[i]] = true;
  while (first && reduced[first - 1])
    first--;
  return rank - first == axes->n ? first : -1;
}

/* Changes a node into an operator of x without attributes. */
static void become(Flat *flat, GraphNode *node, GraphOp op, GraphValue *x) {
  node->op = op;
  node->n_in = 1;
  node->in = ARENA_ARRAY(flat->arena, GraphValue *, 1);
  node->in[0] = x;
  node->n_attributes = 0;
}

/* Changes a node into the LayerNorm of x with this mean. */
static void become_norm(Flat *flat, GraphNode *node, GraphValue *x, const GraphNode *mean,
                        double eps) {
  become(flat, node, GRAPH_LayerNorm, x);
  graph_set_int(flat->graph, node, GRAPH_ATTR_axis, trailing(flat, mean));
  graph_set_number(flat->graph, node, GRAPH_ATTR_eps, eps);
}

static bool is_norm(Flat *flat, GraphNode *node) {
  for (int i = 0; i < (node->op == GRAPH_Div ? 1 : node->op == GRAPH_Mul ? 2 : 0); i++) {
    GraphValue *x = NULL, *other = node->in[1 - i];
    const GraphNode *mean = centred(node->in[i], &x);
    GraphValue *variance = !mean                   ? NULL
                           : node->op == GRAPH_Div ? power_of(flat, other, GRAPH_Sqrt, 0.5)
                                                   : inverse_root(flat, other);
    double eps = 0;
    if (!variance || !variance_of(flat, variance, x, mean, &eps) || trailing(flat, mean) < 0)
      continue;
    become_norm(flat, node, x, mean, eps);
    return true;
  }
  return false;
}

/* The x of 1 / sqrt(x), or of that times a constant, which *scale gets; NULL: the value is neither.
 */
static GraphValue *scaled_root(const Flat *flat, const GraphValue *value, GraphValue **scale) {
  const GraphNode *mul = made_by(value, GRAPH_Mul);
  *scale = NULL;
  for (int i = 0; mul && i < 2; i++) {
    if (!flat_known(flat, mul->in[i])) continue;
    *scale = mul->in[i];
    return inverse_root(flat, mul->in[1 - i]);
  }
  return inverse_root(flat, value);
}

/* The node of the mean, if a value is -mean * factor, or center - mean * factor; NULL: it is
 * neither. */
static const GraphNode *shift_of(const Flat *flat, const GraphValue *value,
                                 const GraphValue *factor, GraphValue **center) {
  const GraphNode *add = made_by(value, GRAPH_Add), *sub = made_by(value, GRAPH_Sub), *mul;
  *center = NULL;
  for (int i = 0; add && i < 2; i++) {
    if (!flat_known(flat, add->in[i])) continue;
    *center = add->in[i];
    value = add->in[1 - i];
  }
  if (sub && flat_known(flat, sub->in[0])) { /* center - (mean factor) */
    *center = sub->in[0];
    mul = made_by(sub->in[1], GRAPH_Mul);
    return mul ? made_by(beside(mul, factor), GRAPH_ReduceMean) : NULL;
  }
  const GraphNode *minus = made_by(value, GRAPH_Neg);
  mul = made_by(minus ? minus->in[0] : value, GRAPH_Mul);
  GraphValue *mean = mul ? beside(mul, factor) : NULL;
  if (!minus) {
    minus = made_by(mean, GRAPH_Neg);
    mean = minus ? minus->in[0] : NULL;
  }
  return made_by(mean, GRAPH_ReduceMean);
}

/* Whether a node is x * factor + (center - mean * factor), where the factor is
 * scale / sqrt(variance + eps). It becomes a LayerNorm. */
static bool is_affine_norm(Flat *flat, GraphNode *node) {
  for (int k = 0; node->op == GRAPH_Add && k < 4; k++) {
    const GraphNode *mul = made_by(node->in[k / 2], GRAPH_Mul);
    if (!mul) continue;
    GraphValue *x = mul->in[k % 2], *factor = mul->in[1 - k % 2], *in[3] = {x, NULL, NULL};
    GraphValue *variance = scaled_root(flat, factor, &in[1]);
    const GraphNode *mean = variance ? shift_of(flat, node->in[1 - k / 2], factor, &in[2]) : NULL;
    double eps = 0;
    if (!mean || mean->in[0] != x || !variance_of(flat, variance, x, mean, &eps) ||
        trailing(flat, mean) < 0)
      continue;
    become_norm(flat, node, x, mean, eps);
    node->in = ARENA_ARRAY(flat->arena, GraphValue *, 3);
    memcpy(node->in, in, sizeof in);
    node->n_in = 3;
    return true;
  }
  return false;
}

/* ---- functions ---- */

/* The operator that x * gate is, for a gate that is a function of x; Identity: it is none. */
static GraphOp gate_of(const GraphValue *gate, const GraphValue *x) {
  const GraphNode *node = gate->node;
  if (!node) return GRAPH_Identity;
  if (node->op == GRAPH_Sigmoid && node->in[0] == x) return GRAPH_Silu;
  if (node->op == GRAPH_HardSigmoid && node->in[0] == x &&
      fabs(graph_number(node, GRAPH_ATTR_alpha, 0.2) - 1.0 / 6) < close_to &&
      fabs(graph_number(node, GRAPH_ATTR_beta, 0.5) - 0.5) < close_to)
    return GRAPH_HardSwish;
  const GraphNode *inner = node->op == GRAPH_Tanh ? made_by(node->in[0], GRAPH_Softplus) : NULL;
  return inner && inner->in[0] == x ? GRAPH_Mish : GRAPH_Identity;
}

/* Whether a value is 1 + erf(x / sqrt 2). */
static bool is_normal(const Flat *flat, const GraphValue *value, const GraphValue *x) {
  const double root = 1.4142135623730951;
  const GraphNode *erf_node = made_by(with_number(flat, made_by(value, GRAPH_Add), 1), GRAPH_Erf);
  const GraphNode *div = erf_node ? made_by(erf_node->in[0], GRAPH_Div) : NULL,
                  *mul = erf_node ? made_by(erf_node->in[0], GRAPH_Mul) : NULL;
  if (div) return div->in[0] == x && is_near(flat, div->in[1], root);
  return mul && with_number(flat, mul, 1 / root) == x;
}

/* The x of x * (1 + erf(x / sqrt 2)) * 0.5, with the factors in any order; NULL: the node is
 * another one. */
static GraphValue *gelu_of(const Flat *flat, const GraphNode *node) {
  for (int i = 0; i < 2; i++) {
    const GraphValue *one = node->in[i];
    GraphValue *other = node->in[1 - i];
    const GraphNode *product = made_by(one, GRAPH_Mul);
    if (is_near(flat, other, 0.5) && product) { /* (x * n) * 0.5 */
      for (int k = 0; k < 2; k++)
        if (is_normal(flat, product->in[k], product->in[1 - k])) return product->in[1 - k];
    }
    GraphValue *half = product ? with_number(flat, product, 0.5) : NULL;
    if (half && is_normal(flat, other, half)) return half;  /* (x * 0.5) * n */
    if (half && is_normal(flat, half, other)) return other; /* x * (n * 0.5) */
  }
  return NULL;
}

/* The x of clip(x + 3, 0, 6); NULL: it is not that. */
static GraphValue *line_of_six(const Flat *flat, const GraphValue *value) {
  const GraphNode *clip = made_by(value, GRAPH_Clip);
  bool six = clip && graph_number(clip, GRAPH_ATTR_low, -1) == 0 &&
             graph_number(clip, GRAPH_ATTR_high, 0) == 6;
  return six ? with_number(flat, made_by(clip->in[0], GRAPH_Add), 3) : NULL;
}

/* The value that a node divides by 6; NULL: it is another node. */
static GraphValue *sixth_of(const Flat *flat, const GraphNode *node) {
  if (node->op == GRAPH_Mul) return with_number(flat, node, 1.0 / 6);
  return node->op == GRAPH_Div && is_near(flat, node->in[1], 6) ? node->in[0] : NULL;
}

/* The x of x * clip(x + 3, 0, 6) / 6; NULL: the node is another one. */
static GraphValue *hard_swish_of(const Flat *flat, const GraphNode *node) {
  const GraphNode *product = made_by(sixth_of(flat, node), GRAPH_Mul);
  for (int i = 0; product && i < 2; i++)
    if (line_of_six(flat, product->in[i]) == product->in[1 - i]) return product->in[1 - i];
  return NULL;
}

/* Whether a node is clip(x + 3, 0, 6) / 6. It becomes a HardSigmoid. */
static bool is_hard_sigmoid(Flat *flat, GraphNode *node) {
  GraphValue *x = line_of_six(flat, sixth_of(flat, node));
  if (!x) return false;
  become(flat, node, GRAPH_HardSigmoid, x);
  graph_set_number(flat->graph, node, GRAPH_ATTR_alpha, 1.0 / 6);
  graph_set_number(flat->graph, node, GRAPH_ATTR_beta, 0.5);
  return true;
}

/* Whether a node is x / (1 + |x|). It becomes a Softsign. */
static bool is_softsign(Flat *flat, GraphNode *node) {
  const GraphNode *size = node->op == GRAPH_Div ? made_by(node->in[1], GRAPH_Add) : NULL,
                  *abs = made_by(with_number(flat, size, 1), GRAPH_Abs);
  if (!abs || abs->in[0] != node->in[0]) return false;
  become(flat, node, GRAPH_Softsign, node->in[0]);
  return true;
}

static bool is_function(Flat *flat, GraphNode *node) {
  GraphValue *x = NULL;
  if (node->op == GRAPH_Mul || node->op == GRAPH_Div) x = hard_swish_of(flat, node);
  if (x) {
    become(flat, node, GRAPH_HardSwish, x);
    return true;
  }
  if (is_hard_sigmoid(flat, node) || is_softsign(flat, node)) return true;
  if (node->op != GRAPH_Mul) return false;
  x = gelu_of(flat, node);
  if (x) {
    become(flat, node, GRAPH_Gelu, x);
    graph_set_words(flat->graph, node, GRAPH_ATTR_form, 1, (const char *[]){"erf"});
    return true;
  }
  for (int i = 0; i < 2; i++) {
    x = node->in[i];
    GraphOp op = flat_known(flat, x) ? GRAPH_Identity : gate_of(beside(node, x), x);
    if (op == GRAPH_Identity) continue;
    become(flat, node, op, x);
    return true;
  }
  return false;
}

/* ---- gates that share a sigmoid ---- */

/* Replaces parts of sigmoid(x) by the sigmoids of parts of x. False: the node takes no such parts.
 */
static bool part_gates(Flat *flat, GraphNode *node) {
  const GraphNode *gates = node->op == GRAPH_Split || node->op == GRAPH_Slice
                               ? made_by(node->in[0], GRAPH_Sigmoid)
                               : NULL;
  if (!gates) return false;
  GraphValue **in = ARENA_ARRAY(flat->arena, GraphValue *, node->n_in);
  memcpy(in, node->in, sizeof *in * (size_t)node->n_in);
  in[0] = gates->in[0];
  GraphNode *parts = flat_node(flat, node->op, node, node->n_in, in, node->n_out);
  parts->attribute = node->attribute;
  parts->n_attributes = node->n_attributes;
  if (!flat_typed(flat, parts)) return false;
  for (int k = 0; k < node->n_out; k++) {
    GraphNode *gate = flat_node(flat, GRAPH_Sigmoid, gates, 1, &parts->out[k], 1);
    GraphValue *made = flat_typed(flat, gate);
    if (made) flat_replace(flat, node->out[k], made);
  }
  return true;
}

/* ---- products with one feature ---- */

/* Replaces x [.., 1] * c [n] by the product of x and a matrix [1, n]. False: the node is another
 * one. */
static bool is_product(Flat *flat, GraphNode *node) {
  for (int i = 0; i < 2 && node->op == GRAPH_Mul; i++) {
    const GraphTensor *x = flat_type_of(flat, node->in[i]), *c = flat_known(flat, node->in[1 - i]);
    if (!c || graph_known(x) || !c->rank || c->rank > x->rank || x->dim[x->rank - 1] != 1) continue;
    int64_t dim[2] = {1, c->dim[c->rank - 1]};
    if (dim[1] < 2 || dim[1] != c->count) continue;
    GraphTensor *matrix = ARENA_NEW(flat->arena, GraphTensor);
    *matrix = (GraphTensor){.elem = c->elem,
                            .rank = 2,
                            .dim = {dim[0], dim[1]},
                            .count = c->count,
                            .wide = c->wide,
                            .narrow = c->narrow};
    GraphValue *in[2] = {node->in[i], flat_constant(flat, node->in[1 - i]->name, matrix)};
    GraphValue *made = flat_typed(flat, flat_node(flat, GRAPH_MatMul, node, 2, in, 1));
    if (made) flat_replace(flat, node->out[0], made);
    return made != NULL;
  }
  return false;
}

/* Whether a node is the last one of a norm, a function or a part of a sigmoid, which it becomes. */
static bool is_written(Flat *flat, GraphNode *node) {
  return is_norm(flat, node) || is_affine_norm(flat, node) || is_function(flat, node) ||
         part_gates(flat, node);
}

void lift_written_out(Flat *flat) {
  flat_each(flat, is_written);
  flat_each(flat, is_product); /* after the norms, of which such a product may be a part */
}
