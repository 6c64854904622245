/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See forms.h: element by element. */
#include "import/read/forms.h"

#include <math.h>
#include <string.h>

static const double LN_2 = 0.69314718055994530942, LN_10 = 2.30258509299404568402,
                    PI = 3.14159265358979323846;

FormFunction *form_named(const NamedForm *table, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].form;
  return NULL;
}

static GraphValue *times(GraphEmit *e, GraphValue *x, double factor) {
  return EMIT(e, Mul, x, emit_number(e, factor));
}

static GraphValue *plus(GraphEmit *e, GraphValue *x, double number) {
  return EMIT(e, Add, x, emit_number(e, number));
}

GraphValue *form_exp2(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Exp, times(e, x, LN_2));
}

GraphValue *form_expm1(GraphEmit *e, GraphValue *x) {
  return plus(e, EMIT(e, Exp, x), -1);
}

GraphValue *form_log1p(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Log, plus(e, x, 1));
}

GraphValue *form_log2(GraphEmit *e, GraphValue *x) {
  return times(e, EMIT(e, Log, x), 1 / LN_2);
}

GraphValue *form_log10(GraphEmit *e, GraphValue *x) {
  return times(e, EMIT(e, Log, x), 1 / LN_10);
}

/* log(1 / (1 + e^-x)) = -log(1 + e^-x) */
GraphValue *form_log_sigmoid(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Neg, EMIT(e, Softplus, EMIT(e, Neg, x)));
}

GraphValue *form_rsqrt(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Reciprocal, EMIT(e, Sqrt, x));
}

GraphValue *form_erfc(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Sub, emit_number(e, 1), EMIT(e, Erf, x));
}

/* (e^x -+ e^-x) / 2 */
GraphValue *form_sinh(GraphEmit *e, GraphValue *x) {
  return times(e, EMIT(e, Sub, EMIT(e, Exp, x), EMIT(e, Exp, EMIT(e, Neg, x))), 0.5);
}

GraphValue *form_cosh(GraphEmit *e, GraphValue *x) {
  return times(e, EMIT(e, Add, EMIT(e, Exp, x), EMIT(e, Exp, EMIT(e, Neg, x))), 0.5);
}

/* sign(x) log(|x| + sqrt(x^2 + 1)): large negative numbers do not cancel. */
GraphValue *form_asinh(GraphEmit *e, GraphValue *x) {
  GraphValue *root = EMIT(e, Sqrt, plus(e, EMIT(e, Square, x), 1));
  GraphValue *size = EMIT(e, Log, EMIT(e, Add, EMIT(e, Abs, x), root));
  return EMIT(e, Mul, EMIT(e, Sign, x), size);
}

GraphValue *form_acosh(GraphEmit *e, GraphValue *x) {
  GraphValue *root = EMIT(e, Sqrt, plus(e, EMIT(e, Square, x), -1));
  return EMIT(e, Log, EMIT(e, Add, x, root));
}

/* log((1 + x) / (1 - x)) / 2 */
GraphValue *form_atanh(GraphEmit *e, GraphValue *x) {
  GraphValue *below = EMIT(e, Sub, emit_number(e, 1), x);
  return times(e, EMIT(e, Log, EMIT(e, Div, plus(e, x, 1), below)), 0.5);
}

/* sqrt(1 - x x), without an error near the ends */
static GraphValue *opposite(GraphEmit *e, GraphValue *x) {
  GraphValue *below = EMIT(e, Sub, emit_number(e, 1), x);
  return EMIT(e, Sqrt, EMIT(e, Mul, below, plus(e, x, 1)));
}

GraphValue *form_asin(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Atan2, x, opposite(e, x));
}

GraphValue *form_acos(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Atan2, opposite(e, x), x);
}

GraphValue *form_sinc(GraphEmit *e, GraphValue *x) {
  GraphValue *angle = times(e, x, PI);
  GraphValue *is_far = EMIT(e, Greater, EMIT(e, Abs, x), emit_number(e, 0));
  return EMIT(e, Where, is_far, EMIT(e, Div, EMIT(e, Sin, angle), angle), emit_number(e, 1));
}

GraphValue *form_trunc(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Mul, EMIT(e, Sign, x), EMIT(e, Floor, EMIT(e, Abs, x)));
}

GraphValue *form_frac(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Sub, x, form_trunc(e, x));
}

GraphValue *form_tanhshrink(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Sub, x, EMIT(e, Tanh, x));
}

GraphValue *form_is_inf(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Equal, EMIT(e, Abs, x), emit_number(e, INFINITY));
}

GraphValue *form_is_finite(GraphEmit *e, GraphValue *x) {
  return EMIT(e, Less, EMIT(e, Abs, x), emit_number(e, INFINITY));
}

GraphValue *form_hypot(GraphEmit *e, GraphValue *a, GraphValue *b) {
  return EMIT(e, Sqrt, EMIT(e, Add, EMIT(e, Square, a), EMIT(e, Square, b)));
}

/* log(e^a + e^b) = a + log(1 + e^(b - a)) */
GraphValue *form_logaddexp(GraphEmit *e, GraphValue *a, GraphValue *b) {
  return EMIT(e, Add, a, EMIT(e, Softplus, EMIT(e, Sub, b, a)));
}

GraphValue *form_not_equal(GraphEmit *e, GraphValue *a, GraphValue *b) {
  return EMIT(e, Not, EMIT(e, Equal, a, b));
}

GraphValue *form_shrink(GraphEmit *e, GraphValue *x, double lambda, double bias) {
  if (bias == lambda && lambda >= 0) return EMIT(e, Sub, x, emit_clip(e, x, -lambda, lambda));
  if (bias == 0 && lambda >= 0) {
    GraphValue *is_large = EMIT(e, Greater, EMIT(e, Abs, x), emit_number(e, lambda));
    return EMIT(e, Where, is_large, x, emit_number(e, 0));
  }
  GraphValue *is_low = EMIT(e, Less, x, emit_number(e, -lambda)),
             *is_high = EMIT(e, Greater, x, emit_number(e, lambda));
  GraphValue *upper = EMIT(e, Where, is_high, plus(e, x, -bias), emit_number(e, 0));
  return EMIT(e, Where, is_low, plus(e, x, bias), upper);
}

GraphValue *form_threshold(GraphEmit *e, GraphValue *x, double threshold, double value) {
  if (threshold == 0 && value == 0) return EMIT(e, Relu, x);
  if (threshold == value) return emit_clip(e, x, threshold, INFINITY);
  GraphValue *is_above = EMIT(e, Greater, x, emit_number(e, threshold));
  return EMIT(e, Where, is_above, x, emit_number(e, value));
}
