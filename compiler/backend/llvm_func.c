/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Globals and functions: weights, the state struct, parameters in the order of the C interface. */
#include "backend/llvm_internal.h"

#include <llvm-c/Target.h>
#include <string.h>

/* ---- weights ---- */

/* The bytes of a buffer in the order of the machine. */
static const char *weight_bytes(LlvmWriter *w, const KirBuffer *b, size_t n, size_t size) {
  static const union {
    uint16_t word;
    uint8_t first;
  } probe = {1};
  bool here_little = probe.first == 1;
  bool there_little = LLVMByteOrder(w->layout) == LLVMLittleEndian;
  if (!b->data) return memset(ARENA_ARRAY(w->arena, char, n), 0, n);
  if (here_little == there_little || size == 1) return b->data;
  const char *from = b->data;
  char *swapped = ARENA_ARRAY(w->arena, char, n);
  for (size_t i = 0; i < n; i++)
    swapped[i] = from[i / size * size + (size - 1 - i % size)];
  return swapped;
}

/* From here on the bytes of a constant do not pass through LLVM, which would copy them five times.
 */
enum { LEAST_APART = 1 << 20 };

/* An object of ELF, whose sections can be filled when it is made; the large code model has sections
 * of its own. */
static bool may_stand_apart(const LlvmWriter *w, size_t n) {
  static const char *const systems_of_elf[] = {"linux", "elf", "eabi", "bsd"};
  const char *triple = w->machine->triple;
  if (!w->to_object || n < LEAST_APART || w->machine->is_medium || strstr(triple, "macho"))
    return false;
  for (size_t i = 0; i < sizeof systems_of_elf / sizeof *systems_of_elf; i++)
    if (strstr(triple, systems_of_elf[i])) return true;
  return false;
}

/* A constant that LLVM knows by its size alone: its section is empty, and its loads stay loads. */
static LLVMValueRef apart(LlvmWriter *w, const KirBuffer *b, const char *bytes, size_t n) {
  const char *name = arena_printf(w->arena, "%s_%s", w->prefix, b->name);
  LLVMTypeRef type = LLVMArrayType2(w->i8, n);
  LLVMValueRef global = LLVMAddGlobal(w->module, type, name);
  ElfData *data = &w->apart[w->n_apart++];
  *data = (ElfData){arena_printf(w->arena, ".rodata.%s", name), bytes, n};
  LLVMSetInitializer(global, LLVMConstNull(type));
  LLVMSetExternallyInitialized(global, true);
  LLVMSetSection(global, arena_printf(w->arena, ELF_DATA_EMPTY "%s", data->name));
  return global;
}

static LLVMValueRef inside(LlvmWriter *w, const KirBuffer *b, const char *bytes, size_t n) {
  LLVMValueRef data = LLVMConstStringInContext2(w->context, bytes, n, true);
  LLVMValueRef global = LLVMAddGlobal(w->module, LLVMTypeOf(data),
                                      arena_printf(w->arena, "%s_%s", w->prefix, b->name));
  LLVMSetInitializer(global, data);
  return global;
}

/* As bytes: LLVM keeps one copy of those, where it would make a node of every number. */
void llvm_weights(LlvmWriter *w) {
  w->apart = ARENA_ARRAY(w->arena, ElfData, w->m->n_buffers + 1);
  for (int i = 0; i < w->m->n_buffers; i++) {
    const KirBuffer *b = w->m->buffer[i];
    if (b->space != KIR_CONST || kir_is_outside(w->m, b)) continue;
    size_t size = llvm_memory_size(w, b->elem), n = (size_t)b->count * size;
    const char *bytes = weight_bytes(w, b, n, size);
    LLVMValueRef global = (may_stand_apart(w, n) ? apart : inside)(w, b, bytes, n);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(global, b->align > (int)size ? (unsigned)b->align : (unsigned)size);
    w->global[i] = global;
  }
}

/* ---- state ---- */

void llvm_state(LlvmWriter *w) {
  LLVMTypeRef *field = ARENA_ARRAY(w->arena, LLVMTypeRef, w->m->n_buffers + 1);
  unsigned n = 0;
  for (int i = 0; i < w->m->n_buffers; i++) {
    const KirBuffer *b = w->m->buffer[i];
    if (b->space != KIR_STATE) continue;
    w->field[i] = (int)n;
    LLVMTypeRef type = llvm_memory_type(w, b->elem);
    field[n++] = b->count > 1 ? LLVMArrayType2(type, (uint64_t)b->count) : type;
  }
  w->state_type = LLVMStructCreateNamed(w->context, arena_printf(w->arena, "%s_state", w->prefix));
  LLVMStructSetBody(w->state_type, field, n, false);
}

/* ---- functions ---- */

static const LLVMAttributeIndex on_function = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;

static void attribute(LlvmWriter *w, LLVMValueRef fn, LLVMAttributeIndex at, const char *name) {
  unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
  LLVMAddAttributeAtIndex(fn, at, LLVMCreateEnumAttribute(w->context, kind, 0));
}

static void text_attribute(LlvmWriter *w, LLVMValueRef fn, const char *name, const char *value) {
  LLVMAddAttributeAtIndex(fn, on_function,
                          LLVMCreateStringAttribute(w->context, name, (unsigned)strlen(name), value,
                                                    (unsigned)strlen(value)));
}

static void function_attributes(LlvmWriter *w, LLVMValueRef fn) {
  attribute(w, fn, on_function, "nounwind");
  if (w->o->level == 's' || w->o->level == 'z')
    attribute(w, fn, on_function, w->o->level == 's' ? "optsize" : "minsize");
  if (*w->machine->cpu) text_attribute(w, fn, "target-cpu", w->machine->cpu);
  if (*w->machine->features) text_attribute(w, fn, "target-features", w->machine->features);
}

static bool takes_scratch(const LlvmWriter *w, const KirFunc *f) {
  return w->o->scratch == C_SCRATCH_CALLER && f->uses_scratch && w->m->scratch_bytes > 0;
}

static LLVMTypeRef entry_type(LlvmWriter *w, const KirFunc *f) {
  LLVMTypeRef *param = ARENA_ARRAY(w->arena, LLVMTypeRef, f->n_buffers + 3);
  unsigned n = 0;
  if (f->uses_state) param[n++] = w->pointer;
  for (int i = 0; i < f->n_buffers; i++)
    param[n++] =
        kir_is_by_value(f->buffers[i]) ? llvm_memory_type(w, f->buffers[i]->elem) : w->pointer;
  if (f->takes_weights) param[n++] = w->pointer;
  if (takes_scratch(w, f)) param[n++] = w->pointer;
  LLVMTypeRef result = f->returns_status ? w->c_int : LLVMVoidTypeInContext(w->context);
  return LLVMFunctionType(result, param, n, false);
}

static LLVMTypeRef helper_type(LlvmWriter *w, const KirFunc *f) {
  LLVMTypeRef param[KIR_MAX_ARGS];
  for (int i = 0; i < f->n_args; i++)
    param[i] = llvm_type(w, f->args[i]->type);
  return LLVMFunctionType(llvm_type(w, f->result), param, (unsigned)f->n_args, false);
}

void llvm_declare(LlvmWriter *w, const KirFunc *f) {
  bool helper = f->kind == KIR_HELPER;
  w->func_type[f->id] = helper ? helper_type(w, f) : entry_type(w, f);
  const char *name = arena_printf(w->arena, "%s_%s", w->prefix, f->name);
  LLVMValueRef fn = w->func[f->id] = LLVMAddFunction(w->module, name, w->func_type[f->id]);
  function_attributes(w, fn);
  if (helper) {
    LLVMSetLinkage(fn, LLVMInternalLinkage);
    LLVMSetFunctionCallConv(fn, LLVMCCallConv);
    attribute(w, fn, on_function, "inlinehint");
  }
  if (!helper && f->returns_status) attribute(w, fn, LLVMAttributeReturnIndex, "signext");
}

/* Scratch memory: the caller's, one static area, or a frame slot. */
static LLVMValueRef scratch_area(LlvmWriter *w) {
  LLVMTypeRef type = LLVMArrayType2(w->i8, (uint64_t)w->m->scratch_bytes);
  unsigned align = w->m->scratch_align > 4 ? (unsigned)w->m->scratch_align : 4;
  LLVMValueRef area;
  if (w->o->scratch == C_SCRATCH_STATIC) {
    area = LLVMGetNamedGlobal(w->module, arena_printf(w->arena, "%s_scratch", w->prefix));
    if (area) return area;
    area = LLVMAddGlobal(w->module, type, arena_printf(w->arena, "%s_scratch", w->prefix));
    LLVMSetInitializer(area, LLVMConstNull(type));
    LLVMSetLinkage(area, LLVMInternalLinkage);
  } else
    area = LLVMBuildAlloca(w->builder, type, "scratch");
  LLVMSetAlignment(area, align);
  return area;
}

static void bind_parameters(LlvmWriter *w, const KirFunc *f) {
  unsigned n = 0;
  w->state = f->uses_state ? LLVMGetParam(w->fn, n++) : NULL;
  if (w->state) LLVMSetValueName2(w->state, "state", 5);
  for (int i = 0; i < f->n_buffers; i++) {
    LLVMValueRef p = w->port[f->buffers[i]->id] = LLVMGetParam(w->fn, n++);
    LLVMSetValueName2(p, f->buffers[i]->name, strlen(f->buffers[i]->name));
  }
  w->weights = f->takes_weights ? LLVMGetParam(w->fn, n++) : NULL;
  if (takes_scratch(w, f))
    w->scratch = LLVMGetParam(w->fn, n);
  else if (f->uses_scratch && w->m->scratch_bytes > 0 && f->kind != KIR_PUSH)
    w->scratch = scratch_area(w);
  else
    w->scratch = NULL;
}

void llvm_define(LlvmWriter *w, const KirFunc *f) {
  w->f = f;
  w->fn = w->func[f->id];
  w->reg = ARENA_ARRAY(w->arena, LLVMValueRef, f->n_regs + 1);
  LLVMPositionBuilderAtEnd(w->builder, LLVMAppendBasicBlockInContext(w->context, w->fn, "entry"));
  llvm_debug_function(w, f, arena_printf(w->arena, "%s_%s", w->prefix, f->name));
  if (f->kind == KIR_HELPER)
    for (int i = 0; i < f->n_args; i++)
      w->reg[f->args[i]->id] = LLVMGetParam(w->fn, (unsigned)i);
  else
    bind_parameters(w, f);
  llvm_statements(w, f->body);
  if (LLVMGetBasicBlockTerminator(LLVMGetInsertBlock(w->builder))) return;
  if (f->kind == KIR_HELPER || f->returns_status)
    LLVMBuildUnreachable(w->builder);
  else
    LLVMBuildRetVoid(w->builder);
}
