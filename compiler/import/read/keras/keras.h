/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of Keras 1, 2, tf.keras and 3 as graphs: exactly what Keras computes, masks included.
 *
 *   hdf5.c, zip.c   find the configuration, the weights and the version in a container
 *   walk.c          reads the configuration: layers by class, chains, models among the layers
 *   functional.c    finds which layer reads which values in a functional model
 *   groups.c        finds the group of the file that holds the weights of a layer
 *   weights.c       finds the tensor of the file for each weight of a layer
 *   config.c        finds and checks the options of a layer
 *   reader.c        turns a layer into nodes: dispatch, inputs, outputs, constants
 *   masks.c         follows masks over steps: masks.def says which layer makes, uses and ends one
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

/* What is known of the masked steps of a value. A string is NULL if there is no such layer. */
typedef struct KerasMask {
  GraphValue *keeps; /* [batch, time], true at steps that count; NULL: no mask reaches the value */
  const char *maker; /* the layer that made the mask */
  const char *end;   /* the earlier layer that ended the mask */
  const char *holds; /* what the masked steps hold, for messages; NULL: what the caller passes */
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

/* The final state of a stateful layer, which is its initial state in the next call. */
typedef struct KerasState {
  const char *name;
  GraphValue *value;
} KerasState;

enum { KERAS_MAX_OUT = 5 }; /* the number of results that a layer has at most */

/* A file while it is read. */
typedef struct Keras {
  Arena *arena;
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags;
  int major, minor;    /* the version of Keras that wrote the file; major is 1, 2 or 3 */
  bool is_tensorflow;  /* tf.keras wrote it, whose versions have other numbers */
  bool is_theano;      /* it was trained with Theano, whose convolutions reverse their kernels */
  json_t *text;        /* config.json of a .keras file; NULL for an HDF5 file */
  const char *version; /* the version of Keras, in the words of the file */
  Hdf5 *hdf5;          /* the open file of weights */
  const char *root;    /* the group that holds the groups of the layers */
  int n_reads;      /* the number of layers read so far; a layer of a model that is called several
                       times counts with each call */
  Map groups;       /* Keras 3: the group of a layer by its class and configuration */
  bool by_class;    /* Keras 3: groups are named by class and order, and tensors by number */
  bool backslashes; /* backslashes are between the names of groups, see groups.c */
  bool is_masked;   /* a layer of the file makes a mask */
  GraphEmit *emit;  /* adds nodes to the graph into which the file is read */
  KerasState *carried; /* the states that stateful layers keep from call to call */
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
  const char *part;  /* the names of the models that lead to it, then `own`: names of weights begin
                        with this path */
  int depth;         /* the number of models around it */
  int n_calls;       /* how often its model calls it */
  const char *inner; /* Keras 3: the groups between `group` and `vars`, such as "cell" */
  KerasValue *in;    /* the values that it reads, without initial states */
  int n_in;
  KerasValue *states; /* the argument `initial_state` of the call */
  int n_states;
  bool has_number; /* one operand is a constant, as in x * 2: `numbers`, or `number` if that is NULL
                    */
  bool number_first; /* the constant is the left operand */
  double number;
  const GraphTensor *numbers;    /* an array of constants; its first axis is a batch of size 1 */
  KerasValue out[KERAS_MAX_OUT]; /* the results, added by keras_gives */
  int n_out;
  bool is_operator; /* an operator of Keras 3 such as x + y, which is no layer */
  json_t *call;     /* the arguments of the call as the file has them */
  GraphValue *mask; /* the argument `mask` of the call; NULL if there is none */
} KerasLayer;

/* ---- config.c ---- Options of a layer. Each getter reports an error if the option has a value of
 * another kind, and returns `if_absent` if the file does not give the option. */
/* Reports the options that are not in `known` and could have an effect; false if there are any. */
bool keras_check_options(const KerasLayer *layer, const char *known);
/* An option of any kind; NULL if it is absent or null. */
json_t *keras_option(const KerasLayer *layer, const char *name);
/* A whole number of at least 1, which may be in a list of one; -1 after reporting. */
int64_t keras_size(const KerasLayer *layer, const char *name, int64_t if_absent);
/* Element i of an option that is a list of n whole numbers, or one number for all i; -1 after
 * reporting. */
int64_t keras_listed(const KerasLayer *layer, const char *name, int i, int n, int64_t if_absent);
double keras_number(const KerasLayer *layer, const char *name, double if_absent);
bool keras_flag(const KerasLayer *layer, const char *name, bool if_absent);
const char *keras_word(const KerasLayer *layer, const char *name, const char *if_absent);
/* The name of an activation; "linear" if the option is null, NULL after reporting. */
const char *keras_activation_name(const KerasLayer *layer, const char *name, const char *if_absent);
/* Reports an error about a layer. The message is "`gru_1` (GRU) " and then the text. */
Diag *keras_refuse(const KerasLayer *layer, DiagCode code, const char *format, ...)
    GRUS_PRINTF(3, 4);
/* The same of what grus lacks (E902, E903, E904), with the nearest thing that works. Always false.
 */
bool keras_lacks(const KerasLayer *layer, DiagCode code, const char *help, const char *format, ...)
    GRUS_PRINTF(4, 5);
/* The help where nothing near a layer works: cut the model there. */
const char *keras_cut(const KerasLayer *layer);

/* ---- weights.c ---- */
/* Reads a tensor of a layer. side: the direction, "forward" or "backward"; "" for layers without
 * directions. leaf: the name of the tensor in Keras 2. number: its place among the tensors of the
 * layer in Keras 3. False after reporting. */
bool keras_tensor(const KerasLayer *layer, const char *side, const char *leaf, int number,
                  Hdf5Tensor *out);
/* Whether a tensor has this shape; false after reporting that it has another one. */
bool keras_shape_is(const KerasLayer *layer, const Hdf5Tensor *t, const char *leaf, int rank,
                    const int64_t *dim);

/* ---- groups.c ---- */
/* The groups with the weights of the layers of one model, which are asked for in the order of the
 * file. */
typedef struct KerasGroups {
  Keras *keras;
  const char *root;        /* the group that holds those of the layers */
  const KerasLayer *outer; /* the call of this model by another model; NULL: it is the whole one */
  Map uses;                /* class name -> int, the number of its layers that were named so far */
} KerasGroups;
enum { KERAS_MAX_DEPTH = 8 }; /* how deeply models are nested at most */
/* The path of the group with the weights of a layer. */
const char *keras_group(KerasGroups *groups, const KerasLayer *layer);
/* Notes which groups a file of Keras 3 has, so that a layer that several models call finds its own.
 */
void keras_scan_groups(Keras *keras, json_t *layers);
/* Finds the group that holds the groups of the layers, in files that name groups by class. False:
 * the file has none. */
bool keras_find_root(Keras *keras);
/* The path as the file writes it, of a path whose names are joined by slashes. */
const char *keras_stored_path(const Keras *keras, const char *path);
bool keras_has_group(const Keras *keras, const char *path);
bool keras_is_model(const char *class_name); /* Model, Functional or Sequential */
/* "BatchNormalization" becomes "batch_normalization". */
const char *keras_snake_case(Arena *arena, const char *name);

/* ---- reader.c ---- */
/* A row of a table of layers. */
typedef struct KerasClass {
  const char *name;
  KerasMaskRow mask;
  bool (*read)(KerasLayer *layer); /* adds the nodes of a call; false after reporting */
  int n_in;                        /* the number of values that it reads; 0: any number */
  const char *options; /* the options that it reads; "a=false" is known with this value only. Those
                          without effect are known to every class. */
} KerasClass;
#define KERAS_CLASS(name, read, n_in, options) {#name, KERAS_MASK_##name, read, n_in, options}
#define KERAS_CLASS_END                        {NULL, KERAS_MASK_COUNT, NULL, 0, NULL}
extern const KerasClass keras_layers[], keras_norms[], keras_windows[], keras_pools[],
    keras_joins[], keras_products[], keras_attention[], keras_recurrent[], keras_operators[],
    keras_moves[], keras_lambda[];
extern const KerasClass *const keras_tables[]; /* all tables, then NULL */
/* Adds the nodes of a call of a layer. False after reporting. */
bool keras_read_layer(KerasLayer *layer);
const KerasClass *keras_class_find(const char *name); /* NULL: grus does not support the class */
/* The same for a layer or for a model among the layers (walk.c). */
bool keras_layer_read(KerasLayer *layer);
/* Adds an input to the graph. value: its sizes go in, its place in the graph comes out. */
void keras_read_input(const KerasLayer *layer, const char *name, KerasValue *value);

/* What adds nodes to the graph that this layer is read into. */
static inline GraphEmit *keras_emit(const KerasLayer *layer) {
  return layer->keras->emit;
}
/* A trained tensor as a constant. dim: the sizes that it must have, -1 if the configuration does
 * not say one. NULL after reporting. */
GraphValue *keras_weight(KerasLayer *layer, const char *side, const char *leaf, int number,
                         int rank, const int64_t *dim);
/* Makes axis 1 of an input the time axis. It gets the length of --time, if that is given. */
void keras_is_sequence(const KerasLayer *layer, GraphInput *in, KerasValue *value);
/* Adds a result to those of a layer. False after reporting that there are too many. */
bool keras_gives(KerasLayer *layer, KerasValue value);
/* Adds a final state [batch, units] to the results. field: "h" or "c". */
bool keras_gives_state(KerasLayer *layer, GraphValue *graph, int64_t units, const char *field);
/* Adds a result that has the sizes of in[0]. False if graph is NULL, which has been reported. */
bool keras_gives_like(KerasLayer *layer, GraphValue *graph);
/* A node with one result, which has the name of the layer. */
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
/* Whether a result keeps each step that the mask of one of its inputs keeps, as since Keras 3.4.
 * Before, it keeps the steps that all masks of its inputs keep. An input without a mask keeps all.
 */
bool keras_joins_any_mask(const Keras *k);
/* Whether a function that returns its input as it was returns its mask, too: TensorFlow's Keras,
 * and Keras since 2.4, keep the mask beside the tensor. */
bool keras_keeps_returned(const Keras *k);
/* The mask [batch, time] that a layer gets: the argument `mask` of its call, else the mask of its
 * input. NULL: it gets none. */
GraphValue *keras_mask_of(const KerasLayer *layer);
/* The same mask if the layer computes with it, else NULL. Its result has the mask of keras_mask_of
 * in either case. */
GraphValue *keras_mask_in_use(const KerasLayer *layer);
/* Notes that steps that hold the number `padding` are masked, if the layer reads an input of the
 * model. */
void keras_mark_padding(const KerasLayer *layer, double padding);

/* ---- layers.c ---- */
/* An activation of x by its name. rank: the number of the last axis of x, along which activations
 * such as softmax work. NULL after reporting. */
GraphValue *keras_read_activation(KerasLayer *layer, GraphValue *x, const char *name, int rank);
/* Notes that a value holds indices of categories, because the layer reads it as such. */
void keras_mark_categories(const KerasLayer *layer, KerasValue *value);
/* The constant of an option that is a number, or a list with one for each feature; NULL after
 * reporting. */
GraphValue *keras_numbers(KerasLayer *layer, const char *name, double if_absent);
/* Adds a result, after the activation that the option `activation` names. */
bool keras_activated(KerasLayer *layer, KerasValue value);

/* ---- norms.c ---- */
/* The axis that the option `axis` names, or the first of several neighbours; the batch is axis 0.
 * *to gets the last of them. -1 after reporting. */
int keras_axis_of(const KerasLayer *layer, int *to);
/* The same if it is one axis; -1 after reporting that there are several. */
int keras_one_axis(const KerasLayer *layer);

/* ---- cell.c ---- */
/* A cell, and what the layer around it does with it in one direction. */
typedef struct KerasRun {
  GraphOp op; /* Lstm, Gru or Rnn */
  int gates;
  int64_t units, inputs;
  bool bias;                     /* it has a bias */
  bool cudnn;                    /* the class is CuDNNGRU or CuDNNLSTM */
  bool reset_known, reset_after; /* reset_known: the file says which variant of the GRU it is */
  const char *activation, *gate; /* the words of the graph for the two activations */
  bool sequences, backwards, state, stateful; /* return_sequences, go_backwards, return_state and
                                                 stateful */
  bool zero_output;                           /* the result is zeros at masked steps */
  GraphValue *w, *r;                          /* [1, gates, u, d] and [1, gates, u, u] */
  GraphValue *b, *rb; /* the biases [1, gates, u] of the inputs and of h; either may be NULL */
} KerasRun;
/* The first reads the options of a cell into *run, the second its weights. False after reporting.
 */
bool keras_run_options(KerasLayer *layer, KerasRun *run);
bool keras_run_weights(KerasLayer *layer, const char *side, KerasRun *run);

/* ---- join.c ---- */
/* The constant operand of a layer, with as many axes as its other operand, `beside`. NULL after
 * reporting that the constant is larger. */
GraphValue *keras_constant(KerasLayer *layer, const KerasValue *beside);

/* ---- functional.c ---- */
/* The first reference to a value in a call of Keras 2: the call itself if it is one, else the first
 * of its list. */
json_t *keras_first_reference(json_t *call);
/* Whether a reference is a constant: ["_CONSTANT_VALUE", -1, 2.0, {...}], the first argument of a
 * TFOpLambda. */
bool keras_is_constant(json_t *reference);

/* ---- walk.c ---- */
/* The graph of a configuration, which is the object with class_name and config. container: what
 * messages call the file, "HDF5" or ".keras". NULL after reporting. */
Graph *keras_walk(Keras *keras, json_t *config, const char *version, const char *container);
/* Parses the JSON of `what`, which messages name; the arena releases it. NULL after reporting. */
json_t *keras_json(const Keras *keras, const char *what, const char *text, size_t len);

/* ---- hdf5.c, zip.c ---- */
Graph *keras_hdf5_graph(Keras *keras);
Graph *keras_zip_graph(Keras *keras);
/* Opens the weights as k->hdf5 and calls `read`. Reports an error if the weights cannot be read to
 * their end. */
Graph *keras_with_weights(Keras *k, Mapped hdf5, Graph *(*read)(Keras *k));

#endif
