/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing KIR: nodes, ranges of index expressions, and the cursor. */
#include "kir/builder.h"

#include <assert.h>

/* ---- expressions ---- */

static KirExpr *expr_new(Kb *kb, KirOp op, KirType type) {
  KirExpr *e = ARENA_NEW(kb->m->arena, KirExpr);
  e->op = op;
  e->type = type;
  return e;
}

KirReg *kb_reg(Kb *kb, const char *name, KirType type) {
  KirReg *reg = ARENA_NEW(kb->m->arena, KirReg);
  reg->id = kb->f->n_regs++;
  reg->name = name;
  reg->type = type;
  if (type.elem == KIR_I32) {
    reg->lo = INT32_MIN;
    reg->hi = INT32_MAX;
  }
  if (type.lanes > kb->m->lanes) kb->m->lanes = type.lanes;
  return reg;
}

KirExpr *kb_num(Kb *kb, float f, int lanes) {
  KirExpr *e = expr_new(kb, KIR_NUM, kir_type(KIR_F32, lanes));
  e->f = f;
  return e;
}

KirExpr *kb_int(Kb *kb, KirElem elem, int64_t i, int lanes) {
  KirExpr *e = expr_new(kb, KIR_NUM, kir_type(elem, lanes));
  e->i = i;
  return e;
}

KirExpr *kb_use(Kb *kb, KirReg *reg) {
  KirExpr *e = expr_new(kb, KIR_REG, reg->type);
  e->reg = reg;
  return e;
}

KirExpr *kb_load(Kb *kb, KirBuffer *b, KirIndex at, int lanes) {
  KirExpr *e = expr_new(kb, KIR_LOAD, kir_type(kir_elem_widened(b->elem), lanes));
  e->buffer = b;
  e->at = at;
  return e;
}

static KirExpr *expr_of(Kb *kb, KirOp op, KirType type, KirExpr *a, KirExpr *b, KirExpr *c) {
  KirExpr *e = expr_new(kb, op, type);
  e->arg[0] = a;
  e->arg[1] = b;
  e->arg[2] = c;
  return e;
}

KirExpr *kb_op3(Kb *kb, KirOp op, KirExpr *a, KirExpr *b, KirExpr *c) {
  bool compares = op == KIR_LT || op == KIR_LE || op == KIR_EQ || op == KIR_NE;
  return expr_of(kb, op, compares ? kir_type(KIR_BOOL, a->type.lanes) : a->type, a, b, c);
}

KirExpr *kb_op2(Kb *kb, KirOp op, KirExpr *a, KirExpr *b) {
  bool is_index = a->type.elem == KIR_INDEX;
  if (is_index && a->op == KIR_NUM && b->op == KIR_NUM) {
    if (op == KIR_ADD) return kb_int(kb, KIR_INDEX, a->i + b->i, 1);
    if (op == KIR_SUB) return kb_int(kb, KIR_INDEX, a->i - b->i, 1);
    if (op == KIR_MUL) return kb_int(kb, KIR_INDEX, a->i * b->i, 1);
    if (op == KIR_DIV) return kb_int(kb, KIR_INDEX, a->i / b->i, 1);
    if (op == KIR_MIN) return kb_int(kb, KIR_INDEX, a->i < b->i ? a->i : b->i, 1);
    if (op == KIR_MAX) return kb_int(kb, KIR_INDEX, a->i > b->i ? a->i : b->i, 1);
  }
  if (is_index && b->op == KIR_NUM) {
    if ((op == KIR_ADD || op == KIR_SUB) && b->i == 0) return a;
    if ((op == KIR_MUL || op == KIR_DIV) && b->i == 1) return a;
    if (op == KIR_ADD && b->i < 0) return kb_op2(kb, KIR_SUB, a, kb_int(kb, KIR_INDEX, -b->i, 1));
  }
  return kb_op3(kb, op, a, b, NULL);
}

KirExpr *kb_op1(Kb *kb, KirOp op, KirExpr *a) {
  KirExpr *e = kb_op3(kb, op, a, NULL, NULL);
  if (op == KIR_SUM) e->type.lanes = 1;
  return e;
}

KirExpr *kb_pairs(Kb *kb, KirExpr *a, KirExpr *b, KirExpr *c) {
  KirExpr *e = kb_op3(kb, KIR_PAIRS, a, b, c);
  e->type = c->type;
  return e;
}

KirExpr *kb_quads(Kb *kb, KirExpr *a, KirExpr *b, KirExpr *c) {
  return kb_op3(kb, KIR_QUADS, a, b, c);
}

KirExpr *kb_signed_quads(Kb *kb, KirExpr *a, KirExpr *b, KirExpr *c) {
  return kb_op3(kb, KIR_SIGNED_QUADS, a, b, c);
}

KirExpr *kb_convert(Kb *kb, KirElem elem, KirExpr *a) {
  if (a->type.elem == elem) return a;
  KirExpr *e = expr_new(kb, KIR_CONVERT, kir_type(elem, a->type.lanes));
  e->arg[0] = a;
  return e;
}

KirExpr *kb_bitcast(Kb *kb, KirElem elem, KirExpr *a) {
  KirExpr *e = expr_new(kb, KIR_BITCAST, kir_type(elem, a->type.lanes));
  e->arg[0] = a;
  return e;
}

KirExpr *kb_splat(Kb *kb, KirExpr *a, int lanes) {
  if (lanes == a->type.lanes) return a;
  KirExpr *e = expr_new(kb, a->op == KIR_NUM ? KIR_NUM : KIR_SPLAT, kir_type(a->type.elem, lanes));
  e->f = a->f;
  e->i = a->i;
  if (e->op == KIR_SPLAT) e->arg[0] = a;
  return e;
}

KirExpr *kb_lane(Kb *kb, KirExpr *a, int lane) {
  if (a->type.lanes == 1) return a;
  KirExpr *e = expr_new(kb, KIR_LANE, kir_type(a->type.elem, 1));
  e->arg[0] = a;
  e->i = lane;
  return e;
}

KirExpr *kb_select(Kb *kb, KirExpr *c, KirExpr *a, KirExpr *b) {
  return expr_of(kb, KIR_SELECT, a->type, c, a, b);
}

KirExpr *kb_exact(Kb *kb, KirOp op, KirExpr *a, KirExpr *b) {
  KirExpr *e = kb_op3(kb, op, a, b, NULL);
  e->exact = true;
  return e;
}

KirExpr *kb_clamp(Kb *kb, KirExpr *a, int64_t lo, int64_t hi) {
  KirExpr *e = kb_op3(kb, KIR_CLAMP, a, NULL, NULL);
  e->lo = lo;
  e->hi = hi;
  return e;
}

KirExpr *kb_round(Kb *kb, KirExpr *x, int64_t lo, int64_t hi) {
  KirExpr *e = expr_new(kb, KIR_ROUND, kir_type(KIR_I32, x->type.lanes));
  e->arg[0] = x;
  e->lo = lo;
  e->hi = hi;
  return e;
}

KirExpr *kb_lookup(Kb *kb, KirBuffer *b, KirExpr *index) {
  KirExpr *e = expr_new(kb, KIR_LOOKUP, index->type);
  e->arg[0] = index;
  e->buffer = b;
  return e;
}

KirExpr *kb_call(Kb *kb, KirFunc *helper, KirExpr *a) {
  KirExpr *e = expr_new(kb, KIR_CALL, helper->result);
  e->helper = helper;
  e->arg[0] = a;
  return e;
}

/* ---- indices ---- */

KirIndex kir_at(int64_t offset) {
  KirIndex at = {0};
  at.offset = offset;
  return at;
}

KirIndex kir_at_offset(KirIndex at, int64_t offset) {
  at.offset += offset;
  return at;
}

KirIndex kir_at_plus(KirIndex at, int64_t stride, KirReg *var) {
  if (!var || stride == 0) return at;
  for (int i = 0; i < at.n_terms; i++)
    if (at.term[i].var == var) {
      at.term[i].stride += stride;
      return at;
    }
  assert(at.n_terms < KIR_MAX_TERMS);
  at.term[at.n_terms].stride = stride;
  at.term[at.n_terms].var = var;
  at.n_terms++;
  return at;
}

/* ---- statements ---- */

Kb kb_new(KirModule *m, KirFunc *f) {
  return (Kb){.m = m, .f = f, .tail = &f->body};
}

static KirStmt *stmt_new(Kb *kb, KirStmtKind kind) {
  KirStmt *s = ARENA_NEW(kb->m->arena, KirStmt);
  s->kind = kind;
  s->origin = kb->origin;
  *kb->tail = s;
  kb->tail = &s->next;
  return s;
}

static void kb_open(Kb *kb, KirStmt *s) {
  assert(kb->depth < (int)(sizeof kb->open / sizeof *kb->open));
  kb->open[kb->depth++].stmt = s;
  kb->tail = &s->body;
}

KirReg *kb_let(Kb *kb, const char *name, KirExpr *value) {
  KirReg *reg = kb_reg(kb, name, value->type);
  if (value->type.elem == KIR_INDEX || value->type.elem == KIR_I32)
    kir_expr_range(value, &reg->lo, &reg->hi);
  KirStmt *s = stmt_new(kb, KIR_LET);
  s->reg = reg;
  s->value = value;
  return reg;
}

KirReg *kb_var(Kb *kb, const char *name, KirExpr *value) {
  KirReg *reg = kb_let(kb, name, value);
  reg->is_mutable = true;
  if (value->type.elem == KIR_I32) {
    reg->lo = INT32_MIN;
    reg->hi = INT32_MAX;
  }
  return reg;
}

void kb_set(Kb *kb, KirReg *reg, KirExpr *value) {
  KirStmt *s = stmt_new(kb, KIR_SET);
  s->reg = reg;
  s->value = value;
}

void kb_loads(Kb *kb, KirReg **regs, int n, int home, const char *name, KirBuffer *b, KirIndex at) {
  KirStmt *s = stmt_new(kb, KIR_LOADS);
  s->regs = ARENA_ARRAY(kb->m->arena, KirReg *, n);
  for (int i = 0; i < n; i++)
    s->regs[i] = regs[i] = kb_reg(kb, name, kir_type(KIR_F32, 1));
  s->n_regs = n;
  s->home = home;
  s->buffer = b;
  s->at = at;
}

void kb_dot(Kb *kb, KirReg **regs, int n, const char *const *name, const KirDot *dot) {
  KirStmt *s = stmt_new(kb, KIR_DOT);
  s->regs = ARENA_ARRAY(kb->m->arena, KirReg *, n);
  s->n_regs = n;
  s->buffer = dot->w;
  s->at = dot->w_at;
  s->source = dot->z;
  s->from = dot->z_at;
  s->bias = dot->bias;
  s->bias_at = dot->bias_at;
  s->count = dot->count;
  s->step = dot->step;
  s->swapped = dot->swapped;
  for (int i = 0; i < n; i++) {
    s->regs[i] = regs[i] = kb_reg(kb, name[i], kir_type(KIR_I32, 1));
    kir_dot_range(s, i, &regs[i]->lo, &regs[i]->hi);
  }
}

void kb_tiles(Kb *kb, const KirTileOperands *of) {
  KirStmt *s = stmt_new(kb, KIR_TILES);
  s->buffer = of->sums;
  s->at = of->sums_at;
  s->source = of->source;
  s->from = of->source_at;
  s->weights = of->weights;
  s->weights_at = of->weights_at;
  s->count = of->words;
  s->tiles = of->shape;
}

void kb_store(Kb *kb, KirBuffer *b, KirIndex at, KirExpr *value) {
  KirStmt *s = stmt_new(kb, KIR_STORE);
  s->buffer = b;
  s->at = at;
  s->value = value;
}

KirReg *kb_for_expr(Kb *kb, const char *name, KirExpr *lo, KirExpr *hi, int64_t step) {
  int64_t l0, l1, h0, h1;
  KirStmt *s = stmt_new(kb, KIR_FOR);
  kir_expr_range(lo, &l0, &l1);
  kir_expr_range(hi, &h0, &h1);
  s->reg = kb_reg(kb, name, kir_type(KIR_INDEX, 1));
  s->reg->lo = step > 0 ? l0 : h0;
  s->reg->hi = step > 0 ? h1 - 1 : l1;
  if (step > 1 && l0 == l1 && h0 == h1 && h1 > l0) /* the last value actually taken */
    s->reg->hi = l0 + (h1 - 1 - l0) / step * step;
  s->lo = lo;
  s->hi = hi;
  s->step = step;
  kb_open(kb, s);
  return s->reg;
}

KirReg *kb_for(Kb *kb, const char *name, int64_t lo, int64_t hi, int64_t step) {
  return kb_for_expr(kb, name, kb_int(kb, KIR_INDEX, lo, 1), kb_int(kb, KIR_INDEX, hi, 1), step);
}

void kb_for_again(Kb *kb, KirReg *reg, int64_t lo, int64_t hi) {
  KirStmt *s = stmt_new(kb, KIR_FOR);
  s->reg = reg;
  s->lo = kb_int(kb, KIR_INDEX, lo, 1);
  s->hi = kb_int(kb, KIR_INDEX, hi, 1);
  s->step = 1;
  kb_open(kb, s);
}

void kb_if(Kb *kb, KirExpr *condition) {
  KirStmt *s = stmt_new(kb, KIR_IF);
  s->value = condition;
  kb_open(kb, s);
}

void kb_else(Kb *kb) {
  kb->tail = &kb->open[kb->depth - 1].stmt->other;
}

void kb_section(Kb *kb, KirOrigin origin, const char *doc) {
  kb->origin = origin;
  KirStmt *s = stmt_new(kb, KIR_SECTION);
  s->doc = doc;
  kb_open(kb, s);
}

void kb_tiles_open(Kb *kb) {
  KirStmt *s = stmt_new(kb, KIR_SECTION);
  s->holds_tiles = true;
  kb_open(kb, s);
}

void kb_end(Kb *kb) {
  kb->tail = &kb->open[--kb->depth].stmt->next;
}

void kb_copy(Kb *kb, KirBuffer *to, KirIndex at, KirBuffer *from, KirIndex from_at, int64_t n) {
  KirStmt *s = stmt_new(kb, KIR_COPY);
  s->buffer = to;
  s->at = at;
  s->source = from;
  s->from = from_at;
  s->count = n;
}

void kb_zero(Kb *kb, KirBuffer *b, KirIndex at, int64_t n) {
  KirStmt *s = stmt_new(kb, KIR_ZERO);
  s->buffer = b;
  s->at = at;
  s->count = n;
}

void kb_return(Kb *kb, KirStatus status) {
  stmt_new(kb, KIR_RETURN)->status = status;
}

void kb_return_value(Kb *kb, KirExpr *value) {
  stmt_new(kb, KIR_RETURN)->value = value;
}

void kb_invoke(Kb *kb, KirFunc *callee, KirBuffer **args, int n) {
  KirStmt *s = stmt_new(kb, KIR_INVOKE);
  s->callee = callee;
  s->args = args;
  s->n_args = n;
}

KirExpr *kb_limit(Kb *kb, KirExpr *x, float lo, float hi) {
  int n = x->type.lanes;
  return kb_op2(kb, KIR_MIN, kb_num(kb, hi, n), kb_op2(kb, KIR_MAX, kb_num(kb, lo, n), x));
}
