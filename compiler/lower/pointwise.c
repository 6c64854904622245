/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise functions and operators: one step. Where all operands lie in one piece the elements
 * are taken in vectors, the rest one by one, with the same operations. */
#include "lower/lower_internal.h"

#include <math.h>

static float option(const Layer *layer, OptName name, double if_absent) {
  return (float)layer_number(layer, name, if_absent);
}

static KirExpr *limit(Lower *l, KirExpr *x, float lo, float hi) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  return kb_op2(kb, KIR_MIN, kb_num(kb, hi, n), kb_op2(kb, KIR_MAX, kb_num(kb, lo, n), x));
}

static KirExpr *times(Lower *l, float a, KirExpr *x) {
  return kb_op2(&l->kb, KIR_MUL, kb_num(&l->kb, a, x->type.lanes), x);
}

/* x > 0 ? x : low */
static KirExpr *positive_or(Lower *l, KirExpr *x, KirExpr *low) {
  Kb *kb = &l->kb;
  return kb_select(kb, kb_op2(kb, KIR_LT, kb_num(kb, 0, x->type.lanes), x), x, low);
}

/* One function for each elementwise stage: fn_<id>. x is a register: it may be used more than
 * once. */
typedef KirExpr *Function(Lower *l, const Layer *layer, KirExpr *x);

static KirExpr *fn_relu(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  x = math_activation(l, ACT_RELU, x);
  return layer_has(layer, OPT_max)
             ? kb_op2(kb, KIR_MIN, kb_num(kb, option(layer, OPT_max, 0), n), x)
             : x;
}

static KirExpr *fn_leaky_relu(Lower *l, const Layer *layer, KirExpr *x) {
  return positive_or(l, x, times(l, option(layer, OPT_slope, 0), x));
}

static KirExpr *fn_elu(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  KirExpr *low = math_call(l, MATH_EXPM1, kb_op2(kb, KIR_MIN, kb_num(kb, 0, n), x));
  return positive_or(l, x, times(l, option(layer, OPT_alpha, 1), low));
}

static KirExpr *fn_selu(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(l, ACT_SELU, x);
}

static KirExpr *fn_gelu(Lower *l, const Layer *layer, KirExpr *x) {
  return math_call(l, layer_word_is(layer, OPT_form, "tanh") ? MATH_GELU_TANH : MATH_GELU, x);
}

static KirExpr *fn_silu(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return kb_op2(&l->kb, KIR_MUL, x, math_activation(l, ACT_SIGMOID, x));
}

static KirExpr *fn_swish(Lower *l, const Layer *layer, KirExpr *x) {
  return fn_silu(l, layer, x);
}

/* x tanh(softplus(x)) */
static KirExpr *fn_mish(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  KirReg *s = kb_let(&l->kb, "s", math_activation(l, ACT_SOFTPLUS, x));
  return kb_op2(&l->kb, KIR_MUL, x, math_activation(l, ACT_TANH, kb_use(&l->kb, s)));
}

static KirExpr *fn_sigmoid(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(l, ACT_SIGMOID, x);
}

static KirExpr *fn_hard_sigmoid(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  float slope = option(layer, OPT_slope, 1.0 / 6);
  return limit(l, muladd(l, x, kb_num(kb, slope, n), kb_num(kb, 0.5f, n)), 0, 1);
}

static KirExpr *fn_tanh(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(l, ACT_TANH, x);
}

static KirExpr *fn_hard_tanh(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return limit(l, x, -1, 1);
}

static KirExpr *fn_softplus(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(l, ACT_SOFTPLUS, x);
}

static KirExpr *fn_softsign(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_activation(l, ACT_SOFTSIGN, x);
}

static KirExpr *fn_abs(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  (void)layer;
  return kb_op1(kb, KIR_ABS, x);
}

static KirExpr *fn_exp(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(l, MATH_EXP, x);
}

static KirExpr *fn_log(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(l, MATH_LOG, x);
}

static KirExpr *fn_sqrt(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(l, MATH_SQRT, x);
}

static KirExpr *fn_square(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  (void)layer;
  return kb_op2(kb, KIR_MUL, x, x);
}

static KirExpr *fn_hard_swish(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return kb_op2(&l->kb, KIR_MUL, x, math_activation(l, ACT_HARD_SIGMOID, x));
}

/* x > 0 ? x : alpha expm1(x / alpha) */
static KirExpr *fn_celu(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  float alpha = option(layer, OPT_alpha, 1);
  KirExpr *scaled =
      kb_op2(kb, KIR_DIV, kb_op2(kb, KIR_MIN, kb_num(kb, 0, n), x), kb_num(kb, alpha, n));
  return positive_or(l, x, times(l, alpha, math_call(l, MATH_EXPM1, scaled)));
}

static KirExpr *fn_reciprocal(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return kb_op2(&l->kb, KIR_DIV, kb_num(&l->kb, 1, x->type.lanes), x);
}

/* 1, -1, and x itself where it is zero or no number. */
static KirExpr *fn_sign(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  (void)layer;
  KirExpr *low = kb_select(kb, kb_op2(kb, KIR_LT, x, kb_num(kb, 0, n)), kb_num(kb, -1, n), x);
  return kb_select(kb, kb_op2(kb, KIR_LT, kb_num(kb, 0, n), x), kb_num(kb, 1, n), low);
}

static KirExpr *fn_erf(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(l, MATH_ERF, x);
}

static KirExpr *fn_floor(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(l, MATH_FLOOR, x);
}

/* A division, as rounding is defined: a reciprocal would put halves on the other side. */
static KirExpr *fn_round(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  float step = option(layer, OPT_step, 1);
  int n = x->type.lanes;
  if (step == 1) return math_call(l, MATH_ROUND, x);
  return kb_op2(kb, KIR_MUL, math_call(l, MATH_ROUND, kb_op2(kb, KIR_DIV, x, kb_num(kb, step, n))),
                kb_num(kb, step, n));
}

static KirExpr *fn_sin(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(l, MATH_SIN, x);
}

static KirExpr *fn_cos(Lower *l, const Layer *layer, KirExpr *x) {
  (void)layer;
  return math_call(l, MATH_COS, x);
}

enum { MOST_FACTORS = 16 };

/* x^n by squaring. */
static KirExpr *whole_power(Lower *l, KirExpr *x, int n) {
  Kb *kb = &l->kb;
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
static KirExpr *fn_pow(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  double p = layer_number(layer, OPT_exponent, 1);
  bool whole = p == floor(p);
  KirExpr *one = kb_num(kb, 1, n),
          *nan = kb_bitcast(kb, KIR_F32, kb_int(kb, KIR_I32, 0x7fc00000, n));
  if (p == 0) return one;
  if (p == 0.5) return math_call(l, MATH_SQRT, x);
  if (whole && fabs(p) <= (double)MOST_FACTORS) {
    KirExpr *product = whole_power(l, x, (int)fabs(p));
    return p < 0 ? kb_op2(kb, KIR_DIV, one, product) : product;
  }
  KirReg *log = kb_let(kb, "log", math_call(l, MATH_LOG, kb_op1(kb, KIR_ABS, x)));
  KirExpr *power = kb_op2(kb, KIR_MUL, kb_num(kb, (float)p, n), kb_use(kb, log));
  KirReg *y = kb_let(
      kb, "y", math_gates(l, MATH_EXP, (KirExpr *[KIR_MAX_ARGS]){power})); /* no shorter form */
  KirExpr *below = !whole            ? nan
                   : fmod(p, 2) != 0 ? kb_op1(kb, KIR_NEG, kb_use(kb, y))
                                     : kb_use(kb, y);
  return kb_select(kb, kb_op2(kb, KIR_LT, x, kb_num(kb, 0, n)), below, kb_use(kb, y));
}

static KirExpr *fn_clip(Lower *l, const Layer *layer, KirExpr *x) {
  return limit(l, x, option(layer, OPT_low, 0), option(layer, OPT_high, 0));
}

static KirExpr *fn_normalize(Lower *l, const Layer *layer, KirExpr *x) {
  Kb *kb = &l->kb;
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

static KirExpr *operate(Lower *l, const Layer *layer, KirExpr *a, KirExpr *b) {
  KirOp op = layer->kind == LAYER_add   ? KIR_ADD
             : layer->kind == LAYER_sub ? KIR_SUB
             : layer->kind == LAYER_mul ? KIR_MUL
                                        : KIR_DIV;
  return layer_word_is(layer, OPT_swapped, "true") ? kb_op2(&l->kb, op, b, a)
                                                   : kb_op2(&l->kb, op, a, b);
}

KirExpr *pointwise_value(Lower *l, const Layer *layer, KirExpr *x) {
  if (layer_info(layer->kind)->flags & OPERATOR)
    return operate(l, layer, x, kb_num(&l->kb, option(layer, OPT_value, 0), x->type.lanes));
  return function[layer->kind](l, layer, x);
}

/* Elements at ix (and iz for a second operand) to iy. */
static void element(Lower *l, const Layer *layer, const View *x, KirIndex ix, const View *z,
                    KirIndex iz, const View *y, KirIndex iy, int lanes) {
  Kb *kb = &l->kb;
  KirReg *a = kb_let(kb, "v", kb_convert(kb, KIR_F32, kb_load(kb, x->buffer, ix, lanes)));
  KirExpr *result;
  if (z)
    result = operate(l, layer, kb_use(kb, a), kb_load(kb, z->buffer, iz, lanes));
  else
    result = pointwise_value(l, layer, kb_use(kb, a));
  kb_store(kb, y->buffer, iy, result);
}

static bool is_flat(const View *v) {
  return !v || view_is_dense(v);
}

/* n elements in one piece everywhere. */
static void flat(Lower *l, const Layer *layer, const View *x, KirIndex ix, const View *z,
                 KirIndex iz, const View *y, KirIndex iy, int64_t n) {
  Kb *kb = &l->kb;
  LineParts parts = line_parts(n, x->buffer->elem == KIR_F32 ? l->target->lanes : 1);
  for (int i = 0; i < parts.n; i++) {
    int64_t from = parts.part[i].from, to = parts.part[i].to;
    int step = parts.part[i].lanes;
    if (to - from == step) {
      element(l, layer, x, kir_at_offset(ix, from), z, kir_at_offset(iz, from), y,
              kir_at_offset(iy, from), step);
      continue;
    }
    KirReg *k = kb_for(kb, "k", from, to, step);
    element(l, layer, x, kir_at_plus(ix, 1, k), z, kir_at_plus(iz, 1, k), y, kir_at_plus(iy, 1, k),
            step);
    kb_end(kb);
  }
}

static void pointwise_step(Lower *l, const Layer *layer, KirReg *t) {
  Kb *kb = &l->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  const View *z = layer->n_in > 1 ? view_of(l, layer->in[1]) : NULL;
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0), iz = z ? view_row(z, t, 0) : kir_at(0);
  if (is_flat(x) && is_flat(y) && is_flat(z)) {
    flat(l, layer, x, ix, z, iz, y, iy, view_size(y));
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
  element(l, layer, x, ix, z, iz, y, iy, 1);
  close_loops(l, opened);
}

const Lowering pointwise_lowering = {.step = pointwise_step};
