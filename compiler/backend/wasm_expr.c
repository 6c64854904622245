/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expressions of KIR as instructions that leave one value on the stack. Every operation of f32 is
 * one instruction that rounds once, so the bits are those of the C. Two lanes are the lower ones of
 * four; nobody reads what the others hold. */
#include "backend/wasm_internal.h"
#include "kir/cases.h"

/* ---- types and locals ---- */

WasmType wasm_type(KirType type) {
  if (type.lanes > 1) return WASM_V128;
  return type.elem == KIR_F32 ? WASM_F32 : WASM_I32;
}

uint32_t wasm_local(WasmWriter *w, WasmType type) {
  WasmLocal found = {type, w->n_params + (uint32_t)w->types.len};
  int at = w->idle.n - 1;
  while (at >= 0 && w->idle.local[at].type != type)
    at--;
  if (at >= 0) {
    found = w->idle.local[at];
    w->idle.local[at] = w->idle.local[--w->idle.n];
  } else
    text_add_char(&w->types, (char)(unsigned char)type);
  ARENA_PUSH(w->arena, w->active.local, w->active.n, w->active.cap, found);
  return found.number;
}

void wasm_release(WasmWriter *w, int n_active) {
  while (w->active.n > n_active) {
    WasmLocal last = w->active.local[--w->active.n];
    ARENA_PUSH(w->arena, w->idle.local, w->idle.n, w->idle.cap, last);
  }
}

/* ---- loads ---- */

/* IEEE binary16 in the low bits of a number, or of each lane, as f32: the exponent is moved into
 * place and corrected by a product with 2^112, which is exact. */
static void from_f16(WasmWriter *w, int lanes) {
  enum { MAGNITUDE = 0x7FFF, EXPONENT = 0x7C00, SIGN = 0x8000 };
  bool wide = lanes > 1;
  int n = w->active.n;
  uint32_t bits = wasm_local(w, wide ? WASM_V128 : WASM_I32);
  WasmOp and_op = wide ? W_V128_AND : W_I32_AND, or_op = wide ? W_V128_OR : W_I32_OR,
         shl = wide ? W_I32X4_SHL : W_I32_SHL;
  wasm_set(w, bits);
  struct {
    int64_t mask, shift;
  } part[2] = {{MAGNITUDE, 13}, {SIGN, 16}};
  for (int i = 0; i < 2; i++) {
    wasm_get(w, bits);
    wasm_i32(w, part[i].mask);
    if (wide) wasm_op(w, W_I32X4_SPLAT);
    wasm_op(w, and_op);
    wasm_i32(w, part[i].shift);
    wasm_op(w, shl);
    if (i) break;
    if (!wide) wasm_op(w, W_F32_REINTERPRET_I32);
    wasm_f32(w, 0x1p112f);
    if (wide) wasm_op(w, W_F32X4_SPLAT);
    wasm_op(w, wide ? W_F32X4_MUL : W_F32_MUL);
    if (!wide) wasm_op(w, W_I32_REINTERPRET_F32);
  }
  wasm_op(w, or_op);
  wasm_get(w, bits); /* infinities and NaN keep the greatest exponent */
  wasm_i32(w, EXPONENT);
  if (wide) wasm_op(w, W_I32X4_SPLAT);
  wasm_op(w, and_op);
  wasm_i32(w, EXPONENT);
  if (wide) wasm_op(w, W_I32X4_SPLAT);
  wasm_op(w, wide ? W_I32X4_EQ : W_I32_EQ);
  wasm_i32(w, 0x7F800000);
  wasm_op(w, wide ? W_I32X4_SPLAT : W_I32_MUL);
  if (wide) wasm_op(w, and_op);
  wasm_op(w, or_op);
  if (!wide) wasm_op(w, W_F32_REINTERPRET_I32);
  wasm_release(w, n);
}

static void from_bf16(WasmWriter *w, int lanes) {
  wasm_i32(w, 16);
  wasm_op(w, lanes > 1 ? W_I32X4_SHL : W_I32_SHL);
  if (lanes == 1) wasm_op(w, W_F32_REINTERPRET_I32);
}

static WasmOp load_op(KirElem elem) {
  switch (elem) {
  case KIR_F32: return W_F32_LOAD;
  case KIR_F16:
  case KIR_BF16:
  case KIR_U16: return W_I32_LOAD16_U;
  case KIR_I8: return W_I32_LOAD8_S;
  case KIR_U8: return W_I32_LOAD8_U;
  case KIR_I16: return W_I32_LOAD16_S;
  case KIR_I32:
  case KIR_SIZE:
  case KIR_INDEX:
  case KIR_BOOL: return W_I32_LOAD;
  }
  return W_I32_LOAD;
}

void wasm_load_element(WasmWriter *w, KirElem elem, uint32_t offset) {
  wasm_memory(w, load_op(elem), offset);
  if (elem == KIR_F16) from_f16(w, 1);
  if (elem == KIR_BF16) from_bf16(w, 1);
}

static void load(WasmWriter *w, const KirExpr *e) {
  KirElem elem = e->buffer->elem;
  bool half = e->type.lanes == WASM_HALF;
  if (kir_is_by_value(e->buffer)) {
    wasm_get(w, w->param[e->buffer->id]);
    if (elem == KIR_F16) from_f16(w, 1);
    return;
  }
  uint32_t offset = wasm_address(w, e->buffer, &e->at);
  if (e->type.lanes == 1) {
    wasm_load_element(w, elem, offset);
    return;
  }
  if (elem == KIR_F32 || elem == KIR_I32) {
    wasm_memory(w, half ? W_V128_LOAD64_ZERO : W_V128_LOAD, offset);
    return;
  }
  if (elem != KIR_F16 && elem != KIR_BF16) w->error = "vectors of small integers";
  wasm_memory(w, half ? W_V128_LOAD32_ZERO : W_V128_LOAD64_ZERO, offset);
  wasm_op(w, W_I32X4_EXTEND_LOW_I16X8_U);
  if (elem == KIR_F16)
    from_f16(w, e->type.lanes);
  else
    from_bf16(w, e->type.lanes);
}

/* One number in all lanes; from memory in one instruction. */
static void splat(WasmWriter *w, const KirExpr *e) {
  const KirExpr *of = e->arg[0];
  bool is_float = e->type.elem == KIR_F32;
  if (e->type.lanes > 1 && is_float && of->op == KIR_LOAD && of->buffer->elem == KIR_F32 &&
      !kir_is_by_value(of->buffer)) {
    wasm_memory(w, W_V128_LOAD32_SPLAT, wasm_address(w, of->buffer, &of->at));
    return;
  }
  wasm_expr(w, of);
  if (e->type.lanes > 1) wasm_op(w, is_float ? W_F32X4_SPLAT : W_I32X4_SPLAT);
}

/* ---- operations ---- */

typedef enum WasmForm {
  SCALAR_F32,
  SCALAR_I32,
  SCALAR_UNSIGNED,
  VECTOR_F32,
  VECTOR_I32,
  N_FORMS
} WasmForm;

static WasmForm form_of(KirType t) {
  if (t.lanes > 1) return t.elem == KIR_F32 ? VECTOR_F32 : VECTOR_I32;
  if (t.elem == KIR_F32) return SCALAR_F32;
  return t.elem == KIR_SIZE || t.elem == KIR_BOOL ? SCALAR_UNSIGNED : SCALAR_I32;
}

/* Operations that are one instruction on their operands, in every form; 0: they are more. */
static WasmOp plain_op(KirOp op, WasmForm form) {
  static const struct {
    KirOp op;
    uint16_t code[N_FORMS];
  } table[] = {{KIR_ADD, {W_F32_ADD, W_I32_ADD, W_I32_ADD, W_F32X4_ADD, W_I32X4_ADD}},
               {KIR_SUB, {W_F32_SUB, W_I32_SUB, W_I32_SUB, W_F32X4_SUB, W_I32X4_SUB}},
               {KIR_MUL, {W_F32_MUL, W_I32_MUL, W_I32_MUL, W_F32X4_MUL, W_I32X4_MUL}},
               {KIR_DIV, {W_F32_DIV, W_I32_DIV_S, 0, W_F32X4_DIV, 0}},
               {KIR_NEG, {W_F32_NEG, 0, 0, W_F32X4_NEG, W_I32X4_NEG}},
               {KIR_ABS, {W_F32_ABS, 0, 0, W_F32X4_ABS, W_I32X4_ABS}},
               {KIR_SQRT, {W_F32_SQRT, 0, 0, W_F32X4_SQRT, 0}},
               {KIR_AND, {0, W_I32_AND, W_I32_AND, 0, W_V128_AND}},
               {KIR_OR, {0, W_I32_OR, W_I32_OR, 0, W_V128_OR}},
               {KIR_XOR, {0, W_I32_XOR, W_I32_XOR, 0, W_V128_XOR}},
               {KIR_LT, {W_F32_LT, W_I32_LT_S, W_I32_LT_U, W_F32X4_LT, W_I32X4_LT_S}},
               {KIR_LE, {W_F32_LE, W_I32_LE_S, W_I32_LE_U, W_F32X4_LE, W_I32X4_LE_S}},
               {KIR_EQ, {W_F32_EQ, W_I32_EQ, W_I32_EQ, W_F32X4_EQ, W_I32X4_EQ}},
               {KIR_NE, {W_F32_NE, W_I32_NE, W_I32_NE, W_F32X4_NE, W_I32X4_NE}},
               {KIR_MIN, {0, 0, 0, 0, W_I32X4_MIN_S}},
               {KIR_MAX, {0, 0, 0, 0, W_I32X4_MAX_S}}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].op == op) return (WasmOp)table[i].code[form];
  return (WasmOp)0;
}

/* a < b ? a : b, a > b ? a : b. */
static void least(WasmWriter *w, const KirExpr *e) {
  bool is_min = e->op == KIR_MIN, is_float = e->type.elem == KIR_F32;
  if (e->type.lanes > 1) { /* pmin(x, y) is y < x ? y : x, pmax likewise */
    wasm_expr(w, e->arg[1]);
    wasm_expr(w, e->arg[0]);
    wasm_op(w, is_min ? W_F32X4_PMIN : W_F32X4_PMAX);
    return;
  }
  int n = w->active.n;
  wasm_expr(w, e->arg[0]);
  wasm_expr(w, e->arg[1]);
  uint32_t a = wasm_local(w, wasm_type(e->type)), b = wasm_local(w, wasm_type(e->type));
  wasm_set(w, b);
  wasm_op_u(w, W_LOCAL_TEE, a);
  wasm_get(w, b);
  wasm_get(w, a);
  wasm_get(w, b);
  wasm_op(w, is_min ? is_float ? W_F32_LT : W_I32_LT_S : is_float ? W_F32_GT : W_I32_GT_S);
  wasm_op(w, W_SELECT);
  wasm_release(w, n);
}

/* -x and |x| of one integer. */
static void integer_sign(WasmWriter *w, const KirExpr *e) {
  int n = w->active.n;
  wasm_expr(w, e->arg[0]);
  uint32_t x = wasm_local(w, WASM_I32);
  wasm_set(w, x);
  wasm_i32(w, 0);
  wasm_get(w, x);
  wasm_op(w, W_I32_SUB);
  if (e->op == KIR_ABS) {
    wasm_get(w, x);
    wasm_get(w, x);
    wasm_i32(w, 0);
    wasm_op(w, W_I32_LT_S);
    wasm_op(w, W_SELECT);
  }
  wasm_release(w, n);
}

static void number(WasmWriter *w, const KirExpr *e) {
  if (e->type.elem == KIR_F32)
    wasm_f32(w, e->f);
  else
    wasm_i32(w, e->i);
  if (e->type.lanes > 1) wasm_op(w, e->type.elem == KIR_F32 ? W_F32X4_SPLAT : W_I32X4_SPLAT);
}

static void convert(WasmWriter *w, const KirExpr *e) {
  KirElem from = e->arg[0]->type.elem, to = e->type.elem;
  bool wide = e->type.lanes > 1;
  wasm_expr(w, e->arg[0]);
  if (wide && (from == KIR_BOOL || to == KIR_BOOL))
    w->error = "numbers made of the lanes of a comparison";
  if (from == to) return;
  if (to == KIR_F32 && wide)
    wasm_op(w, W_F32X4_CONVERT_I32X4_S);
  else if (to == KIR_F32)
    wasm_op(w, from == KIR_SIZE || from == KIR_BOOL ? W_F32_CONVERT_I32_U : W_F32_CONVERT_I32_S);
  else if (from == KIR_F32)
    wasm_op(w, wide ? W_I32X4_TRUNC_SAT_F32X4_S : W_I32_TRUNC_SAT_F32_S);
}

/* (v0 + v2) + (v1 + v3); of two lanes v0 + v1 */
static void sum(WasmWriter *w, const KirExpr *e) {
  enum { BYTES = 16 };
  int n = w->active.n;
  bool is_float = e->type.elem == KIR_F32;
  WasmOp lane = is_float ? W_F32X4_EXTRACT_LANE : W_I32X4_EXTRACT_LANE;
  wasm_expr(w, e->arg[0]);
  uint32_t v = wasm_local(w, WASM_V128);
  if (e->arg[0]->type.lanes > WASM_HALF) {
    wasm_op_u(w, W_LOCAL_TEE, v);
    wasm_get(w, v);
    wasm_get(w, v);
    wasm_op(w, W_I8X16_SHUFFLE);
    for (int i = 0; i < BYTES; i++)
      text_add_char(w->code, (char)((i + BYTES / 2) % BYTES));
    wasm_op(w, is_float ? W_F32X4_ADD : W_I32X4_ADD);
  }
  wasm_op_u(w, W_LOCAL_TEE, v);
  wasm_op(w, lane);
  text_add_char(w->code, 0);
  wasm_get(w, v);
  wasm_op(w, lane);
  text_add_char(w->code, 1);
  wasm_op(w, is_float ? W_F32_ADD : W_I32_ADD);
  wasm_release(w, n);
}

static void reg(WasmWriter *w, const KirReg *r) {
  if (w->is_known[r->id])
    wasm_i32(w, w->known[r->id]);
  else
    wasm_get(w, w->local[r->id]);
}

static void select(WasmWriter *w, const KirExpr *e) {
  wasm_expr(w, e->arg[1]);
  wasm_expr(w, e->arg[2]);
  wasm_expr(w, e->arg[0]);
  wasm_op(w, e->type.lanes > 1 ? W_V128_BITSELECT : W_SELECT);
}

static void operands(WasmWriter *w, const KirExpr *e) {
  for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++)
    wasm_expr(w, e->arg[i]);
}

static void shift(WasmWriter *w, const KirExpr *e) {
  bool wide = e->type.lanes > 1, left = e->op == KIR_SHL;
  wasm_expr(w, e->arg[0]);
  wasm_i32(w, e->arg[1]->i); /* a constant, the same in every lane */
  wasm_op(w, wide ? left ? W_I32X4_SHL : W_I32X4_SHR_S : left ? W_I32_SHL : W_I32_SHR_S);
}

static void multiply_add(WasmWriter *w, const KirExpr *e) {
  bool wide = e->type.lanes > 1;
  wasm_expr(w, e->arg[0]);
  wasm_expr(w, e->arg[1]);
  wasm_op(w, wide ? W_F32X4_MUL : W_F32_MUL);
  wasm_expr(w, e->arg[2]);
  wasm_op(w, wide ? W_F32X4_ADD : W_F32_ADD);
}

void wasm_expr(WasmWriter *w, const KirExpr *e) {
  bool compares = e->op == KIR_LT || e->op == KIR_LE || e->op == KIR_EQ || e->op == KIR_NE;
  WasmForm form = form_of(compares ? e->arg[0]->type : e->type);
  WasmOp op = plain_op(e->op, form);
  if (e->type.lanes > WASM_LANES) w->error = "vectors of more than 4 lanes";
  if (op) {
    operands(w, e);
    wasm_op(w, op);
    return;
  }
  switch (e->op) {
  case KIR_NUM: number(w, e); return;
  case KIR_REG: reg(w, e->reg); return;
  case KIR_LOAD: load(w, e); return;
  case KIR_MIN:
  case KIR_MAX: least(w, e); return;
  case KIR_NEG:
  case KIR_ABS: integer_sign(w, e); return;
  case KIR_MAD: multiply_add(w, e); return;
  case KIR_FMA: w->error = "multiply-adds that round once"; return;
  case KIR_PAIRS: w->error = "products of pairs of bf16"; return;
  case KIR_QUADS:
  case KIR_SIGNED_QUADS: w->error = "products of four bytes"; return;
  case KIR_SHL:
  case KIR_SHR: shift(w, e); return;
  case KIR_SELECT: select(w, e); return;
  case KIR_CONVERT: convert(w, e); return;
  case KIR_BITCAST:
    operands(w, e);
    if (e->type.lanes == 1 && e->type.elem != e->arg[0]->type.elem)
      wasm_op(w, e->type.elem == KIR_F32 ? W_F32_REINTERPRET_I32 : W_I32_REINTERPRET_F32);
    return;
  case KIR_SPLAT: splat(w, e); return;
  case KIR_SUM: sum(w, e); return;
  case KIR_LANE:
    operands(w, e);
    wasm_op(w, e->type.elem == KIR_F32 ? W_F32X4_EXTRACT_LANE : W_I32X4_EXTRACT_LANE);
    text_add_char(w->code, (char)e->i);
    return;
  case KIR_CALL:
    operands(w, e);
    wasm_op_u(w, W_CALL, (uint32_t)e->helper->id);
    return;
  KIR_FIXED_CASES:
    if (e->type.lanes > 1) w->error = "vectors of fixed point";
    wasm_fixed_point(w, e);
    return;
  case KIR_ADD:
  case KIR_SUB:
  case KIR_MUL:
  case KIR_DIV:
  case KIR_SQRT:
  case KIR_AND:
  case KIR_OR:
  case KIR_XOR:
  case KIR_LT:
  case KIR_LE:
  case KIR_EQ:
  case KIR_NE: w->error = "an operation on numbers of another kind"; return;
  }
}
