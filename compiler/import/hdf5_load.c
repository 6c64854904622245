/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* hdf5_file.c is a module of its own, opened with the first HDF5 file: libhdf5 brings so many
 * libraries that loading them costs more than checking a model does. The module stands beside the
 * executable, in ../lib.../grus. */
#include "base/module.h"
#include "import/hdf5_file.h"

#include <string.h>

typedef struct Hdf5Module {
  Hdf5 *(*open)(Arena *arena, Mapped file, const char **reason);
  bool (*has_group)(const Hdf5 *file, const char *path);
  bool (*has_data)(const Hdf5 *file, const char *path);
  const char *(*text)(const Hdf5 *file, const char *path, const char *attribute);
  bool (*texts)(const Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n);
  bool (*read)(const Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason);
} Hdf5Module;

static Hdf5Module module;

static bool open_module(void) {
  void *opened = module_open(GRUS_HDF5_MODULE);
  return opened && module_take(opened, "hdf5_open", &module.open) &&
         module_take(opened, "hdf5_has_group", &module.has_group) &&
         module_take(opened, "hdf5_has_data", &module.has_data) && module_take(opened, "hdf5_text", &module.text) &&
         module_take(opened, "hdf5_texts", &module.texts) && module_take(opened, "hdf5_read", &module.read);
}

bool hdf5_sniff(Mapped file) { /* the signature stands at 0 or, behind a user block, at a power of two */
  static const uint8_t signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
  for (size_t at = 0; at <= 65536; at = at ? at * 2 : 512)
    if (at + sizeof signature <= file.len && memcmp(file.data + at, signature, sizeof signature) == 0) return true;
  return false;
}

Hdf5 *hdf5_open(Arena *arena, Mapped file, const char **reason) {
  if (module.read || open_module()) return module.open(arena, file, reason);
  *reason = "it is HDF5, and the part of grus that reads it (libgrus_hdf5.so) cannot be loaded";
  return NULL;
}

bool hdf5_has_group(const Hdf5 *file, const char *path) { return module.has_group(file, path); }

bool hdf5_has_data(const Hdf5 *file, const char *path) { return module.has_data(file, path); }

const char *hdf5_text(const Hdf5 *file, const char *path, const char *attribute) {
  return module.text(file, path, attribute);
}

bool hdf5_texts(const Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n) {
  return module.texts(file, path, attribute, out, n);
}

bool hdf5_read(const Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason) {
  return module.read(file, path, out, reason);
}
