/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU, SimpleRNN, their CuDNN forms, RNN(cell) and RNN of stacked cells, and Bidirectional.
 *
 *   mask              a masked step does not change the state; its result is that of the last step
 *                     that was not masked, or zeros
 *   go_backwards      the steps of the result are in the order in which they were read; the mask is
 *                     passed on in its old order
 *   return_sequences  if false, the result is that of the step that was read last
 *   Bidirectional     the second layer reads backwards, and the steps of its result are reversed
 *   stateful          the states are inputs NAME_h and NAME_c and outputs NAME_h_next and
 *                     NAME_c_next */
#include "import/read/keras/run.h"

#include <string.h>

static KerasValue vector(GraphValue *graph, int64_t n) {
  return (KerasValue){.graph = graph, .rank = 1, .dim = {n}};
}

/* The sequence or vector that a layer gives. keeps: the mask of its steps, or NULL. */
static KerasValue result_value(const KerasLayer *layer, const KerasRun *run, GraphValue *graph,
                               int64_t width, GraphValue *keeps) {
  if (!run->sequences) return vector(graph, width);
  return (KerasValue){
      .graph = graph, .rank = 2, .dim = {layer->in[0].dim[0], width}, .mask = {.keeps = keeps}};
}

/* The input NAME_h or NAME_c [batch, width] for a state of a stateful layer. */
static GraphValue *state_input(KerasLayer *layer, char which, int64_t width) {
  Keras *k = layer->keras;
  GraphInput *in =
      graph_input(k->emit->graph, arena_printf(k->arena, "%s_%c", layer->name, which), GRAPH_FLOAT);
  in->rank = 2;
  in->dim[0] = (GraphDim){.n = GRAPH_OPEN, .symbol = "batch", .role = GRAPH_ROLE_BATCH};
  in->dim[1] = (GraphDim){.n = width};
  return in->value;
}

/* The starts of the states of run a and, of two directions, b, which is NULL otherwise. They are
 * the initial states in the call of the layer, the inputs of a stateful layer, or left NULL, which
 * means zeros. False after reporting. */
static bool start_states(KerasLayer *layer, const KerasRun *a, const KerasRun *b,
                         GraphValue *out[4]) {
  GraphEmit *e = keras_emit(layer);
  int n = keras_n_states(a), all = n + (b ? keras_n_states(b) : 0);
  if (layer->n_states && layer->n_states != all) {
    keras_lacks(layer, E903, "pass one state each for `h` and, of an LSTM, `c`, for each direction",
                "gets %d initial states; it has %d", layer->n_states, all);
    return false;
  }
  for (int s = 0; s < all && layer->n_states; s++)
    out[s] = layer->states[s].graph;
  for (int s = 0; s < n && !layer->n_states && a->stateful; s++) {
    GraphValue *whole = state_input(layer, "hc"[s], a -> units + (b ? b->units : 0));
    out[s] = b ? emit_slice(e, whole, 1, 0, a->units, 1) : whole;
    if (b) out[n + s] = emit_slice(e, whole, 1, a->units, a->units + b->units, 1);
  }
  return true;
}

/* Notes the last states of a stateful layer, which become outputs. state: those of one direction,
 * or of both. */
static void carry(KerasLayer *layer, const KerasRun *run, bool both, GraphValue *const *state) {
  Keras *k = layer->keras;
  int n = keras_n_states(run);
  for (int s = 0; s < n && run->stateful; s++) {
    GraphValue *next =
        both ? emit_concat(keras_emit(layer), 1, 2, (GraphValue *[]){state[s], state[n + s]})
             : state[s];
    KerasState carried = {arena_printf(k->arena, "%s_%c_next", layer->name, "hc"[s]), next};
    ARENA_PUSH(k->arena, k->carried, k->n_carried, k->cap_carried, carried);
  }
}

/* The options of a layer around a cell, such as LSTM around its own cell, or RNN. */
static void wrapper_options(const KerasLayer *layer, KerasRun *run) {
  run->sequences = keras_flag(layer, "return_sequences", false);
  run->state = keras_flag(layer, "return_state", false);
  run->backwards = keras_flag(layer, "go_backwards", false);
  run->stateful = keras_flag(layer, "stateful", false);
  run->zero_output = keras_flag(layer, "zero_output_for_mask", false);
}

static bool check_input(KerasLayer *layer, KerasRun *run) {
  if (layer->in[0].rank != 2 || layer->in[0].dim[1] < 1) {
    return keras_lacks(layer, E903,
                       "give it [batch, time, features]: a `Reshape` before it makes that shape",
                       "needs a sequence of vectors");
  }
  run->inputs = layer->in[0].dim[1];
  return true;
}

static bool read_recurrent(KerasLayer *layer) {
  KerasRun run = {.gates = 1};
  GraphValue *state[4] = {NULL};
  bool cudnn = strncmp(layer->class_name, "CuDNN", 5) == 0;
  GraphValue *keeps = cudnn ? NULL : keras_mask_of(layer),
             *used = cudnn ? NULL : keras_mask_in_use(layer);
  if (!check_input(layer, &run) || !keras_run_options(layer, &run)) return false;
  wrapper_options(layer, &run);
  if (!*layer->inner) layer->inner = "cell";
  if (!keras_run_weights(layer, "", &run) || !start_states(layer, &run, NULL, state)) return false;
  KerasResult r = keras_run_one(layer, &run, layer->in[0].graph, used, state, run.backwards);
  if (!keras_gives(layer, result_value(layer, &run, keras_read_order(layer, &run, &r, used != NULL),
                                       run.units, keeps)))
    return false;
  for (int s = 0; s < keras_n_states(&run) && run.state; s++)
    if (!keras_gives_state(layer, r.state[s], run.units, keras_state_names[s])) return false;
  carry(layer, &run, false, r.state);
  return true;
}

/* ---- RNN(cell), RNN([cell, cell]) ---- */

static const char *const cell_names[] = {"LSTMCell", "GRUCell", "SimpleRNNCell"};

static bool is_cell(const char *class_name) {
  for (size_t i = 0; class_name && i < sizeof cell_names / sizeof *cell_names; i++)
    if (strcmp(class_name, cell_names[i]) == 0) return true;
  return false;
}

/* The cell of a layer RNN as a layer LSTM, GRU or SimpleRNN, which has the options of the cell and
 * of the RNN in one object. Its config is NULL if the cell has none. */
static KerasLayer layer_of_cell(const KerasLayer *layer, json_t *cell) {
  static const char *const of_wrapper[] = {"return_sequences", "return_state", "go_backwards",
                                           "stateful", "zero_output_for_mask"};
  Arena *arena = layer->keras->arena;
  KerasLayer inner = *layer;
  const char *class_name = json_string_value(json_object_get(cell, "class_name"));
  json_t *options = json_copy_in(arena, json_object_get(cell, "config"));
  for (size_t i = 0; i < sizeof of_wrapper / sizeof *of_wrapper && options; i++)
    if (keras_option(layer, of_wrapper[i]))
      json_put(arena, options, of_wrapper[i], keras_option(layer, of_wrapper[i]));
  inner.config = options;
  inner.name = keras_part_name(layer, json_string_value(json_object_get(options, "name")));
  inner.class_name = arena_strndup(arena, class_name, strlen(class_name) - strlen("Cell"));
  return inner;
}

/* Sets where the weights of cell i are: in Keras 3 in a group below that of the layer, and before
 * among tensors whose names have the name of the cell. False if it has no name. */
static bool locate_cell(KerasLayer *inner, json_t *cells, size_t i) {
  Arena *arena = inner->keras->arena;
  const char *class_name =
      json_string_value(json_object_get(json_array_get(cells, i), "class_name"));
  int same = 0;
  for (size_t k = 0; k < i; k++)
    same += strcmp(json_string_value(json_object_get(json_array_get(cells, k), "class_name")),
                   class_name) == 0;
  const char *stem = keras_snake_case(arena, class_name);
  if (inner->keras->by_class) {
    inner->inner = same ? arena_printf(arena, "cell/cells/%s_%d", stem, same)
                        : arena_printf(arena, "cell/cells/%s", stem);
    return true;
  }
  const char *name = json_string_value(json_object_get(inner->config, "name"));
  inner->inner = "cell";
  inner->part = name ? name : "";
  inner->own = inner->part;
  return name != NULL;
}

/* The final states of cells that run one after the other. */
typedef struct StackedStates {
  GraphValue *value[KERAS_MAX_OUT];
  const char *field[KERAS_MAX_OUT];
  int64_t units[KERAS_MAX_OUT];
  int n;
  int taken; /* the number of initial states that cells have taken */
} StackedStates;

/* Runs cell i over x. *run gets its options, and `states` its final states. False after reporting.
 */
static bool run_stacked(KerasLayer *layer, json_t *cells, size_t i, GraphValue *x, KerasRun *run,
                        StackedStates *states, KerasResult *out) {
  KerasLayer inner = layer_of_cell(layer, json_array_get(cells, i));
  GraphValue *start[2] = {NULL, NULL};
  if (!inner.config || !locate_cell(&inner, cells, i)) {
    keras_refuse(layer, E901, "has a cell without a name or options");
    return false;
  }
  if (!keras_run_options(&inner, run)) return false;
  wrapper_options(layer, run);
  if (!keras_run_weights(&inner, "", run)) return false;
  for (int s = 0; s < keras_n_states(run) && layer->n_states; s++)
    start[s] = states->taken < layer->n_states ? layer->states[states->taken++].graph : NULL;
  *out = keras_run_one(&inner, run, x, keras_mask_in_use(layer), start, run->backwards);
  for (int s = 0; s < keras_n_states(run) && run->state; s++) {
    if (states->n == KERAS_MAX_OUT - 1) {
      keras_lacks(layer, E903, "leave out `return_state`, or make a layer of each cell",
                  "returns more than %d states", KERAS_MAX_OUT - 1);
      return false;
    }
    states->units[states->n] = run->units;
    states->field[states->n] = arena_printf(layer->keras->arena, "%zu_%s", i, keras_state_names[s]);
    states->value[states->n++] = out->state[s];
  }
  return true;
}

/* Stacked cells, as one recurrent layer after the other. All of them read in the direction of the
 * RNN, and give their steps in the order of the input to the next; the result of the last one gets
 * the order that the RNN gives. */
static bool read_stacked(KerasLayer *layer, json_t *cells) {
  size_t n = json_array_size(cells);
  KerasRun run = {.gates = 1}, wrapper = {0};
  GraphValue *x = layer->in[0].graph, *used = keras_mask_in_use(layer);
  StackedStates states = {.n = 0};
  if (!check_input(layer, &run)) return false;
  wrapper_options(layer, &wrapper);
  if (!n || wrapper.stateful || (wrapper.zero_output && used && !wrapper.sequences)) {
    keras_lacks(layer, E903,
                n ? "with `stateful=False`, `--stream` keeps the states from one call to the next"
                  : "list the cells: `RNN([LSTMCell(8), LSTMCell(8)])`",
                n ? "keeps the states of several cells from call to call" : "has no cells");
    return false;
  }
  KerasResult r = {0};
  for (size_t i = 0; i < n; i++) {
    if (!run_stacked(layer, cells, i, x, &run, &states, &r)) return false;
    x = r.y;
    run.inputs = run.units;
  }
  if (states.taken != layer->n_states) {
    keras_lacks(layer, E903,
                "pass the states of the cells in order, `h` and, of an LSTM, `c` for each",
                "gets %d initial states; its cells have others", layer->n_states);
    return false;
  }
  if (!keras_gives(layer, result_value(layer, &run, keras_read_order(layer, &run, &r, used != NULL),
                                       run.units, keras_mask_of(layer))))
    return false;
  for (int s = 0; s < states.n; s++)
    if (!keras_gives_state(layer, states.value[s], states.units[s], states.field[s])) return false;
  return true;
}

static bool read_rnn(KerasLayer *layer) {
  json_t *cell = keras_option(layer, "cell");
  const char *class_name = json_string_value(json_object_get(cell, "class_name"));
  if (class_name && strcmp(class_name, "StackedRNNCells") == 0) {
    json_t *cells = json_object_get(json_object_get(cell, "config"), "cells");
    bool known = true;
    for (size_t i = 0; i < json_array_size(cells) && known; i++) {
      class_name = json_string_value(json_object_get(json_array_get(cells, i), "class_name"));
      known = is_cell(class_name);
    }
    if (known) return read_stacked(layer, cells);
  }
  if (!is_cell(class_name)) {
    return keras_lacks(
        layer, E902,
        arena_printf(layer->keras->arena,
                     "LSTMCell, GRUCell and SimpleRNNCell are read, alone and "
                     "stacked; write another cell as stages with `state` and `keep`: "
                     "`grus import %s --template` begins a model with the weights",
                     layer->keras->file->path),
        "runs the cell `%s`", class_name ? class_name : "?");
  }
  KerasLayer inner = layer_of_cell(layer, cell);
  inner.name = layer->name;
  if (!inner.config) keras_refuse(layer, E901, "has a cell without options");
  bool ok = inner.config && keras_read_layer(&inner);
  memcpy(layer->out, inner.out, sizeof layer->out);
  layer->n_out = inner.n_out;
  return ok;
}

/* ---- Bidirectional ---- */

KerasLayer keras_one_way(const KerasLayer *layer, json_t *inner) {
  KerasLayer out = *layer;
  const char *class_name = json_string_value(json_object_get(inner, "class_name"));
  out.config = json_object_get(inner, "config");
  out.class_name = class_name ? class_name : "?";
  out.inner = "cell";
  return out;
}

/* Reads the options of the layer inside a Bidirectional; false after reporting. */
static bool half_options(const KerasLayer *layer, json_t *inner, KerasLayer *out, KerasRun *run) {
  *out = keras_one_way(layer, inner);
  const KerasClass *class = keras_class_find(out->class_name);
  if (!class || class->read != read_recurrent) {
    return keras_lacks(
        layer, E902,
        "inside Bidirectional, LSTM, GRU, SimpleRNN, ConvLSTM1D and ConvLSTM2D are read; "
        "of others, build one with `go_backwards=True`, and join both",
        "runs `%s` in two directions", out->class_name);
  }
  if (!check_input(out, run) || !keras_check_options(out, class->options) ||
      !keras_run_options(out, run))
    return false;
  wrapper_options(out, run);
  return true;
}

/* Whether one node can compute both directions. */
static bool same_recurrence(const KerasRun *a, const KerasRun *b) {
  return a->op == b->op && a->units == b->units && strcmp(a->activation, b->activation) == 0 &&
         strcmp(a->gate, b->gate) == 0 && a->reset_after == b->reset_after && !a->b == !b->b &&
         !a->rb == !b->rb;
}

/* The two runs as one of both directions, by joining their weights. */
static KerasRun joined_run(KerasLayer *layer, const KerasRun *a, const KerasRun *b) {
  GraphEmit *e = keras_emit(layer);
  KerasRun out = *a;
  out.w = emit_concat(e, 0, 2, (GraphValue *[]){a->w, b->w});
  out.r = emit_concat(e, 0, 2, (GraphValue *[]){a->r, b->r});
  if (a->b) out.b = emit_concat(e, 0, 2, (GraphValue *[]){a->b, b->b});
  if (a->rb) out.rb = emit_concat(e, 0, 2, (GraphValue *[]){a->rb, b->rb});
  return out;
}

/* Merges the results x and y of both directions as the layer says; a mode of NULL gives both. False
 * after reporting. */
static bool merge(KerasLayer *layer, const char *mode, const KerasRun *a, const KerasRun *b,
                  GraphValue *x, GraphValue *y, GraphValue *keeps) {
  if (!mode)
    return keras_gives(layer, result_value(layer, a, x, a->units, keeps)) &&
           keras_gives(layer, result_value(layer, b, y, b->units, keeps));
  GraphValue *out =
      keras_merged(layer, mode, a->sequences ? 2 : 1, "units", a->units, b->units, x, y);
  int64_t units = strcmp(mode, "concat") == 0 ? a->units + b->units : a->units;
  return out && keras_gives(layer, result_value(layer, a, out, units, keeps));
}

/* Whether Bidirectional gives zeros at the masked steps of a sequence, as it does since Keras
 * 2.3. */
static bool zeroes_masked(const KerasLayer *layer) {
  const Keras *k = layer->keras;
  return k->major > 2 || (k->major == 2 && (k->minor > 2 || k->is_tensorflow));
}

/* The layer around two directions, and what its options say of each. */
typedef struct Halves {
  KerasRun a, b;
  KerasLayer forward, backward;
  const char *mode; /* merge_mode; NULL: two results */
} Halves;

/* Reads the options and weights of both directions. False after reporting. */
static bool read_halves(KerasLayer *layer, Halves *h) {
  json_t *inner = keras_option(layer, "layer"), *second = keras_option(layer, "backward_layer");
  KerasRun *a = &h->a, *b = &h->b;
  *h = (Halves){.a = {.gates = 1}, .b = {.gates = 1}, .mode = keras_merge_mode(layer)};
  if (!half_options(layer, inner, &h->forward, a) ||
      !half_options(layer, second ? second : inner, &h->backward, b))
    return false;
  if (!second) b->backwards = !a->backwards;
  if (a->sequences != b->sequences || a->backwards == b->backwards || a->stateful != b->stateful) {
    keras_lacks(layer, E903,
                "give both the same `return_sequences` and `stateful`, and `go_backwards=True` to "
                "one of them",
                "has directions that differ in their options, which is not supported");
    return false;
  }
  a->zero_output = b->zero_output = a->sequences && zeroes_masked(layer);
  if (!keras_run_weights(&h->forward, "forward", a) ||
      !keras_run_weights(&h->backward, "backward", b))
    return false;
  if (a->op == b->op || (!layer->n_states && !a->stateful)) return true;
  keras_lacks(layer, E903, "use the same class in both directions, or pass no initial states",
              "has initial states and directions of different classes, which is not supported");
  return false;
}

/* Makes both directions as two nodes whose results are merged. out gets the final states of both.
 * False after reporting. */
static bool run_halves(KerasLayer *layer, Halves *h, GraphValue *const *state, GraphValue *out[4]) {
  const KerasRun *a = &h->a, *b = &h->b;
  GraphValue *used = keras_mask_in_use(layer), *x, *y;
  int n = keras_n_states(a);
  h->forward.name = keras_part_name(layer, "forward");
  h->backward.name = keras_part_name(layer, "backward");
  KerasResult f = keras_run_one(&h->forward, a, layer->in[0].graph, used, state, a->backwards),
              g = keras_run_one(&h->backward, b, layer->in[0].graph, used, state + n, b->backwards);
  x = keras_read_order(layer, a, &f, used != NULL);
  y = keras_read_order(layer, b, &g, used != NULL);
  if (b->sequences) y = keras_turned(layer, y);
  for (int s = 0; s < n; s++)
    out[s] = f.state[s];
  for (int s = 0; s < keras_n_states(b) && n + s < 4; s++)
    out[n + s] = g.state[s];
  return merge(layer, h->mode, a, b, x, y, keras_mask_of(layer));
}

/* Makes both directions as one node. */
static bool run_fused(KerasLayer *layer, const Halves *h, GraphValue *const *state,
                      GraphValue *out[4]) {
  KerasRun both = joined_run(layer, &h->a, &h->b);
  GraphValue *y, *last;
  keras_run_both(layer, &both, layer->in[0].graph, keras_mask_in_use(layer), state, &y, out, &last);
  return keras_gives(layer, result_value(layer, &h->a, h->a.sequences ? y : last, 2 * h->a.units,
                                         keras_mask_of(layer)));
}

static bool read_bidirectional(KerasLayer *layer) {
  KerasLayer first = keras_one_way(layer, keras_option(layer, "layer"));
  if (keras_conv_lstm_options(&first)) return keras_read_conv_lstm_both(layer, &first);
  Halves h;
  GraphValue *state[4] = {NULL}, *out[4] = {NULL};
  if (!read_halves(layer, &h) || !start_states(layer, &h.a, &h.b, state)) return false;
  bool fused =
      h.mode && strcmp(h.mode, "concat") == 0 && same_recurrence(&h.a, &h.b) && !h.a.backwards;
  if (!(fused ? run_fused(layer, &h, state, out) : run_halves(layer, &h, state, out))) return false;
  int n = keras_n_states(&h.a), n_b = keras_n_states(&h.b);
  for (int s = 0; s < n + n_b && h.a.state; s++)
    if (!keras_gives_state(layer, out[s], s < n ? h.a.units : h.b.units,
                           keras_both_names[s >= n][s < n ? s : s - n]))
      return false;
  carry(layer, &h.a, true, out);
  return true;
}

#define WRAPPER_OPTIONS                                                                            \
  "return_sequences return_state go_backwards stateful time_major=false input_dim"
#define CELL_OPTIONS " units activation use_bias " WRAPPER_OPTIONS
#define CONV_LSTM_OPTIONS                                                                          \
  "filters kernel_size strides padding data_format=\"channels_last\" dilation_rate activation "    \
  "recurrent_activation use_bias rank " WRAPPER_OPTIONS
const KerasClass keras_recurrent[] = {
    KERAS_CLASS(LSTM, read_recurrent, 1, "recurrent_activation" CELL_OPTIONS),
    KERAS_CLASS(GRU, read_recurrent, 1, "recurrent_activation reset_after" CELL_OPTIONS),
    KERAS_CLASS(SimpleRNN, read_recurrent, 1, CELL_OPTIONS),
    KERAS_CLASS(CuDNNLSTM, read_recurrent, 1, CELL_OPTIONS),
    KERAS_CLASS(CuDNNGRU, read_recurrent, 1, CELL_OPTIONS),
    KERAS_CLASS(ConvLSTM1D, keras_read_conv_lstm, 1, CONV_LSTM_OPTIONS),
    KERAS_CLASS(ConvLSTM2D, keras_read_conv_lstm, 1, CONV_LSTM_OPTIONS),
    KERAS_CLASS(RNN, read_rnn, 1, "cell " WRAPPER_OPTIONS),
    KERAS_CLASS(Bidirectional, read_bidirectional, 1,
                "layer backward_layer merge_mode " WRAPPER_OPTIONS),
    KERAS_CLASS_END};
