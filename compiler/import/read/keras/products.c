/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products with weights, which sum over the last axis (Dense) or over several (EinsumDense), and of
 * two values (Dot). */
#include "import/read/keras/keras.h"

#include <string.h>

/* The size of the last axis; 1 of a value without axes. */
static int64_t last_dim(const KerasValue *value) {
  return value->rank ? value->dim[value->rank - 1] : 1;
}

static bool read_dense(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  KerasValue value = layer->in[0];
  int64_t units = keras_size(layer, "units", -1);
  if (units < 0) return false;
  if (!value.rank) {
    keras_lacks(layer, E903, "give it an axis with a `Reshape((1,))`",
                "reads a value without axes");
    return false;
  }
  GraphValue *kernel =
      keras_weight(layer, "", "kernel", 0, 2, (int64_t[]){last_dim(&value), units});
  if (!kernel) return false;
  value.graph = EMIT(e, MatMul, value.graph, kernel);
  value.dim[value.rank - 1] = units;
  if (!keras_flag(layer, "use_bias", true)) return keras_activated(layer, value);
  GraphValue *bias = keras_weight(layer, "", "bias", 1, 1, &units);
  if (!bias) return false;
  value.graph = EMIT(e, Add, value.graph, bias);
  return keras_activated(layer, value);
}

/* ---- EinsumDense ---- */

/* One term of an equation, such as "...abc": a letter for each axis, no two alike, and "..." for
 * any number of axes in front. */
typedef struct Letters {
  char at[TYPE_MAX_AXES + 2];
  int n;
  bool dots;
} Letters;

/* Reads one term; false if grus cannot read it. */
static bool letters_of(const char *text, size_t len, Letters *out) {
  *out = (Letters){0};
  for (size_t i = 0; i < len; i++) {
    if (text[i] == ' ') continue;
    if (len - i >= 3 && strncmp(text + i, "...", 3) == 0 && !out->n && !out->dots) {
      out->dots = true;
      i += 2;
      continue;
    }
    bool repeated = memchr(out->at, text[i], (size_t)out->n) != NULL; /* takes a diagonal */
    if (text[i] == '.' || repeated || out->n > TYPE_MAX_AXES) return false;
    out->at[out->n++] = text[i];
  }
  return true;
}

/* Reads an equation of x, weights and y that sums over the last axes of x, which are the first of
 * the weights: y has the other axes of x and then the other axes of the weights, as in
 * "abc,cd->abd" and "abcd,cde->abe". *summed gets the number of axes that are summed. False if it
 * is none such. */
static bool equation_of(const char *text, Letters *x, Letters *w, Letters *y, int *summed) {
  const char *comma = strchr(text, ','), *arrow = strstr(text, "->");
  if (!comma || !arrow || comma > arrow || !letters_of(text, (size_t)(comma - text), x) ||
      !letters_of(comma + 1, (size_t)(arrow - comma - 1), w) ||
      !letters_of(arrow + 2, strlen(arrow + 2), y) || w->dots || x->dots != y->dots)
    return false;
  for (*summed = 1; *summed <= x->n && *summed <= w->n; ++*summed) {
    int kept = x->n - *summed, made = w->n - *summed;
    if (memcmp(x->at + kept, w->at, (size_t)*summed) == 0 && y->n == kept + made &&
        memcmp(x->at, y->at, (size_t)kept) == 0 &&
        memcmp(w->at + *summed, y->at + kept, (size_t)made) == 0)
      return true;
  }
  return false;
}

/* The bias, which has the last axes of the result; NULL after reporting. */
static GraphValue *einsum_bias(KerasLayer *layer, const Letters *y, const KerasValue *value) {
  const char *axes = keras_word(layer, "bias_axes", "");
  size_t n = strlen(axes);
  if (n <= (size_t)y->n && memcmp(y->at + y->n - n, axes, n) == 0)
    return keras_weight(layer, "", "bias", 1, (int)n, value->dim + value->rank - n);
  keras_lacks(layer, E903,
              arena_printf(layer->keras->arena,
                           "leave out `bias_axes`, or name the last axes of the result"),
              "has a bias along `%s`, which are not the last axes of its result", axes);
  return NULL;
}

/* An equation of an EinsumDense: x [kept axes, summed axes], w [summed axes, made axes]. */
typedef struct Einsum {
  Letters x, w, y;
  int kept, summed, made;         /* the numbers of axes */
  int64_t dim[TYPE_MAX_AXES + 2]; /* the sizes of w */
  int64_t inner, units;           /* the products of its summed and of its made sizes */
  KerasValue value;               /* the sizes of the result */
} Einsum;

/* Reads the equation and the sizes that it has for this input. False after reporting. */
static bool einsum_of(KerasLayer *layer, Einsum *e) {
  const KerasValue *in = &layer->in[0];
  const char *text = keras_word(layer, "equation", "");
  *e = (Einsum){.inner = 1, .units = 1, .value = *in};
  bool fits = equation_of(text, &e->x, &e->w, &e->y, &e->summed) && e->summed <= in->rank &&
              (e->x.dots || e->x.n == in->rank + 1) && e->x.n <= in->rank + 1;
  if (!fits) {
    return keras_lacks(
        layer, E903,
        "sums over the last axes are read, as in `abc,cd->abd` and `...x,xy->...y`; a "
        "`Permute` before it puts axes there",
        "computes `%s`, which grus does not follow", text);
  }
  json_t *out_shape = keras_option(layer, "output_shape");
  size_t n_out = json_is_array(out_shape) ? json_array_size(out_shape) : 1;
  e->made = e->w.n - e->summed;
  e->kept = in->rank - e->summed;
  e->value.rank = e->kept + e->made;
  if (e->value.rank > TYPE_MAX_AXES || n_out < (size_t)e->made) {
    keras_lacks(layer, E903,
                arena_printf(layer->keras->arena,
                             "join axes with a `Reshape` before it: at most %d after the batch",
                             TYPE_MAX_AXES),
                "has a result of more axes than grus has");
    return false;
  }
  for (int i = 0; i < e->summed; i++)
    e->dim[i] = in->dim[e->kept + i];
  for (int i = 0; i < e->made; i++)
    e->dim[e->summed + i] = e->value.dim[e->kept + i] = json_integer_value(
        json_is_array(out_shape) ? json_array_get(out_shape, n_out - (size_t)(e->made - i))
                                 : out_shape);
  for (int i = 0; i < e->w.n; i++) {
    int64_t *product = i < e->summed ? &e->inner : &e->units;
    if (e->dim[i] >= 1 && size_mul(*product, e->dim[i], product)) continue;
    keras_lacks(layer, E903,
                "give the model an input of fixed sizes, `keras.Input((steps, features))`, and "
                "save it again",
                "has axes of unknown size");
    return false;
  }
  return true;
}

static bool read_einsum(KerasLayer *layer) {
  GraphEmit *emit = keras_emit(layer);
  Einsum e;
  int64_t shape[2 * TYPE_MAX_AXES] = {0};
  if (!einsum_of(layer, &e)) return false;
  GraphValue *kernel = keras_weight(layer, "", "kernel", 0, e.w.n, e.dim), *x = layer->in[0].graph;
  if (!kernel) return false;
  shape[e.kept + 1] = e.inner;
  GraphValue *rows = e.summed == 1 ? x : emit_reshape(emit, x, e.kept + 2, shape);
  GraphValue *y =
      EMIT(emit, MatMul, rows, emit_reshape(emit, kernel, 2, (int64_t[]){e.inner, e.units}));
  for (int i = 0; i < e.made; i++)
    shape[e.kept + 1 + i] = e.value.dim[e.kept + i];
  if (e.made != 1) y = emit_reshape(emit, y, e.value.rank + 1, shape);
  e.value.graph = y;
  if (keras_option(layer, "bias_axes")) {
    GraphValue *bias = einsum_bias(layer, &e.y, &e.value);
    if (!bias) return false;
    e.value.graph = EMIT(emit, Add, y, bias);
  }
  return keras_activated(layer, e.value);
}

/* ---- Dot ---- */

/* A value as [b, n, k] (last) or [b, k, n], where k is the axis `axis` that is summed and n the
 * other one, which has size 1 if the value has none. */
static GraphValue *turned(KerasLayer *layer, const KerasValue *value, int axis, bool last) {
  static const int64_t swap[] = {0, 2, 1};
  int64_t other = last ? 1 : 2;
  if (value->rank == 1) return emit_unsqueeze(keras_emit(layer), value->graph, 1, &other);
  return (axis == 2) == last ? value->graph
                             : emit_transpose(keras_emit(layer), value->graph, 3, swap);
}

/* Vectors along an axis of length 1. The square of a length is at least 1e-12, and since Keras 3
 * the length at least 1e-7. */
static GraphValue *unit_length(KerasLayer *layer, GraphValue *x, int axis) {
  double least = layer->keras->major < 3 ? 1e-6 : 1e-7;
  GraphNode *node = keras_node(layer, GRAPH_LpNormalize, 1, &x);
  graph_set_int(keras_emit(layer)->graph, node, GRAPH_ATTR_axis, axis);
  graph_set_number(keras_emit(layer)->graph, node, GRAPH_ATTR_eps, least);
  return emit_done(keras_emit(layer), node);
}

static bool read_dot(KerasLayer *layer) {
  GraphEmit *e = keras_emit(layer);
  json_t *axes = keras_option(layer, "axes");
  KerasValue part[2] = {layer->in[0], layer->in[1]}, out = {.rank = 0};
  int at[2];
  for (int i = 0; i < 2; i++) {
    json_t *axis = json_is_array(axes) ? json_array_get(axes, (size_t)i) : axes;
    int64_t n = json_is_integer(axis) ? json_integer_value(axis) : 0;
    if (n < 0) n += part[i].rank + 1;
    at[i] = (int)n;
    if (n >= 1 && n <= part[i].rank && part[i].rank <= 2) continue;
    keras_lacks(layer, E903,
                "name one axis of each, 1 or 2, of inputs with at most two axes after the batch",
                "sums over the batch, or over axes that its inputs do not have");
    return false;
  }
  for (int i = 0; i < 2; i++)
    if (keras_flag(layer, "normalize", false))
      part[i].graph = unit_length(layer, part[i].graph, at[i]);
  out.graph =
      EMIT(e, MatMul, turned(layer, &part[0], at[0], true), turned(layer, &part[1], at[1], false));
  int64_t gone[2];
  int n = 0;
  for (int i = 0; i < 2; i++)
    if (part[i].rank == 2)
      out.dim[out.rank++] = part[i].dim[2 - at[i]];
    else
      gone[n++] = 1 + i;
  if (n == 2) { /* the product of two vectors is one number, which keeps an axis */
    out.dim[out.rank++] = 1;
    n = 1;
  }
  if (n) out.graph = emit_squeeze(e, out.graph, n, gone);
  return keras_gives(layer, out);
}

const KerasClass keras_products[] = {
    KERAS_CLASS(Dense, read_dense, 1, "units activation use_bias"),
    KERAS_CLASS(EinsumDense, read_einsum, 1, "equation output_shape bias_axes activation"),
    KERAS_CLASS(Dot, read_dot, 2, "axes normalize"), KERAS_CLASS_END};
