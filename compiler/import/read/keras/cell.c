/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The options and weights of a cell. Keras has kernel [d, G u], recurrent_kernel [u, G u] and bias
 * [G u], gates i f c o of LSTM and z r h of GRU in the order of the graph; the graph has a matrix
 * for each gate, [1, G, u, d]. With reset after the product a GRU's bias is [2, 3 u]. CuDNN layers
 * keep a gate of the kernel as [u, d] in memory, one of the recurrent kernel transposed, and two
 * biases. Keras 1 has a tensor for each gate. */
#include "import/read/keras/keras.h"

#include <string.h>

/* ---- options ---- */

static const char *activation_word(KerasLayer *layer, const char *option, const char *fallback) {
  static const char *const words[][2] = {{"linear", "linear"},
                                         {"relu", "relu"},
                                         {"tanh", "tanh"},
                                         {"sigmoid", "sigmoid"},
                                         {"softplus", "softplus"},
                                         {"softsign", "softsign"},
                                         {"elu", "elu(1)"},
                                         {"gelu", "gelu"},
                                         {"exponential", "exp"},
                                         {"hard_tanh", "hard_tanh"},
                                         {"relu6", "relu6"},
                                         {"silu", "silu"},
                                         {"swish", "silu"},
                                         {"mish", "mish"},
                                         {"hard_silu", "hard_silu"},
                                         {"hard_swish", "hard_silu"},
                                         {"celu", "celu(1)"},
                                         {"log_sigmoid", "log_sigmoid"},
                                         {"tanh_shrink", "tanh_shrink"},
                                         {"squareplus", "squareplus"},
                                         {"sparse_sigmoid", "hard_sigmoid(0.5,0.5)"},
                                         {"leaky_relu", "leaky_relu(0.2)"},
                                         {"selu", "selu(1.6732632423543772,1.0507009873554805)"}};
  json_t *given = json_object_get(layer->config, option);
  const char *name =
      keras_activation_name(layer, option, given ? "linear" : fallback); /* null is linear */
  if (!name) return NULL;
  if (strcmp(name, "hard_sigmoid") == 0)
    return layer->keras->major < 3 ? "hard_sigmoid(0.2,0.5)"
                                   : "hard_sigmoid(0.16666666666666666,0.5)";
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i][0]) == 0) return words[i][1];
  keras_lacks(layer, E902,
              "linear, relu, relu6, leaky_relu, tanh, sigmoid, hard_sigmoid, hard_tanh, softplus, "
              "softsign, elu, selu, gelu, exponential, silu, hard_silu, mish, celu, log_sigmoid, "
              "squareplus, tanh_shrink and sparse_sigmoid are read there",
              "has %s `%s`, which is not supported inside a recurrent layer", option, name);
  return NULL;
}

static bool is_class(const char *name, const char *of) {
  if (strncmp(name, "CuDNN", 5) == 0) name += 5;
  size_t n = strlen(of);
  return strcmp(name, of) == 0 || (strncmp(name, of, n) == 0 && strcmp(name + n, "Cell") == 0);
}

/* Keras itself always writes these: what is missing was left out by hand, and its default
 * changed. */
static bool says_enough(const KerasLayer *layer, const KerasRun *run) {
  const Keras *k = layer->keras;
  const char *missing = NULL;
  bool plain = k->major == 2 && run->op != GRAPH_Rnn && !run->cudnn;
  if (plain && !json_object_get(layer->config, "recurrent_activation"))
    missing = "recurrent_activation";
  if (plain && k->minor >= 2 && run->op == GRAPH_Gru && !run->bias && !run->reset_known)
    missing = "reset_after";
  if (!missing) return true;
  return keras_lacks(layer, E904,
                     arena_printf(layer->keras->arena,
                                  "add \"%s\" to its configuration, %s: Keras and tf.keras have "
                                  "different defaults",
                                  missing,
                                  k->options->config ? "in the file of `--config`"
                                  : k->text          ? "in `config.json` of the archive"
                                                     : "the attribute `model_config` of the file"),
                     "does not say its `%s`", missing);
}

bool keras_run_options(KerasLayer *layer, KerasRun *run) {
  const char *name = layer->class_name;
  bool lstm = is_class(name, "LSTM"), gru = is_class(name, "GRU");
  run->op = lstm ? GRAPH_Lstm : gru ? GRAPH_Gru : GRAPH_Rnn;
  run->gates = lstm ? 4 : gru ? 3 : 1;
  run->cudnn = strncmp(name, "CuDNN", 5) == 0;
  run->units = keras_size(layer, "units", -1);
  run->bias = keras_flag(layer, "use_bias", true);
  run->reset_known = keras_option(layer, "reset_after") != NULL;
  run->reset_after = gru && (run->cudnn || keras_flag(layer, "reset_after", false));
  run->activation = activation_word(layer, "activation", "tanh");
  run->gate = run->op == GRAPH_Rnn || run->cudnn
                  ? "sigmoid"
                  : activation_word(layer, "recurrent_activation",
                                    layer->keras->major < 3 ? "hard_sigmoid" : "sigmoid");
  return run->units > 0 && run->activation && run->gate && says_enough(layer, run);
}

/* ---- weights ---- */

/* [rows, G u] as [1, G, u, rows]. */
static GraphValue *by_gates(KerasLayer *layer, const KerasRun *run, GraphValue *t, int64_t rows) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *apart = emit_reshape(e, t, 3, (int64_t[]){rows, run->gates, run->units});
  return emit_reshape(e, emit_transpose(e, apart, 3, (int64_t[]){1, 2, 0}), 4,
                      (int64_t[]){1, run->gates, run->units, rows});
}

/* The block [rows, u] of a gate holds [u, rows] as it stands in memory. */
static GraphValue *by_gates_cudnn(KerasLayer *layer, const KerasRun *run, GraphValue *t,
                                  int64_t rows) {
  GraphEmit *e = keras_emit(layer);
  GraphValue *gate[4];
  for (int g = 0; g < run->gates; g++)
    gate[g] = emit_reshape(e, emit_slice(e, t, 1, g * run->units, (g + 1) * run->units, 1), 4,
                           (int64_t[]){1, 1, run->units, rows});
  return emit_concat(e, 1, run->gates, gate);
}

static GraphValue *matrix(KerasLayer *layer, const char *side, const KerasRun *run,
                          bool recurrent) {
  int64_t rows = recurrent ? run->units : run->inputs, width, count;
  if (!size_mul(run->units, run->gates, &width) || !size_mul(width, rows, &count)) {
    keras_refuse(layer, E603, "is too large: %lld units on %lld inputs", (long long)run->units,
                 (long long)run->inputs);
    return NULL;
  }
  GraphValue *t = keras_weight(layer, side, recurrent ? "recurrent_kernel" : "kernel", recurrent, 2,
                               (int64_t[]){rows, width});
  return !t           ? NULL
         : run->cudnn ? by_gates_cudnn(layer, run, t, rows)
                      : by_gates(layer, run, t, rows);
}

/* Keras 1: W_i, U_i, b_i ... */
static GraphValue *of_gates(KerasLayer *layer, const char *side, const KerasRun *run, char letter) {
  static const char order[][5] = {"ifco", "zrh"};
  GraphEmit *e = keras_emit(layer);
  GraphValue *gate[4];
  for (int g = 0; g < run->gates; g++) {
    char one[2] = {letter, 0};
    const char *leaf = run->op == GRAPH_Rnn ? arena_strdup(layer->keras->arena, one)
                                            : arena_printf(layer->keras->arena, "%c_%c", letter,
                                                           order[run->op == GRAPH_Gru][g]);
    int64_t rows = letter == 'U' ? run->units : run->inputs, u = run->units;
    GraphValue *t = letter == 'b' ? keras_weight(layer, side, leaf, 0, 1, &u)
                                  : keras_weight(layer, side, leaf, 0, 2, (int64_t[]){rows, u});
    if (!t) return NULL;
    gate[g] = letter == 'b' ? emit_reshape(e, t, 3, (int64_t[]){1, 1, u})
                            : emit_reshape(e, emit_transpose(e, t, 2, (int64_t[]){1, 0}), 4,
                                           (int64_t[]){1, 1, u, rows});
  }
  return emit_concat(e, 1, run->gates, gate);
}

/* One bias, or two: [2, G u], of CuDNN [2 G u]. False after reporting. */
static bool biases(KerasLayer *layer, const char *side, KerasRun *run) {
  static const int64_t any[] = {-1, -1};
  GraphEmit *e = keras_emit(layer);
  Hdf5Tensor t;
  int64_t shape[] = {1, run->gates, run->units}, width = run->gates * run->units;
  if (!keras_tensor(layer, side, "bias", 2, &t)) return false;
  bool two = t.rank == 2 || run->cudnn;
  if (run->op == GRAPH_Gru && run->reset_known && two != run->reset_after) {
    keras_refuse(layer, E605, "has reset_after=%s, but its bias is that of the other variant",
                 run->reset_after ? "true" : "false");
    return false;
  }
  GraphValue *all = keras_weight(layer, side, "bias", 2, t.rank == 2 ? 2 : 1, any);
  if (!all) return false;
  if (all->constant->count != (two ? 2 * width : width)) {
    keras_refuse(layer, E603, "has %lld biases for %lld units", (long long)all->constant->count,
                 (long long)run->units);
    return false;
  }
  if (run->op == GRAPH_Gru) run->reset_after = two;
  if (!two) {
    run->b = emit_reshape(e, all, 3, shape);
    return true;
  }
  GraphValue *half = emit_reshape(e, all, 2, (int64_t[]){2, width});
  run->b = emit_reshape(e, emit_slice(e, half, 0, 0, 1, 1), 3, shape);
  run->rb = emit_reshape(e, emit_slice(e, half, 0, 1, 2, 1), 3, shape);
  if (run->op == GRAPH_Gru) return true;
  run->b = EMIT(e, Add, run->b, run->rb);
  run->rb = NULL;
  return true;
}

bool keras_run_weights(KerasLayer *layer, const char *side, KerasRun *run) {
  bool apart = layer->keras->major == 1;
  run->w = apart ? of_gates(layer, side, run, 'W') : matrix(layer, side, run, false);
  run->r = !run->w ? NULL
           : apart ? of_gates(layer, side, run, 'U')
                   : matrix(layer, side, run, true);
  run->b = run->rb = NULL;
  if (!run->r) return false;
  if (!run->bias) return true;
  if (!apart) return biases(layer, side, run);
  run->b = of_gates(layer, side, run, 'b');
  return run->b != NULL;
}
