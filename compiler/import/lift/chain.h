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

/* Steps 0..n-1 of one cell, and what each of them reads beside its state. */
typedef struct Chain {
  int *step;
  int n;
  size_t cap;
} Chain;

typedef struct Recognising {
  Flat *flat;
  Forms forms;
  Arena *work;  /* of the forms of one chain */
  Atoms *atoms; /* NULL: they are solved again when all is done */
  int batch;    /* family; -1 */
  int64_t samples;
  Steps steps;
  bool *taken; /* by step: it belongs to an operator that was made */
} Recognising;

/* Where in a sequence a source stands. */
typedef struct RowPlace {
  GraphValue *sequence;
  int axis;
  int64_t index;
} RowPlace;

/* What the steps of a chain read beside the state: sources in the order of the model step. */
typedef struct Input {
  int n;
  GraphValue *source[FORM_MAX_TERMS]; /* of the model step */
  GraphValue *x;                      /* [T, N, d] */
  bool backward;
} Input;

/* The gates of a step and the sources they are forms of, without the state. */
typedef struct StepForms {
  GraphValue *const *source;
  int n;
  const Form *gate[CELL_MAX_GATES]; /* NULL: the step lacks it, or it was not worked out */
} StepForms;

/* Element and shape of a value; NULL: not known. */
static inline const GraphTensor *chain_type(const Recognising *r, const GraphValue *value) {
  return flat_type_of(r->flat, value);
}
/* Where a source stands in a sequence, one that was reversed read from its other end. */
bool chain_spot(const Recognising *r, GraphValue *value, RowPlace *out);
/* Types and atoms of a node that was added. */
bool chain_settle(Recognising *r, GraphNode *node);
/* The result of a node that flat_... has just made, which may be NULL: with its atoms. */
GraphValue *chain_made(Recognising *r, GraphValue *made);
GraphValue *chain_reshaped(Recognising *r, const GraphNode *like, GraphValue *x, int rank,
                           const int64_t *dim);
/* The sources of step s that are no state. */
int chain_inputs(Recognising *r, const CellStep *s, const GraphValue *h, GraphValue **out);
/* Source k of every step as one sequence; *backward where later steps read earlier rows. */
GraphValue *chain_sequence(Recognising *r, const Chain *c, GraphValue *const *source,
                           bool *backward);
/* ---- chain_alike.c ---- */
/* Whether two numbers are the same but for rounding. */
bool numbers_agree(double a, double b);
/* The forms of a step's gates. source: n of them, which live as long as the result. */
StepForms chain_forms(Recognising *r, const CellStep *s, GraphValue *const *source, int n,
                      int steps);
/* Whether two steps multiply by the same numbers, as far as their forms tell. */
bool chain_alike(const Recognising *r, const StepForms *a, const StepForms *b);

/* scope.c: names the operator of a chain as the file names the cell, if it does. */
void chain_name(const Recognising *r, const Chain *c, GraphNode *node);
/* Concat of all rows of a recurrent result, in order, becomes the result itself. */
void chain_unstack(Recognising *r, GraphNode *concat);
bool chain_is_all(const double *x, int64_t n, double value);
/* The operator of a chain. h: the state source of the model step. NULL: the equations do not fit
 * after all. */
GraphNode *chain_operator(Recognising *r, const CellStep *s, const Input *in, const GraphValue *h,
                          GraphValue *h0, GraphValue *c0);
/* The h0 [1, N, u] that the constants of the first step's gates hold, and those of another step do
 * not; a gate that a step does not have is NULL. NULL: zeros, or it cannot be told. */
GraphTensor *chain_start(Recognising *r, const GraphTensor *recurrent, const double *const *first,
                         const double *const *other);

#endif
