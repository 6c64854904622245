/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Valid models from bytes: inputs, values with names, chains of stages, outputs; see oracle.h. A
 * few of the models are refused, where a choice does not fit the shape it meets: that is quicker
 * than to know. */
#include "make.h"
#include "oracle.h"

#include <string.h>

unsigned make_pick(Make *m, unsigned n) {
  if (m->at < m->n) return m->bytes[m->at++] % n;
  m->mixed = m->mixed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (unsigned)(m->mixed >> 33) % n;
}

const char *make_word(Make *m, const char *const *words, unsigned n) {
  return words[make_pick(m, n)];
}

unsigned make_units(Make *m) {
  static const unsigned often[] = {1, 2, 3, 4, 5, 6, 7, 8},
                        sometimes[] = {9, 11, 12, 15, 16, 17, 24, 31, 32, 33, 40};
  unsigned which = make_pick(m, 64);
  if (which == 63) return 260 + make_pick(m, 16); /* sums in more than one block */
  if (which < 44) return often[make_pick(m, sizeof often / sizeof *often)];
  return sometimes[make_pick(m, sizeof sometimes / sizeof *sometimes)];
}

unsigned make_elements(const MakeShape *s) {
  unsigned n = 1;
  for (int i = 0; i < s->rank; i++)
    n *= s->axis[i].n;
  return n;
}

/* ---- inputs ---- */

static void print_axes(Make *m, const MakeShape *s) {
  for (int i = 0; i < s->rank; i++) {
    text_add(m->out, i || s->has_time ? ", " : "");
    if (s->axis[i].label) text_printf(m->out, "%c ", s->axis[i].label);
    text_printf(m->out, "%u", s->axis[i].n);
  }
}

/* 1 to 3 feature axes; all but the last have labels, that one often. */
static void random_axes(Make *m, MakeShape *s) {
  static const char label[MAKE_AXES] = {'f', 'g', 'h', 'c'};
  unsigned how = make_pick(m, 8);
  s->rank = how < 4 ? 1 : how < 7 ? 2 : 3;
  for (int i = 0; i < s->rank; i++)
    s->axis[i] = i + 1 < s->rank ? (MakeAxis){label[i], 1 + make_pick(m, 6)}
                                 : (MakeAxis){make_pick(m, 2) ? 'c' : 0,
                                              s->rank > 1 ? 1 + make_pick(m, 9) : make_units(m)};
}

/* A sequence of x's time, or (apart) of a time of its own. */
static void sequence_input(Make *m, const char *name, const MakeShape *s, const char *elem,
                           unsigned every, bool apart) {
  bool behind =
      m->time != STREAM && make_pick(m, 8) == 0; /* time is stored behind the other axes */
  MakeShape axes = *s;
  text_printf(m->out, "  in  %s : %s[", name, elem);
  axes.has_time = !behind;
  if (behind) print_axes(m, &axes);
  if (behind) text_add(m->out, ", ");
  if (m->time == STREAM)
    text_add(m->out, "time ..");
  else if (m->time == BOUNDED)
    text_printf(m->out, "time %s <= %u", apart ? "k" : "n", s->steps);
  else
    text_printf(m->out, "time %u", s->steps);
  if (!behind) print_axes(m, &axes);
  text_add(m->out, "]");
  if (every) text_printf(m->out, " every %u", every);
  text_add_char(m->out, '\n');
}

static void add_let(Make *m, MakeShape s) {
  if (m->lets == MAKE_VALUES) return;
  m->let_state_kind[m->lets] = m->state_kind;
  m->let[m->lets++] = s;
}

/* Further inputs are the first of the named values: integers, a vector, a category, a sequence of
 * categories. */
static void more_inputs(Make *m) {
  MakeShape s = m->x;
  bool apart;
  switch (make_pick(m, 8)) {
  case 0:
    if (m->time == WINDOW) return;
    random_axes(m, &s);
    apart = m->time != STREAM && make_pick(m, 2);
    if (apart) {
      s.steps = 1 + make_pick(m, 9);
      s.past = m->time == BOUNDED ? 1000 : 0; /* of another length */
    }
    sequence_input(m, "v0", &s, "f32", 0, apart);
    break;
  case 1:
    s = (MakeShape){.rank = 1, .axis = {{0, make_units(m)}}};
    text_printf(m->out, "  in  v0 : f32[%u]\n", s.axis[0].n);
    break;
  case 2:
    s = (MakeShape){.categories = 2 + make_pick(m, 5)};
    text_printf(m->out, "  in  v0 : index(%u)\n", s.categories);
    break;
  case 3:
    if (m->time == WINDOW) return;
    s.rank = 0;
    s.categories = 2 + make_pick(m, 300);
    text_printf(m->out, "  in  v0 : index(%u)[time %s]\n", s.categories,
                m->time == STREAM    ? ".."
                : m->time == BOUNDED ? arena_printf(m->out->arena, "n <= %u", s.steps)
                                     : arena_printf(m->out->arena, "%u", s.steps));
    break;
  default: return;
  }
  add_let(m, s);
}

static void inputs(Make *m) {
  m->time = (MakeTime)make_pick(m, MAKE_TIMES);
  m->x = (MakeShape){.has_time = true, .steps = m->time == STREAM ? 1 : 1 + make_pick(m, 12)};
  random_axes(m, &m->x);
  const char *elem = make_pick(m, 12) ? "f32" : WORD(m, "i16", "u8", "i8");
  unsigned every = m->time == WINDOW ? 1 + make_pick(m, 3) : 0;
  bool integers = strcmp(elem, "f32") != 0;
  sequence_input(m, integers ? "raw" : "x", &m->x, elem, every, false);
  more_inputs(m);
  if (integers) text_add(m->out, "  let x = raw |> normalize(mean=40, std=30)\n");
}

/* ---- chains ---- */

static void operand(Make *m, MakeShape *s) {
  unsigned which = make_pick(m, (unsigned)m->lets + 1);
  *s = which ? m->let[which - 1] : m->x;
  if (which)
    text_printf(m->out, "v%u", which - 1);
  else
    text_add(m->out, "x");
}

static bool same_time(const MakeShape *a, const MakeShape *b) {
  return a->has_time == b->has_time &&
         (!a->has_time || (a->steps == b->steps && a->past == b->past));
}

/* Whether all axes agree, but for `apart` (-1: none). */
static bool same_axes(const MakeShape *a, const MakeShape *b, int apart) {
  bool same = same_time(a, b) && a->rank == b->rank && !a->categories && !b->categories;
  for (int i = 0; same && i < a->rank; i++)
    same = i == apart || (a->axis[i].n == b->axis[i].n && (!a->axis[i].label || !b->axis[i].label ||
                                                           a->axis[i].label == b->axis[i].label));
  return same;
}

/* Over a whole sequence, over the last steps of it or of a stream, or along an axis. */
static void attend(Make *m, const char *left, const char *right) {
  bool additive = make_pick(m, 3) == 0;
  unsigned window = make_pick(m, 2) ? 1 + make_pick(m, 9) : 0;
  text_printf(m->out, "%s(%s, %s, %s", additive ? "AdditiveAttention" : "attention", left, right,
              make_pick(m, 2) ? left : right);
  if (window)
    text_printf(m->out, ", window=%u", window);
  else
    text_add(m->out, m->time == STREAM ? ", along=f" : WORD(m, "", ", mask=causal"));
  text_add(m->out, additive ? WORD(m, "", ", scale=false") : WORD(m, "", ", factor=1"));
  text_add(m->out, additive ? ")" : WORD(m, ")", ", heads=2)"));
}

static void join_elements(Make *m, const char *left, const char *right) {
  unsigned how = make_pick(m, 9);
  if (how == 8)
    attend(m, left, right);
  else if (how == 4)
    text_printf(m->out, "maximum(%s, %s)", left, right);
  else if (how == 5)
    text_printf(m->out, "minimum(%s, %s)", left, right);
  else if (how == 6)
    text_printf(m->out, "atan2(%s, %s)", left, right);
  else if (how == 7)
    text_printf(m->out, "select(%s, %s, %s, %s)", left, right, left, right);
  else
    text_printf(m->out, "%s %s %s", left, WORD(m, "+", "-", "*", "/"), right);
}

/* Two values that fit: one chosen, and the first that fits it from another one chosen on. False:
 * none said. */
static bool two_values(Make *m, MakeShape *s) {
  int n = m->lets + 1, a = (int)make_pick(m, (unsigned)n), first = (int)make_pick(m, (unsigned)n);
  bool joins = make_pick(m, 2);
  for (int k = 0; k < n; k++) {
    int b = (first + k) % n;
    const MakeShape *p = a ? &m->let[a - 1] : &m->x, *q = b ? &m->let[b - 1] : &m->x;
    int apart = joins ? p->rank - 1 - (p->rank > 1 && make_pick(m, 3) == 0) : -1;
    if (p->categories || (joins && p->rank == 0) || !same_axes(p, q, apart) ||
        make_elements(p) > 200)
      continue;
    const char *left = a ? arena_printf(m->out->arena, "v%d", a - 1) : "x",
               *right = b ? arena_printf(m->out->arena, "v%d", b - 1) : "x";
    *s = *p;
    if (!joins)
      join_elements(m, left, right);
    else if (apart == p->rank - 1)
      text_printf(m->out, "concat(%s, %s)", left, right);
    else if (!p->axis[apart].label)
      continue;
    else
      text_printf(m->out, "concat(%s, %s, along=%c)", left, right, p->axis[apart].label);
    if (joins) s->axis[apart].n += q->axis[apart].n;
    if (joins && apart == s->rank - 1) s->axis[apart].label = 0;
    return true;
  }
  return false;
}

/* A category becomes numbers, and what has no time gets that of x. */
static void to_sequence(Make *m, MakeShape *s) {
  if (s->categories) {
    unsigned units = 1 + make_pick(m, 6);
    bool table = make_pick(m, 2);
    if (table)
      text_printf(m->out, " |> Embedding(%u)", units);
    else
      text_add(m->out, " |> onehot");
    s->axis[s->rank++] = (MakeAxis){0, table ? units : s->categories};
    s->categories = 0;
  }
  if (s->has_time || make_pick(m, 3) == 0 || m->x.rank != 1 || s->rank > 1) return;
  text_add(m->out, " |> repeat(along=x)");
  s->has_time = true;
  s->steps = m->x.steps;
  s->past = 0;
}

/* What a chain begins with: a value, two that are joined, or one and a number. */
static void beginning(Make *m, MakeShape *s) {
  unsigned how = make_pick(m, 8);
  if (how < 3 && two_values(m, s)) return;
  if (how == 3) {
    text_add(m->out, WORD(m, "0.5 * x", "x - 1.5", "2 - x", "x / 4"));
    *s = m->x;
    return;
  }
  operand(m, s);
  to_sequence(m, s);
}

static void precision(Make *m) {
  if (make_pick(m, 5)) return;
  m->narrow = true;
  text_printf(m->out, "  ranges \"measured\"\n  precision %s\n",
              WORD(m, "w8", "i8", "i8", "i16", "i16", "i16x16"));
}

/* ---- cells written out ---- */

static const char *squash(Make *m) {
  return WORD(m, "tanh", "sigmoid", "hard_sigmoid", "relu", "LayerNorm |> tanh", "softsign");
}

/* A value of the cell of one step: states and what was made of them. */
static const char *part(Make *m, int states, int made) {
  unsigned which = make_pick(m, (unsigned)(states + made));
  return arena_printf(m->out->arena, which < (unsigned)states ? "h%u" : "a%u",
                      which < (unsigned)states ? which : which - (unsigned)states);
}

static void cell(Make *m, int number) {
  int states = 1 + number, made = 1 + (int)make_pick(m, 3);
  text_printf(m->out, "block C%d(units) {\n  in  x\n", number);
  for (int i = 0; i < states; i++)
    text_printf(m->out, "  let h%d = x |> state(units%s)\n", i,
                make_pick(m, 4) ? "" : ", init=learned");
  for (int i = 0; i < made; i++) {
    const char *a = part(m, states, i), *b = part(m, states, i);
    if (make_pick(m, 3) == 0)
      text_printf(m->out, "  let a%d = (%s * %s |> Dense(units)) |> %s\n", i, a, b, squash(m));
    else
      text_printf(
          m->out, "  let a%d = (x |> Dense(units)) + (%s |> %s) |> %s\n", i, a,
          WORD(m, "Dense(units, bias=false)", "Dense(units)", "Conv1D(units, 1, groups=units)"),
          squash(m));
  }
  for (int i = 1; i < states; i++)
    text_printf(m->out, "  let k%d = a0 * h%d + (1 - a0) * %s |> keep(as=h%d)\n", i, i,
                part(m, states, made), i);
  text_printf(m->out, "  out y = (1 - a0) * h0 + a0 * %s |> keep(as=h0)\n}\n",
              part(m, states, made));
}

void oracle_make_model(const uint8_t *bytes, size_t n, Text *out) {
  Make m = {.bytes = bytes, .n = n, .mixed = n, .out = out};
  for (size_t i = 0; i < n; i++)
    m.mixed = m.mixed * 31 + bytes[i];
  text_add(out, "grus 1\n");
  m.cells = make_pick(&m, 4) == 0;
  for (int i = 0; m.cells && i < 2; i++)
    cell(&m, i);
  text_add(out, "model m {\n  allow state_never_reset\n");
  precision(&m);
  inputs(&m);
  int lets = m.lets + (int)make_pick(&m, 4), outs = 1 + (int)make_pick(&m, 2);
  for (int i = m.lets; i < lets + outs; i++) {
    MakeShape s;
    text_printf(out, i < lets ? "  let v%d = " : "  out y%d = ", i < lets ? i : i - lets);
    m.state = (MakeShape){0};
    m.state_kind = 0;
    beginning(&m, &s);
    for (unsigned k = (i < lets ? 0 : 1) + make_pick(&m, 4); k; k--)
      make_stage(&m, &s);
    text_add_char(out, '\n');
    if (i >= lets) continue;
    add_let(&m, s);
    if (m.state.rank && m.lets < lets && make_pick(&m, 2)) { /* the state that it ended with */
      text_printf(out, "  let v%d = v%d.h\n", i + 1, i);
      m.state_kind = 0;
      add_let(&m, m.state);
      i++;
    }
  }
  text_add(out, "}\n");
}
