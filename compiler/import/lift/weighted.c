/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products with constants, convolutions, norms and tables: layers with weights. */
#include "import/lift/lift.h"

#include <math.h>
#include <string.h>

float *lift_tensor(Lift *l, const GraphNode *node, Layer *layer, Role role, int rank, const int64_t *dim) {
  float *data = foreign_tensor(l->foreign, layer, role, rank, dim, *node->name ? node->name : graph_op_name(node->op));
  if (!data) lift_refuse(l, node, E901, "has weights of an impossible size");
  return data;
}

/* A vector of a role, from a constant of `count` numbers. */
bool lift_vector(Lift *l, const GraphNode *node, Layer *layer, Role role, const GraphTensor *from, int64_t count) {
  if (!from || !from->data || from->count != count) {
    lift_refuse(l, node, E902, "has weights that are not constants of its size");
    return false;
  }
  float *to = lift_tensor(l, node, layer, role, 1, &count);
  for (int64_t i = 0; to && i < count; i++)
    to[i] = (float)from->data[i];
  return to != NULL;
}

Layout layout_with_last(const Layout *layout, const Axis *last) {
  Layout out = *layout;
  out.axis[out.n - 1] = *last;
  return out;
}

/* ---- Dense ---- */

/* The only reader of value adds a constant vector along its last graph axis: a bias. */
static const GraphNode *bias_of(const Lift *l, const GraphNode *node, int axis, int64_t units, const GraphTensor **bias) {
  const GraphValue *y = node->out[0];
  const Graph *graph = l->flat->graph;
  if (l->uses[y->id] != 1) return NULL;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *add = graph->node[i];
    if (add->op != GRAPH_Add || (add->in[0] != y && add->in[1] != y)) continue;
    const GraphTensor *c = lift_type(l, add->in[add->in[0] == y ? 1 : 0]);
    int rank = lift_type(l, y)->rank, own = c->rank - (rank - axis);
    if (!c->data || c->count != units || own < 0 || c->dim[own] != units) return NULL;
    if (lift_type(l, add->out[0])->count != lift_type(l, y)->count) return NULL;
    *bias = c;
    return add;
  }
  return NULL;
}

/* Weights for all rows of a window at once: the same sums as a convolution over calls that looks back on them. Where a
 * call has several new rows, they are features. */
static LiftDone window_dense(Lift *l, const GraphNode *node, const GraphValue *x, const GraphTensor *w, int contracted, int units_axis, bool right) {
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, x, contracted, atom), time, none;
  Axis features = lift_axis(l, x, contracted, &time), last = {0};
  int64_t rows = atom_size(l->atoms, time), fresh = rows - l->placed[x->id].before, units = lift_type(l, node->out[0])->dim[units_axis];
  int64_t inner = 1, d = axis_size(l, &features), calls = fresh > 0 ? (rows + fresh - 1) / fresh : 0;
  bool stacked = fresh > 1 && l->roles.stacked >= 0;
  Layout layout;
  for (int i = 0; i < n; i++) {
    bool is_time = atom[i] == time;
    if (is_time && stacked) last.atom[last.n++] = l->roles.stacked;
    else if (!is_time && atom_size(l->atoms, atom[i]) != 1) last.atom[last.n++] = atom[i];
    inner = is_time ? 1 : inner * atom_size(l->atoms, atom[i]);
  }
  if (fresh < 1 || (fresh > 1 && !stacked) || w->count != rows * d * units || !lift_last(l, x, &last, &layout)) {
    lift_refuse(l, node, E902, "sums over some of the steps that it looks back on");
    return LIFT_FAILED;
  }
  Value *value = lift_inner_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_Conv1D, 1, &value);
  const GraphTensor *bias = NULL;
  const GraphNode *add = bias_of(l, node, units_axis, units, &bias);
  layer_set_size(layer, OPT_filters, units);
  layer_set_size(layer, OPT_kernel, calls);
  layer_set_word(layer, OPT_padding, "causal");
  if (!add) layer_set_word(layer, OPT_bias, "false");
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, 3, (int64_t[]){units, calls, fresh * d});
  for (int64_t i = 0; kernel && i < rows * d; i++) {
    int64_t row = i / inner % rows + calls * fresh - rows, outer = i / (inner * rows), call = row / fresh;
    int64_t feature = (outer * fresh + row % fresh) * inner + i % inner;
    for (int64_t u = 0; u < units; u++)
      kernel[(u * calls + call) * fresh * d + feature] = (float)w->data[right ? i * units + u : u * rows * d + i];
  }
  if (!kernel || (add && !lift_vector(l, node, layer, ROLE_BIAS, bias, units))) return LIFT_FAILED;
  Axis made = lift_axis(l, node->out[0], units_axis, &none);
  Layout result = layout_with_last(&layout, &made);
  lift_place(l, node->out[0], layer->out[0], &result);
  if (add) lift_place(l, add->out[0], layer->out[0], &result);
  return LIFT_DONE;
}

/* y = x W, with W a constant: at(i, u) is the weight of input i for unit u. */
static LiftDone dense(Lift *l, const GraphNode *node, const GraphValue *x, const GraphTensor *w, int contracted, int units_axis, bool right) {
  int time;
  int64_t d = lift_type(l, x)->dim[contracted], units = lift_type(l, node->out[0])->dim[units_axis];
  Axis last = lift_axis(l, x, contracted, &time);
  Layout layout;
  if (w->count != d * units) {
    lift_refuse(l, node, E902, "multiplies by a different matrix for each position of an axis");
    return LIFT_FAILED;
  }
  if (time >= 0 && l->placed[x->id].before) return window_dense(l, node, x, w, contracted, units_axis, right);
  if (time >= 0 && atom_size(l->atoms, time) > 1) { /* the steps of the sequence are features here */
    int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, x, contracted, atom);
    last.n = 0;
    for (int i = 0; i < n; i++)
      if (atom_size(l->atoms, atom[i]) != 1) last.atom[last.n++] = atom[i];
    layout = (Layout){.time = -1};
    for (int axis = 0; axis < lift_type(l, x)->rank; axis++) {
      int t;
      Axis other = lift_axis(l, x, axis, &t);
      if (axis != contracted && other.n && layout.n + 1 < TYPE_MAX_AXES) layout.axis[layout.n++] = other;
    }
    layout.axis[layout.n++] = last;
  } else if (!lift_last(l, x, &last, &layout)) {
    lift_refuse(l, node, E902, "sums over features that its operand does not have");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  const GraphTensor *bias = NULL;
  const GraphNode *add = bias_of(l, node, units_axis, units, &bias);
  Layer *layer = lift_layer(l, node, LAYER_Dense, 1, &value);
  layer_set_size(layer, OPT_units, units);
  if (!add) layer_set_word(layer, OPT_bias, "false");
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, 2, (int64_t[]){units, d});
  for (int64_t u = 0; kernel && u < units; u++)
    for (int64_t i = 0; i < d; i++)
      kernel[u * d + i] = (float)w->data[right ? i * units + u : u * d + i];
  if (!kernel || (add && !lift_vector(l, node, layer, ROLE_BIAS, bias, units))) return LIFT_FAILED;
  Axis made = lift_axis(l, node->out[0], units_axis, &time);
  Layout result = layout_with_last(&layout, &made);
  lift_place(l, node->out[0], layer->out[0], &result);
  if (add) lift_place(l, add->out[0], layer->out[0], &result);
  return LIFT_DONE;
}

static LiftDone matmul(Lift *l, const GraphNode *node) {
  const GraphValue *a = node->in[0], *b = node->in[1];
  int ra = lift_type(l, a)->rank, rb = lift_type(l, b)->rank, rank = lift_type(l, node->out[0])->rank;
  if (!lift_is_constant(l, a) && lift_is_constant(l, b) && rb >= 2)
    return dense(l, node, a, lift_type(l, b), ra - 1, rank - 1, true);
  if (lift_is_constant(l, a) && !lift_is_constant(l, b) && ra >= 2 && rb >= 2)
    return dense(l, node, b, lift_type(l, a), rb - 2, rank - 2, false);
  lift_refuse(l, node, E902, "multiplies two values that both depend on the inputs, or by a single vector");
  return LIFT_FAILED;
}

/* ---- norms ---- */

static LiftDone batch_norm(Lift *l, const GraphNode *node) {
  static const Role role[] = {ROLE_SCALE, ROLE_CENTER, ROLE_MEAN, ROLE_VARIANCE};
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 1), time;
  Axis last = lift_axis(l, node->in[0], axis, &time);
  Layout layout;
  if (time >= 0 || !lift_last(l, node->in[0], &last, &layout)) {
    lift_refuse(l, node, E902, "normalises along an axis that is no feature");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_BatchNorm, 1, &value);
  layer_set_number(layer, OPT_eps, graph_number(node, GRAPH_ATTR_eps, 1e-5));
  for (int i = 0; i < 4; i++)
    if (!lift_vector(l, node, layer, role[i], lift_type(l, node->in[1 + i]), axis_size(l, &last))) return LIFT_FAILED;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone layer_norm(Lift *l, const GraphNode *node) {
  int rank = lift_type(l, node->in[0])->rank, axis = (int)graph_int(node, GRAPH_ATTR_axis, rank - 1), time;
  Axis last = {0};
  for (int i = axis; i < rank; i++) {
    Axis one = lift_axis(l, node->in[0], i, &time);
    if (time >= 0) {
      lift_refuse(l, node, E902, "normalises over time");
      return LIFT_FAILED;
    }
    for (int k = 0; k < one.n; k++)
      last.atom[last.n++] = one.atom[k];
  }
  Layout layout;
  if (!lift_last(l, node->in[0], &last, &layout)) return LIFT_OTHER;
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_LayerNorm, 1, &value);
  layer_set_number(layer, OPT_eps, graph_number(node, GRAPH_ATTR_eps, 1e-5));
  const GraphValue *scale = node->n_in > 1 ? node->in[1] : NULL, *center = node->n_in > 2 ? node->in[2] : NULL;
  if (!scale) layer_set_word(layer, OPT_scale, "false");
  if (!center) layer_set_word(layer, OPT_center, "false");
  if (scale && !lift_vector(l, node, layer, ROLE_SCALE, lift_type(l, scale), axis_size(l, &last))) return LIFT_FAILED;
  if (center && !lift_vector(l, node, layer, ROLE_CENTER, lift_type(l, center), axis_size(l, &last))) return LIFT_FAILED;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone softmax(Lift *l, const GraphNode *node) {
  int time;
  Axis last = lift_axis(l, node->in[0], (int)graph_int(node, GRAPH_ATTR_axis, 0), &time);
  Layout layout;
  if (time >= 0 || !lift_last(l, node->in[0], &last, &layout)) {
    lift_refuse(l, node, E902, "is a softmax over time");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  LayerKind kind = node->op == GRAPH_LogSoftmax ? LAYER_log_softmax : LAYER_softmax;
  Layer *layer = lift_layer(l, node, kind, 1, &value);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* ---- tables ---- */

static LiftDone embedding(Lift *l, const GraphNode *node) {
  const GraphTensor *table = lift_type(l, node->in[0]);
  const GraphValue *place = node->in[1];
  if (!table->data || lift_is_constant(l, place)) return LIFT_OTHER;
  if (table->rank != 2 || graph_int(node, GRAPH_ATTR_axis, 0) != 0 || !l->placed[place->id].value) {
    lift_refuse(l, node, E902, "takes rows by numbers that are no input, or from a table that is no matrix");
    return LIFT_FAILED;
  }
  Layout layout = lift_natural(l, node->out[0]), from = l->placed[place->id].layout;
  Value *value = lift_value(l, node, place, &from);
  Layer *layer = lift_layer(l, node, LAYER_Embedding, 1, &value);
  layer_set_size(layer, OPT_units, table->dim[1]);
  float *to = lift_tensor(l, node, layer, ROLE_TABLE, 2, table->dim);
  for (int64_t i = 0; to && i < table->count; i++)
    to[i] = (float)table->data[i];
  /* An index has no feature axis of its own: the units are the last one. */
  Layout result = {.timed = from.timed, .time = from.time};
  for (int i = 0; i < from.n; i++)
    if (from.axis[i].n) result.axis[result.n++] = from.axis[i];
  result.axis[result.n++] = layout.axis[layout.n - 1];
  lift_place(l, node->out[0], layer->out[0], &result);
  return to ? LIFT_DONE : LIFT_FAILED;
}

LiftDone lift_weighted(Lift *l, const GraphNode *node) {
  switch (node->op) {
  case GRAPH_MatMul: return matmul(l, node);
  case GRAPH_Conv: return lift_conv(l, node);
  case GRAPH_BatchNorm: return batch_norm(l, node);
  case GRAPH_LayerNorm: return layer_norm(l, node);
  case GRAPH_Softmax:
  case GRAPH_LogSoftmax: return softmax(l, node);
  case GRAPH_Gather: return embedding(l, node);
  default: return LIFT_OTHER;
  }
}
