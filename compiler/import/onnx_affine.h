/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The argument of a gate: base[0] w[0]^T + base[1] w[1]^T + bias. */
#ifndef GRUS_IMPORT_ONNX_AFFINE_H
#define GRUS_IMPORT_ONNX_AFFINE_H

#include "import/onnx_cell.h"

typedef struct Affine {
  const char *base[2]; /* x or h, or r h; NULL: not used */
  float *w[2];         /* [u][d] of each */
  int64_t d[2];
  double *bias; /* [u] */
  int64_t u;
} Affine;

/* The u elements of a tensor of one row. */
bool affine(const CellScope *scope, const char *name, int64_t u, Affine *out);

#endif
