/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights that PyTorch stores as a length g and a direction v (weight_norm). In: the tensors of a
 * file. Out: the weight X for each pair X_g and X_v, or for each pair of X under
 * `parametrizations`:
 *
 *     weight_g, weight_v                                               weight
 *     parametrizations.weight.original0, parametrizations.weight.original1
 *
 * X is g v / |v|, where |v| goes over the axes along which g has one position. */
#include "import/tensors/torch_file.h"

#include <math.h>
#include <string.h>

#define UNDER "parametrizations."

/* The name of the weight if `name` is that of a length, with the name of its direction in
 * *direction; else NULL. */
static const char *weight_of(Arena *arena, const char *name, const char **direction) {
  static const char old[] = "_g", new[] = ".original0";
  size_t n = strlen(name);
  if (n > strlen(old) && strcmp(name + n - strlen(old), old) == 0) {
    const char *stem = arena_strndup(arena, name, n - strlen(old));
    *direction = arena_printf(arena, "%s_v", stem);
    return stem;
  }
  if (n <= strlen(new) || strcmp(name + n - strlen(new), new) != 0) return NULL;
  const char *stem = arena_strndup(arena, name, n - strlen(new)), *under = strstr(stem, UNDER);
  if (!under) return NULL;
  *direction = arena_printf(arena, "%s.original1", stem);
  return arena_printf(arena, "%.*s%s", (int)(under - stem), stem, under + strlen(UNDER));
}

/* The index of the number of g that belongs to an element of v; -1 if the shapes do not fit. */
static int64_t length_of(const Tensor *g, const Tensor *v, int64_t element) {
  int64_t at = 0, left = element, step = 1;
  if (g->rank != v->rank) return g->count == 1 ? 0 : -1;
  for (int i = v->rank; i-- > 0;) {
    int64_t place = left % v->dim[i];
    left /= v->dim[i];
    if (g->dim[i] != 1 && g->dim[i] != v->dim[i]) return -1;
    if (g->dim[i] == 1) continue;
    at += place * step;
    step *= g->dim[i];
  }
  return at;
}

static bool join(Arena *arena, const char *name, const Tensor *g, const Tensor *v, Tensor *out) {
  double *square = ARENA_ARRAY(arena, double, g->count + 1);
  if (!v->count || !g->count || length_of(g, v, v->count - 1) != g->count - 1) return false;
  float *data = ARENA_ARRAY(arena, float, v->count);
  for (int64_t i = 0; i < v->count; i++)
    square[length_of(g, v, i)] += tensor_get(v, i) * tensor_get(v, i);
  for (int64_t i = 0; i < v->count; i++) {
    int64_t k = length_of(g, v, i);
    data[i] = (float)(tensor_get(g, k) * tensor_get(v, i) / sqrt(square[k]));
  }
  *out = *v;
  out->name = name;
  out->elem = TENSOR_F32;
  out->fortran = out->big_endian = false;
  out->data = (const uint8_t *)data;
  return true;
}

void torch_join_normed(Arena *arena, TensorFile *file) {
  bool *gone = ARENA_ARRAY(arena, bool, file->n + 1);
  int n = 0;
  for (int i = 0; i < file->n; i++) {
    const char *direction, *name = weight_of(arena, file->tensor[i].name, &direction);
    const Tensor *v = name ? tensor_find(file, direction) : NULL;
    Tensor whole;
    if (!v || tensor_find(file, name) || !join(arena, name, &file->tensor[i], v, &whole)) continue;
    gone[i] = true;
    file->tensor[v - file->tensor] = whole;
  }
  for (int i = 0; i < file->n; i++)
    if (!gone[i]) file->tensor[n++] = file->tensor[i];
  file->n = n;
}
