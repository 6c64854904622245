/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> machine code in this process: the object that would have been written, linked in memory by
 * LLVM's ORC, so that what runs here is what is built elsewhere. */
#include "backend/llvm_internal.h"

#include <llvm-c/LLJIT.h>
#include <string.h>

static bool fail(const KirModule *m, Diags *diags, LLVMErrorRef error) {
  char *message = LLVMGetErrorMessage(error);
  Diag *d = diag_new(diags, E805, span_none(), "LLVM cannot load this model's code into memory");
  d->file = m->source_path;
  d->is_outside = true;
  diag_note(d, "LLVM says: %s", message);
  diag_fix(d, FIX_MAYBE, "`--backend=c` goes through the C compiler instead");
  LLVMDisposeErrorMessage(message);
  return false;
}

static void dispose(void *jit) {
  if (!llvm_abandoned) LLVMConsumeError(LLVMOrcDisposeLLJIT(jit));
}

/* memcpy and memset, which code may call, are this process's. */
static LLVMErrorRef add_process_symbols(LLVMOrcLLJITRef jit) {
  LLVMOrcDefinitionGeneratorRef generator;
  LLVMErrorRef error = LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
      &generator, LLVMOrcLLJITGetGlobalPrefix(jit), NULL, NULL);
  if (!error) LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(jit), generator);
  return error;
}

static LLVMErrorRef add_object(LLVMOrcLLJITRef jit, Text *object) {
  LLVMMemoryBufferRef copy =
      LLVMCreateMemoryBufferWithMemoryRangeCopy(text_str(object), object->len, "model.o");
  if (!copy) arena_out_of_memory(object->arena);
  return LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), copy);
}

static LLVMErrorRef find_entry(LLVMOrcLLJITRef jit, const KirFunc *f, const char *prefix,
                               Arena *arena, LlvmEntries *out) {
  LLVMOrcExecutorAddress at = 0;
  LLVMErrorRef error =
      LLVMOrcLLJITLookup(jit, &at, arena_printf(arena, "%s_call_%s", prefix, f->name));
  uintptr_t address = (uintptr_t)at;
  switch (f->kind) {
  case KIR_RUN: memcpy(&out->run, &address, sizeof address); break;
  case KIR_RESET: memcpy(&out->reset, &address, sizeof address); break;
  case KIR_STEP: memcpy(&out->step, &address, sizeof address); break;
  case KIR_PUSH: memcpy(&out->push, &address, sizeof address); break;
  case KIR_HELPER: break;
  }
  return error;
}

bool backend_llvm_jit(const KirModule *m, const LlvmOptions *options, Diags *diags,
                      LlvmEntries *out) {
  LlvmOptions o = *options;
  o.calls = out;
  memset(out, 0, sizeof *out);
  LlvmMachine machine;
  if (!llvm_machine(m, options, diags, &machine)) return false;
  const char *why = llvm_not_here(options, diags->arena);
  if (why) {
    Diag *d = diag_new(diags, E805, span_none(), "%s, but the code runs on this machine", why);
    d->file = m->source_path;
    diag_fix(d, FIX_MAYBE,
             "leave out `--cpu` and `--features`, or build for that processor with `grus build`");
    return false;
  }
  Text object = text_new(diags->arena);
  if (!backend_llvm(m, &o, LLVM_OBJECT, diags, &object)) return false;
  LLVMOrcLLJITRef jit;
  LLVMErrorRef error = LLVMOrcCreateLLJIT(&jit, NULL);
  if (error) return fail(m, diags, error);
  arena_defer(diags->arena, dispose, jit);
  error = add_process_symbols(jit);
  if (!error) error = add_object(jit, &object);
  for (int i = 0; i < m->n_funcs && !error; i++)
    if (m->func[i]->kind != KIR_HELPER)
      error = find_entry(jit, m->func[i], o.prefix ? o.prefix : m->name, diags->arena, out);
  return error ? fail(m, diags, error) : true;
}
