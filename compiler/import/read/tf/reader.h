/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Frozen graphs of TensorFlow (GraphDef, .pb) as graphs.
 *
 *   graphdef.c   the file; its outputs, and what they need, from the end to the beginning
 *   frames.c     loops, which are written as Enter, Merge, Switch, NextIteration and Exit, as While
 *   tensor.c     constants and attributes
 *   op_*.c       operators; tf_ops.def: all of them
 *
 * op_blocks.c says how dilated convolutions are written. A TensorArray becomes a list: its flow
 * carries the list, its handle is nothing. */
#ifndef GRUS_IMPORT_READ_TF_READER_H
#define GRUS_IMPORT_READ_TF_READER_H

#include "import/graphdef.pb-c.h"
#include "import/read/emit.h"
#include "import/read/read.h"

typedef TfFile__Node TfNode;

/* Where nodes are made: the outermost graph, or the body of a loop. */
typedef struct TfScope {
  Graph *graph;
  Map values; /* "name:k" -> GraphValue */
  struct TfScope *outer;
  const char *frame; /* of a loop; NULL: the outermost */
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
  const TfFile__Graph *def;
  Map nodes;         /* name -> TfNode */
  const char *begin; /* the node that is taken for an input; NULL */
  Graph *graph;
  int64_t folds; /* and seen: see emit.h */
  Map seen;
  int depth; /* of nodes that wait for others */
  TfBlocked *blocked;
} TfReader;

typedef struct TfCall {
  TfReader *reader;
  TfScope *scope;
  const TfNode *node;
  int n_in; /* without those that only order */
  Emit emit[1];
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
/* The whole numbers of operand k, which has to be a constant. */
bool tf_constant_ints(TfCall *c, int k, const char *what, int most, int *n, int64_t *out);

/* ---- frames.c ---- */
/* Enter, Merge, Switch and Exit in a scope. */
GraphValue *tf_frame_value(TfReader *r, TfScope *scope, const TfNode *node);
bool tf_is_frame(const TfNode *node);

#define TF_SAME(name, n_in, op)
#define TF(name, min_in, max_in, function) bool tf_op_##function(TfCall *c);
#include "import/read/tf/tf_ops.def"
#undef TF_SAME
#undef TF

#endif
