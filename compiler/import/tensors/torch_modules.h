/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The modules of a state dict of PyTorch. In: tensors. Out: a list of modules, which the names of
 * the tensors tell, with their kinds and sizes, which the shapes tell. */
#ifndef GRUS_IMPORT_TENSORS_TORCH_MODULES_H
#define GRUS_IMPORT_TENSORS_TORCH_MODULES_H

#include "import/weights_file.h"

typedef enum TorchKind {
  TORCH_LSTM,
  TORCH_GRU,
  TORCH_RNN,
  TORCH_LINEAR,
  TORCH_EMBEDDING,
  TORCH_CONV1D,
  TORCH_BATCH_NORM,
  TORCH_LAYER_NORM, /* or a GroupNorm: both have a weight and a bias of one axis */
  TORCH_OTHER
} TorchKind;
extern const char *const torch_kind_name[]; /* "LSTM" */

typedef struct TorchModule {
  const TensorFile *file;
  const char *name;   /* "net.2"; "" if the tensors have no prefix */
  const char *origin; /* "module `net.2`", for messages */
  TorchKind kind;
  int n_tensors, n_known; /* how many tensors it has, and how many of these its kind has */
  int layers;             /* of a recurrent module */
  bool cell;              /* LSTMCell, GRUCell or RNNCell, whose names have no number at the end */
  bool both, bias;
  int64_t in, out; /* features; `in` of an Embedding: categories, of a Conv1d: those of one group */
  int64_t kernel;
  int place; /* the place of its first tensor in the file */
} TorchModule;

/* Tensor LEAF of a module, NULL if it has none. */
const Tensor *torch_module_tensor(Arena *arena, const TorchModule *module, const char *leaf);
/* Whether a module is linear. Then something probably comes before the next module, because two
 * linear modules in a row would be one. */
bool torch_is_linear(const TorchModule *module);
/* All modules in the order of the file; *n is how many there are. */
TorchModule *torch_modules(Arena *arena, const TensorFile *file, int *n);

#endif
