/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pools. In, a MaxPool or an AvgPool node, along one or two axes; out, a stage `max_pool` or
 * `mean_pool`. */
#include "import/lift/sweep.h"

#include <string.h>

/* The sweep along a spatial axis. False: the pool does nothing along it. */
static bool pool_sweep(Lift *l, const GraphNode *node, int axis, Sweep *out) {
  *out = sweep_along(l, node, axis, sweep_number(node, GRAPH_ATTR_kernel, axis, 1));
  int64_t n = lift_type(l, node->out[0])->dim[2 + axis],
          reach = (n - 1) * out->stride + (out->taps - 1) * out->dilation + 1;
  /* Worked out here from the size of the result, apart from the graph's shape rule, which judges.
   */
  const char *same = graph_word(node, GRAPH_ATTR_same, 0, "");
  if (*same) {
    int64_t needed = (n - 1) * out->stride + (out->taps - 1) * out->dilation + 1 - out->steps;
    if (needed < 0) needed = 0;
    out->before = strcmp(same, "lower") == 0 ? needed - needed / 2 : needed / 2;
    out->after = needed - out->before;
    out->same = strcmp(same, "upper") == 0;
  }
  int64_t behind = reach - out->steps - out->before - out->after;
  if (behind > 0) out->after += behind; /* the last window ends after the last element */
  return out->taps != 1 || out->stride != 1 || out->before || out->after;
}

/* Whether the stages do not support this pool; true after reporting. */
static bool pool_refused(Lift *l, const GraphNode *node, int n, const Sweep *sweep) {
  const char *why = NULL;
  for (int i = 0; i < n; i++) {
    if (sweep[i].dilation != 1) why = "pools elements that are apart (`dilations`)";
    if ((sweep[i].before || sweep[i].after) && graph_int(node, GRAPH_ATTR_count_pad, 0))
      why = "averages zeros that padding adds (`count_include_pad`)";
  }
  bool pads = sweep->dilation == 1 && graph_int(node, GRAPH_ATTR_count_pad, 0);
  if (why && pads)
    lift_lacks(l, node, E902, "pad with zeros before the pool, which then needs no padding", "%s",
               why);
  else if (why)
    lift_refuse(l, node, E902, "%s", why);
  return why != NULL;
}

LiftDone lift_pool(Lift *l, const GraphNode *node) {
  Sweep sweep[3];
  SweptField field;
  int n = 0, time;
  for (int i = 0; i < sweep_axes(l, node) && n < 3; i++)
    n += pool_sweep(l, node, i, &sweep[n]);
  if (n == 0) {
    l->placed[node->out[0]->id] = l->placed[node->in[0]->id];
    return LIFT_DONE;
  }
  if (n > 2) {
    lift_refuse(l, node, E902, "is a pool over %d axes; one and two are supported", n);
    return LIFT_FAILED;
  }
  lift_axis(l, node->in[0], 2 + sweep[n - 1].spatial, &time);
  if (n == 2 && time >= 0) { /* time first */
    sweep[2] = sweep[0];
    sweep[0] = sweep[1];
    sweep[1] = sweep[2];
  }
  if (pool_refused(l, node, n, sweep) || !field_find(l, node, n, sweep, &field)) return LIFT_FAILED;
  Value *value =
      field_labelled(l, node, &field, n, lift_value(l, node, node->in[0], &field.layout));
  if (!value) return LIFT_FAILED;
  Layer *layer =
      lift_layer(l, node, node->op == GRAPH_MaxPool ? LAYER_max_pool : LAYER_mean_pool, 1, &value);
  sweep_set(l, layer, OPT_size, 0, n, sweep);
  field_name_axes(l, layer, &field, n);
  field_place(l, node, &field, n, sweep, layer->out[0]);
  return LIFT_DONE;
}
