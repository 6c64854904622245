/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of Keras 1, 2, tf.keras and 3 as graphs: exactly what Keras computes, masks included.
 *
 *   hdf5.c, zip.c   containers: where configuration and weights are, which version wrote them
 *   walk.c          the configuration: layers by class, chains, models among the layers
 *   functional.c    functional models: which layer reads what
 *   groups.c        which group of the file is a layer's
 *   weights.c       which tensor of the file is which of a layer
 *   config.c        options of a layer: found, checked, refused
 *   reader.c        a layer to nodes: dispatch, inputs, outputs, constants
 *   masks.c         masks over steps: masks.def says which layer makes, uses and ends them
 *   layers.c        tables, activations                     window.c  convolutions
 *   pools.c         pools, padding, steps repeated
 *   conv_lstm.c     cells of convolutions
 *   norms.c         norms                                   products.c  Dense, EinsumDense, Dot
 *   join.c          several inputs, shapes                  operators.c  x + y, y[:, -1]
 *   moves.c         operators that keep, move or repeat elements
 *   attention.c     attention of one head and of several
 *   python.h        functions of Python in a Lambda
 *   cell.c          options and weights of a cell           recurrent.c  layers of cells
 *   run.c           recurrent nodes over a sequence
 *
 * Every value of the graph has the batch in front: [batch, time, features]. */
#ifndef GRUS_READ_KERAS_H
#define GRUS_READ_KERAS_H

#include "base/map.h"
#include "import/foreign.h"
#include "import/json_read.h"
#include "import/read/emit.h"
#include "import/tensors/hdf5.h"

/* The rows of masks.def: every layer of Keras. */
typedef enum KerasMaskRow {
#define KERAS_MASK(layer, mask, gives) KERAS_MASK_##layer,
#include "import/read/keras/masks.def"
#undef KERAS_MASK
  KERAS_MASK_COUNT
} KerasMaskRow;

/* What is known of the masked steps of a value. */
typedef struct KerasMask {
  GraphValue *keeps; /* [batch, time], true at steps that count; NULL: no mask reaches it */
  const char *maker; /* the layer that made the mask; NULL */
  const char *end;   /* the layer in front that ended it; NULL */
  const char *holds; /* what the masked steps hold, for a message; NULL: what the caller feeds */
} KerasMask;

/* A value of the model. rank and dim describe one sample, without the batch; a dim is -1 where the
 * file leaves a size open. */
typedef struct KerasValue {
  GraphValue *graph; /* [batch, ...]; NULL: no layer has made it yet */
  int rank;
  int64_t dim[TYPE_MAX_AXES];
  KerasMask mask;
  const char *field; /* "h" or "c" if it is a state of its layer; NULL if not */
} KerasValue;

/* The last state of a stateful layer. */
typedef struct KerasState {
  const char *name;
  GraphValue *value;
} KerasState;

enum { KERAS_MAX_OUT = 5 };

typedef struct Keras {
  Arena *arena;
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags;
  int major, minor;   /* the version of Keras that wrote the file; major is 1, 2 or 3 */
  bool is_tensorflow; /* tf.keras wrote it, whose versions have other numbers */
  bool is_theano;     /* it was trained with Theano, whose convolutions reverse their kernels */
  json_t *text;       /* config.json and the version of a .keras */
  const char *version;
  Hdf5 *hdf5;
  const char *root; /* the group that holds the groups of the layers */
  int n_reads;      /* the number of layers read so far; a layer of a model that is called several
                       times counts with each call */
  Map groups;       /* of Keras 3: the group of a layer by its class and configuration */
  bool by_class;    /* of Keras 3: groups are named by class and order, and tensors by number */
  bool backslashes; /* between the names of groups, see groups.c */
  bool is_masked;   /* a layer of the file makes a mask */
  GraphEmit *emit;  /* adds nodes to the graph into which the file is read */
  KerasState *carried;
  int n_carried;
  size_t cap_carried;
} Keras;

/* One call of one layer: what its reader gets, and where it puts the results. */
typedef struct KerasLayer {
  Keras *keras;
  const char *name; /* its name in the configuration */
  const char *class_name;
  const char *shown; /* what messages say in place of its class; NULL: the class */
  json_t *config;
  const char *group; /* the group of the file that holds its weights */
  const char *own;   /* its name inside the model that holds it, if that is a model among the
                        layers; "" if not */
  const char *part; /* `own` behind the names of the models that lead to it: weights are named so */
  int depth;        /* the number of models around it */
  const char *inner; /* of Keras 3: the groups between `group` and `vars`, such as "cell" */
  KerasValue *in;
  int n_in;
  KerasValue *states; /* initial_state */
  int n_states;
  double number;                 /* the constant of x * 2, if has_number */
  const GraphTensor *numbers;    /* or an array of constants; its first axis is a batch of size 1 */
  bool has_number, number_first; /* number_first: the constant is the left operand */
  KerasValue out[KERAS_MAX_OUT]; /* the results, added by keras_gives */
  int n_out;
  bool is_operator; /* an operator of Keras 3 such as x + y, which is no layer */
  json_t *call;     /* the arguments of the call as the file has them */
  GraphValue *mask; /* the argument `mask` of the call; NULL if there is none */
} KerasLayer;

/* ---- config.c ---- Each getter reports an option of the wrong kind. */
/* Reports options that are neither known to the class nor without effect; false if there are any.
 */
bool keras_check_options(const KerasLayer *layer, const char *known);
json_t *keras_option(const KerasLayer *layer, const char *name); /* NULL if absent or null */
/* A whole number of at least 1, also as a list of one; -1 after reporting. */
int64_t keras_size(const KerasLayer *layer, const char *name, int64_t if_absent);
/* Number i of an option that is a list of n whole numbers, or one number for all; -1 after
 * reporting. */
int64_t keras_listed(const KerasLayer *layer, const char *name, int i, int n, int64_t if_absent);
double keras_number(const KerasLayer *layer, const char *name, double if_absent);
bool keras_flag(const KerasLayer *layer, const char *name, bool if_absent);
const char *keras_word(const KerasLayer *layer, const char *name, const char *if_absent);
/* The name of an activation, "linear" if none; NULL after reporting. */
const char *keras_activation_name(const KerasLayer *layer, const char *name, const char *if_absent);
/* Reports an error about a layer: "`gru_1` (GRU) " and the text. */
Diag *keras_refuse(const KerasLayer *layer, DiagCode code, const char *format, ...)
    GRUS_PRINTF(3, 4);

/* ---- weights.c ---- side: "forward", "backward" or ""; leaf: the name in Keras 2; number: the
 * place in Keras 3. False after reporting. */
bool keras_tensor(const KerasLayer *layer, const char *side, const char *leaf, int number,
                  Hdf5Tensor *out);
bool keras_shape_is(const KerasLayer *layer, const Hdf5Tensor *t, const char *leaf, int rank,
                    const int64_t *dim);

/* ---- groups.c ---- Finds the groups of the layers of one model, in the order of the file. */
typedef struct KerasGroups {
  Keras *keras;
  const char *root;        /* group that holds them */
  const KerasLayer *outer; /* the call of the model by another one; NULL */
  Map uses;                /* int: how many layers of a class were named so far */
} KerasGroups;
enum { KERAS_MAX_DEPTH = 8 }; /* of models in models */
/* The path of the group with the weights of a layer. */
const char *keras_group(KerasGroups *groups, const KerasLayer *layer);
/* Notes the groups of Keras 3 that are there, so that a layer of several models finds its own. */
void keras_scan_groups(Keras *keras, json_t *layers);
/* Finds the group around those of the layers, where they are named by class; false: there is none.
 */
bool keras_find_root(Keras *keras);
/* What the file calls a group or an array that these names of groups lead to. */
const char *keras_stored_path(const Keras *keras, const char *path);
bool keras_has_group(const Keras *keras, const char *path);
bool keras_is_model(const char *class_name);
const char *keras_snake_case(Arena *arena, const char *name);

/* ---- reader.c ---- A row of a table of layers. */
typedef struct KerasClass {
  const char *name;
  KerasMaskRow mask;
  bool (*read)(KerasLayer *layer); /* false after reporting */
  int n_in;                        /* 0: any number */
  const char *options;             /* known, beside the harmless ones; "a=false": only this value */
} KerasClass;
#define KERAS_CLASS(name, read, n_in, options) {#name, KERAS_MASK_##name, read, n_in, options}
#define KERAS_CLASS_END                        {NULL, KERAS_MASK_COUNT, NULL, 0, NULL}
extern const KerasClass keras_layers[], keras_norms[], keras_windows[], keras_pools[],
    keras_joins[], keras_products[], keras_attention[], keras_recurrent[], keras_operators[],
    keras_moves[], keras_lambda[];
extern const KerasClass *const keras_tables[]; /* all of these; NULL ends them */
bool keras_read_layer(KerasLayer *layer);
const KerasClass *keras_class_find(const char *name); /* NULL: there is none */
bool keras_layer_read(KerasLayer *layer);             /* walk.c: or of a model among the layers */
/* An input; value has its sizes. */
void keras_read_input(const KerasLayer *layer, const char *name, KerasValue *value);

static inline GraphEmit *keras_emit(const KerasLayer *layer) {
  return layer->keras->emit;
}
/* A trained tensor as a constant with its sizes; NULL after reporting. dim: -1 for a size that the
 * configuration does not say. */
GraphValue *keras_weight(KerasLayer *layer, const char *side, const char *leaf, int number,
                         int rank, const int64_t *dim);
/* Makes axis 1 of an input time, of the length that the options of import say, if they say one. */
void keras_is_sequence(const KerasLayer *layer, GraphInput *in, KerasValue *value);
/* Adds a result to those of a layer. False after reporting that there are too many. */
bool keras_gives(KerasLayer *layer, KerasValue value);
/* Adds a last state [batch, units] to the results; field: "h" or "c". */
bool keras_gives_state(KerasLayer *layer, GraphValue *graph, int64_t units, const char *field);
/* Adds a result that has the sizes of in[0]. False if graph is NULL, which has been reported. */
bool keras_gives_like(KerasLayer *layer, GraphValue *graph);
/* A node with one result. */
GraphNode *keras_node(const KerasLayer *layer, GraphOp op, int n_in, GraphValue *const *in);
/* The result of an operator of x with a number as its attribute. */
GraphValue *keras_number_call(KerasLayer *layer, GraphOp op, GraphValue *x, GraphAttributeName name,
                              double number);

/* ---- masks.c ---- */
/* Prepares, before a layer is read, the message for a layer that reads masked steps as if they were
 * real. NULL if no layer of the file makes a mask. */
const GraphMasked *keras_masks_words(const KerasLayer *layer, KerasMaskRow row);
/* Sets, after a layer was read, the masks of those of its results for which it has set none. */
void keras_masks_follow(KerasLayer *layer, KerasMaskRow row);
/* The mask [batch, time] that reaches a layer that uses one: an argument of its call, or that of
 * its input; NULL where there is none. */
GraphValue *keras_mask_of(const KerasLayer *layer);
/* The same where the layer computes with it; its result has that of keras_mask_of. */
GraphValue *keras_mask_in_use(const KerasLayer *layer);
/* Notes that steps of the number `padding` are masked, if the layer reads an input of the model. */
void keras_mark_padding(const KerasLayer *layer, double padding);

/* ---- layers.c ---- */
/* An activation of x by its name, along the last of its axes where it has an axis; rank: the number
 * of that axis. NULL after reporting. */
GraphValue *keras_read_activation(KerasLayer *layer, GraphValue *x, const char *name, int rank);
/* Notes that the readers of this value read it as indices of categories. */
void keras_mark_categories(const KerasLayer *layer, KerasValue *value);
/* A number, or one for each feature; NULL after reporting. */
GraphValue *keras_numbers(KerasLayer *layer, const char *name, double if_absent);
/* Adds a result with the option `activation` on it. */
bool keras_activated(KerasLayer *layer, KerasValue value);

/* ---- norms.c ---- */
/* The axis that the option `axis` says, the batch being axis 0; -1 after reporting. *to gets the
 * last of several. */
int keras_axis_of(const KerasLayer *layer, int *to);

/* ---- cell.c ---- */
/* A cell and what the layer around it does with it, in one direction. */
typedef struct KerasRun {
  GraphOp op; /* Lstm, Gru or Rnn */
  int gates;
  int64_t units, inputs;
  bool bias, cudnn, reset_known, reset_after;
  const char *activation, *gate;              /* the words that the graph has for them */
  bool sequences, backwards, state, stateful; /* the options of the layer */
  bool zero_output;                           /* of masked steps */
  GraphValue *w, *r, *b, *rb; /* [1, gates, u, d], [1, gates, u, u] and two biases [1, gates, u],
                                 of which either may be NULL */
} KerasRun;
/* Read the options and the weights of a cell; false after reporting. */
bool keras_run_options(KerasLayer *layer, KerasRun *run);
bool keras_run_weights(KerasLayer *layer, const char *side, KerasRun *run);

/* ---- join.c ---- */
/* The constant operand of a layer, with as many axes as the value `beside` it. NULL after reporting
 * that it is larger than the value. */
GraphValue *keras_constant(KerasLayer *layer, const KerasValue *beside);

/* ---- functional.c ---- */
/* What a call of Keras 2 reads first: the call itself, if it is a reference, or the first of a
 * list. */
json_t *keras_first_reference(json_t *call);
/* ["_CONSTANT_VALUE", -1, 2.0, {...}]: the first argument of a TFOpLambda, in place of a value. */
bool keras_is_constant(json_t *reference);

/* ---- walk.c ---- The graph of a configuration, which is the object with class_name and config;
 * NULL after reporting. container: "HDF5", ".keras". */
Graph *keras_walk(Keras *keras, json_t *config, const char *version, const char *container);
/* Parses JSON text, released with the arena; NULL after reporting. */
json_t *keras_json(const Keras *keras, const char *what, const char *text, size_t len);

/* ---- hdf5.c, zip.c ---- */
Graph *keras_hdf5_graph(Keras *keras);
Graph *keras_zip_graph(Keras *keras);
/* Opens the weights as k->hdf5 and reads; reports when they cannot be read to the end. */
Graph *keras_with_weights(Keras *k, Mapped hdf5, Graph *(*read)(Keras *k));

#endif
