/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fixed-point operations as C functions. In: what a module uses. Out: those functions, portable
 * C99; every sum and product in them was proved to fit. */
#include "backend/c_internal.h"

#include <string.h>

/* ---- operations ---- */

/* What is shorter and faster as a call where four registers hold a number: clamps and shifts. */
static bool is_called(const char *name) {
  return strncmp(name, "sat", 3) == 0 || strncmp(name, "top", 3) == 0 ||
         strncmp(name, "sh", 2) == 0;
}

static void function(CWriter *c, const char *doc, const char *name, const char *parameters,
                     const char *body) {
  bool called = c->o->machine.is_avr && is_called(name);
  const char *kind = called ? arena_printf(c->out->arena, "%s_CALL", c->upper) : "static inline";
  text_printf(c->out, "\n/* %s */\n%s int32_t %s_%s(%s) {\n", doc, kind, c->prefix, name,
              parameters);
  c_prefixed(c, body);
  text_add(c->out, "}\n");
}

/* a / 2^shift within n bits with the sign: an instruction of Armv7-M and later. */
static void saturation(CWriter *c, const CSaturation *s) {
  Arena *arena = c->out->arena;
  long long most = (1ll << (s->bits - 1)) - 1;
  const char *by = s->shift ? arena_printf(arena, ", asr #%d", s->shift) : "";
  const char *of = s->shift ? arena_printf(arena, "a / 2^%d", s->shift) : "a";
  const char *limits = s->top ? arena_printf(arena, "%lld at most", most)
                              : arena_printf(arena, "within %d bits with the sign", s->bits);
  const char *least = s->top ? "" : arena_printf(arena, "b < %lld ? %lld : ", -most - 1, -most - 1);
  function(
      c, arena_printf(arena, "%s, %s", of, limits), c_saturation_name(c, s), "int32_t a",
      arena_printf(arena,
                   "#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT)\n"
                   "  int32_t r;\n  __asm__(\"ssat %%0, #%d, %%1%s\" : \"=r\"(r) : \"r\"(a));\n"
                   "  return r;\n"
                   "#else\n  const int32_t b = a >> %d;\n"
                   "  return %sb > %lld ? %lld : b;\n#endif\n",
                   s->bits, by, s->shift, least, most, most));
}

/* Without instructions for floats. */
#define SOFT_FLOAT                                                                                 \
  "#if defined(__SOFTFP__) || (defined(__riscv) && !defined(__riscv_flen)) || defined(__AVR__)\n"

#define SMLAWB                                                                                     \
  "#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)\n"            \
  "  int32_t r;\n  __asm__(\"smlawb %0, %1, %2, %3\" : \"=r\"(r) : \"r\"(a), \"r\"(m), "           \
  "\"r\"(c));\n  return r;\n"

/* Eight products of bytes; l is the second byte of the product, of which only the carry counts. */
#define AVR_MULW                                                                                   \
  "#elif defined(__AVR__)\n  int32_t r;\n  uint8_t l, s;\n  __asm__(\n"                            \
  "      \"mul %A3, %A4\\n\\tmov %1, r1\\n\\t\"\n"                                                 \
  "      \"mul %C3, %A4\\n\\tmov %A0, r0\\n\\tmov %B0, r1\\n\\t\"\n"                               \
  "      \"muls %D3, %B4\\n\\tmov %C0, r0\\n\\tmov %D0, r1\\n\\t\"\n"                              \
  "      \"mulsu %D3, %A4\\n\\tsbc %2, %2\\n\\tadd %B0, r0\\n\\tadc %C0, r1\\n\\tadc %D0, "        \
  "%2\\n\\t\"\n"                                                                                   \
  "      \"mulsu %B4, %C3\\n\\tsbc %2, %2\\n\\tadd %B0, r0\\n\\tadc %C0, r1\\n\\tadc %D0, "        \
  "%2\\n\\t\"\n"                                                                                   \
  "      \"mulsu %B4, %B3\\n\\tsbc %2, %2\\n\\tadd %A0, r0\\n\\tadc %B0, r1\\n\\t\"\n"             \
  "      \"adc %C0, %2\\n\\tadc %D0, %2\\n\\t\"\n"                                                 \
  "      \"mul %B3, %A4\\n\\tadd %1, r0\\n\\tadc %A0, r1\\n\\tadc %B0, %5\\n\\t\"\n"               \
  "      \"adc %C0, %5\\n\\tadc %D0, %5\\n\\t\"\n"                                                 \
  "      \"mulsu %B4, %A3\\n\\tsbc %2, %2\\n\\tadd %1, r0\\n\\tadc %A0, r1\\n\\t\"\n"              \
  "      \"adc %B0, %2\\n\\tadc %C0, %2\\n\\tadc %D0, %2\\n\\tclr r1\"\n"                          \
  "      : \"=&r\"(r), \"=&r\"(l), \"=&r\"(s)\n"                                                   \
  "      : \"a\"(a), \"a\"((int16_t)m), \"r\"((uint8_t)0)\n      : \"r0\");\n  return r;\n"

/* By bytes first: a shift by a number of bits is a loop there. */
#define AVR_ROUND                                                                                  \
  "#if defined(__AVR__)\n    uint8_t shift = (uint8_t)(150 - exponent), rest = 0, half;\n"         \
  "    uint32_t m = mantissa;\n    for (; shift > 8; shift = (uint8_t)(shift - 8)) {\n"            \
  "      rest |= (uint8_t)m;\n      m >>= 8;\n    }\n"                                             \
  "    half = (uint8_t)(m << (8 - shift));\n    v = (int32_t)(m >> shift);\n"                      \
  "    if (half > 128 || (half == 128 && (rest != 0 || (v & 1)))) {\n      v++;\n    }\n#else\n"

/* Shifts by 15, which are loops there, by those by 16, which are moves. */
static void avr_shifts(CWriter *c) {
  function(c, "a / 2^15", "shr15", "int32_t a",
           "  return (a >> 16) * 2 + (int32_t)((uint16_t)a >> 15);\n");
  function(c, "a * 2^15, a of 16 bits", "shl15", "int32_t a",
           "  return (int32_t)((uint32_t)a << 16) / 2;\n");
}

static void row(CWriter *c) {
  const char *flash = c_in_flash(c);
  text_printf(c->out,
              "\n/* record i of a table of four words each: its address once, which compilers "
              "take apart */\n"
              "static inline const %sint32_t *%s_row(const %sint32_t *table, int32_t i) {\n",
              flash, c->prefix, flash);
  text_add(c->out, "#if defined(__GNUC__) && defined(__thumb2__)\n  const int32_t *r;\n"
                   "  __asm__(\"add %0, %1, %2, lsl #4\" : \"=r\"(r) : \"r\"(table), \"r\"(i));\n"
                   "  return r;\n#else\n  return table + i * 4;\n#endif\n}\n");
}

static void operations(CWriter *c, const CUsed *u) {
  for (int n = 1; n < 32; n++)
    for (int k = 0; k < 64; k++) {
      CSaturation s = {.bits = n, .shift = k / 2, .top = k % 2};
      if (u->saturate[s.top][s.shift] >> (n - 1) & 1) saturation(c, &s);
    }
  if (u->fixed[KIR_MULW] || u->fixed[KIR_MIX] || u->fixed[KIR_FADE] || u->add_mulw ||
      (u->add_product && c->o->machine.is_avr))
    function(
        c, "floor(a * m / 2^16), m of 16 bits", "mulw", "int32_t a, int32_t m",
        "#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)\n"
        "  int32_t r;\n  __asm__(\"smulwb %0, %1, %2\" : \"=r\"(r) : \"r\"(a), \"r\"(m));\n  "
        "return r;\n" AVR_MULW "#elif defined(__ARM_ARCH_6M__) /* no product of 64 bits */\n"
        "  return (a >> 16) * m + (((a & 65535) * m) >> 16);\n"
        "#else\n  return (int32_t)(((int64_t)a * (int32_t)((uint32_t)m << 16)) >> 32);\n#endif\n");
  if (u->add_mulw)
    function(c, "c + floor(a * m / 2^16), m of 16 bits", "add_mulw",
             "int32_t c, int32_t a, int32_t m",
             SMLAWB "#else\n  return c + @mulw(a, m);\n#endif\n");
  if (u->add_product)
    function(c, "c + floor(a * m / 2^16), m of 16 bits and the product of 32", "add_product",
             "int32_t c, int32_t a, int32_t m",
             c->o->machine.is_avr ? "  return c + @mulw(a, m);\n"
                                  : SMLAWB "#else\n  return c + ((a * m) >> 16);\n#endif\n");
  if (u->row) row(c);
  if (c->o->machine.is_avr && u->shift15) avr_shifts(c);
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
    function(c, "to the nearest integer within lo..hi, ties to even; a NaN becomes lo", "round",
             "float x, float lo, float hi",
             SOFT_FLOAT /* by the bits: there every operation on floats is a call */
             "  union {\n    float f;\n    uint32_t i;\n  } u;\n  int32_t v;\n  u.f = x;\n"
             "  const int32_t least = (int32_t)lo, most = (int32_t)hi;\n"
             "  const int32_t exponent = (int32_t)((u.i >> 23) & 255);\n"
             "  const uint32_t mantissa = (u.i & 8388607) | 8388608;\n"
             "  if (exponent >= 158) {\n    return u.i > 0x7f800000 ? least : most;\n  }\n"
             "  if (exponent < 126) {\n    v = 0;\n  } else if (exponent >= 150) {\n"
             "    v = (int32_t)(mantissa << (exponent - 150));\n  } else {\n" AVR_ROUND
             "    const int32_t shift = 150 - exponent; /* half of one is bit shift - 1 */\n"
             "    const uint32_t below = (uint32_t)1 << (shift - 1), floor = mantissa >> shift;\n"
             "    v = (int32_t)((mantissa + below - 1 + (floor & 1)) >> shift);\n#endif\n  }\n"
             "  v = u.i >> 31 ? -v : v;\n  return v < least ? least : v > most ? most : v;\n"
             "#else\n"
             "  const float whole = 8388608.0f; /* from here on every float is an integer */\n"
             "  float y = x > lo ? x : lo;\n  y = y < hi ? y : hi;\n"
             "#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FP)\n"
             "  int32_t r;\n  (void)whole;\n"
             "  __asm__(\"vcvtr.s32.f32 %1, %1\\n\\tvmov %0, %1\" : \"=r\"(r), \"+t\"(y));\n"
             "  return r;\n#else\n"
             "  if (y > -whole && y < whole) {\n"
             "    y = y < 0.0f ? (y - whole) + whole : (y + whole) - whole;\n  }\n"
             "  return (int32_t)y;\n#endif\n#endif\n");
}

void c_fixed(CWriter *c, const CUsed *u) {
  bool any = false;
  for (int i = 0; i < C_MAX_OPS; i++)
    any = any || u->fixed[i];
  if (any && c_is_for_mve(c)) c_mve_prelude(c);
  operations(c, u);
  c_dots(c, u);
}
