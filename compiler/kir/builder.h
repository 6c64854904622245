/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing KIR: a cursor that appends statements, and one function an expression. Expressions fold
 * what is plainly constant (x + 0 on INDEX, splat of one lane) and nothing that could round. */
#ifndef GRUS_KIR_BUILDER_H
#define GRUS_KIR_BUILDER_H

#include "kir/kir.h"

/* Where statements are appended. kb_for and kb_if return an inner cursor by moving this one;
 * kb_end moves it back after the statement. */
typedef struct Kb {
  KirModule *m;
  KirFunc *f;
  KirStmt **tail;
  KirOrigin origin; /* given to every new statement */
  struct {
    KirStmt *stmt;
  } open[64];
  int depth;
} Kb;

Kb kb_new(KirModule *m, KirFunc *f);

/* Registers and expressions. */
KirReg *kb_reg(Kb *kb, const char *name, KirType type);
KirExpr *kb_num(Kb *kb, float f, int lanes);
KirExpr *kb_int(Kb *kb, KirElem elem, int64_t i, int lanes);
KirExpr *kb_use(Kb *kb, KirReg *reg);
KirExpr *kb_load(Kb *kb, KirBuffer *b, KirIndex at, int lanes);
KirExpr *kb_op1(Kb *kb, KirOp op, KirExpr *a);
KirExpr *kb_op2(Kb *kb, KirOp op, KirExpr *a, KirExpr *b);
/* A float x within lo..hi. */
KirExpr *kb_limit(Kb *kb, KirExpr *x, float lo, float hi);
KirExpr *kb_op3(Kb *kb, KirOp op, KirExpr *a, KirExpr *b, KirExpr *c);
KirExpr *kb_convert(Kb *kb, KirElem elem, KirExpr *a);
KirExpr *kb_bitcast(Kb *kb, KirElem elem, KirExpr *a);
KirExpr *kb_splat(Kb *kb, KirExpr *a, int lanes);
KirExpr *kb_lane(Kb *kb, KirExpr *a, int lane);
KirExpr *kb_select(Kb *kb, KirExpr *c, KirExpr *a, KirExpr *b);
KirExpr *kb_call(Kb *kb, KirFunc *helper, KirExpr *a);
/* I32 that is proved not to overflow. */
KirExpr *kb_exact(Kb *kb, KirOp op, KirExpr *a, KirExpr *b);
/* c + products of pairs of bf16. */
KirExpr *kb_pairs(Kb *kb, KirExpr *a, KirExpr *b, KirExpr *c);
/* c + products of bytes, four a lane; a has no signs, or signed: it has. */
KirExpr *kb_quads(Kb *kb, KirExpr *a, KirExpr *b, KirExpr *c);
KirExpr *kb_signed_quads(Kb *kb, KirExpr *a, KirExpr *b, KirExpr *c);
KirExpr *kb_clamp(Kb *kb, KirExpr *a, int64_t lo, int64_t hi);
KirExpr *kb_round(Kb *kb, KirExpr *x, int64_t lo, int64_t hi);
KirExpr *kb_lookup(Kb *kb, KirBuffer *b, KirExpr *index);

/* Indices. */
KirIndex kir_at(int64_t offset);
KirIndex kir_at_plus(KirIndex at, int64_t stride, KirReg *var); /* var NULL: unchanged */
KirIndex kir_at_offset(KirIndex at, int64_t offset);

/* Statements. */
KirReg *kb_let(Kb *kb, const char *name, KirExpr *value); /* range of an INDEX from its value */
KirReg *kb_var(Kb *kb, const char *name, KirExpr *value); /* mutable */
void kb_set(Kb *kb, KirReg *reg, KirExpr *value);
/* n registers from n consecutive elements. */
void kb_loads(Kb *kb, KirReg **regs, int n, int home, const char *name, KirBuffer *b, KirIndex at);
/* Sums of products of n rows that lie together; see KIR_DOT. */
typedef struct KirDot {
  KirBuffer *w, *z, *bias;
  KirIndex w_at, z_at, bias_at;
  int64_t count;
  int step;
  bool swapped;
} KirDot;
void kb_dot(Kb *kb, KirReg **regs, int n, const char *const *name, const KirDot *dot);
/* Sums of products by tiles; see KIR_TILES. */
typedef struct KirTileOperands {
  KirBuffer *sums, *source, *weights;
  KirIndex sums_at, source_at, weights_at;
  int64_t words;
  KirTiles shape;
} KirTileOperands;
void kb_tiles(Kb *kb, const KirTileOperands *of);
void kb_store(Kb *kb, KirBuffer *b, KirIndex at, KirExpr *value);
/* lo..hi-1 by step; constant bounds. */
KirReg *kb_for(Kb *kb, const char *name, int64_t lo, int64_t hi, int64_t step);
/* Bounds as INDEX expressions; the variable's range from theirs. */
KirReg *kb_for_expr(Kb *kb, const char *name, KirExpr *lo, KirExpr *hi, int64_t step);
/* Once more with the register of another loop, in which this one does not stand. */
void kb_for_again(Kb *kb, KirReg *reg, int64_t lo, int64_t hi);
void kb_if(Kb *kb, KirExpr *condition);
void kb_else(Kb *kb);
void kb_section(Kb *kb, KirOrigin origin, const char *doc);
/* A section that holds tiles. */
void kb_tiles_open(Kb *kb);
void kb_end(Kb *kb); /* closes the innermost for, if or section */
void kb_copy(Kb *kb, KirBuffer *to, KirIndex at, KirBuffer *from, KirIndex from_at, int64_t n);
void kb_zero(Kb *kb, KirBuffer *b, KirIndex at, int64_t n);
void kb_return(Kb *kb, KirStatus status);
void kb_return_value(Kb *kb, KirExpr *value);
void kb_invoke(Kb *kb, KirFunc *callee, KirBuffer **args, int n);

#endif
