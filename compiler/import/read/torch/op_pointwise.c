/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators element by element. */
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

static GraphValue *with_number(TorchCall *c, GraphOp op, GraphValue *x, GraphAttributeName name,
                               double number) {
  GraphNode *node = emit_node(c->emit, op, 1, &x, 1);
  graph_set_number(c->emit->graph, node, name, number);
  return emit_done(c->emit, node);
}

bool torch_op_identity(TorchCall *c) {
  bool drops = torch_bool(c, "train", false) && torch_number(c, "p", 0) > 0;
  if (drops)
    return torch_refuse(c, E902,
                        "drops elements: it is exported for training; export in eval mode");
  GraphValue *x = torch_in(c, torch_has(c, "input") ? "input" : "self");
  if (x && strcmp(c->op, "type_as") == 0) x = emit_cast(c->emit, x, torch_arg_elem(c, "other"));
  return torch_set(c, 0, x);
}

bool torch_op_to(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  GraphElem elem;
  json_t *inputs = json_object_get(c->node, "inputs");
  for (size_t i = 0; x && i < json_array_size(inputs); i++) {
    json_t *input = json_array_get(inputs, i),
           *dtype = json_object_get(json_object_get(input, "arg"), "as_scalar_type");
    if (!dtype) continue;
    if (!torch_elem(json_integer_value(dtype), &elem))
      return torch_refuse(c, E902, "makes elements of a type that grus does not know");
    return torch_set(c, 0, emit_cast(c->emit, x, elem));
  }
  if (x && torch_has(c, "other")) x = emit_cast(c->emit, x, torch_arg_elem(c, "other"));
  return torch_set(c, 0, x);
}

bool torch_op_round(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  if (torch_int(c, "decimals", 0)) return torch_refuse(c, E902, "rounds to decimals");
  return x && torch_set(c, 0, EMIT(c->emit, Round, x));
}

bool torch_op_rsqrt(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  return x && torch_set(c, 0, EMIT(c->emit, Reciprocal, EMIT(c->emit, Sqrt, x)));
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

static bool elu(TorchCall *c, double alpha, double gamma) {
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_Elu, 1, &x, 1);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_alpha, alpha);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_gamma, gamma);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_elu(TorchCall *c) {
  if (torch_number(c, "input_scale", 1) != 1) return torch_refuse(c, E902, "has an input_scale");
  return elu(c, torch_number(c, "alpha", 1), torch_number(c, "scale", 1));
}

bool torch_op_selu(TorchCall *c) {
  return elu(c, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946);
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

/* Bounds are numbers or tensors. */
bool torch_op_clamp(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *low = torch_tensor_arg(c, "min"),
             *high = torch_tensor_arg(c, "max");
  if (!x) return false;
  double least = torch_number(c, "min", -INFINITY), most = torch_number(c, "max", INFINITY);
  if (!isinf(least) || !isinf(most)) x = emit_clip(c->emit, x, least, most);
  if (low) x = EMIT(c->emit, Max, x, low);
  if (high) x = EMIT(c->emit, Min, x, high);
  return torch_set(c, 0, x);
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

bool torch_op_pow(TorchCall *c) {
  GraphValue *x = torch_operand(c, "self"), *y = x ? torch_operand(c, "exponent") : NULL;
  return y && torch_set(c, 0, EMIT(c->emit, Pow, x, y));
}

/* add, sub: self +- alpha other; rsub: other - alpha self. */
bool torch_op_add(TorchCall *c) {
  GraphValue *a = torch_operand(c, "self"), *b = a ? torch_operand(c, "other") : NULL;
  double alpha = torch_number(c, "alpha", 1);
  if (!b) return false;
  if (strcmp(c->op, "rsub") == 0) {
    GraphValue *swap = a;
    a = b;
    b = swap;
  }
  if (alpha != 1) b = EMIT(c->emit, Mul, b, emit_number(c->emit, alpha));
  return torch_set(c, 0,
                   strcmp(c->op, "add") == 0 ? EMIT(c->emit, Add, a, b) : EMIT(c->emit, Sub, a, b));
}

/* Without a rounding mode whole numbers give fractions. */
bool torch_op_div(TorchCall *c) {
  GraphValue *a = torch_operand(c, "self"), *b = a ? torch_operand(c, "other") : NULL;
  const char *mode = torch_word(c, "rounding_mode", "");
  if (!b) return false;
  if (strcmp(mode, "floor") == 0) return torch_set(c, 0, EMIT(c->emit, FloorDiv, a, b));
  if (*mode) return torch_refuse(c, E902, "rounds in the way `%s`", mode);
  if (torch_arg_elem(c, "self") != GRAPH_FLOAT) a = emit_cast(c->emit, a, GRAPH_FLOAT);
  return torch_set(c, 0, EMIT(c->emit, Div, a, b));
}

bool torch_op_binary(TorchCall *c) {
  static const struct {
    const char *name;
    GraphOp op;
  } known[] = {{"mul", GRAPH_Mul},         {"floor_divide", GRAPH_FloorDiv},
               {"remainder", GRAPH_Mod},   {"maximum", GRAPH_Max},
               {"minimum", GRAPH_Min},     {"eq", GRAPH_Equal},
               {"ne", GRAPH_Equal},        {"lt", GRAPH_Less},
               {"le", GRAPH_LessEqual},    {"gt", GRAPH_Greater},
               {"ge", GRAPH_GreaterEqual}, {"logical_and", GRAPH_And},
               {"logical_or", GRAPH_Or},   {"atan2", GRAPH_Atan2}};
  GraphValue *in[2] = {torch_operand(c, "self"), NULL};
  if (in[0]) in[1] = torch_operand(c, "other");
  for (size_t i = 0; in[1] && i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, c->op) != 0) continue;
    GraphValue *y =
        emit_call(c->emit, known[i].op, 2, in); /* Mod: with the sign of the divisor, as here */
    return torch_set(c, 0, strcmp(c->op, "ne") == 0 ? EMIT(c->emit, Not, y) : y);
  }
  return false;
}

bool torch_op_where(TorchCall *c) {
  GraphValue *condition = torch_in(c, "condition"),
             *a = condition ? torch_operand(c, "self") : NULL,
             *b = a ? torch_operand(c, "other") : NULL;
  return b && torch_set(c, 0, EMIT(c->emit, Where, condition, a, b));
}

bool torch_op_masked_fill(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *mask = x ? torch_in(c, "mask") : NULL,
             *value = mask ? torch_operand(c, "value") : NULL;
  return value && torch_set(c, 0, EMIT(c->emit, Where, mask, value, x));
}

/* The first half of an axis times the sigmoid of the second. */
bool torch_op_glu(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int axis = torch_axis(c, "dim", -1, "self", 0);
  if (!x || axis < 0) return false;
  GraphNode *halves = emit_node(c->emit, GRAPH_Split, 1, &x, 2);
  graph_set_int(c->emit->graph, halves, GRAPH_ATTR_axis, axis);
  emit_done(c->emit, halves);
  return torch_set(c, 0,
                   EMIT(c->emit, Mul, halves->out[0], EMIT(c->emit, Sigmoid, halves->out[1])));
}
