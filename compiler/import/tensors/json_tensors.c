/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads tensors in JSON: {"gru.weight_ih_l0": [[...]], ...}. All rows of an array have the same
 * length, and all its elements are numbers. */
#include "import/tensors/json_tensors.h"
#include "import/tensors/tensor_file.h"

#include "import/json_read.h"

#include <ctype.h>
#include <string.h>

enum { FILE_MAX = 64 << 20 }; /* bytes of text, which become about 500 MB when they are parsed */

/* Whether the file is an object whose first key ends like the name of a tensor of PyTorch. */
bool json_tensors_sniff(Mapped file) {
  static const char *const leaves[] = {"weight\"",       "bias\"",       "weight_ih_l0\"",
                                       "weight_hh_l0\"", "bias_ih_l0\"", "bias_hh_l0\"",
                                       "weight_ih\"",    "bias_hh\""};
  size_t i = 0;
  while (i < file.len && isspace(file.data[i]))
    i++;
  if (i == file.len || file.data[i++] != '{') return false;
  while (i < file.len && isspace(file.data[i]))
    i++;
  if (i == file.len || file.data[i++] != '"') return false;
  const uint8_t *end = memchr(file.data + i, '"', file.len - i);
  size_t key = end ? (size_t)(end + 1 - file.data) - i : 0;
  for (size_t k = 0; k < sizeof leaves / sizeof *leaves; k++) {
    size_t n = strlen(leaves[k]);
    if (key >= n && memcmp(end + 1 - n, leaves[k], n) == 0 &&
        (key == n || end[-(ptrdiff_t)n] == '.'))
      return true;
  }
  return false;
}

static int shape_of(const json_t *array, int64_t *dim) {
  int rank = 0;
  for (; json_is_array(array) && rank < TENSOR_MAX_RANK; array = json_array_get(array, 0))
    dim[rank++] = (int64_t)json_array_size(array);
  return json_is_number(array) ? rank : -1;
}

/* Copies the numbers of an array in C order; returns the end of the copy. */
static double *copy(const json_t *array, int rank, double *to) {
  if (rank == 0) {
    *to = json_number_value(array);
    return to + 1;
  }
  for (size_t i = 0; i < json_array_size(array); i++)
    to = copy(json_array_get(array, i), rank - 1, to);
  return to;
}

static bool take(Arena *arena, const char *name, const json_t *value, Tensor *t,
                 const char **reason) {
  *t = (Tensor){.name = arena_strdup(arena, name), .elem = TENSOR_F64, .count = 1};
  t->rank = shape_of(value, t->dim);
  *reason = arena_printf(arena, "`%.120s` is not an array of numbers", name);
  if (t->rank < 0) return false;
  *reason = arena_printf(
      arena, "the rows of `%.120s` differ in length, or hold something other than numbers", name);
  if (!json_shape_is(value, t->rank, t->dim)) return false;
  for (int i = 0; i < t->rank; i++)
    t->count *= t->dim[i];
  double *data = ARENA_ARRAY(arena, double, t->count + 1);
  copy(value, t->rank, data);
  t->data = (const uint8_t *)data;
  return true;
}

TensorFile *json_tensors_of(Arena *arena, json_t *object, const char **reason) {
  json_t *value;
  const char *name;
  TensorFile *file = ARENA_NEW(arena, TensorFile);
  file->convention = CONVENTION_TORCH;
  file->tensor = ARENA_ARRAY(arena, Tensor, json_object_size(object) + 1);
  json_object_foreach(object, name, value) {
    if (!take(arena, name, value, &file->tensor[file->n], reason)) return NULL;
    file->tensor[file->n].place = file->n;
    file->n++;
  }
  return tensor_file_sort(arena, file, reason) ? file : NULL;
}

TensorFile *json_tensors_parse(Arena *arena, Mapped map, const char **reason) {
  json_error_t error;
  *reason = "it is larger than 64 MiB, too large for JSON";
  if (map.len > FILE_MAX) return NULL;
  json_t *root = json_read(arena, (const char *)map.data, map.len, JSON_REJECT_DUPLICATES, &error);
  *reason = arena_printf(arena, "it is not valid JSON: line %d, column %d: %s", error.line,
                         error.column, error.text);
  if (!root) return NULL;
  *reason = "it holds no tensors";
  return json_is_object(root) && json_object_size(root) ? json_tensors_of(arena, root, reason)
                                                        : NULL;
}
