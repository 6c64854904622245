/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Axes of graph values as time and features of the model, and layouts in which groups of atoms are
 * axes of their own. Also the small helpers of all operators, such as lift_layer and lift_refuse.
 */
#include "import/lift/lift.h"

#include <string.h>

const GraphTensor *lift_type(const Lift *l, const GraphValue *value) {
  return flat_type_of(l->flat, value);
}

bool lift_is_constant(const Lift *l, const GraphValue *value) {
  return graph_known(lift_type(l, value));
}

void lift_release(Lift *l, const GraphValue *weights) {
  const Graph *flat = l->flat->graph;
  GraphTensor *t = (GraphTensor *)lift_type(l, weights);
  if (!t->narrow) return;
  for (int i = 0; i < flat->n_values; i++) {
    const GraphTensor *other = lift_type(l, flat->value[i]);
    bool shares = other && other->narrow == t->narrow;
    if (shares && l->uses[i] > (flat->value[i] == weights)) return;
  }
  if (arena_release(flat->numbers, t->narrow)) t->narrow = NULL;
}

const char *lift_origin(const Lift *l, const GraphNode *node) {
  const char *source = *node->source ? node->source : graph_op_name(node->op);
  if (l->graph->names_layers && *node->name)
    return arena_printf(l->arena, "layer `%s`", node->name);
  if (node->is_cell) return arena_printf(l->arena, "cell `%s` (%s)", node->name, source);
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
  l->refused = node;
  l->refusal = foreign_report(l->diags, l->file, code, "%s %s", who, text);
  return l->refusal;
}

void lift_lacks(Lift *l, const GraphNode *node, DiagCode code, const char *help, const char *format,
                ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(l->arena, format, args);
  va_end(args);
  diag_fix(lift_refuse(l, node, code, "%s", text), FIX_MAYBE, "%s", help);
}

Layer *lift_layer(Lift *l, const GraphNode *node, LayerKind kind, int n_in, Value *const *in) {
  Layer *layer = model_layer(l->foreign->model, kind, n_in, in);
  layer->origin = lift_origin(l, node);
  if (l->graph->names_layers) layer->prefix = node->name;
  return layer;
}

float *lift_tensor(Lift *l, const GraphNode *node, Layer *layer, Role role, int rank,
                   const int64_t *dim) {
  float *data = foreign_tensor(l->foreign, layer, role, rank, dim,
                               *node->name ? node->name : graph_op_name(node->op));
  if (!data) lift_refuse(l, node, E901, "has weights that are too large");
  return data;
}

bool lift_vector(Lift *l, const GraphNode *node, Layer *layer, Role role, const GraphTensor *from,
                 int64_t count) {
  if (!from || !graph_known(from) || from->count != count) {
    lift_lacks(l, node, E902,
               node->op == GRAPH_BatchNorm
                   ? graph_op_nearest(node->op)
                   : "leave the weights out of the node, and multiply and add them after it",
               "has weights that are not constants of its size");
    return false;
  }
  float *to = lift_tensor(l, node, layer, role, 1, &count);
  for (int64_t i = 0; to && i < count; i++)
    to[i] = (float)graph_at(from, i);
  return to != NULL;
}

void lift_place(Lift *l, const GraphValue *value, Value *in_model, const Layout *layout) {
  l->placed[value->id] = (Placed){.value = in_model, .layout = *layout};
}

/* Whether an atom is time. If each call is a step, the rows that earlier calls kept are steps. */
static bool is_time(Lift *l, int atom) {
  if (l->roles.way == TIME_WAY_CALLS)
    return (atom_facts(l->atoms, atom) & FACT_ROWS) &&
           atom_same(l->atoms, atom) != l->roles.stacked;
  int family = atom_family(l->atoms, atom);
  return l->roles.way == TIME_WAY_AXIS && (family == l->roles.time || family == l->roles.made);
}

bool lift_has_length(Lift *l, int time) {
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

Layout lift_natural(Lift *l, const GraphValue *value) {
  Layout out = {.timed = l->roles.way == TIME_WAY_CALLS, .time = -1};
  for (int axis = 0; axis < lift_type(l, value)->rank; axis++) {
    int time;
    Axis features = lift_axis(l, value, axis, &time);
    if (time >= 0 && out.timed && out.time >= 0 &&
        out.n < TYPE_MAX_AXES) { /* of another sequence */
      out.axis[out.n++] = (Axis){.n = 1, .atom = {time}};
    } else if (time >= 0) {
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
  if (layout->timed && lift_has_length(l, layout->time))
    type.time = (Time){.kind = TIME_FIXED, .n = atom_size(l->atoms, layout->time)};
  for (int i = 0; i < layout->n; i++)
    type.dim[i].n = axis_size(l, &layout->axis[i]);
  return type;
}

/* The number of the group that holds an atom; -1: none does. */
static int group_of(int n, const Axis *group, int atom) {
  for (int g = 0; g < n; g++)
    if (atom_index(group[g].atom, group[g].n, atom) >= 0) return g;
  return -1;
}

/* The layout of a value, with its steps as features if a group holds them, and as a sequence if no
 * group does. */
static Layout sequence_or_not(Lift *l, const GraphValue *value, int n, const Axis *group) {
  Layout own = l->placed[value->id].layout, out = {.timed = true, .time = -1};
  if (own.timed && own.time >= 0 && group_of(n, group, own.time) >= 0)
    return layout_with_time(&own, false, own.time);
  if (own.timed || l->roles.way != TIME_WAY_AXIS) return own;
  for (int i = 0; i < own.n; i++) {
    Axis rest = {0};
    for (int k = 0; k < own.axis[i].n; k++) {
      int atom = own.axis[i].atom[k];
      if (!is_time(l, atom))
        rest.atom[rest.n++] = atom;
      else if (out.time >= 0 || group_of(n, group, atom) >= 0)
        return own; /* there are several atoms of time, or a group holds this one */
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
