/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* floor, round, erf, sin, cos and atan2 as KIR helpers, written as mathfn.c writes its own:
 * straight lines, every operation rounded once. Bounds are those of
 * tests/numeric/more_functions.sh. */
#include "lower/mathfn.h"

#define INFINITE    AS_F32(INT(INFINITY_BITS))
#define NAN_BITS    AS_F32(INT(NAN_BITS))
#define SIGN_BIT    INT(-0x7fffffff - 1)
#define FIRST_WHOLE 8388608.0f /* 2^23: from here on f32 has whole numbers alone */

/* Adding 2^23 to |x| and taking it off again leaves the nearest whole number; from 2^23 on all are
 * whole. */
static KirReg *nearest(Fn *fn, KirReg *x, KirReg *magnitude) {
  LET(up, ADD(V(magnitude), NUM(FIRST_WHOLE)));
  LET(n, SUB(V(up), NUM(FIRST_WHOLE)));
  LET(s, SELECT(LT(V(x), NUM(0.0f)), NEG(V(n)), V(n)));
  return s;
}

void fn_floor(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(a, ABS(V(x)));
  KirReg *s = nearest(fn, x, a);
  LET(less, SUB(V(s), NUM(1.0f)));
  LET(y, SELECT(LT(V(x), V(s)), V(less), V(s)));
  RETURN(SELECT(LT(V(a), NUM(FIRST_WHOLE)), V(y), V(x)));
}

/* The nearest number is what f32 rounds the sum to: halves become even. */
void fn_round(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(a, ABS(V(x)));
  KirReg *s = nearest(fn, x, a);
  RETURN(SELECT(LT(V(a), NUM(FIRST_WHOLE)), V(s), V(x)));
}

/* Up to 1 a polynomial, x P(x^2); beyond it the tail of the normal distribution as gelu has it:
 * erf(a) = 1 + 2 gelu(-z) / z with z = a sqrt(2). From 4 on it is 1 in f32. */
void fn_erf(Fn *fn) {
  KirReg *x = fn->arg[0];
  LET(a, MIN(NUM(4.5f), ABS(V(x))));
  LET(u, MUL(V(a), V(a)));
  LET(p56, MAD(NUM(7.88249711e-05f), V(u), NUM(-0.000801885499f)));
  LET(p46, MAD(V(p56), V(u), NUM(0.00518931194f)));
  LET(p36, MAD(V(p46), V(u), NUM(-0.0268543288f)));
  LET(p26, MAD(V(p36), V(u), NUM(0.112835975f)));
  LET(p16, MAD(V(p26), V(u), NUM(-0.376126269f)));
  LET(p, MAD(V(p16), V(u), NUM(1.12837917f)));
  LET(near, MUL(V(a), V(p)));
  LET(z, MUL(V(a), NUM(1.41421356f)));
  LET(g, CALL(GELU, NEG(V(z))));
  LET(tail, DIV(V(g), V(z)));
  LET(far, MAD(NUM(2.0f), V(tail), NUM(1.0f)));
  LET(y, SELECT(LE(V(a), NUM(1.0f)), V(near), V(far)));
  LET(bits, kb_op2(&fn->kb, KIR_OR, AS_I32(V(y)), AND(AS_I32(V(x)), SIGN_BIT)));
  RETURN(SELECT(EQ(V(x), V(x)), AS_F32(V(bits)), V(x)));
}

/* x as n pi/2 + r: pi/2 in four parts, the first three of nine bits, so that their products with n
 * are exact. The polynomials are those of sin and cos on |r| <= pi/4; `turn` quarters are added to
 * n. */
static void circular(Fn *fn, int turn) {
  KirReg *x = fn->arg[0];
  LET(t, MAD(V(x), NUM(0.636619772f), NUM(12582912.0f)));
  LET(n, SUB(V(t), NUM(12582912.0f)));
  LET(r1, MAD(V(n), NUM(-1.5703125f), V(x)));
  LET(r2, MAD(V(n), NUM(-0.00048351287841796875f), V(r1)));
  LET(r3, MAD(V(n), NUM(-3.1385570764541626e-07f), V(r2)));
  LET(r, MAD(V(n), NUM(-6.077094383272197e-11f), V(r3)));
  LET(u, MUL(V(r), V(r)));
  LET(s12, MAD(NUM(-0.00019587f), V(u), NUM(0.00833275f)));
  LET(s02, MAD(V(s12), V(u), NUM(-0.16666665f)));
  LET(ru, MUL(V(r), V(u)));
  LET(s, MAD(V(s02), V(ru), V(r)));
  LET(c12, MAD(NUM(2.45473337e-05f), V(u), NUM(-0.00138883002f)));
  LET(c02, MAD(V(c12), V(u), NUM(0.0416666646f)));
  LET(half, MAD(NUM(-0.5f), V(u), NUM(1.0f)));
  LET(uu, MUL(V(u), V(u)));
  LET(c, MAD(V(c02), V(uu), V(half)));
  LET(q, ADD(AS_I32(V(t)), INT(turn)));
  LET(odd, AND(V(q), INT(1)));
  LET(y, SELECT(EQ(V(odd), INT(0)), V(s), V(c)));
  LET(sign, SHL(AND(V(q), INT(2)), INT(30)));
  LET(turned, AS_F32(kb_op2(&fn->kb, KIR_XOR, AS_I32(V(y)), V(sign))));
  RETURN(SELECT(LE(ABS(V(x)), NUM(32768.0f)), V(turned), NAN_BITS));
}

void fn_sin(Fn *fn) {
  circular(fn, 0);
}
void fn_cos(Fn *fn) {
  circular(fn, 1);
}

/* The lesser of |x| and |y| over the greater, z in 0..1; above tan(pi/8) atan z = pi/4 + atan((z -
 * 1) / (z + 1)). */
void fn_atan2(Fn *fn) {
  KirReg *y = fn->arg[0], *x = fn->arg[1];
  LET(ax, ABS(V(x)));
  LET(ay, ABS(V(y)));
  LET(low, SELECT(LT(V(ax), V(ay)), V(ax), V(ay)));
  LET(high, SELECT(LT(V(ax), V(ay)), V(ay), V(ax)));
  LET(divisor, SELECT(EQ(V(high), NUM(0.0f)), NUM(1.0f), V(high)));
  LET(z0, DIV(V(low), V(divisor)));
  LET(z, SELECT(EQ(V(low), INFINITE), NUM(1.0f), V(z0)));
  LET(less, SUB(V(z), NUM(1.0f)));
  LET(more, ADD(V(z), NUM(1.0f)));
  LET(v, SELECT(LT(NUM(0.414213562f), V(z)), DIV(V(less), V(more)), V(z)));
  LET(u, MUL(V(v), V(v)));
  LET(p34, MAD(NUM(-0.06447258f), V(u), NUM(0.10742649f)));
  LET(p24, MAD(V(p34), V(u), NUM(-0.14263896f)));
  LET(p14, MAD(V(p24), V(u), NUM(0.1999954f)));
  LET(p04, MAD(V(p14), V(u), NUM(-0.33333332f)));
  LET(vu, MUL(V(v), V(u)));
  LET(a, MAD(V(p04), V(vu), V(v)));
  LET(base, SELECT(LT(NUM(0.414213562f), V(z)), NUM(0.785398163f), NUM(0.0f)));
  LET(first, ADD(V(base), V(a)));
  LET(swapped, SELECT(LT(V(ax), V(ay)), SUB(NUM(1.57079633f), V(first)), V(first)));
  LET(half, SELECT(LT(AS_I32(V(x)), INT(0)), SUB(NUM(3.14159265f), V(swapped)), V(swapped)));
  LET(signed_bits, kb_op2(&fn->kb, KIR_OR, AS_I32(V(half)), AND(AS_I32(V(y)), SIGN_BIT)));
  LET(of_x, SELECT(EQ(V(x), V(x)), AS_F32(V(signed_bits)), V(x)));
  RETURN(SELECT(EQ(V(y), V(y)), V(of_x), V(y)));
}
