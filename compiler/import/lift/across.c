/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One step of a cell at all steps at once. In, its parts; out, nodes whose values have an axis of T
 * steps in front of those of the step, State where a part is what another was before, and a Keep
 * through which everything outside of the cell reads it. */
#include "import/lift/lift.h"
#include "import/lift/own.h"

#include <string.h>

static GraphValue *ints(Own *own, int n, const int64_t *values) {
  const GraphTensor *t = graph_ints(own->flat->arena, n, values);
  return flat_constant(own->flat, "", t);
}

static GraphNode *node_like(Own *own, const GraphNode *like, int n_in, GraphValue *const *in) {
  GraphNode *node = flat_node(own->flat, like->op, like, n_in, in, like->n_out);
  node->attribute = ARENA_ARRAY(own->flat->arena, GraphAttribute, like->n_attributes + 1);
  if (like->n_attributes)
    memcpy(node->attribute, like->attribute, sizeof *like->attribute * (size_t)like->n_attributes);
  node->n_attributes = like->n_attributes;
  return node;
}

static GraphValue *reshaped(Own *own, const GraphNode *like, GraphValue *x, int rank,
                            const int64_t *dim) {
  const GraphTensor *t = own_type(own, x);
  if (t->rank == rank && memcmp(t->dim, dim, sizeof *dim * (size_t)rank) == 0) return x;
  GraphValue *in[2] = {x, ints(own, rank, dim)};
  return flat_typed(own->flat, flat_node(own->flat, GRAPH_Reshape, like, 2, in, 1));
}

/* [T] and the axes of a value of one step, its last `rank` of them, 1 where it has fewer. */
static int dims_across(const Own *own, const GraphTensor *step, int rank, int64_t *dim) {
  dim[0] = own->steps;
  for (int i = 0; i < rank; i++) {
    int axis = i - (rank - step->rank);
    dim[i + 1] = axis < 0 ? 1 : step->dim[axis];
  }
  return rank + 1;
}

/* Operand k at all steps, with as many axes as `rank` after that of the steps. Those that are the
 * same at every step are as they are. */
static GraphValue *aligned(Own *own, const GraphNode *node, int k, int rank) {
  const Part *part = own_part(own, node->in[k]);
  int64_t dim[GRAPH_MAX_RANK + 1];
  const GraphTensor *t = own_type(own, part->value);
  if (!part->timed || t->rank >= rank) return part->across;
  if (rank >= GRAPH_MAX_RANK) return NULL;
  int n = dims_across(own, t, rank, dim);
  return reshaped(own, node, part->across, n, dim);
}

/* ---- operators ---- */

static bool timed(const Own *own, const GraphNode *node, int k) {
  return k < node->n_in && node->in[k] && own_part(own, node->in[k])->timed;
}

/* Everything but the first operand is the same at every step. */
static bool first_alone(const Own *own, const GraphNode *node) {
  for (int k = 1; k < node->n_in; k++)
    if (timed(own, node, k)) return false;
  return timed(own, node, 0);
}

/* Operators that come first in the table work element by element. */
static bool is_elementwise(GraphOp op) {
  return op <= GRAPH_Where;
}

static GraphNode *elementwise(Own *own, const GraphNode *node, GraphValue **in) {
  int rank = own_type(own, node->out[0])->rank;
  for (int k = 0; k < node->n_in; k++) {
    in[k] = aligned(own, node, k, rank);
    if (!in[k]) return NULL;
  }
  return node_like(own, node, node->n_in, in);
}

/* W x for a vector x: x times the transposed matrix. */
static GraphNode *matrix_by_vector(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *w = own_type(own, node->in[0]);
  double *data;
  if (!w->data || w->rank != 2) return NULL;
  GraphTensor *turned = graph_tensor(own->flat->graph->numbers, GRAPH_FLOAT, 2,
                                     (int64_t[]){w->dim[1], w->dim[0]}, &data);
  for (int64_t i = 0; i < w->count; i++)
    data[i % w->dim[1] * w->dim[0] + i / w->dim[1]] = w->data[i];
  in[0] = own_part(own, node->in[1])->across;
  in[1] = flat_constant(own->flat, "", turned);
  return node_like(own, node, 2, in);
}

static GraphNode *product(Own *own, const GraphNode *node, GraphValue **in) {
  int ra = own_type(own, node->in[0])->rank, rb = own_type(own, node->in[1])->rank;
  bool a = timed(own, node, 0), b = timed(own, node, 1);
  if (a && b && (ra != rb || ra < 2)) return NULL;
  if (!a && b && rb == 1) return matrix_by_vector(own, node, in);
  in[0] = aligned(own, node, 0, a && rb > 2 ? rb : ra);
  in[1] = aligned(own, node, 1, b && ra > 2 ? ra : rb);
  return in[0] && in[1] ? node_like(own, node, 2, in) : NULL;
}

/* The same value at every step. */
static GraphValue *repeated(Own *own, const GraphNode *node, const GraphValue *value) {
  const GraphTensor *t = own_type(own, value);
  int64_t dim[GRAPH_MAX_RANK + 1];
  GraphValue *x = own_part(own, value)->across;
  if (t->data || t->rank >= GRAPH_MAX_RANK) return NULL;
  int n = dims_across(own, t, t->rank, dim);
  GraphValue *in[2] = {x, ints(own, n, dim)};
  return flat_typed(own->flat, flat_node(own->flat, GRAPH_Expand, node, 2, in, 1));
}

static GraphNode *join(Own *own, const GraphNode *node, GraphValue **in) {
  for (int k = 0; k < node->n_in; k++) {
    const Part *part = own_part(own, node->in[k]);
    in[k] = part->timed ? part->across : repeated(own, node, part->value);
    if (!in[k]) return NULL;
  }
  GraphNode *made = node_like(own, node, node->n_in, in);
  graph_set_int(own->flat->graph, made, GRAPH_ATTR_axis, graph_int(node, GRAPH_ATTR_axis, 0) + 1);
  return made;
}

/* The first operand at all steps, an attribute that names an axis moved by one. */
static GraphNode *along(Own *own, const GraphNode *node, GraphValue **in, int64_t if_absent) {
  if (!first_alone(own, node)) return NULL;
  for (int k = 0; k < node->n_in; k++)
    in[k] = node->in[k] ? own_part(own, node->in[k])->across : NULL;
  GraphNode *made = node_like(own, node, node->n_in, in);
  graph_set_int(own->flat->graph, made, GRAPH_ATTR_axis,
                graph_int(node, GRAPH_ATTR_axis, if_absent) + 1);
  return made;
}

/* Rows of a table by places of each step, or places of an axis of each step. */
static GraphNode *gather(Own *own, const GraphNode *node, GraphValue **in) {
  if (timed(own, node, 0)) return along(own, node, in, 0);
  if (graph_int(node, GRAPH_ATTR_axis, 0) != 0) return NULL;
  in[0] = own_part(own, node->in[0])->across;
  in[1] = own_part(own, node->in[1])->across;
  return node_like(own, node, 2, in);
}

static GraphNode *cut(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *x = own_type(own, node->in[0]), *starts = own_type(own, node->in[1]);
  const GraphTensor *axes = node->n_in > 3 && node->in[3] ? own_type(own, node->in[3]) : NULL;
  int64_t moved[GRAPH_MAX_RANK];
  if (!first_alone(own, node) || starts->count > GRAPH_MAX_RANK) return NULL;
  for (int64_t i = 0; i < starts->count; i++) {
    int64_t axis = axes ? (int64_t)axes->data[i] : i;
    moved[i] = (axis < 0 ? axis + x->rank : axis) + 1;
  }
  for (int k = 0; k < node->n_in; k++)
    in[k] = node->in[k] ? own_part(own, node->in[k])->across : NULL;
  int n = node->n_in > 4 ? 5 : 4;
  in[3] = ints(own, (int)starts->count, moved);
  return node_like(own, node, n, in);
}

static GraphNode *turned(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphAttribute *perm = graph_attribute(node, GRAPH_ATTR_perm);
  int rank = own_type(own, node->in[0])->rank;
  int64_t order[GRAPH_MAX_RANK] = {0};
  if (rank >= GRAPH_MAX_RANK || (perm && perm->n != rank)) return NULL;
  for (int i = 0; i < rank; i++)
    order[i + 1] = (perm ? perm->i[i] : rank - 1 - i) + 1;
  in[0] = own_part(own, node->in[0])->across;
  GraphNode *made = node_like(own, node, 1, in);
  graph_set_ints(own->flat->graph, made, GRAPH_ATTR_perm, rank + 1, order);
  return made;
}

/* Axes that are named in `axes`, all of them where that is absent. */
static GraphNode *over_axes(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  int rank = own_type(own, node->in[0])->rank, n = axes ? axes->n : rank;
  int64_t moved[GRAPH_MAX_RANK];
  if (n > GRAPH_MAX_RANK || !first_alone(own, node)) return NULL;
  for (int i = 0; i < n; i++)
    moved[i] = (axes ? axes->i[i] : i) + 1;
  in[0] = own_part(own, node->in[0])->across;
  GraphNode *made = node_like(own, node, 1, in);
  graph_set_ints(own->flat->graph, made, GRAPH_ATTR_axes, n, moved);
  return made;
}

static GraphNode *regrouped(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *y = own_type(own, node->out[0]);
  int64_t dim[GRAPH_MAX_RANK + 1];
  if (y->rank >= GRAPH_MAX_RANK || !first_alone(own, node)) return NULL;
  int n = dims_across(own, y, y->rank, dim);
  in[0] = node->op == GRAPH_Expand ? aligned(own, node, 0, y->rank)
                                   : own_part(own, node->in[0])->across;
  in[1] = ints(own, n, dim);
  GraphOp op = node->op == GRAPH_Expand ? GRAPH_Expand : GRAPH_Reshape;
  return in[0] ? flat_node(own->flat, op, node, 2, in, 1) : NULL;
}

/* Operators over the places of samples [N, C, ...]: those of all steps are samples as well. */
static GraphNode *over_samples(Own *own, const GraphNode *node, GraphValue **in) {
  const GraphTensor *x = own_type(own, node->in[0]), *y = own_type(own, node->out[0]);
  int64_t dim[GRAPH_MAX_RANK + 1];
  if (!first_alone(own, node) || y->rank >= GRAPH_MAX_RANK) return NULL;
  for (int k = 1; k < node->n_in; k++)
    in[k] = node->in[k];
  memcpy(dim, x->dim, sizeof *dim * (size_t)x->rank);
  dim[0] *= own->steps;
  in[0] = reshaped(own, node, own_part(own, node->in[0])->across, x->rank, dim);
  GraphValue *made = in[0] ? flat_typed(own->flat, node_like(own, node, node->n_in, in)) : NULL;
  if (!made) return NULL;
  int n = dims_across(own, y, y->rank, dim);
  return flat_node(own->flat, GRAPH_Reshape, node, 2, (GraphValue *[]){made, ints(own, n, dim)}, 1);
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

/* The node at all steps; NULL: there is none. */
static GraphNode *node_across(Own *own, const GraphNode *node) {
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
      [GRAPH_Softmax] = along_axis,
      [GRAPH_LogSoftmax] = along_axis,
      [GRAPH_CumSum] = along_axis,
      [GRAPH_LpNormalize] = along_axis,
      [GRAPH_BatchNorm] = along_channels,
      [GRAPH_LayerNorm] = along_last,
      [GRAPH_RmsNorm] = along_last,
  };
  GraphValue **in = ARENA_ARRAY(own->flat->arena, GraphValue *, node->n_in + 5);
  if (is_elementwise(node->op)) return elementwise(own, node, in);
  if (node->op >= GRAPH_ReduceSum && node->op <= GRAPH_ReduceAny) return over_axes(own, node, in);
  return rule[node->op] ? rule[node->op](own, node, in) : NULL;
}

/* ---- parts ---- */

/* Row k of the sequence as step k, in the order of the cell. */
static GraphValue *sequence_across(Own *own, const Part *part) {
  const GraphNode *like = part->value->node;
  const GraphTensor *t = own_type(own, part->spot.sequence);
  GraphValue *x = part->spot.sequence;
  int64_t perm[GRAPH_MAX_RANK] = {part->spot.axis}, dim[GRAPH_MAX_RANK + 1];
  for (int i = 0, n = 1; i < t->rank; i++)
    if (i != part->spot.axis) perm[n++] = i;
  if (part->spot.axis) {
    GraphNode *move = flat_node(own->flat, GRAPH_Transpose, like, 1, &x, 1);
    graph_set_ints(own->flat->graph, move, GRAPH_ATTR_perm, t->rank, perm);
    x = flat_typed(own->flat, move);
  }
  if (x && own->backward) {
    GraphNode *reverse = flat_node(own->flat, GRAPH_Reverse, like, 1, &x, 1);
    graph_set_int(own->flat->graph, reverse, GRAPH_ATTR_axes, 0);
    x = flat_typed(own->flat, reverse);
  }
  const GraphTensor *step = own_type(own, part->value);
  if (!x || step->rank >= GRAPH_MAX_RANK) return NULL;
  int n = dims_across(own, step, step->rank, dim);
  return reshaped(own, like, x, n, dim);
}

static bool make_across(Own *own, int which, int depth);

/* A part whose steps are those of the states, at all steps: a sequence of numbers, or numbers that
 * a cell over places in a table makes of each of them. */
static GraphValue *steps_of(Own *own, int depth) {
  static const PartKind kinds[] = {PART_SEQUENCE, PART_NODE};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (int i = 0; i < own->n; i++) {
      Part *part = &own->part[i];
      if (part->kind != kinds[k] || part->stateful ||
          own_type(own, part->value)->elem != GRAPH_FLOAT)
        continue;
      if (part->kind == PART_SEQUENCE && !part->across) part->across = sequence_across(own, part);
      if (part->kind == PART_SEQUENCE) return part->across;
      if (make_across(own, i, depth) && part->timed) return part->across;
    }
  return NULL;
}

static bool make_node(Own *own, int which, int depth) {
  const GraphNode *node = own->part[which].value->node;
  bool any = false;
  for (int k = 0; k < node->n_in; k++) {
    if (!node->in[k]) continue;
    if (!make_across(own, own->part_of[node->in[k]->id] - 1, depth + 1)) return false;
    any = any || timed(own, node, k);
  }
  GraphNode *made = any ? node_across(own, node) : NULL;
  if (any && (!made || !flat_typed(own->flat, made))) return false;
  for (int k = 0; k < node->n_out; k++) {
    int at = own->part_of[node->out[k]->id] - 1;
    if (at < 0) continue;
    own->part[at].across = any ? made->out[k] : node->out[k];
    own->part[at].timed = any;
    if (any) made->out[k]->name = node->out[k]->name;
  }
  return true;
}

static bool make_across(Own *own, int which, int depth) {
  enum { DEEPEST = 1000 };
  Part *part = &own->part[which];
  if (depth > DEEPEST) return false;
  if (part->across && (part->kind != PART_SEQUENCE || part->timed)) return true;
  part->timed = part->kind != PART_FIXED;
  switch (part->kind) {
  case PART_FIXED: part->across = part->value; break;
  case PART_SEQUENCE:
    if (!part->across) part->across = sequence_across(own, part);
    break;
  case PART_STATE: {
    const GraphNode *like = own->part[part->of].value->node;
    GraphValue *in[2] = {steps_of(own, depth + 1), part->at[0]};
    GraphNode *state = in[0] ? flat_node(own->flat, GRAPH_State, like, 2, in, 1) : NULL;
    if (state) own_name(own, state);
    part->across = state ? flat_typed(own->flat, state) : NULL;
    if (part->across) part->across->name = "h";
    break;
  }
  case PART_NODE: return make_node(own, which, depth);
  }
  return part->across != NULL;
}

GraphValue *own_all_steps(Own *own, int which) {
  return make_across(own, which, 0) && own->part[which].timed ? own->part[which].across : NULL;
}

/* ---- what others read ---- */

/* inside[id]: the node that makes this value is an operator of the cell at some step. */
static bool *nodes_inside(const Own *own) {
  bool *inside = ARENA_ARRAY(own->flat->arena, bool, own->flat->graph->n_values + 1);
  for (int i = 0; i < own->n; i++)
    for (int64_t k = 0; k < own->steps; k++) {
      const GraphValue *value = own->part[i].at[k];
      if (own->part[i].kind == PART_NODE && value && value->node)
        inside[value->node->out[0]->id] = true;
    }
  return inside;
}

/* read[id]: a node outside of the cell or an output of the graph reads this value. */
static bool *read_outside(const Own *own, const bool *inside, int n_nodes) {
  const Graph *graph = own->flat->graph;
  bool *read = ARENA_ARRAY(own->flat->arena, bool, graph->n_values + 1);
  for (int i = 0; i < n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (inside[node->out[0]->id]) continue;
    for (int k = 0; k < node->n_in; k++)
      if (node->in[k]) read[node->in[k]->id] = true;
  }
  for (int i = 0; i < graph->n_out; i++)
    read[graph->out[i].value->id] = true;
  return read;
}

static bool is_read(const Own *own, const Part *part, const bool *read) {
  for (int64_t k = 0; k < own->steps && part->kind == PART_NODE && part->stateful; k++)
    if (part->at[k] && read[part->at[k]->id]) return true;
  return false;
}

/* Row k of y, in the shape of a value of one step. */
static GraphValue *row_of(Own *own, GraphValue *y, int64_t k, const GraphNode *like) {
  GraphTensor *place = graph_scalar(own->flat->arena, GRAPH_I64, (double)k);
  GraphValue *in[2] = {y, flat_constant(own->flat, "", place)};
  GraphNode *gather = flat_node(own->flat, GRAPH_Gather, like, 2, in, 1);
  graph_set_int(own->flat->graph, gather, GRAPH_ATTR_axis, 0);
  return flat_typed(own->flat, gather);
}

static bool replace_rows(Own *own, const Part *part, GraphValue *y, const bool *read) {
  for (int64_t k = 0; k < own->steps; k++) {
    GraphValue *value = part->at[k];
    if (!value || !read[value->id] || own_type(own, value)->data) continue;
    GraphValue *row = row_of(own, y, k, part->value->node);
    if (!row) return false;
    flat_replace(own->flat, value, row);
  }
  return true;
}

/* Through one Keep, so that what is read of a cell needs all of its states. */
static GraphNode *make_keep(Own *own, const bool *read, int *result) {
  GraphValue **in = ARENA_ARRAY(own->flat->arena, GraphValue *, 3 * own->n + 1);
  const GraphNode *like = NULL;
  int states = 0, n = 0;
  for (int i = 0; i < own->n; i++)
    result[i] = -1;
  for (int i = 0; i < own->n; i++) {
    const Part *part = &own->part[i];
    if (part->kind != PART_STATE) continue;
    in[n++] = own->part[part->of].across;
    in[n++] = part->across;
    like = own->part[part->of].value->node;
    result[part->of] = states++;
  }
  for (int i = 0; i < own->n; i++) {
    if (result[i] >= 0 || !is_read(own, &own->part[i], read)) continue;
    result[i] = n - states;
    in[n++] = own->part[i].across;
  }
  GraphNode *keep = flat_node(own->flat, GRAPH_Keep, like, n, in, n - states);
  graph_set_int(own->flat->graph, keep, GRAPH_ATTR_states, states);
  own_name(own, keep);
  return flat_typed(own->flat, keep) ? keep : NULL;
}

bool own_across(Own *own) {
  Graph *graph = own->flat->graph;
  int n_nodes = graph->n_nodes, *result = ARENA_ARRAY(own->flat->arena, int, own->n + 1);
  for (int i = 0; i < own->n; i++)
    if (!make_across(own, i, 0) || (own->part[i].kind == PART_STATE && !own->part[i].timed))
      return false;
  for (int i = 0; i < own->n; i++) /* a state that depends on no step of a sequence is no cell */
    if (own->part[i].kind == PART_STATE && !own->part[own->part[i].of].timed) return false;
  const bool *inside = nodes_inside(own), *read = read_outside(own, inside, n_nodes);
  GraphNode *keep = make_keep(own, read, result);
  if (!keep) return false;
  for (int i = 0; i < own->n; i++)
    if (result[i] >= 0 && !replace_rows(own, &own->part[i], keep->out[result[i]], read))
      return false;
  for (int k = 0; k < n_nodes; k++)
    if (graph->node[k]->op == GRAPH_Concat) chain_unstack(&own->spots, graph->node[k]);
  return true;
}
