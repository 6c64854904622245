/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise functions and operators: one step. Where all operands lie in one piece the elements
 * are taken in vectors, the rest one by one, with the same operations. */
#include "lower/lower_internal.h"

#include <math.h>

static float option(const Layer *layer, OptName name, double if_absent) {
  return (float)layer_number(layer, name, if_absent);
}

static KirExpr *times(Emit *e, float a, KirExpr *x) {
  return kb_op2(&e->kb, KIR_MUL, kb_num(&e->kb, a, x->type.lanes), x);
}

/* x > 0 ? x : low */
static KirExpr *positive_or(Emit *e, KirExpr *x, KirExpr *low) {
  Kb *kb = &e->kb;
  return kb_select(kb, kb_op2(kb, KIR_LT, kb_num(kb, 0, x->type.lanes), x), x, low);
}

/* One function for each elementwise stage: fn_<id>. x is a register: it may be used more than
 * once. */
typedef KirExpr *Function(Emit *e, const Layer *layer, KirExpr *x);

static KirExpr *fn_relu(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  x = math_activation(e, ACT_RELU, x);
  return layer_has(layer, OPT_max)
             ? kb_op2(kb, KIR_MIN, kb_num(kb, option(layer, OPT_max, 0), n), x)
             : x;
}

static KirExpr *fn_leaky_relu(Emit *e, const Layer *layer, KirExpr *x) {
  return positive_or(e, x, times(e, option(layer, OPT_slope, 0), x));
}

static KirExpr *fn_elu(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  KirExpr *low = math_call(e, MATH_EXPM1, kb_op2(kb, KIR_MIN, kb_num(kb, 0, n), x));
  return positive_or(e, x, times(e, option(layer, OPT_alpha, 1), low));
}

static KirExpr *fn_selu(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(e, ACT_SELU, x);
}

static KirExpr *fn_gelu(Emit *e, const Layer *layer, KirExpr *x) {
  return math_call(e, layer_word_is(layer, OPT_form, "tanh") ? MATH_GELU_TANH : MATH_GELU, x);
}

static KirExpr *fn_silu(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return kb_op2(&e->kb, KIR_MUL, x, math_activation(e, ACT_SIGMOID, x));
}

static KirExpr *fn_swish(Emit *e, const Layer *layer, KirExpr *x) {
  return fn_silu(e, layer, x);
}

/* x tanh(softplus(x)) */
static KirExpr *fn_mish(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  KirReg *s = kb_let(&e->kb, "s", math_activation(e, ACT_SOFTPLUS, x));
  return kb_op2(&e->kb, KIR_MUL, x, math_activation(e, ACT_TANH, kb_use(&e->kb, s)));
}

static KirExpr *fn_sigmoid(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(e, ACT_SIGMOID, x);
}

static KirExpr *fn_hard_sigmoid(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  float slope = option(layer, OPT_slope, 1.0 / 6);
  return kb_limit(&e->kb, muladd(e, x, kb_num(kb, slope, n), kb_num(kb, 0.5f, n)), 0, 1);
}

static KirExpr *fn_tanh(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(e, ACT_TANH, x);
}

static KirExpr *fn_hard_tanh(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return kb_limit(&e->kb, x, -1, 1);
}

static KirExpr *fn_softplus(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(e, ACT_SOFTPLUS, x);
}

static KirExpr *fn_softsign(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(e, ACT_SOFTSIGN, x);
}

static KirExpr *fn_abs(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  (void)layer;
  return kb_op1(kb, KIR_ABS, x);
}

static KirExpr *fn_exp(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(e, MATH_EXP, x);
}

static KirExpr *fn_log(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(e, MATH_LOG, x);
}

static KirExpr *fn_sqrt(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(e, MATH_SQRT, x);
}

static KirExpr *fn_square(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  (void)layer;
  return kb_op2(kb, KIR_MUL, x, x);
}

static KirExpr *fn_hard_swish(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return kb_op2(&e->kb, KIR_MUL, x, math_activation(e, ACT_HARD_SIGMOID, x));
}

/* x > 0 ? x : alpha expm1(x / alpha) */
static KirExpr *fn_celu(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  float alpha = option(layer, OPT_alpha, 1);
  KirExpr *scaled =
      kb_op2(kb, KIR_DIV, kb_op2(kb, KIR_MIN, kb_num(kb, 0, n), x), kb_num(kb, alpha, n));
  return positive_or(e, x, times(e, alpha, math_call(e, MATH_EXPM1, scaled)));
}

static KirExpr *fn_reciprocal(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return kb_op2(&e->kb, KIR_DIV, kb_num(&e->kb, 1, x->type.lanes), x);
}

/* 1, -1, and x itself where it is zero or no number. */
static KirExpr *fn_sign(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  (void)layer;
  KirExpr *low = kb_select(kb, kb_op2(kb, KIR_LT, x, kb_num(kb, 0, n)), kb_num(kb, -1, n), x);
  return kb_select(kb, kb_op2(kb, KIR_LT, kb_num(kb, 0, n), x), kb_num(kb, 1, n), low);
}

static KirExpr *fn_erf(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(e, MATH_ERF, x);
}

static KirExpr *fn_floor(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(e, MATH_FLOOR, x);
}

/* A division, as rounding is defined: a reciprocal would put halves on the other side. */
static KirExpr *fn_round(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  float step = option(layer, OPT_step, 1);
  int n = x->type.lanes;
  if (step == 1) return math_call(e, MATH_ROUND, x);
  return kb_op2(kb, KIR_MUL, math_call(e, MATH_ROUND, kb_op2(kb, KIR_DIV, x, kb_num(kb, step, n))),
                kb_num(kb, step, n));
}

static KirExpr *fn_sin(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(e, MATH_SIN, x);
}

static KirExpr *fn_cos(Emit *e, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(e, MATH_COS, x);
}

enum { MOST_FACTORS = 16 };

/* x^n by squaring. */
static KirExpr *whole_power(Emit *e, KirExpr *x, int n) {
  Kb *kb = &e->kb;
  KirReg *square = kb_let(kb, "x", x), *product = NULL;
  for (; n; n >>= 1) {
    if (n & 1)
      product = kb_let(kb, "p",
                       product ? kb_op2(kb, KIR_MUL, kb_use(kb, product), kb_use(kb, square))
                               : kb_use(kb, square));
    if (n > 1)
      square = kb_let(kb, "s", kb_op2(kb, KIR_MUL, kb_use(kb, square), kb_use(kb, square)));
  }
  return kb_use(kb, product);
}

/* Small whole powers are products; sqrt is one; others are exp(p log |x|), with the sign of an odd
 * power, NaN of a number below zero where the power is not whole. */
static KirExpr *fn_pow(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  double p = layer_number(layer, OPT_exponent, 1);
  bool whole = p == floor(p);
  KirExpr *one = kb_num(kb, 1, n),
          *nan = kb_bitcast(kb, KIR_F32, kb_int(kb, KIR_I32, 0x7fc00000, n));
  if (p == 0) return one;
  if (p == 0.5) return math_call(e, MATH_SQRT, x);
  if (whole && fabs(p) <= (double)MOST_FACTORS) {
    KirExpr *product = whole_power(e, x, (int)fabs(p));
    return p < 0 ? kb_op2(kb, KIR_DIV, one, product) : product;
  }
  KirReg *log = kb_let(kb, "log", math_call(e, MATH_LOG, kb_op1(kb, KIR_ABS, x)));
  KirExpr *power = kb_op2(kb, KIR_MUL, kb_num(kb, (float)p, n), kb_use(kb, log));
  KirReg *y = kb_let(
      kb, "y", math_gates(e, MATH_EXP, (KirExpr *[KIR_MAX_ARGS]){power})); /* no shorter form */
  KirExpr *below = !whole            ? nan
                   : fmod(p, 2) != 0 ? kb_op1(kb, KIR_NEG, kb_use(kb, y))
                                     : kb_use(kb, y);
  return kb_select(kb, kb_op2(kb, KIR_LT, x, kb_num(kb, 0, n)), below, kb_use(kb, y));
}

static KirExpr *fn_clip(Emit *e, const Layer *layer, KirExpr *x) {
  return kb_limit(&e->kb, x, option(layer, OPT_low, 0), option(layer, OPT_high, 0));
}

static KirExpr *fn_normalize(Emit *e, const Layer *layer, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  float mean = option(layer, OPT_mean, 0), std = option(layer, OPT_std, 1);
  if (mean != 0) x = kb_op2(kb, KIR_SUB, x, kb_num(kb, mean, n));
  return std == 1 ? x : kb_op2(kb, KIR_DIV, x, kb_num(kb, std, n));
}

static Function *const function[LAYER_KIND_COUNT] = {
#define LAYER(id, name, rule, flags, family, ...)
#define ELEMENTWISE(id, integers, ...) [LAYER_##id] = fn_##id,
#include "model/graph/layers.def"
    [LAYER_normalize] = fn_normalize,
};

static KirExpr *operate(Emit *e, const Layer *layer, KirExpr *a, KirExpr *b) {
  KirOp op = layer->kind == LAYER_add   ? KIR_ADD
             : layer->kind == LAYER_sub ? KIR_SUB
             : layer->kind == LAYER_mul ? KIR_MUL
                                        : KIR_DIV;
  return layer_word_is(layer, OPT_swapped, "true") ? kb_op2(&e->kb, op, b, a)
                                                   : kb_op2(&e->kb, op, a, b);
}

KirExpr *pointwise_value(Emit *e, const Layer *layer, KirExpr *x) {
  if (layer_info(layer->kind)->flags & OPERATOR)
    return operate(e, layer, x, kb_num(&e->kb, option(layer, OPT_value, 0), x->type.lanes));
  return function[layer->kind](e, layer, x);
}

/* Elements at ix (and iz for a second operand) to iy. */
static void element(Emit *e, const Layer *layer, const View *x, KirIndex ix, const View *z,
                    KirIndex iz, const View *y, KirIndex iy, int lanes) {
  Kb *kb = &e->kb;
  KirReg *a = kb_let(kb, "v", kb_convert(kb, KIR_F32, kb_load(kb, x->buffer, ix, lanes)));
  KirExpr *result;
  if (z)
    result = operate(e, layer, kb_use(kb, a), kb_load(kb, z->buffer, iz, lanes));
  else
    result = pointwise_value(e, layer, kb_use(kb, a));
  kb_store(kb, y->buffer, iy, result);
}

static bool is_flat(const View *v) {
  return !v || view_is_dense(v);
}

/* n elements in one piece everywhere. */
static void flat(Emit *e, const Layer *layer, const View *x, KirIndex ix, const View *z,
                 KirIndex iz, const View *y, KirIndex iy, int64_t n) {
  Kb *kb = &e->kb;
  LineParts parts = line_parts(n, x->buffer->elem == KIR_F32 ? e->l->target->lanes : 1);
  for (int i = 0; i < parts.n; i++) {
    int64_t from = parts.part[i].from, to = parts.part[i].to;
    int step = parts.part[i].lanes;
    if (to - from == step) {
      element(e, layer, x, kir_at_offset(ix, from), z, kir_at_offset(iz, from), y,
              kir_at_offset(iy, from), step);
      continue;
    }
    KirReg *k = kb_for(kb, "k", from, to, step);
    element(e, layer, x, kir_at_plus(ix, 1, k), z, kir_at_plus(iz, 1, k), y, kir_at_plus(iy, 1, k),
            step);
    kb_end(kb);
  }
}

static void pointwise_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  const View *z = layer->n_in > 1 ? view_of(l, layer->in[1]) : NULL;
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0), iz = z ? view_row(z, t, 0) : kir_at(0);
  if (is_flat(x) && is_flat(y) && is_flat(z)) {
    flat(e, layer, x, ix, z, iz, y, iy, view_size(y));
    return;
  }
  static const char *const names[TYPE_MAX_AXES] = {"i", "j", "m", "p", "q", "r", "s", "u"};
  int opened = 0;
  for (int axis = 0; axis < y->rank; axis++) {
    if (y->dim[axis] == 1) continue;
    KirReg *v = kb_for(kb, axis == y->rank - 1 ? "k" : names[axis], 0, y->dim[axis], 1);
    ix = kir_at_plus(ix, x->stride[axis], v);
    iy = kir_at_plus(iy, y->stride[axis], v);
    if (z) iz = kir_at_plus(iz, z->stride[axis], v);
    opened++;
  }
  element(e, layer, x, ix, z, iz, y, iy, 1);
  close_loops(e, opened);
}

const Lowering pointwise_lowering = {.step = pointwise_step};
