/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lists of tensors of one shape: tensors whose first axis counts the elements. A list whose
 * elements have never been set has no numbers; once one is set the others are zeros. */
#include "import/graph/eval.h"

#include <string.h>

bool graph_eval_ListNew(GraphCall *call) {
  call->out[0].wide = NULL;
  return true;
}

bool graph_eval_ListFrom(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int axis;
  double *y = call_data(call, 0);
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  Line line = line_of(x, axis);
  for (int64_t i = 0; i < x->count; i++)
    y[(i / line.inner % line.n * line.outer + i / (line.inner * line.n)) * line.inner +
      i % line.inner] = x->wide[i];
  return true;
}

static bool list_place(GraphCall *call, int64_t *place) {
  int64_t n = call_in(call, 0)->dim[0], k;
  if (!call_number(call, 1, &k)) return false;
  *place = k < 0 ? k + n : k;
  return (*place >= 0 && *place < n) ||
         call_fault(call, "place %lld is outside of a list of %lld", (long long)k, (long long)n);
}

bool graph_eval_ListGet(GraphCall *call) {
  const GraphTensor *list = call_in(call, 0);
  int64_t place;
  if (!list_place(call, &place)) return false;
  if (!list->wide)
    return call_fault(call, "element %lld of a list is read before any is set", (long long)place);
  call->out[0].wide = list->wide + place * call->out[0].count;
  return true;
}

/* Fills the result with the elements of the list, if it has numbers, and `element` at a place. */
static bool list_copy(GraphCall *call, const GraphTensor *element, int64_t place) {
  const GraphTensor *list = call_in(call, 0);
  double *y = call_data(call, 0);
  if (list->wide && list->count) memcpy(y, list->wide, sizeof *y * (size_t)list->count);
  if (element->count)
    memcpy(y + place * element->count, element->wide, sizeof *y * (size_t)element->count);
  return true;
}

bool graph_eval_ListSet(GraphCall *call) {
  int64_t place;
  return list_place(call, &place) && list_copy(call, call_in(call, 2), place);
}

bool graph_eval_ListPush(GraphCall *call) {
  const GraphTensor *list = call_in(call, 0);
  if (!list->wide && list->dim[0] > 0)
    return call_fault(call, "a list grows before its elements are set");
  return list_copy(call, call_in(call, 1), list->dim[0]);
}

static bool is_set(GraphCall *call) {
  const GraphTensor *list = call_in(call, 0);
  return list->wide || list->count == 0 ||
         call_fault(call, "a list is read before any element is set");
}

bool graph_eval_ListStack(GraphCall *call) {
  const GraphTensor *list = call_in(call, 0);
  int axis;
  double *y = call_data(call, 0);
  if (!is_set(call) ||
      !call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), list->rank, &axis))
    return false;
  Line line = line_of(&call->out[0], axis);
  for (int64_t i = 0; i < list->count; i++)
    y[i] =
        list->wide[(i / line.inner % line.n * line.outer + i / (line.inner * line.n)) * line.inner +
                   i % line.inner];
  return true;
}

bool graph_eval_ListConcat(GraphCall *call) {
  const GraphTensor *list = call_in(call, 0);
  GraphTensor *out = &call->out[0];
  int axis;
  if (!is_set(call) ||
      !call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), out->rank, &axis))
    return false;
  double *y = call_data(call, 0);
  Line line = line_of(out, axis);
  int64_t n = list->dim[0], run = n ? line.n / n * line.inner : 0;
  for (int64_t k = 0; k < n; k++)
    for (int64_t o = 0; o < line.outer && run; o++)
      memcpy(y + (o * n + k) * run, list->wide + (k * line.outer + o) * run,
             sizeof *y * (size_t)run);
  return true;
}

bool graph_eval_ListSize(GraphCall *call) {
  call_data(call, 0)[0] = (double)call_in(call, 0)->dim[0];
  return true;
}
