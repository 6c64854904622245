/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of tensors: choosing the reader by the first bytes, and what all of them must be. */
#include "import/import.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
  return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}

bool tensor_file_sort(Arena *arena, TensorFile *file, const char **reason) {
  if (file->n) qsort(file->tensor, (size_t)file->n, sizeof *file->tensor, by_name);
  for (int i = 1; i < file->n; i++)
    if (strcmp(file->tensor[i - 1].name, file->tensor[i].name) == 0) {
      *reason = arena_printf(arena, "two tensors are named `%s`", file->tensor[i].name);
      return false;
    }
  return true;
}

bool tensor_check(Arena *arena, Tensor *t, uint64_t bytes, const char **reason) {
  int64_t n = 1, size;
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] < 0 || !size_mul(n, t->dim[i], &n)) {
      *reason = arena_printf(arena, "`%s` has an impossible shape", t->name);
      return false;
    }
  t->count = n;
  if (size_mul(n, tensor_elem_bytes(t->elem), &size) && (uint64_t)size == bytes) return true;
  const char *what = *t->name ? arena_printf(arena, "`%s`", t->name) : "an array";
  *reason = arena_printf(arena, "%s of shape %s needs %lld bytes, the file has %llu for it", what, tensor_shape_str(arena, t),
                         (long long)size, (unsigned long long)bytes);
  return false;
}

static TensorFile *one_array(Arena *arena, Mapped map, const char **reason) {
  TensorFile *file = ARENA_NEW(arena, TensorFile);
  file->tensor = ARENA_NEW(arena, Tensor);
  file->tensor->name = "";
  file->n = 1;
  return npy_parse(arena, map, file->tensor, reason) ? file : NULL;
}

TensorFile *tensor_file_open(Arena *arena, const char *path, const char *shown, Diags *diags, Span at) {
  Mapped map;
  const char *reason = NULL;
  TensorFile *file = NULL;
  if (file_map(arena, path, &map, &reason)) {
    if (map.len == 0) reason = "it is empty";
    else if (map.len >= 6 && memcmp(map.data, "\x93NUMPY", 6) == 0) file = one_array(arena, map, &reason);
    else if (map.len >= 4 && memcmp(map.data, "PK", 2) == 0) file = npz_parse(arena, map, &reason);
    else file = safetensors_parse(arena, map, &reason);
  }
  if (file) {
    file->path = shown;
    return file;
  }
  Diag *d = diag_new(diags, E604, at, "cannot read weights `%s`: %s", shown, reason);
  if (span_valid(at)) diag_primary(d, "named here");
  else d->file = shown;
  return NULL;
}
