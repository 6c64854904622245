/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that take a part of a value: Slice, Split, and Gather with constant indices. A part of
 * the steps becomes `slice`, `first`, `last` or `delay`, and a part of the features `slice`. */
#include "import/lift/lift.h"
#include "import/lift/recurrent_form.h"

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

/* Places `result` as step `at` of a sequence of `steps`, without time. */
static LiftDone one_step(Lift *l, const GraphNode *node, const GraphValue *x,
                         const GraphValue *result, int64_t at, int64_t steps) {
  Layout layout;
  lift_apart(l, x, 0, NULL, false, &layout, NULL);
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  if (!layout.timed) {
    lift_refuse(l, node, E902, "takes one step of a value that is not a sequence in the model");
    return LIFT_FAILED;
  }
  if (at == steps - 1 && l->time.kind == TIME_STREAM) {
    lift_place(l, result, value, &layout);
    return LIFT_DONE;
  }
  if (at != 0 && at != steps - 1 && l->time.kind != TIME_FIXED) {
    Diag *d = lift_refuse(l, node, E902, "takes step %lld of a sequence of %lld", (long long)at,
                          (long long)steps);
    diag_note(d, "without a fixed length, a sequence gives only its first and its last step");
    lift_propose_length(l, d);
    return LIFT_FAILED;
  }
  if (at != 0 && at != steps - 1) value = steps_of(l, node, value, at, at + 1);
  Layer *layer = lift_layer(l, node, at == 0 && steps > 1 ? LAYER_first : LAYER_last, 1, &value);
  layout = without_time(&layout);
  lift_place(l, result, layer->out[0], &layout);
  return LIFT_DONE;
}

LiftDone lift_steps(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *result,
                    int64_t begin, int64_t end, int made) {
  Layout layout;
  lift_apart(l, x, 0, NULL, false, &layout, NULL);
  if (l->time.kind != TIME_FIXED || !layout.timed) {
    Diag *d = lift_refuse(
        l, node, E902,
        "cuts a sequence to its steps %lld to %lld, which needs a sequence of fixed length",
        (long long)begin, (long long)end - 1);
    lift_propose_length(l, d);
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  layout.time = made;
  lift_place(l, result, steps_of(l, node, value, begin, end), &layout);
  return LIFT_DONE;
}

/* The axis of a placed value that begins with the atoms of `part` and has others after them; -1:
 * there is none. */
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

/* The value with names on its axes; *name gets that of axis k, for `along`. If axis k is the last
 * one, which stages take by themselves, *name gets NULL. */
static Value *named_axis(Lift *l, const GraphNode *node, Value *value, const Layout *layout, int k,
                         const char **name) {
  AxisNames names;
  *name = NULL;
  if (k == layout->n - 1) return value;
  value = lift_labelled(l, node, value, layout, &names);
  *name = names.name[k];
  return value;
}

/* A part of the features of a value has the same steps around it (Placed). */
static void keep_edges(Lift *l, const Placed *own, const GraphValue *to) {
  Placed *made = &l->placed[to->id];
  made->before = own->before;
  made->after = own->after;
  made->bare = own->bare;
  made->loose = own->loose;
}

/* Places `result` as rows [begin, end) of a window over a stream. The last rows are a smaller
 * window. As many rows as a call has are an earlier call, which `delay` gives. */
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
    lift_lacks(l, node, E902,
               arena_printf(l->arena,
                            "take the last %lld rows, which are those of the call, or let a "
                            "convolution read all of them",
                            (long long)fresh),
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

/* Places `result` as elements [begin, end) of a graph axis of x. at: the value that they are taken
 * from, which is x or what earlier slices of the same node made of it. */
static LiftDone cut(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                    const GraphValue *result, int axis, int64_t begin, int64_t end) {
  int time, time_made, k;
  Axis cut_axis = lift_axis_alone(l, x, axis, &time), made = {0};
  Layout layout;
  const char *name;
  bool stays = lift_type(l, result)->rank == lift_type(l, x)->rank;
  if (stays) made = lift_axis_alone(l, result, axis, &time_made);
  if (time >= 0 && cut_axis.n) {
    lift_lacks(l, node, E902, "give time an axis of its own before the cut",
               "cuts an axis that is time and features at once");
    return LIFT_FAILED;
  }
  if (time >= 0 && l->placed[at->id].before && l->time.kind != TIME_FIXED)
    return cut_window(l, node, x, result, axis, begin, end);
  if (time >= 0 && end - begin == 1)
    return one_step(l, node, at, result, begin, lift_type(l, x)->dim[axis]);
  if (time >= 0) return lift_steps(l, node, at, result, begin, end, time_made);
  int64_t inner = 1;
  k = major_of_an_axis(l, at, &cut_axis);
  if (k >= 0) { /* the first part of an axis of the model, such as one direction of a layer */
    layout = l->placed[at->id].layout;
    const Axis *whole = &layout.axis[k];
    for (int i = cut_axis.n; i < whole->n; i++) {
      inner *= atom_size(l->atoms, whole->atom[i]);
      made.atom[made.n++] = whole->atom[i];
    }
  } else if (!lift_apart(l, at, 1, &cut_axis, false, &layout, &k) &&
             !(lift_complete(l, node, at) && lift_apart(l, at, 1, &cut_axis, false, &layout, &k))) {
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

/* A start or an end of a Slice, counted from the front and within the axis. */
static int64_t clamped(double at, int64_t size, bool backwards) {
  if (at < 0) at += (double)size;
  double low = backwards ? -1 : 0, high = backwards ? (double)size - 1 : (double)size;
  return (int64_t)(at < low ? low : at > high ? high : at);
}

LiftDone lift_thinned(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                      const GraphValue *result, int axis, int64_t step) {
  int time, k = 0;
  Axis group = lift_axis_alone(l, x, axis, &time);
  Layout layout;
  bool back = step < 0;
  if (time >= 0 ? group.n || !lift_apart(l, at, 0, NULL, false, &layout, NULL) || !layout.timed
                : !lift_apart(l, at, 1, &group, false, &layout, &k)) {
    lift_refuse(l, node, E902,
                "takes one element in %lld of an axis that the model's value does not have",
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

/* One axis of a Slice: elements begin, begin + step, .. before `end`. */
typedef struct Cut {
  int axis;
  int64_t begin, end, step;
} Cut;

static Cut cut_of(const Lift *l, const GraphNode *node, int i) {
  const GraphTensor *x = lift_type(l, node->in[0]), *starts = lift_type(l, node->in[1]),
                    *ends = lift_type(l, node->in[2]);
  const GraphTensor *axes = node->n_in > 3 && node->in[3] ? lift_type(l, node->in[3]) : NULL;
  const GraphTensor *steps = node->n_in > 4 && node->in[4] ? lift_type(l, node->in[4]) : NULL;
  Cut c = {.axis = axes ? (int)graph_at(axes, i) : i,
           .step = steps ? (int64_t)graph_at(steps, i) : 1};
  if (c.axis < 0) c.axis += x->rank;
  c.begin = clamped(graph_at(starts, i), x->dim[c.axis], c.step < 0);
  c.end = clamped(graph_at(ends, i), x->dim[c.axis], c.step < 0);
  return c;
}

LiftDone lift_slice(Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0], *at = x, *y = node->out[0];
  LiftDone done = lift_pass(l, node);
  for (int i = 0; i < lift_type(l, node->in[1])->count && done == LIFT_DONE; i++) {
    Cut c = cut_of(l, node, i);
    int64_t size = lift_type(l, x)->dim[c.axis], left = lift_type(l, y)->dim[c.axis];
    bool part = c.step > 1 && left > 1 && (c.begin > 0 || (size + c.step - 1) / c.step != left);
    if (left < 1) {
      lift_lacks(l, node, E902, "leave out the node and those that read it",
                 "takes none of %lld elements of an axis", (long long)size);
      return LIFT_FAILED;
    }
    if (c.step < -1 || (c.step < 0 && left != size) || part) {
      lift_lacks(l, node, E902,
                 "take the part first, by steps of 1, and then every n-th element of it; or all "
                 "elements from the last to the first",
                 "takes %lld elements of an axis of %lld, by steps of %lld", (long long)left,
                 (long long)size, (long long)c.step);
      return LIFT_FAILED;
    }
    int64_t end = c.begin + (left - 1) * c.step + 1; /* after the last element that is taken */
    if (c.step > 0 && (c.begin > 0 || end < size) && (left == 1 || c.step == 1))
      done = cut(l, node, x, at, y, c.axis, c.begin, end);
    else if ((c.step > 1 && left > 1) || (c.step < 0 && size > 1))
      done = lift_thinned(l, node, x, at, y, c.axis, c.step);
    at = y;
  }
  return done;
}

LiftDone lift_split(Lift *l, const GraphNode *node) {
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  int64_t begin = 0;
  if (node->n_out == 1) return lift_pass(l, node);
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

/* Reports that a Gather takes elements in another order. If the elements are weights of a recurrent
 * operator, the error is about that operator. */
static LiftDone refuse_order(Lift *l, const GraphNode *node) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *cell = graph->node[i];
    bool recurrent = recurrent_form(cell->op) != NULL;
    if (recurrent &&
        (cell->in[RECURRENT_W] == node->out[0] || cell->in[RECURRENT_R] == node->out[0])) {
      lift_refuse(l, cell, E902, "has weights that are not constants");
      return LIFT_FAILED;
    }
  }
  Diag *d = lift_refuse(l, node, E902, "takes elements of an axis in another order");
  diag_note(d, "`slice`, `reverse` and `concat` put features into any order, and the steps of "
               "sequences of a fixed length");
  lift_propose_length(l, d);
  return LIFT_FAILED;
}

/* A Gather with constant indices: neighbours in order, or all elements from the last to the first.
 */
LiftDone lift_gather_part(Lift *l, const GraphNode *node) {
  const GraphTensor *x = lift_type(l, node->in[0]), *place = lift_type(l, node->in[1]);
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  if (graph_known(x) || !graph_known(place)) return LIFT_OTHER;
  LiftDone framed = lift_frames(l, node);
  if (framed != LIFT_OTHER) return framed;
  int64_t size = x->dim[axis], first = place->count ? (int64_t)graph_at(place, 0) : 0, step = 1;
  if (first < 0) first += size;
  for (int64_t i = 0; i < place->count; i++) {
    int64_t at = (int64_t)graph_at(place, i);
    if (at < 0) at += size;
    if (i == 1 && at == first - 1) step = -1;
    if (at != first + i * step) return refuse_order(l, node);
  }
  if (step < 0 && (place->count != size || place->rank != 1)) return refuse_order(l, node);
  if (step < 0) return lift_thinned(l, node, node->in[0], node->in[0], node->out[0], axis, step);
  if (place->count == size) return lift_pass(l, node);
  return cut(l, node, node->in[0], node->in[0], node->out[0], axis, first, first + place->count);
}
