/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The stack of each entry. LLVM says the size of a frame in a warning that an attribute asks for;
 * the calls are those of the optimised module, which has no recursion. Functions of the C library,
 * such as memcpy, count as their return address; on x86-64 the red zone counts whole. */
#include "backend/llvm_internal.h"

#include <stdio.h>
#include <string.h>

static const char asked[] = "warn-stack-size";

/* "stack frame size (1234) exceeds limit (0) in function 'kws_run'" */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *context) {
  LlvmWriter *w = context;
  char *text = LLVMGetDiagInfoDescription(info);
  if (!text) arena_out_of_memory(w->arena);
  unsigned long long bytes;
  const char *frame_text = strstr(text, "stack frame size ("), *name = strchr(text, '\'');
  if (name && frame_text && sscanf(frame_text, "stack frame size (%llu)", &bytes) == 1) {
    size_t n = strcspn(name + 1, "'");
    LlvmFrame frame = {arena_strndup(w->arena, name + 1, n), (int64_t)bytes};
    ARENA_PUSH(w->arena, w->frame, w->n_frames, w->frame_cap, frame);
  } else if (LLVMGetDiagInfoSeverity(info) == LLVMDSError && !w->error)
    w->error = arena_strdup(w->arena, text);
  LLVMDisposeMessage(text);
}

void llvm_stack_watch(LlvmWriter *w) {
  if (!w->o->stack) return;
  LLVMContextSetDiagnosticHandler(w->context, on_diagnostic, w);
  LLVMAttributeRef any =
      LLVMCreateStringAttribute(w->context, asked, (unsigned)strlen(asked), "0", 1);
  for (LLVMValueRef fn = LLVMGetFirstFunction(w->module); fn; fn = LLVMGetNextFunction(fn))
    if (!LLVMIsDeclaration(fn))
      LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, any);
}

/* What a function may use below its frame without making one. */
static int64_t red_zone(const LlvmWriter *w) {
  enum { RED_ZONE = 128 };
  return strncmp(w->machine->triple, "x86_64", 6) == 0 && !strstr(w->machine->triple, "windows")
             ? RED_ZONE
             : 0;
}

/* A call pushes the return address on these processors; elsewhere a register holds it, and the
 * frame of the callee has its place. */
static int64_t return_address(const LlvmWriter *w) {
  bool pushes =
      strncmp(w->machine->triple, "x86_64", 6) == 0 || strncmp(w->machine->triple, "i", 1) == 0;
  return pushes ? (int64_t)LLVMPointerSize(w->layout) : 0;
}

static int64_t frame_of(const LlvmWriter *w, LLVMValueRef fn) {
  size_t n;
  const char *name = LLVMGetValueName2(fn, &n);
  for (int i = 0; i < w->n_frames; i++)
    if (strlen(w->frame[i].name) == n && memcmp(w->frame[i].name, name, n) == 0)
      return w->frame[i].bytes;
  return 0;
}

/* Bytes below the place where the caller's stack ended. */
static int64_t depth_of(const LlvmWriter *w, LLVMValueRef fn) {
  int64_t deepest = 0;
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
      LLVMValueRef callee = LLVMIsACallInst(i) ? LLVMIsAFunction(LLVMGetCalledValue(i)) : NULL;
      if (!callee) continue;
      int64_t depth = LLVMIsDeclaration(callee) ? return_address(w) : depth_of(w, callee);
      if (depth > deepest) deepest = depth;
    }
  return return_address(w) + frame_of(w, fn) + deepest;
}

void llvm_stack_take(LlvmWriter *w) {
  StackUses *out = w->o->stack;
  if (!out) return;
  out->use = ARENA_ARRAY(w->arena, StackUse, w->m->n_funcs + 1);
  out->n = 0;
  for (int i = 0; i < w->m->n_funcs; i++) {
    const KirFunc *f = w->m->func[i];
    if (f->kind == KIR_HELPER) continue;
    out->use[out->n++] = (StackUse){arena_printf(w->arena, "%s_%s", w->prefix, f->name),
                                    depth_of(w, w->func[f->id]) + red_zone(w)};
  }
}
