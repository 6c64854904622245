/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that act on each element alone, and operators, in double with the functions of libm. */
#include "model/eval/eval_layer.h"

#include <math.h>

double eval_greater(double a, double b) {
  return isnan(a) || isnan(b) ? NAN : fmax(a, b);
}
double eval_clamp(double x, double low, double high) {
  return isnan(x) ? x : fmin(fmax(x, low), high);
}

static double elu(double x, double alpha) {
  return x > 0 ? x : alpha * expm1(x);
}

/* gelu of -inf is 0 in both forms, where the formulas have 0 * inf. */
static double gelu(double x) {
  return x == -INFINITY ? 0 : 0.5 * x * (1 + erf(x / sqrt(2.0)));
}

/* Hendrycks and Gimpel 2016, the tanh form */
static double gelu_tanh(double x) {
  return x == -INFINITY ? 0
                        : 0.5 * x * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

/* Klambauer et al. 2017 */
static double selu(double x) {
  return 1.0507009873554805 * elu(x, 1.6732632423543772);
}

static double softplus(double x) {
  return eval_greater(x, 0) + log1p(exp(-fabs(x)));
}

double eval_activation(Activation a, double x) {
  switch (a) {
  case ACT_LINEAR: return x;
  case ACT_RELU: return eval_greater(x, 0);
  case ACT_TANH: return tanh(x);
  case ACT_SIGMOID: return 1 / (1 + exp(-x));
  case ACT_HARD_SIGMOID: return eval_clamp(x / 6 + 0.5, 0, 1);
  case ACT_HARD_SIGMOID_02: return eval_clamp(0.2 * x + 0.5, 0, 1);
  case ACT_HARD_TANH: return eval_clamp(x, -1, 1);
  case ACT_SOFTPLUS: return softplus(x);
  case ACT_SOFTSIGN: return x / (1 + fabs(x));
  case ACT_ELU: return elu(x, 1);
  case ACT_SELU: return selu(x);
  case ACT_GELU: return gelu(x);
  case ACT_EXP: return exp(x);
  case ACT_COUNT: break;
  }
  return x;
}

/* One function for each elementwise stage: of_<id>. */
typedef double Function(const Layer *layer, double x);

static double of_relu(const Layer *layer, double x) {
  return eval_clamp(x, 0, layer_number(layer, OPT_max, INFINITY));
}

static double of_leaky_relu(const Layer *layer, double x) {
  return x > 0 ? x : layer_number(layer, OPT_slope, 0) * x;
}

static double of_elu(const Layer *layer, double x) {
  return elu(x, layer_number(layer, OPT_alpha, 1));
}

static double of_selu(const Layer *layer, double x) {
  (void)layer;
  return selu(x);
}

static double of_gelu(const Layer *layer, double x) {
  return layer_word_is(layer, OPT_form, "tanh") ? gelu_tanh(x) : gelu(x);
}

/* x sigmoid(x); swish is another name of it */
static double of_silu(const Layer *layer, double x) {
  (void)layer;
  return x / (1 + exp(-x));
}

static double of_swish(const Layer *layer, double x) {
  return of_silu(layer, x);
}

static double of_mish(const Layer *layer, double x) {
  (void)layer;
  return x * tanh(softplus(x));
}

static double of_sigmoid(const Layer *layer, double x) {
  (void)layer;
  return eval_activation(ACT_SIGMOID, x);
}

static double of_hard_sigmoid(const Layer *layer, double x) {
  return eval_clamp(layer_number(layer, OPT_slope, 1.0 / 6) * x + 0.5, 0, 1);
}

static double of_tanh(const Layer *layer, double x) {
  (void)layer;
  return tanh(x);
}

static double of_hard_tanh(const Layer *layer, double x) {
  (void)layer;
  return eval_clamp(x, -1, 1);
}

static double of_softplus(const Layer *layer, double x) {
  (void)layer;
  return softplus(x);
}

static double of_softsign(const Layer *layer, double x) {
  (void)layer;
  return x / (1 + fabs(x));
}

static double of_abs(const Layer *layer, double x) {
  (void)layer;
  return fabs(x);
}

static double of_exp(const Layer *layer, double x) {
  (void)layer;
  return exp(x);
}

static double of_log(const Layer *layer, double x) {
  (void)layer;
  return log(x);
}

static double of_sqrt(const Layer *layer, double x) {
  (void)layer;
  return sqrt(x);
}

static double of_square(const Layer *layer, double x) {
  (void)layer;
  return x * x;
}

/* Howard et al. 2019 */
static double of_hard_swish(const Layer *layer, double x) {
  (void)layer;
  return x * eval_clamp(x / 6 + 0.5, 0, 1);
}

/* Barron 2017 */
static double of_celu(const Layer *layer, double x) {
  double alpha = layer_number(layer, OPT_alpha, 1);
  return elu(x / alpha, 1) * alpha;
}

static double of_reciprocal(const Layer *layer, double x) {
  (void)layer;
  return 1 / x;
}

static double of_sign(const Layer *layer, double x) {
  (void)layer;
  return x > 0 ? 1 : x < 0 ? -1 : x;
}

static double of_erf(const Layer *layer, double x) {
  (void)layer;
  return erf(x);
}

static double of_floor(const Layer *layer, double x) {
  (void)layer;
  return floor(x);
}

/* The nearest multiple of step, halves to the even one. */
static double of_round(const Layer *layer, double x) {
  double step = layer_number(layer, OPT_step, 1);
  return nearbyint(x / step) * step;
}

/* sin and cos are defined up to here, where neighbouring numbers of f32 differ by 1/256. */
static const double CIRCULAR_MOST = 32768;

static double of_sin(const Layer *layer, double x) {
  (void)layer;
  return fabs(x) <= (double)CIRCULAR_MOST ? sin(x) : NAN;
}

static double of_cos(const Layer *layer, double x) {
  (void)layer;
  return fabs(x) <= (double)CIRCULAR_MOST ? cos(x) : NAN;
}

/* A number below zero, -inf included, has only whole powers; others are NaN. */
static double of_pow(const Layer *layer, double x) {
  double p = layer_number(layer, OPT_exponent, 1);
  return x < 0 && p != floor(p) ? NAN : pow(x, p);
}

static double of_clip(const Layer *layer, double x) {
  return eval_clamp(x, layer_number(layer, OPT_low, 0), layer_number(layer, OPT_high, 0));
}

static double of_normalize(const Layer *layer, double x) {
  return (x - layer_number(layer, OPT_mean, 0)) / layer_number(layer, OPT_std, 1);
}

static Function *const function[LAYER_KIND_COUNT] = {
#define LAYER(id, name, rule, flags, family, ...)
#define ELEMENTWISE(id, integers, ...) [LAYER_##id] = of_##id,
#include "model/graph/layers.def"
    [LAYER_normalize] = of_normalize,
};

static double operate(LayerKind kind, double a, double b) {
  return kind == LAYER_add ? a + b : kind == LAYER_sub ? a - b : kind == LAYER_mul ? a * b : a / b;
}

EvalStatus eval_pointwise(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]),
                   *z = layer->n_in > 1 ? eval_in(e, layer->in[1]) : NULL;
  int64_t steps = z && z->steps < x->steps ? z->steps : x->steps;
  int64_t n = steps * type_step_size(&layer->out[0]->type);
  bool operator_kind = layer_info(layer->kind)->flags & OPERATOR;
  double value = operator_kind ? layer_number(layer, OPT_value, 0) : 0;
  bool swapped = operator_kind && layer_word_is(layer, OPT_swapped, "true");
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t i = 0; i < n; i++) {
    double a = x->data[i], b = z ? z->data[i] : value;
    if (!operator_kind)
      y->data[i] = function[layer->kind](layer, a);
    else
      y->data[i] = swapped ? operate(layer->kind, b, a) : operate(layer->kind, a, b);
  }
  return EVAL_OK;
}
