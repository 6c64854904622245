/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of one operand, element by element. */
#include "import/read/forms.h"
#include "import/read/onnx/reader.h"

#include <math.h>
#include <string.h>

/* The first operand through an operator with up to two numbers; a name of GRAPH_ATTRIBUTE_COUNT:
 * none. */
static GraphValue *with_numbers(OnnxCall *c, GraphOp op, GraphAttributeName first, double x,
                                GraphAttributeName second, double y) {
  Graph *graph = c->emit->graph;
  GraphNode *node = emit_node(c->emit, op, 1, c->in, 1);
  if (first != GRAPH_ATTRIBUTE_COUNT) graph_set_number(graph, node, first, x);
  if (second != GRAPH_ATTRIBUTE_COUNT) graph_set_number(graph, node, second, y);
  return emit_done(c->emit, node);
}

bool onnx_op_identity(OnnxCall *c) {
  return call_set(c, 0, c->in[0]);
}

/* Dropout does nothing when the model runs. */
bool onnx_op_dropout(OnnxCall *c) {
  double training = 0;
  if (call_operand(c, 2) && (!constant_number(c->in[2], &training) || training != 0))
    return call_lacks(
        c, E902, "export the model in evaluation mode: `model.eval()` before `torch.onnx.export`",
        "may drop elements: it is exported for training");
  if (call_is_read(c, 1))
    return call_lacks(c, E902,
                      "in evaluation mode every element of the mask is true: let the nodes that "
                      "read it use a constant",
                      "returns its mask, which is not supported");
  return call_set(c, 0, c->in[0]);
}

bool onnx_op_leaky_relu(OnnxCall *c) {
  double alpha = call_attr_float(c, "alpha", 0.01);
  return call_set(
      c, 0, with_numbers(c, GRAPH_LeakyRelu, GRAPH_ATTR_alpha, alpha, GRAPH_ATTRIBUTE_COUNT, 0));
}

bool onnx_op_elu(OnnxCall *c) {
  double alpha = call_attr_float(c, "alpha", 1);
  return call_set(c, 0, with_numbers(c, GRAPH_Elu, GRAPH_ATTR_alpha, alpha, GRAPH_ATTR_gamma, 1));
}

bool onnx_op_selu(OnnxCall *c) {
  double alpha = call_attr_float(c, "alpha", 1.67326319217681884765625),
         gamma = call_attr_float(c, "gamma", 1.05070102214813232421875);
  return call_set(c, 0,
                  with_numbers(c, GRAPH_Elu, GRAPH_ATTR_alpha, alpha, GRAPH_ATTR_gamma, gamma));
}

bool onnx_op_celu(OnnxCall *c) {
  double alpha = call_attr_float(c, "alpha", 1);
  return call_set(c, 0,
                  with_numbers(c, GRAPH_Celu, GRAPH_ATTR_alpha, alpha, GRAPH_ATTRIBUTE_COUNT, 0));
}

bool onnx_op_hard_sigmoid(OnnxCall *c) {
  double alpha = call_attr_float(c, "alpha", 0.2), beta = call_attr_float(c, "beta", 0.5);
  return call_set(
      c, 0, with_numbers(c, GRAPH_HardSigmoid, GRAPH_ATTR_alpha, alpha, GRAPH_ATTR_beta, beta));
}

bool onnx_op_thresholded_relu(OnnxCall *c) {
  return call_set(c, 0, form_threshold(c->emit, c->in[0], call_attr_float(c, "alpha", 1), 0));
}

bool onnx_op_shrink(OnnxCall *c) {
  double lambda = call_attr_float(c, "lambd", 0.5), bias = call_attr_float(c, "bias", 0);
  return call_set(c, 0, form_shrink(c->emit, c->in[0], lambda, bias));
}

/* Bounds are attributes before opset 11, then operands, which may be computed. */
bool onnx_op_clip(OnnxCall *c) {
  double low = -INFINITY, high = INFINITY;
  if (c->reader->opset < 11) {
    low = call_attr_float(c, "min", low);
    high = call_attr_float(c, "max", high);
  }
  GraphValue *min = call_operand(c, 1), *max = call_operand(c, 2), *x = c->in[0];
  bool known = (!min || constant_number(min, &low)) && (!max || constant_number(max, &high));
  if (known) return call_set(c, 0, emit_clip(c->emit, x, low, high));
  if (min) x = EMIT(c->emit, Max, x, min);
  if (max) x = EMIT(c->emit, Min, x, max);
  return call_set(c, 0, x);
}

static GraphValue *gelu(OnnxCall *c, GraphValue *x, bool tanh_form) {
  GraphNode *node = emit_node(c->emit, GRAPH_Gelu, 1, &x, 1);
  const char *form = tanh_form ? "tanh" : "erf";
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_form, 1, &form);
  return emit_done(c->emit, node);
}

bool onnx_op_gelu(OnnxCall *c) {
  const char *form = call_attr_string(c, "approximate", "none");
  return call_set(c, 0, gelu(c, c->in[0], strcmp(form, "tanh") == 0));
}

bool onnx_op_fast_gelu(OnnxCall *c) {
  GraphValue *bias = call_operand(c, 1);
  return call_set(c, 0, gelu(c, bias ? EMIT(c->emit, Add, c->in[0], bias) : c->in[0], true));
}

bool onnx_op_bias_gelu(OnnxCall *c) {
  return call_set(c, 0, gelu(c, EMIT(c->emit, Add, c->in[0], c->in[1]), false));
}

/* x sigmoid(alpha x) */
bool onnx_op_swish(OnnxCall *c) {
  bool quick = strcmp(c->node->op_type, "QuickGelu") == 0;
  double alpha = call_attr_float(c, "alpha", quick ? 1.702 : 1);
  if (alpha == 1) return call_set(c, 0, EMIT(c->emit, Silu, c->in[0]));
  GraphValue *scaled = EMIT(c->emit, Mul, c->in[0], emit_number(c->emit, alpha));
  return call_set(c, 0, EMIT(c->emit, Mul, c->in[0], EMIT(c->emit, Sigmoid, scaled)));
}

bool onnx_op_cast(OnnxCall *c) {
  GraphElem elem;
  int64_t to = call_attr_int(c, "to", 0);
  if (to < 0 || to > INT16_MAX || !onnx_elem((int)to, &elem))
    return call_lacks(c, E902, onnx_cut(c),
                      "makes elements of type %lld, which are not numbers that grus knows",
                      (long long)to);
  return call_set(c, 0, emit_cast(c->emit, c->in[0], elem));
}

bool onnx_op_cast_like(OnnxCall *c) {
  if (!c->in[1]->constant)
    return call_lacks(c, E902,
                      "write it as a `Cast` to the type; `onnxscript.optimizer.optimize` does so "
                      "if the type is known",
                      "takes its type from a computed value");
  return call_set(c, 0, emit_cast(c->emit, c->in[0], c->in[1]->constant->elem));
}

bool onnx_op_is_inf(OnnxCall *c) {
  bool positive = call_attr_int(c, "detect_positive", 1) != 0,
       negative = call_attr_int(c, "detect_negative", 1) != 0;
  GraphValue *x = positive && negative ? EMIT(c->emit, Abs, c->in[0]) : c->in[0];
  return call_set(c, 0,
                  EMIT(c->emit, Equal, x,
                       emit_number(c->emit, !positive && !negative ? NAN
                                            : positive             ? INFINITY
                                                                   : -INFINITY)));
}

bool onnx_op_form(OnnxCall *c) {
  static const NamedForm known[] = {
      {"Sinh", form_sinh},   {"Cosh", form_cosh}, {"Asinh", form_asinh}, {"Acosh", form_acosh},
      {"Atanh", form_atanh}, {"Asin", form_asin}, {"Acos", form_acos}};
  FormFunction *form = FORM_NAMED(known, c->node->op_type);
  return form ? call_set(c, 0, form(c->emit, c->in[0]))
              : call_lacks(c, E902, onnx_cut(c), "is not supported");
}
