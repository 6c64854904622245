/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where the numbers of a graph value are, and how to bring them into another order: `reshape` where
 * only the axes differ, `permute` where their order does. */
#include "import/lift/lift.h"

#include <string.h>

const GraphTensor *lift_type(const Lift *l, const GraphValue *value) {
  return flat_type_of(l->flat, value);
}

bool lift_is_constant(const Lift *l, const GraphValue *value) {
  return lift_type(l, value)->data != NULL;
}

const char *lift_origin(const Lift *l, const GraphNode *node) {
  const char *source = *node->source ? node->source : graph_op_name(node->op);
  if (l->graph->names_layers && *node->name)
    return arena_printf(l->arena, "layer `%s`", node->name);
  if (!*node->name) return arena_printf(l->arena, "node %s", source);
  return arena_printf(l->arena, "node `%s` (%s)", node->name, source);
}

Diag *lift_refuse(Lift *l, const GraphNode *node, DiagCode code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(l->arena, format, args);
  va_end(args);
  const char *who = l->graph->names_layers && *node->name && *node->source
                        ? arena_printf(l->arena, "`%s` (%s)", node->name, node->source)
                        : lift_origin(l, node);
  return foreign_report(l->diags, l->file, code, "%s %s", who, text);
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
  if (l->roles.way == TIME_WAY_CALLS)
    return (atom_facts(l->atoms, atom) & FACT_ROWS) &&
           atom_same(l->atoms, atom) != l->roles.stacked;
  int family = atom_family(l->atoms, atom);
  return l->roles.way == TIME_WAY_AXIS && (family == l->roles.time || family == l->roles.made);
}

/* The length of such sequences is known: time has one, or the graph makes them. */
static bool has_length(Lift *l, int time) {
  return time >= 0 && (l->time.kind == TIME_FIXED || lift_is_made(l, time));
}

bool lift_is_made(Lift *l, int time) {
  return time >= 0 && l->roles.made >= 0 && atom_family(l->atoms, time) == l->roles.made;
}

Axis lift_axis(Lift *l, const GraphValue *value, int axis, int *time) {
  Axis out = {0};
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, axis, atom);
  *time = -1;
  for (int i = 0; i < n; i++) {
    if (is_time(l, atom[i]))
      *time = atom[i];
    else if (atom_size(l->atoms, atom[i]) != 1 && atom_family(l->atoms, atom[i]) != l->roles.batch)
      out.atom[out.n++] = atom[i];
  }
  return out;
}

Axis lift_axis_alone(Lift *l, const GraphValue *value, int axis, int *time) {
  Axis out = lift_axis(l, value, axis, time);
  if (out.n && *time >= 0 && atom_size(l->atoms, *time) == 1) *time = -1;
  return out;
}

Axis lift_axis_whole(Lift *l, const GraphValue *value, int axis, int *time) {
  Axis out = lift_axis(l, value, axis, time);
  if (*time < 0 || atom_size(l->atoms, *time) == 1) return out;
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, axis, atom);
  out.n = 0;
  for (int i = 0; i < n; i++)
    if (atom_size(l->atoms, atom[i]) != 1) out.atom[out.n++] = atom[i];
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

Type lift_shape(Lift *l, const Layout *layout) {
  Type type = {.elem = ELEM_F32, .rank = layout->n};
  if (layout->timed) type.time = l->time;
  if (layout->timed && has_length(l, layout->time))
    type.time = (Time){.kind = TIME_FIXED, .n = atom_size(l->atoms, layout->time)};
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

static int place_of(const int *atom, int n, int which) {
  for (int i = 0; i < n; i++)
    if (atom[i] == which) return i;
  return -1;
}

/* begins[i]: an axis of the layout begins at its leaf i. */
static void mark_axes(const Layout *layout, bool *begins) {
  int at = 0;
  for (int i = 0; i < layout->n; i++) {
    if (layout->axis[i].n) begins[at] = true;
    at += layout->axis[i].n;
  }
}

/* Pieces of leaves that stay together on the way from one order to the other. */
typedef struct Pieces {
  int n;
  int first[FACTORS_MAX * 2], count[FACTORS_MAX * 2]; /* leaves of the order that is there */
  int order[FACTORS_MAX * 2]; /* which piece comes i-th in the order that is wanted */
} Pieces;

/* whole: pieces may span axes. */
static Pieces pieces_of(const Layout *from, const Layout *to, int n, const int *have,
                        const int *want, bool whole) {
  bool ends_here[FACTORS_MAX * 2 + 1] = {false}, ends_there[FACTORS_MAX * 2 + 1] = {false};
  int piece[FACTORS_MAX * 2];
  Pieces out = {0};
  mark_axes(from, ends_here);
  mark_axes(to, ends_there);
  for (int i = 0; i < n; i++) {
    int there = place_of(want, n, have[i]);
    bool follows = i && there && want[there - 1] == have[i - 1];
    if (!follows || (!whole && (ends_here[i] || ends_there[there]))) {
      out.first[out.n] = i;
      out.n++;
    }
    piece[i] = out.n - 1;
    out.count[out.n - 1]++;
  }
  for (int i = 0, k = 0; i < n; i++) {
    int here = place_of(have, n, want[i]);
    if (out.first[piece[here]] == here) out.order[k++] = piece[here];
  }
  return out;
}

/* An axis for each piece: in the order that is there, or the one that is wanted. */
static Layout pieces_layout(const Layout *like, const Pieces *p, const int *have, bool wanted) {
  Layout out = {.timed = like->timed, .time = like->time, .n = p->n};
  for (int i = 0; i < p->n; i++) {
    int k = wanted ? p->order[i] : i;
    out.axis[i].n = p->count[k];
    memcpy(out.axis[i].atom, have + p->first[k], sizeof *have * (size_t)p->count[k]);
  }
  return out;
}

/* order[i]: which axis of value comes i-th. */
static Value *permuted(Lift *l, const GraphNode *node, Value *value, const Layout *layout,
                       const int *order) {
  AxisNames names, moved;
  value = lift_labelled(l, node, value, layout, &names);
  for (int i = 0; i < layout->n; i++)
    moved.name[i] = names.name[order[i]];
  Layer *layer = lift_layer(l, node, LAYER_permute, 1, &value);
  lift_set_axes(l, layer, OPT_axes, layout->n, moved.name);
  return layer->out[0];
}

/* The value with an axis of these atoms behind the others: all of its positions are equal. */
static Value *spread(Lift *l, const GraphNode *node, Value *value, Layout *layout,
                     const Axis *along) {
  Layout one = *layout;
  one.axis[one.n++] = (Axis){0};
  value = reshape_to(l, node, value, &one);
  Layer *layer = lift_layer(l, node, LAYER_upsample, 1, &value);
  layer_set_size(layer, OPT_n, axis_size(l, along));
  lift_set_axes(l, layer, OPT_along, 1, (const char *[]){"features"});
  one.axis[one.n - 1] = *along;
  *layout = one;
  return layer->out[0];
}

/* The axes of `to` that `from` lacks, which are those along which an Expand repeats. */
static Axis missing_axes(const Layout *from, const Layout *to) {
  int have[FACTORS_MAX * 2], want[FACTORS_MAX * 2], n = leaves(from, have), m = leaves(to, want);
  Axis out = {0};
  for (int i = 0; i < m; i++)
    if (place_of(have, n, want[i]) < 0 && out.n < FACTORS_MAX) out.atom[out.n++] = want[i];
  return out;
}

/* The same axes without atoms of size 1, which the time of a single step is. */
static Layout without_ones(const Lift *l, const Layout *layout) {
  Layout out = *layout;
  for (int i = 0; i < out.n; i++) {
    Axis *axis = &out.axis[i];
    int n = 0;
    for (int k = 0; k < axis->n; k++)
      if (atom_size(l->atoms, axis->atom[k]) != 1) axis->atom[n++] = axis->atom[k];
    axis->n = n;
  }
  return out;
}

/* The features of value, placed as `layout`, in the order of `wanted`: both untimed or both
 * timed. */
static Value *reorder(Lift *l, const GraphNode *node, Value *value, const Layout *layout,
                      const Layout *wanted) {
  Layout own = without_ones(l, layout), target = without_ones(l, wanted), *from = &own,
         *to = &target;
  Axis missing = missing_axes(from, to);
  if (missing.n && from->n < TYPE_MAX_AXES) value = spread(l, node, value, from, &missing);
  int have[FACTORS_MAX * 2], want[FACTORS_MAX * 2], n = leaves(from, have), m = leaves(to, want);
  bool same = n == m && memcmp(have, want, sizeof *have * (size_t)n) == 0;
  for (int i = 0; i < m; i++)
    if (n != m || place_of(have, n, want[i]) < 0) {
      lift_refuse(l, node, E902, "needs other axes than its operand has");
      return NULL;
    }
  if (same) return same_axes(l, from, to) ? value : reshape_to(l, node, value, to);
  Pieces pieces = pieces_of(from, to, n, have, want, false);
  if (pieces.n > TYPE_MAX_AXES) pieces = pieces_of(from, to, n, have, want, true);
  if (pieces.n > TYPE_MAX_AXES) {
    lift_refuse(l, node, E902, "needs its operand in another order of more than %d axes",
                TYPE_MAX_AXES);
    return NULL;
  }
  Layout apart = pieces_layout(from, &pieces, have, false),
         together = pieces_layout(to, &pieces, have, true);
  if (!same_axes(l, from, &apart)) value = reshape_to(l, node, value, &apart);
  value = permuted(l, node, value, &apart, pieces.order);
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

/* The sequence with the steps of zeros that wait around it. */
static Value *with_zeros(Lift *l, const GraphNode *node, const Placed *placed) {
  Value *value = placed->value;
  if (l->time.kind != TIME_FIXED) {
    lift_refuse(l, node, E902, "looks back on steps that only a convolution can look back on");
    return NULL;
  }
  Layer *layer = lift_layer(l, node, LAYER_pad, 1, &value);
  layer_set_size(layer, OPT_before, placed->before);
  layer_set_size(layer, OPT_after, placed->after);
  lift_set_axes(l, layer, OPT_along, 1, (const char *[]){"time"});
  return layer->out[0];
}

bool layout_has(const Layout *layout, int atom) {
  int have[FACTORS_MAX * 2], n = leaves(layout, have);
  return place_of(have, n, atom) >= 0;
}

/* Where layers have names: the layer that moved a value on its way to a node, or the node. */
static const GraphNode *moved_by(const Lift *l, const GraphNode *node, const GraphValue *value) {
  while (l->graph->names_layers && value->node &&
         graph_op_moves(value->node->op) == GRAPH_MOVES_first) {
    if (strcmp(value->node->name, node->name) != 0) return value->node;
    value = value->node->in[0];
  }
  return node;
}

/* The same vector at every step of a sequence. */
static Value *repeated(Lift *l, const GraphNode *node, const GraphValue *value,
                       const Layout *want) {
  Layout step = *want;
  step.timed = false;
  step.time = -1;
  const GraphNode *by = moved_by(l, node, value);
  Value *vector = lift_value(l, by, by->op == GRAPH_Expand ? by->in[0] : value, &step);
  if (!vector) return NULL;
  Layer *layer = lift_layer(l, by, LAYER_repeat, 1, &vector);
  layer_set_size(layer, OPT_n, atom_size(l->atoms, want->time));
  return layer->out[0];
}

/* The features of a value that is placed as `from` in the order of `want`: one is a sequence, the
 * other is not. */
static Value *turned_value(Lift *l, const GraphNode *node, Value *own, const Layout *from,
                           const Layout *want) {
  if (!from->timed) {
    Layout flat = with_time(want, false, want->time);
    Value *ordered = reorder(l, node, own, from, &flat);
    return ordered ? reshape_to(l, node, ordered, want) : NULL;
  }
  Layout flat = with_time(from, false, from->time);
  int have[FACTORS_MAX * 2], need[FACTORS_MAX * 2], n = leaves(&flat, have), m = leaves(want, need);
  if (want->n == 1 && n == m && memcmp(have, need, sizeof *have * (size_t)n) == 0)
    return lift_layer(l, node, LAYER_flatten, 1, &own)->out[0];
  Value *whole = reshape_to(l, node, own, &flat);
  return reorder(l, node, whole, &flat, want);
}

Value *lift_value(Lift *l, const GraphNode *node, const GraphValue *value, const Layout *want) {
  const Placed *placed = &l->placed[value->id];
  if (!placed->value) {
    lift_refuse(l, node, E902, "reads a value that no layer of the model has");
    return NULL;
  }
  Layout from = placed->layout;
  Value *own = placed->before || placed->after ? with_zeros(l, node, placed) : placed->value;
  if (!own) return NULL;
  if (want->timed && lift_is_made(l, want->time) && !lift_is_made(l, from.time) &&
      !layout_has(&from, want->time))
    return repeated(l, node, value, want);
  const GraphNode *by = moved_by(l, node, value);
  if (from.timed == want->timed) return reorder(l, by, own, &from, want);
  if (from.timed && !has_length(l, from.time)) {
    Diag *d = lift_refuse(l, by, E902,
                          "uses the steps of a sequence as features, which needs a sequence of "
                          "fixed length");
    diag_note(d, "the last step, a mean or a maximum over time needs none");
    return NULL;
  }
  if (!from.timed && want->time < 0) {
    lift_refuse(l, node, E902, "joins a vector and a stream");
    return NULL;
  }
  return turned_value(l, by, own, &from, want);
}

Value *lift_inner_value(Lift *l, const GraphNode *node, const GraphValue *value,
                        const Layout *want) {
  Placed *placed = &l->placed[value->id], padded = *placed;
  Layout inner = *want;
  if (padded.loose && padded.before) return lift_value(l, node, value, want); /* refused */
  if (l->time.kind == TIME_FIXED && (padded.before || padded.after)) {
    placed->layout.time = padded.bare;
    if (inner.timed) inner.time = padded.bare;
  }
  placed->before = placed->after = 0;
  Value *made = lift_value(l, node, value, &inner);
  *placed = padded;
  return made;
}

/* Runs of atoms of an axis become axes of their own: kind(atom) tells runs apart. */
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

static bool has_all(const Layout *layout, const Layout *of) {
  int atom[FACTORS_MAX * 2], n = leaves(of, atom);
  for (int i = 0; i < n; i++)
    if (!layout_has(layout, atom[i]) && !(layout->timed && layout->time == atom[i])) return false;
  return !of->timed || has_time(layout, of->time);
}

/* `own`, cut so that `other` has each axis whole or not at all. False: it gets too many axes. */
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
  if (first && second) first = one->timed; /* equal: a sequence stays one */
  bool fits = true;
  *wide = first ? a : b;
  if (first || second)
    fits = cut_for(first ? one : two, first ? two : one, out);
  else { /* each lacks an axis of the other: those stand in front */
    const Layout *own = one->timed ? one : two, *other = one->timed ? two : one;
    Layout all = {.timed = own->timed, .time = own->time}, cut;
    Axis missing = missing_axes(own, other);
    *wide = one->timed ? a : b;
    for (int i = 0; i < missing.n && all.n < TYPE_MAX_AXES; i++)
      if (!own->timed || missing.atom[i] != own->time)
        all.axis[all.n++] = (Axis){.n = 1, .atom = {missing.atom[i]}};
    for (int i = 0; i < own->n && all.n < TYPE_MAX_AXES; i++)
      all.axis[all.n++] = own->axis[i];
    fits = all.n < TYPE_MAX_AXES && cut_for(&all, one, &cut) && cut_for(&cut, two, out);
  }
  if (!fits) lift_refuse(l, node, E902, "has operands of more than %d axes", TYPE_MAX_AXES);
  return fits;
}

/* One number for each step, or one in all, as every element of a layout. */
static Value *filled(Lift *l, const GraphNode *node, Value *number, const Layout *layout) {
  int atom[FACTORS_MAX * 2], n = leaves(layout, atom);
  Axis all = {.n = n < FACTORS_MAX ? n : FACTORS_MAX};
  Layout one = {.timed = layout->timed, .time = layout->time};
  memcpy(all.atom, atom, sizeof *atom * (size_t)all.n);
  Value *value = spread(l, node, number, &one, &all);
  return layout->n == 1 ? value : reshape_to(l, node, value, layout);
}

Value *lift_broadcast(Lift *l, const GraphNode *node, const GraphValue *value, Value *wide,
                      const Layout *layout) {
  Layout own = l->placed[value->id].layout, part = {.timed = own.timed, .time = own.time};
  bool lacks = false;
  if (layout->timed && layout->time >= 0 &&
      layout_has(&own, layout->time)) { /* its features are the steps */
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
      !part.n && own.n && !part.timed; /* a vector of 1: there are no values without any axis */
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
  layer_set_value(layer, OPT_along, wide);
  return layer->out[0];
}

/* The group that an atom belongs to; -1: none. */
static int group_of(int n, const Axis *group, int atom) {
  for (int g = 0; g < n; g++)
    if (place_of(group[g].atom, group[g].n, atom) >= 0) return g;
  return -1;
}

/* The layout of a value with its steps as features where a group holds them, and as a sequence
 * where none does. */
static Layout sequence_or_not(Lift *l, const GraphValue *value, int n, const Axis *group) {
  Layout own = l->placed[value->id].layout, out = {.timed = true, .time = -1};
  if (own.timed && own.time >= 0 && group_of(n, group, own.time) >= 0)
    return with_time(&own, false, own.time);
  if (own.timed || l->roles.way != TIME_WAY_AXIS) return own;
  for (int i = 0; i < own.n; i++) {
    Axis rest = {0};
    for (int k = 0; k < own.axis[i].n; k++) {
      int atom = own.axis[i].atom[k];
      if (!is_time(l, atom))
        rest.atom[rest.n++] = atom;
      else if (out.time >= 0 || group_of(n, group, atom) >= 0)
        return own; /* more than one, or asked for */
      else
        out.time = atom;
    }
    if (rest.n) out.axis[out.n++] = rest;
  }
  return out.time >= 0 ? out : own;
}

bool lift_apart(Lift *l, const GraphValue *value, int n, const Axis *group, bool features,
                Layout *out, int *where) {
  Layout from = sequence_or_not(l, value, n, group);
  int found = 0, wanted = 0;
  *out = (Layout){.timed = from.timed, .time = from.time};
  for (int g = 0; g < n; g++) {
    where[g] = -1;
    wanted += group[g].n;
  }
  for (int i = 0; i < from.n; i++) {
    Axis rest = {0};
    for (int k = 0; k <= from.axis[i].n; k++) {
      int g = k < from.axis[i].n ? group_of(n, group, from.axis[i].atom[k]) : n;
      if (g < 0) {
        rest.atom[rest.n++] = from.axis[i].atom[k];
        continue;
      }
      if (rest.n && out->n < TYPE_MAX_AXES) out->axis[out->n++] = rest;
      rest.n = 0;
      if (g == n) break;
      found++;
      if (where[g] >= 0 || (features && g == n - 1)) continue;
      if (out->n == TYPE_MAX_AXES) return false;
      where[g] = out->n;
      out->axis[out->n++] = group[g];
    }
  }
  for (int g = 0; g < n; g++) { /* axes of size 1, and the features */
    if (where[g] >= 0) continue;
    if (out->n == TYPE_MAX_AXES) return false;
    where[g] = out->n;
    out->axis[out->n++] = group[g];
  }
  return found == wanted;
}

bool lift_last(Lift *l, const GraphValue *value, const Axis *last, Layout *out) {
  int where;
  return lift_apart(l, value, 1, last, true, out, &where);
}
