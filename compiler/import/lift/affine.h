/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Affine forms. In, a value of a flat graph; out, each element of its first sample as a sum of
 * products of constants with elements of other values, the sources, and a constant:
 *
 *     value = M1 source1 + M2 source2 + ... + b
 *
 * However a graph packs gates, cuts, joins, transposes or adds them: the form of a gate is its
 * matrix. */
#ifndef GRUS_IMPORT_AFFINE_H
#define GRUS_IMPORT_AFFINE_H

#include "import/lift/atoms.h"

enum { FORM_MAX_TERMS = 6 };

/* Element i of the value gets row pick[i] of a matrix times the source, nothing where that is -1.
 * Terms share matrices, those of the file among them: moves and cuts of a value cost no memory but
 * for pick. */
typedef struct Term {
  GraphValue *source;
  const double *matrix;          /* NULL: of ones in the diagonal */
  int64_t row_step, column_step; /* places between two rows, two columns, of matrix */
  const int64_t *pick;           /* NULL: element i has row i */
} Term;

typedef struct Form {
  int64_t n;
  int n_terms;
  Term term[FORM_MAX_TERMS];
  const double *constant; /* [n]; NULL: zeros */
} Form;

typedef struct Forms {
  Flat *flat;
  Arena *arena;       /* of what is worked out here */
  Atoms *atoms;       /* which elements belong to the first sample */
  int batch;          /* family; -1: there is one sample */
  const Form **known; /* by value id */
  size_t cap;
  const GraphValue *const *barrier; /* values that are sources whatever makes them */
  int n_barriers;
  int depth, visits; /* of the recursion over sums, which is bounded */
} Forms;

/* The form of a value. A value that nothing affine makes is its own source. NULL: too many
 * terms. */
const Form *form_of(Forms *forms, GraphValue *value);
/* The sources of a value alone, without their matrices: cheap. out has room for FORM_MAX_TERMS. */
void form_sources(Forms *forms, GraphValue *value, GraphValue **out, int *n);
/* Element i's weight of element k. */
static inline double term_weight(const Term *term, int64_t i, int64_t k) {
  int64_t row = term->pick ? term->pick[i] : i;
  if (!term->matrix) return row == k ? 1 : 0;
  return row < 0 ? 0 : term->matrix[row * term->row_step + k * term->column_step];
}
/* Elements of one sample. */
int64_t form_elements(const Forms *forms, const GraphValue *value);

/* ---- form.c: NULL, too many terms or too large a matrix ---- */
enum { FORM_MATRIX_MAX = 1 << 26 }; /* elements of one matrix */
const GraphTensor *form_type(const Forms *forms, const GraphValue *value);
/* place[e]: which element of the first sample element e is; -1: of another. */
int64_t *form_sample_places(const Forms *forms, Arena *arena, const GraphValue *value);
Form *form_new(Forms *forms, int64_t n);
/* All rows of a matrix that stand one after the other. width: elements of the source. */
Term form_term(GraphValue *source, const double *matrix, int64_t width);
/* The value as its own source. */
const Form *form_own(Forms *forms, GraphValue *value);
/* Elements of a form in other places: element i is from[i]; -1: zero. */
const Form *form_moved(Forms *forms, const Form *x, const int64_t *from, int64_t n);
/* x + scale y, element by element. */
const Form *form_added(Forms *forms, const Form *x, const Form *y, double scale);
/* Element i times factor[i]. */
const Form *form_scaled(Forms *forms, const Form *x, const double *factor);

#endif
