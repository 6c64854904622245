/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pruning in f32; see prune_float.h. In: a bound layer, and runs of the evaluator on recorded data.
 * Out: new weights by role. The biases take the part of the error that the other weights cannot
 * compensate; a layer without biases gets none. */
#include "model/quant/prune_float.h"
#include "model/quant/round_operands.h"

#include <string.h>

static bool is_recurrent(const Layer *layer) {
  return layer_info(layer->kind)->flags & RECURRENT;
}

/* Writes the shapes of the matrices of one direction; returns how many there are. */
static int matrices_of(const Layer *layer, PruneShape shape[QUANT_PARTS]) {
  int64_t units = layer_size(layer, OPT_units, 1), rows = layer_gates(layer) * units;
  shape[QUANT_INPUT] = round_prune_shape(layer, rows, type_last_dim(&layer->in[0]->type));
  shape[QUANT_STATE] = round_prune_shape(layer, rows, units);
  return is_recurrent(layer) ? QUANT_PARTS : 1;
}

bool prune_float_takes(const Layer *layer) {
  PruneShape shape[QUANT_PARTS];
  if (is_recurrent(layer) ? layer->in[0]->type.rank != 1 : layer->kind != LAYER_Dense) return false;
  matrices_of(layer, shape);
  return prune_blocks(&shape[QUANT_INPUT]) > 0;
}

static Columns columns_real(Arena *arena, const PruneShape *shape, const float *w, float *to) {
  int64_t n = shape->rows * shape->depth;
  double *from = ARENA_ARRAY(arena, double, n);
  for (int64_t i = 0; i < n; i++)
    from[i] = (double)w[i];
  return (Columns){.w = from,
                   .rows = shape->rows,
                   .depth = shape->depth,
                   .real = to,
                   .shift = ARENA_ARRAY(arena, double, shape->rows)};
}

static void count_blocks(Arena *arena, const PruneShape *shape, const float *w, double share,
                         QuantBlocks *sum) {
  int16_t *is_there = ARENA_ARRAY(arena, int16_t, shape->rows * shape->depth);
  for (int64_t i = 0; i < shape->rows * shape->depth; i++)
    is_there[i] = w[i] < 0 || w[i] > 0;
  sum->all += prune_blocks(shape);
  sum->zeros += prune_zeros(shape, is_there);
  sum->wanted += prune_wanted(shape, share);
}

/* Copies the weights that pruning changes into own, by role. */
static void copy_weights(Arena *arena, const Layer *layer, float *own[ROLE_COUNT]) {
  ParamShape param[LAYER_MAX_PARAMS];
  int n = layer_params(layer, param);
  for (int i = 0; i < n; i++) {
    Role role = param[i].role;
    bool changes = role == ROLE_KERNEL || role == ROLE_RECURRENT || role == ROLE_BIAS ||
                   role == ROLE_RECURRENT_BIAS;
    if (!changes || !layer->weights->role[role]) continue;
    own[role] = ARENA_ARRAY(arena, float, param_count(&param[i]));
    memcpy(own[role], layer->weights->role[role], (size_t)param_count(&param[i]) * sizeof(float));
  }
}

static void add_shift(float *bias, const double *shift, int64_t rows) {
  for (int64_t r = 0; r < rows; r++)
    bias[r] = (float)((double)bias[r] + shift[r]);
}

bool prune_float(Arena *arena, const Layer *layer, const RoundData *data, LayerWeights *out,
                 QuantBlocks *blocks, int64_t *steps, int64_t *needed) {
  static const Role matrix[QUANT_PARTS] = {ROLE_KERNEL, ROLE_RECURRENT},
                    bias[QUANT_PARTS] = {ROLE_BIAS, ROLE_RECURRENT_BIAS};
  PruneShape shape[QUANT_PARTS];
  int n = matrices_of(layer, shape), directions = is_recurrent(layer) ? layer_directions(layer) : 1;
  *blocks = (QuantBlocks){0};
  *needed = shape[QUANT_INPUT].depth + (n > 1 ? shape[QUANT_STATE].depth : 0);
  *steps = round_vector_count(layer, data);
  if (*steps < *needed) return false;
  float *own[ROLE_COUNT] = {NULL};
  copy_weights(arena, layer, own);
  for (int dir = 0; dir < directions; dir++) {
    Columns c[QUANT_PARTS];
    for (int k = 0; k < n; k++) {
      int64_t at = dir * shape[k].rows * shape[k].depth;
      c[k] =
          columns_real(arena, &shape[k], layer->weights->role[matrix[k]] + at, own[matrix[k]] + at);
    }
    if (n > 1)
      round_direction(arena, layer, data, dir, c);
    else
      round_vectors(arena, layer, data, c);
    for (int k = 0; k < n; k++) {
      if (own[bias[k]]) add_shift(own[bias[k]] + dir * shape[k].rows, c[k].shift, shape[k].rows);
      count_blocks(arena, &shape[k], c[k].real, data->prune, blocks);
    }
  }
  *out = *layer->weights;
  for (int role = 0; role < ROLE_COUNT; role++)
    if (own[role]) out->role[role] = own[role];
  return true;
}
