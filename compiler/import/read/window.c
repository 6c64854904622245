/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions and pools over two axes for the readers of TensorFlow's formats. */
#include "import/read/window.h"

GraphValue *channels_first(GraphEmit *e, GraphValue *x) {
  return emit_transpose(e, x, 4, (int64_t[]){0, 3, 1, 2});
}

GraphValue *channels_last(GraphEmit *e, GraphValue *x) {
  return emit_transpose(e, x, 4, (int64_t[]){0, 2, 3, 1});
}

bool window_possible(const Window2D *w) {
  for (int i = 0; i < 2; i++)
    if (w->kernel[i] < 1 || w->stride[i] < 1 || w->dilation[i] < 1 || w->kernel[i] > INT16_MAX ||
        w->stride[i] > INT16_MAX || w->dilation[i] > INT16_MAX)
      return false;
  return true;
}

int64_t window_span(const Window2D *w, int i) {
  return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

GraphValue *window_same_pads(GraphEmit *e, GraphValue *x, int n, const int64_t *stride,
                             const int64_t *span, bool upper, double fill) {
  GraphValue *size = emit_slice(e, EMIT(e, Shape, x), 0, 2, INT32_MAX, 1),
             *step = emit_ints(e, n, stride), *one = emit_int(e, 1), *zero = emit_int(e, 0);
  GraphValue *last = EMIT(e, FloorDiv, EMIT(e, Sub, size, one), step); /* of the steps, from 0 */
  GraphValue *reach = EMIT(e, Add, EMIT(e, Mul, last, step), emit_ints(e, n, span));
  GraphValue *needed = EMIT(e, Max, EMIT(e, Sub, reach, size), zero);
  GraphValue *less = EMIT(e, FloorDiv, needed, emit_int(e, 2)), *more = EMIT(e, Sub, needed, less),
             *none = emit_ints(e, 2, (int64_t[]){0, 0});
  GraphValue *pads =
      emit_concat(e, 0, 4, (GraphValue *[]){none, upper ? less : more, none, upper ? more : less});
  GraphNode *pad = emit_node(e, GRAPH_Pad, 3, (GraphValue *[]){x, pads, emit_number(e, fill)}, 1);
  const char *mode = "constant";
  graph_set_words(e->graph, pad, GRAPH_ATTR_mode, 1, &mode);
  return emit_done(e, pad);
}

GraphValue *window_padded(GraphEmit *e, GraphValue *x, const Window2D *w) {
  int64_t span[2] = {window_span(w, 0), window_span(w, 1)};
  return window_same_pads(e, x, 2, w->stride, span, true, 0);
}

GraphValue *window_node(GraphEmit *e, GraphOp op, const Window2D *w, const int64_t *pads, int n_in,
                        GraphValue *const *in, int64_t groups) {
  Graph *graph = e->graph;
  GraphNode *node = emit_node(e, op, n_in, in, 1);
  graph_set_ints(graph, node, GRAPH_ATTR_strides, 2, w->stride);
  const char *same = "upper";
  if (pads)
    graph_set_ints(graph, node, GRAPH_ATTR_pads, 4, pads);
  else
    graph_set_words(graph, node, GRAPH_ATTR_same, 1, &same);
  if (op == GRAPH_MaxPool || op == GRAPH_AvgPool)
    graph_set_ints(graph, node, GRAPH_ATTR_kernel, 2, w->kernel);
  else if (groups)
    graph_set_int(graph, node, GRAPH_ATTR_groups, groups);
  if (op == GRAPH_Conv) graph_set_ints(graph, node, GRAPH_ATTR_dilations, 2, w->dilation);
  return emit_done(e, node);
}

void window_transposed_pads(const Window2D *w, int64_t pads[4], int64_t more[2]) {
  for (int i = 0; i < 2; i++) {
    int64_t spare = w->same ? w->kernel[i] - w->stride[i] : 0;
    more[i] = spare < 0 ? -spare : 0;
    if (spare < 0) spare = 0;
    pads[i] = spare / 2;
    pads[2 + i] = spare - pads[i];
  }
}

GraphValue *window_transposed(GraphEmit *e, const Window2D *w, const int64_t *pads,
                              const int64_t *more, int n_in, GraphValue *const *in) {
  GraphNode *node = emit_node(e, GRAPH_ConvTranspose, n_in, in, 1);
  graph_set_ints(e->graph, node, GRAPH_ATTR_strides, 2, w->stride);
  graph_set_ints(e->graph, node, GRAPH_ATTR_pads, 4, pads);
  graph_set_ints(e->graph, node, GRAPH_ATTR_output_padding, 2, more);
  return emit_done(e, node);
}
