/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A value and a constant: one number for all elements, or one for each feature, which is a bias of
 * the products before it or a scale and a center of its own. */
#include "import/lift/lift.h"
#include "import/lift/relate.h"

/* The eps of a BatchNorm that is only a scale and a center: it must be positive. */
static const double NO_EPS = 1e-12;

Layer *lift_with_number(Lift *l, const GraphNode *node, LayerKind kind, Value *x, double number,
                        bool swapped) {
  Layer *layer = lift_layer(l, node, kind, 1, &x);
  layer_set_number(layer, OPT_value, number);
  if (swapped) layer_set_word(layer, OPT_swapped, "true");
  return layer;
}

/* The constant c with size 1 along the axes of x along which its numbers repeat: some exporters
 * repeat a bias for each sample. */
static GraphTensor without_repeats(const Lift *l, const GraphValue *x, const GraphTensor *c) {
  GraphTensor out = *c;
  double *data = ARENA_ARRAY(l->arena, double, c->count ? c->count : 1);
  int own = lift_type(l, x)->rank;
  for (int axis = 0; axis < c->rank; axis++) {
    int at = own - c->rank + axis;
    if (at < 0 || c->dim[axis] < 2 || lift_type(l, x)->dim[at] != c->dim[axis] ||
        tensor_varies_along(c, axis))
      continue;
    int64_t inner = 1;
    for (int i = axis + 1; i < c->rank; i++)
      inner *= out.dim[i];
    int64_t n = out.dim[axis], kept = out.count / n;
    for (int64_t i = 0; i < kept; i++)
      data[i] = graph_at(&out, i / inner * inner * n + i % inner);
    out.wide = data;
    out.narrow = NULL;
    out.dim[axis] = 1;
    out.count = kept;
  }
  return out;
}

bool lift_axes_of_constant(Lift *l, const GraphNode *node, const GraphTensor *t, Axis *out) {
  const GraphValue *y = node->out[0];
  *out = (Axis){0};
  for (int i = 0; i < t->rank; i++) {
    int axis = lift_type(l, y)->rank - t->rank + i, atom[FACTORS_MAX];
    if (t->dim[i] == 1) continue;
    int n = atoms_of_axis(l->atoms, y, axis, atom);
    for (int k = 0; k < n && out->n < FACTORS_MAX; k++)
      if (atom_size(l->atoms, atom[k]) != 1) out->atom[out->n++] = atom[k];
  }
  for (int k = 0; k < out->n; k++)
    if (atom_family(l->atoms, out->atom[k]) == l->roles.batch) return false;
  return out->n > 0 && axis_size(l, out) == t->count;
}

/* *out is the layout of x with the axes of a constant as the last axis. An axis of which x has one
 * position is among them, and x is repeated along it. False: x does not fit. */
static bool last_of_constant(Lift *l, const GraphNode *node, const GraphValue *x, const Axis *last,
                             Layout *out) {
  if (lift_last(l, x, last, out)) return true;
  if (lift_complete(l, node, x) && lift_last(l, x, last, out)) return true;
  const Layout *own = &l->placed[x->id].layout;
  Axis here = {0};
  for (int i = 0; i < last->n; i++)
    if (layout_has(own, last->atom[i]) || (own->timed && own->time == last->atom[i]))
      here.atom[here.n++] = last->atom[i];
  if (here.n == last->n || !lift_last(l, x, &here, out)) return false;
  out->axis[out->n - 1] = *last;
  return true;
}

/* The Dense or convolution without bias whose result x is, if nothing else reads that result: a
 * constant that is added to x can be its bias. NULL: there is none. */
static Layer *open_product(const Lift *l, const GraphValue *x, const Axis *last) {
  const Placed *placed = &l->placed[x->id];
  Layer *layer = placed->value ? placed->value->layer : NULL;
  bool product = layer && (layer->kind == LAYER_Dense || layer->kind == LAYER_Conv1D ||
                           layer->kind == LAYER_Conv2D);
  if (!product || !layer_word_is(layer, OPT_bias, "false") || !placed->layout.n) return NULL;
  if (placed->before || placed->after || placed->loose) return NULL;
  if (!axis_equal(&placed->layout.axis[placed->layout.n - 1], last)) return NULL;
  for (const GraphValue *v = x;; v = v->node->in[0]) {
    if (l->uses[v->id] != 1 || !v->node) return NULL;
    if (v->node->op == GRAPH_MatMul || v->node->op == GRAPH_Conv) return layer;
    if (l->placed[v->node->in[0]->id].value != placed->value) return NULL;
  }
}

/* Makes c the bias of a layer that has none. */
static bool give_bias(Lift *l, Layer *layer, const GraphTensor *c) {
  layer_set_word(layer, OPT_bias, "true");
  float *bias = foreign_tensor(l->foreign, layer, ROLE_BIAS, 1, &c->count, "a constant");
  for (int64_t i = 0; bias && i < c->count; i++)
    bias[i] = (float)graph_at(c, i);
  return bias != NULL;
}

/* The numbers of a layer's tensor with this role; NULL if it has none. */
static float *tensor_of(Lift *l, const Layer *layer, Role role) {
  for (int i = l->foreign->n_tensors; i-- > 0;)
    if (l->foreign->tensor[i].layer == layer && l->foreign->tensor[i].role == role)
      return l->foreign->tensor[i].data;
  return NULL;
}

/* If x is the result of a BatchNorm that with_vector made of a product, and nothing else reads it,
 * c, which is added or subtracted, becomes its center. False: x is another value. */
static bool join_scales(Lift *l, const GraphNode *node, const GraphValue *x, const GraphTensor *c,
                        const Axis *last) {
  const Placed *placed = &l->placed[x->id];
  Layer *layer = placed->value ? placed->value->layer : NULL;
  bool plus = node->op == GRAPH_Add, minus = node->op == GRAPH_Sub && node->in[0] == x;
  if (!layer || layer->kind != LAYER_BatchNorm || layer_number(layer, OPT_eps, 0) != NO_EPS ||
      !(plus || minus))
    return false;
  if (l->uses[x->id] != 1 || !axis_equal(&placed->layout.axis[placed->layout.n - 1], last))
    return false;
  if (!x->node || l->placed[x->node->in[0]->id].value == placed->value ||
      l->placed[x->node->in[x->node->n_in - 1]->id].value == placed->value)
    return false;
  float *center = tensor_of(l, layer, ROLE_CENTER);
  for (int64_t i = 0; center && i < c->count; i++)
    if (center[i] != 0) return false;
  for (int64_t i = 0; center && i < c->count; i++)
    center[i] = (float)(minus ? -graph_at(c, i) : graph_at(c, i));
  return center != NULL;
}

/* Whether an atom is twice among those of an axis. */
static bool has_axis_twice(const Axis *axis) {
  for (int i = 0; i < axis->n; i++)
    if (atom_index(axis->atom, i, axis->atom[i]) >= 0) return true;
  return false;
}

/* x * c or x + c, where c has a number for each feature: a BatchNorm with mean 0, variance 1 and
 * almost no eps. */
static LiftDone with_vector(Lift *l, const GraphNode *node, const GraphValue *x,
                            const GraphTensor *c) {
  bool adds = node->op == GRAPH_Add || node->op == GRAPH_Sub, first = node->in[0] == x;
  Axis last;
  Layout layout;
  if (!lift_axes_of_constant(l, node, c, &last) || !last_of_constant(l, node, x, &last, &layout)) {
    lift_refuse(l, node, E902, "%s",
                has_axis_twice(&last)
                    ? "combines a value and a constant along two axes that are one, such as the "
                      "units before and after a step, and a value of the model has an axis once"
                    : "combines a value and a constant that differs along an axis that the value "
                      "does not have");
    return LIFT_FAILED;
  }
  Layer *open = node->op == GRAPH_Add ? open_product(l, x, &last) : NULL;
  if (open && give_bias(l, open, c)) {
    l->placed[node->out[0]->id] = l->placed[x->id];
    return LIFT_DONE;
  }
  if (join_scales(l, node, x, c, &last)) {
    l->placed[node->out[0]->id] = l->placed[x->id];
    return LIFT_DONE;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  if (node->op == GRAPH_Div && !first)
    value = lift_with_number(l, node, LAYER_div, value, 1, true)->out[0];
  Layer *layer = lift_layer(l, node, LAYER_BatchNorm, 1, &value);
  layer_set_number(layer, OPT_eps, NO_EPS);
  float *scale = foreign_tensor(l->foreign, layer, ROLE_SCALE, 1, &c->count, "a constant");
  float *center = foreign_tensor(l->foreign, layer, ROLE_CENTER, 1, &c->count, "a constant");
  float *mean = foreign_tensor(l->foreign, layer, ROLE_MEAN, 1, &c->count, "a constant");
  float *variance = foreign_tensor(l->foreign, layer, ROLE_VARIANCE, 1, &c->count, "a constant");
  for (int64_t i = 0; i < c->count; i++) {
    double k = graph_at(c, i);
    mean[i] = 0;
    variance[i] = 1;
    scale[i] = adds ? (node->op == GRAPH_Sub && !first ? -1.0F : 1.0F)
                    : (float)(node->op == GRAPH_Div && first ? 1 / k : k);
    center[i] = !adds ? 0 : (float)(node->op == GRAPH_Sub && first ? -k : k);
  }
  lift_place(l, node->out[0], layer->out[0], &layout);
  return LIFT_DONE;
}

/* Whether the node is x + 0, as with a bias that was never trained, x - 0, x * 1 or x / 1. first:
 * x is the first operand. */
static bool changes_nothing(const GraphNode *node, bool first, double number) {
  if (node->op == GRAPH_Add || (node->op == GRAPH_Sub && first)) return number == 0;
  return number == 1 && (node->op == GRAPH_Mul || (node->op == GRAPH_Div && first));
}

LiftDone lift_with_constant(Lift *l, const GraphNode *node, LayerKind kind) {
  bool first = !lift_is_constant(l, node->in[0]);
  const GraphValue *x = node->in[first ? 0 : 1];
  const GraphTensor *c = lift_type(l, node->in[first ? 1 : 0]);
  if (!tensor_is_one_number(c)) {
    GraphTensor narrow = without_repeats(l, x, c);
    return with_vector(l, node, x, &narrow);
  }
  if (lift_type(l, node->out[0])->count != lift_type(l, x)->count) {
    lift_refuse(l, node, E902, "repeats its operand along the axes of a constant");
    return LIFT_FAILED;
  }
  Layout layout = l->placed[x->id].layout;
  if (changes_nothing(node, first, graph_at(c, 0)) && l->placed[x->id].value->layer) {
    l->placed[node->out[0]->id] = l->placed[x->id];
    return LIFT_DONE;
  }
  Value *value = lift_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  value = lift_with_number(l, node, kind, value, graph_at(c, 0), !first)->out[0];
  lift_place(l, node->out[0], value, &layout);
  return LIFT_DONE;
}
