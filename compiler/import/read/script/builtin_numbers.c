/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arithmetic of numbers in the text, and what two values have in common. */
#include "import/read/script/script.h"

#include "base/shape.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

bool script_number(ScriptRun *r, const ScriptValue *v, double *out, bool *whole) {
  *whole = v->kind != VALUE_FLOAT;
  if (v->kind == VALUE_INT || v->kind == VALUE_BOOL) *out = (double)v->i;
  if (v->kind == VALUE_FLOAT) *out = v->f;
  if (v->kind != VALUE_TENSOR)
    return v->kind == VALUE_INT || v->kind == VALUE_BOOL || v->kind == VALUE_FLOAT;
  const GraphTensor *t = script_fresh(r, v) ? script_shape(r, v->text) : NULL;
  if (!t || t->count != 1 || !graph_known(t)) return false;
  *out = graph_at(t, 0);
  *whole = t->elem != GRAPH_FLOAT;
  return true;
}

bool script_truth(ScriptRun *r, const ScriptValue *v, bool *out) {
  double number;
  bool whole;
  if (v->kind == VALUE_LIST || v->kind == VALUE_TUPLE || v->kind == VALUE_DICT) {
    *out = v->n != 0;
    return true;
  }
  if (!script_number(r, v, &number, &whole)) return false;
  *out = number != 0;
  return true;
}

static bool is_number(const ScriptValue *v) {
  return v->kind == VALUE_INT || v->kind == VALUE_BOOL || v->kind == VALUE_FLOAT;
}

double script_real(const ScriptValue *v) {
  return v->kind == VALUE_FLOAT ? v->f : (double)v->i;
}

/* Lists that are nested without end, or too large, are not the same. */
static bool same_within(const ScriptValue *a, const ScriptValue *b, int depth, int *visits) {
  if (depth > SCRIPT_MAX_DEPTH || --*visits < 0) return false;
  if (is_number(a) && is_number(b)) return script_real(a) == script_real(b);
  bool list = a->kind == VALUE_LIST || a->kind == VALUE_TUPLE || a->kind == VALUE_DICT;
  if (a->kind != b->kind || a->n != b->n) return false;
  for (int i = 0; list && i < a->n; i++)
    if (!same_within(a->item[i], b->item[i], depth + 1, visits)) return false;
  if (a->kind == VALUE_TEXT || a->kind == VALUE_TENSOR || a->kind == VALUE_NAME)
    return strcmp(a->text, b->text) == 0;
  return list || a->kind == VALUE_NONE || a->kind == VALUE_OPAQUE || a == b;
}

bool script_same(const ScriptValue *a, const ScriptValue *b) {
  int visits = 100000;
  return same_within(a, b, 0, &visits);
}

/* Whole numbers as Python divides them: towards minus infinity. */
static bool divide(int64_t a, int64_t b, int64_t *quotient, int64_t *rest) {
  if (b == 0 || (a == INT64_MIN && b == -1)) return false;
  *quotient = a / b - (a % b != 0 && (a < 0) != (b < 0));
  *rest = a - *quotient * b;
  return true;
}

static ScriptValue *whole_result(ScriptRun *r, const char *op, int64_t a, int64_t b) {
  int64_t quotient = 0, rest = 0, out = 0;
  bool divides = divide(a, b, &quotient, &rest), good = true;
  if (strcmp(op, "add") == 0)
    good = size_add(a, b, &out);
  else if (strcmp(op, "sub") == 0)
    good = b != INT64_MIN && size_add(a, -b, &out);
  else if (strcmp(op, "mul") == 0)
    good = size_mul(a, b, &out);
  else if (strcmp(op, "min") == 0)
    out = a < b ? a : b;
  else if (strcmp(op, "max") == 0)
    out = a > b ? a : b;
  else if (strcmp(op, "remainder") == 0)
    good = divides, out = rest;
  else if (strcmp(op, "__and__") == 0)
    out = a & b;
  else if (strcmp(op, "__or__") == 0)
    out = a | b;
  else
    good = divides, out = quotient;
  if (good) return script_int(r->arena, out);
  script_lacks(r, E902, "other sizes of the inputs may allow it: `--set NAME.1=N` gives one",
               "computes `%s` of %lld and %lld", op, (long long)a, (long long)b);
  return NULL;
}

static double real_result(const char *op, double a, double b) {
  if (strcmp(op, "add") == 0) return a + b;
  if (strcmp(op, "sub") == 0) return a - b;
  if (strcmp(op, "mul") == 0) return a * b;
  if (strcmp(op, "min") == 0) return fmin(a, b);
  if (strcmp(op, "max") == 0) return fmax(a, b);
  if (strcmp(op, "div") == 0) return a / b;
  if (strcmp(op, "pow") == 0) return pow(a, b);
  if (strcmp(op, "remainder") == 0) return a - floor(a / b) * b;
  return floor(a / b);
}

/* -1: it is no comparison. */
static int comparison(const char *op, double a, double b) {
  return strcmp(op, "lt") == 0   ? a < b
         : strcmp(op, "le") == 0 ? a <= b
         : strcmp(op, "gt") == 0 ? a > b
         : strcmp(op, "ge") == 0 ? a >= b
                                 : -1;
}

static const char binary[] =
    "add sub mul div floordiv floor_divide remainder pow min max lt le gt ge __and__ __or__";

/* A function of one number; NAN with *known false: it is none. */
static double unary(const char *op, double x, bool *known) {
  *known = true;
  if (strcmp(op, "neg") == 0) return -x;
  if (strcmp(op, "sqrt") == 0) return sqrt(x);
  if (strcmp(op, "exp") == 0) return exp(x);
  if (strcmp(op, "log") == 0) return log(x);
  if (strcmp(op, "floor") == 0) return floor(x);
  if (strcmp(op, "ceil") == 0) return ceil(x);
  if (strcmp(op, "abs") == 0) return fabs(x);
  *known = false;
  return NAN;
}

/* Two numbers of the text; tensors that are known whole numbers are some, as tracing writes sizes.
 */
static bool two_numbers(ScriptRun *r, const ScriptArgs *args, double *a, double *b, bool *whole) {
  bool whole_a, whole_b;
  if (args->n != 2 || (!is_number(args->value[0]) && !is_number(args->value[1])) ||
      !script_number(r, args->value[0], a, &whole_a) ||
      !script_number(r, args->value[1], b, &whole_b))
    return false;
  *whole = whole_a && whole_b;
  return *whole || (is_number(args->value[0]) && is_number(args->value[1]));
}

ScriptValue *script_arithmetic(ScriptRun *r, const char *op, const ScriptArgs *args, bool *known) {
  double a, b;
  bool whole;
  *known = false;
  if (args->n == 1 && is_number(args->value[0])) {
    double out = unary(op, script_real(args->value[0]), known);
    bool stays = args->value[0]->kind != VALUE_FLOAT && (*op == 'n' || *op == 'a');
    bool rounds = strcmp(op, "floor") == 0 || strcmp(op, "ceil") == 0;
    if (!*known) return NULL;
    return (stays || rounds) && fabs(out) < 9e15 ? script_int(r->arena, (int64_t)out)
                                                 : script_float(r->arena, out);
  }
  if (!two_numbers(r, args, &a, &b, &whole) || words_index(binary, op) < 0) return NULL;
  *known = true;
  int compared = comparison(op, a, b);
  if (compared >= 0) return script_bool(r->arena, compared != 0);
  bool real = strcmp(op, "div") == 0 || strcmp(op, "pow") == 0;
  if (whole && !real) {
    if (fabs(a) >= 9e15 || fabs(b) >= 9e15) {
      script_lacks(r, E902, "other sizes of the inputs may allow it: `--set NAME.1=N` gives one",
                   "computes `%s` of %.0f and %.0f, which are too large", op, a, b);
      return NULL;
    }
    bool truth = *op == '_' && args->value[0]->kind == VALUE_BOOL;
    ScriptValue *out = whole_result(r, op, (int64_t)a, (int64_t)b);
    return out && truth ? script_bool(r->arena, out->i != 0) : out;
  }
  double out = real_result(op, a, b);
  bool power = strcmp(op, "pow") == 0 && whole && b >= 0 && fabs(out) < 9e15;
  return power ? script_int(r->arena, (int64_t)out) : script_float(r->arena, out);
}
