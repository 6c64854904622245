/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loads the module of hdf5_file.c with the first HDF5 file: libhdf5 needs so many libraries that
 * loading them takes longer than checking a model. The module is in ../lib.../grus next to the
 * folder of the executable. Builds for other systems link libhdf5, or do not read HDF5. */
#include "base/module.h"
#include "import/tensors/hdf5_file.h"

#include <string.h>

/* The functions of an executable that contains libhdf5; NULL in others. Windows and macOS have no
 * weak names, so their builds define GRUS_HDF5_IS_LINKED. */
#if defined(GRUS_HDF5_IS_LINKED)
extern const Hdf5Module hdf5_linked;
static const Hdf5Module *const linked = &hdf5_linked;
#elif defined(_WIN32) || defined(__APPLE__)
static const Hdf5Module *const linked = NULL;
#else
extern const Hdf5Module hdf5_linked __attribute__((weak));
static const Hdf5Module *const linked = &hdf5_linked;
#endif

#ifdef GRUS_HDF5_MODULE
static const Hdf5Module *module_loaded(const char **reason) {
  static Hdf5Module module;
  static bool loaded;
  *reason = "it is HDF5, and the part of grus that reads it (libgrus_hdf5.so) cannot be loaded";
  if (!loaded) {
    const char *unsaid;
    void *opened = module_open(GRUS_HDF5_MODULE, &unsaid);
    loaded = opened && module_take(opened, "hdf5_file_open", &module.open) &&
             module_take(opened, "hdf5_file_has", &module.has) &&
             module_take(opened, "hdf5_file_texts", &module.texts) &&
             module_take(opened, "hdf5_file_list", &module.list) &&
             module_take(opened, "hdf5_file_read", &module.read);
  }
  return loaded ? &module : NULL;
}
#else
static const Hdf5Module *module_loaded(const char **reason) {
  *reason =
      "this build of grus does not read HDF5: import the file with grus on Linux, or save the "
      "model as ONNX or its weights as `.npz`";
  return NULL;
}
#endif

const Hdf5Module *hdf5_module(const char **reason) {
  return linked ? linked : module_loaded(reason);
}

/* The signature is at offset 0 or, after a user block, at a power of two. A zip archive may contain
 * it as part of a member, such as the weights of a .keras file. */
bool hdf5_sniff(Mapped file) {
  static const uint8_t signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
  static const uint8_t zip[] = {'P', 'K', 3, 4};
  if (file.len >= sizeof zip && memcmp(file.data, zip, sizeof zip) == 0) return false;
  for (size_t at = 0; at <= 65536; at = at ? at * 2 : 512)
    if (at + sizeof signature <= file.len &&
        memcmp(file.data + at, signature, sizeof signature) == 0)
      return true;
  return false;
}
