/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of one and of two values, element by element. */
#include "import/lift/lift.h"
#include "import/lift/relate.h"

#include <math.h>
#include <string.h>

static const double NO_EPS =
    1e-12; /* of scales and centers without statistics: eps has to be positive */

/* The placement of a result that keeps the axes of an operand. */
static LiftDone done_like(Lift *l, const GraphNode *node, const GraphValue *like, Layer *layer) {
  Layout layout = l->placed[like->id].layout;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static Value *placed_as_is(Lift *l, const GraphNode *node, const GraphValue *value) {
  Layout layout = l->placed[value->id].layout;
  return lift_value(l, node, value, &layout);
}

static Layer *unary_layer(Lift *l, const GraphNode *node, LayerKind kind) {
  Value *x = placed_as_is(l, node, node->in[0]);
  return x ? lift_layer(l, node, kind, 1, &x) : NULL;
}

/* Functions that are one stage without options. */
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

/* number op x, or x op number. */
static Layer *with_number(Lift *l, const GraphNode *node, LayerKind kind, Value *x, double number,
                          bool swapped) {
  Layer *layer = lift_layer(l, node, kind, 1, &x);
  layer_set_number(layer, OPT_value, number);
  if (swapped) layer_set_word(layer, OPT_swapped, "true");
  return layer;
}

static Layer *product(Lift *l, const GraphNode *node, Value *a, Value *b) {
  return lift_layer(l, node, LAYER_mul, 2, (Value *[]){a, b});
}

static Layer *clip_layer(Lift *l, const GraphNode *node, Value *x, double low, double high) {
  Layer *layer = lift_layer(l, node, LAYER_clip, 1, &x);
  layer_set_number(layer, OPT_low, low);
  layer_set_number(layer, OPT_high, high);
  return layer;
}

/* min(1, max(0, alpha x + beta)): the stage for the two customary slopes, else the formula. */
static Layer *hard_sigmoid(Lift *l, const GraphNode *node, Value *x) {
  double alpha = graph_number(node, GRAPH_ATTR_alpha, 0.2),
         beta = graph_number(node, GRAPH_ATTR_beta, 0.5);
  if (fabs(beta - 0.5) < 1e-7 && (fabs(alpha - 0.2) < 1e-7 || fabs(alpha - 1.0 / 6) < 1e-7)) {
    Layer *layer = lift_layer(l, node, LAYER_hard_sigmoid, 1, &x);
    if (fabs(alpha - 0.2) < 1e-7) layer_set_number(layer, OPT_slope, 0.2);
    return layer;
  }
  Layer *scaled = with_number(l, node, LAYER_mul, x, alpha, false);
  Layer *moved = with_number(l, node, LAYER_add, scaled->out[0], beta, false);
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
  return with_number(l, node, LAYER_mul, x, -1, false);
}

/* A stage with one number, which is an attribute of the node. */
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
  return gamma == 1 ? layer : with_number(l, node, LAYER_mul, layer->out[0], gamma, false);
}

static Layer *gelu(Lift *l, const GraphNode *node, Value *x) {
  Layer *layer = lift_layer(l, node, LAYER_gelu, 1, &x);
  layer_set_word(layer, OPT_form, graph_word(node, GRAPH_ATTR_form, 0, "erf"));
  return layer;
}

static Layer *unary(Lift *l, const GraphNode *node) {
  static Layer *(*const rule[GRAPH_OP_COUNT])(Lift *, const GraphNode *, Value *) = {
      [GRAPH_Neg] = negative,
      [GRAPH_LeakyRelu] = leaky_relu,
      [GRAPH_Elu] = elu,
      [GRAPH_Celu] = celu,
      [GRAPH_HardSigmoid] = hard_sigmoid,
      [GRAPH_Gelu] = gelu,
      [GRAPH_Clip] = bounded,
      [GRAPH_Round] = rounded,
  };
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (plain[i].op == node->op) return unary_layer(l, node, plain[i].kind);
  Value *x = placed_as_is(l, node, node->in[0]);
  return x && rule[node->op] ? rule[node->op](l, node, x) : NULL;
}

/* ---- two operands ---- */

static bool same_number(const GraphTensor *t) {
  for (int64_t i = 1; i < t->count; i++)
    if (graph_at(t, i) != graph_at(t, 0)) return false;
  return t->count > 0;
}

/* The constant without the axes along which it repeats itself as the value does not: a bias that an
 * exporter has spread over the batch. */
static GraphTensor without_repeats(const Lift *l, const GraphValue *x, const GraphTensor *c) {
  GraphTensor out = *c;
  double *data = ARENA_ARRAY(l->arena, double, c->count ? c->count : 1);
  int own = lift_type(l, x)->rank;
  for (int axis = 0; axis < c->rank; axis++) {
    int at = own - c->rank + axis;
    if (at < 0 || c->dim[axis] < 2 || lift_type(l, x)->dim[at] != c->dim[axis] ||
        tensor_varies_along(c, axis))
      continue;
    int64_t inner = 1;
    for (int i = axis + 1; i < c->rank; i++)
      inner *= out.dim[i];
    int64_t n = out.dim[axis], kept = out.count / n;
    for (int64_t i = 0; i < kept; i++)
      data[i] = graph_at(&out, i / inner * inner * n + i % inner);
    out.wide = data;
    out.narrow = NULL;
    out.dim[axis] = 1;
    out.count = kept;
  }
  return out;
}

/* The atoms of the result that a constant runs along, in the order of its elements; time among them
 * where it does. False: the value has other ones. */
static bool axes_of_constant(Lift *l, const GraphNode *node, const GraphTensor *t, Axis *out) {
  const GraphValue *y = node->out[0];
  *out = (Axis){0};
  for (int i = 0; i < t->rank; i++) {
    int axis = lift_type(l, y)->rank - t->rank + i, atom[FACTORS_MAX];
    if (t->dim[i] == 1) continue;
    int n = atoms_of_axis(l->atoms, y, axis, atom);
    for (int k = 0; k < n && out->n < FACTORS_MAX; k++)
      if (atom_size(l->atoms, atom[k]) != 1) out->atom[out->n++] = atom[k];
  }
  for (int k = 0; k < out->n; k++)
    if (atom_family(l->atoms, out->atom[k]) == l->roles.batch) return false;
  return out->n > 0 && axis_size(l, out) == t->count;
}

/* The layout of x with the axes of a constant last. Axes that x has one position of are repeated:
 * they are added to it. */
static bool last_of_constant(Lift *l, const GraphNode *node, const GraphValue *x, const Axis *last,
                             Layout *out) {
  if (lift_last(l, x, last, out)) return true;
  if (lift_complete(l, node, x) && lift_last(l, x, last, out)) return true;
  const Layout *own = &l->placed[x->id].layout;
  Axis here = {0};
  for (int i = 0; i < last->n; i++)
    if (layout_has(own, last->atom[i]) || (own->timed && own->time == last->atom[i]))
      here.atom[here.n++] = last->atom[i];
  if (here.n == last->n || !lift_last(l, x, &here, out)) return false;
  out->axis[out->n - 1] = *last;
  return true;
}

/* The Dense without a bias whose result, read by nobody else, x is: its bias is what is added.
 * NULL: none. */
static Layer *open_dense(const Lift *l, const GraphValue *x, const Axis *last) {
  const Placed *placed = &l->placed[x->id];
  Layer *layer = placed->value ? placed->value->layer : NULL;
  if (!layer || layer->kind != LAYER_Dense || !layer_word_is(layer, OPT_bias, "false") ||
      !placed->layout.n)
    return NULL;
  if (!axis_equal(&placed->layout.axis[placed->layout.n - 1], last)) return NULL;
  for (const GraphValue *v = x;; v = v->node->in[0]) {
    if (l->uses[v->id] != 1 || !v->node) return NULL;
    if (v->node->op == GRAPH_MatMul) return layer;
    if (l->placed[v->node->in[0]->id].value != placed->value) return NULL;
  }
}

static bool give_bias(Lift *l, Layer *layer, const GraphTensor *c) {
  layer_set_word(layer, OPT_bias, "true");
  float *bias = foreign_tensor(l->foreign, layer, ROLE_BIAS, 1, &c->count, "a constant");
  for (int64_t i = 0; bias && i < c->count; i++)
    bias[i] = (float)graph_at(c, i);
  return bias != NULL;
}

static float *tensor_of(Lift *l, const Layer *layer, Role role) {
  for (int i = l->foreign->n_tensors; i-- > 0;)
    if (l->foreign->tensor[i].layer == layer && l->foreign->tensor[i].role == role)
      return l->foreign->tensor[i].data;
  return NULL;
}

/* + c or - c after the scales of this file that nobody else reads: they become their centers. */
static bool join_scales(Lift *l, const GraphNode *node, const GraphValue *x, const GraphTensor *c,
                        const Axis *last) {
  const Placed *placed = &l->placed[x->id];
  Layer *layer = placed->value ? placed->value->layer : NULL;
  bool plus = node->op == GRAPH_Add, minus = node->op == GRAPH_Sub && node->in[0] == x;
  if (!layer || layer->kind != LAYER_BatchNorm || layer_number(layer, OPT_eps, 0) != NO_EPS ||
      !(plus || minus))
    return false;
  if (l->uses[x->id] != 1 || !axis_equal(&placed->layout.axis[placed->layout.n - 1], last))
    return false;
  if (!x->node || l->placed[x->node->in[0]->id].value == placed->value ||
      l->placed[x->node->in[x->node->n_in - 1]->id].value == placed->value)
    return false;
  float *center = tensor_of(l, layer, ROLE_CENTER);
  for (int64_t i = 0; center && i < c->count; i++)
    if (center[i] != 0) return false;
  for (int64_t i = 0; center && i < c->count; i++)
    center[i] = (float)(minus ? -graph_at(c, i) : graph_at(c, i));
  return center != NULL;
}

/* x * c or x + c with a number for each feature: a BatchNorm of mean 0 and variance 1 without
 * eps. */
static LiftDone with_vector(Lift *l, const GraphNode *node, const GraphValue *x,
                            const GraphTensor *c) {
  bool adds = node->op == GRAPH_Add || node->op == GRAPH_Sub, first = node->in[0] == x;
  Axis last;
  Layout layout;
  if (!axes_of_constant(l, node, c, &last) || !last_of_constant(l, node, x, &last, &layout)) {
    lift_refuse(
        l, node, E902,
        "combines a value and a constant that differs along an axis that the value does not have");
    return LIFT_FAILED;
  }
  Layer *dense = node->op == GRAPH_Add ? open_dense(l, x, &last) : NULL;
  if (dense && give_bias(l, dense, c)) {
    l->placed[node->out[0]->id] = l->placed[x->id];
    return LIFT_DONE;
  }
  if (join_scales(l, node, x, c, &last)) {
    l->placed[node->out[0]->id] = l->placed[x->id];
    return LIFT_DONE;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  if (node->op == GRAPH_Div && !first)
    value = with_number(l, node, LAYER_div, value, 1, true)->out[0];
  Layer *layer = lift_layer(l, node, LAYER_BatchNorm, 1, &value);
  layer_set_number(layer, OPT_eps, NO_EPS);
  float *scale = foreign_tensor(l->foreign, layer, ROLE_SCALE, 1, &c->count, "a constant");
  float *center = foreign_tensor(l->foreign, layer, ROLE_CENTER, 1, &c->count, "a constant");
  float *mean = foreign_tensor(l->foreign, layer, ROLE_MEAN, 1, &c->count, "a constant");
  float *variance = foreign_tensor(l->foreign, layer, ROLE_VARIANCE, 1, &c->count, "a constant");
  for (int64_t i = 0; i < c->count; i++) {
    double k = graph_at(c, i);
    mean[i] = 0;
    variance[i] = 1;
    scale[i] = adds ? (node->op == GRAPH_Sub && !first ? -1.0F : 1.0F)
                    : (float)(node->op == GRAPH_Div && first ? 1 / k : k);
    center[i] = !adds ? 0 : (float)(node->op == GRAPH_Sub && first ? -k : k);
  }
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone with_constant(Lift *l, const GraphNode *node, LayerKind kind) {
  bool first = !lift_is_constant(l, node->in[0]);
  const GraphValue *x = node->in[first ? 0 : 1];
  const GraphTensor *c = lift_type(l, node->in[first ? 1 : 0]);
  if (!same_number(c)) {
    GraphTensor narrow = without_repeats(l, x, c);
    return with_vector(l, node, x, &narrow);
  }
  if (lift_type(l, node->out[0])->count != lift_type(l, x)->count) {
    lift_refuse(l, node, E902, "repeats its operand along the axes of a constant");
    return LIFT_FAILED;
  }
  Value *value = placed_as_is(l, node, x);
  if (!value) return LIFT_FAILED;
  return done_like(l, node, x, with_number(l, node, kind, value, graph_at(c, 0), !first));
}

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
  if (same_number(slope)) {
    value = placed_as_is(l, node, node->in[0]);
    if (!value) return LIFT_FAILED;
    Layer *layer = lift_layer(l, node, LAYER_leaky_relu, 1, &value);
    layer_set_number(layer, OPT_slope, graph_at(slope, 0));
    return done_like(l, node, node->in[0], layer);
  }
  Axis last;
  Layout layout;
  if (!axes_of_constant(l, node, slope, &last) || !lift_last(l, node->in[0], &last, &layout)) {
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

/* x to a constant power. */
static LiftDone power(Lift *l, const GraphNode *node) {
  const GraphTensor *p = lift_type(l, node->in[1]);
  if (!graph_known(p) || !same_number(p)) return LIFT_OTHER;
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
    return done_like(l, node, node->in[0], with_number(l, node, LAYER_div, x, 1, true));
  Layer *layer = lift_layer(l, node, LAYER_pow, 1, &x);
  layer_set_number(layer, OPT_exponent, exponent);
  return done_like(l, node, node->in[0], layer);
}

/* min or max with a number is a clip. */
static LiftDone limit(Lift *l, const GraphNode *node) {
  bool first = !lift_is_constant(l, node->in[0]);
  const GraphValue *x = node->in[first ? 0 : 1];
  const GraphTensor *c = lift_type(l, node->in[first ? 1 : 0]);
  const double largest = 3.4028234663852886e38;
  if (!graph_known(c) || !same_number(c)) return LIFT_OTHER;
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
  } pair[] = {{GRAPH_Add, LAYER_add}, {GRAPH_Sub, LAYER_sub},     {GRAPH_Mul, LAYER_mul},
              {GRAPH_Div, LAYER_div}, {GRAPH_Max, LAYER_maximum}, {GRAPH_Min, LAYER_minimum}};
  if (node->op == GRAPH_Div && graph_elem_is_whole(lift_type(l, node->out[0])->elem)) {
    lift_refuse(l, node, E902, "divides whole numbers and drops the rest, which no stage does");
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
    return limits ? limit(l, node) : with_constant(l, node, pair[i].kind);
  }
  return LIFT_OTHER;
}
