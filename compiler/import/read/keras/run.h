/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What recurrent.c, conv_lstm.c and run.c share. */
#ifndef GRUS_IMPORT_KERAS_RUN_H
#define GRUS_IMPORT_KERAS_RUN_H

#include "import/read/keras/keras.h"

/* The results of a recurrent node in one direction. */
typedef struct KerasResult {
  GraphValue *y;        /* [batch, time, u] in the order of the input's steps */
  GraphValue *state[2]; /* the final h and, for an LSTM, the final c, [batch, u] each */
} KerasResult;

/* The fields of the final states h and c, of a layer of one direction and of both directions. */
extern const char *const keras_state_names[2], *const keras_both_names[2][2];

/* The number of states of a cell: 2 of an LSTM, 1 of others. */
int keras_n_states(const KerasRun *run);
/* The name of a part of a layer, such as "bidirectional/forward_lstm"; the name of the layer if
 * part is NULL. */
const char *keras_part_name(const KerasLayer *layer, const char *part);
/* Makes a recurrent node of one direction over x [batch, time, d]. state: the initial states
 * [batch, u]; NULL for zeros. keeps: the mask; NULL: there is none. */
KerasResult keras_run_one(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                          GraphValue *const *state, bool backward);
/* Makes one node of both directions over x. *y gets [batch, time, 2 u], *last the final h of both
 * [batch, 2 u], and out the final states of the first direction, then those of the second. state:
 * the initial states in the same order. */
void keras_run_both(KerasLayer *layer, const KerasRun *run, GraphValue *x, GraphValue *keeps,
                    GraphValue *const *state, GraphValue **y, GraphValue *out[4],
                    GraphValue **last);
/* Reads ConvLSTM1D and ConvLSTM2D (conv_lstm.c). False after reporting. */
bool keras_read_conv_lstm(KerasLayer *layer);
/* The options that such a layer has; NULL: the layer is of another class. */
const char *keras_conv_lstm_options(const KerasLayer *layer);
/* A Bidirectional of such layers, of which `forward` is the first. */
bool keras_read_conv_lstm_both(KerasLayer *layer, KerasLayer *forward);
/* The layer inside a Bidirectional, from its configuration. */
KerasLayer keras_one_way(const KerasLayer *layer, json_t *inner);
/* The merge_mode of a Bidirectional; NULL: it gives one result after the other. */
const char *keras_merge_mode(const KerasLayer *layer);
/* Whether a mode other than NULL is supported. False after reporting. */
bool keras_check_merge(KerasLayer *layer, const char *mode);
/* The results x and y of both directions, merged as such a mode says. They have n_x and n_y numbers
 * along `axis`, which a message calls "units" or "filters". NULL after reporting. */
GraphValue *keras_merged(KerasLayer *layer, const char *mode, int axis, const char *units,
                         int64_t n_x, int64_t n_y, GraphValue *x, GraphValue *y);
/* y [batch, time, d] with its steps in reverse order. */
GraphValue *keras_turned(KerasLayer *layer, GraphValue *y);
/* The result of a layer: all steps in the order in which it reads them or, without
 * return_sequences, the last step that it reads. masked: whether a mask reaches it. */
GraphValue *keras_read_order(KerasLayer *layer, const KerasRun *run, const KerasResult *r,
                             bool masked);

#endif
