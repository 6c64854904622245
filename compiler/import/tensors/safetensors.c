/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads safetensors: the length of the header in 8 bytes, little-endian, a JSON object, and the
 * data.
 *
 *     {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {...}}
 *
 * Offsets count from the end of the header. Tensors must not overlap, and every byte must belong to
 * one. The entry "format" of the metadata ("pt", "keras", ...), if there is one, tells the
 * convention. */
#include "import/weights_file.h"

#include "import/json_read.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100 * 1000 * 1000 };

static bool dtype(const char *s, TensorElem *out) {
  static const struct {
    const char *name;
    TensorElem elem;
  } names[] = {{"F16", TENSOR_F16},  {"BF16", TENSOR_BF16}, {"F32", TENSOR_F32},
               {"F64", TENSOR_F64},  {"I8", TENSOR_I8},     {"U8", TENSOR_U8},
               {"I16", TENSOR_I16},  {"U16", TENSOR_U16},   {"I32", TENSOR_I32},
               {"U32", TENSOR_U32},  {"I64", TENSOR_I64},   {"U64", TENSOR_U64},
               {"BOOL", TENSOR_BOOL}};
  for (size_t i = 0; s && i < sizeof names / sizeof *names; i++)
    if (strcmp(s, names[i].name) == 0) {
      *out = names[i].elem;
      return true;
    }
  return false;
}

typedef struct ByteRange {
  uint64_t begin, end;
  const char *name;
} ByteRange;

static int by_begin(const void *a, const void *b) {
  const ByteRange *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

static bool read_entry(Arena *arena, const char *name, json_t *entry, Mapped data, Tensor *t,
                       ByteRange *range, const char **reason) {
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  json_t *shape = json_object_get(entry, "shape"),
         *offsets = json_object_get(entry, "data_offsets");
  *t = (Tensor){.name = arena_strdup(arena, name)};
  *reason =
      arena_printf(arena, "`%s` lacks a dtype, shape or data_offsets of the right kind", name);
  if (!type || !json_is_array(shape) || json_array_size(offsets) != 2) return false;
  if (!dtype(type, &t->elem)) {
    *reason = arena_printf(arena, "`%s` has element type %s, which is not supported", name, type);
    return false;
  }
  if (json_array_size(shape) > TENSOR_MAX_RANK) {
    *reason = arena_printf(arena, "`%s` has %zu axes, more than %d", name, json_array_size(shape),
                           TENSOR_MAX_RANK);
    return false;
  }
  t->rank = (int)json_array_size(shape);
  for (int i = 0; i < t->rank; i++) {
    json_t *dim = json_array_get(shape, (size_t)i);
    if (!json_is_integer(dim)) return false;
    t->dim[i] = json_integer_value(dim);
  }
  json_t *a = json_array_get(offsets, 0), *b = json_array_get(offsets, 1);
  if (!json_is_integer(a) || !json_is_integer(b)) return false;
  long long begin = json_integer_value(a), end = json_integer_value(b);
  if (begin < 0 || end < begin || (uint64_t)end > data.len) {
    *reason =
        arena_printf(arena, "`%s` is at bytes %lld to %lld of %zu", name, begin, end, data.len);
    return false;
  }
  t->data = data.data + begin;
  *range = (ByteRange){(uint64_t)begin, (uint64_t)end, t->name};
  return tensor_check(arena, t, (uint64_t)(end - begin), reason);
}

/* Whether every byte belongs to exactly one tensor, so that a file cannot contain other data. */
static bool data_is_covered(Arena *arena, ByteRange *ranges, int n, size_t len,
                            const char **reason) {
  uint64_t at = 0;
  if (n) qsort(ranges, (size_t)n, sizeof *ranges, by_begin);
  for (int i = 0; i < n; i++) {
    if (ranges[i].begin < at)
      *reason = arena_printf(arena, "`%s` and `%s` overlap", ranges[i - 1].name, ranges[i].name);
    else if (ranges[i].begin > at)
      *reason = arena_printf(arena, "its bytes %llu to %llu belong to no tensor",
                             (unsigned long long)at, (unsigned long long)ranges[i].begin);
    if (ranges[i].begin != at) return false;
    at = ranges[i].end;
  }
  if (at == len) return true;
  *reason = arena_printf(arena, "it has %llu byte%s after its last tensor",
                         (unsigned long long)(len - at), len - at == 1 ? "" : "s");
  return false;
}

static Convention convention_of(json_t *root) {
  const char *format =
      json_string_value(json_object_get(json_object_get(root, "__metadata__"), "format"));
  if (!format) return CONVENTION_NONE;
  if (strcmp(format, "pt") == 0 || strcmp(format, "torch") == 0) return CONVENTION_TORCH;
  if (strcmp(format, "keras") == 0 || strcmp(format, "tf") == 0) return CONVENTION_KERAS;
  return strcmp(format, "onnx") == 0 ? CONVENTION_ONNX : CONVENTION_NONE;
}

TensorFile *safetensors_parse(Arena *arena, Mapped file, const char **reason) {
  uint64_t header = 0;
  *reason = "it is neither safetensors nor .npz nor .npy";
  if (file.len < 9) return NULL;
  for (int i = 0; i < 8; i++)
    header |= (uint64_t)file.data[i] << 8 * i;
  if (header == 0 || file.data[8] != '{') return NULL;
  if (header > HEADER_MAX) {
    *reason = "it looks like safetensors, but its header would be larger than 100 MB";
    return NULL;
  }
  if (header > file.len - 8) {
    *reason = arena_printf(arena, "it ends within the safetensors header: %zu of %llu bytes",
                           file.len - 8, (unsigned long long)header);
    return NULL;
  }
  json_error_t error;
  json_t *root =
      json_read(arena, (const char *)file.data + 8, (size_t)header, JSON_REJECT_DUPLICATES, &error);
  if (!root) {
    *reason = arena_printf(arena, "its header is not JSON: %s", error.text);
    return NULL;
  }
  *reason = "its header is not a JSON object";
  if (!json_is_object(root)) return NULL;
  Mapped data = {file.data + 8 + header, file.len - 8 - (size_t)header};
  TensorFile *out = ARENA_NEW(arena, TensorFile);
  size_t entries = json_object_size(root);
  out->tensor = ARENA_ARRAY(arena, Tensor, entries + 1);
  ByteRange *ranges = ARENA_ARRAY(arena, ByteRange, entries + 1);
  const char *name;
  json_t *entry;
  json_object_foreach(root, name, entry) {
    if (strcmp(name, "__metadata__") == 0) continue;
    if (!read_entry(arena, name, entry, data, &out->tensor[out->n], &ranges[out->n], reason))
      return NULL;
    out->n++;
  }
  out->convention = convention_of(root);
  return data_is_covered(arena, ranges, out->n, data.len, reason) &&
                 tensor_file_sort(arena, out, reason)
             ? out
             : NULL;
}
