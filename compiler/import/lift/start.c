/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The constant initial state of a chain whose file has only its products. In, the constants of the
 * gates of the first step, which are R h0 larger than those of other steps, and R; out, h0, the
 * least squares of R h0 = difference, by Householder's reflections. The translation check compares
 * the model that has this h0. */
#include "import/lift/chain.h"

#include <math.h>
#include <string.h>

/* Makes column k of a [rows, n] zero below the diagonal, and changes b in the same way. False:
 * there is no pivot. */
static bool reflect(double *a, double *b, int64_t rows, int64_t n, int64_t k) {
  double length = 0;
  for (int64_t i = k; i < rows; i++)
    length = hypot(length, a[i * n + k]);
  if (!(length > 1e-9)) return false;
  if (a[k * n + k] > 0) length = -length;
  double pivot = a[k * n + k] - length, scale = -1 / (length * pivot);
  for (int64_t column = k + 1; column <= n; column++) {
    double *first = column < n ? a + column : b;
    int64_t stride = column < n ? n : 1;
    double sum = pivot * first[k * stride];
    for (int64_t i = k + 1; i < rows; i++)
      sum += a[i * n + k] * first[i * stride];
    first[k * stride] -= scale * sum * pivot;
    for (int64_t i = k + 1; i < rows; i++)
      first[i * stride] -= scale * sum * a[i * n + k];
  }
  a[k * n + k] = length;
  return true;
}

/* The x for which a x is closest to b. False: there are several. */
static bool least_squares(double *a, double *b, int64_t rows, int64_t n, double *x) {
  if (rows < n) return false;
  for (int64_t k = 0; k < n; k++)
    if (!reflect(a, b, rows, n, k)) return false;
  for (int64_t k = n; k-- > 0;) {
    x[k] = b[k];
    for (int64_t j = k + 1; j < n; j++)
      x[k] -= a[k * n + j] * x[j];
    x[k] /= a[k * n + k];
  }
  return true;
}

/* Into h0, which has room for u numbers; false: there is nothing to add, or no such state. */
static bool solve(Arena *arena, const GraphTensor *recurrent, const double *const *first,
                  const double *const *other, double *h0) {
  int64_t gates = recurrent->dim[1], u = recurrent->dim[2], rows = 0;
  double *b = ARENA_ARRAY(arena, double, (gates * u + 1));
  for (int64_t g = 0; g < gates; g++)
    for (int64_t i = 0; i < u && first[g] && other[g]; i++)
      b[rows++] = first[g][i] - other[g][i];
  if (chain_is_all(b, rows, 0)) return false;
  double *a = ARENA_ARRAY(arena, double, (gates * u * u + 1)), *row = a;
  for (int64_t g = 0; g < gates; g++)
    for (int64_t i = 0; i < u * u && first[g] && other[g]; i++)
      *row++ = graph_at(recurrent, g * u * u + i);
  return least_squares(a, b, rows, u, h0);
}

GraphTensor *chain_start(Recognising *r, const GraphTensor *recurrent, const double *const *first,
                         const double *const *other) {
  int64_t u = recurrent->dim[2], state[3] = {1, r->samples, u};
  double *h0;
  GraphTensor *t = graph_tensor(r->flat->arena, GRAPH_FLOAT, 3, state, &h0);
  Arena *arena = arena_child(r->flat->arena);
  bool solved = t && solve(arena, recurrent, first, other, h0);
  arena_free(arena);
  for (int64_t i = u; solved && i < t->count; i++)
    h0[i] = h0[i - u]; /* of every sample */
  return solved ? t : NULL;
}
