/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions. In, a node such as ReduceMean or ArgMax; out, stages that end its axes: `mean`,
 * `max`, `min`, `sum` or `argmax`, and for norms the functions before and after a `sum`. */
#include "import/lift/lift.h"

#include <string.h>

/* Whether a node reduces an axis. */
static bool is_reduced(const GraphNode *node, int axis) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  bool found = !axes;
  for (int i = 0; axes && i < axes->n; i++)
    found = found || axes->i[i] == axis;
  return found;
}

static Value *stage(Lift *l, const GraphNode *node, LayerKind kind, Value *value) {
  return lift_layer(l, node, kind, 1, &value)->out[0];
}

/* The stage that ends the axes of an operator. For a norm it is a sum, of squares or of magnitudes.
 */
static LayerKind end_of(GraphOp op) {
  if (op == GRAPH_ReduceMean) return LAYER_mean;
  if (op == GRAPH_ReduceMax) return LAYER_max;
  return op == GRAPH_ReduceMin ? LAYER_min : LAYER_sum;
}

/* The value without n axes, which a stage ends. They are removed from its layout too. */
static Value *end_axes(Lift *l, const GraphNode *node, LayerKind kind, Value *value, int n,
                       const int *where, Layout *layout) {
  AxisNames names;
  const char *ended[TYPE_MAX_AXES];
  Layout left = {.timed = layout->timed, .time = layout->time};
  bool last = n == 1 && where[0] == layout->n - 1;
  if (!last) value = lift_labelled(l, node, value, layout, &names);
  for (int i = 0; i < n; i++)
    ended[i] = last ? "features" : names.name[where[i]];
  for (int k = 0; k < layout->n; k++) {
    bool gone = false;
    for (int i = 0; i < n; i++)
      gone = gone || where[i] == k;
    if (!gone) left.axis[left.n++] = layout->axis[k];
  }
  Layer *layer = lift_layer(l, node, kind, 1, &value);
  lift_set_axes(l, layer, OPT_along, n, ended);
  *layout = left;
  return layer->out[0];
}

/* Whether a value only becomes outputs, and no node computes with it. */
static bool comes_out(const Lift *l, const GraphValue *value) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in; k++) {
      if (node->in[k] != value) continue;
      bool same = node->op == GRAPH_Cast || node->op == GRAPH_Identity ||
                  node->op == GRAPH_Reshape || node->op == GRAPH_Squeeze ||
                  node->op == GRAPH_Unsqueeze;
      if (!same || k > 0 || !comes_out(l, node->out[0])) return false;
    }
  }
  return true;
}

/* The index of the largest feature of each step. */
LiftDone lift_argmax(Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0];
  int where, time, axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  Axis features = lift_axis(l, x, axis, &time);
  Layout layout;
  if (time >= 0 || !features.n || !comes_out(l, node->out[0]) ||
      !lift_apart(l, x, 1, &features, false, &layout, &where))
    return LIFT_OTHER;
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  value = end_axes(l, node, LAYER_argmax, value, 1, &where, &layout);
  lift_place(l, node->out[0], value, &layout);
  return LIFT_DONE;
}

LiftDone lift_reduce(Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0];
  Axis group[TYPE_MAX_AXES];
  int where[TYPE_MAX_AXES], n = 0, times = 0;
  for (int axis = 0; axis < lift_type(l, x)->rank; axis++) {
    int time;
    if (!is_reduced(node, axis)) continue;
    Axis features = lift_axis(l, x, axis, &time);
    times += time >= 0 && lift_type(l, x)->dim[axis] > 0;
    if (features.n && n < TYPE_MAX_AXES) group[n++] = features;
  }
  if (!n && !times && node->op != GRAPH_ReduceL1 &&
      node->op != GRAPH_ReduceL2) { /* all of them have the size 1 */
    l->placed[node->out[0]->id] = l->placed[x->id];
    return LIFT_DONE;
  }
  Layout layout;
  bool found = lift_apart(l, x, n, group, false, &layout, where) ||
               (lift_complete(l, node, x) && lift_apart(l, x, n, group, false, &layout, where));
  if (times > 1 || !found) {
    lift_refuse(l, node, E902, "reduces an axis that the model's value does not have");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  if (node->op == GRAPH_ReduceL1) value = stage(l, node, LAYER_abs, value);
  if (node->op == GRAPH_ReduceL2) value = stage(l, node, LAYER_square, value);
  LayerKind kind = end_of(node->op);
  if (n) value = end_axes(l, node, kind, value, n, where, &layout);
  if (times && layout.timed && layout.time >= 0) {
    value = stage(l, node, kind, value);
    layout.timed = false;
    layout.time = -1;
  }
  if (node->op == GRAPH_ReduceL2) value = stage(l, node, LAYER_sqrt, value);
  lift_place(l, node->out[0], value, &layout);
  return LIFT_DONE;
}
