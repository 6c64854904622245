/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the functions of operators ask for. Quantised operands become real numbers, and results are
 * quantised again. That gives the integers that the interpreter gives, or the next ones where it
 * rounds in between. */
#include "import/read/tflite/reader.h"

#include <math.h>
#include <string.h>

GraphValue *tfl_in(const TflCall *c, int k) {
  return k < c->n_in ? c->in[k] : NULL;
}

const TflTensor *tfl_from(const TflCall *c, int k) {
  return k < c->n_in ? c->from[k] : NULL;
}

/* Sets the value of a result. A value that is also one of the operands, as of a cast that changes
 * nothing, is never freed, because it has the readers of both. */
static void hold(const TflCall *c, ReadUse *use, GraphValue *value) {
  for (int k = 0; k < c->n_in; k++)
    if (c->in[k] == value && c->from[k])
      use->left = c->scope->use[c->from[k] - c->scope->tensor].left = READ_ALWAYS;
  sweeps_hold(use, value);
}

bool tfl_set(TflCall *c, int k, GraphValue *value) {
  if (!value || k >= c->n_out || !c->to[k]) return true;
  TflScope *scope = c->scope;
  ptrdiff_t i = c->to[k] - scope->tensor;
  if (scope->value[i] || c->to[k]->data)
    return tfl_refuse(c, E901, "computes `%s`, which an earlier node computes", c->to[k]->name);
  if (!*value->name) value->name = c->to[k]->name;
  scope->value[i] = value;
  if (scope->use) hold(c, &scope->use[i], value);
  return true;
}

bool tfl_quantised(const TflTensor *tensor) {
  return tensor && tensor->n_scales > 0;
}

bool tfl_same_scale(const TflTensor *a, const TflTensor *b) {
  if (!tfl_quantised(a) || !tfl_quantised(b)) return tfl_quantised(a) == tfl_quantised(b);
  return a->type == b->type && a->n_scales == 1 && b->n_scales == 1 &&
         graph_at(a->scale, 0) == graph_at(b->scale, 0) &&
         graph_at(a->zero, 0) == graph_at(b->zero, 0);
}

/* Notes once that products of real numbers with integer weights are computed in real numbers. */
static void note_hybrid(TflCall *c, const TflTensor *weights) {
  bool real = c->n_out && c->to[0] && !tfl_quantised(c->to[0]) && c->n_in > 1 && weights->data;
  if (!real || c->reader->said_hybrid || c->from[0] == weights) return;
  c->reader->said_hybrid = true;
  graph_note(c->reader->graph,
             "grus reads integer weights with a scale as the numbers that they represent; the "
             "interpreter also rounds their inputs to 8 bits, which the model does not");
}

GraphValue *tfl_real_of(TflCall *c, GraphValue *value, const TflTensor *tensor) {
  if (!value || !tfl_quantised(tensor)) return value;
  note_hybrid(c, tensor);
  GraphValue *scale = graph_constant(c->emit->graph, "", tensor->scale),
             *zero = graph_constant(c->emit->graph, "", tensor->zero);
  return emit_dequantize(c->emit, value, scale, zero, tensor->axis);
}

GraphValue *tfl_real(TflCall *c, int k) {
  return tfl_real_of(c, tfl_in(c, k), tfl_from(c, k));
}

/* Converters share a bias among operators, so that its scale may be another than that of the
 * products to which it is added. Then the interpreter adds `done`, and the file says another value,
 * which is noted beside it. */
static void note_said(TflCall *c, GraphValue *in, const TflTensor *bias, const GraphTensor *sums,
                      const GraphValue *done) {
  static const double same = 1e-3;
  bool other = false;
  if (!done || !tfl_quantised(bias) || bias->n_scales != sums->count || !bias->data) return;
  for (int64_t i = 0; i < sums->count; i++)
    other = other || fabs(graph_at(bias->scale, i) - graph_at(sums, i)) > same * graph_at(sums, i);
  const GraphValue *said = other ? tfl_real_of(c, in, bias) : NULL;
  if (said && said->constant && done->constant) graph_say(c->reader->graph, done, said->constant);
}

/* The interpreter adds the integers of a bias to the sums of products, whatever scale the file
 * gives for them. */
GraphValue *tfl_real_bias(TflCall *c, int k, int input, int weights) {
  const TflTensor *bias = tfl_from(c, k), *x = tfl_from(c, input), *w = tfl_from(c, weights);
  GraphElem elem;
  double *data;
  bool whole = bias && tfl_elem(bias->type, &elem) && elem != GRAPH_FLOAT;
  if (!whole || !tfl_quantised(x) || !tfl_quantised(w) || x->n_scales != 1) return tfl_real(c, k);
  int64_t n = w->n_scales;
  GraphTensor *scale = graph_tensor(c->reader->arena, GRAPH_FLOAT, n > 1, &n, &data);
  for (int64_t i = 0; i < n; i++)
    data[i] = graph_at(x->scale, 0) * graph_at(w->scale, i);
  GraphValue *done =
      emit_dequantize(c->emit, c->in[k], graph_constant(c->emit->graph, "", scale), NULL, 0);
  note_said(c, c->in[k], bias, scale, done);
  return done;
}

/* Real numbers as the integers of a tensor, if it is quantised. */
static GraphValue *quantised(TflCall *c, GraphValue *value, const TflTensor *tensor) {
  if (!value || !tfl_quantised(tensor)) return value;
  GraphValue *scale = graph_constant(c->emit->graph, "", tensor->scale),
             *zero = graph_constant(c->emit->graph, "", tensor->zero);
  GraphNode *node = emit_node(c->emit, GRAPH_Quantize, 3, (GraphValue *[]){value, scale, zero}, 1);
  if (tensor->n_scales > 1) graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, tensor->axis);
  return emit_done(c->emit, node);
}

bool tfl_set_real(TflCall *c, int k, GraphValue *value) {
  if (!value || k >= c->n_out || !c->to[k]) return true;
  return tfl_set(c, k, quantised(c, value, c->to[k]));
}

bool tfl_set_like(TflCall *c, int k, GraphValue *value, int like) {
  const TflTensor *from = tfl_from(c, like);
  if (!value || k >= c->n_out || !c->to[k] || tfl_same_scale(from, c->to[k]))
    return tfl_set(c, k, value);
  if (tfl_quantised(from) && from->n_scales > 1)
    return tfl_lacks(c, E902, tfl_in_floats, "moves numbers that have a scale for each channel");
  return tfl_set_real(c, k, tfl_real_of(c, value, from));
}

GraphValue *tfl_activated(TflCall *c, GraphValue *y, int activation) {
  enum { NONE, RELU, RELU_N1_TO_1, RELU6, TANH };
  if (!y) return NULL;
  switch (activation) {
  case NONE: return y;
  case RELU: return EMIT(c->emit, Relu, y);
  case RELU_N1_TO_1: return emit_clip(c->emit, y, -1, 1);
  case RELU6: return emit_clip(c->emit, y, 0, 6);
  case TANH: return EMIT(c->emit, Tanh, y);
  }
  tfl_lacks(
      c, E902,
      "none, relu, relu6, tanh and the range -1 to 1 are read there; others as a node of their own",
      "ends with activation %d, which is not supported", activation);
  return NULL;
}

bool tfl_constant_ints(TflCall *c, int k, const char *what, int most, int *n, int64_t *out) {
  const GraphValue *value = tfl_in(c, k);
  DiagCode code;
  if (constant_ints(value, most, n, out)) return true;
  const char *problem = constant_ints_problem(c->reader->arena, value, what, most, &code);
  if (code == E901) return tfl_refuse(c, E901, "%s", problem);
  return tfl_lacks(c, code,
                   "if they depend only on sizes, convert it with fixed sizes, "
                   "`keras.Input((steps, features), batch_size=1)`; otherwise make them constants",
                   "%s", problem);
}

bool tfl_constant_int(TflCall *c, int k, const char *what, int64_t *out) {
  int n;
  return tfl_constant_ints(c, k, what, 1, &n, out) &&
         (n == 1 || tfl_refuse(c, E901, "has no %s", what));
}

bool tfl_rank(TflCall *c, int k, int *rank) {
  const TflTensor *t = tfl_from(c, k);
  *rank = t ? t->rank : -1;
  return *rank >= 0 ||
         tfl_lacks(c, E904, tfl_fixed_sizes, "does not say how many axes operand %d has", k);
}

int32_t tfl_option(const TflCall *c, unsigned field, int32_t if_absent) {
  return flat_i32(&c->reader->flat, c->op.options, field, if_absent);
}

bool tfl_flag(const TflCall *c, unsigned field) {
  return flat_u8(&c->reader->flat, c->op.options, field) != 0;
}

double tfl_option_number(const TflCall *c, unsigned field) {
  return (double)flat_f32(&c->reader->flat, c->op.options, field);
}
