/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU and RNN, several layers in one operator, and their cells. In PyTorch: weights [gates u,
 * d] and [gates u, u or p], two biases [gates u], gates of LSTM i f g o, of GRU r z n; the reset
 * gate of a GRU comes after its product. */
#include "import/read/torch/reader.h"

#include <string.h>

typedef struct TorchCell {
  GraphOp op;
  int gates, n_states;
  const char *activation; /* of an RNN; NULL: the usual ones */
  bool biases, projected;
  int dirs;
} TorchCell;

static TorchCell cell_of(const char *op) {
  bool lstm = strncmp(op, "lstm", 4) == 0, gru = strncmp(op, "gru", 3) == 0;
  return (TorchCell){.op = lstm  ? GRAPH_Lstm
                           : gru ? GRAPH_Gru
                                 : GRAPH_Rnn,
                     .gates = lstm  ? 4
                              : gru ? 3
                                    : 1,
                     .n_states = lstm ? 2 : 1,
                     .activation = lstm || gru          ? NULL
                                   : strstr(op, "relu") ? "relu"
                                                        : "tanh",
                     .biases = true,
                     .dirs = 1};
}

/* False after reporting. */
static bool unfit(TorchCall *c) {
  return torch_lacks(
      c, E902, "the weights have to be parameters or buffers of the module, which are in the file",
      "has weights that are not in the file, or of a size that does not fit");
}

/* [gates u, ...] as [1, gates, u, ...] in the order of the graph; NULL if the sizes do not allow
 * it. */
static GraphValue *by_gates(TorchCall *c, const TorchCell *cell, GraphValue *w) {
  static const int64_t gru_order[] = {1, 0, 2};
  const GraphTensor *t = w->constant;
  if (!t || t->rank < 1 || t->dim[0] % cell->gates != 0) {
    unfit(c);
    return NULL;
  }
  GraphValue *x = emit_reshape(c->emit, w, t->rank + 2,
                               (int64_t[]){1, cell->gates, t->dim[0] / cell->gates, -1});
  return cell->op == GRAPH_Gru ? emit_gather(c->emit, x, 1, cell->gates, gru_order) : x;
}

/* Weights of all directions of one layer: W, R, b, rb, projection; NULL where there are none. */
typedef struct TorchWeights {
  GraphValue *part[5];
} TorchWeights;

static bool weights_of(TorchCall *c, const TorchCell *cell, GraphValue *const *params,
                       TorchWeights *out) {
  int each = 2 + (cell->biases ? 2 : 0) + cell->projected;
  GraphValue *dir[5][2];
  *out = (TorchWeights){{NULL}};
  for (int d = 0; d < cell->dirs; d++)
    for (int k = 0; k < each; k++) {
      GraphValue *w = params[d * each + k];
      bool projection = cell->projected && k == each - 1;
      GraphValue *x =
          projection ? emit_unsqueeze(c->emit, w, 1, (int64_t[]){0}) : by_gates(c, cell, w);
      if (!x) return false;
      dir[projection ? 4 : k][d] = x;
    }
  for (int k = 0; k < 5; k++) {
    bool there = k < 2 || (k < 4 ? cell->biases : cell->projected);
    if (there) out->part[k] = emit_concat(c->emit, 0, cell->dirs, dir[k]);
  }
  return true;
}

/* The layer over x [T, N, d] from states [dirs, N, u]: y [T, dirs, N, u] and the states. */
static GraphNode *layer_of(TorchCall *c, const TorchCell *cell, GraphValue *x,
                           const TorchWeights *w, GraphValue *const *state) {
  GraphValue *in[10] = {x, w->part[0], w->part[1]}, *b = w->part[2], *rb = w->part[3];
  int n = 3;
  const char *direction = cell->dirs == 2 ? "both" : "forward",
             *word[2] = {cell->activation, cell->activation};
  if (cell->op == GRAPH_Gru) {
    in[3] = b;
    in[4] = rb;
    in[6] = state[0];
    n = 7;
  } else {
    in[3] = b ? EMIT(c->emit, Add, b, rb) : NULL;
    in[5] = state[0];
    n = 6;
  }
  if (cell->op == GRAPH_Lstm) {
    in[6] = state[1];
    in[9] = w->part[4];
    n = in[9] ? 10 : 7;
  }
  GraphNode *node = emit_node(c->emit, cell->op, n, in, cell->n_states + 1);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_direction, 1, &direction);
  if (cell->activation)
    graph_set_words(c->emit->graph, node, GRAPH_ATTR_activations, cell->dirs, word);
  if (cell->op == GRAPH_Gru) graph_set_int(c->emit->graph, node, GRAPH_ATTR_reset_after, 1);
  return node;
}

static bool run_layers(TorchCall *c, const TorchCell *cell, int layers, GraphValue *x,
                       GraphValue *const *params, GraphValue *const *start) {
  int each = cell->dirs * (2 + (cell->biases ? 2 : 0) + cell->projected);
  bool batch_first = torch_bool(c, "batch_first", false);
  GraphValue **last[2] = {ARENA_ARRAY(c->reader->arena, GraphValue *, layers),
                          ARENA_ARRAY(c->reader->arena, GraphValue *, layers)};
  if (batch_first) x = emit_transpose(c->emit, x, 3, (int64_t[]){1, 0, 2});
  for (int l = 0; l < layers; l++) {
    TorchWeights w;
    GraphValue *state[2] = {NULL, NULL};
    if (!weights_of(c, cell, params + l * each, &w)) return false;
    for (int k = 0; k < cell->n_states; k++)
      state[k] = layers == 1
                     ? start[k]
                     : emit_slice(c->emit, start[k], 0, l * cell->dirs, (l + 1) * cell->dirs, 1);
    GraphNode *node = layer_of(c, cell, x, &w, state);
    for (int k = 0; k < cell->n_states; k++)
      last[k][l] = node->out[1 + k];
    x = cell->dirs == 1
            ? emit_squeeze(c->emit, node->out[0], 1, (int64_t[]){1})
            : emit_reshape(c->emit,
                           emit_transpose(c->emit, node->out[0], 4, (int64_t[]){0, 2, 1, 3}), 3,
                           (int64_t[]){0, 0, -1});
  }
  if (batch_first) x = emit_transpose(c->emit, x, 3, (int64_t[]){1, 0, 2});
  for (int k = 0; k < cell->n_states; k++)
    if (torch_wants(c, (size_t)(k + 1)) &&
        !torch_set(c, (size_t)(k + 1), emit_concat(c->emit, 0, layers, last[k])))
      return false;
  return torch_set(c, 0, x);
}

/* The initial states of a cell: a list of two for an LSTM, else one tensor, for which *single has
 * room. *n gets their number. NULL after reporting. */
static GraphValue **initial_states(TorchCall *c, const TorchCell *cell, GraphValue **single,
                                   int *n) {
  *n = 1;
  if (cell->op == GRAPH_Lstm) return torch_tensors(c, "hx", n);
  *single = torch_in(c, "hx");
  return *single ? single : NULL;
}

bool torch_op_recurrent(TorchCall *c) {
  TorchCell cell = cell_of(c->op);
  int64_t layers = torch_int(c, "num_layers", 1);
  int n_params = 0, n_states;
  GraphValue *single;
  if (torch_has(c, "batch_sizes"))
    return torch_lacks(
        c, E902,
        "export it as ONNX (`torch.onnx.export(..., dynamo=False)`, with `enforce_sorted=True`), "
        "where "
        "`--time \"n <= N\"` reads the lengths; or call the layer without `pack_padded_sequence`",
        "runs over packed sequences, which is not supported");
  if (torch_bool(c, "train", false) && torch_number(c, "dropout", 0) > 0)
    return torch_lacks(c, E902, "export in evaluation mode: `module.eval()` before the export",
                       "drops elements, as in training");
  GraphValue *x = torch_in(c, "input");
  if (!x) return false;
  if (torch_rank(c, "input") != 3)
    return torch_lacks(c, E902, "give it one: `x.unsqueeze(0)` before, and `squeeze(0)` after",
                       "has an input without a batch");
  GraphValue **start = initial_states(c, &cell, &single, &n_states);
  GraphValue **params = start ? torch_tensors(c, "params", &n_params) : NULL;
  if (!params) return false;
  cell.dirs = torch_bool(c, "bidirectional", false) ? 2 : 1;
  cell.biases = torch_bool(c, "has_biases", true);
  int64_t each = 2 + (cell.biases ? 2 : 0), directions = layers * cell.dirs;
  cell.projected = cell.op == GRAPH_Lstm && directions > 0 && n_params == directions * (each + 1);
  if (layers < 1 || layers > INT16_MAX || n_states != cell.n_states ||
      n_params != directions * (each + cell.projected))
    return torch_refuse(c, E901, "has %d weights for %lld layers", n_params, (long long)layers);
  return run_layers(c, &cell, (int)layers, x, params, start);
}

/* x W' + b, [N, gates u]; gates in the order of PyTorch. b NULL: none. */
static GraphValue *gates_of(TorchCall *c, GraphValue *x, GraphValue *w, GraphValue *b) {
  GraphValue *sum = EMIT(c->emit, MatMul, x, emit_transpose(c->emit, w, 2, (int64_t[]){1, 0}));
  return b ? EMIT(c->emit, Add, sum, b) : sum;
}

static GraphValue *gate_of(TorchCall *c, GraphValue *gates, int64_t units, int number) {
  return emit_slice(c->emit, gates, 1, number * units, (number + 1) * units, 1);
}

/* h' of a GRU from both halves of its gates, r z n. */
static GraphValue *gru_step(TorchCall *c, GraphValue *in, GraphValue *back, GraphValue *h,
                            int64_t u) {
  GraphEmit *e = c->emit;
  GraphValue *r = EMIT(e, Sigmoid, EMIT(e, Add, gate_of(c, in, u, 0), gate_of(c, back, u, 0))),
             *z = EMIT(e, Sigmoid, EMIT(e, Add, gate_of(c, in, u, 1), gate_of(c, back, u, 1))),
             *reset = EMIT(e, Mul, r, gate_of(c, back, u, 2)),
             *n = EMIT(e, Tanh, EMIT(e, Add, gate_of(c, in, u, 2), reset));
  return EMIT(e, Add, n, EMIT(e, Mul, z, EMIT(e, Sub, h, n)));
}

/* h' of an LSTM from its gates i f g o; *cell is c before and c' after. */
static GraphValue *lstm_step(TorchCall *c, GraphValue *sum, GraphValue **cell, int64_t u) {
  GraphEmit *e = c->emit;
  GraphValue *i = EMIT(e, Sigmoid, gate_of(c, sum, u, 0)),
             *f = EMIT(e, Sigmoid, gate_of(c, sum, u, 1)),
             *g = EMIT(e, Tanh, gate_of(c, sum, u, 2)),
             *o = EMIT(e, Sigmoid, gate_of(c, sum, u, 3));
  *cell = EMIT(e, Add, EMIT(e, Mul, f, *cell), EMIT(e, Mul, i, g));
  return EMIT(e, Mul, o, EMIT(e, Tanh, *cell));
}

/* A cell is one step, x [N, d], states [N, u]: written out, so that the steps of a loop are found
 * as those of any file. */
bool torch_op_cell(TorchCall *c) {
  TorchCell cell = cell_of(c->op);
  int n_states;
  GraphValue *single, *x = torch_in(c, "input");
  if (!x) return false;
  GraphValue **start = initial_states(c, &cell, &single, &n_states);
  GraphValue *w = torch_in(c, "w_ih"), *r = torch_in(c, "w_hh");
  GraphValue *b = torch_tensor_arg(c, "b_ih"), *rb = torch_tensor_arg(c, "b_hh");
  if (!start || !w || !r) return false;
  if (n_states != cell.n_states || torch_rank(c, "input") != 2)
    return torch_lacks(c, E902, "give it one: `x.unsqueeze(0)` before, and `squeeze(0)` after",
                       "has an input without a batch");
  const GraphTensor *t = w->constant;
  if (!t || t->rank != 2 || t->dim[0] % cell.gates != 0) return unfit(c);
  int64_t units = t->dim[0] / cell.gates;
  GraphValue *h = start[0], *in = gates_of(c, x, w, b), *back = gates_of(c, h, r, rb);
  if (cell.op == GRAPH_Gru) return torch_set(c, 0, gru_step(c, in, back, h, units));
  GraphValue *sum = EMIT(c->emit, Add, in, back);
  if (cell.op == GRAPH_Lstm) {
    GraphValue *state = start[1], *next = lstm_step(c, sum, &state, units);
    return torch_set(c, 0, next) && torch_set(c, 1, state);
  }
  bool relu = cell.activation && strcmp(cell.activation, "relu") == 0;
  return torch_set(c, 0, relu ? EMIT(c->emit, Relu, sum) : EMIT(c->emit, Tanh, sum));
}
