/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Activations. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

static GraphValue *with_number(TorchCall *c, GraphOp op, GraphValue *x, GraphAttributeName name,
                               double number) {
  GraphNode *node = emit_node(c->emit, op, 1, &x, 1);
  graph_set_number(c->emit->graph, node, name, number);
  return emit_done(c->emit, node);
}

/* Above it log(1 + e^x) is x in every digit of a float. */
static const double SOFTPLUS_IS_X = 17;

/* log(1 + e^(beta x)) / beta; x itself where beta x is above a threshold. */
bool torch_op_softplus(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  double beta = torch_number(c, "beta", 1), threshold = torch_number(c, "threshold", 20);
  if (!x) return false;
  GraphValue *scaled = beta == 1 ? x : EMIT(c->emit, Mul, x, emit_number(c->emit, beta));
  GraphValue *y = EMIT(c->emit, Softplus, scaled);
  if (beta != 1) y = EMIT(c->emit, Div, y, emit_number(c->emit, beta));
  if (threshold < SOFTPLUS_IS_X) {
    GraphValue *above = EMIT(c->emit, Greater, scaled, emit_number(c->emit, threshold));
    y = EMIT(c->emit, Where, above, x, y);
  }
  return torch_set(c, 0, y);
}

bool torch_op_gelu(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  const char *form = strcmp(torch_word(c, "approximate", "none"), "tanh") == 0 ? "tanh" : "erf";
  if (!x) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_Gelu, 1, &x, 1);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_form, 1, &form);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_leaky_relu(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  return x && torch_set(c, 0,
                        with_number(c, GRAPH_LeakyRelu, x, GRAPH_ATTR_alpha,
                                    torch_number(c, "negative_slope", 0.01)));
}

/* In training its slope is random; else the mean of the bounds. */
bool torch_op_rrelu(TorchCall *c) {
  const double usual_low = 1.0 / 8, usual_high = 1.0 / 3;
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  if (torch_bool(c, "training", false))
    return torch_lacks(c, E902, "export in evaluation mode: `module.eval()` before the export",
                       "has random slopes, as in training");
  double slope = (torch_number(c, "lower", usual_low) + torch_number(c, "upper", usual_high)) / 2;
  return torch_set(c, 0, with_number(c, GRAPH_LeakyRelu, x, GRAPH_ATTR_alpha, slope));
}

static bool elu(TorchCall *c, double within, double alpha, double gamma) {
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  if (within != 1) x = EMIT(c->emit, Mul, x, emit_number(c->emit, within));
  GraphNode *node = emit_node(c->emit, GRAPH_Elu, 1, &x, 1);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_alpha, alpha);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_gamma, gamma);
  return torch_set(c, 0, emit_done(c->emit, node));
}

/* Its exponent is that of the input times `input_scale`, which scales no positive number. */
bool torch_op_elu(TorchCall *c) {
  double alpha = torch_number(c, "alpha", 1), scale = torch_number(c, "scale", 1),
         within = torch_number(c, "input_scale", 1);
  if (within > 0) return elu(c, within, alpha * within, scale / within);
  return torch_lacks(c, E902, "an `input_scale` greater than 0 is read", "has the `input_scale` %g",
                     within);
}

bool torch_op_selu(TorchCall *c) {
  return elu(c, 1, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946);
}

bool torch_op_celu(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  return x &&
         torch_set(c, 0,
                   with_number(c, GRAPH_Celu, x, GRAPH_ATTR_alpha, torch_number(c, "alpha", 1)));
}

bool torch_op_hardtanh(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  bool six = strcmp(c->op, "relu6") == 0;
  return x && torch_set(c, 0,
                        emit_clip(c->emit, x, torch_number(c, "min_val", six ? 0 : -1),
                                  torch_number(c, "max_val", six ? 6 : 1)));
}

bool torch_op_hardsigmoid(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_HardSigmoid, 1, &x, 1);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_alpha, 1.0 / 6);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_beta, 0.5);
  return torch_set(c, 0, emit_done(c->emit, node));
}

/* hardshrink: 0 for |x| up to lambda; softshrink: also nearer to 0 by lambda beyond. */
bool torch_op_shrink(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  double lambda = torch_number(c, "lambd", 0.5);
  bool soft = strcmp(c->op, "softshrink") == 0;
  return x && torch_set(c, 0, form_shrink(c->emit, x, lambda, soft ? lambda : 0));
}

bool torch_op_threshold(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  return x && torch_set(c, 0,
                        form_threshold(c->emit, x, torch_number(c, "threshold", 0),
                                       torch_number(c, "value", 0)));
}

/* One slope for all, or one a channel, which is axis 1. */
bool torch_op_prelu(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *slope = torch_in(c, "weight");
  int rank = torch_rank(c, "self");
  int64_t behind[GRAPH_MAX_RANK];
  if (!x || !slope) return false;
  for (int i = 0; i + 2 < rank; i++)
    behind[i] = i + 1;
  bool one = slope->constant && slope->constant->count == 1;
  if (rank > 2 && !one) slope = emit_unsqueeze(c->emit, slope, rank - 2, behind);
  return torch_set(c, 0, EMIT(c->emit, Prelu, x, slope));
}

/* The first half of an axis times the sigmoid of the second. */
bool torch_op_glu(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int axis = torch_axis(c, "dim", -1, "self", 0);
  if (!x || axis < 0) return false;
  GraphNode *halves = emit_node(c->emit, GRAPH_Split, 1, &x, 2);
  graph_set_int(c->emit->graph, halves, GRAPH_ATTR_axis, axis);
  graph_set_int(c->emit->graph, halves, GRAPH_ATTR_count, 2);
  emit_done(c->emit, halves);
  return torch_set(c, 0,
                   EMIT(c->emit, Mul, halves->out[0], EMIT(c->emit, Sigmoid, halves->out[1])));
}
