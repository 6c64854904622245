/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What generated functions need before them: the primitives that C has no operator for, and vectors
 * (c_vectors.c). Only what is used is written. */
#include "backend/c_internal.h"
#include "kir/fours.h"

#include <string.h>

static int width_of(int lanes) {
  return lanes == 2 ? 1 : lanes == 4 ? 2 : lanes == 8 ? 3 : lanes == 16 ? 4 : 0;
}

static void scan_expr(CUsed *u, const KirExpr *e) {
  if (!e) return;
  KirType t = e->type;
  bool from_operand = e->op == KIR_LT || e->op == KIR_LE || e->op == KIR_EQ || e->op == KIR_NE ||
                      e->op == KIR_SUM || e->op == KIR_LANE;
  if (from_operand) t = e->arg[0]->type;
  bool is_f16 = e->op == KIR_LOAD && e->buffer->elem == KIR_F16;
  bool is_bf16 = e->op == KIR_LOAD && e->buffer->elem == KIR_BF16;
  u->f16 |= is_f16 && (t.lanes == 1 || u->iso);
  u->bf16 |= is_bf16 && (t.lanes == 1 || u->iso);
  CSaturation saturation = c_saturation(e);
  CAddKind add = c_add_kind(e);
  u->row |= kir_is_record(e);
  u->shift15 |=
      (e->op == KIR_SHR || e->op == KIR_SHL) && e->arg[1]->op == KIR_NUM && e->arg[1]->i == 15;
  u->add_mulw |= add == C_ADD_MULW;
  u->add_product |= add == C_ADD_PRODUCT;
  if (saturation.bits)
    u->saturate[saturation.top][saturation.shift] |= 1u << (saturation.bits - 1);
  else
    u->fixed[e->op] |= e->op >= KIR_MULW;
  if (t.lanes == 1) {
    u->scalar[e->op] |= t.elem == KIR_F32 || e->op == KIR_BITCAST;
    u->scalar_f32_bits |= e->op == KIR_BITCAST && t.elem == KIR_F32;
    u->scalar_i32_bits |= e->op == KIR_BITCAST && t.elem != KIR_F32;
  } else {
    int w = width_of(t.lanes);
    u->lanes[w] = true;
    if (e->op == KIR_LOAD && (is_f16 || is_bf16))
      (is_f16 ? u->load_f16 : u->load_bf16)[w] = true;
    else if (e->op == KIR_LOAD)
      u->load[w][t.elem != KIR_F32] = true;
    u->vector[w][e->op][t.elem == KIR_F32 ? 0 : 1] = true;
    u->fma_scalar[w] |= c_is_fma_scalar(e);
  }
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    scan_expr(u, e->arg[i]);
}

static void scan_dot(CUsed *u, const KirStmt *s) {
  for (size_t i = 0; i < u->n_dots; i++)
    if (c_dot_same(u, u->dot[i], s)) return;
  ARENA_PUSH(u->arena, u->dot, u->n_dots, u->cap_dots, s);
}

static void scan(CUsed *u, const KirStmt *list) {
  for (const KirStmt *s = list; s; s = s->next) {
    scan_expr(u, s->value);
    scan_expr(u, s->lo);
    scan_expr(u, s->hi);
    if (s->kind == KIR_DOT) scan_dot(u, s);
    if (s->kind == KIR_TILES) c_tiles_scan(u, s);
    if (s->kind == KIR_LOADS) u->loads[s->n_regs][s->home] = true;
    if (s->kind == KIR_STORE && s->value->type.lanes > 1)
      u->store[width_of(s->value->type.lanes)][s->value->type.elem != KIR_F32] = true;
    scan(u, s->body);
    scan(u, s->other);
  }
}

/* Where a multiply-add that rounds once is an instruction, it is the compiler's own; clang takes
 * __builtin_fmaf for a call of the library's unless told -fno-math-errno. Elsewhere the product is
 * exact in double, their sum is rounded to odd there, and rounding that to float rounds once.
 * is_certain: what follows calls it whatever the compiler. */
static void fused(CWriter *c, bool is_certain) {
  const char *p = c->prefix, *u = c->upper;
  if (c->assumes_fma)
    text_printf(c->out, "\n#define %s_FMA 1\n", u);
  else
    text_printf(c->out,
                "\n/* whether a fused multiply-add is an instruction here */\n"
                "#if defined(__FMA__) || defined(__aarch64__) || defined(__ARM_FEATURE_FMA) || \\\n"
                "    defined(__riscv_flen) || (defined(__FP_FAST_FMAF) && !defined(__clang__))\n"
                "#define %s_FMA 1\n#else\n#define %s_FMA 0\n#endif\n",
                u, u);
  text_printf(
      c->out,
      "\n/* a * b + c, rounded once */\n"
      "static inline %sfloat %s_fma_f32(float a, float b, float c) {\n"
      "#if %s_FMA && defined(__clang__)\n  return __builtin_elementwise_fma(a, b, c);\n"
      "#elif %s_FMA\n  return __builtin_fmaf(a, b, c);\n#else\n"
      "  union {\n    double d;\n    int64_t i;\n  } u;\n"
      "  const double product = (double)a * (double)b, term = (double)c, sum = product + term;\n"
      "  const double taken = sum - product;\n"
      "  const double error = (product - (sum - taken)) + (term - taken);\n"
      "  u.d = sum;\n"
      "  if ((error < 0.0 || error > 0.0) && (u.i & 1) == 0) {\n"
      "    u.i += (error > 0.0) == (sum > 0.0) ? 1 : -1;\n  }\n"
      "  return (float)u.d;\n#endif\n}\n",
      is_certain ? "" : "__attribute__((unused)) ", p, u, u);
}

static bool uses(const CUsed *u, KirOp op, bool is_int) {
  for (int w = 1; w < C_MAX_WIDTHS; w++)
    if (u->vector[w][op][is_int]) return true;
  return false;
}

/* One lane of KIR_QUADS or KIR_SIGNED_QUADS, for compilers that do not know the instruction. */
static void quad(CWriter *c, bool is_certain, bool is_signed) {
  text_printf(c->out,
              "\n/* c + the products of four bytes, those of %s with one */\n"
              "static inline %sint32_t %s_%s_i32(int32_t a, int32_t b, int32_t c) {\n"
              "  uint32_t sum = (uint32_t)c;\n  for (int i = 0; i < 32; i += 8) {\n"
              "    const uint32_t x = (uint32_t)a >> i & 255u, y = (uint32_t)b >> i & 255u;\n"
              "    sum += %s * ((y ^ 128u) - 128u);\n  }\n  return (int32_t)sum;\n}\n",
              is_signed ? "a and of b" : "a without a sign, of b",
              is_certain ? "" : "__attribute__((unused)) ", c->prefix,
              is_signed ? "signed_quad" : "quad", is_signed ? "((x ^ 128u) - 128u)" : "x");
}

static void normal(CWriter *c, bool is_certain) {
  text_printf(c->out,
              "\n/* numbers below 2^-126 as zeros */\n"
              "static inline %sfloat %s_normal_f32(float x) {\n"
              "  return x > -1.17549435e-38f && x < 1.17549435e-38f ? x * 0.0f : x;\n}\n",
              is_certain ? "" : "__attribute__((unused)) ", c->prefix);
}

/* One lane of KIR_PAIRS, for compilers that do not know the instruction. */
static void pair(CWriter *c, bool is_certain) {
  const char *p = c->prefix, *unused = is_certain ? "" : "__attribute__((unused)) ";
  text_printf(c->out,
              "\n/* c + the product of the upper halves, + that of the lower halves */\n"
              "static inline %sfloat %s_pair_f32(int32_t a, int32_t b, float c) {\n"
              "  union {\n    uint32_t i;\n    float f;\n  } x, y;\n"
              "  c = %s_normal_f32(c);\n  x.i = (uint32_t)a & 0xffff0000u;\n"
              "  y.i = (uint32_t)b & 0xffff0000u;\n"
              "  c = %s_normal_f32(%s_fma_f32(%s_normal_f32(x.f), %s_normal_f32(y.f), c));\n"
              "  x.i = (uint32_t)a << 16;\n  y.i = (uint32_t)b << 16;\n"
              "  return %s_normal_f32(%s_fma_f32(%s_normal_f32(x.f), %s_normal_f32(y.f), c));\n}\n",
              unused, p, p, p, p, p, p, p, p, p, p);
}

static void scalars(CWriter *c, const CUsed *u) {
  Text *out = c->out;
  const char *p = c->prefix;
  if (u->scalar_f32_bits || u->scalar_i32_bits || u->scalar[KIR_ABS])
    text_printf(out, "\ntypedef union {\n  float f;\n  int32_t i;\n} %s_bits;\n", p);
  if (u->scalar_i32_bits || u->scalar[KIR_ABS])
    text_printf(out,
                "\nstatic inline int32_t %s_as_i32(float f) {\n  %s_bits u;\n  u.f = f;\n  return "
                "u.i;\n}\n",
                p, p);
  if (u->scalar_f32_bits || u->scalar[KIR_ABS])
    text_printf(out,
                "\nstatic inline float %s_as_f32(int32_t i) {\n  %s_bits u;\n  u.i = i;\n  return "
                "u.f;\n}\n",
                p, p);
  if (u->scalar[KIR_ABS])
    text_printf(out,
                "\nstatic inline float %s_abs_f32(float x) {\n  return %s_as_f32(%s_as_i32(x) & "
                "0x7fffffff);\n}\n",
                p, p, p);
  for (int k = 0; k < 2; k++)
    if (u->scalar[k ? KIR_MAX : KIR_MIN])
      text_printf(
          out, "\nstatic inline float %s_%s_f32(float a, float b) {\n  return a %c b ? a : b;\n}\n",
          p, k ? "max" : "min", k ? '>' : '<');
  bool pairs = uses(u, KIR_PAIRS, false), halves = pairs || u->tiles[C_TILES_BF16];
  bool fma = u->scalar[KIR_FMA] || halves;
  for (int w = 1; w < C_MAX_WIDTHS; w++)
    fma = fma || u->vector[w][KIR_FMA][0];
  if (fma) fused(c, u->iso || u->scalar[KIR_FMA]);
  if (halves) normal(c, u->iso);
  if (pairs) pair(c, u->iso);
  if (uses(u, KIR_QUADS, true)) quad(c, u->iso, false);
  if (uses(u, KIR_SIGNED_QUADS, true)) quad(c, u->iso, true);
  if (u->scalar[KIR_SQRT])
    text_printf(
        out, "\nstatic inline float %s_sqrt_f32(float x) {\n  return __builtin_sqrtf(x);\n}\n", p);
  if (u->f16)
    text_printf(
        out,
        "\n/* IEEE binary16 as float, exactly */\nstatic inline float %s_from_f16(uint16_t h) {\n"
        "  union {\n    float f;\n    uint32_t i;\n  } u, scale;\n"
        "  u.i = (uint32_t)(h & 0x7fffu) << 13;\n  scale.i = 0x77800000u; /* 2^112 */\n"
        "  u.f *= scale.f;\n  if ((h & 0x7c00u) == 0x7c00u) {\n    u.i |= 0x7f800000u;\n  }\n"
        "  u.i |= (uint32_t)(h & 0x8000u) << 16;\n  return u.f;\n}\n",
        p);
  if (u->bf16)
    text_printf(out,
                "\n/* bfloat16 as float: its upper half */\nstatic inline float "
                "%s_from_bf16(uint16_t h) {\n"
                "  union {\n    float f;\n    uint32_t i;\n  } u;\n  u.i = (uint32_t)h << 16;\n"
                "  return u.f;\n}\n",
                p);
}

/* Index min and max have no prelude of floats. */
static bool index_op_used(const KirStmt *list, KirOp op);

static bool index_op_in(const KirExpr *e, KirOp op) {
  if (!e) return false;
  if (e->op == op && e->type.elem == KIR_INDEX) return true;
  return index_op_in(e->arg[0], op) || index_op_in(e->arg[1], op) || index_op_in(e->arg[2], op);
}

static bool index_op_used(const KirStmt *list, KirOp op) {
  for (const KirStmt *s = list; s; s = s->next)
    if (index_op_in(s->value, op) || index_op_in(s->lo, op) || index_op_in(s->hi, op) ||
        index_op_used(s->body, op) || index_op_used(s->other, op))
      return true;
  return false;
}

static void indices(CWriter *c) {
  for (int k = 0; k < 2; k++) {
    bool used = false;
    for (int i = 0; i < c->m->n_funcs; i++)
      used = used || index_op_used(c->m->func[i]->body, k ? KIR_MAX : KIR_MIN);
    if (used)
      text_printf(c->out,
                  "\nstatic inline int %s_%s_index(int a, int b) {\n  return a %c b ? a : b;\n}\n",
                  c->prefix, k ? "max" : "min", k ? '>' : '<');
  }
}

/* ---- several loads at once ---- */

static void names(CWriter *c, int n, const char *format) {
  for (int i = 0; i < n; i++) {
    if (i) text_add(c->out, ", ");
    text_printf(c->out, format, 'a' + i);
  }
}

/* Arm's VLDM, which compilers do not make of loads: n floats into n registers in a row. */
static void loads_macro(CWriter *c, int n, int home) {
  Text *out = c->out;
  text_printf(out, "#define %s_LOADS%d_S%d(from, ", c->upper, n, home);
  names(c, n, "%c");
  text_add(out, ") \\\n  register float ");
  for (int i = 0; i < n; i++)
    text_printf(out, "%s%c __asm__(\"s%d\")", i ? ", " : "", 'a' + i, home + i);
  text_printf(out, "; \\\n  __asm__(\"vldmia %%%d, {s%d-s%d}\" : ", n, home, home + n - 1);
  names(c, n, "\"=t\"(%c)");
  text_printf(out, " : \"r\"(from), \"m\"(*(const float (*)[%d])(from)))\n", n);
}

static void plain_macro(CWriter *c, int n, int home) {
  text_printf(c->out, "#define %s_LOADS%d_S%d(from, ", c->upper, n, home);
  names(c, n, "%c");
  text_add(c->out, ") const float ");
  for (int i = 0; i < n; i++)
    text_printf(c->out, "%s%c = (from)[%d]", i ? ", " : "", 'a' + i, i);
  text_add(c->out, "\n");
}

static void loads_macros(CWriter *c, const CUsed *u) {
  bool any = false;
  for (int n = 1; n <= KIR_MAX_LOADS; n++)
    for (int home = 0; home < C_FLOAT_REGISTERS; home++)
      any = any || u->loads[n][home];
  if (!any || c->o->vectors == C_VECTORS_ISO) return;
  text_add(c->out, "\n/* consecutive floats by one instruction */\n"
                   "#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FP)\n");
  for (int n = 1; n <= KIR_MAX_LOADS; n++)
    for (int home = 0; home < C_FLOAT_REGISTERS; home++)
      if (u->loads[n][home]) loads_macro(c, n, home);
  text_add(c->out, "#else\n");
  for (int n = 1; n <= KIR_MAX_LOADS; n++)
    for (int home = 0; home < C_FLOAT_REGISTERS; home++)
      if (u->loads[n][home]) plain_macro(c, n, home);
  text_add(c->out, "#endif\n");
}

void c_prelude(CWriter *c) {
  CUsed *used = ARENA_NEW(c->out->arena, CUsed), u;
  memset(&u, 0, sizeof u);
  u.arena = c->out->arena;
  u.m = c->m;
  u.iso = c->o->vectors == C_VECTORS_ISO;
  u.is_for_mve = c_is_for_mve(c);
  for (int i = 0; i < c->m->n_funcs; i++)
    scan(&u, c->m->func[i]->body);
  bool narrow = false;
  for (int w = 2; w < C_MAX_WIDTHS; w++)
    narrow |= u.load_f16[w] || u.load_bf16[w];
  bool instructions = narrow || uses(&u, KIR_PAIRS, false) || uses(&u, KIR_QUADS, true) ||
                      uses(&u, KIR_LOOKUP, true) || c_tiles_used(&u);
  if (instructions && !u.iso)
    text_add(c->out, "\n#ifdef __SSE4_1__\n#include <immintrin.h>\n#endif\n");
  if (uses(&u, KIR_SIGNED_QUADS, true) && !u.iso)
    text_add(c->out, "\n#ifdef __ARM_FEATURE_DOTPROD\n#include <arm_neon.h>\n#endif\n");
  *used = u;
  c->used = used;
  if (c->o->machine.is_avr)
    text_printf(
        c->out,
        "\n/* constants stay in the memory of programs: an extension of GNU C, not of C++ */\n"
        "#if defined(__AVR__) && defined(__FLASH)\n#define %s_FLASH __flash\n"
        "#else\n#define %s_FLASH\n#endif\n"
        "#if defined(__AVR__)\n#define %s_CALL static __attribute__((noinline, unused))\n"
        "#else\n#define %s_CALL static inline\n#endif\n",
        c->upper, c->upper, c->upper, c->upper);
  scalars(c, &u);
  indices(c);
  c_fixed(c, &u);
  c_vectors(c, &u);
  c_tiles_prelude(c, &u);
  loads_macros(c, &u);
}
