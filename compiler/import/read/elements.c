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

const char *element_half(TensorElem stored) {
  return stored == TENSOR_F16 ? "float16" : stored == TENSOR_BF16 ? "bfloat16" : NULL;
}

const char *element_half_of(ElementTable table, int64_t code) {
  const ElementRow *row = element_row(table, code);
  return row ? element_half(row->stored) : NULL;
}

GraphElem element_in_graph(TensorElem stored) {
  switch (stored) {
  case TENSOR_I8: return GRAPH_I8;
  case TENSOR_U8: return GRAPH_U8;
  case TENSOR_I16: return GRAPH_I16;
  case TENSOR_U16: return GRAPH_U16;
  case TENSOR_I32: return GRAPH_I32;
  case TENSOR_U32: return GRAPH_U32;
  case TENSOR_I64: return GRAPH_I64;
  case TENSOR_U64: return GRAPH_U64;
  case TENSOR_BOOL: return GRAPH_BOOL;
  case TENSOR_F16:
  case TENSOR_BF16:
  case TENSOR_F32:
  case TENSOR_F64: break;
  }
  return GRAPH_FLOAT;
}

bool element_of(ElementTable table, int64_t code, GraphElem *elem) {
  const ElementRow *row = element_row(table, code);
  if (row) *elem = row->elem;
  return row != NULL;
}
