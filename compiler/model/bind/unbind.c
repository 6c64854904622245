/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The inverse of binding. In: a typed model with weights. Out: the tensors that a file of the
 * convention would hold, so that model_bind of that file gives the same weights, bit for bit.
 *
 * If a convention has two biases whose sum is one bias in the canonical layout, the first one holds
 * the sum and the second is zero. */
#include "model/bind/bind.h"

#include <stdlib.h>
#include <string.h>

/* From what unbound_tensor makes the numbers of a tensor. */
struct UnboundTensor {
  const Layer *layer;
  const BindRow *row;
  ParamShape param, second; /* the second half, if has_second */
  bool has_second, split;
  int dir;
};

typedef struct Unbind {
  Model *model;
  Convention convention;
  Unbound *to;
  size_t cap, cap_sources;
  int n_sources;
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

/* Whether a row is the second of two tensors that model_bind adds up. */
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
  t.place = u->n_sources;
  int16_t one = 1;
  t.big_endian = *(const char *)&one == 0;
  struct UnboundTensor source = {.layer = layer,
                                 .row = row,
                                 .param = *p,
                                 .second = second ? *second : *p,
                                 .has_second = second != NULL,
                                 .split = split,
                                 .dir = dir};
  Arena *arena = u->model->arena;
  ARENA_PUSH(arena, u->to->file->tensor, u->to->file->n, u->cap, t);
  ARENA_PUSH(arena, u->to->source, u->n_sources, u->cap_sources, source);
}

/* Writes the canonical values of a role to their places in the tensor `to`. */
static void fill(const Unbound *u, const struct UnboundTensor *s, const ParamShape *p, int half,
                 float *to) {
  BindMap map = bind_map(s->row, u->convention, p, s->dir, half, s->split);
  const float *from = s->layer->weights->role[p->role];
  BindTile tile;
  for (BindTiles t = bind_tiles(&map); bind_tile(&t, &tile);)
    for (int64_t r = 0; r < t.rows; r++)
      for (int64_t k = 0; k < tile.n; k++)
        to[tile.at + r * t.row_step + k * t.step] = from[tile.i + r * t.width + k];
}

Tensor unbound_tensor(const Unbound *u, int i, Arena *arena) {
  Tensor t = u->file->tensor[i];
  const struct UnboundTensor *s = &u->source[t.place];
  float *data = ARENA_ARRAY(arena, float, t.count);
  if (!is_summand(s->row)) fill(u, s, &s->param, 0, data);
  if (s->has_second) fill(u, s, &s->second, 1, data);
  t.data = (const uint8_t *)data;
  return t;
}

Convention model_unbind_convention(const Model *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (layer_word_is(model->layer[i], OPT_peephole, "true")) return CONVENTION_ONNX;
  return CONVENTION_KERAS;
}

Unbound model_unbind_shapes(Model *model, Convention convention, const char *path) {
  TensorFile *file = ARENA_NEW(model->arena, TensorFile);
  Unbound unbound = {.convention = convention, .file = file};
  Unbind u = {.model = model, .convention = convention, .to = &unbound};
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
  return unbound;
}

TensorFile *model_unbind(Model *model, Convention convention, const char *path) {
  Unbound u = model_unbind_shapes(model, convention, path);
  for (int i = 0; i < u.file->n; i++)
    u.file->tensor[i] = unbound_tensor(&u, i, model->arena);
  return u.file;
}
