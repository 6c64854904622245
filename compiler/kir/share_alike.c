/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements that are alike but for the buffers that they touch; see share_alike.h. */
#include "kir/share_alike.h"

#include <string.h>

static bool same_reg(const KirAlike *a, const KirReg *x, const KirReg *y) {
  if (!x || !y) return x == y;
  bool defined = x->id < a->n_regs && a->stamp[x->id] == a->now;
  return defined ? a->reg[x->id] == y : x == y;
}

static bool define(KirAlike *a, KirReg *x, KirReg *y) {
  if (!x || !y) return x == y;
  if (!kir_type_equal(x->type, y->type) || x->is_mutable != y->is_mutable || x->lo != y->lo ||
      x->hi != y->hi || x->id >= a->n_regs)
    return false;
  a->stamp[x->id] = a->now;
  a->reg[x->id] = y;
  return true;
}

static bool same_index(const KirAlike *a, const KirIndex *x, const KirIndex *y) {
  if (x->offset != y->offset || x->n_terms != y->n_terms) return false;
  for (int i = 0; i < x->n_terms; i++)
    if (x->term[i].stride != y->term[i].stride || !same_reg(a, x->term[i].var, y->term[i].var))
      return false;
  return true;
}

/* Whether two buffers could be neighbours of one merged buffer, or are one. */
static bool same_kind(const KirBuffer *x, const KirBuffer *y) {
  if (!x || !y) return x == y;
  return x->elem == y->elem;
}

static bool same_bits(float x, float y) {
  return memcmp(&x, &y, sizeof x) == 0;
}

static bool same_expr(const KirAlike *a, const KirExpr *x, const KirExpr *y) {
  if (!x || !y) return x == y;
  if (x->op != y->op || !kir_type_equal(x->type, y->type) || !same_bits(x->f, y->f) ||
      x->i != y->i || x->lo != y->lo || x->hi != y->hi || x->exact != y->exact ||
      x->helper != y->helper || !same_reg(a, x->reg, y->reg) || !same_kind(x->buffer, y->buffer) ||
      !same_index(a, &x->at, &y->at))
    return false;
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    if (!same_expr(a, x->arg[i], y->arg[i])) return false;
  return true;
}

static bool same_list(KirAlike *a, const KirStmt *x, const KirStmt *y);

static bool same_stmt(KirAlike *a, const KirStmt *x, const KirStmt *y) {
  bool defines = x->kind == KIR_LET || x->kind == KIR_FOR;
  if (x->kind != y->kind || x->count != y->count || x->step != y->step ||
      x->swapped != y->swapped || x->unroll != y->unroll || x->independent != y->independent ||
      x->n_regs != y->n_regs || x->home != y->home || x->kind == KIR_INVOKE ||
      x->kind == KIR_RETURN || x->kind == KIR_TILES)
    return false;
  if (!same_expr(a, x->value, y->value) || !same_expr(a, x->lo, y->lo) ||
      !same_expr(a, x->hi, y->hi))
    return false;
  if (defines ? !define(a, x->reg, y->reg) : !same_reg(a, x->reg, y->reg)) return false;
  for (int i = 0; i < x->n_regs; i++)
    if (!define(a, x->regs[i], y->regs[i])) return false;
  return same_kind(x->buffer, y->buffer) && same_kind(x->source, y->source) &&
         same_kind(x->bias, y->bias) && same_index(a, &x->at, &y->at) &&
         same_index(a, &x->from, &y->from) && same_index(a, &x->bias_at, &y->bias_at) &&
         same_list(a, x->body, y->body) && same_list(a, x->other, y->other);
}

static bool same_list(KirAlike *a, const KirStmt *x, const KirStmt *y) {
  for (; x && y; x = x->next, y = y->next)
    if (!same_stmt(a, x, y)) return false;
  return !x && !y;
}

KirAlike kir_alike_new(Arena *arena, int n_regs) {
  return (KirAlike){ARENA_ARRAY(arena, KirReg *, n_regs + 1), ARENA_ARRAY(arena, int, n_regs + 1),
                    n_regs, 0};
}

bool kir_alike(KirAlike *a, KirStmt *const *x, KirStmt *const *y, int n) {
  a->now++;
  for (int i = 0; i < n; i++)
    if (!same_stmt(a, x[i], y[i])) return false;
  return true;
}

/* ---- what alike statements have in common, as a number ---- */

static uint64_t mix(uint64_t h, int64_t x) {
  return (h ^ (uint64_t)x) * 1099511628211u;
}

static uint64_t print_of_expr(uint64_t h, const KirExpr *e) {
  if (!e) return mix(h, 1);
  h = mix(mix(mix(h, e->op), e->at.offset), e->at.n_terms);
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    h = print_of_expr(h, e->arg[i]);
  return h;
}

static uint64_t print_of_list(uint64_t h, const KirStmt *list) {
  for (const KirStmt *x = list; x; x = x->next) {
    h = mix(mix(mix(mix(h, x->kind), x->count), x->at.offset), x->from.offset);
    h = print_of_expr(print_of_expr(print_of_expr(h, x->value), x->lo), x->hi);
    h = print_of_list(print_of_list(h, x->body), x->other);
  }
  return mix(h, 2);
}

uint64_t kir_print_of(const KirStmt *x) {
  bool whole = x->kind == KIR_SECTION || x->kind == KIR_FOR || x->kind == KIR_IF ||
               x->kind == KIR_ZERO || x->kind == KIR_COPY;
  KirStmt alone = *x;
  alone.next = NULL;
  return whole ? print_of_list(14695981039346656037u, &alone) | 1 : 0;
}
