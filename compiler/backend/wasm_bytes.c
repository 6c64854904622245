/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The binary format of WebAssembly: numbers, names, sections, instructions with their
 * immediates. */
#include "backend/wasm_internal.h"

#include <string.h>

enum { SEVEN_BITS = 0x7F, MORE = 0x80, SIGN_BIT = 0x40, BYTE = 0xFF };

void wasm_u(Text *out, uint64_t n) {
  for (; n > SEVEN_BITS; n >>= 7)
    text_add_char(out, (char)(unsigned char)((n & SEVEN_BITS) | MORE));
  text_add_char(out, (char)n);
}

void wasm_s(Text *out, int64_t n) {
  for (;;) {
    unsigned low = (unsigned)((uint64_t)n & SEVEN_BITS);
    bool negative = (low & SIGN_BIT) != 0;
    n = n < 0 ? -((-n + SEVEN_BITS) / 128) : n / 128; /* towards minus infinity */
    if (n == (negative ? -1 : 0)) {
      text_add_char(out, (char)low);
      return;
    }
    text_add_char(out, (char)(unsigned char)(low | MORE));
  }
}

void wasm_name(Text *out, const char *name) {
  wasm_u(out, strlen(name));
  text_add(out, name);
}

void wasm_sized(Text *out, const Text *content) {
  wasm_u(out, content->len);
  if (content->len) text_add_n(out, content->s, content->len);
}

void wasm_section(Text *out, int id, const Text *content) {
  text_add_char(out, (char)id);
  wasm_sized(out, content);
}

void wasm_op(WasmWriter *w, WasmOp op) {
  if ((unsigned)op <= BYTE) {
    text_add_char(w->code, (char)(unsigned char)op);
    return;
  }
  text_add_char(w->code, (char)(unsigned char)((unsigned)op >> 8));
  wasm_u(w->code, (unsigned)op & BYTE);
}

void wasm_op_u(WasmWriter *w, WasmOp op, uint32_t immediate) {
  wasm_op(w, op);
  wasm_u(w->code, immediate);
}

void wasm_get(WasmWriter *w, uint32_t local) {
  wasm_op_u(w, W_LOCAL_GET, local);
}

void wasm_set(WasmWriter *w, uint32_t local) {
  wasm_op_u(w, W_LOCAL_SET, local);
}

void wasm_i32(WasmWriter *w, int64_t value) {
  wasm_op(w, W_I32_CONST);
  wasm_s(w->code, (int32_t)(uint32_t)(uint64_t)value);
}

static void add_float(Text *out, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  for (int i = 0; i < 4; i++)
    text_add_char(out, (char)(unsigned char)(bits >> (8 * i) & BYTE));
}

void wasm_f32(WasmWriter *w, float value) {
  wasm_op(w, W_F32_CONST);
  add_float(w->code, value);
}

void wasm_memory(WasmWriter *w, WasmOp op, uint32_t offset) {
  wasm_op(w, op);
  wasm_u(w->code, 0);
  wasm_u(w->code, offset);
}
