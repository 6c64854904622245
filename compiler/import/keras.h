/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The Keras readers, of Keras 1, 2, tf.keras and 3. Private to keras_*.c.
 *
 *   keras_hdf5.c    .h5 and .hdf5: where configuration and weights are
 *   keras_zip.c     .keras
 *   keras_graph.c   Sequential and functional models: which layer reads what
 *   keras_groups.c  which group of the file is a layer's
 *   keras_config.c  options of a layer: found, checked, refused
 *   keras_mask.c    masks over steps: who makes, uses and ends them
 *   keras_weights.c which tensor of the file is which of a layer
 *   keras_layers.c  layers without state   keras_join.c  several inputs, shapes
 *   keras_recurrent.c, keras_cells.c       recurrent layers and their weights
 *
 * Axes. A Keras tensor of a sample with two or more axes is a sequence, its first axis time; one
 * with one axis is a vector; what Embedding reads is a sequence of categories. */
#ifndef GRUS_IMPORT_KERAS_H
#define GRUS_IMPORT_KERAS_H

#include "base/map.h"
#include "import/foreign.h"
#include "import/graph/graph.h"
#include "import/hdf5.h"
#include "import/json_read.h"
#include "import/keras_mask.h"

/* A value and what Keras knows of it: axes of a sample, -1 where the file leaves one open. */
typedef struct KerasValue {
  Value *value;
  int rank;
  int64_t dim[TYPE_MAX_AXES];
  int64_t pad_before, pad_after; /* zeros that ZeroPadding1D puts around: taken up by Conv1D */
  KerasMask mask;
  GraphValue *graph; /* where the file is read as a graph: [batch, ...] */
  GraphValue *keeps; /* its mask there, [batch, time]; NULL: it has none */
  bool doubt;        /* versions of Keras differ in its mask */
  const char *field; /* "h", "c": it is a state of its layer; NULL */
} KerasValue;

/* The last state of a stateful layer. */
typedef struct KerasState {
  const char *name;
  GraphValue *value;
} KerasState;

enum { KERAS_MAX_OUT = 5 };

struct Keras {
  Arena *arena;
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags;
  Foreign *foreign;
  Model *model;
  int major, minor; /* of the Keras version: 1, 2, 3 */
  json_t *text;     /* config.json and the version of a .keras */
  const char *version;
  Hdf5 *hdf5;
  const char *root;    /* group that holds the groups of the layers */
  int n_reads;         /* layers so far, in each call of the model around them */
  Map groups;          /* class and configuration -> group, Keras 3 */
  bool by_class;       /* groups are named by class and order, tensors by number: Keras 3 */
  bool is_padded;      /* some layer makes a mask: sequences have steps behind the real ones */
  bool is_tensorflow;  /* tf.keras, which counts its versions otherwise */
  struct Emit *emit;   /* the graph that the file is read into; NULL: a Model is built */
  bool only_graph;     /* no Model is wanted */
  bool lacks_class;    /* some layer is of a class that is not known */
  Graph *read;         /* the graph, then */
  KerasState *carried; /* of that graph */
  int n_carried;
  size_t cap_carried;
};

/* One use of one layer. */
struct KerasLayer {
  Keras *keras;
  const char *name; /* in the configuration */
  const char *class_name;
  json_t *config;
  const char *origin; /* "layer `gru_1`" */
  const char *group;  /* of its weights, in the file */
  const char *own;    /* of a model inside a model: its name there; "" */
  const char
      *part; /* the same behind the names of the models between: part of the names of its weights */
  int depth; /* models around it */
  const char *inner; /* Keras 3: what comes between the group and `vars`: "cell", "layer" */
  KerasValue *in;
  int n_in;
  KerasValue *states; /* initial_state */
  int n_states;
  double number; /* an operand that is a constant */
  bool has_number, number_first;
  KerasValue out[KERAS_MAX_OUT];
  int n_out;
  bool is_operator; /* of Keras 3, as x + y: no layer */
  json_t *call;     /* its arguments, as the file has them */
  GraphValue *mask; /* an argument of the call */
};

/* Options. The getters report what has the wrong kind and remember it in ok. */
bool keras_check_options(const KerasLayer *layer, const char *known);
json_t *keras_option(const KerasLayer *layer, const char *name); /* NULL if absent or null */
int64_t keras_size(const KerasLayer *layer, const char *name,
                   int64_t if_absent); /* also of [n]; -1 after reporting */
double keras_number(const KerasLayer *layer, const char *name, double if_absent);
bool keras_flag(const KerasLayer *layer, const char *name, bool if_absent);
const char *keras_word(const KerasLayer *layer, const char *name, const char *if_absent);
/* The name of an activation, "linear" if none; NULL after reporting. */
const char *keras_activation_name(const KerasLayer *layer, const char *name, const char *if_absent);
/* "`gru_1` (GRU) ..." */
Diag *keras_refuse(const KerasLayer *layer, DiagCode code, const char *format, ...)
    GRUS_PRINTF(3, 4);

/* Weights. side: "forward", "backward" or ""; leaf: the name in Keras 2; number: the place in
 * Keras 3. False after reporting. */
bool keras_tensor(const KerasLayer *layer, const char *side, const char *leaf, int number,
                  Hdf5Tensor *out);
bool keras_has_tensor(const KerasLayer *layer, const char *side, const char *leaf, int number);
/* Gives a tensor of `count` values with these dims to a stage as it is. */
bool keras_give(const KerasLayer *layer, Layer *stage, Role role, int rank, const int64_t *dim,
                const char *leaf, int number);
bool keras_shape_is(const KerasLayer *layer, const Hdf5Tensor *t, const char *leaf, int rank,
                    const int64_t *dim);

/* Conv2D inside TimeDistributed. */
bool keras_image_conv(KerasLayer *layer);

/* Building. */
Layer *keras_stage(KerasLayer *layer, LayerKind kind, int n_in, Value *const *in);
/* A stage with one input that keeps shapes. */
Layer *keras_pipe(KerasLayer *layer, LayerKind kind, KerasValue *value);
bool keras_activate(KerasLayer *layer, KerasValue *value, const char *name);
void keras_result(KerasLayer *layer, KerasValue value);

/* Groups of the layers of one model, in the order of the file. */
typedef struct KerasGroups {
  Keras *keras;
  const char *root;        /* group that holds them */
  const KerasLayer *outer; /* the call of the model by another one; NULL */
  Map uses;                /* int: how many layers of a class were named so far */
} KerasGroups;
enum { KERAS_MAX_DEPTH = 8 }; /* of models in models */
const char *keras_group(KerasGroups *groups, const KerasLayer *layer);
/* Looks which are there, for layers that are part of several models. */
void keras_scan_groups(Keras *keras, json_t *layers);
bool keras_is_model(const char *class_name);
const char *keras_snake_case(Arena *arena, const char *name);

/* A row of a table of layers. */
typedef struct KerasClass {
  const char *name;
  KerasMaskRow mask; /* what it does to masks */
  bool (*import)(KerasLayer *layer);
  int n_in;            /* 0: any number */
  const char *options; /* known, beside the harmless ones; "a=false": only this value */
} KerasClass;
#define KERAS_CLASS(name, import, n_in, options) {#name, KERAS_MASK_##name, import, n_in, options}
#define KERAS_CLASS_END                          {NULL, KERAS_MASK_COUNT, NULL, 0, NULL}
extern const KerasClass keras_layer_classes[], keras_join_classes[], keras_recurrent_classes[];
bool keras_layer_import(KerasLayer *layer);
/* Refuses a class that is not known, with the nearest thing that would work. */
void keras_refuse_class(const KerasLayer *layer);

/* The same for a graph: read/keras. */
Graph *keras_graph_new(Keras *keras, const char *format);
bool keras_read_layer(KerasLayer *layer);
/* An input; value has its sizes. */
void keras_read_input(const KerasLayer *layer, const char *name, KerasValue *value);

/* The whole. config is the object with class_name and config. */
Foreign *keras_import(Keras *keras, json_t *config, const char *version, const char *container);
/* From the file on; containers as HDF5 and .keras. */
Foreign *keras_hdf5_open(Keras *keras);
Foreign *keras_zip_open(Keras *keras);
/* Opens the weights as k->hdf5 and imports; reports when they cannot be read to the end. */
Foreign *keras_read(Keras *k, Mapped hdf5, Foreign *(*import)(Keras *k));
/* Parses JSON text, released with the arena; NULL after reporting. */
json_t *keras_json(const Keras *keras, const char *what, const char *text, size_t len);

#endif
