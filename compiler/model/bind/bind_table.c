/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The names, and the orders of axes and gates, that each convention has for the tensors of each
 * layer. */
#include "model/bind/bind.h"

/* Axes are letters of BindAxis. If `second` is the same as `role`, both halves of the bias are
 * added. */
const BindRow bind_rows[] = {
    /* kind, convention, role, second, tensor, axes */
    {LAYER_GRU, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "K,GU"},
    {LAYER_GRU, CONVENTION_KERAS, ROLE_RECURRENT, ROLE_COUNT, "recurrent_kernel", "K,GU"},
    {LAYER_GRU, CONVENTION_KERAS, ROLE_BIAS, ROLE_RECURRENT_BIAS, "bias", "S,GU"},
    {LAYER_GRU, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight_ih", "GU,K"},
    {LAYER_GRU, CONVENTION_TORCH, ROLE_RECURRENT, ROLE_COUNT, "weight_hh", "GU,K"},
    {LAYER_GRU, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias_ih", "GU"},
    {LAYER_GRU, CONVENTION_TORCH, ROLE_RECURRENT_BIAS, ROLE_COUNT, "bias_hh", "GU"},
    {LAYER_GRU, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "W", "D,GU,K"},
    {LAYER_GRU, CONVENTION_ONNX, ROLE_RECURRENT, ROLE_COUNT, "R", "D,GU,K"},
    {LAYER_GRU, CONVENTION_ONNX, ROLE_BIAS, ROLE_RECURRENT_BIAS, "B", "D,SGU"},
    {LAYER_GRU, CONVENTION_KERAS, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "DU"},
    {LAYER_GRU, CONVENTION_TORCH, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "DU"},
    {LAYER_GRU, CONVENTION_ONNX, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "D,U"},

    {LAYER_LSTM, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "K,GU"},
    {LAYER_LSTM, CONVENTION_KERAS, ROLE_RECURRENT, ROLE_COUNT, "recurrent_kernel", "K,GU"},
    {LAYER_LSTM, CONVENTION_KERAS, ROLE_BIAS, ROLE_COUNT, "bias", "GU"},
    {LAYER_LSTM, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight_ih", "GU,K"},
    {LAYER_LSTM, CONVENTION_TORCH, ROLE_RECURRENT, ROLE_COUNT, "weight_hh", "GU,K"},
    {LAYER_LSTM, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias_ih", "GU"},
    {LAYER_LSTM, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias_hh", "GU"},
    {LAYER_LSTM, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "W", "D,GU,K"},
    {LAYER_LSTM, CONVENTION_ONNX, ROLE_RECURRENT, ROLE_COUNT, "R", "D,GU,K"},
    {LAYER_LSTM, CONVENTION_ONNX, ROLE_BIAS, ROLE_BIAS, "B", "D,SGU"},
    {LAYER_LSTM, CONVENTION_ONNX, ROLE_PEEPHOLE, ROLE_COUNT, "P", "D,GU"},
    {LAYER_LSTM, CONVENTION_KERAS, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "DU"},
    {LAYER_LSTM, CONVENTION_KERAS, ROLE_INITIAL_C, ROLE_COUNT, "initial_c", "DU"},
    {LAYER_LSTM, CONVENTION_TORCH, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "DU"},
    {LAYER_LSTM, CONVENTION_TORCH, ROLE_INITIAL_C, ROLE_COUNT, "initial_c", "DU"},
    {LAYER_LSTM, CONVENTION_ONNX, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "D,U"},
    {LAYER_LSTM, CONVENTION_ONNX, ROLE_INITIAL_C, ROLE_COUNT, "initial_c", "D,U"},

    {LAYER_RNN, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "K,GU"},
    {LAYER_RNN, CONVENTION_KERAS, ROLE_RECURRENT, ROLE_COUNT, "recurrent_kernel", "K,GU"},
    {LAYER_RNN, CONVENTION_KERAS, ROLE_BIAS, ROLE_COUNT, "bias", "GU"},
    {LAYER_RNN, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight_ih", "GU,K"},
    {LAYER_RNN, CONVENTION_TORCH, ROLE_RECURRENT, ROLE_COUNT, "weight_hh", "GU,K"},
    {LAYER_RNN, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias_ih", "GU"},
    {LAYER_RNN, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias_hh", "GU"},
    {LAYER_RNN, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "W", "D,GU,K"},
    {LAYER_RNN, CONVENTION_ONNX, ROLE_RECURRENT, ROLE_COUNT, "R", "D,GU,K"},
    {LAYER_RNN, CONVENTION_ONNX, ROLE_BIAS, ROLE_BIAS, "B", "D,SGU"},
    {LAYER_RNN, CONVENTION_KERAS, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "DU"},
    {LAYER_RNN, CONVENTION_TORCH, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "DU"},
    {LAYER_RNN, CONVENTION_ONNX, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "D,U"},

    {LAYER_state, CONVENTION_KERAS, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "U"},
    {LAYER_state, CONVENTION_TORCH, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "U"},
    {LAYER_state, CONVENTION_ONNX, ROLE_INITIAL_H, ROLE_COUNT, "initial_h", "U"},

    {LAYER_Dense, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "K,U"},
    {LAYER_Dense, CONVENTION_KERAS, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Dense, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight", "U,K"},
    {LAYER_Dense, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Dense, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "B", "K,U"},
    {LAYER_Dense, CONVENTION_ONNX, ROLE_BIAS, ROLE_COUNT, "C", "U"},

    {LAYER_Conv1D, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "I,K,U"},
    {LAYER_Conv1D, CONVENTION_KERAS, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv1D, CONVENTION_KERAS, ROLE_INITIAL_X, ROLE_COUNT, "initial_x", "K"},
    {LAYER_Conv1D, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight", "U,K,I"},
    {LAYER_Conv1D, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv1D, CONVENTION_TORCH, ROLE_INITIAL_X, ROLE_COUNT, "initial_x", "K"},
    {LAYER_Conv1D, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "W", "U,K,I"},
    {LAYER_Conv1D, CONVENTION_ONNX, ROLE_BIAS, ROLE_COUNT, "B", "U"},
    {LAYER_Conv1D, CONVENTION_ONNX, ROLE_INITIAL_X, ROLE_COUNT, "initial_x", "K"},

    {LAYER_Conv2D, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "I,J,K,U"},
    {LAYER_Conv2D, CONVENTION_KERAS, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv2D, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight", "U,K,I,J"},
    {LAYER_Conv2D, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv2D, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "W", "U,K,I,J"},
    {LAYER_Conv2D, CONVENTION_ONNX, ROLE_BIAS, ROLE_COUNT, "B", "U"},

    {LAYER_Conv1DTranspose, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "I,U,K"},
    {LAYER_Conv1DTranspose, CONVENTION_KERAS, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv1DTranspose, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight", "NK,V,I"},
    {LAYER_Conv1DTranspose, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv1DTranspose, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "W", "NK,V,I"},
    {LAYER_Conv1DTranspose, CONVENTION_ONNX, ROLE_BIAS, ROLE_COUNT, "B", "U"},

    {LAYER_Conv2DTranspose, CONVENTION_KERAS, ROLE_KERNEL, ROLE_COUNT, "kernel", "I,J,U,K"},
    {LAYER_Conv2DTranspose, CONVENTION_KERAS, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv2DTranspose, CONVENTION_TORCH, ROLE_KERNEL, ROLE_COUNT, "weight", "NK,V,I,J"},
    {LAYER_Conv2DTranspose, CONVENTION_TORCH, ROLE_BIAS, ROLE_COUNT, "bias", "U"},
    {LAYER_Conv2DTranspose, CONVENTION_ONNX, ROLE_KERNEL, ROLE_COUNT, "W", "NK,V,I,J"},
    {LAYER_Conv2DTranspose, CONVENTION_ONNX, ROLE_BIAS, ROLE_COUNT, "B", "U"},

    {LAYER_Embedding, CONVENTION_KERAS, ROLE_TABLE, ROLE_COUNT, "embeddings", "U,K"},
    {LAYER_Embedding, CONVENTION_TORCH, ROLE_TABLE, ROLE_COUNT, "weight", "U,K"},
    {LAYER_Embedding, CONVENTION_ONNX, ROLE_TABLE, ROLE_COUNT, "data", "U,K"},

    {LAYER_LayerNorm, CONVENTION_KERAS, ROLE_SCALE, ROLE_COUNT, "gamma", "K"},
    {LAYER_LayerNorm, CONVENTION_KERAS, ROLE_CENTER, ROLE_COUNT, "beta", "K"},
    {LAYER_LayerNorm, CONVENTION_TORCH, ROLE_SCALE, ROLE_COUNT, "weight", "K"},
    {LAYER_LayerNorm, CONVENTION_TORCH, ROLE_CENTER, ROLE_COUNT, "bias", "K"},
    {LAYER_LayerNorm, CONVENTION_ONNX, ROLE_SCALE, ROLE_COUNT, "Scale", "K"},
    {LAYER_LayerNorm, CONVENTION_ONNX, ROLE_CENTER, ROLE_COUNT, "B", "K"},

    {LAYER_RMSNorm, CONVENTION_KERAS, ROLE_SCALE, ROLE_COUNT, "scale", "K"},
    {LAYER_RMSNorm, CONVENTION_TORCH, ROLE_SCALE, ROLE_COUNT, "weight", "K"},
    {LAYER_RMSNorm, CONVENTION_ONNX, ROLE_SCALE, ROLE_COUNT, "scale", "K"},
    {LAYER_GroupNorm, CONVENTION_KERAS, ROLE_SCALE, ROLE_COUNT, "gamma", "K"},
    {LAYER_GroupNorm, CONVENTION_KERAS, ROLE_CENTER, ROLE_COUNT, "beta", "K"},
    {LAYER_GroupNorm, CONVENTION_TORCH, ROLE_SCALE, ROLE_COUNT, "weight", "K"},
    {LAYER_GroupNorm, CONVENTION_TORCH, ROLE_CENTER, ROLE_COUNT, "bias", "K"},
    {LAYER_GroupNorm, CONVENTION_ONNX, ROLE_SCALE, ROLE_COUNT, "scale", "K"},
    {LAYER_GroupNorm, CONVENTION_ONNX, ROLE_CENTER, ROLE_COUNT, "bias", "K"},
    {LAYER_InstanceNorm, CONVENTION_KERAS, ROLE_SCALE, ROLE_COUNT, "gamma", "K"},
    {LAYER_InstanceNorm, CONVENTION_KERAS, ROLE_CENTER, ROLE_COUNT, "beta", "K"},
    {LAYER_InstanceNorm, CONVENTION_TORCH, ROLE_SCALE, ROLE_COUNT, "weight", "K"},
    {LAYER_InstanceNorm, CONVENTION_TORCH, ROLE_CENTER, ROLE_COUNT, "bias", "K"},
    {LAYER_InstanceNorm, CONVENTION_ONNX, ROLE_SCALE, ROLE_COUNT, "scale", "K"},
    {LAYER_InstanceNorm, CONVENTION_ONNX, ROLE_CENTER, ROLE_COUNT, "B", "K"},

    {LAYER_BatchNorm, CONVENTION_KERAS, ROLE_SCALE, ROLE_COUNT, "gamma", "K"},
    {LAYER_BatchNorm, CONVENTION_KERAS, ROLE_CENTER, ROLE_COUNT, "beta", "K"},
    {LAYER_BatchNorm, CONVENTION_KERAS, ROLE_MEAN, ROLE_COUNT, "moving_mean", "K"},
    {LAYER_BatchNorm, CONVENTION_KERAS, ROLE_VARIANCE, ROLE_COUNT, "moving_variance", "K"},
    {LAYER_BatchNorm, CONVENTION_TORCH, ROLE_SCALE, ROLE_COUNT, "weight", "K"},
    {LAYER_BatchNorm, CONVENTION_TORCH, ROLE_CENTER, ROLE_COUNT, "bias", "K"},
    {LAYER_BatchNorm, CONVENTION_TORCH, ROLE_MEAN, ROLE_COUNT, "running_mean", "K"},
    {LAYER_BatchNorm, CONVENTION_TORCH, ROLE_VARIANCE, ROLE_COUNT, "running_var", "K"},
    {LAYER_BatchNorm, CONVENTION_ONNX, ROLE_SCALE, ROLE_COUNT, "scale", "K"},
    {LAYER_BatchNorm, CONVENTION_ONNX, ROLE_CENTER, ROLE_COUNT, "B", "K"},
    {LAYER_BatchNorm, CONVENTION_ONNX, ROLE_MEAN, ROLE_COUNT, "input_mean", "K"},
    {LAYER_BatchNorm, CONVENTION_ONNX, ROLE_VARIANCE, ROLE_COUNT, "input_var", "K"},

    {LAYER_AdditiveAttention, CONVENTION_KERAS, ROLE_SCALE, ROLE_COUNT, "scale", "K"},
    {LAYER_AdditiveAttention, CONVENTION_TORCH, ROLE_SCALE, ROLE_COUNT, "weight", "1,K"},
    {LAYER_AdditiveAttention, CONVENTION_ONNX, ROLE_SCALE, ROLE_COUNT, "B", "K,1"},

    {LAYER_prelu, CONVENTION_KERAS, ROLE_SLOPE, ROLE_COUNT, "alpha", "1,K"},
    {LAYER_prelu, CONVENTION_TORCH, ROLE_SLOPE, ROLE_COUNT, "weight", "K"},
    {LAYER_prelu, CONVENTION_ONNX, ROLE_SLOPE, ROLE_COUNT, "slope", "1,K"},
};
const int n_bind_rows = sizeof bind_rows / sizeof bind_rows[0];

/* The file has canonical gate g at place[g]. */
static const int in_order[] = {0, 1, 2, 3};
static const int torch_gru[] = {1, 0, 2};     /* file r z n */
static const int onnx_lstm[] = {0, 2, 3, 1};  /* file i o f c; canonical i f g o */
static const int keras_lstm[] = {0, 1, 2, 3}; /* file i f c o */
static const int onnx_peephole[] = {0, 2, 1}; /* file i o f; canonical i f o */

const int *bind_gate_place(LayerKind kind, Convention convention, Role role) {
  if (kind == LAYER_GRU) return convention == CONVENTION_TORCH ? torch_gru : in_order;
  if (kind == LAYER_LSTM && role == ROLE_PEEPHOLE) return onnx_peephole;
  if (kind == LAYER_LSTM) return convention == CONVENTION_ONNX ? onnx_lstm : keras_lstm;
  return in_order;
}
