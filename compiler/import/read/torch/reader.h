/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Programs of torch.export (.pt2) as graphs: a zip archive with the graph as JSON and the weights
 * as plain files.
 *
 *   pt2.c        the archive, its signature, the walk over the nodes
 *   operators.c  the table of operators
 *   unknown.c    operators that are not in it
 *   weights.c    constants
 *   halves.c     which nodes compute in 16 bits
 *   args.c       arguments of a node by name
 *   op_*.c       one family of operators a file; aten_ops.def: all of them
 *
 * The file gives the sizes of every tensor, so axes are counted from the front. */
#ifndef GRUS_IMPORT_READ_TORCH_READER_H
#define GRUS_IMPORT_READ_TORCH_READER_H

#include "import/json_read.h"
#include "import/read/emit.h"
#include "import/read/read.h"
#include "import/tensors/torch_archive.h"

typedef struct TorchReader {
  Arena *arena;
  const ForeignFile *file;
  Diags *diags;
  Archive *archive;
  const char *folder;          /* of the archive: "model/" */
  json_t *root, *body, *sizes; /* the program, its graph, tensor_values */
  json_t *weights, *constants; /* lists of what data/ holds */
  Graph *graph;
  Map values;    /* name -> GraphValue */
  Map buffers;   /* of those that nodes change: what the program calls them -> the buffer's name */
  Map aliases;   /* another name of a tensor -> its name; see torch_sharing */
  int64_t folds; /* and seen: see emit.h */
  int64_t numbers; /* elements of tensors that may still be read */
  Map seen;
  bool is_script; /* whether `sizes` does not tell types of real numbers apart */
  Map halves;     /* if so: name of a tensor of 16 bits -> its type */
} TorchReader;

typedef struct TorchCall {
  TorchReader *reader;
  json_t *node;
  const char *op;    /* "linear" */
  const char *named; /* "aten.linear.default" */
  size_t index;      /* of the node */
  GraphOp same;      /* of its row in aten_ops.def */
  int computed;      /* arguments that are computed sizes and have been read as such */
  GraphEmit emit[1];
} TorchCall;

/* ---- operators.c ---- */
typedef enum TorchSharing {
  TORCH_OWN,  /* the result has numbers of its own */
  TORCH_VIEW, /* it may share those of `self` */
  TORCH_ALIAS /* it is `self` */
} TorchSharing;
TorchSharing torch_sharing(const char *op);
/* "torch.ops.aten.add_.Tensor" -> "add", in_place; NULL where it is no operator of PyTorch
 * itself. */
const char *torch_op_of(Arena *arena, const char *target, bool *in_place);
bool torch_is_known(const char *op);
bool torch_apply(TorchCall *c); /* makes the nodes of an operator that is known */

/* ---- pt2.c ---- */
/* A reader with nothing in it but its bounds. */
void torch_reader_begin(TorchReader *r, Arena *arena, const ForeignFile *file, Diags *diags);
/* Makes the nodes of the graph for one node of the program, which is number `index` of its nodes.
 */
bool torch_read_node(TorchReader *r, json_t *node, size_t index);
/* A new variable of the graph, and its value before the call. */
GraphValue *torch_variable(TorchReader *r, const char *name, const GraphTensor *start);
/* Its value after the call. */
void torch_assign(TorchReader *r, int variable, GraphValue *value);
/* A tensor has changed: all its names so far have the value that `result` has. */
void torch_change(TorchReader *r, const char *root, const char *result);
/* The tensor that this name is another name of: of the result of a change in place, and of
 * operators that give their operand itself. */
const char *torch_root(const TorchReader *r, const char *name);

/* ---- unknown.c ---- */
/* The same for an operator that another reader met at a place. */
bool torch_unknown_op(TorchReader *r, const char *op, const char *place);
/* The help where nothing near a node works: end the module before it. */
const char *torch_cut(const TorchCall *c);
bool torch_unknown(TorchCall *c); /* reports an operator that is not read; false */

/* ---- weights.c ---- */
/* The numbers of a stored tensor by its name in the program; NULL after reporting. */
const GraphTensor *torch_stored(TorchReader *r, json_t *list, const char *folder, const char *name);
/* Of the schema of torch.export: 7 is float32. */
bool torch_elem(int64_t dtype, GraphElem *elem);
/* "float16" or "bfloat16"; NULL for any other type. */
const char *torch_half(int64_t dtype);
bool torch_list(TorchReader *r, const char *path,
                json_t **out); /* of a config; NULL where there is none */
json_t *torch_json(TorchReader *r, const char *path, bool needed);
#define torch_bad(r, ...) foreign_report((r)->diags, (r)->file, E901, __VA_ARGS__)

/* ---- halves.c ---- */
/* Notes the type in which a node computes that has been read. */
void torch_note_halves(TorchCall *c);

/* ---- args.c ---- */
/* Reports that the node is damaged (E901); always false. */
#define torch_refuse(c, code, ...)                                                                 \
  foreign_refuse_node((c)->reader->diags, (c)->reader->file, code, (c)->emit->name, (c)->named,    \
                      __VA_ARGS__)
/* The same of what grus lacks (E902, E903, E904), with the nearest thing that works. */
#define torch_lacks(c, code, help, ...)                                                            \
  foreign_lacks_node((c)->reader->diags, (c)->reader->file, code, (c)->emit->name, (c)->named,     \
                     help, __VA_ARGS__)
bool torch_has(const TorchCall *c, const char *name); /* there, and not None */
/* NULL: not there. torch_in is for those that have to be: it reports. */
GraphValue *torch_tensor_arg(TorchCall *c, const char *name);
GraphValue *torch_in(TorchCall *c, const char *name);
/* A tensor or a number; NULL after reporting. */
GraphValue *torch_operand(TorchCall *c, const char *name);
int64_t torch_int(const TorchCall *c, const char *name, int64_t if_absent);
double torch_number(const TorchCall *c, const char *name, double if_absent);
/* The one real number of a list, or the k-th of several; if_absent: there is none. */
double torch_number_at(const TorchCall *c, const char *name, size_t k, double if_absent);
bool torch_bool(const TorchCall *c, const char *name, bool if_absent);
const char *torch_word(const TorchCall *c, const char *name, const char *if_absent);
/* Whole numbers of a list, or one number; -1: there are none, or some are computed. */
int torch_ints(const TorchCall *c, const char *name, int most, int64_t *out);
/* How many numbers a list has, computed ones included. */
int torch_count(const TorchCall *c, const char *name);
/* Tensors of a list; NULL after reporting. */
GraphValue **torch_tensors(TorchCall *c, const char *name, int *n);
/* How many axes each tensor of a list has; -1: unknown. */
void torch_ranks(const TorchCall *c, const char *name, int n, int *rank);
/* Of a list in which tensors may be left out, which are NULL then. */
GraphValue **torch_optional_tensors(TorchCall *c, const char *name, int *n);
/* Sizes, some of which may be computed, as a vector; NULL after reporting. */
GraphValue *torch_sizes(TorchCall *c, const char *name);
/* How many axes an argument or result has, -1 if the file does not say; size of one, GRAPH_OPEN. */
int torch_rank(const TorchCall *c, const char *arg);
int torch_result_rank(const TorchCall *c);
int64_t torch_size(const TorchCall *c, const char *arg, int axis);
int64_t torch_stride(const TorchCall *c, const char *arg, int axis); /* -1: unknown */
GraphElem torch_arg_elem(const TorchCall *c, const char *arg);
GraphElem torch_listed_elem(const TorchCall *c, const char *name, int i); /* of a list's tensor i */
GraphElem torch_result_elem(const TorchCall *c); /* GRAPH_FLOAT where the file does not say */
/* x, which is the argument `name`, as real numbers. */
GraphValue *torch_real(TorchCall *c, const char *name, GraphValue *x);
/* The type that is asked for, else `usual`; false after reporting: one that grus does not know. */
bool torch_asked_elem(TorchCall *c, GraphElem usual, GraphElem *elem);
/* An axis counted from the front; -1 after reporting. extra: axes that the result has more. */
int torch_axis(TorchCall *c, const char *name, int64_t if_absent, const char *of, int extra);
/* Axes counted from the front; 0 of them: the argument is left out. False after reporting. */
bool torch_axes(TorchCall *c, const char *name, const char *of, int *n, int64_t *axes);
/* Names result k. NULL: a node that was reported; always false then. */
bool torch_set(TorchCall *c, size_t k, GraphValue *value);
bool torch_wants(const TorchCall *c, size_t k);
/* Names the tensors of a result that is a list. */
bool torch_set_list(TorchCall *c, int n, GraphValue *const *values);
int torch_list_length(const TorchCall *c);

/* The sizes of x in front of an axis, then those of the middle, then those of x from another axis
 * on. */
GraphValue *torch_sizes_around(TorchCall *c, GraphValue *x, int front, GraphValue *middle, int back,
                               int rank);
/* Each element of an axis of x, which has `rank` axes, `factor` times. */
GraphValue *torch_repeated(TorchCall *c, GraphValue *x, int rank, int axis, int64_t factor);
/* Elements of an axis by their places. */
GraphValue *torch_selected(TorchCall *c, GraphValue *x, int axis, GraphValue *place);

bool torch_op_binary(TorchCall *c);
bool torch_op_reduce(TorchCall *c);
#define ATEN_SAME(name, op)
#define ATEN_FORM(name, form)
#define ATEN_BINARY(name, op)
#define ATEN_BINARY_FORM(name, form)
#define ATEN_REDUCE(name, op)
#define ATEN(name, function)       bool torch_op_##function(TorchCall *c);
#define ATEN_VIEW(name, function)  bool torch_op_##function(TorchCall *c);
#define ATEN_ALIAS(name, function) bool torch_op_##function(TorchCall *c);
#include "import/read/torch/aten_ops.def"

#endif
