/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expressions of KIR as LLVM values. No fast-math flag is set: an operation rounds once, though a
 * signalling NaN may count as quiet. Indices carry nsw, for KIR promises that none overflows. */
#include "backend/llvm_internal.h"
#include "kir/cases.h"

#include <llvm-c/Target.h>
#include <string.h>

/* ---- types ---- */

LLVMTypeRef llvm_memory_type(LlvmWriter *w, KirElem elem) {
  switch (elem) {
  case KIR_F32: return w->f32;
  case KIR_F16:
  case KIR_BF16:
  case KIR_I16:
  case KIR_U16: return w->i16;
  case KIR_I8:
  case KIR_U8: return w->i8;
  case KIR_I32: return w->i32;
  case KIR_SIZE: return w->size;
  case KIR_INDEX: return w->index;
  case KIR_BOOL: return w->i1;
  }
  return w->i32;
}

LLVMTypeRef llvm_type(LlvmWriter *w, KirType t) {
  LLVMTypeRef scalar = llvm_memory_type(w, t.elem);
  return t.lanes > 1 ? LLVMVectorType(scalar, (unsigned)t.lanes) : scalar;
}

unsigned llvm_memory_size(LlvmWriter *w, KirElem elem) {
  return elem == KIR_SIZE ? LLVMPointerSize(w->layout) : (unsigned)kir_elem_size(elem);
}

/* ---- memory ---- */

static LLVMValueRef index_const(LlvmWriter *w, int64_t i) {
  return LLVMConstInt(w->index, (unsigned long long)i, true);
}

static LLVMValueRef bytes_behind(LlvmWriter *w, LLVMValueRef base, int64_t bytes) {
  LLVMValueRef at = index_const(w, bytes);
  return bytes ? LLVMBuildInBoundsGEP2(w->builder, w->i8, base, &at, 1, "") : base;
}

LLVMValueRef llvm_buffer(LlvmWriter *w, const KirBuffer *b) {
  switch (b->space) {
  case KIR_IN:
  case KIR_OUT: return w->port[b->id];
  case KIR_SCRATCH: return bytes_behind(w, w->scratch, b->scratch_offset);
  case KIR_STATE:
    return LLVMBuildStructGEP2(w->builder, w->state_type, w->state, (unsigned)w->field[b->id],
                               b->name);
  case KIR_CONST:
    return kir_is_outside(w->m, b) ? bytes_behind(w, w->weights, b->weight_offset)
                                   : w->global[b->id];
  }
  return NULL;
}

static LLVMValueRef reg_value(LlvmWriter *w, const KirReg *r) {
  return r->is_mutable ? LLVMBuildLoad2(w->builder, llvm_type(w, r->type), w->reg[r->id], r->name)
                       : w->reg[r->id];
}

LLVMValueRef llvm_address(LlvmWriter *w, const KirBuffer *b, const KirIndex *at) {
  LLVMValueRef sum = NULL;
  for (int i = 0; i < at->n_terms; i++) {
    if (at->term[i].stride == 0) continue;
    LLVMValueRef term = reg_value(w, at->term[i].var);
    if (at->term[i].stride != 1)
      term = LLVMBuildNSWMul(w->builder, term, index_const(w, at->term[i].stride), "");
    sum = sum ? LLVMBuildNSWAdd(w->builder, sum, term, "") : term;
  }
  LLVMValueRef offset = index_const(w, at->offset);
  sum = !sum ? offset : at->offset ? LLVMBuildNSWAdd(w->builder, sum, offset, "") : sum;
  return LLVMBuildInBoundsGEP2(w->builder, llvm_memory_type(w, b->elem), llvm_buffer(w, b), &sum, 1,
                               "");
}

unsigned llvm_alignment(LlvmWriter *w, const KirBuffer *b, const KirIndex *at) {
  unsigned size = llvm_memory_size(w, b->elem);
  bool placed = (b->space == KIR_CONST && !kir_is_outside(w->m, b)) ||
                (b->space == KIR_SCRATCH && w->o->scratch != C_SCRATCH_CALLER);
  if (!placed) return LLVMABIAlignmentOfType(w->layout, llvm_memory_type(w, b->elem));
  int64_t multiples = (b->align ? b->align : (int64_t)size) | at->offset * (int64_t)size;
  for (int i = 0; i < at->n_terms; i++)
    multiples |= at->term[i].stride * (int64_t)size;
  return (unsigned)(multiples & -multiples); /* the lowest bit set in any of them */
}

LLVMValueRef llvm_element(LlvmWriter *w, const KirBuffer *b, const KirIndex *at) {
  if (kir_is_by_value(b)) return w->port[b->id];
  LLVMValueRef v =
      LLVMBuildLoad2(w->builder, llvm_memory_type(w, b->elem), llvm_address(w, b, at), b->name);
  LLVMSetAlignment(v, llvm_alignment(w, b, at));
  return v;
}

/* One that is overloaded by the type of its first argument. */
static LLVMValueRef intrinsic(LlvmWriter *w, const char *name, LLVMValueRef *args, unsigned n) {
  return llvm_intrinsic(w, name, LLVMTypeOf(args[0]), args, n);
}

/* The same constant in every lane of a type. */
static LLVMValueRef in_lanes(LLVMValueRef scalar, int lanes) {
  LLVMValueRef lane[16];
  if (lanes == 1) return scalar;
  for (int i = 0; i < lanes; i++)
    lane[i] = scalar;
  return LLVMConstVector(lane, (unsigned)lanes);
}

LLVMValueRef llvm_i32(LlvmWriter *w, int64_t i, int lanes) {
  return in_lanes(LLVMConstInt(w->i32, (unsigned long long)i, true), lanes);
}

/* IEEE binary16 as f32, exactly: where the machine cannot, the exponent is moved into place and
 * corrected by a product with 2^112, which is exact. */
static LLVMValueRef from_f16(LlvmWriter *w, LLVMValueRef half, int lanes) {
  LLVMBuilderRef b = w->builder;
  LLVMTypeRef f32 = llvm_type(w, kir_type(KIR_F32, lanes)),
              i32 = llvm_type(w, kir_type(KIR_I32, lanes));
  if (w->machine->has_f16) {
    LLVMTypeRef f16 = LLVMHalfTypeInContext(w->context);
    if (lanes > 1) f16 = LLVMVectorType(f16, (unsigned)lanes);
    return LLVMBuildFPExt(b, LLVMBuildBitCast(b, half, f16, ""), f32, "");
  }
  LLVMValueRef bits = LLVMBuildZExt(b, half, i32, "");
  LLVMValueRef magnitude = LLVMBuildShl(b, LLVMBuildAnd(b, bits, llvm_i32(w, 0x7fff, lanes), ""),
                                        llvm_i32(w, 13, lanes), "");
  LLVMValueRef scale = LLVMConstBitCast(llvm_i32(w, 0x77800000, lanes), f32);
  LLVMValueRef value = LLVMBuildBitCast(
      b, LLVMBuildFMul(b, LLVMBuildBitCast(b, magnitude, f32, ""), scale, ""), i32, "");
  LLVMValueRef exponent = LLVMBuildAnd(b, bits, llvm_i32(w, 0x7c00, lanes), "");
  LLVMValueRef special = LLVMBuildICmp(b, LLVMIntEQ, exponent, llvm_i32(w, 0x7c00, lanes), "");
  value = LLVMBuildSelect(b, special, LLVMBuildOr(b, value, llvm_i32(w, 0x7f800000, lanes), ""),
                          value, "");
  LLVMValueRef sign = LLVMBuildShl(b, LLVMBuildAnd(b, bits, llvm_i32(w, 0x8000, lanes), ""),
                                   llvm_i32(w, 16, lanes), "");
  return LLVMBuildBitCast(b, LLVMBuildOr(b, value, sign, ""), f32, "");
}

/* bfloat16 as f32: its upper half. */
static LLVMValueRef from_bf16(LlvmWriter *w, LLVMValueRef half, int lanes) {
  LLVMTypeRef f32 = llvm_type(w, kir_type(KIR_F32, lanes)),
              i32 = llvm_type(w, kir_type(KIR_I32, lanes));
  LLVMValueRef bits = LLVMBuildZExt(w->builder, half, i32, "");
  bits = LLVMBuildShl(w->builder, bits, llvm_i32(w, 16, lanes), "");
  return LLVMBuildBitCast(w->builder, bits, f32, "");
}

/* A value of memory type as a register holds it. */
static LLVMValueRef widened(LlvmWriter *w, LLVMValueRef v, KirElem elem, KirType to) {
  switch (elem) {
  case KIR_F16: return from_f16(w, v, to.lanes);
  case KIR_BF16: return from_bf16(w, v, to.lanes);
  case KIR_I8:
  case KIR_I16: return LLVMBuildSExt(w->builder, v, llvm_type(w, to), "");
  case KIR_U8:
  case KIR_U16: return LLVMBuildZExt(w->builder, v, llvm_type(w, to), "");
  case KIR_F32:
  case KIR_I32:
  case KIR_SIZE:
  case KIR_INDEX:
  case KIR_BOOL: break;
  }
  return v;
}

static LLVMValueRef load(LlvmWriter *w, const KirExpr *e) {
  const KirBuffer *b = e->buffer;
  if (e->type.lanes == 1) return widened(w, llvm_element(w, b, &e->at), b->elem, e->type);
  LLVMTypeRef type = llvm_type(w, kir_type(b->elem, e->type.lanes));
  LLVMValueRef v = LLVMBuildLoad2(w->builder, type, llvm_address(w, b, &e->at), b->name);
  LLVMSetAlignment(v, llvm_alignment(w, b, &e->at));
  return widened(w, v, b->elem, e->type);
}

/* ---- operations ---- */

static LLVMValueRef number(LlvmWriter *w, const KirExpr *e) {
  if (e->type.elem != KIR_F32) {
    LLVMTypeRef type = llvm_memory_type(w, e->type.elem);
    return in_lanes(LLVMConstInt(type, (unsigned long long)e->i, true), e->type.lanes);
  }
  uint32_t bits;
  memcpy(&bits, &e->f, sizeof bits);
  return in_lanes(LLVMConstBitCast(LLVMConstInt(w->i32, bits, false), w->f32), e->type.lanes);
}

static LLVMValueRef splat(LlvmWriter *w, LLVMValueRef v, int lanes) {
  LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(v), (unsigned)lanes);
  LLVMValueRef first =
      LLVMBuildInsertElement(w->builder, LLVMGetPoison(type), v, LLVMConstNull(w->i32), "");
  return LLVMBuildShuffleVector(w->builder, first, LLVMGetPoison(type), llvm_i32(w, 0, lanes), "");
}

static LLVMValueRef compare(LlvmWriter *w, KirOp op, KirElem elem, LLVMValueRef a, LLVMValueRef b) {
  if (elem == KIR_F32) {
    LLVMRealPredicate p = op == KIR_LT   ? LLVMRealOLT
                          : op == KIR_LE ? LLVMRealOLE
                          : op == KIR_EQ ? LLVMRealOEQ
                                         : LLVMRealUNE;
    return LLVMBuildFCmp(w->builder, p, a, b, "");
  }
  bool is_unsigned = elem == KIR_SIZE || elem == KIR_BOOL;
  LLVMIntPredicate p = op == KIR_LT   ? is_unsigned ? LLVMIntULT : LLVMIntSLT
                       : op == KIR_LE ? is_unsigned ? LLVMIntULE : LLVMIntSLE
                       : op == KIR_EQ ? LLVMIntEQ
                                      : LLVMIntNE;
  return LLVMBuildICmp(w->builder, p, a, b, "");
}

static LLVMValueRef arithmetic(LlvmWriter *w, KirOp op, KirElem elem, LLVMValueRef a,
                               LLVMValueRef b) {
  LLVMBuilderRef at = w->builder;
  bool real = elem == KIR_F32, index = elem == KIR_INDEX;
  switch (op) {
  case KIR_ADD:
    return real    ? LLVMBuildFAdd(at, a, b, "")
           : index ? LLVMBuildNSWAdd(at, a, b, "")
                   : LLVMBuildAdd(at, a, b, "");
  case KIR_SUB:
    return real    ? LLVMBuildFSub(at, a, b, "")
           : index ? LLVMBuildNSWSub(at, a, b, "")
                   : LLVMBuildSub(at, a, b, "");
  case KIR_MUL:
    return real    ? LLVMBuildFMul(at, a, b, "")
           : index ? LLVMBuildNSWMul(at, a, b, "")
                   : LLVMBuildMul(at, a, b, "");
  case KIR_DIV: return real ? LLVMBuildFDiv(at, a, b, "") : LLVMBuildSDiv(at, a, b, "");
  case KIR_MIN: return LLVMBuildSelect(at, compare(w, KIR_LT, elem, a, b), a, b, "");
  case KIR_MAX: return LLVMBuildSelect(at, compare(w, KIR_LT, elem, b, a), a, b, "");
  case KIR_AND: return LLVMBuildAnd(at, a, b, "");
  case KIR_OR: return LLVMBuildOr(at, a, b, "");
  case KIR_XOR: return LLVMBuildXor(at, a, b, "");
  case KIR_SHL: return LLVMBuildShl(at, a, b, "");
  case KIR_SHR:
    return LLVMBuildAShr(at, a, b, "");
  KIR_LEAF_CASES:
  KIR_UNARY_CASES:
  KIR_COMPARE_CASES:
  KIR_FORM_CASES:
  KIR_FIXED_CASES:
  KIR_ADDED_CASES:
  case KIR_SELECT:
  case KIR_CALL: break; /* KIR_BINARY_CASES are the others */
  }
  return NULL;
}

static LLVMValueRef negated(LlvmWriter *w, KirElem elem, LLVMValueRef v) {
  if (elem == KIR_F32) return LLVMBuildFNeg(w->builder, v, "");
  return elem == KIR_INDEX ? LLVMBuildNSWNeg(w->builder, v, "") : LLVMBuildNeg(w->builder, v, "");
}

static LLVMValueRef absolute(LlvmWriter *w, const KirExpr *e, LLVMValueRef v) {
  if (e->type.elem == KIR_F32) return intrinsic(w, "llvm.fabs", &v, 1);
  LLVMValueRef negative = compare(w, KIR_LT, e->type.elem, v, LLVMConstNull(LLVMTypeOf(v)));
  return LLVMBuildSelect(w->builder, negative, negated(w, e->type.elem, v), v, "");
}

/* A conversion out of range gives some integer, as on every machine: frozen, so that the rest of a
 * branch-free formula that does not use it stays defined. */
static LLVMValueRef truncated(LlvmWriter *w, LLVMValueRef v, LLVMTypeRef to) {
  return LLVMBuildFreeze(w->builder, LLVMBuildFPToSI(w->builder, v, to, ""), "");
}

static LLVMValueRef convert(LlvmWriter *w, const KirExpr *e, LLVMValueRef v) {
  KirElem from = e->arg[0]->type.elem, to = e->type.elem;
  LLVMTypeRef type = llvm_type(w, e->type);
  if (from == to) return v;
  bool is_unsigned = from == KIR_BOOL || from == KIR_SIZE;
  if (to == KIR_F32)
    return is_unsigned ? LLVMBuildUIToFP(w->builder, v, type, "")
                       : LLVMBuildSIToFP(w->builder, v, type, "");
  if (from == KIR_F32) return truncated(w, v, type);
  return LLVMBuildIntCast2(w->builder, v, type, !is_unsigned, "");
}

static LLVMValueRef sum(LlvmWriter *w, const KirExpr *e, LLVMValueRef v) {
  LLVMValueRef none = LLVMGetPoison(LLVMTypeOf(v)), pick[16];
  for (int half = e->arg[0]->type.lanes / 2; half >= 1; half /= 2) {
    LLVMValueRef part[2];
    for (int side = 0; side < 2; side++) {
      for (int i = 0; i < half; i++)
        pick[i] = llvm_i32(w, i + side * half, 1);
      LLVMValueRef mask = LLVMConstVector(pick, (unsigned)half);
      part[side] = half > 1 ? LLVMBuildShuffleVector(w->builder, v, none, mask, "")
                            : LLVMBuildExtractElement(w->builder, v, pick[0], "");
    }
    v = arithmetic(w, KIR_ADD, e->type.elem, part[0], part[1]);
    none = half > 1 ? LLVMGetPoison(LLVMTypeOf(v)) : NULL;
  }
  return v;
}

/* ---- fixed point ---- */

static LLVMTypeRef wide_type(LlvmWriter *w, int lanes) {
  LLVMTypeRef i64 = LLVMInt64TypeInContext(w->context);
  return lanes > 1 ? LLVMVectorType(i64, (unsigned)lanes) : i64;
}

/* floor(a m / 2^16) as the upper half of a (m 2^16), for which many processors have an instruction.
 */
static LLVMValueRef mulw(LlvmWriter *w, LLVMValueRef a, LLVMValueRef m, KirType type) {
  enum { HALF = 16, WHOLE = 32 };
  LLVMBuilderRef b = w->builder;
  LLVMTypeRef wide = wide_type(w, type.lanes), long_type = LLVMInt64TypeInContext(w->context);
  LLVMValueRef half = in_lanes(LLVMConstInt(w->i32, HALF, false), type.lanes);
  LLVMValueRef whole = in_lanes(LLVMConstInt(long_type, WHOLE, false), type.lanes);
  LLVMValueRef upper = LLVMBuildShl(b, m, half, "");
  LLVMValueRef product =
      LLVMBuildNSWMul(b, LLVMBuildSExt(b, a, wide, ""), LLVMBuildSExt(b, upper, wide, ""), "");
  return LLVMBuildTrunc(b, LLVMBuildAShr(b, product, whole, ""), llvm_type(w, type), "");
}

static LLVMValueRef clamp(LlvmWriter *w, LLVMValueRef a, LLVMValueRef lo, LLVMValueRef hi) {
  LLVMValueRef least[2] = {a, lo};
  LLVMValueRef most[2] = {intrinsic(w, "llvm.smax", least, 2), hi};
  return intrinsic(w, "llvm.smin", most, 2);
}

/* Within the bounds first, so that the conversion is of a number that fits; a NaN compares
 * false. */
static LLVMValueRef rounded(LlvmWriter *w, const KirExpr *e, LLVMValueRef x) {
  LLVMBuilderRef b = w->builder;
  LLVMValueRef lo = in_lanes(LLVMConstReal(w->f32, (double)e->lo), e->type.lanes);
  LLVMValueRef hi = in_lanes(LLVMConstReal(w->f32, (double)e->hi), e->type.lanes);
  x = LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealOGT, x, lo, ""), x, lo, "");
  x = LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealOLT, x, hi, ""), x, hi, "");
  /* beyond 2^23 every number is whole already */
  LLVMValueRef whole = in_lanes(LLVMConstReal(w->f32, 0x1p23), e->type.lanes),
               none = LLVMConstNull(LLVMTypeOf(x));
  LLVMValueRef up = LLVMBuildFSub(b, LLVMBuildFAdd(b, x, whole, ""), whole, "");
  LLVMValueRef down = LLVMBuildFAdd(b, LLVMBuildFSub(b, x, whole, ""), whole, "");
  LLVMValueRef near = LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealOLT, x, none, ""), down, up, "");
  LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealOLT, intrinsic(w, "llvm.fabs", &x, 1), whole, "");
  return LLVMBuildFPToSI(b, LLVMBuildSelect(b, small, near, x, ""), llvm_type(w, e->type), "");
}

static LLVMValueRef lookup(LlvmWriter *w, const KirExpr *e, LLVMValueRef at) {
  if (e->type.lanes > 1) return llvm_lookup(w, e, at);
  LLVMValueRef index = w->index == w->i32 ? at : LLVMBuildSExt(w->builder, at, w->index, "");
  LLVMTypeRef type = llvm_memory_type(w, e->buffer->elem);
  LLVMValueRef place =
      LLVMBuildInBoundsGEP2(w->builder, type, llvm_buffer(w, e->buffer), &index, 1, "");
  return widened(w, LLVMBuildLoad2(w->builder, type, place, ""), e->buffer->elem, e->type);
}

static LLVMValueRef fixed_point(LlvmWriter *w, const KirExpr *e, LLVMValueRef *v) {
  LLVMBuilderRef b = w->builder;
  LLVMValueRef one = llvm_i32(w, 1, e->type.lanes);
  switch (e->op) {
  case KIR_MULW: return mulw(w, v[0], v[1], e->type);
  case KIR_CLAMP:
    return clamp(w, v[0], llvm_i32(w, e->lo, e->type.lanes), llvm_i32(w, e->hi, e->type.lanes));
  case KIR_ADDS: return intrinsic(w, "llvm.sadd.sat", v, 2);
  case KIR_MIX: {
    LLVMValueRef step = mulw(w, LLVMBuildNSWSub(b, v[1], v[0], ""), v[2], e->type);
    return LLVMBuildAdd(b, v[0], LLVMBuildShl(b, step, one, ""), "");
  }
  case KIR_FADE:
    return LLVMBuildSub(b, v[0], LLVMBuildShl(b, mulw(w, v[0], v[1], e->type), one, ""), "");
  case KIR_LOOKUP: return lookup(w, e, v[0]);
  case KIR_ROUND:
    return rounded(w, e, v[0]);
  KIR_LEAF_CASES:
  KIR_UNARY_CASES:
  KIR_BINARY_CASES:
  KIR_COMPARE_CASES:
  KIR_FORM_CASES:
  KIR_ADDED_CASES:
  case KIR_SELECT:
  case KIR_CALL: break; /* KIR_FIXED_CASES are the others */
  }
  return NULL;
}

/* Plain operations that were proved not to overflow: ADD, SUB, MUL and SHL. */
static LLVMValueRef exact(LlvmWriter *w, const KirExpr *e, LLVMValueRef a, LLVMValueRef b) {
  if (e->op == KIR_ADD) return LLVMBuildNSWAdd(w->builder, a, b, "");
  if (e->op == KIR_SUB) return LLVMBuildNSWSub(w->builder, a, b, "");
  if (e->op == KIR_MUL) return LLVMBuildNSWMul(w->builder, a, b, "");
  return LLVMBuildShl(w->builder, a, b, "");
}

static LLVMValueRef call(LlvmWriter *w, const KirFunc *helper, LLVMValueRef *args) {
  return LLVMBuildCall2(w->builder, w->func_type[helper->id], w->func[helper->id], args,
                        (unsigned)helper->n_args, "");
}

LLVMValueRef llvm_expr(LlvmWriter *w, const KirExpr *e) {
  LLVMValueRef v[KIR_MAX_ARGS];
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    v[i] = e->arg[i] ? llvm_expr(w, e->arg[i]) : NULL;
  switch (e->op) {
  case KIR_NUM: return number(w, e);
  case KIR_REG: return reg_value(w, e->reg);
  case KIR_LOAD: return load(w, e);
  case KIR_CONVERT: return convert(w, e, v[0]);
  case KIR_SUM: return sum(w, e, v[0]);
  case KIR_CALL: return call(w, e->helper, v);
  case KIR_NEG: return negated(w, e->type.elem, v[0]);
  case KIR_ABS: return absolute(w, e, v[0]);
  case KIR_SQRT: return intrinsic(w, "llvm.sqrt", v, 1);
  case KIR_FMA: return intrinsic(w, "llvm.fma", v, 3);
  case KIR_MAD:
    return LLVMBuildFAdd(w->builder, LLVMBuildFMul(w->builder, v[0], v[1], ""), v[2], "");
  case KIR_PAIRS: return llvm_pairs(w, e->type.lanes, v);
  case KIR_QUADS: return llvm_quads(w, e->type.lanes, v);
  case KIR_SIGNED_QUADS:
    return llvm_signed_quads(w, e->type.lanes, v);
  KIR_COMPARE_CASES:
    return compare(w, e->op, e->arg[0]->type.elem, v[0], v[1]);
  case KIR_SELECT: return LLVMBuildSelect(w->builder, v[0], v[1], v[2], "");
  case KIR_BITCAST: return LLVMBuildBitCast(w->builder, v[0], llvm_type(w, e->type), "");
  case KIR_SPLAT: return splat(w, v[0], e->type.lanes);
  case KIR_LANE:
    return LLVMBuildExtractElement(w->builder, v[0], llvm_i32(w, e->i, 1), "");
  KIR_FIXED_CASES:
    return fixed_point(w, e, v);
  KIR_BINARY_CASES:
    if (e->exact) return exact(w, e, v[0], v[1]);
    return arithmetic(w, e->op, e->type.elem, v[0], v[1]);
  }
  return NULL;
}
