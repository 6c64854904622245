/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Following elements through operators that only move them: see trace.h. */
#include "import/lift/trace.h"
#include "import/lift/recurrent_form.h"

#include <string.h>

enum { TRACE_MAX_ELEMENTS = 1 << 22 };

bool trace_moves(const Flat *flat, const GraphNode *node) {
  if (graph_op_moves(node->op) == GRAPH_MOVES_none) return false;
  for (int k = 0; k < node->n_in; k++)
    if (node->in[k] && !graph_operand_moves(node, k) &&
        !graph_known(flat_type_of(flat, node->in[k])))
      return false;
  return true;
}

const double *trace_moved(const Flat *flat, const GraphNode *node, const double *const *mark,
                          int index) {
  const GraphTensor **in = ARENA_ARRAY(flat->arena, const GraphTensor *, node->n_in + 1);
  for (int k = 0; k < node->n_in; k++) {
    in[k] = node->in[k] ? flat_type_of(flat, node->in[k]) : NULL;
    if (!in[k] || !graph_operand_moves(node, k)) continue;
    if (!mark[k]) return NULL;
    GraphTensor *marks = ARENA_NEW(flat->arena, GraphTensor);
    *marks = *in[k];
    marks->wide = mark[k];
    marks->narrow = NULL;
    in[k] = marks;
  }
  GraphCall call = {.arena = flat->arena,
                    .node = node,
                    .in = in,
                    .out = ARENA_ARRAY(flat->arena, GraphTensor, node->n_out)};
  return graph_call_eval(&call) ? call.out[index].wide : NULL;
}

/* The codes of a value whose elements come from nowhere else. The last row of the y [T, dirs, N, u]
 * of a forward operator has the codes of its h. */
static const double *own_elements(Trace *t, const GraphValue *value) {
  const GraphTensor *type = flat_type_of(t->flat, value);
  double *code = ARENA_ARRAY(t->flat->arena, double, type->count + 1);
  const GraphNode *node = value->node;
  bool sequence = node && recurrent_form(node->op) && value->index == 0;
  bool forward =
      sequence && strcmp(graph_word(node, GRAPH_ATTR_direction, 0, "forward"), "forward") == 0;
  int64_t last =
      forward || (sequence && type->dim[0] == 1) ? flat_type_of(t->flat, node->out[1])->count : 0;
  for (int64_t i = 0; i < type->count; i++)
    code[i] = t->base[value->id] + (double)i;
  for (int64_t i = 0; i < last; i++)
    code[type->count - last + i] = t->base[node->out[1]->id] + (double)i;
  return code;
}

static const double *constant_elements(const Trace *t, int64_t n) {
  double *none = ARENA_ARRAY(t->flat->arena, double, n + 1);
  for (int64_t i = 0; i < n; i++)
    none[i] = -1;
  return none;
}

/* The values that are still to be followed, the earliest one last. */
typedef struct Path {
  const GraphValue **value;
  int n;
  size_t cap;
} Path;

/* Follows the last value of a path: adds the values that it needs first, or computes its codes and
 * removes it. False: there is no budget left. */
static bool follow(Trace *t, const GraphValue *value, Path *path) {
  const GraphNode *node = value->node;
  const GraphTensor *type = flat_type_of(t->flat, value);
  bool moves = !graph_known(type) && node && trace_moves(t->flat, node);
  const double **mark = ARENA_ARRAY(t->flat->arena, const double *, (moves ? node->n_in : 0) + 1);
  bool waits = false;
  for (int k = 0; moves && k < node->n_in; k++) {
    if (!node->in[k] || !graph_operand_moves(node, k)) continue;
    mark[k] = t->code[node->in[k]->id];
    if (mark[k]) continue;
    ARENA_PUSH(t->flat->arena, path->value, path->n, path->cap, node->in[k]);
    waits = true;
  }
  if (waits) return true;
  path->n--;
  t->budget -= type->count;
  if (t->budget < 0) return false;
  if (graph_known(type))
    t->code[value->id] = constant_elements(t, type->count);
  else
    t->code[value->id] =
        moves ? trace_moved(t->flat, node, mark, value->index) : own_elements(t, value);
  return t->code[value->id] != NULL;
}

const double *trace_of(Trace *t, const GraphValue *value) {
  Path path = {0};
  if (t->code[value->id]) return t->code[value->id];
  ARENA_PUSH(t->flat->arena, path.value, path.n, path.cap, value);
  while (path.n) {
    const GraphValue *next = path.value[path.n - 1];
    if (t->code[next->id])
      path.n--;
    else if (!follow(t, next, &path))
      return NULL;
  }
  return t->code[value->id];
}

bool trace_holds(const Trace *t, const GraphValue *value, double code) {
  return code >= t->base[value->id] &&
         code < t->base[value->id] + (double)flat_type_of(t->flat, value)->count;
}

Trace trace_new(const Flat *flat) {
  const Graph *graph = flat->graph;
  Trace t = {.flat = flat, .budget = TRACE_MAX_ELEMENTS};
  t.base = ARENA_ARRAY(flat->arena, double, graph->n_values + 1);
  t.code = ARENA_ARRAY(flat->arena, const double *, graph->n_values + 1);
  double at = 0;
  for (int i = 0; i < graph->n_values; i++) {
    t.base[i] = at;
    const GraphTensor *type = flat_type_of(flat, graph->value[i]);
    at += type ? (double)type->count : 0;
  }
  return t;
}
