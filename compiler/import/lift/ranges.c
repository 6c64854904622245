/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a quantised file says of the numbers of its values. In, a flat graph whose values are placed
 * in the model, some with the range of their integers; out, the same ranges of the values of the
 * model. */
#include "import/lift/lift.h"

static void add_range(Lift *l, const Value *value, bool is_cell, const GraphRange *range) {
  Foreign *f = l->foreign;
  while (value->layer && value->layer->kind == LAYER_label)
    value = value->layer->in[0];
  ForeignRange made = {.value = value, .is_cell = is_cell, .low = range->low, .high = range->high};
  ARENA_PUSH(f->arena, f->range, f->n_ranges, f->cap_ranges, made);
}

void lift_ranges(Lift *l) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_in; i++) {
    const GraphValue *value = graph->in[i].value;
    if (value->range && l->placed[value->id].value)
      add_range(l, l->placed[value->id].value, false, value->range);
  }
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_out; k++) {
      const GraphValue *out = node->out[k];
      const Value *value = out ? l->placed[out->id].value : NULL;
      if (value && out->range) add_range(l, value, false, out->range);
      if (value && k == 0 && node->cell && value->layer && value->layer->kind == LAYER_LSTM)
        add_range(l, value, true, node->cell);
    }
  }
}
