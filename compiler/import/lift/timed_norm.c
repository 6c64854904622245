/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Norms whose statistics run over time. In, a flat graph with roles; out, the same values in small
 * operators, which become stages over whole sequences:
 *
 *   d = x - mean(x)       y = d / sqrt(mean(d^2) + eps) * scale + center
 *
 * Norms whose statistics are those of one step are not changed, because they are stages. */
#include "import/lift/lift.h"

#include <string.h>

/* A norm while it is written out. If there are groups of channels, x is [N, G, C / G, ...]. */
typedef struct TimedNorm {
  Flat *flat;
  const GraphNode *node;
  int first, end; /* the axes of the statistics, [first, end) */
} TimedNorm;

static bool axis_is_time(Lift *l, const GraphValue *value, int axis) {
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, axis, atom);
  for (int i = 0; i < n; i++)
    if (l->roles.time >= 0 && atom_family(l->atoms, atom[i]) == l->roles.time &&
        atom_size(l->atoms, atom[i]) > 1)
      return true;
  return false;
}

static GraphValue *call(const TimedNorm *t, GraphOp op, int n_in, GraphValue *const *in) {
  for (int k = 0; k < n_in; k++)
    if (!in[k]) return NULL;
  return flat_typed(t->flat, flat_node(t->flat, op, t->node, n_in, in, 1));
}

static GraphValue *reshaped(const TimedNorm *t, GraphValue *x, int rank, const int64_t *dim) {
  return flat_reshaped(t->flat, t->node, x, rank, dim);
}

/* The mean over all axes of a group, one axis after another. */
static GraphValue *mean(const TimedNorm *t, GraphValue *x) {
  for (int axis = t->first; x && axis < t->end; axis++) {
    GraphNode *node = flat_node(t->flat, GRAPH_ReduceMean, t->node, 1, &x, 1);
    graph_set_ints(t->flat->graph, node, GRAPH_ATTR_axes, 1, (int64_t[]){axis});
    graph_set_int(t->flat->graph, node, GRAPH_ATTR_keepdims, 1);
    x = flat_typed(t->flat, node);
  }
  return x;
}

/* d / sqrt(mean(d^2) + eps), where d is x - mean(x) if `centred`, otherwise x. */
static GraphValue *normalised(const TimedNorm *t, GraphValue *x, bool centred) {
  double eps = graph_number(t->node, GRAPH_ATTR_eps, 1e-5), *data;
  const GraphTensor *number = graph_tensor(t->flat->graph->numbers, GRAPH_FLOAT, 0, NULL, &data);
  *data = eps;
  if (centred) x = call(t, GRAPH_Sub, 2, (GraphValue *[]){x, mean(t, x)});
  GraphValue *square = call(t, GRAPH_Square, 1, &x), *spread = square ? mean(t, square) : NULL;
  spread = call(t, GRAPH_Add, 2, (GraphValue *[]){spread, flat_constant(t->flat, "", number)});
  spread = spread ? call(t, GRAPH_Sqrt, 1, &spread) : NULL;
  return call(t, GRAPH_Div, 2, (GraphValue *[]){x, spread});
}

/* The scale or the center, operand k of the node. That of a GroupNorm, [C], gets the axes of a
 * value of this rank, whose axis 1 is the channels. */
static GraphValue *factor(const TimedNorm *t, int k, int rank) {
  GraphValue *value = k < t->node->n_in ? t->node->in[k] : NULL;
  int64_t dim[GRAPH_MAX_RANK];
  if (!value || t->node->op != GRAPH_GroupNorm) return value;
  for (int i = 0; i < rank - 1; i++)
    dim[i] = i ? 1 : flat_type_of(t->flat, value)->count;
  const GraphTensor *from = flat_type_of(t->flat, value);
  double *data;
  if (!graph_known(from)) return reshaped(t, value, rank - 1, dim);
  GraphTensor *to = graph_tensor(t->flat->graph->numbers, from->elem, rank - 1, dim, &data);
  graph_copy_numbers(from, data);
  return flat_constant(t->flat, "", to);
}

/* Replaces a norm by small operators. first: the first axis of its statistics. */
static bool write_out(Flat *flat, const GraphNode *node, int first) {
  GraphValue *x = node->in[0];
  const GraphTensor *type = flat_type_of(flat, x);
  TimedNorm t = {.flat = flat, .node = node, .first = first, .end = type->rank};
  int64_t groups = node->op == GRAPH_GroupNorm ? graph_int(node, GRAPH_ATTR_groups, 1) : 1,
          dim[GRAPH_MAX_RANK + 1] = {type->dim[0], groups, type->dim[1] / groups};
  bool parts = groups > 1 && groups < type->dim[1], centred = node->op != GRAPH_RmsNorm;
  if (parts && type->rank >= GRAPH_MAX_RANK) return false;
  if (groups > 1) t.first = 2;
  if (parts) {
    t.end++;
    memcpy(dim + 3, type->dim + 2, sizeof *dim * (size_t)(type->rank - 2));
    x = reshaped(&t, x, type->rank + 1, dim);
  }
  GraphValue *y = x ? normalised(&t, x, centred) : NULL;
  if (parts && y) y = reshaped(&t, y, type->rank, type->dim);
  GraphValue *scale = factor(&t, 1, type->rank), *center = factor(&t, 2, type->rank);
  if (scale) y = call(&t, GRAPH_Mul, 2, (GraphValue *[]){y, scale});
  if (center) y = call(&t, GRAPH_Add, 2, (GraphValue *[]){y, center});
  if (y) flat_replace(flat, node->out[0], y);
  return y != NULL;
}

/* The first axis of the statistics of a norm, if time is among them; -1: it is another node. */
static int first_axis(Lift *l, const GraphNode *node) {
  bool grouped = node->op == GRAPH_GroupNorm;
  if (!grouped && node->op != GRAPH_LayerNorm && node->op != GRAPH_RmsNorm) return -1;
  int rank = flat_type_of(l->flat, node->in[0])->rank,
      first = grouped ? 1 : (int)graph_int(node, GRAPH_ATTR_axis, rank - 1);
  for (int axis = first; axis < rank; axis++)
    if (axis_is_time(l, node->in[0], axis)) return first;
  return -1;
}

bool lift_norms_over_time(Lift *l) {
  Flat *flat = l->flat;
  bool changed = false;
  int n = flat->graph->n_nodes, *first = ARENA_ARRAY(l->arena, int, n + 1);
  for (int i = 0; i < n; i++) /* all of them first: the new nodes have no atoms */
    first[i] = first_axis(l, flat->graph->node[i]);
  for (int i = 0; i < n; i++) {
    int mark = flat->graph->n_nodes;
    if (first[i] < 0) continue;
    bool done = write_out(flat, flat->graph->node[i], first[i]);
    changed = flat_keep_if(flat, done, mark) || changed;
  }
  if (changed) flat_sort(flat);
  return changed;
}
