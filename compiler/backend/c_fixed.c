/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fixed-point operations and sums of integer products as C functions. In: what a module uses. Out:
 * those functions, portable C99; every sum and product in them was proved to fit. */
#include "backend/c_internal.h"

/* ---- operations ---- */

static void function(CWriter *c, const char *doc, const char *name, const char *parameters,
                     const char *body) {
  text_printf(c->out, "\n/* %s */\nstatic inline int32_t %s_%s(%s) {\n", doc, c->prefix, name,
              parameters);
  for (const char *s = body; *s; s++) { /* @ stands for the prefix */
    if (*s == '@')
      text_printf(c->out, "%s_", c->prefix);
    else
      text_add_char(c->out, *s);
  }
  text_add(c->out, "}\n");
}

/* a within n bits with the sign: an instruction of Armv7-M and later. */
static void saturation(CWriter *c, int n) {
  Arena *arena = c->out->arena;
  long long most = (1ll << (n - 1)) - 1;
  function(c, arena_printf(arena, "a within %d bits with the sign", n),
           arena_printf(arena, "sat%d", n), "int32_t a",
           arena_printf(arena,
                        "#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT)\n"
                        "  int32_t r;\n  __asm__(\"ssat %%0, #%d, %%1\" : \"=r\"(r) : \"r\"(a));\n"
                        "  return r;\n"
                        "#else\n  return a < %lld ? %lld : a > %lld ? %lld : a;\n#endif\n",
                        n, -most - 1, -most - 1, most, most));
}

static void operations(CWriter *c, const CUsed *u) {
  for (int n = 1; n < 32; n++)
    if (u->saturate >> (n - 1) & 1) saturation(c, n);
  if (u->fixed[KIR_MULW] || u->fixed[KIR_MIX] || u->fixed[KIR_FADE])
    function(
        c, "floor(a * m / 2^16), m of 16 bits", "mulw", "int32_t a, int32_t m",
        "#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)\n"
        "  int32_t r;\n  __asm__(\"smulwb %0, %1, %2\" : \"=r\"(r) : \"r\"(a), \"r\"(m));\n  "
        "return r;\n"
        "#elif defined(__ARM_ARCH_6M__) /* no product of 64 bits */\n"
        "  return (a >> 16) * m + (((a & 65535) * m) >> 16);\n"
        "#else\n  return (int32_t)(((int64_t)a * (int32_t)((uint32_t)m << 16)) >> 32);\n#endif\n");
  if (u->fixed[KIR_CLAMP])
    function(c, "a within lo..hi", "clamp", "int32_t a, int32_t lo, int32_t hi",
             "  return a < lo ? lo : a > hi ? hi : a;\n");
  if (u->fixed[KIR_ADDS])
    function(c, "a + b, held at the ends of 32 bits", "adds", "int32_t a, int32_t b",
             "#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP)\n"
             "  int32_t r;\n  __asm__(\"qadd %0, %1, %2\" : \"=r\"(r) : \"r\"(a), \"r\"(b));\n  "
             "return r;\n"
             "#else\n"
             "  const int32_t sum = (int32_t)((uint32_t)a + (uint32_t)b);\n"
             "  return ((a ^ sum) & (b ^ sum)) >= 0 ? sum : a < 0 ? INT32_MIN : INT32_MAX;\n"
             "#endif\n");
  if (u->fixed[KIR_MIX])
    function(c, "from s towards n by u / 2^15", "mix", "int32_t s, int32_t n, int32_t u",
             "  return s + 2 * @mulw(n - s, u);\n");
  if (u->fixed[KIR_FADE])
    function(c, "c - c * n / 2^15", "fade", "int32_t c, int32_t n",
             "  return c - 2 * @mulw(c, n);\n");
  if (u->fixed[KIR_ROUND])
    function(
        c, "to the nearest integer within lo..hi, ties to even; a NaN becomes lo", "round",
        "float x, float lo, float hi",
        "  const float whole = 8388608.0f; /* from here on every float is an integer */\n"
        "  float y = x > lo ? x : lo;\n  y = y < hi ? y : hi;\n"
        "  if (y > -whole && y < whole) y = y < 0.0f ? (y - whole) + whole : (y + whole) - whole;\n"
        "  return (int32_t)y;\n");
}

/* ---- sums of products ---- */

static const char *elem_name(KirElem elem) {
  return elem == KIR_I8 ? "i8" : elem == KIR_U8 ? "u8" : "i16";
}

bool c_dot_same(const KirStmt *a, const KirStmt *b) {
  return a->n_regs == b->n_regs && a->step == b->step && a->buffer->elem == b->buffer->elem &&
         a->source->elem == b->source->elem;
}

const char *c_dot_name(CWriter *c, const KirStmt *s) {
  Arena *arena = c->out->arena;
  const char *name = arena_printf(arena, "%s_dot%d_%s_%s", c->prefix, s->n_regs,
                                  elem_name(s->buffer->elem), elem_name(s->source->elem));
  return s->step > 1 ? arena_printf(arena, "%s_by%d", name, (int)s->step) : name;
}

static void for_each(CWriter *c, int n, const char *between, const char *format) {
  for (int i = 0; i < n; i++)
    text_printf(c->out, format, i ? between : "", i, i);
}

/* Row r of a step has its weights at w[r * step]. */
static void terms(CWriter *c, const KirStmt *s) {
  for (int j = 0; j < s->step; j++)
    for (int r = 0; r < s->n_regs; r++) {
      text_printf(c->out, "    a%d += w[%d] * z[k", r, r * (int)s->step + j);
      if (j) text_printf(c->out, " + %d", j);
      text_add(c->out, "];\n");
    }
}

/* ---- Arm's DSP instructions: two products of 16 bits at a time ---- */

static bool takes_pairs(const KirStmt *s) {
  return s->step == 4 && s->source->elem == KIR_I16;
}

static void prefixed(CWriter *c, const char *text) { /* @ stands for the prefix */
  for (const char *s = text; *s; s++) {
    if (*s == '@')
      text_printf(c->out, "%s_", c->prefix);
    else
      text_add_char(c->out, *s);
  }
}

static void arm_helpers(CWriter *c, bool of_bytes) {
  static const char *const text =
      "\n#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)\n"
      "/* four bytes, two pairs of 16 bits; sum + a.low * b.low + a.high * b.high */\n"
      "static inline uint32_t @word(const void *p) {\n  uint32_t w;\n  __builtin_memcpy(&w, p, "
      "4);\n  return w;\n}\n"
      "static inline int32_t @smlad(uint32_t a, uint32_t b, int32_t sum) {\n  int32_t r;\n"
      "  __asm__(\"smlad %0, %1, %2, %3\" : \"=r\"(r) : \"r\"(a), \"r\"(b), \"r\"(sum));\n  return "
      "r;\n}\n";
  static const char *const bytes =
      "static inline uint32_t @even(uint32_t w) {\n  uint32_t r;\n  __asm__(\"sxtb16 %0, %1\" : "
      "\"=r\"(r) : \"r\"(w));\n  return r;\n}\n"
      "static inline uint32_t @odd(uint32_t w) {\n  uint32_t r;\n  __asm__(\"sxtb16 %0, %1, ror "
      "#8\" : \"=r\"(r) : \"r\"(w));\n  return r;\n}\n"
      "static inline uint32_t @lows(uint32_t a, uint32_t b) {\n  uint32_t r;\n"
      "  __asm__(\"pkhbt %0, %1, %2, lsl #16\" : \"=r\"(r) : \"r\"(a), \"r\"(b));\n  return r;\n}\n"
      "static inline uint32_t @highs(uint32_t a, uint32_t b) {\n  uint32_t r;\n"
      "  __asm__(\"pkhtb %0, %1, %2, asr #16\" : \"=r\"(r) : \"r\"(b), \"r\"(a));\n  return "
      "r;\n}\n";
  prefixed(c, text);
  if (of_bytes) prefixed(c, bytes);
  text_add(c->out, "#endif\n");
}

/* Four products of each row: of 8-bit weights the even and the odd bytes of a word, of 16-bit ones
 * two words. */
static void arm_terms(CWriter *c, const KirStmt *s) {
  const char *p = c->prefix;
  bool bytes = s->buffer->elem == KIR_I8;
  text_printf(c->out, "    const uint32_t z01 = %s_word(z + k), z23 = %s_word(z + k + 2);\n", p, p);
  if (bytes)
    text_printf(c->out, "    const uint32_t z02 = %s_lows(z01, z23), z13 = %s_highs(z01, z23);\n",
                p, p);
  for (int r = 0; r < s->n_regs; r++) {
    if (bytes) {
      text_printf(c->out, "    const uint32_t w%d = %s_word(w + %d);\n", r, p, 4 * r);
      text_printf(c->out,
                  "    a%d = %s_smlad(%s_even(w%d), z02, a%d);\n    a%d = %s_smlad(%s_odd(w%d), "
                  "z13, a%d);\n",
                  r, p, p, r, r, r, p, p, r, r);
    } else
      text_printf(c->out,
                  "    a%d = %s_smlad(%s_word(w + %d), z01, a%d);\n    a%d = %s_smlad(%s_word(w + "
                  "%d), z23, a%d);\n",
                  r, p, p, 4 * r, r, r, p, p, 4 * r + 2, r);
  }
}

static void dot_function(CWriter *c, const KirStmt *s) {
  Text *out = c->out;
  int n = s->n_regs;
  text_printf(out, "\n/* %d sum%s of n products each, weights in steps of %d a row */\n", n,
              n > 1 ? "s" : "", (int)s->step);
  text_printf(out,
              "static inline void %s(const %s *w, const %s *z, int n,\n    const int32_t *bias",
              c_dot_name(c, s), c_elem(s->buffer->elem), c_elem(s->source->elem));
  for_each(c, n, "", ", %sint32_t *s%d");
  text_add(out, ") {\n");
  if (c_dot_has_lanes(s)) {
    c_lanes_body(c, s);
    return;
  }
  text_add(out, "  int32_t ");
  for_each(c, n, ", ", "%sa%d = bias[%d]");
  text_printf(out, ";\n  for (int k = 0; k < n; k += %d) {\n", (int)s->step);
  if (takes_pairs(s)) {
    text_add(out,
             "#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)\n");
    arm_terms(c, s);
    text_add(out, "#else\n");
  }
  terms(c, s);
  if (takes_pairs(s)) text_add(out, "#endif\n");
  text_printf(out, "    w += %d;\n  }\n", n * (int)s->step);
  for_each(c, n, "", "%s  *s%d = a%d;\n");
  text_add(out, "}\n");
}

void c_fixed(CWriter *c, const CUsed *u) {
  bool pairs = false, bytes = false;
  for (int i = 0; i < u->n_dots; i++) {
    pairs = pairs || takes_pairs(u->dot[i]);
    bytes = bytes || (takes_pairs(u->dot[i]) && u->dot[i]->buffer->elem == KIR_I8);
  }
  operations(c, u);
  if (pairs) arm_helpers(c, bytes);
  c_lanes_helpers(c, u);
  for (int i = 0; i < u->n_dots; i++)
    dot_function(c, u->dot[i]);
}
