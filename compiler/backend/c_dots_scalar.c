/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of integer products in assembler, for processors where each product is an instruction of its
 * own: the smallest Arm cores, RISC-V of 32 bits and AVR. In: a form of sums. Out: the loops that
 * add to a0, a1, .. the products of weights from w and elements from z, and the condition of the
 * preprocessor under which a compiler takes them. */
#include "backend/c_internal.h"

/* GCC keeps the high registers to itself when it optimises for size, and clang 19 runs out of low
 * ones. */
static const char thumb[] =
    "defined(__GNUC__) && !defined(__clang__) && !defined(__OPTIMIZE_SIZE__) && "
    "defined(__ARM_ARCH_6M__) && !defined(__ARM_BIG_ENDIAN)";
static const char riscv[] = "defined(__GNUC__) && defined(__riscv_mul) && __riscv_xlen == 32";
static const char avr[] = "defined(__AVR__) && defined(__FLASH)";

/* ---- Cortex-M0: a load, a product and an addition for each weight ---- */

enum { NEAR_BYTES = 32 }; /* what a load of a byte reaches */

/* All sums for element j of a step, in register `element`; w: bytes from the weights' pointer. */
static void thumb_element(CWriter *c, const KirStmt *s, int w, int j, const char *element) {
  int n = s->n_regs;
  for (int r = 0; r < n; r++)
    text_printf(
        c->out,
        "            \"ldrb %%%d, [%%%d, #%d]\\n\\tmuls %%%d, %s\\n\\tadd %%%d, %%%d\\n\\t\"\n",
        n + 3, n, w + r * (int)s->step + j, n + 3, element, r, n + 3);
}

/* Operands: %0.. sums, then w, z, an element and a product; end. Four elements are two words, of
 * fixed registers, for one instruction loads them in ascending order. */
static void thumb_step(CWriter *c, const KirStmt *s, int w) {
  static const char *const word[] = {"r2", "r3"};
  const char *element = arena_printf(c->out->arena, "%%%d", s->n_regs + 2);
  text_printf(c->out, "            \"ldm %%%d!, {r2, r3}\\n\\t\"\n", s->n_regs + 1);
  for (int j = 0; j < (int)s->step; j += 2) {
    text_printf(c->out, "            \"sxth %s, %s\\n\\t\"\n", element, word[j / 2]);
    thumb_element(c, s, w, j, element);
    text_printf(c->out, "            \"asrs %s, %s, #16\\n\\t\"\n", word[j / 2], word[j / 2]);
    thumb_element(c, s, w, j + 1, word[j / 2]);
  }
}

/* Turns of so many steps up to `end`. The loop is part of the assembler: between two of them,
 * compilers would move the sums to low registers and back. */
static void thumb_turns(CWriter *c, const KirStmt *s, int steps, const char *end) {
  Text *out = c->out;
  int n = s->n_regs, step = n * (int)s->step, w = 0;
  text_add(out, "    __asm__ volatile(\n            \".syntax unified\\n0:\\n\\t\"\n");
  for (int k = 0; k < steps; k++) {
    thumb_step(c, s, w);
    w += step;
    if (w + step <= NEAR_BYTES && k + 1 < steps) continue;
    text_printf(out, "            \"adds %%%d, #%d\\n\\t\"\n", n, w);
    w = 0;
  }
  text_printf(out,
              "            \"cmp %%%d, %%%d\\n\\tbeq 1f\\n\\tb 0b\\n1:\"\n            : ", n + 1,
              n + 4);
  c_dot_each(c, n, ", ", "%s\"+h\"(a%d)");
  text_printf(out,
              ", \"+l\"(w), \"+l\"(z), \"=&l\"(x), \"=&l\"(p)\n"
              "            : \"h\"(%s)\n            : \"r2\", \"r3\", \"cc\", \"memory\");\n",
              end);
}

static void thumb_loops(CWriter *c, const KirStmt *s) {
  bool has_rest;
  int steps = c_dot_short_turn(s, &has_rest);
  text_add(c->out, "  uint32_t x, p;\n");
  thumb_turns(c, s, steps, c_dot_ends(c, s, steps, has_rest));
  if (!has_rest) return;
  text_add(c->out, "  if (z != end) {\n");
  thumb_turns(c, s, 1, "end");
  text_add(c->out, "  }\n");
}

/* ---- RISC-V of 32 bits: the same, with room for all rows of an element ---- */

/* Operands: %0.. sums, then w, z, an element and one product a sum; end. */
static void riscv_element(CWriter *c, const KirStmt *s, int k) {
  Text *out = c->out;
  int n = s->n_regs, size = kir_elem_size(s->buffer->elem), x = n + 2, p = n + 3;
  text_printf(out, "            \"lh %%%d, %d(%%%d)\\n\\t\"\n", x, 2 * k, n + 1);
  for (int r = 0; r < n; r++)
    text_printf(out, "            \"%s %%%d, %d(%%%d)\\n\\t\"\n", size == 1 ? "lb" : "lh", p + r,
                (k * n + r) * size, n);
  for (int r = 0; r < n; r++)
    text_printf(out, "            \"mul %%%d, %%%d, %%%d\\n\\t\"\n", p + r, p + r, x);
  for (int r = 0; r < n; r++)
    text_printf(out, "            \"add %%%d, %%%d, %%%d\\n\\t\"\n", r, r, p + r);
}

static void riscv_loop(CWriter *c, const KirStmt *s, int elements, const char *end) {
  Text *out = c->out;
  int n = s->n_regs, size = kir_elem_size(s->buffer->elem);
  text_printf(out, "  if (z != %s) {\n    __asm__ volatile(\n            \"0:\\n\\t\"\n", end);
  for (int k = 0; k < elements; k++)
    riscv_element(c, s, k);
  text_printf(
      out,
      "            \"addi %%%d, %%%d, %d\\n\\taddi %%%d, %%%d, %d\\n\\tbne %%%d, %%%d, 0b\"\n"
      "            : ",
      n, n, elements * n * size, n + 1, n + 1, 2 * elements, n + 1, 2 * n + 3);
  c_dot_each(c, n, ", ", "%s\"+r\"(a%d)");
  text_add(out, ", \"+r\"(w), \"+r\"(z), \"=&r\"(x)");
  c_dot_each(c, n, "", ", %s\"=&r\"(p%d)");
  text_printf(out, "\n            : \"r\"(%s)\n            : \"memory\");\n  }\n", end);
}

static void riscv_loops(CWriter *c, const KirStmt *s) {
  enum { TURN = 8 };
  text_add(c->out, "  uint32_t x");
  c_dot_each(c, s->n_regs, "", ", %sp%d");
  text_add(c->out, ";\n");
  text_printf(c->out, "  const int16_t *const turns = z + n / %d * %d, *const end = z + n;\n", TURN,
              TURN);
  riscv_loop(c, s, TURN, "turns");
  riscv_loop(c, s, 1, "end");
}

/* ---- AVR: a byte of a weight, without its sign, with both bytes of an element ---- */

/* Operands: %0.. sums, then w, in Z; the element; t for a weight, s for a sign; a zero. */
static void avr_step(CWriter *c, const KirStmt *s) {
  int n = s->n_regs, x = n + 3, t = n + 1, sign = n + 2, zero = n + 4;
  text_add(c->out, "    const int16_t x = *z++;\n    uint8_t t, s;\n    __asm__ volatile(\n");
  for (int r = 0; r < n; r++)
    text_printf(c->out,
                "            \"lpm %%%d, Z+\\n\\tmul %%A%d, %%%d\\n\\tadd %%A%d, r0\\n\\t\"\n"
                "            \"adc %%B%d, r1\\n\\tadc %%C%d, %%%d\\n\\tadc %%D%d, %%%d\\n\\t\"\n"
                "            \"mulsu %%B%d, %%%d\\n\\tsbc %%%d, %%%d\\n\\t\"\n"
                "            \"add %%B%d, r0\\n\\tadc %%C%d, r1\\n\\tadc %%D%d, %%%d\\n\\t\"\n",
                t, x, t, r, r, r, zero, r, zero, x, t, sign, sign, r, r, r, sign);
  text_add(c->out, "            \"clr r1\"\n            : ");
  c_dot_each(c, n, ", ", "%s\"+r\"(a%d)");
  text_add(c->out, ", \"+z\"(w), \"=&a\"(t), \"=&r\"(s)\n"
                   "            : \"a\"(x), \"r\"((uint8_t)0)\n            : \"r0\");\n");
}

static void avr_loop(CWriter *c, const KirStmt *s) {
  text_add(c->out, "  const int16_t *const end = z + n;\n  do {\n");
  avr_step(c, s);
  text_add(c->out, "  } while (z != end);\n");
}

/* ---- which ---- */

typedef enum Way { NONE, THUMB, RISCV, AVR } Way;

static Way way_of(const CWriter *c, const KirStmt *s) {
  KirElem weights = s->buffer->elem;
  if (s->source->elem != KIR_I16) return NONE;
  if (c_scalar_has_words(s)) return c_dot_is_loose(c->m, s) ? NONE : THUMB;
  if (s->step != 1) return NONE;
  if (c->o->machine.is_avr) return weights == KIR_U8 ? AVR : NONE;
  return weights == KIR_I8 || weights == KIR_I16 ? RISCV : NONE;
}

bool c_scalar_has_words(const KirStmt *s) {
  return s->step == 4 && s->n_regs <= 4 && s->source->elem == KIR_I16 && s->buffer->elem == KIR_U8;
}

const char *c_scalar_needs(const CWriter *c, const KirStmt *s) {
  switch (way_of(c, s)) {
  case NONE: return NULL;
  case THUMB: return thumb;
  case RISCV: return riscv;
  case AVR: return avr;
  }
  return NULL;
}

void c_scalar_loops(CWriter *c, const KirStmt *s) {
  switch (way_of(c, s)) {
  case NONE: break;
  case THUMB: thumb_loops(c, s); break;
  case RISCV: riscv_loops(c, s); break;
  case AVR: avr_loop(c, s); break;
  }
}
