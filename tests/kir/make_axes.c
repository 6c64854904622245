/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages along axes at random; see make.h. */
#include "make.h"

#include <stdio.h>
#include <string.h>

static const char *precision_of(Make *m) {
  if (m->narrow)
    return make_pick(m, 6) ? "" : WORD(m, ", precision=f32", ", precision=i8", ", precision=w8");
  return make_pick(m, 6) ? "" : WORD(m, ", precision=f16", ", precision=bf16");
}

/* One of the feature axes with a label, those before `end`; -1: there is none. */
static int labelled(Make *m, const MakeShape *s, int end) {
  int found[MAKE_AXES], n = 0;
  for (int i = 0; i < end; i++)
    if (s->axis[i].label) found[n++] = i;
  return n ? found[make_pick(m, (unsigned)n)] : -1;
}

static void remove_axis(MakeShape *s, int i) {
  for (; i + 1 < s->rank; i++)
    s->axis[i] = s->axis[i + 1];
  s->rank--;
}

/* ---- convolutions ---- */

typedef struct Reach {
  unsigned kernel, stride, dilation, before, after;
  char padding[24];
} Reach;

/* How a convolution goes along an axis. On a stream only what has no need of later steps. */
static Reach random_reach(Make *m, bool streams) {
  Reach r = {.kernel = 1 + make_pick(m, 3),
             .stride = make_pick(m, 4) ? 1 : 2,
             .dilation = make_pick(m, 4) ? 1 : 2};
  unsigned span = (r.kernel - 1) * r.dilation + 1, how = make_pick(m, streams ? 2 : 4);
  if (how == 1) {
    r.before = span - 1;
    strcpy(r.padding, "causal");
  } else if (how == 2) {
    r.before = make_pick(m, span);
    r.after = make_pick(m, span);
    snprintf(r.padding, sizeof r.padding, "(%u, %u)", r.before, r.after);
  } else if (how == 3) {
    r.stride = 1;
    r.before = span - 1;
    strcpy(r.padding, "same");
  } else
    strcpy(r.padding, "valid");
  return r;
}

/* Positions after it; 0: too few before it. */
static unsigned reached(const Reach *r, unsigned n) {
  unsigned span = (r->kernel - 1) * r->dilation + 1, padded = n + r->before + r->after;
  return padded < span ? 0 : (padded - span) / r->stride + 1;
}

static unsigned random_groups(Make *m, unsigned d, unsigned *filters) {
  *filters = 1 + make_pick(m, 9);
  if (make_pick(m, 4)) return 1;
  *filters = d * (1 + make_pick(m, 2));
  return d;
}

static bool conv_1d(Make *m, MakeShape *s) {
  int i = labelled(m, s, s->rank - 1);
  if (i < 0) return false;
  unsigned filters, groups = random_groups(m, s->axis[s->rank - 1].n, &filters);
  Reach r = random_reach(m, false);
  unsigned left = reached(&r, s->axis[i].n);
  if (!left) return false;
  text_printf(m->out, "Conv1D(%u, %u, stride=%u, dilation=%u, padding=%s, groups=%u, along=%c%s)",
              filters, r.kernel, r.stride, r.dilation, r.padding, groups, s->axis[i].label,
              precision_of(m));
  s->axis[i].n = left;
  s->axis[s->rank - 1] = (MakeAxis){0, filters};
  return true;
}

/* After a convolution along time; false: no steps are left. */
static bool along_time(const Make *m, MakeShape *s, const Reach *r) {
  unsigned left = reached(r, s->steps);
  if (m->time == STREAM) {
    s->steps *= r->stride;
    return s->steps <= 12;
  }
  s->steps = left;
  s->past = s->past * 31 + 11 * (r->kernel * r->dilation + r->before + r->after) + r->stride;
  return left > 0;
}

static bool conv_2d(Make *m, MakeShape *s) {
  int j = labelled(m, s, s->rank - 1);
  if (j < 0) return false;
  int i = j > 0 && s->axis[j - 1].label && (!s->has_time || make_pick(m, 2)) ? j - 1 : -1;
  if (i < 0 && !s->has_time) return false;
  unsigned filters, groups = random_groups(m, s->axis[s->rank - 1].n, &filters);
  Reach a = random_reach(m, i < 0 && m->time == STREAM), b = random_reach(m, false);
  unsigned left = reached(&b, s->axis[j].n);
  if (!left) return false;
  if (i < 0 && !along_time(m, s, &a)) return false;
  if (i >= 0) s->axis[i].n = reached(&a, s->axis[i].n);
  if (i >= 0 && !s->axis[i].n) return false;
  text_printf(
      m->out,
      "Conv2D(%u, kernel=(%u, %u), stride=(%u, %u), dilation=(%u, %u), padding=(%s, %s), groups=%u",
      filters, a.kernel, b.kernel, a.stride, b.stride, a.dilation, b.dilation, a.padding, b.padding,
      groups);
  if (i < 0)
    text_printf(m->out, ", along=(time, %c)", s->axis[j].label);
  else
    text_printf(m->out, ", along=(%c, %c)", s->axis[i].label, s->axis[j].label);
  text_printf(m->out, "%s%s)", make_pick(m, 4) ? "" : ", bias=false", precision_of(m));
  s->axis[j].n = left;
  s->axis[s->rank - 1] = (MakeAxis){0, filters};
  return true;
}

/* Positions after a transposed convolution; 0: none are left. */
static unsigned spread(const Reach *r, unsigned n) {
  unsigned span = (r->kernel - 1) * r->dilation + 1, all = (n - 1) * r->stride + span;
  if (*r->padding == 'v') return all;
  if (*r->padding != '(') return n * r->stride;
  return all > r->before + r->after ? all - r->before - r->after : 0;
}

static bool transposed(Make *m, MakeShape *s) {
  int j = labelled(m, s, s->rank - 1);
  if (j < 0) return false;
  bool two = j > 0 && s->axis[j - 1].label && make_pick(m, 2);
  unsigned filters, groups = random_groups(m, s->axis[s->rank - 1].n, &filters);
  Reach a = random_reach(m, false), b = random_reach(m, false);
  unsigned first = two ? spread(&a, s->axis[j - 1].n) : 1, second = spread(&b, s->axis[j].n);
  if (!first || !second) return false;
  if (two)
    text_printf(m->out,
                "Conv2DTranspose(%u, kernel=(%u, %u), stride=(%u, %u), dilation=(%u, %u), "
                "padding=(%s, %s), groups=%u, along=(%c, %c)%s)",
                filters, a.kernel, b.kernel, a.stride, b.stride, a.dilation, b.dilation, a.padding,
                b.padding, groups, s->axis[j - 1].label, s->axis[j].label, precision_of(m));
  else
    text_printf(
        m->out,
        "Conv1DTranspose(%u, %u, stride=%u, dilation=%u, padding=%s, groups=%u, along=%c%s)",
        filters, b.kernel, b.stride, b.dilation, b.padding, groups, s->axis[j].label,
        precision_of(m));
  if (two) s->axis[j - 1].n = first;
  s->axis[j].n = second;
  s->axis[s->rank - 1] = (MakeAxis){0, filters};
  return true;
}

/* ---- pools ---- */

static bool pool_1d(Make *m, MakeShape *s) {
  int i = labelled(m, s, s->rank);
  if (i < 0) return false;
  Reach r = random_reach(m, false);
  unsigned left;
  r.dilation = 1;
  if (strcmp(r.padding, "causal") == 0) r.before = r.kernel - 1;
  if (strcmp(r.padding, "same") == 0) r.before = r.kernel - 1;
  if (*r.padding == '(') return false;
  left = reached(&r, s->axis[i].n);
  if (!left) return false;
  text_printf(m->out, "%s(%u, stride=%u, padding=%s, along=%c)", WORD(m, "max_pool", "mean_pool"),
              r.kernel, r.stride, r.padding, s->axis[i].label);
  s->axis[i].n = left;
  return true;
}

static bool pool_2d(Make *m, MakeShape *s) {
  int j = labelled(m, s, s->rank - 1);
  if (j < 0) return false;
  int i = j > 0 && s->axis[j - 1].label && (!s->has_time || make_pick(m, 2)) ? j - 1 : -1;
  unsigned a = 1 + make_pick(m, 2), b = 1 + make_pick(m, 3);
  if (s->axis[j].n < b || (i >= 0 && s->axis[i].n < a)) return false;
  if (i < 0 && (!s->has_time || (m->time != STREAM && s->steps < a))) return false;
  text_printf(m->out, "%s((%u, %u), along=(", WORD(m, "max_pool", "mean_pool"), a, b);
  if (i < 0)
    text_printf(m->out, "time, %c))", s->axis[j].label);
  else
    text_printf(m->out, "%c, %c))", s->axis[i].label, s->axis[j].label);
  s->axis[j].n /= b;
  if (i >= 0)
    s->axis[i].n /= a;
  else {
    s->steps = m->time == STREAM ? s->steps * a : s->steps / a;
    s->past = s->past * 31 + 13 * a;
  }
  return s->steps <= 12 || m->time != STREAM;
}

/* ---- along one axis, which stays or ends ---- */

static bool within_axis(Make *m, MakeShape *s) {
  int i = labelled(m, s, s->rank);
  if (i < 0) return false;
  char name = s->axis[i].label;
  switch (make_pick(m, 9)) {
  case 4: text_printf(m->out, "LayerNorm(along=%c)", name); return true;
  case 5: text_printf(m->out, "RMSNorm(along=%c)", name); return true;
  case 6: text_printf(m->out, "l2_normalize(along=%c)", name); return true;
  case 7:
    if (s->rank < 2) return false;
    text_add(m->out, "InstanceNorm");
    return true;
  case 0: text_printf(m->out, "softmax(along=%c)", name); return true;
  case 1: text_printf(m->out, "log_softmax(along=%c)", name); return true;
  case 2: text_printf(m->out, "cumsum(along=%c)", name); return true;
  case 3:
    if (s->axis[i].n % 2) return false;
    text_printf(m->out, "glu(along=%c)", name);
    s->axis[i].n /= 2;
    return true;
  default:
    if (s->axis[i].n < 2 || s->rank < 2) return false;
    text_printf(m->out, "argmax(along=%c)", name);
    s->categories = s->axis[i].n;
    remove_axis(s, i);
    return true;
  }
}

/* ---- ends of axes ---- */

static bool ends(Make *m, MakeShape *s) {
  int i = labelled(m, s, s->rank);
  const char *name = WORD(m, "mean", "max", "min", "sum", "last", "first");
  if (s->rank < 2) return false;
  if (i < 0 || make_pick(m, 5) == 0) {
    text_printf(m->out, "%s(along=features)", name);
    remove_axis(s, s->rank - 1);
    return true;
  }
  bool two = i > 0 && s->rank > 2 && s->axis[i - 1].label && *name != 'l' && *name != 'f' &&
             make_pick(m, 2);
  if (two)
    text_printf(m->out, "%s(along=(%c, %c))", name, s->axis[i - 1].label, s->axis[i].label);
  else
    text_printf(m->out, "%s(along=%c)", name, s->axis[i].label);
  remove_axis(s, i);
  if (two) remove_axis(s, i - 1);
  return true;
}

/* ---- moves ---- */

/* Every step several times: a stream becomes as much faster. */
static bool repeat_steps(Make *m, MakeShape *s) {
  enum { MOST_STEPS = 40 };
  unsigned times = 1 + make_pick(m, 3);
  if (!s->has_time || m->time == BOUNDED) return false;
  if (m->time == STREAM ? s->steps % times != 0 : s->steps * times > MOST_STEPS) return false;
  text_printf(m->out, "upsample(%u, along=time)", times);
  s->steps = m->time == STREAM ? s->steps / times : s->steps * times;
  return true;
}

static bool move(Make *m, MakeShape *s) {
  if (make_pick(m, 6) == 0) return repeat_steps(m, s);
  int i = labelled(m, s, s->rank);
  if (i < 0) return false;
  unsigned n = s->axis[i].n, from, to;
  char label = s->axis[i].label;
  const char *mode;
  switch (make_pick(m, 5)) {
  case 0: text_printf(m->out, "reverse(along=%c)", label); break;
  case 1:
    from = make_pick(m, n);
    to = from + 1 + make_pick(m, n - from);
    text_printf(m->out, "slice(%u, %u, along=%c)", from, to, label);
    s->axis[i].n = to - from;
    break;
  case 2:
    mode = WORD(m, "", ", mode=edge", ", mode=reflect");
    from = make_pick(m, n < 3 ? n : 3);
    to = make_pick(m, n < 3 ? n : 3);
    text_printf(m->out, "pad(%u, %u, along=%c%s)", from, to, label, mode);
    s->axis[i].n += from + to;
    break;
  case 3:
    from = 1 + make_pick(m, 3);
    text_printf(m->out, "every_nth(%u, along=%c)", from, label);
    s->axis[i].n = (n + from - 1) / from;
    break;
  default:
    from = 1 + make_pick(m, 3);
    text_printf(m->out, "upsample(%u, along=%c)", from, label);
    s->axis[i].n *= from;
    break;
  }
  return true;
}

static bool permute(Make *m, MakeShape *s) {
  if (s->rank < 2) return false;
  for (int i = 0; i < s->rank; i++)
    if (!s->axis[i].label) return false;
  for (int i = s->rank - 1; i > 0; i--) {
    int k = (int)make_pick(m, (unsigned)i + 1);
    MakeAxis moved = s->axis[i];
    s->axis[i] = s->axis[k];
    s->axis[k] = moved;
  }
  text_add(m->out, "permute(");
  for (int i = 0; i < s->rank; i++)
    text_printf(m->out, "%s%c", i ? ", " : "", s->axis[i].label);
  text_add(m->out, ")");
  return true;
}

static bool label(Make *m, MakeShape *s) {
  static const char names[2][MAKE_AXES] = {{'f', 'g', 'h', 'i'}, {'p', 'q', 'r', 's'}};
  unsigned which = make_pick(m, 2);
  text_add(m->out, "label(");
  for (int i = 0; i < s->rank; i++) {
    s->axis[i].label = i + 1 == s->rank ? 'c' : names[which][i];
    text_printf(m->out, "%s%c", i ? ", " : "", s->axis[i].label);
  }
  text_add(m->out, ")");
  return true;
}

static bool reshape(Make *m, MakeShape *s) {
  unsigned n = make_elements(s), parts = 2 + make_pick(m, 4);
  if (m->time == BOUNDED && s->has_time) return false;
  text_add(m->out, "reshape([");
  if (s->has_time && m->time == STREAM)
    text_add(m->out,
             s->steps > 1 ? arena_printf(m->out->arena, "time .. / %u, ", s->steps) : "time .., ");
  else if (s->has_time)
    text_printf(m->out, "time %u, ", s->steps);
  if (s->rank == 1 && n % parts == 0) {
    text_printf(m->out, "f %u, %u])", parts, n / parts);
    s->rank = 2;
    s->axis[0] = (MakeAxis){'f', parts};
    s->axis[1] = (MakeAxis){0, n / parts};
    return true;
  }
  text_printf(m->out, "%u])", n);
  s->rank = 1;
  s->axis[0] = (MakeAxis){0, n};
  return true;
}

static bool gains_time(Make *m, MakeShape *s) {
  if (s->has_time || (m->time != FIXED && m->time != WINDOW)) return false;
  bool alone = make_pick(m, 3) == 0;
  s->steps = alone ? 1 : 1 + make_pick(m, 6);
  if (alone)
    text_add(m->out, "expand");
  else
    text_printf(m->out, "repeat(%u)", s->steps);
  s->has_time = true;
  s->past = 0;
  return true;
}

bool make_along(Make *m, MakeShape *s) {
  switch (make_pick(m, 16)) {
  case 14:
  case 15: return transposed(m, s);
  case 10: return pool_1d(m, s);
  case 11: return pool_2d(m, s);
  case 12:
  case 13: return within_axis(m, s);
  case 0: return conv_1d(m, s);
  case 1:
  case 2: return conv_2d(m, s);
  case 3: return ends(m, s);
  case 4:
  case 5: return move(m, s);
  case 6: return permute(m, s);
  case 7: return s->rank > 1 && label(m, s);
  case 8: return gains_time(m, s);
  default: return reshape(m, s);
  }
}
