/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that make an axis longer. In, a Concat or a Pad; out, a stage `concat` or `pad`, or
 * zeros that wait for a convolution (Placed). */
#include "import/lift/lift.h"

#include <string.h>

static bool is_zero(const GraphTensor *t) {
  for (int64_t i = 0; i < t->count; i++)
    if (graph_at(t, i) != 0) return false;
  return true;
}

/* A Pad of steps that repeats the ends of a sequence, or mirrors it, as `mode` says. */
static LiftDone padded_steps(Lift *l, const GraphNode *node, const GraphValue *x, int axis,
                             int64_t before, int64_t after, const char *mode) {
  const GraphValue *y = node->out[0];
  Layout layout = l->placed[x->id].layout;
  if (!layout.timed || !lift_has_length(l, layout.time)) {
    Diag *d = lift_refuse(l, node, E902,
                          "adds steps that are not zeros, which needs a sequence of fixed length");
    if (l->time.kind == TIME_STREAM)
      diag_note(d, "a stream has no end that could be mirrored or repeated");
    lift_propose_length(l, d);
    diag_fix(d, FIX_MAYBE, "pad with zeros, which sequences of any length allow");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_pad, 1, &value);
  layer_set_size(layer, OPT_before, before);
  layer_set_size(layer, OPT_after, after);
  lift_set_axes(l, layer, OPT_along, 1, (const char *[]){"time"});
  layer_set_word(layer, OPT_mode, mode);
  lift_axis(l, y, axis, &layout.time);
  lift_place(l, y, layer->out[0], &layout);
  return LIFT_DONE;
}

/* Places the result as `at` with elements before and after along a graph axis of x: zeros, or what
 * `mode` says. A negative number removes elements. */
static LiftDone padded(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                       int axis, int64_t before, int64_t after, const char *mode) {
  const GraphValue *y = node->out[0];
  int time, k = 0;
  Axis features = lift_axis_alone(l, x, axis, &time);
  Layout layout;
  if (time >= 0 && !features.n && (before < 0 || after < 0)) { /* it removes steps */
    int64_t steps = lift_type(l, x)->dim[axis], from = before < 0 ? -before : 0,
            to = after < 0 ? steps + after : steps;
    lift_axis(l, y, axis, &time);
    LiftDone done = lift_steps(l, node, at, y, from, to, time);
    if (done != LIFT_DONE) return done;
    at = y;
    before = before < 0 ? 0 : before;
    after = after < 0 ? 0 : after;
  }
  if (time >= 0) {
    Placed out = l->placed[at->id];
    if (!features.n && strcmp(mode, "zero") != 0)
      return padded_steps(l, node, at, axis, before, after, mode);
    if (features.n || !out.layout.timed) {
      lift_lacks(l, node, E902, "give time an axis of its own before the node",
                 "adds steps to an axis that has features as well");
      return LIFT_FAILED;
    }
    if (!out.before && !out.after) out.bare = out.layout.time;
    out.before += before; /* they wait for the convolution that reads them */
    out.after += after;
    lift_axis(l, y, axis, &out.layout.time);
    l->placed[y->id] = out;
    return LIFT_DONE;
  }
  if (!lift_apart(l, at, 1, &features, false, &layout, &k) || before < 0 || after < 0) {
    lift_refuse(
        l, node, E902,
        "adds elements to an axis that the model's value does not have, or takes some away");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, at, &layout);
  if (!value) return LIFT_FAILED;
  AxisNames names;
  value = lift_labelled(l, node, value, &layout, &names);
  Layer *layer = lift_layer(l, node, LAYER_pad, 1, &value);
  layer_set_size(layer, OPT_before, before);
  layer_set_size(layer, OPT_after, after);
  lift_set_axes(l, layer, OPT_along, 1, &names.name[k]);
  if (strcmp(mode, "zero") != 0) layer_set_word(layer, OPT_mode, mode);
  layout.axis[k] = lift_axis(l, y, axis, &time);
  lift_place(l, y, layer->out[0], &layout);
  return LIFT_DONE;
}

/* A Concat of one value and zeros, as a Pad. */
static LiftDone concat_zeros(Lift *l, const GraphNode *node, int axis) {
  const GraphValue *x = NULL;
  int64_t before = 0, after = 0;
  for (int i = 0; i < node->n_in; i++) {
    const GraphTensor *t = lift_type(l, node->in[i]);
    if (!graph_known(t) && x) return LIFT_OTHER;
    if (!graph_known(t))
      x = node->in[i];
    else if (!is_zero(t))
      return LIFT_OTHER;
    else if (x)
      after += t->dim[axis];
    else
      before += t->dim[axis];
  }
  return x ? padded(l, node, x, x, axis, before, after, "zero") : LIFT_OTHER;
}

/* Whether all operands have the size 1 along the axis, so that the values of the model do not have
 * that axis. */
static bool is_stack(Lift *l, const GraphNode *node, int axis) {
  for (int i = 0; i < node->n_in; i++)
    if (lift_type(l, node->in[i])->dim[axis] != 1 || !l->placed[node->in[i]->id].layout.n)
      return false;
  return true;
}

/* Such a Concat joins the last axes of the model values. The joined axis has the new one in front.
 */
static LiftDone stacked(Lift *l, const GraphNode *node, int axis, const GraphValue *wide) {
  Layout layout = l->placed[wide->id].layout;
  int time;
  Axis made = lift_axis(l, node->out[0], axis, &time);
  const Axis *inner = &layout.axis[layout.n - 1];
  Value **in = ARENA_ARRAY(l->arena, Value *, node->n_in),
        *whole = lift_value(l, node, wide, &layout);
  for (int i = 0; i < node->n_in; i++) {
    in[i] = !whole                ? NULL
            : node->in[i] == wide ? whole
                                  : lift_broadcast(l, node, node->in[i], whole, &layout);
    if (!in[i]) return LIFT_FAILED;
  }
  for (int i = 0; i < inner->n && made.n < FACTORS_MAX; i++)
    made.atom[made.n++] = inner->atom[i];
  layout.axis[layout.n - 1] = made;
  lift_place(l, node->out[0], lift_layer(l, node, LAYER_concat, node->n_in, in)->out[0], &layout);
  return LIFT_DONE;
}

/* Joins the operands along axis k of a layout of `wide`. The other operands are brought into the
 * same layout. */
static LiftDone joined(Lift *l, const GraphNode *node, int axis, Value *wide,
                       const GraphValue *wide_value, Layout layout, int k) {
  Value **in = ARENA_ARRAY(l->arena, Value *, node->n_in);
  int time;
  for (int i = 0; i < node->n_in; i++) {
    Layout own = layout;
    own.axis[k] = lift_axis_whole(l, node->in[i], axis, &time);
    if (node->in[i] == wide_value)
      in[i] = wide;
    else if (lift_is_constant(l, node->in[i])) {
      lift_lacks(l, node, E902, "join zeros, and add the constant after that",
                 "joins a value and a constant other than zero");
      return LIFT_FAILED;
    } else
      in[i] = own.timed || !l->placed[node->in[i]->id].layout.timed
                  ? lift_broadcast(l, node, node->in[i], wide, &own)
                  : lift_value(l, node, node->in[i], &own);
    if (!in[i]) return LIFT_FAILED;
  }
  const char *name = NULL;
  for (int i = 0; i < node->n_in && k != layout.n - 1; i++) {
    AxisNames names;
    Layout made = layout;
    made.axis[k] = lift_axis_whole(l, node->out[0], axis, &time);
    names = lift_axis_names(l, &made);
    in[i] = lift_named(l, node, in[i], layout.n, &names);
    name = names.name[k];
  }
  Layer *layer = lift_layer(l, node, LAYER_concat, node->n_in, in);
  if (name) lift_set_axes(l, layer, OPT_along, 1, &name);
  layout.axis[k] = lift_axis_whole(l, node->out[0], axis, &time);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* Joins sequences of fixed length one after the other. Their steps become an axis of features,
 * which is joined, and become steps again when a reader wants them. */
static LiftDone steps_joined(Lift *l, const GraphNode *node, int axis, const GraphValue *wide,
                             bool with_features) {
  bool fixed = l->time.kind == TIME_FIXED && !with_features;
  for (int i = 0; i < node->n_in; i++)
    fixed = fixed && !l->placed[node->in[i]->id].before && !l->placed[node->in[i]->id].after;
  if (!fixed) {
    Diag *d = lift_refuse(l, node, E903,
                          "joins sequences along time, which needs sequences of fixed length");
    lift_propose_length(l, d);
    diag_note(d, "`concat` joins the features of each step");
    return LIFT_FAILED;
  }
  Axis steps = lift_axis_whole(l, wide, axis, &(int){0});
  Layout layout;
  int k;
  if (!lift_apart(l, wide, 1, &steps, false, &layout, &k)) return LIFT_OTHER;
  Value *value = lift_value(l, node, wide, &layout);
  return value ? joined(l, node, axis, value, wide, layout, k) : LIFT_FAILED;
}

/* The operand that the others are brought to: a sequence rather than a vector, and the one with the
 * most axes of its own beside those that are joined. */
static const GraphValue *widest(const Lift *l, const GraphNode *node, int axis) {
  const GraphValue *wide = NULL;
  double most = 0;
  for (int i = 0; i < node->n_in; i++) {
    const GraphValue *x = node->in[i];
    if (lift_is_constant(l, x)) continue;
    const Layout *layout = &l->placed[x->id].layout;
    double size = layout->timed ? 1e18 : 1;
    for (int k = 0; k < layout->n; k++)
      size *= (double)axis_size(l, &layout->axis[k]);
    size /= (double)lift_type(l, x)->dim[axis];
    if (!wide || size > most) {
      wide = x;
      most = size;
    }
  }
  return wide;
}

LiftDone lift_concat(Lift *l, const GraphNode *node) {
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), time, k;
  if (node->n_in == 1) return lift_pass(l, node);
  LiftDone zeros = concat_zeros(l, node, axis);
  if (zeros != LIFT_OTHER) return zeros;
  const GraphValue *wide = widest(l, node, axis);
  Axis others = lift_axis_alone(l, node->out[0], axis, &time);
  if (time >= 0) return steps_joined(l, node, axis, wide, others.n > 0);
  bool constants = false;
  for (int i = 0; i < node->n_in; i++)
    constants = constants || lift_is_constant(l, node->in[i]);
  if (!constants && is_stack(l, node, axis)) return stacked(l, node, axis, wide);
  Axis group = lift_axis(l, wide, axis, &time);
  Layout layout;
  if (!lift_apart(l, wide, 1, &group, false, &layout, &k) &&
      !(lift_complete(l, node, wide) && lift_apart(l, wide, 1, &group, false, &layout, &k)))
    return LIFT_OTHER;
  Value *value = lift_value(l, node, wide, &layout);
  return value ? joined(l, node, axis, value, wide, layout, k) : LIFT_FAILED;
}

LiftDone lift_pad(Lift *l, const GraphNode *node) {
  const GraphTensor *x = lift_type(l, node->in[0]), *pads = lift_type(l, node->in[1]);
  const GraphTensor *fill = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  const char *mode = graph_word(node, GRAPH_ATTR_mode, 0, "constant");
  const GraphValue *at = node->in[0];
  LiftDone done = lift_pass(l, node);
  if (!graph_known(pads)) return LIFT_OTHER;
  if (strcmp(mode, "constant") == 0 && fill && !(graph_known(fill) && is_zero(fill))) {
    Diag *d = lift_refuse(l, node, E902, "pads with a number other than zero");
    diag_fix(d, FIX_MAYBE,
             "subtract the number before the node and add it after it, so that the node pads with "
             "zeros");
    diag_fix(d, FIX_MAYBE, "or pad with the value at the edge (`edge`) or reflections (`reflect`)");
    return LIFT_FAILED;
  }
  if (strcmp(mode, "constant") == 0) mode = "zero";
  if (strcmp(mode, "wrap") == 0) {
    lift_lacks(l, node, E902,
               "take the part at the other end by a slice, and join it with the value",
               "pads with the other end (`wrap`)");
    return LIFT_FAILED;
  }
  for (int axis = 0; axis < x->rank && done == LIFT_DONE; axis++) {
    int64_t before = (int64_t)graph_at(pads, axis), after = (int64_t)graph_at(pads, x->rank + axis);
    if (!before && !after) continue;
    done = padded(l, node, node->in[0], at, axis, before, after, mode);
    at = node->out[0];
  }
  return done;
}
