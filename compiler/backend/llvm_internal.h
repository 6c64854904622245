/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the LLVM backend share. */
#ifndef GRUS_BACKEND_LLVM_INTERNAL_H
#define GRUS_BACKEND_LLVM_INTERNAL_H

#include "backend/elf_data.h"
#include "backend/llvm.h"

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/TargetMachine.h>

/* The machine to compile for, resolved from the options. */
typedef struct LlvmMachine {
  LLVMTargetRef target;
  const char *triple, *cpu, *features, *abi; /* abi: of RISC-V, else NULL */
  bool is_pic, is_medium;                    /* code model */
  bool has_f16;                              /* conversion from binary16 is an instruction */
  bool has_bf16_pairs;                       /* VDPBF16PS, on vectors of every width */
  bool has_quads;                            /* VPDPBUSD */
  bool has_signed_quads;                     /* SDOT */
  bool has_permutes;                         /* VPERMI2D, on vectors of 16 lanes */
  bool has_mve;                              /* of integers and floats */
  bool has_tiles;                            /* AMX: of bytes and of bf16 */
  int int_bits;                              /* C's int */
} LlvmMachine;

/* What LLVM said of the frame of a function. */
typedef struct LlvmFrame {
  const char *name;
  int64_t bytes;
} LlvmFrame;

typedef struct LlvmWriter {
  const KirModule *m;
  const LlvmOptions *o;
  const char *prefix;
  Arena *arena;
  const LlvmMachine *machine;
  LLVMContextRef context;
  LLVMModuleRef module;
  LLVMBuilderRef builder;
  LLVMTargetMachineRef tm;
  LLVMTargetDataRef layout;
  LLVMTypeRef f32, i1, i8, i16, i32, size, pointer, c_int;
  LLVMTypeRef index; /* as wide as a pointer, at least 32 bits: addresses need no extension */
  LLVMTypeRef state_type;
  int *field;           /* of state_type, by buffer id */
  LLVMValueRef *global; /* of CONST, by buffer id */
  ElfData *apart;       /* bytes of large ones, which LLVM does not see, n_apart of them */
  int n_apart;
  bool to_object;
  LLVMValueRef *func; /* by function id */
  LLVMTypeRef *func_type;
  /* the function being written */
  const KirFunc *f;
  LLVMValueRef fn;
  LLVMValueRef *reg;  /* by register id: its value; of mutable ones, its place */
  LLVMValueRef *port; /* by buffer id: the parameter */
  LLVMValueRef state, weights, scratch;
  /* while the object is made, see llvm_stack.c */
  LlvmFrame *frame;
  int n_frames;
  size_t frame_cap;
  const char *error; /* NULL: none */
  /* debug information, if asked for */
  LLVMDIBuilderRef debug;
  LLVMMetadataRef *debug_file; /* by Source id */
  LLVMMetadataRef debug_unit, debug_scope;
} LlvmWriter;

/* ---- llvm_target.c ---- */
bool llvm_machine(const KirModule *m, const LlvmOptions *o, Diags *diags, LlvmMachine *out);
LLVMTargetMachineRef llvm_target_machine(const LlvmMachine *machine, char level);

/* ---- llvm_stack.c ---- */
/* Before the object is made: asks for the sizes of frames, if the options ask for the stack. */
void llvm_stack_watch(LlvmWriter *w);
/* Afterwards: into the options. */
void llvm_stack_take(LlvmWriter *w);

/* ---- llvm_expr.c ---- */
LLVMTypeRef llvm_memory_type(LlvmWriter *w, KirElem elem);
LLVMTypeRef llvm_type(LlvmWriter *w, KirType t);
unsigned llvm_memory_size(LlvmWriter *w, KirElem elem);
/* Where the first element of a buffer is. */
LLVMValueRef llvm_buffer(LlvmWriter *w, const KirBuffer *b);
LLVMValueRef llvm_address(LlvmWriter *w, const KirBuffer *b, const KirIndex *at);
/* Bytes that the address of buffer[at] is surely a multiple of. */
unsigned llvm_alignment(LlvmWriter *w, const KirBuffer *b, const KirIndex *at);
/* One element as it lies in memory. */
LLVMValueRef llvm_element(LlvmWriter *w, const KirBuffer *b, const KirIndex *at);
LLVMValueRef llvm_expr(LlvmWriter *w, const KirExpr *e);
/* An integer in every lane. */
LLVMValueRef llvm_i32(LlvmWriter *w, int64_t i, int lanes);

/* ---- llvm_intrinsic.c ---- */
/* A call of an intrinsic; type: that it is overloaded by, NULL: none. */
LLVMValueRef llvm_intrinsic(LlvmWriter *w, const char *name, LLVMTypeRef type, LLVMValueRef *args,
                            unsigned n);
LLVMValueRef llvm_intrinsic_of(LlvmWriter *w, const char *name, LLVMTypeRef *types, size_t n_types,
                               LLVMValueRef *args, unsigned n);

/* ---- llvm_mve.c ---- */
/* Whether a loop goes by fours here; what four of its turns do, w->reg of its variable the first.
 */
bool llvm_mve_has(const LlvmWriter *w, const KirStmt *loop);
void llvm_mve_body(LlvmWriter *w, const KirStmt *body);
/* Sums of products by its instructions. */
bool llvm_mve_takes(const LlvmWriter *w, const KirStmt *dot);
void llvm_mve_dot(LlvmWriter *w, const KirStmt *dot);

/* ---- llvm_stmt.c ---- */
/* What sum r of a dot begins with. */
LLVMValueRef llvm_bias(LlvmWriter *w, const KirStmt *dot, int r);

/* ---- llvm_x86.c ---- */
/* KIR_PAIRS of v[0], v[1] and v[2]. */
LLVMValueRef llvm_pairs(LlvmWriter *w, int lanes, LLVMValueRef *v);
/* KIR_QUADS, KIR_SIGNED_QUADS of them. */
LLVMValueRef llvm_quads(LlvmWriter *w, int lanes, LLVMValueRef *v);
LLVMValueRef llvm_signed_quads(LlvmWriter *w, int lanes, LLVMValueRef *v);

/* KIR_LOOKUP in lanes. */
LLVMValueRef llvm_lookup(LlvmWriter *w, const KirExpr *e, LLVMValueRef at);
/* sum + a b of the upper or the lower half of each lane, rounded once. */
LLVMValueRef llvm_half_product(LlvmWriter *w, int lanes, bool upper, LLVMValueRef *v,
                               LLVMValueRef sum);
/* Numbers below 2^-126 as zeros of their sign. */
LLVMValueRef llvm_normal(LlvmWriter *w, LLVMValueRef x, int lanes);
/* sum + the products of four bytes of each lane; a: with a sign or without. */
LLVMValueRef llvm_byte_products(LlvmWriter *w, int lanes, bool a_has_sign, LLVMValueRef a,
                                LLVMValueRef b, LLVMValueRef sum);

/* ---- llvm_tiles.c ---- */
void llvm_tiles(LlvmWriter *w, const KirStmt *s);
/* The start and the end of a section that holds tiles. */
void llvm_tiles_hold(LlvmWriter *w);
void llvm_tiles_release(LlvmWriter *w);

/* ---- llvm.c ---- */
extern bool llvm_abandoned; /* backend_llvm_abandon was called */

/* ---- llvm_target.c ---- */
/* Why code for these options cannot be run by this processor; NULL: it can, as far as options say
 * more than the target, which the caller knows. */
const char *llvm_not_here(const LlvmOptions *o, Arena *arena);

/* ---- llvm_known.c ---- */
/* Whether LLVM knows the processor and the features that the options name. False after reporting.
 */
bool llvm_known(const KirModule *m, const LlvmOptions *o, const LlvmMachine *machine, Diags *diags);

/* ---- llvm_stmt.c ---- */
void llvm_statements(LlvmWriter *w, const KirStmt *list);

/* ---- llvm_func.c ---- */
void llvm_weights(LlvmWriter *w);
void llvm_state(LlvmWriter *w);
void llvm_declare(LlvmWriter *w, const KirFunc *f);
void llvm_define(LlvmWriter *w, const KirFunc *f);

/* ---- llvm_calls.c ---- */
void llvm_calls(LlvmWriter *w);

/* ---- llvm_debug.c ---- */
void llvm_debug_begin(LlvmWriter *w);
void llvm_debug_function(LlvmWriter *w, const KirFunc *f, const char *name);
/* What is built from here on comes from this place. */
void llvm_debug_at(LlvmWriter *w, KirOrigin origin);
void llvm_debug_end(LlvmWriter *w);

#endif
