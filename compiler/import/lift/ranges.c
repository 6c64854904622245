/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ranges of the values of a quantised file. In, a flat graph whose values are placed in the model,
 * some of them with the range of their integers; out, the same ranges for the values of the model.
 */
#include "import/lift/lift.h"

#include <math.h>

static void add_range(Lift *l, const Value *value, bool is_cell, const GraphRange *range) {
  Foreign *f = l->foreign;
  while (value->layer && value->layer->kind == LAYER_label)
    value = value->layer->in[0];
  ForeignRange made = {.value = value, .is_cell = is_cell, .low = range->low, .high = range->high};
  ARENA_PUSH(f->arena, f->range, f->n_ranges, f->cap_ranges, made);
}

/* Whether the scales of a Quantize, by which it divides, are positive numbers. False after
 * reporting. */
static bool scales_are_positive(Lift *l, const GraphNode *node) {
  const GraphTensor *scale = node->n_in > 1 && node->in[1] ? node->in[1]->constant : NULL;
  for (int64_t i = 0; scale && i < scale->count; i++) {
    if (graph_at(scale, i) > 0 && isfinite(graph_at(scale, i))) continue;
    lift_refuse(l, node, E901, "has the scale %g, and a scale must be a positive number",
                graph_at(scale, i));
    return false;
  }
  return true;
}

/* Whether a value has numbers of a constant, which are only moved or taken out of it. */
static bool is_of_constant(const GraphValue *value) {
  while (value && value->node && value->node->n_in &&
         (graph_op_moves(value->node->op) == GRAPH_MOVES_first || value->node->op == GRAPH_Gather))
    value = value->node->in[0];
  return value && value->constant;
}

bool lift_scales(Lift *l, const Graph *graph) {
  if (graph->has_integer_constants) l->foreign->has_integer_weights = true;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    int weights = node->op == GRAPH_MatMulInteger || node->op == GRAPH_ConvInteger;
    if ((weights || node->op == GRAPH_Dequantize) && is_of_constant(node->in[weights]))
      l->foreign->has_integer_weights = true;
    if (node->op == GRAPH_Quantize && !scales_are_positive(l, node)) return false;
    for (int b = 0; b < 2; b++)
      if (node->body[b] && !lift_scales(l, node->body[b])) return false;
  }
  return true;
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
