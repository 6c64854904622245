/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* MatMulInteger and ConvInteger as products of real numbers, and integers that are read with
 * another scale than they were written with: see real.c. */
#include "import/lift/real.h"

const GraphTensor *real_constant(RealFrame *frame, const GraphNode *node, int k) {
  const RealValue *m = k < node->n_in && node->in[k] ? real_value(frame, node->in[k]) : NULL;
  return m ? m->value->constant : NULL;
}

static GraphValue *number(RealFrame *frame, double x) {
  return graph_constant(frame->to, "", graph_scalar(frame->to->arena, GRAPH_FLOAT, x));
}

static GraphValue *two(RealFrame *frame, GraphOp op, const GraphNode *like, GraphValue *a,
                       GraphValue *b) {
  return graph_call(frame->to, op, like->name, like->source, 2, (GraphValue *[]){a, b});
}

static double zero_of(const GraphTensor *zero) {
  return zero && zero->count ? graph_at(zero, 0) : 0;
}

bool real_zero_is(const GraphTensor *zero, double z) {
  for (int64_t i = 0; zero && i < zero->count; i++)
    if (graph_at(zero, i) != z) return false;
  return zero || z == 0;
}

/* The numbers q - zero for integers q that stand for x = (q - z) s: x / s + z - zero. NULL: there
 * are several scales. */
static GraphValue *shifted(RealFrame *frame, const GraphNode *node, const RealValue *q,
                           double zero) {
  double s = graph_at(q->scale, 0), z = zero_of(q->zero);
  GraphValue *x = q->value;
  if (q->scale->count != 1 || !real_zero_is(q->zero, z)) return NULL;
  if (s != 1) x = two(frame, GRAPH_Mul, node, x, number(frame, 1 / s));
  if (z != zero) x = two(frame, GRAPH_Add, node, x, number(frame, z - zero));
  return x;
}

bool real_read_otherwise(RealFrame *frame, const GraphNode *node, const RealValue *q) {
  const GraphTensor *scale = real_constant(frame, node, 1), *zero = real_constant(frame, node, 2);
  double z = zero_of(zero);
  GraphValue *x = scale && scale->count == 1 && real_zero_is(zero, z) &&
                          (node->n_in < 3 || !node->in[2] || zero)
                      ? shifted(frame, node, q, z)
                      : NULL;
  if (!x) return false;
  if (graph_at(scale, 0) != 1)
    x = two(frame, GRAPH_Mul, node, x, number(frame, graph_at(scale, 0)));
  frame->meaning[node->out[0]->id] = (RealValue){.value = x};
  return true;
}

/* Constant integers minus their zero points: one, or one for each position of an axis. */
static GraphValue *less_zero(RealFrame *frame, const GraphTensor *q, const GraphTensor *zero,
                             int axis) {
  int64_t inner = 1, n = zero ? zero->count : 1;
  double *data;
  for (int i = axis + 1; i < q->rank; i++)
    inner *= q->dim[i];
  if (n != 1 && (axis < 0 || n != q->dim[axis])) return NULL;
  if (real_zero_is(zero, 0)) {
    GraphTensor *same = ARENA_NEW(frame->to->arena, GraphTensor);
    *same = *q;
    same->elem = GRAPH_FLOAT;
    return graph_constant(frame->to, "", same);
  }
  GraphTensor *out = graph_tensor(frame->to->numbers, GRAPH_FLOAT, q->rank, q->dim, &data);
  for (int64_t i = 0; i < q->count; i++)
    data[i] = graph_at(q, i) - (zero ? graph_at(zero, n == 1 ? 0 : i / inner % n) : 0);
  graph_narrow(frame->to->numbers, out);
  return graph_constant(frame->to, "", out);
}

/* Operand k of a product of integers minus its zero point, which is operand k + 2. NULL: it is not
 * known. */
static GraphValue *factor(RealFrame *frame, const GraphNode *node, int k, int axis) {
  const RealValue *q = node->in[k] ? real_value(frame, node->in[k]) : NULL;
  const GraphTensor *zero = real_constant(frame, node, k + 2);
  bool told = k + 2 < node->n_in && node->in[k + 2];
  if (!q || (told && !zero)) return NULL;
  if (q->value->constant && !q->scale) return less_zero(frame, q->value->constant, zero, axis);
  if (!real_zero_is(zero, zero_of(zero))) return NULL;
  if (q->scale) return shifted(frame, node, q, zero_of(zero));
  GraphNode *cast =
      graph_node(frame->to, GRAPH_Cast, node->name, node->source, 1, (GraphValue *[]){q->value}, 1);
  graph_set_int(frame->to, cast, GRAPH_ATTR_elem, GRAPH_FLOAT);
  return zero_of(zero) == 0
             ? cast->out[0]
             : two(frame, GRAPH_Sub, node, cast->out[0], number(frame, zero_of(zero)));
}

bool real_product(RealFrame *frame, const GraphNode *node) {
  bool is_conv = node->op == GRAPH_ConvInteger;
  const GraphTensor *b = real_constant(frame, node, 1);
  GraphValue *in[2] = {factor(frame, node, 0, -1), factor(frame, node, 1,
                                                          is_conv ? 0
                                                          : b     ? b->rank - 1
                                                                  : -1)};
  if (!in[0] || !in[1]) return false;
  GraphNode *made = graph_node(frame->to, is_conv ? GRAPH_Conv : GRAPH_MatMul, node->name,
                               node->source, 2, in, 1);
  made->attribute = node->attribute;
  made->n_attributes = node->n_attributes;
  made->out[0]->name = node->out[0]->name;
  frame->meaning[node->out[0]->id] = (RealValue){.value = made->out[0]};
  return true;
}
