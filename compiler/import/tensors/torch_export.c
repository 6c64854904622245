/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The weights of a program of torch.export (.pt2). In: a zip archive with a list of the weights in
 * NAME/data/weights/model_weights_config.json, and a file of plain numbers for each storage next to
 * it. Out: the tensors by the names of the module's parameters and buffers. The program itself is
 * read elsewhere (read/torch). */
#include "import/tensors/torch_file.h"

#include "import/tensors/torch_archive.h"
#include "import/tensors/tree.h"

#include <string.h>

static const char weights_folder[] = "data/weights/", list_name[] = "model_weights_config.json";

typedef struct Export {
  Tree tree;
  TorchStorages storages; /* in "NAME/data/weights/" */
} Export;

bool torch_export_elem(int64_t dtype, TensorElem *out) {
  static const struct {
    int64_t dtype;
    TensorElem elem;
  } rows[] = {{1, TENSOR_U8},    {2, TENSOR_I8},   {3, TENSOR_I16}, {4, TENSOR_I32},
              {5, TENSOR_I64},   {6, TENSOR_F16},  {7, TENSOR_F32}, {8, TENSOR_F64},
              {12, TENSOR_BOOL}, {13, TENSOR_BF16}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].dtype == dtype) {
      *out = rows[i].elem;
      return true;
    }
  return false;
}

static bool whole(const json_t *item, int64_t *out) {
  const json_t *number = json_object_get(item, "as_int");
  *out = json_integer_value(number);
  return json_is_integer(number);
}

bool torch_export_layout(const json_t *meta, Tensor *t, int64_t *stride, int64_t *offset) {
  const json_t *sizes = json_object_get(meta, "sizes"), *strides = json_object_get(meta, "strides");
  size_t n = json_array_size(sizes);
  if (!sizes || n > TENSOR_MAX_RANK || json_array_size(strides) != n) return false;
  t->rank = (int)n;
  for (size_t i = 0; i < n; i++)
    if (!whole(json_array_get(sizes, i), &t->dim[i]) ||
        !whole(json_array_get(strides, i), &stride[i]))
      return false;
  return whole(json_object_get(meta, "storage_offset"), offset);
}

static bool add_tensor(Export *e, const char *name, const json_t *entry, const char **reason) {
  const json_t *meta = json_object_get(entry, "tensor_meta");
  const char *path = json_string_value(json_object_get(entry, "path_name"));
  Tensor t = {0};
  Mapped storage;
  int64_t stride[TENSOR_MAX_RANK], offset;
  if (json_is_true(json_object_get(entry, "use_pickle")) ||
      !torch_export_elem(json_integer_value(json_object_get(meta, "dtype")), &t.elem)) {
    tree_add_unread(&e->tree, name, "it is stored in a way that is not supported");
    return true;
  }
  *reason = arena_printf(e->tree.arena,
                         "the sizes and strides of `%s` are not lists of at most 8 integers", name);
  if (!torch_export_layout(meta, &t, stride, &offset)) return false;
  if (!torch_archive_storage(&e->storages, path ? path : "", &storage, reason) ||
      torch_view(&e->tree, &t, storage, stride, offset, reason) != TREE_TENSOR) {
    *reason = arena_printf(e->tree.arena, "`%s`: %s", name, *reason);
    return false;
  }
  tree_add_tensor(&e->tree, t, name);
  return true;
}

TensorFile *torch_export_parse(Arena *arena, Mapped file, const char **reason) {
  Archive *archive = archive_open(arena, file, reason);
  Export e = {.storages = {.arena = arena, .archive = archive}};
  Mapped text;
  json_error_t error;
  const char *name;
  json_t *entry;
  if (!archive) return NULL;
  const char *list = arena_printf(arena, "%s%s", weights_folder, list_name),
             *folder = archive_folder(archive, list);
  *reason = arena_printf(arena, "it has no list of its weights, `%s`", list);
  if (!folder || !torch_archive_order(archive, arena, folder, reason)) return NULL;
  e.storages.folder = arena_printf(arena, "%s%s", folder, weights_folder);
  int64_t at = archive_find(archive, arena_printf(arena, "%s%s", folder, list));
  if (!archive_read(archive, at, &text, reason)) return NULL;
  json_t *config =
      json_object_get(json_read(arena, (const char *)text.data, text.len, 0, &error), "config");
  *reason = arena_printf(arena, "its list of weights, `%s`, cannot be read", list_name);
  if (!json_is_object(config)) return NULL;
  tree_begin(&e.tree, arena, file.len);
  e.tree.convention = CONVENTION_TORCH;
  json_object_foreach(config, name, entry) {
    if (!add_tensor(&e, arena_strdup(arena, name), entry, reason)) return NULL;
  }
  return torch_file_end(arena, tree_end(&e.tree, reason), reason);
}
