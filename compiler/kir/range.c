/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Intervals: the least and the greatest value of integer expressions, of constants and of sums of
 * products. In: a tree, whose registers and buffers have ranges. Out: two numbers that no value
 * leaves. Exactness of integer arithmetic is proved with these, and with nothing else. */
#include "kir/cases.h"
#include "kir/kir.h"

static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static int64_t max64(int64_t a, int64_t b) {
  return a > b ? a : b;
}

typedef struct Interval {
  int64_t lo, hi;
} Interval;

static Interval range_of(const KirExpr *e) {
  Interval r;
  kir_expr_range(e, &r.lo, &r.hi);
  return r;
}

static Interval join(Interval a, Interval b) {
  return (Interval){min64(a.lo, b.lo), max64(a.hi, b.hi)};
}

static Interval product(Interval a, Interval b) {
  int64_t p[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
  Interval r = {p[0], p[0]};
  for (int i = 1; i < 4; i++)
    r = join(r, (Interval){p[i], p[i]});
  return r;
}

static int64_t floor_shift(int64_t a,
                           int64_t n) { /* >> of a negative number, as every machine has it */
  int64_t d = (int64_t)1 << n;
  return a >= 0 ? a / d : -((-a + d - 1) / d);
}

int64_t kir_const_int(const KirBuffer *b, int64_t i) {
  switch (b->elem) {
  case KIR_I8: return ((const int8_t *)b->data)[i];
  case KIR_U8: return ((const uint8_t *)b->data)[i];
  case KIR_I16: return ((const int16_t *)b->data)[i];
  case KIR_U16: return ((const uint16_t *)b->data)[i];
  case KIR_I32:
    return ((const int32_t *)b->data)[i];
  KIR_OTHER_ELEM_CASES:
    break;
  }
  return 0;
}

static Interval type_range(KirElem elem) {
  switch (elem) {
  case KIR_I8: return (Interval){INT8_MIN, INT8_MAX};
  case KIR_U8: return (Interval){0, UINT8_MAX};
  case KIR_I16: return (Interval){INT16_MIN, INT16_MAX};
  case KIR_U16: return (Interval){0, UINT16_MAX};
  case KIR_I32:
  KIR_OTHER_ELEM_CASES:
    break;
  }
  return (Interval){INT32_MIN, INT32_MAX};
}

void kir_buffer_range(const KirBuffer *b, int64_t *lo, int64_t *hi) {
  Interval r = type_range(b->elem);
  if (b->lo < b->hi) r = (Interval){b->lo, b->hi};
  *lo = r.lo;
  *hi = r.hi;
}

/* x ^ (x >> 31): x where it is positive, its one's complement where it is negative. */
static bool is_mirrored(const KirExpr *e) {
  const KirExpr *a = e->arg[0], *s = e->arg[1];
  return a->op == KIR_REG && s->op == KIR_SHR && s->arg[0]->op == KIR_REG &&
         s->arg[0]->reg == a->reg && s->arg[1]->op == KIR_NUM && s->arg[1]->i == 31;
}

static Interval xor_range(const KirExpr *e) {
  Interval a = range_of(e->arg[0]), b = range_of(e->arg[1]);
  int64_t most = max64(a.hi, -1 - a.lo);
  if (is_mirrored(e))
    return (Interval){a.lo <= 0 && a.hi >= -1 ? 0 : min64(max64(a.lo, -1 - a.hi), most), most};
  if (b.lo >= -1 && b.hi <= 0) return join(a, (Interval){-1 - a.hi, -1 - a.lo});
  return type_range(KIR_I32);
}

/* The next state of a mixture of two: never beyond the nearer end, but for one unit. */
static Interval mix_range(Interval from, Interval to) {
  return (Interval){min64(from.lo, to.lo - 1), max64(from.hi, to.hi)};
}

static Interval limited(Interval a, int64_t lo, int64_t hi) {
  return (Interval){min64(max64(a.lo, lo), hi), min64(max64(a.hi, lo), hi)};
}

void kir_exact_range(const KirExpr *e, int64_t *lo, int64_t *hi) {
  Interval a = range_of(e->arg[0]), b = e->arg[1] ? range_of(e->arg[1]) : (Interval){0, 0},
           r = {0, 0};
  if (e->op == KIR_ADD) r = (Interval){a.lo + b.lo, a.hi + b.hi};
  if (e->op == KIR_SUB) r = (Interval){a.lo - b.hi, a.hi - b.lo};
  if (e->op == KIR_MUL) r = product(a, b);
  if (e->op == KIR_SHL) r = (Interval){a.lo * ((int64_t)1 << b.lo), a.hi * ((int64_t)1 << b.lo)};
  *lo = r.lo;
  *hi = r.hi;
}

static Interval min_max(KirOp op, Interval a, Interval b) {
  return op == KIR_MIN ? (Interval){min64(a.lo, b.lo), min64(a.hi, b.hi)}
                       : (Interval){max64(a.lo, b.lo), max64(a.hi, b.hi)};
}

static Interval shifted_down(Interval a, int64_t n) {
  return (Interval){floor_shift(a.lo, n), floor_shift(a.hi, n)};
}

/* With a mask of bits that are not the sign. */
static Interval and_range(const KirExpr *e) {
  Interval mask = range_of(e->arg[1]);
  return mask.lo >= 0 ? (Interval){0, mask.hi} : type_range(KIR_I32);
}

/* A sum that stays within 32 bits. */
static Interval saturated_sum(Interval a, Interval b) {
  return limited((Interval){a.lo + b.lo, a.hi + b.hi}, INT32_MIN, INT32_MAX);
}

/* Towards 0, but for one unit. */
static Interval fade_range(Interval a) {
  return (Interval){min64(a.lo, 0), max64(a.hi, 1)};
}

/* The distance of the values that an exact index x * step + offset can take. */
static int64_t index_step(const KirExpr *at) {
  if (at->op == KIR_ADD && at->exact && at->arg[1]->op == KIR_NUM) at = at->arg[0];
  bool is_step = at->op == KIR_MUL && at->exact && at->arg[1]->op == KIR_NUM && at->arg[1]->i > 0;
  return is_step ? at->arg[1]->i : 1;
}

/* What a table holds at the indices that an expression can take: at columns of a table of records,
 * those columns. */
static Interval table_range(const KirBuffer *b, const KirExpr *index) {
  Interval at = range_of(index);
  int64_t step = index_step(index), from = at.lo;
  while (from < 0)
    from += step;
  if (from >= b->count) return type_range(KIR_I32);
  Interval r = {kir_const_int(b, from), kir_const_int(b, from)};
  for (int64_t i = from; i <= min64(at.hi, b->count - 1); i += step)
    r = join(r, (Interval){kir_const_int(b, i), kir_const_int(b, i)});
  return r;
}

static Interval load_range(const KirBuffer *b, bool is_index) {
  Interval r;
  if (b->categories) return (Interval){0, b->categories - 1}; /* checked by whoever loads it */
  if (is_index) return type_range(KIR_I32);
  kir_buffer_range(b, &r.lo, &r.hi);
  return r;
}

static Interval expr_range(const KirExpr *e) {
  bool is_index = e->type.elem == KIR_INDEX;
  Interval r;
  switch (e->op) {
  case KIR_NUM: return (Interval){e->i, e->i};
  case KIR_REG: return (Interval){e->reg->lo, e->reg->hi};
  case KIR_LOAD: return load_range(e->buffer, is_index);
  case KIR_CONVERT:
    if (e->arg[0]->type.elem == KIR_F32 || e->arg[0]->type.elem == KIR_BOOL)
      return type_range(KIR_I32);
    return range_of(e->arg[0]);
  case KIR_SPLAT:
  case KIR_LANE: return range_of(e->arg[0]);
  case KIR_SELECT: return join(range_of(e->arg[1]), range_of(e->arg[2]));
  case KIR_MIN:
  case KIR_MAX: return min_max(e->op, range_of(e->arg[0]), range_of(e->arg[1]));
  case KIR_DIV: {
    Interval a = range_of(e->arg[0]), b = range_of(e->arg[1]);
    return b.lo == b.hi && b.lo > 0 ? (Interval){a.lo / b.lo, a.hi / b.lo} : type_range(KIR_I32);
  }
  case KIR_ADD:
  case KIR_SUB:
  case KIR_MUL:
  case KIR_SHL:
    if (!is_index && !e->exact) return type_range(KIR_I32);
    kir_exact_range(e, &r.lo, &r.hi);
    return r;
  case KIR_LOOKUP: return table_range(e->buffer, e->arg[0]);
  case KIR_ROUND: return (Interval){e->lo, e->hi};
  case KIR_CALL:
    return e->helper->lo < e->helper->hi ? (Interval){e->helper->lo, e->helper->hi}
                                         : type_range(KIR_I32);
  case KIR_AND: return and_range(e);
  case KIR_XOR: return xor_range(e);
  case KIR_SHR: return shifted_down(range_of(e->arg[0]), e->arg[1]->i);
  case KIR_MULW: return shifted_down(product(range_of(e->arg[0]), range_of(e->arg[1])), 16);
  case KIR_CLAMP: return limited(range_of(e->arg[0]), e->lo, e->hi);
  case KIR_ADDS: return saturated_sum(range_of(e->arg[0]), range_of(e->arg[1]));
  case KIR_MIX: return mix_range(range_of(e->arg[0]), range_of(e->arg[1]));
  case KIR_FADE: return fade_range(range_of(e->arg[0]));
  case KIR_NEG:
  case KIR_ABS:
  case KIR_SQRT:
  KIR_ADDED_CASES:
  case KIR_OR:
  case KIR_LT:
  case KIR_LE:
  case KIR_EQ:
  case KIR_NE:
  case KIR_BITCAST:
  case KIR_SUM: break;
  }
  return type_range(KIR_I32);
}

void kir_expr_range(const KirExpr *e, int64_t *lo, int64_t *hi) {
  Interval r = {INT32_MIN, INT32_MAX};
  if (e->type.elem == KIR_INDEX || e->type.elem == KIR_I32) r = expr_range(e);
  *lo = r.lo;
  *hi = r.hi;
}

/* ---- sums of products ---- */

/* Weights and bias walk together: block b of the weights belongs to block b of the bias. */
static bool bias_is_regular(const KirStmt *s, int64_t block) {
  bool ok = s->bias->data && s->bias_at.offset == s->at.offset / block * s->n_regs &&
            s->at.n_terms == s->bias_at.n_terms;
  for (int i = 0; ok && i < s->at.n_terms; i++)
    ok = s->at.term[i].var == s->bias_at.term[i].var &&
         s->bias_at.term[i].stride == s->at.term[i].stride / block * s->n_regs;
  return ok;
}

static bool dot_is_regular(const KirStmt *s) {
  int64_t block = s->n_regs * s->count;
  bool ok = s->n_regs > 0 && s->step > 0 && s->count > 0 && s->count % s->step == 0 &&
            s->buffer->data && (!s->swapped || s->step == 4) && s->at.offset % block == 0;
  for (int i = 0; ok && i < s->at.n_terms; i++)
    ok = s->at.term[i].stride % block == 0;
  return ok && (!s->bias || bias_is_regular(s, block));
}

int64_t kir_dot_weight(const KirStmt *s, int r, int64_t k) {
  static const int swapped[] = {0, 2, 1, 3};
  int64_t j = k % s->step;
  return (k / s->step * s->n_regs + r) * s->step + (s->swapped ? swapped[j] : j);
}

bool kir_dot_range(const KirStmt *s, int r, int64_t *lo, int64_t *hi) {
  int64_t block = s->n_regs * s->count, first, last, z0, z1;
  *lo = INT32_MIN;
  *hi = INT32_MAX;
  if (!dot_is_regular(s)) return false;
  kir_index_range(&s->at, &first, &last);
  kir_buffer_range(s->source, &z0, &z1);
  if (first < 0 || last + block > s->buffer->count) return false;
  Interval all = {INT64_MAX, INT64_MIN};
  for (int64_t b = first / block; b <= last / block; b++) {
    int64_t bias = s->bias ? kir_const_int(s->bias, b * s->n_regs + r) : 0;
    Interval sum = {bias, bias};
    int64_t least = bias, most = bias; /* in whatever order the terms come */
    for (int64_t k = 0; k < s->count; k++) {
      int64_t w = kir_const_int(s->buffer, b * block + kir_dot_weight(s, r, k));
      Interval p = product((Interval){w, w}, (Interval){z0, z1});
      sum = (Interval){sum.lo + p.lo, sum.hi + p.hi};
      least += min64(p.lo, 0);
      most += max64(p.hi, 0);
    }
    if (least < INT32_MIN || most > INT32_MAX) return false;
    all = join(all, sum);
  }
  *lo = all.lo;
  *hi = all.hi;
  return true;
}

/* ---- helpers ---- */

static void give_ranges(const KirFunc *f, Interval *result) {
  for (KirStmt *s = f->body; s; s = s->next) {
    if (s->kind == KIR_LET && s->reg != f->split && s->reg->type.elem == KIR_I32)
      kir_expr_range(s->value, &s->reg->lo, &s->reg->hi);
    if (s->kind == KIR_RETURN && s->value) *result = join(*result, range_of(s->value));
  }
}

void kir_helper_range(const KirFunc *f, int64_t *lo, int64_t *hi) {
  Interval result = {INT64_MAX, INT64_MIN};
  if (!f->split)
    give_ranges(f, &result);
  else {
    Interval whole = {f->split->lo, f->split->hi}, ignored = result;
    for (int64_t i = whole.lo; i <= whole.hi; i++) {
      f->split->lo = f->split->hi = i;
      give_ranges(f, &result);
    }
    f->split->lo = whole.lo;
    f->split->hi = whole.hi;
    give_ranges(f, &ignored);
  }
  *lo = result.lo;
  *hi = result.hi;
}
