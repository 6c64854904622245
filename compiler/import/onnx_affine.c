/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of products with constant matrices, as a gate has them: from the nodes back to its matrices
 * and its bias, wherever the sum was cut. In, the name of a tensor; out, an Affine, or false:
 * something else is in it. */
#include "import/onnx_affine.h"

#include <string.h>

enum { DEPTH = 24 };

/* columns [begin, begin + u) of a constant matrix [d, n] (or, transposed, [n, d]) times base. */
static bool add_product(const CellScope *scope, const char *base, const OnnxTensor *m,
                        bool transposed, int64_t begin, Affine *out) {
  base = cell_source(scope, base);
  if (!m || !m->f || m->rank != 2) return false;
  int64_t d = m->dim[transposed ? 1 : 0], n = m->dim[transposed ? 0 : 1];
  int k = !out->base[0] || strcmp(out->base[0], base) == 0 ? 0 : 1;
  if (begin + out->u > n || (out->base[k] && (strcmp(out->base[k], base) != 0 || out->d[k] != d)))
    return false;
  if (!out->base[k]) {
    out->base[k] = base;
    out->d[k] = d;
    out->w[k] = ARENA_ARRAY(scope->onnx->arena, float, out->u *d);
  }
  for (int64_t u = 0; u < out->u; u++)
    for (int64_t i = 0; i < d; i++)
      out->w[k][u * d + i] += m->f[transposed ? (begin + u) * d + i : i * n + begin + u];
  return true;
}

static bool add_constant(const OnnxTensor *t, int64_t begin, double factor, Affine *out) {
  bool one = t->count == 1;
  if (!one && begin + out->u > t->count) return false;
  for (int i = 0; i + 1 < t->rank; i++)
    if (t->dim[i] != 1) return false;
  for (int64_t u = 0; u < out->u; u++)
    out->bias[u] += factor * onnx_number(t, one ? 0 : begin + u);
  return true;
}

/* Elements of a row that a sum or product makes; -1: not to be told. */
static int64_t width_of(const CellScope *scope, const char *name, int depth) {
  name = cell_source(scope, name);
  const OnnxTensor *t = cell_constant(scope, name);
  if (t) return t->rank ? t->dim[t->rank - 1] : 1;
  const OnnxNode *n = map_get(&scope->producer, name);
  if (!n || depth == 0) return -1;
  if (strcmp(n->op, "Add") == 0 && n->n_in == 2) {
    int64_t a = width_of(scope, n->in[0], depth - 1), b = width_of(scope, n->in[1], depth - 1);
    return a > b ? a : b;
  }
  const OnnxAttribute *transposed = cell_attribute(n, "transB");
  bool gemm = strcmp(n->op, "Gemm") == 0;
  if ((!gemm && strcmp(n->op, "MatMul") != 0) || n->n_in < 2 ||
      !(t = cell_constant(scope, n->in[1])) || t->rank != 2)
    return -1;
  return t->dim[gemm && transposed && transposed->i ? 0 : 1];
}

/* Where part k of a Split of rows begins; -1 where that is not known, or the part is not of u
 * elements. */
static int64_t split_begin(const CellScope *scope, const OnnxNode *n, const char *name, int64_t u) {
  const OnnxAttribute *sizes = cell_attribute(n, "split");
  const OnnxTensor *given = n->n_in > 1 ? cell_constant(scope, n->in[1]) : NULL;
  int64_t begin = 0, width = width_of(scope, n->in[0], DEPTH);
  for (int k = 0; k < n->n_out; k++) {
    int64_t size = given && given->i && k < given->count ? given->i[k]
                   : sizes && k < (int)sizes->n          ? sizes->ints[k]
                   : width % n->n_out == 0               ? width / n->n_out
                                                         : -1;
    if (strcmp(n->out[k], name) == 0) return size == u ? begin : -1;
    if (size < 0) return -1;
    begin += size;
  }
  return -1;
}

/* The one number of an input, or of an attribute of older opsets. */
static bool slice_number(const CellScope *scope, const OnnxNode *n, int input, const char *name,
                         int64_t *x) {
  const OnnxTensor *t =
      n->n_in > input && *n->in[input] ? cell_constant(scope, n->in[input]) : NULL;
  const OnnxAttribute *a = n->n_in > 1 ? NULL : cell_attribute(n, name);
  if (t && t->i && t->count == 1) return *x = t->i[0], true;
  return !t && a && a->n == 1 && (*x = a->ints[0], true);
}

/* Where a Slice of rows begins that takes u elements, one after the other. */
static bool slice_begin(const CellScope *scope, const OnnxNode *n, int64_t u, int64_t *begin) {
  int64_t end, axis, step = 1, width = width_of(scope, n->in[0], DEPTH);
  if (n->n_in > 4 && *n->in[4] && !slice_number(scope, n, 4, "", &step)) return false;
  if (!slice_number(scope, n, 1, "starts", begin) || !slice_number(scope, n, 2, "ends", &end) ||
      !slice_number(scope, n, 3, "axes", &axis))
    return false;
  if (*begin < 0 && width > 0) *begin += width;
  if (end < 0 && width > 0) end += width;
  if (width > 0 && end > width) end = width;
  return (axis == 1 || axis == -1 || axis == 2) && step == 1 && *begin >= 0 && end - *begin == u;
}

/* Adds elements [begin, begin + u) of a tensor, times 1. */
static bool add_affine(const CellScope *scope, const char *name, int64_t begin, int depth,
                       Affine *out) {
  name = cell_source(scope, name);
  const OnnxTensor *constant = cell_constant(scope, name);
  if (constant) return add_constant(constant, begin, 1, out);
  const OnnxNode *n = map_get(&scope->producer, name);
  int64_t at;
  if (!n || depth == 0) return false;
  if (strcmp(n->op, "Add") == 0 && n->n_in == 2)
    return add_affine(scope, n->in[0], begin, depth - 1, out) &&
           add_affine(scope, n->in[1], begin, depth - 1, out);
  if (strcmp(n->op, "MatMul") == 0 && n->n_in == 2)
    return add_product(scope, n->in[0], cell_constant(scope, n->in[1]), false, begin, out);
  if (strcmp(n->op, "Split") == 0) {
    at = split_begin(scope, n, name, out->u);
    return at >= 0 && add_affine(scope, n->in[0], begin + at, depth - 1, out);
  }
  if (strcmp(n->op, "Slice") == 0)
    return slice_begin(scope, n, out->u, &at) &&
           add_affine(scope, n->in[0], begin + at, depth - 1, out);
  if (strcmp(n->op, "Gemm") != 0 || n->n_in < 2) return false;
  const OnnxAttribute *ta = cell_attribute(n, "transA"), *tb = cell_attribute(n, "transB"),
                      *alpha = cell_attribute(n, "alpha"), *beta = cell_attribute(n, "beta");
  if ((ta && ta->i) || (alpha && alpha->f != 1) || (beta && beta->f != 1)) return false;
  const OnnxTensor *c = n->n_in > 2 && *n->in[2] ? cell_constant(scope, n->in[2]) : NULL;
  if (n->n_in > 2 && *n->in[2] && (!c || !add_constant(c, begin, 1, out))) return false;
  return add_product(scope, n->in[0], cell_constant(scope, n->in[1]), tb && tb->i, begin, out);
}

bool affine(const CellScope *scope, const char *name, int64_t u, Affine *out) {
  *out = (Affine){.u = u, .bias = ARENA_ARRAY(scope->onnx->arena, double, u)};
  return add_affine(scope, name, 0, DEPTH, out);
}
