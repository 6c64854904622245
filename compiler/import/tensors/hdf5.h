/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* HDF5, as much of it as model files use. Only objects inside the file are reached: links of any
 * other kind than hard ones, and data kept in other files, are not there. Nothing is printed.
 *
 * libhdf5 believes much of what a file says. It runs in a process of its own with limits of time
 * and memory (hdf5_guard.c); what it finds comes over a socket and is checked again. A damaged file
 * may end that process: from then on nothing is found in the file, and hdf5_broken says so. */
#ifndef GRUS_IMPORT_HDF5_H
#define GRUS_IMPORT_HDF5_H

#include "import/import.h"

typedef struct Hdf5 Hdf5;

/* Numbers converted to float. */
typedef struct Hdf5Tensor {
  int rank;
  int64_t dim[TENSOR_MAX_RANK];
  int64_t count;
  float *data;
} Hdf5Tensor;

bool hdf5_sniff(Mapped file);
/* Closed with the arena; the mapping must live as long. NULL with *reason. */
Hdf5 *hdf5_open(Arena *arena, Mapped file, const char **reason);
/* Why the file can no longer be read; NULL as long as it can. */
const char *hdf5_broken(const Hdf5 *file);
/* Paths are relative to the root: "model_weights/lstm_1"; "" is the root. */
bool hdf5_has_group(Hdf5 *file, const char *path);
bool hdf5_has_data(Hdf5 *file, const char *path);
/* A text attribute of a group; NULL if there is none. */
const char *hdf5_text(Hdf5 *file, const char *path, const char *attribute);
/* An attribute that is a list of texts; false if there is none. */
bool hdf5_texts(Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n);
/* The paths of all arrays of numbers, by hard links. */
bool hdf5_list(Hdf5 *file, const char ***out, int *n);
/* A dataset of numbers; false with *reason. */
bool hdf5_read(Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason);

#endif
