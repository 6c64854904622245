/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators on each element alone: functions, and arithmetic of two tensors or a tensor and a
 * number. */
#include "import/onnx.h"

#include <math.h>
#include <string.h>

/* ---- functions ---- */

static bool near(double a, double b) {
  return fabs(a - b) <= 1e-6 * fabs(b);
}

static OnnxDone set_like(Onnx *onnx, const OnnxTensor *t, const OnnxValue *x, Value *value) {
  OnnxTensor *out = onnx_like(onnx, t, x, value);
  if (out) onnx_set(onnx, 0, out);
  return out ? ONNX_DONE : ONNX_FAILED;
}

static Layer *stage(Onnx *onnx, LayerKind kind, Value *value) {
  return onnx_layer(onnx, kind, 1, &value);
}

static Layer *with_number(Onnx *onnx, LayerKind kind, Value *value, double number, bool swapped) {
  Layer *layer = stage(onnx, kind, value);
  layer_set_number(layer, OPT_value,
                   (double)(float)number == number ? onnx_decimal((float)number) : number);
  if (swapped) layer_set_word(layer, OPT_swapped, "true");
  return layer;
}

/* low and high: attributes in older opsets, inputs in newer ones. */
static Value *do_clip(Onnx *onnx, Value *x) {
  double bound[2] = {onnx_float(onnx, "min", -INFINITY), onnx_float(onnx, "max", INFINITY)};
  for (int i = 0; i < 2; i++) {
    const OnnxTensor *t = onnx_in(onnx, 1 + i);
    if (t && (!onnx_is_constant(t) || t->count != 1)) {
      onnx_refuse(onnx, E902, "has bounds that are not constant numbers");
      return NULL;
    }
    if (t) bound[i] = t->f ? onnx_decimal(t->f[0]) : onnx_number(t, 0);
  }
  if (bound[0] == 0 && bound[1] == INFINITY) return stage(onnx, LAYER_relu, x)->out[0];
  if (bound[0] == -INFINITY && bound[1] == INFINITY) return x;
  Layer *layer = stage(onnx, LAYER_clip, x);
  layer_set_number(layer, OPT_low, fmax(bound[0], -3.4028234663852886e38));
  layer_set_number(layer, OPT_high, fmin(bound[1], 3.4028234663852886e38));
  return layer->out[0];
}

static Value *do_hard_sigmoid(Onnx *onnx, Value *x) {
  double alpha = onnx_float(onnx, "alpha", 0.2), beta = onnx_float(onnx, "beta", 0.5);
  if (near(alpha, 1.0 / 6) && beta == 0.5) return stage(onnx, LAYER_hard_sigmoid, x)->out[0];
  Value *line = with_number(onnx, LAYER_add, with_number(onnx, LAYER_mul, x, alpha, false)->out[0],
                            beta, false)
                    ->out[0];
  Layer *clip = stage(onnx, LAYER_clip, line);
  layer_set_number(clip, OPT_low, 0);
  layer_set_number(clip, OPT_high, 1);
  return clip->out[0];
}

static Value *do_option(Onnx *onnx, LayerKind kind, OptName option, const char *attribute,
                        double usual, Value *x) {
  Layer *layer = stage(onnx, kind, x);
  layer_set_number(layer, option, onnx_float(onnx, attribute, usual));
  return layer->out[0];
}

static Value *do_function(Onnx *onnx, const char *op, Value *x) {
  static const struct {
    const char *op;
    LayerKind kind;
  } plain[] = {
      {"Relu", LAYER_relu},         {"Tanh", LAYER_tanh},         {"Sigmoid", LAYER_sigmoid},
      {"Softplus", LAYER_softplus}, {"Softsign", LAYER_softsign}, {"Abs", LAYER_abs},
      {"Exp", LAYER_exp},           {"Log", LAYER_log},           {"Sqrt", LAYER_sqrt}};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(op, plain[i].op) == 0) return stage(onnx, plain[i].kind, x)->out[0];
  if (strcmp(op, "LeakyRelu") == 0)
    return do_option(onnx, LAYER_leaky_relu, OPT_slope, "alpha", 0.01, x);
  if (strcmp(op, "Elu") == 0) return do_option(onnx, LAYER_elu, OPT_alpha, "alpha", 1, x);
  if (strcmp(op, "HardSigmoid") == 0) return do_hard_sigmoid(onnx, x);
  if (strcmp(op, "Clip") == 0) return do_clip(onnx, x);
  if (strcmp(op, "Neg") == 0) return with_number(onnx, LAYER_sub, x, 0, true)->out[0];
  if (strcmp(op, "Reciprocal") == 0) return with_number(onnx, LAYER_div, x, 1, true)->out[0];
  if (strcmp(op, "HardSwish") == 0)
    return onnx_layer(onnx, LAYER_mul, 2,
                      (Value *[]){x, stage(onnx, LAYER_hard_sigmoid, x)->out[0]})
        ->out[0];
  if (strcmp(op, "Mish") == 0) {
    Value *soft = stage(onnx, LAYER_tanh, stage(onnx, LAYER_softplus, x)->out[0])->out[0];
    return onnx_layer(onnx, LAYER_mul, 2, (Value *[]){x, soft})->out[0];
  }
  if (strcmp(op, "Selu") == 0) {
    bool usual = near(onnx_float(onnx, "alpha", 1.67326319217681884765625), 1.6732632) &&
                 near(onnx_float(onnx, "gamma", 1.05070102214813232421875), 1.0507010);
    if (usual) return stage(onnx, LAYER_selu, x)->out[0];
    Value *elu = do_option(onnx, LAYER_elu, OPT_alpha, "alpha", 1.67326319217681884765625, x);
    return with_number(onnx, LAYER_mul, elu, onnx_float(onnx, "gamma", 1.05070102214813232421875),
                       false)
        ->out[0];
  }
  Layer *gelu = stage(onnx, LAYER_gelu, x);
  if (strcmp(onnx_string(onnx, "approximate", "none"), "tanh") == 0)
    layer_set_word(gelu, OPT_form, "tanh");
  return gelu->out[0];
}

static const char functions[] = " Relu Tanh Sigmoid Softplus Softsign Abs Exp Log Sqrt LeakyRelu "
                                "Elu HardSigmoid Clip Neg Reciprocal HardSwish Mish Selu Gelu ";

static OnnxDone function(Onnx *onnx, const OnnxTensor *t) {
  OnnxValue x;
  if (!onnx_attributes_known(onnx, "alpha beta gamma min max approximate") ||
      !onnx_value(onnx, t, -1, &x))
    return ONNX_FAILED;
  Value *value = do_function(onnx, onnx->node->op, x.value);
  return value ? set_like(onnx, t, &x, value) : ONNX_FAILED;
}

/* ---- arithmetic ---- */

static LayerKind operator_of(const char *op) {
  return strcmp(op, "Add") == 0   ? LAYER_add
         : strcmp(op, "Sub") == 0 ? LAYER_sub
         : strcmp(op, "Mul") == 0 ? LAYER_mul
         : strcmp(op, "Div") == 0 ? LAYER_div
                                  : LAYER_KIND_COUNT;
}

/* All elements of a constant are the same. */
static bool is_number(const OnnxTensor *t, double *x) {
  if (!onnx_is_constant(t) || t->count < 1) return false;
  *x = onnx_number(t, 0);
  for (int64_t k = 1; k < t->count; k++)
    if (onnx_number(t, k) != *x) return false;
  return true;
}

/* Axis of a constant vector within the other tensor's axes, its last if it has one element; or
 * -1. */
static int vector_axis(const OnnxTensor *c, const OnnxTensor *t) {
  int axis = -1;
  if (c->rank > t->rank) return -1;
  for (int i = 0; i < c->rank; i++) {
    if (c->dim[i] == 1) continue;
    int a = t->rank - c->rank + i;
    if (axis >= 0 || c->dim[i] != t->dim[a]) return -1;
    axis = a;
  }
  return axis < 0 && c->count == 1 ? t->rank - 1 : axis;
}

/* The layer before takes it: a bias, a scale, a center. */
static bool absorb(Onnx *onnx, const OnnxTensor *t, const OnnxTensor *c, LayerKind kind,
                   const OnnxValue *x) {
  const OnnxSource *source = &onnx->source[t->ref[0].source];
  Layer *open = source->open;
  int64_t n = x->row;
  if (!open || source->value != x->value || t->uses != 1 || x->rank != 1 ||
      (c->count != n && c->count != 1))
    return false;
  bool dense = open->kind == LAYER_Dense, scales = kind == LAYER_mul;
  if (dense ? scales : scales && !layer_word_is(open, OPT_scale, "false")) return false;
  OptName option = dense ? OPT_bias : scales ? OPT_scale : OPT_center;
  if (!layer_word_is(open, option, "false")) return false;
  float *to = foreign_tensor(onnx->foreign, open,
                             dense    ? ROLE_BIAS
                             : scales ? ROLE_SCALE
                                      : ROLE_CENTER,
                             1, &n, c->name ? c->name : onnx_origin(onnx));
  for (int64_t k = 0; to && k < n; k++)
    to[k] = (float)onnx_number(c, c->count == 1 ? 0 : k);
  layer_set_word(open, option, "true");
  return to != NULL;
}

/* x + c, x - c, c - x, x * c, x / c for a vector c over the features: the statistics of a BatchNorm
 * that does nothing else: (x - 0) / sqrt(1 + eps) * scale + center, where eps is too small to
 * count. */
static OnnxDone with_vector(Onnx *onnx, const OnnxTensor *t, const OnnxTensor *c, LayerKind kind,
                            bool swapped) {
  int axis = vector_axis(c, t), last = t->rank;
  OnnxValue x;
  while (last > 0 && t->dim[last - 1] == 1)
    last--;
  bool additive = kind == LAYER_add || kind == LAYER_sub;
  if (!onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
  if (axis != last - 1 || axis == x.time || (swapped && kind == LAYER_div)) {
    Diag *d = onnx_refuse(
        onnx, E902, "combines %s with a constant %s that does not lie along its features",
        onnx_dims(onnx->arena, t->rank, t->dim), onnx_dims(onnx->arena, c->rank, c->dim));
    diag_note(d, "numbers and vectors over the last axis have a form in grus");
    return ONNX_FAILED;
  }
  int64_t n = c->count;
  onnx_exact(onnx, &x);
  Layer *norm = stage(onnx, LAYER_BatchNorm, x.value);
  layer_set_number(norm, OPT_eps, 1e-30);
  bool scales = !additive || (kind == LAYER_sub && swapped);
  layer_set_word(norm, OPT_scale, scales ? "true" : "false");
  layer_set_word(norm, OPT_center, additive ? "true" : "false");
  float *mean = foreign_tensor(onnx->foreign, norm, ROLE_MEAN, 1, &n, onnx_origin(onnx));
  float *variance = foreign_tensor(onnx->foreign, norm, ROLE_VARIANCE, 1, &n, onnx_origin(onnx));
  float *scale =
      scales ? foreign_tensor(onnx->foreign, norm, ROLE_SCALE, 1, &n, onnx_origin(onnx)) : NULL;
  float *center =
      additive ? foreign_tensor(onnx->foreign, norm, ROLE_CENTER, 1, &n, onnx_origin(onnx)) : NULL;
  if (!mean || !variance) return ONNX_FAILED;
  for (int64_t k = 0; k < n; k++) {
    double v = onnx_number(c, k);
    variance[k] = 1;
    if (center) center[k] = (float)(kind == LAYER_sub && !swapped ? -v : v);
    if (scale) scale[k] = (float)(additive ? -1 : kind == LAYER_mul ? v : 1 / v);
  }
  return set_like(onnx, t, &x, norm->out[0]);
}

/* Axes of 1 in front, which the other operand of a broadcast has. */
static const OnnxTensor *with_rank(Onnx *onnx, const OnnxTensor *t, int rank) {
  int64_t dim[ONNX_MAX_RANK];
  for (int i = 0; i < rank; i++)
    dim[i] = i < rank - t->rank ? 1 : t->dim[i - (rank - t->rank)];
  return t->rank < rank ? onnx_shaped(onnx, t, rank, dim) : t;
}

/* Broadcast to t's shape, c does not make it larger. */
static bool fits_within(const OnnxTensor *c, const OnnxTensor *t) {
  bool fits = c->rank <= t->rank;
  for (int i = 0; i < c->rank && fits; i++)
    fits = c->dim[i] == 1 || c->dim[i] == t->dim[t->rank - c->rank + i];
  return fits;
}

static bool same_shape(const OnnxTensor *a, const OnnxTensor *b) {
  int i = a->rank, k = b->rank;
  while (i > 0 || k > 0) {
    int64_t x = i > 0 ? a->dim[--i] : 1, y = k > 0 ? b->dim[--k] : 1;
    if (x != y) return false;
  }
  return true;
}

static OnnxDone arithmetic(Onnx *onnx, LayerKind kind, const OnnxTensor *a, const OnnxTensor *b) {
  double number;
  OnnxValue x, y;
  bool swapped = onnx_is_constant(a);
  const OnnxTensor *other = swapped ? a : b,
                   *t = with_rank(onnx, swapped ? b : a, onnx_is_constant(other) ? other->rank : 0);
  bool commutes = kind == LAYER_add || kind == LAYER_mul;
  if (onnx_is_constant(other) && commutes && vector_axis(other, t) >= t->rank - 1) {
    const OnnxSource *source = t->ref ? &onnx->source[t->ref[0].source] : NULL;
    if (source && source->open && !onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
    if (source && source->open && absorb(onnx, t, other, kind, &x)) {
      Layer *open = onnx->source[t->ref[0].source].open;
      OnnxDone done = set_like(onnx, t, &x, x.value);
      if (open->kind == LAYER_LayerNorm)
        onnx->source[onnx->n_sources - 1].open = open; /* a center may follow */
      return done;
    }
  }
  if (is_number(other, &number) && fits_within(other, t)) {
    if (!onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
    return set_like(onnx, t, &x,
                    with_number(onnx, kind, x.value, number, swapped && !commutes)->out[0]);
  }
  if (onnx_is_constant(other)) return with_vector(onnx, t, other, kind, swapped);
  if (!same_shape(a, b)) {
    Diag *d = onnx_refuse(onnx, E902, "combines %s and %s", onnx_dims(onnx->arena, a->rank, a->dim),
                          onnx_dims(onnx->arena, b->rank, b->dim));
    diag_note(
        d, "grus combines values of the same shape, and values with numbers and constant vectors");
    return ONNX_FAILED;
  }
  if (!onnx_value(onnx, a, -1, &x) || !onnx_value(onnx, b, -1, &y)) return ONNX_FAILED;
  if (x.value_rank != y.value_rank ||
      memcmp(x.value_dim, y.value_dim, sizeof *x.value_dim * (size_t)x.value_rank) != 0) {
    onnx_exact(onnx, &x);
    onnx_exact(onnx, &y);
  }
  Value *sum = onnx_layer(onnx, kind, 2, (Value *[]){x.value, y.value})->out[0];
  return set_like(onnx, a->rank >= b->rank ? a : b, &x, sum);
}

/* x^2, x^1/2; others have no form. */
static OnnxDone power(Onnx *onnx, const OnnxTensor *t, const OnnxTensor *exponent) {
  double number = NAN;
  OnnxValue x;
  if (!is_number(exponent, &number) || (number != 2 && number != 0.5 && number != 1)) {
    onnx_refuse(onnx, E902, "raises to a power other than 2 and 1/2");
    return ONNX_FAILED;
  }
  if (!onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
  Value *value =
      number == 1 ? x.value : stage(onnx, number == 2 ? LAYER_square : LAYER_sqrt, x.value)->out[0];
  return set_like(onnx, t, &x, value);
}

/* The smaller or larger of each element and a number. */
static OnnxDone limit(Onnx *onnx, const OnnxTensor *a, const OnnxTensor *b, bool largest) {
  double number;
  OnnxValue x;
  const OnnxTensor *t = onnx_is_constant(a) ? b : a, *other = onnx_is_constant(a) ? a : b;
  if (!is_number(other, &number) || !fits_within(other, t)) {
    diag_note(onnx_refuse(onnx, E902, "compares two tensors element by element"),
              "grus has `clip(low, high)`: one of the two must be a constant number");
    return ONNX_FAILED;
  }
  if (!onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
  if (largest && number == 0)
    return set_like(onnx, t, &x, stage(onnx, LAYER_relu, x.value)->out[0]);
  Layer *clip = stage(onnx, LAYER_clip, x.value);
  layer_set_number(clip, OPT_low, largest ? number : -3.4028234663852886e38);
  layer_set_number(clip, OPT_high, largest ? 3.4028234663852886e38 : number);
  return set_like(onnx, t, &x, clip->out[0]);
}

OnnxDone onnx_pointwise(Onnx *onnx) {
  const char *op = onnx->node->op;
  const OnnxTensor *a = onnx->node->n_in ? onnx_in(onnx, 0) : NULL,
                   *b = onnx->node->n_in > 1 ? onnx_in(onnx, 1) : NULL;
  if (!a) return ONNX_OTHER;
  if (onnx_is_among(functions, op)) return function(onnx, a);
  if (!b || onnx->node->n_in != 2) return ONNX_OTHER;
  if (strcmp(op, "Pow") == 0) return power(onnx, a, b);
  if (strcmp(op, "Max") == 0 || strcmp(op, "Min") == 0)
    return onnx_attributes_known(onnx, "") ? limit(onnx, a, b, op[1] == 'a') : ONNX_FAILED;
  LayerKind kind = operator_of(op);
  if (kind == LAYER_KIND_COUNT) return ONNX_OTHER;
  if (!onnx_attributes_known(onnx, onnx->opset < 7 ? "broadcast" : "")) return ONNX_FAILED;
  return arithmetic(onnx, kind, a, b);
}
