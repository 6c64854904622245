/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* libhdf5 behind a narrow door, as a module (hdf5_file.c) that is loaded with the first HDF5 file
 * and called by the process of hdf5_guard.c alone. The functions mean what hdf5.h says; what they
 * find is in the arena given with each call. */
#ifndef GRUS_TENSORS_HDF5_FILE_H
#define GRUS_TENSORS_HDF5_FILE_H

#include "base/child.h"
#include "import/tensors/hdf5.h"

typedef struct Hdf5File Hdf5File;

/* No data may be this many times larger than the file, and no list longer. */
enum { HDF5_EXPANSION_MAX = 64, HDF5_TEXTS_MAX = 100000 };

Hdf5File *hdf5_file_open(Arena *arena, Mapped file, const char **reason);
bool hdf5_file_has(const Hdf5File *file, const char *path, bool group);
bool hdf5_file_texts(const Hdf5File *file, Arena *arena, const char *path, const char *attribute,
                     const char ***out, int *n);
bool hdf5_file_list(const Hdf5File *file, Arena *arena, const char ***out, int *n);
bool hdf5_file_read(const Hdf5File *file, Arena *arena, const char *path, Hdf5Tensor *out,
                    const char **reason);

typedef struct Hdf5Module {
  Hdf5File *(*open)(Arena *arena, Mapped file, const char **reason);
  bool (*has)(const Hdf5File *file, const char *path, bool group);
  bool (*texts)(const Hdf5File *file, Arena *arena, const char *path, const char *attribute,
                const char ***out, int *n);
  bool (*list)(const Hdf5File *file, Arena *arena, const char ***out, int *n);
  bool (*read)(const Hdf5File *file, Arena *arena, const char *path, Hdf5Tensor *out,
               const char **reason);
} Hdf5Module;

/* What the child of hdf5_guard.c does: for the main of Windows, which starts it. */
extern const ChildWork hdf5_work;

/* The module, loaded; NULL with *reason if it cannot be, or if this build has none. */
const Hdf5Module *hdf5_module(const char **reason);

#endif
