/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What happens on the sums of recurrent layers, where they are: activations, and the new states.
 * In: the sums of one vector of units, by accumulator; after: its states stored. The formulas are
 * in recurrent.c. */
#include "lower/recurrent.h"

static KirExpr *limited(Emit *e, const Layer *layer, OptName which, KirExpr *x) {
  float clip = (float)layer_number(layer, which, 0);
  if (clip <= 0) return x;
  Kb *kb = &e->kb;
  int n = x->type.lanes;
  return kb_op2(kb, KIR_MIN, kb_num(kb, clip, n), kb_op2(kb, KIR_MAX, kb_num(kb, -clip, n), x));
}

static KirExpr *clipped(Emit *e, const Layer *layer, KirExpr *x) {
  return limited(e, layer, OPT_clip, x);
}

/* c = min(max(c, -cell_clip), cell_clip), if the layer has one */
static void limit_cell(Emit *e, const Layer *layer, KirReg *c) {
  KirExpr *x = kb_use(&e->kb, c), *held = limited(e, layer, OPT_cell_clip, x);
  if (held != x) kb_set(&e->kb, c, held);
}

/* reg = act(clip(reg)) */
static void activate(Emit *e, const Layer *layer, KirReg *reg, OptName which) {
  Activation a = layer_activation(layer, which);
  KirExpr *x = clipped(e, layer, kb_use(&e->kb, reg));
  if (a == ACT_LINEAR && x->op == KIR_REG) return;
  if (x->op != KIR_REG) {
    kb_set(&e->kb, reg, x);
    x = kb_use(&e->kb, reg);
  }
  if (a != ACT_LINEAR) kb_set(&e->kb, reg, math_activation(e, a, x));
}

/* Whether the sums become states with one division: GRU and LSTM with the usual activations. */
static bool shares_division(const Lower *l, const Layer *layer) {
  OptName out = layer_has(layer, OPT_cell_activation) ? OPT_cell_activation : OPT_activation;
  return !l->opt.math_fast && layer_activation(layer, OPT_gate) == ACT_SIGMOID &&
         layer_activation(layer, OPT_activation) == ACT_TANH &&
         layer_activation(layer, out) == ACT_TANH;
}

/* gate = the divisor of its sigmoid, if the formula divides by the gate */
static void gate(Emit *e, const Layer *layer, KirReg *reg) {
  if (!shares_division(e->l, layer)) {
    activate(e, layer, reg, OPT_gate);
    return;
  }
  KirExpr *x = clipped(e, layer, kb_use(&e->kb, reg));
  kb_set(&e->kb, reg, math_gates(e, MATH_SIGMOID_DIVISOR, (KirExpr *[KIR_MAX_ARGS]){x}));
}

static KirExpr *load_units(Emit *e, KirBuffer *b, KirIndex row, const MatUnits *u) {
  return kb_load(&e->kb, b, mat_unit_at(row, 1, u), u->lanes);
}

/* All lanes: the padded ones hold zeros of zero weights and stay harmless. */
static void store_units(Emit *e, KirBuffer *b, KirIndex row, const MatUnits *u, KirExpr *value) {
  kb_store(&e->kb, b, mat_unit_at(row, 1, u), value);
}

/* n + z (h - n), n = act(n) */
static void gru_mix(Emit *e, const CellCode *cell, const MatUnits *u, KirReg *z, KirReg *n) {
  Kb *kb = &e->kb;
  KirExpr *h = load_units(e, cell->place->h, cell->h, u), *mixed;
  if (shares_division(e->l, cell->layer)) {
    KirExpr *x = clipped(e, cell->layer, kb_use(kb, n));
    mixed = math_gates(e, MATH_GRU_STATE, (KirExpr *[KIR_MAX_ARGS]){x, kb_use(kb, z), h});
  } else {
    activate(e, cell->layer, n, OPT_activation);
    mixed = muladd(e, kb_use(kb, z), kb_op2(kb, KIR_SUB, h, kb_use(kb, n)), kb_use(kb, n));
  }
  store_units(e, cell->place->next, cell->next, u, mixed);
}

void gru_after_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc) {
  const CellCode *cell = context;
  Kb *kb = &e->kb;
  KirReg *z = acc[0], *r = acc[1], *n = acc[2], *m = acc[3];
  gate(e, cell->layer, r);
  gate(e, cell->layer, z);
  if (shares_division(e->l, cell->layer)) {
    KirExpr *reset = kb_op2(kb, KIR_DIV, kb_use(kb, m), kb_use(kb, r));
    kb_set(kb, n, kb_op2(kb, KIR_ADD, kb_use(kb, n), reset));
  } else
    kb_set(kb, n, muladd(e, kb_use(kb, r), kb_use(kb, m), kb_use(kb, n)));
  gru_mix(e, cell, u, z, n);
}

void gru_gates_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc) {
  const CellCode *cell = context;
  Kb *kb = &e->kb;
  gate(e, cell->layer, acc[1]);
  gate(e, cell->layer, acc[0]);
  store_units(e, cell->z, cell->z_at, u, kb_use(kb, acc[0]));
  KirExpr *h = load_units(e, cell->place->h, cell->h, u);
  KirOp reset = shares_division(e->l, cell->layer) ? KIR_DIV : KIR_MUL;
  store_units(e, cell->rh, cell->rh_at, u, kb_op2(kb, reset, h, kb_use(kb, acc[1])));
}

void gru_before_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc) {
  const CellCode *cell = context;
  KirReg *z = kb_let(&e->kb, "z", load_units(e, cell->z, cell->z_at, u));
  gru_mix(e, cell, u, z, acc[0]);
}

/* reg += P[which] * c */
static void add_peephole(Emit *e, const CellCode *cell, const MatUnits *u, KirReg *reg, int which,
                         KirReg *c) {
  if (!cell->peephole) return;
  Kb *kb = &e->kb;
  KirIndex at = mat_unit_at(kir_at(which * u->lanes), 3, u);
  KirExpr *p = kb_load(kb, cell->peephole, at, u->lanes);
  kb_set(kb, reg, muladd(e, p, kb_use(kb, c), kb_use(kb, reg)));
}

/* o cell(c) */
static KirExpr *lstm_output(Emit *e, const Layer *layer, KirReg *o, KirReg *c) {
  Kb *kb = &e->kb;
  if (shares_division(e->l, layer))
    return math_gates(e, MATH_TANH_OVER, (KirExpr *[KIR_MAX_ARGS]){kb_use(kb, c), kb_use(kb, o)});
  OptName out = layer_has(layer, OPT_cell_activation) ? OPT_cell_activation : OPT_activation;
  KirExpr *squashed = math_activation(e, layer_activation(layer, out), kb_use(kb, c));
  return kb_op2(kb, KIR_MUL, kb_use(kb, o), squashed);
}

void lstm_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc) {
  const CellCode *cell = context;
  const Layer *layer = cell->layer;
  Kb *kb = &e->kb;
  KirReg *i = acc[0], *f = acc[1], *g = acc[2], *o = acc[3];
  KirReg *c = kb_var(kb, "c", load_units(e, cell->place->c, cell->c, u));
  add_peephole(e, cell, u, i, 0, c);
  add_peephole(e, cell, u, f, 1, c);
  gate(e, layer, i);
  gate(e, layer, f);
  if (shares_division(e->l, layer)) {
    KirExpr *x = clipped(e, layer, kb_use(kb, g));
    kb_set(kb, c,
           math_gates(e, MATH_LSTM_STATE,
                      (KirExpr *[KIR_MAX_ARGS]){x, kb_use(kb, i), kb_use(kb, f), kb_use(kb, c)}));
  } else {
    activate(e, layer, g, OPT_activation);
    KirExpr *in = kb_op2(kb, KIR_MUL, kb_use(kb, i), kb_use(kb, g));
    kb_set(kb, c, muladd(e, kb_use(kb, f), kb_use(kb, c), in));
  }
  limit_cell(e, layer, c);
  add_peephole(e, cell, u, o, 2, c);
  gate(e, layer, o);
  store_units(e, cell->place->c, cell->c, u, kb_use(kb, c));
  store_units(e, cell->place->next, cell->next, u, lstm_output(e, layer, o, c));
}

void rnn_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc) {
  const CellCode *cell = context;
  activate(e, cell->layer, acc[0], OPT_activation);
  store_units(e, cell->place->next, cell->next, u, kb_use(&e->kb, acc[0]));
}
