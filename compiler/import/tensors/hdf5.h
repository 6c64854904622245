/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads the parts of HDF5 that model files use. Only objects inside of the file count: a link that
 * is not a hard link leads nowhere, and data in other files is not read. Nothing is printed.
 *
 * libhdf5 does not check all that a file says. So it runs in a process of its own with limits of
 * time and memory (hdf5_guard.c), and its answers come over a socket and are checked again. A
 * damaged file may end that process. Then every later question finds nothing, and hdf5_broken tells
 * why. */
#ifndef GRUS_IMPORT_HDF5_H
#define GRUS_IMPORT_HDF5_H

#include "import/weights_file.h"

typedef struct Hdf5 Hdf5;

/* An array of numbers, converted to float. */
typedef struct Hdf5Tensor {
  int rank;
  int64_t dim[TENSOR_MAX_RANK];
  int64_t count;
  float *data;
} Hdf5Tensor;

/* Whether a file has the signature of HDF5. */
bool hdf5_sniff(Mapped file);
/* Opens a file, which is closed with the arena. The mapping must live as long. NULL with *reason.
 */
Hdf5 *hdf5_open(Arena *arena, Mapped file, const char **reason);
/* Why the file cannot be read any more; NULL if it can. */
const char *hdf5_broken(const Hdf5 *file);
/* Whether there is a group, or an array, at a path. Paths begin at the root, as in
 * "model_weights/lstm_1";
 * "" is the root. */
bool hdf5_has_group(Hdf5 *file, const char *path);
bool hdf5_has_data(Hdf5 *file, const char *path);
/* A text attribute of a group; NULL if there is none. */
const char *hdf5_text(Hdf5 *file, const char *path, const char *attribute);
/* An attribute that is a list of texts; false if there is none. */
bool hdf5_texts(Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n);
/* The paths of all arrays of numbers; false on failure. */
bool hdf5_list(Hdf5 *file, const char ***out, int *n);
/* Reads an array of numbers; false with *reason. */
bool hdf5_read(Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason);

#endif
