/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of one and of two values, element by element. */
#include "import/lift/lift.h"
#include "import/lift/relate.h"

#include <math.h>
#include <string.h>

/* Places the result of a node in the layout of an operand. */
static LiftDone done_like(Lift *l, const GraphNode *node, const GraphValue *like, Layer *layer) {
  Layout layout = l->placed[like->id].layout;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* The model value of an operand in its present layout. NULL after reporting. */
static Value *placed_as_is(Lift *l, const GraphNode *node, const GraphValue *value) {
  Layout layout = l->placed[value->id].layout;
  return lift_value(l, node, value, &layout);
}

static Layer *unary_layer(Lift *l, const GraphNode *node, LayerKind kind) {
  Value *x = placed_as_is(l, node, node->in[0]);
  return x ? lift_layer(l, node, kind, 1, &x) : NULL;
}

/* Operators that are one stage without options. */
static const struct {
  GraphOp op;
  LayerKind kind;
} plain[] = {{GRAPH_Abs, LAYER_abs},
             {GRAPH_Sqrt, LAYER_sqrt},
             {GRAPH_Square, LAYER_square},
             {GRAPH_Exp, LAYER_exp},
             {GRAPH_Log, LAYER_log},
             {GRAPH_Sigmoid, LAYER_sigmoid},
             {GRAPH_Tanh, LAYER_tanh},
             {GRAPH_Relu, LAYER_relu},
             {GRAPH_Softplus, LAYER_softplus},
             {GRAPH_Softsign, LAYER_softsign},
             {GRAPH_Silu, LAYER_silu},
             {GRAPH_Mish, LAYER_mish},
             {GRAPH_HardSwish, LAYER_hard_swish},
             {GRAPH_Sign, LAYER_sign},
             {GRAPH_Reciprocal, LAYER_reciprocal},
             {GRAPH_Erf, LAYER_erf},
             {GRAPH_Floor, LAYER_floor},
             {GRAPH_Sin, LAYER_sin},
             {GRAPH_Cos, LAYER_cos}};

static Layer *product(Lift *l, const GraphNode *node, Value *a, Value *b) {
  return lift_layer(l, node, LAYER_mul, 2, (Value *[]){a, b});
}

static Layer *clip_layer(Lift *l, const GraphNode *node, Value *x, double low, double high) {
  Layer *layer = lift_layer(l, node, LAYER_clip, 1, &x);
  layer_set_number(layer, OPT_low, low);
  layer_set_number(layer, OPT_high, high);
  return layer;
}

/* min(1, max(0, alpha x + beta)). The stage has two slopes; for others, three stages compute it. */
static Layer *hard_sigmoid(Lift *l, const GraphNode *node, Value *x) {
  double alpha = graph_number(node, GRAPH_ATTR_alpha, 0.2),
         beta = graph_number(node, GRAPH_ATTR_beta, 0.5);
  if (fabs(beta - 0.5) < 1e-7 && (fabs(alpha - 0.2) < 1e-7 || fabs(alpha - 1.0 / 6) < 1e-7)) {
    Layer *layer = lift_layer(l, node, LAYER_hard_sigmoid, 1, &x);
    if (fabs(alpha - 0.2) < 1e-7) layer_set_number(layer, OPT_slope, 0.2);
    return layer;
  }
  Layer *scaled = lift_with_number(l, node, LAYER_mul, x, alpha, false);
  Layer *moved = lift_with_number(l, node, LAYER_add, scaled->out[0], beta, false);
  return clip_layer(l, node, moved->out[0], 0, 1);
}

static Layer *bounded(Lift *l, const GraphNode *node, Value *x) {
  double low = graph_number(node, GRAPH_ATTR_low, -INFINITY),
         high = graph_number(node, GRAPH_ATTR_high, INFINITY);
  if (low == 0) {
    Layer *layer = lift_layer(l, node, LAYER_relu, 1, &x);
    if (isfinite(high)) layer_set_number(layer, OPT_max, high);
    return layer;
  }
  if (!isfinite(low)) low = -3.4028234663852886e38;
  if (!isfinite(high)) high = 3.4028234663852886e38;
  return clip_layer(l, node, x, low, high);
}

static Layer *negative(Lift *l, const GraphNode *node, Value *x) {
  return lift_with_number(l, node, LAYER_mul, x, -1, false);
}

/* A stage with one option, a number. */
static Layer *numbered(Lift *l, const GraphNode *node, Value *x, LayerKind kind, OptName option,
                       double number) {
  Layer *layer = lift_layer(l, node, kind, 1, &x);
  layer_set_number(layer, option, number);
  return layer;
}

static Layer *leaky_relu(Lift *l, const GraphNode *node, Value *x) {
  return numbered(l, node, x, LAYER_leaky_relu, OPT_slope,
                  graph_number(node, GRAPH_ATTR_alpha, 0.01));
}

static Layer *celu(Lift *l, const GraphNode *node, Value *x) {
  return numbered(l, node, x, LAYER_celu, OPT_alpha, graph_number(node, GRAPH_ATTR_alpha, 1));
}

static Layer *rounded(Lift *l, const GraphNode *node, Value *x) {
  return numbered(l, node, x, LAYER_round, OPT_step, graph_number(node, GRAPH_ATTR_step, 1));
}

static Layer *elu(Lift *l, const GraphNode *node, Value *x) {
  double alpha = graph_number(node, GRAPH_ATTR_alpha, 1),
         gamma = graph_number(node, GRAPH_ATTR_gamma, 1);
  if (fabs(alpha - 1.6732632423543772) < 1e-6 && fabs(gamma - 1.0507009873554805) < 1e-6)
    return lift_layer(l, node, LAYER_selu, 1, &x);
  Layer *layer = numbered(l, node, x, LAYER_elu, OPT_alpha, alpha);
  return gamma == 1 ? layer : lift_with_number(l, node, LAYER_mul, layer->out[0], gamma, false);
}

static Layer *gelu(Lift *l, const GraphNode *node, Value *x) {
  Layer *layer = lift_layer(l, node, LAYER_gelu, 1, &x);
  layer_set_word(layer, OPT_form, graph_word(node, GRAPH_ATTR_form, 0, "erf"));
  return layer;
}

static Layer *arc_tangent(Lift *l, const GraphNode *node, Value *x) {
  Layer *one = clip_layer(l, node, x, 1, 1);
  return lift_layer(l, node, LAYER_atan2, 2, (Value *[]){x, one->out[0]});
}

/* The last layer of a function of one value. NULL: the node is another one, or after reporting. */
static Layer *unary(Lift *l, const GraphNode *node) {
  static Layer *(*const rule[GRAPH_OP_COUNT])(Lift *, const GraphNode *, Value *) = {
      [GRAPH_Neg] = negative, [GRAPH_LeakyRelu] = leaky_relu,     [GRAPH_Elu] = elu,
      [GRAPH_Celu] = celu,    [GRAPH_HardSigmoid] = hard_sigmoid, [GRAPH_Gelu] = gelu,
      [GRAPH_Clip] = bounded, [GRAPH_Atan] = arc_tangent,         [GRAPH_Round] = rounded,
  };
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (plain[i].op == node->op) return unary_layer(l, node, plain[i].kind);
  Value *x = placed_as_is(l, node, node->in[0]);
  return x && rule[node->op] ? rule[node->op](l, node, x) : NULL;
}

/* ---- two operands ---- */

/* A node both of whose operands vary. */
static LiftDone two_values(Lift *l, const GraphNode *node, LayerKind kind) {
  const GraphValue *wide;
  Layout layout;
  Value *operand[2], *whole;
  if (!lift_meeting(l, node, node->in[0], node->in[1], &wide, &layout)) return LIFT_FAILED;
  whole = lift_value(l, node, wide, &layout);
  for (int i = 0; whole && i < 2; i++) {
    operand[i] = node->in[i] == wide ? whole : lift_broadcast(l, node, node->in[i], whole, &layout);
    if (!operand[i]) return LIFT_FAILED;
  }
  if (!whole) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, kind, 2, operand);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone prelu(Lift *l, const GraphNode *node) {
  const GraphTensor *slope = lift_type(l, node->in[1]);
  if (!graph_known(slope)) return LIFT_OTHER;
  Value *value;
  if (tensor_is_one_number(slope)) {
    value = placed_as_is(l, node, node->in[0]);
    if (!value) return LIFT_FAILED;
    Layer *layer = lift_layer(l, node, LAYER_leaky_relu, 1, &value);
    layer_set_number(layer, OPT_slope, graph_at(slope, 0));
    return done_like(l, node, node->in[0], layer);
  }
  Axis last;
  Layout layout;
  if (!lift_axes_of_constant(l, node, slope, &last) || !lift_last(l, node->in[0], &last, &layout)) {
    lift_refuse(l, node, E902,
                "has slopes that differ along an axis that its operand does not have");
    return LIFT_FAILED;
  }
  value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_prelu, 1, &value);
  float *to = foreign_tensor(l->foreign, layer, ROLE_SLOPE, 1, &slope->count, "the slopes");
  for (int64_t i = 0; i < slope->count; i++)
    to[i] = (float)graph_at(slope, i);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* x to the power of one constant number. */
static LiftDone power(Lift *l, const GraphNode *node) {
  const GraphTensor *p = lift_type(l, node->in[1]);
  if (!graph_known(p) || !tensor_is_one_number(p)) return LIFT_OTHER;
  double exponent = graph_at(p, 0);
  Value *x = placed_as_is(l, node, node->in[0]);
  if (!x) return LIFT_FAILED;
  if (exponent == 2)
    return done_like(l, node, node->in[0], lift_layer(l, node, LAYER_square, 1, &x));
  if (exponent == 0.5)
    return done_like(l, node, node->in[0], lift_layer(l, node, LAYER_sqrt, 1, &x));
  if (exponent == 3) {
    Layer *square = lift_layer(l, node, LAYER_square, 1, &x);
    return done_like(l, node, node->in[0], product(l, node, square->out[0], x));
  }
  if (exponent == -1)
    return done_like(l, node, node->in[0], lift_with_number(l, node, LAYER_div, x, 1, true));
  Layer *layer = lift_layer(l, node, LAYER_pow, 1, &x);
  layer_set_number(layer, OPT_exponent, exponent);
  return done_like(l, node, node->in[0], layer);
}

/* The smaller or the larger of x and one constant number, as a `clip` or a `relu`. */
static LiftDone limit(Lift *l, const GraphNode *node) {
  bool first = !lift_is_constant(l, node->in[0]);
  const GraphValue *x = node->in[first ? 0 : 1];
  const GraphTensor *c = lift_type(l, node->in[first ? 1 : 0]);
  const double largest = 3.4028234663852886e38;
  if (!graph_known(c) || !tensor_is_one_number(c)) return LIFT_OTHER;
  Value *value = placed_as_is(l, node, x);
  if (!value) return LIFT_FAILED;
  bool low = node->op == GRAPH_Max;
  if (low && graph_at(c, 0) == 0)
    return done_like(l, node, x, lift_layer(l, node, LAYER_relu, 1, &value));
  return done_like(
      l, node, x,
      clip_layer(l, node, value, low ? graph_at(c, 0) : -largest, low ? largest : graph_at(c, 0)));
}

static LiftDone one_value(Lift *l, const GraphNode *node) {
  size_t before = (size_t)l->diags->n_errors;
  Layer *layer = unary(l, node);
  if (layer) return done_like(l, node, node->in[0], layer);
  return (size_t)l->diags->n_errors > before ? LIFT_FAILED : LIFT_OTHER;
}

LiftDone lift_pointwise(Lift *l, const GraphNode *node) {
  static const struct {
    GraphOp op;
    LayerKind kind;
  } pair[] = {{GRAPH_Add, LAYER_add},    {GRAPH_Sub, LAYER_sub},     {GRAPH_Mul, LAYER_mul},
              {GRAPH_Div, LAYER_div},    {GRAPH_Max, LAYER_maximum}, {GRAPH_Min, LAYER_minimum},
              {GRAPH_Atan2, LAYER_atan2}};
  if (node->op == GRAPH_Div && graph_elem_is_whole(lift_type(l, node->out[0])->elem)) {
    lift_lacks(l, node, E902, "convert them to real numbers, and write `floor(a / b)`",
               "divides whole numbers and drops the rest, which no stage does");
    return LIFT_FAILED;
  }
  if (node->op == GRAPH_Prelu) return prelu(l, node);
  if (node->op == GRAPH_Pow) return power(l, node);
  if (node->n_in == 1) return one_value(l, node);
  for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
    if (pair[i].op != node->op) continue;
    bool constant = lift_is_constant(l, node->in[0]) || lift_is_constant(l, node->in[1]);
    bool limits = node->op == GRAPH_Min || node->op == GRAPH_Max;
    if (!constant) return two_values(l, node, pair[i].kind);
    if (node->op == GRAPH_Atan2) return LIFT_OTHER;
    return limits ? limit(l, node) : lift_with_constant(l, node, pair[i].kind);
  }
  return LIFT_OTHER;
}
