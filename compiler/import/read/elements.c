/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Looking up element types: see elements.h. */
#include "import/read/elements.h"

const ElementRow *element_row(ElementTable table, int64_t code) {
  for (int i = 0; i < table.n; i++)
    if (table.row[i].code == code) return &table.row[i];
  return NULL;
}

bool element_is_float(TensorElem stored) {
  static const bool is_float[] = {
      [TENSOR_F16] = true,  [TENSOR_BF16] = true, [TENSOR_F32] = true,  [TENSOR_F64] = false,
      [TENSOR_I8] = true,   [TENSOR_U8] = true,   [TENSOR_I16] = true,  [TENSOR_U16] = true,
      [TENSOR_I32] = false, [TENSOR_U32] = false, [TENSOR_I64] = false, [TENSOR_U64] = false,
      [TENSOR_BOOL] = true};
  return is_float[stored];
}

const char *element_half(ElementTable table, int64_t code) {
  const ElementRow *row = element_row(table, code);
  if (!row) return NULL;
  return row->stored == TENSOR_F16 ? "float16" : row->stored == TENSOR_BF16 ? "bfloat16" : NULL;
}

bool element_of(ElementTable table, int64_t code, GraphElem *elem) {
  const ElementRow *row = element_row(table, code);
  if (row) *elem = row->elem;
  return row != NULL;
}
