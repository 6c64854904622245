/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Frozen graphs (GraphDef, .pb) and SavedModels of TensorFlow as graphs.
 *
 *   graphdef.c      a frozen graph; its outputs, and what they need, from the end to the beginning
 *   saved_model.c   a SavedModel: one of its signatures
 *   variables.c     values of variables, which are in a checkpoint next to a SavedModel
 *   bundle.c        that checkpoint: its index, and the files of tensors
 *   functions.c     functions of the file: calls, branches, and loops whose bodies are functions
 *   frames.c        loops: Enter, Merge, Switch, NextIteration and Exit as one While
 *   tensor.c        constants and attributes
 *   op_*.c          operators; tf_ops.def: all of them
 *
 * op_blocks.c says how dilated convolutions are written. A TensorArray becomes a list: its flow
 * carries the list, its handle is nothing. */
#ifndef GRUS_IMPORT_READ_TF_READER_H
#define GRUS_IMPORT_READ_TF_READER_H

#include "import/graphdef.pb-c.h"
#include "import/read/emit.h"
#include "import/read/read.h"

#include <string.h>

typedef TfFile__Node TfNode;

/* Whether there is a node, of this operator. */
static inline bool tf_is(const TfNode *node, const char *op) {
  return node && strcmp(node->op, op) == 0;
}

/* The nodes that references lead to: those of the graph, or of the function that is read. */
typedef struct TfNodes {
  TfNode *const *node;
  size_t n;
  Map named; /* name -> TfNode */
} TfNodes;

typedef struct TfFunction {
  const TfFile__Function *def;
  TfNodes nodes;
  const TfFile__Node *changes; /* a variable; NULL: none of its nodes does */
} TfFunction;

typedef struct TfBundle TfBundle;

/* Where nodes are made: the outermost graph, the body of a loop, or a function. */
typedef struct TfScope {
  Graph *graph;
  Map values; /* "name:k" -> GraphValue */
  struct TfScope *outer;
  const char *frame; /* of a loop that is written as one; NULL: none */
  Map loops;         /* frame -> GraphNode of its While, of the loops within */
} TfScope;

/* A value whose steps the file has dealt out to blocks, which the graph has not (op_blocks.c). */
typedef struct TfBlocked {
  const GraphValue *value;
  int n; /* axes after the batch that have blocks, 1 or 2 */
  int64_t block[2];
  struct TfBlocked *next;
} TfBlocked;

typedef struct TfReader {
  Arena *arena;
  const ForeignFile *file;
  Diags *diags;
  const TfNodes *nodes;
  Map functions;     /* name -> TfFunction */
  const char *begin; /* the node that is taken for an input; NULL */
  Map checkpoint;    /* name of a variable -> name of its tensor in the checkpoint */
  bool is_saved;     /* a SavedModel, which has a checkpoint */
  TfBundle *bundle;  /* the checkpoint, opened for the first variable */
  Graph *graph;
  int64_t folds;    /* and seen: see emit.h */
  int64_t repeated; /* elements that one number of the file may still stand for */
  Map seen;
  int depth; /* of nodes that wait for others */
  int made;  /* nodes, those of functions anew for each call */
  TfBlocked *blocked;
} TfReader;

typedef struct TfCall {
  TfReader *reader;
  TfScope *scope;
  const TfNode *node;
  int n_in; /* without those that only order */
  GraphEmit emit[1];
} TfCall;

/* Reports that this node cannot be read; always false. */
#define tf_refuse(c, code, ...)                                                                    \
  foreign_refuse_node((c)->reader->diags, (c)->reader->file, code, (c)->node->name, (c)->node->op, \
                      __VA_ARGS__)
/* The value of a reference "name:k" in a scope, made if it is not there. NULL after reporting. */
GraphValue *tf_value(TfReader *r, TfScope *scope, const char *reference);
/* Operand k; NULL after reporting. */
GraphValue *tf_in(TfCall *c, int k);
bool tf_all_in(TfCall *c, int n, GraphValue **in); /* the first n */
void tf_set(TfCall *c, int k, GraphValue *value);
/* The first result is made; false if it is NULL, which was reported. */
bool tf_done(TfCall *c, GraphValue *value);
const TfNode *tf_node(TfReader *r, const char *reference);
const char *tf_key(TfReader *r, const char *reference);

/* What file, options and diags ask of every reader; the memory of the unpacked file is limited. */
void tf_reader_start(TfReader *r, const ForeignFile *file, const ImportOptions *options,
                     Diags *diags);
/* The nodes of a graph by name, and its functions; false after reporting. */
bool tf_graph_index(TfReader *r, const TfFile__Graph *def);
bool tf_nodes_index(TfReader *r, TfNode *const *node, size_t n, TfNodes *out);
/* The value of an output, which is whole. NULL after reporting. */
GraphValue *tf_output(TfReader *r, TfScope *scope, const char *reference);

/* ---- functions.c ---- */
/* The function that a node calls by its operator; NULL: that is no function. */
TfFunction *tf_function(TfReader *r, const char *name);
bool tf_functions_index(TfReader *r, const TfFile__Library *library);

/* ---- variables.c ---- */
/* Which tensor of the checkpoint a variable gets, by the node that gives all of them theirs. */
void tf_variables_index(TfReader *r, const char *restore);
/* The operator gives a variable another value. */
bool tf_changes_variable(const TfNode *node);

/* ---- bundle.c ---- */
typedef struct TfStored {
  TfFile__BundleEntry *entry;
  const uint8_t *bytes;
} TfStored;

/* A tensor by its name in the checkpoint. */
typedef struct TfListed {
  const char *name;
  TfFile__BundleEntry *entry;
} TfListed;

/* Opens the checkpoint next to the file; NULL after reporting. */
TfBundle *tf_bundle_open(TfReader *r);
/* All tensors that it lists. */
const TfListed *tf_bundle_list(const TfBundle *bundle, int *n);
/* One tensor; false after reporting. */
bool tf_bundle_find(TfReader *r, const char *name, TfStored *out);

/* ---- op_blocks.c ---- */
/* Whether the value has blocks, which block[2] tells then. */
bool tf_blocked(TfReader *r, const GraphValue *value, int64_t *block);
void tf_mark_blocked(TfReader *r, const GraphValue *value, int n, const int64_t *block);
bool tf_takes_blocks(const TfNode *node);
/* `to` is `from` with an axis of size 1 more or less. */
bool tf_blocks_moved(TfCall *c, const GraphValue *from, const GraphValue *to, int64_t axis,
                     bool joins);

/* ---- tensor.c ---- */
const TfFile__Value *tf_attribute(const TfNode *node, const char *name);
int64_t tf_int(const TfNode *node, const char *name, int64_t if_absent);
bool tf_bool(const TfNode *node, const char *name, bool if_absent);
double tf_number(const TfNode *node, const char *name, double if_absent);
const char *tf_word(TfReader *r, const TfNode *node, const char *name, const char *if_absent);
bool tf_elem(int64_t type, GraphElem *elem);
const GraphTensor *tf_constant(TfReader *r, const TfNode *node);
/* A tensor that is stored as bytes, little endian; NULL after reporting. */
const GraphTensor *tf_stored(TfReader *r, const TfNode *node, const TfStored *stored);
/* Type and shape of a tensor of the checkpoint; NULL, or why it is not read. */
const char *tf_stored_type(const TfFile__BundleEntry *entry, Tensor *out);
/* The whole numbers of operand k, which has to be a constant. */
bool tf_constant_ints(TfCall *c, int k, const char *what, int most, int *n, int64_t *out);

/* ---- frames.c ---- */
/* Enter, Merge, Switch and Exit in a scope. */
GraphValue *tf_frame_value(TfReader *r, TfScope *scope, const TfNode *node);
bool tf_is_frame(const TfNode *node);

#define TF_SAME(name, n_in, op)
#define TF(name, min_in, max_in, function) bool tf_op_##function(TfCall *c);
#include "import/read/tf/tf_ops.def"

#endif
