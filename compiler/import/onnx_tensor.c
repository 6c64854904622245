/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors of a graph: constants with their numbers, and references to elements of values of the
 * model. In: shapes and elements; out, tensors in the arena, none of them beyond what a graph may
 * move. */
#include "import/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool onnx_is_constant(const OnnxTensor *t) {
  return t->f || t->i;
}

double onnx_number(const OnnxTensor *t, int64_t i) {
  return t->f ? (double)t->f[i] : (double)t->i[i];
}

double onnx_decimal(float f) {
  char text[32];
  double x = (double)f;
  for (int digits = 1; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)f);
    x = strtod(text, NULL);
    if ((float)x == f) return x;
  }
  return (double)f;
}

const char *onnx_dims(Arena *arena, int rank, const int64_t *dim) {
  Text text = text_new(arena);
  text_add(&text, "[");
  for (int i = 0; i < rank; i++)
    text_printf(&text, "%s%lld", i ? ", " : "", (long long)dim[i]);
  text_add(&text, "]");
  return text_str(&text);
}

OnnxTensor *onnx_tensor_new(Onnx *onnx, int rank, const int64_t *dim) {
  OnnxTensor *t = ARENA_NEW(onnx->arena, OnnxTensor);
  t->rank = rank;
  t->count = 1;
  bool ok = rank <= ONNX_MAX_RANK;
  for (int i = 0; i < rank && ok; i++) {
    t->dim[i] = dim[i];
    ok = dim[i] >= 0 && size_mul(t->count, dim[i], &t->count) && t->count <= ONNX_MAX_ELEMENTS;
  }
  if (ok && t->count <= *onnx->left) {
    *onnx->left -= t->count;
    return t;
  }
  Diag *d = onnx_refuse(onnx, E901,
                        ok ? "brings the elements moved in this graph to more than grus follows"
                           : "makes a tensor of an impossible shape");
  if (ok)
    diag_note(
        d, "where the sequence is long, take it in steps: --stream, or a shorter one with --time");
  return NULL;
}

/* Numbers among references are kept once. */
const OnnxRef *onnx_refs(Onnx *onnx, const OnnxTensor *t) {
  if (t->ref) return t->ref;
  OnnxRef *ref = ARENA_ARRAY(onnx->arena, OnnxRef, t->count + 1);
  for (int64_t i = 0; i < t->count; i++) {
    float x = (float)onnx_number(t, i);
    int found = 0;
    while (found < onnx->n_constants && found < 64 &&
           memcmp(&onnx->constant[found], &x, sizeof x) != 0)
      found++;
    if (found == onnx->n_constants || found == 64) {
      found = onnx->n_constants;
      ARENA_PUSH(onnx->arena, onnx->constant, onnx->n_constants, onnx->cap_constants, x);
    }
    ref[i] = (OnnxRef){0, found};
  }
  return ref;
}

OnnxTensor *onnx_gather(Onnx *onnx, const OnnxTensor *t, int rank, const int64_t *dim,
                        const int64_t *from) {
  OnnxTensor *out = onnx_tensor_new(onnx, rank, dim);
  if (!out) return NULL;
  size_t n = (size_t)out->count + 1;
  if (t->f) {
    float *to = ARENA_ARRAY(onnx->arena, float, n);
    for (int64_t k = 0; k < out->count; k++)
      to[k] = t->f[from[k]];
    out->f = to;
  } else if (t->i) {
    int64_t *to = ARENA_ARRAY(onnx->arena, int64_t, n);
    for (int64_t k = 0; k < out->count; k++)
      to[k] = t->i[from[k]];
    out->i = to;
  } else {
    OnnxRef *to = ARENA_ARRAY(onnx->arena, OnnxRef, n);
    for (int64_t k = 0; k < out->count; k++)
      to[k] = t->ref[from[k]];
    out->ref = to;
  }
  return out;
}

OnnxTensor *onnx_shaped(Onnx *onnx, const OnnxTensor *t, int rank, const int64_t *dim) {
  OnnxTensor *out = ARENA_NEW(onnx->arena, OnnxTensor);
  *out = *t;
  out->rank = rank;
  memset(out->dim, 0, sizeof out->dim);
  memcpy(out->dim, dim, sizeof *dim * (size_t)rank);
  return out;
}

OnnxTensor *onnx_references(Onnx *onnx, int source, int rank, const int64_t *dim, int time) {
  OnnxTensor *t = onnx_tensor_new(onnx, rank, dim);
  if (!t) return NULL;
  const OnnxSource *s = &onnx->source[source];
  OnnxRef *ref = ARENA_ARRAY(onnx->arena, OnnxRef, t->count + 1);
  int64_t inner = 1, n = time >= 0 ? dim[time] : 1;
  for (int i = time + 1; time >= 0 && i < rank; i++)
    inner *= dim[i];
  for (int64_t k = 0; k < t->count; k++) {
    int64_t row = time >= 0 ? k / inner % n : 0,
            feature = time >= 0 ? k / inner / n * inner + k % inner : k;
    ref[k] = (OnnxRef){source, (int32_t)(row * s->row + feature)};
  }
  t->ref = ref;
  return t;
}

OnnxTensor *onnx_ints(Onnx *onnx, int64_t n, const int64_t *values) {
  OnnxTensor *t = onnx_tensor_new(onnx, 1, &n);
  int64_t *to = ARENA_ARRAY(onnx->arena, int64_t, n + 1);
  if (n) memcpy(to, values, sizeof *to * (size_t)n);
  if (t) t->i = to;
  return t;
}

int onnx_axis(Onnx *onnx, int64_t axis, int rank) {
  int64_t a = axis < 0 ? axis + rank : axis;
  if (a >= 0 && a < rank) return (int)a;
  onnx_refuse(onnx, E901, "names axis %lld of a tensor of %d axes", (long long)axis, rank);
  return -1;
}
