/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products of bytes four at a time, as LLVM values. In: words of four bytes in vectors. Out: by
 * VPDPBUSD of x86 or SDOT of AArch64 where the machine has it, else byte by byte. */
#include "backend/llvm_internal.h"

/* Byte i of each lane, with its sign or without. */
static LLVMValueRef byte_of(LlvmWriter *w, LLVMValueRef v, int i, bool has_sign, int lanes) {
  enum { BYTE = 8, UPPERMOST = 24 };
  LLVMValueRef up = LLVMBuildShl(w->builder, v, llvm_i32(w, UPPERMOST - BYTE * i, lanes), "");
  LLVMValueRef down = llvm_i32(w, UPPERMOST, lanes);
  return has_sign ? LLVMBuildAShr(w->builder, up, down, "")
                  : LLVMBuildLShr(w->builder, up, down, "");
}

LLVMValueRef llvm_byte_products(LlvmWriter *w, int lanes, bool a_has_sign, LLVMValueRef a,
                                LLVMValueRef b, LLVMValueRef sum) {
  for (int i = 0; i < KIR_WORD; i++) {
    LLVMValueRef product = LLVMBuildMul(w->builder, byte_of(w, a, i, a_has_sign, lanes),
                                        byte_of(w, b, i, true, lanes), "");
    sum = LLVMBuildAdd(w->builder, sum, product, "");
  }
  return sum;
}

LLVMValueRef llvm_quads(LlvmWriter *w, int lanes, LLVMValueRef *v) {
  LLVMValueRef args[3] = {v[2], v[0], v[1]};
  const char *name = arena_printf(w->arena, "llvm.x86.avx512.vpdpbusd.%d", 32 * lanes);
  if (w->machine->has_quads) return llvm_intrinsic(w, name, NULL, args, 3);
  return llvm_byte_products(w, lanes, false, v[0], v[1], v[2]);
}

LLVMValueRef llvm_signed_quads(LlvmWriter *w, int lanes, LLVMValueRef *v) {
  if (!w->machine->has_signed_quads) return llvm_byte_products(w, lanes, true, v[0], v[1], v[2]);
  LLVMTypeRef bytes = LLVMVectorType(LLVMInt8TypeInContext(w->context), KIR_WORD * (unsigned)lanes);
  LLVMValueRef args[3] = {v[2], LLVMBuildBitCast(w->builder, v[0], bytes, ""),
                          LLVMBuildBitCast(w->builder, v[1], bytes, "")};
  LLVMTypeRef types[2] = {LLVMTypeOf(v[2]), bytes};
  return llvm_intrinsic_of(w, "llvm.aarch64.neon.sdot", types, 2, args, 3);
}
