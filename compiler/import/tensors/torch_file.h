/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads the tensors of files that PyTorch or the pickle module of Python wrote. */
#ifndef GRUS_IMPORT_TENSORS_TORCH_FILE_H
#define GRUS_IMPORT_TENSORS_TORCH_FILE_H

#include "import/json_read.h"
#include "import/tensors/tree.h"

/* Reads a zip archive with a data.pkl, or a pickle. NULL with *reason. */
TensorFile *torch_file_parse(Arena *arena, Mapped file, const char **reason);

/* Reads a file of PyTorch before 1.6 that holds a storage instead of a tensor; a plain pickle of a
 * tensor contains such a file. *id names the class of the storage. False with *reason. */
bool torch_loose_storage(Arena *arena, Mapped file, const PickleValue **id, Mapped *data,
                         const char **reason);

/* Replaces each pair of a length and a direction (weight_norm) by the weight. The tensors are not
 * sorted by name any more. */
void torch_join_normed(Arena *arena, TensorFile *file);

/* Reads the weights in a program of torch.export. NULL with *reason. */
TensorFile *torch_export_parse(Arena *arena, Mapped file, const char **reason);
/* The element type with a number in the schema of torch.export; false if it is not supported. */
bool torch_export_elem(int64_t dtype, TensorElem *out);
/* The rank and the sizes of a tensor from its entry in a list of weights, and its strides and
 * offset in elements. False if they are not at most 8 integers each. */
bool torch_export_layout(const json_t *meta, Tensor *t, int64_t *stride, int64_t *offset);

/* The last step of both: joins weight norms and sorts. NULL with *reason if there is no tensor, or
 * of NULL. */
TensorFile *torch_file_end(Arena *arena, TensorFile *out, const char **reason);

/* Makes a tensor, whose type and sizes are set, a view of the elements in a storage; offset and
 * strides are in elements. TREE_BAD with *reason if it reaches beyond the storage. */
TreeFound torch_view(Tree *tree, Tensor *t, Mapped storage, const int64_t *stride, int64_t offset,
                     const char **reason);

/* How many bytes an element of a storage of this class has; 0 if the class is not known. */
int torch_storage_bytes(const PickleValue *class);

#endif
