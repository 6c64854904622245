/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Chooses the reader of a file of tensors by its content, and checks what all readers must give;
 * see tensor_file.h. */
#include "import/tensors/tensor_file.h"

#include "import/tensors/archive.h"
#include "import/tensors/hdf5.h"
#include "import/tensors/torch_file.h"
#include "import/tensors/tree.h"

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
      *reason =
          arena_printf(arena, "the shape of `%s` has a negative or too large dimension", t->name);
      return false;
    }
  t->count = n;
  if (size_mul(n, tensor_elem_bytes(t->elem), &size) && (uint64_t)size == bytes) return true;
  const char *what = *t->name ? arena_printf(arena, "`%s`", t->name) : "an array";
  *reason = arena_printf(arena, "%s of shape %s needs %lld bytes, the file has %llu for it", what,
                         tensor_shape_str(arena, t), (long long)size, (unsigned long long)bytes);
  return false;
}

static TensorFile *one_array(Arena *arena, Mapped map, const char **reason) {
  Tree tree;
  tree_begin(&tree, arena, map.len);
  if (!npy_parse_named(&tree, map, "", reason)) return NULL;
  *reason = "it holds no tensors";
  return tree.n ? tree_end(&tree, reason) : NULL;
}

static bool is_npy(Mapped map) {
  return map.len >= 6 && memcmp(map.data, "\x93NUMPY", 6) == 0;
}

/* Whether a file begins with a length of 8 bytes, below 4 GiB, and an object of JSON. */
static bool is_safetensors(Mapped map) {
  static const uint8_t zeros[4];
  return map.len > 8 && memcmp(map.data + 4, zeros, sizeof zeros) == 0 && map.data[8] == '{';
}

static const char keras_weights[] = "model.weights.h5";

/* Reads the weights in a .keras archive. */
static TensorFile *keras_tensors(Arena *arena, Mapped map, const char **reason) {
  Archive *archive = archive_open(arena, map, reason);
  int64_t at = archive ? archive_find(archive, keras_weights) : -1;
  Mapped weights;
  if (!archive) return NULL;
  *reason = "it has no model.weights.h5 in it";
  if (at < 0 || !archive_read(archive, at, &weights, reason)) return NULL;
  TensorFile *file = hdf5_tensors_parse(arena, weights, reason);
  if (!file) return NULL;
  file->convention = CONVENTION_KERAS;
  file->whole_model = archive_find(archive, "config.json") >= 0;
  return file;
}

TensorKind tensor_file_kind(Mapped map) {
  if (is_npy(map)) return TENSORS_NPY;
  if (archive_lists(map, keras_weights)) return TENSORS_KERAS;
  if (archive_lists(map, "model_weights_config.json")) return TENSORS_EXPORT;
  if (archive_lists(map, "data.pkl")) return TENSORS_TORCH;
  if (archive_lists(map, ".npy")) return TENSORS_NPZ;
  if (is_safetensors(map)) return TENSORS_SAFETENSORS;
  if (pickle_sniff(map)) return TENSORS_TORCH;
  if (hdf5_sniff(map)) return TENSORS_HDF5;
  return json_tensors_sniff(map) ? TENSORS_JSON : TENSORS_NONE;
}

TensorFile *tensor_file_parse(Arena *arena, Mapped map, const char **reason) {
  static const char *const formats[] = {[TENSORS_NPY] = ".npy",
                                        [TENSORS_NPZ] = ".npz",
                                        [TENSORS_SAFETENSORS] = "safetensors",
                                        [TENSORS_EXPORT] = "torch.export",
                                        [TENSORS_KERAS] = "Keras .keras",
                                        [TENSORS_HDF5] = "HDF5",
                                        [TENSORS_JSON] = "state dict in JSON"};
  TensorFile *file = NULL;
  TensorKind kind = tensor_file_kind(map);
  *reason = "it is empty";
  if (map.len == 0) return NULL;
  *reason = "it is neither safetensors, .npz, .npy or HDF5 nor a checkpoint of PyTorch";
  switch (kind) {
  case TENSORS_NPY: file = one_array(arena, map, reason); break;
  case TENSORS_NPZ: file = npz_parse(arena, map, reason); break;
  case TENSORS_TORCH: file = torch_file_parse(arena, map, reason); break;
  case TENSORS_EXPORT: file = torch_export_parse(arena, map, reason); break;
  case TENSORS_KERAS: file = keras_tensors(arena, map, reason); break;
  case TENSORS_HDF5: file = hdf5_tensors_parse(arena, map, reason); break;
  case TENSORS_JSON: file = json_tensors_parse(arena, map, reason); break;
  case TENSORS_SAFETENSORS: file = safetensors_parse(arena, map, reason); break;
  case TENSORS_NONE:
    if (archive_sniff(map)) return npz_parse(arena, map, reason);
    return map.len > 8 && map.data[8] == '{' ? safetensors_parse(arena, map, reason) : NULL;
  }
  if (file && !file->format) file->format = formats[kind];
  return file;
}

TensorFile *tensor_file_open(Arena *arena, const char *path, const char *shown, Diags *diags,
                             Span at) {
  Mapped map;
  const char *reason = NULL;
  TensorFile *file = NULL;
  if (file_map(arena, path, &map, &reason)) file = tensor_file_parse(arena, map, &reason);
  if (file) {
    file->path = shown;
    return file;
  }
  Diag *d = diag_new(diags, E604, at, "cannot read weights `%s`: %s", shown, reason);
  if (span_valid(at))
    diag_primary(d, "named here");
  else
    d->file = shown;
  return NULL;
}
