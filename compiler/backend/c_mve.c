/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops of integers by the vectors of MVE, in C. In: a loop over the units of a layer whose turns
 * do not depend on each other, or a helper of fixed-point numbers. Out: the same for four of them
 * at a time, by intrinsics, beside the portable form. Compilers do not find these forms themselves:
 * the upper halves of products, saturation, and records of tables.
 *
 * Every operation gives the bits of the portable one. Floats are only converted: MVE takes numbers
 * below the normal ones as 0, which is what they are rounded to here. */
#include "backend/c_internal.h"
#include "kir/cases.h"

#include <math.h>
#include <string.h>

enum { LANES = 4, WORD_BITS = 32 };
static const char has_mve[] = "defined(__ARM_FEATURE_MVE) && !defined(__ARM_BIG_ENDIAN)";
/* Operations without a form here. */
#define NO_FORM_CASES                                                                              \
  case KIR_DIV:                                                                                    \
  case KIR_MIN:                                                                                    \
  case KIR_MAX:                                                                                    \
  case KIR_NEG:                                                                                    \
  case KIR_ABS:                                                                                    \
  case KIR_SQRT:                                                                                   \
  case KIR_FMA:                                                                                    \
  case KIR_MAD:                                                                                    \
  case KIR_PAIRS:                                                                                  \
  case KIR_QUADS:                                                                                  \
  case KIR_SIGNED_QUADS:                                                                           \
  case KIR_OR:                                                                                     \
  case KIR_LT:                                                                                     \
  case KIR_LE:                                                                                     \
  case KIR_EQ:                                                                                     \
  case KIR_NE:                                                                                     \
  case KIR_SELECT:                                                                                 \
  case KIR_CONVERT:                                                                                \
  case KIR_BITCAST:                                                                                \
  case KIR_SPLAT:                                                                                  \
  case KIR_SUM:                                                                                    \
  case KIR_LANE
/* A product of an integer with a larger scale is a normal number. */
static const double LEAST_SCALE = 1e-30;

bool c_is_for_mve(const CWriter *c) {
  const char *needs = c->o->machine.needs;
  return needs && strstr(needs, "__ARM_FEATURE_MVE") && c->o->vectors != C_VECTORS_ISO;
}

void c_mve_prelude(CWriter *c) {
  text_printf(c->out,
              "\n#if %s\n#include <arm_mve.h>\n#if defined(__clang__) /* the portable form of what "
              "has one by vectors */\n#pragma clang diagnostic ignored \"-Wunused-function\"\n"
              "#endif\n#endif\n",
              has_mve);
}

/* ---- what has a form ---- */

static bool is_number(const KirExpr *e) {
  return e->op == KIR_NUM && e->type.lanes == 1;
}

/* Operations that have no form in lanes of MVE. */
#define FORMLESS_CASES                                                                             \
  case KIR_DIV:                                                                                    \
  case KIR_MIN:                                                                                    \
  case KIR_MAX:                                                                                    \
  KIR_UNARY_CASES:                                                                                 \
  case KIR_FMA:                                                                                    \
  case KIR_MAD:                                                                                    \
  case KIR_PAIRS:                                                                                  \
  case KIR_QUADS:                                                                                  \
  case KIR_SIGNED_QUADS:                                                                           \
  case KIR_OR:                                                                                     \
  KIR_COMPARE_CASES:                                                                               \
  case KIR_SELECT: KIR_FORM_CASES

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
         goes_along(&e->arg[0]->at, j) && is_number(e->arg[1]);
}

/* An integer times a number, in f32: the only floats that are written. */
static bool is_scaled_output(const KirExpr *e, const KirReg *j) {
  return e->op == KIR_MUL && e->type.elem == KIR_F32 && e->type.lanes == 1 &&
         e->arg[0]->op == KIR_CONVERT && e->arg[0]->arg[0]->type.elem == KIR_I32 &&
         is_number(e->arg[1]) && fabs((double)e->arg[1]->f) >= LEAST_SCALE &&
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
    return is_number(e->arg[1]) && e->arg[1]->i > 0 && e->arg[1]->i < WORD_BITS &&
           has_form(e->arg[0], j);
  case KIR_LOOKUP: return c_is_row(e) && has_form(e->arg[0]->arg[0]->arg[0], j);
  case KIR_CALL: return e->helper->n_args == 1 && all_have_forms(e, j);
  case KIR_ROUND:
    return is_scaled_input(e->arg[0], j);
  FORMLESS_CASES:
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

bool c_mve_has(const CWriter *c, const KirStmt *loop) {
  if (!c_is_for_mve(c) || loop->kind != KIR_FOR || loop->step != 1 || !is_number(loop->lo) ||
      !is_number(loop->hi) || loop->hi->i - loop->lo->i < LANES)
    return false;
  bool *own = ARENA_ARRAY(c->out->arena, bool, c->f->n_regs + 1);
  for (const KirStmt *s = loop->body; s; s = s->next) {
    if (!statement_has_form(s, loop->reg) || !reads_own(s->value, own)) return false;
    if (s->kind == KIR_LET) own[s->reg->id] = true;
  }
  return turns_stand_alone(loop->body);
}

/* ---- expressions ---- */

static void lanes(CWriter *c, const KirExpr *e);

/* "vaddq_s32(a, b)", or "vaddq_n_s32(a, 3)" */
static void two(CWriter *c, const char *name, const KirExpr *e) {
  bool constant = is_number(e->arg[1]);
  text_printf(c->out, "v%sq_%ss32(", name, constant ? "n_" : "");
  lanes(c, e->arg[0]);
  text_add(c->out, ", ");
  if (constant)
    text_printf(c->out, "%lld", (long long)e->arg[1]->i);
  else
    lanes(c, e->arg[1]);
  text_add(c->out, ")");
}

static void two_vectors(CWriter *c, const char *name, const KirExpr *a, const KirExpr *b) {
  text_printf(c->out, "v%sq_s32(", name);
  lanes(c, a);
  text_add(c->out, ", ");
  lanes(c, b);
  text_add(c->out, ")");
}

static void shift(CWriter *c, const char *name, const KirExpr *a, int n) {
  text_printf(c->out, "v%sq_n_s32(", name);
  lanes(c, a);
  text_printf(c->out, ", %d)", n);
}

/* floor(a m / 2^16) as the upper half of a product with m 2^16. */
static void upper_half(CWriter *c, const KirExpr *a, const KirExpr *m) {
  text_add(c->out, "vmulhq_s32(");
  lanes(c, a);
  text_add(c->out, ", ");
  shift(c, "shl", m, 16);
  text_add(c->out, ")");
}

static void clamp(CWriter *c, const KirExpr *e) {
  CSaturation s = c_saturation(e);
  if (s.bits && s.bits + s.shift < WORD_BITS) { /* a shift up that saturates, and back */
    text_add(c->out, "vshrq_n_s32(");
    shift(c, "qshl", s.shift ? e->arg[0]->arg[0] : e->arg[0], WORD_BITS - s.bits - s.shift);
    text_printf(c->out, ", %d)", WORD_BITS - s.bits);
    return;
  }
  text_add(c->out, "vminq_s32(vmaxq_s32(");
  lanes(c, e->arg[0]);
  text_printf(c->out, ", vdupq_n_s32(%s%lld)), vdupq_n_s32(%lld))",
              e->lo == INT32_MIN ? "-1 + " : "",
              (long long)(e->lo == INT32_MIN ? e->lo + 1 : e->lo), (long long)e->hi);
}

/* "a op 2 mulw(..)" */
static void toward(CWriter *c, const KirExpr *e) {
  bool mixes = e->op == KIR_MIX;
  const KirExpr *by = e->arg[mixes ? 2 : 1];
  text_printf(c->out, "v%sq_s32(", mixes ? "add" : "sub");
  lanes(c, e->arg[0]);
  text_add(c->out, ", vshlq_n_s32(vmulhq_s32(");
  if (mixes)
    two_vectors(c, "sub", e->arg[1], e->arg[0]);
  else
    lanes(c, e->arg[0]);
  text_add(c->out, ", ");
  shift(c, "shl", by, 16);
  text_add(c->out, "), 1))");
}

static void column(CWriter *c, const KirExpr *e) {
  enum { RECORD_SHIFT = 4 }; /* of four words */
  const KirExpr *at = e->arg[0];
  text_add(c->out, "vldrwq_gather_offset_s32(");
  c_buffer_base(c, e->buffer);
  if (at->arg[1]->i) text_printf(c->out, " + %lld", (long long)at->arg[1]->i);
  text_add(c->out, ", vreinterpretq_u32_s32(");
  shift(c, "shl", at->arg[0]->arg[0], RECORD_SHIFT);
  text_add(c->out, "))");
}

static void load(CWriter *c, const KirBuffer *b, const KirIndex *at) {
  bool is_unsigned = b->elem == KIR_U8;
  char size = b->elem == KIR_I16 ? 'h' : b->elem == KIR_I8 || is_unsigned ? 'b' : 'w';
  text_printf(c->out, "%svldr%cq_%s32(&", is_unsigned ? "vreinterpretq_s32_u32(" : "", size,
              is_unsigned          ? "u"
              : b->elem == KIR_F32 ? "f"
                                   : "s");
  c_access(c, b, at);
  text_add(c->out, is_unsigned ? "))" : ")");
}

/* To nearest, ties to even; the greater of a NaN and a number is the number. */
static void rounded(CWriter *c, const KirExpr *e) {
  const KirExpr *x = e->arg[0];
  text_add(c->out, "vcvtnq_s32_f32(vminnmq_f32(vmaxnmq_f32(vmulq_n_f32(");
  load(c, x->arg[0]->buffer, &x->arg[0]->at);
  text_add(c->out, ", ");
  c_float(c->out, x->arg[1]->f);
  text_add(c->out, "), vdupq_n_f32(");
  c_float(c->out, (float)e->lo);
  text_add(c->out, ")), vdupq_n_f32(");
  c_float(c->out, (float)e->hi);
  text_add(c->out, ")))");
}

static void lanes(CWriter *c, const KirExpr *e) {
  switch (e->op) {
  case KIR_NUM: text_printf(c->out, "vdupq_n_s32(%lld)", (long long)e->i); return;
  case KIR_REG: text_add(c->out, c->name[e->reg->id]); return;
  case KIR_LOAD: load(c, e->buffer, &e->at); return;
  case KIR_ADD: two(c, "add", e); return;
  case KIR_SUB: two(c, "sub", e); return;
  case KIR_MUL: two(c, "mul", e); return;
  case KIR_AND: two_vectors(c, "and", e->arg[0], e->arg[1]); return;
  case KIR_XOR: two_vectors(c, "eor", e->arg[0], e->arg[1]); return;
  case KIR_ADDS: two_vectors(c, "qadd", e->arg[0], e->arg[1]); return;
  case KIR_SHL: shift(c, "shl", e->arg[0], (int)e->arg[1]->i); return;
  case KIR_SHR: shift(c, "shr", e->arg[0], (int)e->arg[1]->i); return;
  case KIR_MULW: upper_half(c, e->arg[0], e->arg[1]); return;
  case KIR_CLAMP: clamp(c, e); return;
  case KIR_MIX:
  case KIR_FADE: toward(c, e); return;
  case KIR_LOOKUP: column(c, e); return;
  case KIR_ROUND: rounded(c, e); return;
  case KIR_CALL:
    text_printf(c->out, "%s_%s_lanes(", c->prefix, e->helper->name);
    lanes(c, e->arg[0]);
    text_add(c->out, ")");
    return;
  FORMLESS_CASES:
    return;
  }
}

/* ---- statements ---- */

static void store(CWriter *c, const KirStmt *s) {
  KirElem elem = s->buffer->elem;
  text_printf(c->out, "vstr%cq_%c32(&",
              elem == KIR_I16  ? 'h'
              : elem == KIR_I8 ? 'b'
                               : 'w',
              elem == KIR_F32 ? 'f' : 's');
  c_access(c, s->buffer, &s->at);
  text_add(c->out, ", ");
  if (elem == KIR_F32) {
    text_add(c->out, "vmulq_n_f32(vcvtq_f32_s32(");
    lanes(c, s->value->arg[0]->arg[0]);
    text_add(c->out, "), ");
    c_float(c->out, s->value->arg[1]->f);
    text_add(c->out, ")");
  } else
    lanes(c, s->value);
  text_add(c->out, ");");
}

static void let(CWriter *c, const KirStmt *s) {
  if (c->uses[s->reg->id] == 0) return;
  const char *name = c_name(c, s->reg->name);
  c_line(c);
  text_printf(c->out, "const int32x4_t %s = ", name);
  lanes(c, s->value);
  text_add(c->out, ";");
  c->name[s->reg->id] = name;
}

static void statements(CWriter *c, const KirStmt *list) {
  int depth = c->n_scope;
  c->indent++;
  for (const KirStmt *s = list; s; s = s->next) {
    size_t from = c->out->len;
    if (s->kind == KIR_LET)
      let(c, s);
    else {
      c_line(c);
      if (s->kind == KIR_STORE)
        store(c, s);
      else {
        text_add(c->out, "return ");
        lanes(c, s->value);
        text_add(c->out, ";");
      }
    }
    c_traced(c, s->origin, c->f->name, 0, from);
  }
  c->indent--;
  c->n_scope = depth;
}

int64_t c_mve_loop(CWriter *c, const KirStmt *loop) {
  int depth = c->n_scope;
  int64_t n = (loop->hi->i - loop->lo->i) / LANES * LANES;
  const char *name = c_name(c, loop->reg->name);
  text_printf(c->out, "\n#if %s", has_mve);
  c_line(c);
  text_printf(c->out, "for (int %s = %lld; %s < %lld; %s += %d) {", name, (long long)loop->lo->i,
              name, (long long)(loop->lo->i + n), name, LANES);
  c->name[loop->reg->id] = name;
  statements(c, loop->body);
  c_line(c);
  text_add(c->out, "}");
  c->n_scope = depth;
  return loop->lo->i + n;
}

/* ---- helpers ---- */

static bool helper_has_form(const KirFunc *f) {
  if (f->n_args != 1 || f->args[0]->type.elem != KIR_I32 || f->result.elem != KIR_I32) return false;
  for (const KirStmt *s = f->body; s; s = s->next)
    if ((s->kind != KIR_LET && s->kind != KIR_RETURN) || !has_form(s->value, NULL)) return false;
  return true;
}

void c_mve_helper(CWriter *c, const KirFunc *f) {
  if (!c_is_for_mve(c) || f->result.elem != KIR_I32 || f->result.lanes != 1) return;
  if (!helper_has_form(f)) return;
  text_printf(c->out, "\n#if %s\n/* the same of four numbers */\n", has_mve);
  const char *name = c->name[f->args[0]->id] = c_name(c, f->args[0]->name);
  text_printf(c->out, "static inline int32x4_t %s_%s_lanes(int32x4_t %s) {", c->prefix, f->name,
              name);
  statements(c, f->body);
  text_add(c->out, "\n}\n#endif\n");
}
