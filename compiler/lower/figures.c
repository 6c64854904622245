/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Estimates for microcontrollers; see figures.h. Cycles are the instructions of a call times what
 * one takes, for memory that answers at once, such as the tightly coupled one or a flash with its
 * cache warm. */
#include "lower/figures.h"

#include "base/text.h"
#include "kir/census.h"

#include <string.h>

/* Of code in floats, in fixed point, or in floats with products of integers. */
typedef struct CodeCost {
  int64_t stack, loop, helper;
  int spread[2]; /* the least and the most instructions that may run, in percent of the estimate */
  int text[CENSUS_KINDS], runs[CENSUS_KINDS];
} CodeCost;

typedef struct Cost {
  const char *core, *also;
  int pace[2];    /* the least and the most cycles of an instruction, in hundredths */
  int inlined[2]; /* the most bytes of inlined helpers in an entry, and the same in percent of its
                     own code */
  CodeCost floats, integers, mixed; /* mixed: all 0 if it costs the same as integers */
} Cost;

#define TEXT(...)                                     {__VA_ARGS__}
#define RUNS(...)                                     {__VA_ARGS__}
#define SPREAD(a, b)                                  {a, b}
#define PACE(a, b)                                    {a, b}
#define CODE(stack, loop, helper, spread, text, runs) {stack, loop, helper, spread, text, runs}
#define INLINES(bytes, percent)                       {bytes, percent}
#define LIKE_INTEGERS                                 {0}
#define COST(core, also, pace, inlined, floats, integers, mixed)                                   \
  {core, also, pace, inlined, floats, integers, mixed},
static const Cost costs[] = {
#include "lower/costs.def"
};

enum { TENTHS = 10, HUNDREDTHS = 100 };

/* The flags of a core with an FPU say ilp32f or ilp32d. */
static bool is_rv32_without_fpu(const char *c_flags) {
  const char *abi = strstr(c_flags, "-mabi=ilp32");
  size_t n = strlen("-mabi=ilp32");
  return strstr(c_flags, "-march=rv32im") && abi && (!abi[n] || abi[n] == ' ');
}

static const Cost *cost_of(const char *c_flags) {
  const char *cpu = c_flags ? strstr(c_flags, "-mcpu=") : NULL;
  const char *name = cpu                                       ? cpu + strlen("-mcpu=")
                     : c_flags && is_rv32_without_fpu(c_flags) ? "rv32"
                                                               : NULL;
  size_t n = name ? strcspn(name, " +") : 0;
  for (size_t i = 0; name && i < sizeof costs / sizeof *costs; i++)
    if (words_find(costs[i].core, name, n) >= 0 || words_find(costs[i].also, name, n) >= 0)
      return &costs[i];
  return NULL;
}

static int64_t sum(const Census *c, const int *each) {
  int64_t n = 0;
  for (int i = 0; i < CENSUS_KINDS; i++)
    n += c->n[i] * each[i];
  return n;
}

/* Cycles of what a call does, at the least (way 0) or at the most (way 1). */
static int64_t cycles_of(const Cost *cost, const CodeCost *code, const Census *c, int way) {
  return sum(c, code->runs) / HUNDREDTHS * code->spread[way] / HUNDREDTHS * cost->pace[way] /
         HUNDREDTHS;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* Tenths of a byte of an entry: its own code, and of the helpers what GCC inlines, which lets a
 * large function grow by a part of itself. */
static int64_t text_of(const Cost *cost, const CodeCost *code, const KirFunc *f,
                       const Census *all) {
  Census own = census_of_own(f);
  int64_t itself = sum(&own, code->text), helpers = sum(all, code->text) - itself;
  int64_t room = larger((int64_t)cost->inlined[0] * TENTHS, itself * cost->inlined[1] / HUNDREDTHS);
  return itself + (room && helpers > room ? room : helpers);
}

/* Bytes of the tables that helpers look up, which are no layer's weights. */
static int64_t tables_of(const KirModule *m) {
  int64_t bytes = 0;
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_CONST && !m->buffer[i]->origin.layer)
      bytes += kir_bytes(m->buffer[i]);
  return bytes;
}

int64_t figures_narrow_scratch(const KirModule *m) {
  int64_t bytes = 0;
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_SCRATCH && m->buffer[i]->elem != KIR_F32)
      bytes += kir_bytes(m->buffer[i]);
  return bytes;
}

static const CodeCost *code_of(const Cost *cost, const KirModule *m) {
  bool integers = false, fixed_point = false;
  for (int i = 0; i < m->n_funcs && cost && !fixed_point; i++) {
    Census c = census_of_text(m->func[i]);
    integers = integers || census_has_integers(&c);
    fixed_point = census_has_fixed_point(&c);
  }
  if (!cost) return NULL;
  if (!integers) return &cost->floats;
  return cost->mixed.stack && !fixed_point ? &cost->mixed : &cost->integers;
}

Figures figures_of(const KirModule *m, const char *c_flags, bool scratch_on_stack) {
  const Cost *cost = cost_of(c_flags);
  const CodeCost *each = code_of(cost, m);
  Figures f = {0};
  int64_t code = 0, loops = 0;
  for (int i = 0; i < m->n_funcs && each; i++) {
    const KirFunc *func = m->func[i];
    Census text = census_of_text(func);
    code += func->kind == KIR_HELPER ? each->helper * census_size(&text)
                                     : text_of(cost, each, func, &text);
    if (func->kind != KIR_HELPER) loops += text.n[CENSUS_LOOP];
    if (func->kind == KIR_HELPER || func->kind == KIR_RESET) continue;
    Census least = census_of_call(func, false), most = census_of_call(func, true);
    int64_t high = cycles_of(cost, each, &most, 1);
    if (high <= f.cycles[1]) continue;
    f.cycles[0] = cycles_of(cost, each, &least, 0);
    f.cycles[1] = high;
  }
  if (!each) return (Figures){0};
  f.core = cost->core;
  f.code = code / TENTHS + tables_of(m);
  f.stack = each->stack + (loops * each->loop + TENTHS - 1) / TENTHS;
  f.stack += (scratch_on_stack ? m->scratch_bytes + figures_narrow_scratch(m) : 0);
  return f;
}

int64_t figures_layer_cycles(const KirModule *m, const char *c_flags, const char *layer) {
  const Cost *cost = cost_of(c_flags);
  const CodeCost *each = code_of(cost, m);
  int64_t n = 0;
  for (int i = 0; i < m->n_funcs && each; i++) {
    if (m->func[i]->kind == KIR_HELPER || m->func[i]->kind == KIR_RESET) continue;
    Census c = census_of_layer(m->func[i], layer);
    n += cycles_of(cost, each, &c, 1);
  }
  return n;
}
