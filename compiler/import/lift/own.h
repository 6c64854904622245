/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Cells of their own, between own.c, which finds the steps of one, across.c, which computes one
 * step at all steps at once, and across_node.c, which does it for one operator.
 *
 * A part is a value of the last step of a cell, with its counterpart at every other step. */
#ifndef GRUS_IMPORT_OWN_H
#define GRUS_IMPORT_OWN_H

#include "import/lift/chain.h"

typedef enum PartKind {
  PART_NODE,     /* an operator computes it in each step */
  PART_SEQUENCE, /* the row of this step of a sequence */
  PART_STATE,    /* what another part was at the step before */
  PART_FIXED     /* the same at every step */
} PartKind;

typedef struct Part {
  PartKind kind;
  GraphValue *value;    /* of the last step */
  GraphValue **at;      /* by step; NULL: not known */
  int of;               /* PART_STATE: the part that it was */
  RowPlace spot;        /* PART_SEQUENCE: at the last step */
  GraphValue *across;   /* at all steps, [T, ...]; PART_FIXED: itself. NULL: not made yet */
  bool timed, stateful; /* across has steps; it depends on a state */
} Part;

typedef struct Own {
  Flat *flat;
  Recognising spots; /* for chain_spot and chain_unstack */
  int64_t steps;
  bool backward;
  Part *part;
  int n;
  size_t cap;
  int *part_of;   /* by value id: the part whose value it is, from 1; 0: none */
  int *before_of; /* the part that it is at the step before the last, from 1 */
  size_t cap_part_of, cap_before_of;
  int tries; /* values that were compared */
} Own;

static inline const GraphTensor *own_type(const Own *own, const GraphValue *value) {
  return flat_type_of(own->flat, value);
}
/* The part of an operand of a value of the last step. */
static inline Part *own_part(const Own *own, const GraphValue *value) {
  return &own->part[own->part_of[value->id] - 1];
}

/* Begins with no parts, for `steps` steps. */
void own_begin(Own *own, int64_t steps, bool backward);
/* The part whose value is `value` in the last step and was `before` in the one before, with all
 * that it depends on; -1: the steps differ. */
int own_match(Own *own, GraphValue *before, GraphValue *value);
/* Whether `value` is the part at step k, which is earlier. */
bool own_walk(Own *own, int which, GraphValue *value, int64_t k);
/* Values of step 0 that are constants are what the equations give; states that no step 0 shows
 * begin with zeros. */
bool own_start(Own *own);
/* ---- across_node.c ---- */
/* Whether operand k differs from step to step. */
static inline bool own_is_timed(const Own *own, const GraphNode *node, int k) {
  return k < node->n_in && node->in[k] && own_part(own, node->in[k])->timed;
}
/* [T] and the axes of a value of one step, its last `rank` of them, 1 where it has fewer; returns
 * how many. */
int own_dims_across(const Own *own, const GraphTensor *step, int rank, int64_t *dim);
GraphValue *own_reshaped(Own *own, const GraphNode *like, GraphValue *x, int rank,
                         const int64_t *dim);
/* The node at all steps, from operands that are; NULL: it has no such form. */
GraphNode *own_node_across(Own *own, const GraphNode *node);
/* ---- across.c ---- */
/* A part at all steps, [T, ...]; NULL: an operator of it has no form for all steps. */
GraphValue *own_all_steps(Own *own, int which);
/* All parts that others outside of the cell read become rows of what the cell gives, and the cell
 * State, operators and Keep. False: an operator of it has no form for all steps; what was made is
 * read by nobody. */
bool own_across(Own *own);
/* scope.c: names a State or a Keep as the file names the cell, if it does. */
void own_name(const Own *own, GraphNode *node);

#endif
