/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What functional models of Keras 3 write for operators on values, as x > 0, y[:, -1] and
 * ops.tanh(x), and tf.keras for y[:, -1]. Masks of layers are computed by some of them. */
#include "import/read/forms.h"
#include "import/read/keras/keras.h"

#include <string.h>

/* ---- one operand ---- */

static bool read_unary(KerasLayer *layer) {
  static const NamedOp ops[] = {
      {"Tanh", GRAPH_Tanh},         {"Sigmoid", GRAPH_Sigmoid}, {"Relu", GRAPH_Relu},
      {"Exp", GRAPH_Exp},           {"Log", GRAPH_Log},         {"Sqrt", GRAPH_Sqrt},
      {"Square", GRAPH_Square},     {"Absolute", GRAPH_Abs},    {"Negative", GRAPH_Neg},
      {"Sign", GRAPH_Sign},         {"Floor", GRAPH_Floor},     {"Reciprocal", GRAPH_Reciprocal},
      {"Sin", GRAPH_Sin},           {"Cos", GRAPH_Cos},         {"Softplus", GRAPH_Softplus},
      {"Softsign", GRAPH_Softsign}, {"Silu", GRAPH_Silu},       {"Erf", GRAPH_Erf},
      {"LogicalNot", GRAPH_Not}};
  GraphOp op = OP_NAMED(ops, layer->class_name);
  return keras_gives_like(layer, emit_call(keras_emit(layer), op, 1, &layer->in[0].graph));
}

/* Functions that the graph has no operator for. */
static bool read_form(KerasLayer *layer) {
  static const NamedForm forms[] = {
      {"Expm1", form_expm1},           {"Log1p", form_log1p}, {"Log2", form_log2},
      {"Log10", form_log10},           {"Sinh", form_sinh},   {"Cosh", form_cosh},
      {"LogSigmoid", form_log_sigmoid}};
  FormFunction *form = FORM_NAMED(forms, layer->class_name);
  return form && keras_gives_like(layer, form(keras_emit(layer), layer->in[0].graph));
}

/* The axes that a reduction goes along, the batch left alone; 0 after reporting. */
static int reduced_axes(const KerasLayer *layer, int64_t out[TYPE_MAX_AXES]) {
  json_t *axis = keras_option(layer, "axis");
  int rank = layer->in[0].rank, n = 0;
  size_t many = json_is_array(axis) ? json_array_size(axis) : axis ? 1 : 0;
  if (many > (size_t)rank) many = 0;
  for (size_t i = 0; i < many; i++) {
    json_t *item = json_is_array(axis) ? json_array_get(axis, i) : axis;
    int64_t at = json_is_integer(item) ? json_integer_value(item) : 0;
    out[n++] = at < 0 ? at + rank + 1 : at;
    if (out[n - 1] < 1 || out[n - 1] > rank) many = 0;
  }
  if (!many)
    keras_lacks(layer, E903,
                arena_printf(layer->keras->arena, "name axes after the batch, from 1 to %d",
                             layer->in[0].rank),
                "reduces the batch, or axes that its input does not have");
  return many ? n : 0;
}

static bool is_among(int64_t axis, int n, const int64_t *axes) {
  for (int i = 0; i < n; i++)
    if (axes[i] == axis) return true;
  return false;
}

static bool read_reduced(KerasLayer *layer) {
  static const NamedOp ops[] = {{"Mean", GRAPH_ReduceMean}, {"Max", GRAPH_ReduceMax},
                                {"Min", GRAPH_ReduceMin},   {"Sum", GRAPH_ReduceSum},
                                {"Any", GRAPH_ReduceAny},   {"All", GRAPH_ReduceAll}};
  KerasValue value = layer->in[0], out = value;
  int64_t axes[TYPE_MAX_AXES];
  int n = reduced_axes(layer, axes);
  bool keep = keras_flag(layer, "keepdims", false);
  if (!n) return false;
  out.rank = 0;
  for (int i = 0; i < value.rank; i++) {
    bool reduced = is_among(i + 1, n, axes);
    if (reduced && !keep) continue;
    out.dim[out.rank++] = reduced ? 1 : value.dim[i];
  }
  GraphOp op = OP_NAMED(ops, layer->class_name);
  out.graph = op == GRAPH_OP_COUNT /* Var or Std */
                  ? form_variance(keras_emit(layer), value.graph, n, axes, 0, keep)
                  : emit_reduce(keras_emit(layer), op, value.graph, n, axes, keep);
  if (strcmp(layer->class_name, "Std") == 0) out.graph = EMIT(keras_emit(layer), Sqrt, out.graph);
  if (keras_option(layer, "initial")) { /* no result is beyond it */
    GraphValue *bound = emit_number(keras_emit(layer), keras_number(layer, "initial", 0));
    GraphOp limit = op == GRAPH_ReduceMax ? GRAPH_Max : GRAPH_Min;
    out.graph = emit_call(keras_emit(layer), limit, 2, (GraphValue *[]){out.graph, bound});
  }
  return keras_gives(layer, out);
}

/* ---- comparisons and their kin ---- */

static bool read_compared(KerasLayer *layer) {
  static const struct {
    const char *name;
    GraphOp op;
    bool not;
  } ops[] = {{"Equal", GRAPH_Equal, false},         {"NotEqual", GRAPH_Equal, true},
             {"Less", GRAPH_Less, false},           {"Greater", GRAPH_Greater, false},
             {"LessEqual", GRAPH_LessEqual, false}, {"GreaterEqual", GRAPH_GreaterEqual, false},
             {"LogicalAnd", GRAPH_And, false},      {"LogicalOr", GRAPH_Or, false}};
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  GraphValue *a = value.graph, *b = NULL;
  if (layer->has_number) {
    b = keras_constant(layer, &value);
    if (!b) return false;
    if (layer->number_first) {
      a = b;
      b = value.graph;
    }
  } else if (layer->n_in == 2 && layer->in[1].rank == value.rank)
    b = layer->in[1].graph;
  if (!b) {
    keras_lacks(layer, E903, "give both the same number of axes with a `Reshape`",
                "needs two values of as many axes");
    return false;
  }
  for (int i = 0; i < value.rank && !layer->has_number; i++)
    if (value.dim[i] == 1) value.dim[i] = layer->in[1].dim[i];
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    if (strcmp(layer->class_name, ops[i].name) != 0) continue;
    value.graph = emit_call(e, ops[i].op, 2, (GraphValue *[]){a, b});
    if (ops[i].not) value.graph = EMIT(e, Not, value.graph);
  }
  return keras_gives(layer, value);
}

/* Zeros or ones in the shape of a value: Keras makes the mask of a Concatenate with them. */
static bool read_like(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  const char *kind = keras_word(layer, "dtype", "float32");
  bool ones = strcmp(layer->class_name, "OnesLike") == 0, truth = strcmp(kind, "bool") == 0;
  GraphValue *shape = EMIT(e, Shape, layer->in[0].graph);
  if (!truth && strcmp(kind, "float32") != 0) {
    keras_lacks(layer, E903, "`float32` and `bool` are read",
                "makes values of type `%s`, which is not supported", kind);
    return false;
  }
  return keras_gives_like(layer, emit_filled(e, shape, ones, truth ? GRAPH_BOOL : GRAPH_FLOAT));
}

/* ---- y[:, -1], y[:, 1:3], y[..., 0] ---- */

/* An axis of 1 at position `at`, the batch being 0. */
static void insert_axis(GraphEmit *e, KerasValue *value, int64_t at) {
  value->graph = emit_unsqueeze(e, value->graph, 1, &at);
  memmove(value->dim + at, value->dim + at - 1,
          sizeof *value->dim * (size_t)(value->rank + 1 - at));
  value->dim[at - 1] = 1;
  value->rank++;
}

static bool is_class(json_t *object, const char *name) {
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  return class_name && strcmp(class_name, name) == 0;
}

/* start:stop:step of Keras 3 and of tf.keras. */
static json_t *slice_of(json_t *key) {
  if (is_class(key, "__slice__")) return json_object_get(key, "config");
  return json_is_object(key) && json_object_get(key, "start") && json_object_get(key, "stop")
             ? key
             : NULL;
}

static bool is_ellipsis(json_t *key) {
  return is_class(key, "__ellipsis__") || is_class(key, "__ellipsis_type__");
}

static bool refuse_key(KerasLayer *layer) {
  return keras_lacks(layer, E902,
                     "after the batch, whole numbers and begin:end are read, as in y[:, -1] and "
                     "y[:, 1:3]",
                     "takes parts of a value in a way that is not supported");
}

/* Position `axis` of the value: a whole number takes the axis away. *at moves after it. */
static bool take(KerasLayer *layer, KerasValue *value, int *at, json_t *key) {
  GraphEmit *e = keras_emit(layer);
  int axis = *at;
  if (json_is_null(key)) { /* a new axis */
    if (axis < 1 || axis > value->rank + 1 || value->rank == TYPE_MAX_AXES)
      return refuse_key(layer);
    insert_axis(e, value, axis);
    *at = axis + 1;
    return true;
  }
  if (json_is_integer(key)) {
    if (axis < 1 || axis > value->rank) return refuse_key(layer);
    value->graph =
        emit_axis_call(e, GRAPH_Gather, axis, 2,
                       (GraphValue *[]){value->graph, emit_int(e, json_integer_value(key))});
    memmove(value->dim + axis - 1, value->dim + axis,
            sizeof *value->dim * (size_t)(value->rank - axis));
    value->rank--;
    return true;
  }
  json_t *slice = slice_of(key), *start = json_object_get(slice, "start"),
         *stop = json_object_get(slice, "stop");
  int64_t step = json_is_integer(json_object_get(slice, "step"))
                     ? json_integer_value(json_object_get(slice, "step"))
                     : 1;
  bool whole = json_is_null(start) && json_is_null(stop) && step == 1;
  *at = axis + 1;
  if (!slice || axis > value->rank || (axis == 0 && !whole) || step == 0) return refuse_key(layer);
  if (whole) return true;
  int64_t from = json_is_integer(start) ? json_integer_value(start) : step > 0 ? 0 : INT32_MAX;
  int64_t to = json_is_integer(stop) ? json_integer_value(stop) : step > 0 ? INT32_MAX : -INT32_MAX;
  value->graph = emit_slice(e, value->graph, axis, from, to, step);
  int64_t n = value->dim[axis - 1], one = step > 0 ? step : -step;
  if (n < 0 || step < 0)
    value->dim[axis - 1] =
        n < 0 || !(json_is_null(start) && json_is_null(stop)) ? -1 : (n + one - 1) / one;
  else {
    if (from < 0) from = from + n < 0 ? 0 : from + n;
    if (to < 0) to += n;
    to = to > n ? n : to;
    value->dim[axis - 1] = to > from ? (to - from + step - 1) / step : 0;
  }
  return true;
}

/* The keys behind number i that take an axis of the value. */
static int keys_behind(json_t *keys, size_t i) {
  int n = 0;
  while (++i < json_array_size(keys))
    n += !json_is_null(json_array_get(keys, i));
  return n;
}

static bool read_item(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  json_t *keys = json_array_get(json_object_get(layer->call, "args"), 1);
  if (json_is_array(layer->call))
    keys = json_object_get(json_array_get(keras_first_reference(layer->call), 3),
                           "slice_spec"); /* tf.keras */
  if (is_class(keys, "__tuple__"))
    keys = json_object_get(keys, "items") ? json_object_get(keys, "items")
                                          : json_object_get(keys, "config");
  size_t n = json_array_size(keys);
  int at = 0;
  if (!json_is_array(keys) || !n) return refuse_key(layer);
  for (size_t i = 0; i < n; i++) {
    json_t *key = json_array_get(keys, i);
    if (is_ellipsis(key))
      at = value.rank + 1 - keys_behind(keys, i);
    else if (!take(layer, &value, &at, key))
      return false;
    if (at < 0) return refuse_key(layer);
  }
  return keras_gives(layer, value);
}

/* ---- axes ---- */

static bool read_expand_dims(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  json_t *axis = keras_option(layer, "axis");
  if (json_is_array(axis) && json_array_size(axis) == 1) axis = json_array_get(axis, 0);
  int64_t at = json_is_integer(axis) ? json_integer_value(axis) : 0;
  if (at < 0) at += value.rank + 2;
  if (at < 1 || at > value.rank + 1 || value.rank == TYPE_MAX_AXES) {
    keras_lacks(layer, E903, "axes after the batch are read: `axis=1` to `axis=-1`",
                "puts an axis in front of the batch, or one too many");
    return false;
  }
  insert_axis(keras_emit(layer), &value, at);
  return keras_gives(layer, value);
}

static bool read_squeeze(KerasLayer *layer) {
  KerasValue value = layer->in[0], out = value;
  int64_t axes[TYPE_MAX_AXES];
  int n = reduced_axes(layer, axes);
  if (!n) return false;
  out.rank = 0;
  for (int i = 0; i < value.rank; i++)
    if (!is_among(i + 1, n, axes)) out.dim[out.rank++] = value.dim[i];
  out.graph = emit_squeeze(keras_emit(layer), value.graph, n, axes);
  return keras_gives(layer, out);
}

static bool read_transpose(KerasLayer *layer) {
  KerasValue value = layer->in[0], out = value;
  json_t *axes = keras_option(layer, "axes");
  int64_t perm[TYPE_MAX_AXES + 1];
  unsigned seen = 0;
  for (int i = 0; i <= value.rank; i++) {
    json_t *axis = json_array_get(axes, (size_t)i);
    perm[i] = json_is_integer(axis) ? json_integer_value(axis) : -1;
    if (perm[i] < 0 || perm[i] > value.rank || (i == 0) != (perm[i] == 0) ||
        (seen >> perm[i] & 1)) {
      keras_lacks(layer, E903, "leave axis 0 where it is, as `Permute` does",
                  "moves the batch, or names axes that its input does not have");
      return false;
    }
    seen |= 1u << perm[i];
    if (i) out.dim[i - 1] = value.dim[perm[i] - 1];
  }
  out.graph = emit_transpose(keras_emit(layer), value.graph, value.rank + 1, perm);
  return keras_gives(layer, out);
}

static bool read_one_hot(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t n = keras_size(layer, "num_classes", -1);
  json_t *axis = keras_option(layer, "axis");
  int64_t at = axis ? json_integer_value(axis) : -1;
  if (n < 0) return false;
  if ((at != -1 && at != value.rank + 1) || value.rank == TYPE_MAX_AXES) {
    keras_lacks(layer, E903, "leave out `axis`, and put a `Permute` after it",
                "puts its categories along another axis than a new last one");
    return false;
  }
  keras_mark_categories(layer, &value);
  GraphValue *ends =
      emit_concat(e, 0, 2,
                  (GraphValue *[]){emit_unsqueeze(e, emit_number(e, 0), 1, (int64_t[]){0}),
                                   emit_unsqueeze(e, emit_number(e, 1), 1, (int64_t[]){0})});
  bool whole = !value.graph->node && !value.graph->constant;
  value.graph =
      emit_axis_call(e, GRAPH_OneHot, -1, 3,
                     (GraphValue *[]){whole ? value.graph : emit_cast(e, value.graph, GRAPH_I64),
                                      emit_int(e, n), ends});
  value.dim[value.rank++] = n;
  return keras_gives(layer, value);
}

const KerasClass keras_operators[] = {
    KERAS_CLASS(ExpandDims, read_expand_dims, 1, "axis"),
    KERAS_CLASS(Squeeze, read_squeeze, 1, "axis"),
    KERAS_CLASS(Transpose, read_transpose, 1, "axes"),
    KERAS_CLASS(OneHot, read_one_hot, 1, "num_classes axis sparse"),
    KERAS_CLASS(GetItem, read_item, 1, ""),
    KERAS_CLASS(SlicingOpLambda, read_item, 1, "function=\"__operators__.getitem\""),
    KERAS_CLASS(Equal, read_compared, 0, ""),
    KERAS_CLASS(NotEqual, read_compared, 0, ""),
    KERAS_CLASS(Less, read_compared, 0, ""),
    KERAS_CLASS(LessEqual, read_compared, 0, ""),
    KERAS_CLASS(Greater, read_compared, 0, ""),
    KERAS_CLASS(GreaterEqual, read_compared, 0, ""),
    KERAS_CLASS(LogicalAnd, read_compared, 0, ""),
    KERAS_CLASS(LogicalOr, read_compared, 0, ""),
    KERAS_CLASS(LogicalNot, read_unary, 1, ""),
    KERAS_CLASS(ZerosLike, read_like, 1, ""),
    KERAS_CLASS(OnesLike, read_like, 1, ""),
    KERAS_CLASS(Tanh, read_unary, 1, ""),
    KERAS_CLASS(Sigmoid, read_unary, 1, ""),
    KERAS_CLASS(Relu, read_unary, 1, ""),
    KERAS_CLASS(Exp, read_unary, 1, ""),
    KERAS_CLASS(Log, read_unary, 1, ""),
    KERAS_CLASS(Sqrt, read_unary, 1, ""),
    KERAS_CLASS(Square, read_unary, 1, ""),
    KERAS_CLASS(Absolute, read_unary, 1, ""),
    KERAS_CLASS(Negative, read_unary, 1, ""),
    KERAS_CLASS(Sign, read_unary, 1, ""),
    KERAS_CLASS(Floor, read_unary, 1, ""),
    KERAS_CLASS(Reciprocal, read_unary, 1, ""),
    KERAS_CLASS(Sin, read_unary, 1, ""),
    KERAS_CLASS(Cos, read_unary, 1, ""),
    KERAS_CLASS(Softplus, read_unary, 1, ""),
    KERAS_CLASS(Softsign, read_unary, 1, ""),
    KERAS_CLASS(Silu, read_unary, 1, ""),
    KERAS_CLASS(Erf, read_unary, 1, ""),
    KERAS_CLASS(Expm1, read_form, 1, ""),
    KERAS_CLASS(Log1p, read_form, 1, ""),
    KERAS_CLASS(Log2, read_form, 1, ""),
    KERAS_CLASS(Log10, read_form, 1, ""),
    KERAS_CLASS(Sinh, read_form, 1, ""),
    KERAS_CLASS(Cosh, read_form, 1, ""),
    KERAS_CLASS(LogSigmoid, read_form, 1, ""),
    KERAS_CLASS(Std, read_reduced, 1, "axis keepdims"),
    KERAS_CLASS(Var, read_reduced, 1, "axis keepdims"),
    KERAS_CLASS(Mean, read_reduced, 1, "axis keepdims"),
    KERAS_CLASS(Max, read_reduced, 1, "axis keepdims initial"),
    KERAS_CLASS(Min, read_reduced, 1, "axis keepdims initial"),
    KERAS_CLASS(Sum, read_reduced, 1, "axis keepdims"),
    KERAS_CLASS(Any, read_reduced, 1, "axis keepdims"),
    KERAS_CLASS(All, read_reduced, 1, "axis keepdims"),
    KERAS_CLASS_END};
