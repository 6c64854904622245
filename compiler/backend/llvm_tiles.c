/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of products by tiles as LLVM values: by the instructions of AMX where the machine has them,
 * on the tiles of amx_tiles.h, else by loops over rows and words with the columns of a tile
 * in 16 lanes. Both give the same bits. */
#include "backend/amx_tiles.h"
#include "backend/llvm_internal.h"

typedef struct Tiles {
  const KirStmt *s;
  LLVMValueRef sums, source, weights; /* their first elements */
} Tiles;

static LLVMValueRef number(LlvmWriter *w, int64_t i) {
  return LLVMConstInt(w->index, (unsigned long long)i, true);
}

/* The address `by` elements after base. */
static LLVMValueRef element_after(LlvmWriter *w, KirElem elem, LLVMValueRef base, LLVMValueRef by) {
  return LLVMBuildInBoundsGEP2(w->builder, llvm_memory_type(w, elem), base, &by, 1, "");
}

static LLVMValueRef times(LlvmWriter *w, LLVMValueRef i, int64_t n) {
  return LLVMBuildNSWMul(w->builder, i, number(w, n), "");
}

/* ---- loops: from 0 to a number that is reached, at least one turn ---- */

typedef struct Loop {
  LLVMBasicBlockRef from[2]; /* the block before it, and, once closed, that of its last statement */
  LLVMBasicBlockRef head;
  LLVMValueRef i;
} Loop;

static Loop loop_open(LlvmWriter *w) {
  Loop loop = {.from = {LLVMGetInsertBlock(w->builder)}};
  loop.head = LLVMAppendBasicBlockInContext(w->context, w->fn, "tile");
  LLVMBuildBr(w->builder, loop.head);
  LLVMPositionBuilderAtEnd(w->builder, loop.head);
  loop.i = LLVMBuildPhi(w->builder, w->index, "i");
  return loop;
}

static void loop_close(LlvmWriter *w, Loop *loop, int64_t n, int64_t step) {
  LLVMBasicBlockRef end = LLVMAppendBasicBlockInContext(w->context, w->fn, "end");
  LLVMValueRef next = LLVMBuildNSWAdd(w->builder, loop->i, number(w, step), "");
  loop->from[1] = LLVMGetInsertBlock(w->builder);
  LLVMBuildCondBr(w->builder, LLVMBuildICmp(w->builder, LLVMIntSLT, next, number(w, n), ""),
                  loop->head, end);
  LLVMAddIncoming(loop->i, (LLVMValueRef[]){number(w, 0), next}, loop->from, 2);
  LLVMPositionBuilderAtEnd(w->builder, end);
}

/* ---- by instructions ---- */

static LLVMValueRef tile_number(LlvmWriter *w, int i) {
  return LLVMConstInt(w->i8, (unsigned)i, false);
}

/* A tile from rows in memory, or to them. */
static void move_tile(LlvmWriter *w, const char *name, int tile, LLVMValueRef at, int64_t bytes) {
  LLVMTypeRef i64 = LLVMInt64TypeInContext(w->context);
  LLVMValueRef args[3] = {tile_number(w, tile), at, LLVMConstInt(i64, (uint64_t)bytes, false)};
  llvm_intrinsic(w, name, NULL, args, 3);
}

static void each_sum(LlvmWriter *w, const Tiles *t, const char *name) {
  const KirTiles *shape = &t->s->tiles;
  for (int r = 0; r < shape->rows; r++)
    for (int c = 0; c < shape->columns; c++) {
      LLVMValueRef by = number(w, r * KIR_TILE * shape->sum_row + c * shape->sum_column);
      move_tile(w, name, r * KIR_MOST_TILES + c, element_after(w, t->s->buffer->elem, t->sums, by),
                shape->sum_row * kir_elem_size(t->s->buffer->elem));
    }
}

static void by_instructions(LlvmWriter *w, const Tiles *t) {
  static const char load[] = "llvm.x86.tileloadd64";
  const KirStmt *s = t->s;
  const KirTiles *shape = &s->tiles;
  KirElem x = s->source->elem, b = s->weights->elem;
  const char *product = x == KIR_I8   ? "llvm.x86.tdpbssd"
                        : x == KIR_U8 ? "llvm.x86.tdpbusd"
                                      : "llvm.x86.tdpbf16ps";
  int64_t row = (int64_t)KIR_TILE * kir_tiles_word(s), bytes = KIR_TILE * KIR_WORD;
  each_sum(w, t, load);
  Loop loop = loop_open(w);
  LLVMValueRef from = element_after(w, x, t->source, times(w, loop.i, row)),
               weights = element_after(w, b, t->weights, times(w, loop.i, row * KIR_TILE));
  for (int c = 0; c < shape->columns; c++)
    move_tile(w, load, AMX_COLUMNS + c,
              element_after(w, b, weights, number(w, c * shape->weights_column)), bytes);
  for (int r = 0; r < shape->rows; r++) {
    move_tile(w, load, AMX_ROWS + r,
              element_after(w, x, from, number(w, r * KIR_TILE * shape->source_row)),
              shape->source_row * kir_elem_size(x));
    for (int c = 0; c < shape->columns; c++) {
      LLVMValueRef args[3] = {tile_number(w, r * KIR_MOST_TILES + c), tile_number(w, AMX_ROWS + r),
                              tile_number(w, AMX_COLUMNS + c)};
      llvm_intrinsic(w, product, NULL, args, 3);
    }
  }
  loop_close(w, &loop, s->count / KIR_TILE, 1);
  each_sum(w, t, "llvm.x86.tilestored64");
}

/* ---- in loops ---- */

/* KIR_TILE words that begin anywhere. */
static LLVMValueRef words_at(LlvmWriter *w, LLVMTypeRef type, LLVMValueRef at, unsigned align) {
  LLVMValueRef v = LLVMBuildLoad2(w->builder, type, at, "");
  LLVMSetAlignment(v, align);
  return v;
}

static LLVMValueRef in_lanes(LlvmWriter *w, LLVMValueRef x) {
  LLVMTypeRef type = llvm_type(w, kir_type(KIR_I32, KIR_TILE));
  LLVMValueRef first = LLVMBuildInsertElement(w->builder, LLVMGetUndef(type), x, number(w, 0), "");
  LLVMValueRef zeros = LLVMConstNull(LLVMVectorType(w->i32, KIR_TILE));
  return LLVMBuildShuffleVector(w->builder, first, LLVMGetUndef(type), zeros, "");
}

/* v[0], v[1]: word k of a row in every lane, and word k of all columns of a tile. */
static void operands(LlvmWriter *w, const Tiles *t, LLVMValueRef x, LLVMValueRef b, LLVMValueRef k,
                     LLVMValueRef *v) {
  const KirStmt *s = t->s;
  int word = kir_tiles_word(s);
  unsigned align = word > 1 ? 1 : KIR_WORD;
  LLVMValueRef at = element_after(w, s->source->elem, x, times(w, k, word));
  v[0] = in_lanes(w, words_at(w, w->i32, at, align));
  at = element_after(w, s->weights->elem, b, times(w, k, (int64_t)word * KIR_TILE));
  v[1] = words_at(w, llvm_type(w, kir_type(KIR_I32, KIR_TILE)), at, align);
}

static LLVMValueRef add_bytes(LlvmWriter *w, const Tiles *t, LLVMValueRef x, LLVMValueRef b,
                              LLVMValueRef sum) {
  LLVMValueRef v[2];
  Loop loop = loop_open(w);
  LLVMValueRef phi = LLVMBuildPhi(w->builder, LLVMTypeOf(sum), "sum");
  operands(w, t, x, b, loop.i, v);
  LLVMValueRef more =
      llvm_byte_products(w, KIR_TILE, t->s->source->elem == KIR_I8, v[0], v[1], phi);
  loop_close(w, &loop, t->s->count, 1);
  LLVMAddIncoming(phi, (LLVMValueRef[]){sum, more}, loop.from, 2);
  return more;
}

/* KIR_TILE pairs from word k on. */
static LLVMValueRef add_tile(LlvmWriter *w, const Tiles *t, LLVMValueRef x, LLVMValueRef b,
                             LLVMValueRef k, LLVMValueRef sum) {
  LLVMValueRef v[3], phi[2], half[2], zero = LLVMConstNull(LLVMTypeOf(sum));
  Loop loop = loop_open(w);
  for (int i = 0; i < 2; i++)
    phi[i] = LLVMBuildPhi(w->builder, LLVMTypeOf(sum), i ? "upper" : "lower");
  operands(w, t, x, b, LLVMBuildNSWAdd(w->builder, k, loop.i, ""), v);
  for (int i = 0; i < 2; i++)
    half[i] = llvm_half_product(w, KIR_TILE, i, v, phi[i]);
  loop_close(w, &loop, KIR_TILE, 1);
  for (int i = 0; i < 2; i++)
    LLVMAddIncoming(phi[i], (LLVMValueRef[]){zero, half[i]}, loop.from, 2);
  LLVMValueRef both = llvm_normal(w, LLVMBuildFAdd(w->builder, half[0], half[1], ""), KIR_TILE);
  LLVMValueRef total = LLVMBuildFAdd(w->builder, llvm_normal(w, sum, KIR_TILE), both, "");
  return llvm_normal(w, total, KIR_TILE);
}

static LLVMValueRef add_pairs(LlvmWriter *w, const Tiles *t, LLVMValueRef x, LLVMValueRef b,
                              LLVMValueRef sum) {
  Loop loop = loop_open(w);
  LLVMValueRef phi = LLVMBuildPhi(w->builder, LLVMTypeOf(sum), "sum");
  LLVMValueRef more = add_tile(w, t, x, b, loop.i, phi);
  loop_close(w, &loop, t->s->count, KIR_TILE);
  LLVMAddIncoming(phi, (LLVMValueRef[]){sum, more}, loop.from, 2);
  return more;
}

static void in_loops(LlvmWriter *w, const Tiles *t) {
  const KirStmt *s = t->s;
  const KirTiles *shape = &s->tiles;
  bool bytes = kir_tiles_word(s) > 1;
  Loop loop = loop_open(w);
  LLVMValueRef x =
      element_after(w, s->source->elem, t->source, times(w, loop.i, shape->source_row));
  LLVMTypeRef type = llvm_type(w, kir_type(s->buffer->elem, KIR_TILE));
  for (int c = 0; c < shape->columns; c++) {
    LLVMValueRef by = LLVMBuildNSWAdd(w->builder, times(w, loop.i, shape->sum_row),
                                      number(w, c * shape->sum_column), "");
    LLVMValueRef at = element_after(w, s->buffer->elem, t->sums, by);
    LLVMValueRef b =
        element_after(w, s->weights->elem, t->weights, number(w, c * shape->weights_column));
    LLVMValueRef sum = words_at(w, type, at, KIR_WORD);
    sum = bytes ? add_bytes(w, t, x, b, sum) : add_pairs(w, t, x, b, sum);
    LLVMSetAlignment(LLVMBuildStore(w->builder, sum, at), KIR_WORD);
  }
  loop_close(w, &loop, (int64_t)shape->rows * KIR_TILE, 1);
}

/* ---- statements ---- */

void llvm_tiles(LlvmWriter *w, const KirStmt *s) {
  Tiles t = {s, llvm_address(w, s->buffer, &s->at), llvm_address(w, s->source, &s->from),
             llvm_address(w, s->weights, &s->weights_at)};
  if (w->machine->has_tiles)
    by_instructions(w, &t);
  else
    in_loops(w, &t);
}

static LLVMValueRef shapes(LlvmWriter *w) {
  static const char name[] = "tile_shapes";
  uint8_t data[AMX_SHAPE_BYTES];
  LLVMValueRef known = LLVMGetNamedGlobal(w->module, name);
  if (known) return known;
  amx_shape(data);
  LLVMValueRef value = LLVMConstStringInContext(w->context, (const char *)data, sizeof data, true);
  LLVMValueRef global = LLVMAddGlobal(w->module, LLVMTypeOf(value), name);
  LLVMSetInitializer(global, value);
  LLVMSetGlobalConstant(global, true);
  LLVMSetLinkage(global, LLVMPrivateLinkage);
  LLVMSetAlignment(global, sizeof data);
  return global;
}

void llvm_tiles_hold(LlvmWriter *w) {
  LLVMValueRef at;
  if (!w->machine->has_tiles) return;
  at = shapes(w);
  llvm_intrinsic(w, "llvm.x86.ldtilecfg", NULL, &at, 1);
}

void llvm_tiles_release(LlvmWriter *w) {
  if (w->machine->has_tiles) llvm_intrinsic(w, "llvm.x86.tilerelease", NULL, NULL, 0);
}
