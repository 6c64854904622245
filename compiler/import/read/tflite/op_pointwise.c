/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that compute each element by itself, and those along the last axis. */
#include "import/read/tflite/reader.h"

enum { ADD = 0, MUL = 18, SUB = 41, RELU_N1_TO_1 = 20, RELU6 = 21 }; /* codes of the schema */

/* ADD, SUB, MUL and DIV. Field 0 of their options is the activation that follows. */
bool tfl_op_arithmetic(TflCall *c) {
  GraphValue *in[2] = {tfl_real(c, 0), tfl_real(c, 1)};
  GraphOp op = c->op.code == ADD   ? GRAPH_Add
               : c->op.code == MUL ? GRAPH_Mul
               : c->op.code == SUB ? GRAPH_Sub
                                   : GRAPH_Div;
  GraphValue *y =
      tfl_activated(c, emit_call(c->emit, op, 2, in), flat_u8(&c->reader->flat, c->op.options, 0));
  return y && tfl_set_real(c, 0, y);
}

bool tfl_op_add_n(TflCall *c) {
  GraphValue *sum = tfl_real(c, 0);
  for (int k = 1; k < c->n_in; k++) {
    GraphValue *next = tfl_real(c, k);
    if (!next) return tfl_refuse(c, E901, "lacks operand %d", k);
    sum = EMIT(c->emit, Add, sum, next);
  }
  return tfl_set_real(c, 0, sum);
}

bool tfl_op_not_equal(TflCall *c) {
  GraphValue *in[2] = {tfl_real(c, 0), tfl_real(c, 1)};
  return tfl_set(c, 0, EMIT(c->emit, Not, EMIT(c->emit, Equal, in[0], in[1])));
}

bool tfl_op_squared_difference(TflCall *c) {
  GraphValue *in[2] = {tfl_real(c, 0), tfl_real(c, 1)};
  return tfl_set_real(c, 0, EMIT(c->emit, Square, EMIT(c->emit, Sub, in[0], in[1])));
}

bool tfl_op_bounded(TflCall *c) {
  double low = c->op.code == RELU_N1_TO_1 ? -1 : 0, high = c->op.code == RELU6 ? 6 : 1;
  return tfl_set_real(c, 0, emit_clip(c->emit, tfl_real(c, 0), low, high));
}

bool tfl_op_rsqrt(TflCall *c) {
  return tfl_set_real(c, 0, EMIT(c->emit, Reciprocal, EMIT(c->emit, Sqrt, tfl_real(c, 0))));
}

bool tfl_op_leaky_relu(TflCall *c) {
  GraphValue *x = tfl_real(c, 0);
  GraphNode *node = emit_node(c->emit, GRAPH_LeakyRelu, 1, &x, 1);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_alpha, tfl_option_number(c, 0));
  return tfl_set_real(c, 0, emit_done(c->emit, node));
}

bool tfl_op_gelu(TflCall *c) {
  GraphValue *x = tfl_real(c, 0);
  GraphNode *node = emit_node(c->emit, GRAPH_Gelu, 1, &x, 1);
  const char *form = tfl_flag(c, 0) ? "tanh" : "erf";
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_form, 1, &form);
  return tfl_set_real(c, 0, emit_done(c->emit, node));
}

bool tfl_op_softmax(TflCall *c) {
  GraphValue *x = tfl_real(c, 0);
  double beta = tfl_option_number(c, 0);
  if (beta != 1) x = EMIT(c->emit, Mul, x, emit_number(c->emit, beta));
  return tfl_set_real(c, 0, emit_axis_call(c->emit, GRAPH_Softmax, -1, 1, &x));
}

bool tfl_op_log_softmax(TflCall *c) {
  GraphValue *x = tfl_real(c, 0);
  return tfl_set_real(c, 0, emit_axis_call(c->emit, GRAPH_LogSoftmax, -1, 1, &x));
}

bool tfl_op_l2_normalization(TflCall *c) {
  const double smallest_norm = 1e-6; /* of the interpreter's kernels */
  GraphValue *x = tfl_real(c, 0);
  GraphNode *node = emit_node(c->emit, GRAPH_LpNormalize, 1, &x, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, -1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_order, 2);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_eps, smallest_norm);
  GraphValue *y =
      tfl_activated(c, emit_done(c->emit, node), flat_u8(&c->reader->flat, c->op.options, 0));
  return y && tfl_set_real(c, 0, y);
}

/* The integers of a quantised operand are cast, and not what they stand for. */
bool tfl_op_cast(TflCall *c) {
  GraphElem elem;
  int type = c->to[0] ? c->to[0]->type : TFL_FLOAT32;
  if (!tfl_elem(type, &elem))
    return tfl_lacks(c, E902, tfl_cut(c), "has a result of type %s", tfl_type_name(type));
  return tfl_set(c, 0, emit_cast(c->emit, c->in[0], elem));
}

/* QUANTIZE and DEQUANTIZE: from one scale to another, from real numbers, or to real numbers. */
bool tfl_op_requantize(TflCall *c) {
  GraphElem elem;
  const TflTensor *from = c->from[0], *to = c->to[0];
  bool real = tfl_elem(from->type, &elem) && elem == GRAPH_FLOAT;
  if (!real && !tfl_quantised(from))
    return tfl_lacks(c, E904, tfl_in_floats, "has an operand without a scale");
  if (to && tfl_elem(to->type, &elem) && elem != GRAPH_FLOAT && !tfl_quantised(to))
    return tfl_lacks(c, E904, tfl_in_floats, "has a result without a scale");
  return tfl_set_real(c, 0, tfl_real(c, 0));
}

/* The condition of a SELECT may have one axis, each element of which chooses a whole row. */
bool tfl_op_select(TflCall *c) {
  enum { SELECT = 64 };
  GraphValue *condition = c->in[0], *in[2] = {tfl_real(c, 1), tfl_real(c, 2)};
  int64_t dim[GRAPH_MAX_RANK] = {-1};
  int rank = c->from[1]->rank;
  if (c->op.code == SELECT && c->from[0]->rank == 1 && rank > 1) {
    for (int i = 1; i < rank; i++)
      dim[i] = 1;
    condition = emit_reshape(c->emit, condition, rank, dim);
  }
  return tfl_set_real(c, 0, EMIT(c->emit, Where, condition, in[0], in[1]));
}
