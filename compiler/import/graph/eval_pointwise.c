/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of one operand, element by element. */
#include "import/graph/eval.h"

#include <float.h>

/* The attributes such an operator may have. */
typedef struct Params {
  double alpha, beta, gamma, low, high, step;
  bool tanh_form;
} Params;

static Params params_of(const GraphNode *node) {
  const char *form = graph_word(node, GRAPH_ATTR_form, 0, "erf");
  return (Params){.alpha = graph_number(node, GRAPH_ATTR_alpha, 1),
                  .beta = graph_number(node, GRAPH_ATTR_beta, 0),
                  .gamma = graph_number(node, GRAPH_ATTR_gamma, 1),
                  .low = graph_number(node, GRAPH_ATTR_low, -INFINITY),
                  .high = graph_number(node, GRAPH_ATTR_high, INFINITY),
                  .step = graph_number(node, GRAPH_ATTR_step, 1),
                  .tanh_form = form[0] == 't'};
}

static bool map(GraphCall *call, double (*f)(double x, const Params *p)) {
  const GraphTensor *x = call_in(call, 0);
  Params p = params_of(call->node);
  double *y = call_data(call, 0);
  for (int64_t i = 0; i < x->count; i++)
    y[i] = elem_wrap(call->out[0].elem, f(x->wide[i], &p));
  return true;
}

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}
static double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}
static double bounded(double x, double low, double high) {
  return fmin(fmax(x, low), high);
}

static double gelu(double x, bool tanh_form) {
  const double root_of_half = 0.70710678118654752440, root_of_2_over_pi = 0.79788456080286535588;
  if (tanh_form) return 0.5 * x * (1 + tanh(root_of_2_over_pi * (x + 0.044715 * x * x * x)));
  return 0.5 * x * (1 + erf(x * root_of_half));
}

/* MAP(operator, its value at x with attributes p) */
#define MAP(name, value)                                                                           \
  static double name##_of(double x, const Params *p) {                                             \
    (void)p;                                                                                       \
    return value;                                                                                  \
  }                                                                                                \
  bool graph_eval_##name(GraphCall *call) {                                                        \
    return map(call, name##_of);                                                                   \
  }

MAP(Neg, -x)
MAP(Abs, fabs(x))
MAP(Sign, (x > 0) - (x < 0))
MAP(Floor, floor(x))
MAP(Ceil, ceil(x))
MAP(Round, nearbyint(x / p->step) * p->step)
MAP(Sqrt, sqrt(x))
MAP(Square, (x * x))
MAP(Reciprocal, 1 / x)
MAP(Exp, exp(x))
MAP(Log, log(x))
MAP(Sin, sin(x))
MAP(Cos, cos(x))
MAP(Tan, tan(x))
MAP(Atan, atan(x))
MAP(Erf, erf(x))
MAP(Sigmoid, sigmoid(x))
MAP(Tanh, tanh(x))
MAP(Relu, x > 0 || isnan(x) ? x : 0)
MAP(LeakyRelu, x < 0 ? p->alpha * x : x)
MAP(Elu, (p->gamma * (x > 0 ? x : p->alpha * expm1(x))))
MAP(Celu, (fmax(0, x) + fmin(0, (p->alpha * expm1(x / p->alpha)))))
MAP(HardSigmoid, (bounded(p->alpha * x + p->beta, 0, 1)))
MAP(HardSwish, (x * bounded(x / 6 + 0.5, 0, 1)))
MAP(Silu, (x * sigmoid(x)))
MAP(Mish, (x * tanh(softplus(x))))
MAP(Gelu, gelu(x, p->tanh_form))
MAP(Softplus, softplus(x))
MAP(Softsign, x / (1 + fabs(x)))
MAP(Clip, bounded(x, p->low, p->high))
MAP(Not, x == 0)
MAP(IsNan, isnan(x) != 0)

bool graph_eval_Identity(GraphCall *call) {
  call->out[0].wide = call_in(call, 0)->wide;
  return true;
}

/* To whole numbers: fractions are cut off and what is too large stays at the end of the range;
 * whole numbers keep their low bits. */
bool graph_eval_Cast(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  GraphElem to = call->out[0].elem;
  if (to == GRAPH_FLOAT) return graph_eval_Identity(call);
  double *y = call_data(call, 0);
  for (int64_t i = 0; i < x->count; i++)
    if (to == GRAPH_BOOL)
      y[i] = x->wide[i] != 0;
    else if (x->elem != GRAPH_FLOAT)
      y[i] = elem_wrap(to, x->wide[i]);
    else
      y[i] = isnan(x->wide[i]) ? 0 : elem_saturate(to, trunc(x->wide[i]));
  return true;
}
