/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors to safetensors: float32, in order of name, the data aligned to 8 bytes, and the convention
 * in the metadata. The same tensors give the same bytes. */
#include "import/import.h"

#include <string.h>

static const char *const conventions[] = {
    [CONVENTION_NONE] = "", [CONVENTION_KERAS] = "keras", [CONVENTION_TORCH] = "pt", [CONVENTION_ONNX] = "onnx"};

static void add_float(Text *out, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  for (int k = 0; k < 4; k++)
    text_add_char(out, (char)(bits >> 8 * k & 255));
}

static void add_header(Text *out, const TensorFile *file) {
  long long at = 0;
  text_add_char(out, '{');
  if (file->convention != CONVENTION_NONE)
    text_printf(out, "\"__metadata__\":{\"format\":\"%s\"}%s", conventions[file->convention], file->n ? "," : "");
  for (int i = 0; i < file->n; i++) {
    const Tensor *t = &file->tensor[i];
    long long end = at + 4 * (long long)t->count;
    if (i) text_add_char(out, ',');
    text_add_json(out, t->name);
    text_add(out, ":{\"dtype\":\"F32\",\"shape\":[");
    for (int k = 0; k < t->rank; k++)
      text_printf(out, "%s%lld", k ? "," : "", (long long)t->dim[k]);
    text_printf(out, "],\"data_offsets\":[%lld,%lld]}", at, end);
    at = end;
  }
  text_add_char(out, '}');
}

void safetensors_write(Text *out, const TensorFile *file) {
  Text header = text_new(out->arena);
  add_header(&header, file);
  text_fill(&header, ' ', (8 - header.len % 8) % 8);
  for (int k = 0; k < 8; k++)
    text_add_char(out, (char)((uint64_t)header.len >> 8 * k & 255));
  text_add_n(out, text_str(&header), header.len);
  for (int i = 0; i < file->n; i++)
    for (int64_t k = 0; k < file->tensor[i].count; k++)
      add_float(out, (float)tensor_get(&file->tensor[i], k));
}
