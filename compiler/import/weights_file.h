/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights files. In, a file of tensors (.safetensors, .npz, .npy and others); out, a TensorFile
 * that a model can be bound to. Files are mapped, and every length in them is checked before it is
 * used. */
#ifndef GRUS_IMPORT_WEIGHTS_FILE_H
#define GRUS_IMPORT_WEIGHTS_FILE_H

#include "base/input.h"
#include "model/bind/weights.h"

/* Opens a weights file, whose format its content tells. shown: the path in messages. at: the place
 * where the model names the file, if it does. NULL after reporting E604. */
TensorFile *tensor_file_open(Arena *arena, const char *path, const char *shown, Diags *diags,
                             Span at);

/* Read the content of a file of one format. NULL with *reason if it is damaged. */
TensorFile *safetensors_parse(Arena *arena, Mapped file, const char **reason);
TensorFile *npz_parse(Arena *arena, Mapped file, const char **reason);
/* Reads one array, and sets everything of the tensor but its name. False with *reason. */
bool npy_parse(Arena *arena, Mapped file, Tensor *out, const char **reason);

/* Sorts the tensors by name; false with *reason if two have the same name. */
bool tensor_file_sort(Arena *arena, TensorFile *file, const char **reason);
/* Sets the count of a tensor. False with *reason: its dimensions are negative or too large, or its
 * elements do not take exactly `bytes` bytes. */
bool tensor_check(Arena *arena, Tensor *tensor, uint64_t bytes, const char **reason);

#endif
