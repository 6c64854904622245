/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors to safetensors: integers of up to 32 bits and f64 as they are, everything else as
 * float32, in the order given, the data aligned to 8 bytes, and the convention in the metadata. The
 * same tensors give the same bytes. */
#include "export/export.h"

#include <string.h>

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

/* The bytes of an element; returns where the next ones go. */
static char *put_element(char *to, const Tensor *t, Written as, int64_t k) {
  double x = tensor_get(t, k);
  float narrow = (float)x;
  uint64_t bits = 0;
  uint32_t low;
  if (as.dtype[0] != 'F')
    bits = (uint64_t)(int64_t)x;
  else if (as.bytes == 8)
    memcpy(&bits, &x, sizeof bits);
  else {
    memcpy(&low, &narrow, sizeof low);
    bits = low;
  }
  for (int i = 0; i < as.bytes; i++)
    *to++ = (char)(bits >> 8 * i & 255);
  return to;
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
  char bytes[4096], *end = bytes + sizeof bytes - 8, *to = bytes;
  Written as = written_as(tensor);
  if (tensor_is_plain(tensor)) {
    text_add_n(out, (const char *)tensor->data, 4 * (size_t)tensor->count);
    return;
  }
  for (int64_t k = 0; k < tensor->count; k++) {
    to = put_element(to, tensor, as, k);
    if (to < end && k + 1 < tensor->count) continue;
    text_add_n(out, bytes, (size_t)(to - bytes));
    to = bytes;
  }
}

void safetensors_write(Text *out, const TensorFile *file) {
  safetensors_begin(out, file);
  for (int i = 0; i < file->n; i++)
    safetensors_add(out, &file->tensor[i]);
}
