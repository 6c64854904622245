/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus_math.h: the functions that compiled models apply, in f32, without a math library.
 *
 * Each is a straight line of operations the kernel IR has, so that one text serves scalars and
 * vectors, C and LLVM; calls are of functions of this file and stand for their lines. Float
 * operations round once each, to nearest even, in the order written: never -ffast-math, and
 * -ffp-contract=off.
 *
 * GRUS_MAD(a, b, c) is a * b + c, rounded once on targets with fma and twice elsewhere. The bounds
 * below hold for both. They are measured over all 2^32 inputs against double (docs/numerics.md);
 * an ulp is the distance of floats at the exact result. NaN gives NaN everywhere.
 *
 * GRUS_MIN(c, x) and GRUS_MAX(c, x) return x if x is NaN, therefore the constant stands first in
 * every clamp. */
#ifndef GRUS_MATH_H
#define GRUS_MATH_H

#include <stdint.h>

/* The primitives. A program that wants other types (lanes) defines GRUS_MATH_PRIMITIVES and its
 * own. */
#ifndef GRUS_MATH_PRIMITIVES
#define GRUS_MATH_PRIMITIVES

#ifndef GRUS_MAD
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__riscv_flen)
#define GRUS_MAD(a, b, c) __builtin_fmaf(a, b, c)
#else
#define GRUS_MAD(a, b, c) ((a) * (b) + (c))
#endif
#endif

#define GRUS_SELECT(test, a, b) ((test) ? (a) : (b))
#define GRUS_MIN(a, b)          GRUS_SELECT((a) < (b), a, b)
#define GRUS_MAX(a, b)          GRUS_SELECT((a) > (b), a, b)
#define GRUS_ISUB(i, j)         ((int32_t)((uint32_t)(i) - (uint32_t)(j))) /* wraps */
#define GRUS_IADD(i, j)         ((int32_t)((uint32_t)(i) + (uint32_t)(j)))
#define GRUS_SHL(i, n)          ((int32_t)((uint32_t)(i) << (n)))
#define GRUS_SHR(i, n)          ((i) >> (n)) /* arithmetic */

typedef union GrusBits {
  float f;
  int32_t i;
} GrusBits;

static inline int32_t grus_bits(float x) {
  GrusBits u;
  u.f = x;
  return u.i;
}

static inline float grus_float(int32_t i) {
  GrusBits u;
  u.i = i;
  return u.f;
}

#endif /* GRUS_MATH_PRIMITIVES */

#define GRUS_INF_BITS 0x7f800000
#define GRUS_NAN_BITS 0x7fc00000

/* |x|: the sign bit only. */
static inline float grus_abs(float x) {
  return grus_float(grus_bits(x) & 0x7fffffff);
}

/* ---- tanh and sigmoid ---------------------------------------------------------------------- */

/* tanh(x) = (E - 1) / (E + 1), E = exp(2 x) = 2^(n + f), n an integer, |f| <= 1/2. With s = 2^n and
 * w = tanh(f ln2/2), an odd polynomial of f, 2^f = (1 + w) / (1 - w), so
 *   tanh(x) = (w (s + 1) + (s - 1)) / (w (s - 1) + (s + 1)).
 * Nothing cancels: near 0, s = 1 and the result is w; far from it, the error of f does not matter.
 * n comes from adding 1.5 * 2^23 + 127, which leaves the exponent of s in the low bits.
 * 1 - s instead of s - 1 keeps the sign of -0.
 * Error: 3.7 ulp, 1.55e-7 absolute. Never beyond -1 .. 1. */
static inline float grus_tanh(float x) {
  float lo = GRUS_MAX(-9.02f, x);
  float c = GRUS_MIN(9.02f, lo);
  float t = GRUS_MAD(c, 2.88539f, 12583039.0f);
  float n = t - 12583039.0f;
  float f = GRUS_MAD(c, 2.88539f, -n);
  float s = grus_float(GRUS_SHL(grus_bits(t), 23));
  float up = s + 1.0f;
  float down = 1.0f - s;
  float ff = f * f;
  float w35 = GRUS_MAD(0.000655253884f, ff, -0.0138750914f);
  float w15 = GRUS_MAD(w35, ff, 0.34657359f);
  float w = f * w15;
  float num = GRUS_MAD(w, up, -down);
  float den = GRUS_MAD(-w, down, up);
  return num / den;
}

/* 1 / (1 + E), E = exp(-x) = 2^(n + f) as above, 2^f a polynomial.
 * Error: 1e-7 absolute; 10 ulp above -10, 65 ulp (8e-6 relative) above -87; 0 below -88.4. Never
 * beyond 0 .. 1. */
static inline float grus_sigmoid(float x) {
  float lo = GRUS_MAX(-89.0f, x);
  float c = GRUS_MIN(87.0f, lo);
  float t = GRUS_MAD(c, -1.442695f, 12583039.0f);
  float n = t - 12583039.0f;
  float f = GRUS_MAD(c, -1.442695f, -n);
  float s = grus_float(GRUS_SHL(grus_bits(t), 23));
  float ff = f * f;
  float p01 = GRUS_MAD(0.693147242f, f, 1.0f);
  float p23 = GRUS_MAD(0.05550294f, f, 0.240226537f);
  float p45 = GRUS_MAD(0.00134100113f, f, 0.009617803f);
  float p46 = GRUS_MAD(0.000155311558f, ff, p45);
  float p26 = GRUS_MAD(p46, ff, p23);
  float p = GRUS_MAD(p26, ff, p01);
  float d = GRUS_MAD(p, s, 1.0f);
  return 1.0f / d;
}

/* ---- exp and its relatives ----------------------------------------------------------------- */

/* exp(r) 2^n for |r| <= ln2/2; the low nine bits of `k` hold n + 254. The power is applied in two
 * halves, so that results may be subnormal or overflow. */
static inline float grus_exp_scaled(float r, int32_t k) {
  int32_t k1 = GRUS_SHR(k, 1);
  int32_t k2 = GRUS_ISUB(k, k1);
  float s1 = grus_float(GRUS_SHL(k1, 23));
  float s2 = grus_float(GRUS_SHL(k2, 23));
  float rr = r * r;
  float p23 = GRUS_MAD(0.1666652f, r, 0.4999999f);
  float p45 = GRUS_MAD(0.008368852f, r, 0.041668955f);
  float p46 = GRUS_MAD(0.0013783586f, rr, p45);
  float p26 = GRUS_MAD(p46, rr, p23);
  float p16 = GRUS_MAD(p26, rr, r);
  float p = p16 + 1.0f;
  float ps = p * s1;
  return ps * s2;
}

/* exp(x): x = n ln2 + r, n to nearest by adding 1.5 * 2^23 (and the 254 of grus_exp_scaled); ln2 in
 * two parts, the first of 9 bits, so that n times it is exact.
 * Error: 1.05 ulp, subnormal results too. Inf above 88.72, 0 below -103.97. */
static inline float grus_exp(float x) {
  float lo = GRUS_MAX(-104.0f, x);
  float c = GRUS_MIN(89.0f, lo);
  float t = GRUS_MAD(c, 1.442695f, 12583166.0f);
  float n = t - 12583166.0f;
  float r1 = GRUS_MAD(n, -0.693359375f, c);
  float r = GRUS_MAD(n, 0.00021219444f, r1);
  return grus_exp_scaled(r, grus_bits(t));
}

/* exp(x) - 1 = 2 (q s + (s - 1/2)), q = exp(r) - 1, s = 2^(n - 1). Below 2^-24 it is x itself.
 * Error: 1.75 ulp. Inf above 88.72. */
static inline float grus_expm1(float x) {
  float lo = GRUS_MAX(-18.0f, x);
  float c = GRUS_MIN(89.0f, lo);
  float t = GRUS_MAD(c, 1.442695f, 12583038.0f);
  float n = t - 12583038.0f;
  float r1 = GRUS_MAD(n, -0.693359375f, c);
  float r = GRUS_MAD(n, 0.00021219444f, r1);
  float s = grus_float(GRUS_SHL(grus_bits(t), 23));
  float rr = r * r;
  float q23 = GRUS_MAD(0.16666542f, r, 0.49999997f);
  float q45 = GRUS_MAD(0.008366725f, r, 0.041667495f);
  float q46 = GRUS_MAD(0.0013865485f, rr, q45);
  float q26 = GRUS_MAD(q46, rr, q23);
  float q = GRUS_MAD(q26, rr, r);
  float s1 = s - 0.5f;
  float h = GRUS_MAD(q, s, s1);
  float y = h + h;
  float a = grus_abs(x);
  return GRUS_SELECT(a < 5.9604645e-08f, x, y);
}

/* x for x > 0, else alpha (exp(x) - 1): 1.75 ulp and the rounding of the product. */
static inline float grus_elu(float x, float alpha) {
  float e = grus_expm1(x);
  float n = alpha * e;
  return GRUS_SELECT(x > 0.0f, x, n);
}

/* ---- log and softplus ---------------------------------------------------------------------- */

/* log(x) = e ln2 + log(1 + f), x = 2^e (1 + f), 1 + f in sqrt(1/2) .. sqrt(2);
 * log(1 + f) = f - f^2/2 + f^3 P(f). log(+-0) = -inf, log of less is NaN.
 * Error: 0.96 ulp, subnormal x too. */
static inline float grus_log(float x) {
  float big = x * 8388608.0f;
  float v = GRUS_SELECT(x < 1.1754944e-38f, big, x);
  float e0 = GRUS_SELECT(x < 1.1754944e-38f, -23.0f, 0.0f);
  int32_t i = GRUS_ISUB(grus_bits(v), 0x3f3504f3);
  int32_t k = GRUS_SHR(i, 23);
  float m = grus_float(GRUS_ISUB(grus_bits(v), GRUS_SHL(k, 23)));
  float e = (float)k + e0;
  float f = m - 1.0f;
  float ff = f * f;
  float f4 = ff * ff;
  float p34 = GRUS_MAD(-0.25000808f, f, 0.33333302f);
  float p56 = GRUS_MAD(-0.16624893f, f, 0.20002855f);
  float p78 = GRUS_MAD(-0.13122578f, f, 0.14174742f);
  float p910 = GRUS_MAD(-0.07886642f, f, 0.12903808f);
  float p36 = GRUS_MAD(p56, ff, p34);
  float p710 = GRUS_MAD(p910, ff, p78);
  float p = GRUS_MAD(p710, f4, p36);
  float fp = f * p;
  float h = fp - 0.5f;
  float low = e * -0.00021219444f;
  float g = GRUS_MAD(h, ff, low);
  float fg = f + g;
  float y = GRUS_MAD(e, 0.693359375f, fg);
  float at0 = GRUS_SELECT(x == 0.0f, grus_float(-0x800000), grus_float(GRUS_NAN_BITS));
  float inside = GRUS_SELECT(0.0f < x, y, at0);
  return GRUS_SELECT(x == grus_float(GRUS_INF_BITS), x, inside);
}

/* log(1 + exp(x)) = max(0, x) + log(1 + t), t = exp(-|x|); log(1 + t) = t + t^2 P(t) on 0 .. 1.
 * Error: 2.5 ulp. */
static inline float grus_softplus(float x) {
  float t = grus_exp(-grus_abs(x));
  float tt = t * t;
  float t4 = tt * tt;
  float p23 = GRUS_MAD(0.3333048f, t, -0.4999993f);
  float p45 = GRUS_MAD(0.19694024f, t, -0.24958293f);
  float p67 = GRUS_MAD(0.10674694f, t, -0.15351717f);
  float p89 = GRUS_MAD(0.020176446f, t, -0.057609394f);
  float p25 = GRUS_MAD(p45, tt, p23);
  float p69 = GRUS_MAD(p89, tt, p67);
  float p610 = GRUS_MAD(-0.0033124348f, t4, p69);
  float p = GRUS_MAD(p610, t4, p25);
  float l = GRUS_MAD(p, tt, t);
  float m = GRUS_MAX(0.0f, x);
  return m + l;
}

/* ---- gelu ---------------------------------------------------------------------------------- */

/* x Phi(x), Phi the normal distribution = max(0, x) - a Phi(-a), a = |x|, and
 * Phi(-a) = exp(-a^2/2) P(a) / Q(a). a^2 is taken in two parts, b + d with b = (12 bits of a)^2
 * exact, so that the tail keeps its relative accuracy.
 * Error: 7 ulp, 2.4e-7 absolute. */
static inline float grus_gelu(float x) {
  float a = GRUS_MIN(14.4f, grus_abs(x));
  float a1 = grus_float(grus_bits(a) & -0x1000);
  float a2 = a - a1;
  float b1 = a1 * -0.5f;
  float b = a1 * b1;
  float d1 = a + a1;
  float d2 = a2 * -0.5f;
  float d = d1 * d2;
  float t = GRUS_MAD(b, 1.442695f, 12583166.0f);
  float n = t - 12583166.0f;
  float r1 = GRUS_MAD(n, -0.693359375f, b);
  float r2 = GRUS_MAD(n, 0.00021219444f, r1);
  float r = r2 + d;
  float e = grus_exp_scaled(r, grus_bits(t));
  float aa = a * a;
  float a4 = aa * aa;
  float p01 = GRUS_MAD(0.43739253f, a, 0.5f);
  float q01 = GRUS_MAD(1.6726699f, a, 1.0f);
  float p23 = GRUS_MAD(0.040391296f, a, 0.18254022f);
  float q23 = GRUS_MAD(0.46762922f, a, 1.1996741f);
  float q45 = GRUS_MAD(0.010222181f, a, 0.10125261f);
  float p03 = GRUS_MAD(p23, aa, p01);
  float q03 = GRUS_MAD(q23, aa, q01);
  float p = GRUS_MAD(0.0040781097f, a4, p03);
  float q = GRUS_MAD(q45, a4, q03);
  float ap = a * p;
  float g = ap / q;
  float h = g * e;
  float m = GRUS_MAX(0.0f, x);
  return m - h;
}

/* The tanh form: x / (1 + exp(-2 z)), z = sqrt(2/pi) (x + 0.044715 x^3).
 * Error: 5.2e-7 absolute; 2.75 ulp for x > 0. */
static inline float grus_gelu_tanh(float x) {
  float c = GRUS_MAX(-20.0f, x);
  float u = c * c;
  float w = GRUS_MAD(u, 0.071354814f, 1.5957692f);
  float z = c * w;
  float s = grus_sigmoid(z);
  return c * s;
}

/* ---- sqrt ---------------------------------------------------------------------------------- */

/* m - (s1 + s2)^2 */
static inline float grus_sqrt_remainder(float m, float s1, float s2) {
  float t11 = s1 * s1;
  float t12 = s1 * s2;
  float t22 = s2 * s2;
  float r1 = m - t11;
  float r2 = r1 - t12;
  float r3 = r2 - t12;
  return r3 - t22;
}

/* Correctly rounded (0.5 ulp), for targets without the instruction. m = x / 4^k in 1 .. 4; s is its
 * root within one unit u = 2^-23: two Newton steps on 1/sqrt(m), one on sqrt(m). Remainders m - s^2
 * are exact, since s is split in two parts of 12 bits; the root is one unit off exactly if the
 * remainder exceeds s u, or does not exceed -s u. */
static inline float grus_sqrt(float x) {
  float big = x * 16777216.0f;
  float v = GRUS_SELECT(x < 1.1754944e-38f, big, x);
  int32_t e0 = GRUS_SELECT(x < 1.1754944e-38f, 12, 0);
  int32_t i = GRUS_ISUB(grus_bits(v), 0x3f800000);
  int32_t k = GRUS_SHR(i, 24);
  float m = grus_float(GRUS_ISUB(grus_bits(v), GRUS_SHL(k, 24)));
  float y0 = grus_float(GRUS_ISUB(0x5f375a86, GRUS_SHR(grus_bits(m), 1)));
  float hm = m * 0.5f;
  float a0 = y0 * y0;
  float c0 = hm * a0;
  float b0 = 1.5f - c0;
  float y1 = y0 * b0;
  float a1 = y1 * y1;
  float c1 = hm * a1;
  float b1 = 1.5f - c1;
  float y2 = y1 * b1;
  float g = m * y2;
  float g1 = grus_float(grus_bits(g) & -0x1000);
  float g2 = g - g1;
  float gr = grus_sqrt_remainder(m, g1, g2);
  float hy = y2 * 0.5f;
  float gc = gr * hy;
  float s = g + gc;
  float s1 = grus_float(grus_bits(s) & -0x1000);
  float s2 = s - s1;
  float r = grus_sqrt_remainder(m, s1, s2);
  float su = s * 1.1920929e-07f;
  float up = GRUS_SELECT(su < r, 1.1920929e-07f, 0.0f);
  float down = GRUS_SELECT(r <= -su, 1.1920929e-07f, 0.0f);
  float upper = s + up;
  float root = upper - down;
  int32_t ke = GRUS_ISUB(k, e0);
  float y = grus_float(GRUS_IADD(grus_bits(root), GRUS_SHL(ke, 23)));
  float edge = GRUS_SELECT(x < 0.0f, grus_float(GRUS_NAN_BITS), x);
  float inside = GRUS_SELECT(0.0f < x, y, edge);
  return GRUS_SELECT(x == grus_float(GRUS_INF_BITS), x, inside);
}

/* ---- fewer operations, on request only (--math=fast)
 * ------------------------------------------ */

/* x P(x^2) / Q(x^2), P and Q of degree 2. Error: 7.9e-5 relative; up to 1.00003 in magnitude. */
static inline float grus_tanh_fast(float x) {
  float lo = GRUS_MAX(-5.3f, x);
  float c = GRUS_MIN(5.3f, lo);
  float u = c * c;
  float p12 = GRUS_MAD(0.00064996176f, u, 0.101842955f);
  float q12 = GRUS_MAD(0.012627383f, u, 0.43488508f);
  float p = GRUS_MAD(p12, u, 1.0f);
  float q = GRUS_MAD(q12, u, 1.0f);
  float n = c * p;
  return n / q;
}

/* 1/2 + tanh(x/2) / 2 with the coefficients of grus_tanh_fast times powers of two. Error: 4e-5
 * absolute; from -1.5e-5 to 1.000015. */
static inline float grus_sigmoid_fast(float x) {
  float lo = GRUS_MAX(-10.6f, x);
  float c = GRUS_MIN(10.6f, lo);
  float u = c * c;
  float p12 = GRUS_MAD(1.01556525e-05f, u, 0.0063651847f);
  float q12 = GRUS_MAD(0.0007892114f, u, 0.10872127f);
  float p = GRUS_MAD(p12, u, 0.25f);
  float q = GRUS_MAD(q12, u, 1.0f);
  float n = c * p;
  float h = n / q;
  return h + 0.5f;
}

/* exp on -87 .. 88; constant outside. Error: 8e-5 relative. */
static inline float grus_exp_fast(float x) {
  float lo = GRUS_MAX(-87.0f, x);
  float c = GRUS_MIN(88.0f, lo);
  float t = GRUS_MAD(c, 1.442695f, 12583039.0f);
  float n = t - 12583039.0f;
  float r = GRUS_MAD(n, -0.6931472f, c);
  float s = grus_float(GRUS_SHL(grus_bits(t), 23));
  float rr = r * r;
  float p01 = GRUS_MAD(1.0001659f, r, 0.99992734f);
  float p23 = GRUS_MAD(0.16566302f, r, 0.5049893f);
  float p = GRUS_MAD(p23, rr, p01);
  return p * s;
}

#endif
