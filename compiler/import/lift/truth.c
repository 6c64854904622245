/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Truths that are computed from the data, as masks are. In, nodes whose results are truths; out,
 * stages whose results are the numbers 0 and 1:
 *
 *   a = b                   1 - sign(|a - b|)
 *   not a, a and b, a or b  1 - a, a b, max(a, b)
 *   any, all                the maximum, the minimum
 *   an index and a number   a table with a row for each category
 *
 * select.c lifts comparisons by size, and choices by a truth. */
#include "import/lift/lift.h"

/* Whether each node that reads the value is a Not. */
static bool is_only_negated(const Lift *l, const GraphValue *value) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_out; i++)
    if (graph->out[i].value == value) return false;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i]->n_in; k++)
      if (graph->node[i]->in[k] == value && graph->node[i]->op != GRAPH_Not) return false;
  return true;
}

/* Lifts the node as another operator with the same operands. */
static LiftDone as_operator(Lift *l, const GraphNode *node, GraphOp op) {
  GraphNode as = *node;
  as.op = op;
  return op == GRAPH_ReduceMax || op == GRAPH_ReduceMin ? lift_reduce(l, &as)
                                                        : lift_pointwise(l, &as);
}

/* Adds a stage after the value that is placed for the result of the node: abs, sign, or x - value.
 */
static void after(Lift *l, const GraphNode *node, LayerKind kind, double x) {
  Placed *placed = &l->placed[node->out[0]->id];
  Layer *layer = lift_layer(l, node, kind, 1, &placed->value);
  if (kind == LAYER_sub) {
    layer_set_number(layer, OPT_value, x);
    layer_set_word(layer, OPT_swapped, "true");
  }
  placed->value = layer->out[0];
}

/* ---- categories ---- */

/* The input of categories that a value holds, in any shape; NULL: it is no such value. */
static const Port *categories(const Value *value) {
  while (value && value->layer &&
         (value->layer->kind == LAYER_reshape || value->layer->kind == LAYER_permute ||
          value->layer->kind == LAYER_label))
    value = value->layer->in[0];
  bool index = value && value->port && value->port->declared.elem == ELEM_INDEX;
  return index ? value->port : NULL;
}

static bool holds(GraphOp op, double a, double b) {
  return op == GRAPH_Equal          ? a == b
         : op == GRAPH_Greater      ? a > b
         : op == GRAPH_GreaterEqual ? a >= b
         : op == GRAPH_Less         ? a < b
                                    : a <= b;
}

/* A comparison of a category and the number x: a table with a row for each category. first: the
 * category is the left operand. negated: the truth is the opposite. */
static LiftDone of_category(Lift *l, const GraphNode *node, GraphOp op, const GraphValue *index,
                            double x, bool first, bool negated) {
  const Port *port = categories(l->placed[index->id].value);
  Layout layout = l->placed[index->id].layout;
  Value *value = lift_value(l, node, index, &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_Embedding, 1, &value);
  const int64_t dim[2] = {port->declared.categories, 1};
  layer_set_size(layer, OPT_units, 1);
  float *row = lift_tensor(l, node, layer, ROLE_TABLE, 2, dim);
  for (int64_t i = 0; row && i < dim[0]; i++) {
    double a = (double)i;
    row[i] = holds(op, first ? a : x, first ? x : a) != negated ? 1 : 0;
  }
  Layout result = {.timed = layout.timed, .time = layout.time};
  for (int i = 0; i < layout.n; i++)
    if (layout.axis[i].n) result.axis[result.n++] = layout.axis[i];
  result.axis[result.n++] = (Axis){0};
  lift_place(l, node->out[0], layer->out[0], &result);
  return row ? LIFT_DONE : LIFT_FAILED;
}

/* Lifts the comparison `is` for the result of `node`. LIFT_OTHER: it does not compare a category
 * and a number. */
static LiftDone with_category(Lift *l, const GraphNode *node, const GraphNode *is, bool negated) {
  for (int k = 0; k < 2; k++) {
    const GraphTensor *t = lift_type(l, is->in[1 - k]);
    if (!graph_known(t) || t->count != 1 || !categories(l->placed[is->in[k]->id].value)) continue;
    return of_category(l, node, is->op, is->in[k], graph_at(t, 0), k == 0, negated);
  }
  return LIFT_OTHER;
}

/* ---- equality ---- */

/* sign(|a - b|), which is 1 if a != b; if negated, 1 - sign(|a - b|). */
static LiftDone differs(Lift *l, const GraphNode *node, GraphValue *a, GraphValue *b,
                        bool negated) {
  GraphNode as = *node;
  GraphValue *in[2] = {a, b};
  as.op = GRAPH_Sub;
  as.in = in;
  as.n_in = 2;
  const GraphTensor *t = lift_type(l, b);
  bool zero = graph_known(t) && t->count == 1 && graph_at(t, 0) == 0;
  LiftDone done = zero ? lift_pass(l, &as) : lift_pointwise(l, &as);
  if (done != LIFT_DONE) return done;
  after(l, node, LAYER_abs, 0);
  after(l, node, LAYER_sign, 0);
  if (negated) after(l, node, LAYER_sub, 1);
  return LIFT_DONE;
}

static LiftDone equal(Lift *l, const GraphNode *node) {
  if (is_only_negated(l, node->out[0])) return LIFT_DONE;
  LiftDone done = with_category(l, node, node, false);
  return done == LIFT_OTHER ? differs(l, node, node->in[0], node->in[1], true) : done;
}

static LiftDone not(Lift * l, const GraphNode *node) {
  const GraphNode *is = node->in[0]->node;
  if (is && is->op == GRAPH_Equal && !l->placed[node->in[0]->id].value) {
    LiftDone done = with_category(l, node, is, true);
    return done == LIFT_OTHER ? differs(l, node, is->in[0], is->in[1], false) : done;
  }
  GraphNode as = *node;
  as.op = GRAPH_Sub;
  as.in = (GraphValue *[]){flat_number(l->flat, 1), node->in[0]};
  as.n_in = 2;
  return lift_pointwise(l, &as);
}

static LiftDone either(Lift *l, const GraphNode *node) {
  LiftDone done = as_operator(l, node, GRAPH_Sub);
  if (done == LIFT_DONE) after(l, node, LAYER_abs, 0);
  return done;
}

static LiftDone both(Lift *l, const GraphNode *node) {
  return as_operator(l, node, GRAPH_Mul);
}

static LiftDone any_of_two(Lift *l, const GraphNode *node) {
  return as_operator(l, node, GRAPH_Max);
}

static LiftDone any(Lift *l, const GraphNode *node) {
  return as_operator(l, node, GRAPH_ReduceMax);
}

static LiftDone all(Lift *l, const GraphNode *node) {
  return as_operator(l, node, GRAPH_ReduceMin);
}

static LiftDone sized(Lift *l, const GraphNode *node) {
  return with_category(l, node, node, false);
}

/* A cast of numbers to truths: x != 0. */
static LiftDone cast(Lift *l, const GraphNode *node) {
  if (lift_type(l, node->out[0])->elem != GRAPH_BOOL ||
      lift_type(l, node->in[0])->elem == GRAPH_BOOL)
    return LIFT_OTHER;
  GraphNode is = {
      .op = GRAPH_Equal, .in = (GraphValue *[]){node->in[0], flat_number(l->flat, 0)}, .n_in = 2};
  LiftDone done = with_category(l, node, &is, true);
  return done == LIFT_OTHER ? differs(l, node, is.in[0], is.in[1], false) : done;
}

LiftDone lift_truth(Lift *l, const GraphNode *node) {
  static LiftDone (*const rule[GRAPH_OP_COUNT])(Lift *, const GraphNode *) = {
      [GRAPH_Equal] = equal,        [GRAPH_Not] = not,    [GRAPH_And] = both,
      [GRAPH_Or] = any_of_two,      [GRAPH_Xor] = either, [GRAPH_ReduceAny] = any,
      [GRAPH_ReduceAll] = all,      [GRAPH_Cast] = cast,  [GRAPH_Greater] = sized,
      [GRAPH_GreaterEqual] = sized, [GRAPH_Less] = sized, [GRAPH_LessEqual] = sized,
  };
  return rule[node->op] ? rule[node->op](l, node) : LIFT_OTHER;
}
