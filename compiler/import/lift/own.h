/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Cells that are no LSTM, GRU or RNN. own.c finds the steps of one, across.c computes one step for
 * all steps at once, and across_node.c does so for one operator. mapped.c uses the same for
 * functions that have no state.
 *
 * A *part* is a value of the last step of a cell, together with the value at each other step that
 * corresponds to it. */
#ifndef GRUS_IMPORT_OWN_H
#define GRUS_IMPORT_OWN_H

#include "import/lift/chain.h"

typedef enum PartKind {
  PART_NODE,     /* an operator computes it in each step */
  PART_SEQUENCE, /* it is the row of a sequence that belongs to the step */
  PART_STATE,    /* it is another part at the step before */
  PART_FIXED     /* it is the same value at every step */
} PartKind;

typedef struct Part {
  PartKind kind;
  GraphValue *value;    /* its value at the last step */
  GraphValue **at;      /* by step; NULL: it is not known */
  int of;               /* PART_STATE: the number of the part that it is one step later */
  RowPlace spot;        /* PART_SEQUENCE: the row of the last step */
  GraphValue *across;   /* the value at all steps, [T, ...], or a value that is the same at every
                           step. NULL: it is not made yet */
  bool timed, stateful; /* `across` has an axis of steps; the part depends on a state */
} Part;

typedef struct Own {
  Flat *flat;
  Recognising spots; /* what chain_spot and chain_unstack need */
  int64_t steps;
  bool backward; /* step k reads row steps - 1 - k of its sequences */
  Part *part;
  int n;
  size_t cap;
  int *part_of;   /* by value id: 1 + the part whose value it is at the last step; 0: none */
  int *before_of; /* the same at the step before the last one */
  size_t cap_part_of, cap_before_of;
  int tries; /* how many values were compared */
} Own;

static inline const GraphTensor *own_type(const Own *own, const GraphValue *value) {
  return flat_type_of(own->flat, value);
}
/* The part whose value at the last step is this one. */
static inline Part *own_part(const Own *own, const GraphValue *value) {
  return &own->part[own->part_of[value->id] - 1];
}

/* Removes all parts, and begins with a number of steps. */
void own_begin(Own *own, int64_t steps, bool backward);
/* Compares two values, with all that they depend on: `value` of the last step and `before` of the
 * step before it. Returns the part that they are; -1: the two steps differ. */
int own_match(Own *own, GraphValue *before, GraphValue *value);
/* Whether `value` is part `which` at the earlier step k. Notes it and what it depends on. */
bool own_walk(Own *own, int which, GraphValue *value, int64_t k);
/* Sets initial states that step 0 does not show to zero. Whether the constants of step 0 are then
 * what the equations give. */
bool own_start(Own *own);
/* ---- across_node.c ---- */
/* Whether operand k has an axis of steps. */
static inline bool own_is_timed(const Own *own, const GraphNode *node, int k) {
  return k < node->n_in && node->in[k] && own_part(own, node->in[k])->timed;
}
/* Writes the sizes of a value at all steps: T, then the sizes of one step with axes of 1 in front
 * until they are `rank`. Returns how many sizes these are. */
int own_dims_across(const Own *own, const GraphTensor *step, int rank, int64_t *dim);
GraphValue *own_reshaped(Own *own, const GraphNode *like, GraphValue *x, int rank,
                         const int64_t *dim);
/* The node for all steps at once. Its operands have their `across`. NULL: there is no such node. */
GraphNode *own_node_across(Own *own, const GraphNode *node);
/* ---- across.c ---- */
/* A part at all steps, [T, ...]; NULL: the part is the same at every step, or an operator in it
 * cannot compute all steps at once. */
GraphValue *own_all_steps(Own *own, int which);
/* Makes the cell of all parts: State, operators over all steps, Keep. Values of the cell that other
 * nodes read become rows of its results. False: an operator cannot compute all steps at once; then
 * nothing reads the new nodes. */
bool own_across(Own *own);
/* scope.c: gives a State or a Keep the name that the file gives the cell, if there is one. */
void own_name(const Own *own, GraphNode *node);

#endif
