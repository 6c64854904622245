/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding to integers with a scale. In, a value and the Quantize that rounds it; out, the real
 * number that the integer stands for: the value, kept within the range of the integers, and then
 * rounded to the nearest multiple of the scale.
 *
 * Some quantisers remove a relu, because the range of the integers does the same. If the operator
 * that computes the value stays within the range by itself, no limit is added. */
#include "import/lift/limits.h"

#include "import/graph/eval.h"

#include <math.h>

/* The least and the greatest number that the operator of a value can give. */
static GraphRange bounds_of(const GraphValue *value) {
  const GraphRange open = {-INFINITY, INFINITY};
  while (value->node && graph_op_moves(value->node->op) == GRAPH_MOVES_first)
    value = value->node->in[0];
  const GraphNode *node = value->node;
  if (!node) return open;
  if (node->op == GRAPH_Sigmoid || node->op == GRAPH_Softmax || node->op == GRAPH_HardSigmoid)
    return (GraphRange){0, 1};
  if (node->op == GRAPH_Tanh) return (GraphRange){-1, 1};
  if (node->op == GRAPH_Relu) return (GraphRange){0, INFINITY};
  if (node->op == GRAPH_Clip)
    return (GraphRange){graph_number(node, GRAPH_ATTR_low, -INFINITY),
                        graph_number(node, GRAPH_ATTR_high, INFINITY)};
  return open;
}

/* The range of a type of integers. False: it is not known, or more than 16 bits wide. */
static bool range_of(GraphElem elem, GraphRange *range) {
  return elem_range(elem, &range->low, &range->high) && range->high <= UINT16_MAX;
}

/* x kept within a range, either end of which may be infinite. */
static GraphValue *limited(Graph *graph, const GraphNode *node, GraphValue *x, GraphRange to) {
  if (isinf(to.low) && isinf(to.high)) return x;
  bool is_relu = to.low == 0 && isinf(to.high);
  GraphNode *made =
      graph_node(graph, is_relu ? GRAPH_Relu : GRAPH_Clip, node->name, node->source, 1, &x, 1);
  if (!is_relu && isfinite(to.low)) graph_set_number(graph, made, GRAPH_ATTR_low, to.low);
  if (!is_relu && isfinite(to.high)) graph_set_number(graph, made, GRAPH_ATTR_high, to.high);
  return made->out[0];
}

bool lift_numbers_of(const GraphNode *node, GraphRange *range, double *step) {
  const GraphTensor *scale = node->in[1]->constant,
                    *zero = node->n_in > 2 && node->in[2] ? node->in[2]->constant : NULL;
  GraphElem elem =
      (GraphElem)graph_int(node, GRAPH_ATTR_elem, zero ? (int64_t)zero->elem : GRAPH_U8);
  double none = zero && zero->count ? graph_at(zero, 0) : 0;
  if (scale->count != 1 || (zero && zero->count != 1) || !range_of(elem, range)) return false;
  *step = graph_at(scale, 0);
  range->low = (range->low - none) * *step;
  range->high = (range->high - none) * *step;
  return *step > 0 && isfinite(*step);
}

GraphValue *lift_rounded(Graph *graph, const GraphNode *node, GraphValue *x) {
  GraphRange range, own = bounds_of(x), to = {-INFINITY, INFINITY};
  double step;
  if (!lift_numbers_of(node, &range, &step)) return NULL;
  if (own.low <= range.low - step / 2) to.low = range.low;
  if (own.high >= range.high + step / 2) to.high = range.high;
  GraphValue *within = limited(graph, node, x, to);
  GraphNode *made = graph_node(graph, GRAPH_Round, node->name, node->source, 1, &within, 1);
  graph_set_number(graph, made, GRAPH_ATTR_step, step);
  made->out[0]->name = node->out[0]->name;
  return made->out[0];
}

GraphValue *lift_not_negative(Graph *graph, const GraphNode *node, GraphValue *x) {
  GraphRange range;
  double step;
  if (!lift_numbers_of(node, &range, &step) || range.low != 0 || bounds_of(x).low >= 0) return x;
  GraphValue *made = limited(graph, node, x, (GraphRange){0, INFINITY});
  made->name = node->out[0]->name;
  return made;
}
