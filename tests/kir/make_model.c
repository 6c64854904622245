/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Valid models from bytes: every stage, kind of time and option of the language; see oracle.h. A few of the
 * models are refused, where a choice does not fit the shape it meets: that is quicker than to know. */
#include "oracle.h"

#include <string.h>

typedef enum Kind { FIXED, BOUNDED, STREAM, WINDOW, KINDS } Kind;

typedef struct Make {
  const uint8_t *bytes;
  size_t n, at;
  uint64_t mixed; /* goes on where the bytes end */
  Text *out;
  Kind kind;
  unsigned steps;
  bool is_sequence; /* the chain has its time axis */
  unsigned lets;    /* values with names so far: v0, v1, .. */
  bool let_is_sequence[8];
} Make;

static unsigned pick(Make *m, unsigned n) {
  if (m->at < m->n) return m->bytes[m->at++] % n;
  m->mixed = m->mixed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (unsigned)(m->mixed >> 33) % n;
}

static const char *word(Make *m, const char *const *words, unsigned n) { return words[pick(m, n)]; }
#define WORD(m, ...) word(m, (const char *const[]){__VA_ARGS__}, sizeof(const char *[]){__VA_ARGS__} / sizeof(const char *))

static unsigned units(Make *m) {
  static const unsigned sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 33};
  return sizes[pick(m, sizeof sizes / sizeof *sizes)];
}

static const char *activation(Make *m) {
  return WORD(m, "linear", "relu", "tanh", "sigmoid", "hard_sigmoid", "hard_sigmoid_02", "hard_tanh", "softplus", "softsign", "elu", "selu", "gelu");
}

static void recurrent(Make *m) {
  unsigned which = pick(m, 3);
  bool stream = m->kind == STREAM;
  text_printf(m->out, "%s(%u", which == 0 ? "GRU" : which == 1 ? "LSTM" : "RNN", units(m));
  if (pick(m, 4) == 0) text_printf(m->out, ", activation=%s", activation(m));
  if (which < 2 && pick(m, 4) == 0) text_printf(m->out, ", gate=%s", WORD(m, "sigmoid", "hard_sigmoid", "hard_sigmoid_02"));
  if (which == 0 && pick(m, 2)) text_printf(m->out, ", reset=%s", WORD(m, "after", "before"));
  if (which == 1 && pick(m, 4) == 0) text_add(m->out, ", peephole=true");
  if (which == 1 && pick(m, 4) == 0) text_add(m->out, ", cell_clip=2");
  if (which == 1 && pick(m, 6) == 0) text_printf(m->out, ", cell_activation=%s", activation(m));
  if (pick(m, 4) == 0) text_add(m->out, ", bias=false");
  if (!stream && pick(m, 3) == 0) text_printf(m->out, ", direction=%s", WORD(m, "both", "backward"));
  if (pick(m, 6) == 0) text_add(m->out, ", init=learned");
  if (pick(m, 6) == 0) text_printf(m->out, ", precision=%s", WORD(m, "f16", "bf16"));
  text_add(m->out, ")");
}

static void pointwise(Make *m) {
  text_add(m->out, WORD(m, "relu", "relu(max=1)", "leaky_relu", "leaky_relu(slope=0.3)", "elu", "elu(alpha=0.5)", "selu", "gelu", "gelu(form=tanh)", "sigmoid",
                        "hard_sigmoid", "tanh", "hard_tanh", "softplus", "softsign", "abs", "exp", "square", "clip(-0.5, 0.75)", "softmax",
                        "normalize(mean=0.5, std=2)", "LayerNorm", "BatchNorm", "prelu", "Dropout(0.5)", "sqrt", "log"));
}

static void over_time(Make *m) {
  bool stream = m->kind == STREAM;
  switch (pick(m, stream ? 5 : 8)) {
  case 0: text_printf(m->out, "Conv1D(%u, %u%s%s)", units(m), 1 + pick(m, 4), WORD(m, "", "", ", dilation=2", ", stride=2"), WORD(m, "", ", padding=causal", ", bias=false")); break;
  case 1: text_printf(m->out, "%s(%u)", WORD(m, "max_pool", "mean_pool"), 1 + pick(m, 3)); break;
  case 2: text_printf(m->out, "%s(%u, stride=%u)", WORD(m, "max_pool", "mean_pool"), 1 + pick(m, 4), 1 + pick(m, 3)); break;
  case 3: text_printf(m->out, "frames(%u, hop=%u)", 1 + pick(m, 4), 1 + pick(m, 3)); break;
  case 4: text_printf(m->out, "delay(%u)", 1 + pick(m, 3)); break;
  case 5: text_add(m->out, "reverse"); break;
  case 6: text_printf(m->out, "Conv1D(%u, %u, padding=same)", units(m), 1 + pick(m, 5)); break;
  case 7:
    text_add(m->out, m->kind == BOUNDED ? WORD(m, "last", "mean", "max") : WORD(m, "last", "mean", "max", "flatten"));
    m->is_sequence = false;
    break;
  }
}

static void stage(Make *m) {
  text_add(m->out, "\n    |> ");
  switch (pick(m, m->is_sequence ? 6 : 4)) {
  case 0: text_printf(m->out, "Dense(%u%s%s)", units(m), WORD(m, "", "", ", bias=false"), WORD(m, "", "", "", ", precision=f16", ", precision=bf16")); break;
  case 1:
  case 2: pointwise(m); break;
  case 3: text_printf(m->out, "slice(0, %u)", 1 + pick(m, 3)); break;
  case 4: recurrent(m); break;
  case 5: over_time(m); break;
  }
}

static void operand(Make *m) {
  unsigned which = m->lets ? pick(m, m->lets + 1) : 0;
  m->is_sequence = which ? m->let_is_sequence[which - 1] : true;
  if (which) text_printf(m->out, "v%u", which - 1);
  else text_add(m->out, "x");
}

/* What a chain begins with: a value, two that are joined, or a category. */
static void beginning(Make *m) {
  unsigned how = pick(m, 8);
  if (how == 0 && m->lets) {
    text_add(m->out, "concat(x, ");
    operand(m);
    text_add(m->out, ")");
    m->is_sequence = true;
  } else if (how == 1 && m->lets) {
    operand(m);
    bool first = m->is_sequence;
    text_printf(m->out, " %s ", WORD(m, "+", "-", "*"));
    operand(m);
    m->is_sequence = first;
  } else if (how == 2) {
    text_add(m->out, WORD(m, "0.5 * x", "x - 1.5", "2 - x", "x / 4"));
    m->is_sequence = true;
  } else operand(m);
}

static void inputs(Make *m) {
  m->kind = (Kind)pick(m, KINDS);
  m->steps = 1 + pick(m, 14);
  unsigned d = units(m);
  switch (m->kind) {
  case FIXED: text_printf(m->out, "  in  x : f32[time %u, %u]\n", m->steps, d); break;
  case BOUNDED: text_printf(m->out, "  in  x : f32[time n <= %u, %u]\n", m->steps, d); break;
  case STREAM: text_printf(m->out, "  in  x : f32[time .., %u]\n", d); break;
  case WINDOW: text_printf(m->out, "  in  x : f32[time %u, %u] every %u\n", m->steps, d, 1 + pick(m, 3)); break;
  case KINDS: break;
  }
}

void oracle_make_model(const uint8_t *bytes, size_t n, Text *out) {
  Make m = {.bytes = bytes, .n = n, .mixed = n, .out = out};
  for (size_t i = 0; i < n; i++)
    m.mixed = m.mixed * 31 + bytes[i];
  text_add(out, "grus 1\nmodel m {\n  allow state_never_reset\n");
  inputs(&m);
  unsigned lets = pick(&m, 4), outs = 1 + pick(&m, 3);
  for (unsigned i = 0; i < lets + outs; i++) {
    text_printf(out, i < lets ? "  let v%u = " : "  out y%u = ", i < lets ? i : i - lets);
    beginning(&m);
    for (unsigned k = 1 + pick(&m, 4); k; k--)
      stage(&m);
    text_add_char(out, '\n');
    if (i < lets) m.let_is_sequence[m.lets++] = m.is_sequence;
  }
  text_add(out, "}\n");
}
