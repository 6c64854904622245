/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the readers of formats that list one layer after another have in common. Private to this
 * folder. In: nested JSON arrays of numbers. Out: stages with tensors of known shapes. The readers
 * are:
 *
 *   rtneural.c     {"in_shape": ..., "layers": [...]}, weights in the order of Keras
 *   guitarml.c     {"model_data": ..., "state_dict": ...}, weights in the order of PyTorch
 *   wavenet_va.c   {"residual_channels": ..., "variables": [...]}
 *   nam.c          {"architecture": ..., "config": ..., "weights": [...]}
 *   torch_state.c  a state dict of PyTorch; torch_cells.c makes stages of its modules
 *   manifest.c, icu.c, sketch.c           other models in JSON
 *   rnnoise.c      a text of numbers */
#ifndef GRUS_IMPORT_AUDIO_H
#define GRUS_IMPORT_AUDIO_H

#include "import/foreign.h"
#include "import/json_read.h"
#include "import/tensors/torch_modules.h"

/* A file while it is read, and the chain of stages that it has given so far. */
typedef struct Audio {
  Arena *arena;
  const ForeignFile *file;
  Diags *diags;
  Foreign *foreign;
  Value *value;      /* the last value of the chain */
  int64_t width;     /* the size of its last axis */
  int64_t features;  /* the size of the axis before that, if a step has two; else 0 */
  const char *sizes; /* a note that says where the sizes of the current layer come from; or NULL */
} Audio;

/* Whether a file looks like a JSON object and has `key` in quotes. */
bool audio_sniff(const ForeignFile *file, const char *key);
/* Whether it has a string that ends in `.key`. */
bool audio_sniff_end(const ForeignFile *file, const char *key);
/* Parses the file. NULL after reporting, also if an object has a key twice. */
json_t *audio_json(Audio *audio);
/* Reads the JSON file of --config into *config; NULL if there is no --config. False after
 * reporting. */
bool audio_config(Audio *audio, const ImportOptions *options, json_t **config);
/* Appends a stage with one input to the chain. */
Layer *audio_stage(Audio *audio, LayerKind kind, const char *prefix, const char *origin);

/* Writes the lengths of nested arrays, taken along their first elements, into dim; returns how many
 * there are. 0 if the value is no array, or if it is nested more deeply than 4. */
int audio_rank(const json_t *array, int64_t dim[4]);
/* All numbers of an array in C order; NULL after reporting if its shape is another. */
const float *audio_array(Audio *audio, const json_t *array, const char *name, const char *origin,
                         int rank, const int64_t *dim);
/* Memory for a tensor of a stage, at most as much as the file can have numbers. NULL after
 * reporting. */
float *audio_tensor(Audio *audio, Layer *stage, Role role, int rank, const int64_t *dim,
                    const char *name);
/* Transposes a matrix [rows, columns]. */
void audio_turn(const float *from, int64_t rows, int64_t columns, float *to);
/* An integer of at least `least`, which may be written as [n]; -1 after reporting. */
int64_t audio_size(Audio *audio, const json_t *object, const char *key, int64_t least,
                   const char *origin);
/* The weights of a recurrent layer as matrices with a row for each input: kernel [d, gates u],
 * recurrent kernel [u, gates u] and bias [gates u], for the forward direction and for the backward
 * one, or NULL. place[g] is the part that has gate g of z r n, or of i f g o. forget_bias is added
 * to the bias of f. d is audio->width. */
typedef struct AudioCell {
  int64_t units;
  const float *kernel[2], *recurrent[2], *bias[2];
  const int *place;
  double forget_bias;
} AudioCell;
/* Append a stage with such weights; NULL after reporting. The GRU has reset=before and one
 * direction. */
Layer *audio_gru(Audio *audio, const AudioCell *cell, const char *prefix, const char *origin);
Layer *audio_lstm(Audio *audio, const AudioCell *cell, const char *prefix, const char *origin);
/* Gives a stage its kernel and its bias, and the stream the width of the stage. dim: the units,
 * then the axes that the kernel has in the file before the units. False after reporting. */
bool audio_product(Audio *audio, Layer *stage, const float *kernel, const float *bias, int rank,
                   const int64_t *dim, const char *kernel_name, const char *bias_name);
/* Appends a Dense with kernel [d, units] and bias [units]; NULL after reporting. */
Layer *audio_dense(Audio *audio, const float *kernel, const float *bias, int64_t units,
                   const char *prefix, const char *origin);
/* Appends an Embedding with table [categories, units]; NULL after reporting. */
Layer *audio_embedding(Audio *audio, const float *table, int64_t categories, int64_t units,
                       const char *prefix, const char *origin);

/* Sets the rate of time to a number of steps per second, or to such a number in a string. Does
 * nothing if the object does not have the key. False after reporting. */
bool audio_rate(Audio *audio, const json_t *object, const char *key, const char *origin,
                Time *time);
/* Whether every key of an object is in a list of words with blanks between them; reports others. */
bool audio_keys_known(Audio *audio, json_t *object, const char *known, const char *origin);

/* The levels that AIDA-X applies around a model (audio_levels.c). */
typedef struct AudioLevels {
  double in, out; /* factors */
  bool skip;
  Value *signal; /* the value that skip adds to the output */
} AudioLevels;
/* Reads them; appends the stages before the model; appends those after it. False after reporting.
 */
bool audio_levels_read(Audio *audio, const json_t *root, AudioLevels *levels);
void audio_levels_before(Audio *audio, AudioLevels *levels);
bool audio_levels_after(Audio *audio, const AudioLevels *levels);

/* The options of a Conv1d, which a state dict does not have. */
typedef struct TorchConv {
  int64_t stride, dilation, groups;
} TorchConv;
/* Append the stages of a module of a state dict (torch_cells.c); false after reporting. kind:
 * LAYER_LSTM or LAYER_GRU. */
bool torch_recurrent(Audio *audio, const TorchModule *module, LayerKind kind, int64_t units,
                     int n_layers);
bool torch_linear(Audio *audio, const TorchModule *module, int64_t units, bool bias);
bool torch_embedding(Audio *audio, const TorchModule *module);
bool torch_norm(Audio *audio, const TorchModule *module);
bool torch_conv(Audio *audio, const TorchModule *module, const TorchConv *conv);

#endif
