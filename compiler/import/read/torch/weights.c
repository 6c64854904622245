/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants of a .pt2 archive: plain little-endian files, listed in a config with types, sizes and
 * strides. */
#include "base/shape.h"
#include "import/read/elements.h"
#include "import/read/torch/reader.h"

#include <string.h>

static const ElementRow rows[] = {{1, TENSOR_U8, GRAPH_U8},      {2, TENSOR_I8, GRAPH_I8},
                                  {3, TENSOR_I16, GRAPH_I16},    {4, TENSOR_I32, GRAPH_I32},
                                  {5, TENSOR_I64, GRAPH_I64},    {6, TENSOR_F16, GRAPH_FLOAT},
                                  {7, TENSOR_F32, GRAPH_FLOAT},  {8, TENSOR_F64, GRAPH_FLOAT},
                                  {12, TENSOR_BOOL, GRAPH_BOOL}, {13, TENSOR_BF16, GRAPH_FLOAT}};
static const ElementTable elements = {rows, sizeof rows / sizeof *rows};

bool torch_elem(int64_t dtype, GraphElem *elem) {
  return element_of(elements, dtype, elem);
}

const char *torch_half(int64_t dtype) {
  return element_half(elements, dtype);
}

json_t *torch_json(TorchReader *r, const char *path, bool needed) {
  json_error_t error;
  Mapped text;
  const char *reason = "it is not there";
  const char *full = arena_printf(r->arena, "%s%s", r->folder, path);
  int64_t member = archive_find(r->archive, full);
  if (member < 0 && !needed) return NULL;
  if (member < 0 || !archive_read(r->archive, member, &text, &reason)) {
    torch_bad(r, "cannot read `%s` of `%s`: %s", full, r->file->path, reason);
    return NULL;
  }
  json_t *json = json_read(r->arena, (const char *)text.data, text.len, 0, &error);
  if (!json)
    torch_bad(r, "`%s` of `%s` is not JSON: line %d: %s", full, r->file->path, error.line,
              error.text);
  return json;
}

bool torch_list(TorchReader *r, const char *path, json_t **out) {
  size_t before = r->diags->n_errors;
  json_t *config = torch_json(r, path, false);
  *out = json_object_get(config, "config");
  return r->diags->n_errors == before;
}

static bool whole(json_t *item, int64_t *out) {
  json_t *number = json_object_get(item, "as_int");
  *out = json_integer_value(number);
  return json_is_integer(number);
}

/* Sizes and strides of an entry; false where they are no whole numbers. */
static bool layout_of(json_t *meta, int *rank, int64_t *dim, int64_t *stride, int64_t *offset) {
  json_t *sizes = json_object_get(meta, "sizes"), *strides = json_object_get(meta, "strides");
  size_t n = json_array_size(sizes);
  if (!sizes || n > GRAPH_MAX_RANK || json_array_size(strides) != n) return false;
  *rank = (int)n;
  for (size_t i = 0; i < n; i++)
    if (!whole(json_array_get(sizes, i), &dim[i]) ||
        !whole(json_array_get(strides, i), &stride[i]) || dim[i] < 0 || stride[i] < 0)
      return false;
  return whole(json_object_get(meta, "storage_offset"), offset) && *offset >= 0;
}

/* Elements of the file that a layout reaches; false where it does not fit. */
static bool reach_of(int rank, const int64_t *dim, const int64_t *stride, int64_t offset,
                     int64_t *reach) {
  *reach = offset + 1;
  for (int i = 0; i < rank; i++) {
    int64_t way;
    if (dim[i] == 0) {
      *reach = 0;
      return true;
    }
    if (!size_mul(dim[i] - 1, stride[i], &way) || !size_add(*reach, way, reach)) return false;
  }
  return true;
}

const GraphTensor *torch_stored(TorchReader *r, json_t *list, const char *folder,
                                const char *name) {
  json_t *entry = json_object_get(list, name), *meta = json_object_get(entry, "tensor_meta");
  const char *path = json_string_value(json_object_get(entry, "path_name")),
             *reason = "it is not there";
  const ElementRow *kind =
      element_row(elements, json_integer_value(json_object_get(meta, "dtype")));
  int rank;
  int64_t dim[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK], offset, reach;
  GraphNumbers to;
  Mapped bytes;
  if (!path || !meta) {
    torch_bad(r, "`%s` does not hold the tensor `%s`", r->file->path, name);
    return NULL;
  }
  if (!kind || json_is_true(json_object_get(entry, "use_pickle"))) {
    foreign_lacks(r->diags, r->file, E902,
                  kind ? "give the module plain tensors before the export: `tensor.data.clone()`"
                       : "real and whole numbers and booleans are read: turn it into those before "
                         "the export, as in `tensor.float()`",
                  kind ? "tensor `%s` is stored as a pickle, which is not supported"
                       : "tensor `%s` has elements of a type that grus does not know",
                  name);
    return NULL;
  }
  const char *full = arena_printf(r->arena, "%sdata/%s/%s", r->folder, folder, path);
  int64_t member = archive_find(r->archive, full);
  if (member < 0 || !archive_read(r->archive, member, &bytes, &reason)) {
    torch_bad(r, "cannot read `%s`, which holds tensor `%s`: %s", full, name, reason);
    return NULL;
  }
  int64_t held = (int64_t)bytes.len / tensor_elem_bytes(kind->stored);
  bool fits = layout_of(meta, &rank, dim, stride, &offset) &&
              reach_of(rank, dim, stride, offset, &reach) && reach <= held;
  int64_t most = 4 * held + 1; /* strides of 0 repeat, and tensors share bytes: not without end */
  if (most > r->numbers) most = r->numbers;
  GraphTensor *out = fits ? graph_tensor_of(foreign_numbers(r->file), kind->elem, rank, dim, most,
                                            element_is_float(kind->stored), &to)
                          : NULL;
  if (!out) {
    torch_bad(r, "tensor `%s` does not fit the %lld elements of `%s`", name, (long long)held, full);
    return NULL;
  }
  r->numbers -= out->count;
  Tensor source = {
      .elem = kind->stored, .count = held, .data = bytes.data, .rank = 1, .dim = {held}};
  int64_t at[GRAPH_MAX_RANK] = {0}, from = offset;
  for (int64_t k = 0; k < out->count; k++) {
    graph_put(&to, k, tensor_get(&source, from));
    for (int i = rank - 1; i >= 0; i--) {
      from += stride[i];
      if (++at[i] < dim[i]) break;
      from -= stride[i] * dim[i];
      at[i] = 0;
    }
  }
  return out;
}
