/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The states that GRU, LSTM and RNN in integers start from: zeros, learned, or a value's. */
#include "lower/cell_shape.h"
#include "lower/int.h"

#include <math.h>

/* An initial state in f32: a value's, or learned; NULL: zeros. */
static KirBuffer *start_state(Lower *l, const Layer *layer, int state, int dir, KirIndex *at,
                              int64_t *stride) {
  int64_t units = layer_units(layer);
  const Value *from = layer_init_value(layer, state);
  Role role = state ? ROLE_INITIAL_C : ROLE_INITIAL_H;
  const float *learned = layer->weights->role[role];
  if (from) {
    const View *view = view_of(l, from);
    *stride = view->stride[0];
    *at = kir_at_offset(view_row(view, ONLY_STEP, 0), dir * units * view->stride[0]);
    return view->buffer;
  }
  *stride = 1;
  *at = kir_at(0);
  if (!learned) return NULL;
  const char *part = arena_printf(l->arena, "%s0%s", state ? "c" : "h", dir ? "_backward" : "");
  return new_weights(l, layer, part, learned + dir * units, units, "learned initial state");
}

/* x * 2^fraction within 32 bits: c within 2^31, h within 2^30, which no float below it reaches. */
static KirExpr *wide_of(Emit *e, KirExpr *x, int fraction, bool is_cell) {
  const int64_t below_31 = (1LL << 31) - (1 << 7), below_30 = (1LL << 30) - (1 << 6);
  Kb *kb = &e->kb;
  int64_t lo = is_cell ? -below_31 : -(1LL << 30), hi = is_cell ? below_31 : below_30;
  return kb_round(kb, kb_op2(kb, KIR_MUL, x, kb_num(kb, (float)ldexp(1, fraction), 1)), lo, hi);
}

static void load_state(Emit *e, const Layer *layer, const QuantLayer *q, int state, int dir) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const CellPlace *p = cell_of(l, layer, dir);
  bool gru = layer->kind == LAYER_GRU;
  KirBuffer *to = state ? p->c : p->h;
  if (state && layer->kind != LAYER_LSTM) return;
  KirIndex at = at_batch(e, to, state ? p->c_at : p->h_at),
           wide = gru ? at_batch(e, p->c, p->c_at) : at, from_at;
  int64_t stride;
  KirBuffer *from = start_state(l, layer, state, dir, &from_at, &stride);
  if (!from || p->width > layer_units(layer)) {
    if (to->space == KIR_SCRATCH) kb_zero(kb, to, at, p->width);
    if (gru && p->c->space == KIR_SCRATCH) kb_zero(kb, p->c, wide, p->width);
  }
  if (!from) return;
  KirReg *j = kb_for(kb, "j", 0, layer_units(layer), 1);
  KirExpr *x = kb_load(kb, from, kir_at_plus(from_at, stride, j), 1);
  if (gru) {
    KirReg *s = kb_let(kb, "s", wide_of(e, x, q->state_fraction + Q15, false));
    kb_store(kb, p->c, kir_at_plus(wide, 1, j), kb_use(kb, s));
    KirExpr *h = int_down_q15(e, kb_use(kb, s));
    kb_store(kb, p->h, kir_at_plus(at, 1, j), int_limit(e, h, INT16_MIN, INT16_MAX));
  } else if (state)
    kb_store(kb, to, kir_at_plus(at, 1, j), wide_of(e, x, q->cell_fraction, true));
  else
    kb_store(kb, to, kir_at_plus(at, 1, j), int_from_float(e, x, &q->out));
  kb_end(kb);
}

void int_cell_start(Emit *e, const Layer *layer, int dir) {
  const QuantLayer *q = int_layer(e->l, layer);
  load_state(e, layer, q, 0, dir);
  load_state(e, layer, q, 1, dir);
}
