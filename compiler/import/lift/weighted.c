/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layers with weights. In, a node that is a product, a norm, a softmax or a row of a table; out,
 * its stage. The table at the end also names the operators of conv.c, conv_transpose.c and
 * group_norm.c. */
#include "import/lift/lift.h"

#include <math.h>
#include <string.h>

Axis lift_all_of(Lift *l, const GraphValue *value, int axis) {
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, axis, atom);
  Axis out = {0};
  for (int i = 0; i < n; i++)
    if (atom_size(l->atoms, atom[i]) != 1 && atom_family(l->atoms, atom[i]) != l->roles.batch)
      out.atom[out.n++] = atom[i];
  return out;
}

/* ---- Dense ---- */

/* The Add of a bias: the only node that reads the product adds a constant vector along axis `axis`,
 * which *bias gets. NULL: there is none. */
static const GraphNode *bias_of(const Lift *l, const GraphNode *node, int axis, int64_t units,
                                const GraphTensor **bias) {
  const GraphValue *y = node->out[0];
  const Graph *graph = l->flat->graph;
  if (l->uses[y->id] != 1) return NULL;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *add = graph->node[i];
    if (add->op != GRAPH_Add || (add->in[0] != y && add->in[1] != y)) continue;
    const GraphTensor *c = lift_type(l, add->in[add->in[0] == y ? 1 : 0]);
    int rank = lift_type(l, y)->rank, own = c->rank - (rank - axis);
    if (!graph_known(c) || c->count != units || own < 0 || c->dim[own] != units) return NULL;
    if (lift_type(l, add->out[0])->count != lift_type(l, y)->count) return NULL;
    *bias = c;
    return add;
  }
  return NULL;
}

/* Places the product as the result of a layer, and the sum with the bias if there is one. */
static LiftDone place_product(Lift *l, const GraphNode *node, const GraphNode *add,
                              const Layer *layer, Layout layout) {
  lift_place(l, node->out[0], layer->out[0], &layout);
  if (add) lift_place(l, add->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* A product with all rows of a window over a stream at once: a convolution over calls that reads
 * earlier ones computes the same. If a call has several new rows, they become features. */
static LiftDone window_dense(Lift *l, const GraphNode *node, const GraphValue *x,
                             const GraphTensor *w, int contracted, int units_axis, bool right) {
  int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, x, contracted, atom), time, none;
  Axis features = lift_axis(l, x, contracted, &time), last = {0};
  int64_t rows = atom_size(l->atoms, time), fresh = rows - l->placed[x->id].before,
          units = lift_type(l, node->out[0])->dim[units_axis];
  int64_t inner = 1, d = axis_size(l, &features),
          calls = fresh > 0 ? (rows + fresh - 1) / fresh : 0;
  bool stacked = fresh > 1 && l->roles.stacked >= 0;
  Layout layout;
  for (int i = 0; i < n; i++) {
    bool is_time = atom[i] == time;
    if (is_time && stacked)
      last.atom[last.n++] = l->roles.stacked;
    else if (!is_time && atom_size(l->atoms, atom[i]) != 1)
      last.atom[last.n++] = atom[i];
    inner = is_time ? 1 : inner * atom_size(l->atoms, atom[i]);
  }
  if (fresh < 1 || (fresh > 1 && !stacked) || w->count != rows * d * units ||
      !lift_last(l, x, &last, &layout)) {
    lift_lacks(l, node, E902,
               "multiply all rows that are kept by one constant matrix, or let a convolution read "
               "them: it becomes a causal `Conv1D`",
               "sums over some of the earlier steps that it reads");
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
    int64_t row = i / inner % rows + calls * fresh - rows, outer = i / (inner * rows),
            call = row / fresh;
    int64_t feature = (outer * fresh + row % fresh) * inner + i % inner;
    for (int64_t u = 0; u < units; u++)
      kernel[(u * calls + call) * fresh * d + feature] =
          (float)graph_at(w, right ? i * units + u : u * rows * d + i);
  }
  if (!kernel || (add && !lift_vector(l, node, layer, ROLE_BIAS, bias, units))) return LIFT_FAILED;
  Axis made = lift_axis(l, node->out[0], units_axis, &none);
  return place_product(l, node, add, layer, layout_with_last(&layout, &made));
}

/* A product with a matrix for each position of leading axes: a Conv1D with groups and one tap. */
static LiftDone grouped(Lift *l, const GraphNode *node, const GraphValue *x, const GraphTensor *w,
                        int contracted, int units_axis, bool right) {
  int64_t d = lift_type(l, x)->dim[contracted], units = lift_type(l, node->out[0])->dim[units_axis],
          groups = w->count / (d * units);
  int rank = lift_type(l, node->out[0])->rank, own = lift_type(l, x)->rank, time, where[2];
  Axis last = {0}, made = {0}, inputs = lift_axis(l, x, contracted, &time),
       outputs = lift_axis(l, node->out[0], units_axis, &time);
  int64_t counted = 1;
  for (int i = 0; i + 2 < w->rank; i++) {
    int axis = rank - w->rank + i;
    if (w->dim[i] == 1) continue;
    Axis apart = axis - (rank - own) >= 0 ? lift_axis(l, x, axis - (rank - own), &time) : (Axis){0};
    for (int k = 0; k < apart.n; k++)
      last.atom[last.n++] = apart.atom[k];
    counted *= w->dim[i];
  }
  if (counted != groups || axis_size(l, &last) != groups || axis_size(l, &inputs) != d) {
    lift_lacks(l, node, E902,
               "split the value into these positions, multiply each by its matrix, and join them",
               "multiplies by a different matrix for each position of an axis that does not hold "
               "features");
    return LIFT_FAILED;
  }
  made = last;
  for (int k = 0; k < inputs.n; k++)
    last.atom[last.n++] = inputs.atom[k];
  for (int k = 0; k < outputs.n; k++)
    made.atom[made.n++] = outputs.atom[k];
  Layout layout;
  Axis group[2] = {{0}, last};
  AxisNames names;
  if (!lift_last(l, x, &last, &layout)) return LIFT_OTHER;
  int along = layout.timed ? -1 : 0;
  if (!layout.timed && layout.n == 1) { /* Conv1D needs an axis to go along: one of size 1 */
    lift_apart(l, x, 2, group, true, &layout, where);
    along = where[0];
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  if (along >= 0) value = lift_labelled(l, node, value, &layout, &names);
  Layer *layer = lift_layer(l, node, LAYER_Conv1D, 1, &value);
  layer_set_size(layer, OPT_filters, groups * units);
  layer_set_size(layer, OPT_kernel, 1);
  layer_set_size(layer, OPT_groups, groups);
  layer_set_word(layer, OPT_bias, "false");
  if (along >= 0) lift_set_axes(l, layer, OPT_along, 1, &names.name[along]);
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, 3, (int64_t[]){groups * units, 1, d});
  for (int64_t g = 0; kernel && g < groups; g++)
    for (int64_t u = 0; u < units; u++)
      for (int64_t i = 0; i < d; i++)
        kernel[(g * units + u) * d + i] =
            (float)graph_at(w, g * d * units + (right ? i * units + u : u * d + i));
  if (!kernel) return LIFT_FAILED;
  return place_product(l, node, NULL, layer, layout_with_last(&layout, &made));
}

/* A product of x with a constant matrix, as a Dense. contracted: the axis of x that is summed over;
 * units_axis: the axis of the result that is new; right: x W, otherwise W x. */
static LiftDone dense(Lift *l, const GraphNode *node, const GraphValue *x, const GraphTensor *w,
                      int contracted, int units_axis, bool right) {
  enum { COLUMNS = 32 }; /* so that a cache holds their lines until the next row */
  int time;
  int64_t d = lift_type(l, x)->dim[contracted], units = lift_type(l, node->out[0])->dim[units_axis];
  Axis last = lift_axis_whole(l, x, contracted, &time);
  Layout layout;
  if (w->count != d * units) return grouped(l, node, x, w, contracted, units_axis, right);
  if (time >= 0 && l->placed[x->id].before && l->time.kind != TIME_FIXED)
    return window_dense(l, node, x, w, contracted, units_axis, right);
  if (!lift_last(l, x, &last, &layout)) {
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
  for (int64_t from = 0; kernel && from < d; from += COLUMNS)
    for (int64_t u = 0; u < units; u++)
      for (int64_t i = from; i < d && i < from + COLUMNS; i++)
        kernel[u * d + i] = (float)graph_at(w, right ? i * units + u : u * d + i);
  if (!kernel || (add && !lift_vector(l, node, layer, ROLE_BIAS, bias, units))) return LIFT_FAILED;
  Axis made =
      lift_axis_whole(l, node->out[0], units_axis, &time); /* units may become steps later */
  return place_product(l, node, add, layer, layout_with_last(&layout, &made));
}

static LiftDone matmul(Lift *l, const GraphNode *node) {
  const GraphValue *a = node->in[0], *b = node->in[1];
  int ra = lift_type(l, a)->rank, rb = lift_type(l, b)->rank,
      rank = lift_type(l, node->out[0])->rank;
  if (!lift_is_constant(l, a) && lift_is_constant(l, b) && rb >= 2)
    return dense(l, node, a, lift_type(l, b), ra - 1, rank - 1, true);
  if (lift_is_constant(l, a) && !lift_is_constant(l, b) && ra >= 2 && rb >= 2)
    return dense(l, node, b, lift_type(l, a), rb - 2, rank - 2, false);
  if (!lift_is_constant(l, a) && !lift_is_constant(l, b)) return lift_product(l, node);
  bool left = lift_is_constant(l, a);
  long long size = (long long)lift_type(l, left ? a : b)->count;
  lift_lacks(l, node, E902,
             arena_printf(l->arena,
                          "give the constant a second axis, so that its shape is [%lld, %lld]",
                          left ? 1 : size, left ? size : 1),
             "multiplies by a single vector");
  return LIFT_FAILED;
}

/* ---- norms ---- */

static LiftDone batch_norm(Lift *l, const GraphNode *node) {
  static const Role role[] = {ROLE_SCALE, ROLE_CENTER, ROLE_MEAN, ROLE_VARIANCE};
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 1), time;
  Axis last = lift_axis_alone(l, node->in[0], axis, &time);
  Layout layout;
  if (time >= 0 || !lift_last(l, node->in[0], &last, &layout)) {
    Diag *d = lift_refuse(l, node, E903, "normalises along an axis that does not hold features");
    diag_fix(d, FIX_MAYBE,
             "let the norm go along the features of a step, or multiply by its scales and add its "
             "offsets");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_BatchNorm, 1, &value);
  layer_set_number(layer, OPT_eps, graph_number(node, GRAPH_ATTR_eps, 1e-5));
  for (int i = 0; i < 4; i++)
    if (!lift_vector(l, node, layer, role[i], lift_type(l, node->in[1 + i]), axis_size(l, &last)))
      return LIFT_FAILED;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone layer_norm(Lift *l, const GraphNode *node) {
  int rank = lift_type(l, node->in[0])->rank,
      axis = (int)graph_int(node, GRAPH_ATTR_axis, rank - 1), time;
  Axis last = {0};
  for (int i = axis; i < rank; i++) {
    Axis one = lift_axis_alone(l, node->in[0], i, &time);
    if (time >= 0) {
      lift_lacks(l, node, E902,
                 l->options->stream
                     ? "leave out `--stream`: a stream has no mean over all steps"
                     : "normalise the features of each step: a stream has no mean over all steps",
                 "normalises over time");
      return LIFT_FAILED;
    }
    for (int k = 0; k < one.n; k++)
      last.atom[last.n++] = one.atom[k];
  }
  Layout layout;
  if (!lift_last(l, node->in[0], &last, &layout)) return LIFT_OTHER;
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  bool rms = node->op == GRAPH_RmsNorm;
  Layer *layer = lift_layer(l, node, rms ? LAYER_RMSNorm : LAYER_LayerNorm, 1, &value);
  layer_set_number(layer, OPT_eps, graph_number(node, GRAPH_ATTR_eps, 1e-5));
  const GraphValue *scale = node->n_in > 1 ? node->in[1] : NULL,
                   *center = node->n_in > 2 ? node->in[2] : NULL;
  if (!scale) layer_set_word(layer, OPT_scale, "false");
  if (!center && !rms) layer_set_word(layer, OPT_center, "false");
  if (scale && !lift_vector(l, node, layer, ROLE_SCALE, lift_type(l, scale), axis_size(l, &last)))
    return LIFT_FAILED;
  if (center &&
      !lift_vector(l, node, layer, ROLE_CENTER, lift_type(l, center), axis_size(l, &last)))
    return LIFT_FAILED;
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* A stage that goes along one axis. It takes the last axis by itself; takes_time: it goes along
 * time if no axis is named. */
static LiftDone along_axis(Lift *l, const GraphNode *node, LayerKind kind, bool takes_time) {
  int time, k = 0;
  int64_t rank = lift_type(l, node->in[0])->rank, said = graph_int(node, GRAPH_ATTR_axis, 0);
  int axis = (int)(said < 0 ? said + rank : said);
  Axis group = lift_axis_alone(l, node->in[0], axis, &time);
  Layout layout;
  AxisNames names;
  bool over_time = time >= 0 && !group.n && takes_time;
  if (time >= 0 && !over_time)
    group = lift_all_of(l, node->in[0], axis); /* its steps become features */
  bool found = over_time ? lift_apart(l, node->in[0], 0, NULL, false, &layout, NULL) && layout.timed
                         : lift_apart(l, node->in[0], 1, &group, false, &layout, &k);
  if (!found) {
    lift_refuse(l, node, E902, "goes along an axis that the model's value does not have");
    return LIFT_FAILED;
  }
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  bool named = !over_time && (takes_time || k != layout.n - 1);
  if (named) value = lift_labelled(l, node, value, &layout, &names);
  Layer *layer = lift_layer(l, node, kind, 1, &value);
  if (named) lift_set_axes(l, layer, OPT_along, 1, &names.name[k]);
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

static LiftDone unit_norm(Lift *l, const GraphNode *node) {
  if (graph_int(node, GRAPH_ATTR_order, 2) != 2) {
    lift_refuse(l, node, E902, "divides by a sum of magnitudes, not by the length of its vectors");
    return LIFT_FAILED;
  }
  LiftDone done = along_axis(l, node, LAYER_l2_normalize, false);
  double eps = graph_number(node, GRAPH_ATTR_eps, 0);
  if (done == LIFT_DONE && eps > 0)
    layer_set_number(l->placed[node->out[0]->id].value->layer, OPT_eps, eps);
  return done;
}

static LiftDone cumsum(Lift *l, const GraphNode *node) {
  if (!graph_int(node, GRAPH_ATTR_exclusive, 0) && !graph_int(node, GRAPH_ATTR_reverse, 0))
    return along_axis(l, node, LAYER_cumsum, true);
  lift_refuse(l, node, E902, "sums up to each element without that element, or from the end");
  return LIFT_FAILED;
}

/* ---- tables ---- */

/* Whether a table is the identity matrix: row i is 1 at place i. */
static bool is_identity(const GraphTensor *t) {
  bool same = t->dim[0] == t->dim[1];
  for (int64_t i = 0; i < t->count && same; i++)
    same = graph_at(t, i) == (i / t->dim[1] == i % t->dim[1] ? 1 : 0);
  return same;
}

/* How many rows of a table an input of indices can reach. It is fewer than the table has if the
 * same input takes rows of a smaller table too. */
static int64_t rows_reached(const GraphTensor *table, const Value *index) {
  while (index->layer && index->layer->n_in)
    index = index->layer->in[0];
  int64_t reached = index->port ? index->port->declared.categories : 0;
  return reached && reached < table->dim[0] ? reached : table->dim[0];
}

static LiftDone embedding(Lift *l, const GraphNode *node) {
  const GraphTensor *table = lift_type(l, node->in[0]);
  const GraphValue *place = node->in[1];
  if (!graph_known(table) || lift_is_constant(l, place)) return LIFT_OTHER;
  if (table->rank != 2 || graph_int(node, GRAPH_ATTR_axis, 0) != 0 || !l->placed[place->id].value) {
    lift_refuse(
        l, node, E902,
        "takes rows by indices that are not an input, or from a table that is not a matrix");
    return LIFT_FAILED;
  }
  Layout layout = lift_natural(l, node->out[0]), from = l->placed[place->id].layout;
  Value *value = lift_value(l, node, place, &from);
  if (!value) return LIFT_FAILED;
  const int64_t dim[2] = {rows_reached(table, value), table->dim[1]};
  bool one_hot = is_identity(table) && dim[0] == table->dim[0];
  Layer *layer = lift_layer(l, node, one_hot ? LAYER_onehot : LAYER_Embedding, 1, &value);
  if (!one_hot) layer_set_size(layer, OPT_units, table->dim[1]);
  float *to = one_hot ? NULL : lift_tensor(l, node, layer, ROLE_TABLE, 2, dim);
  for (int64_t i = 0; to && i < dim[0] * dim[1]; i++)
    to[i] = (float)graph_at(table, i);
  /* An index has no feature axis of its own: the units are the last one. */
  Layout result = {.timed = from.timed, .time = from.time};
  for (int i = 0; i < from.n; i++)
    if (from.axis[i].n) result.axis[result.n++] = from.axis[i];
  result.axis[result.n++] = layout.axis[layout.n - 1];
  lift_place(l, node->out[0], layer->out[0], &result);
  return to || one_hot ? LIFT_DONE : LIFT_FAILED;
}

static LiftDone softmax(Lift *l, const GraphNode *node) {
  return along_axis(l, node, node->op == GRAPH_Softmax ? LAYER_softmax : LAYER_log_softmax, false);
}

LiftDone lift_weighted(Lift *l, const GraphNode *node) {
  static LiftDone (*const rule[GRAPH_OP_COUNT])(Lift *, const GraphNode *) = {
      [GRAPH_MatMul] = matmul,
      [GRAPH_Conv] = lift_conv,
      [GRAPH_ConvTranspose] = lift_conv_transpose,
      [GRAPH_BatchNorm] = batch_norm,
      [GRAPH_GroupNorm] = lift_group_norm,
      [GRAPH_RmsNorm] = layer_norm,
      [GRAPH_LayerNorm] = layer_norm,
      [GRAPH_Softmax] = softmax,
      [GRAPH_LogSoftmax] = softmax,
      [GRAPH_LpNormalize] = unit_norm,
      [GRAPH_CumSum] = cumsum,
      [GRAPH_Gather] = embedding,
  };
  return rule[node->op] ? rule[node->op](l, node) : LIFT_OTHER;
}
