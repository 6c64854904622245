/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See model.h. */
#include "model.h"

#include <string.h>

Layer *model_find(const Model *model, LayerKind kind, int number) {
  for (int i = 0; i < model->n_layers; i++)
    if (model->layer[i]->kind == kind && number-- == 0) return model->layer[i];
  return NULL;
}

bool layer_tensor(const Layer *layer, Role role, ParamShape *shape, float **data) {
  ParamShape all[LAYER_MAX_PARAMS];
  int n = layer ? layer_params(layer, all) : 0;
  for (int i = 0; i < n; i++) {
    if (all[i].role != role || !layer->weights->role[role]) continue;
    *shape = all[i];
    *data = (float *)(uintptr_t)layer->weights->role[role];
    return true;
  }
  return false;
}

bool layer_zero(const Layer *layer, Role role) {
  ParamShape shape;
  float *data;
  if (!layer_tensor(layer, role, &shape, &data)) return false;
  memset(data, 0, sizeof *data * (size_t)param_count(&shape));
  return true;
}

void tensors_exchange(float *a, float *b, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    float was = a[i];
    a[i] = b[i];
    b[i] = was;
  }
}

void rows_exchange(float *data, int64_t outer, int64_t rows, int64_t each, int64_t a, int64_t b) {
  for (int64_t o = 0; o < outer; o++)
    tensors_exchange(data + (o * rows + a) * each, data + (o * rows + b) * each, each);
}

void matrix_transpose(Arena *arena, float *data, int64_t rows, int64_t columns) {
  float *was = ARENA_ARRAY(arena, float, (rows * columns));
  memcpy(was, data, sizeof *was * (size_t)(rows * columns));
  for (int64_t i = 0; i < rows * columns; i++)
    data[i] = was[i % columns * rows + i / columns];
}

void model_reroute(Model *model, const Value *from, Value *to, const Layer *except) {
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    for (int k = 0; k < layer->n_in && layer != except; k++)
      if (layer->in[k] == from) layer->in[k] = to;
  }
  for (int i = 0; i < model->n_out; i++)
    if (model->out[i]->value == from) model->out[i]->value = to;
}

/* Moves the last layer to place `at`. */
static void move_last(Model *model, int at) {
  Layer *layer = model->layer[model->n_layers - 1];
  memmove(model->layer + at + 1, model->layer + at,
          sizeof *model->layer * (size_t)(model->n_layers - 1 - at));
  model->layer[at] = layer;
}

Layer *model_insert(Model *model, LayerKind kind, Value *value) {
  int at = 0;
  while (value->layer && model->layer[at] != value->layer)
    at++;
  Layer *layer = model_layer(model, kind, 1, &value);
  layer->out[0]->type = value->type;
  layer->out[0]->typed = true;
  layer->path = "fault";
  model_reroute(model, value, layer->out[0], layer);
  move_last(model, value->layer ? at + 1 : 0);
  return layer;
}

bool model_exchange(Model *model, Layer *a, Layer *b) {
  if (!a || !b || b->in[0] != a->out[0]) return false;
  Value *in = a->in[0];
  model_reroute(model, b->out[0], a->out[0], NULL);
  b->in[0] = in;
  b->out[0]->type = in->type;
  a->in[0] = b->out[0];
  for (int i = 0; i + 1 < model->n_layers; i++)
    if (model->layer[i] == a) {
      model->layer[i] = model->layer[i + 1];
      model->layer[i + 1] = a;
      return true;
    }
  return false;
}
