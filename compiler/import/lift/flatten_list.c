/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Flattening lists of tensors. A list is the flat values of its elements, so reading and setting an
 * element makes no node. */
#include "import/lift/flatten.h"

#include <string.h>

static FlatList *list_new(Flattening *f, int n) {
  FlatList *list = ARENA_NEW(f->flat->arena, FlatList);
  list->n = n;
  list->element = ARENA_ARRAY(f->flat->arena, GraphValue *, n ? n : 1);
  return list;
}

/* Sets elements that were never set to zeros, in the shape of the others. */
static bool list_fill(Flattening *f, FlatList *list) {
  const GraphTensor *shape = NULL;
  for (int i = 0; i < list->n && !shape; i++)
    if (list->element[i]) shape = flat_type_of(f->flat, list->element[i]);
  if (!shape) return flatten_fail(f, "reads an empty list");
  for (int i = 0; i < list->n; i++) {
    double *data;
    if (list->element[i]) continue;
    list->element[i] = flat_constant(
        f->flat, "", graph_tensor(f->flat->arena, shape->elem, shape->rank, shape->dim, &data));
  }
  return true;
}

/* *out gets the number of the element that a constant index names. */
static bool list_place(Flattening *f, const FlatList *list, const GraphValue *at, int *out) {
  double place;
  if (!flatten_number(f->flat, at, &place))
    return flatten_fail(f, "reads or sets an element of a list by a number that depends on data");
  if (place < 0) place += list->n;
  if (!(place >= 0 && place < list->n))
    return flatten_fail(f, "reads or sets an element that its list does not have");
  *out = (int)place;
  return true;
}

/* Flattens a ListFrom: the elements are the rows of a value along an axis. */
static bool list_from(Flattening *f, FlattenFrame *frame, const GraphNode *node, GraphValue *in) {
  Flat *flat = f->flat;
  const GraphTensor *t = in ? flat_type_of(flat, in) : NULL;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (flatten_list_operand(f, frame, node, 0))
    return flatten_fail(f, "reads a list, where it needs a tensor");
  if (!t) return flatten_fail(f, "makes a list of a value that has no rows");
  if (axis < -t->rank || axis >= t->rank)
    return flatten_fail(f, arena_printf(flat->arena, "axis %lld does not exist among %d axes",
                                        (long long)axis, t->rank));
  if (axis < 0) axis += t->rank;
  if (t->dim[axis] > FLAT_MAX_NODES) return flatten_fail(f, "makes a list of too many elements");
  FlatList *made = list_new(f, (int)t->dim[axis]);
  for (int i = 0; i < made->n; i++) {
    GraphValue *place = flat_constant(flat, "", graph_scalar(flat->arena, GRAPH_I64, i));
    made->element[i] =
        flatten_compute(f, GRAPH_Gather, 2, (GraphValue *[]){in, place}, GRAPH_ATTR_axis, axis);
    if (made->element[i] && graph_int(node, GRAPH_ATTR_keepdims, 0))
      made->element[i] =
          flatten_compute(f, GRAPH_Unsqueeze, 1, &made->element[i], GRAPH_ATTR_axes, axis);
    if (!made->element[i]) return false;
  }
  flatten_define(frame, node->out[0], (Meaning){.list = made});
  return true;
}

bool flatten_list(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
  Flat *flat = f->flat;
  FlatList *list = flatten_list_operand(f, frame, node, 0), *made;
  GraphValue *in = flatten_operand(f, frame, node, 0), *value = NULL;
  double count;
  int at = 0;
  if (node->op == GRAPH_ListNew) {
    if (!flatten_number(flat, in, &count) || count < 0 || count > (double)FLAT_MAX_NODES)
      return flatten_fail(f, "makes a list whose length depends on data");
    flatten_define(frame, node->out[0], (Meaning){.list = list_new(f, (int)count)});
    return true;
  }
  if (node->op == GRAPH_ListFrom) return list_from(f, frame, node, in);
  if (!list) return flatten_fail(f, "needs a list");
  if (node->op == GRAPH_ListSet || node->op == GRAPH_ListPush) {
    bool push = node->op == GRAPH_ListPush;
    at = list->n;
    if (!push && !list_place(f, list, flatten_operand(f, frame, node, 1), &at)) return false;
    made = list_new(f, list->n + push);
    memcpy(made->element, list->element, sizeof *list->element * (size_t)list->n);
    made->element[at] = flatten_operand(f, frame, node, push ? 1 : 2);
    if (!made->element[at])
      return flatten_fail(f, "sets an element to a value that is not a tensor");
    flatten_define(frame, node->out[0], (Meaning){.list = made});
    return true;
  }
  if (node->op == GRAPH_ListGet) {
    if (!list_place(f, list, flatten_operand(f, frame, node, 1), &at)) return false;
    if (!list->element[at] && !list_fill(f, list)) return false;
    value = list->element[at];
  } else if (node->op == GRAPH_ListSize) {
    value = flat_constant(flat, "", graph_scalar(flat->arena, GRAPH_I64, list->n));
  } else { /* ListStack and ListConcat */
    if (!list->n) return flatten_fail(f, "joins the elements of an empty list");
    if (!list_fill(f, list)) return false;
    value = flatten_stack(f, list->n, list->element, node->op == GRAPH_ListConcat,
                          graph_int(node, GRAPH_ATTR_axis, 0));
    if (!value) return false;
  }
  flatten_define(frame, node->out[0], (Meaning){.value = value});
  return true;
}
