/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU and RNN. In ONNX (https://onnx.ai/onnx/operators): W [dirs, gates u, d], R [dirs, gates
 * u, u], B [dirs, 2 gates u] (input half, recurrent half), P [dirs, 3 u]; gates of LSTM i o f c, of
 * P i o f, of GRU z r h; X [time, batch, d] and Y [time, dirs, batch, u], or with layout 1 batch
 * first.
 *
 * The state after the last step is the last row of Y where the layer reads forward; what reads
 * backward has its last state in the field h. */
#include "import/onnx.h"

#include <math.h>
#include <string.h>

typedef struct Cell {
  LayerKind kind;
  int gates, dirs, layout;
  int64_t u, d;
  const OnnxTensor *w, *r, *b, *p;
  bool reset_after;
} Cell;

static const int lstm_place[] = {0, 2, 3, 1};  /* i f c o among i o f c */
static const int peephole_place[] = {0, 2, 1}; /* i f o among i o f */

/* ---- what the node says ---- */

static const char *activation_word(Onnx *onnx, const char *name, double alpha, double beta) {
  static const char *const words[][2] = {{"Sigmoid", "sigmoid"},   {"Tanh", "tanh"},
                                         {"Relu", "relu"},         {"Softsign", "softsign"},
                                         {"Softplus", "softplus"}, {"Elu", "elu"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i][0]) == 0 && (strcmp(name, "Elu") != 0 || isnan(alpha) || alpha == 1))
      return words[i][1];
  if (strcmp(name, "Affine") == 0 && (isnan(alpha) || alpha == 1) && (isnan(beta) || beta == 0) &&
      !isnan(alpha))
    return "linear";
  if (strcmp(name, "HardSigmoid") == 0) {
    double a = isnan(alpha) ? 0.2 : alpha, b = isnan(beta) ? 0.5 : beta;
    if (fabs(a - 0.2) < 1e-6 && b == 0.5) return "hard_sigmoid_02";
    if (fabs(a - 1.0 / 6) < 1e-6 && b == 0.5) return "hard_sigmoid";
  }
  Diag *d = onnx_refuse(
      onnx, E903, "has the activation `%s`%s, which grus does not have inside a recurrent layer",
      name, isnan(alpha) ? "" : " with its alpha and beta");
  diag_note(d, "it would work with Sigmoid, Tanh, Relu, Softsign, Softplus, Elu (alpha 1), "
               "HardSigmoid (alpha 0.2 or 1/6, beta 0.5) or Affine (alpha 1, beta 0)");
  return NULL;
}

/* The activations of one direction, the same in both. alpha and beta are listed for those that have
 * them, in order. */
static bool activations(Onnx *onnx, const Cell *c, const char *word[3]) {
  static const char *const usual[][3] = {
      {"Sigmoid", "Tanh", "Tanh"}, {"Sigmoid", "Tanh", NULL}, {"Tanh", NULL, NULL}};
  int per = c->kind == LAYER_LSTM ? 3 : c->kind == LAYER_GRU ? 2 : 1;
  const char *const *fallback = usual[3 - per];
  const OnnxAttribute *a = onnx_attribute(onnx, "activations"),
                      *alpha = onnx_attribute(onnx, "activation_alpha"),
                      *beta = onnx_attribute(onnx, "activation_beta");
  size_t next_alpha = 0, next_beta = 0;
  if (a && (int)a->n != per * c->dirs) {
    onnx_refuse(onnx, E901, "has %zu activations and needs %d", a->n, per * c->dirs);
    return false;
  }
  for (int i = 0; i < per * c->dirs; i++) {
    const char *name = a ? a->strings[i] : fallback[i % per];
    bool has_alpha = strcmp(name, "Affine") == 0 || strcmp(name, "HardSigmoid") == 0 ||
                     strcmp(name, "Elu") == 0 || strcmp(name, "LeakyRelu") == 0 ||
                     strcmp(name, "ScaledTanh") == 0 || strcmp(name, "ThresholdedRelu") == 0;
    bool has_beta = strcmp(name, "Affine") == 0 || strcmp(name, "HardSigmoid") == 0 ||
                    strcmp(name, "ScaledTanh") == 0;
    double x =
        has_alpha && alpha && next_alpha < alpha->n ? (double)alpha->floats[next_alpha] : NAN;
    double y = has_beta && beta && next_beta < beta->n ? (double)beta->floats[next_beta] : NAN;
    next_alpha += has_alpha;
    next_beta += has_beta;
    const char *w = activation_word(onnx, name, x, y);
    if (!w) return false;
    if (i < per)
      word[i] = w;
    else if (strcmp(word[i - per], w) != 0) {
      onnx_refuse(onnx, E903,
                  "has other activations in its two directions; in grus they share them");
      return false;
    }
  }
  return true;
}

static bool constant_of(Onnx *onnx, int input, const char *what, int rank, const int64_t *dim,
                        const OnnxTensor **out) {
  const OnnxTensor *t = *out = onnx_in(onnx, input);
  if (!t) return true;
  if (!t->f) {
    Diag *d = onnx_refuse(onnx, E902, "has a %s that is not a constant", what);
    diag_note(d, "weights must be in the file: as initializers, or Constant nodes");
    return false;
  }
  bool fits = t->rank == rank;
  for (int i = 0; i < rank && fits; i++)
    fits = t->dim[i] == dim[i];
  if (!fits)
    onnx_refuse(onnx, E603, "has %s %s, and needs %s", what,
                onnx_dims(onnx->arena, t->rank, t->dim), onnx_dims(onnx->arena, rank, dim));
  return fits;
}

static bool read_cell(Onnx *onnx, Cell *c) {
  const char *op = onnx->node->op, *direction = onnx_string(onnx, "direction", "forward");
  c->kind = strcmp(op, "LSTM") == 0 ? LAYER_LSTM : strcmp(op, "GRU") == 0 ? LAYER_GRU : LAYER_RNN;
  c->gates = c->kind == LAYER_LSTM ? 4 : c->kind == LAYER_GRU ? 3 : 1;
  c->dirs = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
  c->reset_after = onnx_int(onnx, "linear_before_reset", 0) != 0;
  const OnnxTensor *w = onnx_in(onnx, 1), *x = onnx_in(onnx, 0), *r = onnx_in(onnx, 2);
  if (!x || !w || !r || w->rank != 3 || r->rank != 3 || x->rank != 3) {
    onnx_refuse(onnx, E901, "needs X, W and R of three axes");
    return false;
  }
  c->u = r->dim[2];
  c->d = w->dim[2];
  if (c->u < 1 || c->d < 1 || onnx_int(onnx, "hidden_size", c->u) != c->u) {
    onnx_refuse(onnx, E603, "says hidden_size %lld, and has R %s",
                (long long)onnx_int(onnx, "hidden_size", 0), onnx_dims(onnx->arena, 3, r->dim));
    return false;
  }
  if (!onnx_is_among(" forward reverse bidirectional ", direction)) {
    onnx_refuse(onnx, E901, "has the direction `%s`; there are forward, reverse and bidirectional",
                direction);
    return false;
  }
  int64_t layout = onnx_int(onnx, "layout", 0);
  if (layout != 0 && layout != 1) {
    onnx_refuse(onnx, E901, "has layout %lld; there are 0 and 1", (long long)layout);
    return false;
  }
  c->layout = (int)layout;
  if (onnx_int(onnx, "input_forget", 0)) {
    Diag *d = onnx_refuse(onnx, E903, "has input_forget: its input and forget gates are coupled");
    diag_note(d, "the LSTM of grus has gates of their own: export it without");
    return false;
  }
  int64_t g = c->gates * c->u;
  return constant_of(onnx, 1, "W", 3, (int64_t[]){c->dirs, g, c->d}, &c->w) &&
         constant_of(onnx, 2, "R", 3, (int64_t[]){c->dirs, g, c->u}, &c->r) &&
         constant_of(onnx, 3, "B", 2, (int64_t[]){c->dirs, 2 * g}, &c->b) &&
         (c->kind != LAYER_LSTM ||
          constant_of(onnx, 7, "P", 2, (int64_t[]){c->dirs, 3 * c->u}, &c->p));
}

/* All sequences are as long as the tensor. */
static bool lengths_are_full(Onnx *onnx, int64_t steps) {
  const OnnxTensor *t = onnx_in(onnx, 4);
  bool full = !t || t->i || onnx->confirming;
  for (int64_t k = 0; t && full && !onnx->confirming && k < t->count; k++)
    full = t->i[k] == steps;
  if (full) return true;
  Diag *d = onnx_refuse(onnx, E903, "has sequence_lens %s",
                        t->i ? "shorter than its sequence" : "that come from outside");
  diag_note(
      d,
      "in grus the length belongs to the input: import without it and give `--time \"n <= %lld\"`",
      (long long)steps);
  return false;
}

/* ---- weights ---- */

static int place_of(const Cell *c, int gate) {
  return c->kind == LAYER_LSTM ? lstm_place[gate] : gate;
}

static bool give_weights(Onnx *onnx, const Cell *c, Layer *layer) {
  Foreign *f = onnx->foreign;
  int64_t dirs = c->dirs, gates = c->gates, u = c->u, d = c->d, g = gates * u;
  bool after = c->kind == LAYER_GRU && c->reset_after;
  float *kernel =
      foreign_tensor(f, layer, ROLE_KERNEL, 4, (int64_t[]){dirs, gates, u, d}, onnx->node->in[1]);
  float *recurrent = foreign_tensor(f, layer, ROLE_RECURRENT, 4, (int64_t[]){dirs, gates, u, u},
                                    onnx->node->in[2]);
  float *bias =
      c->b ? foreign_tensor(f, layer, ROLE_BIAS, 3, (int64_t[]){dirs, gates, u}, onnx->node->in[3])
           : NULL;
  float *inner = c->b && after ? foreign_tensor(f, layer, ROLE_RECURRENT_BIAS, 3,
                                                (int64_t[]){dirs, gates, u}, onnx->node->in[3])
                               : NULL;
  float *peephole =
      c->p ? foreign_tensor(f, layer, ROLE_PEEPHOLE, 3, (int64_t[]){dirs, 3, u}, onnx->node->in[7])
           : NULL;
  if (!kernel || !recurrent || (c->b && !bias) || (inner == NULL && c->b && after) ||
      (c->p && !peephole)) {
    onnx_refuse(onnx, E901, "has weights of an impossible size");
    return false;
  }
  for (int64_t dir = 0; dir < dirs; dir++)
    for (int gate = 0; gate < gates; gate++) {
      int64_t to = dir * g + gate * u, from = dir * g + place_of(c, gate) * u;
      memcpy(kernel + to * d, c->w->f + from * d, sizeof *kernel * (size_t)(u * d));
      memcpy(recurrent + to * u, c->r->f + from * u, sizeof *recurrent * (size_t)(u * u));
      for (int64_t k = 0; bias && k < u; k++) {
        const float *b = c->b->f + dir * 2 * g + place_of(c, gate) * u + k;
        bias[to + k] = inner ? b[0] : (float)((double)b[0] + (double)b[g]);
        if (inner) inner[to + k] = b[g];
      }
    }
  for (int64_t dir = 0; peephole && dir < dirs; dir++)
    for (int k = 0; k < 3; k++)
      memcpy(peephole + (dir * 3 + k) * u, c->p->f + (dir * 3 + peephole_place[k]) * u,
             sizeof *peephole * (size_t)u);
  return true;
}

/* ---- results ---- */

static Layer *make_layer(Onnx *onnx, const Cell *c, OnnxValue *x, const char *word[3]) {
  const char *direction = onnx_string(onnx, "direction", "forward");
  if (!x->is_sequence) { /* one step, made of a vector */
    x->value = onnx_layer(onnx, LAYER_expand, 1, &x->value)->out[0];
    x->is_sequence = true;
  }
  Layer *layer = onnx_layer(onnx, c->kind, 1, &x->value);
  layer_set_size(layer, OPT_units, c->u);
  if (c->dirs == 2)
    layer_set_word(layer, OPT_direction, "both");
  else if (strcmp(direction, "reverse") == 0)
    layer_set_word(layer, OPT_direction, "backward");
  if (c->kind == LAYER_GRU) layer_set_word(layer, OPT_reset, c->reset_after ? "after" : "before");
  bool plain = c->kind == LAYER_RNN;
  if (strcmp(word[plain ? 0 : 1], "tanh") != 0)
    layer_set_word(layer, OPT_activation, word[plain ? 0 : 1]);
  if (!plain && strcmp(word[0], "sigmoid") != 0) layer_set_word(layer, OPT_gate, word[0]);
  if (c->kind == LAYER_LSTM && strcmp(word[2], word[1]) != 0)
    layer_set_word(layer, OPT_cell_activation, word[2]);
  if (!c->b) layer_set_word(layer, OPT_bias, "false");
  if (c->p) layer_set_word(layer, OPT_peephole, "true");
  double clip = onnx_float(onnx, "clip", 0);
  if (clip > 0) layer_set_number(layer, OPT_clip, clip);
  return layer;
}

/* Y, Y_h and Y_c in the shapes of the format. */
static bool set_results(Onnx *onnx, const Cell *c, const Layer *layer, int64_t steps) {
  int64_t width = c->dirs * c->u, u = c->u, dirs = c->dirs;
  bool forward = layer_word_is(layer, OPT_direction, "forward");
  int y = onnx_source(onnx, layer->out[0], steps, true, 1, &width);
  int64_t y_dim[2][4] = {{steps, dirs, 1, u}, {1, steps, dirs, u}},
          h_dim[2][3] = {{dirs, 1, u}, {1, dirs, u}};
  OnnxTensor *out = onnx_references(onnx, y, 4, y_dim[c->layout], c->layout);
  if (!out) return false;
  onnx_set(onnx, 0, out);
  OnnxState state = {.width = width, .node = onnx->node, .layer = (Layer *)(uintptr_t)layer};
  for (int s = 0; s < (c->kind == LAYER_LSTM ? 2 : 1); s++) {
    int source = s == 0 && forward ? y : onnx_source(onnx, layer->out[1 + s], 1, false, 1, &width);
    OnnxTensor *last = onnx_references(onnx, source, 3, h_dim[c->layout], -1);
    if (!last) return false;
    OnnxRef *ref = (OnnxRef *)(uintptr_t)last->ref;
    for (int64_t k = 0; source == y && k < last->count; k++)
      ref[k].index += (int32_t)((steps - 1) * width);
    state.last[s] = ref[0];
    onnx_set(onnx, 1 + s, last);
  }
  for (int s = 0; s < 2; s++) {
    const OnnxTensor *start = c->kind == LAYER_LSTM || s == 0 ? onnx_in(onnx, 5 + s) : NULL;
    if (!start) continue;
    if (start->count != width) {
      Diag *d = onnx_refuse(onnx, E603, "has an initial state %s, and needs %s",
                            onnx_dims(onnx->arena, start->rank, start->dim),
                            onnx_dims(onnx->arena, 3, h_dim[c->layout]));
      if (s == 1 && state.start[0])
        diag_note(d, "h and c differ in size: so does PyTorch write an LSTM with `proj_size`, "
                     "without its projection. Train it without");
      return false;
    }
    state.start[s] = start;
  }
  if (state.start[0] || state.start[1])
    ARENA_PUSH(onnx->arena, onnx->state, onnx->n_states, onnx->cap_states, state);
  return true;
}

static const char attributes_known[] =
    "hidden_size direction activations activation_alpha activation_beta clip input_forget "
    "linear_before_reset layout output_sequence";

OnnxDone onnx_recurrent(Onnx *onnx) {
  Cell c = {0};
  const char *op = onnx->node->op, *word[3] = {"sigmoid", "tanh", "tanh"};
  OnnxValue x;
  if (strcmp(op, "LSTM") != 0 && strcmp(op, "GRU") != 0 && strcmp(op, "RNN") != 0)
    return ONNX_OTHER;
  if (!onnx_attributes_known(onnx, attributes_known) || !read_cell(onnx, &c)) return ONNX_FAILED;
  const OnnxTensor *t = onnx_in(onnx, 0);
  int time = c.layout ? 1 : 0, batch = c.layout ? 0 : 1;
  if (t->dim[batch] != 1 || t->dim[2] != c.d) {
    onnx->met_batch = t->dim[batch] == ONNX_SAMPLES;
    if (t->dim[batch] != 1)
      diag_note(onnx_refuse(onnx, E902, "runs a batch of %lld", (long long)t->dim[batch]),
                "grus compiles one sample, and batches of it with `--batch`");
    else
      onnx_refuse(onnx, E601, "was trained on %lld inputs, but the graph feeds it %lld",
                  (long long)c.d, (long long)t->dim[2]);
    return ONNX_FAILED;
  }
  if (!lengths_are_full(onnx, t->dim[time]) || !activations(onnx, &c, word) ||
      !onnx_value(onnx, t, time, &x))
    return ONNX_FAILED;
  onnx_exact(onnx, &x);
  Layer *layer = make_layer(onnx, &c, &x, word);
  return give_weights(onnx, &c, layer) && set_results(onnx, &c, layer, t->dim[time]) ? ONNX_DONE
                                                                                     : ONNX_FAILED;
}
