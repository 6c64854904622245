/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions that the graph has no operator for, written in operators that it has, for all
 * readers. */
#ifndef GRUS_IMPORT_READ_FORMS_H
#define GRUS_IMPORT_READ_FORMS_H

#include "import/read/emit.h"

/* ---- forms.c: element by element ---- */
typedef GraphValue *FormFunction(GraphEmit *e, GraphValue *x);
/* A row of a table of such functions, by the names that a format has for them. */
typedef struct NamedForm {
  const char *name;
  FormFunction *form;
} NamedForm;
/* The function of a name in a table of n rows; NULL: there is none. */
FormFunction *form_named(const NamedForm *table, size_t n, const char *name);
#define FORM_NAMED(table, name) form_named((table), sizeof(table) / sizeof *(table), (name))

GraphValue *form_exp2(GraphEmit *e, GraphValue *x);
GraphValue *form_expm1(GraphEmit *e, GraphValue *x);
GraphValue *form_log1p(GraphEmit *e, GraphValue *x);
GraphValue *form_log2(GraphEmit *e, GraphValue *x);
GraphValue *form_log10(GraphEmit *e, GraphValue *x);
GraphValue *form_log_sigmoid(GraphEmit *e, GraphValue *x);
GraphValue *form_rsqrt(GraphEmit *e, GraphValue *x);
GraphValue *form_erfc(GraphEmit *e, GraphValue *x);
GraphValue *form_sinh(GraphEmit *e, GraphValue *x);
GraphValue *form_cosh(GraphEmit *e, GraphValue *x);
GraphValue *form_asinh(GraphEmit *e, GraphValue *x);
GraphValue *form_acosh(GraphEmit *e, GraphValue *x);
GraphValue *form_atanh(GraphEmit *e, GraphValue *x);
GraphValue *form_asin(GraphEmit *e, GraphValue *x);
GraphValue *form_acos(GraphEmit *e, GraphValue *x);
GraphValue *form_sinc(GraphEmit *e, GraphValue *x);  /* sin(pi x) / (pi x), 1 at 0 */
GraphValue *form_trunc(GraphEmit *e, GraphValue *x); /* towards zero */
GraphValue *form_frac(GraphEmit *e, GraphValue *x);
GraphValue *form_tanhshrink(GraphEmit *e, GraphValue *x);
GraphValue *form_is_inf(GraphEmit *e, GraphValue *x);
GraphValue *form_is_finite(GraphEmit *e, GraphValue *x);
GraphValue *form_hypot(GraphEmit *e, GraphValue *a, GraphValue *b);
GraphValue *form_logaddexp(GraphEmit *e, GraphValue *a, GraphValue *b);
GraphValue *form_not_equal(GraphEmit *e, GraphValue *a, GraphValue *b);
/* x < -lambda: x + bias; x > lambda: x - bias; 0 between. */
GraphValue *form_shrink(GraphEmit *e, GraphValue *x, double lambda, double bias);
/* x where it is above `threshold`, else `value`. */
GraphValue *form_threshold(GraphEmit *e, GraphValue *x, double threshold, double value);

/* ---- form_norms.c: along axes of x, which n and axes name ---- */
/* The mean square distance from the mean, over the number of elements less `correction`. */
GraphValue *form_variance(GraphEmit *e, GraphValue *x, int n, const int64_t *axes,
                          double correction, bool keep);
/* The sum of |x|^p, to the power of 1/p; also of p = 0, which counts, and of infinities. */
GraphValue *form_norm(GraphEmit *e, GraphValue *x, double p, int n, const int64_t *axes, bool keep);
/* x less its mean, over sqrt(variance + eps). */
GraphValue *form_normalised(GraphEmit *e, GraphValue *x, int n, const int64_t *axes, double eps);

/* ---- form_moves.c ---- */
/* Each element along an axis of x, which has `rank` axes, as often as `times` says, a vector of one
 * number. */
GraphValue *form_repeated(GraphEmit *e, GraphValue *x, int rank, int axis, GraphValue *times);
/* Along an axis of x its last `before` elements, x, and its first `after` ones. */
GraphValue *form_wrapped(GraphEmit *e, GraphValue *x, int axis, int64_t before, int64_t after);
/* Squares of side b of an image [N, C, H, W] as channels: [N, C b b, H/b, W/b]. The channels of one
 * square lie together (b b C), or those of one channel (C b b). */
GraphValue *form_space_to_depth(GraphEmit *e, GraphValue *x, int64_t b, bool channel_outermost);

/* ---- einsum.c ---- */
/* A sum of products by its equation, such as "btf,fg->btg", of one operand or several; `rank` of
 * each operand, -1 where it is not known; NULL: of none it is known. NULL after setting `reason`.
 */
GraphValue *form_einsum(GraphEmit *e, const char *equation, int n_in, GraphValue *const *in,
                        const int *rank, const char **reason);

#endif
