/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The modules of a state dict of PyTorch: which there are, by the names of their tensors, and what
 * they are, by the shapes. */
#ifndef GRUS_IMPORT_TENSORS_TORCH_MODULES_H
#define GRUS_IMPORT_TENSORS_TORCH_MODULES_H

#include "import/import.h"

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
  const char *name;   /* "net.2"; "" where the tensors have no prefix */
  const char *origin; /* "module `net.2`", for messages */
  TorchKind kind;
  int n_tensors, n_known; /* of the module; and those that its kind accounts for */
  int layers;             /* of a recurrent one */
  bool cell;              /* LSTMCell and its kin: no numbers after the names */
  bool both, bias;
  int64_t in, out; /* features; categories for an Embedding; of a Conv1d `in` is for one group */
  int64_t kernel;
  int place; /* of its first tensor in the file */
} TorchModule;

/* Tensor LEAF of a module, NULL if it has none. */
const Tensor *torch_module_tensor(Arena *arena, const TorchModule *module, const char *leaf);
/* What follows it is hardly the next module: two linear ones in a row would be one. */
bool torch_is_linear(const TorchModule *module);
/* All modules, in the order of the file. */
TorchModule *torch_modules(Arena *arena, const TensorFile *file, int *n);

#endif
