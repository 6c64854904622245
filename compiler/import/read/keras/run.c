/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recurrent nodes. In, a sequence [batch, time, d], weights and options; out, a node of one
 * direction or of two, and its results with the batch in front. Results of two directions are
 * merged here as well. */
#include "import/read/keras/run.h"

#include <string.h>

const char *const keras_state_names[2] = {"h", "c"};
const char *const keras_both_names[2][2] = {{"forward_h", "forward_c"},
                                            {"backward_h", "backward_c"}};

int keras_n_states(const KerasRun *run) {
  return run->op == GRAPH_Lstm ? 2 : 1;
}

/* Sets the attributes of a node of `dirs` directions. */
static void set_words(KerasLayer *layer, GraphNode *node, const KerasRun *run, int dirs,
                      const char *direction) {
  const char *words[6];
  int n = 0;
  for (int d = 0; d < dirs; d++) {
    if (run->op != GRAPH_Rnn) words[n++] = run->gate;
    words[n++] = run->activation;
    if (run->op == GRAPH_Lstm) words[n++] = run->activation;
  }
  Graph *graph = keras_emit(layer)->graph;
  graph_set_words(graph, node, GRAPH_ATTR_direction, 1, &direction);
  graph_set_words(graph, node, GRAPH_ATTR_activations, n, words);
  if (run->op == GRAPH_Gru) graph_set_int(graph, node, GRAPH_ATTR_reset_after, run->reset_after);
  if (run->zero_output) graph_set_int(graph, node, GRAPH_ATTR_zero_output, 1);
}

/* The node, whose sequences have the time in front, as its results have. x: [batch, time, d];
 * start: [dirs, batch, u] each, or NULL for zeros; keeps: the mask, or NULL. */
static GraphNode *run_node(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                           GraphValue *const *start, int dirs, const char *direction) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *steps = emit_transpose(e, x, 3, (int64_t[]){1, 0, 2}),
             *mask = keeps ? emit_transpose(e, keeps, 2, (int64_t[]){1, 0}) : NULL;
  GraphValue *lstm[] = {steps, run->w, run->r, run->b, NULL, start[0], start[1], NULL, mask};
  GraphValue *gru[] = {steps, run->w, run->r, run->b, run->rb, NULL, start[0], mask};
  GraphValue *rnn[] = {steps, run->w, run->r, run->b, NULL, start[0], mask};
  GraphNode *node = run->op == GRAPH_Lstm  ? emit_node(e, GRAPH_Lstm, 9, lstm, 3)
                    : run->op == GRAPH_Gru ? emit_node(e, GRAPH_Gru, 8, gru, 2)
                                           : emit_node(e, GRAPH_Rnn, 7, rnn, 2);
  set_words(layer, node, run, dirs, direction);
  return node;
}

/* The start [batch, u] of a node of one direction over x as [1, batch, u], of a constant [1, u]
 * too; NULL stays NULL. */
static GraphValue *one_start(KerasLayer *layer, GraphValue *x, GraphValue *state) {
  static const int64_t first[] = {0};
  GraphEmit *e = keras_emit(layer);
  if (!state) return NULL;
  if (state->constant) {
    GraphValue *batch = emit_gather(e, EMIT(e, Shape, x), 0, 1, first),
               *one = emit_ints(e, 1, (int64_t[]){1});
    state = EMIT(e, Expand, state, emit_concat(e, 0, 2, (GraphValue *[]){batch, one}));
  }
  return emit_unsqueeze(e, state, 1, first);
}

const char *keras_part_name(const KerasLayer *layer, const char *part) {
  return part ? arena_printf(layer->keras->arena, "%s/%s", layer->name, part) : layer->name;
}

KerasResult keras_run_one(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                          GraphValue *const *state, bool backward) {
  GraphEmit *e = keras_emit(layer);
  const char *outer = e->name;
  e->name = layer->name;
  GraphValue *start[2] = {one_start(layer, x, state[0]), one_start(layer, x, state[1])};
  GraphNode *node = run_node(layer, run, x, keeps, start, 1, backward ? "backward" : "forward");
  KerasResult out = {.y = emit_transpose(e, emit_squeeze(e, node->out[0], 1, (int64_t[]){1}), 3,
                                         (int64_t[]){1, 0, 2})};
  for (int s = 0; s < keras_n_states(run); s++)
    out.state[s] = emit_squeeze(e, node->out[1 + s], 1, (int64_t[]){0});
  e->name = outer;
  return out;
}

void keras_run_both(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                    GraphValue *const *state, GraphValue **y, GraphValue *out[4],
                    GraphValue **last) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *start[2] = {NULL, NULL};
  for (int s = 0; s < keras_n_states(run); s++)
    if (state[s])
      start[s] = emit_concat(e, 0, 2,
                             (GraphValue *[]){one_start(layer, x, state[s]),
                                              one_start(layer, x, state[keras_n_states(run) + s])});
  GraphNode *node = run_node(layer, run, x, keeps, start, 2, "both");
  GraphValue *rows = emit_reshape(e, emit_transpose(e, node->out[0], 4, (int64_t[]){0, 2, 1, 3}), 3,
                                  (int64_t[]){0, 0, 2 * run->units});
  *y = emit_transpose(e, rows, 3, (int64_t[]){1, 0, 2});
  *last = emit_reshape(e, emit_transpose(e, node->out[1], 3, (int64_t[]){1, 0, 2}), 2,
                       (int64_t[]){0, 2 * run->units});
  for (int d = 0; d < 2; d++)
    for (int s = 0; s < keras_n_states(run); s++)
      out[d * keras_n_states(run) + s] =
          emit_axis_call(e, GRAPH_Gather, 0, 2, (GraphValue *[]){node->out[1 + s], emit_int(e, d)});
}

GraphValue *keras_turned(KerasLayer *layer, GraphValue *y) {
  if (y->node && y->node->op == GRAPH_Reverse) return y->node->in[0];
  GraphNode *turn = keras_node(layer, GRAPH_Reverse, 1, &y);
  graph_set_int(keras_emit(layer)->graph, turn, GRAPH_ATTR_axes, 1);
  return emit_done(keras_emit(layer), turn);
}

/* keras_turned for a masked sequence. Keras passes the mask of the input on beside the reversed
 * result, so that it covers other steps than those that were masked. That is right only if no step
 * is masked, which the words say to the user. */
static GraphValue *turned_mask(KerasLayer *layer, GraphValue *y) {
  static const GraphMasked words = {
      "reads its sequence backwards and returns it in that order, with the masked steps in front",
      "Keras applies the mask of the input to the reversed result, and so to real steps",
      "use return_sequences=False, or put the layer into Bidirectional"};
  GraphEmit *e = keras_emit(layer);
  const GraphMasked *outer = e->masked;
  e->masked = &words;
  y = keras_turned(layer, y);
  e->masked = outer;
  return y;
}

GraphValue *keras_read_order(KerasLayer *layer, const KerasRun *run, const KerasResult *r,
                             bool masked) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *y = r->y;
  bool zeroed = masked && run->zero_output;
  if (!run->sequences && !zeroed) return r->state[0];
  if (run->backwards) y = masked ? turned_mask(layer, y) : keras_turned(layer, y);
  return run->sequences
             ? y
             : emit_axis_call(e, GRAPH_Gather, 1, 2, (GraphValue *[]){y, emit_int(e, -1)});
}

const char *keras_merge_mode(const KerasLayer *layer) {
  json_t *given = json_object_get(layer->config, "merge_mode");
  return given ? json_string_value(given) : "concat";
}

bool keras_check_merge(KerasLayer *layer, const char *mode) {
  if (words_index("concat sum mul ave", mode) >= 0) return true;
  keras_lacks(
      layer, E903,
      "`concat`, `sum`, `mul`, `ave` and None are read; None gives both, for a layer of your "
      "choice",
      "has the merge_mode `%s`, which is not supported", mode);
  return false;
}

GraphValue *keras_merged(KerasLayer *layer, const char *mode, int axis, const char *units,
                         int64_t n_x, int64_t n_y, GraphValue *x, GraphValue *y) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *both[] = {x, y};
  if (!keras_check_merge(layer, mode)) return NULL;
  if (strcmp(mode, "concat") == 0) return emit_concat(e, axis, 2, both);
  if (n_x != n_y) {
    keras_lacks(layer, E903, "use `merge_mode=\"concat\"`, or the same number in both directions",
                "merges directions of %lld and %lld %s, which only `concat` can", (long long)n_x,
                (long long)n_y, units);
    return NULL;
  }
  GraphValue *out = emit_call(e, strcmp(mode, "mul") == 0 ? GRAPH_Mul : GRAPH_Add, 2, both);
  return strcmp(mode, "ave") == 0 ? EMIT(e, Div, out, emit_number(e, 2)) : out;
}
