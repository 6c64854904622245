/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products of vectors in front of generated functions: multiply-adds that round once, and those of
 * pairs of bf16 and of four bytes. Each is an instruction where the compiler says that the
 * processor has it, else it goes lane by lane. */
#include "backend/c_internal.h"

/* What GCC has for a whole vector, by lanes / 4; other compilers and machines go lane by lane. */
static const struct {
  const char *macro, *call;
} fma_x86[5] = {[1] = {"__FMA__", "__builtin_ia32_vfmaddps(a, b, c)"},
                [2] = {"__FMA__", "__builtin_ia32_vfmaddps256(a, b, c)"},
                [4] = {"__AVX512F__", "__builtin_ia32_vfmaddps512_mask(a, b, c, -1, 4)"}};

/* What is left of a function of three vectors: r[i] = SCALAR(a[i], b[i], c[i]); r begins as `like`,
 * which has its type. */
static void lane_by_lane(CWriter *c, const char *type, int lanes, const char *like,
                         const char *scalar) {
  bool gnu = c->o->vectors == C_VECTORS_GNU;
  const char *lane = gnu ? "" : ".v", *start = gnu ? " = " : "";
  text_printf(c->out,
              "  %s r%s%s;\n  for (int i = 0; i < %d; i++) {\n    r%s[i] = %s_%s(a%s[i], "
              "b%s[i], c%s[i]);\n  }\n  return r;\n%s}\n",
              type, start, gnu ? like : "", lanes, lane, c->prefix, scalar, lane, lane, lane,
              gnu ? "#endif\n" : "");
}

static void vector_fma(CWriter *c, int lanes) {
  const char *t = c_vector_type(c, lanes, false);
  bool gnu = c->o->vectors == C_VECTORS_GNU;
  text_printf(
      c->out,
      "\n/* a * b + c, rounded once */\nstatic inline %s %s_fma_f32x%d(%s a, %s b, %s c) {\n", t,
      c->prefix, lanes, t, t, t);
  if (gnu) {
    text_printf(c->out,
                "#if %s_FMA && defined(__clang__)\n  return __builtin_elementwise_fma(a, b, c);\n",
                c->upper);
    if (fma_x86[lanes / 4].macro)
      text_printf(c->out, "#elif defined(%s)\n  return (%s)%s;\n", fma_x86[lanes / 4].macro, t,
                  fma_x86[lanes / 4].call);
    if (lanes == 4)
      text_printf(c->out,
                  "#elif %s_MVE_GCC\n  return (%s)__arm_vfmaq_f32((float32x4_t)c, (float32x4_t)a, "
                  "(float32x4_t)b);\n",
                  c->upper, t);
    text_add(c->out, "#else\n");
  }
  lane_by_lane(c, t, lanes, "a", "fma_f32");
}

/* What x86 has for pairs of bf16, by lanes / 4. */
static const char *const pairs_x86[5] = {[1] = "(__m128)c, (__m128bh)a, (__m128bh)b",
                                         [2] = "(__m256)c, (__m256bh)a, (__m256bh)b",
                                         [4] = "(__m512)c, (__m512bh)a, (__m512bh)b"};

/* The first line of a function of a, b and c: "static inline T P_NAMELANES(A a, A b, T c) {". */
static void begin_sum(CWriter *c, int lanes, const char *what, const char *name, const char *factor,
                      const char *sum) {
  text_printf(c->out,
              "\n/* c + the products of %s */\nstatic inline %s %s_%s%d(%s a, %s b, %s c) {\n",
              what, sum, c->prefix, name, lanes, factor, factor, sum);
}

static void vector_pairs(CWriter *c, int lanes) {
  static const char *const width[5] = {[1] = "", [2] = "256", [4] = "512"};
  const char *t = c_vector_type(c, lanes, false);
  begin_sum(c, lanes, "pairs of bfloat16, the upper two first; each sum is rounded once",
            "pairs_f32x", c_vector_type(c, lanes, true), t);
  if (c->o->vectors == C_VECTORS_GNU)
    text_printf(c->out,
                "#if defined(__AVX512BF16__) && defined(__AVX512VL__)\n"
                "  return (%s)_mm%s_dpbf16_ps(%s);\n#else\n",
                t, width[lanes / 4], pairs_x86[lanes / 4]);
  lane_by_lane(c, t, lanes, "c", "pair_f32");
}

static void vector_quads(CWriter *c, int lanes) {
  enum { LANES_OF_AVX2 = 8 };
  static const char *const vector[5] = {[1] = "__m128i", [2] = "__m256i", [4] = "__m512i"};
  static const char *const width[5] = {[1] = "", [2] = "256", [4] = "512"};
  const char *t = c_vector_type(c, lanes, true), *v = vector[lanes / 4];
  bool gnu = c->o->vectors == C_VECTORS_GNU;
  begin_sum(c, lanes, "four bytes, those of a without a sign, of b with one", "quads_i32x", t, t);
  if (gnu)
    text_printf(c->out,
                "#if defined(__AVX512VNNI__) && defined(__AVX512VL__)\n"
                "  return (%s)_mm%s_dpbusd_epi32((%s)c, (%s)a, (%s)b);\n",
                t, width[lanes / 4], v, v, v);
  if (gnu && lanes <= LANES_OF_AVX2)
    text_printf(c->out,
                "#elif defined(__AVXVNNI__)\n"
                "  return (%s)_mm%s_dpbusd_avx_epi32((%s)c, (%s)a, (%s)b);\n",
                t, width[lanes / 4], v, v, v);
  if (gnu) text_add(c->out, "#else\n");
  lane_by_lane(c, t, lanes, "c", "quad_i32");
}

static void vector_signed_quads(CWriter *c, int lanes) {
  const char *t = c_vector_type(c, lanes, true);
  begin_sum(c, lanes, "four bytes, those of a and of b with a sign", "signed_quads_i32x", t, t);
  if (c->o->vectors == C_VECTORS_GNU)
    text_printf(c->out,
                "#if defined(__ARM_FEATURE_DOTPROD)\n"
                "  return (%s)vdotq_s32((int32x4_t)c, (int8x16_t)a, (int8x16_t)b);\n#else\n",
                t);
  lane_by_lane(c, t, lanes, "c", "signed_quad_i32");
}

/* The second factor is the same in every lane, as a register of MVE's scalars can be. */
static void vector_fma_scalar(CWriter *c, int lanes) {
  const char *t = c_vector_type(c, lanes, false);
  text_printf(c->out, "\nstatic inline %s %s_fma_n_f32x%d(%s a, float b, %s c) {\n", t, c->prefix,
              lanes, t, t);
  bool mve = c->o->vectors == C_VECTORS_GNU && lanes == 4;
  if (mve)
    text_printf(c->out,
                "#if %s_MVE_GCC\n  return (%s)__arm_vfmaq_n_f32((float32x4_t)c, (float32x4_t)a, "
                "b);\n#else\n",
                c->upper, t);
  text_printf(c->out, "  return %s_fma_f32x%d(a, %s_splat%d(b), c);\n", c->prefix, lanes, c->prefix,
              lanes);
  text_add(c->out, mve ? "#endif\n}\n" : "}\n");
}

void c_products(CWriter *c, const CUsed *u, int width) {
  int lanes = 1 << width;
  if (u->vector[width][KIR_FMA][0]) vector_fma(c, lanes);
  if (u->fma_scalar[width]) vector_fma_scalar(c, lanes);
  if (u->vector[width][KIR_PAIRS][0]) vector_pairs(c, lanes);
  if (u->vector[width][KIR_QUADS][1]) vector_quads(c, lanes);
  if (u->vector[width][KIR_SIGNED_QUADS][1]) vector_signed_quads(c, lanes);
}
