/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention. In, an Attention node with q [.., t, d], k [.., s, d] and v [.., s, e]; out, a stage
 * `attention(q, k, v)` or `AdditiveAttention(q, k, v)`. The axes in front are the batch and the
 * heads; heads become parts of the features. The positions t and s are the steps of sequences, or
 * lie along an axis of features in each step. */
#include "import/lift/lift.h"

#include <math.h>

static const double close_to = 1e-6;

/* The axes of one operand. */
typedef struct Operand {
  Axis positions, features; /* features: those of all heads */
  int time;                 /* the atom of time, if the positions are steps; -1: they are not */
  Layout layout;
} Operand;

static bool operand(Lift *l, const GraphNode *node, int k, Operand *out) {
  const GraphValue *x = node->in[k];
  int rank = lift_type(l, x)->rank, none;
  *out = (Operand){0};
  for (int axis = 0; axis < rank; axis++) {
    if (axis == rank - 2) continue;
    Axis part = lift_axis(l, x, axis, &none);
    for (int i = 0; i < part.n && out->features.n < FACTORS_MAX; i++)
      out->features.atom[out->features.n++] = part.atom[i];
  }
  out->positions = lift_axis_alone(l, x, rank - 2, &out->time);
  bool one_step = out->time >= 0 && atom_size(l->atoms, out->time) == 1;
  if (out->positions.n || (k == 0 && one_step)) out->time = -1;
  return true;
}

/* The model value of operand k as a sequence, if the steps are the positions. A query that is no
 * sequence becomes one of one step. */
static Value *in_time(Lift *l, const GraphNode *node, int k, Operand *o) {
  bool single = o->time < 0;
  o->layout = (Layout){.timed = !single, .time = o->time, .n = 1, .axis = {o->features}};
  Value *value = lift_value(l, node, node->in[k], &o->layout);
  return value && single ? lift_layer(l, node, LAYER_expand, 1, &value)->out[0] : value;
}

/* The model value of operand k, if the positions are an axis of each step. *name gets its name. */
static Value *in_step(Lift *l, const GraphNode *node, int k, Operand *o, const char **name) {
  Axis group[2] = {o->positions, o->features};
  AxisNames names;
  int where[2];
  if (!lift_apart(l, node->in[k], 2, group, true, &o->layout, where) || o->layout.n != 2) {
    lift_refuse(l, node, E902, "attends along an axis that is neither time nor one of a step");
    return NULL;
  }
  Value *value = lift_value(l, node, node->in[k], &o->layout);
  if (!value) return NULL;
  value = lift_labelled(l, node, value, &o->layout, &names);
  *name = names.name[0];
  return value;
}

/* The stage for scores that are products. */
static Layer *multiplicative(Lift *l, const GraphNode *node, Value *const *in, int64_t heads,
                             int64_t width) {
  Layer *layer = lift_layer(l, node, LAYER_attention, 3, in);
  double factor = graph_number(node, GRAPH_ATTR_factor, 1), usual = 1 / sqrt((double)width);
  if (heads != 1) layer_set_size(layer, OPT_heads, heads);
  if (fabs(factor - usual) > close_to * usual) layer_set_number(layer, OPT_factor, factor);
  return layer;
}

/* The stage for scores that are sums. NULL after reporting. */
static Layer *additive(Lift *l, const GraphNode *node, Value *const *in, int64_t heads,
                       int64_t width) {
  const GraphTensor *scale = lift_type(l, node->in[3]);
  bool plain = graph_known(scale);
  for (int64_t i = 0; plain && i < scale->count; i++)
    plain = graph_at(scale, i) == 1;
  if (heads != 1) {
    lift_lacks(l, node, E902,
               "compute each head by an attention of its own, and join their results",
               "has %lld heads; `AdditiveAttention` has one", (long long)heads);
    return NULL;
  }
  Layer *layer = lift_layer(l, node, LAYER_AdditiveAttention, 3, in);
  if (plain) layer_set_word(layer, OPT_scale, "false");
  return plain || lift_vector(l, node, layer, ROLE_SCALE, scale, width) ? layer : NULL;
}

LiftDone lift_attention(Lift *l, const GraphNode *node) {
  if (node->op != GRAPH_Attention) return LIFT_OTHER;
  Operand o[3];
  Value *in[3];
  const char *along = NULL, *other;
  for (int k = 0; k < 3; k++)
    if (!operand(l, node, k, &o[k])) return LIFT_FAILED;
  int rank = lift_type(l, node->in[0])->rank;
  int64_t width = lift_type(l, node->in[0])->dim[rank - 1],
          heads = axis_size(l, &o[0].features) / width;
  bool timed = o[1].time >= 0 && o[2].time >= 0,
       single = timed && o[0].time < 0 && !o[0].positions.n;
  if (timed && l->time.kind == TIME_STREAM) {
    Diag *d =
        lift_refuse(l, node, E902, "attends to every step of a sequence, but a stream has no end");
    lift_propose_length(l, d);
    if (!d->n_fixes)
      diag_note(d, "in a model that is no stream, `attention` reads every step of a sequence");
    return LIFT_FAILED;
  }
  if (timed != (o[0].time >= 0 || single)) {
    lift_refuse(l, node, E902, "attends from positions within a step to the steps of a sequence");
    return LIFT_FAILED;
  }
  for (int k = 0; k < 3; k++) {
    in[k] = timed ? in_time(l, node, k, &o[k]) : in_step(l, node, k, &o[k], k ? &other : &along);
    if (!in[k]) return LIFT_FAILED;
  }
  Layer *layer = node->n_in > 3 ? additive(l, node, in, heads, width)
                                : multiplicative(l, node, in, heads, width);
  if (!layer) return LIFT_FAILED;
  if (graph_int(node, GRAPH_ATTR_causal, 0)) layer_set_word(layer, OPT_mask, "causal");
  if (along) lift_set_axes(l, layer, OPT_along, 1, &along);
  Layout layout = o[0].layout;
  layout.axis[layout.n - 1] = o[2].features;
  Value *value = layer->out[0];
  if (single) value = lift_layer(l, node, LAYER_last, 1, &value)->out[0];
  lift_place(l, node->out[0], value, &layout);
  return LIFT_DONE;
}
