/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files that hold nothing but tensors: what they are, and what is in them. */
#ifndef GRUS_IMPORT_TENSORS_TENSOR_FILE_H
#define GRUS_IMPORT_TENSORS_TENSOR_FILE_H

#include "base/text.h"
#include "import/import.h"

typedef enum TensorKind {
  TENSORS_NONE,
  TENSORS_NPY,
  TENSORS_NPZ,
  TENSORS_SAFETENSORS,
  TENSORS_TORCH,
  TENSORS_KERAS,
  TENSORS_HDF5,
  TENSORS_JSON
} TensorKind;

/* By the content, at a glance. */
TensorKind tensor_file_kind(Mapped file);
/* Of any kind; NULL with *reason. */
TensorFile *tensor_file_parse(Arena *arena, Mapped file, const char **reason);

/* A line for each tensor: its name, shape and type; then what is not read, and what was passed
 * over. */
void tensors_list(const TensorFile *file, const char *path, Text *out);
/* A .grus file with a line for each layer that names and shapes tell, in the order that fits, or
 * that of the file; comments say what is open. */
void tensors_template(Arena *arena, const TensorFile *file, const char *path, Text *out);

/* All arrays of numbers in an HDF5 file, "group/name" each, without the ":0" that TensorFlow
 * adds. */
TensorFile *hdf5_tensors_parse(Arena *arena, Mapped file, const char **reason);
/* A JSON object of nested arrays of numbers, as some write state dicts of PyTorch. */
bool json_tensors_sniff(Mapped file);
TensorFile *json_tensors_parse(Arena *arena, Mapped file, const char **reason);

#endif
