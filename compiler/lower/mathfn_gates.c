/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* tanh and sigmoid, and sums of gates over one division. The rest of the functions: mathfn.c. */
#include "lower/mathfn.h"

/* x of a tanh as 2 log2(e) x = n + f; up = 1 + 2^n, down = 1 - 2^n. */
typedef struct Reduced {
  KirReg *f, *ff, *up, *down;
} Reduced;

static Reduced reduced(Fn *fn, KirReg *x) {
  LET(lo, MAX(NUM(-9.02f), V(x)));
  LET(c, MIN(NUM(9.02f), V(lo)));
  LET(t, MAD(V(c), NUM(2 * LOG2_E), NUM(ROUND_AND_BIAS_127)));
  LET(n, SUB(V(t), NUM(ROUND_AND_BIAS_127)));
  LET(f, MAD(V(c), NUM(2 * LOG2_E), NEG(V(n))));
  LET(s, AS_F32(SHL(AS_I32(V(t)), INT(FRACTION_BITS))));
  LET(up, ADD(V(s), NUM(1.0f)));
  LET(down, SUB(NUM(1.0f), V(s)));
  LET(ff, MUL(V(f), V(f)));
  return (Reduced){f, ff, up, down};
}

/* tanh(f / (2 log2(e))) / f */
static KirReg *tanh_series(Fn *fn, KirReg *ff) {
  LET(w35, MAD(NUM(0.000655253884f), V(ff), NUM(-0.0138750914f)));
  LET(w15, MAD(V(w35), V(ff), NUM(0.34657359f)));
  return w15;
}

void fn_tanh(Fn *fn) {
  Reduced y = reduced(fn, fn->arg[0]);
  KirReg *w15 = tanh_series(fn, y.ff);
  LET(w, MUL(V(y.f), V(w15)));
  LET(num, MAD(V(w), V(y.up), NEG(V(y.down))));
  LET(den, MAD(V(w), NEG(V(y.down)), V(y.up)));
  RETURN(DIV(V(num), V(den)));
}

/* exp(-x) of a sigmoid, its argument within `least` and 87, as 2^n times a polynomial of f with
 * log2(e) x = -(n + f): s is 2^n, p01, p23 and p45 are pairs of terms of the polynomial. */
typedef struct Decay {
  KirReg *s, *ff, *p01, *p23, *p45;
} Decay;

static Decay decay(Fn *fn, float least) {
  KirReg *x = fn->arg[0];
  LET(lo, MAX(NUM(least), V(x)));
  LET(c, MIN(NUM(87.0f), V(lo)));
  LET(t, MAD(V(c), NUM(-LOG2_E), NUM(ROUND_AND_BIAS_127)));
  LET(n, SUB(V(t), NUM(ROUND_AND_BIAS_127)));
  LET(f, MAD(V(c), NUM(-LOG2_E), NEG(V(n))));
  LET(s, AS_F32(SHL(AS_I32(V(t)), INT(FRACTION_BITS))));
  LET(ff, MUL(V(f), V(f)));
  LET(p01, MAD(NUM(0.693147242f), V(f), NUM(1.0f)));
  LET(p23, MAD(NUM(0.05550294f), V(f), NUM(0.240226537f)));
  LET(p45, MAD(NUM(0.00134100113f), V(f), NUM(0.009617803f)));
  return (Decay){s, ff, p01, p23, p45};
}

#define DECAY_6 0.000155311558f /* the last coefficient */

void fn_sigmoid(Fn *fn) {
  Decay y = decay(fn, -89.0f);
  LET(p46, MAD(NUM(DECAY_6), V(y.ff), V(y.p45)));
  LET(p26, MAD(V(p46), V(y.ff), V(y.p23)));
  LET(p, MAD(V(p26), V(y.ff), V(y.p01)));
  LET(d, MAD(V(p), V(y.s), NUM(1.0f)));
  RETURN(DIV(NUM(1.0f), V(d)));
}

/* ---- sums of gates over one division ----
 * A sigmoid enters as what it divides by, d = 1 + exp(-x), a tanh as numerator and denominator;
 * what a cell makes of them then needs one division, and a division is the longest operation of a
 * step. All denominators are positive, so that nothing cancels but what the formula itself
 * subtracts. d is at most 2^40, a denominator of tanh 2^27: their products stay below 2^107. */

/* fn_sigmoid before its division, its polynomial in the order of the shortest chain. */
void fn_sigmoid_divisor(Fn *fn) {
  Decay y = decay(fn, -27.7f);
  LET(f4, MUL(V(y.ff), V(y.ff)));
  LET(p03, MAD(V(y.p23), V(y.ff), V(y.p01)));
  LET(p46, MAD(NUM(DECAY_6), V(y.ff), V(y.p45)));
  LET(p, MAD(V(p46), V(f4), V(p03)));
  RETURN(MAD(V(p), V(y.s), NUM(1.0f)));
}

/* d enters both parts of the denominator before they meet. */
void fn_tanh_over(Fn *fn) {
  KirReg *x = fn->arg[0], *d = fn->arg[1];
  Reduced y = reduced(fn, x);
  LET(over, MUL(V(y.up), V(d)));
  LET(under, MUL(V(y.down), V(d)));
  LET(fup, MUL(V(y.f), V(y.up)));
  LET(funder, MUL(V(y.f), V(under)));
  KirReg *w15 = tanh_series(fn, y.ff);
  LET(num, MAD(V(w15), V(fup), NEG(V(y.down))));
  LET(den, MAD(V(w15), NEG(V(funder)), V(over)));
  RETURN(DIV(V(num), V(den)));
}

void fn_lstm_state(Fn *fn) {
  KirReg *x = fn->arg[0], *i = fn->arg[1], *f = fn->arg[2], *c = fn->arg[3];
  Reduced y = reduced(fn, x);
  LET(fup, MUL(V(y.f), V(y.up)));
  LET(fdown, MUL(V(y.f), V(y.down)));
  KirReg *w15 = tanh_series(fn, y.ff);
  LET(num, MAD(V(w15), V(fup), NEG(V(y.down))));
  LET(den, MAD(V(w15), NEG(V(fdown)), V(y.up)));
  LET(gi, MUL(V(den), V(i)));
  LET(gf, MUL(V(num), V(f)));
  LET(top, MAD(V(c), V(gi), V(gf)));
  LET(below, MUL(V(gi), V(f)));
  RETURN(DIV(V(top), V(below)));
}

/* (num e + h den) / (den d) with e = d - 1, what meets num and den made before they are. */
void fn_gru_state(Fn *fn) {
  KirReg *x = fn->arg[0], *d = fn->arg[1], *h = fn->arg[2];
  Reduced y = reduced(fn, x);
  LET(e, SUB(V(d), NUM(1.0f)));
  LET(hdown, MUL(V(h), V(y.down)));
  LET(edown, MUL(V(e), V(y.down)));
  LET(slope, MAD(V(e), V(y.up), NEG(V(hdown))));
  LET(at0, MAD(V(h), V(y.up), NEG(V(edown))));
  LET(over, MUL(V(y.up), V(d)));
  LET(under, MUL(V(y.down), V(d)));
  LET(fslope, MUL(V(y.f), V(slope)));
  LET(funder, MUL(V(y.f), V(under)));
  KirReg *w15 = tanh_series(fn, y.ff);
  LET(num, MAD(V(w15), V(fslope), V(at0)));
  LET(den, MAD(V(w15), NEG(V(funder)), V(over)));
  RETURN(DIV(V(num), V(den)));
}
