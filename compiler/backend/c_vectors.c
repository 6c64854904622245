/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector types and their operations in front of generated functions: GNU vectors, or the same lanes
 * as arrays and loops in ISO C. */
#include "backend/c_internal.h"

typedef struct VectorOp {
  KirOp op;
  const char *name; /* of the function */
  const char *gnu;  /* the comparison in its body with GNU vectors; NULL: an operator is printed */
  const char *mve;  /* that comparison among the intrinsics of MVE */
  const char *iso;  /* one lane: x, y, z are operands */
  int operands;
  bool to_mask; /* result is of integers */
} VectorOp;

static const VectorOp vector_ops[] = {
    {KIR_ADD, "add", NULL, NULL, "x + y", 2, false},
    {KIR_SUB, "sub", NULL, NULL, "x - y", 2, false},
    {KIR_MUL, "mul", NULL, NULL, "x * y", 2, false},
    {KIR_DIV, "div", NULL, NULL, "x / y", 2, false},
    {KIR_NEG, "neg", NULL, NULL, "-x", 1, false},
    {KIR_MAD, "mad", NULL, NULL, "x * y + z", 3, false},
    {KIR_AND, "and", NULL, NULL, "x & y", 2, false},
    {KIR_OR, "or", NULL, NULL, "x | y", 2, false},
    {KIR_XOR, "xor", NULL, NULL, "x ^ y", 2, false},
    {KIR_SHL, "shl", NULL, NULL, "(int32_t)((uint32_t)x << y)", 2, false},
    {KIR_SHR, "shr", NULL, NULL, "x >> y", 2, false},
    {KIR_LT, "lt", "<", "lt", "-(x < y)", 2, true},
    {KIR_LE, "le", "<=", "le", "-(x <= y)", 2, true},
    {KIR_EQ, "eq", "==", "eq", "-(x == y)", 2, true},
    {KIR_NE, "ne", "!=", "ne", "-(x != y)", 2, true},
    {KIR_MIN, "min", "<", "lt", "x < y ? x : y", 2, false},
    {KIR_MAX, "max", ">", "gt", "x > y ? x : y", 2, false},
};

const char *c_vector_type(CWriter *c, int lanes, bool is_int) {
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

/* min, max: one of the operands by the comparison; the others: its mask. */
static void gnu_body(CWriter *c, const VectorOp *op, int lanes, bool is_int) {
  const char *t = c_vector_type(c, lanes, is_int), *mask = c_vector_type(c, lanes, true);
  const char *elem = is_int ? "s32" : "f32";
  const char *x = arena_printf(c->out->arena, "(%sx4_t)", is_int ? "int32" : "float32");
  if (lanes == 4) {
    text_printf(c->out, "#if %s_MVE_GCC\n  return (%s)", c->upper, op->to_mask ? mask : t);
    if (op->to_mask)
      text_add(c->out, "__arm_vpselq_s32(__arm_vdupq_n_s32(-1), __arm_vdupq_n_s32(0), ");
    else
      text_printf(c->out, "__arm_vpselq_%s(%sa, %sb, ", elem, x, x);
    text_printf(c->out, "__arm_vcmp%sq_%s(%sa, %sb));\n#else\n", op->mve, elem, x, x);
  }
  if (op->to_mask)
    text_printf(c->out, "  return (%s)(a %s b);\n", mask, op->gnu);
  else
    text_printf(c->out, "  const %s m = a %s b;\n  return (%s)(((%s)a & m) | ((%s)b & ~m));\n",
                mask, op->gnu, t, mask, mask);
  if (lanes == 4) text_add(c->out, "#endif\n");
}

static void vector_op(CWriter *c, const VectorOp *op, int lanes, bool is_int) {
  Text *out = c->out;
  const char *t = c_vector_type(c, lanes, is_int),
             *r = op->to_mask ? c_vector_type(c, lanes, true) : t;
  bool gnu = c->o->vectors == C_VECTORS_GNU;
  if (gnu && !op->gnu) return;
  text_printf(out, "\nstatic inline %s %s_%s_%s%d(", r, c->prefix, op->name,
              is_int ? "i32x" : "f32x", lanes);
  for (int i = 0; i < op->operands; i++)
    text_printf(out, "%s%s %c", i ? ", " : "", t, 'a' + i);
  text_add(out, ") {\n");
  if (gnu)
    gnu_body(c, op, lanes, is_int);
  else
    text_printf(out,
                "  %s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = %s;\n  }\n  return r;\n",
                r, lanes, lane_text(c, op->iso));
  text_add(out, "}\n");
}

/* A table of 32 numbers, which two registers of 16 lanes hold. */
static void vector_lookup(CWriter *c, int lanes) {
  const char *t = c_vector_type(c, lanes, true);
  bool gnu = c->o->vectors == C_VECTORS_GNU;
  text_printf(c->out, "\nstatic inline %s %s_lookup_i32x%d(const int32_t *table, %s i) {\n", t,
              c->prefix, lanes, t);
  if (gnu)
    text_printf(c->out,
                "#if defined(__AVX512F__)\n  return (%s)_mm512_permutex2var_epi32(\n"
                "      _mm512_loadu_si512(table), (__m512i)i, _mm512_loadu_si512(table + %d));\n"
                "#else\n",
                t, lanes);
  text_printf(c->out,
              "  %s r%s;\n  for (int k = 0; k < %d; k++) {\n    r%s[k] = table[i%s[k]];\n  }\n", t,
              gnu ? " = i" : "", lanes, gnu ? "" : ".v", gnu ? "" : ".v");
  text_printf(c->out, "  return r;\n%s}\n", gnu ? "#endif\n" : "");
}

/* Loads and stores of elements that lie beside each other. */
static void vector_memory(CWriter *c, int lanes, bool is_int, bool load, bool store) {
  Text *out = c->out;
  const char *t = c_vector_type(c, lanes, is_int), *p = c->prefix, *suffix = is_int ? "_i32" : "",
             *elem = is_int ? "int32_t" : "float";
  bool gnu = c->o->vectors == C_VECTORS_GNU;
  if (gnu && (load || store))
    text_printf(out,
                "typedef %s %s_memory%d%s __attribute__((vector_size(%d), aligned(4), "
                "may_alias));\n",
                elem, p, lanes, suffix, 4 * lanes);
  if (load)
    text_printf(out, "\nstatic inline %s %s_load%d%s(const %s *p) {\n", t, p, lanes, suffix, elem);
  if (load && gnu)
    text_printf(out, "  return *(const %s_memory%d%s *)p;\n}\n", p, lanes, suffix);
  else if (load)
    text_printf(out,
                "  %s r;\n  for (int i = 0; i < %d; i++) {\n    r.v[i] = p[i];\n  }\n  return "
                "r;\n}\n",
                t, lanes);
  if (store)
    text_printf(out, "\nstatic inline void %s_store%d%s(%s *p, %s x) {\n", p, lanes, suffix, elem,
                t);
  if (store && gnu)
    text_printf(out, "  *(%s_memory%d%s *)p = x;\n}\n", p, lanes, suffix);
  else if (store)
    text_printf(out, "  for (int i = 0; i < %d; i++) {\n    p[i] = x.v[i];\n  }\n}\n", lanes);
}

static void vector_types(CWriter *c, int lanes) {
  const char *f = c_vector_type(c, lanes, false), *i = c_vector_type(c, lanes, true);
  if (c->o->vectors == C_VECTORS_GNU)
    text_printf(c->out,
                "\ntypedef float %s __attribute__((vector_size(%d)));\ntypedef int32_t %s "
                "__attribute__((vector_size(%d)));\n",
                f, 4 * lanes, i, 4 * lanes);
  else
    text_printf(
        c->out,
        "\ntypedef struct {\n  float v[%d];\n} %s;\ntypedef struct {\n  int32_t v[%d];\n} %s;\n",
        lanes, f, lanes, i);
}

/* The body of a load of 16 bits in GNU vectors: f16's exponent is moved into place and corrected by
 * a product with 2^112, which is exact. */
static void gnu_widening(CWriter *c, int lanes, bool half, const char *t) {
  bool mve = half && lanes == 4;
  if (mve) /* the assembler beside GCC 12 gets conversions of whole vectors wrong */
    text_printf(c->out,
                "#if %s_MVE_GCC\n  typedef __fp16 memory __attribute__((may_alias));\n"
                "  const memory *h = (const memory *)(const void *)p;\n"
                "  const %s r = {h[0], h[1], h[2], h[3]};\n  return r;\n#else\n",
                c->upper, t);
  text_printf(c->out,
              "  typedef uint16_t halves __attribute__((vector_size(%d)));\n"
              "  typedef uint32_t words __attribute__((vector_size(%d)));\n"
              "  typedef uint16_t memory __attribute__((vector_size(%d), aligned(2), may_alias));\n"
              "  const words h = __builtin_convertvector((halves)*(const memory *)p, words);\n",
              2 * lanes, 4 * lanes, 2 * lanes);
  if (mve) /* whose products would lose subnormal halves */
    text_printf(c->out,
                "#if defined(__ARM_FEATURE_MVE)\n  return "
                "(%s)__arm_vcvtbq_f32_f16((float16x8_t)h);\n#else\n",
                t);
  if (half)
    text_printf(c->out,
                "  const words magnitude = (words)((%s)((h & 0x7fffu) << 13) * "
                "5.192296858534828e33f); /* 2^112 */\n"
                "  const words special = (words)((h & 0x7c00u) == 0x7c00u) & 0x7f800000u;\n"
                "  return (%s)(magnitude | special | (h & 0x8000u) << 16);\n",
                t, t);
  else
    text_printf(c->out, "  return (%s)(h << 16);\n", t);
  if (mve) text_add(c->out, "#endif\n#endif\n");
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
  const char *t = c_vector_type(c, lanes, false), *kind = half ? "f16" : "bf16";
  bool gnu = c->o->vectors == C_VECTORS_GNU, direct = gnu && lanes >= 4;
  text_printf(c->out, "\nstatic inline %s %s_load%d_%s(const uint16_t *p) {\n", t, c->prefix, lanes,
              kind);
  if (direct)
    text_printf(c->out, "#if defined(%s)\n  return (%s)%s;\n", narrow_x86[!half][lanes / 4].macro,
                t, narrow_x86[!half][lanes / 4].call);
  if (direct) text_add(c->out, "#else\n");
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
  const char *t = c_vector_type(c, lanes, is_int), *e = is_int ? "int32_t" : "float";
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
  const char *to = c_vector_type(c, lanes, to_int), *from = c_vector_type(c, lanes, !to_int);
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
  const char *t = c_vector_type(c, lanes, is_int), *m = c_vector_type(c, lanes, true);
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
  const char *t = c_vector_type(c, lanes, false), *m = c_vector_type(c, lanes, true);
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
  const char *t = c_vector_type(c, lanes, false), *v = c->o->vectors == C_VECTORS_GNU ? "x" : "x.v";
  text_printf(c->out, "\nstatic inline float %s_sum_f32x%d(%s x) {\n", c->prefix, lanes, t);
  for (int half = lanes / 2; half >= 1; half /= 2)
    text_printf(c->out, "  for (int i = 0; i < %d; i++) {\n    %s[i] += %s[i + %d];\n  }\n", half,
                v, v, half);
  text_printf(c->out, "  return %s[0];\n}\n", v);
}

/* Whether GCC is to compile for MVE: it gets comparisons of its own vectors wrong there (GCC 12),
 * not those by intrinsics. */
static void mve_test(CWriter *c, bool always) {
  text_printf(c->out,
              "\n#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__) && !defined(__clang__)\n"
              "#define %s_MVE_GCC 1\n#else\n#define %s_MVE_GCC 0\n#endif\n"
              "#if %s\n#include <arm_mve.h>\n#endif\n",
              c->upper, c->upper,
              always ? "defined(__ARM_FEATURE_MVE)"
                     : arena_printf(c->out->arena, "%s_MVE_GCC", c->upper));
}

void c_vectors(CWriter *c, const CUsed *u) {
  if (u->lanes[2] && c->o->vectors == C_VECTORS_GNU) mve_test(c, u->load_f16[2]);
  for (int w = 1; w < C_MAX_WIDTHS; w++) {
    if (!u->lanes[w]) continue;
    int lanes = 1 << w;
    vector_types(c, lanes);
    for (int is_int = 0; is_int < 2; is_int++)
      vector_memory(c, lanes, is_int, u->load[w][is_int], u->store[w][is_int]);
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
    c_products(c, u, w);
    if (u->vector[w][KIR_LOOKUP][1]) vector_lookup(c, lanes);
    if (u->vector[w][KIR_SUM][0]) vector_sum(c, lanes);
  }
}
