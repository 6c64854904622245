/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Before the walk: what exporters write out in small steps becomes one node again. In: a graph.
 * Out: the same graph with LSTM and GRU nodes for cells (onnx_cell.c) and LayerNormalization nodes
 * for
 *
 *     (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) [* scale] [+ center]
 *
 * and without the nodes that nothing reads any more. What is not recognised stays as it is. */
#include "import/onnx_cell.h"

#include <string.h>

typedef struct NodeList {
  OnnxNode *node;
  int n;
  size_t cap;
} NodeList;

typedef struct Rewrite {
  Onnx *onnx;
  OnnxGraph *graph;
  CellScope scope;
  NodeList *before; /* by node: nodes put in front of it */
  bool *drop;
} Rewrite;

static void put_before(Rewrite *r, const OnnxNode *at, OnnxNode node) {
  NodeList *before = &r->before[at - r->graph->node];
  ARENA_PUSH(r->onnx->arena, before->node, before->n, before->cap, node);
}

/* A Reshape to a constant shape. */
static OnnxNode reshape_node(Onnx *onnx, const char *name, const char *in, const char *out,
                             int rank, const int64_t *dim) {
  OnnxTensor *shape = onnx_ints(onnx, rank, dim);
  OnnxNode n = {.name = name, .op = "Reshape", .domain = "", .n_in = 2, .n_out = 1};
  shape->name = arena_printf(onnx->arena, "%s:shape of %s", name, out);
  map_put(onnx->arena, &onnx->tensor, shape->name, shape);
  n.in = ARENA_ARRAY(onnx->arena, const char *, 2);
  n.out = ARENA_ARRAY(onnx->arena, const char *, 1);
  n.in[0] = in;
  n.in[1] = shape->name;
  n.out[0] = out;
  n.attribute = ARENA_ARRAY(onnx->arena, OnnxAttribute, 1);
  return n;
}

/* A cell of one step: its operands as sequences of one, its results as they were. */
static void put_cell(Rewrite *r, const OnnxNode *at, const Cell *cell, const OnnxNode *next) {
  Onnx *onnx = r->onnx;
  const char *name = *next->name ? next->name : next->out[0];
  const char *from[3] = {cell->x, cell->h, cell->c}, *to[3] = {NULL};
  for (int k = 0; k < (cell->c ? 3 : 2); k++) {
    to[k] = arena_printf(onnx->arena, "%s:%c", name, "xhc"[k]);
    put_before(
        r, at,
        reshape_node(onnx, name, from[k], to[k], 3, (int64_t[]){1, 1, k ? cell->u : cell->d}));
  }
  OnnxNode node = cell_node(onnx, cell, to[0], to[1], to[2], name);
  put_before(r, at, node);
  put_before(r, at,
             reshape_node(onnx, name, node.out[1], next->out[0], 2, (int64_t[]){1, cell->u}));
  if (cell->next_c)
    put_before(r, at,
               reshape_node(onnx, name, node.out[2], cell->next_c, 2, (int64_t[]){1, cell->u}));
  r->drop[next - r->graph->node] = true;
  r->drop[at - r->graph->node] = true;
}

static void find_cells(Rewrite *r, OnnxNode *node) {
  Cell cell;
  if (node->n_out != 1 || node->n_in != 2) return;
  if (strcmp(node->op, "Mul") == 0) {
    int64_t u = cell_units(&r->scope, node->out[0]);
    if (u > 0 && cell_match_lstm(&r->scope, node->out[0], u, &cell))
      put_cell(r, map_get(&r->scope.producer, cell.next_c), &cell, node);
  }
  if (strcmp(node->op, "Add") != 0) return;
  for (int k = 0; k < 2; k++) {
    OnnxNode *kept = cell_producer(&r->scope, cell_source(&r->scope, node->in[k]), "Mul");
    int64_t u = kept && kept->n_in == 2 ? cell_units(&r->scope, kept->out[0]) : 0;
    for (int side = 0; u > 0 && side < 2; side++)
      if (cell_match_gru(&r->scope, node->out[0], kept->in[side], u, &cell)) {
        put_cell(r, node, &cell, node);
        return;
      }
  }
}

/* ---- layer normalization ---- */

static OnnxNode *made(const Rewrite *r, const char *name, const char *op) {
  return cell_producer(&r->scope, name, op);
}

static bool over_last(const Rewrite *r, const OnnxNode *n) {
  const OnnxTensor *axes = n->n_in > 1 ? cell_constant(&r->scope, n->in[1]) : NULL;
  for (int i = 0; i < n->n_attributes; i++) {
    const OnnxAttribute *a = &n->attribute[i];
    if (strcmp(a->name, "keepdims") == 0 && !a->i) return false;
    if (strcmp(a->name, "axes") == 0 && (a->n != 1 || a->ints[0] != -1)) return false;
    if (strcmp(a->name, "axes") == 0) return true;
  }
  return axes && axes->i && axes->count == 1 && axes->i[0] == -1;
}

/* x of x - mean(x). */
static const char *centred(const Rewrite *r, const char *name) {
  OnnxNode *sub = made(r, name, "Sub"),
           *mean = sub && sub->n_in == 2 ? made(r, sub->in[1], "ReduceMean") : NULL;
  return mean && over_last(r, mean) && strcmp(mean->in[0], sub->in[0]) == 0 ? sub->in[0] : NULL;
}

/* x of mean((x - mean(x))^2). */
static const char *variance(const Rewrite *r, const char *name) {
  OnnxNode *mean = made(r, name, "ReduceMean");
  if (!mean || !over_last(r, mean)) return NULL;
  OnnxNode *mul = made(r, mean->in[0], "Mul"), *pow = made(r, mean->in[0], "Pow");
  double two;
  if (mul && mul->n_in == 2 && strcmp(mul->in[0], mul->in[1]) == 0) return centred(r, mul->in[0]);
  return pow && pow->n_in == 2 && cell_number(&r->scope, pow->in[1], &two) && two == 2
             ? centred(r, pow->in[0])
             : NULL;
}

static void find_norm(Rewrite *r, OnnxNode *div) {
  if (strcmp(div->op, "Div") != 0 || div->n_in != 2) return;
  OnnxNode *root = made(r, div->in[1], "Sqrt"), *sum = root ? made(r, root->in[0], "Add") : NULL;
  const char *x = centred(r, div->in[0]);
  double eps;
  int k = sum && sum->n_in == 2 && cell_number(&r->scope, sum->in[1], &eps)   ? 1
          : sum && sum->n_in == 2 && cell_number(&r->scope, sum->in[0], &eps) ? 0
                                                                              : -1;
  const char *of = k >= 0 ? variance(r, sum->in[1 - k]) : NULL;
  if (!x || !of || strcmp(x, of) != 0 || !(eps >= 0)) return;
  Arena *arena = r->onnx->arena;
  OnnxNode n = {.name = div->name,
                .op = "LayerNormalization",
                .domain = "",
                .n_in = 1,
                .n_out = 1,
                .in = ARENA_ARRAY(arena, const char *, 1),
                .out = div->out};
  n.in[0] = x;
  n.attribute = ARENA_ARRAY(arena, OnnxAttribute, 2);
  n.attribute[n.n_attributes++] =
      (OnnxAttribute){.name = "epsilon", .type = 1, .f = onnx_decimal((float)eps)};
  n.attribute[n.n_attributes++] = (OnnxAttribute){.name = "axis", .type = 2, .i = -1};
  put_before(r, div, n);
  r->drop[div - r->graph->node] = true;
}

/* ---- what is left ---- */

static void splice(Rewrite *r) {
  OnnxGraph *g = r->graph;
  int n = 0, all = g->n_nodes;
  for (int i = 0; i < g->n_nodes; i++)
    all += r->before[i].n;
  OnnxNode *node = ARENA_ARRAY(r->onnx->arena, OnnxNode, all + 1);
  for (int i = 0; i < g->n_nodes; i++) {
    for (int k = 0; k < r->before[i].n; k++)
      node[n++] = r->before[i].node[k];
    if (!r->drop[i]) node[n++] = g->node[i];
  }
  g->node = node;
  g->n_nodes = n;
}

static void need(Onnx *onnx, Map *needed, const char *name) {
  if (*name) map_put(onnx->arena, needed, name, needed);
}

/* Everything that a graph within a node reads may come from outside. */
static void need_inside(Onnx *onnx, Map *needed, const OnnxGraph *g) {
  for (int i = 0; i < g->n_nodes; i++) {
    for (int k = 0; k < g->node[i].n_in; k++)
      need(onnx, needed, g->node[i].in[k]);
    for (int k = 0; k < g->node[i].n_attributes; k++)
      if (g->node[i].attribute[k].g) need_inside(onnx, needed, g->node[i].attribute[k].g);
  }
  for (int i = 0; i < g->n_out; i++)
    need(onnx, needed, g->out[i].name);
}

static void drop_unread(Onnx *onnx, OnnxGraph *g) {
  Map needed = {0};
  bool *live = ARENA_ARRAY(onnx->arena, bool, g->n_nodes + 1);
  int n = 0;
  for (int i = 0; i < g->n_out; i++)
    need(onnx, &needed, g->out[i].name);
  for (int i = g->n_nodes; i-- > 0;) {
    for (int k = 0; k < g->node[i].n_out; k++)
      live[i] |= map_get(&needed, g->node[i].out[k]) != NULL;
    for (int k = 0; k < g->node[i].n_in && live[i]; k++)
      need(onnx, &needed, g->node[i].in[k]);
    for (int k = 0; k < g->node[i].n_attributes && live[i]; k++)
      if (g->node[i].attribute[k].g) need_inside(onnx, &needed, g->node[i].attribute[k].g);
  }
  for (int i = 0; i < g->n_nodes; i++)
    if (live[i]) g->node[n++] = g->node[i];
  g->n_nodes = n;
}

void onnx_rewrite(Onnx *onnx, OnnxGraph *graph) {
  Rewrite r = {.onnx = onnx, .graph = graph};
  for (int i = 0; i < graph->n_constants; i++)
    map_put(onnx->arena, &onnx->tensor, graph->constant[i]->name, graph->constant[i]);
  for (int i = 0; i < graph->n_nodes; i++) { /* Constant nodes are constants, too */
    onnx->node = &graph->node[i];
    if (strcmp(onnx->node->op, "Constant") == 0) onnx_fold(onnx);
  }
  onnx->node = NULL;
  cell_scope(&r.scope, onnx, graph);
  r.before = ARENA_ARRAY(onnx->arena, NodeList, graph->n_nodes + 1);
  r.drop = ARENA_ARRAY(onnx->arena, bool, graph->n_nodes + 1);
  for (int i = 0; i < graph->n_nodes; i++) {
    find_cells(&r, &graph->node[i]);
    if (!r.before[i].n) find_norm(&r, &graph->node[i]);
  }
  bool changed = false;
  for (int i = 0; i < graph->n_nodes; i++)
    changed |= r.before[i].n > 0;
  if (!changed) return; /* what nothing reads is then reported as it stands */
  splice(&r);
  drop_unread(onnx, graph);
}
