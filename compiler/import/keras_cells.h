/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights of recurrent Keras layers in the canonical layout. Private to keras_*.c. */
#ifndef GRUS_IMPORT_KERAS_CELLS_H
#define GRUS_IMPORT_KERAS_CELLS_H

#include "import/keras.h"

/* What a recurrent layer is, once its options are known. */
typedef struct KerasCell {
  LayerKind kind;
  int64_t units, inputs;
  bool bias, cudnn;
  bool reset_known, reset_after; /* GRU: as the configuration says */
  int n_sides;                   /* 2: forward and backward */
  const char *side[2];
} KerasCell;

/* Gives stage its kernels and biases; decides GRU's reset by the shape of the bias. */
bool keras_cell_weights(KerasLayer *layer, KerasCell *cell, Layer *stage);

#endif
