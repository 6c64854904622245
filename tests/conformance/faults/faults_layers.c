/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Faults of layers without state, of edges between layers, and of the roles of axes. */
#include "model.h"

#include <string.h>

/* ---- steps after the end ---- */

static bool layer_drop(Model *model, const Layer *layer) {
  if (layer) model_reroute(model, layer->out[0], layer->in[0], NULL);
  return layer != NULL;
}

bool fault_hold_dropped(Model *model) {
  return layer_drop(model, model_find(model, LAYER_hold, 0));
}

bool fault_held_as_zeros(Model *model) {
  Layer *hold = model_find(model, LAYER_hold, 0);
  if (!hold || layer_has(hold, OPT_fill)) return false;
  layer_set_number(hold, OPT_fill, 0);
  return true;
}

bool fault_held_as_last(Model *model) {
  Layer *hold = model_find(model, LAYER_hold, 0);
  if (!hold || !layer_has(hold, OPT_fill)) return false;
  layer_opt_mut(hold, OPT_fill)->given = false;
  return true;
}

bool fault_cut_dropped(Model *model) {
  return layer_drop(model, model_find(model, LAYER_cut, 0));
}

bool fault_cut_late(Model *model) {
  const Layer *cut = model_find(model, LAYER_cut, 0);
  if (cut) layer_set_size(model_insert(model, LAYER_delay, cut->in[0]), OPT_n, 1);
  return cut != NULL;
}

/* ---- convolutions and pools ---- */

/* The first convolution whose kernel is longer than 1; strided: that skips positions. */
static Layer *conv_of(const Model *model, bool strided, bool dilated) {
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    bool conv = layer->kind == LAYER_Conv1D || layer->kind == LAYER_Conv2D;
    if (conv && layer->along[0].size > 1 && (!strided || layer->along[0].stride > 1) &&
        (!dilated || layer->along[0].dilation > 1))
      return layer;
  }
  return NULL;
}

bool fault_padding_off_by_one(Model *model) {
  Layer *conv = conv_of(model, false, false);
  if (!conv || conv->along[0].padding.kind != PAD_CAUSAL) return false;
  conv->along[0].padding =
      (Padding){.kind = PAD_ZEROS, .before = conv->along[0].size - 2, .after = 1};
  return true;
}

bool fault_padding_side(Model *model) {
  Layer *conv = conv_of(model, true, false);
  if (!conv || conv->along[0].padding.kind != PAD_SAME) return false;
  int64_t n = conv->along[0].n ? conv->along[0].n : conv->in[0]->type.time.n;
  int64_t results = (n + conv->along[0].stride - 1) / conv->along[0].stride,
          pad = (results - 1) * conv->along[0].stride + conv->along[0].size - n;
  if (pad % 2 == 0) return false;
  conv->along[0].padding = (Padding){.kind = PAD_ZEROS, .before = pad - pad / 2, .after = pad / 2};
  return true;
}

bool fault_stride(Model *model) {
  Layer *conv = conv_of(model, true, false);
  if (conv) conv->along[0].stride = 1;
  return conv != NULL;
}

bool fault_dilation(Model *model) {
  Layer *conv = conv_of(model, false, true);
  if (!conv || conv->along[0].padding.kind != PAD_VALID) return false;
  /* as many results as before */
  conv->along[0].padding = (Padding){
      .kind = PAD_ZEROS, .after = -(conv->along[0].size - 1) * (conv->along[0].dilation - 1)};
  conv->along[0].dilation = 1;
  return true;
}

/* The kernel of a layer as [filters, taps, rest]. */
static bool kernel_of(const Layer *layer, int64_t *filters, int64_t *taps, int64_t *rest,
                      float **data) {
  ParamShape shape;
  if (!layer || !layer_tensor(layer, ROLE_KERNEL, &shape, data)) return false;
  *filters = shape.dim[0];
  *taps = shape.dim[1];
  *rest = param_count(&shape) / *filters / *taps;
  return true;
}

bool fault_groups(Model *model) {
  int64_t filters, taps, rest;
  float *data;
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    if (layer->kind != LAYER_Conv1D || layer_size(layer, OPT_groups, 1) != 2) continue;
    if (!kernel_of(layer, &filters, &taps, &rest, &data)) return false;
    rows_exchange(data, 1, 2, filters / 2 * taps * rest, 0, 1);
    return true;
  }
  return false;
}

bool fault_kernel_turned(Model *model) {
  int64_t filters, taps, rest;
  float *data;
  if (!kernel_of(conv_of(model, false, false), &filters, &taps, &rest, &data)) return false;
  rows_exchange(data, filters, taps, rest, 0, taps - 1);
  return true;
}

bool fault_kernel_axes_exchanged(Model *model) {
  ParamShape shape;
  float *data;
  const Layer *conv = model_find(model, LAYER_Conv2D, 0);
  if (!layer_tensor(conv, ROLE_KERNEL, &shape, &data) || shape.dim[3] != 1) return false;
  for (int64_t f = 0; f < shape.dim[0]; f++)
    matrix_transpose(model->arena, data + f * shape.dim[1] * shape.dim[2], shape.dim[1],
                     shape.dim[2]);
  return true;
}

bool fault_clip_before_for_after(Model *model) {
  return model_exchange(model, model_find(model, LAYER_Conv1D, 0),
                        model_find(model, LAYER_relu, 0));
}

bool fault_clip_bound(Model *model) {
  Layer *relu = model_find(model, LAYER_relu, 0);
  if (!relu || !layer_has(relu, OPT_max)) return false;
  layer_opt_mut(relu, OPT_max)->given = false;
  return true;
}

bool fault_pool_kind(Model *model) {
  Layer *pool = model_find(model, LAYER_max_pool, 0);
  if (pool) pool->kind = LAYER_mean_pool;
  return pool != NULL;
}

/* ---- products, norms, tables ---- */

bool fault_product_transposed(Model *model) {
  ParamShape shape;
  float *data;
  if (!layer_tensor(model_find(model, LAYER_Dense, 0), ROLE_KERNEL, &shape, &data)) return false;
  matrix_transpose(model->arena, data, shape.dim[0], shape.dim[1]);
  return true;
}

bool fault_product_bias_dropped(Model *model) {
  return layer_zero(model_find(model, LAYER_Dense, 0), ROLE_BIAS);
}

bool fault_norm_epsilon(Model *model) {
  Layer *norm = model_find(model, LAYER_LayerNorm, 0);
  if (norm) layer_set_number(norm, OPT_eps, layer_eps(model, norm) * 10);
  return norm != NULL;
}

bool fault_norm_scale_for_center(Model *model) {
  ParamShape shape;
  float *scale, *center;
  const Layer *norm = model_find(model, LAYER_LayerNorm, 0);
  if (!layer_tensor(norm, ROLE_SCALE, &shape, &scale) ||
      !layer_tensor(norm, ROLE_CENTER, &shape, &center))
    return false;
  tensors_exchange(scale, center, param_count(&shape));
  return true;
}

bool fault_row_of_table(Model *model) {
  ParamShape shape;
  float *data;
  const Layer *table = model_find(model, LAYER_Embedding, 0);
  if (!layer_tensor(table, ROLE_TABLE, &shape, &data)) return false;
  for (int64_t row = shape.dim[0] - 1; row > 0; row--)
    rows_exchange(data, 1, shape.dim[0], shape.dim[1], row, row - 1);
  return true;
}

bool fault_slope(Model *model) {
  ParamShape shape;
  float *data;
  if (!layer_tensor(model_find(model, LAYER_prelu, 0), ROLE_SLOPE, &shape, &data)) return false;
  rows_exchange(data, 1, shape.dim[0], 1, 0, shape.dim[0] - 1);
  return true;
}

/* ---- joins, cuts, layouts ---- */

static bool operands_exchange(Layer *layer) {
  if (!layer || layer->n_in != 2) return false;
  Value *first = layer->in[0];
  layer->in[0] = layer->in[1];
  layer->in[1] = first;
  return true;
}

bool fault_concat_order(Model *model) {
  return operands_exchange(model_find(model, LAYER_concat, 0));
}

bool fault_merge_mode(Model *model) {
  Layer *sum = model_find(model, LAYER_add, 0);
  if (sum) sum->kind = LAYER_mul;
  return sum != NULL;
}

bool fault_difference_exchanged(Model *model) {
  return operands_exchange(model_find(model, LAYER_sub, 0));
}

bool fault_number_exchanged(Model *model) {
  Layer *sub = model_find(model, LAYER_sub, 0);
  if (!sub || !layer_word_is(sub, OPT_swapped, "true")) return false;
  layer_set_word(sub, OPT_swapped, "false");
  return true;
}

bool fault_cut_off_by_one(Model *model) {
  for (int i = 0;; i++) {
    Layer *slice = model_find(model, LAYER_slice, i);
    if (!slice) return false;
    int64_t begin = layer_size(slice, OPT_begin, 0), end = layer_size(slice, OPT_end, 0);
    if (!begin) continue;
    layer_set_size(slice, OPT_begin, begin - 1);
    layer_set_size(slice, OPT_end, end - 1);
    return true;
  }
}

bool fault_layout_of_reshape(Model *model) {
  ParamShape shape;
  float *data;
  const Layer *flatten = model_find(model, LAYER_flatten, 0);
  if (!flatten || !layer_tensor(model_find(model, LAYER_Dense, 0), ROLE_KERNEL, &shape, &data))
    return false;
  const Type *type = &flatten->in[0]->type;
  for (int64_t row = 0; row < shape.dim[0]; row++)
    matrix_transpose(model->arena, data + row * shape.dim[1], type->time.n, type->dim[0].n);
  return true;
}

bool fault_residual_dropped(Model *model) {
  Layer *sum = model_find(model, LAYER_add, 0);
  if (!sum || sum->n_in != 2) return false;
  sum->in[1] = sum->in[0];
  return true;
}

bool fault_outputs_exchanged(Model *model) {
  if (model->n_out != 2) return false;
  Value *first = model->out[0]->value;
  model->out[0]->value = model->out[1]->value;
  model->out[1]->value = first;
  return true;
}

bool fault_mean_for_max(Model *model) {
  Layer *max = model_find(model, LAYER_max, 0);
  if (max) max->kind = LAYER_mean;
  return max != NULL;
}

bool fault_activation_dropped(Model *model) {
  return layer_drop(model, model_find(model, LAYER_softmax, 0));
}

/* ---- axes ---- */

bool confuse_time_and_batch(Atoms *atoms, Roles *roles) {
  (void)atoms;
  int time = roles->time;
  if (roles->way != TIME_WAY_AXIS || roles->batch < 0) return false;
  roles->time = roles->batch;
  roles->batch = time;
  return true;
}
