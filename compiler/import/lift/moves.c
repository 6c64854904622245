/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that move numbers. A Reshape or a Transpose adds no stage: its result is placed where
 * its operand is, and a reader brings it into the order that it needs (bring.c). The table of
 * lift_moves also names the operators of cut.c, join.c, reduce.c and pool.c. */
#include "import/lift/lift.h"

LiftDone lift_pass(Lift *l, const GraphNode *node) {
  l->placed[node->out[0]->id] = l->placed[node->in[0]->id];
  return LIFT_DONE;
}

/* Indices of a table stay what they are. Of other numbers a Cast to whole numbers keeps a part, as
 * does a Cast to whole numbers of fewer bits. */
static LiftDone cast(Lift *l, const GraphNode *node) {
  const Value *value = l->placed[node->in[0]->id].value;
  const Model *model = l->foreign->model;
  if (!value) return LIFT_OTHER; /* a comparison as a number, see select.c */
  GraphElem from = lift_type(l, node->in[0])->elem, to = lift_type(l, node->out[0])->elem;
  bool rounds = from == GRAPH_FLOAT && to != GRAPH_FLOAT;
  if (!rounds && to != GRAPH_FLOAT && to != GRAPH_BOOL && from != GRAPH_BOOL &&
      !flat_cast_keeps(from, to)) {
    lift_lacks(l, node, E902, "leave out the cast, or cast to a type that holds all numbers",
               "casts whole numbers to a type of fewer bits, which drops bits");
    return LIFT_FAILED;
  }
  for (int i = 0; i < model->n_in; i++)
    if (model->in[i]->value == value && model->in[i]->declared.elem == ELEM_INDEX) rounds = false;
  if (!rounds) return lift_pass(l, node);
  lift_refuse(l, node, E902, "casts real numbers to whole numbers, which is not supported");
  return LIFT_FAILED;
}

/* The layout of no sequence, with an axis for each atom, in the order of the graph. */
static Layout in_order(const Lift *l, const Factors *atoms) {
  Layout out = {.time = -1};
  for (int i = 0; i < atoms->n && out.n < TYPE_MAX_AXES; i++)
    if (atom_size(l->atoms, atoms->atom[i]) != 1 &&
        atom_family(l->atoms, atoms->atom[i]) != l->roles.batch)
      out.axis[out.n++] = (Axis){.n = 1, .atom = {atoms->atom[i]}};
  return out;
}

/* A Reshape. If its axes are new atoms, which the operand does not have, it becomes a `reshape` of
 * the elements in the order of the graph. Its readers make a sequence of it where the new time is
 * not the first axis. */
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
  if (!fresh) return lift_pass(l, node);
  Layout own = lift_natural(l, x), made = lift_natural(l, y);
  if (own.timed && (!made.timed || made.time != own.time))
    own = in_order(l, &from); /* steps become features: no sequence */
  if (made.timed && !own.timed && made.time >= 0 && atom_size(l->atoms, made.time) != 1) {
    Layout plain = in_order(l, &to);
    bool first = plain.n && plain.axis[0].atom[0] == made.time;
    if (!first) made = plain;
  }
  Value *value = lift_value(l, node, x, &own);
  if (!value) return LIFT_FAILED;
  lift_place(l, y, lift_reshaped(l, node, value, &made), &made);
  return LIFT_DONE;
}

static LiftDone reverse(Lift *l, const GraphNode *node) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  const GraphValue *at = node->in[0];
  LiftDone done = lift_pass(l, node);
  for (int i = 0; axes && i < axes->n && done == LIFT_DONE; i++) {
    if (lift_type(l, node->in[0])->dim[axes->i[i]] == 1) continue;
    done = lift_thinned(l, node, node->in[0], at, node->out[0], (int)axes->i[i], -1);
    at = node->out[0];
  }
  return done;
}

LiftDone lift_moves(Lift *l, const GraphNode *node) {
  static LiftDone (*const rule[GRAPH_OP_COUNT])(Lift *, const GraphNode *) = {
      [GRAPH_Cast] = cast,
      [GRAPH_Identity] = lift_pass,
      [GRAPH_Squeeze] = lift_pass,
      [GRAPH_Unsqueeze] = lift_pass,
      [GRAPH_Flatten] = lift_pass,
      [GRAPH_Expand] = lift_pass, /* its readers repeat where they need it */
      [GRAPH_Transpose] = lift_pass,
      [GRAPH_Reshape] = regroup,
      [GRAPH_Slice] = lift_slice,
      [GRAPH_Split] = lift_split,
      [GRAPH_Gather] = lift_gather_part,
      [GRAPH_Concat] = lift_concat,
      [GRAPH_Pad] = lift_pad,
      [GRAPH_Reverse] = reverse,
      [GRAPH_ReduceSum] = lift_reduce,
      [GRAPH_ReduceMean] = lift_reduce,
      [GRAPH_ReduceMax] = lift_reduce,
      [GRAPH_ReduceMin] = lift_reduce,
      [GRAPH_ReduceL1] = lift_reduce,
      [GRAPH_ReduceL2] = lift_reduce,
      [GRAPH_ArgMax] = lift_argmax,
      [GRAPH_MaxPool] = lift_pool,
      [GRAPH_AvgPool] = lift_pool,
  };
  return rule[node->op] ? rule[node->op](l, node) : LIFT_OTHER;
}
