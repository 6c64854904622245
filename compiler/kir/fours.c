/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which loops go four turns at a time; see fours.h. */
#include "kir/fours.h"

#include "kir/cases.h"

#include <math.h>

enum { LANES = 4, WORD_BITS = 32 };
/* A product of an integer with a larger scale is a normal number. */
static const double LEAST_SCALE = 1e-30;

bool kir_is_record(const KirExpr *e) {
  enum { WORDS = 4 };
  if (e->op != KIR_LOOKUP || e->type.lanes > 1 || e->buffer->elem != KIR_I32) return false;
  const KirExpr *at = e->arg[0];
  return at->op == KIR_ADD && at->exact && at->arg[1]->op == KIR_NUM && at->arg[0]->op == KIR_MUL &&
         at->arg[0]->exact && at->arg[0]->arg[1]->op == KIR_NUM && at->arg[0]->arg[1]->i == WORDS;
}

int kir_clamp_bits(const KirExpr *e) {
  int bits = 0;
  for (int n = 2; e->lo == -e->hi - 1 && n < WORD_BITS; n++)
    if (e->hi == ((int64_t)1 << (n - 1)) - 1) bits = n;
  return bits;
}

bool kir_is_number(const KirExpr *e) {
  return e->op == KIR_NUM && e->type.lanes == 1;
}

static bool has_form(const KirExpr *e, const KirReg *j);

static bool all_have_forms(const KirExpr *e, const KirReg *j) {
  for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++)
    if (!has_form(e->arg[i], j)) return false;
  return true;
}

/* Four elements that lie beside each other as j counts up. */
static bool goes_along(const KirIndex *at, const KirReg *j) {
  bool along = false;
  for (int i = 0; i < at->n_terms; i++) {
    if (at->term[i].var != j || at->term[i].stride == 0) continue;
    if (at->term[i].stride != 1 || along) return false;
    along = true;
  }
  return along;
}

/* x in f32 times a number, rounded: the only use of floats that are read. */
static bool is_scaled_input(const KirExpr *e, const KirReg *j) {
  return e->op == KIR_MUL && e->type.elem == KIR_F32 && e->type.lanes == 1 &&
         e->arg[0]->op == KIR_LOAD && e->arg[0]->buffer->elem == KIR_F32 &&
         goes_along(&e->arg[0]->at, j) && kir_is_number(e->arg[1]);
}

/* An integer times a number, in f32: the only floats that are written. */
static bool is_scaled_output(const KirExpr *e, const KirReg *j) {
  return e->op == KIR_MUL && e->type.elem == KIR_F32 && e->type.lanes == 1 &&
         e->arg[0]->op == KIR_CONVERT && e->arg[0]->arg[0]->type.elem == KIR_I32 &&
         kir_is_number(e->arg[1]) && fabs((double)e->arg[1]->f) >= LEAST_SCALE &&
         has_form(e->arg[0]->arg[0], j);
}

static bool has_form(const KirExpr *e, const KirReg *j) {
  if (e->type.elem != KIR_I32 || e->type.lanes != 1) return false;
  switch (e->op) {
  case KIR_NUM: return true;
  case KIR_REG: return e->reg->type.elem == KIR_I32 && !e->reg->is_mutable;
  case KIR_LOAD:
    return goes_along(&e->at, j) && (e->buffer->elem == KIR_I32 || e->buffer->elem == KIR_I16 ||
                                     e->buffer->elem == KIR_I8 || e->buffer->elem == KIR_U8);
  case KIR_ADD:
  case KIR_SUB:
  case KIR_MUL:
  case KIR_AND:
  case KIR_XOR:
  case KIR_MULW:
  case KIR_CLAMP:
  case KIR_ADDS:
  case KIR_MIX:
  case KIR_FADE: return all_have_forms(e, j);
  case KIR_SHL:
  case KIR_SHR:
    return kir_is_number(e->arg[1]) && e->arg[1]->i > 0 && e->arg[1]->i < WORD_BITS &&
           has_form(e->arg[0], j);
  case KIR_LOOKUP: return kir_is_record(e) && has_form(e->arg[0]->arg[0]->arg[0], j);
  case KIR_CALL: return kir_helper_goes_by_fours(e->helper) && all_have_forms(e, j);
  case KIR_ROUND:
    return is_scaled_input(e->arg[0], j);
  KIR_NO_FOURS_CASES:
    break;
  }
  return false;
}

/* ---- loops whose turns stand alone ---- */

static bool same_place(const KirIndex *a, const KirIndex *b) {
  bool same = a->offset == b->offset && a->n_terms == b->n_terms;
  for (int i = 0; same && i < a->n_terms; i++)
    same = a->term[i].var == b->term[i].var && a->term[i].stride == b->term[i].stride;
  return same;
}

/* Whether e reads a memory elsewhere than a turn writes it. */
static bool reads_elsewhere(const KirExpr *e, const KirBuffer *b, const KirIndex *at) {
  if (!e) return false;
  if (e->op == KIR_LOAD && e->buffer == b && !same_place(&e->at, at)) return true;
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    if (reads_elsewhere(e->arg[i], b, at)) return true;
  return false;
}

static bool turns_stand_alone(const KirStmt *body) {
  for (const KirStmt *s = body; s; s = s->next) {
    if (s->kind != KIR_STORE) continue;
    for (const KirStmt *r = body; r; r = r->next) {
      if (reads_elsewhere(r->value, s->buffer, &s->at)) return false;
      if (r->kind == KIR_STORE && r->buffer == s->buffer && !same_place(&r->at, &s->at))
        return false;
    }
  }
  return true;
}

/* Registers that are read are those of the body. */
static bool reads_own(const KirExpr *e, const bool *own) {
  if (!e) return true;
  if (e->op == KIR_REG && !own[e->reg->id]) return false;
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    if (!reads_own(e->arg[i], own)) return false;
  return true;
}

static bool statement_has_form(const KirStmt *s, const KirReg *j) {
  if (s->kind == KIR_LET) return !s->reg->is_mutable && has_form(s->value, j);
  if (s->kind != KIR_STORE || !goes_along(&s->at, j)) return false;
  KirElem elem = s->buffer->elem;
  if (elem == KIR_F32) return is_scaled_output(s->value, j);
  return (elem == KIR_I32 || elem == KIR_I16 || elem == KIR_I8) && has_form(s->value, j);
}

bool kir_helper_goes_by_fours(const KirFunc *f) {
  if (f->kind != KIR_HELPER || f->n_args != 1 || f->args[0]->type.elem != KIR_I32 ||
      f->result.elem != KIR_I32 || f->result.lanes != 1)
    return false;
  for (const KirStmt *s = f->body; s; s = s->next)
    if ((s->kind != KIR_LET && s->kind != KIR_RETURN) || !has_form(s->value, NULL)) return false;
  return true;
}

bool kir_loop_goes_by_fours(const KirStmt *loop, int n_regs, Arena *arena) {
  if (loop->kind != KIR_FOR || loop->step != 1 || !kir_is_number(loop->lo) ||
      !kir_is_number(loop->hi) || loop->hi->i - loop->lo->i < LANES)
    return false;
  bool *own = ARENA_ARRAY(arena, bool, n_regs + 1);
  for (const KirStmt *s = loop->body; s; s = s->next) {
    if (!statement_has_form(s, loop->reg) || !reads_own(s->value, own)) return false;
    if (s->kind == KIR_LET) own[s->reg->id] = true;
  }
  return turns_stand_alone(loop->body);
}
