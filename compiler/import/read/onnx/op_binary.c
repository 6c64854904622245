/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of two operands or more, element by element, and matrix products. */
#include "import/read/forms.h"
#include "import/read/onnx/reader.h"

#include <string.h>

/* Before opset 7 the second operand stands along the axes of the first from `axis` on. */
static bool legacy_broadcast(OnnxCall *c, int64_t axis, GraphValue **b) {
  int64_t behind[GRAPH_MAX_RANK];
  const GraphTensor *known = (*b)->constant;
  const GraphInput *input = NULL;
  for (int i = 0; i < c->reader->graph->n_in; i++)
    if (c->reader->graph->in[i].value == c->in[0]) input = &c->reader->graph->in[i];
  if (known && known->count == 1) return true;
  if (!known || !input || input->rank < 0)
    return call_lacks(
        c, E902, "export the model with opset 7 or newer, where shapes alone align operands",
        "aligns its operands from axis %lld on, as before opset 7, where their axes are not known",
        (long long)axis);
  int64_t from = axis < 0 ? axis + input->rank : axis, n = input->rank - from - known->rank;
  if (from < 0 || n < 0 || n > GRAPH_MAX_RANK)
    return call_refuse(c, E901, "has operands whose axes do not fit");
  for (int i = 0; i < n; i++)
    behind[i] = known->rank + i;
  if (n) *b = emit_unsqueeze(c->emit, *b, (int)n, behind);
  return true;
}

bool onnx_op_binary(OnnxCall *c) {
  static const NamedOp known[] = {{"Add", GRAPH_Add},
                                  {"Sub", GRAPH_Sub},
                                  {"Mul", GRAPH_Mul},
                                  {"Div", GRAPH_Div},
                                  {"Pow", GRAPH_Pow},
                                  {"And", GRAPH_And},
                                  {"Or", GRAPH_Or},
                                  {"Xor", GRAPH_Xor},
                                  {"Equal", GRAPH_Equal},
                                  {"Less", GRAPH_Less},
                                  {"LessOrEqual", GRAPH_LessEqual},
                                  {"Greater", GRAPH_Greater},
                                  {"GreaterOrEqual", GRAPH_GreaterEqual}};
  GraphValue *b = c->in[1];
  bool legacy =
      c->reader->opset < 7 && call_attr_int(c, "broadcast", 0) && call_attribute(c, "axis");
  if (legacy && !legacy_broadcast(c, call_attr_int(c, "axis", 0), &b)) return false;
  GraphOp op = OP_NAMED(known, c->node->op_type);
  return call_set(c, 0, emit_call(c->emit, op, 2, (GraphValue *[]){c->in[0], b}));
}

bool onnx_op_prelu(OnnxCall *c) {
  GraphValue *slope = c->in[1];
  if (c->reader->opset < 7 && !legacy_broadcast(c, 1, &slope)) return false; /* one a channel */
  return call_set(c, 0, EMIT(c->emit, Prelu, c->in[0], slope));
}

bool onnx_op_mod(OnnxCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_Mod, 2, c->in, 1);
  const char *mode = call_attr_int(c, "fmod", 0) ? "trunc" : "floor";
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &mode);
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_variadic(OnnxCall *c) {
  const char *name = c->node->op_type;
  GraphOp op = strcmp(name, "Max") == 0   ? GRAPH_Max
               : strcmp(name, "Min") == 0 ? GRAPH_Min
                                          : GRAPH_Add;
  GraphValue *x = c->in[0];
  for (int k = 1; k < c->n_in; k++) {
    if (!c->in[k]) return call_refuse(c, E901, "lacks operand %d", k);
    x = emit_call(c->emit, op, 2, (GraphValue *[]){x, c->in[k]});
  }
  if (strcmp(name, "Mean") == 0) x = EMIT(c->emit, Div, x, emit_number(c->emit, c->n_in));
  return call_set(c, 0, x);
}

GraphValue *onnx_activated(OnnxCall *c, GraphValue *x) {
  static const NamedOp known[] = {
      {"Relu", GRAPH_Relu}, {"Tanh", GRAPH_Tanh}, {"Sigmoid", GRAPH_Sigmoid}};
  const char *name = call_attr_string(c, "activation", "");
  if (!x || !*name) return x;
  GraphOp op = OP_NAMED(known, name);
  if (op != GRAPH_OP_COUNT) return emit_call(c->emit, op, 1, &x);
  call_lacks(c, E902,
             "import the file as it was before onnxruntime optimised it, where the activation is a "
             "node of its own; here grus reads Relu, Tanh and Sigmoid",
             "ends with the activation `%s`, which is not supported", name);
  return NULL;
}

bool onnx_op_gemm(OnnxCall *c) {
  static const int64_t swap[] = {1, 0};
  double alpha = call_attr_float(c, "alpha", 1), beta = call_attr_float(c, "beta", 1);
  GraphValue *a = c->in[0], *b = c->in[1], *bias = call_operand(c, 2);
  if (call_attr_int(c, "transA", 0)) a = emit_transpose(c->emit, a, 2, swap);
  if (call_attr_int(c, "transB", 0)) b = emit_transpose(c->emit, b, 2, swap);
  GraphValue *y = EMIT(c->emit, MatMul, a, b);
  if (alpha != 1) y = EMIT(c->emit, Mul, y, emit_number(c->emit, alpha));
  if (bias && beta != 1) bias = EMIT(c->emit, Mul, bias, emit_number(c->emit, beta));
  if (bias) y = EMIT(c->emit, Add, y, bias);
  y = onnx_activated(c, y);
  return y && call_set(c, 0, y);
}

/* The last two axes exchanged needs their number, which a constant has. */
static GraphValue *last_two(OnnxCall *c, GraphValue *x) {
  int64_t perm[GRAPH_MAX_RANK];
  const GraphTensor *t = x->constant;
  if (!t || t->rank < 2) return NULL;
  for (int i = 0; i < t->rank; i++)
    perm[i] = i < t->rank - 2 ? i : 2 * t->rank - 3 - i;
  return emit_transpose(c->emit, x, t->rank, perm);
}

bool onnx_op_fused_matmul(OnnxCall *c) {
  double alpha = call_attr_float(c, "alpha", 1);
  GraphValue *operand[2] = {c->in[0], c->in[1]};
  if (call_attr_int(c, "transBatchA", 0) || call_attr_int(c, "transBatchB", 0))
    return call_lacks(c, E902,
                      "import the file as it was before onnxruntime optimised it, with a "
                      "`Transpose` before a `MatMul`",
                      "transposes its batch axis, which is not supported");
  for (int k = 0; k < 2; k++)
    if (call_attr_int(c, k ? "transB" : "transA", 0)) {
      operand[k] = last_two(c, operand[k]);
      if (!operand[k])
        return call_lacks(c, E902,
                          "import the file as it was before onnxruntime optimised it, with a "
                          "`Transpose` before a `MatMul`",
                          "transposes a computed operand of an unknown number of axes");
    }
  GraphValue *y = EMIT(c->emit, MatMul, operand[0], operand[1]);
  if (alpha != 1) y = EMIT(c->emit, Mul, y, emit_number(c->emit, alpha));
  return call_set(c, 0, y);
}

bool onnx_op_einsum(OnnxCall *c) {
  const char *equation = call_attr_string(c, "equation", ""), *reason;
  for (int k = 1; k < c->n_in; k++)
    if (!c->in[k]) return call_refuse(c, E901, "lacks operand %d", k);
  GraphValue *y = form_einsum(c->emit, equation, c->n_in, c->in, NULL, &reason);
  return y ? call_set(c, 0, y)
           : call_lacks(c, E902,
                        "write it as `Transpose`, `MatMul` and `ReduceSum`; grus reads equations "
                        "whose letters differ within each operand, as `bij,bjk->bik`",
                        "has the equation `%s`, %s", equation, reason);
}
