/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Flattening a node that has no body and is no list. In, the node and what its operands are in the
 * flat graph; out, its results: constants if all operands are constants, an operand if the node
 * changes nothing, and otherwise results of new nodes. */
#include "import/lift/flatten.h"

#include "import/graph/eval.h"

/* Gives a value the range of another one that has the same numbers. */
static void keep_range(GraphValue *to, const GraphValue *from) {
  if (from && !to->range) to->range = from->range;
}

/* The axis of which a Slice takes all elements from the last to the first; -1: it does something
 * else. */
static int reversed_axis(const Flat *flat, GraphValue *const *in, int n_in, const GraphTensor *y) {
  const GraphTensor *x = flat_type_of(flat, in[0]), *starts = flat_type_of(flat, in[1]);
  const GraphTensor *axes = n_in > 3 && in[3] ? flat_type_of(flat, in[3]) : NULL,
                    *steps = n_in > 4 && in[4] ? flat_type_of(flat, in[4]) : NULL;
  if (!steps || starts->count != 1 || graph_at(steps, 0) != -1) return -1;
  int64_t axis = axes ? (int64_t)graph_at(axes, 0) : 0;
  if (axis < 0) axis += x->rank;
  return x->dim[axis] == y->dim[axis] ? (int)axis : -1;
}

/* The axis that a ReverseSequence reverses as a whole in every sample; -1: it does something else.
 */
static int whole_reversed_axis(const Flat *flat, const GraphNode *node, GraphValue *const *in) {
  const GraphTensor *x = flat_type_of(flat, in[0]), *lengths = flat_type_of(flat, in[1]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (axis < 0) axis += x->rank;
  for (int64_t i = 0; graph_known(lengths) && i < lengths->count; i++)
    if (graph_at(lengths, i) != (double)x->dim[axis]) return -1;
  return graph_known(lengths) ? (int)axis : -1;
}

bool flat_cast_keeps(GraphElem from, GraphElem to) {
  double from_low, from_high, low, high;
  if (graph_elem_is_whole(from) != graph_elem_is_whole(to) || from == GRAPH_BOOL) return false;
  if (!elem_range(to, &low, &high) || high >= INT32_MAX) return true;
  return elem_range(from, &from_low, &from_high) && from_low >= low && from_high <= high;
}

/* An Identity, and a Cast that keeps all numbers: no node is needed. */
static bool is_alias(const Flat *flat, const GraphNode *node, const GraphValue *in) {
  GraphElem to = (GraphElem)graph_int(node, GRAPH_ATTR_elem, GRAPH_FLOAT);
  return node->op == GRAPH_Identity ||
         (node->op == GRAPH_Cast && flat_cast_keeps(flat_type_of(flat, in)->elem, to));
}

/* A TopK of an axis of one element: the results are the operand and the index 0. False: the node is
 * another one. */
static bool best_of_one(Flat *flat, FlattenFrame *frame, const GraphNode *node, GraphValue *x,
                        const GraphCall *call) {
  const GraphTensor *t = call->in[0], *place = &call->out[1];
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  double *data;
  if (node->op != GRAPH_TopK || t->dim[axis < 0 ? axis + t->rank : axis] != 1 ||
      call->out[0].count != t->count)
    return false;
  place = graph_tensor(flat->graph->numbers, place->elem, place->rank, place->dim, &data);
  GraphValue *made[2] = {x, flat_constant(flat, "", place)};
  for (int k = 0; k < 2; k++)
    if (node->out[k]) flatten_define(frame, node->out[k], (Meaning){.value = made[k]});
  return true;
}

/* Attributes that name axes may count from the end in the graph. In the flat graph, where ranks are
 * known, they count from the front. */
static void count_axes_from_front(Flat *flat, GraphNode *node) {
  static const GraphAttributeName counted[] = {GRAPH_ATTR_axis, GRAPH_ATTR_axes,
                                               GRAPH_ATTR_batch_axis};
  bool adds = node->op == GRAPH_Unsqueeze || node->op == GRAPH_OneHot;
  int rank = adds                        ? flat_type_of(flat, node->out[0])->rank
             : node->n_in && node->in[0] ? flat_type_of(flat, node->in[0])->rank
                                         : 0;
  for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
    const GraphAttribute *a = graph_attribute(node, counted[i]);
    int64_t front[GRAPH_MAX_RANK];
    bool from_end = false;
    for (int k = 0; a && k < a->n && k < GRAPH_MAX_RANK; k++) {
      front[k] = a->i[k] < 0 ? a->i[k] + rank : a->i[k];
      from_end = from_end || a->i[k] < 0;
    }
    if (from_end)
      graph_set_ints(flat->graph, node, counted[i], a->n < GRAPH_MAX_RANK ? a->n : GRAPH_MAX_RANK,
                     front);
  }
}

/* A reduction over all axes from one on gets the list of these axes. */
static void name_reduced_axes(Flat *flat, GraphNode *node) {
  int64_t axes[GRAPH_MAX_RANK], first = graph_int(node, GRAPH_ATTR_axis, 0);
  int n = 0;
  bool reduces = node->op >= GRAPH_ReduceSum && node->op <= GRAPH_ReduceAny;
  if (!reduces || !graph_attribute(node, GRAPH_ATTR_axis) || graph_attribute(node, GRAPH_ATTR_axes))
    return;
  for (int64_t i = first; i < flat_type_of(flat, node->in[0])->rank; i++)
    axes[n++] = i;
  graph_set_ints(flat->graph, node, GRAPH_ATTR_axes, n, axes);
}

/* Groups that the file leaves to the channels get their number. */
static void number_groups(Flat *flat, GraphNode *node) {
  if (node->op != GRAPH_Conv || graph_attribute(node, GRAPH_ATTR_groups)) return;
  graph_set_int(
      flat->graph, node, GRAPH_ATTR_groups,
      graph_groups(node, flat_type_of(flat, node->in[0]), flat_type_of(flat, node->in[1])));
}

/* A product of whole numbers with a constant 0 is 0. False: the node is another one. */
static bool zero_product(Flattening *f, FlattenFrame *frame, const GraphNode *node,
                         const GraphCall *call) {
  double *data;
  if (node->op != GRAPH_Mul || !graph_elem_is_whole(call->out[0].elem)) return false;
  bool zero = false;
  for (int k = 0; k < 2; k++) {
    bool all = graph_known(call->in[k]);
    for (int64_t i = 0; i < call->in[k]->count && all; i++)
      all = graph_at(call->in[k], i) == 0;
    zero = zero || all;
  }
  const GraphTensor *y = &call->out[0];
  GraphTensor *none =
      zero ? graph_tensor(f->flat->graph->numbers, y->elem, y->rank, y->dim, &data) : NULL;
  if (none)
    flatten_define(frame, node->out[0],
                   (Meaning){.value = flat_constant(f->flat, node->out[0]->name, none)});
  return none != NULL;
}

/* Defines the results of a node that has been computed as constants. */
static void define_constants(Flat *flat, FlattenFrame *frame, const GraphNode *node,
                             GraphCall *call) {
  graph_call_narrow(call);
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i])
      flatten_define(frame, node->out[i],
                     (Meaning){.value = flat_constant(flat, node->out[i]->name, &call->out[i])});
}

/* A Slice or ReverseSequence that reverses a whole axis, as Reverse; NULL: the node does not. */
static GraphValue *as_reverse(Flat *flat, const GraphNode *node, GraphValue **in,
                              const GraphCall *call) {
  int axis = node->op == GRAPH_Slice ? reversed_axis(flat, in, node->n_in, &call->out[0])
             : node->op == GRAPH_ReverseSequence ? whole_reversed_axis(flat, node, in)
                                                 : -1;
  if (axis < 0) return NULL;
  GraphNode *reverse = flat_node(flat, GRAPH_Reverse, node, 1, in, 1);
  graph_set_int(flat->graph, reverse, GRAPH_ATTR_axes, axis);
  flat_set_type(flat, reverse->out[0], &call->out[0]);
  return reverse->out[0];
}

/* Adds the node as it is, with its operands in the flat graph. */
static void keep_node(Flat *flat, FlattenFrame *frame, const GraphNode *node, GraphValue **in,
                      const GraphCall *call) {
  GraphNode *made = flat_node(flat, node->op, node, node->n_in, in, node->n_out);
  made->attribute = ARENA_ARRAY(flat->arena, GraphAttribute, node->n_attributes + 1);
  for (int i = 0; i < node->n_attributes; i++)
    made->attribute[i] = node->attribute[i];
  made->n_attributes = node->n_attributes;
  for (int i = 0; i < node->n_out; i++)
    flat_set_type(flat, made->out[i], &call->out[i]);
  count_axes_from_front(flat, made);
  number_groups(flat, made);
  name_reduced_axes(flat, made);
  for (int i = 0; i < node->n_out; i++) {
    if (!node->out[i]) continue;
    made->out[i]->name = node->out[i]->name;
    keep_range(made->out[i], node->out[i]);
    flatten_define(frame, node->out[i], (Meaning){.value = made->out[i]});
  }
}

/* Whether the results of a call of constants, whose shapes are set, are few enough: a few bytes of
 * a file may ask for constants of any size. */
static bool is_affordable(Flattening *f, const GraphCall *call) {
  enum { MOST = 1 << 24 };
  int64_t made = 0;
  for (int k = 0; k < call->node->n_out; k++)
    if (!size_add(made, call->out[k].count, &made)) return false;
  for (int k = 0; k < call->node->n_in; k++)
    if (call->in[k]) made -= call->in[k]->count;
  if (made > 0) f->made += made;
  return f->made <= MOST;
}

bool flatten_call(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
  Flat *flat = f->flat;
  GraphValue **in = ARENA_ARRAY(flat->arena, GraphValue *, node->n_in ? node->n_in : 1);
  for (int i = 0; i < node->n_in; i++) {
    in[i] = flatten_operand(f, frame, node, i);
    if (node->in[i] && !in[i])
      return flatten_fail(f, flatten_list_operand(f, frame, node, i)
                                 ? "reads a list, where it needs a tensor"
                                 : "reads a value that no earlier node defines");
  }
  if (node->n_in == 1 && is_alias(flat, node, in[0])) {
    keep_range(in[0], node->out[0]);
    flatten_define(frame, node->out[0], (Meaning){.value = in[0]});
    return true;
  }
  if (flat->graph->n_nodes >= FLAT_MAX_NODES)
    return flatten_fail(f, "has too many steps to be unrolled");
  GraphNode trial = *node;
  trial.in = in;
  bool constant;
  GraphCall call = flat_call_of(flat, &trial, &constant);
  bool known = constant || node->op == GRAPH_Shape || node->op == GRAPH_Size;
  if (!graph_call_shape(&call)) return flatten_misfit(f, call.fault);
  if (known && node->op != GRAPH_Shape && node->op != GRAPH_Size && !is_affordable(f, &call))
    return flatten_fail(f, "makes a constant of too many elements");
  if (known && !graph_call_compute(&call)) return flatten_misfit(f, call.fault);
  if (known) {
    define_constants(flat, frame, node, &call);
    return true;
  }
  if (best_of_one(flat, frame, node, in[0], &call)) return true;
  if (zero_product(f, frame, node, &call)) return true;
  GraphValue *other = flat_simplified(flat, &trial);
  if (!other) other = as_reverse(flat, node, in, &call);
  if (other)
    flatten_define(frame, node->out[0], (Meaning){.value = other});
  else
    keep_node(flat, frame, node, in, &call);
  return true;
}

GraphValue *flatten_compute(Flattening *f, GraphOp op, int n_in, GraphValue **in,
                            GraphAttributeName name, int64_t number) {
  Flat *flat = f->flat;
  GraphNode *node = flat_node(flat, op, f->node, n_in, in, 1);
  graph_set_int(flat->graph, node, name, number);
  bool constant;
  GraphCall call = flat_call_of(flat, node, &constant);
  if (!(constant ? graph_call_eval(&call) : graph_call_shape(&call))) {
    flatten_misfit(f, call.fault);
    return NULL;
  }
  if (constant) graph_call_narrow(&call);
  flat_set_type(flat, node->out[0], &call.out[0]);
  count_axes_from_front(flat, node);
  if (!constant) return node->out[0];
  flat->graph->n_nodes--;
  return flat_constant(flat, "", &call.out[0]);
}

GraphValue *flatten_stack(Flattening *f, int n, GraphValue **element, bool concat, int64_t axis) {
  GraphValue **row = ARENA_ARRAY(f->flat->arena, GraphValue *, n ? n : 1);
  for (int i = 0; i < n; i++) {
    row[i] = concat ? element[i]
                    : flatten_compute(f, GRAPH_Unsqueeze, 1, &element[i], GRAPH_ATTR_axes, axis);
    if (!row[i]) return NULL;
  }
  return flatten_compute(f, GRAPH_Concat, n, row, GRAPH_ATTR_axis, axis);
}
