/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The flat graph: a graph at given sizes. In, a Graph and the size of every axis of its inputs;
 * out, the same computation as one list of nodes:
 *
 *   - values that depend on sizes alone are constants;
 *   - branches are chosen, and loops are written out step by step;
 *   - lists are gone, and their elements are values;
 *   - variables are inputs and outputs;
 *   - attributes that name axes count them from the front.
 *
 * The lifter works on the flat graph, in which a Loop, a Scan, a While and steps that an exporter
 * wrote out look alike. What it finds at these sizes is compared at others by check.c. */
#ifndef GRUS_IMPORT_FLAT_H
#define GRUS_IMPORT_FLAT_H

#include "import/graph/graph.h"

/* The sizes of an input of the file, or its value. */
typedef struct FlatSize {
  int rank;
  int64_t dim[GRAPH_MAX_RANK];
  const GraphTensor *constant; /* what --set NAME=VALUE gives it; NULL: it varies */
} FlatSize;

/* A variable of the file: an input gives its value before the call, an output its value after. */
typedef struct FlatVariable {
  int in, out; /* indices of graph->in and graph->out */
  const GraphTensor *start;
} FlatVariable;

typedef struct Flat {
  Arena *arena;
  Graph *graph;
  const GraphTensor **type; /* by value id: element and shape; a constant has its numbers too */
  size_t cap_types;
  int n_file_in, n_file_out; /* inputs and outputs of the file; those of variables follow */
  bool skips;                /* a cell that is written out skips steps by a mask */
  bool ends_early;           /* the length of a bounded sequence replaces masks of padding */
  FlatVariable *variable;
  int n_variables;
  /* What is known about states, for values with an id below n_known; NULL: nothing is known. */
  const bool *window; /* it is a Concat of rows that earlier calls kept and new rows (windows.c) */
  const bool *idle;   /* only states are computed from it (lift_mark_idle) */
  const bool *told;   /* it is the input of a variable, or one that --state names */
  int n_known;
  /* By input: 1 + the axis of its steps, if these are all steps of the graph although other
   * sequences end earlier (whole.c), otherwise 0. NULL: no input has such an axis. */
  const int *held_axis;
  /* Reshapes whose results have axes of their own (merged.c). */
  const GraphNode **parted;
  int n_parted;
  size_t cap_parted;
} Flat;

/* The flat graph of a graph; NULL with *fault set: the sizes do not fit, or a loop or a branch
 * depends on data. */
Flat *flatten(const Graph *graph, const FlatSize *size, Arena *arena, GraphFault *fault);

/* For passes that add to a flat graph: a new node at its end, with the names of `like`. The caller
 * sets its attributes, and then calls flat_type or flat_typed. */
GraphNode *flat_node(Flat *flat, GraphOp op, const GraphNode *like, int n_in, GraphValue *const *in,
                     int n_out);
/* Computes the types of the results of a node. False with *fault set: its operands do not fit. */
bool flat_type(Flat *flat, GraphNode *node, const char **fault);
void flat_set_type(Flat *flat, const GraphValue *value, const GraphTensor *type);

/* A new constant with its type. */
GraphValue *flat_constant(Flat *flat, const char *name, const GraphTensor *tensor);
/* Whether a node compares two values by their size. NULL compares nothing. */
bool flat_compares(const GraphNode *node);
/* A new constant of one real number, without axes. */
GraphValue *flat_number(Flat *flat, double x);

/* ---- flatten_call.c ---- */
/* Whether a Cast from one type to the other keeps all numbers: both are real, or both are whole and
 * the second type holds what the first one does. Types of 32 bits and more hold all whole numbers
 * of a model. Whole numbers that become truths count as kept: readers ask whether they are 0. */
bool flat_cast_keeps(GraphElem from, GraphElem to);

/* ---- rewrite.c ---- */
/* Computes the types of a node whose attributes are set, and returns its first result; NULL: its
 * operands do not fit. */
GraphValue *flat_typed(Flat *flat, GraphNode *node);
/* A new node with the operator and a copy of the attributes of another one. */
GraphNode *flat_like(Flat *flat, const GraphNode *like, int n_in, GraphValue *const *in);
/* The result of a new node with two operands and no attributes; NULL: an operand is NULL, or they
 * do not fit. */
GraphValue *flat_of_two(Flat *flat, GraphOp op, const GraphNode *like, GraphValue *a,
                        GraphValue *b);
/* A constant vector of whole numbers. */
GraphValue *flat_ints(Flat *flat, int n, const int64_t *values);
/* x with the sizes dim, and x with its axes in the order of perm. NULL: x is NULL, which
 * flat_reshaped allows, or does not fit. */
GraphValue *flat_reshaped(Flat *flat, const GraphNode *like, GraphValue *x, int rank,
                          const int64_t *dim);
GraphValue *flat_transposed(Flat *flat, const GraphNode *like, GraphValue *x, int rank,
                            const int64_t *perm);
/* x with the rows of an axis in the reverse order. */
GraphValue *flat_reversed(Flat *flat, const GraphNode *like, GraphValue *x, int64_t axis);
/* Parts, which may be NULL, one after another along an axis; NULL: no such. */
GraphValue *flat_joined(Flat *flat, const GraphNode *like, int64_t axis, int n,
                        GraphValue *const *part);
/* Every step-th of the rows [from, to) of an axis of x. */
GraphValue *flat_rows(Flat *flat, const GraphNode *like, GraphValue *x, int64_t axis, int64_t from,
                      int64_t to, int64_t step);
/* All nodes and outputs that read `old` read `by` from now on, except the node that makes `by`. */
void flat_replace(Flat *flat, const GraphValue *old, GraphValue *by);

/* ---- order.c ---- */
/* Sorts the nodes so that each comes after those that it reads, and removes nodes that no output
 * needs. */
void flat_sort(Flat *flat);
/* Unless `done`, removes the nodes from number `mark` on, which were made for nothing. Returns
 * `done`. */
bool flat_keep_if(Flat *flat, bool done, int mark);
/* Offers every node that the graph has now to a change, which replaces the node and returns true,
 * or leaves the graph as it was. Returns whether any was changed. */
typedef bool FlatChange(Flat *flat, GraphNode *node);
bool flat_each(Flat *flat, FlatChange *change);

/* ---- ways.c ---- */
/* Recurrent operators that one layer cannot express become operators that layers can: see ways.c.
 */
void flat_part_ways(Flat *flat);
/* A ConvTranspose of stride 1 becomes a Conv. Others stay as they are. */
void flat_turn_transposed(Flat *flat, GraphNode *node);

/* ---- chosen.c ---- */
/* Choices by truths that are written in other operators become Where. */
void flat_find_choices(Flat *flat);

/* ---- spelled.c ---- */
/* Recurrent operators that no layer computes become their equations between State and Keep. */
void flat_spell_cells(Flat *flat);
/* The same for those whose operand is made of states of the stream, own[i] for input i: a layer
 * cannot stand between a state and its next value. Whether there was one. */
bool flat_spell_fed_back(Flat *flat, const bool *own);
/* Whether a recurrent operator has an activation, coupled gates, a projection or a mask that
 * recurrent stages do not support. */
bool flat_is_of_no_layer(const Flat *flat, const GraphNode *node);
/* Whether every sample of a batch has all steps. False: not, or `lengths` is NULL. */
bool flat_lengths_are_whole(const GraphTensor *lengths, int64_t steps);

/* ---- simplify.c ---- */
/* The first result of `node` by other nodes that are nearer to stages. The operands of `node` are
 * values of the flat graph. NULL: there is no such way. */
GraphValue *flat_simplified(Flat *flat, const GraphNode *node);
/* Whether a Slice takes the elements [start, end) of one axis and all elements of the others. Sets
 * the three results if so. */
bool flat_plain_cut(const Flat *flat, const GraphNode *node, int *axis, int64_t *start,
                    int64_t *end);

/* ---- scatter.c ---- */
/* A ScatterNd that writes neighbouring rows, as a Concat; NULL: it writes others. */
GraphValue *flat_scattered(Flat *flat, const GraphNode *node);
/* A Gather of several runs of neighbouring rows, as a Concat of Slices; NULL: it takes others. */
GraphValue *flat_windows(Flat *flat, const GraphNode *node);

/* ---- reworded.c ---- */
/* An AvgPool that counts zeros, a Where by a constant and a Pow of a constant, by other operators;
 * NULL: the node is another one. */
GraphValue *flat_counted_zeros(Flat *flat, const GraphNode *node);
GraphValue *flat_chosen(Flat *flat, const GraphNode *node);
GraphValue *flat_power_of_number(Flat *flat, const GraphNode *node);
GraphValue *flat_rest(Flat *flat, const GraphNode *node); /* Mod and FloorDiv */
GraphValue *flat_ceiling(Flat *flat, const GraphNode *node);
GraphValue *flat_tangent(Flat *flat, const GraphNode *node);
GraphValue *flat_smallest_place(Flat *flat, const GraphNode *node); /* ArgMin */
GraphValue *flat_log_of_sum(Flat *flat, const GraphNode *node);
GraphValue *flat_cumulated(Flat *flat, const GraphNode *node); /* CumSum */

/* ---- arranged.c ---- */
/* Tile, Gather, GatherNd, DepthToSpace, Slice and Concat by other operators; NULL: there is no such
 * way. */
GraphValue *flat_tiled(Flat *flat, const GraphNode *node);
GraphValue *flat_ordered(Flat *flat, const GraphNode *node);
GraphValue *flat_of_one_coordinate(Flat *flat, const GraphNode *node);
GraphValue *flat_depth_to_space(Flat *flat, const GraphNode *node);
GraphValue *flat_by_steps(Flat *flat, const GraphNode *node);
GraphValue *flat_framed(Flat *flat, const GraphNode *node);
/* Whether the indices [n, size] are those of n windows over all of an axis of x, which begin *hop
 * apart. The stage `frames` takes such windows. */
bool flat_frames(const GraphTensor *x, int axis, const GraphTensor *place, int64_t *hop);

/* Whether the rows of this value are the last rows of an endless sequence, with rows of earlier
 * calls in front (windows.c). */
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

/* The numbers of a constant; NULL if there is no value or it is not one. */
static inline const GraphTensor *flat_known(const Flat *flat, const GraphValue *value) {
  const GraphTensor *t = value ? flat_type_of(flat, value) : NULL;
  return t && graph_known(t) ? t : NULL;
}

#endif
