/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What each stage can do in integers, for some stages by their options. */
#include "model/quant/quant_internal.h"

/* Whether a stage moves whole steps, slices the last axis, or repeats a value along time: the forms
 * that have integers. Along other axes these stages are in f32. */
static bool moves_whole_rows(const Layer *layer) {
  if (layer->kind == LAYER_repeat) return layer->in[0]->type.rank == layer->out[0]->type.rank;
  if (layer->kind == LAYER_slice) return layer->along[0].axis == layer->in[0]->type.rank - 1;
  return layer_is_along_time(layer);
}

/* Whether a pool goes along time only, over vectors, without padding. */
static bool pools_steps(const Layer *layer) {
  return layer->n_along == 1 && layer_is_along_time(layer) &&
         layer->along[0].padding.kind == PAD_VALID && layer->in[0]->type.rank == 1;
}

/* AS(activation) in a row of layers.def names one that integers have. */
enum {
#define FUNCTION_gate(id)    FUNCTION_##id = ACT_##id,
#define FUNCTION_bounded(id) FUNCTION_##id = ACT_##id,
#define FUNCTION_other(id)
#define FUNCTION(id, word, integers) FUNCTION_##integers(id)
  ACTIVATION_LIST(FUNCTION, FUNCTION)
};

Activation quant_function(const Layer *layer) {
#define OF_SAME   ACT_LINEAR
#define OF_FLOAT  ACT_LINEAR
#define OF_AS(id) (Activation) FUNCTION_##id
  static const Activation of[LAYER_KIND_COUNT] = {
#define LAYER(...)
#define ELEMENTWISE(id, integers, ...) [LAYER_##id] = OF_##integers,
#include "model/graph/layers.def"
  };
  if (layer->kind != LAYER_hard_sigmoid || !layer_has(layer, OPT_slope)) return of[layer->kind];
  float slope = (float)layer_number(layer, OPT_slope, 0);
  return slope == 0.2f ? ACT_HARD_SIGMOID_02 : slope == 1.0f / 6 ? ACT_HARD_SIGMOID : ACT_LINEAR;
}

bool quant_is_bounded(const Layer *layer) {
  return quant_function(layer) != ACT_LINEAR;
}

#define QUANT_AS(id) (quant_is_bounded(layer) ? QUANT_RESCALE : QUANT_FLOAT)

QuantKind quant_kind(const Layer *layer) {
  switch (layer->kind) {
#define LAYER(...)
#define ELEMENTWISE(id, integers, ...)                                                             \
  case LAYER_##id: return QUANT_##integers;
#include "model/graph/layers.def"
  case LAYER_Dense:
  case LAYER_Conv1D:
  case LAYER_Conv2D: return QUANT_MATRIX;
  case LAYER_GRU:
  case LAYER_LSTM:
  case LAYER_RNN:
    return layer->in[0]->type.rank == 1 ? QUANT_RECURRENT : QUANT_FLOAT; /* mapped ones in f32 */
  case LAYER_Embedding: return QUANT_TABLE;
  case LAYER_BatchNorm: return QUANT_NORM;
  case LAYER_normalize: return QUANT_PORT;
  case LAYER_mean:
    return layer_is_along_time(layer) && layer->in[0]->type.time.kind == TIME_FIXED ? QUANT_SAME
                                                                                    : QUANT_FLOAT;
  case LAYER_max: return layer_is_along_time(layer) ? QUANT_SAME : QUANT_FLOAT;
  case LAYER_max_pool:
  case LAYER_mean_pool: return pools_steps(layer) ? QUANT_SAME : QUANT_FLOAT;
  case LAYER_concat:
    return layer->along[0].axis == layer->out[0]->type.rank - 1 ? QUANT_RESCALE : QUANT_FLOAT;
  case LAYER_last:
  case LAYER_reverse:
  case LAYER_slice:
  case LAYER_repeat: return moves_whole_rows(layer) ? QUANT_SAME : QUANT_FLOAT;
  case LAYER_Dropout:
  case LAYER_GaussianNoise:
  case LAYER_flatten:
  case LAYER_reshape:
  case LAYER_expand:
  case LAYER_frames:
  case LAYER_delay: return QUANT_SAME;
  case LAYER_add:
  case LAYER_sub:
  case LAYER_mul: return QUANT_RESCALE;
  case LAYER_div:
    return layer->n_in == 1 && !layer_word_is(layer, OPT_swapped, "true") ? QUANT_RESCALE
                                                                          : QUANT_FLOAT;
  case LAYER_LayerNorm:
  case LAYER_state:
  case LAYER_keep:
  case LAYER_attention:
  case LAYER_AdditiveAttention:
  case LAYER_RMSNorm:
  case LAYER_GroupNorm:
  case LAYER_InstanceNorm:
  case LAYER_l2_normalize:
  case LAYER_Conv1DTranspose:
  case LAYER_Conv2DTranspose:
  case LAYER_maximum:
  case LAYER_minimum:
  case LAYER_atan2:
  case LAYER_select:
  case LAYER_prelu:
  case LAYER_glu:
  case LAYER_cumsum:
  case LAYER_softmax:
  case LAYER_log_softmax:
  case LAYER_overlap_add:
  case LAYER_onehot:
  case LAYER_argmax:
  case LAYER_first:
  case LAYER_min:
  case LAYER_sum:
  case LAYER_pad:
  case LAYER_every_nth:
  case LAYER_upsample:
  case LAYER_permute:
  case LAYER_label:
  case LAYER_hold:
  case LAYER_cut:
  case LAYER_KIND_COUNT: break;
  }
  return QUANT_FLOAT;
}

bool quant_is_activation(const Layer *layer) {
  return quant_is_bounded(layer) || layer->kind == LAYER_relu || layer->kind == LAYER_clip;
}

bool quant_is_within_one(const Layer *layer) {
  bool has_own = layer->kind == LAYER_LSTM && layer_has(layer, OPT_cell_activation);
  return quant_has_bounded(layer_activation(layer, has_own ? OPT_cell_activation : OPT_activation));
}

const char *quant_value_name(const Value *value) {
  if (value->port) return value->port->name;
  return value->layer ? value->layer->path : value->name;
}
