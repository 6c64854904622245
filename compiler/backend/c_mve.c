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
#include "kir/fours.h"

#include <string.h>

enum { LANES = 4, WORD_BITS = 32 };
static const char has_mve[] = "defined(__ARM_FEATURE_MVE) && !defined(__ARM_BIG_ENDIAN)";

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

/* ---- expressions ---- */

static void lanes(CWriter *c, const KirExpr *e);

/* "vaddq_s32(a, b)", or "vaddq_n_s32(a, 3)" */
static void two(CWriter *c, const char *name, const KirExpr *e) {
  bool constant = kir_is_number(e->arg[1]);
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
  KIR_NO_FOURS_CASES:
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

static void statements(CWriter *c, const KirStmt *list) {
  int depth = c->n_scope;
  c->indent++;
  for (const KirStmt *s = list; s; s = s->next) {
    size_t from = c->out->len;
    if (s->kind == KIR_LET)
      c_let(c, s, "int32x4_t", lanes);
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

bool c_mve_has(const CWriter *c, const KirStmt *loop) {
  return c_is_for_mve(c) && kir_loop_goes_by_fours(loop, c->f->n_regs, c->out->arena);
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

void c_mve_helper(CWriter *c, const KirFunc *f) {
  if (!c_is_for_mve(c) || f->result.elem != KIR_I32 || f->result.lanes != 1) return;
  if (!kir_helper_goes_by_fours(f)) return;
  text_printf(c->out, "\n#if %s\n/* the same of four numbers */\n", has_mve);
  const char *name = c->name[f->args[0]->id] = c_name(c, f->args[0]->name);
  text_printf(c->out, "static inline int32x4_t %s_%s_lanes(int32x4_t %s) {", c->prefix, f->name,
              name);
  statements(c, f->body);
  text_add(c->out, "\n}\n#endif\n");
}
