/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of tensors alone: what they are, and what is in them. */
#ifndef GRUS_IMPORT_TENSORS_TENSOR_FILE_H
#define GRUS_IMPORT_TENSORS_TENSOR_FILE_H

#include "import/import.h"

typedef enum TensorKind {
  TENSORS_NONE, TENSORS_NPY, TENSORS_NPZ, TENSORS_SAFETENSORS, TENSORS_TORCH, TENSORS_HDF5, TENSORS_JSON
} TensorKind;

/* By the content, at a glance. */
TensorKind tensor_file_kind(Mapped file);
/* Of any kind; NULL with *reason. */
TensorFile *tensor_file_parse(Arena *arena, Mapped file, const char **reason);

/* All arrays of numbers in an HDF5 file, "group/name" each, without the ":0" that TensorFlow adds. */
TensorFile *hdf5_tensors_parse(Arena *arena, Mapped file, const char **reason);
/* A JSON object of nested arrays of numbers, as some write state dicts of PyTorch. */
bool json_tensors_sniff(Mapped file);
TensorFile *json_tensors_parse(Arena *arena, Mapped file, const char **reason);

#endif
