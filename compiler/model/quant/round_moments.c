/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding of rows by the second moments of their operands.
 *
 *     H = E[z z'], z = (operands, biases);  H += lambda mean(diag H) I on the operands
 *     U' U = H^-1, U upper
 *     for j: q_j = clamp(round(w_j / s_j));  w[j+1..] -= (w_j - q_j s_j) / U[j][j] * U[j][j+1..]
 *     the biases take what is left in their columns
 *
 * lambda is 0.01, or 0.1 below four times as many steps as weights a row. */
#include "model/quant/round_moments.h"

#include <math.h>

Moments moments_new(Arena *arena, int64_t k, int64_t biases) {
  int64_t n = k + biases;
  return (Moments){.k = k, .n = n, .h = ARENA_ARRAY(arena, double, n *n)};
}

void moments_add(Moments *m, const double *z) {
  m->steps++;
  for (int64_t i = 0; i < m->n; i++)
    for (int64_t j = 0; j <= i; j++)
      m->h[i * m->n + j] += z[i] * z[j];
}

static void moments_finish(Moments *m) {
  int64_t n = m->n;
  int64_t apart = m->apart ? m->apart : m->steps;
  double trace = 0, lambda = apart < 4 * m->k ? 0.1 : 0.01;
  for (int64_t i = 0; i < n * n; i++)
    m->h[i] /= (double)m->steps;
  for (int64_t i = 0; i <= m->k; i++)
    trace += m->h[i * n + i];
  for (int64_t i = 0; i < m->k; i++)
    m->h[i * n + i] += fmax(lambda * trace / (double)(m->k + 1), 1e-12);
  for (int64_t i = m->k; i < n; i++)
    m->h[i * n + i] += i == m->k ? 1e-9 : 1e-6;
}

/* a becomes its lower Cholesky factor (upper part is not touched). */
static void cholesky(double *a, int64_t n) {
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) {
      double sum = a[i * n + j];
      for (int64_t k = 0; k < j; k++)
        sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? sqrt(fmax(sum, 1e-18)) : sum / a[j * n + j];
    }
}

/* The inverse of l l', its lower half. */
static void inverse(Arena *arena, const double *l, int64_t n, double *out) {
  double *m = ARENA_ARRAY(arena, double, n *n); /* l^-1, lower */
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) {
      double sum = i == j ? 1 : 0;
      for (int64_t k = j; k < i; k++)
        sum -= l[i * n + k] * m[k * n + j];
      m[i * n + j] = sum / l[i * n + i];
    }
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      double sum = 0;
      for (int64_t k = i; k < n; k++)
        sum += m[k * n + i] * m[k * n + j];
      out[i * n + j] = sum;
    }
}

/* One row: w in real numbers, s by column; q gets the integers, 0 where `zero` says so, and
 * w[k..n - 1] what the biases take. */
static void round_row(const double *lower, const Moments *m, double *w, const double *s,
                      const bool *zero, double most, double *q) {
  int64_t n = m->n;
  for (int64_t j = 0; j < m->k; j++) { /* U[j][i] is lower[i][j] */
    q[j] = zero[j] ? 0 : fmin(fmax(nearbyint(w[j] / s[j]), -most), most);
    double e = (w[j] - q[j] * s[j]) / lower[j * n + j];
    for (int64_t i = j + 1; i < n; i++)
      w[i] -= e * lower[i * n + j];
  }
}

void round_rows(Arena *arena, Moments *m, const Columns *c, int n_parts, int64_t first,
                int64_t last) {
  int64_t n = m->n;
  double *inv = ARENA_ARRAY(arena, double, n *n), *w = ARENA_ARRAY(arena, double, n);
  double *s = ARENA_ARRAY(arena, double, n), *q = ARENA_ARRAY(arena, double, n);
  bool *zero = ARENA_ARRAY(arena, bool, n);
  moments_finish(m);
  cholesky(m->h, n);
  inverse(arena, m->h, n, inv);
  cholesky(inv, n);
  for (int64_t r = first; r < last; r++) {
    int64_t at = 0;
    for (int p = 0; p < n_parts; p++)
      for (int64_t k = 0; k < c[p].part->depth; k++, at++) {
        w[at] = c[p].w[r * c[p].part->depth + k];
        s[at] = c[p].part->scale[r];
        zero[at] = w[at] == 0; /* a weight of 0 stays 0: blocks of zeros are left out */
      }
    for (int64_t i = m->k; i < n; i++)
      w[i] = 0;
    round_row(inv, m, w, s, zero, c[0].part->bits == 8 ? 127 : 32767, q);
    at = 0;
    for (int p = 0; p < n_parts; p++)
      for (int64_t k = 0; k < c[p].part->depth; k++, at++)
        c[p].q[r * c[p].part->depth + k] = (int16_t)q[at];
    for (int64_t i = m->k; i < n; i++)
      c[i - m->k].shift[r] += w[i];
  }
}
