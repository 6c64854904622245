/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See lanes.h. Built without contraction: MAD rounds twice. */
#include "lanes.h"

#include <math.h>
#include <string.h>

/* ---- floats of 16 bits ---- */

float lane_half(uint16_t h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  float magnitude = exponent == 0    ? ldexpf((float)fraction, -24)
                    : exponent == 31 ? (fraction ? NAN : INFINITY)
                                     : ldexpf((float)(fraction + 1024), exponent - 25);
  return h >> 15 ? -magnitude : magnitude;
}

float lane_bfloat(uint16_t b) {
  uint32_t bits = (uint32_t)b << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

int32_t lane_wrap(int64_t x) {
  return (int32_t)(uint32_t)(uint64_t)x;
}

int64_t lane_whole(KirElem elem, int64_t x) {
  return elem == KIR_I32 ? lane_wrap(x) : x;
}

float lane_from_bits(int64_t bits) {
  uint32_t u = (uint32_t)(uint64_t)bits;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}

int32_t lane_bits(float f) {
  int32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

/* Built without contraction: MAD rounds twice. */
void lanes_real(KirOp op, int n, const Lane *a, const Lane *b, const Lane *c, Lane *out) {
  switch (op) {
  case KIR_ADD: EACH(out[i].f = a[i].f + b[i].f);
  case KIR_SUB: EACH(out[i].f = a[i].f - b[i].f);
  case KIR_MUL: EACH(out[i].f = a[i].f * b[i].f);
  case KIR_DIV: EACH(out[i].f = a[i].f / b[i].f);
  case KIR_MIN: EACH(out[i].f = a[i].f < b[i].f ? a[i].f : b[i].f);
  case KIR_MAX: EACH(out[i].f = a[i].f > b[i].f ? a[i].f : b[i].f);
  case KIR_NEG: EACH(out[i].f = -a[i].f);
  case KIR_ABS: EACH(out[i].f = fabsf(a[i].f));
  case KIR_SQRT: EACH(out[i].f = sqrtf(a[i].f));
  case KIR_FMA: EACH(out[i].f = fmaf(a[i].f, b[i].f, c[i].f));
  case KIR_MAD: EACH(out[i].f = a[i].f * b[i].f + c[i].f);
  case KIR_LT: EACH(out[i].i = a[i].f < b[i].f);
  case KIR_LE: EACH(out[i].i = a[i].f <= b[i].f);
  case KIR_EQ: EACH(out[i].i = a[i].f == b[i].f);
  case KIR_NE: EACH(out[i].i = a[i].f != b[i].f);
  default: lane_wrong("an operation that floats do not have");
  }
}

int64_t lane_integer(KirOp op, int64_t a, int64_t b) {
  switch (op) {
  case KIR_ADD: return a + b;
  case KIR_SUB: return a - b;
  case KIR_MUL: return a * b;
  case KIR_DIV: return b ? a / b : 0;
  case KIR_MIN: return a < b ? a : b;
  case KIR_MAX: return a > b ? a : b;
  case KIR_NEG: return -a;
  case KIR_ABS: return a < 0 ? -a : a;
  case KIR_AND: return a & b;
  case KIR_OR: return a | b;
  case KIR_XOR: return a ^ b;
  case KIR_SHL: return (int64_t)((uint64_t)a << (b & 31));
  case KIR_SHR: return a >> (b & 31);
  case KIR_LT: return a < b;
  case KIR_LE: return a <= b;
  case KIR_EQ: return a == b;
  case KIR_NE: return a != b;
  default: lane_wrong("an operation that whole numbers do not have"); return 0;
  }
}

/* ---- fixed point ---- */

static int64_t mulw(int64_t a, int64_t b) {
  int64_t product = a * b, down = product / 65536;
  return down - (product % 65536 < 0);
}

static int64_t bounded(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

static int64_t rounded(float x, int64_t lo, int64_t hi) {
  if (!(x > (float)lo)) return lo; /* NaN, too */
  if (x >= (float)hi) return hi;
  double whole_part = floor((double)x), rest = (double)x - whole_part;
  int64_t down = (int64_t)whole_part;
  return rest > 0.5 || (rest >= 0.5 && down % 2) ? down + 1 : down;
}

int64_t lane_fixed(const KirExpr *e, Lane a, Lane b, Lane c) {
  switch (e->op) {
  case KIR_MULW: return mulw(a.i, b.i);
  case KIR_CLAMP: return bounded(a.i, e->lo, e->hi);
  case KIR_ADDS: return bounded(a.i + b.i, INT32_MIN, INT32_MAX);
  case KIR_MIX: return a.i + 2 * mulw(b.i - a.i, c.i);
  case KIR_FADE: return a.i - 2 * mulw(a.i, b.i);
  case KIR_ROUND: return rounded(a.f, e->lo, e->hi);
  default: return 0;
  }
}

bool lane_is_fixed(KirOp op) {
  return op == KIR_MULW || op == KIR_CLAMP || op == KIR_ADDS || op == KIR_MIX || op == KIR_FADE ||
         op == KIR_ROUND;
}

Lane lane_convert(Lane v, KirElem from, KirElem to) {
  bool real = from == KIR_F32;
  if (to == KIR_F32) return real ? v : (Lane){.f = (float)v.i};
  if (!real) return (Lane){.i = lane_whole(to, v.i)};
  bool fits =
      v.f >= -2147483648.0F && v.f < 2147483648.0F; /* else some integer, which nothing may use */
  return (Lane){.i = fits ? (int64_t)v.f : INT32_MIN};
}

/* Numbers below 2^-126 are zeros. */
float lane_normal(float x) {
  return fabsf(x) < 0x1p-126F ? copysignf(0, x) : x;
}

float lane_pairs(uint32_t a, uint32_t b, float c) {
  for (int half = 1; half >= 0; half--) {
    float x = lane_bfloat((uint16_t)(a >> 16 * half));
    float y = lane_bfloat((uint16_t)(b >> 16 * half));
    c = lane_normal(fmaf(lane_normal(x), lane_normal(y), lane_normal(c)));
  }
  return c;
}

static int64_t byte_with_sign(uint32_t word, int at) {
  int64_t byte = word >> at & 255;
  return byte < 128 ? byte : byte - 256;
}

int64_t lane_quads(uint32_t a, uint32_t b, int64_t c) {
  for (int i = 0; i < 32; i += 8)
    c += (int64_t)(a >> i & 255) * byte_with_sign(b, i);
  return c;
}

int64_t lane_signed_quads(uint32_t a, uint32_t b, int64_t c) {
  for (int i = 0; i < 32; i += 8)
    c += byte_with_sign(a, i) * byte_with_sign(b, i);
  return c;
}
