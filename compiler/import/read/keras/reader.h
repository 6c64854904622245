/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Keras layers as operators of the graph. The configuration is walked by keras_graph.c and
 * keras_functional.c, which find what each layer reads and where its weights are; here stands what
 * a layer computes, masks included, exactly as Keras computes it.
 *
 *   reader.c     dispatch, inputs, outputs, weights
 *   masks.c      masks over steps: made, passed on, joined, ended
 *   layers.c     Dense, tables, activations, norms
 *   window.c     convolutions, pools, padding
 *   join.c       several inputs, shapes
 *   operators.c  operators of Keras 3 and of tf.keras: x + y, y[:, -1]
 *   cell.c       weights of a cell;  recurrent.c: layers of cells, both directions
 *
 * Every value has the batch in front: [batch, time, features]. */
#ifndef GRUS_IMPORT_READ_KERAS_READER_H
#define GRUS_IMPORT_READ_KERAS_READER_H

#include "import/keras.h"
#include "import/read/emit.h"

/* A row of a table of layers, as KerasClass. */
typedef struct KerasReadClass {
  const char *name;
  KerasMaskRow mask;
  bool (*read)(KerasLayer *layer); /* false after reporting */
  int n_in;                        /* 0: any number */
  const char *options;
} KerasReadClass;
#define KERAS_READ(name, read, n_in, options) {#name, KERAS_MASK_##name, read, n_in, options}
#define KERAS_READ_END                        {NULL, KERAS_MASK_COUNT, NULL, 0, NULL}
extern const KerasReadClass keras_read_layers[], keras_read_windows[], keras_read_joins[],
    keras_read_recurrent[], keras_read_operators[];

/* ---- reader.c ---- */
static inline Emit *keras_emit(const KerasLayer *layer) {
  return layer->keras->emit;
}
/* A trained tensor as a constant with its sizes; NULL after reporting. dim: -1 for a size that the
 * configuration does not say. */
GraphValue *keras_weight(KerasLayer *layer, const char *side, const char *leaf, int number,
                         int rank, const int64_t *dim);
/* Axis 1 of an input is time, as long as the options say. */
void keras_is_sequence(const KerasLayer *layer, GraphInput *in, KerasValue *value);
/* The next result of a layer. */
bool keras_gives(KerasLayer *layer, KerasValue value);
/* A last state, "h" or "c". */
bool keras_gives_state(KerasLayer *layer, GraphValue *graph, int64_t units, const char *field);
/* Its one result: in[0] with other numbers of the same sizes. */
bool keras_gives_like(KerasLayer *layer, GraphValue *graph);
/* Number i of an option that is a list of whole numbers, or one number for all; -1 after
 * reporting. */
int64_t keras_listed(const KerasLayer *layer, const char *name, int i, int64_t if_absent);
GraphNode *keras_node(const KerasLayer *layer, GraphOp op, int n_in, GraphValue *const *in);
GraphValue *keras_number_call(KerasLayer *layer, GraphOp op, GraphValue *x, GraphAttributeName name,
                              double number);

/* ---- masks.c ---- */
/* The mask that a layer of this row gives to its results where it has not set one itself. */
void keras_masks_follow(KerasLayer *layer, KerasMaskRow row);
/* The mask [batch, time] that reaches a layer that uses one: an argument of its call, or that of
 * its input. *out gets NULL where there is none. False after reporting that it is not known. */
bool keras_mask_of(const KerasLayer *layer, GraphValue **out);
/* The input of the model that is read here has numbers that mean padding. */
void keras_mark_padding(const KerasLayer *layer, double padding);

/* ---- layers.c ---- */
GraphValue *keras_read_activation(KerasLayer *layer, GraphValue *x, const char *name, int rank);
/* An option `activation` on the result. */
bool keras_activated(KerasLayer *layer, KerasValue value);

/* ---- cell.c ---- */
typedef struct KerasRun {
  GraphOp op;
  int gates;
  int64_t units, inputs;
  bool bias, cudnn, reset_known, reset_after;
  const char *activation, *gate;              /* words of the graph */
  bool sequences, backwards, state, stateful; /* of the layer around the cell */
  bool zero_output;
  GraphValue *w, *r, *b,
      *rb; /* [1, gates, u, d], [1, gates, u, u], [1, gates, u] twice; NULL: none */
} KerasRun;
/* The options of a cell; false after reporting. */
bool keras_run_options(KerasLayer *layer, KerasRun *run);
bool keras_run_weights(KerasLayer *layer, const char *side, KerasRun *run);

#endif
