/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A value in the layout that its reader wants. In, a graph value, which is placed, and a layout;
 * out, a model value with the same numbers in that layout. It is the result of a `reshape` if only
 * the axes differ, and of a `permute` if the order of elements does. */
#include "import/lift/lift.h"

#include <string.h>

/* Whether two layouts have axes of the same sizes. */
static bool same_axes(const Lift *l, const Layout *a, const Layout *b) {
  if (a->n != b->n || a->timed != b->timed) return false;
  for (int i = 0; i < a->n; i++)
    if (axis_size(l, &a->axis[i]) != axis_size(l, &b->axis[i])) return false;
  return true;
}

/* The value with its axes in another order: axis i of the result is axis order[i] of `value`. */
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

/* An input whose declared type does not have time first, permuted so that time is first: a reshape
 * reads the numbers of an input in the declared order. Other values are not changed. */
static Value *time_first(Lift *l, const GraphNode *node, Value *value) {
  int order[TYPE_MAX_AXES];
  for (int i = 0; i < TYPE_MAX_AXES; i++)
    order[i] = i;
  for (int i = 0; i < l->flat->n_file_in && value->port && value->port->declared.time_pos; i++) {
    const Placed *placed = &l->placed[l->flat->graph->in[i].value->id];
    if (placed->value == value) return permuted(l, node, value, &placed->layout, order);
  }
  return value;
}

Value *lift_reshaped(Lift *l, const GraphNode *node, Value *value, const Layout *to) {
  value = time_first(l, node, value);
  Layer *layer = lift_layer(l, node, LAYER_reshape, 1, &value);
  layer_set_shape(l->arena, layer, lift_shape(l, to));
  return layer->out[0];
}

/* Sets begins[i] if an axis of the layout begins with its atom i. */
static void mark_axes(const Layout *layout, bool *begins) {
  int at = 0;
  for (int i = 0; i < layout->n; i++) {
    if (layout->axis[i].n) begins[at] = true;
    at += layout->axis[i].n;
  }
}

/* Runs of atoms that are neighbours in the present order and in the wanted one. */
typedef struct Pieces {
  int n;
  int first[LAYOUT_MAX_LEAVES], count[LAYOUT_MAX_LEAVES]; /* atoms in the present order */
  int order[LAYOUT_MAX_LEAVES]; /* which piece is number i in the wanted order */
} Pieces;

/* have, want: the n atoms of the two layouts. whole: a piece may hold atoms of several axes. */
static Pieces pieces_of(const Layout *from, const Layout *to, int n, const int *have,
                        const int *want, bool whole) {
  bool ends_here[LAYOUT_MAX_LEAVES + 1] = {false}, ends_there[LAYOUT_MAX_LEAVES + 1] = {false};
  int piece[LAYOUT_MAX_LEAVES];
  Pieces out = {0};
  mark_axes(from, ends_here);
  mark_axes(to, ends_there);
  for (int i = 0; i < n; i++) {
    int there = atom_index(want, n, have[i]);
    bool follows = i && there && want[there - 1] == have[i - 1];
    if (!follows || (!whole && (ends_here[i] || ends_there[there]))) {
      out.first[out.n] = i;
      out.n++;
    }
    piece[i] = out.n - 1;
    out.count[out.n - 1]++;
  }
  for (int i = 0, k = 0; i < n; i++) {
    int here = atom_index(have, n, want[i]);
    if (out.first[piece[here]] == here) out.order[k++] = piece[here];
  }
  return out;
}

/* The layout with an axis for each piece, in the present order or in the wanted one. */
static Layout pieces_layout(const Layout *like, const Pieces *p, const int *have, bool wanted) {
  Layout out = {.timed = like->timed, .time = like->time, .n = p->n};
  for (int i = 0; i < p->n; i++) {
    int k = wanted ? p->order[i] : i;
    out.axis[i].n = p->count[k];
    memcpy(out.axis[i].atom, have + p->first[k], sizeof *have * (size_t)p->count[k]);
  }
  return out;
}

Value *lift_spread(Lift *l, const GraphNode *node, Value *value, Layout *layout,
                   const Axis *along) {
  Layout one = *layout;
  one.axis[one.n++] = (Axis){0};
  value = lift_reshaped(l, node, value, &one);
  Layer *layer = lift_layer(l, node, LAYER_upsample, 1, &value);
  layer_set_size(layer, OPT_n, axis_size(l, along));
  lift_set_axes(l, layer, OPT_along, 1, (const char *[]){"features"});
  one.axis[one.n - 1] = *along;
  *layout = one;
  return layer->out[0];
}

/* The layout without atoms of size 1, such as the time of a single step. */
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

/* The value, whose layout is `layout`, in the layout `wanted`. Both are sequences, or neither is.
 * NULL after reporting. */
static Value *reorder(Lift *l, const GraphNode *node, Value *value, const Layout *layout,
                      const Layout *wanted) {
  Layout own = without_ones(l, layout), target = without_ones(l, wanted), *from = &own,
         *to = &target;
  Axis missing = layout_missing(from, to);
  if (missing.n && from->n < TYPE_MAX_AXES) value = lift_spread(l, node, value, from, &missing);
  int have[LAYOUT_MAX_LEAVES], want[LAYOUT_MAX_LEAVES], n = layout_leaves(from, have),
                                                        m = layout_leaves(to, want);
  bool same = n == m && memcmp(have, want, sizeof *have * (size_t)n) == 0;
  bool fits = n == m;
  for (int i = 0; i < n && fits; i++) /* an axis may come twice */
    fits = atom_index(have, n, want[i]) >= 0 && atom_index(want, n, have[i]) >= 0;
  if (!fits) {
    lift_refuse(l, node, E902, "needs axes that its operand does not have");
    return NULL;
  }
  if (same) return same_axes(l, from, to) ? value : lift_reshaped(l, node, value, to);
  Pieces pieces = pieces_of(from, to, n, have, want, false);
  if (pieces.n > TYPE_MAX_AXES) pieces = pieces_of(from, to, n, have, want, true);
  if (pieces.n > TYPE_MAX_AXES) {
    lift_lacks(l, node, E902,
               arena_printf(l->arena,
                            "join neighbouring axes by a reshape, so that at most %d are left",
                            TYPE_MAX_AXES),
               "needs its operand in another order of more than %d axes", TYPE_MAX_AXES);
    return NULL;
  }
  Layout apart = pieces_layout(from, &pieces, have, false),
         together = pieces_layout(to, &pieces, have, true);
  if (!same_axes(l, from, &apart)) value = lift_reshaped(l, node, value, &apart);
  value = permuted(l, node, value, &apart, pieces.order);
  return same_axes(l, &together, to) ? value : lift_reshaped(l, node, value, to);
}

/* The sequence with the zeros of Placed.before and after. NULL after reporting. */
static Value *with_zeros(Lift *l, const GraphNode *node, const Placed *placed) {
  Value *value = placed->value;
  if (l->time.kind != TIME_FIXED) {
    Diag *d =
        lift_refuse(l, node, E902, "reads earlier steps in a way that only a convolution can");
    diag_note(d, "a convolution or a product with a constant matrix may read the steps that are "
                 "added or kept");
    lift_propose_length(l, d);
    return NULL;
  }
  Layer *layer = lift_layer(l, node, LAYER_pad, 1, &value);
  layer_set_size(layer, OPT_before, placed->before);
  layer_set_size(layer, OPT_after, placed->after);
  lift_set_axes(l, layer, OPT_along, 1, (const char *[]){"time"});
  return layer->out[0];
}

/* The node to name in comments and messages about a value that `node` reads. If nodes have the
 * names of layers, it is the node of another layer that moved the value, otherwise `node`. */
static const GraphNode *moved_by(const Lift *l, const GraphNode *node, const GraphValue *value) {
  while (l->graph->names_layers && value->node &&
         graph_op_moves(value->node->op) == GRAPH_MOVES_first) {
    if (strcmp(value->node->name, node->name) != 0) return value->node;
    value = value->node->in[0];
  }
  return node;
}

/* A vector repeated at every step of the sequence that the layout is. */
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

/* The value, whose layout is `from`, in the layout `want`. One of them is a sequence, whose steps
 * become features or were features. */
static Value *turned_value(Lift *l, const GraphNode *node, Value *own, const Layout *from,
                           const Layout *want) {
  if (!from->timed) {
    Layout flat = layout_with_time(want, false, want->time);
    Value *ordered = reorder(l, node, own, from, &flat);
    return ordered ? lift_reshaped(l, node, ordered, want) : NULL;
  }
  Layout flat = layout_with_time(from, false, from->time);
  int have[LAYOUT_MAX_LEAVES], need[LAYOUT_MAX_LEAVES], n = layout_leaves(&flat, have),
                                                        m = layout_leaves(want, need);
  if (want->n == 1 && n == m && memcmp(have, need, sizeof *have * (size_t)n) == 0)
    return lift_layer(l, node, LAYER_flatten, 1, &own)->out[0];
  Value *whole = lift_reshaped(l, node, own, &flat);
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
  if (from.timed && !lift_has_length(l, from.time)) {
    Diag *d = lift_refuse(l, by, E902,
                          "uses the steps of a sequence as features, which needs a sequence of "
                          "fixed length");
    lift_propose_length(l, d);
    diag_fix(d, FIX_MAYBE, "use the last step, a mean or a maximum over time instead");
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
  if (padded.loose && padded.before) return lift_value(l, node, value, want); /* reports an error */
  if (l->time.kind == TIME_FIXED && (padded.before || padded.after)) {
    placed->layout.time = padded.bare;
    if (inner.timed) inner.time = padded.bare;
  }
  placed->before = placed->after = 0;
  Value *made = lift_value(l, node, value, &inner);
  *placed = padded;
  return made;
}

bool lift_complete(Lift *l, const GraphNode *node, const GraphValue *value) {
  const Placed *placed = &l->placed[value->id];
  Layout all = lift_natural(l, value);
  Axis missing = layout_missing(&placed->layout, &all);
  if (!placed->value || !missing.n || placed->layout.timed != all.timed || placed->before ||
      placed->after)
    return false;
  Value *whole = lift_value(l, node, value, &all);
  if (whole) lift_place(l, value, whole, &all);
  return whole != NULL;
}
