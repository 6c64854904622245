/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The graph: what a file of another framework computes, in neutral operators.
 *
 *     read/FORMAT   file -> Graph: every default spelled out, gates in one order, axes counted
 *                   from 0
 *     graph/        the operator table, shapes, the evaluator: what the graph means, in double
 *     lift/         Graph -> Model
 *
 * A reader knows no layer of the language; the lifter knows no format. Tensors carry every axis the
 * file has, the batch included. Sizes may be open: a size is known once the inputs' sizes are.
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

/* Numbers in C order: graph_at gives one of them, graph_wide all as doubles. A list (TensorList,
 * ONNX sequence) is a tensor whose first axis counts its elements; before an element is set its
 * shape may be unknown: then rank is 1 and there are no numbers. */
typedef struct GraphTensor {
  GraphElem elem;
  int rank;
  int64_t dim[GRAPH_MAX_RANK];
  int64_t count;       /* product of dim; 1 for a scalar */
  const double *wide;  /* NULL: they are narrow, or only the shape is known */
  const float *narrow; /* of large constants whose numbers all are floats */
  bool is_list;
} GraphTensor;

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
void graph_copy_numbers(const GraphTensor *t, double *to);
/* Of two tensors with as many. */
bool graph_same_numbers(const GraphTensor *a, const GraphTensor *b);
bool graph_is_all(const GraphTensor *t, double value);
/* Room for numbers, each of which is a float if `are_floats`. */
GraphNumbers graph_numbers(Arena *arena, int64_t count, bool are_floats);
/* Holds the numbers of a tensor, which are doubles of this arena, as narrow as it goes. */
void graph_narrow(Arena *arena, GraphTensor *t);

typedef enum GraphOp {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes) GRAPH_##name,
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
  X(block) X(copy_zeros) X(round_state) X(step) X(factor) X(causal) X(states) X(same)
/* clang-format on */

typedef enum GraphAttributeName {
#define ATTRIBUTE(name) GRAPH_ATTR_##name,
  GRAPH_ATTRIBUTE_LIST(ATTRIBUTE)
#undef ATTRIBUTE
      GRAPH_ATTRIBUTE_COUNT
} GraphAttributeName;

/* Whole numbers, numbers or words; which one the comment in graph_ops.def says. */
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

/* One tensor of the graph, made once. */
typedef struct GraphValue {
  int id;           /* dense in its graph, from 0 */
  const char *name; /* in the file; "" if it has none */
  GraphNode *node;  /* who makes it; NULL: an input, a constant or, in a body, a value of the graph
                       around it */
  int index;        /* which result of node */
  const GraphTensor *constant; /* NULL: computed, or an input */
  const GraphRange *range;     /* NULL: the file says nothing */
  bool is_held;                /* a reader may still come to read it */
} GraphValue;

/* Words for a refusal because a node reads masked steps as if they were real. */
typedef struct GraphMasked {
  const char *what; /* "sees the masked steps of its sequence; they hold zeros" */
  const char *why;  /* why the mask does not reach it; NULL */
  const char *cure; /* what would work; NULL: what heeds a mask */
} GraphMasked;

struct GraphNode {
  GraphOp op;
  const char *name;   /* in the file: "/rnn/LSTM"; "" if it has none */
  const char *source; /* the operator's name in the file's own words: "FULLY_CONNECTED" */
  GraphValue **in;    /* NULL: left out */
  int n_in;
  GraphValue **out; /* NULL: not wanted */
  int n_out;
  GraphAttribute *attribute;
  int n_attributes;
  bool is_cell;              /* it was made of a cell's operators: name is the scope of theirs */
  Graph *body[2];            /* If: then, else. Loop, Scan: the body. While: condition, body */
  const GraphMasked *masked; /* NULL: the reader knows no more than the graph says */
  const GraphRange *cell;    /* Lstm: of the c of all its steps; NULL: the file says nothing */
};

/* What the format itself says an axis is. */
typedef enum GraphRole { GRAPH_ROLE_UNSAID, GRAPH_ROLE_BATCH, GRAPH_ROLE_TIME } GraphRole;

/* Size of an axis of an input: n, or open with the file's name for it. */
typedef struct GraphDim {
  int64_t n;          /* GRAPH_OPEN */
  int64_t own;        /* where an option opened it: what the file says; 0 */
  const char *symbol; /* "batch"; NULL */
  GraphRole role;
} GraphDim;

typedef struct GraphInput {
  const char *name;
  GraphElem elem;
  int rank; /* -1: the file does not say */
  GraphDim dim[GRAPH_MAX_RANK];
  GraphValue *value;
  const GraphTensor *fallback; /* the value where a caller gives none; NULL: it must be given */
  bool has_padding;            /* steps that hold `padding` are masked */
  double padding;
} GraphInput;

typedef struct GraphOutput {
  const char *name;
  GraphValue *value;
} GraphOutput;

/* Kept from call to call: resource variables, buffers of modules. */
typedef struct GraphVariable {
  const char *name;
  const GraphTensor *start; /* the value before the first call */
} GraphVariable;

/* A constant as the file gives it, where its runtime takes the same integers for another number. */
typedef struct GraphSaid {
  const GraphValue *value;
  const GraphTensor *said;
} GraphSaid;

/* A body sees the values of the graphs around it. */
struct Graph {
  Arena *arena;
  Arena *numbers; /* of constants, which may go before the graph does */
  const char *name;
  GraphInput *in;
  int n_in;
  size_t cap_in;
  GraphOutput *out;
  int n_out;
  size_t cap_out;
  /* in order of computation; a VarAssign comes after the reads that see the old value */
  GraphNode **node;
  int n_nodes;
  size_t cap_nodes;
  GraphValue **value;
  int n_values;
  size_t cap_values;
  GraphVariable *variable; /* of the outermost graph */
  int n_variables;
  size_t cap_variables;
  bool has_integer_constants; /* with a scale, in the file; here they may be real numbers */
  bool scaled_ports; /* outermost: integers of its inputs and outputs that have a scale are a way to
                        store real numbers */
  bool names_layers; /* outermost: nodes have the names of the layers of the file */
  const char *format; /* outermost: "ONNX opset 17, pytorch 2.1": the first line of the summary */
  const char **note;  /* outermost: what the user should know, a sentence each */
  int n_notes;
  size_t cap_notes;
  GraphSaid *said; /* outermost */
  int n_said;
  size_t cap_said;
};

/* ---- graph.c: building; everything is zeroed ---- */
/* numbers: where those of its constants go; the same for the bodies in it. */
Graph *graph_new(Arena *arena, Arena *numbers, const char *name);
GraphValue *graph_value(Graph *graph, const char *name);
/* The value may be all numbers of this range, beside those that were known. */
void graph_widen(Graph *graph, GraphValue *value, GraphRange range);
GraphValue *graph_constant(Graph *graph, const char *name, const GraphTensor *tensor);
GraphInput *graph_input(Graph *graph, const char *name,
                        GraphElem elem); /* rank -1, with its value */
void graph_output(Graph *graph, const char *name, GraphValue *value);
/* A node with n_in inputs and n_out fresh results; name and source may be "". */
GraphNode *graph_node(Graph *graph, GraphOp op, const char *name, const char *source, int n_in,
                      GraphValue *const *in, int n_out);
/* The usual case: the first result of such a node. */
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
void graph_say(Graph *graph, const GraphValue *value, const GraphTensor *said);
void graph_note(Graph *graph, const char *format, ...) GRUS_PRINTF(2, 3);

/* ---- sweep.c ---- */
/* Gives back the numbers of large constants that no node, output or variable reads and no reader
 * holds, such as weights that were turned round: those values are not constants any more, and must
 * not be read. */
void graph_sweep(Graph *graph);

/* Whether a value is one of this graph, not of one around it. */
static inline bool graph_owns(const Graph *graph, const GraphValue *value) {
  return value && value->id < graph->n_values && graph->value[value->id] == value;
}
const GraphAttribute *graph_attribute(const GraphNode *node,
                                      GraphAttributeName name); /* NULL: not set */
int64_t graph_int(const GraphNode *node, GraphAttributeName name, int64_t if_absent);
double graph_number(const GraphNode *node, GraphAttributeName name, double if_absent);
const char *graph_word(const GraphNode *node, GraphAttributeName name, int index,
                       const char *if_absent);
/* Groups of a convolution of x by a kernel: those of the node or, where it has none, as many as the
 * channels of both show. */
int64_t graph_groups(const GraphNode *node, const GraphTensor *x, const GraphTensor *kernel);

const char *graph_op_name(GraphOp op);
/* Whether an operator computes nothing: its results are numbers of its operands in other places. */
typedef enum GraphMoves { GRAPH_MOVES_none, GRAPH_MOVES_first, GRAPH_MOVES_all } GraphMoves;
GraphMoves graph_op_moves(GraphOp op);
bool graph_operand_moves(const GraphNode *node, int k); /* operand k holds such numbers */
bool graph_elem_is_whole(GraphElem elem);
/* Zeroed room for a tensor; NULL when the sizes are negative or too large to hold. data is to be
 * filled through the second result. */
GraphTensor *graph_tensor(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                          double **data);
/* The same; NULL also when it would have more elements than `most`. What a few bytes of a file ask
 * for is asked for by this. */
GraphTensor *graph_tensor_within(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                                 int64_t most, double **data);
/* The same for numbers of a file, to be filled with graph_put; are_floats as for graph_numbers. */
GraphTensor *graph_tensor_of(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                             int64_t most, bool are_floats, GraphNumbers *to);
GraphTensor *graph_scalar(Arena *arena, GraphElem elem, double value);
GraphTensor *graph_ints(Arena *arena, int n, const int64_t *values); /* a vector of GRAPH_I64 */
/* The text of a graph, a node a line: for --dump-after read and for tests. */
const char *graph_print(const Graph *graph);

/* ---- shape.c, eval*.c: one operator ---- */
/* Operands and results of one node that is not a control operator (If, Loop, Scan, While, Var*). */
typedef struct GraphCall {
  Arena *arena;
  const GraphNode *node;
  const GraphTensor *const *in; /* NULL: left out */
  GraphTensor *out;             /* node->n_out of them, made by the call */
  const char *fault; /* why it cannot be computed: "sizes 3 and 4 do not match"; NULL: it can */
} GraphCall;

/* Types and shapes of the results, from the shapes of the operands and from the numbers of those
 * that are shapes, axes or counts (their data must not be NULL). False with fault set. */
bool graph_call_shape(GraphCall *call);
/* Shapes and numbers. Every operand has data. */
bool graph_call_eval(GraphCall *call);
/* Holds what the call has made as narrow as it goes. */
void graph_call_narrow(GraphCall *call);

/* ---- eval.c: the whole graph ---- */
typedef struct GraphFault {
  const GraphNode *node; /* NULL: an input */
  const char *text;
  bool limited; /* it would take more than the limits allow */
} GraphFault;

/* What lives from call to call: one tensor a variable, at first the start values. */
typedef struct GraphState {
  Arena *arena;
  const GraphTensor **variable;
} GraphState;
GraphState *graph_state_new(Arena *arena, const Graph *graph);

/* What an evaluation may use, all loops taken together. */
typedef struct GraphLimits {
  int64_t steps; /* iterations of loops */
  int64_t work;  /* multiplications and elements moved */
  int64_t room;  /* elements of tensors alive at once */
} GraphLimits;
extern const GraphLimits graph_usual_limits;

/* Computes the outputs in order, which are not narrow. in[i]: for graph->in[i]; NULL takes the
 * fallback. state may be NULL where there are no variables. limits: NULL for the usual ones. */
bool graph_eval(const Graph *graph, Arena *arena, GraphState *state, const GraphLimits *limits,
                const GraphTensor *const *in, const GraphTensor **out, GraphFault *fault);

#endif
