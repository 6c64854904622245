/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fixed-point arithmetic as KIR: exact operations, limits that are left out where they are known to
 * hold, and the cubics of tanh as helpers. */
#include "lower/int.h"

#include <math.h>
#include <string.h>

KirExpr *int_num(Emit *e, int64_t i) {
  return kb_int(&e->kb, KIR_I32, i, 1);
}
KirExpr *int_add(Emit *e, KirExpr *a, KirExpr *b) {
  return kb_exact(&e->kb, KIR_ADD, a, b);
}
KirExpr *int_sub(Emit *e, KirExpr *a, KirExpr *b) {
  return kb_exact(&e->kb, KIR_SUB, a, b);
}
KirExpr *int_mul(Emit *e, KirExpr *a, KirExpr *b) {
  return kb_exact(&e->kb, KIR_MUL, a, b);
}

KirExpr *int_up(Emit *e, KirExpr *a, int n) {
  return n ? kb_exact(&e->kb, KIR_SHL, a, int_num(e, n)) : a;
}
KirExpr *int_down(Emit *e, KirExpr *a, int n) {
  return n ? kb_op2(&e->kb, KIR_SHR, a, int_num(e, n)) : a;
}
KirExpr *int_down_q15(Emit *e, KirExpr *a) {
  return int_down(e, int_add(e, a, int_num(e, Q15_HALF)), Q15);
}

KirExpr *int_mulw(Emit *e, KirExpr *a, KirExpr *m) {
  return kb_op2(&e->kb, KIR_MULW, a, m);
}

KirExpr *int_limit(Emit *e, KirExpr *a, int64_t lo, int64_t hi) {
  int64_t least, most;
  kir_expr_range(a, &least, &most);
  return least >= lo && most <= hi ? a : kb_clamp(&e->kb, a, lo, hi);
}

int64_t int_constant(double x, int fraction) {
  return (int64_t)fmin(fmax(nearbyint(ldexp(x, fraction)), -INT32_MAX), INT32_MAX);
}

/* ---- helpers ---- */

static KirFunc *find_helper(const Lower *l, const char *name) {
  for (int i = 0; i < l->m->n_funcs; i++)
    if (l->m->func[i]->kind == KIR_HELPER && strcmp(l->m->func[i]->name, name) == 0)
      return l->m->func[i];
  return NULL;
}

enum { Q17_MOST = (1 << 20) - 1, Q17_LEAST = -(1 << 20), SEGMENT_BITS = 15 };

enum { TERMS = 4 }; /* of a cubic */

/* The coefficients of the cubics, those of one together. */
static KirBuffer *cubics_table(Lower *l) {
  static const char name[] = "tanh_cubics";
  for (int i = 0; i < l->m->n_buffers; i++)
    if (strcmp(l->m->buffer[i]->name, name) == 0) return l->m->buffer[i];
  KirBuffer *b = kir_buffer(l->m, name, KIR_CONST, KIR_I32, QUANT_SEGMENTS * TERMS);
  int32_t *data = ARENA_ARRAY(l->arena, int32_t, (QUANT_SEGMENTS * TERMS));
  for (int i = 0; i < QUANT_SEGMENTS; i++)
    for (int j = 0; j < TERMS; j++)
      data[i * TERMS + j] = quant_tanh[j][i];
  b->data = data;
  b->doc = "tanh in 32 cubics: coefficients of 1, t, t^2 and t^3";
  return b;
}

static KirFunc *new_helper(Lower *l, const char *name, const char *doc, int lanes, Kb *kb,
                           KirReg **p) {
  KirFunc *f = ARENA_NEW(l->arena, KirFunc);
  f->name = name;
  f->kind = KIR_HELPER;
  f->result = kir_type(KIR_I32, lanes);
  f->n_args = 1;
  f->doc = doc;
  *kb = kb_new(l->m, f);
  *p = f->args[0] = kb_reg(kb, "p", f->result);
  (*p)->lo = Q17_LEAST;
  (*p)->hi = Q17_MOST;
  return f;
}

static KirFunc *finish_helper(Lower *l, KirFunc *f) {
  kir_helper_range(f, &f->lo, &f->hi);
  f->id = l->m->n_funcs;
  ARENA_PUSH(l->arena, l->m->func, l->m->n_funcs, l->m->cap_funcs, f);
  return f;
}

/* R of quant_table.c. */
static KirFunc *cubic_helper(Lower *l) {
  KirFunc *f = find_helper(l, "tanh_q17");
  if (f) return f;
  Emit inner = {.l = l}, *in = &inner;
  KirReg *p;
  f = new_helper(l, "tanh_q17", "tanh of Q3.17 in Q0.16, both floors: one's complement mirrors it",
                 1, &in->kb, &p);
  Kb *kb = &in->kb;
  KirExpr *sign = int_down(in, kb_use(kb, p), 31);
  KirReg *v = kb_let(kb, "v", kb_op2(kb, KIR_XOR, kb_use(kb, p), sign));
  KirReg *i = f->split = kb_let(kb, "i", int_down(in, kb_use(kb, v), SEGMENT_BITS));
  KirReg *t =
      kb_let(kb, "t", kb_op2(kb, KIR_AND, kb_use(kb, v), int_num(in, (1 << SEGMENT_BITS) - 1)));
  KirBuffer *table = cubics_table(l);
  static const char *const name[] = {"r", "r1", "r2", "r3"};
  KirReg *r = NULL;
  for (int j = TERMS - 1; j >= 0; j--) {
    KirExpr *at = int_add(in, int_mul(in, kb_use(kb, i), int_num(in, TERMS)), int_num(in, j));
    KirExpr *term = kb_lookup(kb, table, at);
    if (r) term = int_add(in, term, int_down(in, int_mul(in, kb_use(kb, r), kb_use(kb, t)), 16));
    r = kb_let(kb, name[j], term);
  }
  kb_return_value(kb, kb_op2(kb, KIR_XOR, kb_use(kb, r), int_down(in, kb_use(kb, p), 31)));
  return finish_helper(l, f);
}

KirExpr *int_of_cubic(Emit *e, Activation a, KirExpr *cubic) {
  KirExpr *y = a == ACT_TANH ? int_down(e, int_add(e, cubic, int_num(e, 1)), 1)
                             : int_down(e, int_add(e, cubic, int_num(e, 65538)), 2);
  return int_limit(e, y, INT16_MIN, INT16_MAX);
}

/* The coefficients of t^j, which two registers hold. */
static KirBuffer *column_table(Lower *l, int j) {
  KirBuffer *b = kir_buffer(l->m, arena_printf(l->arena, "tanh_column%d", j), KIR_CONST, KIR_I32,
                            QUANT_SEGMENTS);
  int32_t *data = ARENA_ARRAY(l->arena, int32_t, QUANT_SEGMENTS);
  for (int i = 0; i < QUANT_SEGMENTS; i++)
    data[i] = quant_tanh[j][i];
  b->data = data;
  b->doc = arena_printf(l->arena, "tanh in 32 cubics: coefficients of t^%d", j);
  return b;
}

/* cubic_helper in lanes. */
static KirFunc *cubics_helper(Lower *l) {
  static const char name[] = "tanh_q17x16";
  KirFunc *f = find_helper(l, name);
  if (f) return f;
  Emit inner = {.l = l}, *in = &inner;
  KirReg *p;
  f = new_helper(l, name, "tanh_q17 of 16 numbers", INT_LANES, &in->kb, &p);
  Kb *kb = &in->kb;
  KirExpr *sign = kb_op2(kb, KIR_SHR, kb_use(kb, p), kb_int(kb, KIR_I32, 31, INT_LANES));
  KirReg *v = kb_let(kb, "v", kb_op2(kb, KIR_XOR, kb_use(kb, p), sign));
  KirReg *i = f->split = kb_let(
      kb, "i", kb_op2(kb, KIR_SHR, kb_use(kb, v), kb_int(kb, KIR_I32, SEGMENT_BITS, INT_LANES)));
  KirExpr *mask = kb_int(kb, KIR_I32, (1 << SEGMENT_BITS) - 1, INT_LANES);
  KirReg *t = kb_let(kb, "t", kb_op2(kb, KIR_AND, kb_use(kb, v), mask)), *r = NULL;
  for (int j = TERMS - 1; j >= 0; j--) {
    KirExpr *term = kb_lookup(kb, column_table(l, j), kb_use(kb, i));
    if (r) {
      KirExpr *product = int_mul(in, kb_use(kb, r), kb_use(kb, t));
      product = kb_op2(kb, KIR_SHR, product, kb_int(kb, KIR_I32, 16, INT_LANES));
      term = int_add(in, term, product);
    }
    r = kb_let(kb, "r", term);
  }
  kb_return_value(kb, kb_op2(kb, KIR_XOR, kb_use(kb, r), sign));
  return finish_helper(l, f);
}

KirExpr *int_cubics(Emit *e, KirExpr *argument) {
  return kb_call(&e->kb, cubics_helper(e->l), argument);
}

void int_cubic_bounds(Lower *l, KirBuffer *argument, KirBuffer *cubic) {
  const KirFunc *f = cubics_helper(l);
  argument->lo = Q17_LEAST;
  argument->hi = Q17_MOST;
  cubic->lo = f->lo;
  cubic->hi = f->hi;
}

static KirFunc *squash_helper(Lower *l, bool is_tanh) {
  const char *name = is_tanh ? "tanh_q15" : "sigmoid_q15";
  KirFunc *f = find_helper(l, name);
  if (f) return f;
  KirFunc *cubics = cubic_helper(l);
  Emit inner = {.l = l}, *in = &inner;
  KirReg *p;
  f = new_helper(l, name, is_tanh ? "tanh of Q3.17 in Q0.15" : "sigmoid of Q4.16 in Q0.15", 1,
                 &in->kb, &p);
  Kb *kb = &in->kb;
  KirExpr *r = kb_call(kb, cubics, kb_use(kb, p));
  kb_return_value(kb, int_of_cubic(in, is_tanh ? ACT_TANH : ACT_SIGMOID, r));
  return finish_helper(l, f);
}

/* ---- activations ---- */

/* p with `to` fraction bits in 21 bits with the sign. */
static KirExpr *as_argument(Emit *e, KirExpr *p, int fraction, int to) {
  int n = to - fraction;
  if (n <= 0) return int_limit(e, int_down(e, p, -n), Q17_LEAST, Q17_MOST);
  int64_t most = (int64_t)1 << (20 - n);
  return int_limit(e, int_up(e, int_limit(e, p, -most, most), n), Q17_LEAST, Q17_MOST);
}

bool int_is_cubic(Activation a) {
  return a == ACT_TANH || a == ACT_SIGMOID;
}

KirExpr *int_cubic_argument(Emit *e, Activation a, KirExpr *p, int fraction) {
  return as_argument(e, p, fraction, a == ACT_TANH ? 17 : 16);
}

static KirExpr *hard(Emit *e, KirExpr *p, int fraction, double slope) {
  KirExpr *v = as_argument(e, p, fraction, 17);
  KirExpr *y = int_mulw(e, int_up(e, v, 8), int_num(e, (int64_t)nearbyint(slope * (1 << Q15))));
  y = int_down(e, int_add(e, y, int_num(e, 256)), 9);
  return int_limit(e, int_add(e, y, int_num(e, Q15_HALF)), 0, INT16_MAX);
}

KirExpr *int_activation(Emit *e, Activation a, KirExpr *p, int fraction) {
  Lower *l = e->l;
  switch (a) {
  case ACT_TANH:
  case ACT_SIGMOID:
    return kb_call(&e->kb, squash_helper(l, a == ACT_TANH), int_cubic_argument(e, a, p, fraction));
  case ACT_HARD_SIGMOID: return hard(e, p, fraction, 1.0 / 6);
  case ACT_HARD_SIGMOID_02: return hard(e, p, fraction, 0.2);
  case ACT_HARD_TANH:
    return int_to_fraction(e, p, fraction, Q15, -INT16_MAX, INT16_MAX);
  ACTIVATION_OTHER_CASES:
    break;
  }
  return p; /* quantise has reported all others */
}

/* ---- changes of scale ---- */

KirExpr *int_to_fraction(Emit *e, KirExpr *p, int from, int to, int64_t lo, int64_t hi) {
  int n = from - to;
  if (n <= 0) { /* floors of the bounds, so that shifting back stays within them */
    int64_t unit = (int64_t)1 << -n, least = lo >= 0 ? lo / unit : -((-lo + unit - 1) / unit);
    return int_up(e, int_limit(e, p, least, hi / unit), -n);
  }
  int64_t half = (int64_t)1 << (n - 1);
  p = int_limit(e, p, INT32_MIN, INT32_MAX - half);
  return int_limit(e, int_down(e, int_add(e, p, int_num(e, half)), n), lo, hi);
}

KirExpr *int_scaled(Emit *e, KirExpr *a, const QuantScale *s) {
  return int_mulw(e, int_up(e, a, s->shift), int_num(e, s->m));
}

KirExpr *int_settled(Emit *e, KirExpr *p, int fraction, const QuantFormat *out) {
  if (fraction) p = int_down(e, int_add(e, p, int_num(e, (int64_t)1 << (fraction - 1))), fraction);
  if (out->zero != 0) p = int_add(e, p, int_num(e, (int64_t)out->zero));
  return int_limit(e, p, out->low, out->high);
}

KirExpr *int_from_float(Emit *e, KirExpr *x, const QuantFormat *f) {
  Kb *kb = &e->kb;
  int64_t zero = (int64_t)f->zero;
  KirExpr *q = kb_round(kb, kb_op2(kb, KIR_MUL, x, kb_num(kb, f->inverse, 1)), f->low - zero,
                        f->high - zero);
  return zero ? int_add(e, q, int_num(e, zero)) : q;
}

/* q times a power of two, where a product of floats is a call: its exponent is changed. */
static KirExpr *shifted_float(Emit *e, KirExpr *q, int exponent) {
  enum { MANTISSA_BITS = 23 };
  Kb *kb = &e->kb;
  KirReg *x = kb_let(kb, "q", q);
  KirExpr *bits = kb_bitcast(kb, KIR_I32, kb_convert(kb, KIR_F32, kb_use(kb, x)));
  bits = kb_op2(kb, KIR_ADD, bits, int_num(e, (int64_t)exponent * (1 << MANTISSA_BITS)));
  KirExpr *is_zero = kb_op2(kb, KIR_EQ, kb_use(kb, x), int_num(e, 0));
  return kb_select(kb, is_zero, kb_num(kb, 0, 1), kb_bitcast(kb, KIR_F32, bits));
}

/* Whether a product with scale is one with 2^exponent, of numbers whose exponents stay normal. */
static bool is_power_of_two(double scale, int *exponent) {
  enum { LEAST_EXPONENT = -100 };
  bool is = frexp(scale, exponent) == 0.5 && *exponent > LEAST_EXPONENT && *exponent <= 0;
  *exponent -= 1;
  return is;
}

KirExpr *int_to_float(Emit *e, KirExpr *q, double scale) {
  Kb *kb = &e->kb;
  int exponent;
  if (e->l->target->lacks_fpu && q->type.lanes == 1 && is_power_of_two(scale, &exponent))
    return shifted_float(e, q, exponent);
  return kb_op2(kb, KIR_MUL, kb_convert(kb, KIR_F32, q), kb_num(kb, (float)scale, 1));
}

KirExpr *int_operand(Emit *e, KirExpr *x, const QuantFormat *value, const QuantFormat *operand) {
  if (!value->bits) return int_from_float(e, x, operand);
  if (value->bits <= operand->bits) return x;
  return int_limit(e, int_down(e, int_add(e, x, int_num(e, 128)), 8), -127, 127);
}
