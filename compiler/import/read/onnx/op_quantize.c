/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Quantised operators: integers where the format computes in them, else real arithmetic between
 * Dequantize and Quantize, which gives the same integers. */
#include "import/read/onnx/window.h"

#include <string.h>

/* The axis of scales: where the file gives blocks, those. */
static void set_scales(OnnxCall *c, GraphNode *node) {
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, call_attr_int(c, "axis", 1));
  if (call_attr_int(c, "block_size", 0))
    graph_set_int(c->emit->graph, node, GRAPH_ATTR_block, call_attr_int(c, "block_size", 0));
}

bool onnx_op_quantize(OnnxCall *c) {
  GraphValue *zero = call_operand(c, 2);
  GraphElem elem = GRAPH_U8;
  int64_t type = call_attr_int(c, "output_dtype", 0);
  if (type && (type > INT16_MAX || type < 0 || !onnx_elem((int)type, &elem) || elem == GRAPH_FLOAT))
    return call_lacks(
        c, E902,
        "quantise to whole numbers, as `onnxruntime.quantization.quantize_static(..., "
        "activation_type=QuantType.QInt8)` does, or import the float model",
        "quantises to elements of type %lld", (long long)type);
  GraphNode *node = emit_node(c->emit, GRAPH_Quantize, zero ? 3 : 2, c->in, 1);
  set_scales(c, node);
  if (type || !zero)
    graph_set_int(c->emit->graph, node, GRAPH_ATTR_elem, elem); /* else that of zero */
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_dequantize(OnnxCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_Dequantize, c->n_in, c->in, 1);
  set_scales(c, node);
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_dynamic_quantize(OnnxCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_DynamicQuantize, 1, c->in, 3);
  return call_set(c, 0, node->out[0]) && call_set(c, 1, node->out[1]) &&
         call_set(c, 2, node->out[2]);
}

bool onnx_op_matmul_integer(OnnxCall *c) {
  return call_set(c, 0, emit_call(c->emit, GRAPH_MatMulInteger, c->n_in, c->in));
}

/* x, w, zero of x, zero of w. Pads hold the zero of x, and so count nothing. */
bool onnx_op_conv_integer(OnnxCall *c) {
  GraphValue *w = c->in[1], *zero = call_operand(c, 2), *zero_w = call_operand(c, 3);
  double fill = 0;
  if (zero && !constant_number(zero, &fill) &&
      strncmp(call_attr_string(c, "auto_pad", ""), "SAME", 4) == 0)
    return call_lacks(
        c, E902,
        "write the pads as `pads` instead of `auto_pad`, or a zero point that is a constant",
        "pads with a computed zero point, which is not supported");
  GraphValue *y =
      onnx_window(c, GRAPH_ConvInteger, c->in[0], 3, (GraphValue *[]){w, zero, zero_w}, w, fill);
  return y && call_set(c, 0, y);
}

/* x, scale, zero: operands k, k + 1, k + 2. */
static GraphValue *real(OnnxCall *c, int k, int64_t axis) {
  return emit_dequantize(c->emit, c->in[k], c->in[k + 1], call_operand(c, k + 2), axis);
}

static GraphValue *quantised(OnnxCall *c, GraphValue *x, int k) {
  GraphValue *zero = call_operand(c, k + 1);
  return emit_quantize(c->emit, x, c->in[k], zero);
}

/* Operands from `first` to `last`, zero points left out, have to be there. */
static bool all_there(OnnxCall *c, int n, const int *needed) {
  for (int i = 0; i < n; i++)
    if (!call_operand(c, needed[i])) return call_refuse(c, E901, "lacks operand %d", needed[i]);
  return true;
}

bool onnx_op_qlinear_matmul(OnnxCall *c) {
  return call_set(c, 0, quantised(c, EMIT(c->emit, MatMul, real(c, 0, -2), real(c, 3, -1)), 6));
}

/* The scale of a product's sums, in which a bias of 32 bits is given. */
static GraphValue *bias_of(OnnxCall *c, GraphValue *bias, GraphValue *scale_x,
                           GraphValue *scale_w) {
  if (!bias) return NULL;
  GraphValue *scale = EMIT(c->emit, Mul, scale_x, scale_w);
  return EMIT(c->emit, Mul, emit_cast(c->emit, bias, GRAPH_FLOAT), scale);
}

/* x, scale, zero, w, scale, zero, scale of y, zero of y, bias */
bool onnx_op_qlinear_conv(OnnxCall *c) {
  GraphValue *shape = c->in[3], *w = real(c, 3, 0),
             *b = bias_of(c, call_operand(c, 8), c->in[1], c->in[4]), *x = real(c, 0, 1);
  GraphValue *y = onnx_window(c, GRAPH_Conv, x, b ? 2 : 1, (GraphValue *[]){w, b}, shape, 0);
  return y && call_set(c, 0, quantised(c, y, 6));
}

/* A, scale, zero, B, scale, zero, C (32 bits), scale of y, zero of y; a float result without the
 * last two. */
bool onnx_op_qgemm(OnnxCall *c) {
  static const int64_t swap[] = {1, 0};
  static const int needed[] = {0, 1, 3, 4};
  if (!all_there(c, 4, needed)) return false;
  bool turned = call_attr_int(c, "transB", 0) != 0;
  double alpha = call_attr_float(c, "alpha", 1);
  GraphValue *a = real(c, 0, 1), *b = real(c, 3, turned ? 0 : 1);
  if (call_attr_int(c, "transA", 0)) a = emit_transpose(c->emit, a, 2, swap);
  if (turned) b = emit_transpose(c->emit, b, 2, swap);
  GraphValue *y = EMIT(c->emit, MatMul, a, b),
             *bias = bias_of(c, call_operand(c, 6), c->in[1], c->in[4]);
  if (bias) y = EMIT(c->emit, Add, y, bias);
  if (alpha != 1) y = EMIT(c->emit, Mul, y, emit_number(c->emit, alpha));
  return call_set(c, 0, call_operand(c, 7) ? quantised(c, y, 7) : y);
}

bool onnx_op_qlinear_binary(OnnxCall *c) {
  static const int needed[] = {0, 1, 3, 4, 6};
  if (!all_there(c, 5, needed)) return false;
  GraphOp op = strcmp(c->node->op_type, "QLinearAdd") == 0 ? GRAPH_Add : GRAPH_Mul;
  GraphValue *in[2] = {real(c, 0, 1), real(c, 3, 1)};
  return call_set(c, 0, quantised(c, emit_call(c->emit, op, 2, in), 6));
}

bool onnx_op_qlinear_unary(OnnxCall *c) {
  static const int needed[] = {0, 1, 3};
  if (!all_there(c, 3, needed)) return false;
  const char *name = c->node->op_type;
  GraphValue *x = real(c, 0, 1), *y;
  if (strcmp(name, "QLinearSigmoid") == 0)
    y = EMIT(c->emit, Sigmoid, x);
  else if (strcmp(name, "QLinearSoftmax") == 0) {
    if (call_attr_int(c, "opset", 13) < 13)
      return call_lacks(c, E902,
                        "quantise the model from opset 13 or newer, where softmax is over one axis",
                        "is a softmax as before opset 13, which is not supported");
    y = emit_axis_call(c->emit, GRAPH_Softmax, call_attr_int(c, "axis", -1), 1, &x);
  } else {
    GraphNode *node = emit_node(c->emit, GRAPH_LeakyRelu, 1, &x, 1);
    graph_set_number(c->emit->graph, node, GRAPH_ATTR_alpha, call_attr_float(c, "alpha", 0.01));
    y = emit_done(c->emit, node);
  }
  return call_set(c, 0, quantised(c, y, 3));
}

/* False after reporting. */
static bool channels_are_first(OnnxCall *c) {
  return !call_attr_int(c, "channels_last", 0) ||
         call_lacks(c, E902,
                    "import the file as it was before onnxruntime optimised it, or save it with "
                    "optimisations up to `ORT_ENABLE_EXTENDED`: channels are first there",
                    "has its channels last, which is not supported");
}

bool onnx_op_qlinear_global_pool(OnnxCall *c) {
  if (!channels_are_first(c)) return false;
  return call_set(c, 0, quantised(c, onnx_global_pool(c, real(c, 0, 1), false), 3));
}

bool onnx_op_qlinear_pool(OnnxCall *c) {
  static const int needed[] = {0, 1, 3};
  if (!all_there(c, 3, needed)) return false;
  if (!channels_are_first(c)) return false;
  GraphValue *y = onnx_window(c, GRAPH_AvgPool, real(c, 0, 1), 0, NULL, NULL, 0);
  return y && call_set(c, 0, quantised(c, y, 3));
}

/* scale of y, zero of y, then x, scale, zero of each part */
bool onnx_op_qlinear_concat(OnnxCall *c) {
  int n = (c->n_in - 2) / 3;
  GraphValue **part = ARENA_ARRAY(c->reader->arena, GraphValue *, n + 1);
  if ((c->n_in - 2) % 3 != 0) return call_refuse(c, E901, "has %d operands", c->n_in);
  for (int k = 0; k < n; k++) {
    if (!c->in[2 + 3 * k] || !c->in[3 + 3 * k]) return call_refuse(c, E901, "lacks operands");
    part[k] = real(c, 2 + 3 * k, 1);
  }
  return call_set(c, 0,
                  quantised(c, emit_concat(c->emit, call_attr_int(c, "axis", 1), n, part), 0));
}

/* A, B, scale of B, zero of B, bias: A is quantised by what it holds. */
bool onnx_op_dynamic_matmul(OnnxCall *c) {
  GraphNode *dynamic = emit_node(c->emit, GRAPH_DynamicQuantize, 1, c->in, 3);
  GraphValue *zero_b = call_operand(c, 3), *bias = call_operand(c, 4);
  GraphValue *in[4] = {dynamic->out[0], c->in[1], dynamic->out[2], zero_b};
  GraphValue *sums =
      emit_cast(c->emit, emit_call(c->emit, GRAPH_MatMulInteger, zero_b ? 4 : 3, in), GRAPH_FLOAT);
  GraphValue *y = EMIT(c->emit, Mul, sums, EMIT(c->emit, Mul, dynamic->out[1], c->in[2]));
  return call_set(c, 0, bias ? EMIT(c->emit, Add, y, bias) : y);
}

/* A, B, scale of A, scale of B, zero of A, zero of B, bias */
bool onnx_op_matmul_integer_to_float(OnnxCall *c) {
  GraphValue *zero_a = call_operand(c, 4), *zero_b = call_operand(c, 5), *bias = call_operand(c, 6);
  GraphValue *in[4] = {c->in[0], c->in[1], zero_a, zero_b};
  GraphValue *sums =
      emit_cast(c->emit, emit_call(c->emit, GRAPH_MatMulInteger, 4, in), GRAPH_FLOAT);
  GraphValue *y = EMIT(c->emit, Mul, sums, EMIT(c->emit, Mul, c->in[2], c->in[3]));
  return call_set(c, 0, bias ? EMIT(c->emit, Add, y, bias) : y);
}
