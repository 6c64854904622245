/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fixed-point arithmetic of the integer oracle, as model/quant/quant.h defines it. */
#include "model/eval/eval_int.h"

#include <math.h>

int64_t oracle_held(Eval *e, int64_t x) {
  if (x > INT32_MAX || x < INT32_MIN) e->overflowed = true;
  return x;
}

int64_t oracle_limit(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

/* Floor of a division by 2^n. */
static int64_t down(int64_t x, int n) {
  return (x - (x & (((int64_t)1 << n) - 1))) / ((int64_t)1 << n);
}

int64_t oracle_mulw(Eval *e, int64_t a, int64_t m) {
  if (m > INT16_MAX || m < INT16_MIN) e->overflowed = true;
  return oracle_held(e, down(oracle_held(e, a) * m, 16));
}

int64_t oracle_round(float x, double lo, double hi) {
  if (!((double)x > lo)) return (int64_t)lo;
  return (int64_t)((double)x > hi ? hi : nearbyint((double)x));
}

/* tanh of p in Q3.17 as a floor in Q0.16: the R of quant_table.c. */
static int64_t tanh16(Eval *e, int64_t p) {
  p = oracle_limit(p, -(1 << 20), (1 << 20) - 1);
  int64_t v = p < 0 ? -1 - p : p, i = v / 32768, t = v % 32768;
  int64_t r = quant_tanh[3][i];
  for (int j = 2; j >= 0; j--)
    r = quant_tanh[j][i] + down(oracle_held(e, r * t), 16);
  if (r < 0 || r > 65535) e->overflowed = true;
  return p < 0 ? -1 - r : r;
}

/* p with `from` fraction bits as a number with `to`; it may need more than 32 bits. */
static int64_t shifted(int64_t p, int from, int to) {
  return from >= to ? down(p, from - to) : p * ((int64_t)1 << (to - from));
}

/* clamp(slope p + 1/2, 0, 1) in Q0.15. */
static int64_t hard(Eval *e, int64_t p, int fraction, double slope) {
  int64_t v = oracle_limit(shifted(p, fraction, 17), -(1 << 20), (1 << 20) - 1);
  int64_t y = oracle_mulw(e, v * 256, (int64_t)nearbyint(slope * 32768));
  return oracle_limit(down(y + 256, 9) + 16384, 0, 32767);
}

int64_t oracle_activation(Eval *e, Activation a, int64_t p, int fraction) {
  switch (a) {
  case ACT_TANH:
    return oracle_limit(down(tanh16(e, shifted(p, fraction, 17)) + 1, 1), -32768, 32767);
  case ACT_SIGMOID:
    return oracle_limit(down(65538 + tanh16(e, shifted(p, fraction, 16)), 2), 0, 32767);
  case ACT_HARD_SIGMOID: return hard(e, p, fraction, 1.0 / 6);
  case ACT_HARD_SIGMOID_02: return hard(e, p, fraction, 0.2);
  case ACT_HARD_TANH:
    return oracle_to_fraction(e, p, fraction, 15, -32767, 32767);
  ACTIVATION_OTHER_CASES:
    break;
  }
  e->overflowed = true; /* no integer cell has it */
  return 0;
}

int64_t oracle_to_fraction(Eval *e, int64_t p, int from, int to, int64_t lo, int64_t hi) {
  int n = from - to;
  if (n <= 0) return oracle_limit(p, down(lo, -n), down(hi, -n)) * ((int64_t)1 << -n);
  int64_t half = (int64_t)1 << (n - 1), most = INT32_MAX - half;
  return oracle_limit(down(oracle_held(e, (p > most ? most : p) + half), n), lo, hi);
}

int64_t oracle_constant(double x, int fraction) {
  return (int64_t)fmin(fmax(nearbyint(ldexp(x, fraction)), -2147483647.0), 2147483647.0);
}

int64_t oracle_rescale(Eval *e, int64_t a, const QuantScale *s, const QuantFormat *out) {
  int64_t p = oracle_mulw(e, oracle_held(e, a * ((int64_t)1 << s->shift)), s->m);
  int64_t half = s->fraction ? (int64_t)1 << (s->fraction - 1) : 0;
  return oracle_limit(
      oracle_held(e, down(oracle_held(e, p + half), s->fraction) + (int64_t)out->zero), out->low,
      out->high);
}

int64_t oracle_operand(double x, const QuantFormat *value, const QuantFormat *operand) {
  if (!value->bits) {
    double zero = operand->zero;
    return oracle_round((float)x * operand->inverse, operand->low - zero, operand->high - zero) +
           (int64_t)zero;
  }
  if (value->bits <= operand->bits) return (int64_t)x;
  return oracle_limit(down((int64_t)x + 128, 8), -127, 127);
}

int64_t oracle_sum(Eval *e, const QuantPart *part, int64_t row, const int64_t *q) {
  int64_t sum = oracle_held(e, part->bias[row]);
  for (int64_t k = 0; k < part->depth; k++)
    sum = oracle_held(e, sum + part->w[row * part->depth + k] * q[k]);
  return sum;
}

int64_t oracle_preactivation(Eval *e, const QuantPart *part, int64_t row, const int64_t *q) {
  return oracle_mulw(e, oracle_held(e, oracle_sum(e, part, row, q) * ((int64_t)1 << part->shift)),
                     part->m[row]);
}

float oracle_by_largest(const double *x, int64_t n, int64_t *q) {
  float most = 1e-30f;
  for (int64_t k = 0; k < n; k++)
    most = fmaxf(most, fabsf((float)x[k]));
  float inverse = 32767.0f / most;
  for (int64_t k = 0; k < n; k++)
    q[k] = oracle_round((float)x[k] * inverse, -32767, 32767);
  return most / 32767.0f;
}
