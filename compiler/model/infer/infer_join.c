/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* concat and the operators: values side by side, or element by element. Nothing is stretched. */
#include "model/infer/infer_rule.h"

#include <string.h>

static void label_shapes(Infer *inf, Diag *d, const Layer *layer, int i, int j) {
  const int both[] = {i, j};
  for (int k = 0; k < 2; k++) {
    Span at = input_span(layer, both[k]);
    if (span_valid(at))
      diag_label(d, at, "%s", shape_or_type_str(inf->arena, &layer->in[both[k]]->type));
  }
  const Value *values[] = {layer->in[i], layer->in[j]};
  trace_values(d, inf->model, 2, values, false);
}

/* ---- concat ---- */

/* concat along an axis that is not the last. */
static bool report_other_axes(Infer *inf, const Layer *layer, int j) {
  const Type *a = &layer->in[0]->type;
  Diag *d =
      infer_report(inf, E308, layer, layer->name_span, "`concat` joins `%s`; another axis differs",
                   axis_name(inf->arena, a, layer->along[0].axis));
  diag_primary(d, "all other axes must be equal");
  label_shapes(inf, d, layer, 0, j);
  return false;
}

static bool report_axes(Infer *inf, const Layer *layer, int j) {
  const Type *a = &layer->in[0]->type, *b = &layer->in[j]->type;
  Diag *d;
  if (layer->along[0].axis != a->rank - 1 && a->rank == b->rank)
    return report_other_axes(inf, layer, j);
  if (a->rank != b->rank) {
    d = infer_report(inf, E308, layer, layer->name_span,
                     "`concat` joins the last axis; the number of axes differs");
    diag_primary(d, "%d and %d", a->rank, b->rank);
  } else {
    int i = 0;
    while (i < a->rank - 1 && a->dim[i].n == b->dim[i].n)
      i++;
    d = infer_report(inf, E308, layer, layer->name_span,
                     "`concat` joins the last axis; axis %d differs", i + 1 + type_is_sequence(a));
    diag_primary(d, "%lld and %lld", (long long)a->dim[i].n, (long long)b->dim[i].n);
  }
  label_shapes(inf, d, layer, 0, j);
  return false;
}

/* All axes but the one that is joined. */
static bool axes_meet(Infer *inf, const Layer *layer, int j) {
  Type a = layer->in[0]->type, b = layer->in[j]->type;
  if (a.rank != b.rank) return report_axes(inf, layer, j);
  type_drop_axis(&a, layer->along[0].axis);
  type_drop_axis(&b, layer->along[0].axis);
  if (!dims_equal(&a, &b)) return report_axes(inf, layer, j);
  int clash = dims_label_clash(&a, &b);
  if (clash < 0) return true;
  report_labels(inf, layer, 0, j, clash);
  return false;
}

static bool report_alone(Infer *inf, const Layer *layer) {
  Diag *d = infer_report(inf, E204, layer, layer->span, "`concat` needs two or more values");
  diag_primary(d, layer->n_in ? "only one is given" : "none is given");
  return false;
}

bool infer_concat(Infer *inf, Layer *layer) {
  if (layer->n_in < 2) return report_alone(inf, layer);
  for (int i = 0; i < layer->n_in; i++)
    if (!needs_numbers(inf, layer, layer->in[i])) return false;
  for (int i = 1; i < layer->n_in; i++)
    if (!times_meet(inf, layer, 0, i)) return false;
  for (int i = 0; i < layer->n_in; i++)
    if (!needs_rank(inf, layer, layer->in[i], 1, TYPE_MAX_AXES)) return false;
  if (!layer_goes_along_last(inf, layer, layer->in[0])) return false;
  int axis = layer->along[0].axis;
  if (axis == AXIS_TIME) return report_not_time(inf, layer, layer->in[0], NULL);
  Type type = type_result(&layer->in[0]->type);
  int64_t width = 0;
  for (int i = 0; i < layer->n_in; i++) {
    const Type *in = &layer->in[i]->type;
    if (i && !axes_meet(inf, layer, i)) return false;
    type_merge(&type, in);
    if (!size_add(width, in->dim[axis].n, &width))
      width = INT64_MAX; /* infer_size_fits reports it */
  }
  if (axis == type.rank - 1)
    type_set_last(&type, width);
  else
    type.dim[axis].n = width;
  layer->out[0]->type = type;
  return true;
}

/* ---- + - * / ---- */

/* Only the number of features differs: bring the narrower one up with a Dense. */
static void advise_project(Infer *inf, Diag *d, const Layer *layer) {
  const Type *a = &layer->in[0]->type, *b = &layer->in[1]->type;
  if (a->rank != 1 || b->rank != 1 || !time_equal(&a->time, &b->time)) return;
  int narrow = a->dim[0].n < b->dim[0].n ? 0 : 1;
  long long to = (long long)layer->in[1 - narrow]->type.dim[0].n;
  Fix *fix = diag_fix(d, FIX_MAYBE, "project the narrower operand to %lld features", to);
  Span at = input_span(layer, narrow);
  if (!span_valid(at)) return;
  const char *text = span_text(inf->arena, inf->diags->sources, at);
  if (strchr(text, '\n')) return;
  if (text[0] == '(' && strlen(text) > 1 && !strchr(text + 1, '('))
    fix_edit(fix, (Span){at.file, at.end - 1, at.end - 1}, " |> Dense(%lld)", to);
  else
    fix_edit(fix, at, "(%s |> Dense(%lld))", text, to);
}

/* Sizes that a transposed convolution made. */
static bool is_transposed(const Value *v) {
  while (v->layer && v->layer->n_in && (layer_info(v->layer->kind)->flags & POINTWISE))
    v = v->layer->in[0];
  return v->layer &&
         (v->layer->kind == LAYER_Conv1DTranspose || v->layer->kind == LAYER_Conv2DTranspose);
}

static bool report_shapes(Infer *inf, const Layer *layer, int j) {
  Diag *d = infer_report(inf, E303, layer, layer->name_span,
                         "operands of `%s` must have equal shapes", layer_name(layer));
  label_shapes(inf, d, layer, 0, j);
  diag_note(d, "every axis must be equal: there is no broadcasting");
  if (is_transposed(layer->in[0]) || is_transposed(layer->in[j]))
    diag_note(d, "a transposed convolution with the `kernel`, `stride` and `padding` of its "
                 "convolution brings back the size that the convolution had");
  if (layer->n_in == 2) advise_project(inf, d, layer);
  return false;
}

bool shapes_meet(Infer *inf, const Layer *layer, Type *type) {
  for (int i = 0; i < layer->n_in; i++)
    if (!needs_numbers(inf, layer, layer->in[i])) return false;
  *type = type_result(&layer->in[0]->type);
  for (int i = 1; i < layer->n_in; i++) {
    const Type *b = &layer->in[i]->type;
    if (!times_meet(inf, layer, 0, i)) return false;
    if (!dims_equal(type, b)) return report_shapes(inf, layer, i);
    int clash = dims_label_clash(type, b);
    if (clash >= 0) {
      report_labels(inf, layer, 0, i, clash);
      return false;
    }
    type_merge(type, b);
  }
  return true;
}

static bool infer_operator(Infer *inf, Layer *layer) {
  Type type;
  if (!shapes_meet(inf, layer, &type)) return false;
  layer->out[0]->type = type;
  return true;
}

bool infer_add(Infer *inf, Layer *layer) {
  return infer_operator(inf, layer);
}

bool infer_sub(Infer *inf, Layer *layer) {
  return infer_operator(inf, layer);
}

bool infer_mul(Infer *inf, Layer *layer) {
  return infer_operator(inf, layer);
}

bool infer_div(Infer *inf, Layer *layer) {
  return infer_operator(inf, layer);
}
