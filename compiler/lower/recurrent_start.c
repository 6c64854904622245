/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* States of recurrent layers: where they are kept, and what they start from: zeros, another value,
 * or learned numbers. */
#include "lower/cell_shape.h"
#include "lower/int_layers.h"
#include "lower/recurrent.h"

#include <string.h>

void recurrent_place(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  if (int_computes(l, layer)) {
    int_cell_place(e, layer);
    return;
  }
  const CellShape *shape = cell_shape(l, layer);
  int dirs = layer_directions(layer);
  int64_t all = shape->positions * shape->width;
  KirBuffer *(*new_buffer)(Emit *, const Layer *, const char *, KirElem, int64_t) = new_kept;
  if (shape->of_stream) new_buffer = new_state;
  KirBuffer *h = new_buffer(e, layer, "h", KIR_F32, dirs * all), *c = NULL;
  if (layer->kind == LAYER_LSTM) c = new_buffer(e, layer, "c", KIR_F32, dirs * all);
  KirBuffer *next = shape->in_place ? h : new_kept(e, layer, "next", KIR_F32, all);
  for (int d = 0; d < dirs; d++)
    *cell_of(l, layer, d) = (CellPlace){.h = h,
                                        .c = c,
                                        .next = next,
                                        .h_at = d * all,
                                        .c_at = d * all,
                                        .next_at = shape->in_place ? d * all : 0,
                                        .width = shape->width,
                                        .positions = shape->positions};
}

/* A learned initial state of one direction, [width]; NULL if the layer has none. */
static KirBuffer *learned_state(Lower *l, const Layer *layer, int state, int dir) {
  Role role = state ? ROLE_INITIAL_C : ROLE_INITIAL_H;
  int64_t units = cell_shape(l, layer)->units, width = cell_of(l, layer, dir)->width;
  if (!layer_has_role(layer, role)) return NULL;
  const float *from = layer->weights ? layer->weights->role[role] : NULL;
  float *to = from ? ARENA_ARRAY(l->arena, float, width) : NULL;
  if (to) memcpy(to, from + dir * units, sizeof *to * (size_t)units);
  const char *part = arena_printf(l->arena, "%s0%s", state ? "c" : "h", dir ? "_backward" : "");
  return new_weights(l, layer, part, to, width, "learned initial state");
}

View cell_state_view(const Layer *layer, KirBuffer *b, KirIndex at, int64_t width) {
  const Type *type = &layer->out[1]->type;
  View v = {.buffer = b, .at = at, .rank = type->rank};
  int64_t n = width;
  v.dim[v.rank - 1] = layer_size(layer, OPT_units, 1);
  v.stride[v.rank - 1] = 1;
  for (int i = v.rank - 2; i >= 0; i--) {
    v.dim[i] = type->dim[i].n;
    v.stride[i] = n;
    n *= v.dim[i];
  }
  return v;
}

static void load_state(Emit *e, const Layer *layer, int state, int dir) {
  Lower *l = e->l;
  const CellPlace *p = cell_of(l, layer, dir);
  KirBuffer *to = state ? p->c : p->h;
  if (!to) return;
  int64_t units = cell_shape(l, layer)->units;
  KirIndex at = at_batch(e, to, p->h_at);
  const Value *from = layer_init_value(layer, state);
  KirBuffer *learned = learned_state(l, layer, state, dir);
  if (learned) {
    KirReg *i = p->positions > 1 ? kb_for(&e->kb, "i", 0, p->positions, 1) : NULL;
    kb_copy(&e->kb, to, kir_at_plus(at, p->width, i), learned, kir_at(0), p->width);
    if (i) kb_end(&e->kb);
    return;
  }
  bool padded = p->width > units && to->space == KIR_SCRATCH;
  if (!from || padded) {
    if (to->space == KIR_SCRATCH) kb_zero(&e->kb, to, at, p->positions * p->width);
    if (!from) return;
  }
  View given = *view_of(l, from), own = cell_state_view(layer, to, at, p->width);
  given.at = kir_at_offset(given.at, dir * units * given.stride[given.rank - 1]);
  given.dim[given.rank - 1] = units;
  copy_row(e, &own, ONLY_STEP, &given, ONLY_STEP);
}

void recurrent_before(Emit *e, const Layer *layer, int dir) {
  Lower *l = e->l;
  if (cell_shape(l, layer)->of_stream) return;
  if (int_computes(l, layer)) {
    int_cell_start(e, layer, dir);
    return;
  }
  load_state(e, layer, 0, dir);
  load_state(e, layer, 1, dir);
}

void recurrent_reset(Emit *e, const Layer *layer) {
  for (int d = 0; d < layer_directions(layer); d++) {
    if (int_computes(e->l, layer)) {
      int_cell_start(e, layer, d);
      continue;
    }
    load_state(e, layer, 0, d);
    load_state(e, layer, 1, d);
  }
}
