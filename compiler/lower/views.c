/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages whose result is another view of their input: nothing is computed. Where a reader asks for what
 * a view cannot have (rows of zeros around it), the elements are copied after all. */
#include "lower/lower_internal.h"

static View same_view(Lower *l, const Layer *layer) {
  return *view_of(l, layer->in[0]);
}

static View slice_view(Lower *l, const Layer *layer) {
  View view = *view_of(l, layer->in[0]);
  int last = view.rank - 1;
  int64_t begin = layer_size(layer, OPT_begin, 0);
  view.dim[last] = layer_size(layer, OPT_end, 0) - begin;
  view.at = kir_at_offset(view.at, begin * view.stride[last]);
  return view;
}

static View last_view(Lower *l, const Layer *layer) {
  const Value *v = layer->in[0];
  View view = *view_of(l, v);
  Domain d = domain_of(l, &v->type);
  if (view.time && d.kind == TIME_BOUNDED)
    view.at = kir_at_plus(kir_at_offset(view.at, -view.time), view.time, l->length[d.length]);
  else if (view.time)
    view.at = kir_at_offset(view.at, view.time * (d.n - 1));
  view.time = 0;
  return view;
}

/* repeat, expand: every row is the same. */
static View repeated_view(Lower *l, const Layer *layer) {
  View view = *view_of(l, layer->in[0]);
  view.time = 0;
  return view;
}

void view_step(Lower *l, const Layer *layer, KirReg *t) {
  View from = lowering_of(layer)->view(l, layer);
  copy_row(l, view_of(l, layer->out[0]), t, &from, t);
}

const Lowering training_lowering = {.step = view_step, .view = same_view};
const Lowering slice_lowering = {.step = view_step, .view = slice_view};
const Lowering last_lowering = {.step = view_step, .view = last_view, .ends_time = true};
const Lowering repeat_lowering = {.step = view_step, .view = repeated_view};
const Lowering expand_lowering = {.step = view_step, .view = repeated_view};
