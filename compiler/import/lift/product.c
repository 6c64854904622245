/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products of two values that vary. In, a MatMul that is no attention; out, a `mul` of every pair
 * of numbers, and a `sum`. */
#include "import/lift/lift.h"

/* Whether two axes have an atom in common. */
static bool shares(const Axis *a, const Axis *b) {
  for (int i = 0; i < a->n; i++)
    for (int k = 0; k < b->n; k++)
      if (a->atom[i] == b->atom[k]) return true;
  return false;
}

/* Places a sequence as the vector of all of its steps, in front of the axes of each. False after
 * reporting. */
static bool place_whole(Lift *l, const GraphNode *node, const GraphValue *value) {
  Layout own = l->placed[value->id].layout, all = {.time = -1, .n = 1};
  all.axis[0] = (Axis){.n = 1, .atom = {own.time}};
  for (int i = 0; i < own.n && all.n < TYPE_MAX_AXES; i++)
    all.axis[all.n++] = own.axis[i];
  Value *whole = lift_value(l, node, value, &all);
  if (whole) lift_place(l, value, whole, &all);
  return whole != NULL;
}

/* A `mul` of every pair, and a `sum`. */
static LiftDone product_of(Lift *l, const GraphNode *node) {
  const GraphValue *a = node->in[0], *b = node->in[1], *wide = a;
  int ra = lift_type(l, a)->rank, rb = lift_type(l, b)->rank;
  Axis inner = lift_all_of(l, a, ra - 1), other = lift_all_of(l, b, rb > 1 ? rb - 2 : 0);
  Axis rows = ra > 1 ? lift_all_of(l, a, ra - 2) : (Axis){0},
       columns = rb > 1 ? lift_all_of(l, b, rb - 1) : (Axis){0};
  if (!axis_equal(&inner, &other) || shares(&rows, &columns) || shares(&inner, &rows) ||
      shares(&inner, &columns)) {
    Diag *d = lift_refuse(
        l, node, E902,
        "multiplies two values of the data along one axis in two places, as attention does");
    diag_fix(d, FIX_MAYBE,
             "`attention(q, k, v)` weighs by products of queries and keys, `AdditiveAttention` by "
             "tanh of their sums; weights of another kind have no stage");
    return LIFT_FAILED;
  }
  Layout layout;
  if (!lift_meeting(l, node, a, b, &wide, &layout)) return LIFT_FAILED;
  Layout whole_layout = layout, last;
  int where;
  Value *whole = lift_value(l, node, wide, &whole_layout);
  Value *narrow = whole ? lift_broadcast(l, node, wide == a ? b : a, whole, &layout) : NULL;
  if (!narrow) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_mul, 2, (Value *[]){whole, narrow});
  lift_place(l, node->out[0], layer->out[0], &layout);
  if (!inner.n) return LIFT_DONE;
  if (layout.timed && inner.n == 1 && inner.atom[0] == layout.time) {
    Layer *sum = lift_layer(l, node, LAYER_sum, 1, layer->out);
    layout.timed = false;
    layout.time = -1;
    lift_place(l, node->out[0], sum->out[0], &layout);
    return LIFT_DONE;
  }
  if (!lift_apart(l, node->out[0], 1, &inner, true, &last, &where)) return LIFT_OTHER;
  Value *products = lift_value(l, node, node->out[0], &last);
  if (!products) return LIFT_FAILED;
  Layer *sum = lift_layer(l, node, LAYER_sum, 1, &products);
  lift_set_axes(l, sum, OPT_along, 1, (const char *[]){"features"});
  last.n--;
  lift_place(l, node->out[0], sum->out[0], &last);
  return LIFT_DONE;
}

/* A product of two values that vary. The steps of two sequences are not those of one: the second is
 * a vector then, for this product only. */
LiftDone lift_product(Lift *l, const GraphNode *node) {
  const GraphValue *a = node->in[0], *b = node->in[1];
  Placed first = l->placed[a->id], second = l->placed[b->id];
  bool apart = first.layout.timed && second.layout.timed && first.layout.time >= 0 &&
               second.layout.time >= 0 && first.layout.time != second.layout.time;
  if (apart && !place_whole(l, node, b)) return LIFT_FAILED;
  LiftDone done = product_of(l, node);
  if (apart) l->placed[b->id] = second;
  return done;
}
