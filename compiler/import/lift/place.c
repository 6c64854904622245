/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where the numbers of a graph value are, and how to bring them into another order: `reshape` where only
 * the axes differ, `permute` where their order does. */
#include "import/lift/lift.h"

#include <string.h>

const GraphTensor *lift_type(const Lift *l, const GraphValue *value) { return flat_type_of(l->flat, value); }

bool lift_is_constant(const Lift *l, const GraphValue *value) { return lift_type(l, value)->data != NULL; }

const char *lift_origin(const Lift *l, const GraphNode *node) {
  const char *source = *node->source ? node->source : graph_op_name(node->op);
  if (l->graph->names_layers && *node->name) return arena_printf(l->arena, "layer `%s`", node->name);
  if (!*node->name) return arena_printf(l->arena, "node %s", source);
  return arena_printf(l->arena, "node `%s` (%s)", node->name, source);
}

Diag *lift_refuse(Lift *l, const GraphNode *node, DiagCode code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(l->arena, format, args);
  va_end(args);
  return foreign_report(l->diags, l->file, code, "%s %s", lift_origin(l, node), text);
}

Layer *lift_layer(Lift *l, const GraphNode *node, LayerKind kind, int n_in, Value *const *in) {
  Layer *layer = model_layer(l->foreign->model, kind, n_in, in);
  layer->origin = lift_origin(l, node);
  if (l->graph->names_layers) layer->prefix = node->name;
  return layer;
}

void lift_place(Lift *l, const GraphValue *value, Value *in_model, const Layout *layout) {
  l->placed[value->id] = (Placed){.value = in_model, .layout = *layout};
}

/* Where a call is a step, the rows that are kept from call to call are steps. */
static bool is_time(Lift *l, int atom) {
  if (l->roles.way == TIME_WAY_CALLS) return (atom_facts(l->atoms, atom) & FACT_ROWS) && atom_same(l->atoms, atom) != l->roles.stacked;
  return l->roles.way == TIME_WAY_AXIS && atom_family(l->atoms, atom) == l->roles.time;
}

Axis lift_axis(Lift *l, const GraphValue *value, int axis, int *time) {
  Axis out = {0};
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, axis, atom);
  *time = -1;
  for (int i = 0; i < n; i++) {
    if (is_time(l, atom[i])) *time = atom[i];
    else if (atom_size(l->atoms, atom[i]) != 1 && atom_family(l->atoms, atom[i]) != l->roles.batch) out.atom[out.n++] = atom[i];
  }
  return out;
}

int64_t axis_size(const Lift *l, const Axis *axis) {
  int64_t size = 1;
  for (int i = 0; i < axis->n; i++)
    size *= atom_size(l->atoms, axis->atom[i]);
  return size;
}

bool axis_equal(const Axis *a, const Axis *b) {
  return a->n == b->n && memcmp(a->atom, b->atom, sizeof *a->atom * (size_t)a->n) == 0;
}

Layout lift_natural(Lift *l, const GraphValue *value) {
  Layout out = {.timed = l->roles.way == TIME_WAY_CALLS, .time = -1};
  for (int axis = 0; axis < lift_type(l, value)->rank; axis++) {
    int time;
    Axis features = lift_axis(l, value, axis, &time);
    if (time >= 0) {
      out.timed = true;
      out.time = time;
    }
    if (features.n && out.n < TYPE_MAX_AXES) out.axis[out.n++] = features;
  }
  if (!out.n) out.axis[out.n++] = (Axis){0};
  return out;
}

Type lift_shape(const Lift *l, const Layout *layout) {
  Type type = {.elem = ELEM_F32, .rank = layout->n};
  if (layout->timed) type.time = l->time;
  if (layout->timed && layout->time >= 0 && l->time.kind == TIME_FIXED) type.time.n = atom_size(l->atoms, layout->time);
  for (int i = 0; i < layout->n; i++)
    type.dim[i].n = axis_size(l, &layout->axis[i]);
  return type;
}

/* The atoms of a layout in storage order, time last in *time: -1 or its atom. */
static int leaves(const Layout *layout, int out[FACTORS_MAX * 2]) {
  int n = 0;
  for (int i = 0; i < layout->n; i++)
    for (int k = 0; k < layout->axis[i].n && n < FACTORS_MAX * 2; k++)
      out[n++] = layout->axis[i].atom[k];
  return n;
}

static bool same_axes(const Lift *l, const Layout *a, const Layout *b) {
  if (a->n != b->n || a->timed != b->timed) return false;
  for (int i = 0; i < a->n; i++)
    if (axis_size(l, &a->axis[i]) != axis_size(l, &b->axis[i])) return false;
  return true;
}

static Value *reshape_to(Lift *l, const GraphNode *node, Value *value, const Layout *to) {
  Layer *layer = lift_layer(l, node, LAYER_reshape, 1, &value);
  layer_set_shape(l->arena, layer, lift_shape(l, to));
  return layer->out[0];
}

/* One axis for each atom. */
static Layout spread(const Layout *layout) {
  Layout out = {.timed = layout->timed, .time = layout->time};
  int atom[FACTORS_MAX * 2], n = leaves(layout, atom);
  for (int i = 0; i < n && i < TYPE_MAX_AXES; i++) {
    out.axis[i] = (Axis){.n = 1, .atom = {atom[i]}};
    out.n = i + 1;
  }
  if (!out.n) out.n = 1;
  return out;
}

static int place_of(const int *atom, int n, int which) {
  for (int i = 0; i < n; i++)
    if (atom[i] == which) return i;
  return -1;
}

/* order[i]: which axis of value comes i-th. */
static Value *permuted(Lift *l, const GraphNode *node, Value *value, int n, const int *order) {
  (void)value, (void)n, (void)order;
  lift_refuse(l, node, E902, "needs its operand with its axes in another order");
  return NULL;
}

/* The features of value, placed as `from`, in the order of `to`: both untimed or both timed. */
static Value *reorder(Lift *l, const GraphNode *node, Value *value, const Layout *from, const Layout *to) {
  int have[FACTORS_MAX * 2], want[FACTORS_MAX * 2], n = leaves(from, have), m = leaves(to, want);
  bool same = n == m && memcmp(have, want, sizeof *have * (size_t)n) == 0;
  for (int i = 0; i < m; i++)
    if (n != m || place_of(have, n, want[i]) < 0) {
      lift_refuse(l, node, E902, "needs axes that its operand does not have");
      return NULL;
    }
  if (same) return same_axes(l, from, to) ? value : reshape_to(l, node, value, to);
  if (n > TYPE_MAX_AXES) {
    lift_refuse(l, node, E902, "needs its operand in another order of more than %d axes", TYPE_MAX_AXES);
    return NULL;
  }
  Layout apart = spread(from), together = spread(to);
  if (!same_axes(l, from, &apart)) value = reshape_to(l, node, value, &apart);
  int order[TYPE_MAX_AXES];
  for (int i = 0; i < n; i++)
    order[i] = place_of(have, n, want[i]);
  value = permuted(l, node, value, n, order);
  if (!value) return NULL;
  return same_axes(l, &together, to) ? value : reshape_to(l, node, value, to);
}

/* Time becomes the first feature axis, or the first feature axis becomes time. */
static Layout with_time(const Layout *layout, bool timed, int time) {
  Layout out = {.timed = timed, .time = timed ? time : -1};
  if (!timed) out.axis[out.n++] = (Axis){.n = 1, .atom = {time}};
  for (int i = 0; i < layout->n && out.n < TYPE_MAX_AXES; i++)
    out.axis[out.n++] = layout->axis[i];
  return out;
}

Value *lift_value(Lift *l, const GraphNode *node, const GraphValue *value, const Layout *want) {
  const Placed *placed = &l->placed[value->id];
  if (!placed->value) {
    lift_refuse(l, node, E902, "reads a value that no layer of the model has");
    return NULL;
  }
  if (placed->before || placed->after) {
    lift_refuse(l, node, E902, "looks back on steps that only a convolution can look back on");
    return NULL;
  }
  Layout from = placed->layout;
  if (from.timed == want->timed) return reorder(l, node, placed->value, &from, want);
  if (from.timed) {
    if (from.time < 0 || l->time.kind != TIME_FIXED) {
      lift_refuse(l, node, E902, "uses the steps of a sequence as features, which needs a sequence of fixed length");
      return NULL;
    }
    Layout flat = with_time(&from, false, from.time);
    int have[FACTORS_MAX * 2], need[FACTORS_MAX * 2], n = leaves(&flat, have), m = leaves(want, need);
    if (want->n == 1 && n == m && memcmp(have, need, sizeof *have * (size_t)n) == 0) return lift_layer(l, node, LAYER_flatten, 1, &placed->value)->out[0];
    Value *whole = reshape_to(l, node, placed->value, &flat);
    return reorder(l, node, whole, &flat, want);
  }
  if (want->time < 0) {
    lift_refuse(l, node, E902, "joins a vector and a stream");
    return NULL;
  }
  Layout flat = with_time(want, false, want->time);
  Value *ordered = reorder(l, node, placed->value, &from, &flat);
  return ordered ? reshape_to(l, node, ordered, want) : NULL;
}

Value *lift_inner_value(Lift *l, const GraphNode *node, const GraphValue *value, const Layout *want) {
  Placed *placed = &l->placed[value->id];
  if (placed->loose && placed->before) return lift_value(l, node, value, want); /* refused */
  int64_t before = placed->before, after = placed->after;
  placed->before = placed->after = 0;
  Value *inner = lift_value(l, node, value, want);
  placed->before = before;
  placed->after = after;
  return inner;
}

static bool has_atom(const Layout *layout, int atom) {
  int have[FACTORS_MAX * 2], n = leaves(layout, have);
  return place_of(have, n, atom) >= 0;
}

Value *lift_broadcast(Lift *l, const GraphNode *node, const GraphValue *value, const GraphValue *wide, const Layout *layout) {
  const Layout *own = &l->placed[value->id].layout;
  Layout part = {.timed = own->timed, .time = own->time};
  bool lacks = false;
  for (int i = 0; i < layout->n; i++) {
    Axis axis = {0};
    for (int k = 0; k < layout->axis[i].n; k++) {
      if (has_atom(own, layout->axis[i].atom[k])) axis.atom[axis.n++] = layout->axis[i].atom[k];
      else lacks = true;
    }
    part.axis[part.n++] = axis;
  }
  if (lacks) {
    lift_refuse(l, node, E902, "repeats a value along feature axes that it lacks");
    return NULL;
  }
  if (own->timed || !layout->timed) return lift_value(l, node, value, layout);
  Value *plain = lift_value(l, node, value, &part);
  if (!plain) return NULL;
  Layer *layer = lift_layer(l, node, LAYER_repeat, 1, &plain);
  layer_set_value(layer, OPT_along, l->placed[wide->id].value);
  return layer->out[0];
}

bool lift_last(Lift *l, const GraphValue *value, const Axis *last, Layout *out) {
  Layout from = l->placed[value->id].layout;
  *out = (Layout){.timed = from.timed, .time = from.time};
  int found = 0;
  for (int i = 0; i < from.n; i++) {
    Axis rest = {0};
    for (int k = 0; k < from.axis[i].n; k++) {
      if (place_of(last->atom, last->n, from.axis[i].atom[k]) >= 0) found++;
      else rest.atom[rest.n++] = from.axis[i].atom[k];
    }
    if (rest.n && out->n + 1 < TYPE_MAX_AXES) out->axis[out->n++] = rest;
  }
  out->axis[out->n++] = *last;
  return found == last->n;
}
