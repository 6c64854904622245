/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights that no framework wrote, under the names and in the layout of one: for models written by
 * hand. In: the published files. Out: tensors in memory. */
#ifndef GRUS_TESTS_CONFORMANCE_WEIGHTS_H
#define GRUS_TESTS_CONFORMANCE_WEIGHTS_H

#include "../conform.h"

typedef struct Renamed {
  const char *was, *is;
} Renamed;

/* A file in memory to which tensors are added. */
typedef struct Weights {
  Conform *c;
  Tensor *tensor;
  size_t n, cap;
} Weights;

/* The array `values` of f32; columns 0: a vector. */
void weights_add(Weights *w, const char *name, const float *values, int64_t rows, int64_t columns);
/* Kernel [d + u, 4 u] and bias [4 u] of a TensorFlow cell: gates i g f o, and 1 to be added to the bias
 * of f; as the three tensors of a Keras LSTM `name`, gates i f g o. */
void weights_cell(Weights *w, const char *name, const float *kernel, const float *bias, int64_t d, int64_t u);
/* The arrays of an .npz. */
TensorFile *weights_renamed(Conform *c, const char *path, const Renamed *names);
TensorFile *weights_file(Weights *w);

/* A folder with a file of raw numbers for each tensor (charRNN). */
TensorFile *weights_shakespeare(Conform *c, const char *folder);
/* JSON of base64 of 16-bit integers, 32767 for 10 (Sketch-RNN). */
TensorFile *weights_bird(Conform *c, const char *path);
/* JSON of arrays "mat1" to "mat9" (ICU). */
TensorFile *weights_thai(Conform *c, const char *path);

#endif
