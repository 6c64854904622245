/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages at random; see make.h. */
#include "make.h"

#include <string.h>

enum { MOST_ELEMENTS = 300 };

static MakeAxis *features(MakeShape *s) {
  return &s->axis[s->rank - 1];
}

static const char *activation(Make *m) {
  return WORD(m, "linear", "relu", "tanh", "sigmoid", "hard_sigmoid", "hard_sigmoid_02",
              "hard_tanh", "softplus", "softsign", "elu", "selu", "gelu");
}

static const char *bounded_activation(Make *m) {
  return WORD(m, "tanh", "sigmoid", "relu", "linear", "hard_sigmoid", "hard_tanh");
}

static const char *layer_precision(Make *m) {
  if (m->narrow)
    return make_pick(m, 8) ? ""
                           : WORD(m, ", precision=f32", ", precision=i8", ", precision=i16",
                                  ", precision=i16x16", ", precision=w8");
  return make_pick(m, 6) ? "" : WORD(m, ", precision=f16", ", precision=bf16");
}

/* ---- recurrent ---- */

/* A value that fits as the first state of a layer that maps over the other axes of s; -1: none. */
static int start_state(const Make *m, const MakeShape *s) {
  for (int i = 0; i < m->lets; i++)
    if (!m->let[i].has_time && !m->let[i].categories && s->rank == 1 && m->let[i].rank == 1 &&
        m->let[i].axis[0].n <= 40)
      return i;
  return -1;
}

/* A value whose last stage is a layer of this kind over as many positions; -1: none. */
static int same_layer(const Make *m, unsigned which) {
  for (int i = 0; i < m->lets; i++)
    if (m->let_state_kind[i] == which + 1 && m->let[i].rank == 1) return i;
  return -1;
}

static void recurrent_options(Make *m, unsigned which) {
  if (make_pick(m, 4) == 0)
    text_printf(m->out, ", activation=%s", m->narrow ? bounded_activation(m) : activation(m));
  if (which < 2 && make_pick(m, 4) == 0)
    text_printf(m->out, ", gate=%s", WORD(m, "sigmoid", "hard_sigmoid", "hard_sigmoid_02"));
  if (which == 0 && make_pick(m, 2)) text_printf(m->out, ", reset=%s", WORD(m, "after", "before"));
  if (which == 1 && make_pick(m, 4) == 0) text_add(m->out, ", peephole=true");
  if (which == 1 && make_pick(m, 4) == 0) text_add(m->out, ", cell_clip=2");
  if (make_pick(m, 8) == 0) text_add(m->out, ", clip=1.5");
  if (which == 1 && make_pick(m, 6) == 0)
    text_printf(m->out, ", cell_activation=%s", m->narrow ? bounded_activation(m) : activation(m));
  if (make_pick(m, 4) == 0) text_add(m->out, ", bias=false");
  text_add(m->out, layer_precision(m));
}

static bool recurrent(Make *m, MakeShape *s) {
  unsigned which = make_pick(m, 3), units = make_units(m), both = 1;
  int along = -1, start = make_pick(m, 4) ? -1 : start_state(m, s);
  for (int i = 0; i + 1 < s->rank && along < 0; i++)
    if (s->axis[i].label && (!s->has_time || make_pick(m, 2))) along = i;
  if (!s->has_time && along < 0) return false;
  if (units > 40) units = 3; /* its kernels grow with their square */
  int cell = s->rank == 1 && which == 1 && start >= 0 ? start : -1,
      goes_on = s->rank == 1 && start < 0 && make_pick(m, 4) == 0 ? same_layer(m, which) : -1;
  if (along >= 0 || which == 1) start = -1;
  if (start >= 0) units = m->let[start].axis[0].n;
  if (cell >= 0) units = m->let[cell].axis[0].n;
  if (goes_on >= 0) units = m->let[goes_on].axis[0].n;
  text_printf(m->out, "%s(%u", which == 0 ? "GRU" : which == 1 ? "LSTM" : "RNN", units);
  if (along >= 0) text_printf(m->out, ", along=%c", s->axis[along].label);
  recurrent_options(m, which);
  if (start >= 0)
    text_printf(m->out, ", init=v%d", start);
  else if (cell >= 0)
    text_printf(m->out, ", init=(v%d, v%d)", cell, cell);
  else if (goes_on >= 0)
    text_printf(m->out, ", init=v%d", goes_on);
  else if (make_pick(m, 6) == 0)
    text_add(m->out, ", init=learned");
  if ((m->time != STREAM || along >= 0) && start < 0 && cell < 0 && goes_on < 0 &&
      make_pick(m, 3) == 0) {
    const char *direction = WORD(m, "both", "backward");
    text_printf(m->out, ", direction=%s", direction);
    both = strcmp(direction, "both") == 0 ? 2 : 1;
  }
  text_add(m->out, ")");
  *features(s) = (MakeAxis){0, units * both};
  if (along >= 0) return true;
  m->state = *s;
  m->state.has_time = false;
  m->state_kind = both == 1 ? which + 1 : 0;
  return true;
}

static bool written_out(Make *m, MakeShape *s) {
  unsigned units = make_units(m);
  if (!m->cells || !s->has_time) return false;
  if (units > 24) units = 4;
  text_printf(m->out, "C%u(%u)", make_pick(m, 2), units);
  *features(s) = (MakeAxis){0, units};
  return true;
}

/* ---- one step alone ---- */

static void dense(Make *m, MakeShape *s) {
  unsigned units = make_units(m);
  text_printf(m->out, "Dense(%u%s%s)", units, WORD(m, "", "", ", bias=false"), layer_precision(m));
  *features(s) = (MakeAxis){0, units};
}

static void pointwise(Make *m) {
  if (m->narrow && make_pick(m, 3))
    text_add(m->out, WORD(m, "relu", "tanh", "sigmoid", "hard_sigmoid", "hard_tanh", "relu(max=1)",
                          "leaky_relu", "BatchNorm", "abs", "clip(-0.5, 0.75)", "Dropout(0.5)"));
  else
    text_add(m->out, WORD(m, "relu", "relu(max=1)", "leaky_relu", "leaky_relu(slope=0.3)", "elu",
                          "elu(alpha=0.5)", "selu", "gelu", "gelu(form=tanh)", "silu", "swish",
                          "mish", "sigmoid", "hard_sigmoid", "hard_sigmoid(slope=0.3)", "tanh",
                          "hard_tanh", "softplus", "softsign", "abs", "exp", "square", "hard_swish",
                          "celu", "celu(alpha=0.5)", "reciprocal", "sign", "clip(-0.5, 0.75)",
                          "softmax", "log_softmax", "normalize(mean=0.5, std=2)", "LayerNorm",
                          "LayerNorm(center=false)", "RMSNorm", "RMSNorm(scale=false)",
                          "l2_normalize", "BatchNorm", "BatchNorm(scale=false)", "BatchNorm",
                          "prelu", "Dropout(0.5)", "GaussianNoise(0.5)", "sqrt", "log", "erf",
                          "floor", "sin", "cos", "pow(2)", "pow(3)", "pow(0.5)", "pow(0.3)"));
}

static bool category(Make *m, MakeShape *s) {
  if (features(s)->n > 60 || features(s)->n < 2) return false;
  text_add(m->out, "argmax");
  s->categories = features(s)->n;
  s->rank--;
  return true;
}

static bool grouped(Make *m, MakeShape *s) {
  unsigned d = features(s)->n, groups = make_pick(m, 2) && d % 2 == 0 ? 2 : make_pick(m, 2) ? d : 1;
  text_printf(m->out, "GroupNorm(%u)", groups);
  return true;
}

static bool gated(Make *m, MakeShape *s) {
  if (features(s)->n % 2) return false;
  text_add(m->out, "glu");
  features(s)->n /= 2;
  return true;
}

static bool slice(Make *m, MakeShape *s) {
  unsigned n = features(s)->n, from = make_pick(m, n), to = from + 1 + make_pick(m, n - from);
  text_printf(m->out, "slice(%u, %u)", from, to);
  features(s)->n = to - from;
  return true;
}

/* ---- along time ---- */

/* After a stage that reads `span` steps, `stride` apart, and needs them all; false: there are none
 * left. */
static bool fewer_steps(const Make *m, MakeShape *s, unsigned span, unsigned stride, bool keeps) {
  if (m->time == STREAM) {
    s->steps *= stride;
    return s->steps <= 12;
  }
  if (!keeps && s->steps < span) return false;
  s->steps = keeps ? (s->steps + stride - 1) / stride : (s->steps - span) / stride + 1;
  s->past = s->past * 31 + 7 * span + stride + keeps;
  return true;
}

static bool conv_over_time(Make *m, MakeShape *s) {
  unsigned filters = make_units(m), kernel = 1 + make_pick(m, 4),
           dilation = make_pick(m, 4) ? 1 : 2, stride = make_pick(m, 4) ? 1 : 2;
  unsigned how = make_pick(m, m->time == STREAM ? 2 : 3), groups = 1, d = features(s)->n;
  if (make_pick(m, 4) == 0) groups = make_pick(m, 2) || d % 2 ? d : 2;
  if (groups > 1) filters = groups * (1 + make_pick(m, 2));
  if (filters > MOST_ELEMENTS || !fewer_steps(m, s, (kernel - 1) * dilation + 1, stride, how != 0))
    return false;
  text_printf(m->out, "Conv1D(%u, %u", filters, kernel);
  if (stride > 1) text_printf(m->out, ", stride=%u", stride);
  if (dilation > 1) text_printf(m->out, ", dilation=%u", dilation);
  if (groups > 1) text_printf(m->out, ", groups=%u", groups);
  if (how) text_printf(m->out, ", padding=%s", how == 2 ? "same" : "causal");
  if (make_pick(m, 4) == 0) text_add(m->out, ", bias=false");
  if (how == 1 && make_pick(m, 6) == 0 && s->rank == 1) text_add(m->out, ", init=learned");
  text_printf(m->out, "%s)", layer_precision(m));
  *features(s) = (MakeAxis){0, filters};
  return true;
}

static bool transposed_over_time(Make *m, MakeShape *s) {
  unsigned filters = 1 + make_pick(m, 9), kernel = 1 + make_pick(m, 4),
           stride = 1 + make_pick(m, 3), dilation = make_pick(m, 4) ? 1 : 2, how = make_pick(m, 3),
           groups = 1;
  if (m->time == STREAM && s->steps % stride) return false;
  if (m->time == STREAM && how == 1) how = 2;
  if (make_pick(m, 4) == 0) groups = features(s)->n;
  if (groups > 1) filters = groups * (1 + make_pick(m, 2));
  text_printf(m->out, "Conv1DTranspose(%u, %u, stride=%u, dilation=%u, padding=%s, groups=%u%s)",
              filters, kernel, stride, dilation,
              how == 0   ? "valid"
              : how == 1 ? "same"
                         : "causal",
              groups, layer_precision(m));
  *features(s) = (MakeAxis){0, filters};
  if (m->time == STREAM)
    s->steps /= stride;
  else
    s->steps = how == 0 ? (s->steps - 1) * stride + (kernel - 1) * dilation + 1 : s->steps * stride;
  s->past = s->past * 31 + 17 * stride + how + kernel;
  return s->steps <= 60;
}

static bool pool_over_time(Make *m, MakeShape *s) {
  const char *name = WORD(m, "max_pool", "mean_pool");
  unsigned size = 1 + make_pick(m, 4), stride = make_pick(m, 2) ? size : 1 + make_pick(m, 3),
           how = make_pick(m, 4);
  if (how > 1 && m->time == STREAM) how = 1;
  if (!fewer_steps(m, s, size, stride, how == 1 || how == 2)) return false;
  text_printf(m->out, "%s(%u", name, size);
  if (stride != size) text_printf(m->out, ", stride=%u", stride);
  if (how == 1 || how == 2) text_printf(m->out, ", padding=%s", how == 1 ? "causal" : "same");
  text_add(m->out, ")");
  return true;
}

static bool frames(Make *m, MakeShape *s) {
  unsigned hop = 1 + make_pick(m, 3), size = hop * (1 + make_pick(m, 3)) + make_pick(m, 2);
  if (s->rank != 1 || !fewer_steps(m, s, size, hop, false)) return false;
  text_printf(m->out, "frames(%u, hop=%u)", size, hop);
  features(s)->n *= size;
  if (make_pick(m, 2) || features(s)->n != size || size % hop) return true;
  text_printf(m->out, " |> overlap_add(hop=%u)", hop);
  features(s)->n = 1;
  if (m->time == STREAM)
    s->steps /= hop;
  else
    s->steps = (s->steps - 1) * hop + size;
  s->past = s->past * 31 + 3;
  return true;
}

static bool end_time(Make *m, MakeShape *s) {
  if (m->time == STREAM) return false;
  const char *name = m->time == BOUNDED
                         ? WORD(m, "last", "mean", "max", "min", "sum", "first")
                         : WORD(m, "last", "mean", "max", "min", "sum", "first", "flatten");
  text_add(m->out, name);
  if (strcmp(name, "flatten") == 0) {
    s->axis[0] = (MakeAxis){0, s->steps * make_elements(s)};
    s->rank = 1;
  }
  s->has_time = false;
  return true;
}

static bool slice_time(Make *m, MakeShape *s) {
  if (m->time != FIXED && m->time != WINDOW) return false;
  unsigned from = make_pick(m, s->steps), to = from + 1 + make_pick(m, s->steps - from);
  text_printf(m->out, "slice(%u, %u, along=time)", from, to);
  s->steps = to - from;
  return true;
}

/* A sequence of bounded length at its full length, a stage that counts all its steps, and the first
 * ones again. */
static bool held(Make *m, MakeShape *s) {
  unsigned filters = make_units(m);
  if (s->past || filters > MOST_ELEMENTS) return false;
  text_printf(m->out, "hold%s |> ", WORD(m, "", "(fill=0)", "(fill=0.25)"));
  switch (make_pick(m, 3)) {
  case 0: text_add(m->out, "cumsum"); break;
  case 1: text_add(m->out, "reverse"); break;
  default:
    text_printf(m->out, "Conv1D(%u, 3, padding=same)", filters);
    *features(s) = (MakeAxis){0, filters};
  }
  text_add(m->out, " |> cut(along=x)");
  return true;
}

static bool over_time(Make *m, MakeShape *s) {
  unsigned n, behind;
  if (!s->has_time) return false;
  switch (make_pick(m, 11)) {
  case 10: return slice_time(m, s);
  case 9: return transposed_over_time(m, s);
  case 8: text_add(m->out, "cumsum"); return true;
  case 0:
  case 1: return conv_over_time(m, s);
  case 2: return pool_over_time(m, s);
  case 3: return frames(m, s);
  case 4: text_printf(m->out, "delay(%u)", 1 + make_pick(m, 3)); return true;
  case 5:
    if (m->time == STREAM) return false;
    if (m->time == BOUNDED && make_pick(m, 2)) return held(m, s);
    text_add(m->out, "reverse");
    return true;
  case 6:
    if (m->time == BOUNDED) return false;
    n = 1 + make_pick(m, 2);
    behind = m->time == STREAM ? 0 : make_pick(m, 3);
    text_printf(m->out, "pad(%u, %u, along=time)", n, behind);
    if (m->time != STREAM) s->steps += n + behind;
    return true;
  default: return end_time(m, s);
  }
}

/* ---- one of them ---- */

static bool one(Make *m, MakeShape *s) {
  switch (make_pick(m, 12)) {
  case 0:
  case 1: dense(m, s); return true;
  case 2:
  case 3: pointwise(m); return true;
  case 4: return slice(m, s);
  case 5: return written_out(m, s) || recurrent(m, s);
  case 6: return recurrent(m, s);
  case 7: return over_time(m, s);
  case 8: return make_pick(m, 2) ? gated(m, s) : make_pick(m, 2) ? grouped(m, s) : category(m, s);
  default: return make_along(m, s);
  }
}

void make_stage(Make *m, MakeShape *s) {
  m->state.rank = 0;
  m->state_kind = 0;
  text_add(m->out, "\n    |> ");
  if (s->categories || s->rank == 0) {
    unsigned units = 1 + make_pick(m, 6);
    bool table = s->categories && make_pick(m, 2);
    if (s->categories && table)
      text_printf(m->out, "Embedding(%u)", units);
    else
      text_add(m->out, s->categories ? "onehot" : "tanh");
    if (!s->categories) return;
    s->axis[s->rank++] = (MakeAxis){0, table ? units : s->categories};
    s->categories = 0;
    return;
  }
  MakeShape before = *s;
  for (int tries = 0; tries < 4; tries++) {
    size_t length = m->out->len;
    if (one(m, s) && make_elements(s) <= MOST_ELEMENTS) return;
    *s = before;
    m->out->len = length;
    m->out->s[length] = 0;
  }
  pointwise(m);
}
