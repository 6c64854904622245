/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What recurrent.c and run.c share. */
#ifndef GRUS_IMPORT_KERAS_RUN_H
#define GRUS_IMPORT_KERAS_RUN_H

#include "import/read/keras/keras.h"

/* The results of a recurrent node in one direction. */
typedef struct KerasResult {
  GraphValue *y;        /* [batch, time, u] in the order of the input's steps */
  GraphValue *state[2]; /* the last h and, of an LSTM, the last c, [batch, u] each */
} KerasResult;

/* The number of states of a cell: 2 of an LSTM, 1 of others. */
int keras_n_states(const KerasRun *run);
/* The name of a part of a layer, as "bidirectional/forward_lstm"; that of the layer if part is
 * NULL. */
const char *keras_part_name(const KerasLayer *layer, const char *part);
/* Makes a recurrent node of one direction over x [batch, time, d]. state: the start of each state,
 * [batch, u], or NULL for zeros. keeps: the mask, or NULL if there is none. */
KerasResult keras_run_one(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                          GraphValue *const *state, bool backward);
/* Makes one node of both directions over x. *y: [batch, time, 2 u]; *last: [batch, 2 u], the last h
 * of both; out: the last states of the first direction, then those of the second. state: the starts
 * in the same order. */
void keras_run_both(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                    GraphValue *const *state, GraphValue **y, GraphValue *out[4],
                    GraphValue **last);
/* conv_lstm.c: ConvLSTM1D and ConvLSTM2D. */
bool keras_read_conv_lstm(KerasLayer *layer);
/* y [batch, time, d] with its steps in reverse order. */
GraphValue *keras_turned(KerasLayer *layer, GraphValue *y);
/* The result of a layer: all steps in the order in which it reads them or, without
 * return_sequences, the last step that it reads. masked: whether a mask reaches it. */
GraphValue *keras_read_order(KerasLayer *layer, const KerasRun *run, const KerasResult *r,
                             bool masked);

#endif
