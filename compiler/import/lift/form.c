/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arithmetic on affine forms (affine.h): elements at other places, sums, and products with one
 * number for each element. */
#include "import/lift/affine.h"

#include <string.h>

const GraphTensor *form_type(const Forms *f, const GraphValue *v) {
  return flat_type_of(f->flat, v);
}

/* The factors of a value, or none if there is one sample. A value that was made after the analysis
 * of atoms has no factors, and no batch. */
static Factors factors_of(const Forms *f, const GraphValue *value) {
  return f->batch < 0 || value->id >= f->atoms->n_values ? (Factors){0} : atoms_of(f->atoms, value);
}

int64_t form_elements(const Forms *f, const GraphValue *value) {
  Factors a = factors_of(f, value);
  int64_t n = form_type(f, value)->count;
  for (int i = 0; i < a.n; i++)
    if (atom_family(f->atoms, a.atom[i]) == f->batch) n /= atom_size(f->atoms, a.atom[i]);
  return n;
}

int64_t *form_sample_places(const Forms *f, Arena *arena, const GraphValue *value) {
  Factors a = factors_of(f, value);
  int64_t n = form_type(f, value)->count, *place = ARENA_ARRAY(arena, int64_t, n + 1), at = 0;
  for (int64_t e = 0; e < n; e++) {
    int64_t left = e;
    bool first = true;
    for (int i = a.n; i-- > 0;) {
      int64_t size = atom_size(f->atoms, a.atom[i]);
      if (atom_family(f->atoms, a.atom[i]) == f->batch && left % size) first = false;
      left /= size;
    }
    place[e] = first ? at++ : -1;
  }
  return place;
}

Term form_term(GraphValue *source, const double *matrix, int64_t width) {
  return (Term){.source = source, .matrix = matrix, .row_step = width, .column_step = 1};
}

Form *form_new(Forms *f, int64_t n) {
  Form *form = ARENA_NEW(f->arena, Form);
  form->n = n;
  return form;
}

const Form *form_own(Forms *f, GraphValue *value) {
  Form *form = form_new(f, form_elements(f, value));
  form->term[form->n_terms++] = (Term){.source = value};
  return form;
}

/* Whether `pick` is 0, 1, .. n - 1 and takes all elements, of which there are `all`. */
static bool is_count(const int64_t *pick, int64_t n, int64_t all) {
  for (int64_t i = 0; i < n; i++)
    if (pick[i] != i) return false;
  return n == all;
}

const Form *form_moved(Forms *f, const Form *x, const int64_t *from, int64_t n) {
  Arena *arena = f->arena;
  Form *form = form_new(f, n);
  form->n_terms = x->n_terms;
  for (int t = 0; t < x->n_terms; t++) {
    const Term *term = &x->term[t];
    if (term_has_matrix(term) && n * form_elements(f, term->source) > FORM_MATRIX_MAX) return NULL;
    int64_t *pick = ARENA_ARRAY(arena, int64_t, n ? n : 1);
    for (int64_t i = 0; i < n; i++)
      pick[i] = from[i] < 0 ? -1 : term->pick ? term->pick[from[i]] : from[i];
    form->term[t] = *term;
    form->term[t].pick = is_count(pick, n, x->n) ? NULL : pick;
  }
  if (!x->constant) return form;
  double *constant = ARENA_ARRAY(arena, double, n ? n : 1);
  for (int64_t i = 0; i < n; i++)
    constant[i] = from[i] < 0 ? 0 : x->constant[from[i]];
  form->constant = constant;
  return form;
}

const Form *form_added(Forms *f, const Form *x, const Form *y, double scale) {
  Arena *arena = f->arena;
  Form *form = form_new(f, x->n);
  if (x->n != y->n) return NULL;
  memcpy(form->term, x->term, sizeof x->term);
  form->n_terms = x->n_terms;
  for (int t = 0; t < y->n_terms; t++) {
    const Term *term = &y->term[t];
    int same = 0;
    while (same < form->n_terms && form->term[same].source != term->source)
      same++;
    if (same == form->n_terms && scale == 1) {
      if (form->n_terms == FORM_MAX_TERMS) return NULL;
      form->term[form->n_terms++] = *term;
      continue;
    }
    int64_t width = form_elements(f, term->source);
    if (x->n * width > FORM_MATRIX_MAX || same == FORM_MAX_TERMS) return NULL;
    double *matrix = ARENA_ARRAY(arena, double, (x->n * width + 1));
    for (int64_t i = 0; i < x->n; i++)
      for (int64_t k = 0; k < width; k++)
        matrix[i * width + k] = (same < form->n_terms ? term_weight(&form->term[same], i, k) : 0) +
                                scale * term_weight(term, i, k);
    form->term[same] = form_term(term->source, matrix, width);
    if (same == form->n_terms) form->n_terms++;
  }
  if (!x->constant && !y->constant) return form;
  double *constant = ARENA_ARRAY(arena, double, x->n ? x->n : 1);
  for (int64_t i = 0; i < x->n; i++)
    constant[i] = (x->constant ? x->constant[i] : 0) + scale * (y->constant ? y->constant[i] : 0);
  form->constant = constant;
  return form;
}

const Form *form_scaled(Forms *f, const Form *x, const double *factor) {
  Arena *arena = f->arena;
  Form *form = form_new(f, x->n);
  form->n_terms = x->n_terms;
  for (int t = 0; t < x->n_terms; t++) {
    int64_t width = form_elements(f, x->term[t].source);
    if (x->n * width > FORM_MATRIX_MAX) return NULL;
    double *matrix = ARENA_ARRAY(arena, double, (x->n * width + 1));
    for (int64_t i = 0; i < x->n; i++)
      for (int64_t k = 0; k < width; k++)
        matrix[i * width + k] = factor[i] * term_weight(&x->term[t], i, k);
    form->term[t] = form_term(x->term[t].source, matrix, width);
  }
  if (!x->constant) return form;
  double *constant = ARENA_ARRAY(arena, double, x->n ? x->n : 1);
  for (int64_t i = 0; i < x->n; i++)
    constant[i] = factor[i] * x->constant[i];
  form->constant = constant;
  return form;
}
