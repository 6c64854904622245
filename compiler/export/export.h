/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing models for people and for files, the opposite direction of import/. In, a typed Model or
 * the tensors of one; out, the text of a .grus file or the bytes of a .safetensors file. */
#ifndef GRUS_EXPORT_EXPORT_H
#define GRUS_EXPORT_EXPORT_H

#include "model/bind/weights.h"

/* What the text says of the file that the model comes from. */
typedef struct PrintOrigin {
  const char *path;                /* of the file; its folder is not printed */
  const char *format;              /* "Keras 2.2.4 HDF5" */
  const char *const *allow_reason; /* [DIAG_CODE_COUNT]: the comment after each `allow`, or NULL */
} PrintOrigin;

/* The .grus text of a typed model, not yet formatted. weights: the file its `weights` statement
 * names. order[i] is the layer that became the i-th layer of the text (model->n_layers of them). */
const char *print_model(Arena *arena, const Model *model, const PrintOrigin *origin,
                        const char *weights, Layer **order);

/* The bytes of a safetensors file with these tensors, in the order in which they are given. */
void safetensors_write(Text *out, const TensorFile *file);
/* The same in pieces: what is before the numbers, which the tensors need not have yet, and then
 * each of the tensors. */
void safetensors_begin(Text *out, const TensorFile *file);
void safetensors_add(Text *out, const Tensor *tensor);

#endif
