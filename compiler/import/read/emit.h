/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Making nodes of a graph, for all readers. Nodes whose operands are constants become constants at
 * once (weights in another order, shapes), as long as they are not much larger than their
 * operands. */
#ifndef GRUS_IMPORT_READ_EMIT_H
#define GRUS_IMPORT_READ_EMIT_H

#include "base/text.h"
#include "import/graph/graph.h"

typedef struct GraphEmit {
  Graph *graph;
  const char *name, *source; /* the operator of the file from which nodes are made */
  const GraphMasked *masked; /* of that operator; NULL */
  int64_t *folds;            /* elements that may still be computed while reading */
  Map *seen;                 /* constants that have been computed from one other; NULL: each anew */
} GraphEmit;

/* A row of a table of operators, by the names that a format has for them. */
typedef struct NamedOp {
  const char *name;
  GraphOp op;
} NamedOp;
/* The operator of a name in a table of n rows; GRAPH_OP_COUNT: there is none. */
GraphOp op_named(const NamedOp *table, size_t n, const char *name);
#define OP_NAMED(table, name) op_named((table), sizeof(table) / sizeof *(table), (name))

/* The attributes of a node, in full, for comparisons. */
void text_add_attributes(Text *t, const GraphNode *node);

GraphNode *emit_node(GraphEmit *e, GraphOp op, int n_in, GraphValue *const *in, int n_out);
/* Computes a node of constants, once its attributes are set. Its first result. */
GraphValue *emit_done(GraphEmit *e, GraphNode *node);
/* EMIT(e, Add, a, b): the first result of a node without attributes. */
#define EMIT(e, op, ...)                                                                           \
  emit_call((e), GRAPH_##op, (int)(sizeof((GraphValue *[]){__VA_ARGS__}) / sizeof(GraphValue *)),  \
            (GraphValue *[]){__VA_ARGS__})
GraphValue *emit_call(GraphEmit *e, GraphOp op, int n_in, GraphValue *const *in);

GraphValue *emit_number(GraphEmit *e, double x);              /* a scalar, GRAPH_FLOAT */
GraphValue *emit_int(GraphEmit *e, int64_t x);                /* a scalar, GRAPH_I64 */
GraphValue *emit_ints(GraphEmit *e, int n, const int64_t *x); /* a vector, GRAPH_I64 */
GraphValue *emit_axis_call(GraphEmit *e, GraphOp op, int64_t axis, int n_in, GraphValue *const *in);
GraphValue *emit_transpose(GraphEmit *e, GraphValue *x, int n, const int64_t *perm);
GraphValue *emit_reshape(GraphEmit *e, GraphValue *x, int n,
                         const int64_t *dim); /* a 0 copies a size */
GraphValue *emit_unsqueeze(GraphEmit *e, GraphValue *x, int n, const int64_t *axes);
GraphValue *emit_squeeze(GraphEmit *e, GraphValue *x, int n, const int64_t *axes);
GraphValue *emit_reduce(GraphEmit *e, GraphOp op, GraphValue *x, int n, const int64_t *axes,
                        bool keep);
GraphValue *emit_gather(GraphEmit *e, GraphValue *x, int64_t axis, int n, const int64_t *places);
/* Row k of the n that x has along an axis, without the axis. */
GraphValue *emit_row_of(GraphEmit *e, GraphValue *x, int64_t axis, int k, int64_t n);
GraphValue *emit_concat(GraphEmit *e, int64_t axis, int n, GraphValue *const *in);
GraphValue *emit_slice(GraphEmit *e, GraphValue *x, int64_t axis, int64_t start, int64_t end,
                       int64_t step);
/* One number for every element of the sizes that `shape` holds. */
GraphValue *emit_filled(GraphEmit *e, GraphValue *shape, double x, GraphElem elem);
GraphValue *emit_cast(GraphEmit *e, GraphValue *x, GraphElem elem);
GraphValue *emit_clip(GraphEmit *e, GraphValue *x, double low,
                      double high); /* infinities: no bound */
GraphValue *emit_dequantize(GraphEmit *e, GraphValue *x, GraphValue *scale, GraphValue *zero,
                            int64_t axis);
/* To the type of zero; without one, to unsigned bytes. */
GraphValue *emit_quantize(GraphEmit *e, GraphValue *x, GraphValue *scale, GraphValue *zero);

/* ---- sweeps.c ---- */
/* Frees the constants of the outermost graph after their last reader, so that a large file does not
 * need twice the memory of its numbers. */
typedef struct ReadUse {
  int left; /* the number of operators that still read it */
  GraphValue *value;
} ReadUse;
typedef struct Sweeps {
  Graph *graph;
  size_t at; /* the bytes of numbers at which the next sweep runs */
} Sweeps;
enum { READ_ALWAYS = 1 << 30 }; /* of outputs, and of what bodies may read */
/* Sets the value that operators will read. use: NULL if nothing reads it. */
void sweeps_hold(ReadUse *use, GraphValue *value);
/* Notes that an operator has read it. */
void sweeps_read(ReadUse *use);
/* Called between two operators: frees what is due. */
void sweeps_run(Sweeps *sweeps);

/* The numbers of a constant as whole ones; false if it is computed or has more than `most`. */
bool constant_ints(const GraphValue *value, int most, int *n, int64_t *out);
/* Why graph_numbers is false for the `what` ("axes") of a node: the end of a message, after the
 * name of the node. */
const char *constant_ints_problem(Arena *arena, const GraphValue *value, const char *what, int most,
                                  DiagCode *code);
bool constant_number(const GraphValue *value, double *out);

#endif
