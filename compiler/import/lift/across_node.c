/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One operator of a cell for all steps at once. In, its operands at all steps, [T, ...]; out, a
 * node that computes its results at all steps. Attributes that name an axis name the next one, and
 * operators that work on each sample alone get the samples of all steps as one batch. */
#include "import/lift/own.h"

#include <string.h>

GraphValue *own_reshaped(Own *own, const GraphNode *like, GraphValue *x, int rank,
                         const int64_t *dim) {
  const GraphTensor *t = own_type(own, x);
  if (t->rank == rank && memcmp(t->dim, dim, sizeof *dim * (size_t)rank) == 0) return x;
  return flat_reshaped(own->flat, like, x, rank, dim);
}

int own_dims_across(const Own *own, const GraphTensor *step, int rank, int64_t *dim) {
  dim[0] = own->steps;
  for (int i = 0; i < rank; i++) {
    int axis = i - (rank - step->rank);
    dim[i + 1] = axis < 0 ? 1 : step->dim[axis];
  }
  return rank + 1;
}

/* Operand k at all steps, with `rank` axes after the axis of steps. An operand that is the same at
 * every step is not changed. */
static GraphValue *aligned(Own *own, const GraphNode *node, int k, int rank) {
  const Part *part = own_part(own, node->in[k]);
  int64_t dim[GRAPH_MAX_RANK + 1];
  const GraphTensor *t = own_type(own, part->value);
  if (!part->timed || t->rank >= rank) return part->across;
  if (rank >= GRAPH_MAX_RANK) return NULL;
  int n = own_dims_across(own, t, rank, dim);
  return own_reshaped(own, node, part->across, n, dim);
}

/* ---- operators ---- */

/* Whether the first operand has steps and all others are the same at every step. */
static bool first_alone(const Own *own, const GraphNode *node) {
  for (int k = 1; k < node->n_in; k++)
    if (own_is_timed(own, node, k)) return false;
  return own_is_timed(own, node, 0);
}

/* graph_ops.def begins with the operators that work element by element. */
static bool is_elementwise(GraphOp op) {
  return op <= GRAPH_Where;
}

static GraphNode *elementwise(Own *own, const GraphNode *node, GraphValue **in) {
  int rank = own_type(own, node->out[0])->rank;
  for (int k = 0; k < node->n_in; k++) {
    in[k] = aligned(own, node, k, rank);
    if (!in[k]) return NULL;
  }
  return flat_like(own->flat, node, node->n_in, in);
}

/* W x for a vector x, as x times the transposed matrix. */
static GraphNode *matrix_by_vector(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *w = own_type(own, node->in[0]);
  double *data;
  if (!graph_known(w) || w->rank != 2) return NULL;
  GraphTensor *turned = graph_tensor(own->flat->graph->numbers, GRAPH_FLOAT, 2,
                                     (int64_t[]){w->dim[1], w->dim[0]}, &data);
  for (int64_t i = 0; i < w->count; i++)
    data[i % w->dim[1] * w->dim[0] + i / w->dim[1]] = graph_at(w, i);
  in[0] = own_part(own, node->in[1])->across;
  in[1] = flat_constant(own->flat, "", turned);
  return flat_like(own->flat, node, 2, in);
}

static GraphNode *product(Own *own, const GraphNode *node, GraphValue **in) {
  int ra = own_type(own, node->in[0])->rank, rb = own_type(own, node->in[1])->rank;
  bool a = own_is_timed(own, node, 0), b = own_is_timed(own, node, 1);
  if (a && b && (ra != rb || ra < 2)) return NULL;
  if (!a && b && rb == 1) return matrix_by_vector(own, node, in);
  in[0] = aligned(own, node, 0, a && rb > 2 ? rb : ra);
  in[1] = aligned(own, node, 1, b && ra > 2 ? ra : rb);
  return in[0] && in[1] ? flat_like(own->flat, node, 2, in) : NULL;
}

/* A value that is the same at every step, repeated for all steps. */
static GraphValue *repeated(Own *own, const GraphNode *node, const GraphValue *value) {
  const GraphTensor *t = own_type(own, value);
  int64_t dim[GRAPH_MAX_RANK + 1];
  GraphValue *x = own_part(own, value)->across;
  if (graph_known(t) || t->rank >= GRAPH_MAX_RANK) return NULL;
  int n = own_dims_across(own, t, t->rank, dim);
  GraphValue *in[2] = {x, flat_ints(own->flat, n, dim)};
  return flat_typed(own->flat, flat_node(own->flat, GRAPH_Expand, node, 2, in, 1));
}

static GraphNode *join(Own *own, const GraphNode *node, GraphValue **in) {
  for (int k = 0; k < node->n_in; k++) {
    const Part *part = own_part(own, node->in[k]);
    in[k] = part->timed ? part->across : repeated(own, node, part->value);
    if (!in[k]) return NULL;
  }
  GraphNode *made = flat_like(own->flat, node, node->n_in, in);
  graph_set_int(own->flat->graph, made, GRAPH_ATTR_axis, graph_int(node, GRAPH_ATTR_axis, 0) + 1);
  return made;
}

/* The node with its first operand at all steps. The axis that its attribute names is the next one.
 */
static GraphNode *along(Own *own, const GraphNode *node, GraphValue **in, int64_t if_absent) {
  if (!first_alone(own, node)) return NULL;
  for (int k = 0; k < node->n_in; k++)
    in[k] = node->in[k] ? own_part(own, node->in[k])->across : NULL;
  GraphNode *made = flat_like(own->flat, node, node->n_in, in);
  graph_set_int(own->flat->graph, made, GRAPH_ATTR_axis,
                graph_int(node, GRAPH_ATTR_axis, if_absent) + 1);
  return made;
}

/* Constant indices into the values of each step, or indices of each step into one table. */
static GraphNode *gather(Own *own, const GraphNode *node, GraphValue **in) {
  if (own_is_timed(own, node, 0)) return along(own, node, in, 0);
  if (graph_int(node, GRAPH_ATTR_axis, 0) != 0) return NULL;
  in[0] = own_part(own, node->in[0])->across;
  in[1] = own_part(own, node->in[1])->across;
  return flat_like(own->flat, node, 2, in);
}

static GraphNode *cut(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *x = own_type(own, node->in[0]), *starts = own_type(own, node->in[1]);
  const GraphTensor *axes = node->n_in > 3 && node->in[3] ? own_type(own, node->in[3]) : NULL;
  int64_t moved[GRAPH_MAX_RANK];
  if (!first_alone(own, node) || starts->count > GRAPH_MAX_RANK) return NULL;
  for (int64_t i = 0; i < starts->count; i++) {
    int64_t axis = axes ? (int64_t)graph_at(axes, i) : i;
    moved[i] = (axis < 0 ? axis + x->rank : axis) + 1;
  }
  for (int k = 0; k < node->n_in; k++)
    in[k] = node->in[k] ? own_part(own, node->in[k])->across : NULL;
  int n = node->n_in > 4 ? 5 : 4;
  in[3] = flat_ints(own->flat, (int)starts->count, moved);
  return flat_like(own->flat, node, n, in);
}

static GraphNode *turned(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphAttribute *perm = graph_attribute(node, GRAPH_ATTR_perm);
  int rank = own_type(own, node->in[0])->rank;
  int64_t order[GRAPH_MAX_RANK] = {0};
  if (rank >= GRAPH_MAX_RANK || (perm && perm->n != rank)) return NULL;
  for (int i = 0; i < rank; i++)
    order[i + 1] = (perm ? perm->i[i] : rank - 1 - i) + 1;
  in[0] = own_part(own, node->in[0])->across;
  GraphNode *made = flat_like(own->flat, node, 1, in);
  graph_set_ints(own->flat->graph, made, GRAPH_ATTR_perm, rank + 1, order);
  return made;
}

/* A node along the axes that its attribute `axes` names, or along all axes of a step. */
static GraphNode *over_axes(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  int rank = own_type(own, node->in[0])->rank, n = axes ? axes->n : rank;
  int64_t moved[GRAPH_MAX_RANK];
  if (n > GRAPH_MAX_RANK || !first_alone(own, node)) return NULL;
  for (int i = 0; i < n; i++)
    moved[i] = (axes ? axes->i[i] : i) + 1;
  in[0] = own_part(own, node->in[0])->across;
  GraphNode *made = flat_like(own->flat, node, 1, in);
  graph_set_ints(own->flat->graph, made, GRAPH_ATTR_axes, n, moved);
  return made;
}

static GraphNode *regrouped(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *y = own_type(own, node->out[0]);
  int64_t dim[GRAPH_MAX_RANK + 1];
  if (y->rank >= GRAPH_MAX_RANK || !first_alone(own, node)) return NULL;
  int n = own_dims_across(own, y, y->rank, dim);
  in[0] = node->op == GRAPH_Expand ? aligned(own, node, 0, y->rank)
                                   : own_part(own, node->in[0])->across;
  in[1] = flat_ints(own->flat, n, dim);
  GraphOp op = node->op == GRAPH_Expand ? GRAPH_Expand : GRAPH_Reshape;
  return in[0] ? flat_node(own->flat, op, node, 2, in, 1) : NULL;
}

/* A node that works on each sample of [N, C, ...] alone: the samples of all steps are one batch. */
static GraphNode *over_samples(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *x = own_type(own, node->in[0]), *y = own_type(own, node->out[0]);
  int64_t dim[GRAPH_MAX_RANK + 1];
  if (!first_alone(own, node) || y->rank >= GRAPH_MAX_RANK) return NULL;
  for (int k = 1; k < node->n_in; k++)
    in[k] = node->in[k];
  memcpy(dim, x->dim, sizeof *dim * (size_t)x->rank);
  dim[0] *= own->steps;
  in[0] = own_reshaped(own, node, own_part(own, node->in[0])->across, x->rank, dim);
  GraphValue *made =
      in[0] ? flat_typed(own->flat, flat_like(own->flat, node, node->n_in, in)) : NULL;
  if (!made) return NULL;
  int n = own_dims_across(own, y, y->rank, dim);
  GraphValue *all = flat_reshaped(own->flat, node, made, n, dim);
  return all ? all->node : NULL;
}

static GraphNode *along_axis(Own *own, const GraphNode *node, GraphValue **in) {
  return along(own, node, in, 0);
}

static GraphNode *along_channels(Own *own, const GraphNode *node, GraphValue **in) {
  return along(own, node, in, 1);
}

static GraphNode *along_last(Own *own, const GraphNode *node, GraphValue **in) {
  return along(own, node, in, own_type(own, node->in[0])->rank - 1);
}

GraphNode *own_node_across(Own *own, const GraphNode *node) {
  static GraphNode *(*const rule[GRAPH_OP_COUNT])(Own *, const GraphNode *, GraphValue **) = {
      [GRAPH_MatMul] = product,
      [GRAPH_Conv] = over_samples,
      [GRAPH_ConvTranspose] = over_samples,
      [GRAPH_MaxPool] = over_samples,
      [GRAPH_AvgPool] = over_samples,
      [GRAPH_GroupNorm] = over_samples,
      [GRAPH_DepthToSpace] = over_samples,
      [GRAPH_Concat] = join,
      [GRAPH_Gather] = gather,
      [GRAPH_Slice] = cut,
      [GRAPH_Transpose] = turned,
      [GRAPH_Reverse] = over_axes,
      [GRAPH_Reshape] = regrouped,
      [GRAPH_Squeeze] = regrouped,
      [GRAPH_Unsqueeze] = regrouped,
      [GRAPH_Flatten] = regrouped,
      [GRAPH_Expand] = regrouped,
      [GRAPH_Split] = along_axis,
      [GRAPH_Softmax] = along_last,
      [GRAPH_LogSoftmax] = along_last,
      [GRAPH_CumSum] = along_axis,
      [GRAPH_LpNormalize] = along_last,
      [GRAPH_BatchNorm] = along_channels,
      [GRAPH_LayerNorm] = along_last,
      [GRAPH_RmsNorm] = along_last,
  };
  GraphValue **in = ARENA_ARRAY(own->flat->arena, GraphValue *, node->n_in + 5);
  if (is_elementwise(node->op)) return elementwise(own, node, in);
  if (node->op >= GRAPH_ReduceSum && node->op <= GRAPH_ReduceAny) return over_axes(own, node, in);
  return rule[node->op] ? rule[node->op](own, node, in) : NULL;
}
