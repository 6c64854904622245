/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise functions and operators in double, with libm. */
#include "model/eval/eval_layer.h"

#include <math.h>

static double clamp(double x, double low, double high) { return fmin(fmax(x, low), high); }

static double elu(double x, double alpha) { return x > 0 ? x : alpha * expm1(x); }

static double gelu(double x) { return 0.5 * x * (1 + erf(x / sqrt(2.0))); }

/* Hendrycks and Gimpel 2016, the tanh form */
static double gelu_tanh(double x) {
  return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

/* Klambauer et al. 2017 */
static double selu(double x) { return 1.0507009873554805 * elu(x, 1.6732632423543772); }

static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

double eval_activation(Activation a, double x) {
  switch (a) {
  case ACT_LINEAR: return x;
  case ACT_RELU: return fmax(x, 0);
  case ACT_TANH: return tanh(x);
  case ACT_SIGMOID: return 1 / (1 + exp(-x));
  case ACT_HARD_SIGMOID: return clamp(x / 6 + 0.5, 0, 1);
  case ACT_HARD_SIGMOID_02: return clamp(0.2 * x + 0.5, 0, 1);
  case ACT_HARD_TANH: return clamp(x, -1, 1);
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

static double function(const Layer *layer, double x) {
  switch (layer->kind) {
  case LAYER_relu: return fmin(fmax(x, 0), layer_number(layer, OPT_max, INFINITY));
  case LAYER_leaky_relu: return x > 0 ? x : layer_number(layer, OPT_slope, 0) * x;
  case LAYER_elu: return elu(x, layer_number(layer, OPT_alpha, 1));
  case LAYER_selu: return selu(x);
  case LAYER_gelu: return layer_word_is(layer, OPT_form, "tanh") ? gelu_tanh(x) : gelu(x);
  case LAYER_sigmoid: return eval_activation(ACT_SIGMOID, x);
  case LAYER_hard_sigmoid: return clamp(layer_number(layer, OPT_slope, 1.0 / 6) * x + 0.5, 0, 1);
  case LAYER_tanh: return tanh(x);
  case LAYER_hard_tanh: return clamp(x, -1, 1);
  case LAYER_softplus: return softplus(x);
  case LAYER_softsign: return x / (1 + fabs(x));
  case LAYER_abs: return fabs(x);
  case LAYER_exp: return exp(x);
  case LAYER_log: return log(x);
  case LAYER_sqrt: return sqrt(x);
  case LAYER_square: return x * x;
  case LAYER_clip: return clamp(x, layer_number(layer, OPT_low, 0), layer_number(layer, OPT_high, 0));
  case LAYER_normalize: return (x - layer_number(layer, OPT_mean, 0)) / layer_number(layer, OPT_std, 1);
  default: return x; /* Dropout, GaussianNoise */
  }
}

static double operate(LayerKind kind, double a, double b) {
  return kind == LAYER_add ? a + b : kind == LAYER_sub ? a - b : kind == LAYER_mul ? a * b : a / b;
}

EvalStatus eval_pointwise(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]), *z = layer->n_in > 1 ? eval_in(e, layer->in[1]) : NULL;
  int64_t steps = z && z->steps < x->steps ? z->steps : x->steps;
  int64_t n = steps * type_step_size(&layer->out[0]->type);
  bool operator_kind = layer_info(layer->kind)->flags & OPERATOR;
  double value = operator_kind ? layer_number(layer, OPT_value, 0) : 0;
  bool swapped = operator_kind && layer_word_is(layer, OPT_swapped, "true");
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t i = 0; i < n; i++) {
    double a = x->data[i], b = z ? z->data[i] : value;
    if (!operator_kind) y->data[i] = function(layer, a);
    else y->data[i] = swapped ? operate(layer->kind, b, a) : operate(layer->kind, a, b);
  }
  return EVAL_OK;
}
