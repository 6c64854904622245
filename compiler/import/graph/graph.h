/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The graph: what a file of another framework computes, in operators that belong to no framework.
 *
 *     read/FORMAT   file -> Graph, in which every default of the format is written out, and the
 *                   gates of a cell have one order
 *     graph/        the table of operators, their shapes, and an evaluator in double, which
 * together say what a graph means lift/         Graph -> Model
 *
 * A reader knows no layer of the language, and the lifter knows no format. Tensors have every axis
 * that they have in the file, the batch included. A size may be open: it is known once the sizes of
 * the inputs are.
 *
 * Numbers are doubles throughout, whole numbers and booleans too; `elem` says how an operator has
 * to treat them (integer division, rounding, saturation of a cast). */
#ifndef GRUS_IMPORT_GRAPH_H
#define GRUS_IMPORT_GRAPH_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/map.h"

#include <stdint.h>

enum { GRAPH_MAX_RANK = 8, GRAPH_OPEN = -1 };

/* All floating-point types are GRAPH_FLOAT: they differ in how a file stores them, not in what they
 * mean. */
typedef enum GraphElem {
  GRAPH_FLOAT,
  GRAPH_BOOL,
  GRAPH_I4,
  GRAPH_U4,
  GRAPH_I8,
  GRAPH_U8,
  GRAPH_I16,
  GRAPH_U16,
  GRAPH_I32,
  GRAPH_U32,
  GRAPH_I64,
  GRAPH_U64
} GraphElem;

/* Numbers in C order: graph_at gives one of them, graph_wide all as doubles. A list (a TensorList,
 * or a sequence of ONNX) is a tensor whose first axis counts its elements. As long as none of its
 * elements is set, their shape may be unknown: then rank is 1 and there are no numbers. */
typedef struct GraphTensor {
  GraphElem elem;
  int rank;
  int64_t dim[GRAPH_MAX_RANK];
  int64_t count;       /* product of dim; 1 for a scalar */
  const double *wide;  /* the numbers; NULL if they are narrow, or only the shape is known */
  const float *narrow; /* the numbers of a large constant all of which a float holds, or NULL */
  bool is_list;
} GraphTensor;

/* Whether the numbers are known, and not only the shape. */
static inline bool graph_known(const GraphTensor *t) {
  return t->wide || t->narrow;
}

static inline double graph_at(const GraphTensor *t, int64_t i) {
  return t->wide ? t->wide[i] : (double)t->narrow[i];
}

/* Numbers that are being made, held in one of the two ways. */
typedef struct GraphNumbers {
  double *wide;
  float *narrow;
} GraphNumbers;

static inline void graph_put(const GraphNumbers *to, int64_t i, double x) {
  if (to->wide)
    to->wide[i] = x;
  else
    to->narrow[i] = (float)x;
}

/* ---- numbers.c ---- */
/* All numbers of a tensor as doubles, made in the arena if they are narrow. */
const double *graph_wide(Arena *arena, const GraphTensor *t);
/* Copies the numbers of a tensor, as doubles. */
void graph_copy_numbers(const GraphTensor *t, double *to);
bool graph_same_shape(const GraphTensor *a, const GraphTensor *b);
/* Whether two tensors of the same size have the same numbers; 0 and -0 differ. */
bool graph_same_numbers(const GraphTensor *a, const GraphTensor *b);
/* Whether each number of a tensor is this value. */
bool graph_is_all(const GraphTensor *t, double value);
/* Zeroed room for numbers. are_floats: whether a float holds each of them. */
GraphNumbers graph_numbers(Arena *arena, int64_t count, bool are_floats);
/* Stores the numbers of a tensor, which are doubles in this arena, as floats if these hold each of
 * them. */
void graph_narrow(Arena *arena, GraphTensor *t);

typedef enum GraphOp {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes, nearest) GRAPH_##name,
#include "import/graph/graph_ops.def"
#undef OP
  GRAPH_OP_COUNT
} GraphOp;

/* Names of attributes, one list for all operators. */
/* clang-format off */
#define GRAPH_ATTRIBUTE_LIST(X) \
  X(axis) X(axes) X(keepdims) X(perm) X(strides) X(pads) X(dilations) X(kernel) X(groups) \
  X(output_padding) X(count_pad) X(ceil) X(eps) X(alpha) X(beta) X(gamma) X(low) X(high) X(form) \
  X(elem) X(value) X(mode) X(exclusive) X(reverse) X(order) X(largest) X(direction) \
  X(reset_after) X(activations) X(clip) X(cell_clip) X(input_forget) X(zero_output) X(variable) \
  X(scan_inputs) X(scan_axes) X(scan_reverse) X(out_axes) X(out_reverse) X(batch_axis) X(sizes) \
  X(block) X(copy_zeros) X(round_state) X(step) X(factor) X(causal) X(states) X(same) \
  X(count)
/* clang-format on */

typedef enum GraphAttributeName {
#define ATTRIBUTE(name) GRAPH_ATTR_##name,
  GRAPH_ATTRIBUTE_LIST(ATTRIBUTE)
#undef ATTRIBUTE
      GRAPH_ATTRIBUTE_COUNT
} GraphAttributeName;

/* n whole numbers, numbers or words, as graph_ops.def says for the operator; the two other pointers
 * are NULL. */
typedef struct GraphAttribute {
  GraphAttributeName name;
  int n;
  const int64_t *i;
  const double *f;
  const char *const *s;
} GraphAttribute;

typedef struct Graph Graph;
typedef struct GraphNode GraphNode;

/* The least and the greatest number of a value, as the scale of its integers in the file says. */
typedef struct GraphRange {
  double low, high;
} GraphRange;

/* A tensor of the graph: a result of one node, an input, or a constant. */
typedef struct GraphValue {
  int id;                      /* its place in the values of its graph */
  const char *name;            /* in the file; "" if it has none */
  GraphNode *node;             /* the node that computes it; NULL of an input or a constant */
  int index;                   /* which result of the node it is */
  const GraphTensor *constant; /* NULL if it is computed or an input */
  const GraphRange *range;     /* NULL if the file does not say it */
  bool is_held;                /* whether operators that the reader has not come to may read it */
} GraphValue;

/* The words of the message where a node reads masked steps as if they were real ones. */
typedef struct GraphMasked {
  const char *what; /* "sees the masked steps of its sequence; they hold zeros" */
  const char *why;  /* why the mask does not reach it, or NULL */
  const char *cure; /* what the user can do; NULL for the usual list of what heeds a mask */
} GraphMasked;

struct GraphNode {
  GraphOp op;
  const char *name;   /* in the file: "/rnn/LSTM"; "" if it has none */
  const char *source; /* the operator's name in the file's own words: "FULLY_CONNECTED" */
  GraphValue **in;    /* operands; NULL for one that is left out */
  int n_in;
  GraphValue **out; /* results; NULL for one that nothing reads */
  int n_out;
  GraphAttribute *attribute;
  int n_attributes;
  bool is_cell;              /* whether it stands for the operators of a cell, whose names begin
                                with its name */
  Graph *body[2];            /* If: then, else. Loop, Scan: the body. While: condition, body */
  const GraphMasked *masked; /* NULL if the reader has no words of its own */
  const GraphRange *cell; /* Lstm: the range of c in all steps; NULL if the file does not say it */
};

/* What an axis of an input is, if the format itself says so. */
typedef enum GraphRole { GRAPH_ROLE_UNSAID, GRAPH_ROLE_BATCH, GRAPH_ROLE_TIME } GraphRole;

/* The size of an axis of an input. */
typedef struct GraphDim {
  int64_t n;          /* GRAPH_OPEN if it is open */
  int64_t own;        /* the size in the file of an axis that an option opened, else 0 */
  const char *symbol; /* the file's name for an open size, such as "batch"; NULL if it has none */
  GraphRole role;
} GraphDim;

typedef struct GraphInput {
  const char *name;
  GraphElem elem;
  int rank; /* -1 if the file does not say it */
  GraphDim dim[GRAPH_MAX_RANK];
  GraphValue *value;
  const GraphTensor *fallback; /* its value where a caller gives none; NULL if it must be given */
  bool has_padding;            /* whether steps that hold `padding` are masked */
  double padding;
} GraphInput;

typedef struct GraphOutput {
  const char *name;
  GraphValue *value;
} GraphOutput;

/* A tensor that is kept from call to call, such as a resource variable or a buffer of a module. */
typedef struct GraphVariable {
  const char *name;
  const GraphTensor *start; /* the value before the first call */
} GraphVariable;

/* A constant whose integers the file gives one scale, and its runtime another: `value` is what the
 * runtime computes with, and `said` what the file says. */
typedef struct GraphSaid {
  const GraphValue *value;
  const GraphTensor *said;
} GraphSaid;

/* The nodes of a body may read values of the graphs around it. Fields marked "outermost" belong to
 * the graph that is no body. */
struct Graph {
  Arena *arena;
  Arena *numbers; /* where the numbers of constants are, which may be freed before the graph */
  const char *name;
  GraphInput *in;
  int n_in;
  size_t cap_in;
  GraphOutput *out;
  int n_out;
  size_t cap_out;
  /* in the order of computation: a VarAssign comes after the reads that see the old value */
  GraphNode **node;
  int n_nodes;
  size_t cap_nodes;
  GraphValue **value;
  int n_values;
  size_t cap_values;
  GraphVariable *variable; /* outermost */
  int n_variables;
  size_t cap_variables;
  bool has_integer_constants; /* whether the file has integer constants with a scale, which may be
                                 real numbers here */
  bool scaled_ports;  /* outermost: whether inputs and outputs in integers with a scale stand for
                         real numbers */
  bool names_layers;  /* outermost: whether nodes have the names of the layers of the file */
  const char *format; /* outermost: "ONNX opset 17, pytorch 2.1": the first line of the summary */
  const char **note;  /* outermost: what the user should know, one sentence each */
  int n_notes;
  size_t cap_notes;
  /* outermost: the first node that computes in 16 bits, in which type, and how many nodes do */
  const char *half_node, *half_type;
  int n_halves;
  GraphSaid *said; /* outermost */
  int n_said;
  size_t cap_said;
};

/* ---- graph.c: building a graph ---- */
/* An empty graph. numbers: the arena for the numbers of constants, which its bodies share. */
Graph *graph_new(Arena *arena, Arena *numbers, const char *name);
/* A new value, which nothing computes yet. */
GraphValue *graph_value(Graph *graph, const char *name);
/* Widens the range of a value so that it has this range, too. */
void graph_widen(Graph *graph, GraphValue *value, GraphRange range);
GraphValue *graph_constant(Graph *graph, const char *name, const GraphTensor *tensor);
/* A new input of unknown rank, and its value. */
GraphInput *graph_input(Graph *graph, const char *name, GraphElem elem);
void graph_output(Graph *graph, const char *name, GraphValue *value);
/* A node with n_in operands and n_out new results; name and source may be "". */
GraphNode *graph_node(Graph *graph, GraphOp op, const char *name, const char *source, int n_in,
                      GraphValue *const *in, int n_out);
/* The result of such a node with one result. */
GraphValue *graph_call(Graph *graph, GraphOp op, const char *name, const char *source, int n_in,
                       GraphValue *const *in);
void graph_set_ints(Graph *graph, GraphNode *node, GraphAttributeName name, int n,
                    const int64_t *i);
void graph_set_int(Graph *graph, GraphNode *node, GraphAttributeName name, int64_t i);
void graph_set_numbers(Graph *graph, GraphNode *node, GraphAttributeName name, int n,
                       const double *f);
void graph_set_number(Graph *graph, GraphNode *node, GraphAttributeName name, double f);
void graph_set_words(Graph *graph, GraphNode *node, GraphAttributeName name, int n,
                     const char *const *s);
/* Adds to graph->said. */
void graph_say(Graph *graph, const GraphValue *value, const GraphTensor *said);
/* Notes that a node of the file computes in a type of 16 bits, "float16" or "bfloat16". */
void graph_half(Graph *graph, const char *node, const char *type);
/* The number of a variable; -1: there is none of this name. */
int graph_variable_find(const Graph *graph, const char *name);
/* Adds a sentence to graph->note. */
void graph_note(Graph *graph, const char *format, ...) GRUS_PRINTF(2, 3);

/* ---- sweep.c ---- */
/* Frees the numbers of large constants that no node, output or variable reads and that are not
 * held, such as weights that stand transposed in another constant. Their values are no constants
 * any more, and must not be read. */
void graph_sweep(Graph *graph);
/* The same for a graph in whose place another one is read, which has some of its constants. */
void graph_sweep_for(Graph *graph, const Graph *reader);

/* Whether a value is one of this graph, not of one around it. */
static inline bool graph_owns(const Graph *graph, const GraphValue *value) {
  return value && value->id < graph->n_values && graph->value[value->id] == value;
}
/* An attribute of a node; NULL if it is not set. The functions after it give its value, or the
 * default if_absent. */
const GraphAttribute *graph_attribute(const GraphNode *node, GraphAttributeName name);
int64_t graph_int(const GraphNode *node, GraphAttributeName name, int64_t if_absent);
double graph_number(const GraphNode *node, GraphAttributeName name, double if_absent);
const char *graph_word(const GraphNode *node, GraphAttributeName name, int index,
                       const char *if_absent);
/* The number of groups of a convolution of x by a kernel: that of the node or, if it has none, that
 * which the channels of both show. */
int64_t graph_groups(const GraphNode *node, const GraphTensor *x, const GraphTensor *kernel);

const char *graph_op_name(GraphOp op);
/* What works instead of a form of the operator that no stage computes. */
const char *graph_op_nearest(GraphOp op);
/* Which operands of an operator that computes nothing have the numbers that its results have, in
 * other places; `none` of an operator that computes. */
typedef enum GraphMoves { GRAPH_MOVES_none, GRAPH_MOVES_first, GRAPH_MOVES_all } GraphMoves;
GraphMoves graph_op_moves(GraphOp op);
/* Whether operand k of a node is one of these. */
bool graph_operand_moves(const GraphNode *node, int k);
bool graph_elem_is_whole(GraphElem elem);
/* A tensor of zeros, whose numbers the caller fills in through *data; NULL if the sizes are
 * negative or too large to hold. */
GraphTensor *graph_tensor(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                          double **data);
/* The same; NULL also if it would have more than `most` elements. It is for tensors of which a few
 * bytes of a file say how large they are. */
GraphTensor *graph_tensor_within(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                                 int64_t most, double **data);
/* The same for numbers of a file, to be filled with graph_put; are_floats as for graph_numbers. */
GraphTensor *graph_tensor_of(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                             int64_t most, bool are_floats, GraphNumbers *to);
GraphTensor *graph_scalar(Arena *arena, GraphElem elem, double value);
GraphTensor *graph_ints(Arena *arena, int n, const int64_t *values); /* a vector of GRAPH_I64 */
/* The text of a graph, with one node in a line, for --dump-after read and for tests. */
const char *graph_print(const Graph *graph);

/* ---- shape.c, eval*.c: one operator ---- */
/* Operands and results of one node that is not a control operator (If, Loop, Scan, While, Var*). */
typedef struct GraphCall {
  Arena *arena;
  const GraphNode *node;
  const GraphTensor *const *in; /* operands; NULL for one that is left out */
  GraphTensor *out;             /* node->n_out results, which the call makes */
  const char *fault; /* why it cannot be computed ("sizes 3 and 4 do not match"); NULL if it can */
} GraphCall;

/* Types and shapes of the results, from the shapes of the operands and from the numbers of those
 * that are shapes, axes or counts (their data must not be NULL). False with fault set. */
bool graph_call_shape(GraphCall *call);
/* Shapes and numbers of the results. Every operand has numbers. False with fault set. */
bool graph_call_eval(GraphCall *call);
/* The numbers of the results, after graph_call_shape of the same operands has set their shapes. */
bool graph_call_compute(GraphCall *call);
/* Stores the numbers that the call has made as floats where these hold them. */
void graph_call_narrow(GraphCall *call);

/* ---- eval.c: the whole graph ---- */
typedef struct GraphFault {
  const GraphNode *node; /* the node that cannot be computed; NULL if an input is wrong */
  const char *text;
  bool limited; /* whether the reason is that it would take more than the limits allow */
  bool misfit;  /* whether its operands and attributes do not fit each other */
} GraphFault;

/* The values of the variables from call to call, which are their start values at first. */
typedef struct GraphState {
  Arena *arena;
  const GraphTensor **variable;
} GraphState;
GraphState *graph_state_new(Arena *arena, const Graph *graph);

/* What an evaluation may use, with all turns of all loops. */
typedef struct GraphLimits {
  int64_t steps; /* iterations of loops */
  int64_t work;  /* multiplications and elements moved */
  int64_t room;  /* elements of tensors alive at once */
} GraphLimits;
extern const GraphLimits graph_usual_limits;

/* A measure of the time that a node takes: the multiplications of a product, and the elements of
 * any other operator. in[k] is the shape of operand k, or NULL if it is left out; out has the
 * shapes of all results. */
double graph_work(const GraphNode *node, const GraphTensor *const *in, const GraphTensor *out);

/* Computes the outputs, whose numbers are doubles. in[i] is the value of graph->in[i]; NULL takes
 * its fallback. state may be NULL if there are no variables. limits: NULL for graph_usual_limits.
 * False with *fault set. */
bool graph_eval(const Graph *graph, Arena *arena, GraphState *state, const GraphLimits *limits,
                const GraphTensor *const *in, const GraphTensor **out, GraphFault *fault);

#endif
