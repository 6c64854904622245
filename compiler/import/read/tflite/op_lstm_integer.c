/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* UNIDIRECTIONAL_SEQUENCE_LSTM in integers: inputs, outputs and weights of 8 bits, a cell of 16.
 * Out, a Scan over the steps. The interpreter rounds at fixed places, and the graph has a Quantize
 * and a Dequantize at each of these:
 *
 *   gate   16 bits, scale 2^-12: round(W x + b), then round(R h) added
 *   sigmoid and tanh of gates: 16 bits, scale 2^-15
 *   cell   16 bits, its own scale: round(i g) + round(f c);   tanh of it: 16 bits, scale 2^-15
 *   state  8 bits, its own scale: round(o tanh(c)) */
#include "import/read/tflite/recurrent.h"

#include <math.h>

enum {
  GATES = 4,
  KERNEL = 1,
  RECURRENT_KERNEL = 5,
  PEEPHOLE = 9,
  BIAS = 12,
  PROJECTION = 16,
  STATE = 18,
  CELL = 19
};

/* The scale and zero point of one of these places, as values of one graph. */
typedef struct Rounding {
  GraphValue *scale, *zero;
} Rounding;

static Rounding rounding(TflCall *c, Graph *graph, double scale, GraphElem elem, double zero) {
  Arena *arena = c->reader->arena;
  return (Rounding){graph_constant(graph, "", graph_scalar(arena, GRAPH_FLOAT, scale)),
                    graph_constant(graph, "", graph_scalar(arena, elem, zero))};
}

/* x as the nearest number that integers of this scale stand for. */
static GraphValue *rounded(GraphEmit *e, GraphValue *x, Rounding r) {
  return emit_dequantize(e, emit_quantize(e, x, r.scale, r.zero), r.scale, r.zero, 0);
}

/* The four operands from `first` on, one for each gate, as one value [gates u, ...]. */
static GraphValue *joined(TflCall *c, int first) {
  GraphValue *part[GATES];
  for (int k = 0; k < GATES; k++)
    part[k] = first == BIAS ? tfl_real_bias(c, BIAS + k, 0, KERNEL + k) : tfl_real(c, first + k);
  return emit_concat(c->emit, 0, GATES, part);
}

/* Whether the operands and options are those of an LSTM that this file reads; false after
 * reporting. */
static bool operands_fit(TflCall *c) {
  const TflTensor *h = tfl_from(c, STATE), *cell = tfl_from(c, CELL);
  for (int k = 0; k < GATES; k++)
    if (!tfl_in(c, KERNEL + k) || !tfl_in(c, RECURRENT_KERNEL + k) || !tfl_in(c, BIAS + k))
      return tfl_lacks(
          c, E902, tfl_in_floats,
          "computes in integers without the weights of a gate, which is not supported");
  for (int k = PEEPHOLE; k < PEEPHOLE + 3; k++)
    if (tfl_in(c, k))
      return tfl_lacks(c, E902, tfl_in_floats,
                       "computes in integers with peepholes, which is not supported");
  if (tfl_in(c, PROJECTION) || tfl_in(c, PROJECTION + 1))
    return tfl_lacks(c, E902, tfl_in_floats,
                     "computes in integers with a projection, which is not supported");
  if (!tfl_quantised(h) || !tfl_quantised(cell) || h->type != TFL_INT8 || cell->type != TFL_INT16 ||
      h->n_scales != 1 || cell->n_scales != 1 || c->from[0]->type != TFL_INT8)
    return tfl_lacks(c, E902, tfl_in_floats,
                     "computes in integers; grus supports inputs of 8 bits with a cell of 16 bits");
  if (flat_u8(&c->reader->flat, c->op.options, 0) != 4)
    return tfl_lacks(c, E902, tfl_in_floats,
                     "computes in integers; grus supports only the activation tanh");
  if (cell->rank != 2 || cell->dim[1] < 1)
    return tfl_refuse(c, E901, "has a cell of %d axes", cell->rank);
  return true;
}

/* The body of the Scan. Inputs: h [N, u], c [N, u], and W x + b of a step [N, 4 u]; outputs: the
 * next h and c, and h again as the result of the step. recurrent: [u, 4 u]. */
static Graph *body_of(TflCall *c, GraphValue *recurrent) {
  static const char *const names[] = {"h", "c", "gates"};
  const TflTensor *hidden = tfl_from(c, STATE), *cell = tfl_from(c, CELL);
  Graph *body = graph_new(c->reader->arena, c->emit->graph->numbers, c->emit->name);
  GraphEmit e[1] = {
      {.graph = body, .name = c->emit->name, .source = c->emit->source, .folds = c->emit->folds}};
  Rounding gate = rounding(c, body, ldexp(1, -12), GRAPH_I16, 0),
           unit = rounding(c, body, ldexp(1, -15), GRAPH_I16, 0);
  Rounding in_cell =
      rounding(c, body, graph_at(cell->scale, 0), GRAPH_I16, graph_at(cell->zero, 0));
  Rounding in_state =
      rounding(c, body, graph_at(hidden->scale, 0), GRAPH_I8, graph_at(hidden->zero, 0));
  GraphValue *in[3], *act[GATES];
  int64_t units = cell->dim[1];
  double clip = tfl_option_number(c, 1);
  for (int k = 0; k < 3; k++)
    in[k] = graph_input(body, names[k], GRAPH_FLOAT)->value;
  GraphValue *sums = rounded(e, EMIT(e, Add, in[2], EMIT(e, MatMul, in[0], recurrent)), gate);
  for (int k = 0; k < GATES; k++) {
    GraphValue *z = emit_slice(e, sums, 1, k * units, (k + 1) * units, 1);
    act[k] = rounded(e, k == 2 ? EMIT(e, Tanh, z) : EMIT(e, Sigmoid, z), unit);
  }
  GraphValue *kept = rounded(e, EMIT(e, Mul, act[1], in[1]), in_cell),
             *added = rounded(e, EMIT(e, Mul, act[0], act[2]), in_cell);
  GraphValue *next = rounded(e, EMIT(e, Add, kept, added), in_cell);
  if (clip > 0) next = emit_clip(e, next, -clip, clip);
  GraphValue *h = rounded(e, EMIT(e, Mul, act[3], rounded(e, EMIT(e, Tanh, next), unit)), in_state);
  graph_output(body, "h", h);
  graph_output(body, "c", next);
  graph_output(body, "y", h);
  return body;
}

/* The start of the state that is operand k: the variable that keeps it, as real numbers, or zeros
 * [N, u], where x [T, N, d] has N. */
static GraphValue *start_of(TflCall *c, int k, int variable, GraphValue *x) {
  GraphEmit *e = c->emit;
  if (variable != TFL_NO_VARIABLE)
    return tfl_real_of(c, tfl_variable_read(c, variable), tfl_from(c, k));
  GraphValue *batch = emit_slice(e, EMIT(e, Shape, x), 0, 1, 2, 1);
  GraphValue *shape = emit_concat(
      e, 0, 2, (GraphValue *[]){batch, emit_ints(e, 1, (int64_t[]){tfl_from(c, CELL)->dim[1]})});
  return emit_filled(e, shape, 0, GRAPH_FLOAT);
}

bool tfl_integer_lstm(TflCall *c, bool time_major, bool kept) {
  static const int64_t swap[] = {1, 0};
  GraphEmit *e = c->emit;
  int states[2] = {TFL_NO_VARIABLE, TFL_NO_VARIABLE};
  if (!operands_fit(c)) return false;
  for (int k = 0; k < 2 && kept; k++) {
    states[k] = tfl_state_variable(c, STATE + k);
    if (states[k] == TFL_NO_VARIABLE) return false;
  }
  GraphValue *x = tfl_time_first(c, tfl_real(c, 0), time_major);
  GraphValue *kernel = emit_transpose(e, joined(c, KERNEL), 2, swap),
             *recurrent = emit_transpose(e, joined(c, RECURRENT_KERNEL), 2, swap);
  Rounding gate = rounding(c, e->graph, ldexp(1, -12), GRAPH_I16, 0);
  GraphValue *sums = rounded(e, EMIT(e, Add, EMIT(e, MatMul, x, kernel), joined(c, BIAS)), gate);
  GraphValue *in[3] = {start_of(c, STATE, states[0], x), start_of(c, CELL, states[1], x), sums};
  GraphNode *scan = emit_node(e, GRAPH_Scan, 3, in, 3);
  scan->body[0] = body_of(c, recurrent);
  graph_set_int(e->graph, scan, GRAPH_ATTR_scan_inputs, 1);
  for (int k = 0; k < 2 && kept; k++) {
    const TflTensor *t = tfl_from(c, STATE + k);
    GraphValue *scale = graph_constant(e->graph, "", t->scale),
               *zero = graph_constant(e->graph, "", t->zero);
    tfl_variable_assign(c, states[k], emit_quantize(e, scan->out[k], scale, zero));
  }
  return tfl_set_real(c, 0, tfl_time_first(c, scan->out[2], time_major));
}
