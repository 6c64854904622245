/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the WebAssembly backend share. */
#ifndef GRUS_BACKEND_WASM_INTERNAL_H
#define GRUS_BACKEND_WASM_INTERNAL_H

#include "backend/wasm.h"

#include <stdint.h>

/* Types of locals and results, as the binary format numbers them. */
typedef enum WasmType {
  WASM_I32 = 0x7F,
  WASM_I64 = 0x7E,
  WASM_F32 = 0x7D,
  WASM_V128 = 0x7B
} WasmType;
enum {
  WASM_N_TYPES = 4,
  WASM_VOID = 0x40,
  WASM_FUNC = 0x60,
  WASM_LANES = 4,
  WASM_HALF = 2,
  WASM_PAGE = 65536
};

/* Instructions, with their bytes. Those from 0x100 on have a prefix: 0xFCnn, 0xFDnn. */
typedef enum WasmOp {
  W_UNREACHABLE = 0x00,
  W_BLOCK = 0x02,
  W_LOOP = 0x03,
  W_IF = 0x04,
  W_ELSE = 0x05,
  W_END = 0x0B,
  W_BR_IF = 0x0D,
  W_RETURN = 0x0F,
  W_CALL = 0x10,
  W_DROP = 0x1A,
  W_SELECT = 0x1B,
  W_LOCAL_GET = 0x20,
  W_LOCAL_SET = 0x21,
  W_LOCAL_TEE = 0x22,
  W_I32_LOAD = 0x28,
  W_F32_LOAD = 0x2A,
  W_I32_LOAD8_S = 0x2C,
  W_I32_LOAD8_U = 0x2D,
  W_I32_LOAD16_S = 0x2E,
  W_I32_LOAD16_U = 0x2F,
  W_I32_STORE = 0x36,
  W_F32_STORE = 0x38,
  W_I32_STORE8 = 0x3A,
  W_I32_STORE16 = 0x3B,
  W_I32_CONST = 0x41,
  W_I64_CONST = 0x42,
  W_F32_CONST = 0x43,
  W_I32_EQ = 0x46,
  W_I32_NE = 0x47,
  W_I32_LT_S = 0x48,
  W_I32_LT_U = 0x49,
  W_I32_GT_S = 0x4A,
  W_I32_LE_S = 0x4C,
  W_I32_LE_U = 0x4D,
  W_I32_GE_S = 0x4E,
  W_I64_LT_S = 0x53,
  W_I64_GT_S = 0x55,
  W_F32_EQ = 0x5B,
  W_F32_NE = 0x5C,
  W_F32_LT = 0x5D,
  W_F32_GT = 0x5E,
  W_F32_LE = 0x5F,
  W_I32_ADD = 0x6A,
  W_I32_SUB = 0x6B,
  W_I32_MUL = 0x6C,
  W_I32_DIV_S = 0x6D,
  W_I32_AND = 0x71,
  W_I32_OR = 0x72,
  W_I32_XOR = 0x73,
  W_I32_SHL = 0x74,
  W_I32_SHR_S = 0x75,
  W_I64_ADD = 0x7C,
  W_I64_MUL = 0x7E,
  W_I64_SHR_S = 0x87,
  W_F32_ABS = 0x8B,
  W_F32_NEG = 0x8C,
  W_F32_NEAREST = 0x90,
  W_F32_SQRT = 0x91,
  W_F32_ADD = 0x92,
  W_F32_SUB = 0x93,
  W_F32_MUL = 0x94,
  W_F32_DIV = 0x95,
  W_I32_WRAP_I64 = 0xA7,
  W_I64_EXTEND_I32_S = 0xAC,
  W_F32_CONVERT_I32_S = 0xB2,
  W_F32_CONVERT_I32_U = 0xB3,
  W_I32_REINTERPRET_F32 = 0xBC,
  W_F32_REINTERPRET_I32 = 0xBE,
  W_I32_TRUNC_SAT_F32_S = 0xFC00,
  W_MEMORY_COPY = 0xFC0A,
  W_MEMORY_FILL = 0xFC0B,
  W_V128_LOAD = 0xFD00,
  W_V128_LOAD32_SPLAT = 0xFD09,
  W_V128_STORE = 0xFD0B,
  W_V128_CONST = 0xFD0C,
  W_I8X16_SHUFFLE = 0xFD0D,
  W_I32X4_SPLAT = 0xFD11,
  W_F32X4_SPLAT = 0xFD13,
  W_I32X4_EXTRACT_LANE = 0xFD1B,
  W_F32X4_EXTRACT_LANE = 0xFD1F,
  W_I32X4_EQ = 0xFD37,
  W_I32X4_NE = 0xFD38,
  W_I32X4_LT_S = 0xFD39,
  W_I32X4_LE_S = 0xFD3D,
  W_F32X4_EQ = 0xFD41,
  W_F32X4_NE = 0xFD42,
  W_F32X4_LT = 0xFD43,
  W_F32X4_LE = 0xFD45,
  W_V128_AND = 0xFD4E,
  W_V128_OR = 0xFD50,
  W_V128_XOR = 0xFD51,
  W_V128_BITSELECT = 0xFD52,
  W_V128_STORE64_LANE = 0xFD5B,
  W_V128_LOAD32_ZERO = 0xFD5C,
  W_V128_LOAD64_ZERO = 0xFD5D,
  W_I32X4_ABS = 0xFDA0,
  W_I32X4_NEG = 0xFDA1,
  W_I32X4_EXTEND_LOW_I16X8_U = 0xFDA9,
  W_I32X4_SHL = 0xFDAB,
  W_I32X4_SHR_S = 0xFDAC,
  W_I32X4_ADD = 0xFDAE,
  W_I32X4_SUB = 0xFDB1,
  W_I32X4_MUL = 0xFDB5,
  W_I32X4_MIN_S = 0xFDB6,
  W_I32X4_MAX_S = 0xFDB8,
  W_F32X4_ABS = 0xFDE0,
  W_F32X4_NEG = 0xFDE1,
  W_F32X4_SQRT = 0xFDE3,
  W_F32X4_ADD = 0xFDE4,
  W_F32X4_SUB = 0xFDE5,
  W_F32X4_MUL = 0xFDE6,
  W_F32X4_DIV = 0xFDE7,
  W_F32X4_PMIN = 0xFDEA,
  W_F32X4_PMAX = 0xFDEB,
  W_I32X4_TRUNC_SAT_F32X4_S = 0xFDF8,
  W_F32X4_CONVERT_I32X4_S = 0xFDFA
} WasmOp;

/* Where everything lies in the module's memory. */
typedef struct WasmLayout {
  uint32_t *address; /* by buffer: constants and scratch: their byte; state: bytes from its start */
  uint32_t weights, weights_end, scratch, state_bytes, end;
} WasmLayout;

/* A local that is in use within the statement list that defines it. */
typedef struct WasmLocal {
  WasmType type;
  uint32_t number;
} WasmLocal;

typedef struct WasmLocals {
  WasmLocal *local;
  int n;
  size_t cap;
} WasmLocals;

typedef struct WasmWriter {
  const KirModule *m;
  Arena *arena;
  const WasmLayout *layout;
  const char *error; /* why it cannot be printed */
  Text *code;        /* the body of the function being written */
  const KirFunc *f;
  uint32_t *local; /* by register: its local */
  /* by register: it has a known value, in this turn of a loop that is written out */
  bool *is_known;
  int64_t *known;
  uint32_t *param;         /* by buffer: the local of a port */
  uint32_t state, weights; /* the locals of those pointers */
  Text types;              /* of the locals after the parameters, a byte each */
  uint32_t n_params;
  WasmLocals active, idle; /* in use; free for others of their type */
} WasmWriter;

/* ---- wasm_bytes.c: the binary format ---- */
void wasm_u(Text *out, uint64_t n); /* LEB128 */
void wasm_s(Text *out, int64_t n);
void wasm_name(Text *out, const char *name);
/* A vector of bytes after its length; a section is one after its number. */
void wasm_sized(Text *out, const Text *content);
void wasm_section(Text *out, int id, const Text *content);
void wasm_op(WasmWriter *w, WasmOp op);
void wasm_op_u(WasmWriter *w, WasmOp op, uint32_t immediate);
void wasm_get(WasmWriter *w, uint32_t local);
void wasm_set(WasmWriter *w, uint32_t local);
void wasm_i32(WasmWriter *w, int64_t value);
void wasm_f32(WasmWriter *w, float value);
/* A load or store: no promise of alignment beyond one byte, and a constant part of the address. */
void wasm_memory(WasmWriter *w, WasmOp op, uint32_t offset);

/* ---- wasm_layout.c ---- */
WasmLayout wasm_layout(const KirModule *m);
uint32_t wasm_elem_size(KirElem elem); /* size_t has 4 bytes here */

/* ---- wasm_address.c ---- */
/* Pushes the part of an address that is not constant; returns the rest, for wasm_memory. */
uint32_t wasm_address(WasmWriter *w, const KirBuffer *b, const KirIndex *at);
/* Pushes the whole address. */
void wasm_pointer(WasmWriter *w, const KirBuffer *b, const KirIndex *at);

/* ---- wasm_expr.c ---- */
WasmType wasm_type(KirType type);
uint32_t wasm_local(WasmWriter *w,
                    WasmType type); /* a local, in use until its list ends or wasm_release */
void wasm_release(WasmWriter *w, int n_active);
void wasm_expr(WasmWriter *w, const KirExpr *e);
/* The load of one element, widened to a register, of an address that was pushed. */
void wasm_load_element(WasmWriter *w, KirElem elem, uint32_t offset);
void wasm_fixed_point(WasmWriter *w, const KirExpr *e); /* wasm_fixed.c */

/* ---- wasm_stmt.c ---- */
void wasm_function(WasmWriter *w, const KirFunc *f, Text *body);
void wasm_signature(const KirFunc *f, Text *type);

#endif
