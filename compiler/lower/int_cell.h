/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What int_cell.c and int_lanes.c share: a cell of GRU, LSTM or RNN in integers while its step is
 * written. Private to them. */
#ifndef GRUS_LOWER_INT_CELL_H
#define GRUS_LOWER_INT_CELL_H

#include "lower/cell_shape.h"
#include "lower/int.h"

typedef struct IntCell {
  const Layer *layer;
  const QuantLayer *q;
  CellPlace *place;
  int dir, gates;
  int64_t units;
  IntVector x, h;      /* operands */
  KirBuffer *rh, *z;   /* reset before: r h as an operand, z of all units */
  KirBuffer *peephole; /* [unit][i f o] */
} IntCell;

/* ---- int_cell.c ---- */
/* p within the limits of `clip`, if the layer has them. */
KirExpr *int_cell_clipped(Emit *e, const IntCell *c, KirExpr *p);
/* ~ of that: a gate of it is 1 less the gate of p. */
KirExpr *int_cell_mirrored(Emit *e, const IntCell *c, KirExpr *p);
Activation int_cell_output(const Layer *layer);
KirIndex int_cell_unit(const Emit *e, KirBuffer *b, int64_t offset, KirReg *j);
/* p + (mulw(c, P) >> shift), held at the ends of 32 bits */
KirExpr *int_cell_peephole(Emit *e, const IntCell *c, KirExpr *p, int which, KirReg *j,
                           KirReg *cell);
/* c of an LSTM after its step, stored. */
KirReg *int_cell_state(Emit *e, const IntCell *c, KirReg *j, KirReg *before, KirReg *i, KirReg *n,
                       KirReg *g);
/* o tanh(c), stored. */
void int_cell_lstm_h(Emit *e, const IntCell *c, KirReg *j, KirExpr *o, KirExpr *squashed);
/* The state of a GRU between its old one and n, which has its format, stored. */
void int_cell_mix(Emit *e, const IntCell *c, KirReg *j, KirExpr *u, KirExpr *n);
void int_cell_next(Emit *e, const IntCell *c, KirReg *j, KirExpr *h);

/* ---- int_lanes.c ---- */
/* Whether what is left of a step, once the sums are made, is computed in lanes. */
bool int_lanes_takes(const Emit *e, const IntCell *c);
/* That, in place of the body of the loop over units j; p as in int_cell.c. */
void int_lanes_units(Emit *e, const IntCell *c, KirReg *j, KirExpr *const *p);

#endif
