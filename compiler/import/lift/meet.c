/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Two operands of a node that works element by element. In, two placed values; out, a layout with
 * the axes of both, and each operand in that layout, repeated along axes that it lacks. */
#include "import/lift/lift.h"

#include <string.h>

/* Adds an axis to *out for each run of atoms of the same kind. False: there are too many axes. */
static bool add_runs(const Axis *axis, const int *kind, Layout *out) {
  for (int k = 0; k < axis->n; k++) {
    if (!k || kind[k] != kind[k - 1]) {
      if (out->n == TYPE_MAX_AXES) return false;
      out->axis[out->n++] = (Axis){0};
    }
    Axis *run = &out->axis[out->n - 1];
    run->atom[run->n++] = axis->atom[k];
  }
  return true;
}

static bool has_time(const Layout *layout, int time) {
  return layout->timed || layout_has(layout, time);
}

/* Whether a layout has all axes of another one. */
static bool has_all(const Layout *layout, const Layout *of) {
  int atom[LAYOUT_MAX_LEAVES], n = layout_leaves(of, atom);
  for (int i = 0; i < n; i++)
    if (!layout_has(layout, atom[i]) && !(layout->timed && layout->time == atom[i])) return false;
  return !of->timed || has_time(layout, of->time);
}

/* *out is `own`, with axes split so that `other` has each of them whole or lacks it. False: it gets
 * too many axes. */
static bool cut_for(const Layout *own, const Layout *other, Layout *out) {
  *out = (Layout){.timed = own->timed, .time = own->time};
  for (int i = 0; i < own->n; i++) {
    int kind[FACTORS_MAX];
    for (int k = 0; k < own->axis[i].n; k++)
      kind[k] = layout_has(other, own->axis[i].atom[k]) ||
                (other->timed && other->time == own->axis[i].atom[k]);
    if (!add_runs(&own->axis[i], kind, out)) return false;
  }
  if (!out->n && own->n) out->n = 1;
  return true;
}

bool lift_meeting(Lift *l, const GraphNode *node, const GraphValue *a, const GraphValue *b,
                  const GraphValue **wide, Layout *out) {
  const Layout *one = &l->placed[a->id].layout, *two = &l->placed[b->id].layout;
  bool first = has_all(one, two), second = has_all(two, one);
  if (first && second) first = one->timed; /* they are equal: take the sequence */
  bool fits = true;
  *wide = first ? a : b;
  if (first || second)
    fits = cut_for(first ? one : two, first ? two : one, out);
  else { /* each lacks an axis of the other: add those that the sequence lacks in front */
    const Layout *own = one->timed ? one : two, *other = one->timed ? two : one;
    Layout all = {.timed = own->timed, .time = own->time}, cut;
    Axis missing = layout_missing(own, other);
    *wide = one->timed ? a : b;
    for (int i = 0; i < missing.n && all.n < TYPE_MAX_AXES; i++)
      if (!own->timed || missing.atom[i] != own->time)
        all.axis[all.n++] = (Axis){.n = 1, .atom = {missing.atom[i]}};
    for (int i = 0; i < own->n && all.n < TYPE_MAX_AXES; i++)
      all.axis[all.n++] = own->axis[i];
    fits = all.n < TYPE_MAX_AXES && cut_for(&all, one, &cut) && cut_for(&cut, two, out);
  }
  if (!fits)
    lift_lacks(l, node, E902,
               arena_printf(l->arena,
                            "join neighbouring axes by a reshape, so that at most %d are left",
                            TYPE_MAX_AXES),
               "has operands of more than %d axes", TYPE_MAX_AXES);
  return fits;
}

/* A value of one number, or of one number for each step, repeated for all elements of a layout. */
static Value *filled(Lift *l, const GraphNode *node, Value *number, const Layout *layout) {
  int atom[LAYOUT_MAX_LEAVES], n = layout_leaves(layout, atom);
  Axis all = {.n = n < FACTORS_MAX ? n : FACTORS_MAX};
  Layout one = {.timed = layout->timed, .time = layout->time};
  memcpy(all.atom, atom, sizeof *atom * (size_t)all.n);
  Value *value = lift_spread(l, node, number, &one, &all);
  return layout->n == 1 ? value : lift_reshaped(l, node, value, layout);
}

/* A sequence outside of the cell in which a value is computed: the one along which its `state`
 * runs. To repeat something along the value itself would be a part of the step of the cell. If the
 * value depends on no `state`, it is the result. */
static Value *outside_of(Lift *l, Value *value) {
  const Model *model = l->foreign->model;
  bool *seen = ARENA_ARRAY(l->arena, bool, model->n_layers + 1);
  const Layer **stack = ARENA_ARRAY(l->arena, const Layer *, model->n_layers + 1);
  int n = 0;
  for (const Layer *layer = value->layer; layer; layer = n ? stack[--n] : NULL) {
    if (layer->kind == LAYER_state) return layer->in[0];
    for (int k = 0; k < layer->n_in; k++) {
      const Layer *by = layer->in[k]->layer;
      if (!by || seen[by->id]) continue;
      seen[by->id] = true;
      stack[n++] = by;
    }
  }
  return value;
}

Value *lift_broadcast(Lift *l, const GraphNode *node, const GraphValue *value, Value *wide,
                      const Layout *layout) {
  Layout own = l->placed[value->id].layout;
  bool steps_are_features =
      own.timed && own.time >= 0 && !layout->timed && layout_has(layout, own.time);
  if (steps_are_features) own = layout_with_time(&own, false, own.time);
  Layout part = {.timed = own.timed, .time = own.time};
  bool lacks = false;
  if (layout->timed && layout->time >= 0 &&
      layout_has(&own, layout->time)) { /* the steps are among its features */
    part.timed = true;
    part.time = layout->time;
  }
  for (int i = 0; i < layout->n; i++) {
    bool here = !layout->axis[i].n || layout_has(&own, layout->axis[i].atom[0]);
    lacks = lacks || !here;
  }
  for (int i = 0; i < layout->n; i++) {
    bool here = layout->axis[i].n ? layout_has(&own, layout->axis[i].atom[0]) : !lacks;
    if (here) part.axis[part.n++] = layout->axis[i];
  }
  bool scalar =
      !part.n && own.n && !part.timed; /* it is placed as a vector of 1: each value has an axis */
  if (scalar) part.n = 1;
  Value *narrow = lift_value(l, node, value, &part);
  if (narrow && scalar && lacks) {
    Layout same = *layout;
    same.timed = part.timed;
    same.time = part.time;
    narrow = filled(l, node, narrow, &same);
    lacks = false;
  }
  if (!narrow || (!lacks && part.timed == layout->timed)) return narrow;
  if (lacks && part.n) {
    AxisNames names, own_names;
    wide = lift_labelled(l, node, wide, layout, &names);
    for (int i = 0, k = 0; i < layout->n; i++)
      if (k < part.n && axis_equal(&layout->axis[i], &part.axis[k]))
        own_names.name[k++] = names.name[i];
    narrow = lift_named(l, node, narrow, part.n, &own_names);
  }
  Layer *layer = lift_layer(l, node, LAYER_repeat, 1, &narrow);
  layer_set_value(layer, OPT_along, lacks ? wide : outside_of(l, wide));
  return layer->out[0];
}
