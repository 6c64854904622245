/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See fit.h. */
#include "fit.h"

#include <string.h>

enum { OPEN = -1, AXES = TENSOR_MAX_RANK + 1 };

/* Axes of an array or of a type, without those of size 1. */
typedef struct Axes {
  int n, time; /* time: which of them it is; -1: none */
  int64_t dim[AXES];
} Axes;

static Axes axes_of_array(const Tensor *array) {
  Axes out = {.time = -1};
  for (int i = 0; i < array->rank; i++)
    if (array->dim[i] != 1) out.dim[out.n++] = array->dim[i];
  return out;
}

static Axes axes_of_type(const Type *type, bool timed) {
  Axes out = {.time = -1};
  int at = timed && type_is_sequence(type) ? type->time_pos : -1;
  for (int i = 0, feature = 0; i < type->rank + (at >= 0); i++) {
    bool fixed = type->time.kind == TIME_FIXED;
    int64_t n = i != at ? type->dim[feature].n : fixed ? type->time.n : OPEN;
    feature += i != at;
    if (n == 1) continue;
    if (i == at) out.time = out.n;
    out.dim[out.n++] = n;
  }
  return out;
}

/* order[k]: which axis of `from` axis k of `want` is, the first `lead` of `from` apart. */
typedef struct Search {
  const Axes *from, *want;
  int lead, order[AXES], best[AXES], moved;
} Search;

static void search(Search *s, int k) {
  if (k < s->want->n) {
    for (int axis = s->lead; axis < s->from->n; axis++) {
      bool used = false;
      for (int i = 0; i < k; i++)
        used |= s->order[i] == axis;
      if (used || (s->want->dim[k] != OPEN && s->want->dim[k] != s->from->dim[axis])) continue;
      s->order[k] = axis;
      search(s, k + 1);
    }
    return;
  }
  int moved = 0;
  for (int i = 0; i < k; i++)
    moved += s->order[i] != i + s->lead;
  if (s->moved >= 0 && s->moved <= moved) return;
  s->moved = moved;
  memcpy(s->best, s->order, sizeof s->best);
}

static Fitted take(Arena *arena, const Tensor *array, const Search *s) {
  const Axes *from = s->from, *want = s->want;
  int64_t stride[AXES], inner = 1;
  Fitted out = {.samples = s->lead ? from->dim[0] : 1, .size = 1, .steps = 1};
  for (int i = from->n; i-- > 0; inner *= from->dim[i])
    stride[i] = inner;
  for (int i = 0; i < want->n; i++)
    out.size *= from->dim[s->best[i]];
  if (want->time >= 0) out.steps = from->dim[s->best[want->time]];
  out.data = ARENA_ARRAY(arena, double, array->count + 1);
  for (int64_t i = 0; i < array->count; i++) {
    int64_t left = i % out.size, at = s->lead ? i / out.size * stride[0] : 0;
    for (int k = want->n; k-- > 0; left /= from->dim[s->best[k]])
      at += left % from->dim[s->best[k]] * stride[s->best[k]];
    out.data[i] = tensor_get(array, at);
  }
  return out;
}

static bool fit_timed(Arena *arena, const Tensor *array, const Type *type, int64_t samples,
                      bool timed, Fitted *out) {
  Axes from = axes_of_array(array), want = axes_of_type(type, timed);
  for (int lead = 0; lead < 2; lead++) {
    Search s = {.from = &from, .want = &want, .lead = lead, .moved = -1};
    if (from.n - lead != want.n || (samples && (lead ? from.dim[0] : 1) != samples)) continue;
    search(&s, 0);
    if (s.moved < 0) continue;
    *out = take(arena, array, &s);
    return true;
  }
  return false;
}

/* The same numbers in the same order, in other axes. */
static bool fit_flat(Arena *arena, const Tensor *array, const Type *type, int64_t samples,
                     Fitted *out) {
  bool fixed = type->time.kind == TIME_NONE || type->time.kind == TIME_FIXED;
  int64_t size = type_size(type), n = fixed && size > 0 ? array->count / size : 0;
  if (!n || array->count % size || (samples && n != samples)) return false;
  *out = (Fitted){ARENA_ARRAY(arena, double, array->count), n, size, 1};
  if (type_is_sequence(type)) out->steps = type->time.n;
  for (int64_t i = 0; i < array->count; i++)
    out->data[i] = tensor_get(array, i);
  return true;
}

bool fit_array(Arena *arena, const Tensor *array, const Type *type, int64_t samples, bool last,
               Fitted *out) {
  return fit_timed(arena, array, type, samples, true, out) ||
         (last && fit_timed(arena, array, type, samples, false, out)) ||
         fit_flat(arena, array, type, samples, out);
}

void fit_affine(Fitted *x, double scale, double zero) {
  for (int64_t i = 0; i < x->samples * x->size; i++)
    x->data[i] = (x->data[i] - zero) * scale;
}

void fit_longer(Arena *arena, Fitted *x, int64_t steps) {
  int64_t size = x->size / x->steps * steps;
  double *data = ARENA_ARRAY(arena, double, (x->samples * size) + 1);
  if (steps <= x->steps) return;
  for (int64_t k = 0; k < x->samples; k++)
    memcpy(data + k * size, x->data + k * x->size, sizeof *data * (size_t)x->size);
  x->data = data;
  x->size = size;
  x->steps = steps;
}
