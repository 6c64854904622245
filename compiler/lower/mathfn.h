/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The notation in which mathfn*.c write the bodies of helpers. Private to them. */
#ifndef GRUS_LOWER_MATHFN_H
#define GRUS_LOWER_MATHFN_H

#include "lower/lower_internal.h"

/* Writes the body of one helper. */
typedef struct Fn {
  Lower *l;
  Kb kb;
  int lanes;
  KirReg *arg[KIR_MAX_ARGS];
} Fn;

/* A call of another helper; unused arguments are NULL. */
KirExpr *fn_call(Fn *fn, MathFn what, KirExpr *a, KirExpr *b, KirExpr *c);

/* The notation of this file: registers are written V(x), the function being built is fn. */
#define LET(name, e)      KirReg *name = kb_let(&fn->kb, #name, e)
#define RETURN(e)         kb_return_value(&fn->kb, e)
#define V(reg)            kb_use(&fn->kb, reg)
#define NUM(f)            kb_num(&fn->kb, f, fn->lanes)
#define INT(i)            kb_int(&fn->kb, KIR_I32, i, fn->lanes)
#define ADD(a, b)         kb_op2(&fn->kb, KIR_ADD, a, b)
#define SUB(a, b)         kb_op2(&fn->kb, KIR_SUB, a, b)
#define MUL(a, b)         kb_op2(&fn->kb, KIR_MUL, a, b)
#define DIV(a, b)         kb_op2(&fn->kb, KIR_DIV, a, b)
#define MIN(a, b)         kb_op2(&fn->kb, KIR_MIN, a, b)
#define MAX(a, b)         kb_op2(&fn->kb, KIR_MAX, a, b)
#define AND(a, b)         kb_op2(&fn->kb, KIR_AND, a, b)
#define SHL(a, b)         kb_op2(&fn->kb, KIR_SHL, a, b)
#define SHR(a, b)         kb_op2(&fn->kb, KIR_SHR, a, b)
#define LT(a, b)          kb_op2(&fn->kb, KIR_LT, a, b)
#define LE(a, b)          kb_op2(&fn->kb, KIR_LE, a, b)
#define EQ(a, b)          kb_op2(&fn->kb, KIR_EQ, a, b)
#define NEG(a)            kb_op1(&fn->kb, KIR_NEG, a)
#define ABS(a)            kb_op1(&fn->kb, KIR_ABS, a)
#define SELECT(t, a, b)   kb_select(&fn->kb, t, a, b)
#define AS_F32(a)         kb_bitcast(&fn->kb, KIR_F32, a)
#define AS_I32(a)         kb_bitcast(&fn->kb, KIR_I32, a)
#define TO_F32(a)         kb_convert(&fn->kb, KIR_F32, a)
#define MAD(a, b, c)      kb_op3(&fn->kb, fn->l->target->has_fma ? KIR_FMA : KIR_MAD, a, b, c)
#define CALL(f, a)        fn_call(fn, MATH_##f, a, NULL, NULL)
#define CALL2(f, a, b)    fn_call(fn, MATH_##f, a, b, NULL)
#define CALL3(f, a, b, c) fn_call(fn, MATH_##f, a, b, c)

/* 1.5 * 2^23 + bias: adding it to a number of moderate size rounds that to a whole n, and leaves
 * n + bias in the low bits of the sum, from where SHL puts it into the exponent. */
#define ROUND_AND_BIAS_126 12583038.0f
#define ROUND_AND_BIAS_127 12583039.0f
#define ROUND_AND_BIAS_254 12583166.0f
#define LOG2_E             1.442695f
#define LN2_HIGH           0.693359375f   /* ln 2 to 9 bits, */
#define LN2_LOW            0.00021219444f /* less this */
#define LEAST_NORMAL       1.1754944e-38f
#define EPSILON            1.1920929e-07f /* 2^-23 */
enum { FRACTION_BITS = 23, UPPER_HALF = -0x1000 /* clears the lower half of the fraction */ };
enum { MINUS_INFINITY_BITS = -0x800000, INFINITY_BITS = 0x7f800000, NAN_BITS = 0x7fc00000 };

/* mathfn_gates.c */
void fn_tanh(Fn *fn);
void fn_sigmoid(Fn *fn);
void fn_sigmoid_divisor(Fn *fn);
void fn_tanh_over(Fn *fn);
void fn_lstm_state(Fn *fn);
void fn_gru_state(Fn *fn);

/* mathfn_more.c */
void fn_floor(Fn *fn);
void fn_round(Fn *fn);
void fn_erf(Fn *fn);
void fn_sin(Fn *fn);
void fn_cos(Fn *fn);
void fn_atan2(Fn *fn);

#endif
