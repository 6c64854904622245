/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX graphs. In, an .onnx file; out, a Model.
 *
 *   onnx_read.c       the file as a graph: nodes, constants, inputs
 *   onnx_tensor.c     tensors; onnx_move.c: the operators that only move elements
 *   onnx_fold.c       arithmetic of constants
 *   onnx_rewrite.c    cells and norms that are written out in small steps; onnx_cell.c,
 *                     onnx_affine.c: the equations of cells
 *   onnx_value.c      from a tensor of references back to a value of the model
 *   onnx_name.c       what a person called a layer
 *   onnx_layers.c, onnx_pointwise.c, onnx_recurrent.c, onnx_loop.c: operators that become layers
 *   onnx_state.c      states that go out and come back
 *   onnx_input.c      which axes of the inputs are time and batch
 *   onnx_import.c     the walk over the nodes
 *
 * The walk evaluates the graph in order. A tensor is either constant, with its numbers, or
 * symbolic: then each of its elements is a reference to an element of a value of the model.
 * Reshape, Transpose, Slice, Concat and the like only move elements, of both kinds alike; so
 * whatever exporters wrap around a layer, the layer sees which elements of which value arrive, and
 * a state that is packed into one tensor and unpacked again is followed element by element. An
 * operator that computes asks for its input as a value of the model (onnx_value): a whole one, or
 * slices and concatenations of some. */
#ifndef GRUS_IMPORT_ONNX_H
#define GRUS_IMPORT_ONNX_H

#include "base/map.h"
#include "import/foreign.h"

enum {
  ONNX_MAX_RANK = 8,
  ONNX_MAX_ELEMENTS = 1 << 23,
  ONNX_ELEMENTS_A_BYTE = 16,
  ONNX_SAMPLES = 31
};

typedef struct OnnxGraph OnnxGraph;

/* An element of a source: element `index` of its rows [row][feature]. Source 0: a number,
 * constant[index]. */
typedef struct OnnxRef {
  int32_t source, index;
} OnnxRef;

typedef struct OnnxTensor {
  const char *name;
  int rank;
  int64_t dim[ONNX_MAX_RANK];
  int64_t count;
  /* one of these */
  const float *f;     /* constant, numbers */
  const int64_t *i;   /* constant, whole numbers and booleans */
  const OnnxRef *ref; /* symbolic */
  int uses;           /* nodes and outputs that read it */
} OnnxTensor;

typedef struct OnnxAttribute {
  const char *name;
  int type; /* as in onnx.proto */
  double f;
  int64_t i;
  const char *s;
  OnnxTensor *t;
  OnnxGraph *g;
  const float *floats;
  const int64_t *ints;
  const char **strings;
  size_t n; /* of floats, ints, strings */
} OnnxAttribute;

typedef struct OnnxNode {
  const char *name, *op, *domain;
  const char **in, **out; /* names; "" for what is left out */
  int n_in, n_out;
  OnnxAttribute *attribute;
  int n_attributes;
} OnnxNode;

typedef struct OnnxPort {
  const char *name;
  int elem, rank;                    /* elem: data_type; rank -1: no shape given */
  int64_t dim[ONNX_MAX_RANK];        /* 0: symbolic */
  const char *symbol[ONNX_MAX_RANK]; /* its name, "" if none */
} OnnxPort;

struct OnnxGraph {
  const char *name;
  OnnxNode *node;
  int n_nodes;
  OnnxTensor **constant; /* initializers */
  int n_constants;
  OnnxPort *in, *out; /* in: without the initializers */
  int n_in, n_out;
};

/* Where symbolic elements come from. */
typedef struct OnnxSource {
  Value *value;
  int64_t rows, row; /* steps, and elements of one; rows 1 unless is_sequence */
  bool is_sequence;
  int rank; /* features */
  int64_t dim[ONNX_MAX_RANK];
  Layer *open; /* a Dense that may still take a bias, a LayerNorm a scale or a center; else NULL */
  int input;   /* number of the graph's input, -1: of a layer */
  bool is_index;
} OnnxSource;

/* A recurrent layer whose start state is symbolic: decided at the end (onnx_state.c). */
typedef struct OnnxState {
  Layer *layer;
  const OnnxTensor *start[2]; /* h, c: [dirs][1][units] or NULL */
  OnnxRef last[2];            /* the first element of the state after the last step */
  int64_t width;              /* dirs * units */
  const OnnxNode *node;
} OnnxState;

typedef struct Onnx {
  Arena *arena;
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags;
  Foreign *foreign;
  Model *model;
  const OnnxGraph *graph;
  int64_t opset, ir_version;
  const char *producer;
  Map tensor; /* name -> OnnxTensor, of the graph and those around it */
  Map uses;   /* name -> how many nodes and outputs read it (int) */
  Map reads;  /* name -> what for (onnx_input.c), once reads_known */
  bool reads_known;
  OnnxSource *source;
  int n_sources;
  size_t cap_sources;
  float *constant; /* numbers among references */
  int n_constants;
  size_t cap_constants;
  OnnxState *state;
  int n_states;
  size_t cap_states;
  OnnxTensor **input;     /* by number: what the graph's inputs are */
  Port **port;            /* NULL: a state that the model keeps */
  bool *kept;             /* by number: outputs that are the next state of a stream */
  bool has_time;          /* some node goes over the steps of a sequence */
  bool batch_is_free;     /* a batch of fixed size can be taken as one sample */
  bool confirming;        /* a time axis of 1 is taken for 2, to see whether it is one */
  bool unsure;            /* a batch was taken for one sample beside a time axis of 1 */
  bool many_samples;      /* an open batch is taken for ONNX_SAMPLES, to see whether it is one */
  bool met_batch;         /* then a recurrent node found it where its batch is */
  bool open_time;         /* a sequence's length is not in the file */
  bool asks_time;         /* all is clear but that length: reported */
  int64_t n_out_elements; /* of all outputs */
  bool open_batch;        /* an open axis was taken for the batch */
  int progress;           /* inputs and nodes converted */
  const OnnxNode *node;   /* the one being converted */
  const char *output;     /* then the output being made */
  int64_t *left; /* elements that may still be moved, by all attempts: graphs that multiply them are
                    refused */
} Onnx;

/* ---- onnx_read.c ---- */
/* NULL after reporting. Sets opset, ir_version, producer. */
OnnxGraph *onnx_read(Onnx *onnx);

/* ---- onnx_tensor.c ---- */
OnnxTensor *onnx_tensor_new(Onnx *onnx, int rank,
                            const int64_t *dim); /* NULL after reporting: too large */
/* Element i of the result is element from[i] of t. */
OnnxTensor *onnx_gather(Onnx *onnx, const OnnxTensor *t, int rank, const int64_t *dim,
                        const int64_t *from);
OnnxTensor *onnx_shaped(Onnx *onnx, const OnnxTensor *t, int rank,
                        const int64_t *dim); /* same elements */
/* References to all elements of a source in order, shaped; axis time runs over its rows (-1: it has
 * one). */
OnnxTensor *onnx_references(Onnx *onnx, int source, int rank, const int64_t *dim, int time);
OnnxTensor *onnx_ints(Onnx *onnx, int64_t n, const int64_t *values); /* a vector */
const OnnxRef *onnx_refs(Onnx *onnx, const OnnxTensor *t);           /* of constants, too */
bool onnx_is_constant(const OnnxTensor *t);
double onnx_number(const OnnxTensor *t, int64_t i); /* of a constant */
/* The shortest decimal number that is this float: 0.3, not 0.30000001192092896. */
double onnx_decimal(float f);
int onnx_axis(Onnx *onnx, int64_t axis, int rank); /* -1 after reporting */

/* ---- onnx_move.c ---- */
typedef enum OnnxDone { ONNX_OTHER, ONNX_DONE, ONNX_FAILED } OnnxDone;
OnnxDone onnx_move(Onnx *onnx);

/* ---- onnx_input.c ---- */
typedef enum OnnxLayout {
  BATCH_FIRST,
  TIME_FIRST,
  CHANNELS_FIRST,
  NO_TIME,
  LAYOUT_COUNT
} OnnxLayout;
/* The graph's input becomes one of the model. False after reporting: the layout does not fit. */
bool onnx_input(Onnx *onnx, int number, OnnxLayout layout);
/* Takes out the inputs whose port is NULL: they became state. */
void onnx_drop_inputs(Onnx *onnx);

/* ---- onnx_fold.c ---- */
OnnxDone onnx_fold(Onnx *onnx);

/* ---- the node being converted ---- */
const OnnxTensor *onnx_in(Onnx *onnx, int i); /* NULL: left out */
void onnx_set(Onnx *onnx, int i, OnnxTensor *result);
const OnnxAttribute *onnx_attribute(const Onnx *onnx, const char *name);
int64_t onnx_int(const Onnx *onnx, const char *name, int64_t if_absent);
double onnx_float(const Onnx *onnx, const char *name, double if_absent);
const char *onnx_string(const Onnx *onnx, const char *name, const char *if_absent);
/* False after reporting E903: an attribute that is none of the blank-separated names. */
bool onnx_attributes_known(Onnx *onnx, const char *names);
/* "node `/rnn/LSTM` (LSTM) ..." */
const char *onnx_origin(const Onnx *onnx);
Diag *onnx_refuse(Onnx *onnx, DiagCode code, const char *format, ...) GRUS_PRINTF(3, 4);
/* Whether names, each between blanks, has this one. */
bool onnx_is_among(const char *names, const char *op);
const char *onnx_dims(Arena *arena, int rank, const int64_t *dim); /* "[1, 2, 128]" */

/* ---- onnx_name.c ---- */
/* What a person called the layer that this node is; NULL: nothing. */
const char *onnx_node_name(Arena *arena, const OnnxNode *node);

/* ---- onnx_value.c ---- */
typedef struct OnnxValue {
  Value *value;
  int64_t rows, row;
  bool is_sequence;
  int time; /* axis of the tensor that runs over the rows, -1: none */
  int rank; /* features: the tensor's other axes, without those of size 1 */
  int64_t dim[ONNX_MAX_RANK];
  int value_rank; /* the features that `value` has: the same number of elements */
  int64_t value_dim[ONNX_MAX_RANK];
  int64_t zeros_before, zeros_after; /* rows of zeros that the tensor has and the value has not */
} OnnxValue;
/* time: the axis that must run over the steps; -1: whichever does. False after reporting. */
bool onnx_value(Onnx *onnx, const OnnxTensor *t, int time, OnnxValue *out);
bool onnx_value_padded(Onnx *onnx, const OnnxTensor *t, int time,
                       OnnxValue *out); /* zeros allowed */
/* Gives the value the features of the tensor, for layers that work on one of them. */
void onnx_exact(Onnx *onnx, OnnxValue *value);
/* A layer with the node as its origin. */
Layer *onnx_layer(Onnx *onnx, LayerKind kind, int n_in, Value *const *in);
/* A new source: the main result of a layer. */
int onnx_source(Onnx *onnx, Value *value, int64_t rows, bool is_sequence, int rank,
                const int64_t *dim);
/* The result of a layer that keeps shapes, as tensor t was `of`. */
OnnxTensor *onnx_like(Onnx *onnx, const OnnxTensor *t, const OnnxValue *of, Value *value);

/* ---- onnx_rewrite.c ---- */
/* Cells and norms that are written out become one node each. */
void onnx_rewrite(Onnx *onnx, OnnxGraph *graph);

/* ---- operators ---- */
OnnxDone onnx_loop(Onnx *onnx);
OnnxDone onnx_pointwise(Onnx *onnx);
OnnxDone onnx_layers(Onnx *onnx);
OnnxDone onnx_recurrent(Onnx *onnx);

/* ---- onnx_state.c ---- */
/* Start states that come back as streams, as inputs or as zeros. False after reporting. */
bool onnx_states(Onnx *onnx);

#endif
