/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads HDF5 in the same process, for WebAssembly and the fuzzer. If a damaged file makes libhdf5
 * fail, only the memory of this WebAssembly module or fuzzer is affected, and its caller starts a
 * new one. */
#include "import/tensors/hdf5_file.h"

struct Hdf5 {
  Arena *arena;
  const Hdf5Module *module;
  Hdf5File *file;
};

Hdf5 *hdf5_open(Arena *arena, Mapped data, const char **reason) {
  const Hdf5Module *module = hdf5_module(reason);
  Hdf5File *file = module ? module->open(arena, data, reason) : NULL;
  if (!file) return NULL;
  Hdf5 *out = ARENA_NEW(arena, Hdf5);
  *out = (Hdf5){arena, module, file};
  return out;
}

const char *hdf5_broken(const Hdf5 *file) {
  (void)file;
  return NULL;
}

bool hdf5_has_group(Hdf5 *file, const char *path) {
  return file->module->has(file->file, path, true);
}

bool hdf5_has_data(Hdf5 *file, const char *path) {
  return file->module->has(file->file, path, false);
}

bool hdf5_texts(Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n) {
  return file->module->texts(file->file, file->arena, path, attribute, out, n);
}

const char *hdf5_text(Hdf5 *file, const char *path, const char *attribute) {
  const char **texts;
  int n;
  return hdf5_texts(file, path, attribute, &texts, &n) && n == 1 ? texts[0] : NULL;
}

bool hdf5_list(Hdf5 *file, const char ***out, int *n) {
  return file->module->list(file->file, file->arena, out, n);
}

bool hdf5_read(Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason) {
  return file->module->read(file->file, file->arena, path, out, reason);
}
