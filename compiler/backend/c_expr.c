/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expressions of KIR as C. Scalars, and vectors of the GNU kind, use C's operators; what C has no
 * operator for, and every operation on ISO lanes, calls a function of the prelude. */
#include "backend/c_internal.h"
#include "backend/elem_names.h"
#include "kir/fours.h"

#include <string.h>

const char *c_elem(KirElem elem) {
  return elem_names(elem)->c;
}

const char *c_type(CWriter *c, KirType t) {
  if (t.lanes == 1) return c_elem(t.elem);
  return arena_printf(c->out->arena, "%s_%s%d", c->prefix, t.elem == KIR_F32 ? "f32x" : "i32x",
                      t.lanes);
}

void c_float(Text *out, float f) {
  Text digits = text_new(out->arena);
  text_add_float(&digits, f);
  const char *s = text_str(&digits);
  text_add(out, s);
  if (!strpbrk(s, ".en")) text_add(out, ".0");
  text_add(out, "f");
}

/* ---- operations ---- */

/* C's binary operator; NULL where there is none. */
static const char *binary_operator(const KirExpr *e) {
  bool i32 = e->type.elem == KIR_I32 && e->type.lanes == 1 && !e->exact;
  switch (e->op) {
  case KIR_ADD: return i32 ? NULL : "+";
  case KIR_SUB: return i32 ? NULL : "-";
  case KIR_MUL: return i32 ? NULL : "*";
  case KIR_DIV: return "/";
  case KIR_AND: return e->type.elem == KIR_BOOL && e->type.lanes == 1 ? "&&" : "&";
  case KIR_OR: return e->type.elem == KIR_BOOL && e->type.lanes == 1 ? "||" : "|";
  case KIR_XOR: return "^";
  case KIR_SHR: return ">>";
  case KIR_LT: return e->type.lanes == 1 ? "<" : NULL;
  case KIR_LE: return e->type.lanes == 1 ? "<=" : NULL;
  case KIR_EQ: return e->type.lanes == 1 ? "==" : NULL;
  case KIR_NE:
    return e->type.lanes == 1 ? "!=" : NULL;
  KIR_LEAF_CASES:
  KIR_FORM_CASES:
  KIR_FIXED_CASES:
  case KIR_MIN:
  case KIR_MAX:
  KIR_UNARY_CASES:
  KIR_ADDED_CASES:
  case KIR_SHL:
  case KIR_SELECT:
  case KIR_CALL: break;
  }
  return NULL;
}

static bool is_atom(const KirExpr *e) {
  switch (e->op) {
  case KIR_REG:
  case KIR_LOAD:
  case KIR_CALL: return true;
  case KIR_NUM: return e->type.lanes == 1 && (e->type.elem == KIR_F32 ? e->f >= 0 : e->i >= 0);
  case KIR_SPLAT:
  case KIR_MIN:
  case KIR_MAX:
  case KIR_FMA:
  case KIR_PAIRS:
  case KIR_QUADS:
  case KIR_SIGNED_QUADS:
  case KIR_BITCAST:
  case KIR_ABS:
  KIR_FIXED_CASES:
    return true;
  KIR_COMPARE_CASES:
  case KIR_ADD:
  case KIR_SUB:
  case KIR_MUL:
  case KIR_DIV:
  case KIR_NEG:
  case KIR_SQRT:
  case KIR_MAD:
  case KIR_AND:
  case KIR_OR:
  case KIR_XOR:
  case KIR_SHL:
  case KIR_SHR:
  case KIR_SELECT:
  case KIR_CONVERT:
  case KIR_SUM:
  case KIR_LANE: break;
  }
  return false;
}

static void operand(CWriter *c, const KirExpr *e) {
  if (!is_atom(e)) text_add(c->out, "(");
  c_expr(c, e);
  if (!is_atom(e)) text_add(c->out, ")");
}

static void call(CWriter *c, const char *name, const KirExpr *e) {
  text_printf(c->out, "%s_%s(", c->prefix, name);
  for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++) {
    if (i) text_add(c->out, ", ");
    c_expr(c, e->arg[i]);
  }
  text_add(c->out, ")");
}

static const char *function_name(CWriter *c, const KirExpr *e) {
  static const char *const name[] = {[KIR_ADD] = "add",       [KIR_SUB] = "sub",
                                     [KIR_MUL] = "mul",       [KIR_DIV] = "div",
                                     [KIR_MIN] = "min",       [KIR_MAX] = "max",
                                     [KIR_NEG] = "neg",       [KIR_ABS] = "abs",
                                     [KIR_SQRT] = "sqrt",     [KIR_FMA] = "fma",
                                     [KIR_MAD] = "mad",       [KIR_AND] = "and",
                                     [KIR_OR] = "or",         [KIR_XOR] = "xor",
                                     [KIR_SHL] = "shl",       [KIR_SHR] = "shr",
                                     [KIR_LT] = "lt",         [KIR_LE] = "le",
                                     [KIR_EQ] = "eq",         [KIR_NE] = "ne",
                                     [KIR_SELECT] = "select", [KIR_SUM] = "sum",
                                     [KIR_CALL] = "",         [KIR_MULW] = "mulw",
                                     [KIR_CLAMP] = "clamp",   [KIR_ADDS] = "adds",
                                     [KIR_MIX] = "mix",       [KIR_FADE] = "fade",
                                     [KIR_ROUND] = "round",   [KIR_PAIRS] = "pairs",
                                     [KIR_QUADS] = "quads",   [KIR_SIGNED_QUADS] = "signed_quads"};
  KirType t =
      e->op == KIR_LT || e->op == KIR_LE || e->op == KIR_EQ || e->op == KIR_NE || e->op == KIR_SUM
          ? e->arg[0]->type
          : e->type;
  const char *elem = t.elem == KIR_F32 ? "f32" : t.elem == KIR_INDEX ? "index" : "i32";
  return t.lanes > 1 ? arena_printf(c->out->arena, "%s_%sx%d", name[e->op], elem, t.lanes)
                     : arena_printf(c->out->arena, "%s_%s", name[e->op], elem);
}

static void number(CWriter *c, const KirExpr *e) {
  Text *out = c->out;
  if (e->type.lanes > 1)
    text_printf(out, "%s_splat%s%d(", c->prefix, e->type.elem == KIR_F32 ? "" : "_i32x",
                e->type.lanes);
  if (e->type.elem == KIR_F32)
    c_float(out, e->f);
  else if (e->i == INT32_MIN)
    text_add(out, "INT32_MIN");
  else
    text_printf(out, "%lld", (long long)e->i);
  if (e->type.lanes > 1) text_add(out, ")");
}

static void convert(CWriter *c, const KirExpr *e) {
  const KirExpr *a = e->arg[0];
  if (e->type.lanes > 1) {
    call(c,
         arena_printf(c->out->arena, "to_%s%d", e->type.elem == KIR_F32 ? "f32x" : "i32x",
                      e->type.lanes),
         e);
    return;
  }
  text_printf(c->out, "(%s)", c_elem(e->type.elem));
  operand(c, a);
}

static void select(CWriter *c, const KirExpr *e) {
  if (e->type.lanes > 1) {
    call(c, function_name(c, e), e);
    return;
  }
  operand(c, e->arg[0]);
  text_add(c->out, " ? ");
  operand(c, e->arg[1]);
  text_add(c->out, " : ");
  operand(c, e->arg[2]);
}

/* Two's complement without undefined overflow. */
static void wrapping(CWriter *c, const KirExpr *e) {
  const char *op = e->op == KIR_ADD ? "+" : e->op == KIR_SUB ? "-" : e->op == KIR_MUL ? "*" : "<<";
  text_add(c->out, "(int32_t)((uint32_t)");
  operand(c, e->arg[0]);
  text_printf(c->out, " %s ", op);
  if (e->op != KIR_SHL) text_add(c->out, "(uint32_t)");
  operand(c, e->arg[1]);
  text_add(c->out, ")");
}

static void int_literal(Text *out, int64_t i) {
  if (i == INT32_MIN)
    text_add(out, "INT32_MIN");
  else if (i == INT32_MAX)
    text_add(out, "INT32_MAX");
  else
    text_printf(out, "%lld", (long long)i);
}

const char *c_saturation_name(CWriter *c, const CSaturation *s) {
  const char *name = arena_printf(c->out->arena, "%s%d", s->top ? "top" : "sat", s->bits);
  return s->shift ? arena_printf(c->out->arena, "%s_shr%d", name, s->shift) : name;
}

CSaturation c_saturation(const KirExpr *e) {
  CSaturation s = {0};
  if (e->op != KIR_CLAMP || e->type.lanes > 1 || e->lo != -e->hi - 1) return s;
  s.bits = kir_clamp_bits(e);
  const KirExpr *a = e->arg[0];
  if (a->op == KIR_SHR && a->arg[1]->op == KIR_NUM) s.shift = (int)a->arg[1]->i;
  int64_t lo, hi;
  kir_expr_range(a, &lo, &hi);
  s.top = lo >= e->lo;
  return s;
}

/* A function of the prelude, with the bounds that the node carries after its arguments. */
static void fixed_point(CWriter *c, const KirExpr *e) {
  static const char *const name[] = {"mulw", "clamp", "adds", "mix", "fade", "", "round"};
  CSaturation saturation = c_saturation(e);
  if (saturation.bits) {
    text_printf(c->out, "%s_%s(", c->prefix, c_saturation_name(c, &saturation));
    c_expr(c, saturation.shift ? e->arg[0]->arg[0] : e->arg[0]);
    text_add(c->out, ")");
    return;
  }
  text_printf(c->out, "%s_%s(", c->prefix, name[e->op - KIR_MULW]);
  for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++) {
    if (i) text_add(c->out, ", ");
    c_expr(c, e->arg[i]);
  }
  int64_t bound[2] = {e->lo, e->hi};
  for (int i = 0; i < 2 && (e->op == KIR_CLAMP || e->op == KIR_ROUND); i++) {
    text_add(c->out, ", ");
    if (e->op == KIR_CLAMP)
      int_literal(c->out, bound[i]);
    else
      c_float(c->out, (float)bound[i]);
  }
  text_add(c->out, ")");
}

/* "kws_table[i]", and of records of four words "kws_row(kws_table, i)[3]". */
static void lookup(CWriter *c, const KirExpr *e) {
  const KirExpr *at = e->arg[0];
  bool row = kir_is_record(e);
  if (e->type.lanes > 1) {
    text_printf(c->out, "%s_lookup_i32x%d(", c->prefix, e->type.lanes);
    c_buffer_base(c, e->buffer);
    text_add(c->out, ", ");
    c_expr(c, at);
    text_add(c->out, ")");
    return;
  }
  if (row) text_printf(c->out, "%s_row(", c->prefix);
  c_buffer_base(c, e->buffer);
  text_add(c->out, row ? ", " : "[");
  c_expr(c, row ? at->arg[0]->arg[0] : at);
  text_add(c->out, row ? ")[" : "]");
  if (row) text_printf(c->out, "%lld]", (long long)at->arg[1]->i);
}

static bool is_small(const KirExpr *e) {
  int64_t lo, hi;
  kir_expr_range(e, &lo, &hi);
  return lo >= INT16_MIN && hi <= INT16_MAX;
}

CAddKind c_add_kind(const KirExpr *e) {
  if (e->op != KIR_ADD || e->type.elem != KIR_I32 || e->type.lanes > 1 || !e->exact)
    return C_ADD_NONE;
  const KirExpr *p = e->arg[1];
  if (p->op == KIR_MULW) return C_ADD_MULW;
  bool halved = p->op == KIR_SHR && p->arg[1]->op == KIR_NUM && p->arg[1]->i == 16 &&
                p->arg[0]->op == KIR_MUL && p->arg[0]->exact && is_small(p->arg[0]->arg[1]);
  return halved ? C_ADD_PRODUCT : C_ADD_NONE;
}

/* "kws_add_mulw(c, a, m)" */
static void add_product(CWriter *c, const KirExpr *e, CAddKind kind) {
  const KirExpr *p = kind == C_ADD_MULW ? e->arg[1] : e->arg[1]->arg[0];
  text_printf(c->out, "%s_%s(", c->prefix, kind == C_ADD_MULW ? "add_mulw" : "add_product");
  c_expr(c, e->arg[0]);
  text_add(c->out, ", ");
  c_expr(c, p->arg[0]);
  text_add(c->out, ", ");
  c_expr(c, p->arg[1]);
  text_add(c->out, ")");
}

bool c_is_avr_shift(const CWriter *c, const KirExpr *e) {
  return c->o->machine.is_avr && e->type.elem == KIR_I32 && e->type.lanes == 1 &&
         (e->op == KIR_SHR || (e->op == KIR_SHL && e->exact && is_small(e->arg[0]))) &&
         e->arg[1]->op == KIR_NUM && e->arg[1]->i == 15;
}

static void avr_shift(CWriter *c, const KirExpr *e) {
  text_printf(c->out, "%s_sh%c15(", c->prefix, e->op == KIR_SHR ? 'r' : 'l');
  c_expr(c, e->arg[0]);
  text_add(c->out, ")");
}

/* Shifting a negative number to the left is not defined in C; the product is. */
static void exact_shift(CWriter *c, const KirExpr *e) {
  operand(c, e->arg[0]);
  text_printf(c->out, " * %lld", (long long)1 << e->arg[1]->i);
}

bool c_is_fma_scalar(const KirExpr *e) {
  return e->op == KIR_FMA && e->type.lanes > 1 && e->arg[1]->op == KIR_SPLAT;
}

void c_expr(CWriter *c, const KirExpr *e) {
  bool iso = e->type.lanes > 1 && c->o->vectors == C_VECTORS_ISO;
  const char *op = iso ? NULL : binary_operator(e);
  if (c_is_avr_shift(c, e)) {
    avr_shift(c, e);
    return;
  }
  switch (e->op) {
  case KIR_NUM: number(c, e); return;
  case KIR_REG: text_add(c->out, c->name[e->reg->id]); return;
  case KIR_LOAD: c_load(c, e); return;
  case KIR_CALL: call(c, e->helper->name, e); return;
  case KIR_CONVERT: convert(c, e); return;
  case KIR_SELECT: select(c, e); return;
  case KIR_MULW:
  case KIR_CLAMP:
  case KIR_ADDS:
  case KIR_MIX:
  case KIR_FADE:
  case KIR_ROUND: fixed_point(c, e); return;
  case KIR_LOOKUP: lookup(c, e); return;
  case KIR_BITCAST:
    call(c,
         e->type.lanes > 1         ? arena_printf(c->out->arena, "as_%s%d",
                                          e->type.elem == KIR_F32 ? "f32x" : "i32x", e->type.lanes)
         : e->type.elem == KIR_F32 ? "as_f32"
                                   : "as_i32",
         e);
    return;
  case KIR_SPLAT:
    call(c,
         arena_printf(c->out->arena, "splat%s%d", e->type.elem == KIR_F32 ? "" : "_i32x",
                      e->type.lanes),
         e);
    return;
  case KIR_LANE:
    operand(c, e->arg[0]);
    text_printf(c->out, c->o->vectors == C_VECTORS_ISO ? ".v[%lld]" : "[%lld]", (long long)e->i);
    return;
  case KIR_FMA:
    if (!c_is_fma_scalar(e)) break;
    text_printf(c->out, "%s_fma_n_f32x%d(", c->prefix, e->type.lanes);
    c_expr(c, e->arg[0]);
    text_add(c->out, ", ");
    c_expr(c, e->arg[1]->arg[0]);
    text_add(c->out, ", ");
    c_expr(c, e->arg[2]);
    text_add(c->out, ")");
    return;
  case KIR_MAD:
    if (iso) break;
    operand(c, e->arg[0]);
    text_add(c->out, " * ");
    operand(c, e->arg[1]);
    text_add(c->out, " + ");
    operand(c, e->arg[2]);
    return;
  case KIR_NEG:
    if (iso) break;
    text_add(c->out, "-");
    operand(c, e->arg[0]);
    return;
  case KIR_ADD:
  case KIR_SUB:
  case KIR_MUL:
  case KIR_SHL:
    if (e->type.elem == KIR_I32 && e->type.lanes == 1 && !e->exact) {
      wrapping(c, e);
      return;
    }
    if (c_add_kind(e)) {
      add_product(c, e, c_add_kind(e));
      return;
    }
    if (e->op == KIR_SHL && e->exact) {
      exact_shift(c, e);
      return;
    }
    if (e->op == KIR_SHL && !iso) op = "<<";
    break;
  KIR_COMPARE_CASES:
  case KIR_PAIRS:
  case KIR_QUADS:
  case KIR_SIGNED_QUADS:
  case KIR_DIV:
  case KIR_MIN:
  case KIR_MAX:
  case KIR_ABS:
  case KIR_SQRT:
  case KIR_AND:
  case KIR_OR:
  case KIR_XOR:
  case KIR_SHR:
  case KIR_SUM: break;
  }
  if (!op) {
    call(c, function_name(c, e), e);
    return;
  }
  operand(c, e->arg[0]);
  text_printf(c->out, " %s ", op);
  operand(c, e->arg[1]);
}
