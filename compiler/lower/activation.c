/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* In: a word of `activation=` or `gate=` and a register. Out: the activation as an expression. */
#include "lower/lower_internal.h"

/* x is a register, so that a formula can read it twice. */
static KirExpr *named(Emit *e, KirExpr *x) {
  return x->op == KIR_REG ? x : kb_use(&e->kb, kb_let(&e->kb, "x", x));
}

static KirExpr *elu_of(Emit *e, KirExpr *x, float scale, float alpha) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  x = named(e, x);
  KirExpr *zero = kb_num(kb, 0, n);
  KirExpr *low = kb_op2(kb, KIR_MUL, kb_num(kb, alpha, n),
                        math_call(e, MATH_EXPM1, kb_op2(kb, KIR_MIN, zero, x)));
  KirExpr *high = scale == 1 ? x : kb_op2(kb, KIR_MUL, kb_num(kb, scale, n), x);
  return kb_select(kb, kb_op2(kb, KIR_LT, zero, x), high, low);
}

KirExpr *math_activation(Emit *e, Activation a, KirExpr *x) {
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  switch (a) {
  case ACT_LINEAR:
  case ACT_COUNT: return x;
  case ACT_RELU: return kb_op2(kb, KIR_MAX, kb_num(kb, 0, n), x);
  case ACT_TANH: return math_call(e, MATH_TANH, x);
  case ACT_SIGMOID: return math_call(e, MATH_SIGMOID, x);
  case ACT_HARD_SIGMOID:
    return kb_limit(&e->kb, muladd(e, x, kb_num(kb, 1.0f / 6, n), kb_num(kb, 0.5f, n)), 0, 1);
  case ACT_HARD_SIGMOID_02:
    return kb_limit(&e->kb, muladd(e, x, kb_num(kb, 0.2f, n), kb_num(kb, 0.5f, n)), 0, 1);
  case ACT_HARD_TANH: return kb_limit(&e->kb, x, -1, 1);
  case ACT_SOFTPLUS: return math_call(e, MATH_SOFTPLUS, x);
  case ACT_SOFTSIGN:
    x = named(e, x);
    return kb_op2(kb, KIR_DIV, x, kb_op2(kb, KIR_ADD, kb_num(kb, 1, n), kb_op1(kb, KIR_ABS, x)));
  case ACT_ELU: return elu_of(e, x, 1, 1);
  case ACT_SELU: return elu_of(e, x, 1.05070098735548f, 1.75809934084738f);
  case ACT_GELU: return math_call(e, MATH_GELU, x);
  case ACT_EXP: return math_call(e, MATH_EXP, x);
  }
  return x;
}
