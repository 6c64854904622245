/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors to safetensors: integers of up to 32 bits and f64 as they are, everything else as
 * float32, in the order given, the data aligned to 8 bytes, and the convention in the metadata. The
 * same tensors give the same bytes. */
#include "export/export.h"

#include <string.h>

static void add_float(Text *out, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  for (int k = 0; k < 4; k++)
    text_add_char(out, (char)(bits >> 8 * k & 255));
}

/* How a tensor is written: its name there and bytes an element. */
typedef struct Written {
  const char *dtype;
  int bytes;
} Written;

static Written written_as(const Tensor *t) {
  switch (t->elem) {
  case TENSOR_I8: return (Written){"I8", 1};
  case TENSOR_I16: return (Written){"I16", 2};
  case TENSOR_I32: return (Written){"I32", 4};
  case TENSOR_F64: return (Written){"F64", 8};
  case TENSOR_F16:
  case TENSOR_BF16:
  case TENSOR_F32:
  case TENSOR_U8:
  case TENSOR_U16:
  case TENSOR_U32:
  case TENSOR_I64:
  case TENSOR_U64:
  case TENSOR_BOOL: break;
  }
  return (Written){"F32", 4};
}

static void add_element(Text *out, const Tensor *t, int64_t k) {
  double x = tensor_get(t, k);
  Written as = written_as(t);
  uint64_t bits;
  if (as.dtype[0] == 'F' && as.bytes == 4) {
    add_float(out, (float)x);
    return;
  }
  if (as.dtype[0] == 'F')
    memcpy(&bits, &x, sizeof bits);
  else
    bits = (uint64_t)(int64_t)x;
  for (int i = 0; i < as.bytes; i++)
    text_add_char(out, (char)(bits >> 8 * i & 255));
}

static void add_header(Text *out, const TensorFile *file) {
  long long at = 0;
  text_add_char(out, '{');
  if (file->convention != CONVENTION_NONE)
    text_printf(out, "\"__metadata__\":{\"format\":\"%s\"}%s", convention_format[file->convention],
                file->n ? "," : "");
  for (int i = 0; i < file->n; i++) {
    const Tensor *t = &file->tensor[i];
    Written as = written_as(t);
    long long end = at + as.bytes * (long long)t->count;
    if (i) text_add_char(out, ',');
    text_add_json(out, t->name);
    text_printf(out, ":{\"dtype\":\"%s\",\"shape\":[", as.dtype);
    for (int k = 0; k < t->rank; k++)
      text_printf(out, "%s%lld", k ? "," : "", (long long)t->dim[k]);
    text_printf(out, "],\"data_offsets\":[%lld,%lld]}", at, end);
    at = end;
  }
  text_add_char(out, '}');
}

void safetensors_begin(Text *out, const TensorFile *file) {
  Text header = text_new(out->arena);
  add_header(&header, file);
  text_fill(&header, ' ', (8 - header.len % 8) % 8);
  size_t bytes = 8 + header.len;
  for (int i = 0; i < file->n; i++)
    bytes += (size_t)written_as(&file->tensor[i]).bytes * (size_t)file->tensor[i].count;
  text_reserve(out, bytes);
  for (int k = 0; k < 8; k++)
    text_add_char(out, (char)((uint64_t)header.len >> 8 * k & 255));
  text_add_n(out, text_str(&header), header.len);
}

void safetensors_add(Text *out, const Tensor *tensor) {
  for (int64_t k = 0; k < tensor->count; k++)
    add_element(out, tensor, k);
}

void safetensors_write(Text *out, const TensorFile *file) {
  safetensors_begin(out, file);
  for (int i = 0; i < file->n; i++)
    safetensors_add(out, &file->tensor[i]);
}
