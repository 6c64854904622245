/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows over an axis. In, a Gather with a table of indices [n, size] in which window i begins at
 * i * hop; out, a stage `frames` if the axis is time, and a `concat` of slices if it is an axis of
 * features. */
#include "import/lift/lift.h"

/* The axis that holds the place in a window and then the features of a step. axis: the graph axis
 * of the result that is the place. */
static Axis with_places(Lift *l, const GraphNode *node, int axis, const Axis *features) {
  int time;
  Axis out = lift_axis(l, node->out[0], axis, &time);
  for (int i = 0; i < features->n && out.n < FACTORS_MAX; i++)
    out.atom[out.n++] = features->atom[i];
  return out;
}

/* Windows of steps. */
static LiftDone of_steps(Lift *l, const GraphNode *node, int axis, int64_t size, int64_t hop) {
  Layout layout = l->placed[node->in[0]->id].layout,
         one = {.timed = true, .time = layout.time, .n = 1};
  if (!layout.timed) {
    lift_refuse(l, node, E902, "takes windows of a value that is not a sequence in the model");
    return LIFT_FAILED;
  }
  int leaf[LAYOUT_MAX_LEAVES], leaves = layout_leaves(&layout, leaf);
  if (leaves >= FACTORS_MAX) return LIFT_OTHER;
  for (int i = 0; i < leaves; i++)
    one.axis[0].atom[one.axis[0].n++] = leaf[i];
  Value *value = lift_value(l, node, node->in[0], &one);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_frames, 1, &value);
  layer_set_size(layer, OPT_size, size);
  layer_set_size(layer, OPT_hop, hop);
  one.axis[0] = with_places(l, node, axis + 1, &one.axis[0]);
  lift_axis(l, node->out[0], axis, &one.time);
  lift_place(l, node->out[0], layer->out[0], &one);
  return LIFT_DONE;
}

/* n windows of features. group: the atoms of the axis that they go along. */
static LiftDone of_features(Lift *l, const GraphNode *node, int axis, const Axis *group, int64_t n,
                            int64_t size, int64_t hop) {
  Layout layout;
  AxisNames names = {0};
  int k, time;
  if (!lift_apart(l, node->in[0], 1, group, false, &layout, &k)) {
    lift_refuse(l, node, E902, "takes windows of an axis that the model's value does not have");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, node->in[0], &layout),
        **part = ARENA_ARRAY(l->arena, Value *, n);
  if (!value) return LIFT_FAILED;
  bool last = k == layout.n - 1; /* slice and concat take the last axis by themselves */
  if (!last) value = lift_labelled(l, node, value, &layout, &names);
  for (int64_t i = 0; i < n; i++) {
    Layer *cut = lift_layer(l, node, LAYER_slice, 1, &value);
    layer_set_size(cut, OPT_begin, i * hop);
    layer_set_size(cut, OPT_end, i * hop + size);
    if (!last) lift_set_axes(l, cut, OPT_along, 1, &names.name[k]);
    part[i] = cut->out[0];
  }
  Axis places = with_places(l, node, axis + 1, &(Axis){0});
  layout.axis[k] = lift_axis(l, node->out[0], axis, &time);
  for (int i = 0; i < places.n && layout.axis[k].n < FACTORS_MAX; i++)
    layout.axis[k].atom[layout.axis[k].n++] = places.atom[i];
  if (!last) names = lift_axis_names(l, &layout);
  for (int64_t i = 0; i < n && !last; i++)
    part[i] = lift_named(l, node, part[i], layout.n, &names);
  Layer *layer = lift_layer(l, node, LAYER_concat, (int)n, part);
  if (!last) lift_set_axes(l, layer, OPT_along, 1, &names.name[k]);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

LiftDone lift_frames(Lift *l, const GraphNode *node) {
  const int64_t most = 256;
  const GraphTensor *x = lift_type(l, node->in[0]), *place = lift_type(l, node->in[1]);
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), time;
  int64_t hop;
  if (graph_known(x) || !flat_frames(x, axis, place, &hop)) return LIFT_OTHER;
  Axis group = lift_axis_alone(l, node->in[0], axis, &time);
  if (time >= 0 && !group.n) return of_steps(l, node, axis, place->dim[1], hop);
  if (time >= 0 || place->dim[0] > most) {
    lift_lacks(l, node, E902,
               time >= 0 ? "give time an axis of its own before the node"
                         : arena_printf(l->arena,
                                        "make this axis the time of the model, of which `frames` "
                                        "takes any number of windows, or take at most %lld",
                                        (long long)most),
               "takes %lld windows of an axis of features%s", (long long)place->dim[0],
               time >= 0 ? " that is time as well" : "");
    return LIFT_FAILED;
  }
  return of_features(l, node, axis, &group, place->dim[0], place->dim[1], hop);
}
