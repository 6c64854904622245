/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading foreign files. Tensor files (.safetensors, .npz, .npy) become a TensorFile to bind; files
 * are mapped, and every length in them is checked before it is used. */
#ifndef GRUS_IMPORT_IMPORT_H
#define GRUS_IMPORT_IMPORT_H

#include "base/input.h"
#include "model/bind/weights.h"

/* Opens a tensor file by its content. `shown` is the path for messages; at is where the model names
 * it (may be none). NULL after reporting E604. */
TensorFile *tensor_file_open(Arena *arena, const char *path, const char *shown, Diags *diags,
                             Span at);

/* The formats: NULL with *reason when the content is not as it must be. */
TensorFile *safetensors_parse(Arena *arena, Mapped file, const char **reason);
TensorFile *npz_parse(Arena *arena, Mapped file, const char **reason);
/* One array. On success sets everything but its name. */
bool npy_parse(Arena *arena, Mapped file, Tensor *out, const char **reason);

/* Sorts the tensors by name; false with *reason if two have the same name. */
bool tensor_file_sort(Arena *arena, TensorFile *file, const char **reason);
/* rank and dims are sane, and count * element size is exactly bytes. Sets count. */
bool tensor_check(Arena *arena, Tensor *tensor, uint64_t bytes, const char **reason);

#endif
