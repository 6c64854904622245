/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads all arrays of an HDF5 file as tensors: weights that Keras saved, or any other arrays. */
#include "import/tensors/tensor_file.h"

#include "import/tensors/hdf5.h"

#include <string.h>

/* The name of an array without the ":0" of TensorFlow: "gru/kernel" for "gru/kernel:0". */
static const char *name_of(Arena *arena, const char *path) {
  size_t n = strlen(path);
  return n > 2 && strcmp(path + n - 2, ":0") == 0 ? arena_strndup(arena, path, n - 2) : path;
}

static bool is_optimiser(const char *path) {
  return strncmp(path, "optimizer", strlen("optimizer")) == 0;
}

static bool take(Arena *arena, Hdf5 *hdf5, const char *path, TensorFile *file,
                 const char **reason) {
  Hdf5Tensor data;
  const char *why;
  if (!hdf5_read(hdf5, path, &data, &why)) {
    *reason = hdf5_broken(hdf5) ? hdf5_broken(hdf5) : arena_printf(arena, "`%s`: %s", path, why);
    return false;
  }
  Tensor *t = &file->tensor[file->n];
  *t = (Tensor){.name = name_of(arena, path),
                .elem = TENSOR_F32,
                .rank = data.rank,
                .count = data.count,
                .place = file->n};
  memcpy(t->dim, data.dim, sizeof data.dim);
  t->data = (const uint8_t *)data.data;
  file->n++;
  return true;
}

/* Whether all tensors have names as Keras 3 writes weights alone: "layers/lstm/cell/vars/0". */
static bool has_keras_names(const TensorFile *file) {
  for (int i = 0; i < file->n; i++)
    if (!strstr(file->tensor[i].name, "/vars/")) return false;
  return file->n > 0;
}

TensorFile *hdf5_tensors_parse(Arena *arena, Mapped map, const char **reason) {
  const char **paths;
  int n = 0;
  Hdf5 *hdf5 = hdf5_open(arena, map, reason);
  if (!hdf5) return NULL;
  if (!hdf5_list(hdf5, &paths, &n)) {
    *reason = hdf5_broken(hdf5) ? hdf5_broken(hdf5) : "its arrays cannot be listed";
    return NULL;
  }
  TensorFile *file = ARENA_NEW(arena, TensorFile);
  file->tensor = ARENA_ARRAY(arena, Tensor, n + 1);
  for (int i = 0; i < n; i++) {
    if (is_optimiser(paths[i]))
      file->skipped = "the optimiser's weights";
    else if (!take(arena, hdf5, paths[i], file, reason))
      return NULL;
  }
  bool keras = hdf5_text(hdf5, "", "keras_version") || hdf5_has_group(hdf5, "model_weights") ||
               has_keras_names(file);
  if (keras) file->convention = CONVENTION_KERAS;
  file->whole_model = hdf5_text(hdf5, "", "model_config") != NULL;
  if (hdf5_has_group(hdf5, "model_weights")) file->root = "model_weights/";
  *reason = hdf5_broken(hdf5) ? hdf5_broken(hdf5) : "it holds no arrays";
  return file->n && !hdf5_broken(hdf5) && tensor_file_sort(arena, file, reason) ? file : NULL;
}
