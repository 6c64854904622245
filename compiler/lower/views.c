/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages whose result is another view of their input: nothing is computed. Where a reader asks for
 * what a view cannot have (rows of zeros around it), the elements are copied after all. */
#include "lower/lower_internal.h"

static View same_view(const Emit *e, const Layer *layer, View in) {
  (void)e->l;
  (void)layer;
  return in;
}

static int along(const Layer *layer) {
  return layer->along[0].axis;
}

/* Rows moved or picked: a window of one row (schedule.c), copied. */
static Window row_window(int64_t hop, int64_t shift) {
  return (Window){.size = 1, .hop = hop, .dilation = 1, .shift = shift};
}

/* The step of a window of one row: row t * hop + shift of the input. */
static void row_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  View x = *view_of(l, layer->in[0]);
  Window w = window_of(l, layer);
  x.at = kir_at_offset(x.at, w.shift * x.time);
  x.time *= w.hop;
  copy_row(e, view_of(l, layer->out[0]), t, &x, t);
}

static View slice_view(const Emit *e, const Layer *layer, View view) {
  (void)e->l;
  int axis = along(layer);
  int64_t begin = layer_size(layer, OPT_begin, 0);
  view.dim[axis] = layer_size(layer, OPT_end, 0) - begin;
  view.at = kir_at_offset(view.at, begin * view.stride[axis]);
  return view;
}

static Window slice_window(const Layer *layer) {
  if (along(layer) != AXIS_TIME) return (Window){.size = 0};
  return row_window(1, layer_size(layer, OPT_begin, 0));
}

static Window delay_window(const Layer *layer) {
  return row_window(1, -layer_size(layer, OPT_n, 0));
}

static View every_nth_view(const Emit *e, const Layer *layer, View view) {
  (void)e->l;
  int axis = along(layer);
  view.stride[axis] *= layer_size(layer, OPT_n, 1);
  view.dim[axis] = layer->out[0]->type.dim[axis].n;
  return view;
}

static Window every_nth_window(const Layer *layer) {
  if (along(layer) != AXIS_TIME) return (Window){.size = 0};
  return row_window(layer_size(layer, OPT_n, 1), 0);
}

static void window_or_view_step(Emit *e, const Layer *layer, Step t) {
  if (along(layer) == AXIS_TIME)
    row_step(e, layer, t);
  else
    view_step(e, layer, t);
}

static View reverse_view(const Emit *e, const Layer *layer, View view) {
  (void)e->l;
  int axis = along(layer);
  view.at = kir_at_offset(view.at, (view.dim[axis] - 1) * view.stride[axis]);
  view.stride[axis] = -view.stride[axis];
  return view;
}

static View permute_view(const Emit *e, const Layer *layer, View x) {
  View view = x;
  (void)e->l;
  for (int k = 0; k < layer->n_along; k++) {
    view.dim[k] = x.dim[layer->along[k].axis];
    view.stride[k] = x.stride[layer->along[k].axis];
  }
  return view;
}

static View without_axis(View view, int axis) {
  view.rank--;
  for (int i = axis; i < view.rank; i++) {
    view.dim[i] = view.dim[i + 1];
    view.stride[i] = view.stride[i + 1];
  }
  return view;
}

/* last and first: one position of an axis, or one row. */
static View last_view(const Emit *e, const Layer *layer, View view) {
  int axis = along(layer);
  bool first = layer->kind == LAYER_first;
  Domain d = domain_of(e->l, &layer->in[0]->type);
  if (axis != AXIS_TIME) {
    if (!first) view.at = kir_at_offset(view.at, (view.dim[axis] - 1) * view.stride[axis]);
    return without_axis(view, axis);
  }
  if (view.time && d.kind == TIME_BOUNDED && !first)
    view.at = kir_at_plus(kir_at_offset(view.at, -view.time), view.time, e->length[d.length]);
  else if (view.time && !first)
    view.at = kir_at_offset(view.at, view.time * (d.n - 1));
  view.time = 0;
  return view;
}

/* Copied after all: the final row once its loop is over. */
static void last_step(Emit *e, const Layer *layer, Step t) {
  if (!layer_is_along_time(layer)) view_step(e, layer, t);
}

static void last_after(Emit *e, const Layer *layer) {
  if (layer_is_along_time(layer)) view_step(e, layer, ONLY_STEP);
}

/* expand: every row is the same row of the input. */
static View expand_view(const Emit *e, const Layer *layer, View view) {
  (void)e->l;
  (void)layer;
  view.time = 0;
  return view;
}

/* repeat: no distance from position to position along the axes that were lacking. */
static View repeat_view(const Emit *e, const Layer *layer, View x) {
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  const Value *whose = layer_opt(layer, OPT_along)->value;
  View view = x;
  int axis[TYPE_MAX_AXES];
  (void)e->l;
  if (!type_is_sequence(in)) view.time = 0;
  if (out->rank == in->rank || !repeat_match(in, &whose->type, axis)) return view;
  view.rank = out->rank;
  for (int k = 0; k < out->rank; k++) {
    view.dim[k] = out->dim[k].n;
    view.stride[k] = 0;
  }
  for (int i = 0; i < in->rank; i++)
    view.stride[axis[i]] = x.stride[i];
  return view;
}

void view_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  View from = lowering_of(layer)->view(e, layer, *view_of(l, layer->in[0]));
  copy_row(e, view_of(l, layer->out[0]), t, &from, t);
}

/* ---- copied always ---- */

/* Positions from..from + n of an axis; step -1: downwards. */
static View part_of(const View *v, int axis, int64_t from, int64_t n, int64_t step) {
  View part = *v;
  part.at = kir_at_offset(part.at, from * v->stride[axis]);
  part.dim[axis] = n;
  part.stride[axis] = step * v->stride[axis];
  return part;
}

/* One end of a padded row: n positions from `at` on, towards `step`, mirrored at position `edge` of
 * x. */
static void pad_end(Emit *e, const Layer *layer, const View *y, const View *x, Step t, int64_t at,
                    int64_t n, int64_t edge, int64_t step) {
  int axis = along(layer);
  if (n == 0) return;
  View to = part_of(y, axis, at, n, step), from = part_of(x, axis, edge, n, 0);
  if (layer_word_is(layer, OPT_mode, "reflect")) from = part_of(x, axis, edge - step, n, -step);
  if (layer_word_is(layer, OPT_mode, "zero"))
    zero_row(e, &to, t, 0);
  else
    copy_row(e, &to, t, &from, t);
}

static void pad_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int axis = along(layer);
  int64_t before = layer_size(layer, OPT_before, 0), after = layer_size(layer, OPT_after, 0);
  if (axis == AXIS_TIME) {
    row_step(e, layer, t);
    return;
  }
  View inside = part_of(y, axis, before, x->dim[axis], 1);
  copy_row(e, &inside, t, x, t);
  pad_end(e, layer, y, x, t, before - 1, before, 0, -1);
  pad_end(e, layer, y, x, t, before + x->dim[axis], after, x->dim[axis] - 1, 1);
}

/* Steps of another kind than zeros stand around the sequence. */
static bool pads_steps(const Layer *layer) {
  return along(layer) == AXIS_TIME && !layer_word_is(layer, OPT_mode, "zero");
}

/* n rows of y from row `to` on are those of x from row `from` on; step_to, step_from: which way. */
static void pad_rows(Emit *e, View y, View x, int64_t n, int64_t to, int64_t step_to, int64_t from,
                     int64_t step_from) {
  if (n == 0) return;
  y.at = kir_at_offset(y.at, to * y.time);
  x.at = kir_at_offset(x.at, from * x.time);
  y.time *= step_to;
  x.time *= step_from;
  KirReg *t = kb_for(&e->kb, "t", 0, n, 1);
  copy_row(e, &y, step_at(t), &x, step_at(t));
  kb_end(&e->kb);
}

static void pad_alone(Emit *e, const Layer *layer) {
  View x = *view_of(e->l, layer->in[0]), y = *view_of(e->l, layer->out[0]);
  int64_t n = layer->in[0]->type.time.n;
  int64_t before = layer_size(layer, OPT_before, 0), after = layer_size(layer, OPT_after, 0);
  int64_t mirror = layer_word_is(layer, OPT_mode, "reflect");
  pad_rows(e, y, x, before, before - 1, -1, mirror, mirror);
  pad_rows(e, y, x, n, before, 1, 0, 1);
  pad_rows(e, y, x, after, before + n, 1, n - 1 - mirror, -mirror);
}

static Window pad_window(const Layer *layer) {
  if (along(layer) != AXIS_TIME || pads_steps(layer)) return (Window){.size = 0};
  return row_window(1, -layer_size(layer, OPT_before, 0));
}

/* Every n-th position from each of the first n on is a copy of the input. */
static void upsample_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int axis = along(layer);
  int64_t n = layer_size(layer, OPT_n, 1);
  KirReg *i = kb_for(&e->kb, "u", 0, n, 1);
  View to = part_of(y, axis, 0, x->dim[axis], n);
  to.at = kir_at_plus(to.at, y->stride[axis], i);
  copy_row(e, &to, t, x, t);
  kb_end(&e->kb);
}

/* Along time every step of the input makes n of the result, in the call that it comes with. */
static void upsample_alone(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]);
  View y = *view_of(l, layer->out[0]);
  Domain in = domain_of(l, &layer->in[0]->type);
  int64_t n = layer_size(layer, OPT_n, 1);
  bool waits = in.kind == TIME_STREAM && in.lag > 0;
  KirExpr *from = waits ? domain_skip(e, in) : kb_int(kb, KIR_INDEX, 0, 1);
  KirReg *v = kb_for_expr(kb, "v", from, domain_count(e, in), 1);
  KirReg *i = kb_for(kb, "u", 0, n, 1);
  y.at = kir_at_plus(y.at, y.time, i);
  y.time *= n;
  copy_row(e, &y, step_at(v), x, step_at(v));
  kb_end(kb);
  kb_end(kb);
}

const Lowering training_lowering = {.step = view_step, .view = same_view};
const Lowering label_lowering = {.step = view_step, .view = same_view};
const Lowering permute_lowering = {.step = view_step, .view = permute_view};
const Lowering slice_lowering = {
    .step = window_or_view_step, .view = slice_view, .window = slice_window};
const Lowering every_nth_lowering = {
    .step = window_or_view_step, .view = every_nth_view, .window = every_nth_window};
const Lowering last_lowering = {
    .step = last_step, .after = last_after, .view = last_view, .ends_time = layer_is_along_time};
const Lowering repeat_lowering = {.step = view_step, .view = repeat_view};
const Lowering expand_lowering = {.step = view_step, .view = expand_view};
const Lowering reverse_lowering = {.step = view_step,
                                   .view = reverse_view,
                                   .is_private = layer_is_along_time,
                                   .alone = reverse_private};
const Lowering pad_lowering = {
    .step = pad_step, .window = pad_window, .is_private = pads_steps, .alone = pad_alone};
const Lowering upsample_lowering = {
    .step = upsample_step, .is_private = layer_is_along_time, .alone = upsample_alone};
const Lowering delay_lowering = {.step = row_step, .window = delay_window};
