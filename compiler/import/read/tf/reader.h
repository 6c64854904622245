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
 * op_blocks.c says how dilated convolutions are written. Of the two results of a TensorArray, the
 * flow becomes a list of tensors, and the handle is not used.
 *
 * A reference is the text by which a node names a value: "name", "name:k" or "name:result:k". */
#ifndef GRUS_IMPORT_READ_TF_READER_H
#define GRUS_IMPORT_READ_TF_READER_H

#include "import/graphdef.pb-c.h"
#include "import/read/emit.h"
#include "import/read/read.h"

#include <string.h>

typedef TfFile__Node TfNode;

/* Whether the node is there, and of this operator. */
static inline bool tf_is(const TfNode *node, const char *op) {
  return node && strcmp(node->op, op) == 0;
}

/* The nodes of the graph, or of one function: references name nodes of the same list. */
typedef struct TfNodes {
  TfNode *const *node;
  size_t n;
  Map named; /* name -> TfNode */
} TfNodes;

typedef struct TfFunction {
  const TfFile__Function *def;
  TfNodes nodes;
  const TfFile__Node *changes; /* the first of its nodes that changes a variable; NULL if none */
} TfFunction;

typedef struct TfBundle TfBundle;

/* Where nodes are made: the outermost graph, the body of a loop, or a call of a function, which has
 * its own values in the graph around it. */
typedef struct TfScope {
  Graph *graph;
  Map values; /* "name:k" (tf_key) -> GraphValue */
  struct TfScope *outer;
  const char *frame; /* the name of the frame whose loop this is the body of; NULL if of none */
  Map loops;         /* frame -> GraphNode of the While that its loop has become */
} TfScope;

/* A value that stands between SpaceToBatchND and BatchToSpaceND in the file (op_blocks.c). */
typedef struct TfBlocked {
  const GraphValue *value;
  int n; /* the number of axes after the batch that have blocks, 1 or 2 */
  int64_t block[2];
  struct TfBlocked *next;
} TfBlocked;

/* A variable, whose handle stands for its value. */
typedef struct TfUse {
  struct TfUse *next;
  const GraphValue *handle;
  const TfNode *changed; /* by this node; NULL: by none */
  bool read;             /* by a node that an output depends on */
} TfUse;

typedef struct TfReader {
  Arena *arena;
  const ForeignFile *file;
  Diags *diags;
  const TfNodes *nodes; /* the nodes that references name now */
  Map functions;        /* name -> TfFunction */
  const char *begin;    /* the node that becomes an input, as the caller asked; NULL if none */
  const ImportOptions *options;
  Map checkpoint;   /* name of a variable -> name of its tensor in the checkpoint */
  bool is_saved;    /* whether the file is a SavedModel, which has a checkpoint */
  TfBundle *bundle; /* the checkpoint, opened for the first variable; NULL before */
  Graph *graph;
  int64_t folds;    /* of the whole file, as in GraphEmit; so is `seen` */
  int64_t repeated; /* how many elements may still repeat a number that the file lists once */
  Map seen;
  int depth; /* the number of nodes that wait for one of their operands now */
  int made;  /* the number of nodes made; those of a function count for each of its calls */
  TfBlocked *blocked;
  TfUse *use; /* of variables that are read or changed */
} TfReader;

typedef struct TfCall {
  TfReader *reader;
  TfScope *scope;
  const TfNode *node;
  int n_in; /* the number of operands; nodes that only have to run before ("^name") are none */
  GraphEmit emit[1];
} TfCall;

/* Reports that this node cannot be read; always false. */
#define tf_refuse(c, code, ...)                                                                    \
  foreign_refuse_node((c)->reader->diags, (c)->reader->file, code, (c)->node->name, (c)->node->op, \
                      __VA_ARGS__)
/* The same of what grus lacks (E902, E903, E904), with the nearest thing that works. */
#define tf_lacks(c, code, help, ...)                                                               \
  foreign_lacks_node((c)->reader->diags, (c)->reader->file, code, (c)->node->name, (c)->node->op,  \
                     help, __VA_ARGS__)
/* ---- cut.c: helps that several operators have ---- */
extern const char tf_fixed_sizes[], tf_pass_state[], tf_dilations[], tf_signature[];
/* Where nothing near works: begin behind the node, or end before it. */
const char *tf_cut(const TfCall *c);
/* Reports an operator that has no row in tf_ops.def; false. */
bool tf_unknown(const TfCall *c);

/* The value of a reference "name:k" in a scope, made if it is not there. NULL after reporting. */
GraphValue *tf_value(TfReader *r, TfScope *scope, const char *reference);
/* Operand k; NULL after reporting. */
GraphValue *tf_in(TfCall *c, int k);
/* The first n operands; false after reporting. */
bool tf_all_in(TfCall *c, int n, GraphValue **in);
/* Gives an input whose shape is not in the file the axes that --set gives sizes, as in
 * --set x.0=1 --set x.1=6. */
void tf_axes_from_options(const TfReader *r, GraphInput *input);
/* Sets result k of the node. */
void tf_set(TfCall *c, int k, GraphValue *value);
/* Sets the first result of the node; false if the value is NULL, which was reported. */
bool tf_done(TfCall *c, GraphValue *value);
/* The node that a reference names; NULL if there is none of that name. */
const TfNode *tf_node(TfReader *r, const char *reference);
/* A reference as "name:k", where k counts all values of the node. */
const char *tf_key(TfReader *r, const char *reference);

/* Initialises a reader of this file. */
void tf_reader_start(TfReader *r, const ForeignFile *file, const ImportOptions *options,
                     Diags *diags);
/* Fills the nodes and functions of the reader from a graph of the file; false after reporting. */
bool tf_graph_index(TfReader *r, const TfFile__Graph *def);
/* n nodes by name; false after reporting. */
bool tf_nodes_index(TfReader *r, TfNode *const *node, size_t n, TfNodes *out);
/* The value of an output of the graph or of a function, which has no blocks. NULL after
 * reporting. */
GraphValue *tf_output(TfReader *r, TfScope *scope, const char *reference);

/* ---- functions.c ---- */
/* The function of this name, which a node calls by naming it as its operator or in an attribute;
 * NULL if the file has none. */
TfFunction *tf_function(TfReader *r, const char *name);
/* Fills the functions of the reader; false after reporting. */
bool tf_functions_index(TfReader *r, const TfFile__Library *library);

/* ---- variables.c ---- */
/* Fills r->checkpoint. restore: the name of the node that gives all variables their values. */
void tf_variables_index(TfReader *r, const char *restore);
/* Whether the operator of a node gives a variable another value. */
bool tf_changes_variable(const TfNode *node);
/* Notes that an output depends on a variable, or that a node changes it. False where both are so.
 */
bool tf_use_variable(TfReader *r, const GraphValue *handle, const TfNode *changed);

/* ---- bundle.c ---- */
/* The entry and the bytes of a tensor in the checkpoint. */
typedef struct TfStored {
  TfFile__BundleEntry *entry;
  const uint8_t *bytes;
} TfStored;

/* The name and the entry of a tensor in the checkpoint. */
typedef struct TfListed {
  const char *name;
  TfFile__BundleEntry *entry;
} TfListed;

/* The checkpoint next to the file, opened; NULL after reporting. */
TfBundle *tf_bundle_open(TfReader *r);
/* The n tensors of a checkpoint. */
const TfListed *tf_bundle_list(const TfBundle *bundle, int *n);
/* Finds the tensor of this name in the checkpoint; false after reporting. */
bool tf_bundle_find(TfReader *r, const char *name, TfStored *out);

/* ---- op_blocks.c ---- */
/* Whether the value has blocks; if so, block[2] gets their sizes. */
bool tf_blocked(TfReader *r, const GraphValue *value, int64_t *block);
/* Notes that the value has blocks along n axes. */
void tf_mark_blocked(TfReader *r, const GraphValue *value, int n, const int64_t *block);
/* Whether the operator of a node may read values with blocks. */
bool tf_takes_blocks(const TfNode *node);
/* `to` is `from` with an axis of size 1 more (joins) or less: gives it the blocks of `from`, if it
 * has any. False after reporting. */
bool tf_blocks_moved(TfCall *c, const GraphValue *from, const GraphValue *to, int64_t axis,
                     bool joins);

/* ---- tensor.c ---- */
/* An attribute of a node; NULL if it is absent. The functions after it give its value, or the
 * default if_absent. */
const TfFile__Value *tf_attribute(const TfNode *node, const char *name);
int64_t tf_int(const TfNode *node, const char *name, int64_t if_absent);
bool tf_bool(const TfNode *node, const char *name, bool if_absent);
double tf_number(const TfNode *node, const char *name, double if_absent);
const char *tf_word(TfReader *r, const TfNode *node, const char *name, const char *if_absent);
/* The type of elements of a DataType of TensorFlow; false if grus reads none such. */
bool tf_elem(int64_t type, GraphElem *elem);
/* "float16" or "bfloat16"; NULL for any other type. */
const char *tf_half_type(int64_t type);
/* The same for the type in which a node computes. */
const char *tf_half(const TfNode *node);
/* The value of a Const node; NULL after reporting. */
const GraphTensor *tf_constant(TfReader *r, const TfNode *node);
/* A tensor of the checkpoint, which the variable `node` has; NULL after reporting. */
const GraphTensor *tf_stored(TfReader *r, const TfNode *node, const TfStored *stored);
/* Sets the type and shape of a tensor of the checkpoint. NULL, or why it cannot be read. */
const char *tf_stored_type(const TfFile__BundleEntry *entry, Tensor *out);
/* The whole numbers of operand k, which has to be a constant of at most `most` elements; false
 * after reporting. what: "axes", for the message. */
bool tf_constant_ints(TfCall *c, int k, const char *what, int most, int *n, int64_t *out);

/* ---- frames.c ---- */
/* The value in a scope of a node of tf_is_frame; NULL after reporting. */
GraphValue *tf_frame_value(TfReader *r, TfScope *scope, const TfNode *node);
/* Whether the operator of a node is one of those of which TensorFlow makes loops, such as Enter. */
bool tf_is_frame(const TfNode *node);

#define TF_SAME(name, n_in, op)
#define TF(name, min_in, max_in, function) bool tf_op_##function(TfCall *c);
#include "import/read/tf/tf_ops.def"

#endif
