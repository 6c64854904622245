/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU and RNN. In ONNX: X [T, N, d], W [dirs, gates u, d], R [dirs, gates u, u], B [dirs, 2
 * gates u] (input half, recurrent half), P [dirs, 3 u]; gates of LSTM i o f c, of P i o f, of GRU z
 * r h; Y [T, dirs, N, u]; with layout 1 the batch comes first everywhere. */
#include "import/read/onnx/reader.h"

#include <string.h>
#include <strings.h>

typedef struct OnnxCell {
  GraphOp op;
  int gates, each;      /* each: activations of a direction */
  const int64_t *order; /* of the gates of the graph among those of ONNX */
  int64_t dirs, u;
  bool batch_first, rounds;
} OnnxCell;

static const int64_t lstm_order[] = {0, 2, 3, 1}, gru_order[] = {0, 1, 2}, rnn_order[] = {0},
                     peephole_order[] = {0, 2, 1};

static const OnnxCell lstm = {GRAPH_Lstm, 4, 3, lstm_order, 1, 0, false, false},
                      gru = {GRAPH_Gru, 3, 2, gru_order, 1, 0, false, false},
                      rnn = {GRAPH_Rnn, 1, 1, rnn_order, 1, 0, false, false};

/* ---- activations ---- */

typedef struct NamedActivation {
  const char *name, *word;
  int n; /* of alpha, then beta */
  double alpha, beta;
} NamedActivation;

/* The word of one activation; alpha and beta are listed for those that have them, in order. */
static const char *activation_word(OnnxCall *c, const char *name, size_t *next_alpha,
                                   size_t *next_beta) {
  static const NamedActivation known[] = {{"Sigmoid", "sigmoid", 0, 0, 0},
                                          {"Tanh", "tanh", 0, 0, 0},
                                          {"Relu", "relu", 0, 0, 0},
                                          {"Softsign", "softsign", 0, 0, 0},
                                          {"Softplus", "softplus", 0, 0, 0},
                                          {"Affine", "affine", 2, 1, 0},
                                          {"LeakyRelu", "leaky_relu", 1, 0.01, 0},
                                          {"ThresholdedRelu", "thresholded_relu", 1, 1, 0},
                                          {"ScaledTanh", "scaled_tanh", 2, 1, 1},
                                          {"HardSigmoid", "hard_sigmoid", 2, 0.2, 0.5},
                                          {"Elu", "elu", 1, 1, 0}};
  const OnnxAttribute *alpha = call_attribute(c, "activation_alpha"),
                      *beta = call_attribute(c, "activation_beta");
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const NamedActivation *a = &known[i];
    if (strcasecmp(a->name, name) != 0) continue;
    double x = a->alpha, y = a->beta;
    if (a->n > 0 && alpha && *next_alpha < alpha->n_floats)
      x = onnx_shortest(alpha->floats[(*next_alpha)++]);
    if (a->n > 1 && beta && *next_beta < beta->n_floats)
      y = onnx_shortest(beta->floats[(*next_beta)++]);
    if (a->n == 2 && x == 1 && y == 0 && strcmp(a->word, "affine") == 0) return "linear";
    Text text = text_new(c->reader->arena);
    text_add(&text, a->word);
    if (a->n > 0) text_add(&text, "(");
    if (a->n > 0) text_add_double(&text, x);
    if (a->n > 1) text_add(&text, ",");
    if (a->n > 1) text_add_double(&text, y);
    if (a->n > 0) text_add(&text, ")");
    return text_str(&text);
  }
  Text names = text_new(c->reader->arena);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    text_printf(&names, "%s%s", i ? ", " : "", known[i].name);
  call_lacks(c, E902,
             arena_printf(c->reader->arena,
                          "its activations can be %s; any other cell can be a `Loop` or a `Scan`",
                          text_str(&names)),
             "has the activation `%s`, which is not supported", name);
  return NULL;
}

static bool set_activations(OnnxCall *c, const OnnxCell *cell, GraphNode *node) {
  static const char *const usual[][3] = {
      {"Tanh", NULL, NULL}, {"Sigmoid", "Tanh", NULL}, {"Sigmoid", "Tanh", "Tanh"}};
  const OnnxAttribute *given = call_attribute(c, "activations");
  int n = cell->each * (int)cell->dirs;
  size_t next_alpha = 0, next_beta = 0;
  const char *word[6];
  if (given && given->n_strings != (size_t)n)
    return call_refuse(c, E901, "has %zu activations; it needs %d", given->n_strings, n);
  for (int k = 0; k < n; k++) {
    const char *name =
        given ? call_attr_word(c, "activations", k) : usual[cell->each - 1][k % cell->each];
    word[k] = activation_word(c, name ? name : "", &next_alpha, &next_beta);
    if (!word[k]) return false;
  }
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_activations, n, word);
  return true;
}

/* ---- weights ---- */

/* [dirs, gates u, ...] as [dirs, gates, u, ...] in the order of the graph. */
static GraphValue *by_gates(OnnxCall *c, const OnnxCell *cell, GraphValue *w, int gates,
                            const int64_t *order, bool matrix) {
  GraphValue *split =
      emit_reshape(c->emit, w, matrix ? 4 : 3, (int64_t[]){cell->dirs, gates, cell->u, -1});
  bool same = true;
  for (int i = 0; i < gates; i++)
    same = same && order[i] == i;
  return same ? split : emit_gather(c->emit, split, 1, gates, order);
}

/* Both halves of B in the order of the graph; summed where the operator takes one. */
static void biases(OnnxCall *c, const OnnxCell *cell, GraphValue *b, bool summed,
                   GraphValue **input, GraphValue **recurrent) {
  static const int64_t half[] = {1}, first[] = {0};
  *input = *recurrent = NULL;
  if (!b) return;
  GraphValue *halves =
                 emit_reshape(c->emit, b, 4, (int64_t[]){cell->dirs, 2, cell->gates, cell->u}),
             *part[2];
  if (summed)
    part[0] = emit_reduce(c->emit, GRAPH_ReduceSum, halves, 1, half, false);
  else
    for (int k = 0; k < 2; k++)
      part[k] =
          emit_squeeze(c->emit, emit_gather(c->emit, halves, 1, 1, k ? half : first), 1, half);
  for (int k = 0; k < (summed ? 1 : 2); k++) {
    bool same = cell->order != lstm_order;
    GraphValue *ordered =
        same ? part[k] : emit_gather(c->emit, part[k], 1, cell->gates, cell->order);
    if (k)
      *recurrent = ordered;
    else
      *input = ordered;
  }
}

/* [N, dirs, u] as [dirs, N, u], and back. */
static GraphValue *state(OnnxCall *c, const OnnxCell *cell, GraphValue *h) {
  return h && cell->batch_first ? emit_transpose(c->emit, h, 3, (int64_t[]){1, 0, 2}) : h;
}

static bool cell_of(OnnxCall *c, const GraphValue *r, OnnxCell *cell) {
  const char *direction = call_attr_string(c, "direction", "forward");
  const GraphTensor *known = r->constant;
  cell->dirs = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
  cell->batch_first = call_attr_int(c, "layout", 0) != 0;
  cell->u = call_attr_int(c, "hidden_size", known && known->rank == 3 ? known->dim[2] : 0);
  if (cell->u < 1 || cell->u > INT32_MAX)
    return call_lacks(c, E904,
                      "the attribute `hidden_size` is the last size of its recurrent weights",
                      "does not say its hidden_size");
  if (cell->dirs == 1 && strcmp(direction, "forward") != 0 && strcmp(direction, "reverse") != 0)
    return call_refuse(
        c, E901, "has the direction `%s`; there are forward, reverse and bidirectional", direction);
  return true;
}

/* The node with its attributes; operands as graph_ops.def has them. */
static bool finish(OnnxCall *c, const OnnxCell *cell, int n_in, GraphValue **in) {
  const char *direction = call_attr_string(c, "direction", "forward");
  const char *word = cell->dirs == 2                     ? "both"
                     : strcmp(direction, "reverse") == 0 ? "backward"
                                                         : "forward";
  double clip = call_attr_float(c, "clip", 0);
  int n_out = cell->op == GRAPH_Lstm ? 3 : 2;
  Graph *graph = c->emit->graph;
  if (cell->batch_first) in[0] = emit_transpose(c->emit, in[0], 3, (int64_t[]){1, 0, 2});
  while (n_in && !in[n_in - 1])
    n_in--;
  GraphNode *node = emit_node(c->emit, cell->op, n_in, in, n_out);
  graph_set_words(graph, node, GRAPH_ATTR_direction, 1, &word);
  if (!set_activations(c, cell, node)) return false;
  if (clip > 0) graph_set_number(graph, node, GRAPH_ATTR_clip, clip);
  if (cell->op == GRAPH_Gru)
    graph_set_int(graph, node, GRAPH_ATTR_reset_after,
                  call_attr_int(c, "linear_before_reset", 0) != 0);
  if (cell->rounds) graph_set_int(graph, node, GRAPH_ATTR_round_state, 1);
  if (cell->op == GRAPH_Lstm && call_attr_int(c, "input_forget", 0))
    graph_set_int(graph, node, GRAPH_ATTR_input_forget, 1);
  GraphValue *y = node->out[0];
  if (cell->batch_first && call_wants(c, 0))
    y = emit_transpose(c->emit, y, 4, (int64_t[]){2, 0, 1, 3});
  for (int k = 1; k < n_out; k++)
    if (call_wants(c, k) && !call_set(c, k, state(c, cell, node->out[k]))) return false;
  return call_set(c, 0, y);
}

/* X, W, R, B, lengths, h0, and c0 and P of an LSTM, in the order of graph_ops.def. */
static bool recurrent(OnnxCall *c, OnnxCell cell) {
  bool is_gru = cell.op == GRAPH_Gru, is_lstm = cell.op == GRAPH_Lstm;
  bool is_summed = !is_gru || !call_attr_int(c, "linear_before_reset", 0);
  GraphValue *b, *rb, *peephole = is_lstm ? call_operand(c, 7) : NULL, *in[8] = {c->in[0]};
  int n = 1;
  if (!cell_of(c, c->in[2], &cell)) return false;
  biases(c, &cell, call_operand(c, 3), is_summed, &b, &rb);
  in[n++] = by_gates(c, &cell, c->in[1], cell.gates, cell.order, true);
  in[n++] = by_gates(c, &cell, c->in[2], cell.gates, cell.order, true);
  in[n++] = b;
  if (is_gru) in[n++] = rb;
  in[n++] = call_operand(c, 4);
  in[n++] = state(c, &cell, call_operand(c, 5));
  if (is_lstm) {
    in[n++] = state(c, &cell, call_operand(c, 6));
    in[n++] = peephole ? by_gates(c, &cell, peephole, 3, peephole_order, false) : NULL;
  }
  return finish(c, &cell, n, in);
}

bool onnx_op_lstm(OnnxCall *c) {
  return recurrent(c, lstm);
}

bool onnx_op_gru(OnnxCall *c) {
  return recurrent(c, gru);
}

bool onnx_op_rnn(OnnxCall *c) {
  return recurrent(c, rnn);
}

static bool all_zero(const GraphValue *value) {
  const GraphTensor *t = value->constant;
  for (int64_t i = 0; t && i < t->count; i++)
    if (graph_at(t, i) != 0) return false;
  return t != NULL;
}

/* Of a scale or zero point for all, for each direction or for each column [dirs, 4u]. */
static double of_column(const GraphTensor *t, int64_t dirs, int64_t columns, int64_t dir,
                        int64_t column) {
  return t->count == 1      ? graph_at(t, 0)
         : t->count == dirs ? graph_at(t, dir)
                            : graph_at(t, dir * columns + column);
}

/* The same of weights that are constants, in one step: they may be most of the file. NULL: they
 * are computed, or their sizes do not fit each other. */
static GraphValue *known_weights(OnnxCall *c, const OnnxCell *cell, const GraphValue *w,
                                 const GraphTensor *scale, const GraphTensor *zero) {
  const GraphTensor *t = w->constant;
  int64_t columns = 4 * cell->u, dim[4] = {cell->dirs, 4, cell->u, t ? t->dim[t->rank - 1] : 0};
  if (!t || !scale || !zero || t->rank != 3 || t->dim[0] != cell->dirs || t->dim[2] != columns)
    return NULL;
  for (int k = 0; k < 2; k++) {
    int64_t n = (k ? zero : scale)->count;
    if (n != 1 && n != cell->dirs && n != cell->dirs * columns) return NULL;
  }
  GraphNumbers to;
  int64_t at = 0;
  dim[3] = t->dim[1];
  const GraphTensor *out =
      graph_tensor_of(c->emit->graph->numbers, GRAPH_FLOAT, 4, dim, INT32_MAX, true, &to);
  for (int64_t dir = 0; out && dir < dim[0]; dir++)
    for (int64_t gate = 0; gate < 4; gate++)
      for (int64_t j = 0; j < cell->u; j++) {
        int64_t column = cell->order[gate] * cell->u + j;
        double z = of_column(zero, dim[0], columns, dir, column),
               s = of_column(scale, dim[0], columns, dir, column);
        for (int64_t i = 0; i < dim[3]; i++)
          graph_put(&to, at++,
                    (float)((graph_at(t, (dir * dim[3] + i) * columns + column) - z) * s));
      }
  return out ? graph_constant(c->emit->graph, "", out) : NULL;
}

/* int8 weights [dirs, d, 4u] with a scale and a zero point for all or for each column, as floats
 * [dirs, 4, u, d] in the order of the graph. */
static GraphValue *float_weights(OnnxCall *c, const OnnxCell *cell, GraphValue *w,
                                 GraphValue *scale, GraphValue *zero) {
  static const int64_t columns_first[] = {0, 2, 1};
  GraphValue *part[2] = {scale, emit_cast(c->emit, zero, GRAPH_FLOAT)}, *x;
  bool simple = cell->dirs == 1 && scale->constant && zero->constant &&
                scale->constant->count == zero->constant->count;
  if (simple) {
    for (int k = 0; k < 2; k++)
      part[k] = emit_reshape(c->emit, k ? zero : scale, 1, (int64_t[]){-1});
    x = emit_dequantize(c->emit, w, part[0], part[1], 2);
  } else {
    GraphValue *known = known_weights(c, cell, w, scale->constant, zero->constant);
    if (known) return known;
    for (int k = 0; k < 2; k++)
      if (!part[k]->constant || part[k]->constant->count != 1)
        part[k] = emit_reshape(c->emit, part[k], 3, (int64_t[]){cell->dirs, 1, -1});
    x = emit_cast(c->emit, w, GRAPH_FLOAT);
    if (!all_zero(zero)) x = EMIT(c->emit, Sub, x, part[1]);
    x = EMIT(c->emit, Mul, x, part[0]);
  }
  return by_gates(c, cell, emit_transpose(c->emit, x, 3, columns_first), 4, cell->order, true);
}

/* An LSTM with weights of 8 bits, whose input as a whole and whose state at each step are rounded
 * to 8 bits by what they hold. */
bool onnx_op_dynamic_lstm(OnnxCall *c) {
  OnnxCell cell = lstm;
  GraphValue *b, *none, *p = call_operand(c, 7);
  for (int k = 8; k < 12; k++)
    if (!call_operand(c, k)) return call_refuse(c, E901, "lacks operand %d", k);
  if (!cell_of(c, c->in[1], &cell)) return false;
  GraphValue *w = float_weights(c, &cell, c->in[1], c->in[8], c->in[9]),
             *r = float_weights(c, &cell, c->in[2], c->in[10], c->in[11]);
  biases(c, &cell, call_operand(c, 3), true, &b, &none);
  GraphNode *x = emit_node(c->emit, GRAPH_DynamicQuantize, 1, c->in, 3);
  cell.rounds = true;
  GraphValue *in[8] = {emit_dequantize(c->emit, x->out[0], x->out[1], x->out[2], 0),
                       w,
                       r,
                       b,
                       call_operand(c, 4),
                       state(c, &cell, call_operand(c, 5)),
                       state(c, &cell, call_operand(c, 6)),
                       p ? by_gates(c, &cell, p, 3, peephole_order, false) : NULL};
  return finish(c, &cell, 8, in);
}
