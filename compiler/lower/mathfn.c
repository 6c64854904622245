/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Activation functions as KIR: helpers over any number of lanes, branch-free, no library calls. */
#include "lower/lower_internal.h"

#include <string.h>

/* Writes the body of one helper. */
typedef struct Fn {
  Lower *l;
  Kb kb;
  int lanes;
} Fn;

static KirExpr *num(Fn *f, float x) { return kb_num(&f->kb, x, f->lanes); }
static KirExpr *int32(Fn *f, int64_t i) { return kb_int(&f->kb, KIR_I32, i, f->lanes); }
static KirExpr *use(Fn *f, KirReg *r) { return kb_use(&f->kb, r); }
static KirExpr *op2(Fn *f, KirOp op, KirExpr *a, KirExpr *b) { return kb_op2(&f->kb, op, a, b); }
static KirReg *let(Fn *f, const char *name, KirExpr *e) { return kb_let(&f->kb, name, e); }
static KirExpr *mad(Fn *f, KirExpr *a, KirExpr *b, KirExpr *c) {
  return kb_op3(&f->kb, f->l->target->has_fma ? KIR_FMA : KIR_MAD, a, b, c);
}

/* Horner's rule, highest power first. */
static KirReg *polynomial(Fn *f, const char *name, KirReg *x, const float *c, int n) {
  KirReg *p = kb_var(&f->kb, name, num(f, c[0]));
  for (int i = 1; i < n; i++)
    kb_set(&f->kb, p, mad(f, use(f, p), use(f, x), num(f, c[i])));
  return p;
}

static KirExpr *clamp(Fn *f, KirExpr *x, float lo, float hi) {
  /* min and max give their second operand for a NaN: x stays second, so that NaN stays NaN. */
  return op2(f, KIR_MIN, num(f, hi), op2(f, KIR_MAX, num(f, lo), x));
}

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; exp(r) by a polynomial of degree 6.
 * n is split in two so that results near both ends of the range come out right. */
static void fn_exp(Fn *f, KirReg *arg) {
  static const float c[] = {1.3981999e-3f, 8.3334519e-3f, 4.1665796e-2f, 1.6666666e-1f, 0.5f, 1.0f, 1.0f};
  Kb *kb = &f->kb;
  KirReg *x = let(f, "y", clamp(f, use(f, arg), -104.0f, 89.0f));
  /* adding and subtracting 1.5 * 2^23 rounds to a whole number */
  KirReg *n = let(f, "n", op2(f, KIR_SUB, mad(f, use(f, x), num(f, 1.44269504f), num(f, 12582912.0f)), num(f, 12582912.0f)));
  KirReg *r = kb_var(kb, "r", mad(f, use(f, n), num(f, -0.693359375f), use(f, x)));
  kb_set(kb, r, mad(f, use(f, n), num(f, 2.12194440e-4f), use(f, r)));
  KirReg *p = polynomial(f, "p", r, c, 7);
  KirReg *k = let(f, "k", kb_convert(kb, KIR_I32, use(f, n)));
  KirReg *half = let(f, "half", op2(f, KIR_SHR, use(f, k), int32(f, 1)));
  KirExpr *rest = op2(f, KIR_SUB, use(f, k), use(f, half));
  KirExpr *a = kb_bitcast(kb, KIR_F32, op2(f, KIR_SHL, op2(f, KIR_ADD, use(f, half), int32(f, 127)), int32(f, 23)));
  KirExpr *b = kb_bitcast(kb, KIR_F32, op2(f, KIR_SHL, op2(f, KIR_ADD, rest, int32(f, 127)), int32(f, 23)));
  kb_return_value(kb, op2(f, KIR_MUL, op2(f, KIR_MUL, use(f, p), a), b));
}

static KirFunc *helper(Lower *l, MathFn fn, int lanes);

static KirExpr *call(Fn *f, MathFn fn, KirExpr *x) { return kb_call(&f->kb, helper(f->l, fn, f->lanes), x); }

/* log(x) = e ln 2 + log(m), m in [sqrt 1/2, sqrt 2): with s = (m-1)/(m+1), 2 atanh(s). */
static void fn_log(Fn *f, KirReg *x) {
  static const float c[] = {0.22219843f, 0.28498787f, 0.40000972f, 0.66666669f};
  Kb *kb = &f->kb;
  KirExpr *tiny = op2(f, KIR_LT, use(f, x), num(f, 1.17549435e-38f));
  KirReg *y = let(f, "y", kb_select(kb, tiny, op2(f, KIR_MUL, use(f, x), num(f, 8388608.0f)), use(f, x)));
  KirReg *bias = let(f, "bias", kb_select(kb, op2(f, KIR_LT, use(f, x), num(f, 1.17549435e-38f)), num(f, -23.0f), num(f, 0.0f)));
  KirReg *bits = let(f, "bits", op2(f, KIR_SUB, kb_bitcast(kb, KIR_I32, use(f, y)), int32(f, 0x3f3504f3)));
  KirReg *e = let(f, "e", op2(f, KIR_ADD, kb_convert(kb, KIR_F32, op2(f, KIR_SHR, use(f, bits), int32(f, 23))), use(f, bias)));
  KirExpr *mant = op2(f, KIR_ADD, op2(f, KIR_AND, use(f, bits), int32(f, 0x007fffff)), int32(f, 0x3f3504f3));
  KirReg *m = let(f, "m", op2(f, KIR_SUB, kb_bitcast(kb, KIR_F32, mant), num(f, 1.0f)));
  KirReg *s = let(f, "s", op2(f, KIR_DIV, use(f, m), op2(f, KIR_ADD, use(f, m), num(f, 2.0f))));
  KirReg *z = let(f, "z", op2(f, KIR_MUL, use(f, s), use(f, s)));
  KirReg *p = polynomial(f, "p", z, c, 4);
  KirReg *q = let(f, "q", op2(f, KIR_MUL, op2(f, KIR_MUL, use(f, z), use(f, p)), use(f, s)));
  /* log(1+m) = 2s + s z p; 2s = m - s m */
  KirReg *low = let(f, "low", mad(f, use(f, e), num(f, -2.12194440e-4f), op2(f, KIR_SUB, use(f, q), op2(f, KIR_MUL, use(f, s), use(f, m)))));
  KirReg *r = let(f, "r", mad(f, use(f, e), num(f, 0.693359375f), op2(f, KIR_ADD, use(f, low), use(f, m))));
  KirExpr *zero = op2(f, KIR_EQ, use(f, x), num(f, 0.0f));
  KirExpr *minus_inf = kb_bitcast(kb, KIR_F32, int32(f, (int64_t)(int32_t)0xff800000u));
  KirExpr *nan = kb_bitcast(kb, KIR_F32, int32(f, 0x7fc00000));
  KirExpr *inf = kb_bitcast(kb, KIR_F32, int32(f, 0x7f800000));
  KirReg *r1 = let(f, "r1", kb_select(kb, op2(f, KIR_LT, use(f, x), num(f, 0.0f)), nan, use(f, r)));
  KirReg *r2 = let(f, "r2", kb_select(kb, op2(f, KIR_LT, use(f, x), inf), use(f, r1), use(f, x)));
  KirReg *r3 = let(f, "r3", kb_select(kb, op2(f, KIR_LT, use(f, x), num(f, 0.0f)), nan, use(f, r2)));
  kb_return_value(kb, kb_select(kb, zero, minus_inf, use(f, r3)));
}

/* tanh: x + x^3 p(x^2) near zero, 1 - 2 / (exp(2|x|) + 1) with the sign of x elsewhere. */
static void fn_tanh(Fn *f, KirReg *x) {
  static const float c[] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f};
  Kb *kb = &f->kb;
  KirReg *a = let(f, "a", kb_op1(kb, KIR_ABS, use(f, x)));
  KirReg *z = let(f, "z", op2(f, KIR_MUL, use(f, x), use(f, x)));
  KirReg *p = polynomial(f, "p", z, c, 5);
  KirReg *small = let(f, "small", mad(f, op2(f, KIR_MUL, use(f, p), use(f, z)), use(f, x), use(f, x)));
  KirReg *e = let(f, "e", call(f, MATH_EXP, op2(f, KIR_ADD, use(f, a), use(f, a))));
  KirReg *big = let(f, "big", op2(f, KIR_SUB, num(f, 1.0f), op2(f, KIR_DIV, num(f, 2.0f), op2(f, KIR_ADD, use(f, e), num(f, 1.0f)))));
  KirReg *sign = let(f, "sign", op2(f, KIR_AND, kb_bitcast(kb, KIR_I32, use(f, x)), int32(f, (int64_t)INT32_MIN)));
  KirExpr *signed_big = kb_bitcast(kb, KIR_F32, op2(f, KIR_OR, kb_bitcast(kb, KIR_I32, use(f, big)), use(f, sign)));
  kb_return_value(kb, kb_select(kb, op2(f, KIR_LT, use(f, a), num(f, 0.625f)), use(f, small), signed_big));
}

static void fn_sigmoid(Fn *f, KirReg *x) {
  KirReg *e = let(f, "e", call(f, MATH_EXP, kb_op1(&f->kb, KIR_NEG, use(f, x))));
  kb_return_value(&f->kb, op2(f, KIR_DIV, num(f, 1.0f), op2(f, KIR_ADD, num(f, 1.0f), use(f, e))));
}

/* exp(x) - 1: by its series near zero, from exp elsewhere. */
static void fn_expm1(Fn *f, KirReg *x) {
  static const float c[] = {1.9841270e-4f, 1.3888889e-3f, 8.3333333e-3f, 4.1666667e-2f, 1.6666667e-1f, 0.5f};
  Kb *kb = &f->kb;
  KirReg *p = polynomial(f, "p", x, c, 6);
  KirReg *small = let(f, "small", mad(f, op2(f, KIR_MUL, use(f, p), use(f, x)), use(f, x), use(f, x)));
  KirReg *big = let(f, "big", op2(f, KIR_SUB, call(f, MATH_EXP, use(f, x)), num(f, 1.0f)));
  KirExpr *near = op2(f, KIR_LT, kb_op1(kb, KIR_ABS, use(f, x)), num(f, 0.35f));
  kb_return_value(kb, kb_select(kb, near, use(f, small), use(f, big)));
}

/* max(x, 0) + log1p(exp(-|x|)); log1p(y) = log(w) - ((w - 1) - y) / w with w = 1 + y rounded. */
static void fn_softplus(Fn *f, KirReg *x) {
  Kb *kb = &f->kb;
  KirReg *y = let(f, "y", call(f, MATH_EXP, kb_op1(kb, KIR_NEG, kb_op1(kb, KIR_ABS, use(f, x)))));
  KirReg *w = let(f, "w", op2(f, KIR_ADD, num(f, 1.0f), use(f, y)));
  KirExpr *lost = op2(f, KIR_SUB, op2(f, KIR_SUB, use(f, w), num(f, 1.0f)), use(f, y));
  KirReg *log1p = let(f, "log1p", op2(f, KIR_SUB, call(f, MATH_LOG, use(f, w)), op2(f, KIR_DIV, lost, use(f, w))));
  kb_return_value(kb, op2(f, KIR_ADD, op2(f, KIR_MAX, num(f, 0.0f), use(f, x)), use(f, log1p)));
}

static void fn_erf(Fn *f, KirReg *x);

/* Abramowitz and Stegun 7.1.6 series near zero, continued by a fit of log erfc. */
static void fn_erf(Fn *f, KirReg *x) {
  static const float c[] = {8.4911e-5f, -8.2133e-4f, 5.2148e-3f, -2.6866e-2f, 1.12838e-1f, -3.76126e-1f, 1.12837917f};
  static const float d[] = {0.17087277f, -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f, -0.18628806f, 0.09678418f, 0.37409196f, 1.00002368f, -1.26551223f};
  Kb *kb = &f->kb;
  KirReg *a = let(f, "a", kb_op1(kb, KIR_ABS, use(f, x)));
  KirReg *z = let(f, "z", op2(f, KIR_MUL, use(f, x), use(f, x)));
  KirReg *p = polynomial(f, "p", z, c, 7);
  KirReg *small = let(f, "small", op2(f, KIR_MUL, use(f, p), use(f, x)));
  KirReg *t = let(f, "t", op2(f, KIR_DIV, num(f, 1.0f), mad(f, num(f, 0.5f), use(f, a), num(f, 1.0f))));
  KirReg *q = polynomial(f, "q", t, d, 10);
  KirReg *tail = let(f, "tail", op2(f, KIR_MUL, use(f, t), call(f, MATH_EXP, op2(f, KIR_SUB, use(f, q), use(f, z)))));
  KirReg *big = let(f, "big", op2(f, KIR_SUB, num(f, 1.0f), use(f, tail)));
  KirReg *sign = let(f, "sign", op2(f, KIR_AND, kb_bitcast(kb, KIR_I32, use(f, x)), int32(f, (int64_t)INT32_MIN)));
  KirExpr *signed_big = kb_bitcast(kb, KIR_F32, op2(f, KIR_OR, kb_bitcast(kb, KIR_I32, use(f, big)), use(f, sign)));
  kb_return_value(kb, kb_select(kb, op2(f, KIR_LT, use(f, a), num(f, 0.8f)), use(f, small), signed_big));
}

static void (*const fn_body[MATH_COUNT])(Fn *, KirReg *) = {
    [MATH_EXP] = fn_exp,   [MATH_LOG] = fn_log,         [MATH_EXPM1] = fn_expm1,
    [MATH_TANH] = fn_tanh, [MATH_SIGMOID] = fn_sigmoid, [MATH_SOFTPLUS] = fn_softplus,
    [MATH_ERF] = fn_erf};
static const char *const fn_name[MATH_COUNT] = {"exp", "log", "expm1", "tanh", "sigmoid", "softplus", "erf"};

static KirFunc *helper(Lower *l, MathFn fn, int lanes) {
  const char *name = lanes > 1 ? arena_printf(l->arena, "%s_f32x%d", fn_name[fn], lanes)
                               : arena_printf(l->arena, "%s_f32", fn_name[fn]);
  for (int i = 0; i < l->m->n_funcs; i++)
    if (l->m->func[i]->kind == KIR_HELPER && strcmp(l->m->func[i]->name, name) == 0) return l->m->func[i];
  KirFunc made = {.name = name, .kind = KIR_HELPER, .result = kir_type(KIR_F32, lanes), .n_args = 1};
  KirFunc *func = ARENA_NEW(l->arena, KirFunc);
  *func = made;
  Fn f = {.l = l, .kb = kb_new(l->m, func), .lanes = lanes};
  func->args[0] = kb_reg(&f.kb, "x", func->result);
  fn_body[fn](&f, func->args[0]);
  func->id = l->m->n_funcs; /* behind those it calls */
  ARENA_PUSH(l->arena, l->m->func, l->m->n_funcs, l->m->cap_funcs, func);
  return func;
}

KirExpr *math_call(Lower *l, MathFn fn, KirExpr *x) { return kb_call(&l->kb, helper(l, fn, x->type.lanes), x); }

static KirExpr *bounded(Lower *l, KirExpr *x, float lo, float hi) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  return kb_op2(kb, KIR_MIN, kb_num(kb, hi, n), kb_op2(kb, KIR_MAX, kb_num(kb, lo, n), x));
}

/* x names a register where the formula needs it twice. */
static KirExpr *named(Lower *l, KirExpr *x) {
  return x->op == KIR_REG ? x : kb_use(&l->kb, kb_let(&l->kb, "x", x));
}

static KirExpr *elu_of(Lower *l, KirExpr *x, float scale, float alpha) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  x = named(l, x);
  KirExpr *zero = kb_num(kb, 0, n);
  KirExpr *low = kb_op2(kb, KIR_MUL, kb_num(kb, alpha, n), math_call(l, MATH_EXPM1, kb_op2(kb, KIR_MIN, zero, x)));
  KirExpr *high = scale == 1 ? x : kb_op2(kb, KIR_MUL, kb_num(kb, scale, n), x);
  return kb_select(kb, kb_op2(kb, KIR_LT, zero, x), high, low);
}

KirExpr *math_activation(Lower *l, Activation a, KirExpr *x) {
  Kb *kb = &l->kb;
  int n = x->type.lanes;
  switch (a) {
  case ACT_LINEAR:
  case ACT_COUNT: return x;
  case ACT_RELU: return kb_op2(kb, KIR_MAX, kb_num(kb, 0, n), x);
  case ACT_TANH: return math_call(l, MATH_TANH, x);
  case ACT_SIGMOID: return math_call(l, MATH_SIGMOID, x);
  case ACT_HARD_SIGMOID: return bounded(l, muladd(l, x, kb_num(kb, 1.0f / 6, n), kb_num(kb, 0.5f, n)), 0, 1);
  case ACT_HARD_SIGMOID_02: return bounded(l, muladd(l, x, kb_num(kb, 0.2f, n), kb_num(kb, 0.5f, n)), 0, 1);
  case ACT_HARD_TANH: return bounded(l, x, -1, 1);
  case ACT_SOFTPLUS: return math_call(l, MATH_SOFTPLUS, x);
  case ACT_SOFTSIGN:
    x = named(l, x);
    return kb_op2(kb, KIR_DIV, x, kb_op2(kb, KIR_ADD, kb_num(kb, 1, n), kb_op1(kb, KIR_ABS, x)));
  case ACT_ELU: return elu_of(l, x, 1, 1);
  case ACT_SELU: return elu_of(l, x, 1.05070098735548f, 1.75809934084738f);
  case ACT_GELU: {
    x = named(l, x);
    KirExpr *half = kb_op2(kb, KIR_MUL, kb_num(kb, 0.5f, n), x);
    KirExpr *erf = math_call(l, MATH_ERF, kb_op2(kb, KIR_MUL, x, kb_num(kb, 0.70710678f, n)));
    return kb_op2(kb, KIR_MUL, half, kb_op2(kb, KIR_ADD, kb_num(kb, 1, n), erf));
  }
  case ACT_EXP: return math_call(l, MATH_EXP, x);
  }
  return x;
}
