/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TensorFlow Lite files as graphs.
 *
 *   file.c         the tables of a file: tensors, operators, signatures
 *   constant.c     buffers as tensors
 *   reader.c       the walk over the operators of a subgraph; tflite_ops.def: which there are
 *   real.c         what operators ask for; quantised operands as real numbers
 *   op_*.c         one family of operators a file
 *
 * An operator of the table is a function of one call: an operator with its operands as graph
 * values. It makes nodes with emit.h and names its results with tfl_set or tfl_set_real.
 *
 * Subgraphs see nothing of each other: bodies of WHILE have inputs, bodies of IF read the operands
 * of the IF. Resources are no values of the graph: a tensor that holds one stands for a
 * variable. */
#ifndef GRUS_IMPORT_READ_TFLITE_READER_H
#define GRUS_IMPORT_READ_TFLITE_READER_H

#include "import/read/emit.h"
#include "import/read/read.h"
#include "import/read/tflite/flatbuffer.h"

enum { TFL_RESULTS = 1024, TFL_NO_VARIABLE = -1 };

/* A resource variable of the file. It is one of the graph once something reads or sets it. */
typedef struct TflVariable {
  const char *name;
  int in_graph;       /* TFL_NO_VARIABLE: not yet */
  const char *reader; /* the first node that reads it; NULL: none does */
} TflVariable;

/* TensorType of the schema. */
typedef enum TflType {
  TFL_FLOAT32,
  TFL_FLOAT16,
  TFL_INT32,
  TFL_UINT8,
  TFL_INT64,
  TFL_STRING,
  TFL_BOOL,
  TFL_INT16,
  TFL_COMPLEX64,
  TFL_INT8,
  TFL_FLOAT64,
  TFL_COMPLEX128,
  TFL_UINT64,
  TFL_RESOURCE,
  TFL_VARIANT,
  TFL_UINT32,
  TFL_UINT16,
  TFL_INT4,
  TFL_TYPES
} TflType;

typedef struct TflTensor {
  const char *name;
  int type;                    /* a TflType, or beyond: not known */
  int rank;                    /* -1: the file does not say */
  int64_t dim[GRAPH_MAX_RANK]; /* GRAPH_OPEN where it is */
  bool variable;               /* a state that an operator keeps */
  const uint8_t *data;         /* of a constant; NULL: computed */
  size_t bytes;
  int32_t buffer;
  int n_scales;                    /* 0: its numbers are what they are */
  int64_t axis;                    /* of the scales, where there are several */
  const GraphTensor *scale, *zero; /* zero has the elements of the tensor */
} TflTensor;

typedef struct TflOperator {
  size_t table, options; /* 0: none */
  int32_t code;
  const char *custom; /* the name of a custom operator, else NULL */
  int version;
  FlatVector in, out, intermediates;
} TflOperator;

typedef struct TflReader {
  Arena *arena;
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags;
  FlatBuffer flat;
  size_t model;
  FlatVector codes, subgraphs, buffers;
  Graph *graph;          /* the outermost */
  TflVariable *variable; /* resources point into these */
  int n_variables;
  size_t cap_variables;
  Map constants; /* "buffer type shape" -> GraphTensor: one for all tensors that share a buffer */
  int64_t folds, numbers; /* elements that may still be computed while reading, and read */
  int operators;          /* that may still be read, those of bodies as often as they are used */
  int initialised;        /* how often CALL_ONCE was followed */
  bool said_hybrid, said_state; /* notes are said once */
  Sweeps sweeps;
} TflReader;

/* A subgraph that is being read. */
typedef struct TflScope {
  TflReader *reader;
  size_t table;
  Graph *graph;
  TflTensor *tensor;
  GraphValue **value; /* by tensor; NULL: not computed yet */
  ReadUse *use;       /* by tensor; NULL: of a body */
  int *resource;      /* by tensor: the TflVariable that it stands for, or TFL_NO_VARIABLE */
  int n_tensors;
  FlatVector in, out;
  int depth;
  bool initial; /* sets the initial values of variables */
  int *started; /* initial: the TflVariable of each output of graph */
  size_t n_started, cap_started;
} TflScope;

typedef struct TflCall {
  TflReader *reader;
  TflScope *scope;
  TflOperator op;
  GraphValue **in;  /* NULL: left out, or a resource */
  TflTensor **from; /* the tensors of the operands; NULL: left out */
  TflTensor **to;   /* those of the results; NULL: left out */
  int n_in, n_out;
  GraphEmit emit[1];
} TflCall;

/* ---- file.c ---- */
bool tfl_open(TflReader *r);
/* Reports once that an offset points outside of the file; always false. */
bool tfl_broken(TflReader *r);
/* Tensors, inputs and outputs of a subgraph; its operators one by one. False after reporting. */
bool tfl_open_scope(TflScope *scope, int64_t subgraph);
FlatVector tfl_operators(TflScope *scope);
bool tfl_operator(TflReader *r, FlatVector operators, uint32_t i, TflOperator *op);
/* The text of a field, what cannot be shown replaced by ?; "" if absent. */
const char *tfl_text(TflReader *r, size_t table, unsigned field);
/* The signature that is read, 0 if the file has none, and the subgraph it is of. False after
 * reporting that it has not the one asked for, or several of which none is the usual one. */
bool tfl_signature(TflReader *r, size_t *signature, int64_t *subgraph);
/* What the signature calls a tensor of its list (0 inputs, 1 outputs); NULL: nothing. */
const char *tfl_signature_name(TflReader *r, size_t signature, unsigned list, int32_t tensor);
const char *tfl_type_name(int type);
/* False: no numbers. */
bool tfl_elem(int type, GraphElem *elem);

/* ---- constant.c ---- */
/* The numbers of a tensor that has data; NULL after reporting. */
const GraphTensor *tfl_constant(TflReader *r, const TflTensor *tensor);

/* ---- real.c: what operators ask ---- */
/* Reports that this operator is not supported: "node `rnn/while` (`WHILE`) ..."; always false. */
#define tfl_refuse(c, code, ...)                                                                   \
  foreign_refuse_node((c)->reader->diags, (c)->reader->file, code, (c)->emit->name,                \
                      (c)->emit->source, __VA_ARGS__)
GraphValue *tfl_in(const TflCall *c, int k); /* NULL: left out */
const TflTensor *tfl_from(const TflCall *c, int k);
/* Names result k; NULL is passed over. False after reporting. */
bool tfl_set(TflCall *c, int k, GraphValue *value);
/* Operand k as real numbers: dequantised where it has a scale. NULL where it is left out. */
GraphValue *tfl_real(TflCall *c, int k);
GraphValue *tfl_real_of(TflCall *c, GraphValue *value, const TflTensor *tensor);
/* Bias k of the products of operands `input` and `weights`. */
GraphValue *tfl_real_bias(TflCall *c, int k, int input, int weights);
/* Result k from real numbers: quantised where its tensor has a scale. */
bool tfl_set_real(TflCall *c, int k, GraphValue *value);
/* Result k from numbers that have the scale of operand `like`: requantised if the scales differ. */
bool tfl_set_like(TflCall *c, int k, GraphValue *value, int like);
bool tfl_quantised(const TflTensor *tensor);
/* Does a quantised tensor whose numbers are of this scale and zero point look like that one? */
bool tfl_same_scale(const TflTensor *a, const TflTensor *b);
/* y after a fused activation of the schema; NULL after reporting. */
GraphValue *tfl_activated(TflCall *c, GraphValue *y, int activation);
/* The numbers of operand k, which have to be constants; false after reporting. */
bool tfl_constant_ints(TflCall *c, int k, const char *what, int most, int *n, int64_t *out);
bool tfl_constant_int(TflCall *c, int k, const char *what, int64_t *out);
/* The axes of operand k; false after reporting where the file does not say. */
bool tfl_rank(TflCall *c, int k, int *rank);
/* Options of the operator, by the number of their field. */
int32_t tfl_option(const TflCall *c, unsigned field, int32_t if_absent);
bool tfl_flag(const TflCall *c, unsigned field);
double tfl_option_number(const TflCall *c, unsigned field);

/* ---- reader.c ---- */
/* A subgraph read into graph `into`, whose scope is prepared by `bind` before. False after
 * reporting. */
bool tfl_read(TflScope *scope);
/* A scope for a body of c; false after reporting. The graph is new where `own`, else that of c. */
bool tfl_body(TflCall *c, int32_t subgraph, bool own, TflScope *scope);
GraphValue *tfl_value(TflScope *scope,
                      int32_t tensor); /* computed or constant; NULL after reporting */

/* ---- op_control.c ---- */
/* A variable of the graph for the state that operator c keeps in operand k, which starts as zeros;
 * TFL_NO_VARIABLE after reporting. */
int tfl_state_variable(TflCall *c, int k);
GraphValue *tfl_variable_read(TflCall *c, int variable);
void tfl_variable_assign(TflCall *c, int variable, GraphValue *value);
/* Checks that every variable that is read has an initial value. False after reporting. */
bool tfl_variables_start(TflReader *r);

/* ---- the operators ---- */
#define TFL_SAME(code, name, op)
#define TFL_PAIR(code, name, op)
#define TFL_OP(code, name, min_in, max_in, min_out, max_out, function)                             \
  bool tfl_op_##function(TflCall *c);
#define TFL_KEEPS(code, name, min_in, max_in, min_out, max_out, function)                          \
  bool tfl_op_##function(TflCall *c);
#define TFL_CUSTOM(name, min_in, max_in, min_out, max_out, function)                               \
  bool tfl_op_##function(TflCall *c);
#include "import/read/tflite/tflite_ops.def"

#endif
