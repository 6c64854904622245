/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The functions of runtime/core/grus_math.h as KIR helpers over any number of lanes: operation for
 * operation the same text, so that generated code rounds as the functions whose bounds are proven
 * there. Where the formulas come from is said there, too. What cells make of several gates is only
 * here; tests/numeric/gates.c has its bounds. */
#include "lower/mathfn.h"

#include <string.h>

static KirFunc *helper(Lower *l, MathFn fn, int lanes);

KirExpr *fn_call(Fn *fn, MathFn what, KirExpr *a, KirExpr *b, KirExpr *c) {
  KirExpr *e = kb_call(&fn->kb, helper(fn->l, what, fn->lanes), a);
  e->arg[1] = b;
  e->arg[2] = c;
  return e;
}

static void fn_exp_scaled(Fn *fn) {
  KirReg *r = fn->arg[0];
  KirReg *k = fn->arg[1];
  LET(k1, SHR(V(k), INT(1)));
  LET(k2, SUB(V(k), V(k1)));
  LET(s1, AS_F32(SHL(V(k1), INT(FRACTION_BITS))));
  LET(s2, AS_F32(SHL(V(k2), INT(FRACTION_BITS))));
  LET(rr, MUL(V(r), V(r)));
  LET(p23, MAD(NUM(0.1666652f), V(r), NUM(0.4999999f)));
  LET(p45, MAD(NUM(0.008368852f), V(r), NUM(0.041668955f)));
  LET(p46, MAD(NUM(0.0013783586f), V(rr), V(p45)));
  LET(p26, MAD(V(p46), V(rr), V(p23)));
  LET(p16, MAD(V(p26), V(rr), V(r)));
  LET(p, ADD(V(p16), NUM(1.0f)));
  LET(ps, MUL(V(p), V(s1)));
  RETURN(MUL(V(ps), V(s2)));
}

static void fn_exp(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(lo, MAX(NUM(-104.0f), V(x)));
  LET(c, MIN(NUM(89.0f), V(lo)));
  LET(t, MAD(V(c), NUM(LOG2_E), NUM(ROUND_AND_BIAS_254)));
  LET(n, SUB(V(t), NUM(ROUND_AND_BIAS_254)));
  LET(r1, MAD(V(n), NUM(-LN2_HIGH), V(c)));
  LET(r, MAD(V(n), NUM(LN2_LOW), V(r1)));
  RETURN(CALL2(EXP_SCALED, V(r), AS_I32(V(t))));
}

static void fn_expm1(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(lo, MAX(NUM(-18.0f), V(x)));
  LET(c, MIN(NUM(89.0f), V(lo)));
  LET(t, MAD(V(c), NUM(LOG2_E), NUM(ROUND_AND_BIAS_126)));
  LET(n, SUB(V(t), NUM(ROUND_AND_BIAS_126)));
  LET(r1, MAD(V(n), NUM(-LN2_HIGH), V(c)));
  LET(r, MAD(V(n), NUM(LN2_LOW), V(r1)));
  LET(s, AS_F32(SHL(AS_I32(V(t)), INT(FRACTION_BITS))));
  LET(rr, MUL(V(r), V(r)));
  LET(q23, MAD(NUM(0.16666542f), V(r), NUM(0.49999997f)));
  LET(q45, MAD(NUM(0.008366725f), V(r), NUM(0.041667495f)));
  LET(q46, MAD(NUM(0.0013865485f), V(rr), V(q45)));
  LET(q26, MAD(V(q46), V(rr), V(q23)));
  LET(q, MAD(V(q26), V(rr), V(r)));
  LET(s1, SUB(V(s), NUM(0.5f)));
  LET(h, MAD(V(q), V(s), V(s1)));
  LET(y, ADD(V(h), V(h)));
  LET(a, ABS(V(x)));
  RETURN(SELECT(LT(V(a), NUM(5.9604645e-08f)), V(x), V(y)));
}

static void fn_log(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(big, MUL(V(x), NUM(8388608.0f)));
  LET(v, SELECT(LT(V(x), NUM(LEAST_NORMAL)), V(big), V(x)));
  LET(e0, SELECT(LT(V(x), NUM(LEAST_NORMAL)), NUM(-23.0f), NUM(0.0f)));
  LET(i, SUB(AS_I32(V(v)), INT(0x3f3504f3)));
  LET(k, SHR(V(i), INT(FRACTION_BITS)));
  LET(m, AS_F32(SUB(AS_I32(V(v)), SHL(V(k), INT(FRACTION_BITS)))));
  LET(e, ADD(TO_F32(V(k)), V(e0)));
  LET(f, SUB(V(m), NUM(1.0f)));
  LET(ff, MUL(V(f), V(f)));
  LET(f4, MUL(V(ff), V(ff)));
  LET(p34, MAD(NUM(-0.25000808f), V(f), NUM(0.33333302f)));
  LET(p56, MAD(NUM(-0.16624893f), V(f), NUM(0.20002855f)));
  LET(p78, MAD(NUM(-0.13122578f), V(f), NUM(0.14174742f)));
  LET(p910, MAD(NUM(-0.07886642f), V(f), NUM(0.12903808f)));
  LET(p36, MAD(V(p56), V(ff), V(p34)));
  LET(p710, MAD(V(p910), V(ff), V(p78)));
  LET(p, MAD(V(p710), V(f4), V(p36)));
  LET(fp, MUL(V(f), V(p)));
  LET(h, SUB(V(fp), NUM(0.5f)));
  LET(low, MUL(V(e), NUM(-LN2_LOW)));
  LET(g, MAD(V(h), V(ff), V(low)));
  LET(fg, ADD(V(f), V(g)));
  LET(y, MAD(V(e), NUM(LN2_HIGH), V(fg)));
  LET(at0, SELECT(EQ(V(x), NUM(0.0f)), AS_F32(INT(MINUS_INFINITY_BITS)), AS_F32(INT(NAN_BITS))));
  LET(inside, SELECT(LT(NUM(0.0f), V(x)), V(y), V(at0)));
  RETURN(SELECT(EQ(V(x), AS_F32(INT(INFINITY_BITS))), V(x), V(inside)));
}

static void fn_softplus(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(t, CALL(EXP, NEG(ABS(V(x)))));
  LET(tt, MUL(V(t), V(t)));
  LET(t4, MUL(V(tt), V(tt)));
  LET(p23, MAD(NUM(0.3333048f), V(t), NUM(-0.4999993f)));
  LET(p45, MAD(NUM(0.19694024f), V(t), NUM(-0.24958293f)));
  LET(p67, MAD(NUM(0.10674694f), V(t), NUM(-0.15351717f)));
  LET(p89, MAD(NUM(0.020176446f), V(t), NUM(-0.057609394f)));
  LET(p25, MAD(V(p45), V(tt), V(p23)));
  LET(p69, MAD(V(p89), V(tt), V(p67)));
  LET(p610, MAD(NUM(-0.0033124348f), V(t4), V(p69)));
  LET(p, MAD(V(p610), V(t4), V(p25)));
  LET(l, MAD(V(p), V(tt), V(t)));
  LET(m, MAX(NUM(0.0f), V(x)));
  RETURN(ADD(V(m), V(l)));
}

static void fn_gelu(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(a, MIN(NUM(14.4f), ABS(V(x))));
  LET(a1, AS_F32(AND(AS_I32(V(a)), INT(UPPER_HALF))));
  LET(a2, SUB(V(a), V(a1)));
  LET(b1, MUL(V(a1), NUM(-0.5f)));
  LET(b, MUL(V(a1), V(b1)));
  LET(d1, ADD(V(a), V(a1)));
  LET(d2, MUL(V(a2), NUM(-0.5f)));
  LET(d, MUL(V(d1), V(d2)));
  LET(t, MAD(V(b), NUM(LOG2_E), NUM(ROUND_AND_BIAS_254)));
  LET(n, SUB(V(t), NUM(ROUND_AND_BIAS_254)));
  LET(r1, MAD(V(n), NUM(-LN2_HIGH), V(b)));
  LET(r2, MAD(V(n), NUM(LN2_LOW), V(r1)));
  LET(r, ADD(V(r2), V(d)));
  LET(e, CALL2(EXP_SCALED, V(r), AS_I32(V(t))));
  LET(aa, MUL(V(a), V(a)));
  LET(a4, MUL(V(aa), V(aa)));
  LET(p01, MAD(NUM(0.43739253f), V(a), NUM(0.5f)));
  LET(q01, MAD(NUM(1.6726699f), V(a), NUM(1.0f)));
  LET(p23, MAD(NUM(0.040391296f), V(a), NUM(0.18254022f)));
  LET(q23, MAD(NUM(0.46762922f), V(a), NUM(1.1996741f)));
  LET(q45, MAD(NUM(0.010222181f), V(a), NUM(0.10125261f)));
  LET(p03, MAD(V(p23), V(aa), V(p01)));
  LET(q03, MAD(V(q23), V(aa), V(q01)));
  LET(p, MAD(NUM(0.0040781097f), V(a4), V(p03)));
  LET(q, MAD(V(q45), V(a4), V(q03)));
  LET(ap, MUL(V(a), V(p)));
  LET(g, DIV(V(ap), V(q)));
  LET(h, MUL(V(g), V(e)));
  LET(m, MAX(NUM(0.0f), V(x)));
  RETURN(SUB(V(m), V(h)));
}

static void fn_gelu_tanh(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(c, MAX(NUM(-20.0f), V(x)));
  LET(u, MUL(V(c), V(c)));
  LET(w, MAD(V(u), NUM(0.071354814f), NUM(1.5957692f)));
  LET(z, MUL(V(c), V(w)));
  LET(s, CALL(SIGMOID, V(z)));
  RETURN(MUL(V(c), V(s)));
}

static void fn_sqrt_remainder(Fn *fn) {
  KirReg *m = fn->arg[0];
  KirReg *s1 = fn->arg[1];
  KirReg *s2 = fn->arg[2];
  LET(t11, MUL(V(s1), V(s1)));
  LET(t12, MUL(V(s1), V(s2)));
  LET(t22, MUL(V(s2), V(s2)));
  LET(r1, SUB(V(m), V(t11)));
  LET(r2, SUB(V(r1), V(t12)));
  LET(r3, SUB(V(r2), V(t12)));
  RETURN(SUB(V(r3), V(t22)));
}

static void fn_sqrt(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(big, MUL(V(x), NUM(16777216.0f)));
  LET(v, SELECT(LT(V(x), NUM(LEAST_NORMAL)), V(big), V(x)));
  LET(e0, SELECT(LT(V(x), NUM(LEAST_NORMAL)), INT(12), INT(0)));
  LET(i, SUB(AS_I32(V(v)), INT(0x3f800000)));
  LET(k, SHR(V(i), INT(24)));
  LET(m, AS_F32(SUB(AS_I32(V(v)), SHL(V(k), INT(24)))));
  LET(y0, AS_F32(SUB(INT(0x5f375a86), SHR(AS_I32(V(m)), INT(1)))));
  LET(hm, MUL(V(m), NUM(0.5f)));
  LET(a0, MUL(V(y0), V(y0)));
  LET(c0, MUL(V(hm), V(a0)));
  LET(b0, SUB(NUM(1.5f), V(c0)));
  LET(y1, MUL(V(y0), V(b0)));
  LET(a1, MUL(V(y1), V(y1)));
  LET(c1, MUL(V(hm), V(a1)));
  LET(b1, SUB(NUM(1.5f), V(c1)));
  LET(y2, MUL(V(y1), V(b1)));
  LET(g, MUL(V(m), V(y2)));
  LET(g1, AS_F32(AND(AS_I32(V(g)), INT(UPPER_HALF))));
  LET(g2, SUB(V(g), V(g1)));
  LET(gr, CALL3(SQRT_REMAINDER, V(m), V(g1), V(g2)));
  LET(hy, MUL(V(y2), NUM(0.5f)));
  LET(gc, MUL(V(gr), V(hy)));
  LET(s, ADD(V(g), V(gc)));
  LET(s1, AS_F32(AND(AS_I32(V(s)), INT(UPPER_HALF))));
  LET(s2, SUB(V(s), V(s1)));
  LET(r, CALL3(SQRT_REMAINDER, V(m), V(s1), V(s2)));
  LET(su, MUL(V(s), NUM(EPSILON)));
  LET(up, SELECT(LT(V(su), V(r)), NUM(EPSILON), NUM(0.0f)));
  LET(down, SELECT(LE(V(r), NEG(V(su))), NUM(EPSILON), NUM(0.0f)));
  LET(upper, ADD(V(s), V(up)));
  LET(root, SUB(V(upper), V(down)));
  LET(ke, SUB(V(k), V(e0)));
  LET(y, AS_F32(ADD(AS_I32(V(root)), SHL(V(ke), INT(FRACTION_BITS)))));
  LET(edge, SELECT(LT(V(x), NUM(0.0f)), AS_F32(INT(NAN_BITS)), V(x)));
  LET(inside, SELECT(LT(NUM(0.0f), V(x)), V(y), V(edge)));
  RETURN(SELECT(EQ(V(x), AS_F32(INT(INFINITY_BITS))), V(x), V(inside)));
}

static void fn_tanh_fast(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(lo, MAX(NUM(-5.3f), V(x)));
  LET(c, MIN(NUM(5.3f), V(lo)));
  LET(u, MUL(V(c), V(c)));
  LET(p12, MAD(NUM(0.00064996176f), V(u), NUM(0.101842955f)));
  LET(q12, MAD(NUM(0.012627383f), V(u), NUM(0.43488508f)));
  LET(p, MAD(V(p12), V(u), NUM(1.0f)));
  LET(q, MAD(V(q12), V(u), NUM(1.0f)));
  LET(n, MUL(V(c), V(p)));
  RETURN(DIV(V(n), V(q)));
}

static void fn_sigmoid_fast(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(lo, MAX(NUM(-10.6f), V(x)));
  LET(c, MIN(NUM(10.6f), V(lo)));
  LET(u, MUL(V(c), V(c)));
  LET(p12, MAD(NUM(1.01556525e-05f), V(u), NUM(0.0063651847f)));
  LET(q12, MAD(NUM(0.0007892114f), V(u), NUM(0.10872127f)));
  LET(p, MAD(V(p12), V(u), NUM(0.25f)));
  LET(q, MAD(V(q12), V(u), NUM(1.0f)));
  LET(n, MUL(V(c), V(p)));
  LET(h, DIV(V(n), V(q)));
  RETURN(ADD(V(h), NUM(0.5f)));
}

static void fn_exp_fast(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(lo, MAX(NUM(-87.0f), V(x)));
  LET(c, MIN(NUM(88.0f), V(lo)));
  LET(t, MAD(V(c), NUM(LOG2_E), NUM(ROUND_AND_BIAS_127)));
  LET(n, SUB(V(t), NUM(ROUND_AND_BIAS_127)));
  LET(r, MAD(V(n), NUM(-0.6931472f), V(c)));
  LET(s, AS_F32(SHL(AS_I32(V(t)), INT(FRACTION_BITS))));
  LET(rr, MUL(V(r), V(r)));
  LET(p01, MAD(NUM(1.0001659f), V(r), NUM(0.99992734f)));
  LET(p23, MAD(NUM(0.16566302f), V(r), NUM(0.5049893f)));
  LET(p, MAD(V(p23), V(rr), V(p01)));
  RETURN(MUL(V(p), V(s)));
}

typedef struct FnInfo {
  const char *name;
  void (*body)(Fn *);
  const char *args; /* a letter each: f float, i int32 */
  const char *arg_name[KIR_MAX_ARGS];
  const char *doc;
} FnInfo;

static const FnInfo fn_info[MATH_COUNT] = {
    [MATH_EXP] = {"exp", fn_exp, "f", {"x"}, "within 1.05 ulp"},
    [MATH_EXP_SCALED] = {"exp_scaled",
                         fn_exp_scaled,
                         "fi",
                         {"r", "k"},
                         "exp(r) 2^n for |r| <= ln2/2; the low nine bits of k hold n + 254"},
    [MATH_EXPM1] = {"expm1", fn_expm1, "f", {"x"}, "exp(x) - 1"},
    [MATH_LOG] = {"log", fn_log, "f", {"x"}, "within 0.96 ulp"},
    [MATH_TANH] = {"tanh", fn_tanh, "f", {"x"}, "within 1.6e-7"},
    [MATH_SIGMOID] = {"sigmoid", fn_sigmoid, "f", {"x"}, "1 / (1 + exp(-x)), within 1e-7"},
    [MATH_SOFTPLUS] = {"softplus", fn_softplus, "f", {"x"}, "log(1 + exp(x))"},
    [MATH_GELU] = {"gelu", fn_gelu, "f", {"x"}, "x times the normal distribution"},
    [MATH_GELU_TANH] =
        {"gelu_tanh", fn_gelu_tanh, "f", {"x"}, "x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))"},
    [MATH_SQRT_REMAINDER] =
        {"sqrt_remainder", fn_sqrt_remainder, "fff", {"m", "s1", "s2"}, "m - (s1 + s2)^2"},
    [MATH_SQRT] = {"sqrt", fn_sqrt, "f", {"x"}, "correctly rounded"},
    [MATH_SIGMOID_DIVISOR] =
        {"sigmoid_divisor", fn_sigmoid_divisor, "f", {"x"}, "1 / sigmoid(x), at most 2^40"},
    [MATH_TANH_OVER] = {"tanh_over", fn_tanh_over, "ff", {"x", "d"}, "tanh(x) / d"},
    [MATH_LSTM_STATE] =
        {"lstm_state", fn_lstm_state, "ffff", {"x", "i", "f", "c"}, "c / f + tanh(x) / i"},
    [MATH_GRU_STATE] = {"gru_state",
                        fn_gru_state,
                        "fff",
                        {"x", "d", "h"},
                        "n + z (h - n) where n = tanh(x), z = 1 / d"},
    [MATH_FLOOR] = {"floor", fn_floor, "f", {"x"}, "the greatest whole number that is not above x"},
    [MATH_ROUND] = {"round", fn_round, "f", {"x"}, "the nearest whole number, halves to even"},
    [MATH_ERF] = {"erf", fn_erf, "f", {"x"}, "the error function, within 2e-7"},
    [MATH_SIN] = {"sin", fn_sin, "f", {"x"}, "within 2e-7 for |x| <= 32768, NaN beyond"},
    [MATH_COS] = {"cos", fn_cos, "f", {"x"}, "within 2e-7 for |x| <= 32768, NaN beyond"},
    [MATH_ATAN2] = {"atan2", fn_atan2, "ff", {"y", "x"}, "the angle of (x, y), within 4e-7"},
    [MATH_EXP_FAST] = {"exp_fast", fn_exp_fast, "f", {"x"}, "within 8e-5 of it on -87 .. 88"},
    [MATH_TANH_FAST] = {"tanh_fast", fn_tanh_fast, "f", {"x"}, "within 8e-5 of it"},
    [MATH_SIGMOID_FAST] = {"sigmoid_fast", fn_sigmoid_fast, "f", {"x"}, "within 4e-5"},
};

static KirFunc *helper(Lower *l, MathFn what, int lanes) {
  const FnInfo *info = &fn_info[what];
  const char *name = lanes > 1 ? arena_printf(l->arena, "%s_f32x%d", info->name, lanes)
                               : arena_printf(l->arena, "%s_f32", info->name);
  for (int i = 0; i < l->m->n_funcs; i++)
    if (l->m->func[i]->kind == KIR_HELPER && strcmp(l->m->func[i]->name, name) == 0)
      return l->m->func[i];
  KirFunc *func = ARENA_NEW(l->arena, KirFunc);
  func->name = name;
  func->kind = KIR_HELPER;
  func->result = kir_type(KIR_F32, lanes);
  func->n_args = (int)strlen(info->args);
  func->doc = info->doc;
  Fn fn = {.l = l, .kb = kb_new(l->m, func), .lanes = lanes};
  for (int i = 0; i < func->n_args; i++)
    fn.arg[i] = func->args[i] = kb_reg(&fn.kb, info->arg_name[i],
                                       kir_type(info->args[i] == 'i' ? KIR_I32 : KIR_F32, lanes));
  info->body(&fn);
  func->id = l->m->n_funcs; /* after those it calls */
  ARENA_PUSH(l->arena, l->m->func, l->m->n_funcs, l->m->cap_funcs, func);
  return func;
}

/* --math=fast: the three have a shorter form. What other functions call stays as it is: their
 * bounds rest on it. */
static MathFn fast_form(MathFn fn) {
  return fn == MATH_EXP       ? MATH_EXP_FAST
         : fn == MATH_TANH    ? MATH_TANH_FAST
         : fn == MATH_SIGMOID ? MATH_SIGMOID_FAST
                              : fn;
}

KirExpr *math_call(Emit *e, MathFn fn, KirExpr *x) {
  Lower *l = e->l;
  if (l->opt.math_fast) fn = fast_form(fn);
  return kb_call(&e->kb, helper(l, fn, x->type.lanes), x);
}

KirExpr *math_gates(Emit *e, MathFn fn, KirExpr *const arg[KIR_MAX_ARGS]) {
  KirExpr *call = kb_call(&e->kb, helper(e->l, fn, arg[0]->type.lanes), arg[0]);
  for (int i = 1; i < KIR_MAX_ARGS; i++)
    call->arg[i] = arg[i];
  return call;
}
