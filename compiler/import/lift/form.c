/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arithmetic on affine forms: elements in other places, sums, and factors by element. See affine.h.
 */
#include "import/lift/affine.h"

#include <string.h>

const GraphTensor *form_type(const Forms *f, const GraphValue *v) {
  return flat_type_of(f->flat, v);
}

/* Atoms made after the analysis (values of new nodes) have no factors: such values have no
 * batch. */
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

int64_t *form_sample_places(const Forms *f, const GraphValue *value) {
  Factors a = factors_of(f, value);
  int64_t n = form_type(f, value)->count, *place = ARENA_ARRAY(f->arena, int64_t, n + 1), at = 0;
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

double term_weight(const Forms *f, const Term *term, int64_t i, int64_t k) {
  if (!term->matrix) return term->pick[i] == k ? 1 : 0;
  return term->matrix[i * form_elements(f, term->source) + k];
}

Form *form_new(Forms *f, int64_t n) {
  Form *form = ARENA_NEW(f->arena, Form);
  form->n = n;
  return form;
}

const Form *form_own(Forms *f, GraphValue *value) {
  Form *form = form_new(f, form_elements(f, value));
  int64_t *pick = ARENA_ARRAY(f->arena, int64_t, form->n ? form->n : 1);
  for (int64_t i = 0; i < form->n; i++)
    pick[i] = i;
  form->term[form->n_terms++] = (Term){.source = value, .pick = pick};
  return form;
}

const Form *form_moved(Forms *f, const Form *x, const int64_t *from, int64_t n) {
  Arena *arena = f->arena;
  Form *form = form_new(f, n);
  form->n_terms = x->n_terms;
  for (int t = 0; t < x->n_terms; t++) {
    const Term *term = &x->term[t];
    int64_t width = form_elements(f, term->source);
    form->term[t].source = term->source;
    if (!term->matrix) {
      int64_t *pick = ARENA_ARRAY(arena, int64_t, n ? n : 1);
      for (int64_t i = 0; i < n; i++)
        pick[i] = from[i] < 0 ? -1 : term->pick[from[i]];
      form->term[t].pick = pick;
      continue;
    }
    if (n * width > FORM_MATRIX_MAX) return NULL;
    double *matrix = ARENA_ARRAY(arena, double, n *width + 1);
    for (int64_t i = 0; i < n; i++)
      if (from[i] >= 0)
        memcpy(matrix + i * width, term->matrix + from[i] * width, sizeof *matrix * (size_t)width);
    form->term[t].matrix = matrix;
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
    double *matrix = ARENA_ARRAY(arena, double, x->n *width + 1);
    for (int64_t i = 0; i < x->n; i++)
      for (int64_t k = 0; k < width; k++)
        matrix[i * width + k] =
            (same < form->n_terms ? term_weight(f, &form->term[same], i, k) : 0) +
            scale * term_weight(f, term, i, k);
    form->term[same] = (Term){.source = term->source, .matrix = matrix};
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
    double *matrix = ARENA_ARRAY(arena, double, x->n *width + 1);
    for (int64_t i = 0; i < x->n; i++)
      for (int64_t k = 0; k < width; k++)
        matrix[i * width + k] = factor[i] * term_weight(f, &x->term[t], i, k);
    form->term[t] = (Term){.source = x->term[t].source, .matrix = matrix};
  }
  if (!x->constant) return form;
  double *constant = ARENA_ARRAY(arena, double, x->n ? x->n : 1);
  for (int64_t i = 0; i < x->n; i++)
    constant[i] = factor[i] * x->constant[i];
  form->constant = constant;
  return form;
}
