/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that move, join, cut or reduce. Reshape, Transpose and their kin compute nothing: a value keeps
 * its place, and its reader brings it into the order it needs. */
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
  bool rounds = lift_type(l, node->in[0])->elem == GRAPH_FLOAT && lift_type(l, node->out[0])->elem != GRAPH_FLOAT;
  for (int i = 0; i < model->n_in; i++)
    if (model->in[i]->value == value && model->in[i]->declared.elem == ELEM_INDEX) rounds = false;
  if (!rounds) return pass(l, node);
  lift_refuse(l, node, E902, "casts numbers with a fraction to whole ones, which no stage does");
  return LIFT_FAILED;
}

/* Step `at` of a sequence; a value without time. */
static LiftDone one_step(Lift *l, const GraphNode *node, const GraphValue *x, int64_t at, int64_t steps) {
  const Placed *placed = &l->placed[x->id];
  Layout result = placed->layout;
  if (!placed->value || !placed->layout.timed) {
    lift_refuse(l, node, E902, "takes one step of what is no sequence in the model");
    return LIFT_FAILED;
  }
  result.timed = false;
  result.time = -1;
  if (at == steps - 1) {
    Value *value = placed->value;
    if (l->time.kind == TIME_STREAM) {
      lift_place(l, node->out[0], value, &placed->layout);
      return LIFT_DONE;
    }
    lift_place(l, node->out[0], lift_layer(l, node, LAYER_last, 1, &value)->out[0], &result);
    return LIFT_DONE;
  }
  if (at == 0) {
    Value *value = placed->value;
    Layer *back = lift_layer(l, node, LAYER_reverse, 1, &value);
    lift_place(l, node->out[0], lift_layer(l, node, LAYER_last, 1, back->out)->out[0], &result);
    return LIFT_DONE;
  }
  lift_refuse(l, node, E902, "takes step %lld of a sequence of %lld; only the first and the last can be had", (long long)at, (long long)steps);
  return LIFT_FAILED;
}

/* The atoms are the major part of the last axis of a placed value. */
static bool major_of_last(const Lift *l, const GraphValue *x, const Axis *part) {
  const Layout *layout = &l->placed[x->id].layout;
  if (!layout->n || !part->n) return false;
  const Axis *whole = &layout->axis[layout->n - 1];
  for (int i = 0; i < part->n; i++)
    if (i >= whole->n || whole->atom[i] != part->atom[i]) return false;
  return whole->n > part->n;
}

/* Rows begin..end of a window over a stream: its last ones are a smaller window, one row alone is a step of before. */
static LiftDone cut_window(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *result, int axis, int64_t begin, int64_t end) {
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
    lift_refuse(l, node, E902, "takes rows %lld to %lld of %lld that it looks back on, where the call has %lld", (long long)begin, (long long)end - 1, (long long)rows, (long long)fresh);
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

/* Elements begin..end of the features that make graph axis `axis`. */
static LiftDone cut(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *result, int axis, int64_t begin, int64_t end, Axis made) {
  int time;
  Axis last = lift_axis(l, x, axis, &time);
  Layout layout;
  if (time >= 0 && l->placed[x->id].before) return cut_window(l, node, x, result, axis, begin, end);
  if (time >= 0) {
    if (end - begin == 1) return one_step(l, node, x, begin, lift_type(l, x)->dim[axis]);
    lift_refuse(l, node, E902, "cuts a sequence to its steps %lld to %lld", (long long)begin, (long long)end - 1);
    return LIFT_FAILED;
  }
  int64_t inner = 1;
  if (major_of_last(l, x, &last)) { /* one direction of a layer, one gate: a part of the last axis */
    layout = l->placed[x->id].layout;
    Axis *whole = &layout.axis[layout.n - 1];
    for (int i = last.n; i < whole->n; i++) {
      inner *= atom_size(l->atoms, whole->atom[i]);
      made.atom[made.n++] = whole->atom[i];
    }
  } else if (!lift_last(l, x, &last, &layout)) {
    lift_refuse(l, node, E902, "cuts an axis that the model's value does not have");
    return LIFT_FAILED;
  }
  Value *value = lift_inner_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_slice, 1, &value);
  layer_set_size(layer, OPT_begin, begin * inner);
  layer_set_size(layer, OPT_end, end * inner);
  layout.axis[layout.n - 1] = made;
  lift_place(l, result, layer->out[0], &layout);
  l->placed[result->id].before = l->placed[x->id].before;
  l->placed[result->id].after = l->placed[x->id].after;
  return LIFT_DONE;
}

/* ---- Slice, Split, Gather ---- */

static int64_t clamped(double at, int64_t size, bool backwards) {
  if (at < 0) at += (double)size;
  double low = backwards ? -1 : 0, high = backwards ? (double)size - 1 : (double)size;
  return (int64_t)(at < low ? low : at > high ? high : at);
}

static LiftDone slice(Lift *l, const GraphNode *node) {
  const GraphTensor *x = lift_type(l, node->in[0]), *starts = lift_type(l, node->in[1]), *ends = lift_type(l, node->in[2]);
  const GraphTensor *axes = node->n_in > 3 && node->in[3] ? lift_type(l, node->in[3]) : NULL;
  const GraphTensor *steps = node->n_in > 4 && node->in[4] ? lift_type(l, node->in[4]) : NULL;
  int changed = -1;
  int64_t begin = 0, end = 0;
  for (int64_t i = 0; i < starts->count; i++) {
    int axis = axes ? (int)axes->data[i] : (int)i;
    double step = steps ? steps->data[i] : 1;
    if (axis < 0) axis += x->rank;
    if (step == -1 && lift_type(l, node->out[0])->dim[axis] == x->dim[axis] && x->dim[axis] > 1) {
      lift_refuse(l, node, E902, "reverses an axis by a step of -1 beside other cuts");
      return LIFT_FAILED;
    }
    int64_t b = clamped(starts->data[i], x->dim[axis], false), e = clamped(ends->data[i], x->dim[axis], false);
    if (b == 0 && e == x->dim[axis] && step == 1) continue;
    if (step != 1 && e - b > 1) {
      lift_refuse(l, node, E902, "takes every %g-th element of an axis", step);
      return LIFT_FAILED;
    }
    if (changed >= 0) {
      lift_refuse(l, node, E902, "cuts several axes at once");
      return LIFT_FAILED;
    }
    changed = axis;
    begin = b;
    end = e;
  }
  if (changed < 0) return pass(l, node);
  int time;
  Axis made = lift_axis(l, node->out[0], changed, &time);
  return cut(l, node, node->in[0], node->out[0], changed, begin, end, made);
}

static LiftDone split(Lift *l, const GraphNode *node) {
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), time;
  int64_t begin = 0;
  if (node->n_out == 1) return pass(l, node);
  for (int i = 0; i < node->n_out; i++) {
    int64_t size = lift_type(l, node->out[i])->dim[axis];
    Axis made = lift_axis(l, node->out[i], axis, &time);
    if (l->uses[node->out[i]->id]) {
      LiftDone done = cut(l, node, node->in[0], node->out[i], axis, begin, begin + size, made);
      if (done != LIFT_DONE) return done;
    }
    begin += size;
  }
  return LIFT_DONE;
}

/* Gather with constant places: one element, or neighbours in order. */
static LiftDone gather(Lift *l, const GraphNode *node) {
  const GraphTensor *x = lift_type(l, node->in[0]), *place = lift_type(l, node->in[1]);
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), time;
  if (x->data || !place->data) return LIFT_OTHER;
  int64_t size = x->dim[axis], first = place->count ? (int64_t)place->data[0] : 0;
  if (first < 0) first += size;
  for (int64_t i = 0; i < place->count; i++) {
    int64_t at = (int64_t)place->data[i];
    if ((at < 0 ? at + size : at) != first + i) {
      lift_refuse(l, node, E902, "takes elements of an axis in another order");
      return LIFT_FAILED;
    }
  }
  if (place->count == size) return pass(l, node);
  Axis made = place->rank == 1 ? lift_axis(l, node->out[0], axis, &time) : (Axis){0};
  return cut(l, node, node->in[0], node->out[0], axis, first, first + place->count, made);
}

/* ---- Concat, Expand, Reverse ---- */

/* Joins values along an axis of size 1 that the model's values do not have. */
static bool is_stack(Lift *l, const GraphNode *node, int axis) {
  for (int i = 0; i < node->n_in; i++)
    if (lift_type(l, node->in[i])->dim[axis] != 1 || !l->placed[node->in[i]->id].layout.n) return false;
  return true;
}

static LiftDone concat(Lift *l, const GraphNode *node) {
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), time;
  if (node->n_in == 1) return pass(l, node);
  const GraphValue *wide = NULL;
  for (int i = 0; i < node->n_in; i++) {
    if (lift_is_constant(l, node->in[i])) {
      lift_refuse(l, node, E902, "joins a value and a constant");
      return LIFT_FAILED;
    }
    if (!wide || (l->placed[node->in[i]->id].layout.timed && !l->placed[wide->id].layout.timed)) wide = node->in[i];
  }
  Axis made = lift_axis(l, node->out[0], axis, &time);
  if (time >= 0) {
    lift_refuse(l, node, E902, "joins sequences one after the other");
    return LIFT_FAILED;
  }
  Axis last = lift_axis(l, wide, axis, &time);
  Layout layout;
  bool stacked = is_stack(l, node, axis); /* of whole last axes: the new axis stands in front of what is joined */
  if (stacked) {
    layout = l->placed[wide->id].layout;
    const Axis *inner = &layout.axis[layout.n - 1];
    for (int i = 0; i < inner->n && made.n < FACTORS_MAX; i++)
      made.atom[made.n++] = inner->atom[i];
  } else if (!lift_last(l, wide, &last, &layout)) return LIFT_OTHER;
  Value **in = ARENA_ARRAY(l->arena, Value *, node->n_in);
  for (int i = 0; i < node->n_in; i++) {
    Layout own = layout;
    if (!stacked) own.axis[own.n - 1] = lift_axis(l, node->in[i], axis, &time);
    in[i] = lift_broadcast(l, node, node->in[i], wide, &own);
    if (!in[i]) return LIFT_FAILED;
  }
  Layer *layer = lift_layer(l, node, LAYER_concat, node->n_in, in);
  layout.axis[layout.n - 1] = made;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* Expand repeats along axes; its readers repeat where they need it. */
static LiftDone expand(Lift *l, const GraphNode *node) { return pass(l, node); }

/* Zeros around time wait for the convolution that reads them. */
static LiftDone pad(Lift *l, const GraphNode *node) {
  const GraphTensor *x = lift_type(l, node->in[0]), *pads = lift_type(l, node->in[1]);
  const GraphTensor *fill = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  Placed out = l->placed[node->in[0]->id];
  bool zeros = strcmp(graph_word(node, GRAPH_ATTR_mode, 0, "constant"), "constant") == 0 && (!fill || (fill->data && fill->count && fill->data[0] == 0));
  for (int axis = 0; axis < x->rank; axis++) {
    int64_t before = (int64_t)pads->data[axis], after = (int64_t)pads->data[x->rank + axis];
    int time;
    if (!before && !after) continue;
    Axis features = lift_axis(l, node->in[0], axis, &time);
    if (!zeros || time < 0 || features.n || before < 0 || after < 0) return LIFT_OTHER;
    out.before += before;
    out.after += after;
    lift_axis(l, node->out[0], axis, &out.layout.time);
  }
  l->placed[node->out[0]->id] = out;
  return LIFT_DONE;
}

static LiftDone reverse(Lift *l, const GraphNode *node) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  int time = -1;
  if (axes && axes->n == 1) lift_axis(l, node->in[0], (int)axes->i[0], &time);
  if (time < 0) {
    lift_refuse(l, node, E902, "reverses an axis that is not time");
    return LIFT_FAILED;
  }
  Layout layout = l->placed[node->in[0]->id].layout;
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  lift_axis(l, node->out[0], (int)axes->i[0], &layout.time);
  lift_place(l, node->out[0], lift_layer(l, node, LAYER_reverse, 1, &value)->out[0], &layout);
  return LIFT_DONE;
}

/* ---- reductions and pools over time ---- */

static LiftDone reduce(Lift *l, const GraphNode *node) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  int time = -1, n = 0, rank = lift_type(l, node->in[0])->rank;
  bool features = false;
  for (int axis = 0; axis < rank; axis++) {
    bool reduced = !axes;
    for (int i = 0; axes && i < axes->n; i++)
      reduced = reduced || axes->i[i] == axis;
    int here;
    Axis f = reduced ? lift_axis(l, node->in[0], axis, &here) : (Axis){0};
    if (!reduced) continue;
    n += here >= 0;
    if (here >= 0) time = here;
    features = features || f.n;
  }
  if (features || n > 1) {
    lift_refuse(l, node, E902, "reduces an axis that is not time");
    return LIFT_FAILED;
  }
  if (!n) return pass(l, node);
  Layout layout = l->placed[node->in[0]->id].layout;
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  bool sum = node->op == GRAPH_ReduceSum;
  if (sum && l->time.kind != TIME_FIXED) {
    lift_refuse(l, node, E902, "sums over time, which needs a sequence of fixed length");
    return LIFT_FAILED;
  }
  Layer *layer = lift_layer(l, node, node->op == GRAPH_ReduceMax ? LAYER_max : LAYER_mean, 1, &value);
  layout.timed = false;
  layout.time = -1;
  if (sum) {
    layer = lift_layer(l, node, LAYER_mul, 1, layer->out);
    layer_set_number(layer, OPT_value, (double)atom_size(l->atoms, time));
  }
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone pool(Lift *l, const GraphNode *node) {
  const GraphAttribute *kernel = graph_attribute(node, GRAPH_ATTR_kernel), *strides = graph_attribute(node, GRAPH_ATTR_strides);
  const GraphAttribute *pads = graph_attribute(node, GRAPH_ATTR_pads), *dilations = graph_attribute(node, GRAPH_ATTR_dilations);
  int along = -1, spatial = lift_type(l, node->in[0])->rank - 2, time = -1, none;
  for (int i = 0; i < spatial; i++) {
    if (kernel->i[i] == 1 && (!strides || strides->i[i] == 1)) continue;
    if (along >= 0) along = spatial;
    else along = i;
  }
  for (int i = 0; pads && i < pads->n; i++)
    if (pads->i[i]) along = spatial;
  for (int i = 0; dilations && i < dilations->n; i++)
    if (dilations->i[i] != 1) along = spatial;
  if (along < 0) return pass(l, node);
  if (along < spatial) lift_axis(l, node->in[0], 2 + along, &time);
  if (along == spatial || time < 0 || graph_int(node, GRAPH_ATTR_ceil, 0)) {
    lift_refuse(l, node, E902, "pools along axes that are not time, or with padding");
    return LIFT_FAILED;
  }
  Axis channels = lift_axis(l, node->in[0], 1, &none);
  Layout layout;
  if (!lift_last(l, node->in[0], &channels, &layout)) return LIFT_OTHER;
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, node->op == GRAPH_MaxPool ? LAYER_max_pool : LAYER_mean_pool, 1, &value);
  layer_set_size(layer, OPT_size, kernel->i[along]);
  if (strides && strides->i[along] != kernel->i[along]) layer_set_size(layer, OPT_stride, strides->i[along]);
  else if (!strides && kernel->i[along] != 1) layer_set_size(layer, OPT_stride, 1);
  lift_axis(l, node->out[0], 2 + along, &layout.time);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

LiftDone lift_moves(Lift *l, const GraphNode *node) {
  switch (node->op) {
  case GRAPH_Cast: return cast(l, node);
  case GRAPH_Identity:
  case GRAPH_Reshape:
  case GRAPH_Squeeze:
  case GRAPH_Unsqueeze:
  case GRAPH_Flatten:
  case GRAPH_Transpose: return pass(l, node);
  case GRAPH_Slice: return slice(l, node);
  case GRAPH_Split: return split(l, node);
  case GRAPH_Gather: return gather(l, node);
  case GRAPH_Concat: return concat(l, node);
  case GRAPH_Expand: return expand(l, node);
  case GRAPH_Pad: return pad(l, node);
  case GRAPH_Reverse: return reverse(l, node);
  case GRAPH_ReduceSum:
  case GRAPH_ReduceMean:
  case GRAPH_ReduceMax: return reduce(l, node);
  case GRAPH_MaxPool:
  case GRAPH_AvgPool: return pool(l, node);
  default: return LIFT_OTHER;
  }
}
