/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conditions on the data. In, a comparison and a node that chooses by it; out, `select(a, b, x,
 * y)`, which is x where a > b, otherwise y. A comparison that other nodes read as well is the
 * number 0 or 1, as are the truths of truth.c. */
#include "import/lift/lift.h"

/* Whether all readers of a comparison choose by it. */
static bool is_chosen_by(const Lift *l, const GraphNode *comparison) {
  const Graph *graph = l->flat->graph;
  const GraphValue *value = comparison->out[0];
  for (int i = 0; i < graph->n_out; i++)
    if (graph->out[i].value == value) return false;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in; k++)
      if (node->in[k] == value && !(node->op == GRAPH_Where && k == 0)) return false;
  }
  return true;
}

/* A value like `like` whose elements are all the number of a constant; NULL: it has several
 * numbers. */
static Value *filled(Lift *l, const GraphNode *node, const GraphTensor *t, Value *like) {
  for (int64_t i = 1; i < t->count; i++)
    if (graph_at(t, i) != graph_at(t, 0)) return NULL;
  if (!t->count) return NULL;
  Layer *layer = lift_layer(l, node, LAYER_clip, 1, &like);
  layer_set_number(layer, OPT_low, graph_at(t, 0));
  layer_set_number(layer, OPT_high, graph_at(t, 0));
  return layer->out[0];
}

/* The operand with the most elements among those that vary, a sequence rather than another; NULL:
 * none varies. */
static const GraphValue *widest(const Lift *l, int n, GraphValue *const *in) {
  const GraphValue *wide = NULL;
  for (int i = 0; i < n; i++)
    if (!lift_is_constant(l, in[i]) &&
        (!wide || lift_type(l, in[i])->count > lift_type(l, wide)->count ||
         (lift_type(l, in[i])->count == lift_type(l, wide)->count &&
          l->placed[in[i]->id].layout.timed && !l->placed[wide->id].layout.timed)))
      wide = in[i];
  return wide;
}

/* Makes the `select` of a comparison, `is`, and two values. */
static LiftDone choose(Lift *l, const GraphNode *node, const GraphNode *is, GraphValue *if_so,
                       GraphValue *if_not) {
  bool less = is->op == GRAPH_Less || is->op == GRAPH_GreaterEqual,
       equal = is->op == GRAPH_GreaterEqual || is->op == GRAPH_LessEqual;
  GraphValue *in[4] = {is->in[less], is->in[!less], equal ? if_not : if_so, equal ? if_so : if_not};
  const GraphValue *wide = widest(l, 4, in);
  Value *operand[4], *like = NULL;
  if (!wide || lift_type(l, wide)->count != lift_type(l, node->out[0])->count) return LIFT_OTHER;
  Layout layout = l->placed[wide->id].layout;
  like = lift_value(l, node, wide, &layout);
  for (int i = 0; i < 4 && like; i++) {
    operand[i] = lift_is_constant(l, in[i]) ? filled(l, node, lift_type(l, in[i]), like)
                 : in[i] == wide            ? like
                                            : lift_broadcast(l, node, in[i], like, &layout);
    if (operand[i]) continue;
    if (lift_is_constant(l, in[i]))
      lift_lacks(l, node, E902,
                 "subtract the constant before the comparison, and compare with 0; add one that is "
                 "chosen after it, as a product with 0 or 1",
                 "compares or chooses a constant of several numbers");
    return LIFT_FAILED;
  }
  if (!like) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_select, 4, operand);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

LiftDone lift_select(Lift *l, const GraphNode *node) {
  if (flat_compares(node))
    return is_chosen_by(l, node)
               ? LIFT_DONE
               : choose(l, node, node, flat_number(l->flat, 1), flat_number(l->flat, 0));
  if (node->op != GRAPH_Where) return LIFT_OTHER;
  const GraphValue *truth = node->in[0];
  if (flat_compares(truth->node) && !l->placed[truth->id].value)
    return choose(l, node, truth->node, node->in[1], node->in[2]);
  GraphValue *in[2] = {node->in[0], flat_number(l->flat, 0.5)};
  const GraphNode is = {.op = GRAPH_Greater, .in = in, .n_in = 2};
  return l->placed[truth->id].value ? choose(l, node, &is, node->in[1], node->in[2]) : LIFT_OTHER;
}
