/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recurrent operators over sequences [N, T, d], or [T, N, d] if they are time-major. The operands
 * of one direction are:
 *
 *   LSTM   kernels i f c o [u, d], recurrent kernels i f c o [u, p], peepholes i f o [u], biases
 *          i f c o [u], projection [p, u] and its bias [p]; if those of i are left out, the input
 *          gate is 1 - f
 *   RNN    kernel [u, d], recurrent kernel [u, u], bias [u]
 *
 * The interpreter keeps the state from call to call until it is reset. Who gives it whole sequences
 * resets it before each of them, so that a sequence starts from zeros here. The state is kept with
 * --stream, and where a sequence has one step. */
#include "import/read/tflite/reader.h"

#include "import/read/tflite/recurrent.h"

/* The graph's word for an activation of the schema; NULL after reporting. */
static const char *activation_word(TflCall *c, int activation) {
  static const char *const words[] = {"linear", "relu", NULL, "relu6", "tanh", NULL, "sigmoid"};
  const char *word = activation >= 0 && activation < (int)(sizeof words / sizeof *words)
                         ? words[activation]
                         : NULL;
  if (!word)
    tfl_lacks(c, E902, "linear, relu, relu6, tanh and sigmoid are read there",
              "has activation %d, which is not supported", activation);
  return word;
}

/* Whether a value is left out (NULL) or a constant of zeros. */
static bool is_zero(const GraphValue *value) {
  if (!value) return true;
  for (int64_t i = 0; value->constant && i < value->constant->count; i++)
    if (graph_at(value->constant, i) != 0) return false;
  return value->constant != NULL;
}

bool tfl_recurrent_kept(TflCall *c, bool time_major) {
  const TflTensor *x = tfl_from(c, 0);
  bool one_step = x->rank == 3 && x->dim[time_major ? 0 : 1] == 1;
  bool kept = one_step || (c->reader->options && c->reader->options->stream);
  if (!kept && !c->reader->said_state) {
    c->reader->said_state = true;
    graph_note(c->reader->graph,
               "initial states are zeros in each call, as after `reset_all_variables()`; the "
               "interpreter keeps the states until then, as `--stream` does");
  }
  return kept;
}

GraphValue *tfl_time_first(TflCall *c, GraphValue *x, bool time_major) {
  static const int64_t swap[] = {1, 0, 2};
  return time_major ? x : emit_transpose(c->emit, x, 3, swap);
}

/* The n operands from `first` on, one for each gate, as one value [1, n, ...] in the order of the
 * file, which is i, f, c, o. NULL if one is left out. */
static GraphValue *stacked(TflCall *c, int first, int n) {
  GraphValue *part[4];
  for (int k = 0; k < n; k++) {
    GraphValue *x = tfl_real(c, first + k);
    if (!x) return NULL;
    part[k] = emit_unsqueeze(c->emit, x, 2, (int64_t[]){0, 1});
  }
  return emit_concat(c->emit, 1, n, part);
}

/* The same, where the input gate may be 1 - f: it is sigmoid(-z) where f is sigmoid(z), so its
 * operand is minus that of f. `first` is the operand of i, which is then left out. */
static GraphValue *gates(TflCall *c, int first, int n, bool is_coupled) {
  if (!is_coupled) return stacked(c, first, n);
  GraphValue *others = stacked(c, first + 1, n - 1);
  if (!others) return NULL;
  GraphValue *f = emit_unsqueeze(c->emit, tfl_real(c, first + 1), 2, (int64_t[]){0, 1});
  return emit_concat(c->emit, 1, 2, (GraphValue *[]){EMIT(c->emit, Neg, f), others});
}

/* ---- LSTM ---- */

/* The numbers of the first operands of each kind for one direction, and its word in the graph. */
typedef struct Direction {
  int kernel, recurrent, peephole, bias, projection, state;
  const char *word;
} Direction;

/* Whether all operands of a direction are there that grus needs, and none that it cannot read;
 * false after reporting. */
static bool lstm_fits(TflCall *c, const Direction *d) {
  bool is_coupled = !tfl_in(c, d->kernel);
  for (int k = is_coupled ? 1 : 0; k < 4; k++)
    if (!tfl_in(c, d->kernel + k) || !tfl_in(c, d->recurrent + k) || !tfl_in(c, d->bias + k))
      return tfl_refuse(c, E901, "lacks the weights of a gate");
  if (is_coupled && (tfl_in(c, d->recurrent) || tfl_in(c, d->bias)))
    return tfl_refuse(c, E901, "has only a part of the weights of its input gate");
  if (!is_zero(tfl_in(c, d->projection + 1)))
    return tfl_lacks(c, E902, "a projection without bias is read; the next layer can add it",
                     "adds a bias after its projection, which is not supported");
  if (tfl_in(c, d->projection) && tfl_option_number(c, 2) > 0)
    return tfl_lacks(c, E902, "a projection without `proj_clip` is read",
                     "clips its projection (`proj_clip`), which is not supported");
  return true;
}

/* One direction over x [T, N, d]: y [T, N, p]. NULL after reporting. */
static GraphValue *lstm_direction(TflCall *c, const Direction *d, GraphValue *x, bool kept) {
  GraphEmit *e = c->emit;
  Graph *graph = e->graph;
  int activation = flat_u8(&c->reader->flat, c->op.options, 0),
      states[2] = {TFL_NO_VARIABLE, TFL_NO_VARIABLE};
  const char *word = activation_word(c, activation), *words[3] = {"sigmoid", word, word};
  if (!word || !lstm_fits(c, d)) return NULL;
  bool is_coupled = !tfl_in(c, d->kernel);
  GraphValue *in[10] = {x};
  for (int k = 0; k < 2 && kept; k++) {
    states[k] = tfl_state_variable(c, d->state + k);
    if (states[k] == TFL_NO_VARIABLE) return NULL;
    in[5 + k] = emit_unsqueeze(e, tfl_variable_read(c, states[k]), 1, (int64_t[]){0});
  }
  in[1] = gates(c, d->kernel, 4, is_coupled);
  in[2] = gates(c, d->recurrent, 4, is_coupled);
  in[3] = gates(c, d->bias, 4, is_coupled);
  if (tfl_in(c, d->peephole + 1)) in[7] = gates(c, d->peephole, 3, is_coupled);
  if (tfl_in(c, d->projection))
    in[9] = emit_unsqueeze(e, tfl_real(c, d->projection), 1, (int64_t[]){0});
  if (!in[1] || !in[2] || !in[3] || (tfl_in(c, d->peephole + 1) && !in[7])) {
    tfl_refuse(c, E901, "lacks the weights of a gate");
    return NULL;
  }
  GraphNode *node = emit_node(e, GRAPH_Lstm, 10, in, 3);
  graph_set_words(graph, node, GRAPH_ATTR_direction, 1, &d->word);
  graph_set_words(graph, node, GRAPH_ATTR_activations, 3, words);
  if (is_coupled) graph_set_int(graph, node, GRAPH_ATTR_input_forget, 1);
  if (tfl_option_number(c, 1) > 0)
    graph_set_number(graph, node, GRAPH_ATTR_cell_clip, tfl_option_number(c, 1));
  for (int k = 0; k < 2 && kept; k++)
    tfl_variable_assign(c, states[k], emit_squeeze(e, node->out[1 + k], 1, (int64_t[]){0}));
  return emit_squeeze(e, node->out[0], 1, (int64_t[]){1});
}

bool tfl_op_sequence_lstm(TflCall *c) {
  static const Direction forward = {1, 5, 9, 12, 16, 18, "forward"};
  bool time_major = tfl_flag(c, 3);
  for (int k = 20; k < 24; k++)
    if (tfl_in(c, k))
      return tfl_lacks(c, E902, tfl_own_cell, "normalises its gates, which is not supported");
  if (tfl_flag(c, 5))
    return tfl_lacks(c, E902, tfl_own_cell,
                     "has diagonal recurrent weights, which is not supported");
  if (!c->in[0]) return tfl_refuse(c, E901, "has no input");
  bool kept = tfl_recurrent_kept(c, time_major);
  if (tfl_quantised(c->from[0])) return tfl_integer_lstm(c, time_major, kept);
  GraphValue *y = lstm_direction(c, &forward, tfl_time_first(c, tfl_real(c, 0), time_major), kept);
  return y && tfl_set(c, 0, tfl_time_first(c, y, time_major));
}

/* Sets the results: both directions side by side in one result, or one result for each. */
static bool set_both(TflCall *c, GraphValue *forward, GraphValue *backward, bool merge,
                     bool time_major) {
  GraphValue *y[2] = {tfl_time_first(c, forward, time_major),
                      tfl_time_first(c, backward, time_major)};
  if (merge) return tfl_set(c, 0, emit_concat(c->emit, 2, 2, y));
  return tfl_set(c, 0, y[0]) && tfl_set(c, 1, y[1]);
}

/* Whether there are no auxiliary inputs, which are operands first..end - 1. False after reporting.
 */
static bool no_auxiliary(TflCall *c, int first, int end) {
  for (int k = first; k < end; k++)
    if (tfl_in(c, k))
      return tfl_lacks(c, E902,
                       "join them to its input with a concatenation in front of it, and their "
                       "weights to its weights",
                       "has auxiliary inputs, which is not supported");
  return true;
}

bool tfl_op_bidirectional_lstm(TflCall *c) {
  static const Direction forward = {1, 5, 9, 12, 16, 35, "forward"},
                         backward = {18, 22, 26, 29, 33, 37, "backward"};
  FlatBuffer *flat = &c->reader->flat;
  bool time_major = !flat_has(flat, c->op.options, 4) || flat_u8(flat, c->op.options, 4);
  if (!no_auxiliary(c, 39, 48)) return false;
  if (!c->in[0]) return tfl_refuse(c, E901, "has no input");
  if (tfl_quantised(c->from[0]))
    return tfl_lacks(c, E902, tfl_in_floats, "computes in integers, which is not supported");
  bool kept = tfl_recurrent_kept(c, time_major);
  GraphValue *x = tfl_time_first(c, tfl_real(c, 0), time_major);
  GraphValue *there = lstm_direction(c, &forward, x, kept),
             *back = there ? lstm_direction(c, &backward, x, kept) : NULL;
  return back && set_both(c, there, back, tfl_flag(c, 3), time_major);
}

/* ---- RNN ---- */

/* Kernel, recurrent, bias and state from operand `first` on: y [T, N, u]. NULL after reporting. */
static GraphValue *rnn_direction(TflCall *c, int first, const char *direction, int activation,
                                 GraphValue *x, bool kept) {
  GraphEmit *e = c->emit;
  const char *word = activation_word(c, activation);
  int state = TFL_NO_VARIABLE;
  GraphValue *in[6] = {x};
  if (!word) return NULL;
  for (int k = 0; k < 3; k++) {
    if (!tfl_in(c, first + k)) {
      tfl_refuse(c, E901, "lacks operand %d", first + k);
      return NULL;
    }
    in[1 + k] = stacked(c, first + k, 1);
  }
  if (kept) {
    state = tfl_state_variable(c, first + 3);
    if (state == TFL_NO_VARIABLE) return NULL;
    in[5] = emit_unsqueeze(e, tfl_variable_read(c, state), 1, (int64_t[]){0});
  }
  GraphNode *node = emit_node(e, GRAPH_Rnn, kept ? 6 : 4, in, 2);
  graph_set_words(e->graph, node, GRAPH_ATTR_direction, 1, &direction);
  graph_set_words(e->graph, node, GRAPH_ATTR_activations, 1, &word);
  if (kept) tfl_variable_assign(c, state, emit_squeeze(e, node->out[1], 1, (int64_t[]){0}));
  return emit_squeeze(e, node->out[0], 1, (int64_t[]){1});
}

static bool is_float(TflCall *c) {
  if (!c->in[0]) return tfl_refuse(c, E901, "has no input");
  return !tfl_quantised(c->from[0]) ||
         tfl_lacks(c, E902, tfl_in_floats, "computes in integers, which is not supported");
}

bool tfl_op_sequence_rnn(TflCall *c) {
  bool time_major = tfl_flag(c, 0);
  if (!is_float(c)) return false;
  GraphValue *x = tfl_time_first(c, tfl_real(c, 0), time_major);
  GraphValue *y = rnn_direction(c, 1, "forward", flat_u8(&c->reader->flat, c->op.options, 1), x,
                                tfl_recurrent_kept(c, time_major));
  return y && tfl_set(c, 0, tfl_time_first(c, y, time_major));
}

bool tfl_op_bidirectional_rnn(TflCall *c) {
  bool time_major = tfl_flag(c, 0);
  int activation = flat_u8(&c->reader->flat, c->op.options, 1);
  if (!no_auxiliary(c, 9, 12)) return false;
  if (!is_float(c)) return false;
  bool kept = tfl_recurrent_kept(c, time_major);
  GraphValue *x = tfl_time_first(c, tfl_real(c, 0), time_major);
  GraphValue *there = rnn_direction(c, 1, "forward", activation, x, kept),
             *back = there ? rnn_direction(c, 5, "backward", activation, x, kept) : NULL;
  return back && set_both(c, there, back, tfl_flag(c, 2), time_major);
}

/* RNN: one step, x [N, d]. */
bool tfl_op_step_rnn(TflCall *c) {
  if (!is_float(c)) return false;
  GraphValue *x = emit_unsqueeze(c->emit, tfl_real(c, 0), 1, (int64_t[]){0});
  GraphValue *y =
      rnn_direction(c, 1, "forward", flat_u8(&c->reader->flat, c->op.options, 0), x, true);
  return y && tfl_set(c, 0, emit_squeeze(c->emit, y, 1, (int64_t[]){0}));
}
