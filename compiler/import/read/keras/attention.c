/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention of one head, with its scores as Keras computes them, and of several:
 *
 *   weights = softmax over s of scores[t, s]        y[t] = sum over s of weights[t, s] value[s] */
#include "import/read/keras/keras.h"

#include <math.h>
#include <string.h>

static const double hides = -1e9; /* the number that Keras adds to scores of masked positions */

/* Queries, keys and values: [batch, positions, features]. */
typedef struct Attended {
  KerasValue query, key, value;
} Attended;

/* The flag of a call; false where it is not given. */
static bool call_flag(const KerasLayer *layer, const char *name) {
  json_t *keywords = json_is_object(layer->call)
                         ? json_object_get(layer->call, "kwargs")
                         : json_array_get(json_array_get(layer->call, 0), 3);
  return json_is_true(json_object_get(keywords, name));
}

/* Two or three sequences: queries, values, and keys where these are not the values. */
static bool operands(KerasLayer *layer, Attended *out) {
  if (layer->n_in != 2 && layer->n_in != 3) {
    keras_refuse(layer, E901, "reads %d values; it takes queries, values and perhaps keys",
                 layer->n_in);
    return false;
  }
  *out = (Attended){layer->in[0], layer->in[layer->n_in - 1], layer->in[1]};
  for (int i = 0; i < layer->n_in; i++) {
    if (layer->in[i].mask.keeps || layer->mask) {
      keras_lacks(
          layer, E903,
          "attention to all steps is read: leave out `Masking` and `mask_zero` before it, and "
          "give it sequences without padding",
          "attends to a sequence with a mask");
      return false;
    }
    if (layer->in[i].rank == 2 && layer->in[i].dim[1] > 0) continue;
    keras_lacks(layer, E903,
                "give it [batch, time, features]: a `Reshape` before it makes that shape",
                "needs sequences of vectors");
    return false;
  }
  return true;
}

/* 0 where position s is not after position t, a large negative number elsewhere: [t, s]. */
static GraphValue *later_hidden(KerasLayer *layer, GraphValue *query, GraphValue *key) {
  static const int64_t front[] = {0}, behind[] = {1};
  GraphEmit *e = keras_emit(layer);
  GraphValue *place[2], *of[2] = {query, key};
  for (int i = 0; i < 2; i++) {
    GraphValue *n = emit_squeeze(e, emit_slice(e, EMIT(e, Shape, of[i]), 0, 1, 2, 1), 1, front);
    place[i] = EMIT(e, Range, emit_int(e, 0), n, emit_int(e, 1));
  }
  GraphValue *later =
      EMIT(e, Less, emit_unsqueeze(e, place[0], 1, behind), emit_unsqueeze(e, place[1], 1, front));
  return EMIT(e, Mul, emit_cast(e, later, GRAPH_FLOAT), emit_number(e, hides));
}

/* The weights and the result for scores [..., t, s] of `rank` axes and values [..., s, d]. */
static GraphValue *attend(KerasLayer *layer, const Attended *a, GraphValue *scores, int rank,
                          GraphValue *value, GraphValue **weights) {
  GraphEmit *e = keras_emit(layer);
  if (call_flag(layer, "use_causal_mask"))
    scores = EMIT(e, Add, scores, later_hidden(layer, a->query.graph, a->key.graph));
  *weights = emit_axis_call(e, GRAPH_Softmax, rank - 1, 1, &scores);
  return EMIT(e, MatMul, *weights, value);
}

/* The results of a call: the weighted means, and the weights if the call asks for them. */
static bool gives(KerasLayer *layer, KerasValue result, GraphValue *weights, int64_t heads,
                  int64_t keys) {
  if (!keras_gives(layer, result)) return false;
  if (!call_flag(layer, "return_attention_scores")) return true;
  KerasValue given = {.graph = weights, .rank = heads ? 3 : 2};
  int64_t dim[3] = {heads, result.dim[0], keys};
  memcpy(given.dim, dim + (heads ? 0 : 1), sizeof *dim * (size_t)given.rank);
  return keras_gives(layer, given);
}

/* sum over features of weight tanh(scale (q + k)): weight and scale may be NULL. */
static GraphValue *added_scores(KerasLayer *layer, const Attended *a, GraphValue *scale,
                                GraphValue *weight) {
  static const int64_t queries[] = {2}, keys[] = {1}, last[] = {3};
  GraphEmit *e = keras_emit(layer);
  GraphValue *sum = EMIT(e, Add, emit_unsqueeze(e, a->query.graph, 1, queries),
                         emit_unsqueeze(e, a->key.graph, 1, keys));
  if (scale) sum = EMIT(e, Mul, sum, scale);
  GraphValue *bent = EMIT(e, Tanh, sum);
  if (weight) bent = EMIT(e, Mul, bent, weight);
  return emit_reduce(e, GRAPH_ReduceSum, bent, 1, last, false);
}

static bool same_widths(KerasLayer *layer, const Attended *a) {
  if (a->query.dim[1] == a->key.dim[1]) return true;
  keras_refuse(layer, E901, "has queries of %lld features and keys of %lld",
               (long long)a->query.dim[1], (long long)a->key.dim[1]);
  return false;
}

static bool read_attention(KerasLayer *layer) {
  static const int64_t turned[] = {0, 2, 1};
  GraphEmit *e = keras_emit(layer);
  Attended a;
  int number = 0;
  const char *mode = keras_word(layer, "score_mode", "dot");
  bool dot = strcmp(mode, "dot") == 0;
  if (!operands(layer, &a) || !same_widths(layer, &a)) return false;
  if (!dot && strcmp(mode, "concat") != 0) {
    keras_lacks(layer, E903, "write one of those into the configuration, as the layer was trained",
                "has the score_mode `%s`: Keras has dot and concat", mode);
    return false;
  }
  GraphValue *scale = NULL, *weight = NULL, *weights, *scores;
  if (keras_flag(layer, "use_scale", false)) {
    scale = keras_weight(layer, "", "scale", number++, 0, NULL);
    if (!scale) return false;
  }
  if (!dot) {
    weight = keras_weight(layer, "", "concat_score_weight", number, 0, NULL);
    if (!weight) return false;
  }
  if (dot) {
    scores = EMIT(e, MatMul, a.query.graph, emit_transpose(e, a.key.graph, 3, turned));
    if (scale) scores = EMIT(e, Mul, scores, scale);
  } else
    scores = added_scores(layer, &a, scale, weight);
  KerasValue result = a.query;
  result.dim[1] = a.value.dim[1];
  result.graph = attend(layer, &a, scores, 3, a.value.graph, &weights);
  return gives(layer, result, weights, 0, a.key.dim[0]);
}

static bool read_additive(KerasLayer *layer) {
  Attended a;
  GraphValue *scale = NULL, *weights;
  if (!operands(layer, &a) || !same_widths(layer, &a)) return false;
  if (keras_flag(layer, "use_scale", true)) {
    scale = keras_weight(layer, "", "scale", 0, 1, &a.query.dim[1]);
    if (!scale) return false;
  }
  KerasValue result = a.query;
  result.dim[1] = a.value.dim[1];
  result.graph =
      attend(layer, &a, added_scores(layer, &a, NULL, scale), 3, a.value.graph, &weights);
  return gives(layer, result, weights, 0, a.key.dim[0]);
}

/* ---- several heads ---- */

/* One of the four products of a layer: its weights stand below its name. */
static KerasLayer projection(const KerasLayer *layer, const char *name, const char *in_group) {
  Arena *arena = layer->keras->arena;
  KerasLayer part = *layer;
  part.inner = in_group;
  part.part = *layer->part ? arena_printf(arena, "%s/%s", layer->part, name) : name;
  part.own = part.part;
  return part;
}

/* x [batch, t, d] by a kernel [d, heads, width], of which each head serves `times` of the result:
 * [batch, t, heads times, width]. */
static GraphValue *project(KerasLayer *layer, const char *name, const char *in_group,
                           const KerasValue *x, int64_t heads, int64_t times, int64_t width) {
  GraphEmit *e = keras_emit(layer);
  KerasLayer part = projection(layer, name, in_group);
  int64_t dim[3] = {x->dim[1], heads, width}, *serves;
  if (heads > INT32_MAX / times) return NULL;
  serves = ARENA_ARRAY(layer->keras->arena, int64_t, (heads * times));
  for (int64_t i = 0; i < heads * times; i++)
    serves[i] = i / times;
  GraphValue *kernel = keras_weight(&part, "", "kernel", 0, 3, dim), *bias = NULL;
  if (!kernel) return NULL;
  if (times > 1) kernel = emit_gather(e, kernel, 1, (int)(heads * times), serves);
  GraphValue *y = EMIT(e, MatMul, x->graph,
                       emit_reshape(e, kernel, 2, (int64_t[]){x->dim[1], heads * times * width}));
  if (keras_flag(layer, "use_bias", true)) {
    bias = keras_weight(&part, "", "bias", 1, 2, dim + 1);
    if (!bias) return NULL;
    if (times > 1) bias = emit_gather(e, bias, 0, (int)(heads * times), serves);
    y = EMIT(e, Add, y, emit_reshape(e, bias, 1, (int64_t[]){heads * times * width}));
  }
  return emit_reshape(e, y, 4, (int64_t[]){0, 0, heads * times, width});
}

/* x [batch, t, heads, width] summed over heads and width to [batch, t, units]. */
static GraphValue *gathered(KerasLayer *layer, const char *name, const char *in_group,
                            GraphValue *x, int64_t heads, int64_t width, int64_t units) {
  GraphEmit *e = keras_emit(layer);
  KerasLayer part = projection(layer, name, in_group);
  GraphValue *kernel = keras_weight(&part, "", "kernel", 0, 3, (int64_t[]){heads, width, units});
  if (!kernel) return NULL;
  GraphValue *y = EMIT(e, MatMul, emit_reshape(e, x, 3, (int64_t[]){0, 0, heads * width}),
                       emit_reshape(e, kernel, 2, (int64_t[]){heads * width, units}));
  if (!keras_flag(layer, "use_bias", true)) return y;
  GraphValue *bias = keras_weight(&part, "", "bias", 1, 1, &units);
  return bias ? EMIT(e, Add, y, bias) : NULL;
}

/* How many heads, and the widths of their keys and values; the heads of keys and values each serve
 * `times` of those of the queries. */
typedef struct Heads {
  int64_t n, times, key, value, units;
  const char *group[4]; /* of query, key, value and output, where groups are named by class */
} Heads;

static bool read_heads(KerasLayer *layer, const Heads *h) {
  static const int64_t rows[] = {0, 2, 1, 3}, columns[] = {0, 2, 3, 1};
  GraphEmit *e = keras_emit(layer);
  Attended a;
  if (!operands(layer, &a)) return false;
  GraphValue *q = project(layer, "query", h->group[0], &a.query, h->n, 1, h->key);
  GraphValue *k =
      q ? project(layer, "key", h->group[1], &a.key, h->n / h->times, h->times, h->key) : NULL;
  GraphValue *v =
      k ? project(layer, "value", h->group[2], &a.value, h->n / h->times, h->times, h->value)
        : NULL;
  if (!v) return false;
  q = EMIT(e, Mul, emit_transpose(e, q, 4, rows), emit_number(e, 1 / sqrt((double)h->key)));
  GraphValue *scores = EMIT(e, MatMul, q, emit_transpose(e, k, 4, columns)), *weights;
  GraphValue *y = attend(layer, &a, scores, 4, emit_transpose(e, v, 4, rows), &weights);
  KerasValue result = a.query;
  result.dim[1] = h->units ? h->units : a.query.dim[1];
  result.graph = gathered(layer, "attention_output", h->group[3], emit_transpose(e, y, 4, rows),
                          h->n, h->value, result.dim[1]);
  return result.graph && gives(layer, result, weights, h->n, a.key.dim[0]);
}

static bool read_multi_head(KerasLayer *layer) {
  Heads h = {.n = keras_size(layer, "num_heads", -1),
             .times = 1,
             .key = keras_size(layer, "key_dim", -1),
             .group = {"query_dense", "key_dense", "value_dense", "output_dense"}};
  if (h.n < 0 || h.key < 0) return false;
  h.value = keras_size(layer, "value_dim", h.key);
  h.units = keras_option(layer, "output_shape") ? keras_size(layer, "output_shape", -1) : 0;
  bool over_time = json_array_size(keras_option(layer, "attention_axes")) <= 1 &&
                   keras_listed(layer, "attention_axes", 0, 1, 1) == 1;
  if (!over_time)
    keras_lacks(layer, E903, "`attention_axes=1` is read, with [batch, time, features] as input",
                "attends along other axes than time");
  return over_time && h.value > 0 && h.units >= 0 && read_heads(layer, &h);
}

static bool read_grouped(KerasLayer *layer) {
  int64_t shared = keras_size(layer, "num_key_value_heads", -1),
          width = keras_size(layer, "head_dim", -1);
  Heads h = {.n = keras_size(layer, "num_query_heads", -1),
             .key = width,
             .value = width,
             .group = {"_query_dense", "_key_dense", "_value_dense", "_output_dense"}};
  if (h.n < 0 || shared < 0 || width < 0) return false;
  if (h.n % shared) {
    keras_refuse(layer, E901, "has %lld heads of queries for %lld of keys", (long long)h.n,
                 (long long)shared);
    return false;
  }
  h.times = h.n / shared;
  return read_heads(layer, &h);
}

#define HEADS_OPTIONS "dropout use_bias use_gate=false"
const KerasClass keras_attention[] = {
    KERAS_CLASS(Attention, read_attention, 0, "use_scale score_mode dropout"),
    KERAS_CLASS(AdditiveAttention, read_additive, 0, "use_scale dropout"),
    KERAS_CLASS(MultiHeadAttention, read_multi_head, 0,
                "num_heads key_dim value_dim output_shape attention_axes " HEADS_OPTIONS),
    KERAS_CLASS(GroupQueryAttention, read_grouped, 0,
                "head_dim num_query_heads num_key_value_heads " HEADS_OPTIONS),
    KERAS_CLASS(GroupedQueryAttention, read_grouped, 0, /* as files of HDF5 name it */
                "head_dim num_query_heads num_key_value_heads " HEADS_OPTIONS),
    KERAS_CLASS_END};
