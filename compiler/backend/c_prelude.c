/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What generated functions need before them: the primitives C has no operator for, vector types,
 * and the weights. Only what is used is written. */
#include "backend/c_internal.h"

#include <string.h>

enum { MAX_OPS = 40, MAX_WIDTHS = 5 };

typedef struct Used {
  bool scalar[MAX_OPS];
  bool scalar_i32_bits, scalar_f32_bits, f16, bf16;
  bool iso;
  bool lanes[MAX_WIDTHS]; /* 2, 4, 8, 16 are 1..4 */
  bool load[MAX_WIDTHS], store[MAX_WIDTHS];
  bool load_f16[MAX_WIDTHS], load_bf16[MAX_WIDTHS];
  bool vector[MAX_WIDTHS][MAX_OPS][2]; /* f32, i32 */
  int loads[KIR_MAX_LOADS + 1];        /* by number of registers: the first, or 0 */
} Used;

static int width_of(int lanes) {
  return lanes == 2 ? 1 : lanes == 4 ? 2 : lanes == 8 ? 3 : lanes == 16 ? 4 : 0;
}

static void scan_expr(Used *u, const KirExpr *e) {
  if (!e) return;
  KirType t = e->type;
  bool from_operand = e->op == KIR_LT || e->op == KIR_LE || e->op == KIR_EQ || e->op == KIR_NE ||
                      e->op == KIR_SUM || e->op == KIR_LANE;
  if (from_operand) t = e->arg[0]->type;
  bool is_f16 = e->op == KIR_LOAD && e->buffer->elem == KIR_F16;
  bool is_bf16 = e->op == KIR_LOAD && e->buffer->elem == KIR_BF16;
  u->f16 |= is_f16 && (t.lanes == 1 || u->iso);
  u->bf16 |= is_bf16 && (t.lanes == 1 || u->iso);
  if (t.lanes == 1) {
    u->scalar[e->op] |= t.elem == KIR_F32 || e->op == KIR_BITCAST;
    if (e->op == KIR_BITCAST)
      *(t.elem == KIR_F32 ? &u->scalar_f32_bits : &u->scalar_i32_bits) = true;
  } else {
    int w = width_of(t.lanes);
    u->lanes[w] = true;
    if (e->op == KIR_LOAD) (is_f16 ? u->load_f16 : is_bf16 ? u->load_bf16 : u->load)[w] = true;
    u->vector[w][e->op][t.elem == KIR_F32 ? 0 : 1] = true;
  }
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    scan_expr(u, e->arg[i]);
}

static void scan(Used *u, const KirStmt *list) {
  for (const KirStmt *s = list; s; s = s->next) {
    scan_expr(u, s->value);
    scan_expr(u, s->lo);
    scan_expr(u, s->hi);
    if (s->kind == KIR_LOADS) u->loads[s->n_regs] = s->home;
    if (s->kind == KIR_STORE && s->value->type.lanes > 1)
      u->store[width_of(s->value->type.lanes)] = true;
    scan(u, s->body);
    scan(u, s->other);
  }
}

static void scalars(CWriter *c, const Used *u) {
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
  bool fma = u->scalar[KIR_FMA];
  for (int w = 1; w < MAX_WIDTHS; w++)
    fma = fma || (c->o->vectors == C_VECTORS_ISO && u->vector[w][KIR_FMA][0]);
  if (fma) /* clang takes __builtin_fmaf for a call of the library's unless told -fno-math-errno */
    text_printf(out,
                "\n/* a * b + c, rounded once */\nstatic inline float %s_fma_f32(float a, float b, "
                "float c) {\n#if defined(__clang__)\n  return __builtin_elementwise_fma(a, b, c);\n"
                "#else\n  return __builtin_fmaf(a, b, c);\n#endif\n}\n",
                p);
  if (u->scalar[KIR_SQRT])
    text_printf(
        out, "\nstatic inline float %s_sqrt_f32(float x) {\n  return __builtin_sqrtf(x);\n}\n", p);
  if (u->f16)
    text_printf(
        out,
        "\n/* IEEE binary16 as float, exactly */\nstatic inline float %s_from_f16(uint16_t h) {\n"
        "  union {\n    float f;\n    uint32_t i;\n  } u, scale;\n"
        "  u.i = (uint32_t)(h & 0x7fffu) << 13;\n  scale.i = 0x77800000u; /* 2^112 */\n"
        "  u.f *= scale.f;\n  if ((h & 0x7c00u) == 0x7c00u) u.i |= 0x7f800000u;\n"
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

/* ---- vectors ---- */

typedef struct VectorOp {
  KirOp op;
  const char *name; /* of the function */
  const char *gnu;  /* its body with GNU vectors; NULL: an operator is printed instead */
  const char *iso;  /* one lane: x, y, z are operands */
  int operands;
  bool to_mask; /* result is of integers */
} VectorOp;

static const VectorOp vector_ops[] = {
    {KIR_ADD, "add", NULL, "x + y", 2, false},
    {KIR_SUB, "sub", NULL, "x - y", 2, false},
    {KIR_MUL, "mul", NULL, "x * y", 2, false},
    {KIR_DIV, "div", NULL, "x / y", 2, false},
    {KIR_NEG, "neg", NULL, "-x", 1, false},
    {KIR_MAD, "mad", NULL, "x * y + z", 3, false},
    {KIR_AND, "and", NULL, "x & y", 2, false},
    {KIR_OR, "or", NULL, "x | y", 2, false},
    {KIR_XOR, "xor", NULL, "x ^ y", 2, false},
    {KIR_SHL, "shl", NULL, "(int32_t)((uint32_t)x << y)", 2, false},
    {KIR_SHR, "shr", NULL, "x >> y", 2, false},
    {KIR_LT, "lt", NULL, "-(x < y)", 2, true},
    {KIR_LE, "le", NULL, "-(x <= y)", 2, true},
    {KIR_EQ, "eq", NULL, "-(x == y)", 2, true},
    {KIR_NE, "ne", NULL, "-(x != y)", 2, true},
    {KIR_MIN, "min", "%s m = a < b;\n  return (%s)(((%s)a & m) | ((%s)b & ~m))", "x < y ? x : y", 2,
     false},
    {KIR_MAX, "max", "%s m = a > b;\n  return (%s)(((%s)a & m) | ((%s)b & ~m))", "x > y ? x : y", 2,
     false},
};

static const char *vector_type(CWriter *c, int lanes, bool is_int) {
  return arena_printf(c->out->arena, "%s_%s%d", c->prefix, is_int ? "i32x" : "f32x", lanes);
}

static const char *lane_text(CWriter *c, const char *iso) {
  Text t = text_new(c->out->arena);
  for (const char *s = iso; *s; s++) {
    bool word = s > iso && ((s[-1] >= 'a' && s[-1] <= 'z') || s[-1] == '_');
    bool next = s[1] >= 'a' && s[1] <= 'z';
    if (!word && !next && (*s == 'x' || *s == 'y' || *s == 'z'))
      text_printf(&t, "%c.v[i]", *s - 'x' + 'a');
    else
      text_add_char(&t, *s);
  }
  return text_str(&t);
}

static void vector_op(CWriter *c, const VectorOp *op, int lanes, bool is_int) {
  Text *out = c->out;
  const char *t = vector_type(c, lanes, is_int), *r = op->to_mask ? vector_type(c, lanes, true) : t;
  bool gnu = c->o->vectors == C_VECTORS_GNU;
  if (gnu && !op->gnu) return;
  text_printf(out, "\nstatic inline %s %s_%s_%s%d(", r, c->prefix, op->name,
              is_int ? "i32x" : "f32x", lanes);
  for (int i = 0; i < op->operands; i++)
    text_printf(out, "%s%s %c", i ? ", " : "", t, 'a' + i);
  text_add(out, ") {\n  ");
  const char *mask = vector_type(c, lanes, true);
  if (gnu && op->gnu[0])
    text_printf(out, "%s m = a %c b;\n  return (%s)(((%s)a & m) | ((%s)b & ~m))", mask,
                op->op == KIR_MIN ? '<' : '>', t, mask, mask);
  if (!gnu)
    text_printf(out, "%s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = %s;\n  }\n  return r",
                r, lanes, lane_text(c, op->iso));
  text_add(out, ";\n}\n");
}

/* fma without a library: the compiler's own operation on vectors where it has one, else lane by
 * lane. */
static void vector_fma(CWriter *c, int lanes) {
  const char *t = vector_type(c, lanes, false);
  text_printf(
      c->out,
      "\n/* a * b + c, rounded once */\nstatic inline %s %s_fma_f32x%d(%s a, %s b, %s c) {\n", t,
      c->prefix, lanes, t, t, t);
  if (c->o->vectors == C_VECTORS_GNU) {
    text_add(c->out, "#if defined(__clang__)\n  return __builtin_elementwise_fma(a, b, c);\n");
    if (lanes == 4)
      text_printf(c->out,
                  "#elif defined(__FMA__)\n  return (%s)__builtin_ia32_vfmaddps(a, b, c);\n", t);
    if (lanes == 8)
      text_printf(c->out,
                  "#elif defined(__FMA__)\n  return (%s)__builtin_ia32_vfmaddps256(a, b, c);\n", t);
    if (lanes == 16)
      text_printf(c->out,
                  "#elif defined(__AVX512F__)\n  return (%s)__builtin_ia32_vfmaddps512_mask(a, b, "
                  "c, -1, 4);\n",
                  t);
    text_printf(c->out,
                "#else\n  %s r;\n  for (int i = 0; i < %d; i++) {\n    r[i] = __builtin_fmaf(a[i], "
                "b[i], c[i]);\n  }\n  return r;\n#endif\n}\n",
                t, lanes);
  } else
    text_printf(c->out,
                "  %s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = %s_fma_f32(a.v[i], "
                "b.v[i], c.v[i]);\n  }\n  return r;\n}\n",
                t, lanes, c->prefix);
}

static void vector_types(CWriter *c, int lanes, bool load, bool store) {
  Text *out = c->out;
  const char *f = vector_type(c, lanes, false), *i = vector_type(c, lanes, true), *p = c->prefix;
  if (c->o->vectors == C_VECTORS_GNU) {
    text_printf(out,
                "\ntypedef float %s __attribute__((vector_size(%d)));\ntypedef int32_t %s "
                "__attribute__((vector_size(%d)));\n",
                f, 4 * lanes, i, 4 * lanes);
    if (load || store)
      text_printf(
          out,
          "typedef float %s_memory%d __attribute__((vector_size(%d), aligned(4), may_alias));\n", p,
          lanes, 4 * lanes);
    if (load)
      text_printf(
          out,
          "\nstatic inline %s %s_load%d(const float *p) {\n  return *(const %s_memory%d *)p;\n}\n",
          f, p, lanes, p, lanes);
    if (store)
      text_printf(
          out, "\nstatic inline void %s_store%d(float *p, %s x) {\n  *(%s_memory%d *)p = x;\n}\n",
          p, lanes, f, p, lanes);
  } else {
    text_printf(
        out,
        "\ntypedef struct {\n  float v[%d];\n} %s;\ntypedef struct {\n  int32_t v[%d];\n} %s;\n",
        lanes, f, lanes, i);
    if (load)
      text_printf(out,
                  "\nstatic inline %s %s_load%d(const float *p) {\n  %s r;\n  for (int i = 0; i < "
                  "%d; i++) {\n    r.v[i] = p[i];\n  }\n  return r;\n}\n",
                  f, p, lanes, f, lanes);
    if (store)
      text_printf(out,
                  "\nstatic inline void %s_store%d(float *p, %s x) {\n  for (int i = 0; i < %d; "
                  "i++) {\n    p[i] = x.v[i];\n  }\n}\n",
                  p, lanes, f, lanes);
  }
}

/* The body of a load of 16 bits in GNU vectors: f16's exponent is moved into place and corrected by
 * a product with 2^112, which is exact. */
static void gnu_widening(CWriter *c, int lanes, bool half, const char *t) {
  text_printf(c->out,
              "  typedef uint16_t halves __attribute__((vector_size(%d)));\n"
              "  typedef uint32_t words __attribute__((vector_size(%d)));\n"
              "  typedef uint16_t memory __attribute__((vector_size(%d), aligned(2), may_alias));\n"
              "  const words h = __builtin_convertvector((halves)*(const memory *)p, words);\n",
              2 * lanes, 4 * lanes, 2 * lanes);
  if (half)
    text_printf(c->out,
                "  const words magnitude = (words)((%s)((h & 0x7fffu) << 13) * "
                "5.192296858534828e33f); /* 2^112 */\n"
                "  const words special = (words)((h & 0x7c00u) == 0x7c00u) & 0x7f800000u;\n"
                "  return (%s)(magnitude | special | (h & 0x8000u) << 16);\n",
                t, t);
  else
    text_printf(c->out, "  return (%s)(h << 16);\n", t);
}

/* What x86 has for it, by lanes / 4: IEEE halves are one instruction, bfloat16 two. */
static const struct {
  const char *macro, *call;
} narrow_x86[2][5] = {
    {[1] = {"__F16C__", "_mm_cvtph_ps(_mm_loadl_epi64((const __m128i *)(const void *)p))"},
     [2] = {"__F16C__", "_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p))"},
     [4] = {"__AVX512F__",
            "_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p))"}},
    {[1] = {"__SSE4_1__", "_mm_slli_epi32(_mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i "
                          "*)(const void *)p)), 16)"},
     [2] = {"__AVX2__", "_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i "
                        "*)(const void *)p)), 16)"},
     [4] = {"__AVX512F__", "_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const "
                           "__m256i *)(const void *)p)), 16)"}}};

static void vector_load_narrow(CWriter *c, int lanes, bool half) {
  const char *t = vector_type(c, lanes, false), *kind = half ? "f16" : "bf16";
  bool gnu = c->o->vectors == C_VECTORS_GNU, direct = gnu && lanes >= 4;
  text_printf(c->out, "\nstatic inline %s %s_load%d_%s(const uint16_t *p) {\n", t, c->prefix, lanes,
              kind);
  if (direct)
    text_printf(c->out, "#ifdef %s\n  return (%s)%s;\n#else\n", narrow_x86[!half][lanes / 4].macro,
                t, narrow_x86[!half][lanes / 4].call);
  if (gnu)
    gnu_widening(c, lanes, half, t);
  else
    text_printf(c->out,
                "  %s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = %s_from_%s(p[i]);\n  }\n  "
                "return r;\n",
                t, lanes, c->prefix, kind);
  text_add(c->out, direct ? "#endif\n}\n" : "}\n");
}

static void vector_splat(CWriter *c, int lanes, bool is_int) {
  const char *t = vector_type(c, lanes, is_int), *e = is_int ? "int32_t" : "float";
  text_printf(c->out, "\nstatic inline %s %s_splat%s%d(%s x) {\n  ", t, c->prefix,
              is_int ? "_i32x" : "", lanes, e);
  if (c->o->vectors == C_VECTORS_GNU) {
    text_printf(c->out, "%s r = {", t);
    for (int i = 0; i < lanes; i++)
      text_add(c->out, i ? ", x" : "x");
    text_add(c->out, "};\n  return r;\n}\n");
  } else
    text_printf(c->out,
                "%s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = x;\n  }\n  return r;\n}\n",
                t, lanes);
}

/* as_ and to_: bits and values from one type to the other. */
static void vector_convert(CWriter *c, int lanes, bool to_int, bool bits) {
  const char *to = vector_type(c, lanes, to_int), *from = vector_type(c, lanes, !to_int);
  text_printf(c->out, "\nstatic inline %s %s_%s_%s%d(%s x) {\n  ", to, c->prefix,
              bits ? "as" : "to", to_int ? "i32x" : "f32x", lanes, from);
  if (c->o->vectors == C_VECTORS_GNU) {
    if (bits)
      text_printf(c->out, "return (%s)x;\n}\n", to);
    else
      text_printf(c->out, "return __builtin_convertvector(x, %s);\n}\n", to);
  } else if (bits)
    text_printf(c->out,
                "union {\n    %s from;\n    %s to;\n  } u;\n  u.from = x;\n  return u.to;\n}\n",
                from, to);
  else
    text_printf(
        c->out,
        "%s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = (%s)x.v[i];\n  }\n  return r;\n}\n",
        to, lanes, to_int ? "int32_t" : "float");
}

static void vector_select(CWriter *c, int lanes, bool is_int) {
  const char *t = vector_type(c, lanes, is_int), *m = vector_type(c, lanes, true);
  text_printf(c->out, "\nstatic inline %s %s_select_%s%d(%s m, %s a, %s b) {\n  ", t, c->prefix,
              is_int ? "i32x" : "f32x", lanes, m, t, t);
  if (c->o->vectors == C_VECTORS_GNU)
    text_printf(c->out, "return (%s)(((%s)a & m) | ((%s)b & ~m));\n}\n", t, m, m);
  else
    text_printf(c->out,
                "%s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = m.v[i] ? a.v[i] : b.v[i];\n "
                " }\n  return r;\n}\n",
                t, lanes);
}

static void vector_abs(CWriter *c, int lanes) {
  const char *t = vector_type(c, lanes, false), *m = vector_type(c, lanes, true);
  text_printf(c->out, "\nstatic inline %s %s_abs_f32x%d(%s x) {\n  ", t, c->prefix, lanes, t);
  if (c->o->vectors == C_VECTORS_GNU)
    text_printf(c->out, "return (%s)((%s)x & 0x7fffffff);\n}\n", t, m);
  else
    text_printf(c->out,
                "union {\n    %s f;\n    %s i;\n  } u;\n  u.f = x;\n  for (int i = 0; i < %d; i++) "
                "{\n    u.i.v[i] &= 0x7fffffff;\n  }\n  return u.f;\n}\n",
                t, m, lanes);
}

static void vector_sum(CWriter *c, int lanes) {
  const char *t = vector_type(c, lanes, false), *v = c->o->vectors == C_VECTORS_GNU ? "x" : "x.v";
  text_printf(c->out, "\nstatic inline float %s_sum_f32x%d(%s x) {\n", c->prefix, lanes, t);
  for (int half = lanes / 2; half >= 1; half /= 2)
    text_printf(c->out, "  for (int i = 0; i < %d; i++) {\n    %s[i] += %s[i + %d];\n  }\n", half,
                v, v, half);
  text_printf(c->out, "  return %s[0];\n}\n", v);
}

static void vectors(CWriter *c, const Used *u) {
  for (int w = 1; w < MAX_WIDTHS; w++) {
    if (!u->lanes[w]) continue;
    int lanes = 1 << w;
    vector_types(c, lanes, u->load[w], u->store[w]);
    if (u->load_f16[w]) vector_load_narrow(c, lanes, true);
    if (u->load_bf16[w]) vector_load_narrow(c, lanes, false);
    for (int is_int = 0; is_int < 2; is_int++) {
      if (u->vector[w][KIR_SPLAT][is_int] || u->vector[w][KIR_NUM][is_int])
        vector_splat(c, lanes, is_int);
      if (u->vector[w][KIR_BITCAST][is_int]) vector_convert(c, lanes, is_int, true);
      if (u->vector[w][KIR_CONVERT][is_int]) vector_convert(c, lanes, is_int, false);
      if (u->vector[w][KIR_SELECT][is_int]) vector_select(c, lanes, is_int);
      for (size_t i = 0; i < sizeof vector_ops / sizeof *vector_ops; i++)
        if (u->vector[w][vector_ops[i].op][is_int]) vector_op(c, &vector_ops[i], lanes, is_int);
    }
    if (u->vector[w][KIR_ABS][0]) vector_abs(c, lanes);
    if (u->vector[w][KIR_FMA][0]) vector_fma(c, lanes);
    if (u->vector[w][KIR_SUM][0]) vector_sum(c, lanes);
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
  text_printf(out, "#define %s_LOADS%d(from, ", c->upper, n);
  names(c, n, "%c");
  text_add(out, ") \\\n  register float ");
  for (int i = 0; i < n; i++)
    text_printf(out, "%s%c __asm__(\"s%d\")", i ? ", " : "", 'a' + i, home + i);
  text_printf(out, "; \\\n  __asm__(\"vldmia %%%d, {s%d-s%d}\" : ", n, home, home + n - 1);
  names(c, n, "\"=t\"(%c)");
  text_printf(out, " : \"r\"(from), \"m\"(*(const float (*)[%d])(from)))\n", n);
}

static void plain_macro(CWriter *c, int n) {
  text_printf(c->out, "#define %s_LOADS%d(from, ", c->upper, n);
  names(c, n, "%c");
  text_add(c->out, ") const float ");
  for (int i = 0; i < n; i++)
    text_printf(c->out, "%s%c = (from)[%d]", i ? ", " : "", 'a' + i, i);
  text_add(c->out, "\n");
}

static void loads_macros(CWriter *c, const Used *u) {
  bool any = false;
  for (int n = 1; n <= KIR_MAX_LOADS; n++)
    any = any || u->loads[n];
  if (!any || c->o->vectors == C_VECTORS_ISO) return;
  text_add(c->out, "\n/* consecutive floats by one instruction */\n"
                   "#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FP)\n");
  for (int n = 1; n <= KIR_MAX_LOADS; n++)
    if (u->loads[n]) loads_macro(c, n, u->loads[n]);
  text_add(c->out, "#else\n");
  for (int n = 1; n <= KIR_MAX_LOADS; n++)
    if (u->loads[n]) plain_macro(c, n);
  text_add(c->out, "#endif\n");
}

void c_prelude(CWriter *c) {
  Used u;
  memset(&u, 0, sizeof u);
  u.iso = c->o->vectors == C_VECTORS_ISO;
  for (int i = 0; i < c->m->n_funcs; i++)
    scan(&u, c->m->func[i]->body);
  bool narrow = false;
  for (int w = 2; w < MAX_WIDTHS; w++)
    narrow |= u.load_f16[w] || u.load_bf16[w];
  if (narrow && !u.iso) text_add(c->out, "\n#ifdef __SSE4_1__\n#include <immintrin.h>\n#endif\n");
  scalars(c, &u);
  indices(c);
  vectors(c, &u);
  loads_macros(c, &u);
}

/* ---- weights ---- */

/* One number as C writes it: a float, or the bits of 16. */
static void weight(Text *out, const KirBuffer *b, int64_t k) {
  if (b->elem == KIR_F32)
    c_float(out, b->data ? ((const float *)b->data)[k] : 0.0f);
  else
    text_printf(out, "0x%04x", b->data ? ((const uint16_t *)b->data)[k] : 0u);
}

void c_weights(CWriter *c) {
  if (c->m->weights_extern) return;
  for (int i = 0; i < c->m->n_buffers; i++) {
    const KirBuffer *b = c->m->buffer[i];
    if (b->space != KIR_CONST) continue;
    text_add(c->out, "\n");
    if (b->doc) text_printf(c->out, "/* %s */\n", b->doc);
    text_printf(c->out, "static const %s %s_%s[%lld]%s = {", c_elem(b->elem), c->prefix, b->name,
                (long long)b->count,
                c->m->lanes > 1 && c->o->vectors == C_VECTORS_GNU ? " __attribute__((aligned(64)))"
                                                                  : "");
    size_t column = 1000;
    for (int64_t k = 0; k < b->count; k++) {
      Text number = text_new(c->out->arena);
      weight(&number, b, k);
      if (column + number.len + 2 > 100) {
        text_add(c->out, "\n ");
        column = 1;
      }
      text_printf(c->out, " %s,", text_str(&number));
      column += number.len + 2;
    }
    text_add(c->out, "\n};\n");
  }
}
