/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Makes stages of matrices that have a row for each input, [d, gates u], as TensorFlow computes x
 * W. */
#include "import/audio/audio.h"

#include <string.h>

/* Transposes the matrix [d, gates u] of a file to the canonical [gates u, d], in which the row of
 * gate g and unit j is column place[g] u + j of the file. */
static void turn(const AudioCell *cell, int gates, const float *from, int64_t d, float *to) {
  for (int64_t row = 0; row < gates * cell->units; row++) {
    int64_t column = cell->place[row / cell->units] * cell->units + row % cell->units;
    for (int64_t i = 0; i < d; i++)
      to[row * d + i] = from[i * gates * cell->units + column];
  }
}

Layer *audio_gru(Audio *audio, const AudioCell *cell, const char *prefix, const char *origin) {
  int64_t d = audio->width, u = cell->units;
  Layer *stage = audio_stage(audio, LAYER_GRU, prefix, origin);
  layer_set_size(stage, OPT_units, u);
  layer_set_word(stage, OPT_reset, "before");
  float *kernel = audio_tensor(audio, stage, ROLE_KERNEL, 4, (int64_t[]){1, 3, u, d}, "kernel");
  float *recurrent =
      audio_tensor(audio, stage, ROLE_RECURRENT, 4, (int64_t[]){1, 3, u, u}, "recurrent kernel");
  float *bias = audio_tensor(audio, stage, ROLE_BIAS, 3, (int64_t[]){1, 3, u}, "bias");
  if (!kernel || !recurrent || !bias) return NULL;
  turn(cell, 3, cell->kernel[0], d, kernel);
  turn(cell, 3, cell->recurrent[0], u, recurrent);
  turn(cell, 3, cell->bias[0], 1, bias);
  audio->width = u;
  return stage;
}

Layer *audio_lstm(Audio *audio, const AudioCell *cell, const char *prefix, const char *origin) {
  int64_t d = audio->width, u = cell->units, dirs = cell->kernel[1] ? 2 : 1;
  Layer *stage = audio_stage(audio, LAYER_LSTM, prefix, origin);
  layer_set_size(stage, OPT_units, u);
  if (dirs == 2) layer_set_word(stage, OPT_direction, "both");
  float *kernel = audio_tensor(audio, stage, ROLE_KERNEL, 4, (int64_t[]){dirs, 4, u, d}, "kernel");
  float *recurrent =
      audio_tensor(audio, stage, ROLE_RECURRENT, 4, (int64_t[]){dirs, 4, u, u}, "recurrent kernel");
  float *bias = audio_tensor(audio, stage, ROLE_BIAS, 3, (int64_t[]){dirs, 4, u}, "bias");
  if (!kernel || !recurrent || !bias) return NULL;
  for (int64_t dir = 0; dir < dirs;
       dir++, kernel += 4 * u * d, recurrent += 4 * u * u, bias += 4 * u) {
    turn(cell, 4, cell->kernel[dir], d, kernel);
    turn(cell, 4, cell->recurrent[dir], u, recurrent);
    turn(cell, 4, cell->bias[dir], 1, bias);
    for (int64_t unit = u; unit < 2 * u; unit++) /* gates i f g o */
      bias[unit] += (float)cell->forget_bias;
  }
  audio->width = dirs * u;
  return stage;
}

bool audio_product(Audio *audio, Layer *stage, const float *kernel, const float *bias, int rank,
                   const int64_t *dim, const char *kernel_name, const char *bias_name) {
  int64_t units = dim[0];
  float *to = audio_tensor(audio, stage, ROLE_KERNEL, rank, dim, kernel_name);
  float *b = audio_tensor(audio, stage, ROLE_BIAS, 1, &units, bias_name);
  if (!to || !b) return false;
  audio_turn(kernel, dims_product(rank - 1, dim + 1), units, to);
  memcpy(b, bias, sizeof *b * (size_t)units);
  audio->width = units;
  return true;
}

Layer *audio_dense(Audio *audio, const float *kernel, const float *bias, int64_t units,
                   const char *prefix, const char *origin) {
  int64_t d = audio->width;
  Layer *stage = audio_stage(audio, LAYER_Dense, prefix, origin);
  layer_set_size(stage, OPT_units, units);
  const int64_t dim[] = {units, d};
  return audio_product(audio, stage, kernel, bias, 2, dim, "kernel", "bias") ? stage : NULL;
}

Layer *audio_embedding(Audio *audio, const float *table, int64_t categories, int64_t units,
                       const char *prefix, const char *origin) {
  Layer *stage = audio_stage(audio, LAYER_Embedding, prefix, origin);
  layer_set_size(stage, OPT_units, units);
  float *to = audio_tensor(audio, stage, ROLE_TABLE, 2, (int64_t[]){categories, units}, "table");
  if (!to) return NULL;
  memcpy(to, table, sizeof *to * (size_t)(categories * units));
  audio->width = units;
  return stage;
}
