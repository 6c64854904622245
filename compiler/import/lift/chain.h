/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Chains of steps of one cell (recognise.c finds them) and the recurrent operator that each of them
 * becomes (chain.c). */
#ifndef GRUS_IMPORT_CHAIN_H
#define GRUS_IMPORT_CHAIN_H

#include "import/lift/cell.h"

typedef struct Steps {
  CellStep *step;
  int n;
  size_t cap;
} Steps;

/* Steps 0..n-1 of one cell. */
typedef struct Chain {
  int *step; /* numbers in Recognising.steps */
  int n;
  size_t cap;
} Chain;

typedef struct Recognising {
  Flat *flat;
  Forms forms;
  Arena *work;  /* where the forms of one chain are made */
  Atoms *atoms; /* NULL: new nodes get no atoms, and the caller solves them anew */
  int batch;    /* the family of the batch; -1: there is one sample */
  int64_t samples;
  Steps steps;
} Recognising;

/* Row `index` of a sequence along an axis. */
typedef struct RowPlace {
  GraphValue *sequence;
  int axis;
  int64_t index;
} RowPlace;

/* What the steps of a chain read besides the state. The model step is the step whose matrices the
 * operator gets: the second one, or the only one. */
typedef struct Input {
  int n;
  GraphValue *source[FORM_MAX_TERMS]; /* what the model step reads */
  GraphValue *x;                      /* what all steps read, [T, N, d] */
  bool backward;                      /* later steps read earlier rows */
  GraphValue *mask;                   /* [T, N]; NULL: there is none */
} Input;

/* The forms of the gates of a step, and its sources without the state. */
typedef struct StepForms {
  GraphValue *const *source;
  int n;
  const Form *gate[CELL_MAX_GATES]; /* NULL: the step lacks it, or it was not worked out */
} StepForms;

/* Element and shape of a value; NULL: not known. */
static inline const GraphTensor *chain_type(const Recognising *r, const GraphValue *value) {
  return flat_type_of(r->flat, value);
}
/* Whether a value is a row of a sequence. If the sequence is the reverse of another one, *out is
 * the row of that one. */
bool chain_spot(const Recognising *r, GraphValue *value, RowPlace *out);
/* Gives a new node its types and atoms. False: its operands do not fit. */
bool chain_settle(Recognising *r, GraphNode *node);
/* The result of a node that flat_... has just made, which may be NULL: with its atoms. */
GraphValue *chain_made(Recognising *r, GraphValue *made);
GraphValue *chain_reshaped(Recognising *r, const GraphNode *like, GraphValue *x, int rank,
                           const int64_t *dim);
/* Writes the sources of step s that are no state, and returns how many there are. h: its state. */
int chain_inputs(Recognising *r, const CellStep *s, const GraphValue *h, GraphValue **out);
/* The sequence [T, N, d] whose rows are source[0], source[1], .. of the steps; *backward gets
 * whether later steps read earlier rows. NULL: they are not the rows of one sequence. */
GraphValue *chain_sequence(Recognising *r, const Chain *c, GraphValue *const *source,
                           bool *backward);
/* ---- chain_mask.c ---- */
/* Sets what the steps say of masks. */
void chain_find_masks(Recognising *r);
/* The mask of all steps in the order of a sequence that is read so; *out NULL: there is none.
 * False: some steps have one, or they are no sequence. */
bool chain_mask(Recognising *r, const Chain *c, bool backward, GraphValue **out);
/* Other choices by the mask of a step read its row of the result. */
void chain_choose_rows(Recognising *r, const CellStep *s, GraphValue *row);
/* ---- chain_alike.c ---- */
/* Whether two numbers are equal except for rounding. */
bool numbers_agree(double a, double b);
/* The forms of the gates of a step. source: its n sources, which the result refers to. steps: how
 * many steps the chain has; if their matrices are too large together, the forms are left out. */
StepForms chain_forms(Recognising *r, const CellStep *s, GraphValue *const *source, int n,
                      int steps);
/* Whether two steps multiply by the same numbers. It is true as well if the forms do not show it.
 */
bool chain_alike(const Recognising *r, const StepForms *a, const StepForms *b);

/* scope.c: gives the operator of a chain the name that the file gives the cell, if there is one. */
void chain_name(const Recognising *r, const Chain *c, GraphNode *node);
/* recognise.c: a Concat of all rows of a recurrent result, in order, becomes the result itself. */
void chain_unstack(Recognising *r, GraphNode *concat);
/* Whether n numbers are all `value`. */
bool chain_is_all(const double *x, int64_t n, double value);
/* The recurrent operator of a chain. s: its model step; h: the state that this step reads; h0, c0:
 * the initial states, NULL for zeros. NULL: the equations do not fit after all. */
GraphNode *chain_operator(Recognising *r, const CellStep *s, const Input *in, const GraphValue *h,
                          GraphValue *h0, GraphValue *c0);
/* start.c: the h0 [1, N, u] whose products with `recurrent` are in the constants of the gates of
 * the first step, and not in those of another step. A gate that a step does not have is NULL. The
 * result is NULL if h0 is zero or cannot be computed. */
GraphTensor *chain_start(Recognising *r, const GraphTensor *recurrent, const double *const *first,
                         const double *const *other);

#endif
