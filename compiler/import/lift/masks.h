/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the parts of the masks share: masks.c finds masks and takes them out, masked.c says which
 * nodes see masked steps, whole.c gives those nodes all steps of the graph. */
#ifndef GRUS_IMPORT_MASKS_H
#define GRUS_IMPORT_MASKS_H

#include "import/lift/lift.h"

/* What the masked steps of a value hold. */
typedef enum Tail {
  TAIL_ANY,
  TAIL_HELD, /* what the last real step gave */
  TAIL_FILL  /* one number */
} Tail;

typedef struct Masks {
  Lift *l;
  int n_values;          /* those of the flat graph before nodes were added */
  const bool *needed;    /* by value id */
  bool *is_real;         /* by value id: it is true at the real steps and at no other */
  bool *is_true;         /* by value id: at all steps; a constant may be as well */
  bool *heeds;           /* by id of a first result: its node leaves masked steps out */
  Tail *tail;            /* by value id */
  double *fill;          /* then its number */
  GraphValue **unmasked; /* by value id: x of x * mask; NULL: it is no such product */
} Masks;

/* ---- masks.c ---- */
/* The input of the file that a value is, moved at most; NULL: it is none that has padding. */
const GraphInput *masks_padded_input(const Lift *l, const GraphValue *value);
bool masks_is_live(const GraphNode *node, const bool *needed);

/* ---- masked.c ---- */
bool masks_is_time(const Lift *l, int atom);
bool masks_axis_is_time(const Lift *l, const GraphValue *value, int64_t axis);
bool masks_has_time(const Lift *l, const GraphValue *value);
bool masks_sees_time(const Lift *l, const GraphNode *node);
/* What the masked steps of every value hold. */
void masks_find_tails(Masks *m);
/* No real step of what a node makes is made of masked ones. */
bool masks_is_safe(const Masks *m, const GraphNode *node);
/* Always false. */
bool masks_refuse(const Masks *m, const GraphNode *node);

/* ---- whole.c ---- */
/* Nodes that see masked steps get all steps of the graph, and those that heed the mask the real
 * ones. *added: there are such nodes. False after reporting. */
bool masks_give_steps(Masks *m, bool *added);

#endif
