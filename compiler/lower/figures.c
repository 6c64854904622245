/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Estimates for microcontrollers; see figures.h. The whole of flash, weights and code, is within 10
 * % for most models; what is small and unusual is furthest off (docs/embedding.md has the figures).
 * Cycles are of models without integers, for memory that answers at once, such as the tightly
 * coupled one or a flash with its cache warm. */
#include "lower/figures.h"

#include "kir/census.h"

#include <string.h>

/* Of code in floats, or with integers in it. */
typedef struct CodeCost {
  int64_t stack, helper;
  int text[CENSUS_KINDS];
} CodeCost;

typedef struct Cost {
  const char *core, *also;
  CodeCost floats, integers;
  int time[CENSUS_KINDS];
} Cost;

#define TEXT(...)                                {__VA_ARGS__}
#define TIME(...)                                {__VA_ARGS__}
#define CODE(stack, helper, text)                {stack, helper, text}
#define COST(core, also, floats, integers, time) {core, also, floats, integers, time},
static const Cost costs[] = {
#include "lower/costs.def"
};

/* In percent of the sum: models of caches, pipelines and compilers differ by so much. */
enum { LEAST = 80, MOST = 130, TENTHS = 10, HUNDREDTHS = 100 };

static bool has_word(const char *words, const char *word, size_t n) {
  for (const char *at = words; (at = strstr(at, word)); at++)
    if ((at == words || at[-1] == ' ') && strncmp(at, word, n) == 0 && (at[n] == ' ' || !at[n]))
      return true;
  return false;
}

static const Cost *cost_of(const char *c_flags) {
  const char *cpu = c_flags ? strstr(c_flags, "-mcpu=") : NULL;
  const char *name = cpu                                           ? cpu + strlen("-mcpu=")
                     : c_flags && strstr(c_flags, "-march=rv32im") ? "rv32"
                                                                   : NULL;
  size_t n = name ? strcspn(name, " +") : 0;
  for (size_t i = 0; name && i < sizeof costs / sizeof *costs; i++) {
    char word[32] = "";
    if (n >= sizeof word) return NULL;
    memcpy(word, name, n);
    if (strcmp(costs[i].core, word) == 0 || has_word(costs[i].also, word, n)) return &costs[i];
  }
  return NULL;
}

static int64_t sum(const Census *c, const int *each) {
  int64_t n = 0;
  for (int i = 0; i < CENSUS_KINDS; i++)
    n += c->n[i] * each[i];
  return n;
}

static int64_t size_of(const Census *c) {
  int64_t n = 0;
  for (int i = 0; i < CENSUS_KINDS; i++)
    n += c->n[i];
  return n;
}

static bool has_time(const Cost *cost) {
  return cost->time[CENSUS_FLOAT] > 0;
}

static bool has_integers(const KirModule *m) {
  for (int i = 0; i < m->n_funcs; i++) {
    Census c = census_of_text(m->func[i]);
    if (c.n[CENSUS_FIXED] || c.n[CENSUS_DOT]) return true;
  }
  return false;
}

/* Bytes of the tables that helpers look up, which are no layer's weights. */
static int64_t tables_of(const KirModule *m) {
  int64_t bytes = 0;
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_CONST && !m->buffer[i]->origin.layer)
      bytes += m->buffer[i]->count * kir_elem_size(m->buffer[i]->elem);
  return bytes;
}

int64_t figures_narrow_scratch(const KirModule *m) {
  int64_t bytes = 0;
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_SCRATCH && m->buffer[i]->elem != KIR_F32)
      bytes += m->buffer[i]->count * kir_elem_size(m->buffer[i]->elem);
  return bytes;
}

Figures figures_of(const KirModule *m, const char *c_flags, bool scratch_on_stack) {
  const Cost *cost = cost_of(c_flags);
  Figures f = {0};
  int64_t code = 0;
  bool integers = has_integers(m), timed = cost && has_time(cost) && !integers;
  const CodeCost *each = !cost ? NULL : integers ? &cost->integers : &cost->floats;
  for (int i = 0; i < m->n_funcs && cost; i++) {
    Census text = census_of_text(m->func[i]);
    code += m->func[i]->kind == KIR_HELPER ? each->helper * size_of(&text) : sum(&text, each->text);
    if (m->func[i]->kind == KIR_HELPER || m->func[i]->kind == KIR_RESET) continue;
    Census least = census_of_call(m->func[i], false), most = census_of_call(m->func[i], true);
    int64_t low = sum(&least, cost->time) * LEAST / (HUNDREDTHS * HUNDREDTHS);
    int64_t high = sum(&most, cost->time) * MOST / (HUNDREDTHS * HUNDREDTHS);
    if (!timed || high <= f.cycles[1]) continue;
    f.cycles[0] = low;
    f.cycles[1] = high;
  }
  if (!each) return (Figures){0};
  f.core = cost->core;
  f.code = code / TENTHS + tables_of(m);
  f.stack = each->stack + (scratch_on_stack ? m->scratch_bytes + figures_narrow_scratch(m) : 0);
  return f;
}

int64_t figures_layer_cycles(const KirModule *m, const char *c_flags, const char *layer) {
  const Cost *cost = cost_of(c_flags);
  int64_t n = 0;
  for (int i = 0; i < m->n_funcs && cost && has_time(cost); i++) {
    if (m->func[i]->kind == KIR_HELPER || m->func[i]->kind == KIR_RESET) continue;
    Census c = census_of_layer(m->func[i], layer);
    n += sum(&c, cost->time) * MOST / (HUNDREDTHS * HUNDREDTHS);
  }
  return n;
}
