/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layers that join values or change their axes, and TimeDistributed. */
#include "import/read/keras/keras.h"

#include <string.h>

/* ---- several inputs ---- */

/* Layers give a value of fewer axes new ones after the batch; operators broadcast as NumPy does,
 * whose axes come in front: both keep the batch first only this way. */
static GraphValue *widened(KerasLayer *layer, const KerasValue *value, int rank) {
  int64_t axes[TYPE_MAX_AXES];
  int n = rank - value->rank;
  for (int i = 0; i < n; i++)
    axes[i] = 1 + i;
  return n ? emit_unsqueeze(keras_emit(layer), value->graph, n, axes) : value->graph;
}

/* The sizes of a and b broadcast; false after reporting. */
static bool broadcast(KerasLayer *layer, KerasValue *a, const KerasValue *b) {
  KerasValue out = *a;
  if (layer->is_operator && a->rank != b->rank) {
    keras_lacks(layer, E903, "give both the same number of axes with a `Reshape`",
                "combines values of %d and %d axes after the batch", a->rank, b->rank);
    return false;
  }
  out.rank = a->rank > b->rank ? a->rank : b->rank;
  for (int i = 0; i < out.rank; i++) {
    int at = i - (out.rank - a->rank), bt = i - (out.rank - b->rank);
    int64_t m = at < 0 ? 1 : a->dim[at], n = bt < 0 ? 1 : b->dim[bt];
    out.dim[i] = m == 1 ? n : m;
    if (m == n || m == 1 || n == 1 || m < 0 || n < 0) continue;
    keras_lacks(layer, E903, "give both the same size along that axis, or size 1 to one of them",
                "combines values of %lld and %lld elements along an axis", (long long)m,
                (long long)n);
    return false;
  }
  *a = out;
  return true;
}

/* The constant operand, of the shape that it has beside a value: one number, or an array whose axes
 * are its last ones. NULL after reporting. */
GraphValue *keras_constant(KerasLayer *layer, const KerasValue *beside) {
  const GraphTensor *t = layer->numbers;
  GraphEmit *e = keras_emit(layer);
  if (!t) return emit_number(e, layer->number);
  bool whole = t->rank > beside->rank + 1 && t->dim[1] == 1; /* the file has the batch, too */
  int first = whole ? 2 : 1, n = t->rank - first, lead = beside->rank - n;
  int64_t dim[GRAPH_MAX_RANK];
  double *data;
  for (int i = 0; i <= beside->rank; i++)
    dim[i] = i - 1 < lead || lead < 0 ? 1 : t->dim[first + i - 1 - lead];
  for (int i = 0; i < beside->rank && lead >= 0; i++)
    if (dim[i + 1] != 1 && dim[i + 1] != beside->dim[i]) lead = -1;
  if (lead < 0) {
    keras_lacks(layer, E902,
                "the array can have the axes of the value, or its last ones: put it in with fewer, "
                "or give the value an axis with `Reshape`",
                "combines a value and a larger array of numbers");
    return NULL;
  }
  GraphTensor *made = graph_tensor(e->graph->arena, GRAPH_FLOAT, beside->rank + 1, dim, &data);
  for (int64_t i = 0; i < made->count; i++)
    data[i] = graph_at(t, i);
  return graph_constant(e->graph, "", made);
}

/* a op b op c ..., with a number among them where Keras 3 has written x * 2. */
static bool combine(KerasLayer *layer, GraphOp op, KerasValue *value) {
  GraphEmit *e = keras_emit(layer);
  *value = layer->in[0];
  if (layer->has_number) {
    GraphValue *number = keras_constant(layer, value);
    if (!number) return false;
    GraphValue *both[] = {layer->number_first ? number : value->graph,
                          layer->number_first ? value->graph : number};
    value->graph = emit_call(e, op, 2, both);
    return true;
  }
  if (layer->n_in < 2) {
    keras_refuse(layer, E901, "needs two inputs or more, and has %d", layer->n_in);
    return false;
  }
  for (int i = 1; i < layer->n_in; i++) {
    KerasValue before = *value;
    if (!broadcast(layer, value, &layer->in[i])) return false;
    value->graph = emit_call(e, op, 2,
                             (GraphValue *[]){widened(layer, &before, value->rank),
                                              widened(layer, &layer->in[i], value->rank)});
  }
  return true;
}

/* ---- beside masks ---- */

/* Since Keras 3.4 the layers Multiply, Maximum and Minimum leave masked steps out: a product has 1
 * in their place, and 0 where no input has a real step; of others the other operand stands there.
 */
static bool leaves_masked(const KerasLayer *layer, GraphOp op) {
  bool masked = false;
  for (int i = 0; i < layer->n_in; i++)
    masked = masked || layer->in[i].mask.keeps;
  return masked && !layer->is_operator && keras_joins_any_mask(layer->keras) &&
         (op == GRAPH_Mul || op == GRAPH_Max || op == GRAPH_Min);
}

/* x at the steps that a mask [batch, time, 1] has, y at others; NULL has all. */
static GraphValue *at_real(GraphEmit *e, GraphValue *mask, GraphValue *x, GraphValue *y) {
  return mask ? EMIT(e, Where, mask, x, y) : x;
}

static GraphValue *union_of(GraphEmit *e, GraphValue *a, GraphValue *b) {
  return a && b ? a == b ? a : EMIT(e, Or, a, b) : NULL;
}

/* combine for values [batch, time, features] of which some have masks. */
static bool combine_real(KerasLayer *layer, GraphOp op, KerasValue *value) {
  static const int64_t last[] = {2};
  GraphEmit *e = keras_emit(layer);
  GraphValue *one = emit_number(e, 1), *mask = NULL;
  *value = layer->in[0];
  for (int i = 0; i < layer->n_in; i++) {
    const KerasValue *in = &layer->in[i];
    bool same = in->rank == 2 && in->dim[0] == value->dim[0] && in->dim[1] == value->dim[1];
    if (!same) {
      keras_lacks(
          layer, E903,
          "combine sequences of the same number of features, or combine before the mask is made",
          "combines masked sequences that are not [time, features] of the same sizes");
      return false;
    }
    GraphValue *own = in->mask.keeps ? emit_unsqueeze(e, in->mask.keeps, 1, last) : NULL,
               *x = op == GRAPH_Mul ? at_real(e, own, in->graph, one) : in->graph;
    if (i > 0 && op != GRAPH_Mul) {
      x = at_real(e, own, x, value->graph);
      value->graph = at_real(e, mask, value->graph, x);
    }
    mask = i ? union_of(e, mask, own) : own;
    value->graph = i ? emit_call(e, op, 2, (GraphValue *[]){value->graph, x}) : x;
  }
  if (op == GRAPH_Mul) value->graph = at_real(e, mask, value->graph, emit_number(e, 0));
  return true;
}

static bool read_combined(KerasLayer *layer) {
  static const NamedOp ops[] = {{"Add", GRAPH_Add},        {"Subtract", GRAPH_Sub},
                                {"Multiply", GRAPH_Mul},   {"Divide", GRAPH_Div},
                                {"TrueDivide", GRAPH_Div}, {"Maximum", GRAPH_Max},
                                {"Minimum", GRAPH_Min},    {"Power", GRAPH_Pow}};
  KerasValue value;
  GraphOp op = OP_NAMED(ops, layer->class_name);
  bool real = leaves_masked(layer, op);
  return (real ? combine_real : combine)(layer, op, &value) && keras_gives(layer, value);
}

static bool read_average(KerasLayer *layer) {
  KerasValue value;
  if (!combine(layer, GRAPH_Add, &value)) return false;
  value.graph =
      EMIT(keras_emit(layer), Div, value.graph, emit_number(keras_emit(layer), layer->n_in));
  return keras_gives(layer, value);
}

static bool read_concatenate(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  json_t *axis = keras_option(layer, "axis");
  int64_t at = axis ? json_integer_value(axis) : -1;
  if (at < 0) at += value.rank + 1;
  if (at < 1 || at > value.rank) {
    keras_lacks(layer, E903,
                arena_printf(layer->keras->arena, "axes after the batch are joined, from 1 to %d",
                             layer->in[0].rank),
                "joins along an axis that its inputs do not have");
    return false;
  }
  GraphValue **in = ARENA_ARRAY(layer->keras->arena, GraphValue *, layer->n_in);
  int64_t *size = &value.dim[at - 1], total = 0;
  for (int i = 0; i < layer->n_in; i++) {
    const KerasValue *part = &layer->in[i];
    if (part->rank != value.rank) {
      keras_lacks(layer, E903, "give them the same number of axes with a `Reshape`",
                  "joins values with different numbers of axes");
      return false;
    }
    in[i] = part->graph;
    total = total < 0 || part->dim[at - 1] < 0 ? -1 : total;
    if (total >= 0 && !size_add(total, part->dim[at - 1], &total)) return false;
  }
  *size = total;
  value.graph = emit_concat(keras_emit(layer), at, layer->n_in, in);
  return keras_gives(layer, value);
}

/* ---- shapes ---- */

static bool report_size(KerasLayer *layer) {
  keras_lacks(layer, E903, keras_cut(layer), "has a result that is too large");
  return false;
}

static bool read_flatten(KerasLayer *layer) {
  KerasValue value = layer->in[0], flat = value;
  flat.rank = 1;
  flat.dim[0] = 1;
  for (int i = 0; i < value.rank; i++)
    if (value.dim[i] < 0)
      flat.dim[0] = -1;
    else if (flat.dim[0] >= 0 && !size_mul(flat.dim[0], value.dim[i], &flat.dim[0]))
      return report_size(layer);
  if (value.rank != 1)
    flat.graph = emit_reshape(keras_emit(layer), value.graph, 2, (int64_t[]){0, flat.dim[0]});
  return keras_gives(layer, flat);
}

static bool read_reshape(KerasLayer *layer) {
  json_t *shape = keras_option(layer, "target_shape"), *whole = keras_option(layer, "newshape");
  KerasValue value = layer->in[0], out = value;
  int64_t target[TYPE_MAX_AXES + 1] = {0}, known = 1, total = 1;
  int open = -1;
  size_t first = shape ? 0 : 1, n = json_array_size(shape ? shape : whole);
  if (n < 1 + first || n > TYPE_MAX_AXES + first) {
    keras_refuse(layer, E901, "has a shape that is not a list of sizes");
    return false;
  }
  if (first && json_integer_value(json_array_get(whole, 0)) != -1) {
    keras_lacks(layer, E903,
                "leave the batch open: -1 in front, as in `ops.reshape(x, (-1, 4, 3))`",
                "gives the batch a size, which is not supported");
    return false;
  }
  if (first) shape = whole;
  n -= first;
  for (int i = 0; i < value.rank; i++)
    if (value.dim[i] < 0)
      total = -1;
    else if (total >= 0 && !size_mul(total, value.dim[i], &total))
      return report_size(layer);
  out.rank = (int)n;
  for (int i = 0; i < out.rank; i++) {
    out.dim[i] = target[i + 1] = json_integer_value(json_array_get(shape, (size_t)i + first));
    bool fits = target[i + 1] > 0 ? size_mul(known, target[i + 1], &known)
                                  : target[i + 1] == -1 && open < 0;
    if (target[i + 1] == -1) open = i;
    if (fits) continue;
    keras_lacks(layer, E903, "use positive sizes, and at most one -1",
                "gives its values a shape that does not fit");
    return false;
  }
  if (total >= 0 && (open < 0 ? known != total : total % known != 0)) {
    keras_lacks(layer, E903,
                arena_printf(layer->keras->arena,
                             "sizes whose product is %lld fit, or one -1 for what is left",
                             (long long)total),
                "gives %lld values a shape that does not fit", (long long)total);
    return false;
  }
  if (open >= 0 && total >= 0) out.dim[open] = target[open + 1] = total / known;
  out.graph = emit_reshape(keras_emit(layer), value.graph, out.rank + 1, target);
  return keras_gives(layer, out);
}

static bool read_permute(KerasLayer *layer) {
  json_t *dims = keras_option(layer, "dims");
  KerasValue value = layer->in[0], out = value;
  int64_t perm[TYPE_MAX_AXES + 1] = {0};
  unsigned seen = 0;
  bool moves = false;
  if (!dims) dims = keras_option(layer, "target_shape"); /* the Keras 1 name of Reshape's option */
  for (int i = 0; i < value.rank; i++) {
    perm[i + 1] = json_integer_value(json_array_get(dims, (size_t)i));
    bool fits = perm[i + 1] >= 1 && perm[i + 1] <= value.rank &&
                json_array_size(dims) == (size_t)value.rank;
    if (!fits || (seen >> perm[i + 1] & 1)) {
      keras_refuse(layer, E901, "has `dims` that are not an order of its axes");
      return false;
    }
    seen |= 1u << perm[i + 1];
    out.dim[i] = value.dim[perm[i + 1] - 1];
    moves = moves || perm[i + 1] != i + 1;
  }
  if (!moves) return keras_gives(layer, value);
  out.graph = emit_transpose(keras_emit(layer), value.graph, value.rank + 1, perm);
  return keras_gives(layer, out);
}

static bool read_repeat(KerasLayer *layer) {
  static const int64_t behind[] = {1};
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t n = keras_size(layer, "n", -1);
  if (n < 0 || value.rank != 1) {
    if (n >= 0)
      keras_lacks(layer, E903, "give it [batch, features]: a `Flatten` before it makes a vector",
                  "needs a vector");
    return false;
  }
  value.graph = EMIT(e, Expand, emit_unsqueeze(e, value.graph, 1, behind),
                     emit_ints(e, 3, (int64_t[]){1, n, 1}));
  value.rank = 2;
  value.dim[1] = value.dim[0];
  value.dim[0] = n;
  return keras_gives(layer, value);
}

/* ---- TimeDistributed ---- */

static bool is_per_step(const char *class_name) {
  static const char *const names[] = {
      "Dense",   "Activation", "Dropout", "BatchNormalization", "LayerNormalization",
      "ReLU",    "LeakyReLU",  "ELU",     "GaussianNoise",      "Rescaling",
      "Identity"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(class_name, names[i]) == 0) return true;
  return false;
}

/* The sizes after the first `skip` axes as numbers; false: more than one is open. */
static bool sizes_behind(const KerasValue *value, int skip, int64_t *out) {
  int open = 0;
  for (int i = skip; i < value->rank; i++) {
    out[i - skip] = value->dim[i];
    open += value->dim[i] < 0;
  }
  return !open;
}

/* The steps of all samples as samples: [b t, ...], through the layer, and apart again. */
static bool read_as_samples(KerasLayer *layer, KerasLayer *step) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0], sample = value;
  int64_t together[TYPE_MAX_AXES + 1] = {-1}, apart[TYPE_MAX_AXES];
  if (value.mask.keeps || !sizes_behind(&value, 1, together + 1)) {
    keras_lacks(layer, E903,
                "TimeDistributed of Dense, activations, norms and dropout is read there",
                "runs `%s` on every step of a masked sequence, or on axes of unknown size",
                step->class_name);
    return false;
  }
  sample.rank = value.rank - 1;
  memmove(sample.dim, value.dim + 1, sizeof *sample.dim * (size_t)sample.rank);
  sample.graph = emit_reshape(e, value.graph, value.rank, together);
  step->in = &sample;
  if (!keras_layer_read(step)) return false;
  if (step->n_out != 1 || step->out[0].rank >= TYPE_MAX_AXES ||
      !sizes_behind(&step->out[0], 0, apart)) {
    keras_lacks(layer, E903,
                "give the model an input of fixed sizes, `keras.Input((steps, features))`, and "
                "save it again",
                "runs `%s` on every step, whose result has no known size", step->class_name);
    return false;
  }
  KerasValue out = step->out[0];
  GraphValue *front = emit_slice(e, EMIT(e, Shape, value.graph), 0, 0, 2, 1),
             *back = emit_ints(e, out.rank, apart);
  GraphValue *shape = out.rank ? emit_concat(e, 0, 2, (GraphValue *[]){front, back}) : front;
  memmove(out.dim + 1, out.dim, sizeof *out.dim * (size_t)out.rank);
  out.dim[0] = value.dim[0];
  out.rank++;
  out.graph = EMIT(e, Reshape, out.graph, shape);
  return keras_gives(layer, out);
}

static bool read_time_distributed(KerasLayer *layer) {
  json_t *inner = keras_option(layer, "layer");
  const char *class_name = json_string_value(json_object_get(inner, "class_name"));
  KerasLayer step = *layer;
  step.config = json_object_get(inner, "config");
  step.class_name = class_name ? class_name : "";
  step.mask = NULL;
  step.n_out = 0;
  if (layer->keras->by_class)
    step.group = arena_printf(layer->keras->arena, "%s/layer", layer->group);
  if (layer->in[0].rank < 1) {
    keras_lacks(layer, E903, "give it [batch, time, ...]: a `Reshape` before it adds the axis",
                "needs a sequence");
    return false;
  }
  if (!is_per_step(step.class_name)) return read_as_samples(layer, &step);
  bool ok = keras_read_layer(&step);
  memcpy(layer->out, step.out, sizeof layer->out);
  layer->n_out = step.n_out;
  return ok;
}

const KerasClass keras_joins[] = {
    KERAS_CLASS(Concatenate, read_concatenate, 0, "axis"),
    KERAS_CLASS(Add, read_combined, 0, ""),
    KERAS_CLASS(Subtract, read_combined, 0, ""),
    KERAS_CLASS(Multiply, read_combined, 0, ""),
    KERAS_CLASS(Divide, read_combined, 0, ""),
    KERAS_CLASS(TrueDivide, read_combined, 0, ""),
    KERAS_CLASS(Maximum, read_combined, 0, ""),
    KERAS_CLASS(Minimum, read_combined, 0, ""),
    KERAS_CLASS(Power, read_combined, 0, ""),
    KERAS_CLASS(Average, read_average, 0, ""),
    KERAS_CLASS(Flatten, read_flatten, 1, "data_format=\"channels_last\""),
    KERAS_CLASS(Reshape, read_reshape, 1, "target_shape newshape"),
    KERAS_CLASS(Permute, read_permute, 1, "dims target_shape"),
    KERAS_CLASS(RepeatVector, read_repeat, 1, "n"),
    KERAS_CLASS(TimeDistributed, read_time_distributed, 1, "layer"),
    KERAS_CLASS_END};
