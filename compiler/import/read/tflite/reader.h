/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TensorFlow Lite files as graphs.
 *
 *   file.c         the tables of a file: tensors, operators, signatures
 *   constant.c     buffers as tensors
 *   reader.c       the walk over the operators of a subgraph; tflite_ops.def has all of them
 *   real.c         what the functions of operators ask for: their operands, as real numbers where
 *                  these are quantised, their options, and places for their results
 *   cut.c          what to do about an operator that cannot be read
 *   op_*.c         one family of operators in each file
 *
 * A row of tflite_ops.def names the function that reads an operator. The function gets a TflCall,
 * which has the operands as values of the graph, makes nodes with emit.h, and sets the results with
 * tfl_set, tfl_set_real or tfl_set_like.
 *
 * A subgraph of the file does not see the tensors of another: the bodies of WHILE have inputs, and
 * the bodies of IF get the operands of the IF as theirs. A resource is not a value of the graph: a
 * tensor that holds one stands for a variable. */
#ifndef GRUS_IMPORT_READ_TFLITE_READER_H
#define GRUS_IMPORT_READ_TFLITE_READER_H

#include "import/read/emit.h"
#include "import/read/read.h"
#include "import/read/tflite/flatbuffer.h"

enum { TFL_RESULTS = 1024, TFL_NO_VARIABLE = -1 };

/* A resource variable of the file. The graph gets a variable for it once a node reads or sets it.
 */
typedef struct TflVariable {
  const char *name;
  int in_graph;       /* its number in the graph; TFL_NO_VARIABLE before it has one */
  const char *reader; /* the first node that reads it; NULL if none does */
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
  TFL_BFLOAT16,
  TFL_TYPES
} TflType;

typedef struct TflTensor {
  const char *name;
  int type;                    /* a TflType, or another number of a newer schema */
  int rank;                    /* -1 if the file does not say it */
  int64_t dim[GRAPH_MAX_RANK]; /* GRAPH_OPEN where the file leaves the size open */
  bool variable;               /* whether it is a state that an operator keeps */
  const uint8_t *data;         /* the bytes of a constant; NULL of what is computed */
  size_t bytes;
  int32_t buffer;                  /* the number of the buffer that has the bytes */
  int n_scales;                    /* the number of its scales; 0 if it is not quantised */
  int64_t axis;                    /* the axis along which there are several scales */
  const GraphTensor *scale, *zero; /* scales and zero points; zero has the type of the tensor */
} TflTensor;

typedef struct TflOperator {
  size_t table, options; /* the place of its table and of its options; 0 if it has none */
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
  Graph *graph;          /* the outermost graph */
  TflVariable *variable; /* the resources of the file, as TflScope.resource numbers them */
  int n_variables;
  size_t cap_variables;
  Map constants;   /* "buffer type shape" -> GraphTensor: one for all tensors that share a buffer */
  int64_t folds;   /* the number of elements that may still be computed while reading */
  int64_t numbers; /* the number of elements of constants that may still be read */
  int operators;   /* the number of operators that may still be read; a body counts at each use */
  int initialised; /* the number of CALL_ONCE operators that were followed */
  bool said_hybrid, said_state; /* whether these notes were made, which are made once */
  Sweeps sweeps;
} TflReader;

/* A subgraph that is being read. */
typedef struct TflScope {
  TflReader *reader;
  size_t table;
  Graph *graph;
  TflTensor *tensor;
  GraphValue **value; /* of each tensor; NULL where it is not computed yet */
  ReadUse *use;       /* of each tensor; NULL if this is a body */
  int *resource;      /* of each tensor, the TflVariable that it stands for, or TFL_NO_VARIABLE */
  int n_tensors;
  FlatVector in, out; /* the numbers of the tensors that are inputs and outputs */
  int depth;          /* 0 for the outermost subgraph, one more for each body around this one */
  bool initial;       /* whether the subgraph sets the initial values of variables */
  int *started;       /* if `initial`, the TflVariable of each output of graph */
  size_t n_started, cap_started;
} TflScope;

typedef struct TflCall {
  TflReader *reader;
  TflScope *scope;
  TflOperator op;
  GraphValue **in;  /* the operands; NULL for one that is left out, or that is a resource */
  TflTensor **from; /* the tensors of the operands; NULL for one that is left out */
  TflTensor **to;   /* the tensors of the results; NULL for one that is left out */
  int n_in, n_out;
  GraphEmit emit[1];
} TflCall;

/* ---- file.c ---- */
/* Reads the root table of the file; false after reporting. */
bool tfl_open(TflReader *r);
/* Reports once that an offset points outside of the file; always false. */
bool tfl_broken(TflReader *r);
/* Reads the tensors, inputs and outputs of a subgraph; false after reporting. */
bool tfl_open_scope(TflScope *scope, int64_t subgraph);
/* The tables of the operators of a subgraph. */
FlatVector tfl_operators(TflScope *scope);
/* Reads operator i of these; false after reporting. */
bool tfl_operator(TflReader *r, FlatVector operators, uint32_t i, TflOperator *op);
/* The text of a field, in which ? stands for what cannot be shown; "" if the field is absent. */
const char *tfl_text(TflReader *r, size_t table, unsigned field);
/* The place of the table of the signature that is read, or 0 if the file has none, and the number
 * of its subgraph. False after reporting that the file does not have the one asked for, or that it
 * has several of which none is the usual one. */
bool tfl_signature(TflReader *r, size_t *signature, int64_t *subgraph);
/* What the signature calls a tensor of its list (0 inputs, 1 outputs); NULL if it does not name
 * it. */
const char *tfl_signature_name(TflReader *r, size_t signature, unsigned list, int32_t tensor);
const char *tfl_type_name(int type);
/* The type of the elements in the graph; false if a tensor of this type has no numbers. */
bool tfl_elem(int type, GraphElem *elem);

/* ---- constant.c ---- */
/* The numbers of a tensor that has data; NULL after reporting. */
const GraphTensor *tfl_constant(TflReader *r, const TflTensor *tensor);

/* ---- cut.c: helps that several operators have ---- */
extern const char tfl_in_floats[], tfl_fixed_sizes[], tfl_own_cell[];
/* Where nothing near works: convert the part before the node. */
const char *tfl_cut(const TflCall *c);

/* ---- real.c ---- */
/* Reports that this operator is not supported: "node `rnn/while` (`WHILE`) ..."; always false. */
#define tfl_refuse(c, code, ...)                                                                   \
  foreign_refuse_node((c)->reader->diags, (c)->reader->file, code, (c)->emit->name,                \
                      (c)->emit->source, __VA_ARGS__)
/* The same of what grus lacks (E902, E903, E904), with the nearest thing that works. */
#define tfl_lacks(c, code, help, ...)                                                              \
  foreign_lacks_node((c)->reader->diags, (c)->reader->file, code, (c)->emit->name,                 \
                     (c)->emit->source, help, __VA_ARGS__)
/* Operand k as it is in the file, and its tensor; NULL if it is left out. */
GraphValue *tfl_in(const TflCall *c, int k);
const TflTensor *tfl_from(const TflCall *c, int k);
/* Sets result k to a value, or does nothing if the value is NULL. False after reporting. */
bool tfl_set(TflCall *c, int k, GraphValue *value);
/* Operand k as real numbers, dequantised if it has a scale. NULL if it is left out. */
GraphValue *tfl_real(TflCall *c, int k);
/* The same of a value that has the type and the scale of a tensor. */
GraphValue *tfl_real_of(TflCall *c, GraphValue *value, const TflTensor *tensor);
/* Operand k as real numbers, which is added to the products of operands `input` and `weights`. */
GraphValue *tfl_real_bias(TflCall *c, int k, int input, int weights);
/* Sets result k from real numbers, which are quantised if its tensor has a scale. */
bool tfl_set_real(TflCall *c, int k, GraphValue *value);
/* Sets result k from numbers that have the scale of operand `like`; they are quantised again if
 * the result has another scale. */
bool tfl_set_like(TflCall *c, int k, GraphValue *value, int like);
bool tfl_quantised(const TflTensor *tensor);
/* Whether equal numbers of both tensors stand for equal real numbers. */
bool tfl_same_scale(const TflTensor *a, const TflTensor *b);
/* y after a fused activation of the schema; NULL after reporting. */
GraphValue *tfl_activated(TflCall *c, GraphValue *y, int activation);
/* The whole numbers of operand k, which has to be a constant of at most `most` elements; false
 * after reporting. what: "axes", for the message. */
bool tfl_constant_ints(TflCall *c, int k, const char *what, int most, int *n, int64_t *out);
/* The same of an operand with one element. */
bool tfl_constant_int(TflCall *c, int k, const char *what, int64_t *out);
/* The number of axes of operand k; false after reporting that the file does not say it. */
bool tfl_rank(TflCall *c, int k, int *rank);
/* An option of the operator, by the number of its field in the schema; 0 if it is absent. */
int32_t tfl_option(const TflCall *c, unsigned field, int32_t if_absent);
bool tfl_flag(const TflCall *c, unsigned field);
double tfl_option_number(const TflCall *c, unsigned field);

/* ---- reader.c ---- */
/* Reads the operators of a subgraph into scope->graph. The values of its inputs are set before.
 * False after reporting. */
bool tfl_read(TflScope *scope);
/* Initialises the scope of a body of c, whose nodes go into a graph of its own, or into the graph
 * of c. False after reporting. */
bool tfl_body(TflCall *c, int32_t subgraph, bool own, TflScope *scope);
/* The value of a tensor, which is computed already or a constant; NULL after reporting. */
GraphValue *tfl_value(TflScope *scope, int32_t tensor);

/* ---- op_control.c ---- */
/* A variable of the graph for the state that operator c keeps in operand k, which starts as zeros;
 * TFL_NO_VARIABLE after reporting. */
int tfl_state_variable(TflCall *c, int k);
/* Nodes that read and set a variable of the graph. */
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
