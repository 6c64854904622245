/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arithmetic on constants: the shape computations that exporters write around layers. Numbers are
 * computed in double and kept as f32 or i64; a node is folded when everything it reads is
 * constant. */
#include "import/onnx.h"

#include <math.h>
#include <string.h>

typedef double Binary(double a, double b);
static double add(double a, double b) {
  return a + b;
}
static double sub(double a, double b) {
  return a - b;
}
static double mul(double a, double b) {
  return a * b;
}
static double division(double a, double b) {
  return a / b;
}
static double least(double a, double b) {
  return a < b ? a : b;
}
static double most(double a, double b) {
  return a > b ? a : b;
}
static double equal(double a, double b) {
  return a == b;
}
static double less(double a, double b) {
  return a < b;
}
static double greater(double a, double b) {
  return a > b;
}
static double less_equal(double a, double b) {
  return a <= b;
}
static double greater_equal(double a, double b) {
  return a >= b;
}
static double both(double a, double b) {
  return a != 0 && b != 0;
}
static double either(double a, double b) {
  return a != 0 || b != 0;
}
static double floor_mod(double a, double b) {
  return b == 0 ? 0 : a - b * floor(a / b);
}

static const struct {
  const char *op;
  Binary *f;
  bool is_test; /* gives a boolean */
} binaries[] = {{"Add", add, false},
                {"Sub", sub, false},
                {"Mul", mul, false},
                {"Div", division, false},
                {"Min", least, false},
                {"Max", most, false},
                {"Pow", pow, false},
                {"Mod", floor_mod, false},
                {"Equal", equal, true},
                {"Less", less, true},
                {"Greater", greater, true},
                {"LessOrEqual", less_equal, true},
                {"GreaterOrEqual", greater_equal, true},
                {"And", both, true},
                {"Or", either, true}};

typedef double Unary(double x);
static double negative(double x) {
  return -x;
}
static double negation(double x) {
  return x == 0;
}
static double reciprocal(double x) {
  return 1 / x;
}
static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}
static const struct {
  const char *op;
  Unary *f;
} unaries[] = {{"Neg", negative},
               {"Not", negation},
               {"Sqrt", sqrt},
               {"Floor", floor},
               {"Ceil", ceil},
               {"Abs", fabs},
               {"Exp", exp},
               {"Log", log},
               {"Tanh", tanh},
               {"Sigmoid", sigmoid},
               {"Reciprocal", reciprocal}};

/* Element of t for element k of a broadcast to rank and dim. */
static int64_t broadcast_at(const OnnxTensor *t, int rank, const int64_t *dim, int64_t k) {
  int64_t at = 0, stride = 1;
  for (int i = rank; i-- > 0; k /= dim[i]) {
    int a = i - (rank - t->rank);
    if (a < 0) continue;
    if (t->dim[a] != 1) at += k % dim[i] * stride;
    stride *= t->dim[a];
  }
  return at;
}

static bool broadcast(const OnnxTensor *a, int *rank, int64_t *dim) {
  if (a->rank > *rank) {
    memmove(dim + (a->rank - *rank), dim, sizeof *dim * (size_t)*rank);
    for (int i = 0; i < a->rank - *rank; i++)
      dim[i] = 1;
    *rank = a->rank;
  }
  for (int i = 0; i < a->rank; i++) {
    int64_t *d = &dim[i + *rank - a->rank];
    if (*d != a->dim[i] && *d != 1 && a->dim[i] != 1) return false;
    if (*d == 1) *d = a->dim[i];
  }
  return true;
}

/* A constant of the shape, with numbers to be filled by the caller in double. */
static OnnxTensor *filled(Onnx *onnx, int rank, const int64_t *dim, bool whole, const double *x) {
  OnnxTensor *t = onnx_tensor_new(onnx, rank, dim);
  if (!t) return NULL;
  float *f = whole ? NULL : ARENA_ARRAY(onnx->arena, float, t->count + 1);
  int64_t *i = whole ? ARENA_ARRAY(onnx->arena, int64_t, t->count + 1) : NULL;
  for (int64_t k = 0; k < t->count; k++) {
    if (f)
      f[k] = (float)x[k];
    else
      i[k] = x[k] > -9.2e18 && x[k] < 9.2e18 ? (int64_t)x[k] : x[k] > 0 ? INT64_MAX : INT64_MIN;
  }
  t->f = f;
  t->i = i;
  return t;
}

static OnnxTensor *fold_binary(Onnx *onnx, Binary *f, bool is_test) {
  int rank = 0;
  int64_t dim[ONNX_MAX_RANK], n = 1;
  bool whole = true;
  for (int k = 0; k < onnx->node->n_in; k++) {
    if (!broadcast(onnx_in(onnx, k), &rank, dim)) {
      onnx_refuse(onnx, E901, "combines tensors whose shapes do not fit");
      return NULL;
    }
    whole &= onnx_in(onnx, k)->i != NULL;
  }
  for (int i = 0; i < rank; i++)
    if (!size_mul(n, dim[i], &n) || n > ONNX_MAX_ELEMENTS) return NULL;
  double *x = ARENA_ARRAY(onnx->arena, double, n + 1);
  for (int64_t k = 0; k < n; k++) {
    x[k] = onnx_number(onnx_in(onnx, 0), broadcast_at(onnx_in(onnx, 0), rank, dim, k));
    for (int o = 1; o < onnx->node->n_in; o++) {
      double y = onnx_number(onnx_in(onnx, o), broadcast_at(onnx_in(onnx, o), rank, dim, k));
      x[k] = f(x[k], y);
    }
    if (whole && !is_test) x[k] = trunc(x[k]);
    if (x[k] != x[k] && whole) x[k] = 0;
  }
  return filled(onnx, rank, dim, whole || is_test, x);
}

static OnnxTensor *fold_unary(Onnx *onnx, Unary *f) {
  const OnnxTensor *t = onnx_in(onnx, 0);
  double *x = ARENA_ARRAY(onnx->arena, double, t->count + 1);
  for (int64_t k = 0; k < t->count; k++)
    x[k] = f(onnx_number(t, k));
  return filled(onnx, t->rank, t->dim, t->i != NULL, x);
}

static OnnxTensor *fold_where(Onnx *onnx) {
  const OnnxTensor *in[3] = {onnx_in(onnx, 0), onnx_in(onnx, 1), onnx_in(onnx, 2)};
  int rank = 0;
  int64_t dim[ONNX_MAX_RANK], n = 1;
  for (int k = 0; k < 3; k++)
    if (!in[k] || !broadcast(in[k], &rank, dim)) return NULL;
  for (int i = 0; i < rank; i++)
    if (!size_mul(n, dim[i], &n) || n > ONNX_MAX_ELEMENTS) return NULL;
  double *x = ARENA_ARRAY(onnx->arena, double, n + 1);
  for (int64_t k = 0; k < n; k++) {
    const OnnxTensor *t =
        onnx_number(in[0], broadcast_at(in[0], rank, dim, k)) != 0 ? in[1] : in[2];
    x[k] = onnx_number(t, broadcast_at(t, rank, dim, k));
  }
  return filled(onnx, rank, dim, in[1]->i && in[2]->i, x);
}

static OnnxTensor *fold_range(Onnx *onnx) {
  double v[3], n;
  for (int k = 0; k < 3; k++) {
    if (!onnx_in(onnx, k) || onnx_in(onnx, k)->count != 1) return NULL;
    v[k] = onnx_number(onnx_in(onnx, k), 0);
  }
  n = v[2] == 0 ? -1 : ceil((v[1] - v[0]) / v[2]);
  if (!(n >= 0 && n <= (double)ONNX_MAX_ELEMENTS)) return NULL;
  int64_t count = (int64_t)n;
  double *x = ARENA_ARRAY(onnx->arena, double, count + 1);
  for (int64_t k = 0; k < count; k++)
    x[k] = v[0] + (double)k * v[2];
  return filled(onnx, 1, &count, onnx_in(onnx, 0)->i != NULL, x);
}

static OnnxTensor *fold_constant_of_shape(Onnx *onnx) {
  const OnnxTensor *shape = onnx_in(onnx, 0);
  const OnnxAttribute *value = onnx_attribute(onnx, "value");
  int64_t dim[ONNX_MAX_RANK];
  if (!shape->i || shape->count > ONNX_MAX_RANK) return NULL;
  memcpy(dim, shape->i, sizeof *dim * (size_t)shape->count);
  bool given = value && value->t && value->t->count == 1;
  OnnxTensor *size = onnx_tensor_new(onnx, (int)shape->count, dim);
  if (!size) return NULL;
  double *x = ARENA_ARRAY(onnx->arena, double, size->count + 1);
  for (int64_t k = 0; k < size->count; k++)
    x[k] = given ? onnx_number(value->t, 0) : 0;
  return filled(onnx, size->rank, dim, given && value->t->i, x);
}

/* Sum or product over some axes. */
static OnnxTensor *fold_reduce(Onnx *onnx, bool product) {
  const OnnxTensor *t = onnx_in(onnx, 0), *axes = onnx_in(onnx, 1);
  const OnnxAttribute *a = onnx_attribute(onnx, "axes");
  int64_t n = axes ? axes->count
              : a  ? (int64_t)a->n
                   : 0,
          dim[ONNX_MAX_RANK], all[ONNX_MAX_RANK], count = 1;
  bool over[ONNX_MAX_RANK], keep = onnx_int(onnx, "keepdims", 1) != 0,
                            none = n == 0 && !onnx_int(onnx, "noop_with_empty_axes", 0);
  int rank = 0;
  for (int i = 0; i < t->rank; i++)
    over[i] = none;
  for (int64_t k = 0; k < n; k++) {
    int axis = onnx_axis(onnx, axes ? (int64_t)onnx_number(axes, k) : a->ints[k], t->rank);
    if (axis < 0) return NULL;
    over[axis] = true;
  }
  for (int i = 0; i < t->rank; i++) {
    all[i] = over[i] ? 1 : t->dim[i];
    count *= all[i];
    if (keep || !over[i]) dim[rank++] = all[i];
  }
  double *x = ARENA_ARRAY(onnx->arena, double, count + 1);
  for (int64_t k = 0; k < count; k++)
    x[k] = product;
  for (int64_t k = 0; k < t->count; k++) {
    int64_t at = 0, stride = 1, left = k;
    for (int i = t->rank; i-- > 0; left /= t->dim[i]) {
      at += over[i] ? 0 : left % t->dim[i] * stride;
      stride *= all[i];
    }
    x[at] = product ? x[at] * onnx_number(t, k) : x[at] + onnx_number(t, k);
  }
  return filled(onnx, rank, dim, t->i != NULL, x);
}

static OnnxTensor *fold_constant(Onnx *onnx) {
  for (int i = 0; i < onnx->node->n_attributes; i++) {
    const OnnxAttribute *a = &onnx->node->attribute[i];
    if (strcmp(a->name, "value") == 0 && a->t) return a->t;
    double x = strcmp(a->name, "value_float") == 0 ? a->f : (double)a->i;
    if (strcmp(a->name, "value_float") == 0 || strcmp(a->name, "value_int") == 0)
      return filled(onnx, 0, NULL, strcmp(a->name, "value_int") == 0, &x);
    if (strcmp(a->name, "value_ints") == 0) return onnx_ints(onnx, (int64_t)a->n, a->ints);
    if (strcmp(a->name, "value_floats") == 0) {
      double *v = ARENA_ARRAY(onnx->arena, double, a->n + 1);
      for (size_t k = 0; k < a->n; k++)
        v[k] = (double)a->floats[k];
      return filled(onnx, 1, &(int64_t){(int64_t)a->n}, false, v);
    }
  }
  onnx_refuse(onnx, E902, "has no value that grus reads");
  return NULL;
}

static OnnxDone result(Onnx *onnx, OnnxTensor *t) {
  if (t)
    onnx_set(onnx, 0, t);
  else if (!onnx->diags->n_errors)
    onnx_refuse(onnx, E902, "computes a shape in a way that grus does not follow");
  return t ? ONNX_DONE : ONNX_FAILED;
}

OnnxDone onnx_fold(Onnx *onnx) {
  const char *op = onnx->node->op;
  if (strcmp(op, "Constant") == 0) return result(onnx, fold_constant(onnx));
  for (int k = 0; k < onnx->node->n_in; k++)
    if (onnx_in(onnx, k) && !onnx_is_constant(onnx_in(onnx, k))) return ONNX_OTHER;
  if (!onnx->node->n_in || !onnx_in(onnx, 0)) return ONNX_OTHER;
  for (size_t k = 0; k < sizeof binaries / sizeof *binaries; k++)
    if (strcmp(op, binaries[k].op) == 0) {
      for (int i = 0; i < onnx->node->n_in; i++)
        if (!onnx_in(onnx, i)) return ONNX_OTHER;
      return result(onnx, fold_binary(onnx, binaries[k].f, binaries[k].is_test));
    }
  for (size_t k = 0; k < sizeof unaries / sizeof *unaries; k++)
    if (strcmp(op, unaries[k].op) == 0) return result(onnx, fold_unary(onnx, unaries[k].f));
  if (strcmp(op, "Where") == 0) return result(onnx, fold_where(onnx));
  if (strcmp(op, "Range") == 0) return result(onnx, fold_range(onnx));
  if (strcmp(op, "ConstantOfShape") == 0) return result(onnx, fold_constant_of_shape(onnx));
  if (strcmp(op, "ReduceProd") == 0) return result(onnx, fold_reduce(onnx, true));
  if (strcmp(op, "ReduceSum") == 0) return result(onnx, fold_reduce(onnx, false));
  if (strcmp(op, "Size") == 0)
    return result(onnx, onnx_shaped(onnx, onnx_ints(onnx, 1, &onnx_in(onnx, 0)->count), 0, NULL));
  return ONNX_OTHER;
}
