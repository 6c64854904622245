/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants of a .pt2 archive: plain little-endian files, listed in a config with types, sizes and
 * strides. */
#include "base/shape.h"
#include "import/read/elements.h"
#include "import/read/torch/reader.h"
#include "import/tensors/torch_file.h"

#include <string.h>

bool torch_elem(int64_t dtype, GraphElem *elem) {
  TensorElem stored;
  bool known = torch_export_elem(dtype, &stored);
  if (known) *elem = element_in_graph(stored);
  return known;
}

const char *torch_half(int64_t dtype) {
  TensorElem stored;
  return torch_export_elem(dtype, &stored) ? element_half(stored) : NULL;
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

/* Type, sizes and strides of an entry; false where they are not of a tensor. */
static bool layout_of(const json_t *meta, Tensor *t, int64_t *stride, int64_t *offset) {
  if (!torch_export_layout(meta, t, stride, offset)) return false;
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] < 0 || stride[i] < 0) return false;
  return *offset >= 0;
}

/* Elements of the file that a layout reaches; false where it does not fit. */
static bool reach_of(const Tensor *t, const int64_t *stride, int64_t offset, int64_t *reach) {
  *reach = offset + 1;
  for (int i = 0; i < t->rank; i++) {
    int64_t way;
    if (t->dim[i] == 0) {
      *reach = 0;
      return true;
    }
    if (!size_mul(t->dim[i] - 1, stride[i], &way) || !size_add(*reach, way, reach)) return false;
  }
  return true;
}

const GraphTensor *torch_stored(TorchReader *r, json_t *list, const char *folder,
                                const char *name) {
  json_t *entry = json_object_get(list, name), *meta = json_object_get(entry, "tensor_meta");
  const char *path = json_string_value(json_object_get(entry, "path_name")),
             *reason = "it is not there";
  Tensor t = {0};
  bool known = torch_export_elem(json_integer_value(json_object_get(meta, "dtype")), &t.elem);
  int64_t stride[TENSOR_MAX_RANK], offset, reach;
  GraphNumbers to;
  Mapped bytes;
  if (!path || !meta) {
    torch_bad(r, "`%s` does not hold the tensor `%s`", r->file->path, name);
    return NULL;
  }
  if (!known || json_is_true(json_object_get(entry, "use_pickle"))) {
    foreign_lacks(r->diags, r->file, E902,
                  known ? "give the module plain tensors before the export: `tensor.data.clone()`"
                        : "real and whole numbers and booleans are read: turn it into those before "
                          "the export, as in `tensor.float()`",
                  known ? "tensor `%s` is stored as a pickle, which is not supported"
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
  int64_t held = (int64_t)bytes.len / tensor_elem_bytes(t.elem);
  bool fits =
      layout_of(meta, &t, stride, &offset) && reach_of(&t, stride, offset, &reach) && reach <= held;
  int64_t most = 4 * held + 1; /* strides of 0 repeat, and tensors share bytes: not without end */
  if (most > r->numbers) most = r->numbers;
  GraphTensor *out = fits ? graph_tensor_of(foreign_numbers(r->file), element_in_graph(t.elem),
                                            t.rank, t.dim, most, element_is_float(t.elem), &to)
                          : NULL;
  if (!out) {
    torch_bad(r, "tensor `%s` does not fit the %lld elements of `%s`", name, (long long)held, full);
    return NULL;
  }
  r->numbers -= out->count;
  Tensor source = {.elem = t.elem, .count = held, .data = bytes.data, .rank = 1, .dim = {held}};
  int64_t at[TENSOR_MAX_RANK] = {0}, from = offset;
  for (int64_t k = 0; k < out->count; k++) {
    graph_put(&to, k, tensor_get(&source, from));
    for (int i = t.rank - 1; i >= 0; i--) {
      from += stride[i];
      if (++at[i] < t.dim[i]) break;
      from -= stride[i] * t.dim[i];
      at[i] = 0;
    }
  }
  return out;
}
