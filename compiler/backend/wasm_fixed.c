/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fixed point as instructions: products of 64 bits where 32 do not hold them, bounds by select. */
#include "backend/wasm_internal.h"

static void i64_const(WasmWriter *w, int64_t value) {
  wasm_op(w, W_I64_CONST);
  wasm_s(w->code, value);
}

/* floor(a m / 2^16) of two numbers that were pushed */
static void mulw(WasmWriter *w) {
  int n = w->active.n;
  uint32_t m = wasm_local(w, WASM_I32);
  wasm_set(w, m);
  wasm_op(w, W_I64_EXTEND_I32_S);
  wasm_get(w, m);
  wasm_op(w, W_I64_EXTEND_I32_S);
  wasm_op(w, W_I64_MUL);
  i64_const(w, 16);
  wasm_op(w, W_I64_SHR_S);
  wasm_op(w, W_I32_WRAP_I64);
  wasm_release(w, n);
}

/* What was pushed, within lo..hi. */
static void clamp(WasmWriter *w, int64_t lo, int64_t hi) {
  int n = w->active.n;
  uint32_t x = wasm_local(w, WASM_I32);
  for (int side = 0; side < 2; side++) {
    wasm_set(w, x);
    wasm_i32(w, side ? hi : lo);
    wasm_get(w, x);
    wasm_get(w, x);
    wasm_i32(w, side ? hi : lo);
    wasm_op(w, side ? W_I32_GT_S : W_I32_LT_S);
    wasm_op(w, W_SELECT);
  }
  wasm_release(w, n);
}

static void adds(WasmWriter *w, const KirExpr *e) {
  int n = w->active.n;
  for (int i = 0; i < 2; i++) {
    wasm_expr(w, e->arg[i]);
    wasm_op(w, W_I64_EXTEND_I32_S);
  }
  wasm_op(w, W_I64_ADD);
  uint32_t x = wasm_local(w, WASM_I64);
  for (int side = 0; side < 2; side++) {
    int64_t bound = side ? INT32_MAX : INT32_MIN;
    wasm_set(w, x);
    i64_const(w, bound);
    wasm_get(w, x);
    wasm_get(w, x);
    i64_const(w, bound);
    wasm_op(w, side ? W_I64_GT_S : W_I64_LT_S);
    wasm_op(w, W_SELECT);
  }
  wasm_op(w, W_I32_WRAP_I64);
  wasm_release(w, n);
}

/* s + 2 mulw(by, u), s - 2 mulw(by, u): s in a local, by and u pushed. */
static void towards(WasmWriter *w, uint32_t s, WasmOp op) {
  int n = w->active.n;
  mulw(w);
  wasm_i32(w, 1);
  wasm_op(w, W_I32_SHL);
  uint32_t step = wasm_local(w, WASM_I32);
  wasm_set(w, step);
  wasm_get(w, s);
  wasm_get(w, step);
  wasm_op(w, op);
  wasm_release(w, n);
}

/* MIX: s + 2 mulw(to - s, u). FADE: s - 2 mulw(s, u). */
static void next_state(WasmWriter *w, const KirExpr *e) {
  bool mixes = e->op == KIR_MIX;
  int n = w->active.n;
  wasm_expr(w, e->arg[0]);
  uint32_t s = wasm_local(w, WASM_I32);
  wasm_op_u(w, mixes ? W_LOCAL_SET : W_LOCAL_TEE, s);
  if (mixes) {
    wasm_expr(w, e->arg[1]);
    wasm_get(w, s);
    wasm_op(w, W_I32_SUB);
  }
  wasm_expr(w, e->arg[mixes ? 2 : 1]);
  towards(w, s, mixes ? W_I32_ADD : W_I32_SUB);
  wasm_release(w, n);
}

/* Within the bounds first, a NaN being the lower one; then to nearest, ties to even. */
static void rounded(WasmWriter *w, const KirExpr *e) {
  int n = w->active.n;
  wasm_expr(w, e->arg[0]);
  uint32_t x = wasm_local(w, WASM_F32);
  for (int side = 0; side < 2; side++) {
    float bound = side ? (float)e->hi : (float)e->lo;
    wasm_op_u(w, W_LOCAL_TEE, x);
    wasm_f32(w, bound);
    wasm_get(w, x);
    wasm_f32(w, bound);
    wasm_op(w, side ? W_F32_LT : W_F32_GT);
    wasm_op(w, W_SELECT);
  }
  wasm_op(w, W_F32_NEAREST);
  wasm_op(w, W_I32_TRUNC_SAT_F32_S);
  wasm_release(w, n);
}

static void lookup(WasmWriter *w, const KirExpr *e) {
  KirIndex start = {0};
  wasm_expr(w, e->arg[0]);
  wasm_i32(w, wasm_elem_size(e->buffer->elem));
  wasm_op(w, W_I32_MUL);
  wasm_pointer(w, e->buffer, &start);
  wasm_op(w, W_I32_ADD);
  wasm_load_element(w, e->buffer->elem, 0);
}

void wasm_fixed_point(WasmWriter *w, const KirExpr *e) {
  if (e->op == KIR_MULW || e->op == KIR_CLAMP)
    for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++)
      wasm_expr(w, e->arg[i]);
  if (e->op == KIR_MULW)
    mulw(w);
  else if (e->op == KIR_CLAMP)
    clamp(w, e->lo, e->hi);
  else if (e->op == KIR_ADDS)
    adds(w, e);
  else if (e->op == KIR_MIX || e->op == KIR_FADE)
    next_state(w, e);
  else if (e->op == KIR_LOOKUP)
    lookup(w, e);
  else
    rounded(w, e); /* KIR_ROUND */
}
