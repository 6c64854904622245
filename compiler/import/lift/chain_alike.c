/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether the steps of a chain multiply by the same numbers. In, the gates of two steps; out, false
 * if they differ: a loop that adds in one step what it subtracts in the next is no recurrent layer.
 * Two kinds of steps count as equal, and the comparison of the model with the graph decides: steps
 * whose forms have other sources, such as a first step with a constant state, and steps whose forms
 * are too large to be computed for each of them. */
#include "import/lift/chain.h"

#include <math.h>

enum { ALIKE_MAX = 1 << 21 }; /* elements of the matrices of all steps */

bool numbers_agree(double a, double b) {
  return fabs(a - b) <= 1e-6 * (1 + fabs(a));
}

static bool constants_differ(const Form *a, const Form *b) {
  for (int64_t i = 0; i < a->n; i++)
    if (!numbers_agree(a->constant ? a->constant[i] : 0, b->constant ? b->constant[i] : 0))
      return true;
  return false;
}

/* The number of a value among the sources of a step; -1: it is none of them, such as the state. */
static int source_number(GraphValue *const *source, int n, const GraphValue *value) {
  for (int k = 0; k < n; k++)
    if (source[k] == value) return k;
  return -1;
}

/* Whether two gates have the same sources and different numbers. */
static bool forms_differ(const Forms *forms, const Form *a, const Form *b, const StepForms *of_a,
                         const StepForms *of_b) {
  if (!a || !b || a->n != b->n || a->n_terms != b->n_terms) return false;
  for (int t = 0; t < a->n_terms; t++) {
    const GraphValue *x = a->term[t].source, *y = b->term[t].source;
    if (source_number(of_a->source, of_a->n, x) != source_number(of_b->source, of_b->n, y) ||
        form_elements(forms, x) != form_elements(forms, y))
      return false;
  }
  for (int t = 0; t < a->n_terms; t++)
    for (int64_t i = 0, width = form_elements(forms, a->term[t].source); i < a->n; i++)
      for (int64_t k = 0; k < width; k++)
        if (!numbers_agree(term_weight(&a->term[t], i, k), term_weight(&b->term[t], i, k)))
          return true;
  return constants_differ(a, b);
}

StepForms chain_forms(Recognising *r, const CellStep *s, GraphValue *const *source, int n,
                      int steps) {
  StepForms out = {.source = source, .n = n};
  int64_t elements = 0, width = 0;
  for (int k = 0; k < n; k++)
    width += form_elements(&r->forms, source[k]);
  for (int g = 0; g < CELL_MAX_GATES; g++)
    if (s->gate[g].in) elements += form_elements(&r->forms, s->gate[g].in);
  /* The state is as wide as a gate. */
  if (steps < 2 || elements * (width + elements) > ALIKE_MAX / steps) return out;
  for (int g = 0; g < CELL_MAX_GATES; g++)
    out.gate[g] = s->gate[g].in ? form_of(&r->forms, s->gate[g].in) : NULL;
  return out;
}

bool chain_alike(const Recognising *r, const StepForms *a, const StepForms *b) {
  for (int g = 0; g < CELL_MAX_GATES; g++)
    if (forms_differ(&r->forms, a->gate[g], b->gate[g], a, b)) return false;
  return true;
}
