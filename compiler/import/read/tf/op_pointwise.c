/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs, constants, products, reductions, and operators that compute each element by itself. */
#include "import/read/forms.h"
#include "import/read/tf/reader.h"

#include <string.h>

bool tf_op_constant(TfCall *c) {
  const GraphTensor *t = tf_constant(c->reader, c->node);
  return t && tf_done(c, graph_constant(c->scope->graph, c->node->name, t));
}

bool tf_op_placeholder(TfCall *c) {
  const TfFile__Value *type = tf_attribute(c->node, "dtype"),
                      *shape = tf_attribute(c->node, "shape");
  GraphElem elem;
  if (c->scope->outer)
    return tf_lacks(c, E902, tf_cut(c), "is an input inside a loop, which is not supported");
  if (!type || !tf_elem(type->type, &elem))
    return tf_lacks(c, E903,
                    c->reader->is_saved ? tf_signature
                                        : "begin at the first node that makes numbers of it, and "
                                          "compute that in your program: `--input NODE`",
                    "is an input that is not a tensor of numbers");
  GraphValue *usual = c->n_in ? tf_in(c, 0) : NULL; /* its value where the caller gives none */
  if (c->n_in && (!usual || !usual->constant))
    return usual &&
           tf_lacks(c, E902,
                    "give it a default that is a constant, or none: `tf.compat.v1.placeholder`",
                    "has a computed default value, which is not supported");
  GraphInput *input = graph_input(c->scope->graph, c->node->name, elem);
  GraphValue *value = input->value;
  if (usual) input->fallback = usual->constant;
  const TfFile__Shape *s = shape ? shape->shape : NULL;
  if (s && s->n_dim > GRAPH_MAX_RANK)
    return tf_lacks(c, E903,
                    "join axes of the input in your program, and take them apart with `tf.reshape`",
                    "is an input of %zu axes; at most %d are supported", s->n_dim, GRAPH_MAX_RANK);
  for (size_t i = 0; s && i < s->n_dim; i++)
    if (s->dim[i]->size == 0)
      return tf_lacks(c, E903,
                      "give every axis of the input a size of at least 1, or leave it open",
                      "is an input without elements");
  if (s && !s->unknown_rank && s->n_dim > 0) {
    input->rank = (int)s->n_dim;
    for (int i = 0; i < input->rank; i++)
      input->dim[i].n = s->dim[i]->size > 0 ? s->dim[i]->size : GRAPH_OPEN;
  }
  if (input->rank < 0) tf_axes_from_options(c->reader, input);
  return tf_done(c, value);
}

bool tf_op_identity(TfCall *c) {
  return tf_done(c, tf_in(c, 0));
}

/* Result k is operand k. TensorFlow writes this operator where a function has a gradient of its
 * own. */
bool tf_op_identity_n(TfCall *c) {
  for (int k = 0; k < c->n_in; k++) {
    GraphValue *x = tf_in(c, k);
    if (!x) return false;
    tf_set(c, k, x);
  }
  return true;
}

/* A function of each element with the number alpha, and gamma if it is Elu. */
static bool numbered(TfCall *c, GraphOp op, double alpha, double gamma) {
  GraphValue *x = tf_in(c, 0);
  if (!x) return false;
  GraphNode *node = emit_node(c->emit, op, 1, &x, 1);
  graph_set_number(c->scope->graph, node, GRAPH_ATTR_alpha, alpha);
  if (op == GRAPH_Elu) graph_set_number(c->scope->graph, node, GRAPH_ATTR_gamma, gamma);
  return tf_done(c, emit_done(c->emit, node));
}

bool tf_op_elu(TfCall *c) {
  return numbered(c, GRAPH_Elu, 1, 1);
}
bool tf_op_selu(TfCall *c) {
  return numbered(c, GRAPH_Elu, 1.6732632423543772848170429916717,
                  1.0507009873554804934193349852946);
}
bool tf_op_leaky_relu(TfCall *c) {
  return numbered(c, GRAPH_LeakyRelu, tf_number(c->node, "alpha", 0.2), 0);
}

bool tf_op_relu6(TfCall *c) {
  GraphValue *x = tf_in(c, 0);
  return x && tf_done(c, emit_clip(c->emit, x, 0, 6));
}

/* Functions of one element for which the graph needs several operators. */
bool tf_op_form(TfCall *c) {
  static const NamedForm known[] = {
      {"Rsqrt", form_rsqrt}, {"Log1p", form_log1p}, {"Expm1", form_expm1}, {"Sinh", form_sinh},
      {"Cosh", form_cosh},   {"Asinh", form_asinh}, {"Acosh", form_acosh}, {"Atanh", form_atanh},
      {"Asin", form_asin},   {"Acos", form_acos},   {"Erfc", form_erfc}};
  FormFunction *form = FORM_NAMED(known, c->node->op);
  GraphValue *x = tf_in(c, 0);
  return x && (form ? tf_done(c, form(c->emit, x))
                    : tf_lacks(c, E902, tf_cut(c), "has no meaning here"));
}

bool tf_op_einsum(TfCall *c) {
  GraphValue **in = ARENA_ARRAY(c->reader->arena, GraphValue *, c->n_in + 1);
  int *rank = ARENA_ARRAY(c->reader->arena, int, c->n_in + 1);
  const char *equation = tf_word(c->reader, c->node, "equation", ""), *reason;
  if (!tf_all_in(c, c->n_in, in)) return false;
  for (int k = 0; k < c->n_in; k++)
    rank[k] = in[k]->constant ? in[k]->constant->rank : -1;
  GraphValue *y = form_einsum(c->emit, equation, c->n_in, in, rank, &reason);
  return y ? tf_done(c, y)
           : tf_lacks(c, E902,
                      "write it with `tf.transpose`, `tf.matmul` and `tf.reduce_sum`; grus reads "
                      "equations whose letters differ within each operand, as `bij,bjk->bik`",
                      "has the equation `%s`, %s", equation, reason);
}

bool tf_op_not_equal(TfCall *c) {
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, Not, EMIT(c->emit, Equal, in[0], in[1])));
}

bool tf_op_squared_difference(TfCall *c) {
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, Square, EMIT(c->emit, Sub, in[0], in[1])));
}

bool tf_op_add_n(TfCall *c) {
  GraphValue *sum = tf_in(c, 0);
  for (int k = 1; sum && k < c->n_in; k++) {
    GraphValue *x = tf_in(c, k);
    sum = x ? EMIT(c->emit, Add, sum, x) : NULL;
  }
  return tf_done(c, sum);
}

bool tf_op_bias_add(TfCall *c) {
  GraphValue *in[2];
  if (strcmp(tf_word(c->reader, c->node, "data_format", "NHWC"), "NHWC") != 0)
    return tf_lacks(
        c, E902, "add it along the last axis, `data_format=\"NHWC\"`, between two `tf.transpose`",
        "has its channels first, which is not supported");
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, Add, in[0], in[1]));
}

bool tf_op_matmul(TfCall *c) {
  static const int64_t swap[] = {1, 0};
  GraphValue *in[2];
  if (!tf_all_in(c, 2, in)) return false;
  if (tf_bool(c->node, "transpose_a", false)) in[0] = emit_transpose(c->emit, in[0], 2, swap);
  if (tf_bool(c->node, "transpose_b", false)) in[1] = emit_transpose(c->emit, in[1], 2, swap);
  return tf_done(c, EMIT(c->emit, MatMul, in[0], in[1]));
}

bool tf_op_batch_matmul(TfCall *c) {
  GraphValue *in[2];
  if (tf_bool(c->node, "adj_x", false) || tf_bool(c->node, "adj_y", false))
    return tf_lacks(c, E902,
                    "write the transposition apart, with the order of axes: `tf.matmul(a, "
                    "tf.transpose(b, [0, 2, 1]))`",
                    "transposes an operand whose number of axes the file does not say");
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, MatMul, in[0], in[1]));
}

bool tf_op_cast(TfCall *c) {
  const TfFile__Value *to = tf_attribute(c->node, "DstT");
  GraphElem elem;
  GraphValue *x = tf_in(c, 0);
  if (!to || !tf_elem(to->type, &elem))
    return tf_lacks(c, E902,
                    "real and whole numbers and booleans are read: `tf.cast(x, tf.float32)`",
                    "makes elements of a type that grus does not know");
  return x && tf_done(c, emit_cast(c->emit, x, elem));
}

bool tf_op_softmax(TfCall *c) {
  GraphValue *x = tf_in(c, 0);
  return x && tf_done(c, emit_axis_call(c->emit,
                                        strcmp(c->node->op, "Softmax") == 0 ? GRAPH_Softmax
                                                                            : GRAPH_LogSoftmax,
                                        -1, 1, &x));
}

bool tf_op_reduce(TfCall *c) {
  static const NamedOp known[] = {{"Mean", GRAPH_ReduceMean}, {"Sum", GRAPH_ReduceSum},
                                  {"Max", GRAPH_ReduceMax},   {"Min", GRAPH_ReduceMin},
                                  {"Prod", GRAPH_ReduceProd}, {"All", GRAPH_ReduceAll},
                                  {"Any", GRAPH_ReduceAny}};
  GraphValue *x = tf_in(c, 0);
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  if (!x || !tf_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, &n, axes)) return false;
  bool keep = tf_bool(c->node, "keep_dims", false);
  if (n == 0) return tf_done(c, x);
  return tf_done(c, emit_reduce(c->emit, OP_NAMED(known, c->node->op), x, n, axes, keep));
}

bool tf_op_arg(TfCall *c) {
  GraphValue *x = tf_in(c, 0);
  int n;
  int64_t axis;
  if (!x || !tf_constant_ints(c, 1, "axis", 1, &n, &axis)) return false;
  GraphNode *node = emit_node(
      c->emit, strcmp(c->node->op, "ArgMax") == 0 ? GRAPH_ArgMax : GRAPH_ArgMin, 1, &x, 1);
  graph_set_int(c->scope->graph, node, GRAPH_ATTR_axis, n ? axis : 0);
  graph_set_int(c->scope->graph, node, GRAPH_ATTR_keepdims, 0);
  return tf_done(c, emit_done(c->emit, node));
}
