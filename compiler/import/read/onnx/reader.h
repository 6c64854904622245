/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX files as graphs.
 *
 *   file.c         bytes to protobuf messages, with bounded depth and memory; functions
 *   tensor.c       constants; external.c: those in files beside the model
 *   reader.c       the walk over the nodes; names and scopes; onnx_ops.def: the operators
 *   cut.c          what to do about an operator that cannot be read
 *   halves.c       which nodes compute in 16 bits
 *   attributes.c   attributes of a node, also where a function hands them on
 *   op_*.c         one family of operators a file
 *
 * An operator of the table is a function of one call: a node with its operands as graph values. It
 * makes nodes with emit.h and names its results with call_set. */
#ifndef GRUS_IMPORT_READ_ONNX_READER_H
#define GRUS_IMPORT_READ_ONNX_READER_H

#include "import/onnx.pb-c.h"
#include "import/read/emit.h"
#include "import/read/read.h"

typedef OnnxFile__Node OnnxNode;
typedef OnnxFile__Attribute OnnxAttribute;
typedef OnnxFile__Graph OnnxBody;
typedef OnnxFile__Function OnnxFunction;

/* Names of values; a body sees those of the graphs around it. */
typedef struct Scope {
  Map names;
  const struct Scope *outer;
  Graph *graph;
  /* of an expanded function: whose attributes its nodes refer to */
  const struct OnnxCall *caller;
  const OnnxFunction *function;
  int depth;
} Scope;

typedef struct OnnxReader {
  Arena *arena;
  const ForeignFile *file;
  Diags *diags;
  const OnnxFile__Model *model;
  int64_t opset;
  Graph *graph;    /* the outermost */
  int64_t folds;   /* see emit.h */
  Map seen;        /* see emit.h */
  int64_t numbers; /* elements of constants that may still be read */
  int nodes;       /* nodes that may still be read, those of expanded functions included */
  Map halves;      /* name of a value of 16 bits -> its type */
  Map uses;        /* name -> ReadUse, of values of the outermost graph */
  Sweeps sweeps;
} OnnxReader;

enum { ONNX_RESULTS = 64 };

typedef struct OnnxCall {
  OnnxReader *reader;
  Scope *scope;
  const OnnxNode *node;
  GraphValue **in; /* NULL: left out */
  int n_in;
  GraphEmit emit[1];
} OnnxCall;

/* ---- file.c ---- */
bool onnx_sniff(const ForeignFile *file);
/* NULL after reporting. */
const OnnxFile__Model *onnx_unpack(Arena *arena, const ForeignFile *file, Diags *diags);
/* A node and a default attribute of a function; NULL if they are damaged. */
OnnxNode *onnx_unpack_node(Arena *arena, ProtobufCBinaryData bytes);
OnnxAttribute *onnx_unpack_attribute(Arena *arena, ProtobufCBinaryData bytes);

/* ---- tensor.c, external.c ---- */
bool onnx_elem(int data_type, GraphElem *elem);
/* "float16" or "bfloat16"; NULL for any other type. */
const char *onnx_half(int64_t data_type);
const GraphTensor *onnx_constant(OnnxReader *r, const OnnxFile__Tensor *t);
/* The bytes of a tensor in another file: only beside the model or below it. */
bool onnx_external(OnnxReader *r, const OnnxFile__Tensor *t, const uint8_t **bytes, size_t *n);
/* Reports a damaged file. */
#define onnx_bad(r, ...) foreign_report((r)->diags, (r)->file, E901, __VA_ARGS__)

/* ---- cut.c ---- */
/* The help where nothing near the node works: cut the model. */
const char *onnx_cut(const OnnxCall *c);
/* Reports an operator that has no row in onnx_ops.def; false. */
bool onnx_unknown(const OnnxCall *c);

/* ---- halves.c ---- */
/* Notes the type of a value that no node makes. */
void onnx_note_type(OnnxReader *r, const char *name, int64_t data_type);
/* Notes the types of the results of a node that has been read. */
void onnx_note_halves(OnnxCall *c);

/* ---- reader.c ---- */
/* Reports that this node cannot be read: "node `/rnn/LSTM` (`LSTM`) ..."; always false. */
#define call_refuse(c, code, ...)                                                                  \
  foreign_refuse_node((c)->reader->diags, (c)->reader->file, code, (c)->emit->name,                \
                      (c)->node->op_type, __VA_ARGS__)
/* The same of what grus lacks (E902, E903, E904), with the nearest thing that works. */
#define call_lacks(c, code, help, ...)                                                             \
  foreign_lacks_node((c)->reader->diags, (c)->reader->file, code, (c)->emit->name,                 \
                     (c)->node->op_type, help, __VA_ARGS__)
bool onnx_is_standard(const char *domain);          /* that of ONNX itself */
GraphValue *call_operand(const OnnxCall *c, int k); /* NULL: left out */
bool call_wants(const OnnxCall *c, int k);          /* whether result k has a name */
bool call_is_read(const OnnxCall *c, int k);        /* and it is an output, or a node may read it */
/* Names result k. Ignores NULL, so that callers can pass a node that failed. */
bool call_set(OnnxCall *c, int k, GraphValue *value);
/* A graph of an attribute as a body. NULL after reporting. */
Graph *call_body(OnnxCall *c, const OnnxBody *body);
/* The numbers of operand k, which have to be constants; false after reporting. */
bool call_constant_ints(OnnxCall *c, int k, const char *what, int most, int *n, int64_t *out);

/* ---- attributes.c ---- */
const OnnxAttribute *call_attribute(const OnnxCall *c, const char *name); /* NULL: not set */
int64_t call_attr_int(const OnnxCall *c, const char *name, int64_t if_absent);
double call_attr_float(const OnnxCall *c, const char *name, double if_absent);
const char *call_attr_string(const OnnxCall *c, const char *name, const char *if_absent);
/* Whole numbers of a list; false if it is absent. */
bool call_attr_ints(const OnnxCall *c, const char *name, int *n, const int64_t **out);
const char *call_attr_word(const OnnxCall *c, const char *name, int k); /* NULL: not that many */
/* The nearest decimal number with few digits: 0.01 for the float next to it. */
double onnx_shortest(float f);

/* ---- op_binary.c ---- */
/* The activation that an operator ends with, which its attribute names as an operator of its own.
 * NULL after reporting, or of NULL. */
GraphValue *onnx_activated(OnnxCall *c, GraphValue *x);

/* ---- the operators ---- */
#define ONNX_SAME(name, n_in, op)
#define ONNX_OP(domain, name, min_in, max_in, max_out, function)                                   \
  bool onnx_op_##function(OnnxCall *c);
#include "import/read/onnx/onnx_ops.def"

#endif
