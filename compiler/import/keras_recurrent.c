/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU, SimpleRNN, their CuDNN and RNN(cell) forms, and Bidirectional around them.
 *
 *   return_sequences        false: `last`, or the field h where the sequence is read backwards
 *   return_state            the fields h and c
 *   go_backwards            direction=backward; the sequence it returns is in the order of reading
 *   Bidirectional concat    direction=both; other merge modes: two layers and an operator
 *   stateful                on a stream the state is kept; else it goes in and out of each call */
#include "import/keras_cells.h"

#include <string.h>

typedef struct Recurrent {
  KerasCell cell;
  const char *activation, *gate; /* words of ours */
  bool sequences, backwards, state, stateful;
} Recurrent;

static bool is_class(const char *name, const char *of) {
  if (strncmp(name, "CuDNN", 5) == 0) name += 5;
  size_t n = strlen(of);
  return strcmp(name, of) == 0 || (strncmp(name, of, n) == 0 && strcmp(name + n, "Cell") == 0);
}

static const char *activation_word(const KerasLayer *layer, const char *option,
                                   const char *fallback) {
  static const char *const words[][2] = {
      {"linear", "linear"},   {"relu", "relu"},          {"tanh", "tanh"},
      {"sigmoid", "sigmoid"}, {"softplus", "softplus"},  {"softsign", "softsign"},
      {"elu", "elu"},         {"selu", "selu"},          {"gelu", "gelu"},
      {"exponential", "exp"}, {"hard_tanh", "hard_tanh"}};
  json_t *given = json_object_get(layer->config, option);
  const char *name =
      keras_activation_name(layer, option, given ? "linear" : fallback); /* null is linear */
  if (!name) return NULL;
  if (strcmp(name, "hard_sigmoid") == 0)
    return layer->keras->major < 3 ? "hard_sigmoid_02" : "hard_sigmoid";
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i][0]) == 0) return words[i][1];
  Diag *d = keras_refuse(
      layer, E902, "has %s `%s`, which grus does not have inside a recurrent layer", option, name);
  diag_note(d, "it would work with linear, relu, tanh, sigmoid, hard_sigmoid, softplus, softsign, "
               "elu, selu, gelu or exponential");
  return NULL;
}

/* Keras itself always writes these: what is missing was left out by hand, and its default changed
 * from hard_sigmoid to sigmoid and from before to after. False after reporting. */
static bool says_enough(const KerasLayer *layer, const Recurrent *r) {
  const Keras *k = layer->keras;
  const char *missing = NULL;
  if (k->major == 2 && r->cell.kind != LAYER_RNN && !r->cell.cudnn &&
      !json_object_get(layer->config, "recurrent_activation"))
    missing = "recurrent_activation";
  if (k->major == 2 && k->minor >= 2 && r->cell.kind == LAYER_GRU && !r->cell.bias &&
      !r->cell.cudnn && !r->cell.reset_known)
    missing = "reset_after";
  if (!missing) return true;
  Diag *d = keras_refuse(layer, E904, "does not say its `%s`", missing);
  diag_note(d, "Keras and tf.keras have different defaults: add \"%s\" to the configuration",
            missing);
  return false;
}

static bool read_options(KerasLayer *layer, Recurrent *r) {
  bool old = layer->keras->major < 3;
  const char *name = layer->class_name;
  r->cell.kind = is_class(name, "LSTM")  ? LAYER_LSTM
                 : is_class(name, "GRU") ? LAYER_GRU
                                         : LAYER_RNN;
  r->cell.cudnn = strncmp(name, "CuDNN", 5) == 0;
  r->cell.units = keras_size(layer, "units", -1);
  r->cell.bias = keras_flag(layer, "use_bias", true);
  r->cell.reset_known = keras_option(layer, "reset_after") != NULL;
  r->cell.reset_after = r->cell.cudnn || keras_flag(layer, "reset_after", false);
  r->activation = activation_word(layer, "activation", "tanh");
  r->gate = r->cell.kind == LAYER_RNN || r->cell.cudnn
                ? "sigmoid"
                : activation_word(layer, "recurrent_activation", old ? "hard_sigmoid" : "sigmoid");
  return r->cell.units > 0 && r->activation && r->gate && says_enough(layer, r);
}

/* Of the wrapper RNN for a cell, too. */
static void read_wrapper(const KerasLayer *layer, Recurrent *r) {
  r->sequences = keras_flag(layer, "return_sequences", false);
  r->state = keras_flag(layer, "return_state", false);
  r->backwards = keras_flag(layer, "go_backwards", false);
  r->stateful = keras_flag(layer, "stateful", false);
}

static Layer *make_stage(KerasLayer *layer, const Recurrent *r, const char *direction) {
  KerasValue in = layer->in[0];
  Layer *stage = keras_pipe(layer, r->cell.kind, &in);
  layer_set_size(stage, OPT_units, r->cell.units);
  if (strcmp(direction, "forward") != 0) layer_set_word(stage, OPT_direction, direction);
  layer_set_word(stage, OPT_activation, r->activation);
  if (r->cell.kind != LAYER_RNN) layer_set_word(stage, OPT_gate, r->gate);
  if (!r->cell.bias) layer_set_word(stage, OPT_bias, "false");
  stage->out[0]->name = layer->name;
  return stage;
}

static int n_states(const Recurrent *r) {
  return r->cell.kind == LAYER_LSTM ? 2 : 1;
}

static KerasValue vector(Value *value, int64_t n) {
  return (KerasValue){.value = value, .rank = 1, .dim = {n}};
}

/* The sequence, or its end: what return_sequences asks for. */
static KerasValue result_of(KerasLayer *layer, const Recurrent *r, Layer *stage, int64_t width,
                            bool backwards, bool reorder) {
  KerasValue out = {.value = stage->out[0], .rank = 2, .dim = {layer->in[0].dim[0], width}};
  bool both = layer_directions(stage) == 2;
  if (r->sequences) {
    if (backwards && reorder) keras_pipe(layer, LAYER_reverse, &out);
    return out;
  }
  if (both || backwards) return vector(stage->out[1], width);
  keras_pipe(layer, LAYER_last, &out);
  return vector(out.value, width);
}

/* stateful without a stream: `name_h` and `name_c` go in, `name_h_next` and `name_c_next` come
 * out. */
static void carry_state(KerasLayer *layer, const Recurrent *r, Layer *stage) {
  Keras *k = layer->keras;
  Value *in[2];
  if (k->options->stream) return;
  for (int s = 0; s < n_states(r); s++) {
    int64_t width = r->cell.units * layer_directions(stage);
    Port *port = model_input(k->model, arena_printf(k->arena, "%s_%c", layer->name, "hc"[s]),
                             foreign_type((Time){.kind = TIME_NONE}, 1, &width));
    in[s] = port->value;
    model_output(k->model, arena_printf(k->arena, "%s_%c_next", layer->name, "hc"[s]),
                 stage->out[1 + s]);
  }
  layer_set_states(k->arena, stage, n_states(r), in);
  foreign_note(k->foreign,
               "`%s` is stateful: its state goes in and comes out of each call (a stream keeps it "
               "by itself: --stream)",
               layer->name);
}

/* initial_state, for one direction or both. */
static bool start_states(KerasLayer *layer, const Recurrent *r, Layer *stage) {
  int n = n_states(r), dirs = layer_directions(stage);
  Value *in[2];
  if (!layer->n_states) return true;
  if (layer->n_states != n * dirs) {
    keras_refuse(layer, E903, "gets %d initial states, and has %d", layer->n_states, n * dirs);
    return false;
  }
  for (int s = 0; s < n; s++) {
    in[s] = layer->states[s].value;
    if (dirs == 1) continue;
    Value *both[] = {layer->states[s].value, layer->states[n + s].value};
    in[s] = keras_stage(layer, LAYER_concat, 2, both)->out[0];
  }
  layer_set_states(layer->keras->arena, stage, n, in);
  return true;
}

static bool check_input(KerasLayer *layer) {
  if (layer->in[0].rank == 2 && !layer->in[0].pad_before && !layer->in[0].pad_after) return true;
  Diag *d = keras_refuse(layer, E903, "needs a sequence of vectors");
  diag_note(d, "Keras: [batch, time, features]");
  return false;
}

static bool import_recurrent(KerasLayer *layer) {
  Recurrent r = {.cell = {.n_sides = 1, .side = {""}}};
  if (!check_input(layer) || !read_options(layer, &r)) return false;
  read_wrapper(layer, &r);
  r.cell.inputs = layer->in[0].dim[1];
  if (!*layer->inner) layer->inner = "cell";
  Layer *stage = make_stage(layer, &r, r.backwards ? "backward" : "forward");
  if (!keras_cell_weights(layer, &r.cell, stage) || !start_states(layer, &r, stage)) return false;
  keras_result(layer, result_of(layer, &r, stage, r.cell.units, r.backwards, true));
  for (int s = 0; s < n_states(&r) && r.state; s++)
    keras_result(layer, vector(stage->out[1 + s], r.cell.units));
  if (r.stateful) carry_state(layer, &r, stage);
  return true;
}

/* RNN(LSTMCell(...)): the options of the cell and of the wrapper in one object. */
static bool import_rnn(KerasLayer *layer) {
  json_t *cell = keras_option(layer, "cell");
  const char *class_name = json_string_value(json_object_get(cell, "class_name"));
  bool known =
      class_name && (strcmp(class_name, "LSTMCell") == 0 || strcmp(class_name, "GRUCell") == 0 ||
                     strcmp(class_name, "SimpleRNNCell") == 0);
  if (!known) {
    Diag *d = keras_refuse(layer, E902, "runs the cell `%s`", class_name ? class_name : "?");
    diag_note(d, "grus has LSTMCell, GRUCell and SimpleRNNCell; stacked cells are written as "
                 "layers one after another");
    return false;
  }
  static const char *const of_wrapper[] = {"return_sequences", "return_state", "go_backwards",
                                           "stateful"};
  Arena *arena = layer->keras->arena;
  json_t *options = json_copy_in(arena, json_object_get(cell, "config"));
  for (size_t i = 0; i < sizeof of_wrapper / sizeof *of_wrapper && options; i++)
    if (keras_option(layer, of_wrapper[i]))
      json_put(arena, options, of_wrapper[i], keras_option(layer, of_wrapper[i]));
  KerasLayer inner = *layer;
  inner.config = options;
  inner.class_name = arena_strndup(arena, class_name, strlen(class_name) - strlen("Cell"));
  bool ok = options && keras_layer_import(&inner);
  memcpy(layer->out, inner.out, sizeof layer->out);
  layer->n_out = inner.n_out;
  return ok;
}

/* One of two layers: its own weights, the part `side` of the wrapper. */
static Layer *one_side(KerasLayer *layer, Recurrent *r, const char *side, const char *direction) {
  r->cell.n_sides = 1;
  r->cell.side[0] = side;
  Layer *stage = make_stage(layer, r, direction);
  stage->prefix = stage->out[0]->name =
      arena_printf(layer->keras->arena, "%s_%s", layer->name, side);
  stage->origin = arena_printf(layer->keras->arena, "%s, %s", layer->origin, side);
  return keras_cell_weights(layer, &r->cell, stage) ? stage : NULL;
}

static bool import_two_layers(KerasLayer *layer, Recurrent *forward, Recurrent *backward,
                              const char *merge) {
  int64_t width = forward->cell.units;
  bool stateful = forward->stateful && !layer->keras->options->stream;
  if (layer->n_states || forward->state || stateful) {
    keras_refuse(layer, E903,
                 "passes or keeps states in merge mode `%s`; it would work with `concat`", merge);
    return false;
  }
  Layer *a = one_side(layer, forward, "forward", "forward"),
        *b = a ? one_side(layer, backward, "backward", "backward") : NULL;
  if (!b) return false;
  KerasValue x = result_of(layer, forward, a, width, false, false),
             y = result_of(layer, backward, b, backward->cell.units, true, false);
  Value *both[] = {x.value, y.value};
  bool concat = strcmp(merge, "concat") == 0, product = strcmp(merge, "mul") == 0;
  if (!concat && width != backward->cell.units) {
    keras_refuse(layer, E903, "merges halves of %lld and %lld units", (long long)width,
                 (long long)backward->cell.units);
    return false;
  }
  x.value = keras_stage(layer,
                        concat    ? LAYER_concat
                        : product ? LAYER_mul
                                  : LAYER_add,
                        2, both)
                ->out[0];
  if (concat) x.dim[x.rank - 1] = width + backward->cell.units;
  if (strcmp(merge, "ave") == 0) layer_set_number(keras_pipe(layer, LAYER_div, &x), OPT_value, 2);
  keras_result(layer, x);
  return true;
}

/* direction=both. Fields are [2 u]: forward, backward. */
static bool import_both(KerasLayer *layer, Recurrent *r) {
  int64_t u = r->cell.units;
  r->cell.n_sides = 2;
  r->cell.side[0] = "forward";
  r->cell.side[1] = "backward";
  Layer *stage = make_stage(layer, r, "both");
  if (!keras_cell_weights(layer, &r->cell, stage) || !start_states(layer, r, stage)) return false;
  keras_result(layer, result_of(layer, r, stage, 2 * u, false, false));
  for (int dir = 0; dir < 2 && r->state; dir++)
    for (int s = 0; s < n_states(r); s++) {
      KerasValue part = vector(stage->out[1 + s], u);
      Layer *cut = keras_pipe(layer, LAYER_slice, &part);
      layer_set_size(cut, OPT_begin, dir * u);
      layer_set_size(cut, OPT_end, (dir + 1) * u);
      part.value->name = arena_printf(layer->keras->arena, "%s_%s_%c", layer->name,
                                      dir ? "backward" : "forward", "hc"[s]);
      keras_result(layer, part);
    }
  if (r->stateful) carry_state(layer, r, stage);
  return true;
}

/* The options of the layer inside; false after reporting. */
static bool inner_options(const KerasLayer *layer, json_t *inner, KerasLayer *out, Recurrent *r) {
  extern const KerasClass keras_recurrent_classes[];
  *out = *layer;
  out->config = json_object_get(inner, "config");
  const char *class_name = json_string_value(json_object_get(inner, "class_name"));
  out->class_name = class_name ? class_name : "?";
  for (const KerasClass *c = keras_recurrent_classes; c->name; c++)
    if (c->import == import_recurrent && strcmp(c->name, out->class_name) == 0) {
      out->inner = "cell";
      r->cell.inputs = layer->in[0].dim[1];
      if (!keras_check_options(out, c->options) || !read_options(out, r)) return false;
      read_wrapper(out, r);
      return true;
    }
  Diag *d = keras_refuse(layer, E902, "runs `%s` in two directions", out->class_name);
  diag_note(d, "inside Bidirectional grus has LSTM, GRU and SimpleRNN");
  return false;
}

static bool same_recurrence(const Recurrent *a, const Recurrent *b) {
  return a->cell.kind == b->cell.kind && a->cell.units == b->cell.units &&
         a->cell.bias == b->cell.bias && a->cell.cudnn == b->cell.cudnn &&
         strcmp(a->activation, b->activation) == 0 && strcmp(a->gate, b->gate) == 0 &&
         a->sequences == b->sequences && a->cell.reset_after == b->cell.reset_after;
}

static bool import_bidirectional(KerasLayer *layer) {
  Recurrent r = {.cell = {.n_sides = 1}}, other = r;
  KerasLayer forward, backward;
  json_t *inner = keras_option(layer, "layer"), *second = keras_option(layer, "backward_layer");
  json_t *merge = json_object_get(layer->config, "merge_mode");
  const char *mode = merge ? json_string_value(merge) : "concat";
  if (!mode) {
    Diag *d = keras_refuse(layer, E903, "returns its two halves apart (merge_mode None)");
    diag_note(d, "it would work with concat, sum, mul or ave");
    return false;
  }
  if (!check_input(layer) || !inner_options(layer, inner, &forward, &r)) return false;
  other = r;
  if (second && !inner_options(layer, second, &backward, &other)) return false;
  if (r.backwards || r.sequences != other.sequences) {
    keras_refuse(layer, E903,
                 "has a first layer that goes backwards, or halves of different kinds");
    return false;
  }
  static const char *const modes[] = {"concat", "sum", "mul", "ave"};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (strcmp(mode, modes[i]) == 0) {
      bool both = i == 0 && same_recurrence(&r, &other);
      bool ok = both ? import_both(&forward, &r) : import_two_layers(&forward, &r, &other, mode);
      memcpy(layer->out, forward.out, sizeof layer->out);
      layer->n_out = forward.n_out;
      return ok;
    }
  keras_refuse(layer, E903, "has merge mode `%s`", mode);
  return false;
}

#define WRAPPER_OPTIONS                                                                            \
  "return_sequences return_state go_backwards stateful time_major=false input_dim"
#define CELL_OPTIONS " units activation use_bias " WRAPPER_OPTIONS
const KerasClass keras_recurrent_classes[] = {
    KERAS_CLASS(LSTM, import_recurrent, 1, "recurrent_activation" CELL_OPTIONS),
    KERAS_CLASS(GRU, import_recurrent, 1, "recurrent_activation reset_after" CELL_OPTIONS),
    KERAS_CLASS(SimpleRNN, import_recurrent, 1, CELL_OPTIONS),
    KERAS_CLASS(CuDNNLSTM, import_recurrent, 1, CELL_OPTIONS),
    KERAS_CLASS(CuDNNGRU, import_recurrent, 1, CELL_OPTIONS),
    KERAS_CLASS(RNN, import_rnn, 1, "cell " WRAPPER_OPTIONS),
    KERAS_CLASS(Bidirectional, import_bidirectional, 1,
                "layer backward_layer merge_mode " WRAPPER_OPTIONS),
    KERAS_CLASS_END};
