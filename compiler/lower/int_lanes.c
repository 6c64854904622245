/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cells of integers where vectors can look up tables in registers. In: preactivations of all
 * units in memory. After: the new states.
 *
 * Compilers make vectors of loops over units, but read the tables of sigmoid and tanh element by
 * element from memory. So these are computed ahead, in vectors that are written out: one loop
 * leaves the arguments of all units in memory, one looks up their cubics, the next goes on. An LSTM
 * has two such turns, for tanh(c) needs c.
 *
 *     arguments[gate][unit]  ->  cubics[gate][unit]     16 units at a time */
#include "lower/int_cell.h"

enum { ROWS = 4 };

typedef struct Lanes {
  const IntCell *c;
  Activation gate, act, out;
  KirBuffer *argument, *cubic;
  int64_t width; /* units, padded to whole vectors */
} Lanes;

bool int_lanes_takes(const Emit *e, const IntCell *c) {
  const Layer *layer = c->layer;
  bool cubics = int_is_cubic(layer_activation(layer, OPT_activation));
  if (layer->kind != LAYER_RNN) cubics = cubics && int_is_cubic(layer_activation(layer, OPT_gate));
  if (layer->kind == LAYER_LSTM) cubics = cubics && int_is_cubic(int_cell_output(layer));
  return e->l->target->has_permutes && cubics;
}

static KirIndex row_at(const Emit *e, const Lanes *v, KirBuffer *b, int row, KirReg *j) {
  return int_cell_unit(e, b, row * v->width, j);
}

/* What a later loop finds as the activation of p, which has `fraction` fraction bits. */
static void ask(Emit *e, const Lanes *v, int row, KirReg *j, Activation a, KirExpr *p,
                int fraction) {
  kb_store(&e->kb, v->argument, row_at(e, v, v->argument, row, j),
           int_cubic_argument(e, a, p, fraction));
}

static KirExpr *found(Emit *e, const Lanes *v, int row, KirReg *j, Activation a) {
  return int_of_cubic(e, a, kb_load(&e->kb, v->cubic, row_at(e, v, v->cubic, row, j), 1));
}

/* Ends the loop over units, looks up n rows from `first` on, and begins it again. */
static void look_up(Emit *e, const Lanes *v, KirReg *j, int first, int n) {
  Kb *kb = &e->kb;
  int64_t units = v->c->units;
  kb_end(kb);
  for (int row = first; row < first + n && v->width > units; row++)
    kb_zero(kb, v->argument, at_batch(e, v->argument, row * v->width + units), v->width - units);
  KirReg *k = kb_for(kb, "k", first * v->width, (first + n) * v->width, INT_LANES);
  KirExpr *p = kb_load(kb, v->argument, int_cell_unit(e, v->argument, 0, k), INT_LANES);
  kb_store(kb, v->cubic, int_cell_unit(e, v->cubic, 0, k), int_cubics(e, p));
  kb_end(kb);
  kb_for_again(kb, j, 0, units);
}

static void lstm_units(Emit *e, const Lanes *v, KirReg *j, KirExpr *const *p) {
  Kb *kb = &e->kb;
  const IntCell *c = v->c;
  int fraction = c->q->fraction;
  KirIndex c_at = int_cell_unit(e, c->place->c, c->place->c_at, j);
  KirReg *before = c->peephole ? kb_let(kb, "c", kb_load(kb, c->place->c, c_at, 1)) : NULL;
  KirExpr *pi = int_cell_peephole(e, c, p[0], 0, j, before),
          *pf = int_cell_peephole(e, c, p[1], 1, j, before);
  ask(e, v, 0, j, v->gate, int_cell_clipped(e, c, pi), fraction);
  ask(e, v, 1, j, v->gate, int_cell_mirrored(e, c, pf), fraction);
  ask(e, v, 2, j, v->act, int_cell_clipped(e, c, p[2]), fraction);
  if (!c->peephole) ask(e, v, 3, j, v->gate, int_cell_clipped(e, c, p[3]), fraction);
  look_up(e, v, j, 0, c->peephole ? 3 : ROWS);
  before = kb_let(kb, "c", kb_load(kb, c->place->c, c_at, 1));
  KirReg *i = kb_let(kb, "gi", found(e, v, 0, j, v->gate));
  KirReg *n = kb_let(kb, "gn", found(e, v, 1, j, v->gate));
  KirReg *g = kb_let(kb, "gg", found(e, v, 2, j, v->act));
  KirReg *cell = int_cell_state(e, c, j, before, i, n, g);
  ask(e, v, 2, j, v->out, kb_use(kb, cell), c->q->cell_fraction);
  if (c->peephole) {
    KirExpr *po = int_cell_peephole(e, c, p[3], 2, j, cell);
    ask(e, v, 3, j, v->gate, int_cell_clipped(e, c, po), fraction);
  }
  look_up(e, v, j, 2, c->peephole ? 2 : 1);
  int_cell_lstm_h(e, c, j, found(e, v, 3, j, v->gate), found(e, v, 2, j, v->out));
}

static void gru_units(Emit *e, const Lanes *v, KirReg *j, KirExpr *const *p) {
  Kb *kb = &e->kb;
  const IntCell *c = v->c;
  int fraction = c->q->fraction;
  ask(e, v, 0, j, v->gate, int_cell_clipped(e, c, p[1]), fraction);
  ask(e, v, 1, j, v->gate, int_cell_mirrored(e, c, p[0]), fraction);
  look_up(e, v, j, 0, 2);
  KirReg *r = kb_let(kb, "gr", found(e, v, 0, j, v->gate));
  KirExpr *m = int_up(e, int_mulw(e, p[3], kb_use(kb, r)), 1);
  ask(e, v, 0, j, v->act, int_cell_clipped(e, c, int_add(e, p[2], m)), fraction);
  look_up(e, v, j, 0, 1);
  KirReg *u = kb_let(kb, "gu", found(e, v, 1, j, v->gate));
  int_cell_mix(e, c, j, kb_use(kb, u), int_up(e, found(e, v, 0, j, v->act), c->q->state_fraction));
}

static void rnn_units(Emit *e, const Lanes *v, KirReg *j, KirExpr *const *p) {
  ask(e, v, 0, j, v->act, int_cell_clipped(e, v->c, p[0]), v->c->q->fraction);
  look_up(e, v, j, 0, 1);
  int_cell_next(e, v->c, j, found(e, v, 0, j, v->act));
}

void int_lanes_units(Emit *e, const IntCell *c, KirReg *j, KirExpr *const *p) {
  const Layer *layer = c->layer;
  Lanes v = {.c = c, .act = layer_activation(layer, OPT_activation)};
  v.width = size_whole(c->units, INT_LANES);
  v.argument = new_kept(e, layer, "arguments", KIR_I32, ROWS * v.width);
  v.cubic = new_kept(e, layer, "cubics", KIR_I32, ROWS * v.width);
  int_cubic_bounds(e->l, v.argument, v.cubic);
  if (layer->kind != LAYER_RNN) v.gate = layer_activation(layer, OPT_gate);
  if (layer->kind == LAYER_LSTM) {
    v.out = int_cell_output(layer);
    lstm_units(e, &v, j, p);
  } else if (layer->kind == LAYER_GRU)
    gru_units(e, &v, j, p);
  else
    rnn_units(e, &v, j, p);
}
