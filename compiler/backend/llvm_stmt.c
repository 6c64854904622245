/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements of KIR as basic blocks. The WebAssembly backend has a switch over them of its own:
 * what the two share is in kir/, and no statement is written alike. */
#include "backend/llvm_internal.h"

#include <llvm-c/Target.h>
#include <string.h>

static LLVMBasicBlockRef new_block(LlvmWriter *w, const char *name) {
  return LLVMAppendBasicBlockInContext(w->context, w->fn, name);
}

static bool is_closed(LlvmWriter *w) {
  return LLVMGetBasicBlockTerminator(LLVMGetInsertBlock(w->builder)) != NULL;
}

/* A place of a function's frame, made where all of them are: at the start of its first block. */
static LLVMValueRef frame_slot(LlvmWriter *w, LLVMTypeRef type, const char *name) {
  LLVMBasicBlockRef here = LLVMGetInsertBlock(w->builder);
  LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(w->fn);
  LLVMValueRef first = LLVMGetFirstInstruction(entry);
  if (first)
    LLVMPositionBuilderBefore(w->builder, first);
  else
    LLVMPositionBuilderAtEnd(w->builder, entry);
  LLVMValueRef slot = LLVMBuildAlloca(w->builder, type, name);
  LLVMPositionBuilderAtEnd(w->builder, here);
  return slot;
}

static void let(LlvmWriter *w, const KirStmt *s) {
  LLVMValueRef v = llvm_expr(w, s->value);
  if (!s->reg->is_mutable) {
    w->reg[s->reg->id] = v;
    return;
  }
  LLVMValueRef slot = frame_slot(w, llvm_type(w, s->reg->type), s->reg->name);
  w->reg[s->reg->id] = slot;
  LLVMBuildStore(w->builder, v, slot);
}

/* Arm's VLDM into registers in a row, which LLVM makes of loads only by luck. */
static LLVMValueRef load_multiple(LlvmWriter *w, const KirStmt *s, LLVMValueRef from) {
  unsigned n = (unsigned)s->n_regs;
  LLVMTypeRef part[KIR_MAX_LOADS], type[2] = {w->pointer, w->pointer};
  Text outputs = text_new(w->arena);
  for (unsigned i = 0; i < n; i++) {
    part[i] = w->f32;
    text_printf(&outputs, "={s%u},", (unsigned)s->home + i);
  }
  text_add(&outputs, "r,*m"); /* the memory itself, so that no store moves past */
  const char *code =
      arena_printf(w->arena, "vldmia $%u, {s%d-s%d}", n, s->home, s->home + s->n_regs - 1);
  LLVMTypeRef fn =
      LLVMFunctionType(LLVMStructTypeInContext(w->context, part, n, false), type, 2, false);
  LLVMValueRef assembly = LLVMGetInlineAsm(fn, code, strlen(code), text_str(&outputs), outputs.len,
                                           false, false, LLVMInlineAsmDialectATT, false);
  LLVMValueRef args[2] = {from, from};
  LLVMValueRef call = LLVMBuildCall2(w->builder, fn, assembly, args, 2, "");
  static const char elementtype[] = "elementtype";
  unsigned kind = LLVMGetEnumAttributeKindForName(elementtype, sizeof elementtype - 1);
  LLVMAddCallSiteAttribute(call, 2,
                           LLVMCreateTypeAttribute(w->context, kind, LLVMArrayType2(w->f32, n)));
  return call;
}

static bool has_load_multiple(const LlvmWriter *w) {
  const char *triple = w->machine->triple;
  size_t n = strlen(triple);
  return strncmp(triple, "thumbv7em", 9) == 0 && n > 2 && strcmp(triple + n - 2, "hf") == 0;
}

static void loads(LlvmWriter *w, const KirStmt *s) {
  LLVMValueRef all = NULL;
  if (has_load_multiple(w)) all = load_multiple(w, s, llvm_address(w, s->buffer, &s->at));
  for (int i = 0; i < s->n_regs; i++) {
    KirIndex at = s->at;
    at.offset += i;
    w->reg[s->regs[i]->id] =
        all ? LLVMBuildExtractValue(w->builder, all, (unsigned)i, s->regs[i]->name)
            : llvm_element(w, s->buffer, &at);
  }
}

/* One element, widened to i32, `by` elements after base. */
static LLVMValueRef integer_at(LlvmWriter *w, KirElem elem, LLVMValueRef base, LLVMValueRef by) {
  LLVMTypeRef type = llvm_memory_type(w, elem);
  LLVMValueRef at = LLVMBuildInBoundsGEP2(w->builder, type, base, &by, 1, "");
  LLVMValueRef v = LLVMBuildLoad2(w->builder, type, at, "");
  LLVMSetAlignment(v, llvm_memory_size(w, elem));
  return elem == KIR_U8 ? LLVMBuildZExt(w->builder, v, w->i32, "")
                        : LLVMBuildSExt(w->builder, v, w->i32, "");
}

/* The sums after one step of k. */
static void dot_step(LlvmWriter *w, const KirStmt *s, LLVMValueRef k, LLVMValueRef rows,
                     LLVMValueRef x, LLVMValueRef *sum) {
  LLVMValueRef base =
      LLVMBuildNSWMul(w->builder, k, LLVMConstInt(w->index, (unsigned)s->n_regs, true), "");
  for (int64_t j = 0; j < s->step; j++) {
    LLVMValueRef z =
        integer_at(w, s->source->elem, x,
                   LLVMBuildNSWAdd(w->builder, k, LLVMConstInt(w->index, (uint64_t)j, true), ""));
    for (int r = 0; r < s->n_regs; r++) {
      LLVMValueRef by = LLVMBuildNSWAdd(
          w->builder, base, LLVMConstInt(w->index, (uint64_t)kir_dot_weight(s, r, j), true), "");
      LLVMValueRef product =
          LLVMBuildNSWMul(w->builder, integer_at(w, s->buffer->elem, rows, by), z, "");
      sum[r] = LLVMBuildNSWAdd(w->builder, sum[r], product, "");
    }
  }
}

/* How the products of a vector are added up. PAIRS: x86 adds every two of 16 and leaves 8 sums;
 * NUMBER: MVE adds all to one number; LANES: each is a sum of its own. */
typedef enum DotForm { DOT_LANES, DOT_PAIRS, DOT_NUMBER } DotForm;

static DotForm dot_form(const LlvmWriter *w, const KirStmt *s) {
  enum { PAIRED = 16 };
  if (s->step == PAIRED && strncmp(w->machine->triple, "x86_64", 6) == 0) return DOT_PAIRS;
  return strncmp(w->machine->triple, "thumbv8.1m", 10) == 0 ? DOT_NUMBER : DOT_LANES;
}

/* step elements at base + by as integers of type `to` in as many lanes. */
static LLVMValueRef integers_at(LlvmWriter *w, const KirStmt *s, KirElem elem, LLVMTypeRef to,
                                LLVMValueRef base, LLVMValueRef by) {
  LLVMTypeRef type = llvm_memory_type(w, elem);
  LLVMValueRef at = LLVMBuildInBoundsGEP2(w->builder, type, base, &by, 1, "");
  LLVMValueRef v = LLVMBuildLoad2(w->builder, LLVMVectorType(type, (unsigned)s->step), at, "");
  LLVMTypeRef wide = LLVMVectorType(to, (unsigned)s->step);
  LLVMSetAlignment(v, llvm_memory_size(w, elem));
  if (type == to) return v;
  return elem == KIR_U8 ? LLVMBuildZExt(w->builder, v, wide, "")
                        : LLVMBuildSExt(w->builder, v, wide, "");
}

static LLVMValueRef total(LlvmWriter *w, LLVMValueRef v) {
  return llvm_intrinsic(w, "llvm.vector.reduce.add", LLVMTypeOf(v), &v, 1);
}

static LLVMValueRef products(LlvmWriter *w, DotForm form, LLVMValueRef a, LLVMValueRef b) {
  LLVMValueRef args[2] = {a, b};
  if (form == DOT_PAIRS) return llvm_intrinsic(w, "llvm.x86.avx2.pmadd.wd", NULL, args, 2);
  LLVMValueRef product = LLVMBuildNSWMul(w->builder, a, b, "");
  return form == DOT_NUMBER ? total(w, product) : product;
}

/* The loop over the terms of a sum of products, k the first term of a step. */
typedef struct DotLoop {
  LLVMBasicBlockRef from[2]; /* the block before it, and itself: where its phis come from */
  LLVMBasicBlockRef end;
  LLVMValueRef k;
} DotLoop;

static DotLoop dot_open(LlvmWriter *w) {
  DotLoop loop = {.from = {LLVMGetInsertBlock(w->builder), new_block(w, "dot")}};
  loop.end = new_block(w, "end");
  LLVMBuildBr(w->builder, loop.from[1]);
  LLVMPositionBuilderAtEnd(w->builder, loop.from[1]);
  loop.k = LLVMBuildPhi(w->builder, w->index, "k");
  return loop;
}

static void dot_close(LlvmWriter *w, const KirStmt *s, DotLoop *loop) {
  LLVMValueRef step = LLVMConstInt(w->index, (uint64_t)s->step, true),
               count = LLVMConstInt(w->index, (uint64_t)s->count, true);
  LLVMValueRef next = LLVMBuildNSWAdd(w->builder, loop->k, step, "");
  LLVMBuildCondBr(w->builder, LLVMBuildICmp(w->builder, LLVMIntSLT, next, count, ""), loop->from[1],
                  loop->end);
  LLVMAddIncoming(loop->k, (LLVMValueRef[]){LLVMConstNull(w->index), next}, loop->from, 2);
}

/* What sum r of a dot begins with. */
LLVMValueRef llvm_bias(LlvmWriter *w, const KirStmt *s, int r) {
  KirIndex at = s->bias_at;
  at.offset += r;
  return s->bias ? llvm_element(w, s->bias, &at) : LLVMConstNull(w->i32);
}

static void dot_by_lanes(LlvmWriter *w, const KirStmt *s) {
  LLVMValueRef rows = llvm_address(w, s->buffer, &s->at), x = llvm_address(w, s->source, &s->from);
  LLVMValueRef phi[KIR_MAX_LOADS], sum[KIR_MAX_LOADS];
  DotForm form = dot_form(w, s);
  unsigned lanes = form == DOT_PAIRS ? (unsigned)s->step / 2 : (unsigned)s->step;
  LLVMTypeRef type = form == DOT_NUMBER ? w->i32 : LLVMVectorType(w->i32, lanes);
  LLVMTypeRef factor = form == DOT_PAIRS ? llvm_memory_type(w, KIR_I16) : w->i32;
  DotLoop loop = dot_open(w);
  LLVMValueRef k = loop.k;
  for (int r = 0; r < s->n_regs; r++)
    phi[r] = LLVMBuildPhi(w->builder, type, s->regs[r]->name);
  LLVMValueRef z = integers_at(w, s, s->source->elem, factor, x, k);
  LLVMValueRef base =
      LLVMBuildNSWMul(w->builder, k, LLVMConstInt(w->index, (unsigned)s->n_regs, true), "");
  for (int r = 0; r < s->n_regs; r++) {
    LLVMValueRef by = LLVMBuildNSWAdd(w->builder, base,
                                      LLVMConstInt(w->index, (uint64_t)(r * s->step), true), "");
    LLVMValueRef row = integers_at(w, s, s->buffer->elem, factor, rows, by);
    sum[r] = LLVMBuildNSWAdd(w->builder, phi[r], products(w, form, row, z), "");
  }
  dot_close(w, s, &loop);
  LLVMPositionBuilderAtEnd(w->builder, loop.end);
  for (int r = 0; r < s->n_regs; r++) {
    LLVMAddIncoming(phi[r], (LLVMValueRef[]){LLVMConstNull(type), sum[r]}, loop.from, 2);
    w->reg[s->regs[r]->id] = LLVMBuildNSWAdd(w->builder, llvm_bias(w, s, r),
                                             form == DOT_NUMBER ? sum[r] : total(w, sum[r]), "");
  }
}

enum { LEAST_DOT_LANES = 8 }; /* sums of products by vectors */

static void dot(LlvmWriter *w, const KirStmt *s) {
  if (llvm_mve_takes(w, s)) {
    llvm_mve_dot(w, s);
    return;
  }
  if (s->step >= LEAST_DOT_LANES) {
    dot_by_lanes(w, s);
    return;
  }
  LLVMValueRef rows = llvm_address(w, s->buffer, &s->at), x = llvm_address(w, s->source, &s->from);
  LLVMValueRef phi[KIR_MAX_LOADS], sum[KIR_MAX_LOADS], start[KIR_MAX_LOADS];
  for (int r = 0; r < s->n_regs; r++)
    start[r] = llvm_bias(w, s, r);
  DotLoop loop = dot_open(w);
  for (int r = 0; r < s->n_regs; r++)
    sum[r] = phi[r] = LLVMBuildPhi(w->builder, w->i32, s->regs[r]->name);
  dot_step(w, s, loop.k, rows, x, sum);
  dot_close(w, s, &loop);
  for (int r = 0; r < s->n_regs; r++) {
    LLVMAddIncoming(phi[r], (LLVMValueRef[]){start[r], sum[r]}, loop.from, 2);
    w->reg[s->regs[r]->id] = sum[r];
  }
  LLVMPositionBuilderAtEnd(w->builder, loop.end);
}

static void store(LlvmWriter *w, const KirStmt *s) {
  LLVMValueRef v = llvm_expr(w, s->value);
  LLVMTypeRef type = llvm_type(w, kir_type(s->buffer->elem, s->value->type.lanes));
  if (s->value->type.elem != KIR_F32) v = LLVMBuildIntCast2(w->builder, v, type, true, "");
  LLVMValueRef at = LLVMBuildStore(w->builder, v, llvm_address(w, s->buffer, &s->at));
  LLVMSetAlignment(at, llvm_alignment(w, s->buffer, &s->at));
}

/* Tells LLVM whether to unroll the loop that ends with this branch. The metadata of a loop is a
 * node that names itself first. */
static void unroll(LlvmWriter *w, LLVMValueRef branch, bool fully) {
  const char *hint = fully ? "llvm.loop.unroll.full" : "llvm.loop.unroll.disable";
  LLVMMetadataRef word = LLVMMDStringInContext2(w->context, hint, strlen(hint));
  LLVMMetadataRef self = LLVMTemporaryMDNode(w->context, NULL, 0);
  LLVMMetadataRef part[2] = {self, LLVMMDNodeInContext2(w->context, &word, 1)};
  LLVMMetadataRef node = LLVMMDNodeInContext2(w->context, part, 2);
  LLVMMetadataReplaceAllUsesWith(self, node);
  LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(w->context, "llvm.loop", 9),
                  LLVMMetadataAsValue(w->context, node));
}

enum { FOURS = 4 };

/* Turns from lo to hi: single ones, or by vectors four together. */
static void turns(LlvmWriter *w, const KirStmt *s, LLVMValueRef lo, LLVMValueRef hi,
                  bool by_fours) {
  LLVMBasicBlockRef before = LLVMGetInsertBlock(w->builder);
  LLVMBasicBlockRef head = new_block(w, s->reg->name), body = new_block(w, "body"),
                    end = new_block(w, "end");
  LLVMBuildBr(w->builder, head);
  LLVMPositionBuilderAtEnd(w->builder, head);
  LLVMValueRef var = LLVMBuildPhi(w->builder, w->index, s->reg->name);
  LLVMIntPredicate more = s->step < 0 ? LLVMIntSGE : LLVMIntSLT;
  LLVMBuildCondBr(w->builder, LLVMBuildICmp(w->builder, more, var, hi, ""), body, end);
  LLVMPositionBuilderAtEnd(w->builder, body);
  w->reg[s->reg->id] = var;
  if (by_fours)
    llvm_mve_body(w, s->body);
  else
    llvm_statements(w, s->body);
  LLVMValueRef from[2] = {lo, NULL};
  LLVMBasicBlockRef block[2] = {before, NULL};
  unsigned n = 1;
  if (!is_closed(w)) {
    int64_t by = by_fours ? FOURS : s->step;
    LLVMValueRef step = LLVMConstInt(w->index, (unsigned long long)by, true);
    from[1] = LLVMBuildNSWAdd(w->builder, var, step, "");
    block[1] = LLVMGetInsertBlock(w->builder);
    LLVMValueRef back = LLVMBuildBr(w->builder, head);
    if (by_fours)
      unroll(w, back, false); /* there are eight registers */
    else if (s->unroll && w->o->level != 's' && w->o->level != 'z')
      unroll(w, back, true);
    n = 2;
  }
  LLVMAddIncoming(var, from, block, n);
  LLVMPositionBuilderAtEnd(w->builder, end);
}

static void loop(LlvmWriter *w, const KirStmt *s) {
  LLVMValueRef lo = llvm_expr(w, s->lo), hi = llvm_expr(w, s->hi);
  if (llvm_mve_has(w, s)) {
    int64_t end = s->lo->i + (s->hi->i - s->lo->i) / FOURS * FOURS;
    LLVMValueRef middle = LLVMConstInt(w->index, (unsigned long long)end, true);
    turns(w, s, lo, middle, true);
    if (end == s->hi->i) return;
    lo = middle;
  }
  turns(w, s, lo, hi, false);
}

static void test(LlvmWriter *w, const KirStmt *s) {
  LLVMValueRef condition = llvm_expr(w, s->value);
  LLVMBasicBlockRef then = new_block(w, "then"), otherwise = s->other ? new_block(w, "else") : NULL;
  LLVMBasicBlockRef end = new_block(w, "end");
  LLVMBuildCondBr(w->builder, condition, then, otherwise ? otherwise : end);
  LLVMPositionBuilderAtEnd(w->builder, then);
  llvm_statements(w, s->body);
  if (!is_closed(w)) LLVMBuildBr(w->builder, end);
  if (otherwise) {
    LLVMPositionBuilderAtEnd(w->builder, otherwise);
    llvm_statements(w, s->other);
    if (!is_closed(w)) LLVMBuildBr(w->builder, end);
  }
  LLVMPositionBuilderAtEnd(w->builder, end);
}

static LLVMValueRef byte_count(LlvmWriter *w, const KirStmt *s) {
  uint64_t bytes = (uint64_t)s->count * llvm_memory_size(w, s->buffer->elem);
  return LLVMConstInt(w->size, bytes, false);
}

/* KIR copies first to last, and overlapping rows only towards lower addresses: as memmove does. */
static void copy(LlvmWriter *w, const KirStmt *s) {
  unsigned to_align = llvm_alignment(w, s->buffer, &s->at);
  if (s->count == 1) {
    LLVMValueRef v = llvm_element(w, s->source, &s->from);
    LLVMValueRef at = LLVMBuildStore(w->builder, v, llvm_address(w, s->buffer, &s->at));
    LLVMSetAlignment(at, to_align);
    return;
  }
  unsigned from_align = llvm_alignment(w, s->source, &s->from);
  LLVMValueRef to = llvm_address(w, s->buffer, &s->at), from = llvm_address(w, s->source, &s->from);
  bool apart =
      s->source != s->buffer && (s->source->space == KIR_CONST || s->source->space == KIR_SCRATCH ||
                                 s->buffer->space == KIR_SCRATCH);
  if (apart && !(s->source->space == KIR_SCRATCH && s->buffer->space == KIR_SCRATCH))
    LLVMBuildMemCpy(w->builder, to, to_align, from, from_align, byte_count(w, s));
  else
    LLVMBuildMemMove(w->builder, to, to_align, from, from_align, byte_count(w, s));
}

static void zero(LlvmWriter *w, const KirStmt *s) {
  unsigned align = llvm_alignment(w, s->buffer, &s->at);
  LLVMValueRef to = llvm_address(w, s->buffer, &s->at);
  if (s->count == 1) {
    LLVMTypeRef type = llvm_memory_type(w, s->buffer->elem);
    LLVMSetAlignment(LLVMBuildStore(w->builder, LLVMConstNull(type), to), align);
  } else
    LLVMBuildMemSet(w->builder, to, LLVMConstNull(w->i8), byte_count(w, s), align);
}

/* The arguments in the order of llvm_declare. */
static void invoke(LlvmWriter *w, const KirStmt *s) {
  const KirFunc *callee = s->callee;
  LLVMValueRef *args = ARENA_ARRAY(w->arena, LLVMValueRef, s->n_args + 3);
  KirIndex start = {0};
  unsigned n = 0;
  if (callee->uses_state) args[n++] = w->state;
  for (int i = 0; i < s->n_args; i++)
    args[n++] = kir_is_by_value(callee->buffers[i]) ? llvm_element(w, s->args[i], &start)
                                                    : llvm_buffer(w, s->args[i]);
  unsigned params = LLVMCountParamTypes(w->func_type[callee->id]);
  if (callee->takes_weights) args[n++] = w->weights;
  if (n < params) args[n++] = w->scratch;
  LLVMBuildCall2(w->builder, w->func_type[callee->id], w->func[callee->id], args, n, "");
}

static void returns(LlvmWriter *w, const KirStmt *s) {
  if (s->value)
    LLVMBuildRet(w->builder, llvm_expr(w, s->value));
  else
    LLVMBuildRet(w->builder, LLVMConstInt(w->c_int, (unsigned)s->status, false));
}

void llvm_statements(LlvmWriter *w, const KirStmt *list) {
  for (const KirStmt *s = list; s && !is_closed(w); s = s->next) {
    llvm_debug_at(w, s->origin);
    switch (s->kind) {
    case KIR_LET: let(w, s); break;
    case KIR_SET: LLVMBuildStore(w->builder, llvm_expr(w, s->value), w->reg[s->reg->id]); break;
    case KIR_LOADS: loads(w, s); break;
    case KIR_DOT: dot(w, s); break;
    case KIR_TILES: llvm_tiles(w, s); break;
    case KIR_STORE: store(w, s); break;
    case KIR_FOR: loop(w, s); break;
    case KIR_IF: test(w, s); break;
    case KIR_COPY: copy(w, s); break;
    case KIR_ZERO: zero(w, s); break;
    case KIR_RETURN: returns(w, s); break;
    case KIR_INVOKE: invoke(w, s); break;
    case KIR_SECTION:
      if (s->holds_tiles) llvm_tiles_hold(w);
      llvm_statements(w, s->body);
      if (s->holds_tiles) llvm_tiles_release(w);
      break;
    }
  }
}
