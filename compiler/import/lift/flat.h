/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A graph at given sizes. In, a Graph and the size of every axis of its inputs; out, the same
 * computation as one list of nodes: what depends on sizes alone is a constant, branches are chosen,
 * loops written out step by step, lists are their elements, variables are inputs and outputs.
 *
 * The lifter works on this: a Loop, a Scan, a While and steps that an exporter wrote out look
 * alike. That what it finds holds at other sizes is shown by the translation check. */
#ifndef GRUS_IMPORT_FLAT_H
#define GRUS_IMPORT_FLAT_H

#include "import/graph/graph.h"

/* What an input of the file is for this flattening. */
typedef struct FlatSize {
  int rank;
  int64_t dim[GRAPH_MAX_RANK];
  const GraphTensor *constant; /* --set NAME=VALUE; NULL: it varies */
} FlatSize;

/* A variable of the file: its value is an input, what it holds after the call an output. */
typedef struct FlatVariable {
  int in, out; /* indices of graph->in, graph->out */
  const GraphTensor *start;
} FlatVariable;

typedef struct Flat {
  Arena *arena;
  Graph *graph;
  const GraphTensor **type; /* by value id: element and shape; with data where it is constant */
  size_t cap_types;
  int n_file_in, n_file_out; /* the file's own; those of variables follow */
  FlatVariable *variable;
  int n_variables;
  /* What is known of states, by value id below n_known; NULL: nothing is. */
  const bool *window; /* a Concat of kept rows and new ones, see windows.c */
  const bool *idle;   /* only what is kept is made of it: it says nothing about axes */
  const bool *told;   /* an input that is a variable, or that --state names */
  int n_known;
  const int *held_axis; /* by input: 1 and the axis of its steps where these are all steps of the
                           graph and other sequences end before; 0; NULL: no input is so */
  /* Reshapes whose results have axes of their own, see merged.c. */
  const GraphNode **parted;
  int n_parted;
  size_t cap_parted;
} Flat;

/* NULL with *fault set: sizes that do not fit, a loop or a branch that depends on data. */
Flat *flatten(const Graph *graph, const FlatSize *size, Arena *arena, GraphFault *fault);

/* For passes that add to a flat graph: a node and its types, which must be computable. NULL: they
 * are not. */
GraphNode *flat_node(Flat *flat, GraphOp op, const GraphNode *like, int n_in, GraphValue *const *in,
                     int n_out);
/* Computes the types of a node's results after its attributes are set. */
bool flat_type(Flat *flat, GraphNode *node, const char **fault);
void flat_set_type(Flat *flat, const GraphValue *value, const GraphTensor *type);

/* A constant of the graph, its type known. */
GraphValue *flat_constant(Flat *flat, const char *name, const GraphTensor *tensor);

/* ---- flatten_call.c ---- */
/* Whether a Cast from one type to the other keeps all numbers: both are real, or both are whole and
 * the second type holds what the first one does. Types of 32 bits and more hold all whole numbers
 * of a model. Whole numbers that become truths count as kept: readers ask whether they are 0. */
bool flat_cast_keeps(GraphElem from, GraphElem to);

/* ---- rewrite.c ---- */
/* The first result of a node whose attributes are set, with its type; NULL: it has none. */
GraphValue *flat_typed(Flat *flat, GraphNode *node);
/* A node with the operator and the attributes of another one, which may be changed then. */
GraphNode *flat_like(Flat *flat, const GraphNode *like, int n_in, GraphValue *const *in);
/* The result of a node of two operands, which may be NULL; NULL: it has none. */
GraphValue *flat_of_two(Flat *flat, GraphOp op, const GraphNode *like, GraphValue *a,
                        GraphValue *b);
/* A vector of whole numbers. */
GraphValue *flat_ints(Flat *flat, int n, const int64_t *values);
/* x, which may be NULL, with the sizes dim; x with its axes in the order of perm; NULL: no such. */
GraphValue *flat_reshaped(Flat *flat, const GraphNode *like, GraphValue *x, int rank,
                          const int64_t *dim);
GraphValue *flat_transposed(Flat *flat, const GraphNode *like, GraphValue *x, int rank,
                            const int64_t *perm);
/* x with the rows of an axis in the reverse order. */
GraphValue *flat_reversed(Flat *flat, const GraphNode *like, GraphValue *x, int64_t axis);
/* Parts, which may be NULL, one after another along an axis; NULL: no such. */
GraphValue *flat_joined(Flat *flat, const GraphNode *like, int64_t axis, int n,
                        GraphValue *const *part);
/* Every step-th of the rows [from, to) of an axis. */
GraphValue *flat_rows(Flat *flat, const GraphNode *like, GraphValue *x, int64_t axis, int64_t from,
                      int64_t to, int64_t step);
/* Whoever reads `old`, and the outputs that it is, read `by`, but for the node that makes `by`. */
void flat_replace(Flat *flat, const GraphValue *old, GraphValue *by);

/* ---- order.c ---- */
/* Brings nodes into an order in which each stands after those it reads, and leaves out what no
 * output needs. */
void flat_sort(Flat *flat);
/* Takes back the nodes that were made from `mark` on, unless what they were made for is done;
 * returns whether it is. */
bool flat_keep_if(Flat *flat, bool done, int mark);

/* ---- ways.c ---- */
/* Recurrent operators that no layer says in one become what layers do say. */
void flat_part_ways(Flat *flat);
/* A ConvTranspose of stride 1 becomes a Conv; others stay. */
void flat_turn_transposed(Flat *flat, GraphNode *node);

/* ---- spelled.c ---- */
/* Recurrent operators of cells that no layer is become their equations between State and Keep. */
void flat_spell_cells(Flat *flat);
/* An activation, coupled gates or a projection that recurrent stages lack. */
bool flat_is_of_no_layer(const GraphNode *node);
/* Every sample of a batch has all the steps; false where the lengths are NULL, not known. */
bool flat_lengths_are_whole(const GraphTensor *lengths, int64_t steps);

/* ---- simplify.c ---- */
/* The same value by fewer moves: `node` has operands of the flat graph whose shapes are known.
 * NULL: as it is. */
GraphValue *flat_simplified(Flat *flat, const GraphNode *node);
/* A cut [start, end) along one axis, the others whole, of Slice with constants; false: it is
 * another. */
bool flat_plain_cut(const Flat *flat, const GraphNode *node, int *axis, int64_t *start,
                    int64_t *end);

/* ---- scatter.c ---- */
/* A ScatterNd that writes whole rows at constant places, as a join; NULL: it does not. */
GraphValue *flat_scattered(Flat *flat, const GraphNode *node);
/* A Gather of several runs of neighbouring rows, as a join of cuts; NULL: it is another. */
GraphValue *flat_windows(Flat *flat, const GraphNode *node);

/* ---- reworded.c ---- */
/* An AvgPool that counts zeros, a Where by a constant and a Pow of one, by others; NULL: as they
 * are. */
GraphValue *flat_counted_zeros(Flat *flat, const GraphNode *node);
GraphValue *flat_chosen(Flat *flat, const GraphNode *node);
GraphValue *flat_power_of_number(Flat *flat, const GraphNode *node);

/* ---- arranged.c ---- */
/* Tile, Gather, GatherNd, DepthToSpace, Slice and Concat by other moves; NULL: as they are. */
GraphValue *flat_tiled(Flat *flat, const GraphNode *node);
GraphValue *flat_ordered(Flat *flat, const GraphNode *node);
GraphValue *flat_of_one_coordinate(Flat *flat, const GraphNode *node);
GraphValue *flat_depth_to_space(Flat *flat, const GraphNode *node);
GraphValue *flat_by_steps(Flat *flat, const GraphNode *node);
GraphValue *flat_framed(Flat *flat, const GraphNode *node);
/* The places [n, size] are those of windows over all of an axis, `hop` apart: what `frames` takes.
 */
bool flat_frames(const GraphTensor *x, int axis, const GraphTensor *place, int64_t *hop);

/* The rows of this value are the last ones of an endless sequence, those of calls before in
 * front. */
static inline bool flat_is_window(const Flat *flat, const GraphValue *value) {
  return flat->window && value->id < flat->n_known && flat->window[value->id];
}

static inline bool flat_is_parted(const Flat *flat, const GraphNode *node) {
  for (int i = 0; i < flat->n_parted; i++)
    if (flat->parted[i] == node) return true;
  return false;
}

static inline bool flat_is_idle(const Flat *flat, const GraphValue *value) {
  return flat->idle && value->id < flat->n_known && flat->idle[value->id];
}

static inline bool flat_is_told(const Flat *flat, const GraphValue *value) {
  return flat->told && value->id < flat->n_known && flat->told[value->id];
}

static inline const GraphTensor *flat_type_of(const Flat *flat, const GraphValue *value) {
  return (size_t)value->id < flat->cap_types ? flat->type[value->id] : NULL;
}

#endif
