/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls of LLVM's intrinsics. In: a name, the types that it is overloaded by, arguments. Out: the
 * value of the call. */
#include "backend/llvm_internal.h"

#include <string.h>

LLVMValueRef llvm_intrinsic_of(LlvmWriter *w, const char *name, LLVMTypeRef *types, size_t n_types,
                               LLVMValueRef *args, unsigned n) {
  unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  LLVMValueRef fn = LLVMGetIntrinsicDeclaration(w->module, id, types, n_types);
  LLVMTypeRef fn_type = LLVMIntrinsicGetType(w->context, id, types, n_types);
  return LLVMBuildCall2(w->builder, fn_type, fn, args, n, "");
}

LLVMValueRef llvm_intrinsic(LlvmWriter *w, const char *name, LLVMTypeRef type, LLVMValueRef *args,
                            unsigned n) {
  return llvm_intrinsic_of(w, name, &type, type != NULL, args, n);
}
