/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the two files of the reader of TensorFlow Lite have in common:
 *
 *   tflite_file.c   the file's tables: tensors with shapes and constants
 *   tflite.c        operators to layers */
#ifndef GRUS_IMPORT_TFLITE_H
#define GRUS_IMPORT_TFLITE_H

#include "import/flatbuffer.h"
#include "import/foreign.h"

enum { TFLITE_MAX = 4096 }; /* tensors, operators, buffers */

typedef struct LiteTensor {
  const char *name; /* never NULL */
  int type;         /* of the schema: 0 float32, 2 int32, 9 int8 */
  int rank;
  int64_t dim[5];
  bool variable;
  const uint8_t *data; /* of a constant; NULL: computed */
  size_t bytes;
  Value *value; /* of the model, once it is known */
} LiteTensor;

typedef struct Lite {
  Arena *arena;
  const ForeignFile *file;
  Diags *diags;
  Flat flat;
  size_t model, graph;
  FlatVector codes, ops;
  LiteTensor *tensor;
  int n_tensors;
  size_t
      copied; /* bytes of constants so far: at most twice the file, however often they are shared */
  Foreign *foreign;
} Lite;

/* Opens the one graph of a file and reads its tensors; false after reporting. */
bool lite_open(Lite *lite);
/* Something points out of the file: reports, once; always false. */
bool lite_broken(Lite *lite);
/* "[1, 28, 20]". */
const char *lite_shape(Arena *arena, const LiteTensor *tensor);
/* "int8" */
const char *lite_type(int type);
/* Tensor i of a list (inputs of an operator); NULL for -1 or beyond the end. */
LiteTensor *lite_tensor(Lite *lite, FlatVector list, uint32_t i);
/* Copies the values of a float constant of exactly this shape; false after reporting. */
bool lite_floats(Lite *lite, const LiteTensor *tensor, const char *origin, int rank,
                 const int64_t *dim, float *to);

#endif
