/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of two operands, element by element, with broadcasting; and Where. */
#include "import/graph/eval.h"

#include <string.h>

static bool combine(GraphCall *call, double (*f)(double a, double b, bool whole)) {
  const GraphTensor *a = call_in(call, 0), *b = call_in(call, 1);
  GraphTensor *out = &call->out[0];
  bool whole = a->elem != GRAPH_FLOAT && b->elem != GRAPH_FLOAT;
  double *y = call_data(call, 0);
  Walk w = walk_start(out->rank, out->dim);
  strides_broadcast(a, out->rank, w.stride[0]);
  strides_broadcast(b, out->rank, w.stride[1]);
  for (int64_t i = 0; i < out->count; i++, walk_next(&w))
    y[i] = elem_wrap(out->elem, f(a->wide[w.offset[0]], b->wide[w.offset[1]], whole));
  return true;
}

/* Whole numbers cannot be divided by zero. */
static bool divide(GraphCall *call, double (*f)(double a, double b, bool whole)) {
  const GraphTensor *a = call_in(call, 0), *b = call_in(call, 1);
  bool whole = a->elem != GRAPH_FLOAT && b->elem != GRAPH_FLOAT;
  for (int64_t i = 0; whole && i < b->count; i++)
    if (b->wide[i] == 0) return call_fault(call, "a whole number is divided by zero");
  return combine(call, f);
}

static double modulo(double a, double b) {
  double rest = fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static double power(double a, double b, bool whole) {
  double y = pow(a, b);
  return whole ? trunc(y) : y;
}

static double smaller(double a, double b) {
  return a < b || isnan(a) ? a : b;
}
static double larger(double a, double b) {
  return a > b || isnan(a) ? a : b;
}

/* COMBINE(operator, by what, its value at a and b) */
#define COMBINE(name, by, value)                                                                   \
  static double name##_of(double a, double b, bool whole) {                                        \
    (void)whole;                                                                                   \
    return value;                                                                                  \
  }                                                                                                \
  bool graph_eval_##name(GraphCall *call) {                                                        \
    return by(call, name##_of);                                                                    \
  }

COMBINE(Add, combine, a + b)
COMBINE(Sub, combine, a - b)
COMBINE(Mul, combine, a *b)
COMBINE(Div, divide, whole ? trunc(a / b) : a / b)
COMBINE(FloorDiv, divide, floor(a / b))
COMBINE(Pow, combine, power(a, b, whole))
COMBINE(Min, combine, smaller(a, b))
COMBINE(Max, combine, larger(a, b))
COMBINE(Atan2, combine, atan2(a, b))
COMBINE(Prelu, combine, a < 0 ? a * b : a)
COMBINE(And, combine, a != 0 && b != 0)
COMBINE(Or, combine, a != 0 || b != 0)
COMBINE(Xor, combine, (a != 0) != (b != 0))
COMBINE(Equal, combine, a == b)
COMBINE(Less, combine, a < b)
COMBINE(LessEqual, combine, a <= b)
COMBINE(Greater, combine, a > b)
COMBINE(GreaterEqual, combine, a >= b)

static double floor_rest(double a, double b, bool whole) {
  (void)whole;
  return modulo(a, b);
}

static double trunc_rest(double a, double b, bool whole) {
  (void)whole;
  return fmod(a, b);
}

bool graph_eval_Mod(GraphCall *call) {
  bool truncated = strcmp(graph_word(call->node, GRAPH_ATTR_mode, 0, "floor"), "trunc") == 0;
  return divide(call, truncated ? trunc_rest : floor_rest);
}

bool graph_eval_Where(GraphCall *call) {
  const GraphTensor *c = call_in(call, 0), *a = call_in(call, 1), *b = call_in(call, 2);
  GraphTensor *out = &call->out[0];
  double *y = call_data(call, 0);
  Walk w = walk_start(out->rank, out->dim);
  strides_broadcast(c, out->rank, w.stride[0]);
  strides_broadcast(a, out->rank, w.stride[1]);
  strides_broadcast(b, out->rank, w.stride[2]);
  for (int64_t i = 0; i < out->count; i++, walk_next(&w))
    y[i] = c->wide[w.offset[0]] != 0 ? a->wide[w.offset[1]] : b->wide[w.offset[2]];
  return true;
}
