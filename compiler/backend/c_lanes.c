/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of integer products by vectors, in C: 16 products of a row at a time by AVX2 and VNNI, 8 by
 * MVE and Advanced SIMD, and the same sums by a loop for every other compiler. In: the forms of
 * sums that a module uses. Out: helpers and functions. Sums of integers are exact in any order. */
#include "backend/c_internal.h"
#include "backend/mve_dots.h"

/* A processor's form: what it takes, and helpers, in which @ stands for the prefix. */
typedef struct LaneForm {
  int step;
  const char *when, *head;
  const char *i8, *u8, *i16; /* loads: elements as 16 bits */
  const char *rest;
} LaneForm;

static const LaneForm forms[] = {
    {16, "defined(__AVX2__)", "#include <immintrin.h>\ntypedef __m256i @lanes, @sums;\n",
     "static inline @lanes @lanes_i8(const int8_t *p) {\n"
     "  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));\n}\n",
     "static inline @lanes @lanes_u8(const uint8_t *p) {\n"
     "  return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));\n}\n",
     "static inline @lanes @lanes_i16(const int16_t *p) {\n"
     "  return _mm256_loadu_si256((const __m256i *)(const void *)p);\n}\n",
     "static inline @sums @none(void) {\n  return _mm256_setzero_si256();\n}\n"
     "static inline @sums @products(@sums sum, @lanes a, @lanes b) {\n"
     "#if defined(__AVX512VNNI__) && defined(__AVX512VL__)\n"
     "  return _mm256_dpwssd_epi32(sum, a, b);\n"
     "#elif defined(__AVXVNNI__)\n"
     "  return _mm256_dpwssd_avx_epi32(sum, a, b);\n"
     "#else\n"
     "  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));\n"
     "#endif\n}\n"
     "static inline int32_t @total(@sums v) {\n"
     "  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));\n"
     "  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 78));\n"
     "  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 177));\n"
     "  return _mm_cvtsi128_si32(s);\n}\n"},
    {8, "defined(__ARM_FEATURE_MVE) && !defined(__ARM_BIG_ENDIAN)",
     "#include <arm_mve.h>\ntypedef int16x8_t @lanes;\ntypedef int32_t @sums;\n",
     "static inline @lanes @lanes_i8(const int8_t *p) {\n  return vldrbq_s16(p);\n}\n",
     "static inline @lanes @lanes_u8(const uint8_t *p) {\n"
     "  return vreinterpretq_s16_u16(vldrbq_u16(p));\n}\n",
     "static inline @lanes @lanes_i16(const int16_t *p) {\n  return vldrhq_s16(p);\n}\n",
     "static inline @sums @none(void) {\n  return 0;\n}\n"
     "static inline @sums @products(@sums sum, @lanes a, @lanes b) {\n"
     "  return vmladavaq_s16(sum, a, b);\n}\n"
     "static inline int32_t @total(@sums v) {\n  return v;\n}\n"},
    {8, "defined(__aarch64__) && defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)",
     "#include <arm_neon.h>\ntypedef int16x8_t @lanes;\ntypedef int32x4_t @sums;\n",
     "static inline @lanes @lanes_i8(const int8_t *p) {\n  return vmovl_s8(vld1_s8(p));\n}\n",
     "static inline @lanes @lanes_u8(const uint8_t *p) {\n"
     "  return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p)));\n}\n",
     "static inline @lanes @lanes_i16(const int16_t *p) {\n  return vld1q_s16(p);\n}\n",
     "static inline @sums @none(void) {\n  return vdupq_n_s32(0);\n}\n"
     "static inline @sums @products(@sums sum, @lanes a, @lanes b) {\n"
     "  return vmlal_high_s16(vmlal_s16(sum, vget_low_s16(a), vget_low_s16(b)), a, b);\n}\n"
     "static inline int32_t @total(@sums v) {\n  return vaddvq_s32(v);\n}\n"},
};
enum { FORMS = sizeof forms / sizeof *forms };

bool c_dot_has_lanes(const KirStmt *s) {
  return s->step == 8 || s->step == 16;
}

/* 16 products of bytes at a time, which MVE alone has. */
static bool is_of_bytes(const CWriter *c, const KirStmt *s) {
  return c_is_for_mve(c) && mve_is_of_bytes(s);
}

void c_lanes_helpers(CWriter *c, const CUsed *u) {
  bool used[KIR_U8 + KIR_I8 + KIR_I16 + 1] = {false}, any = false;
  int step = 0;
  for (size_t i = 0; i < u->n_dots; i++) {
    if (!c_dot_has_lanes(u->dot[i]) || is_of_bytes(c, u->dot[i])) continue;
    used[u->dot[i]->buffer->elem] = used[u->dot[i]->source->elem] = any = true;
    step = (int)u->dot[i]->step;
  }
  if (!any) return;
  const char *word = "#if";
  text_printf(c->out, "\n/* %d numbers as 16 bits; sums of products of two such; their total */\n",
              step);
  for (int f = 0; f < FORMS; f++) {
    if (forms[f].step != step) continue;
    text_printf(c->out, "%s %s\n#define %s_LANES 1\n", word, forms[f].when, c->upper);
    c_prefixed(c, forms[f].head);
    if (used[KIR_I8]) c_prefixed(c, forms[f].i8);
    if (used[KIR_U8]) c_prefixed(c, forms[f].u8);
    if (used[KIR_I16]) c_prefixed(c, forms[f].i16);
    c_prefixed(c, forms[f].rest);
    word = "#elif";
  }
  text_printf(c->out, "#else\n#define %s_LANES 0\n#endif\n", c->upper);
}

static void by_vectors(CWriter *c, const KirStmt *s) {
  Text *out = c->out;
  const char *p = c->prefix, *w = kir_elem_name(s->buffer->elem),
             *z = kir_elem_name(s->source->elem);
  int n = s->n_regs, step = (int)s->step;
  text_printf(out, "  %s_sums ", p);
  for (int r = 0; r < n; r++)
    text_printf(out, "%sv%d = %s_none()", r ? ", " : "", r, p);
  text_printf(out, ";\n  for (int k = 0; k < n; k += %d) {\n", step);
  text_printf(out, "    const %s_lanes x = %s_lanes_%s(z + k);\n", p, p, z);
  for (int r = 0; r < n; r++)
    text_printf(out, "    v%d = %s_products(v%d, %s_lanes_%s(w + %d), x);\n", r, p, r, p, w,
                r * step);
  text_printf(out, "    w += %d;\n  }\n", n * step);
  for (int r = 0; r < n; r++)
    text_printf(out, "  *s%d = %s%s_total(v%d);\n", r,
                s->bias ? arena_printf(out->arena, "bias[%d] + ", r) : "", p, r);
}

static void by_loops(CWriter *c, const KirStmt *s) {
  Text *out = c->out;
  int n = s->n_regs, step = (int)s->step;
  c_dot_starts(c, s);
  text_printf(out, "  for (int k = 0; k < n; k += %d) {\n    for (int j = 0; j < %d; j++) {\n",
              step, step);
  for (int r = 0; r < n; r++)
    text_printf(out, r ? "      a%d += w[j + %d] * z[k + j];\n" : "      a%d += w[j] * z[k + j];\n",
                r, r * step);
  text_printf(out, "    }\n    w += %d;\n  }\n", n * step);
  for (int r = 0; r < n; r++)
    text_printf(out, "  *s%d = a%d;\n", r, r);
}

static void mve_load_line(CWriter *c, KirElem elem, bool bytes, int q, const char *pointer) {
  text_printf(c->out, "      \"%s q%d, [%%[%s]], #%d\\n\\t\"\n", mve_load(elem, bytes), q, pointer,
              mve_load_bytes(elem, bytes));
}

static void mve_step(CWriter *c, const KirStmt *s) {
  bool bytes = mve_is_of_bytes(s);
  mve_load_line(c, s->source->elem, bytes, 0, "z");
  for (int r = 0; r < s->n_regs; r++)
    mve_load_line(c, s->buffer->elem, bytes, 1 + r, "w");
  for (int r = 0; r < s->n_regs; r++)
    text_printf(c->out, "      \"%s %%[a%d], q%d, q0\\n\\t\"\n", mve_product(bytes), r, 1 + r);
}

/* The loop of MVE in its shortest form: sums begin as the biases, and pointers count themselves.
 * One turn takes no loop. */
static void by_mve(CWriter *c, const KirStmt *s) {
  Text *out = c->out;
  int n = s->n_regs, turn = mve_turn(s);
  bool bytes = is_of_bytes(c, s), loops = s->count > turn * s->step;
  text_add(out,
           "#if defined(__GNUC__) && defined(__ARM_FEATURE_MVE) && !defined(__ARM_BIG_ENDIAN)\n");
  c_dot_starts(c, s);
  if (!loops) text_add(out, "  (void)n;\n");
  text_add(out, "  __asm__ volatile(\n");
  if (loops) text_add(out, "      \"dls lr, %[n]\\n1:\\n\\t\"\n");
  for (int i = 0; i < turn; i++)
    mve_step(c, s);
  if (loops) text_add(out, "      \"le lr, 1b\"\n");
  text_add(out, "      : ");
  for (int r = 0; r < n; r++)
    text_printf(out, "[a%d] \"+Te\"(a%d), ", r, r);
  text_printf(out, "[w] \"+%s\"(w), [z] \"+%s\"(z)\n      : ", mve_pointer(s->buffer->elem, bytes),
              mve_pointer(s->source->elem, bytes));
  if (loops) text_printf(out, "[n] \"r\"(n / %d)", turn * (int)s->step);
  text_printf(out, "\n      : \"memory\", %s\"q0\"", loops ? "\"lr\", " : "");
  for (int r = 0; r < n; r++)
    text_printf(out, ", \"q%d\"", 1 + r);
  text_add(out, ");\n");
  for (int r = 0; r < n; r++)
    text_printf(out, "  *s%d = a%d;\n", r, r);
}

void c_lanes_body(CWriter *c, const KirStmt *s) {
  bool mve = c_is_for_mve(c);
  if (mve) by_mve(c, s);
  if (!is_of_bytes(c, s)) {
    text_printf(c->out, "#%s %s_LANES\n", mve ? "elif" : "if", c->upper);
    by_vectors(c, s);
  }
  text_add(c->out, "#else\n");
  by_loops(c, s);
  text_add(c->out, "#endif\n}\n");
}
