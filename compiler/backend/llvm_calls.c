/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The entries of a module as the host calls them (GrusProgram of runtime/host/grus_host.h): one
 * function an entry that takes arrays of pointers and passes each on as the entry's parameter. What
 * backend_program prints in C.
 *
 *     int kws_call_run(const size_t *lengths, const void *const *in, void *const *out);
 *     int kws_call_step(void *state, const void *const *in, void *const *out);
 *
 * push and reset alike. */
#include "backend/llvm_internal.h"

#include <llvm-c/Target.h>

/* array[i], a pointer. */
static LLVMValueRef pointer_at(LlvmWriter *w, LLVMValueRef array, unsigned i) {
  LLVMValueRef index = LLVMConstInt(w->size, i, false);
  LLVMValueRef at = LLVMBuildInBoundsGEP2(w->builder, w->pointer, array, &index, 1, "");
  return LLVMBuildLoad2(w->builder, w->pointer, at, "");
}

/* lengths + first, or the length itself where the entry takes it by value. */
static LLVMValueRef length_at(LlvmWriter *w, LLVMValueRef lengths, int64_t first, bool by_value) {
  LLVMValueRef index = LLVMConstInt(w->size, (unsigned long long)first, false);
  LLVMValueRef at = LLVMBuildInBoundsGEP2(w->builder, w->size, lengths, &index, 1, "");
  return by_value ? LLVMBuildLoad2(w->builder, w->size, at, "") : at;
}

static LLVMValueRef element(LlvmWriter *w, const KirBuffer *b, LLVMValueRef at) {
  return kir_is_by_value(b) ? LLVMBuildLoad2(w->builder, llvm_memory_type(w, b->elem), at, "") : at;
}

static void define_call(LlvmWriter *w, const KirFunc *f) {
  bool run = f->kind == KIR_RUN;
  LLVMTypeRef param[3] = {w->pointer, w->pointer, w->pointer};
  LLVMTypeRef type = LLVMFunctionType(w->c_int, param, f->kind == KIR_RESET ? 2 : 3, false);
  LLVMValueRef fn =
      LLVMAddFunction(w->module, arena_printf(w->arena, "%s_call_%s", w->prefix, f->name), type);
  LLVMPositionBuilderAtEnd(w->builder, LLVMAppendBasicBlockInContext(w->context, fn, "entry"));
  LLVMValueRef *arg = ARENA_ARRAY(w->arena, LLVMValueRef, f->n_buffers + 1);
  LLVMValueRef in = LLVMGetParam(fn, 1), out = f->kind == KIR_RESET ? NULL : LLVMGetParam(fn, 2);
  unsigned n = 0, n_in = 0, n_out = 0, n_lengths = 0;
  if (f->uses_state) arg[n++] = LLVMGetParam(fn, 0);
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    if (b->elem == KIR_SIZE && run)
      arg[n++] = length_at(w, LLVMGetParam(fn, 0), n_lengths++ * w->m->batch, kir_is_by_value(b));
    else if (b->space == KIR_OUT)
      arg[n++] = pointer_at(w, out, n_out++);
    else
      arg[n++] = element(w, b, pointer_at(w, in, n_in++));
  }
  LLVMValueRef status = LLVMBuildCall2(w->builder, w->func_type[f->id], w->func[f->id], arg, n, "");
  LLVMBuildRet(w->builder, f->returns_status ? status : LLVMConstInt(w->c_int, 0, false));
}

void llvm_calls(LlvmWriter *w) {
  for (int i = 0; i < w->m->n_funcs; i++)
    if (w->m->func[i]->kind != KIR_HELPER) define_call(w, w->m->func[i]);
}
