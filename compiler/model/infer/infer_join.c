/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* concat and the operators: values side by side, or element by element. Nothing is stretched. */
#include "model/infer/infer_rule.h"

#include <string.h>

/* ---- concat ---- */

/* The transposed convolution that made the sizes of v, through stages that keep them; NULL: none.
 */
static const Layer *spread_by(const Value *v) {
  for (; v->layer && v->layer->n_in; v = v->layer->in[0]) {
    const Layer *layer = v->layer;
    if (layer->kind == LAYER_Conv1DTranspose || layer->kind == LAYER_Conv2DTranspose) return layer;
    if (layer->n_in > 1 || !dims_equal(&v->type, &layer->in[0]->type)) return NULL;
  }
  return NULL;
}

/* Where a transposed convolution makes one axis longer than its counterpart by less than a stride:
 * the rest of a size that the stride does not divide. False: it does not. */
static bool advise_cut(Infer *inf, Diag *d, const Layer *layer, int j, int axis) {
  int64_t a = layer->in[0]->type.dim[axis].n, b = layer->in[j]->type.dim[axis].n;
  int longer = a > b ? 0 : j;
  const Value *v = layer->in[longer];
  const Layer *spread = spread_by(v);
  int64_t least = a > b ? b : a, surplus = a + b - 2 * least, stride = 0;
  for (int k = 0; spread && k < spread->n_along; k++)
    if (spread->along[k].axis == axis) stride = spread->along[k].stride;
  if (surplus >= stride) return false;
  diag_note(d,
            "if a stride does not divide a size, the size is rounded, and `%s` returns a whole "
            "multiple of the stride",
            layer_name(spread));
  if (!v->type.dim[axis].label) return true;
  edit_pipe_input(inf, diag_fix(d, FIX_MAYBE, "remove the surplus positions"), layer, longer,
                  arena_printf(inf->arena, "slice(0, %lld, along=%s)", (long long)least,
                               v->type.dim[axis].label));
  return true;
}

/* The first axis that differs, but for the one that is joined. */
static int axis_that_differs(const Layer *layer, int j) {
  const Type *a = &layer->in[0]->type, *b = &layer->in[j]->type;
  int axis = 0;
  while (axis == layer->along[0].axis || a->dim[axis].n == b->dim[axis].n)
    axis++;
  return axis;
}

static bool report_axes(Infer *inf, const Layer *layer, int j) {
  const Type *a = &layer->in[0]->type, *b = &layer->in[j]->type;
  bool last = layer->along[0].axis == a->rank - 1;
  const char *joined =
      last ? "the last axis"
           : arena_printf(inf->arena, "`%s`", axis_name(inf->arena, a, layer->along[0].axis));
  Diag *d;
  if (a->rank != b->rank) {
    d = infer_report(inf, E308, layer, layer->name_span,
                     "`concat` joins %s; the number of axes differs", joined);
    diag_primary(d, "%d and %d", a->rank, b->rank);
    infer_label_both(inf, d, layer, 0, j);
    return false;
  }
  int axis = axis_that_differs(layer, j);
  const char *name = axis_name(inf->arena, a->dim[axis].label ? a : b, axis);
  bool named = a->dim[axis].label || b->dim[axis].label;
  d = infer_report(inf, E308, layer, layer->name_span, "`concat` joins %s; %s%s%s differs", joined,
                   named ? "`" : "", name, named ? "`" : "");
  diag_primary(d, "%lld and %lld", (long long)a->dim[axis].n, (long long)b->dim[axis].n);
  infer_label_both(inf, d, layer, 0, j);
  advise_cut(inf, d, layer, j, axis);
  return false;
}

/* Compares all axes except the joined one. */
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

/* If only the number of features differs, suggests a Dense on the narrower operand. */
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

/* The only axis whose sizes differ, -1: not one. */
static int only_axis_that_differs(const Type *a, const Type *b) {
  int found = -1;
  if (a->rank != b->rank) return -1;
  for (int i = 0; i < a->rank; i++) {
    if (a->dim[i].n == b->dim[i].n) continue;
    if (found >= 0) return -1;
    found = i;
  }
  return found;
}

static bool report_shapes(Infer *inf, const Layer *layer, int j) {
  Diag *d = infer_report(inf, E303, layer, layer->name_span,
                         "operands of `%s` must have equal shapes", layer_name(layer));
  infer_label_both(inf, d, layer, 0, j);
  diag_note(d, "every axis must be equal, because grus does not broadcast");
  int axis = only_axis_that_differs(&layer->in[0]->type, &layer->in[j]->type);
  bool cut = axis >= 0 && advise_cut(inf, d, layer, j, axis);
  if (!cut && (spread_by(layer->in[0]) || spread_by(layer->in[j])))
    diag_note(d, "a transposed convolution with the `kernel`, `stride` and `padding` of a "
                 "convolution restores the size before it");
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
