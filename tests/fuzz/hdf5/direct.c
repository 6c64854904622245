/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* HDF5 without its process: what hdf5.h says, answered by libhdf5 in this one, so that the fuzzer
 * sees which of its code an input reaches and the sanitizers see what that code does. These
 * functions take the place of those of hdf5_guard.c, which the library then does not bring. The
 * limits of that process are not here: the fuzzer has its own. */
#include "import/tensors/hdf5_file.h"

struct Hdf5 {
  Arena *arena;
  Hdf5File *file;
};

const Hdf5Module hdf5_linked = {hdf5_file_open, hdf5_file_has, hdf5_file_texts, hdf5_file_list,
                                hdf5_file_read};

Hdf5 *hdf5_open(Arena *arena, Mapped data, const char **reason) {
  Hdf5File *file = hdf5_file_open(arena, data, reason);
  if (!file) return NULL;
  Hdf5 *out = ARENA_NEW(arena, Hdf5);
  *out = (Hdf5){arena, file};
  return out;
}

const char *hdf5_broken(const Hdf5 *file) {
  (void)file;
  return NULL;
}

bool hdf5_has_group(Hdf5 *file, const char *path) {
  return hdf5_file_has(file->file, path, true);
}

bool hdf5_has_data(Hdf5 *file, const char *path) {
  return hdf5_file_has(file->file, path, false);
}

bool hdf5_texts(Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n) {
  return hdf5_file_texts(file->file, file->arena, path, attribute, out, n);
}

const char *hdf5_text(Hdf5 *file, const char *path, const char *attribute) {
  const char **texts;
  int n;
  return hdf5_texts(file, path, attribute, &texts, &n) && n == 1 ? texts[0] : NULL;
}

bool hdf5_list(Hdf5 *file, const char ***out, int *n) {
  return hdf5_file_list(file->file, file->arena, out, n);
}

bool hdf5_read(Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason) {
  return hdf5_file_read(file->file, file->arena, path, out, reason);
}
