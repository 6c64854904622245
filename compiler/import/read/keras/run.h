/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What recurrent.c and run.c share. */
#ifndef GRUS_IMPORT_KERAS_RUN_H
#define GRUS_IMPORT_KERAS_RUN_H

#include "import/read/keras/keras.h"

/* What a node over x gives, of one direction or two. */
typedef struct KerasResult {
  GraphValue *y;        /* [batch, time, u] in the order of the input's steps */
  GraphValue *state[2]; /* [batch, u]: h, c */
} KerasResult;

int keras_n_states(const KerasRun *run);
/* Nodes of a part of a layer have its name too: "bidirectional/forward_lstm". */
const char *keras_part_name(const KerasLayer *layer, const char *part);
/* One direction; state: [batch, u] each, NULL for zeros; keeps: the mask or NULL. */
KerasResult keras_run_one(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                          GraphValue *const *state, bool backward);
/* Both directions in one node: y [batch, time, 2 u], states of both. */
void keras_run_both(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                    GraphValue *const *state, GraphValue **y, GraphValue *out[4],
                    GraphValue **last);
/* The steps of [batch, time, d] in the other order. */
GraphValue *keras_turned(KerasLayer *layer, GraphValue *y);
/* What return_sequences asks for, in the order of reading. */
GraphValue *keras_read_order(KerasLayer *layer, const KerasRun *run, const KerasResult *r,
                             bool masked);

#endif
