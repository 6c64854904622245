/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the readers of audio models have in common, private to them. In, nested JSON arrays of
 * numbers; out, tensors of known shape:
 *
 *   rtneural.c     {"in_shape": ..., "layers": [...]}, weights as Keras has them
 *   guitarml.c     {"model_data": ..., "state_dict": ...}, weights as PyTorch has them
 *   wavenet_va.c   {"residual_channels": ..., "variables": [...]}
 *   nam.c          {"architecture": ..., "config": ..., "weights": [...]}
 *   torch_state.c  a state dict alone   torch_cells.c  modules of a state dict
 *   manifest.c, icu.c, sketch.c           other models in JSON
 *   rnnoise.c      numbers in text */
#ifndef GRUS_IMPORT_AUDIO_H
#define GRUS_IMPORT_AUDIO_H

#include "import/foreign.h"
#include "import/json_read.h"
#include "import/tensors/torch_modules.h"

typedef struct Audio {
  Arena *arena;
  const ForeignFile *file;
  Diags *diags;
  Foreign *foreign;
  Value *value; /* the end of the chain so far */
  int64_t width;
  int64_t features;  /* of `width` channels each; 0: there are no channels */
  const char *sizes; /* where the sizes that the layer at hand needs come from; a note, or NULL */
} Audio;

/* The file is a JSON object, as far as a glance tells, and has `key` in quotes. */
bool audio_sniff(const ForeignFile *file, const char *key);
/* The same for a string that ends in `.key`. */
bool audio_sniff_end(const ForeignFile *file, const char *key);
/* Parses; NULL after reporting. Keys that come twice are refused. */
json_t *audio_json(Audio *audio);
/* The object in the file that --config names, NULL if none is named; false after reporting. */
bool audio_config(Audio *audio, const ImportOptions *options, json_t **config);
/* Appends a stage with one input to the chain. */
Layer *audio_stage(Audio *audio, LayerKind kind, const char *prefix, const char *origin);

/* Lengths of the nested arrays along their first elements: [3, 8, 4]. 0 where there is no array. */
int audio_rank(const json_t *array, int64_t dim[4]);
/* All values, row by row; NULL after reporting if the array has not exactly this shape. */
const float *audio_array(Audio *audio, const json_t *array, const char *name, const char *origin,
                         int rank, const int64_t *dim);
/* Room for a tensor of a stage, at most what the file's own arrays held; NULL after reporting. */
float *audio_tensor(Audio *audio, Layer *stage, Role role, int rank, const int64_t *dim,
                    const char *name);
/* A matrix [rows, columns] as [columns, rows]. */
void audio_turn(const float *from, int64_t rows, int64_t columns, float *to);
/* A whole number of at least `least`, also as [n]; -1 after reporting. */
int64_t audio_size(Audio *audio, const json_t *object, const char *key, int64_t least,
                   const char *origin);
/* Matrices with a row for each input: kernel [d, gates u], recurrent kernel [u, gates u], bias
 * [gates u] of the forward direction and, or NULL, of the backward one. place[g]: which part is
 * gate g of z r n, or of i f g o; forget_bias is added to that of f. d is audio->width. The GRU
 * resets before its product and has one direction. NULL after reporting. */
typedef struct AudioCell {
  int64_t units;
  const float *kernel[2], *recurrent[2], *bias[2];
  const int *place;
  double forget_bias;
} AudioCell;
Layer *audio_gru(Audio *audio, const AudioCell *cell, const char *prefix, const char *origin);
Layer *audio_lstm(Audio *audio, const AudioCell *cell, const char *prefix, const char *origin);
/* The kernel and the bias of a stage, and its width. dim: units, then what the kernel has in the
 * file before the units. */
bool audio_product(Audio *audio, Layer *stage, const float *kernel, const float *bias, int rank,
                   const int64_t *dim, const char *kernel_name, const char *bias_name);
/* kernel [d, units], bias [units] */
Layer *audio_dense(Audio *audio, const float *kernel, const float *bias, int64_t units,
                   const char *prefix, const char *origin);
/* table [categories, units] */
Layer *audio_embedding(Audio *audio, const float *table, int64_t categories, int64_t units,
                       const char *prefix, const char *origin);

/* A rate in steps a second, a number or its digits as a string, as that of time; unchanged without
 * the key. False after reporting. */
bool audio_rate(Audio *audio, const json_t *object, const char *key, const char *origin,
                Time *time);
/* Every key of object is one of a blank-separated list. */
bool audio_keys_known(Audio *audio, json_t *object, const char *known, const char *origin);

/* Levels that AIDA-X applies around a model (audio_levels.c). Read, then before the first stage,
 * then after the last; false after reporting. */
typedef struct AudioLevels {
  double in, out; /* factors */
  bool skip;
  Value *signal; /* what skip adds */
} AudioLevels;
bool audio_levels_read(Audio *audio, const json_t *root, AudioLevels *levels);
void audio_levels_before(Audio *audio, AudioLevels *levels);
bool audio_levels_after(Audio *audio, const AudioLevels *levels);

/* Modules of a state dict as stages (torch_cells.c). False after reporting. kind: LAYER_LSTM or
 * LAYER_GRU; units and layers as the caller knows them. */
typedef struct TorchConv {
  int64_t stride, dilation, groups;
} TorchConv;
bool torch_recurrent(Audio *audio, const TorchModule *module, LayerKind kind, int64_t units,
                     int n_layers);
bool torch_linear(Audio *audio, const TorchModule *module, int64_t units, bool bias);
bool torch_embedding(Audio *audio, const TorchModule *module);
bool torch_norm(Audio *audio, const TorchModule *module);
bool torch_conv(Audio *audio, const TorchModule *module, const TorchConv *conv);

#endif
