/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What x86 has instructions of its own for, as LLVM values: products of pairs of bf16 (VDPBF16PS)
 * and tables in registers (VPERMI2D). In: vectors. Out: by the instruction where the machine has
 * it, else in the operations that it is made of. */
#include "backend/llvm_internal.h"

LLVMValueRef llvm_normal(LlvmWriter *w, LLVMValueRef x, int lanes) {
  LLVMBuilderRef b = w->builder;
  LLVMTypeRef i32 = llvm_type(w, kir_type(KIR_I32, lanes)),
              f32 = llvm_type(w, kir_type(KIR_F32, lanes));
  LLVMValueRef bits = LLVMBuildBitCast(b, x, i32, "");
  LLVMValueRef exponent = LLVMBuildAnd(b, bits, llvm_i32(w, 0x7f800000, lanes), "");
  LLVMValueRef zero = LLVMBuildAnd(b, bits, llvm_i32(w, INT32_MIN, lanes), "");
  LLVMValueRef is_below = LLVMBuildICmp(b, LLVMIntEQ, exponent, llvm_i32(w, 0, lanes), "");
  return LLVMBuildSelect(b, is_below, LLVMBuildBitCast(b, zero, f32, ""), x, "");
}

LLVMValueRef llvm_half_product(LlvmWriter *w, int lanes, bool upper, LLVMValueRef *v,
                               LLVMValueRef sum) {
  enum { HALF = 16 };
  LLVMTypeRef f32 = llvm_type(w, kir_type(KIR_F32, lanes));
  LLVMValueRef factor[3];
  for (int i = 0; i < 2; i++) {
    LLVMValueRef bits = upper ? LLVMBuildAnd(w->builder, v[i], llvm_i32(w, -(1 << HALF), lanes), "")
                              : LLVMBuildShl(w->builder, v[i], llvm_i32(w, HALF, lanes), "");
    factor[i] = llvm_normal(w, LLVMBuildBitCast(w->builder, bits, f32, ""), lanes);
  }
  factor[2] = sum;
  return llvm_normal(w, llvm_intrinsic(w, "llvm.fma", f32, factor, 3), lanes);
}

LLVMValueRef llvm_pairs(LlvmWriter *w, int lanes, LLVMValueRef *v) {
  if (!w->machine->has_bf16_pairs)
    return llvm_half_product(w, lanes, false, v,
                             llvm_half_product(w, lanes, true, v, llvm_normal(w, v[2], lanes)));
  LLVMTypeRef half = LLVMVectorType(LLVMBFloatTypeInContext(w->context), 2 * (unsigned)lanes);
  LLVMValueRef args[3] = {v[2], LLVMBuildBitCast(w->builder, v[0], half, ""),
                          LLVMBuildBitCast(w->builder, v[1], half, "")};
  const char *name = arena_printf(w->arena, "llvm.x86.avx512bf16.dpbf16ps.%d", 32 * lanes);
  return llvm_intrinsic(w, name, NULL, args, 3);
}

/* A table of 32 numbers in two registers, or number by number. */
LLVMValueRef llvm_lookup(LlvmWriter *w, const KirExpr *e, LLVMValueRef at) {
  LLVMBuilderRef b = w->builder;
  LLVMTypeRef type = llvm_type(w, e->type);
  LLVMValueRef table = llvm_buffer(w, e->buffer), v[3] = {NULL, at, NULL};
  if (w->machine->has_permutes) {
    for (int half = 0; half < 2; half++) {
      LLVMValueRef first = LLVMConstInt(w->index, (unsigned)(half * e->type.lanes), false);
      v[2 * half] =
          LLVMBuildLoad2(b, type, LLVMBuildInBoundsGEP2(b, w->i32, table, &first, 1, ""), "");
      LLVMSetAlignment(v[2 * half], sizeof(int32_t));
    }
    return llvm_intrinsic(w, "llvm.x86.avx512.vpermi2var.d.512", NULL, v, 3);
  }
  LLVMValueRef result = LLVMGetPoison(type);
  for (int i = 0; i < e->type.lanes; i++) {
    LLVMValueRef lane = LLVMConstInt(w->i32, (unsigned)i, false);
    LLVMValueRef index = LLVMBuildExtractElement(b, at, lane, "");
    LLVMValueRef place = LLVMBuildInBoundsGEP2(b, w->i32, table, &index, 1, "");
    result = LLVMBuildInsertElement(b, result, LLVMBuildLoad2(b, w->i32, place, ""), lane, "");
  }
  return result;
}
