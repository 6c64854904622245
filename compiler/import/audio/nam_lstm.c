/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The LSTM of Neural Amp Modeler: LSTM layers, each with a learned initial state, then a Dense. The
 * list of weights, with d inputs and u units:
 *
 *   each layer  [4 u, d + u] input and recurrent kernel side by side, gates i f g o; bias [4 u];
 *               initial h [u], initial c [u]
 *   the head    [outputs, u], bias [outputs]
 *
 * The engine plays half a second of silence before the first sample. This file computes the state
 * after it, in double, which becomes the initial state of the model. */
#include "import/audio/nam_lstm.h"

#include <math.h>
#include <string.h>

enum { LAYERS_MAX = 64 };

typedef struct NamCell {
  int64_t d, u;
  const float *rows, *bias, *h0, *c0; /* rows: [4 u, d + u] */
  double *h, *c, *gates;
} NamCell;

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

/* Computes one step; returns the largest change of a number of the state. */
static double cell_step(NamCell *cell, const double *x) {
  int64_t u = cell->u, width = cell->d + u;
  double moved = 0;
  for (int64_t r = 0; r < 4 * u; r++) {
    const float *w = cell->rows + r * width;
    double sum = (double)cell->bias[r];
    for (int64_t k = 0; k < cell->d; k++)
      sum += (double)w[k] * x[k];
    for (int64_t k = 0; k < u; k++)
      sum += (double)w[cell->d + k] * cell->h[k];
    cell->gates[r] = sum;
  }
  for (int64_t k = 0; k < u; k++) {
    double c = sigmoid(cell->gates[u + k]) * cell->c[k] +
               sigmoid(cell->gates[k]) * tanh(cell->gates[2 * u + k]);
    double h = sigmoid(cell->gates[3 * u + k]) * tanh(c);
    moved = fmax(moved, fmax(fabs(c - cell->c[k]), fabs(h - cell->h[k])));
    cell->c[k] = c;
    cell->h[k] = h;
  }
  return moved;
}

/* Computes `steps` steps of silence, or fewer if the state stops changing. */
static void play_silence(Arena *arena, NamCell *cell, int64_t n, int64_t steps) {
  double *silence = ARENA_ARRAY(arena, double, cell[0].d);
  for (int64_t t = 0; t < steps; t++) {
    double moved = 0;
    for (int64_t k = 0; k < n; k++)
      moved = fmax(moved, cell_step(&cell[k], k ? cell[k - 1].h : silence));
    if (!(moved > 0)) return;
  }
}

static bool read_cell(Nam *nam, NamCell *cell, int64_t d, int64_t u) {
  Arena *arena = nam->audio.arena;
  int64_t rows;
  *cell = (NamCell){.d = d, .u = u};
  bool fits = size_mul(4 * u, d + u, &rows);
  if (!nam_take(nam, fits ? rows : -1, &cell->rows) || !nam_take(nam, 4 * u, &cell->bias) ||
      !nam_take(nam, u, &cell->h0) || !nam_take(nam, u, &cell->c0))
    return false;
  cell->h = ARENA_ARRAY(arena, double, u);
  cell->c = ARENA_ARRAY(arena, double, u);
  cell->gates = ARENA_ARRAY(arena, double, 4 * u);
  for (int64_t k = 0; k < u; k++) {
    cell->h[k] = (double)cell->h0[k];
    cell->c[k] = (double)cell->c0[k];
  }
  return true;
}

static bool add_cell(Nam *nam, const NamCell *cell, int64_t index, NamFlow *flow) {
  Audio *a = &nam->audio;
  int64_t u = cell->u, d = cell->d;
  Layer *stage = model_layer(a->foreign->model, LAYER_LSTM, 1, &flow->value);
  stage->prefix = arena_printf(a->arena, "lstm_%lld", (long long)index + 1);
  stage->origin = arena_printf(a->arena, "layer %lld", (long long)index + 1);
  layer_set_size(stage, OPT_units, u);
  layer_set_learned(stage);
  float *kernel = audio_tensor(a, stage, ROLE_KERNEL, 4, (int64_t[]){1, 4, u, d}, "weights");
  float *recurrent = audio_tensor(a, stage, ROLE_RECURRENT, 4, (int64_t[]){1, 4, u, u}, "weights");
  float *bias = audio_tensor(a, stage, ROLE_BIAS, 3, (int64_t[]){1, 4, u}, "weights, bias");
  float *h = audio_tensor(a, stage, ROLE_INITIAL_H, 3, (int64_t[]){1, 1, u},
                          "weights, initial state of h");
  float *c = audio_tensor(a, stage, ROLE_INITIAL_C, 3, (int64_t[]){1, 1, u},
                          "weights, initial state of c");
  if (!kernel || !recurrent || !bias || !h || !c) return false;
  for (int64_t r = 0; r < 4 * u; r++) {
    memcpy(kernel + r * d, cell->rows + r * (d + u), sizeof *kernel * (size_t)d);
    memcpy(recurrent + r * u, cell->rows + r * (d + u) + d, sizeof *recurrent * (size_t)u);
    bias[r] = cell->bias[r];
  }
  for (int64_t k = 0; k < u; k++) {
    h[k] = (float)cell->h[k];
    c[k] = (float)cell->c[k];
  }
  *flow = (NamFlow){stage->out[0], u, cell->h};
  return true;
}

bool nam_lstm(Nam *nam, NamFlow *flow, double rate) {
  static const char known[] = "input_size hidden_size num_layers in_channels out_channels";
  Audio *a = &nam->audio;
  json_t *config = nam->config;
  if (!audio_keys_known(a, config, known, nam->origin)) return false;
  int64_t d = audio_size(a, config, "input_size", 1, nam->origin),
          u = audio_size(a, config, "hidden_size", 1, nam->origin);
  int64_t n = audio_size(a, config, "num_layers", 1, nam->origin);
  int64_t out = json_object_get(config, "out_channels")
                    ? audio_size(a, config, "out_channels", 1, nam->origin)
                    : 1;
  if (d < 0 || u < 0 || n < 0 || out < 0) return false;
  if (n > LAYERS_MAX || d != flow->width) {
    Diag *diag = foreign_report(a->diags, a->file, E903, "%s has sizes that do not fit each other",
                                nam->origin);
    diag_note(diag, "num_layers is %lld (at most %d), input_size %lld, in_channels %lld",
              (long long)n, LAYERS_MAX, (long long)d, (long long)flow->width);
    if (n > LAYERS_MAX)
      diag_fix(diag, FIX_MAYBE, "train a model of at most %d layers", LAYERS_MAX);
    else
      diag_fix(diag, FIX_MAYBE, "make `input_size` and `in_channels` equal");
    return false;
  }
  NamCell *cell = ARENA_ARRAY(a->arena, NamCell, n);
  for (int64_t k = 0; k < n; k++)
    if (!read_cell(nam, &cell[k], k ? u : d, u)) return false;
  NamConv head = {u, out, u, out, 1, 1, 1, true, NULL, NULL, "the head"};
  if (!nam_conv_take(nam, &head) || !nam_all_taken(nam)) return false;
  play_silence(a->arena, cell, n, rate > 0 ? (int64_t)(rate / 2) : 1);
  for (int64_t k = 0; k < n; k++)
    if (!add_cell(nam, &cell[k], k, flow)) return false;
  return nam_conv(nam, &head, flow);
}
