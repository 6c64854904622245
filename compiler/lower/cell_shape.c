/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The shape of the step of each recurrent layer. In: the schedule, and whether the samples of a
 * batch run side by side. After: lanes, widths, partial sums, and whether a step may store its new
 * state where the old one is. What multiplies ahead of its steps (hoist.c), the places of states
 * (recurrent_place) and the kernels (recurrent.c) all read it from here. */
#include "lower/cell_shape.h"
#include "lower/int_layers.h"
#include "lower/mat.h"

bool cell_resets_before(const Layer *layer) {
  return layer->kind == LAYER_GRU && layer_word_is(layer, OPT_reset, "before");
}

/* Weights of a step, padded to whole vectors. */
static int64_t cell_bytes(const Layer *layer, int lanes) {
  const Type *in = &layer->in[0]->type;
  int64_t units = layer_size(layer, OPT_units, 1);
  return (int64_t)sizeof(float) * layer_gates(layer) * size_whole(units, lanes) *
         (units + in->dim[in->rank - 1].n);
}

/* An operation on a padded vector takes as long as on a full one, so padding costs only the reading
 * of its weights. While the weights fit the first cache, take the widest vectors that need fewer
 * vectors than half the width does. */
int cell_lanes(const Lower *l, const Layer *layer) {
  int64_t units = layer_size(layer, OPT_units, 1);
  if (int_is_w8(l, layer)) return l->target->is_mcu ? 1 : mat_lanes(l, units);
  if (l->target->is_mcu) return mat_lanes(l, units);
  int lanes = mat_wide_lanes(l, units);
  return cell_bytes(layer, lanes) <= l->target->l1_bytes ? lanes : mat_lanes(l, units);
}

/* Positions of the axes that a layer is mapped over, each with a state of its own. */
static int64_t positions_of(const Layer *layer) {
  const Type *in = &layer->in[0]->type;
  int64_t n = 1;
  for (int i = 0; i + 1 < in->rank; i++)
    if (i != layer->along[0].axis) n *= in->dim[i].n;
  return n;
}

/* The number of sums of a unit in the last part of a step. GRU: z, r, W x + b and U h + b. */
static int last_sums(const Layer *layer) {
  if (layer->kind == LAYER_GRU) return cell_resets_before(layer) ? 1 : 4;
  return layer_gates(layer);
}

/* Whether all sums read the old state before a new one is stored. That is not so if the weights
 * outgrow the first cache and are walked in smaller tiles, nor for several positions or samples,
 * which read the old states one after the other. */
static bool is_in_place(const Lower *l, const Layer *layer, const CellShape *shape,
                        const Mat *sums) {
  MatTile tile[2];
  bool alone = shape->positions == 1 && (!l->is_tiled || layer->in[0]->type.rank > 1);
  return alone && !layer_is_sparse(l, layer) &&
         !cache_may_turn(l->target, cell_bytes(layer, shape->lanes), shape->of_stream) &&
         mat_tiles(l, sums, tile) == 1 && tile[0].count == 1;
}

static CellShape shape_of(const Lower *l, const Layer *layer) {
  CellShape shape = {.gates = layer_gates(layer),
                     .lanes = layer_is_sparse(l, layer) ? l->sparse[layer->id].lanes
                                                        : cell_lanes(l, layer),
                     .units = layer_size(layer, OPT_units, 1),
                     .positions = positions_of(layer),
                     .of_stream = lower_streams(l, layer) && layer_is_along_time(layer)};
  shape.width = size_whole(shape.units, shape.lanes);
  Mat sums = {
      .layer = layer, .units = shape.units, .lanes = shape.lanes, .n_acc = last_sums(layer)};
  shape.split = mat_split(l, &sums);
  shape.in_place = is_in_place(l, layer, &shape, &sums);
  return shape;
}

const CellShape *cell_shape(const Lower *l, const Layer *layer) {
  return &l->shape[layer->id];
}

void cell_shapes(Lower *l) {
  l->shape = ARENA_ARRAY(l->arena, CellShape, l->model->n_layers + 1);
  for (int i = 0; i < l->model->n_layers; i++)
    if (layer_info(l->model->layer[i]->kind)->flags & RECURRENT)
      l->shape[i] = shape_of(l, l->model->layer[i]);
}
