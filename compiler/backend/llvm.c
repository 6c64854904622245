/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> LLVM IR -> passes -> a file. */
#include "backend/llvm_internal.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <setjmp.h>
#include <string.h>

const char *backend_llvm_version(void) {
  return LLVM_VERSION_STRING;
}

/* Where LLVM ends when it cannot go on: it would end the process otherwise. */
static struct {
  jmp_buf back;
  const char *reason;
  LlvmWriter *w;
} fatal;

static void on_fatal_error(const char *reason) {
  size_t line = strcspn(reason, "\n");
  fatal.reason = arena_strndup(fatal.w->arena, reason, line);
  longjmp(fatal.back, 1);
}

bool llvm_abandoned;

void backend_llvm_abandon(void) {
  llvm_abandoned = true;
}

static void dispose(void *arg) {
  LlvmWriter *w = arg;
  if (llvm_abandoned) return;
  if (w->debug) LLVMDisposeDIBuilder(w->debug);
  if (w->builder) LLVMDisposeBuilder(w->builder);
  if (w->module) LLVMDisposeModule(w->module);
  if (w->layout) LLVMDisposeTargetData(w->layout);
  if (w->tm) LLVMDisposeTargetMachine(w->tm);
  if (w->context) LLVMContextDispose(w->context);
}

static void make_types(LlvmWriter *w) {
  LLVMContextRef c = w->context;
  w->f32 = LLVMFloatTypeInContext(c);
  w->i1 = LLVMInt1TypeInContext(c);
  w->i8 = LLVMInt8TypeInContext(c);
  w->i16 = LLVMInt16TypeInContext(c);
  w->i32 = LLVMInt32TypeInContext(c);
  w->c_int = LLVMIntTypeInContext(c, (unsigned)w->machine->int_bits);
  w->pointer = LLVMPointerTypeInContext(c, 0);
  unsigned bits = 8 * LLVMPointerSize(w->layout);
  w->size = LLVMIntTypeInContext(c, bits);
  w->index = LLVMIntTypeInContext(c, bits < 32 ? 32 : bits);
}

static LlvmWriter *writer_new(const KirModule *m, const LlvmOptions *o, const LlvmMachine *machine,
                              Arena *arena) {
  LlvmWriter *w = ARENA_NEW(arena, LlvmWriter);
  w->m = m;
  w->o = o;
  w->machine = machine;
  w->arena = arena;
  w->prefix = o->prefix ? o->prefix : m->name;
  arena_defer(arena, dispose, w);
  w->context = LLVMContextCreate();
  w->module = LLVMModuleCreateWithNameInContext(w->prefix, w->context);
  w->builder = LLVMCreateBuilderInContext(w->context);
  w->tm = llvm_target_machine(machine, o->level);
  w->layout = LLVMCreateTargetDataLayout(w->tm);
  LLVMSetTarget(w->module, machine->triple);
  LLVMSetModuleDataLayout(w->module, w->layout);
  if (m->source_path) LLVMSetSourceFileName(w->module, m->source_path, strlen(m->source_path));
  make_types(w);
  w->field = ARENA_ARRAY(arena, int, m->n_buffers + 1);
  w->global = ARENA_ARRAY(arena, LLVMValueRef, m->n_buffers + 1);
  w->port = ARENA_ARRAY(arena, LLVMValueRef, m->n_buffers + 1);
  w->func = ARENA_ARRAY(arena, LLVMValueRef, m->n_funcs + 1);
  w->func_type = ARENA_ARRAY(arena, LLVMTypeRef, m->n_funcs + 1);
  return w;
}

/* What the linker checks: the binary interface of RISC-V. */
static void abi_flag(LlvmWriter *w) {
  const char *abi = w->machine->abi;
  if (abi)
    LLVMAddModuleFlag(w->module, LLVMModuleFlagBehaviorError, "target-abi", strlen("target-abi"),
                      LLVMMDStringInContext2(w->context, abi, strlen(abi)));
}

static void write_module(LlvmWriter *w) {
  abi_flag(w);
  llvm_debug_begin(w);
  llvm_weights(w);
  llvm_state(w);
  for (int i = 0; i < w->m->n_funcs; i++)
    llvm_declare(w, w->m->func[i]);
  for (int i = 0; i < w->m->n_funcs; i++)
    llvm_define(w, w->m->func[i]);
  llvm_debug_end(w);
  if (!w->o->calls) return;
  llvm_calls(w);
  w->o->calls->state_size = (size_t)LLVMABISizeOfType(w->layout, w->state_type);
}

static Diag *failure(LlvmWriter *w, Diags *diags, const char *what, const char *message) {
  Diag *d = diag_new(diags, E805, span_none(), "LLVM cannot %s for %s", what, w->machine->triple);
  d->file = w->m->source_path;
  diag_note(d, "LLVM says: %s", message);
  diag_fix(d, FIX_MAYBE, "`--emit=c` and the C compiler of the target make the same functions");
  return d;
}

static bool fail(LlvmWriter *w, Diags *diags, const char *what, const char *message) {
  failure(w, diags, what, message);
  return false;
}

#ifndef NDEBUG
static bool verify(LlvmWriter *w, Diags *diags) {
  char *message = NULL;
  bool broken = LLVMVerifyModule(w->module, LLVMReturnStatusAction, &message);
  if (broken) fail(w, diags, "accept this module", message);
  LLVMDisposeMessage(message);
  return !broken;
}
#endif

/* The standard pipelines. KIR has chosen the vectors already, except for targets without any. */
static bool optimise(LlvmWriter *w, Diags *diags) {
  bool vectorise = w->m->lanes <= 1 && (w->o->level == '2' || w->o->level == '3');
  LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
  LLVMPassBuilderOptionsSetLoopVectorization(options, vectorise);
  LLVMPassBuilderOptionsSetSLPVectorization(options, vectorise);
  char passes[] = "default<O2>";
  passes[9] = w->o->level;
  LLVMErrorRef error = LLVMRunPasses(w->module, passes, w->tm, options);
  LLVMDisposePassBuilderOptions(options);
  if (!error) return true;
  char *message = LLVMGetErrorMessage(error);
  /* The pipelines are LLVM's own: memory has run out, perhaps. */
  failure(w, diags, "optimise this module", message)->is_outside = true;
  LLVMDisposeErrorMessage(message);
  return false;
}

/* LLVM has no buffer where it found no memory for it. */
static void take(LLVMMemoryBufferRef buffer, Text *out) {
  if (!buffer) arena_out_of_memory(out->arena);
  text_add_n(out, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
  LLVMDisposeMemoryBuffer(buffer);
}

/* The object with the constants that LLVM did not see. */
static bool take_object(LlvmWriter *w, LLVMMemoryBufferRef buffer, Text *out) {
  if (!w->n_apart) {
    take(buffer, out);
    return true;
  }
  if (!buffer) arena_out_of_memory(out->arena);
  bool done = elf_data_fill(LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer), w->apart,
                            w->n_apart, out);
  LLVMDisposeMemoryBuffer(buffer);
  return done;
}

static bool write_file(LlvmWriter *w, LlvmOutput output, Diags *diags, Text *out) {
  LLVMMemoryBufferRef buffer = NULL;
  char *message = NULL;
  if (output == LLVM_IR_TEXT) {
    message = LLVMPrintModuleToString(w->module);
    if (!message) arena_out_of_memory(out->arena);
    text_add(out, message);
    LLVMDisposeMessage(message);
    return true;
  }
  if (output == LLVM_BITCODE) {
    take(LLVMWriteBitcodeToMemoryBuffer(w->module), out);
    return true;
  }
  if (output == LLVM_OBJECT) llvm_stack_watch(w);
  LLVMCodeGenFileType type = output == LLVM_OBJECT ? LLVMObjectFile : LLVMAssemblyFile;
  if (LLVMTargetMachineEmitToMemoryBuffer(w->tm, w->module, type, &message, &buffer)) {
    fail(w, diags, "make this file", message);
    LLVMDisposeMessage(message);
    return false;
  }
  if (!take_object(w, buffer, out))
    return fail(w, diags, "make this file", "its object is not as ELF objects are");
  if (w->error) return fail(w, diags, "make this file", w->error);
  if (output == LLVM_OBJECT) llvm_stack_take(w);
  return true;
}

static bool compile(LlvmWriter *w, LlvmOutput output, Diags *diags, Text *out) {
  write_module(w);
#ifndef NDEBUG
  if (!verify(w, diags)) return false;
#endif
  return optimise(w, diags) && write_file(w, output, diags, out);
}

/* Comes back with fatal.reason set where LLVM gives up. */
static bool compile_guarded(LlvmOutput output, Diags *diags, Text *out) {
  if (setjmp(fatal.back)) return false;
  return compile(fatal.w, output, diags, out);
}

bool backend_llvm(const KirModule *m, const LlvmOptions *options, LlvmOutput output, Diags *diags,
                  Text *out) {
  LlvmMachine machine;
  if (!llvm_machine(m, options, diags, &machine)) return false;
  LlvmWriter *w = fatal.w = writer_new(m, options, &machine, out->arena);
  w->to_object = output == LLVM_OBJECT && !out->len;
  fatal.reason = NULL;
  LLVMInstallFatalErrorHandler(on_fatal_error);
  bool done = compile_guarded(output, diags, out);
  LLVMResetFatalErrorHandler();
  if (!fatal.reason) return done;
  fail(w, diags, "compile this", fatal.reason);
  memset(w, 0, sizeof *w); /* what LLVM holds is in no known state: it is left alone */
  return false;
}
