/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Affine forms. In, a value of a flat graph; out, its first sample as matrices times other values,
 * which are called its sources, and a constant:
 *
 *     value = M1 source1 + M2 source2 + ... + b
 *
 * A graph may pack, slice, join, transpose or add the gates of a cell in any way: the form of a
 * gate has the same matrices. */
#ifndef GRUS_IMPORT_AFFINE_H
#define GRUS_IMPORT_AFFINE_H

#include "import/lift/atoms.h"

enum { FORM_MAX_TERMS = 6 };

/* One of these products: element i of the value is row pick[i] of a matrix times the source, or 0
 * if pick[i] is -1. Terms share matrices with each other and with the constants of the graph, so a
 * value that is moved or sliced costs only another `pick`. */
typedef struct Term {
  GraphValue *source;
  const double *matrix;          /* NULL: narrow has it, or it is the identity matrix */
  const float *narrow;           /* numbers of the file that are floats */
  int64_t row_step, column_step; /* elements from one row, or one column, of matrix to the next */
  const int64_t *pick;           /* NULL: pick[i] is i */
} Term;

typedef struct Form {
  int64_t n;
  int n_terms;
  Term term[FORM_MAX_TERMS];
  const double *constant; /* [n]; NULL: zeros */
} Form;

typedef struct Forms {
  Flat *flat;
  Arena *arena;       /* where forms are made */
  Atoms *atoms;       /* they show which elements belong to the first sample */
  int batch;          /* the family of the batch; -1: there is one sample */
  const Form **known; /* by value id: the forms that were computed */
  size_t cap;
  const GraphValue *const *barrier; /* values that are always sources, whatever computes them */
  int n_barriers;
  int depth, visits; /* how deep and how long the recursion is; both have a limit */
} Forms;

/* The form of a value. A value that no affine operator makes is its own source. NULL: it has too
 * many terms, or too large a matrix. */
const Form *form_of(Forms *forms, GraphValue *value);
/* Adds the sources of a value to `out`, which has room for FORM_MAX_TERMS. No matrix is computed.
 */
void form_sources(Forms *forms, GraphValue *value, GraphValue **out, int *n);
static inline bool term_has_matrix(const Term *term) {
  return term->matrix || term->narrow;
}

/* The weight with which element i of the value takes element k of the source. */
static inline double term_weight(const Term *term, int64_t i, int64_t k) {
  int64_t row = term->pick ? term->pick[i] : i;
  if (!term_has_matrix(term)) return row == k ? 1 : 0;
  if (row < 0) return 0;
  int64_t at = row * term->row_step + k * term->column_step;
  return term->matrix ? term->matrix[at] : (double)term->narrow[at];
}
/* How many elements one sample of a value has. */
int64_t form_elements(const Forms *forms, const GraphValue *value);

/* ---- form.c: a result is NULL if it has too many terms or too large a matrix ---- */
enum { FORM_MATRIX_MAX = 1 << 26 }; /* elements of one matrix */
const GraphTensor *form_type(const Forms *forms, const GraphValue *value);
/* place[e] is the number of element e within the first sample; -1: it is of another sample. */
int64_t *form_sample_places(const Forms *forms, Arena *arena, const GraphValue *value);
Form *form_new(Forms *forms, int64_t n);
/* A term with a matrix whose rows lie one after the other. width: how many elements the source has.
 */
Term form_term(GraphValue *source, const double *matrix, int64_t width);
/* The form of a value that is its own source. */
const Form *form_own(Forms *forms, GraphValue *value);
/* n elements of a form: element i is element from[i] of x, or 0 if from[i] is -1. */
const Form *form_moved(Forms *forms, const Form *x, const int64_t *from, int64_t n);
/* x + scale * y, element by element. */
const Form *form_added(Forms *forms, const Form *x, const Form *y, double scale);
/* Element i of x times factor[i]. */
const Form *form_scaled(Forms *forms, const Form *x, const double *factor);

#endif
