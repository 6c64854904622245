/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* In, a layer and what it reads; out, nodes of the graph. */
#include "import/read/keras/keras.h"

#include <string.h>

static const char *const masks[] = {
#define KERAS_MASK(layer, mask, gives) #layer,
#include "import/read/keras/masks.def"
#undef KERAS_MASK
};

const KerasClass *const keras_tables[] = {
    keras_layers,    keras_norms,     keras_windows,   keras_pools, keras_joins,  keras_products,
    keras_attention, keras_recurrent, keras_operators, keras_moves, keras_lambda, NULL};

const KerasClass *keras_class_find(const char *name) {
  for (int t = 0; keras_tables[t]; t++)
    for (const KerasClass *c = keras_tables[t]; c->name; c++)
      if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

/* What to do about a layer of the program. */
static const char *own_layer(const KerasLayer *layer, bool sure) {
  return arena_printf(layer->keras->arena,
                      "%s write what it does as stages: `grus import %s --template` begins a model "
                      "with the weights",
                      sure ? "it is your own layer:" : "if it is your own layer,",
                      layer->keras->file->path);
}

/* The closest supported alternative, for classes that people use, by the beginning of their name.
 */
static const char *nearest(const KerasLayer *layer) {
  static const char *const hints[][2] = {
      {"ConvLSTM3D", "ConvLSTM1D and ConvLSTM2D are read"},
      {"Conv3D", "Conv1D and Conv2D are read, and their transposed ones"},
      {"MaxPooling3D", "pools along one axis and along two are read"},
      {"AveragePooling3D", "pools along one axis and along two are read"},
      {"GlobalMaxPooling3D", "a `Reshape` to two axes before GlobalMaxPooling1D is read"},
      {"GlobalAveragePooling3D", "a `Reshape` to two axes before GlobalAveragePooling1D is read"},
      {"Adaptive", "the same pool with `pool_size` and `strides` in numbers is read"},
      {"UpSampling2D", "`ops.repeat(x, 2, axis=1)` and the same along axis 2 are read, of which "
                       "`interpolation=\"nearest\"` consists"},
      {"ZeroPadding2D", "`padding=\"same\"` of a Conv2D pads, too, and so does a Concatenate with "
                        "`ops.zeros_like(x[:, :1])`"},
      {"Cropping2D", "slices are read, as in `x[:, 1:-1, 1:-1]`"},
      {"SpectralNormalization", "put the layer that it holds in its place, `wrapper.layer`, whose "
                                "weights are those after training"},
      {"ReversibleEmbedding", "`Embedding`, and a Dense for the way back, are read"},
      {"TimeDistributedDense", "load the model in Keras 2, and save it again"},
      {"CategoryEncoding", "use an Embedding, or `ops.one_hot`"}};
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strncmp(layer->class_name, hints[i][0], strlen(hints[i][0])) == 0) return hints[i][1];
  bool known = false;
  for (int row = 0; row < KERAS_MASK_COUNT; row++)
    known = known || strcmp(layer->class_name, masks[row]) == 0;
  if (known || layer->is_operator) return keras_cut(layer);
  return own_layer(layer, strchr(layer->class_name, '>') != NULL);
}

/* Keras 1 computed with Theano or TensorFlow, and its files do not say with which. */
static bool refuse_class(const KerasLayer *layer) {
  if (strstr(layer->class_name, "Convolution1D") || strstr(layer->class_name, "Convolution2D"))
    return keras_lacks(
        layer, E904,
        "load the model in Keras 2 with the backend that trained it, and save it again",
        "is of Keras 1, whose files do not say which backend trained them: Theano reverses "
        "kernels, "
        "TensorFlow does not");
  return keras_lacks(layer, E902, nearest(layer), "is not supported");
}

/* Whether the file gives none of three or more options that Keras writes with every layer of the
 * class: then it is a layer of the program with the name of one of Keras, which files before Keras
 * 3 do not tell apart. Old versions have other layers without their one or two options. */
static bool lacks_options(const KerasLayer *layer, const char *options) {
  char name[64];
  size_t len;
  const char *second = strchr(options, ' ');
  if (!second || !strchr(second + 1, ' ') || layer->is_operator || layer->keras->major < 2)
    return false;
  for (; *options; options += len + strcspn(options + len, " "), options += *options == ' ') {
    len = strcspn(options, " =");
    if (len >= sizeof name) return false;
    memcpy(name, options, len);
    name[len] = '\0';
    if (json_object_get(layer->config, name)) return false;
  }
  return true;
}

bool keras_read_layer(KerasLayer *layer) {
  const KerasClass *class = keras_class_find(layer->class_name);
  if (!class) return refuse_class(layer);
  size_t errors = layer->keras->diags->n_errors;
  if (class->n_in && layer->n_in != class->n_in) {
    keras_lacks(layer, E903, keras_cut(layer), "reads %d values; it takes %d", layer->n_in,
                class->n_in);
    return false;
  }
  if (lacks_options(layer, class->options))
    return keras_lacks(layer, E902, own_layer(layer, false),
                       "has none of the options that Keras writes for this class");
  if (!keras_check_options(layer, class->options)) return false;
  GraphEmit *e = keras_emit(layer), outer = *e;
  e->name = layer->name;
  e->source = layer->class_name;
  e->masked = keras_masks_words(layer, class->mask);
  bool ok = class->read(layer);
  *e = outer;
  if (ok) keras_masks_follow(layer, class->mask);
  return ok && layer->keras->diags->n_errors == errors;
}

/* The length that --time gives sequences; GRAPH_OPEN: none, or a bound. */
static int64_t wished_length(const ImportOptions *options) {
  int64_t n = 0;
  const char *s = options->time;
  for (; s && *s >= '0' && *s <= '9' && n < INT32_MAX; s++)
    n = n * 10 + (*s - '0');
  return s && !*s && n > 0 ? n : GRAPH_OPEN;
}

void keras_is_sequence(const KerasLayer *layer, GraphInput *in, KerasValue *value) {
  const ImportOptions *o = layer->keras->options;
  bool asked = o->time || o->stream;
  int64_t own = value->dim[0] < 0 ? 0 : value->dim[0];
  if (asked) value->dim[0] = wished_length(o);
  in->dim[1] = (GraphDim){.n = value->dim[0] < 0 ? GRAPH_OPEN : value->dim[0],
                          .own = value->dim[0] < 0 ? own : 0,
                          .role = GRAPH_ROLE_TIME};
  if (value->dim[0] < 0)
    in->dim[1].symbol = asked ? "time" : arena_printf(layer->keras->arena, "time of %s", in->name);
}

void keras_read_input(const KerasLayer *layer, const char *name, KerasValue *value) {
  Keras *k = layer->keras;
  const char *type = json_string_value(keras_option(layer, "dtype"));
  GraphElem elem = type && strcmp(type, "bool") == 0 ? GRAPH_BOOL : GRAPH_FLOAT;
  GraphInput *in = graph_input(k->emit->graph, arena_strdup(k->arena, name), elem);
  in->rank = value->rank + 1;
  in->dim[0] = (GraphDim){.n = GRAPH_OPEN, .symbol = "batch", .role = GRAPH_ROLE_BATCH};
  for (int i = 0; i < value->rank; i++)
    in->dim[i + 1] = (GraphDim){.n = value->dim[i]};
  if (value->rank > 1 || value->dim[0] < 0) keras_is_sequence(layer, in, value);
  value->graph = in->value;
}

GraphValue *keras_weight(KerasLayer *layer, const char *side, const char *leaf, int number,
                         int rank, const int64_t *dim) {
  Hdf5Tensor t;
  if (!keras_tensor(layer, side, leaf, number, &t)) return NULL;
  int64_t want[TENSOR_MAX_RANK];
  for (int i = 0; i < rank; i++)
    want[i] = dim[i] < 0 && i < t.rank ? t.dim[i] : dim[i];
  if (!keras_shape_is(layer, &t, leaf, rank, want)) return NULL;
  GraphNumbers to;
  GraphTensor *tensor = graph_tensor_of(foreign_numbers(layer->keras->file), GRAPH_FLOAT, t.rank,
                                        t.dim, INT32_MAX, true, &to);
  if (!tensor || tensor->count != t.count) {
    keras_refuse(layer, E901, "has a tensor `%s` that is too large", leaf);
    return NULL;
  }
  for (int64_t i = 0; i < t.count; i++)
    graph_put(&to, i, (double)t.data[i]);
  return graph_constant(keras_emit(layer)->graph, leaf, tensor);
}

bool keras_gives(KerasLayer *layer, KerasValue value) {
  if (layer->n_out == KERAS_MAX_OUT) {
    keras_lacks(layer, E903, "leave out `return_state`, or merge its results in the layer",
                "has more than %d results", KERAS_MAX_OUT);
    return false;
  }
  value.field = NULL;
  if (!*value.graph->name && value.graph->node) value.graph->name = layer->name;
  layer->out[layer->n_out++] = value;
  return true;
}

bool keras_gives_state(KerasLayer *layer, GraphValue *graph, int64_t units, const char *field) {
  if (!keras_gives(layer, (KerasValue){.graph = graph, .rank = 1, .dim = {units}})) return false;
  layer->out[layer->n_out - 1].field = field;
  return true;
}

bool keras_gives_like(KerasLayer *layer, GraphValue *graph) {
  KerasValue value = layer->in[0];
  value.graph = graph;
  return graph && keras_gives(layer, value);
}

GraphNode *keras_node(const KerasLayer *layer, GraphOp op, int n_in, GraphValue *const *in) {
  return emit_node(keras_emit(layer), op, n_in, in, 1);
}

GraphValue *keras_number_call(KerasLayer *layer, GraphOp op, GraphValue *x, GraphAttributeName name,
                              double number) {
  GraphNode *node = keras_node(layer, op, 1, &x);
  graph_set_number(keras_emit(layer)->graph, node, name, number);
  return emit_done(keras_emit(layer), node);
}
