/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that move, join, cut or reduce. Reshape, Transpose and their kin compute nothing: a
 * value keeps its place, and its reader brings it into the order it needs. */
#include "import/lift/lift.h"

#include <string.h>

/* The result is the operand under other axes. */
static LiftDone pass(Lift *l, const GraphNode *node) {
  l->placed[node->out[0]->id] = l->placed[node->in[0]->id];
  return LIFT_DONE;
}

/* Places in a table stay what they are; of other numbers a cast to whole ones keeps a part. */
static LiftDone cast(Lift *l, const GraphNode *node) {
  const Value *value = l->placed[node->in[0]->id].value;
  const Model *model = l->foreign->model;
  bool rounds = lift_type(l, node->in[0])->elem == GRAPH_FLOAT &&
                lift_type(l, node->out[0])->elem != GRAPH_FLOAT;
  for (int i = 0; i < model->n_in; i++)
    if (model->in[i]->value == value && model->in[i]->declared.elem == ELEM_INDEX) rounds = false;
  if (!rounds) return pass(l, node);
  lift_refuse(l, node, E902, "casts numbers with a fraction to whole ones, which no stage does");
  return LIFT_FAILED;
}

/* A Reshape whose axes share no factors with those of its operand: its elements in the order of the
 * file. */
static LiftDone regroup(Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0], *y = node->out[0];
  Factors from = atoms_of(l->atoms, x), to = atoms_of(l->atoms, y);
  bool fresh = false;
  for (int i = 0; i < to.n; i++) {
    bool known = atom_size(l->atoms, to.atom[i]) == 1;
    for (int k = 0; k < from.n && !known; k++)
      known = from.atom[k] == to.atom[i];
    fresh = fresh || !known;
  }
  if (!fresh) return pass(l, node);
  Layout own = lift_natural(l, x), made = lift_natural(l, y);
  if (own.timed && !made.timed) { /* the steps are mixed with features */
    own = (Layout){.time = -1};
    for (int i = 0; i < from.n && own.n < TYPE_MAX_AXES; i++)
      if (atom_size(l->atoms, from.atom[i]) != 1 &&
          atom_family(l->atoms, from.atom[i]) != l->roles.batch)
        own.axis[own.n++] = (Axis){.n = 1, .atom = {from.atom[i]}};
  }
  Value *value = lift_value(l, node, x, &own);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_reshape, 1, &value);
  layer_set_shape(l->arena, layer, lift_shape(l, &made));
  lift_place(l, y, layer->out[0], &made);
  return LIFT_DONE;
}

static Layout without_time(const Layout *layout) {
  Layout out = *layout;
  out.timed = false;
  out.time = -1;
  return out;
}

static Value *steps_of(Lift *l, const GraphNode *node, Value *value, int64_t begin, int64_t end) {
  Layer *layer = lift_layer(l, node, LAYER_slice, 1, &value);
  layer_set_size(layer, OPT_begin, begin);
  layer_set_size(layer, OPT_end, end);
  lift_set_axes(l, layer, OPT_along, 1, (const char *[]){"time"});
  return layer->out[0];
}

/* Step `at` of a sequence; a value without time. */
static LiftDone one_step(Lift *l, const GraphNode *node, const GraphValue *x,
                         const GraphValue *result, int64_t at, int64_t steps) {
  Layout layout;
  lift_apart(l, x, 0, NULL, false, &layout, NULL);
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  if (!layout.timed) {
    lift_refuse(l, node, E902, "takes one step of what is no sequence in the model");
    return LIFT_FAILED;
  }
  if (at == steps - 1 && l->time.kind == TIME_STREAM) {
    lift_place(l, result, value, &layout);
    return LIFT_DONE;
  }
  if (at != 0 && at != steps - 1 && l->time.kind != TIME_FIXED) {
    lift_refuse(l, node, E902,
                "takes step %lld of a sequence of %lld; of a length that varies only the first and "
                "the last can be had",
                (long long)at, (long long)steps);
    return LIFT_FAILED;
  }
  if (at != 0 && at != steps - 1) value = steps_of(l, node, value, at, at + 1);
  Layer *layer = lift_layer(l, node, at == 0 && steps > 1 ? LAYER_first : LAYER_last, 1, &value);
  layout = without_time(&layout);
  lift_place(l, result, layer->out[0], &layout);
  return LIFT_DONE;
}

/* Steps begin..end of a sequence of fixed length. made: the atom of the time that is left. */
static LiftDone some_steps(Lift *l, const GraphNode *node, const GraphValue *x,
                           const GraphValue *result, int64_t begin, int64_t end, int made) {
  Layout layout;
  lift_apart(l, x, 0, NULL, false, &layout, NULL);
  if (l->time.kind != TIME_FIXED || !layout.timed) {
    lift_refuse(l, node, E902,
                "cuts a sequence to its steps %lld to %lld, which needs one of fixed length",
                (long long)begin, (long long)end - 1);
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  layout.time = made;
  lift_place(l, result, steps_of(l, node, value, begin, end), &layout);
  return LIFT_DONE;
}

/* The axis of a placed value whose major part the atoms are, where that axis has more; -1: there is
 * none. */
static int major_of_an_axis(const Lift *l, const GraphValue *x, const Axis *part) {
  const Layout *layout = &l->placed[x->id].layout;
  for (int k = 0; k < layout->n && part->n; k++) {
    const Axis *whole = &layout->axis[k];
    bool begins = whole->n > part->n;
    for (int i = 0; begins && i < part->n; i++)
      begins = whole->atom[i] == part->atom[i];
    if (begins) return k;
  }
  return -1;
}

/* along= axis k, unless it is the last one, which stages that take an axis take by themselves. */
static Value *named_axis(Lift *l, const GraphNode *node, Value *value, const Layout *layout, int k,
                         const char **name) {
  AxisNames names;
  *name = NULL;
  if (k == layout->n - 1) return value;
  value = lift_labelled(l, node, value, layout, &names);
  *name = names.name[k];
  return value;
}

/* What waits around a value waits around what is made of its features. */
static void keep_edges(Lift *l, const Placed *own, const GraphValue *to) {
  Placed *made = &l->placed[to->id];
  made->before = own->before;
  made->after = own->after;
  made->bare = own->bare;
  made->loose = own->loose;
}

/* Rows begin..end of a window over a stream: its last ones are a smaller window, one row alone is a
 * step of before. */
static LiftDone cut_window(Lift *l, const GraphNode *node, const GraphValue *x,
                           const GraphValue *result, int axis, int64_t begin, int64_t end) {
  Placed out = l->placed[x->id];
  int64_t rows = lift_type(l, x)->dim[axis], fresh = rows - out.before;
  int time;
  if (lift_type(l, result)->rank == lift_type(l, x)->rank) {
    lift_axis(l, result, axis, &time);
    if (time >= 0) out.layout.time = time;
  }
  if (end == rows && begin <= out.before) {
    out.before -= begin;
    out.loose = out.loose && out.before;
    l->placed[result->id] = out;
    return LIFT_DONE;
  }
  if (fresh != end - begin || out.after || l->time.kind != TIME_STREAM) {
    lift_refuse(l, node, E902,
                "takes rows %lld to %lld of %lld that it looks back on, where the call has %lld",
                (long long)begin, (long long)end - 1, (long long)rows, (long long)fresh);
    return LIFT_FAILED;
  }
  Layout layout = out.layout;
  Value *value = lift_inner_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_delay, 1, &value);
  layer_set_size(layer, OPT_n, rows - end);
  lift_place(l, result, layer->out[0], &layout);
  return LIFT_DONE;
}

/* Elements begin..end of graph axis `axis` of x; at: the value that is cut, x or what other cuts
 * have made of it. */
static LiftDone cut(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                    const GraphValue *result, int axis, int64_t begin, int64_t end) {
  int time, time_made, k;
  Axis cut_axis = lift_axis_alone(l, x, axis, &time), made = {0};
  Layout layout;
  const char *name;
  bool stays = lift_type(l, result)->rank == lift_type(l, x)->rank;
  if (stays) made = lift_axis_alone(l, result, axis, &time_made);
  if (time >= 0 && cut_axis.n) {
    lift_refuse(l, node, E902, "cuts an axis that is time and features at once");
    return LIFT_FAILED;
  }
  if (time >= 0 && l->placed[at->id].before && l->time.kind != TIME_FIXED)
    return cut_window(l, node, x, result, axis, begin, end);
  if (time >= 0 && end - begin == 1)
    return one_step(l, node, at, result, begin, lift_type(l, x)->dim[axis]);
  if (time >= 0) return some_steps(l, node, at, result, begin, end, time_made);
  int64_t inner = 1;
  k = major_of_an_axis(l, at, &cut_axis);
  if (k >= 0) { /* one direction of a layer, one gate: a part of an axis */
    layout = l->placed[at->id].layout;
    const Axis *whole = &layout.axis[k];
    for (int i = cut_axis.n; i < whole->n; i++) {
      inner *= atom_size(l->atoms, whole->atom[i]);
      made.atom[made.n++] = whole->atom[i];
    }
  } else if (!lift_apart(l, at, 1, &cut_axis, false, &layout, &k)) {
    lift_refuse(l, node, E902, "cuts an axis that the model's value does not have");
    return LIFT_FAILED;
  }
  Placed edges = l->placed[at->id];
  Value *value = lift_inner_value(l, node, at, &layout);
  if (!value) return LIFT_FAILED;
  value = named_axis(l, node, value, &layout, k, &name);
  Layer *layer = lift_layer(l, node, LAYER_slice, 1, &value);
  layer_set_size(layer, OPT_begin, begin * inner);
  layer_set_size(layer, OPT_end, end * inner);
  if (name) lift_set_axes(l, layer, OPT_along, 1, &name);
  layout.axis[k] = made;
  lift_place(l, result, layer->out[0], &layout);
  keep_edges(l, &edges, result);
  return LIFT_DONE;
}

/* ---- Slice, Split, Gather ---- */

static int64_t clamped(double at, int64_t size, bool backwards) {
  if (at < 0) at += (double)size;
  double low = backwards ? -1 : 0, high = backwards ? (double)size - 1 : (double)size;
  return (int64_t)(at < low ? low : at > high ? high : at);
}

/* Every step-th element of a graph axis of x, or its elements in the order from the last to the
 * first. */
static LiftDone thinned(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                        const GraphValue *result, int axis, int64_t step) {
  int time, k = 0;
  Axis group = lift_axis_alone(l, x, axis, &time);
  Layout layout;
  bool back = step < 0;
  if (time >= 0 ? group.n || !lift_apart(l, at, 0, NULL, false, &layout, NULL) || !layout.timed
                : !lift_apart(l, at, 1, &group, false, &layout, &k)) {
    lift_refuse(l, node, E902,
                "takes every %lldth element of an axis that the model's value does not have",
                (long long)step);
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, at, &layout);
  if (!value) return LIFT_FAILED;
  AxisNames names = {.name = {"time"}};
  if (time < 0) value = lift_labelled(l, node, value, &layout, &names);
  Layer *layer = lift_layer(l, node, back ? LAYER_reverse : LAYER_every_nth, 1, &value);
  if (!back) layer_set_size(layer, OPT_n, step);
  if (!back || time < 0) lift_set_axes(l, layer, OPT_along, 1, &names.name[k]);
  Axis made = lift_axis(l, result, axis, &time);
  if (time >= 0)
    layout.time = time;
  else
    layout.axis[k] = made;
  lift_place(l, result, layer->out[0], &layout);
  return LIFT_DONE;
}

/* One axis of a Slice: elements begin, begin + step, .. up to end, which is not among them. */
typedef struct Cut {
  int axis;
  int64_t begin, end, step;
} Cut;

static Cut cut_of(const Lift *l, const GraphNode *node, int i) {
  const GraphTensor *x = lift_type(l, node->in[0]), *starts = lift_type(l, node->in[1]),
                    *ends = lift_type(l, node->in[2]);
  const GraphTensor *axes = node->n_in > 3 && node->in[3] ? lift_type(l, node->in[3]) : NULL;
  const GraphTensor *steps = node->n_in > 4 && node->in[4] ? lift_type(l, node->in[4]) : NULL;
  Cut c = {.axis = axes ? (int)axes->data[i] : i, .step = steps ? (int64_t)steps->data[i] : 1};
  if (c.axis < 0) c.axis += x->rank;
  c.begin = clamped(starts->data[i], x->dim[c.axis], c.step < 0);
  c.end = clamped(ends->data[i], x->dim[c.axis], c.step < 0);
  return c;
}

static LiftDone slice(Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0], *at = x, *y = node->out[0];
  LiftDone done = pass(l, node);
  for (int i = 0; i < lift_type(l, node->in[1])->count && done == LIFT_DONE; i++) {
    Cut c = cut_of(l, node, i);
    int64_t size = lift_type(l, x)->dim[c.axis], left = lift_type(l, y)->dim[c.axis];
    if (c.step < -1 || left < 1 || (c.step < 0 && left != size)) {
      lift_refuse(l, node, E902, "takes %lld elements of an axis of %lld, by steps of %lld",
                  (long long)left, (long long)size, (long long)c.step);
      return LIFT_FAILED;
    }
    int64_t end = c.begin + (left - 1) * c.step + 1; /* no further than what is taken */
    if (c.step > 0 && (c.begin > 0 || end < size) && (left == 1 || c.step == 1))
      done = cut(l, node, x, at, y, c.axis, c.begin, end);
    else if (c.step > 1 && left > 1) {
      if (c.begin > 0) {
        lift_refuse(l, node, E902, "takes every %lldth element of an axis, from element %lld on",
                    (long long)c.step, (long long)c.begin);
        return LIFT_FAILED;
      }
      done = thinned(l, node, x, at, y, c.axis, c.step);
    } else if (c.step < 0 && size > 1)
      done = thinned(l, node, x, at, y, c.axis, c.step);
    at = y;
  }
  return done;
}

static LiftDone split(Lift *l, const GraphNode *node) {
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  int64_t begin = 0;
  if (node->n_out == 1) return pass(l, node);
  for (int i = 0; i < node->n_out; i++) {
    int64_t size = lift_type(l, node->out[i])->dim[axis];
    if (l->uses[node->out[i]->id]) {
      LiftDone done =
          cut(l, node, node->in[0], node->in[0], node->out[i], axis, begin, begin + size);
      if (done != LIFT_DONE) return done;
    }
    begin += size;
  }
  return LIFT_DONE;
}

/* Gather with constant places: neighbours in order, or the same from the last to the first. */
static LiftDone gather(Lift *l, const GraphNode *node) {
  const GraphTensor *x = lift_type(l, node->in[0]), *place = lift_type(l, node->in[1]);
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  if (x->data || !place->data) return LIFT_OTHER;
  int64_t size = x->dim[axis], first = place->count ? (int64_t)place->data[0] : 0, step = 1;
  if (first < 0) first += size;
  for (int64_t i = 0; i < place->count; i++) {
    int64_t at = (int64_t)place->data[i];
    if (at < 0) at += size;
    if (i == 1 && at == first - 1) step = -1;
    if (at != first + i * step) {
      lift_refuse(l, node, E902, "takes elements of an axis in another order");
      return LIFT_FAILED;
    }
  }
  if (step < 0 && (place->count != size || place->rank != 1)) {
    lift_refuse(l, node, E902, "takes elements of an axis in another order");
    return LIFT_FAILED;
  }
  if (step < 0) return thinned(l, node, node->in[0], node->in[0], node->out[0], axis, step);
  if (place->count == size) return pass(l, node);
  return cut(l, node, node->in[0], node->in[0], node->out[0], axis, first, first + place->count);
}

/* ---- Concat, Expand, Reverse ---- */

static bool is_zero(const GraphTensor *t) {
  for (int64_t i = 0; i < t->count; i++)
    if (t->data[i] != 0) return false;
  return true;
}

/* Zeros of a graph axis before and behind, or other numbers by `mode`. */
static LiftDone padded(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                       int axis, int64_t before, int64_t after, const char *mode) {
  const GraphValue *y = node->out[0];
  int time, k = 0;
  Axis features = lift_axis_alone(l, x, axis, &time);
  Layout layout;
  if (time >= 0 && !features.n && (before < 0 || after < 0)) { /* steps that go */
    int64_t steps = lift_type(l, x)->dim[axis], from = before < 0 ? -before : 0,
            to = after < 0 ? steps + after : steps;
    lift_axis(l, y, axis, &time);
    LiftDone done = some_steps(l, node, at, y, from, to, time);
    if (done != LIFT_DONE) return done;
    at = y;
    before = before < 0 ? 0 : before;
    after = after < 0 ? 0 : after;
  }
  if (time >= 0) {
    Placed out = l->placed[at->id];
    if (features.n || strcmp(mode, "zero") != 0 || !out.layout.timed) {
      lift_refuse(l, node, E902, "adds steps to a sequence that are no zeros");
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

/* One value between zeros is padded. */
static LiftDone concat_zeros(Lift *l, const GraphNode *node, int axis) {
  const GraphValue *x = NULL;
  int64_t before = 0, after = 0;
  for (int i = 0; i < node->n_in; i++) {
    const GraphTensor *t = lift_type(l, node->in[i]);
    if (!t->data && x) return LIFT_OTHER;
    if (!t->data)
      x = node->in[i];
    else if (!is_zero(t))
      return LIFT_OTHER;
    else
      *(x ? &after : &before) += t->dim[axis];
  }
  return x ? padded(l, node, x, x, axis, before, after, "zero") : LIFT_OTHER;
}

/* Joins values along an axis of size 1 that the model's values do not have. */
static bool is_stack(Lift *l, const GraphNode *node, int axis) {
  for (int i = 0; i < node->n_in; i++)
    if (lift_type(l, node->in[i])->dim[axis] != 1 || !l->placed[node->in[i]->id].layout.n)
      return false;
  return true;
}

/* Joins whole last axes: the new axis stands in front of what is joined. */
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

/* Joins the operands along an axis of this layout of wide, which they are brought to. */
static LiftDone joined(Lift *l, const GraphNode *node, int axis, Value *wide,
                       const GraphValue *wide_value, Layout layout, int k) {
  Value **in = ARENA_ARRAY(l->arena, Value *, node->n_in);
  int time;
  for (int i = 0; i < node->n_in; i++) {
    Layout own = layout;
    own.axis[k] = lift_axis(l, node->in[i], axis, &time);
    if (node->in[i] == wide_value)
      in[i] = wide;
    else if (lift_is_constant(l, node->in[i])) {
      lift_refuse(l, node, E902, "joins a value and a constant that is not zero");
      return LIFT_FAILED;
    } else
      in[i] = lift_broadcast(l, node, node->in[i], wide, &own);
    if (!in[i]) return LIFT_FAILED;
  }
  const char *name = NULL;
  for (int i = 0; i < node->n_in && k != layout.n - 1; i++) {
    AxisNames names;
    Layout made = layout;
    made.axis[k] = lift_axis(l, node->out[0], axis, &time);
    names = lift_axis_names(l, &made);
    in[i] = lift_named(l, node, in[i], layout.n, &names);
    name = names.name[k];
  }
  Layer *layer = lift_layer(l, node, LAYER_concat, node->n_in, in);
  if (name) lift_set_axes(l, layer, OPT_along, 1, &name);
  layout.axis[k] = lift_axis(l, node->out[0], axis, &time);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone concat(Lift *l, const GraphNode *node) {
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), time, k;
  if (node->n_in == 1) return pass(l, node);
  LiftDone zeros = concat_zeros(l, node, axis);
  if (zeros != LIFT_OTHER) return zeros;
  const GraphValue *wide = NULL;
  for (int i = 0; i < node->n_in; i++) {
    if (lift_is_constant(l, node->in[i])) continue;
    if (!wide || (l->placed[node->in[i]->id].layout.timed && !l->placed[wide->id].layout.timed))
      wide = node->in[i];
  }
  lift_axis_alone(l, node->out[0], axis, &time);
  if (time >= 0) {
    Diag *d = lift_refuse(l, node, E903, "joins sequences one after the other");
    diag_note(d, "`concat` puts features side by side, step by step");
    return LIFT_FAILED;
  }
  bool constants = false;
  for (int i = 0; i < node->n_in; i++)
    constants = constants || lift_is_constant(l, node->in[i]);
  if (!constants && is_stack(l, node, axis)) return stacked(l, node, axis, wide);
  Axis group = lift_axis(l, wide, axis, &time);
  Layout layout;
  if (!lift_apart(l, wide, 1, &group, false, &layout, &k)) return LIFT_OTHER;
  Value *value = lift_value(l, node, wide, &layout);
  return value ? joined(l, node, axis, value, wide, layout, k) : LIFT_FAILED;
}

/* Expand repeats along axes; its readers repeat where they need it. */
static LiftDone expand(Lift *l, const GraphNode *node) {
  return pass(l, node);
}

static LiftDone pad(Lift *l, const GraphNode *node) {
  const GraphTensor *x = lift_type(l, node->in[0]), *pads = lift_type(l, node->in[1]);
  const GraphTensor *fill = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  const char *mode = graph_word(node, GRAPH_ATTR_mode, 0, "constant");
  const GraphValue *at = node->in[0];
  LiftDone done = pass(l, node);
  if (!pads->data) return LIFT_OTHER;
  if (strcmp(mode, "constant") == 0 && fill && !(fill->data && is_zero(fill))) {
    Diag *d = lift_refuse(l, node, E902, "pads with a number that is not zero");
    diag_note(d, "`pad` has zeros, the value at the edge (`edge`) and reflections (`reflect`)");
    return LIFT_FAILED;
  }
  if (strcmp(mode, "constant") == 0) mode = "zero";
  if (strcmp(mode, "wrap") == 0) {
    lift_refuse(l, node, E902,
                "pads by going round, which `pad` does not do; it has zero, edge and reflect");
    return LIFT_FAILED;
  }
  for (int axis = 0; axis < x->rank && done == LIFT_DONE; axis++) {
    int64_t before = (int64_t)pads->data[axis], after = (int64_t)pads->data[x->rank + axis];
    if (!before && !after) continue;
    done = padded(l, node, node->in[0], at, axis, before, after, mode);
    at = node->out[0];
  }
  return done;
}

static LiftDone reverse(Lift *l, const GraphNode *node) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  const GraphValue *at = node->in[0];
  LiftDone done = pass(l, node);
  for (int i = 0; axes && i < axes->n && done == LIFT_DONE; i++) {
    if (lift_type(l, node->in[0])->dim[axes->i[i]] == 1) continue;
    done = thinned(l, node, node->in[0], at, node->out[0], (int)axes->i[i], -1);
    at = node->out[0];
  }
  return done;
}

LiftDone lift_moves(Lift *l, const GraphNode *node) {
  switch (node->op) {
  case GRAPH_Cast: return cast(l, node);
  case GRAPH_Identity:
  case GRAPH_Squeeze:
  case GRAPH_Unsqueeze:
  case GRAPH_Flatten:
  case GRAPH_Transpose: return pass(l, node);
  case GRAPH_Reshape: return regroup(l, node);
  case GRAPH_Slice: return slice(l, node);
  case GRAPH_Split: return split(l, node);
  case GRAPH_Gather: return gather(l, node);
  case GRAPH_Concat: return concat(l, node);
  case GRAPH_Expand: return expand(l, node);
  case GRAPH_Pad: return pad(l, node);
  case GRAPH_Reverse: return reverse(l, node);
  case GRAPH_ReduceSum:
  case GRAPH_ReduceMean:
  case GRAPH_ReduceMax:
  case GRAPH_ReduceMin:
  case GRAPH_ReduceL1:
  case GRAPH_ReduceL2: return lift_reduce(l, node);
  case GRAPH_MaxPool:
  case GRAPH_AvgPool: return lift_pool(l, node);
  default: return LIFT_OTHER;
  }
}
