/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What recurrent.c, recurrent_start.c, recurrent_mats.c and finish.c share, private to them. */
#ifndef GRUS_LOWER_RECURRENT_H
#define GRUS_LOWER_RECURRENT_H

#include "lower/mat.h"

typedef struct CellCode {
  const Layer *layer;
  CellPlace *place;
  KirIndex h, c, next; /* unit 0 of this direction's state at this position */
  KirIndex z_at, rh_at;
  KirIndex position;   /* what the position adds to the index of a state */
  KirBuffer *rh;       /* reset before: r * h of all units */
  KirBuffer *z;        /* reset before: z of all units */
  KirBuffer *peephole; /* [vector][i f o][lane] */
} CellCode;

/* The states of one direction, from `at` on, under the axes that the layer is mapped over. */
View cell_state_view(const Layer *layer, KirBuffer *b, KirIndex at, int64_t width);

/* Part 0 and part 1 of the products of a step: W x with d inputs at row t, and U h. */
MatPart cell_input_part(const View *x, Step t, int64_t d);
MatPart cell_state_part(KirBuffer *h, KirIndex at, int64_t units);
/* The products of a step: one Mat, or two, the second for the candidate of a GRU that resets
 * before. Returns how many. */
int cell_mats(Lower *l, CellCode *cell, int dir, MatPart x, MatPart h, Mat all[2]);
/* Peepholes by vector: [vector][i f o][lane]; NULL if the layer has none. */
KirBuffer *cell_peepholes(Lower *l, const Layer *layer, int dir, const char *suffix, int lanes);

/* On the sums z r n m; z r; n; i f g o; n. context: the CellCode. */
void gru_after_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc);
void gru_gates_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc);
void gru_before_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc);
void lstm_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc);
void rnn_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc);

#endif
