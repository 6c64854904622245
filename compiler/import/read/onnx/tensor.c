/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants of an ONNX file. In, a tensor message; out, the same numbers as doubles. */
#include "base/shape.h"
#include "import/read/elements.h"
#include "import/read/onnx/reader.h"

static const ElementRow rows[] = {
    {1, TENSOR_F32, GRAPH_FLOAT},   {2, TENSOR_U8, GRAPH_U8},     {3, TENSOR_I8, GRAPH_I8},
    {4, TENSOR_U16, GRAPH_U16},     {5, TENSOR_I16, GRAPH_I16},   {6, TENSOR_I32, GRAPH_I32},
    {7, TENSOR_I64, GRAPH_I64},     {9, TENSOR_BOOL, GRAPH_BOOL}, {10, TENSOR_F16, GRAPH_FLOAT},
    {11, TENSOR_F64, GRAPH_FLOAT},  {12, TENSOR_U32, GRAPH_U32},  {13, TENSOR_U64, GRAPH_U64},
    {16, TENSOR_BF16, GRAPH_FLOAT}, {21, TENSOR_U8, GRAPH_U4},    {22, TENSOR_I8, GRAPH_I4}};
static const ElementTable elements = {rows, sizeof rows / sizeof *rows};

bool onnx_elem(int data_type, GraphElem *elem) {
  return element_of(elements, data_type, elem);
}

const char *onnx_half(int64_t data_type) {
  return element_half_of(elements, data_type);
}

/* Element k of those given as numbers of the format rather than as bytes; false: there is none. */
static bool listed(const OnnxFile__Tensor *t, TensorElem elem, size_t k, double *out) {
  bool wide = elem == TENSOR_U64 || elem == TENSOR_U32,
       half = elem == TENSOR_F16 || elem == TENSOR_BF16;
  size_t n = elem == TENSOR_F32   ? t->n_float_data
             : elem == TENSOR_F64 ? t->n_double_data
             : elem == TENSOR_I64 ? t->n_int64_data
             : wide               ? t->n_uint64_data
                                  : t->n_int32_data;
  if (k >= n) return false;
  if (elem == TENSOR_F32)
    *out = (double)t->float_data[k];
  else if (elem == TENSOR_F64)
    *out = t->double_data[k];
  else if (elem == TENSOR_I64)
    *out = (double)t->int64_data[k];
  else if (wide)
    *out = (double)t->uint64_data[k];
  else if (half) {
    uint8_t bytes[2] = {(uint8_t)t->int32_data[k], (uint8_t)(t->int32_data[k] >> 8)};
    Tensor one = {.elem = elem, .count = 1, .data = bytes};
    *out = tensor_get(&one, 0);
  } else
    *out = (double)t->int32_data[k];
  return true;
}

/* Two elements of 4 bits are in a byte, the first in its lower half. */
static bool is_packed(const ElementRow *kind) {
  return kind->elem == GRAPH_I4 || kind->elem == GRAPH_U4;
}

/* Element k of those, of which the byte holds two. */
static double nibble_of(const ElementRow *kind, double byte, int64_t k) {
  int half = (int)(uint8_t)(int64_t)byte >> (k % 2 ? 4 : 0) & 15;
  return kind->elem == GRAPH_I4 && half > 7 ? half - 16 : half;
}

/* How many elements a shape has; false where it is impossible. */
static bool count_of(const OnnxFile__Tensor *t, int64_t *count) {
  int64_t room = 1;
  *count = 1;
  for (size_t i = 0; i < t->n_dims; i++)
    if (t->dims[i] < 0 || !size_mul(*count, t->dims[i], count) ||
        !size_mul(room, t->dims[i] ? t->dims[i] : 1, &room) || room > INT32_MAX)
      return false;
  return true;
}

const GraphTensor *onnx_constant(OnnxReader *r, const OnnxFile__Tensor *t) {
  const ElementRow *kind = element_row(elements, t->data_type);
  const uint8_t *bytes = t->raw_data.data;
  size_t n_bytes = t->raw_data.len;
  int64_t count;
  if (!kind) {
    onnx_bad(r, "tensor `%s` has elements of type %d, which are not numbers that grus knows",
             t->name, t->data_type);
    return NULL;
  }
  if (t->n_dims > GRAPH_MAX_RANK) {
    onnx_bad(r, "tensor `%s` has %zu axes; at most %d are supported", t->name, t->n_dims,
             GRAPH_MAX_RANK);
    return NULL;
  }
  if (!count_of(t, &count)) {
    onnx_bad(r, "tensor `%s` has the shape %s, with a negative or too large dimension", t->name,
             dims_str(r->arena, (int)t->n_dims, t->dims));
    return NULL;
  }
  if (t->data_location == 1 && !onnx_external(r, t, &bytes, &n_bytes)) return NULL;
  bool raw = t->data_location == 1 || n_bytes > 0;
  int64_t stored = is_packed(kind) ? (count + 1) / 2 : count;
  size_t needed = (size_t)stored * (size_t)tensor_elem_bytes(kind->stored);
  size_t given =
      t->n_float_data + t->n_int32_data + t->n_int64_data + t->n_double_data + t->n_uint64_data;
  if (raw ? n_bytes != needed : given != (size_t)stored) { /* before memory is taken for it */
    onnx_bad(r, "tensor `%s` has %zu %s; its shape %s needs %zu", t->name, raw ? n_bytes : given,
             raw ? "bytes of data" : "elements", dims_str(r->arena, (int)t->n_dims, t->dims),
             raw ? needed : (size_t)stored);
    return NULL;
  }
  if (count > r->numbers) {
    onnx_bad(r, "tensor `%s` brings the constants of `%s` to more numbers than grus reads", t->name,
             r->file->path);
    return NULL;
  }
  r->numbers -= count;
  GraphNumbers to;
  GraphTensor *out = graph_tensor_of(foreign_numbers(r->file), kind->elem, (int)t->n_dims, t->dims,
                                     INT32_MAX, element_is_float(kind->stored), &to);
  Tensor source = {
      .elem = kind->stored, .count = stored, .data = bytes, .rank = 1, .dim = {stored}};
  for (int64_t k = 0; k < count; k++) {
    int64_t at = is_packed(kind) ? k / 2 : k;
    double x;
    if (raw)
      x = tensor_get(&source, at);
    else if (!listed(t, kind->stored, (size_t)at, &x)) {
      onnx_bad(r, "tensor `%s` has its elements in a field of another type", t->name);
      return NULL;
    }
    graph_put(&to, k, is_packed(kind) ? nibble_of(kind, x, k) : x);
  }
  return out;
}
