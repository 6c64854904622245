/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of integer products as C functions, for processors without vectors. In: the forms of sums
 * that a module uses. Out: one function each, in portable C99 and, where it pays, in a few
 * instructions of a processor; every sum and product in them was proved to fit.
 *
 * A function goes through the operand in turns of several steps, then in single steps. What a turn
 * does is written once for each processor: Arm's DSP instructions multiply two pairs of 16 bits,
 * with bytes of weights that are extended two at a time; for others see c_dots_scalar.c. */
#include "backend/c_internal.h"
#include "backend/mve_dots.h"

enum { NEAR_STEPS = 2 }; /* whose weights the shortest loads reach, of up to 31 bytes */

static const char dsp[] =
    "defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && "
    "!defined(__ARM_BIG_ENDIAN)";

static bool takes_pairs(const KirStmt *s) {
  bool weights = s->buffer->elem == KIR_I16 || (s->buffer->elem == KIR_I8 && s->swapped);
  return s->step == 4 && s->source->elem == KIR_I16 && weights;
}

/* Whether its elements are loaded as words. */
static bool takes_words(const KirStmt *s) {
  return takes_pairs(s) || c_scalar_has_words(s);
}

/* ---- where operands begin at whole words ---- */

static bool whole_words(const KirIndex *at, int size, int64_t before) {
  bool whole = (before + at->offset * size) % 4 == 0;
  for (int i = 0; i < at->n_terms; i++)
    whole = whole && at->term[i].stride * size % 4 == 0;
  return whole;
}

/* Bytes of a state before a buffer in it; -1: its struct may begin anywhere. */
static int64_t bytes_before(const KirModule *m, const KirBuffer *buffer) {
  int64_t at = 0, before = 0;
  bool has_words = false;
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    int size = kir_elem_size(b->elem);
    if (b->space != KIR_STATE) continue;
    has_words = has_words || size >= 4;
    at = size_whole(at, size);
    if (b == buffer) before = at;
    at += b->count * size;
  }
  return has_words ? before : -1;
}

bool c_dot_is_loose(const KirModule *m, const KirStmt *s) {
  const KirBuffer *z = s->source;
  int64_t before = 0;
  if (!takes_words(s)) return false;
  if (z->space == KIR_IN || z->space == KIR_OUT) return true;
  if (z->space == KIR_STATE) before = bytes_before(m, z);
  return before < 0 || !whole_words(&s->from, kir_elem_size(z->elem), before);
}

/* ---- names ---- */

static bool same_turns(const CUsed *u, const KirStmt *a, const KirStmt *b) {
  if (!c_dot_has_lanes(a))
    return kir_dot_turn(a) == kir_dot_turn(b) && kir_dot_has_rest(a) == kir_dot_has_rest(b);
  int64_t turn = mve_turn(a) * a->step;
  return !u->is_for_mve || (mve_turn(a) == mve_turn(b) && (a->count > turn) == (b->count > turn));
}

bool c_dot_same(const CUsed *u, const KirStmt *a, const KirStmt *b) {
  return a->n_regs == b->n_regs && a->step == b->step && !a->bias == !b->bias &&
         a->swapped == b->swapped && a->buffer->elem == b->buffer->elem &&
         a->source->elem == b->source->elem && c_dot_is_loose(u->m, a) == c_dot_is_loose(u->m, b) &&
         same_turns(u, a, b);
}

const char *c_dot_name(CWriter *c, const KirStmt *s) {
  Arena *arena = c->out->arena;
  const char *name =
      arena_printf(arena, "%s_dot%d_%s_%s%s", c->prefix, s->n_regs, kir_elem_name(s->buffer->elem),
                   kir_elem_name(s->source->elem), s->bias ? "" : "_from_0");
  if (s->step == 1) return name;
  if (c_dot_has_lanes(s) && c_is_for_mve(c))
    return arena_printf(arena, "%s_by%dx%d%s", name, (int)s->step, mve_turn(s),
                        s->count > mve_turn(s) * s->step ? "" : "_once");
  if (c_dot_has_lanes(s)) return arena_printf(arena, "%s_by%d", name, (int)s->step);
  return arena_printf(arena, "%s_by%dx%d%s%s", name, (int)s->step, kir_dot_turn(s),
                      kir_dot_has_rest(s) ? "_rest" : "", c_dot_is_loose(c->m, s) ? "_loose" : "");
}

void c_dot_each(CWriter *c, int n, const char *between, const char *format) {
  for (int i = 0; i < n; i++)
    text_printf(c->out, format, i ? between : "", i, i);
}

void c_dot_starts(CWriter *c, const KirStmt *s) {
  text_add(c->out, "  int32_t ");
  c_dot_each(c, s->n_regs, ", ", s->bias ? "%sa%d = bias[%d]" : "%sa%d = 0");
  text_add(c->out, ";\n");
}

/* ---- a step ---- */

/* In C: "a0 += w[3] * z[1];" for all weights of a few steps, and on to the next. */
static void near_steps(CWriter *c, const KirStmt *s, int steps) {
  int step = (int)s->step;
  const char *wide = c->o->machine.is_avr ? "(int32_t)" : "";
  for (int k = 0; k < steps * step; k++)
    for (int r = 0; r < s->n_regs; r++)
      text_printf(c->out, "    a%d += %sw[%d] * z[%d];\n", r, wide, (int)kir_dot_weight(s, r, k),
                  k);
  text_printf(c->out, "    w += %d;\n    z += %d;\n", steps * s->n_regs * step, steps * step);
}

static void portable_steps(CWriter *c, const KirStmt *s, int steps) {
  int most = s->buffer->elem == KIR_U8 ? NEAR_STEPS : steps;
  for (int k = 0; k < steps; k += most)
    near_steps(c, s, steps - k < most ? steps - k : most);
}

/* Operands of the assembler: %0.. sums, then w, z, and x, y of the operand, t. Words of weights go
 * through fixed registers, for one instruction loads them in ascending order. */
typedef struct ArmNames {
  int w, z, x, y, t;
} ArmNames;

/* High ones, for compilers like to keep sums in r0 to r6, and would move them out of the way in
 * each turn of the loop. r7 may point to the frame, and r9 may belong to the system. */
static const char *const word_register[] = {"r8", "r10", "r11", "r12"};
enum { WORDS = sizeof word_register / sizeof *word_register };

/* The next n words of weights. */
static void arm_words(CWriter *c, const ArmNames *names, int n) {
  text_printf(c->out, "            \"ldm %%%d!, {", names->w);
  for (int i = 0; i < n; i++)
    text_printf(c->out, "%s%s", i ? ", " : "", word_register[i]);
  text_add(c->out, "}\\n\\t\"\n");
}

static void arm_row(CWriter *c, const ArmNames *n, int sum, const char *even, const char *odd) {
  bool bytes = odd == even;
  const char *t = arena_printf(c->out->arena, "%%%d", n->t);
  if (bytes)
    text_printf(c->out, "            \"sxtb16 %s, %s\\n\\tsxtb16 %s, %s, ror #8\\n\\t\"\n", t, even,
                odd, odd);
  text_printf(c->out,
              "            \"smlad %%%d, %s, %%%d, %%%d\\n\\tsmlad %%%d, %s, %%%d, %%%d\\n\\t\"\n",
              sum, bytes ? t : even, n->x, sum, sum, odd, n->y, sum);
}

static void arm_step(CWriter *c, const KirStmt *s, const ArmNames *n) {
  Text *out = c->out;
  int each = s->buffer->elem == KIR_I8 ? 1 : 2, rows = s->n_regs; /* words of a row */
  if (c_dot_is_loose(c->m, s))
    text_printf(out, "            \"ldr %%%d, [%%%d], #4\\n\\tldr %%%d, [%%%d], #4\\n\\t\"\n", n->x,
                n->z, n->y, n->z);
  else
    text_printf(out, "            \"ldrd %%%d, %%%d, [%%%d], #8\\n\\t\"\n", n->x, n->y, n->z);
  for (int r = 0; r < rows; r++) {
    int at = r * each % WORDS, left = (rows - r) * each;
    if (at == 0) arm_words(c, n, left < WORDS ? left : WORDS);
    arm_row(c, n, r, word_register[at], word_register[at + each - 1]);
  }
}

/* end: the operand after the last turn of the loop, if the assembler has it; else NULL. */
static void arm_steps(CWriter *c, const KirStmt *s, int steps, const char *end) {
  int n = s->n_regs;
  ArmNames names = {n, n + 1, n + 2, n + 3, n + 4};
  text_printf(c->out, "%s__asm__ volatile(%s\n", end ? "  " : "    ", end ? "\"1:\\n\\t\"" : "");
  for (int k = 0; k < steps; k++)
    arm_step(c, s, &names);
  if (end) text_printf(c->out, "            \"cmp %%%d, %%%d\\n\\tbne 1b\"\n", names.z, n + 5);
  text_add(c->out, "            : ");
  c_dot_each(c, n, ", ", "%s\"+r\"(a%d)");
  text_printf(c->out,
              ", \"+r\"(w), \"+r\"(z), \"=&r\"(x), \"=&r\"(y), \"=&r\"(t)\n"
              "            :%s\n            : %s\"r8\", \"r10\", \"r11\", \"r12\", \"memory\");\n",
              end ? arena_printf(c->out->arena, " \"r\"(%s)", end) : "", end ? "\"cc\", " : "");
}

/* ---- functions ---- */

/* Between turns in C, compilers copy the sums. Without optimisation, they have no register for the
 * end besides those of four rows. */
static bool arm_has_loop(const KirStmt *s, bool once) {
  enum { MOST_ROWS = 3 };
  return once && s->n_regs <= MOST_ROWS;
}

/* Turns of so many steps up to `end`; at least one, if `once`. Long turns are for assembler. */
static void loop(CWriter *c, const KirStmt *s, int steps, const char *end, bool once, bool arm) {
  if (arm && arm_has_loop(s, once)) {
    arm_steps(c, s, steps, end);
    return;
  }
  if (once)
    text_add(c->out, "  do {\n");
  else
    text_printf(c->out, "  while (z != %s) {\n", end);
  if (arm)
    arm_steps(c, s, steps, NULL);
  else
    portable_steps(c, s, steps);
  if (once)
    text_printf(c->out, "  } while (z != %s);\n", end);
  else
    text_add(c->out, "  }\n");
}

int c_dot_short_turn(const KirStmt *s, bool *has_rest) {
  enum { LONGEST = 6, SHORTEST = 3, USUAL = 4 };
  int turn = kir_dot_turn(s), n = turn < LONGEST ? turn : LONGEST;
  *has_rest = kir_dot_has_rest(s);
  if (s->step == 1) return turn;
  while (turn % n != 0)
    n--;
  if (*has_rest || n >= SHORTEST || n == turn) return n;
  *has_rest = true;
  return USUAL;
}

const char *c_dot_ends(CWriter *c, const KirStmt *s, int steps, bool has_rest) {
  int turn = steps * (int)s->step;
  const char *z = c_elem(s->source->elem);
  if (has_rest)
    text_printf(c->out, "  const %s *const turns = z + n / %d * %d, *const end = z + n;\n", z, turn,
                turn);
  else
    text_printf(c->out, "  const %s *const end = z + n;\n", z);
  return has_rest ? "turns" : "end";
}

static void loops(CWriter *c, const KirStmt *s, bool arm) {
  bool rest = kir_dot_has_rest(s);
  int steps = arm || rest ? kir_dot_turn(s) : c_dot_short_turn(s, &rest);
  if (arm) text_add(c->out, "  uint32_t x, y, t;\n");
  loop(c, s, steps, c_dot_ends(c, s, steps, rest), !rest, arm);
  if (rest) loop(c, s, 1, "end", false, arm);
}

/* The loops in assembler, if there are any, beside those in C. */
static void body(CWriter *c, const KirStmt *s) {
  const char *needs = takes_pairs(s) ? dsp : c_scalar_needs(c, s);
  if (needs) text_printf(c->out, "#if %s\n", needs);
  if (takes_pairs(s))
    loops(c, s, true);
  else if (needs)
    c_scalar_loops(c, s);
  if (needs) text_add(c->out, "#else\n");
  loops(c, s, false);
  if (needs) text_add(c->out, "#endif\n");
}

/* Between two calls of assembler, compilers would save and load all that lives. */
static bool is_inline(const CWriter *c, const KirStmt *s) {
  return takes_words(s) || (s->step == 1 && !c->o->machine.is_avr && c_scalar_needs(c, s));
}

static void dot_function(CWriter *c, const KirStmt *s) {
  Text *out = c->out;
  int n = s->n_regs;
  text_printf(out, "\n/* %d sum%s of n products each, weights in steps of %d a row */\n", n,
              n > 1 ? "s" : "", (int)s->step);
  text_printf(out, "static inline %svoid %s(const %s%s *w, const %s *z, int n,\n    ",
              is_inline(c, s) ? arena_printf(out->arena, "%s_INLINE ", c->upper) : "",
              c_dot_name(c, s), c_in_flash(c), c_elem(s->buffer->elem), c_elem(s->source->elem));
  if (s->bias) text_printf(out, "const %sint32_t *bias, ", c_in_flash(c));
  c_dot_each(c, n, ", ", "%sint32_t *s%d");
  text_add(out, ") {\n");
  if (c_dot_has_lanes(s)) {
    c_lanes_body(c, s);
    return;
  }
  c_dot_starts(c, s);
  body(c, s);
  c_dot_each(c, n, "", "%s  *s%d = a%d;\n");
  text_add(out, "}\n");
}

bool c_in_words(const CWriter *c, const KirBuffer *b) {
  const CUsed *u = c->used;
  for (size_t i = 0; u && i < u->n_dots; i++)
    if (takes_words(u->dot[i]) && (b->elem == KIR_I8 || b->elem == KIR_I16)) return true;
  return false;
}

void c_dots(CWriter *c, const CUsed *u) {
  bool any = false;
  for (size_t i = 0; i < u->n_dots; i++)
    any = any || is_inline(c, u->dot[i]);
  if (any)
    text_printf(c->out,
                "\n#if defined(__GNUC__)\n#define %s_WORDS __attribute__((aligned(4)))\n"
                "#define %s_INLINE __attribute__((always_inline))\n#else\n"
                "#define %s_WORDS\n#define %s_INLINE\n#endif\n",
                c->upper, c->upper, c->upper, c->upper);
  c_lanes_helpers(c, u);
  for (size_t i = 0; i < u->n_dots; i++)
    dot_function(c, u->dot[i]);
}
