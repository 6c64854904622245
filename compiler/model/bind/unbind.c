/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Binding backwards: in, a typed model with weights; out, the tensors a file of the convention
 * would hold, such that model_bind of that file gives the same weights, bit for bit.
 *
 * Where a convention keeps two halves of a bias that the canonical layout has summed, the first
 * half holds the sum and the second is zero. */
#include "model/bind/bind.h"

#include <stdlib.h>
#include <string.h>

typedef struct Unbind {
  Model *model;
  Convention convention;
  TensorFile *file;
  size_t cap;
} Unbind;

static int by_name(const void *a, const void *b) {
  const Tensor *x = a, *y = b;
  return strcmp(x->name, y->name);
}

static const ParamShape *param_of(const ParamShape *params, int n, Role role) {
  for (int i = 0; i < n; i++)
    if (params[i].role == role) return &params[i];
  return NULL;
}

static void fill(const Unbind *u, const Layer *layer, const BindRow *row, const ParamShape *p,
                 int dir, int half, bool split, float *to) {
  BindMap map = bind_map(row, u->convention, p, dir, half, split);
  for (int64_t i = map.begin; i < map.end; i++)
    to[bind_map_at(&map, i)] = layer->weights->role[p->role][i];
}

/* A bias that the convention keeps in two tensors, which model_bind adds: this is the second. */
static bool is_summand(const BindRow *row) {
  for (const BindRow *r = bind_rows; r < row; r++)
    if (r->kind == row->kind && r->convention == row->convention && r->role == row->role)
      return true;
  return false;
}

static void add_tensor(Unbind *u, const Layer *layer, const BindRow *row, const ParamShape *params,
                       int n, int dir) {
  const ParamShape *p = param_of(params, n, row->role), *second = NULL;
  bool has_s = strchr(row->axes, BIND_HALVES) != NULL,
       per_dir = !strchr(row->axes, BIND_DIRECTIONS) && p->axes[0] == BIND_DIRECTIONS;
  bool keras_before = row->kind == LAYER_GRU && u->convention == CONVENTION_KERAS &&
                      layer_word_is(layer, OPT_reset, "before");
  bool split = has_s && !keras_before;
  ParamShape shape = *p;
  Tensor t = {.elem = TENSOR_F32};
  if (per_dir) shape.dim[0] = 1;
  if (split && row->second != row->role) second = param_of(params, n, row->second);
  t.name = bind_tensor_name(u->model->arena, u->convention, layer, row, dir, '.');
  t.rank = bind_file_shape(row->axes, &shape, split, t.dim);
  t.count = dims_product(t.rank, t.dim);
  float *data = ARENA_ARRAY(u->model->arena, float, t.count);
  if (!is_summand(row)) fill(u, layer, row, p, dir, 0, split, data);
  if (second) fill(u, layer, row, second, dir, 1, split, data);
  t.data = (const uint8_t *)data;
  int16_t one = 1;
  t.big_endian = *(const char *)&one == 0;
  ARENA_PUSH(u->model->arena, u->file->tensor, u->file->n, u->cap, t);
}

Convention model_unbind_convention(const Model *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (layer_word_is(model->layer[i], OPT_peephole, "true")) return CONVENTION_ONNX;
  return CONVENTION_KERAS;
}

TensorFile *model_unbind(Model *model, Convention convention, const char *path) {
  TensorFile *file = ARENA_NEW(model->arena, TensorFile);
  Unbind u = {.model = model, .convention = convention, .file = file};
  *file = (TensorFile){.path = path, .convention = convention};
  for (int i = 0; i < model->n_layers; i++) {
    ParamShape params[LAYER_MAX_PARAMS];
    const Layer *layer = model->layer[i];
    int n = layer_params(layer, params);
    for (int r = 0; r < n_bind_rows && n; r++) {
      const BindRow *row = &bind_rows[r];
      if (row->kind != layer->kind || row->convention != convention ||
          !param_of(params, n, row->role))
        continue;
      bool per_dir =
          (layer_info(layer->kind)->flags & RECURRENT) && !strchr(row->axes, BIND_DIRECTIONS);
      for (int dir = 0; dir < (per_dir ? layer_directions(layer) : 1); dir++)
        add_tensor(&u, layer, row, params, n, dir);
    }
  }
  if (file->n) qsort(file->tensor, (size_t)file->n, sizeof *file->tensor, by_name);
  return file;
}
