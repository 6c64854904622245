/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What recurrent.c and finish.c share, private to them. */
#ifndef GRUS_LOWER_RECURRENT_H
#define GRUS_LOWER_RECURRENT_H

#include "lower/lower_internal.h"

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

/* On the sums z r n m; z r; n; i f g o; n. context: the CellCode. */
void gru_after_finish(Lower *l, void *context, const MatUnits *u, KirReg *const *acc);
void gru_gates_finish(Lower *l, void *context, const MatUnits *u, KirReg *const *acc);
void gru_before_finish(Lower *l, void *context, const MatUnits *u, KirReg *const *acc);
void lstm_finish(Lower *l, void *context, const MatUnits *u, KirReg *const *acc);
void rnn_finish(Lower *l, void *context, const MatUnits *u, KirReg *const *acc);

#endif
