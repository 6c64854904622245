/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops over integers by the vectors of MVE, as LLVM values. In: a loop that goes by fours
 * (kir/fours.h). Out: a loop over four of its turns at a time. LLVM does not find these forms
 * itself: the upper halves of products, shifts that saturate, and records of tables. Every
 * operation gives the bits of the scalar one. */
#include "backend/llvm_internal.h"
#include "backend/mve_dots.h"
#include "kir/fours.h"

#include <string.h>

enum { LANES = 4, WORD_BITS = 32, HALF = 16, IS_SIGNED = 0 };

static LLVMValueRef lanes(LlvmWriter *w, const KirExpr *e);

static LLVMTypeRef vector_of(LLVMTypeRef type) {
  return LLVMVectorType(type, LANES);
}

static LLVMValueRef number(LlvmWriter *w, int64_t i) {
  return LLVMConstInt(w->i32, (unsigned long long)i, true);
}

static LLVMValueRef f32_lanes(LlvmWriter *w, double x) {
  LLVMValueRef one = LLVMConstReal(LLVMFloatTypeInContext(w->context), x);
  LLVMValueRef lane[LANES] = {one, one, one, one};
  return LLVMConstVector(lane, LANES);
}

static LLVMValueRef shift_up(LlvmWriter *w, LLVMValueRef v, int n) {
  return LLVMBuildShl(w->builder, v, llvm_i32(w, n, LANES), "");
}

static LLVMValueRef shift_down(LlvmWriter *w, LLVMValueRef v, int n) {
  return LLVMBuildAShr(w->builder, v, llvm_i32(w, n, LANES), "");
}

/* floor(a m / 2^16) as the upper half of a product with m 2^16. */
static LLVMValueRef upper_half(LlvmWriter *w, LLVMValueRef a, LLVMValueRef m) {
  LLVMValueRef args[3] = {a, shift_up(w, m, HALF), number(w, IS_SIGNED)};
  return llvm_intrinsic(w, "llvm.arm.mve.vmulh", LLVMTypeOf(a), args, 3);
}

/* To n bits with a sign: a shift up that saturates, and back. */
static LLVMValueRef clamp(LlvmWriter *w, const KirExpr *e) {
  int bits = kir_clamp_bits(e);
  const KirExpr *a = e->arg[0];
  int shift = bits && a->op == KIR_SHR && kir_is_number(a->arg[1]) ? (int)a->arg[1]->i : 0;
  if (bits && bits + shift < WORD_BITS) {
    LLVMValueRef args[3] = {lanes(w, shift ? a->arg[0] : a), number(w, WORD_BITS - bits - shift),
                            number(w, IS_SIGNED)};
    LLVMValueRef up = llvm_intrinsic(w, "llvm.arm.mve.vqshl.imm", LLVMTypeOf(args[0]), args, 3);
    return shift_down(w, up, WORD_BITS - bits);
  }
  LLVMValueRef least[2] = {lanes(w, a), llvm_i32(w, e->lo, LANES)};
  LLVMTypeRef type = LLVMTypeOf(least[0]);
  LLVMValueRef most[2] = {llvm_intrinsic(w, "llvm.smax", type, least, 2),
                          llvm_i32(w, e->hi, LANES)};
  return llvm_intrinsic(w, "llvm.smin", type, most, 2);
}

static LLVMValueRef toward(LlvmWriter *w, const KirExpr *e) {
  LLVMValueRef from = lanes(w, e->arg[0]);
  if (e->op == KIR_FADE)
    return LLVMBuildSub(w->builder, from, shift_up(w, upper_half(w, from, lanes(w, e->arg[1])), 1),
                        "");
  LLVMValueRef way = LLVMBuildSub(w->builder, lanes(w, e->arg[1]), from, "");
  return LLVMBuildAdd(w->builder, from, shift_up(w, upper_half(w, way, lanes(w, e->arg[2])), 1),
                      "");
}

/* One column of four records of four words. */
static LLVMValueRef column(LlvmWriter *w, const KirExpr *e) {
  enum { RECORD_SHIFT = 4 };
  const KirExpr *at = e->arg[0];
  LLVMValueRef first = number(w, at->arg[1]->i), table = llvm_buffer(w, e->buffer);
  LLVMValueRef offsets = shift_up(w, lanes(w, at->arg[0]->arg[0]), RECORD_SHIFT);
  LLVMValueRef args[5] = {LLVMBuildInBoundsGEP2(w->builder, w->i32, table, &first, 1, ""), offsets,
                          number(w, WORD_BITS), number(w, 0), number(w, 0)};
  LLVMTypeRef types[3] = {vector_of(w->i32), LLVMTypeOf(args[0]), LLVMTypeOf(offsets)};
  return llvm_intrinsic_of(w, "llvm.arm.mve.vldr.gather.offset", types, 3, args, 5);
}

/* Four elements as they lie. */
static LLVMValueRef elements(LlvmWriter *w, const KirBuffer *b, const KirIndex *at) {
  LLVMTypeRef type = vector_of(llvm_memory_type(w, b->elem));
  LLVMValueRef v = LLVMBuildLoad2(w->builder, type, llvm_address(w, b, at), "");
  LLVMSetAlignment(v, llvm_memory_size(w, b->elem));
  return v;
}

static LLVMValueRef load(LlvmWriter *w, const KirExpr *e) {
  LLVMValueRef v = elements(w, e->buffer, &e->at);
  if (e->buffer->elem == KIR_I32) return v;
  LLVMTypeRef wide = vector_of(w->i32);
  return e->buffer->elem == KIR_U8 ? LLVMBuildZExt(w->builder, v, wide, "")
                                   : LLVMBuildSExt(w->builder, v, wide, "");
}

/* To nearest, ties to even; the greater of a NaN and a number is the number. */
static LLVMValueRef rounded(LlvmWriter *w, const KirExpr *e) {
  const KirExpr *x = e->arg[0];
  LLVMValueRef v = elements(w, x->arg[0]->buffer, &x->arg[0]->at);
  LLVMTypeRef type = LLVMTypeOf(v), types[2] = {vector_of(w->i32), type};
  v = LLVMBuildFMul(w->builder, v, f32_lanes(w, (double)x->arg[1]->f), "");
  LLVMValueRef least[2] = {v, f32_lanes(w, (double)e->lo)};
  LLVMValueRef most[2] = {llvm_intrinsic(w, "llvm.maxnum", type, least, 2),
                          f32_lanes(w, (double)e->hi)};
  LLVMValueRef args[2] = {number(w, IS_SIGNED), llvm_intrinsic(w, "llvm.minnum", type, most, 2)};
  return llvm_intrinsic_of(w, "llvm.arm.mve.vcvtn", types, 2, args, 2);
}

/* The body of a helper in place of its call. */
static LLVMValueRef call(LlvmWriter *w, const KirFunc *f, LLVMValueRef arg) {
  LLVMValueRef *caller = w->reg, result = NULL;
  w->reg = ARENA_ARRAY(w->arena, LLVMValueRef, f->n_regs + 1);
  w->reg[f->args[0]->id] = arg;
  for (const KirStmt *s = f->body; s; s = s->next) {
    LLVMValueRef v = lanes(w, s->value);
    if (s->kind == KIR_LET)
      w->reg[s->reg->id] = v;
    else
      result = v;
  }
  w->reg = caller;
  return result;
}

static LLVMValueRef lanes(LlvmWriter *w, const KirExpr *e) {
  LLVMBuilderRef b = w->builder;
  LLVMValueRef sum[2];
  switch (e->op) {
  case KIR_NUM: return llvm_i32(w, e->i, LANES);
  case KIR_REG: return w->reg[e->reg->id];
  case KIR_LOAD: return load(w, e);
  case KIR_ADD: return LLVMBuildAdd(b, lanes(w, e->arg[0]), lanes(w, e->arg[1]), "");
  case KIR_SUB: return LLVMBuildSub(b, lanes(w, e->arg[0]), lanes(w, e->arg[1]), "");
  case KIR_MUL: return LLVMBuildMul(b, lanes(w, e->arg[0]), lanes(w, e->arg[1]), "");
  case KIR_AND: return LLVMBuildAnd(b, lanes(w, e->arg[0]), lanes(w, e->arg[1]), "");
  case KIR_XOR: return LLVMBuildXor(b, lanes(w, e->arg[0]), lanes(w, e->arg[1]), "");
  case KIR_SHL: return shift_up(w, lanes(w, e->arg[0]), (int)e->arg[1]->i);
  case KIR_SHR: return shift_down(w, lanes(w, e->arg[0]), (int)e->arg[1]->i);
  case KIR_ADDS:
    sum[0] = lanes(w, e->arg[0]);
    sum[1] = lanes(w, e->arg[1]);
    return llvm_intrinsic(w, "llvm.sadd.sat", LLVMTypeOf(sum[0]), sum, 2);
  case KIR_MULW: return upper_half(w, lanes(w, e->arg[0]), lanes(w, e->arg[1]));
  case KIR_CLAMP: return clamp(w, e);
  case KIR_MIX:
  case KIR_FADE: return toward(w, e);
  case KIR_LOOKUP: return column(w, e);
  case KIR_ROUND: return rounded(w, e);
  case KIR_CALL:
    return call(w, e->helper, lanes(w, e->arg[0]));
  KIR_NO_FOURS_CASES:
    break;
  }
  return NULL;
}

static void store(LlvmWriter *w, const KirStmt *s) {
  KirElem elem = s->buffer->elem;
  LLVMTypeRef type = vector_of(llvm_memory_type(w, elem));
  LLVMValueRef v;
  if (elem == KIR_F32) {
    v = LLVMBuildSIToFP(w->builder, lanes(w, s->value->arg[0]->arg[0]), type, "");
    v = LLVMBuildFMul(w->builder, v, f32_lanes(w, (double)s->value->arg[1]->f), "");
  } else
    v = LLVMBuildIntCast2(w->builder, lanes(w, s->value), type, true, "");
  LLVMValueRef at = LLVMBuildStore(w->builder, v, llvm_address(w, s->buffer, &s->at));
  LLVMSetAlignment(at, llvm_memory_size(w, elem));
}

bool llvm_mve_has(const LlvmWriter *w, const KirStmt *loop) {
  return w->machine->has_mve && kir_loop_goes_by_fours(loop, w->f->n_regs, w->arena);
}

void llvm_mve_body(LlvmWriter *w, const KirStmt *list) {
  for (const KirStmt *s = list; s; s = s->next)
    if (s->kind == KIR_LET)
      w->reg[s->reg->id] = lanes(w, s->value);
    else
      store(w, s);
}

/* ---- sums of products ---- */

enum { MOST_ROWS = 4 };

bool llvm_mve_takes(const LlvmWriter *w, const KirStmt *s) {
  enum { LEAST_STEP = 8 };
  return w->machine->has_mve && s->step >= LEAST_STEP && s->n_regs <= MOST_ROWS;
}

/* Operands are numbered: the sums, then the pointers w and z. */
static void dot_step(Text *code, const KirStmt *s) {
  KirElem of_w = s->buffer->elem, of_z = s->source->elem;
  bool bytes = mve_is_of_bytes(s);
  text_printf(code, "%s q0, [$%d], #%d\n\t", mve_load(of_z, bytes), s->n_regs + 1,
              mve_load_bytes(of_z, bytes));
  for (int r = 0; r < s->n_regs; r++)
    text_printf(code, "%s q%d, [$%d], #%d\n\t", mve_load(of_w, bytes), 1 + r, s->n_regs,
                mve_load_bytes(of_w, bytes));
  for (int r = 0; r < s->n_regs; r++)
    text_printf(code, "%s $%d, q%d, q0\n\t", mve_product(bytes), r, 1 + r);
}

static void dot_code(Text *code, const KirStmt *s, bool loops) {
  if (loops) text_printf(code, "dls lr, $%d\n1:\n\t", s->n_regs + 2);
  for (int i = 0; i < mve_turn(s); i++)
    dot_step(code, s);
  if (loops) text_add(code, "le lr, 1b");
}

/* Sums in even registers; each operand that changes begins as an argument. */
static void dot_constraints(Text *to, const KirStmt *s, bool loops) {
  bool bytes = mve_is_of_bytes(s);
  for (int r = 0; r < s->n_regs; r++)
    text_add(to, "=^Te,");
  text_printf(to, "=%s,=%s", mve_pointer(s->buffer->elem, bytes),
              mve_pointer(s->source->elem, bytes));
  if (loops) text_add(to, ",r");
  for (int i = 0; i < s->n_regs + 2; i++)
    text_printf(to, ",%d", i);
  text_printf(to, ",~{memory}%s", loops ? ",~{lr}" : "");
  for (int q = 0; q <= s->n_regs; q++)
    text_printf(to, ",~{q%d}", q);
}

void llvm_mve_dot(LlvmWriter *w, const KirStmt *s) {
  enum { OTHERS = 3 }; /* w, z, turns */
  LLVMTypeRef part[MOST_ROWS + OTHERS], taken[MOST_ROWS + OTHERS];
  LLVMValueRef args[MOST_ROWS + OTHERS];
  int64_t turn = mve_turn(s) * s->step;
  bool loops = s->count > turn;
  unsigned n = 0, n_parts = 0;
  if (loops) args[n++] = number(w, s->count / turn);
  for (int r = 0; r < s->n_regs; r++)
    args[n++] = llvm_bias(w, s, r);
  args[n++] = llvm_address(w, s->buffer, &s->at);
  args[n++] = llvm_address(w, s->source, &s->from);
  for (unsigned i = 0; i < n; i++)
    taken[i] = LLVMTypeOf(args[i]);
  for (unsigned i = loops; i < n; i++)
    part[n_parts++] = taken[i];
  LLVMTypeRef type =
      LLVMFunctionType(LLVMStructTypeInContext(w->context, part, n_parts, false), taken, n, false);
  Text code = text_new(w->arena), constraints = text_new(w->arena);
  dot_code(&code, s, loops);
  dot_constraints(&constraints, s, loops);
  LLVMValueRef assembly =
      LLVMGetInlineAsm(type, text_str(&code), code.len, text_str(&constraints), constraints.len,
                       true, false, LLVMInlineAsmDialectATT, false);
  LLVMValueRef call = LLVMBuildCall2(w->builder, type, assembly, args, n, "");
  for (int r = 0; r < s->n_regs; r++)
    w->reg[s->regs[r]->id] = LLVMBuildExtractValue(w->builder, call, (unsigned)r, s->regs[r]->name);
}
