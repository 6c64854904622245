/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of two operands and more, element by element. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

bool torch_op_binary(TorchCall *c) {
  GraphValue *a = torch_operand(c, "self"), *b = a ? torch_operand(c, "other") : NULL;
  return b && torch_set(c, 0, emit_call(c->emit, c->same, 2, (GraphValue *[]){a, b}));
}

/* The rest has the sign of self. */
bool torch_op_fmod(TorchCall *c) {
  GraphValue *a = torch_operand(c, "self"), *b = a ? torch_operand(c, "other") : NULL;
  const char *mode = "trunc";
  if (!b) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_Mod, 2, (GraphValue *[]){a, b}, 1);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &mode);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_pow(TorchCall *c) {
  GraphValue *x = torch_operand(c, "self"), *y = x ? torch_operand(c, "exponent") : NULL;
  if (!y) return false;
  if (torch_result_elem(c) == GRAPH_FLOAT) x = torch_real(c, "self", x);
  return torch_set(c, 0, EMIT(c->emit, Pow, x, y));
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
  return torch_set(
      c, 0, strncmp(c->op, "add", 3) == 0 ? EMIT(c->emit, Add, a, b) : EMIT(c->emit, Sub, a, b));
}

/* Without a rounding mode whole numbers give fractions. */
bool torch_op_div(TorchCall *c) {
  GraphValue *a = torch_operand(c, "self"), *b = a ? torch_operand(c, "other") : NULL;
  const char *mode = torch_word(c, "rounding_mode", "");
  if (!b) return false;
  if (strcmp(mode, "floor") == 0) return torch_set(c, 0, EMIT(c->emit, FloorDiv, a, b));
  bool truncates = strcmp(mode, "trunc") == 0;
  if (*mode && !truncates)
    return torch_lacks(c, E902, "`floor` and `trunc` are read",
                       "has the rounding_mode `%s`, which is not supported", mode);
  if (truncates && torch_result_elem(c) != GRAPH_FLOAT)
    return torch_set(c, 0, EMIT(c->emit, Div, a, b));
  GraphValue *y = EMIT(c->emit, Div, torch_real(c, "self", a), b);
  return torch_set(c, 0, truncates ? form_trunc(c->emit, y) : y);
}

/* addcmul, addcdiv: self + value tensor1 tensor2, or tensor1 / tensor2. */
bool torch_op_addc(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *a = x ? torch_in(c, "tensor1") : NULL,
             *b = a ? torch_in(c, "tensor2") : NULL;
  double value = torch_number(c, "value", 1);
  if (!b) return false;
  GraphValue *y =
      strcmp(c->op, "addcdiv") == 0 ? EMIT(c->emit, Div, a, b) : EMIT(c->emit, Mul, a, b);
  if (value != 1) y = EMIT(c->emit, Mul, y, emit_number(c->emit, value));
  return torch_set(c, 0, EMIT(c->emit, Add, x, y));
}

/* self + weight (end - self) */
bool torch_op_lerp(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *end = x ? torch_in(c, "end") : NULL,
             *weight = end ? torch_operand(c, "weight") : NULL;
  if (!weight) return false;
  GraphValue *way = EMIT(c->emit, Mul, EMIT(c->emit, Sub, end, x), weight);
  return torch_set(c, 0, EMIT(c->emit, Add, x, way));
}

/* self log(other), and 0 where self is 0. */
bool torch_op_xlogy(TorchCall *c) {
  GraphValue *x = torch_operand(c, "self"), *y = x ? torch_operand(c, "other") : NULL;
  if (!y) return false;
  GraphValue *product = EMIT(c->emit, Mul, x, EMIT(c->emit, Log, torch_real(c, "other", y)));
  GraphValue *zero = EMIT(c->emit, Equal, x, emit_number(c->emit, 0));
  return torch_set(c, 0, EMIT(c->emit, Where, zero, emit_number(c->emit, 0), product));
}

/* Of truths alone. */
bool torch_op_bitwise(TorchCall *c) {
  GraphValue *a = torch_operand(c, "self"), *b = a ? torch_operand(c, "other") : NULL;
  if (!b) return false;
  if (torch_result_elem(c) != GRAPH_BOOL)
    return torch_lacks(c, E902, "compare first: `(a > 0) & (b > 0)`",
                       "combines the bits of whole numbers; grus combines truths alone");
  GraphOp op = strstr(c->op, "xor") ? GRAPH_Xor : strstr(c->op, "or") ? GRAPH_Or : GRAPH_And;
  return torch_set(c, 0, emit_call(c->emit, op, 2, (GraphValue *[]){a, b}));
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
