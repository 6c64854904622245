/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files that hold only tensors: finds their format, reads them, lists them, and makes a model of
 * them. */
#ifndef GRUS_IMPORT_TENSORS_TENSOR_FILE_H
#define GRUS_IMPORT_TENSORS_TENSOR_FILE_H

#include "base/text.h"
#include "import/weights_file.h"

typedef enum TensorKind {
  TENSORS_NONE,
  TENSORS_NPY,
  TENSORS_NPZ,
  TENSORS_SAFETENSORS,
  TENSORS_TORCH,
  TENSORS_EXPORT,
  TENSORS_KERAS,
  TENSORS_HDF5,
  TENSORS_JSON
} TensorKind;

/* The format of a file, by its content. */
TensorKind tensor_file_kind(Mapped file);
/* Reads a file of any of these formats; NULL with *reason. */
TensorFile *tensor_file_parse(Arena *arena, Mapped file, const char **reason);

/* Prints a line for each tensor with its name, shape and type; then the tensors that grus cannot
 * read, and the parts that it ignores. */
void tensors_list(const TensorFile *file, const char *path, Text *out);
/* Prints a .grus file with a line for each layer that names and shapes tell, in the only order that
 * fits, otherwise in that of the file. Comments say what is not known. */
void tensors_template(Arena *arena, const TensorFile *file, const char *path, Text *out);

/* Reads all arrays of numbers in an HDF5 file. Their names are "group/name", without the ":0" of
 * TensorFlow. NULL with *reason. */
TensorFile *hdf5_tensors_parse(Arena *arena, Mapped file, const char **reason);
/* Reads a JSON object of nested arrays of numbers, such as a state dict of PyTorch. NULL with
 * *reason. */
bool json_tensors_sniff(Mapped file);
TensorFile *json_tensors_parse(Arena *arena, Mapped file, const char **reason);

#endif
