/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms of groups of channels. In, a GroupNorm node, whose statistics are those of a group of
 * channels of x [N, C, ...] at all positions; out, a stage `GroupNorm`, if these are positions of
 * one step. */
#include "import/lift/lift.h"

/* Gives the stage operand k as a vector of n numbers. If the operand is absent, or all of its
 * numbers are `plain_value`, sets the option to false instead. False after reporting. */
static bool norm_vector(Lift *l, const GraphNode *node, Layer *layer, int k, Role role,
                        OptName option, double plain_value, int64_t n) {
  const GraphTensor *t = k < node->n_in && node->in[k] ? lift_type(l, node->in[k]) : NULL;
  bool plain = !t || graph_known(t);
  for (int64_t i = 0; t && plain && i < t->count; i++)
    plain = graph_at(t, i) == plain_value;
  if (plain) layer_set_word(layer, option, "false");
  return plain || lift_vector(l, node, layer, role, t, n);
}

LiftDone lift_group_norm(Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0];
  int time = -1, others;
  Axis apart = lift_axis(l, x, 0, &others), last = {0};
  for (int axis = 1; axis < lift_type(l, x)->rank && time < 0; axis++) {
    Axis one = lift_axis_alone(l, x, axis, &time);
    if (axis == 1) last = one;
  }
  if (time >= 0 || apart.n) {
    Diag *d = lift_refuse(l, node, E902,
                          time >= 0 ? "normalises over time"
                                    : "has statistics of its own for each position "
                                      "of an axis of features");
    if (time >= 0) lift_propose_length(l, d);
    diag_fix(d, FIX_MAYBE,
             "`GroupNorm` has the statistics of a group of features in one step: write other norms "
             "with `mean`, `square` and `sqrt`");
    return LIFT_FAILED;
  }
  Layout layout;
  if (!lift_last(l, x, &last, &layout)) return LIFT_OTHER;
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  int64_t n = axis_size(l, &last);
  Layer *layer = lift_layer(l, node, LAYER_GroupNorm, 1, &value);
  layer_set_size(layer, OPT_groups, graph_int(node, GRAPH_ATTR_groups, 1));
  layer_set_number(layer, OPT_eps, graph_number(node, GRAPH_ATTR_eps, 0));
  if (!norm_vector(l, node, layer, 1, ROLE_SCALE, OPT_scale, 1, n) ||
      !norm_vector(l, node, layer, 2, ROLE_CENTER, OPT_center, 0, n))
    return LIFT_FAILED;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}
