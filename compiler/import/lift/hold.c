/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Steps after the end of a bounded sequence. In, a Hold, which gives them numbers, or a Cut, which
 * removes them; out, a stage `hold` or `cut`. */
#include "import/lift/lift.h"

/* The layout in which a value is a sequence: the present one, unless its steps are features there.
 */
static Layout layout_of_steps(Lift *l, const GraphValue *x) {
  Layout own = l->placed[x->id].layout;
  return own.timed ? own : lift_natural(l, x);
}

static int made_time(Lift *l, const GraphValue *value) {
  return lift_natural(l, value).time;
}

LiftDone lift_hold(Lift *l, const GraphNode *node) {
  bool hold = node->op == GRAPH_Hold;
  if (!hold && node->op != GRAPH_Cut) return LIFT_OTHER;
  Layout layout = layout_of_steps(l, node->in[0]);
  Value *x = lift_value(l, node, node->in[0], &layout);
  if (!x) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, hold ? LAYER_hold : LAYER_cut, 1, &x);
  if (!hold)
    layer_set_value(layer, OPT_along, l->placed[node->in[1]->id].value);
  else if (graph_attribute(node, GRAPH_ATTR_value))
    layer_set_number(layer, OPT_fill, graph_number(node, GRAPH_ATTR_value, 0));
  layout.time = made_time(l, node->out[0]);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}
