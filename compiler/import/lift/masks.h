/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files about masks share. masks.c finds masks and removes them, masked.c finds the nodes
 * that see masked steps, and whole.c gives those nodes all steps of the graph.
 *
 * A mask tells the real steps of a sequence from the steps after its end, which are masked. */
#ifndef GRUS_IMPORT_MASKS_H
#define GRUS_IMPORT_MASKS_H

#include "import/lift/lift.h"

/* What the masked steps of a value hold. */
typedef enum Tail {
  TAIL_ANY,  /* nothing is known */
  TAIL_HELD, /* the numbers of the last real step */
  TAIL_FILL  /* one number, Masks.fill */
} Tail;

typedef struct Masks {
  Lift *l;
  int n_values;          /* how many values the flat graph had before nodes were added */
  const bool *needed;    /* by value id: lift_needed */
  bool *is_real;         /* by value id: it is a mask, true at the real steps and at no other */
  bool *is_true;         /* by value id: it is true at all steps (a constant need not be marked) */
  bool *heeds;           /* by id of a node's first result: the node leaves masked steps out */
  Tail *tail;            /* by value id */
  double *fill;          /* by value id: the number of TAIL_FILL */
  GraphValue **unmasked; /* by value id: the x of x * mask; NULL: it is no such product */
} Masks;

/* ---- masks.c ---- */
/* The input with padding whose numbers a value has, whether in their order or not; NULL: there is
 * none. */
const GraphInput *masks_padded_input(const Lift *l, const GraphValue *value);
/* Whether a result of the node is needed. needed: by value id. */
bool masks_is_live(const GraphNode *node, const bool *needed);

/* ---- masked.c ---- */
/* Whether an atom is of the family of time. */
bool masks_is_time(const Lift *l, int atom);
/* Whether an axis of a value holds such an atom. */
bool masks_axis_is_time(const Lift *l, const GraphValue *value, int64_t axis);
/* Whether any axis of a value does. */
bool masks_has_time(const Lift *l, const GraphValue *value);
/* Whether an operand of the node that is no constant has time. */
bool masks_sees_time(const Lift *l, const GraphNode *node);
/* Fills m->tail and m->fill. */
void masks_find_tails(Masks *m);
/* Whether no real step of the results depends on a masked step of the operands. */
bool masks_is_safe(const Masks *m, const GraphNode *node);
/* Reports that the node sees masked steps. Always false. */
bool masks_refuse(const Masks *m, const GraphNode *node);

/* ---- whole.c ---- */
/* Gives nodes that see masked steps all steps of the graph, and nodes that heed the mask the real
 * steps only. *added gets whether there are nodes of the first kind. False after reporting. */
bool masks_give_steps(Masks *m, bool *added);

#endif
