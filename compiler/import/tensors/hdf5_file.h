/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The functions that call libhdf5 (hdf5_file.c), as a module that is loaded with the first HDF5
 * file. Only the process of hdf5_guard.c calls them. They do what hdf5.h says, with results in the
 * arena of each call. */
#ifndef GRUS_TENSORS_HDF5_FILE_H
#define GRUS_TENSORS_HDF5_FILE_H

#include "base/child.h"
#include "import/tensors/hdf5.h"

typedef struct Hdf5File Hdf5File;

/* Data may be at most this many times larger than the file, and a list at most this long. */
enum { HDF5_EXPANSION_MAX = 64, HDF5_TEXTS_MAX = 100000 };

Hdf5File *hdf5_file_open(Arena *arena, Mapped file, const char **reason);
bool hdf5_file_has(const Hdf5File *file, const char *path, bool group);
bool hdf5_file_texts(const Hdf5File *file, Arena *arena, const char *path, const char *attribute,
                     const char ***out, int *n);
bool hdf5_file_list(const Hdf5File *file, Arena *arena, const char ***out, int *n);
bool hdf5_file_read(const Hdf5File *file, Arena *arena, const char *path, Hdf5Tensor *out,
                    const char **reason);

/* The functions of the module. */
typedef struct Hdf5Module {
  Hdf5File *(*open)(Arena *arena, Mapped file, const char **reason);
  bool (*has)(const Hdf5File *file, const char *path, bool group);
  bool (*texts)(const Hdf5File *file, Arena *arena, const char *path, const char *attribute,
                const char ***out, int *n);
  bool (*list)(const Hdf5File *file, Arena *arena, const char ***out, int *n);
  bool (*read)(const Hdf5File *file, Arena *arena, const char *path, Hdf5Tensor *out,
               const char **reason);
} Hdf5Module;

/* The work of the child process of hdf5_guard.c; main starts it on Windows. */
extern const ChildWork hdf5_work;

/* Loads the module. NULL with *reason if it cannot be loaded, or if this build has none. */
const Hdf5Module *hdf5_module(const char **reason);

#endif
