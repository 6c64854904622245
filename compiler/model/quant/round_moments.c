/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding of rows by the second moments of their operands.
 *
 *     H = E[z z'], z = (operands, biases);  H += lambda mean(diag H) I on the operands
 *     U' U = H^-1, U upper
 *     for j: q_j = clamp(round(w_j / s_j));  w[j+1..] -= (w_j - q_j s_j) / U[j][j] * U[j][j+1..]
 *     the biases take the numbers that are left in their columns
 *
 * Operands of 8 bits are rounded, too. Then H has the moments of the rounded operands y, and the
 * row that is rounded is the one whose products with y are nearest to those of w with z:
 *
 *     w' = w + w E[(z - y) y'] H^-1
 *
 * Pruned columns come first, with q_j = 0.
 *
 * lambda is 0.01, or 0.1 below four times as many steps as weights a row. */
#include "model/quant/round_moments.h"

#include <math.h>
#include <string.h>

/* A bound of the multiply-adds, times 6, for the factors of pruned rows. Above it, no row moves its
 * pruned columns to the front. */
static const double MOST_WORK = 6e10;

Moments moments_new(Arena *arena, int64_t k, int64_t biases) {
  int64_t n = k + biases;
  return (Moments){.k = k, .n = n, .h = ARENA_ARRAY(arena, double, (n * n))};
}

void moments_add(Arena *arena, Moments *m, const double *z, const double *rounded) {
  const double *y = rounded ? rounded : z;
  m->steps++;
  for (int64_t i = 0; i < m->n; i++)
    for (int64_t j = 0; j <= i; j++)
      m->h[i * m->n + j] += y[i] * y[j];
  if (rounded && !m->cross) m->cross = ARENA_ARRAY(arena, double, m->n * m->n);
  for (int64_t i = 0; i < m->n && rounded; i++)
    for (int64_t j = 0; j < m->n && z[i] != y[i]; j++)
      m->cross[i * m->n + j] += (z[i] - y[i]) * y[j];
}

/* From sums to means, with lambda on the diagonal. */
static void moments_finish(Moments *m) {
  int64_t n = m->n;
  int64_t apart = m->apart ? m->apart : m->steps;
  double trace = 0, lambda = apart < 4 * m->k ? 0.1 : 0.01;
  for (int64_t i = 0; i < n * n; i++) {
    m->h[i] /= (double)m->steps;
    if (m->cross) m->cross[i] /= (double)m->steps;
  }
  for (int64_t i = 0; i <= m->k; i++)
    trace += m->h[i * n + i];
  for (int64_t i = 0; i < m->k; i++)
    m->h[i * n + i] += fmax(lambda * trace / (double)(m->k + 1), 1e-12);
  for (int64_t i = m->k; i < n; i++)
    m->h[i * n + i] += i == m->k ? 1e-9 : 1e-6;
}

/* Replaces the lower half of a by its Cholesky factor. The upper half is not read or changed. */
static void cholesky(double *a, int64_t n) {
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) {
      double sum = a[i * n + j];
      for (int64_t k = 0; k < j; k++)
        sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? sqrt(fmax(sum, 1e-18)) : sum / a[j * n + j];
    }
}

/* Writes the lower half of the inverse of l l' to out. */
static void inverse(Arena *arena, const double *l, int64_t n, double *out) {
  double *m = ARENA_ARRAY(arena, double, (n * n)); /* l^-1, lower */
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

double *moments_salience(Arena *arena, const Moments *m) {
  int64_t n = m->n;
  Moments own = *m;
  double *inv = ARENA_ARRAY(arena, double, (n * n)), *salience = ARENA_ARRAY(arena, double, n);
  own.h = ARENA_ARRAY(arena, double, (n * n));
  memcpy(own.h, m->h, (size_t)(n * n) * sizeof *own.h);
  moments_finish(&own);
  cholesky(own.h, n);
  inverse(arena, own.h, n, inv);
  for (int64_t j = 0; j < m->k; j++)
    salience[j] = 1 / inv[j * n + j];
  return salience;
}

/* Rounds one row. w[n]: its real weights; s[k]: the scale of each column, 0 if its weights stay
 * f32; zero[k]: columns that become 0. q[k] gets the integers or the f32 numbers, and w[k..n - 1]
 * becomes what the biases take. */
static void round_row(const double *lower, const Moments *m, double *w, const double *s,
                      const bool *zero, double most, double *q) {
  int64_t n = m->n;
  for (int64_t j = 0; j < m->k; j++) { /* U[j][i] is lower[i][j] */
    double step = s[j] > 0 ? s[j] : 1;
    if (zero[j])
      q[j] = 0;
    else
      q[j] = s[j] > 0 ? fmin(fmax(nearbyint(w[j] / s[j]), -most), most) : (double)(float)w[j];
    double e = (w[j] - q[j] * step) / lower[j * n + j];
    for (int64_t i = j + 1; i < n; i++)
      w[i] -= e * lower[i * n + j];
  }
}

/* The order in which columns are rounded: pruned ones first, so that all others can compensate,
 * then the other operands, then the biases. */
static void pruned_first(const Moments *m, const bool *zero, int64_t *order) {
  int64_t at = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t j = 0; j < m->k; j++)
      if (zero[j] == (pass == 0)) order[at++] = j;
  for (int64_t j = m->k; j < m->n; j++)
    order[at++] = j;
}

/* The Cholesky factor of H^-1 with its rows and columns in this order. */
static void factor_in_order(const double *inv, int64_t n, const int64_t *order, double *lower) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      int64_t a = order[i], b = order[j];
      lower[i * n + j] = a > b ? inv[a * n + b] : inv[b * n + a];
    }
  cholesky(lower, n);
}

/* How many factors the rows first..last need: one for each change of the pruned columns. */
static int64_t count_masks(const Columns *c, int n_parts, int64_t first, int64_t last) {
  int64_t n = 1;
  for (int64_t r = first + 1; r < last; r++) {
    bool same = true;
    for (int p = 0; p < n_parts; p++) {
      int64_t depth = c[p].depth;
      same &= !c[p].pruned || memcmp(c[p].pruned + r * depth, c[p].pruned + (r - 1) * depth,
                                     (size_t)depth * sizeof(bool)) == 0;
    }
    n += !same;
  }
  return n;
}

/* The memory for the rounding of a row, by column. */
typedef struct Row {
  double *w, *s, *q;
  double *real; /* before the order of the columns */
  bool *zero, *pruned;
  int64_t *order, *last; /* of the columns, and of those of the row before */
} Row;

static Row row_new(Arena *arena, int64_t n) {
  Row row = {ARENA_ARRAY(arena, double, n),  ARENA_ARRAY(arena, double, n),
             ARENA_ARRAY(arena, double, n),  ARENA_ARRAY(arena, double, n),
             ARENA_ARRAY(arena, bool, n),    ARENA_ARRAY(arena, bool, n),
             ARENA_ARRAY(arena, int64_t, n), ARENA_ARRAY(arena, int64_t, n)};
  return row;
}

/* Finds the pruned columns of row r, then the order of all columns. */
static void row_order(Row *row, const Moments *m, const Columns *c, int n_parts, int64_t r,
                      bool sorts) {
  int64_t at = 0;
  for (int p = 0; p < n_parts; p++)
    for (int64_t k = 0; k < c[p].depth; k++, at++)
      row->pruned[at] = c[p].pruned && c[p].pruned[r * c[p].depth + k];
  memcpy(row->last, row->order, (size_t)m->n * sizeof *row->last);
  for (int64_t j = 0; j < m->n && !sorts; j++)
    row->order[j] = j;
  if (sorts) pruned_first(m, row->pruned, row->order);
}

/* The matrix that has column `at` of the operands, and its column there in *k. */
static const Columns *column(const Columns *c, int64_t at, int64_t *k) {
  while (at >= c->depth) {
    at -= c->depth;
    c++;
  }
  *k = at;
  return c;
}

/* Element i, j of a symmetric matrix that has only its lower half. */
static double lower_at(const double *a, int64_t n, int64_t i, int64_t j) {
  return i > j ? a[i * n + j] : a[j * n + i];
}

/* Changes a row w so that it compensates for the rounding of its operands: the formula for w'
 * above. */
static void adapt_row(const Moments *m, const double *inv, double *w, double *off) {
  int64_t n = m->n;
  for (int64_t j = 0; j < n; j++) {
    off[j] = 0;
    for (int64_t i = 0; i < m->k; i++)
      off[j] += w[i] * m->cross[i * n + j];
  }
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++)
      w[i] += off[j] * lower_at(inv, n, j, i);
}

void round_rows(Arena *arena, Moments *m, const Columns *c, int n_parts, int64_t first,
                int64_t last) {
  int64_t n = m->n;
  double *inv = ARENA_ARRAY(arena, double, (n * n)),
         *lower = m->h; /* not needed after its inverse */
  Row row = row_new(arena, n);
  double most = c[0].part && c[0].part->bits == 8 ? 127 : 32767;
  double work = (double)count_masks(c, n_parts, first, last) * (double)n * (double)n * (double)n;
  moments_finish(m);
  cholesky(m->h, n);
  inverse(arena, m->h, n, inv);
  for (int64_t r = first; r < last; r++) {
    row_order(&row, m, c, n_parts, r, work <= MOST_WORK);
    if (r == first || memcmp(row.order, row.last, (size_t)n * sizeof *row.last) != 0)
      factor_in_order(inv, n, row.order, lower);
    for (int64_t j = 0, k; j < n; j++) {
      const Columns *of = j < m->k ? column(c, j, &k) : NULL;
      row.real[j] = of ? of->w[r * of->depth + k] : 0;
    }
    if (m->cross) adapt_row(m, inv, row.real, row.s);
    for (int64_t j = 0, k; j < m->k; j++) {
      const Columns *of = column(c, row.order[j], &k);
      row.w[j] = row.real[row.order[j]];
      row.s[j] = of->part ? of->part->scale[r] : 0;
      /* a weight of 0 stays 0: blocks of zeros are left out */
      row.zero[j] = of->w[r * of->depth + k] == 0 || row.pruned[row.order[j]];
    }
    for (int64_t i = m->k; i < n; i++)
      row.w[i] = row.real[i];
    round_row(lower, m, row.w, row.s, row.zero, most, row.q);
    for (int64_t j = 0, k; j < m->k; j++) {
      const Columns *of = column(c, row.order[j], &k);
      if (of->real)
        of->real[r * of->depth + k] = (float)row.q[j];
      else
        of->q[r * of->depth + k] = (int16_t)row.q[j];
    }
    for (int64_t i = m->k; i < n; i++)
      c[i - m->k].shift[r] += row.w[i];
  }
}
