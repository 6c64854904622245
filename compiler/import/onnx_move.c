/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The operators that only move elements: for each element of the result, which element of the input
 * it is. In, a node and its tensors; out, its results. Constants and references are moved alike. */
#include "import/onnx.h"

#include <string.h>

/* ---- a list of whole numbers: an input, or an attribute of older opsets ---- */

typedef struct Ints {
  const int64_t *v;
  int n;
} Ints;

/* False after reporting; n = -1 where it is left out. */
static bool ints_of(Onnx *onnx, int input, const char *attribute, Ints *out) {
  const OnnxTensor *t = onnx_in(onnx, input);
  const OnnxAttribute *a = attribute ? onnx_attribute(onnx, attribute) : NULL;
  *out = (Ints){NULL, -1};
  if (t && !t->i) {
    onnx_refuse(onnx, E902, "has a shape, an axis or an index that is computed from the data");
    return false;
  }
  if (t)
    *out = (Ints){t->i, (int)t->count};
  else if (a)
    *out = (Ints){a->ints, (int)a->n};
  if (out->n <= ONNX_MAX_ELEMENTS) return true;
  return false;
}

/* ---- index arithmetic ---- */

static void strides_of(const OnnxTensor *t, int64_t *stride) {
  int64_t n = 1;
  for (int i = t->rank; i-- > 0; n *= t->dim[i])
    stride[i] = n;
}

/* The result whose element at [i0, i1, ...] is element base + sum of i * stride of t. */
static OnnxTensor *strided(Onnx *onnx, const OnnxTensor *t, int rank, const int64_t *dim,
                           int64_t base, const int64_t *stride) {
  int64_t n = 1, at[ONNX_MAX_RANK] = {0}, index = base;
  for (int i = 0; i < rank; i++)
    if (dim[i] < 0 || !size_mul(n, dim[i], &n) || n > ONNX_MAX_ELEMENTS) {
      onnx_refuse(onnx, E901, "makes a tensor of an impossible shape");
      return NULL;
    }
  int64_t *from = ARENA_ARRAY(onnx->arena, int64_t, n + 1);
  for (int64_t k = 0; k < n; k++) {
    from[k] = index;
    for (int i = rank; i-- > 0;) {
      index += stride[i];
      if (++at[i] < dim[i]) break;
      index -= stride[i] * dim[i];
      at[i] = 0;
    }
  }
  return onnx_gather(onnx, t, rank, dim, from);
}

static OnnxTensor *do_transpose(Onnx *onnx, const OnnxTensor *t) {
  const OnnxAttribute *perm = onnx_attribute(onnx, "perm");
  int64_t stride[ONNX_MAX_RANK], dim[ONNX_MAX_RANK], moved[ONNX_MAX_RANK];
  bool seen[ONNX_MAX_RANK] = {false};
  strides_of(t, stride);
  for (int i = 0; i < t->rank; i++) {
    int64_t p = perm && (int)perm->n == t->rank ? perm->ints[i] : t->rank - 1 - i;
    if (p < 0 || p >= t->rank || seen[p] || (perm && (int)perm->n != t->rank)) {
      onnx_refuse(onnx, E901, "has a `perm` that is no permutation of its %d axes", t->rank);
      return NULL;
    }
    seen[p] = true;
    dim[i] = t->dim[p];
    moved[i] = stride[p];
  }
  return strided(onnx, t, t->rank, dim, 0, moved);
}

static OnnxTensor *do_reshape(Onnx *onnx, const OnnxTensor *t) {
  Ints shape;
  int64_t dim[ONNX_MAX_RANK], known = 1;
  int open = -1;
  if (!ints_of(onnx, 1, "shape", &shape)) return NULL;
  for (int i = 0; i < shape.n && i < ONNX_MAX_RANK; i++) {
    dim[i] = shape.v[i];
    if (dim[i] == 0 && i < t->rank && !onnx_int(onnx, "allowzero", 0)) dim[i] = t->dim[i];
    if (dim[i] == -1)
      open = i;
    else if (!size_mul(known, dim[i], &known))
      known = -1;
  }
  if (open >= 0 && known > 0) dim[open] = t->count / known, known *= dim[open];
  if (shape.n >= 0 && shape.n <= ONNX_MAX_RANK && known == t->count)
    return onnx_shaped(onnx, t, shape.n, dim);
  onnx_refuse(onnx, E901, "reshapes %s to %s", onnx_dims(onnx->arena, t->rank, t->dim),
              onnx_dims(onnx->arena,
                        shape.n > 8   ? 8
                        : shape.n < 0 ? 0
                                      : shape.n,
                        dim));
  return NULL;
}

static OnnxTensor *do_squeeze(Onnx *onnx, const OnnxTensor *t) {
  Ints axes;
  int64_t dim[ONNX_MAX_RANK];
  bool drop[ONNX_MAX_RANK] = {false};
  int n = 0;
  if (!ints_of(onnx, 1, "axes", &axes)) return NULL;
  for (int i = 0; i < axes.n; i++) {
    int a = onnx_axis(onnx, axes.v[i], t->rank);
    if (a < 0) return NULL;
    if (t->dim[a] != 1) {
      onnx_refuse(onnx, E901, "squeezes axis %d of %s, which is not 1", a,
                  onnx_dims(onnx->arena, t->rank, t->dim));
      return NULL;
    }
    drop[a] = true;
  }
  for (int i = 0; i < t->rank; i++)
    if (!(axes.n < 0 ? t->dim[i] == 1 : drop[i])) dim[n++] = t->dim[i];
  return onnx_shaped(onnx, t, n, dim);
}

static OnnxTensor *do_unsqueeze(Onnx *onnx, const OnnxTensor *t) {
  Ints axes;
  int64_t dim[ONNX_MAX_RANK] = {0};
  if (!ints_of(onnx, 1, "axes", &axes) || axes.n < 0) return NULL;
  int rank = t->rank + axes.n, from = 0;
  if (rank > ONNX_MAX_RANK) {
    onnx_refuse(onnx, E901, "makes a tensor of %d axes; %d are followed", rank, ONNX_MAX_RANK);
    return NULL;
  }
  for (int i = 0; i < axes.n; i++) {
    int a = onnx_axis(onnx, axes.v[i], rank);
    if (a < 0) return NULL;
    dim[a] = -1;
  }
  for (int i = 0; i < rank; i++)
    dim[i] = dim[i] == -1 ? 1 : from < t->rank ? t->dim[from++] : 1;
  return onnx_shaped(onnx, t, rank, dim);
}

static OnnxTensor *do_flatten(Onnx *onnx, const OnnxTensor *t) {
  int64_t axis = onnx_int(onnx, "axis", 1), dim[2] = {1, 1};
  if (axis < 0) axis += t->rank;
  for (int i = 0; i < t->rank; i++)
    dim[i >= axis] *= t->dim[i];
  return onnx_shaped(onnx, t, 2, dim);
}

static int64_t clamp(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

static OnnxTensor *do_slice(Onnx *onnx, const OnnxTensor *t) {
  Ints starts, ends, axes, steps;
  int64_t stride[ONNX_MAX_RANK], dim[ONNX_MAX_RANK], base = 0;
  if (!ints_of(onnx, 1, "starts", &starts) || !ints_of(onnx, 2, "ends", &ends) ||
      !ints_of(onnx, 3, "axes", &axes) || !ints_of(onnx, 4, NULL, &steps))
    return NULL;
  strides_of(t, stride);
  memcpy(dim, t->dim, sizeof dim);
  if (starts.n < 0 || starts.n > t->rank || ends.n != starts.n ||
      (axes.n >= 0 && axes.n != starts.n) || (steps.n >= 0 && steps.n != starts.n)) {
    onnx_refuse(onnx, E901, "has starts, ends, axes and steps that do not fit each other");
    return NULL;
  }
  for (int i = 0; i < starts.n; i++) {
    int a = onnx_axis(onnx, axes.n < 0 ? i : axes.v[i], t->rank);
    int64_t step = steps.n < 0 ? 1 : steps.v[i];
    if (a < 0) return NULL;
    if (step == 0 || step < -INT32_MAX || step > INT32_MAX) {
      onnx_refuse(onnx, E901, "has a step of %lld", (long long)step);
      return NULL;
    }
    int64_t n = t->dim[a], begin = starts.v[i], end = ends.v[i];
    begin = clamp(begin < 0 && begin >= -n ? begin + n : begin, step > 0 ? 0 : -1,
                  step > 0 ? n : n - 1);
    end = end < 0 && end >= -n ? end + n : end;
    end = clamp(end, step > 0 ? 0 : -1, n);
    dim[a] = step > 0 ? (end > begin ? (end - begin + step - 1) / step : 0)
                      : (begin > end ? (begin - end - step - 1) / -step : 0);
    if (dim[a]) base += begin * stride[a];
    stride[a] *= step;
  }
  return strided(onnx, t, t->rank, dim, base, stride);
}

/* Indices that are constant: elements along one axis. */
static OnnxTensor *do_gather(Onnx *onnx, const OnnxTensor *t, const OnnxTensor *index) {
  int a = onnx_axis(onnx, onnx_int(onnx, "axis", 0), t->rank);
  int rank = t->rank - 1 + index->rank, n = 0;
  int64_t dim[2 * ONNX_MAX_RANK], outer = 1, inner = 1;
  if (a < 0) return NULL;
  for (int i = 0; i < t->rank; i++) {
    if (i == a)
      for (int k = 0; k < index->rank; k++)
        dim[n++] = index->dim[k];
    else
      dim[n++] = t->dim[i];
    *(i < a ? &outer : i > a ? &inner : &(int64_t){0}) *= t->dim[i];
  }
  OnnxTensor *shape = rank <= ONNX_MAX_RANK ? onnx_tensor_new(onnx, rank, dim) : NULL;
  if (!shape) return NULL;
  int64_t *from = ARENA_ARRAY(onnx->arena, int64_t, shape->count + 1), *at = from;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t k = 0; k < index->count; k++) {
      int64_t row = index->i[k] < 0 ? index->i[k] + t->dim[a] : index->i[k];
      if (row < 0 || row >= t->dim[a]) {
        onnx_refuse(onnx, E901, "gathers element %lld of %lld", (long long)index->i[k],
                    (long long)t->dim[a]);
        return NULL;
      }
      for (int64_t i = 0; i < inner; i++)
        *at++ = (o * t->dim[a] + row) * inner + i;
    }
  return onnx_gather(onnx, t, rank, dim, from);
}

static OnnxDone do_split(Onnx *onnx, const OnnxTensor *t) {
  Ints sizes;
  int a = onnx_axis(onnx, onnx_int(onnx, "axis", 0), t->rank), n = onnx->node->n_out;
  int64_t stride[ONNX_MAX_RANK], dim[ONNX_MAX_RANK], begin = 0;
  if (a < 0 || !ints_of(onnx, 1, "split", &sizes)) return ONNX_FAILED;
  strides_of(t, stride);
  memcpy(dim, t->dim, sizeof dim);
  for (int k = 0; k < n; k++) {
    int64_t each = (t->dim[a] + n - 1) / n, left = t->dim[a] - begin;
    dim[a] = sizes.n < 0 ? (each < left ? each : left) : k < sizes.n ? sizes.v[k] : -1;
    if (dim[a] < 0 || dim[a] > left) {
      onnx_refuse(onnx, E901, "splits %lld into parts of other sizes", (long long)t->dim[a]);
      return ONNX_FAILED;
    }
    OnnxTensor *part = strided(onnx, t, t->rank, dim, begin * stride[a], stride);
    if (!part) return ONNX_FAILED;
    onnx_set(onnx, k, part);
    begin += dim[a];
  }
  return ONNX_DONE;
}

static OnnxTensor *do_expand(Onnx *onnx, const OnnxTensor *t) {
  Ints shape;
  int64_t stride[ONNX_MAX_RANK], dim[ONNX_MAX_RANK], moved[ONNX_MAX_RANK];
  if (!ints_of(onnx, 1, NULL, &shape)) return NULL;
  strides_of(t, stride);
  int rank = shape.n > t->rank ? shape.n : t->rank;
  for (int i = 0; rank <= ONNX_MAX_RANK && i < rank; i++) {
    int from = i - (rank - t->rank), to = i - (rank - shape.n);
    int64_t have = from >= 0 ? t->dim[from] : 1, want = to >= 0 ? shape.v[to] : 1;
    if (have != want && have != 1 && want != 1) rank = ONNX_MAX_RANK + 1;
    dim[i] = have == 1 ? want : have;
    moved[i] = have == 1 || from < 0 ? 0 : stride[from];
  }
  if (rank <= ONNX_MAX_RANK && shape.n >= 0) return strided(onnx, t, rank, dim, 0, moved);
  onnx_refuse(onnx, E901, "expands %s to a shape that does not fit",
              onnx_dims(onnx->arena, t->rank, t->dim));
  return NULL;
}

static OnnxTensor *do_tile(Onnx *onnx, const OnnxTensor *t) {
  Ints times;
  int64_t dim[ONNX_MAX_RANK], n = 1, stride[ONNX_MAX_RANK];
  if (!ints_of(onnx, 1, NULL, &times) || times.n != t->rank) return NULL;
  strides_of(t, stride);
  for (int i = 0; i < t->rank; i++)
    if (times.v[i] < 0 || !size_mul(t->dim[i], times.v[i], &dim[i]) || !size_mul(n, dim[i], &n) ||
        n > ONNX_MAX_ELEMENTS) {
      onnx_refuse(onnx, E901, "makes a tensor of an impossible shape");
      return NULL;
    }
  int64_t *from = ARENA_ARRAY(onnx->arena, int64_t, n + 1);
  for (int64_t k = 0; k < n; k++)
    for (int64_t i = t->rank - 1, left = k; i >= 0; left /= dim[i], i--)
      from[k] += left % dim[i] % t->dim[i] * stride[i];
  return onnx_gather(onnx, t, t->rank, dim, from);
}

static OnnxTensor *do_concat(Onnx *onnx) {
  const OnnxTensor *first = onnx_in(onnx, 0);
  int n = onnx->node->n_in,
      a = first ? onnx_axis(onnx, onnx_int(onnx, "axis", 0), first->rank) : -1;
  int64_t dim[ONNX_MAX_RANK], outer = 1, inner = 1;
  bool constant = true, whole = true;
  if (a < 0) return NULL;
  memcpy(dim, first->dim, sizeof dim);
  dim[a] = 0;
  for (int k = 0; k < n; k++) {
    const OnnxTensor *t = onnx_in(onnx, k);
    bool fits = t && t->rank == first->rank;
    for (int i = 0; i < first->rank && fits; i++)
      fits = i == a || t->dim[i] == first->dim[i];
    if (!fits) {
      onnx_refuse(onnx, E901, "joins %s and a tensor that does not fit it",
                  onnx_dims(onnx->arena, first->rank, first->dim));
      return NULL;
    }
    dim[a] += t->dim[a];
    constant &= onnx_is_constant(t);
    whole &= t->i != NULL;
  }
  OnnxTensor *out = onnx_tensor_new(onnx, first->rank, dim);
  if (!out) return NULL;
  for (int i = 0; i < first->rank; i++)
    *(i < a ? &outer : i > a ? &inner : &(int64_t){0}) *= first->dim[i];
  OnnxRef *ref = constant ? NULL : ARENA_ARRAY(onnx->arena, OnnxRef, out->count + 1);
  float *f = constant && !whole ? ARENA_ARRAY(onnx->arena, float, out->count + 1) : NULL;
  int64_t *ints = constant && whole ? ARENA_ARRAY(onnx->arena, int64_t, out->count + 1) : NULL,
          begin = 0;
  for (int k = 0; k < n; k++) {
    const OnnxTensor *t = onnx_in(onnx, k);
    const OnnxRef *from = constant ? NULL : onnx_refs(onnx, t);
    int64_t part = t->dim[a] * inner;
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < part; i++) {
        int64_t to = (o * dim[a] + begin) * inner + i, at = o * part + i;
        if (ref)
          ref[to] = from[at];
        else if (f)
          f[to] = (float)onnx_number(t, at);
        else
          ints[to] = t->i[at];
      }
    begin += t->dim[a];
  }
  out->ref = ref;
  out->f = f;
  out->i = ints;
  return out;
}

/* ONNX's Pad: a constant, the edge or a reflection. */
static OnnxTensor *do_pad(Onnx *onnx, const OnnxTensor *t) {
  Ints pads, axes;
  const char *mode = onnx_string(onnx, "mode", "constant");
  const OnnxTensor *value = onnx_in(onnx, 2);
  int64_t before[ONNX_MAX_RANK] = {0}, dim[ONNX_MAX_RANK], stride[ONNX_MAX_RANK];
  float x = value && onnx_is_constant(value) && value->count ? (float)onnx_number(value, 0)
                                                             : (float)onnx_float(onnx, "value", 0);
  if (!ints_of(onnx, 1, "pads", &pads) || !ints_of(onnx, 3, NULL, &axes)) return NULL;
  int n = axes.n < 0 ? t->rank : axes.n;
  memcpy(dim, t->dim, sizeof dim);
  bool ok =
      pads.n == 2 * n && n <= t->rank &&
      (strcmp(mode, "constant") == 0 || strcmp(mode, "edge") == 0 || strcmp(mode, "reflect") == 0);
  for (int i = 0; i < n && ok; i++) {
    int a = onnx_axis(onnx, axes.n < 0 ? i : axes.v[i], t->rank);
    if (a < 0) return NULL;
    int64_t most = *mode == 'r' ? t->dim[a] - 1 : ONNX_MAX_ELEMENTS;
    ok = pads.v[i] >= 0 && pads.v[n + i] >= 0 && pads.v[i] <= most && pads.v[n + i] <= most;
    before[a] = pads.v[i];
    dim[a] += pads.v[i] + pads.v[n + i];
  }
  if (!ok) {
    onnx_refuse(onnx, E903, "pads in a way that grus does not follow (mode `%s`)", mode);
    return NULL;
  }
  OnnxTensor *out = onnx_tensor_new(onnx, t->rank, dim);
  if (!out) return NULL;
  const OnnxRef *from = onnx_refs(onnx, t);
  OnnxTensor number = {.count = 1, .f = &x};
  OnnxRef outside = *onnx_refs(onnx, &number),
          *ref = ARENA_ARRAY(onnx->arena, OnnxRef, out->count + 1);
  strides_of(t, stride);
  for (int64_t k = 0; k < out->count; k++) {
    int64_t at = 0, left = k;
    bool inside = true;
    for (int i = t->rank; i-- > 0; left /= dim[i]) {
      int64_t p = left % dim[i] - before[i];
      if (*mode == 'c')
        inside &= p >= 0 && p < t->dim[i];
      else if (*mode == 'e')
        p = clamp(p, 0, t->dim[i] - 1);
      else
        p = p < 0 ? -p : p >= t->dim[i] ? 2 * (t->dim[i] - 1) - p : p;
      at += p * stride[i];
    }
    ref[k] = inside ? from[at] : outside;
  }
  if (!onnx_is_constant(t)) return out->ref = ref, out;
  float *f = ARENA_ARRAY(onnx->arena, float, out->count + 1);
  for (int64_t k = 0; k < out->count; k++)
    f[k] = onnx->constant[ref[k].index];
  return out->f = f, out;
}

/* ---- the table ---- */

static OnnxTensor *do_cast(Onnx *onnx, const OnnxTensor *t) {
  int64_t to = onnx_int(onnx, "to", 1);
  bool to_float = to == 1 || to == 10 || to == 11 || to == 16;
  if (!onnx_is_constant(t) || (to_float && t->f) || (!to_float && t->i))
    return onnx_shaped(onnx, t, t->rank, t->dim);
  OnnxTensor *out = onnx_shaped(onnx, t, t->rank, t->dim);
  float *f = to_float ? ARENA_ARRAY(onnx->arena, float, t->count + 1) : NULL;
  int64_t *i = to_float ? NULL : ARENA_ARRAY(onnx->arena, int64_t, t->count + 1);
  for (int64_t k = 0; k < t->count; k++) {
    double x = onnx_number(t, k);
    if (f)
      f[k] = (float)x;
    else
      i[k] = to == 9 ? x != 0 : x > -9e18 && x < 9e18 ? (int64_t)x : 0;
  }
  out->f = f;
  out->i = i;
  return out;
}

static OnnxTensor *do_same(Onnx *onnx, const OnnxTensor *t) {
  return onnx_shaped(onnx, t, t->rank, t->dim);
}

static OnnxTensor *do_shape(Onnx *onnx, const OnnxTensor *t) {
  int64_t begin = onnx_int(onnx, "start", 0), end = onnx_int(onnx, "end", t->rank);
  begin = clamp(begin < 0 ? begin + t->rank : begin, 0, t->rank);
  end = clamp(end < 0 ? end + t->rank : end, begin, t->rank);
  return onnx_ints(onnx, end - begin, t->dim + begin);
}

static const struct {
  const char *op, *attributes;
  OnnxTensor *(*move)(Onnx *onnx, const OnnxTensor *t);
} moves[] = {{"Transpose", "perm", do_transpose}, {"Reshape", "shape allowzero", do_reshape},
             {"Squeeze", "axes", do_squeeze},     {"Unsqueeze", "axes", do_unsqueeze},
             {"Flatten", "axis", do_flatten},     {"Slice", "starts ends axes", do_slice},
             {"Expand", "", do_expand},           {"Tile", "", do_tile},
             {"Pad", "mode pads value", do_pad},  {"Cast", "to saturate round_mode", do_cast},
             {"Identity", "", do_same},           {"Shape", "start end", do_shape}};

OnnxDone onnx_move(Onnx *onnx) {
  const char *op = onnx->node->op;
  const OnnxTensor *t = onnx->node->n_in ? onnx_in(onnx, 0) : NULL;
  OnnxTensor *out = NULL;
  if (strcmp(op, "Concat") == 0) {
    if (!onnx_attributes_known(onnx, "axis") || !(out = do_concat(onnx))) return ONNX_FAILED;
    onnx_set(onnx, 0, out);
    return ONNX_DONE;
  }
  if (!t) return ONNX_OTHER;
  if (strcmp(op, "Split") == 0)
    return onnx_attributes_known(onnx, "axis split num_outputs") ? do_split(onnx, t) : ONNX_FAILED;
  if (strcmp(op, "Gather") == 0) {
    const OnnxTensor *index = onnx_in(onnx, 1);
    if (!index || !index->i) return ONNX_OTHER; /* an embedding */
    if (!onnx_attributes_known(onnx, "axis") || !(out = do_gather(onnx, t, index)))
      return ONNX_FAILED;
    onnx_set(onnx, 0, out);
    return ONNX_DONE;
  }
  if (strcmp(op, "Dropout") == 0) { /* of no effect; its mask is not followed */
    onnx_set(onnx, 0, do_same(onnx, t));
    return ONNX_DONE;
  }
  for (size_t k = 0; k < sizeof moves / sizeof *moves; k++) {
    if (strcmp(op, moves[k].op) != 0) continue;
    if (!onnx_attributes_known(onnx, moves[k].attributes)) return ONNX_FAILED;
    if (!(out = moves[k].move(onnx, t))) {
      if (!onnx->diags->n_errors) onnx_refuse(onnx, E901, "has inputs that do not fit it");
      return ONNX_FAILED;
    }
    onnx_set(onnx, 0, out);
    return ONNX_DONE;
  }
  return ONNX_OTHER;
}
