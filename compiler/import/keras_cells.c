/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights of recurrent layers. In Keras kernel [d, G u], recurrent_kernel [u, G u], bias [G u];
 * gates z r h of GRU and i f c o of LSTM stand in canonical order already, so that only axes move:
 *
 *     canonical kernel[g][u][d] = file[d][g u]
 *
 * GRU's bias is [2, 3 u] with reset after the product, [3 u] before. CuDNN layers keep a gate of
 * the kernel as [u, d] in memory, that of the recurrent kernel transposed, and two biases to be
 * added for LSTM. Keras 1 keeps the gates apart: W_i, U_i, b_i ... */
#include "import/keras_cells.h"

#include <string.h>

static int gates_of(const KerasCell *cell) {
  return cell->kind == LAYER_LSTM ? 4 : cell->kind == LAYER_GRU ? 3 : 1;
}

/* One gate of one matrix [rows, gates u] to [u, rows]. */
static void matrix_gate(const KerasCell *cell, const float *from, int64_t rows, int g,
                        bool recurrent, float *to) {
  int64_t u = cell->units, width = u * gates_of(cell);
  for (int64_t o = 0; o < u; o++)
    for (int64_t i = 0; i < rows; i++) {
      int64_t n = o * rows + i; /* place within the gate, CuDNN */
      int64_t row = !cell->cudnn ? i : recurrent ? o : n / u;
      int64_t column = !cell->cudnn ? o : recurrent ? i : n % u;
      to[o * rows + i] = from[row * width + g * u + column];
    }
}

static bool matrix(KerasLayer *layer, const KerasCell *cell, const char *side, bool recurrent,
                   float *to) {
  Hdf5Tensor t;
  int64_t rows = recurrent ? cell->units : cell->inputs,
          dim[] = {rows, cell->units * gates_of(cell)};
  const char *leaf = recurrent ? "recurrent_kernel" : "kernel";
  if (!keras_tensor(layer, side, leaf, recurrent, &t) || !keras_shape_is(layer, &t, leaf, 2, dim))
    return false;
  for (int g = 0; g < gates_of(cell); g++)
    matrix_gate(cell, t.data, rows, g, recurrent, to + g * cell->units * rows);
  return true;
}

/* Keras 1: a tensor for each gate. */
static bool matrix_of_gates(KerasLayer *layer, const KerasCell *cell, const char *side,
                            bool recurrent, float *to) {
  const char *names = cell->kind == LAYER_LSTM ? "ifco" : "zrh";
  int64_t rows = recurrent ? cell->units : cell->inputs, dim[] = {rows, cell->units};
  for (int g = 0; g < gates_of(cell); g++) {
    Hdf5Tensor t;
    const char *leaf = arena_printf(layer->keras->arena, "%c_%c", recurrent ? 'U' : 'W', names[g]);
    if (cell->kind == LAYER_RNN) leaf = recurrent ? "U" : "W";
    if (!keras_tensor(layer, side, leaf, 0, &t) || !keras_shape_is(layer, &t, leaf, 2, dim))
      return false;
    for (int64_t o = 0; o < cell->units; o++)
      for (int64_t i = 0; i < rows; i++)
        to[(g * cell->units + o) * rows + i] = t.data[i * cell->units + o];
  }
  return true;
}

static bool bias_of_gates(KerasLayer *layer, const KerasCell *cell, const char *side, float *to) {
  const char *names = cell->kind == LAYER_LSTM ? "ifco" : "zrh";
  for (int g = 0; g < gates_of(cell); g++) {
    Hdf5Tensor t;
    const char *leaf =
        cell->kind == LAYER_RNN ? "b" : arena_printf(layer->keras->arena, "b_%c", names[g]);
    if (!keras_tensor(layer, side, leaf, 0, &t) ||
        !keras_shape_is(layer, &t, leaf, 1, &cell->units))
      return false;
    memcpy(to + g * cell->units, t.data, (size_t)cell->units * sizeof *to);
  }
  return true;
}

/* The bias as two halves; second is NULL where the layer has one. */
static bool bias(KerasLayer *layer, const KerasCell *cell, const char *side, float *first,
                 float *second) {
  Hdf5Tensor t;
  int64_t width = cell->units * gates_of(cell);
  bool halves = cell->cudnn || second;
  int64_t dim[] = {2, width}, joined = 2 * width;
  if (!keras_tensor(layer, side, "bias", 2, &t)) return false;
  bool flat = cell->cudnn && t.rank == 1;
  if (!keras_shape_is(layer, &t, "bias", halves && !flat ? 2 : 1,
                      halves ? (flat ? &joined : dim) : &width))
    return false;
  for (int64_t i = 0; i < width; i++) {
    first[i] = t.data[i];
    if (halves && second)
      second[i] = t.data[width + i];
    else if (halves)
      first[i] += t.data[width + i];
  }
  return true;
}

/* The shape of the bias says which variant it is; the configuration must agree. */
static bool decide_reset(KerasLayer *layer, KerasCell *cell) {
  Hdf5Tensor t;
  bool says = false, after = false;
  if (cell->bias && layer->keras->major > 1) {
    if (!keras_tensor(layer, cell->side[0], "bias", 2, &t)) return false;
    says = true;
    after = cell->cudnn || t.rank == 2;
  }
  if (says && cell->reset_known && after != cell->reset_after) {
    keras_refuse(layer, E605, "says reset_after=%s, but its bias is that of the other variant",
                 cell->reset_after ? "true" : "false");
    return false;
  }
  if (says) cell->reset_after = after;
  return true;
}

/* The file's own tensors bound the sizes that the configuration asks for. */
static bool sizes_true(KerasLayer *layer, const KerasCell *cell) {
  bool apart = layer->keras->major == 1 && cell->kind != LAYER_RNN;
  const char *kernel = !apart ? "kernel" : cell->kind == LAYER_LSTM ? "W_i" : "W_z";
  const char *recurrent = !apart ? "recurrent_kernel" : cell->kind == LAYER_LSTM ? "U_i" : "U_z";
  int64_t width = apart ? cell->units : cell->units * gates_of(cell);
  Hdf5Tensor k, r;
  return keras_tensor(layer, cell->side[0], kernel, 0, &k) &&
         keras_tensor(layer, cell->side[0], recurrent, 1, &r) &&
         keras_shape_is(layer, &k, kernel, 2, (int64_t[]){cell->inputs, width}) &&
         keras_shape_is(layer, &r, recurrent, 2, (int64_t[]){cell->units, width});
}

bool keras_cell_weights(KerasLayer *layer, KerasCell *cell, Layer *stage) {
  Foreign *f = layer->keras->foreign;
  int64_t n = cell->n_sides, g = gates_of(cell), u = cell->units, d = cell->inputs;
  if (!sizes_true(layer, cell)) return false;
  if (cell->kind == LAYER_GRU) {
    if (!decide_reset(layer, cell)) return false;
    layer_set_word(stage, OPT_reset, cell->reset_after ? "after" : "before");
  }
  float *kernel = foreign_tensor(f, stage, ROLE_KERNEL, 4, (int64_t[]){n, g, u, d}, "kernel");
  float *recurrent =
      foreign_tensor(f, stage, ROLE_RECURRENT, 4, (int64_t[]){n, g, u, u}, "recurrent_kernel");
  float *first = NULL, *second = NULL;
  if (cell->bias) first = foreign_tensor(f, stage, ROLE_BIAS, 3, (int64_t[]){n, g, u}, "bias");
  if (cell->bias && cell->kind == LAYER_GRU && cell->reset_after)
    second = foreign_tensor(f, stage, ROLE_RECURRENT_BIAS, 3, (int64_t[]){n, g, u}, "bias");
  if (!kernel || !recurrent || (cell->bias && !first)) {
    keras_refuse(layer, E603, "is too large: %lld units on %lld inputs", (long long)u,
                 (long long)d);
    return false;
  }
  bool apart = layer->keras->major == 1, ok = true;
  for (int s = 0; s < n && ok; s++) {
    const char *side = cell->side[s];
    float *k = kernel + s * g * u * d, *r = recurrent + s * g * u * u,
          *b = first ? first + s * g * u : NULL;
    float *b2 = second ? second + s * g * u : NULL;
    ok = (apart ? matrix_of_gates : matrix)(layer, cell, side, false, k) &&
         (apart ? matrix_of_gates : matrix)(layer, cell, side, true, r);
    if (ok && b) ok = apart ? bias_of_gates(layer, cell, side, b) : bias(layer, cell, side, b, b2);
  }
  return ok;
}
