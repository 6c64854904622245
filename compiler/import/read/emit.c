/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See emit.h. */
#include "import/read/emit.h"

#include "base/text.h"
#include "import/graph/call.h"

#include <assert.h>
#include <math.h>
#include <string.h>

GraphOp op_named(const NamedOp *table, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].op;
  return GRAPH_OP_COUNT;
}

GraphNode *emit_node(GraphEmit *e, GraphOp op, int n_in, GraphValue *const *in, int n_out) {
  assert(op < GRAPH_OP_COUNT);
  GraphNode *node = graph_node(e->graph, op, e->name, e->source, n_in, in, n_out);
  node->masked = e->masked;
  return node;
}

/* Constants of products and recurrent layers are left to the evaluator, and nodes that read the
 * graph around them cannot be computed yet. */
static bool may_fold(const Graph *graph, const GraphNode *node) {
  static const bool is_large[GRAPH_OP_COUNT] = {
      [GRAPH_MatMul] = true,  [GRAPH_MatMulInteger] = true,
      [GRAPH_Conv] = true,    [GRAPH_ConvInteger] = true,
      [GRAPH_MaxPool] = true, [GRAPH_ConvTranspose] = true,
      [GRAPH_AvgPool] = true, [GRAPH_Lstm] = true,
      [GRAPH_Gru] = true,     [GRAPH_Rnn] = true,
      [GRAPH_If] = true,      [GRAPH_Loop] = true,
      [GRAPH_Scan] = true,    [GRAPH_While] = true,
      [GRAPH_VarRead] = true, [GRAPH_VarAssign] = true,
      [GRAPH_ListNew] = true, [GRAPH_ListFrom] = true};
  if (is_large[node->op] || graph->node[graph->n_nodes - 1] != node) return false;
  for (int k = 0; k < node->n_in; k++)
    if (node->in[k] && !node->in[k]->constant) return false;
  return true;
}

void text_add_attributes(Text *t, const GraphNode *node) {
  for (int k = 0; k < node->n_attributes; k++) {
    const GraphAttribute *a = &node->attribute[k];
    text_printf(t, " %d", (int)a->name);
    for (int i = 0; i < a->n; i++)
      if (a->i)
        text_printf(t, ",%lld", (long long)a->i[i]);
      else if (a->f)
        text_printf(t, ",%a", a->f[i]);
      else
        text_printf(t, ",%s", a->s[i]);
  }
}

/* An earlier node with the same operator, attributes and constant in the same graph, so that
 * weights that every step uses are transposed once. NULL for operators of more operands or results.
 */
static const char *key_of(const GraphEmit *e, const GraphNode *node) {
  if (!e->seen || node->n_in != 1 || node->n_out != 1) return NULL;
  Text key = text_new(e->graph->arena);
  text_printf(&key, "%d %p %p", (int)node->op, (const void *)e->graph, (const void *)node->in[0]);
  text_add_attributes(&key, node);
  return text_str(&key);
}

GraphValue *emit_done(GraphEmit *e, GraphNode *node) {
  Graph *graph = e->graph;
  const int64_t small = 4096;
  int64_t given = 0, made = 0;
  if (!may_fold(graph, node)) return node->out[0];
  if (node->op == GRAPH_Dequantize) graph->has_integer_constants = true;
  const char *key = key_of(e, node);
  GraphValue *known = key ? map_get(e->seen, key) : NULL;
  if (known && known->constant) {
    graph->n_nodes--;
    return known;
  }
  GraphCall call = {.arena = graph->numbers, .node = node};
  const GraphTensor **in = ARENA_ARRAY(graph->arena, const GraphTensor *, node->n_in + 1);
  for (int k = 0; k < node->n_in; k++) {
    in[k] = node->in[k] ? node->in[k]->constant : NULL;
    if (in[k]) given += in[k]->count;
  }
  call.in = in;
  call.out = ARENA_ARRAY(graph->arena, GraphTensor, node->n_out + 1);
  if (!graph_call_shape(&call)) return node->out[0]; /* the evaluator reports why */
  for (int k = 0; k < node->n_out; k++)
    made += graph_span(&call.out[k]);
  if (made > 4 * given + small || made > *e->folds || !graph_call_compute(&call))
    return node->out[0];
  if (!in[0] || !call_hands_on(in[0], &call.out[0]))
    *e->folds -= made; /* else the same numbers, renamed */
  graph_call_narrow(&call);
  for (int k = 0; k < node->n_out; k++) {
    node->out[k]->constant = &call.out[k];
    node->out[k]->node = NULL;
  }
  graph->n_nodes--;
  if (key) map_put(graph->arena, e->seen, key, node->out[0]);
  return node->out[0];
}

GraphValue *emit_call(GraphEmit *e, GraphOp op, int n_in, GraphValue *const *in) {
  return emit_done(e, emit_node(e, op, n_in, in, 1));
}

GraphValue *emit_number(GraphEmit *e, double x) {
  return graph_constant(e->graph, "", graph_scalar(e->graph->arena, GRAPH_FLOAT, x));
}

GraphValue *emit_int(GraphEmit *e, int64_t x) {
  return graph_constant(e->graph, "", graph_scalar(e->graph->arena, GRAPH_I64, (double)x));
}

GraphValue *emit_ints(GraphEmit *e, int n, const int64_t *x) {
  return graph_constant(e->graph, "", graph_ints(e->graph->arena, n, x));
}

GraphValue *emit_axis_call(GraphEmit *e, GraphOp op, int64_t axis, int n_in,
                           GraphValue *const *in) {
  GraphNode *node = emit_node(e, op, n_in, in, 1);
  graph_set_int(e->graph, node, GRAPH_ATTR_axis, axis);
  return emit_done(e, node);
}

static GraphValue *with_ints(GraphEmit *e, GraphOp op, GraphValue *x, GraphAttributeName name,
                             int n, const int64_t *i) {
  GraphNode *node = emit_node(e, op, 1, &x, 1);
  graph_set_ints(e->graph, node, name, n, i);
  return emit_done(e, node);
}

GraphValue *emit_transpose(GraphEmit *e, GraphValue *x, int n, const int64_t *perm) {
  return with_ints(e, GRAPH_Transpose, x, GRAPH_ATTR_perm, n, perm);
}

GraphValue *emit_reshape(GraphEmit *e, GraphValue *x, int n, const int64_t *dim) {
  bool copies = false;
  for (int i = 0; i < n; i++)
    copies = copies || dim[i] == 0;
  GraphNode *node = emit_node(e, GRAPH_Reshape, 2, (GraphValue *[]){x, emit_ints(e, n, dim)}, 1);
  if (copies) graph_set_int(e->graph, node, GRAPH_ATTR_copy_zeros, 1);
  return emit_done(e, node);
}

GraphValue *emit_unsqueeze(GraphEmit *e, GraphValue *x, int n, const int64_t *axes) {
  return with_ints(e, GRAPH_Unsqueeze, x, GRAPH_ATTR_axes, n, axes);
}

GraphValue *emit_squeeze(GraphEmit *e, GraphValue *x, int n, const int64_t *axes) {
  return with_ints(e, GRAPH_Squeeze, x, GRAPH_ATTR_axes, n, axes);
}

GraphValue *emit_reduce(GraphEmit *e, GraphOp op, GraphValue *x, int n, const int64_t *axes,
                        bool keep) {
  GraphNode *node = emit_node(e, op, 1, &x, 1);
  graph_set_ints(e->graph, node, GRAPH_ATTR_axes, n, axes);
  graph_set_int(e->graph, node, GRAPH_ATTR_keepdims, keep);
  return emit_done(e, node);
}

GraphValue *emit_gather(GraphEmit *e, GraphValue *x, int64_t axis, int n, const int64_t *places) {
  return emit_axis_call(e, GRAPH_Gather, axis, 2, (GraphValue *[]){x, emit_ints(e, n, places)});
}

GraphValue *emit_row_of(GraphEmit *e, GraphValue *x, int64_t axis, int k, int64_t n) {
  GraphNode *node = emit_node(e, GRAPH_Gather, 2, (GraphValue *[]){x, emit_int(e, k)}, 1);
  graph_set_int(e->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_int(e->graph, node, GRAPH_ATTR_count, n);
  return emit_done(e, node);
}

GraphValue *emit_concat(GraphEmit *e, int64_t axis, int n, GraphValue *const *in) {
  return n == 1 ? in[0] : emit_axis_call(e, GRAPH_Concat, axis, n, in);
}

GraphValue *emit_slice(GraphEmit *e, GraphValue *x, int64_t axis, int64_t start, int64_t end,
                       int64_t step) {
  return EMIT(e, Slice, x, emit_ints(e, 1, &start), emit_ints(e, 1, &end), emit_ints(e, 1, &axis),
              emit_ints(e, 1, &step));
}

GraphValue *emit_filled(GraphEmit *e, GraphValue *shape, double x, GraphElem elem) {
  GraphNode *node = emit_node(e, GRAPH_ConstantOfShape, 1, &shape, 1);
  graph_set_number(e->graph, node, GRAPH_ATTR_value, x);
  graph_set_int(e->graph, node, GRAPH_ATTR_elem, elem);
  return emit_done(e, node);
}

GraphValue *emit_cast(GraphEmit *e, GraphValue *x, GraphElem elem) {
  if (x->constant && x->constant->elem == elem) return x;
  GraphNode *node = emit_node(e, GRAPH_Cast, 1, &x, 1);
  graph_set_int(e->graph, node, GRAPH_ATTR_elem, elem);
  return emit_done(e, node);
}

GraphValue *emit_clip(GraphEmit *e, GraphValue *x, double low, double high) {
  GraphNode *node = emit_node(e, GRAPH_Clip, 1, &x, 1);
  if (!isinf(low)) graph_set_number(e->graph, node, GRAPH_ATTR_low, low);
  if (!isinf(high)) graph_set_number(e->graph, node, GRAPH_ATTR_high, high);
  return emit_done(e, node);
}

GraphValue *emit_dequantize(GraphEmit *e, GraphValue *x, GraphValue *scale, GraphValue *zero,
                            int64_t axis) {
  return emit_axis_call(e, GRAPH_Dequantize, axis, zero ? 3 : 2, (GraphValue *[]){x, scale, zero});
}

GraphValue *emit_quantize(GraphEmit *e, GraphValue *x, GraphValue *scale, GraphValue *zero) {
  GraphNode *node = emit_node(e, GRAPH_Quantize, zero ? 3 : 2, (GraphValue *[]){x, scale, zero}, 1);
  return emit_done(e, node);
}

bool constant_ints(const GraphValue *value, int most, int *n, int64_t *out) {
  if (!value || !value->constant || value->constant->count > most) return false;
  *n = (int)value->constant->count;
  for (int i = 0; i < *n; i++)
    out[i] = graph_whole(graph_at(value->constant, i));
  return true;
}

const char *constant_ints_problem(Arena *arena, const GraphValue *value, const char *what, int most,
                                  DiagCode *code) {
  bool many = value && value->constant;
  *code = many ? E901 : E902;
  return many ? arena_printf(arena, "has %lld %s; at most %d are supported",
                             (long long)value->constant->count, what, most)
              : arena_printf(arena, "has computed %s, where grus needs constants", what);
}

bool constant_number(const GraphValue *value, double *out) {
  if (!value || !value->constant || value->constant->count != 1) return false;
  *out = graph_at(value->constant, 0);
  return true;
}
