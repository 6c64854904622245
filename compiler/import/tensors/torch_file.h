/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors of files that PyTorch or Python's pickle wrote. */
#ifndef GRUS_IMPORT_TENSORS_TORCH_FILE_H
#define GRUS_IMPORT_TENSORS_TORCH_FILE_H

#include "import/tensors/pickle.h"

/* A zip archive with a data.pkl in it, or a pickle. NULL with *reason. */
TensorFile *torch_file_parse(Arena *arena, Mapped file, const char **reason);

/* The storage that a file of before 1.6 holds instead of a tensor: what stands in a plain pickle of
 * a tensor. *id names its class. False with *reason. */
bool torch_loose_storage(Arena *arena, Mapped file, const PickleValue **id, Mapped *data,
                         const char **reason);

/* What is kept as a length and a direction becomes the weight that it is. The names are no longer
 * sorted. */
void torch_join_normed(Arena *arena, TensorFile *file);

/* Bytes of an element by the class of its storage; 0 if the class is none. */
int torch_storage_bytes(const PickleValue *class);

#endif
