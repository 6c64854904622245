/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Choices that exporters write in other operators. In, a flat graph; out, the same values:
 *
 *   truth * a + (not truth) * b     Where(truth, a, b)
 *   Where(not truth, a, b)          Where(truth, b, a)
 *   Where(Tile(truth), a, b)        Where(truth, a, b)
 *   0 < the sum of truths           ReduceAny
 *   two Wheres of the same          one */
#include "import/lift/flat.h"

/* A value of truths, or the negation of it. */
typedef struct Truth {
  GraphValue *value; /* NULL: none */
  bool opposite;
} Truth;

static Truth truth_of(const Flat *flat, GraphValue *value) {
  Truth none = {NULL, false}, out = {value, false};
  if (flat_type_of(flat, value)->elem != GRAPH_BOOL || graph_known(flat_type_of(flat, value)))
    return none;
  while (out.value->node && out.value->node->op == GRAPH_Not) {
    out.value = out.value->node->in[0];
    out.opposite = !out.opposite;
  }
  return out;
}

/* The truths that a value holds as numbers: a Cast of them, or 1 - such a Cast. */
static Truth number_of(const Flat *flat, GraphValue *value) {
  Truth none = {NULL, false};
  const GraphNode *node = value->node;
  if (!node || graph_known(flat_type_of(flat, value))) return none;
  if (node->op == GRAPH_Cast) return truth_of(flat, node->in[0]);
  if (node->op != GRAPH_Sub) return none;
  const GraphTensor *one = flat_type_of(flat, node->in[0]);
  if (!graph_known(one) || one->count != 1 || graph_at(one, 0) != 1) return none;
  Truth out = number_of(flat, node->in[1]);
  out.opposite = !out.opposite;
  return out;
}

static GraphValue *where(Flat *flat, const GraphNode *like, Truth truth, GraphValue *a,
                         GraphValue *b) {
  GraphValue *in[3] = {truth.value, truth.opposite ? b : a, truth.opposite ? a : b};
  return flat_typed(flat, flat_node(flat, GRAPH_Where, like, 3, in, 1));
}

static bool same_shape(const Flat *flat, const GraphValue *a, const GraphValue *b) {
  return graph_same_shape(flat_type_of(flat, a), flat_type_of(flat, b));
}

/* Where(truth, a, b), from truth * a + (not truth) * b; NULL: the node is another one. */
static GraphValue *from_sum(Flat *flat, const GraphNode *sum) {
  const GraphNode *part[2];
  if (sum->op != GRAPH_Add) return NULL;
  for (int i = 0; i < 2; i++) {
    part[i] = sum->in[i]->node;
    if (!part[i] || part[i]->op != GRAPH_Mul) return NULL;
  }
  for (int way = 0; way < 4; way++) {
    int i = way & 1, k = way >> 1;
    Truth a = number_of(flat, part[0]->in[i]), b = number_of(flat, part[1]->in[k]);
    if (!a.value || a.value != b.value || a.opposite == b.opposite) continue;
    return where(flat, sum, a, part[0]->in[1 - i], part[1]->in[1 - k]);
  }
  return NULL;
}

static GraphValue *without_not(Flat *flat, const GraphNode *node) {
  if (node->op != GRAPH_Where) return NULL;
  Truth truth = truth_of(flat, node->in[0]);
  return truth.opposite ? where(flat, node, truth, node->in[1], node->in[2]) : NULL;
}

/* The Where without a Tile or Expand of its truths along axes of one position, because Where
 * repeats them as well; NULL: the node is another one. */
static GraphValue *without_repeats(Flat *flat, const GraphNode *node) {
  const GraphNode *made = node->op == GRAPH_Where ? node->in[0]->node : NULL;
  if (!made || (made->op != GRAPH_Tile && made->op != GRAPH_Expand)) return NULL;
  const GraphTensor *one = flat_type_of(flat, made->in[0]), *all = flat_type_of(flat, made->out[0]);
  for (int i = 0; i < one->rank; i++)
    if (one->dim[i] != 1 && one->dim[i] != all->dim[all->rank - one->rank + i]) return NULL;
  return where(flat, node, (Truth){made->in[0], false}, node->in[1], node->in[2]);
}

/* ReduceAny, from 0 < the sum of truths; NULL: the node is another one. */
static GraphValue *any_of(Flat *flat, const GraphNode *node) {
  bool greater = node->op == GRAPH_Greater;
  if (!greater && node->op != GRAPH_Less) return NULL;
  const GraphTensor *zero = flat_type_of(flat, node->in[greater]);
  const GraphNode *sum = node->in[!greater]->node;
  if (!graph_known(zero) || zero->count != 1 || graph_at(zero, 0) != 0 || !sum ||
      sum->op != GRAPH_ReduceSum)
    return NULL;
  const GraphNode *cast = sum->in[0]->node;
  if (!cast || cast->op != GRAPH_Cast || flat_type_of(flat, cast->in[0])->elem != GRAPH_BOOL)
    return NULL;
  GraphNode *any = flat_like(flat, sum, 1, &cast->in[0]);
  any->op = GRAPH_ReduceAny;
  return flat_typed(flat, any);
}

static bool same_numbers(const Flat *flat, const GraphValue *a, const GraphValue *b) {
  const GraphTensor *x = flat_type_of(flat, a), *y = flat_type_of(flat, b);
  return graph_known(x) && graph_known(y) && same_shape(flat, a, b) && graph_same_numbers(x, y);
}

/* ---- choices that are made twice ---- */

/* Pairs of Wheres with the same value, such as the state and the result of each step. */
typedef struct Alike {
  Flat *flat;
  GraphValue **same; /* by value id: an earlier value that is equal; NULL: there is none */
  bool *needed;      /* by value id: true if a later pair is equal because this pair is */
} Alike;

static GraphValue *same_of(const Alike *a, GraphValue *value) {
  return a->same[value->id] ? a->same[value->id] : value;
}

static bool same_operands(const Alike *a, const GraphNode *x, const GraphNode *y) {
  for (int k = 0; k < 3; k++)
    if (same_of(a, x->in[k]) != same_of(a, y->in[k]) && !same_numbers(a->flat, x->in[k], y->in[k]))
      return false;
  return true;
}

static void find_alike(Alike *a, GraphNode *const *where, int i) {
  enum { FAR = 64 };
  for (int k = i; k-- > 0 && k >= i - FAR;) {
    if (a->same[where[k]->out[0]->id] || !same_operands(a, where[k], where[i])) continue;
    a->same[where[i]->out[0]->id] = where[k]->out[0];
    GraphValue *old = where[i]->in[2];
    if (old != where[k]->in[2] && a->same[old->id])
      a->needed[old->id] = a->needed[where[i]->out[0]->id] = true;
    return;
  }
}

/* Replaces the second Where of each pair that another pair needs, or that needs another pair. A
 * pair on its own stays: it may be one step of a state and of a result that is zero at other steps.
 * True if the graph has changed. */
static bool join_alike(Flat *flat) {
  const Graph *graph = flat->graph;
  Alike a = {.flat = flat,
             .same = ARENA_ARRAY(flat->arena, GraphValue *, graph->n_values + 1),
             .needed = ARENA_ARRAY(flat->arena, bool, graph->n_values + 1)};
  GraphNode **where = ARENA_ARRAY(flat->arena, GraphNode *, graph->n_nodes + 1);
  bool changed = false;
  int n = 0;
  for (int i = 0; i < graph->n_nodes; i++) {
    if (graph->node[i]->op != GRAPH_Where) continue;
    where[n] = graph->node[i];
    find_alike(&a, where, n++);
  }
  for (int i = 0; i < n; i++) {
    const GraphValue *value = where[i]->out[0];
    if (!a.needed[value->id]) continue;
    flat_replace(flat, value, a.same[value->id]);
    changed = true;
  }
  return changed;
}

void flat_find_choices(Flat *flat) {
  static GraphValue *(*const rule[])(Flat *, const GraphNode *) = {from_sum, any_of, without_not,
                                                                   without_repeats};
  enum { RULES = sizeof rule / sizeof *rule };
  bool changed = false;
  for (int r = 0; r < RULES; r++)
    for (int i = 0, n = flat->graph->n_nodes; i < n; i++) {
      GraphNode *node = flat->graph->node[i];
      int mark = flat->graph->n_nodes;
      if (node->n_out != 1) continue;
      GraphValue *made = rule[r](flat, node);
      bool fits = made && same_shape(flat, made, node->out[0]);
      if (fits) flat_replace(flat, node->out[0], made);
      changed = flat_keep_if(flat, fits, mark) || changed;
    }
  if (changed) flat_sort(flat);
  if (join_alike(flat)) flat_sort(flat);
}
