/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Steps that are taken for features. In, a typed Model of an importer; out, the same Model, in
 * which a `reshape([n, d])` of a sequence [time n, d] stands as late as possible: behind stages
 * that compute each step by itself, and behind windows along its first axis, which become windows
 * along time. An output gets the sequence. */
#include "import/foreign.h"

/* The reshape whose result is a value: of a sequence to the same axes without time. NULL: it has
 * none. */
static const Layer *untiming(const Value *value) {
  const Layer *layer = value->layer;
  if (!layer || layer->kind != LAYER_reshape) return NULL;
  const Type *from = &layer->in[0]->type, *to = &layer->out[0]->type;
  if (from->time.kind != TIME_FIXED || from->time_pos || to->time.kind != TIME_NONE ||
      to->rank != from->rank + 1 || to->rank < 2 || to->dim[0].n != from->time.n)
    return NULL;
  for (int i = 0; i < from->rank; i++)
    if (to->dim[i + 1].n != from->dim[i].n) return NULL;
  return layer;
}

static bool is_one_of(const Layer *layer, const LayerKind *kinds, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (layer->kind == kinds[i]) return true;
  return false;
}
#define IS_ONE_OF(layer, kinds) is_one_of(layer, kinds, sizeof(kinds) / sizeof *(kinds))

/* Whether a layer computes each step by itself, as it does along the last axis. */
static bool is_per_step(const Layer *layer) {
  static const LayerKind along_last[] = {LAYER_Dense,   LAYER_BatchNorm,    LAYER_LayerNorm,
                                         LAYER_RMSNorm, LAYER_l2_normalize, LAYER_softmax,
                                         LAYER_slice,   LAYER_concat,       LAYER_log_softmax};
  static const LayerKind several[] = {LAYER_maximum, LAYER_minimum, LAYER_select};
  const OptVal *along = layer_opt(layer, OPT_along);
  if (along && along->given) return false;
  unsigned flags = layer_info(layer->kind)->flags;
  return (flags & (POINTWISE | OPERATOR)) != 0 || IS_ONE_OF(layer, along_last) ||
         IS_ONE_OF(layer, several);
}

/* Whether a layer works along the first axis of its operand alone, and could along time. */
static bool is_along_first(const Layer *layer) {
  static const LayerKind kinds[] = {LAYER_Conv1D,   LAYER_Conv1DTranspose,
                                    LAYER_max_pool, LAYER_mean_pool,
                                    LAYER_mean,     LAYER_max,
                                    LAYER_min,      LAYER_sum,
                                    LAYER_last,     LAYER_first};
  return IS_ONE_OF(layer, kinds) && layer->n_in == 1 && layer->n_along == 1 &&
         layer->along[0].axis == 0;
}

/* Whether all operands are sequences of the same steps without time. */
static bool reads_steps(const Layer *layer) {
  const Layer *first = layer->n_in ? untiming(layer->in[0]) : NULL;
  for (int k = 0; k < layer->n_in; k++) {
    const Layer *one = untiming(layer->in[k]);
    if (!first || !one || !time_equal(&one->in[0]->type.time, &first->in[0]->type.time))
      return false;
  }
  return layer->n_in > 0;
}

static void to_place(Model *model, Layer *layer, int at) {
  int from = model->n_layers - 1;
  for (int i = from; i > at; i--)
    model->layer[i] = model->layer[i - 1];
  model->layer[at] = layer;
  for (int i = at; i <= from; i++)
    model->layer[i]->id = i;
}

/* Puts the reshapes of the operands of layer number i behind it. */
static void move_behind(Foreign *f, int i) {
  Model *model = f->model;
  Layer *layer = model->layer[i];
  Type type = layer->out[0]->type;
  for (int k = 0; k < layer->n_in; k++) {
    Value *steps = layer->in[k]->layer->in[0];
    layer->in[k]->n_uses--;
    steps->n_uses++;
    layer->in[k] = steps;
  }
  OptVal *along = layer_opt_mut(layer, OPT_along);
  bool ends = (layer_info(layer->kind)->flags & ENDS) != 0;
  if (along) {
    along->given = false;
    along->n_axes = 0;
  }
  if (ends) return;
  Value *result = layer->out[0];
  Layer *turn = model_layer(model, LAYER_reshape, 1, &result);
  turn->origin = layer->origin;
  layer_set_shape(f->arena, turn, type);
  to_place(model, turn, i + 1);
  foreign_replace(model, result, turn);
}

/* Puts the names of a label number i into a reshape of its own, whose operand is the sequence. */
static void name_steps(Foreign *f, int i) {
  Model *model = f->model;
  Layer *label = model->layer[i];
  Value *steps = label->in[0]->layer->in[0];
  Layer *turn = model_layer(model, LAYER_reshape, 1, &steps);
  turn->origin = label->origin;
  layer_set_shape(f->arena, turn, label->out[0]->type);
  to_place(model, turn, i + 1);
  Value *named = turn->out[0];
  foreign_replace(model, label->out[0], turn);
  label->out[0]->n_uses = 0;
  named->n_uses++; /* foreign_replace counts a use of the label by the reshape */
  turn->in[0] = steps;
  named->type = label->out[0]->type;
}

bool foreign_retimed(Foreign *f) {
  Model *model = f->model;
  for (int i = 0; i < model->n_out; i++) {
    Port *out = model->out[i];
    const Layer *turn = untiming(out->value);
    if (!turn) continue;
    out->value->n_uses--;
    out->value = turn->in[0];
    out->value->n_uses++;
    return true;
  }
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (!reads_steps(layer)) continue;
    bool moves = is_per_step(layer) || is_along_first(layer), names = layer->kind == LAYER_label;
    if (moves) move_behind(f, i);
    if (names) name_steps(f, i);
    if (moves || names) return true;
  }
  return false;
}
