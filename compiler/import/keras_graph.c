/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The configuration of a Keras model to a Model: its layers by class, chains of them (Sequential),
 * and models among the layers, which are imported as their layers for each call. Functional models
 * are in keras_functional.c. */
#include "import/keras_graph.h"

#include "import/lift/lift.h"
#include "import/read/emit.h"
#include "import/read/read.h"

#include <string.h>

static bool import_nested(KerasLayer *layer);

enum { CONFIG_DEPTH_MAX = 256 };

json_t *keras_json(const Keras *k, const char *what, const char *text, size_t len) {
  json_error_t error;
  json_t *root = json_read(k->arena, text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  if (!root) {
    Diag *d =
        foreign_report(k->diags, k->file, E901, "the %s of `%s` is not JSON", what, k->file->path);
    diag_note(d, "line %d: %s", error.line, error.text);
    return NULL;
  }
  return root;
}

static const KerasClass *class_find(const char *name) {
  const KerasClass *const tables[] = {keras_layer_classes, keras_join_classes,
                                      keras_recurrent_classes};
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
    for (const KerasClass *c = tables[t]; c->name; c++)
      if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

/* The nearest thing that would work, for classes that people ask for. */
static void suggest(const char *name, Diag *d) {
  static const char *const hints[][2] = {
      {"Conv2D", "grus has Conv1D; two-dimensional layers are left out"},
      {"ConvLSTM", "grus has LSTM behind Flatten of each step"},
      {"Lambda", "a Lambda is Python code: write what it does as stages in a .grus file"},
      {"TFOpLambda",
       "a TensorFlow operation: use a Keras layer that does the same (Add, Multiply, Concatenate)"},
      {"SlicingOpLambda", "a TensorFlow operation: in .grus `slice` and `last` do it"},
      {"Attention", "in .grus `attention(q, k, v)` computes it"},
      {"MultiHeadAttention", "in .grus `attention(q, k, v)` computes it"},
      {"SeparableConv1D", "it would work as Conv1D with groups and a Conv1D of one tap"},
      {"DepthwiseConv1D", "it would work as Conv1D with groups"},
      {"Convolution1D", "save the model again with Keras 2 or newer"},
      {"Maximum", "a - b |> relu, added to b, is the larger of both"},
      {"Normalization", "it would work as BatchNormalization, or `normalize` in .grus"}};
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strncmp(name, hints[i][0], strlen(hints[i][0])) == 0) {
      diag_note(d, "%s", hints[i][1]);
      return;
    }
  diag_note(d, "if it is a layer of your own, write what it does as stages in a .grus file");
}

void keras_refuse_class(const KerasLayer *layer) {
  layer->keras->lacks_class = true;
  suggest(layer->class_name, keras_refuse(layer, E902, "is a layer that grus does not have"));
}

bool keras_layer_import(KerasLayer *layer) {
  if (keras_is_model(layer->class_name)) return import_nested(layer);
  if (layer->keras->emit) return keras_read_layer(layer);
  const KerasClass *class = class_find(layer->class_name);
  if (!class) {
    keras_refuse_class(layer);
    return false;
  }
  size_t errors = layer->keras->diags->n_errors;
  if (class->n_in && layer->n_in != class->n_in) {
    keras_refuse(layer, E903, "reads %d values, and takes %d", layer->n_in, class->n_in);
    return false;
  }
  for (int i = 0; i < layer->n_in; i++)
    if ((layer->in[i].pad_before || layer->in[i].pad_after) &&
        strcmp(layer->class_name, "Conv1D") != 0) {
      Diag *d = keras_refuse(layer, E902, "reads a sequence with zeros around it");
      diag_note(d, "ZeroPadding1D is known in front of Conv1D");
      return false;
    }
  if (!keras_check_options(layer, class->options) || !keras_mask_check(layer, class->mask) ||
      !class->import(layer))
    return false;
  keras_mask_follow(layer, class->mask);
  return layer->keras->diags->n_errors == errors;
}

/* Fills name, class, configuration and group from a layer's object; false after reporting. */
bool graph_layer_read(KerasGraph *g, json_t *object, int index, KerasLayer *out) {
  Keras *k = g->keras;
  json_t *config = json_object_get(object, "config");
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  const char *name = json_string_value(json_object_get(config, "name")),
             *module = json_string_value(json_object_get(object, "module"));
  if (!name) name = json_string_value(json_object_get(object, "name"));
  if (++k->n_reads > READS_MAX) {
    foreign_report(k->diags, k->file, E903,
                   "`%s` has more than %d layers, those of models inside counted with each call",
                   k->file->path, READS_MAX);
    return false;
  }
  if (!class_name || !json_is_object(config)) {
    foreign_report(k->diags, k->file, E901, "layer %d of `%s` has no class_name or no config",
                   index, k->file->path);
    return false;
  }
  *out = (KerasLayer){.keras = k,
                      .class_name = class_name,
                      .config = config,
                      .inner = "",
                      .own = "",
                      .part = "",
                      .depth = g->depth};
  out->is_operator = module && strncmp(module, "keras.src.ops", strlen("keras.src.ops")) == 0;
  out->name = arena_strdup(
      k->arena,
      name ? name : arena_printf(k->arena, "%s_%d", keras_snake_case(k->arena, class_name), index));
  out->group = keras_group(&g->groups, out);
  if (g->outer) {
    out->own = out->name;
    out->part =
        *g->outer->part ? arena_printf(k->arena, "%s/%s", g->outer->part, out->own) : out->own;
    out->name = arena_printf(k->arena, "%s/%s", g->outer->name, out->name);
  }
  out->origin = arena_printf(k->arena, "layer `%s`", out->name);
  return true;
}

/* Whether a layer of a configuration, or of a model in it, makes a mask. */
static bool makes_mask(json_t *object, int depth) {
  const char *key, *class_name = json_string_value(json_object_get(object, "class_name"));
  json_t *value;
  bool found =
      class_name && (strcmp(class_name, "Masking") == 0 ||
                     json_is_true(json_object_get(json_object_get(object, "config"), "mask_zero")));
  for (size_t i = 0; i < json_array_size(object) && depth && !found; i++)
    found = makes_mask(json_array_get(object, i), depth - 1);
  json_object_foreach(object, key, value) found = found || (depth && makes_mask(value, depth - 1));
  return found;
}

/* Axes behind the batch. */
static bool shape_read(const KerasLayer *layer, json_t *shape, KerasValue *out) {
  size_t n = json_array_size(shape);
  if (n < 2 || n > TYPE_MAX_AXES) {
    keras_refuse(layer, E903, "has an input without axes behind the batch, or with too many");
    return false;
  }
  out->rank = (int)n - 1;
  for (int i = 0; i < out->rank; i++) {
    json_t *dim = json_array_get(shape, (size_t)i + 1);
    int64_t size = json_is_null(dim) ? -1 : json_integer_value(dim);
    if (size == 0 || size < -1 || size > INT32_MAX || (size == -1 && i > 0)) {
      keras_refuse(layer, E904, "does not say the size of axis %d", i + 1);
      return false;
    }
    out->dim[i] = size;
  }
  return true;
}

bool keras_graph_input(const KerasLayer *layer, const char *name, json_t *shape, KerasValue *out) {
  Keras *k = layer->keras;
  if (!shape_read(layer, shape, out)) return false;
  if (k->emit) {
    keras_read_input(layer, name, out);
    return true;
  }
  bool open = out->dim[0] < 0, sequence = out->rank > 1 || open;
  if (open && !k->options->stream && !k->options->time) {
    Diag *d = keras_refuse(layer, E904, "does not say how long its sequence is");
    diag_note(d, "say it: --stream, `--time 49` or `--time \"n <= 120\"`");
    return false;
  }
  Time time = {.kind = sequence ? TIME_FIXED : TIME_NONE,
               .n = open       ? 1
                    : sequence ? out->dim[0]
                               : 0};
  Port *port =
      model_input(k->model, name, foreign_type(time, out->rank - sequence, out->dim + sequence));
  out->value = port->value;
  out->mask.padded = k->is_padded && sequence;
  return true;
}

json_t *graph_input_shape(const KerasLayer *layer) {
  json_t *shape = keras_option(layer, "batch_input_shape");
  if (!shape) shape = keras_option(layer, "batch_shape");
  return shape;
}

bool graph_is_input(const KerasLayer *layer) {
  return strcmp(layer->class_name, "InputLayer") == 0;
}

bool keras_is_there(const KerasValue *value) {
  return value->value || value->graph;
}

Value *keras_graph_output(KerasGraph *g, KerasValue value, const char *name) {
  if (value.pad_before || value.pad_after) {
    foreign_report(g->keras->diags, g->keras->file, E902,
                   "output `%s` has zeros around it: ZeroPadding1D is known in front of Conv1D",
                   name);
    return NULL;
  }
  return value.value;
}

/* The first n outputs, states that stateful layers hand out, go behind the outputs of the model. */
void graph_states_last(Model *model, int n) {
  for (int i = 0; i < n; i++) {
    Port *first = model->out[0];
    memmove(model->out, model->out + 1, sizeof(Port *) * (size_t)(model->n_out - 1));
    model->out[model->n_out - 1] = first;
  }
}

/* The layers one after another, behind `value` if there is one. False after reporting. */
static bool import_chain(KerasGraph *g, json_t *layers, json_t *build_shape, KerasValue *value,
                         const char **name) {
  KerasLayer layer = {0};
  for (size_t i = 0; i < json_array_size(layers); i++) {
    if (!graph_layer_read(g, json_array_get(layers, i), (int)i, &layer)) return false;
    json_t *shape = graph_input_shape(&layer);
    if (!keras_is_there(value)) {
      if (!shape) shape = build_shape;
      if (!shape) {
        keras_refuse(&layer, E904,
                     "is the first layer, and the file does not say the shape of its input");
        return false;
      }
      if (!keras_graph_input(&layer, graph_is_input(&layer) ? layer.name : "x", shape, value))
        return false;
    }
    if (graph_is_input(&layer)) continue;
    layer.in = value;
    layer.n_in = 1;
    if (!keras_layer_import(&layer)) return false;
    if (layer.n_out != 1) {
      keras_refuse(&layer, E903, "returns its state inside a Sequential model");
      return false;
    }
    *value = layer.out[0];
  }
  *name = layer.name;
  return true;
}

static bool import_sequential(KerasGraph *g, json_t *layers, json_t *build_shape) {
  KerasValue value = {0};
  const char *name = "";
  if (!import_chain(g, layers, build_shape, &value, &name)) return false;
  bool is_made =
      g->keras->emit ? value.graph && value.graph->node : value.value && value.value->layer;
  if (!is_made) {
    foreign_report(g->keras->diags, g->keras->file, E901, "the model in `%s` has no layers",
                   g->keras->file->path);
    return false;
  }
  if (g->keras->emit) {
    graph_output(g->keras->emit->graph, name, value.graph);
    return true;
  }
  Value *out = keras_graph_output(g, value, name);
  int n_states = g->keras->model->n_out;
  if (out) model_output(g->keras->model, name, out);
  if (out) graph_states_last(g->keras->model, n_states);
  return out != NULL;
}

static bool import_nested(KerasLayer *layer) {
  Keras *k = layer->keras;
  const char *root = k->by_class ? arena_printf(k->arena, "%s/layers", layer->group) : k->root;
  KerasGraph g = {.keras = k,
                  .groups = {.keras = k, .root = root, .outer = layer},
                  .outer = layer,
                  .depth = layer->depth + 1};
  json_t *layers =
      json_is_array(layer->config) ? layer->config : json_object_get(layer->config, "layers");
  if (g.depth > DEPTH_MAX || layer->n_states) {
    keras_refuse(layer, E903,
                 layer->n_states ? "is a model, and is called with initial states"
                                 : "is a model too deep in others");
    return false;
  }
  if (strcmp(layer->class_name, "Sequential") != 0) return graph_functional_call(&g, layer);
  KerasValue value = layer->in[0];
  const char *name = "";
  if (layer->n_in != 1) {
    keras_refuse(layer, E903, "reads %d values, and takes 1", layer->n_in);
    return false;
  }
  if (!import_chain(&g, layers, NULL, &value, &name)) return false;
  layer->out[layer->n_out++] = value;
  return true;
}

/* The format, as the summary names it; NULL after reporting that this is no model. */
static const char *format_of(Keras *k, json_t *config, const char *version, const char *container) {
  const char *class_name = json_string_value(json_object_get(config, "class_name"));
  json_t *inner = json_object_get(config, "config");
  json_t *layers = json_is_array(inner) ? inner : json_object_get(inner, "layers");
  k->major = version[0] >= '1' && version[0] <= '9' ? version[0] - '0' : 0;
  k->minor = k->major && version[1] == '.' && version[2] >= '0' && version[2] <= '9'
                 ? version[2] - '0'
                 : 0;
  k->is_tensorflow = strstr(version, "-tf") != NULL;
  if (class_name && layers && k->major >= 1 && k->major <= 3)
    return arena_printf(k->arena, "Keras %.20s, %s", version, container);
  Diag *d = foreign_report(k->diags, k->file, E901,
                           "`%s` holds no Sequential or functional model of Keras 1, 2 or 3",
                           k->file->path);
  diag_note(d, "class %s, Keras version %.20s", class_name ? class_name : "unknown", version);
  return NULL;
}

/* Walks all layers; false after reporting. */
static bool import_all(Keras *k, json_t *config) {
  const char *class_name = json_string_value(json_object_get(config, "class_name"));
  json_t *inner = json_object_get(config, "config");
  json_t *layers = json_is_array(inner) ? inner : json_object_get(inner, "layers");
  KerasGraph g = {.keras = k, .groups = {.keras = k, .root = k->root}};
  k->n_reads = 0;
  keras_scan_groups(k, layers);
  bool sequential = json_is_array(inner) || strcmp(class_name, "Sequential") == 0;
  bool ok = sequential ? import_sequential(&g, layers, json_object_get(inner, "build_input_shape"))
                       : graph_functional(&g, inner);
  if (ok && !sequential) graph_order_inputs(&g, json_object_get(inner, "input_layers"));
  return ok;
}

/* What the file computes. NULL after reporting. */
static Graph *read_graph(const Keras *model, json_t *config, const char *format, Diags *diags) {
  Keras *k = ARENA_NEW(model->arena, Keras);
  *k = *model;
  k->diags = diags;
  k->groups = (Map){0};
  k->foreign = foreign_new(k->file, format, NULL);
  k->model = k->foreign->model;
  Graph *graph = keras_graph_new(k, format);
  if (!import_all(k, config)) return NULL;
  for (int i = 0; i < k->n_carried; i++)
    graph_output(graph, k->carried[i].name, k->carried[i].value);
  return graph;
}

/* The same file once more, to a Model by its layers. */
static Keras *keras_again(const Keras *k, json_t *config, const char *format, Diags *diags) {
  Keras *again = ARENA_NEW(k->arena, Keras);
  *again = *k;
  again->diags = diags;
  again->groups = (Map){0};
  again->foreign = foreign_new(k->file, format, NULL);
  again->model = again->foreign->model;
  again->is_padded = makes_mask(config, CONFIG_DEPTH_MAX);
  return again;
}

/* The Model that the layers are, compared with the graph; NULL after reporting. */
static Foreign *import_layers(Keras *k, json_t *config, const Graph *graph) {
  if (!import_all(k, config)) return NULL;
  if (graph) return lift_verify(k->foreign, graph, k->options, k->diags);
  foreign_finish(k->foreign, k->options, k->diags); /* for what it says */
  return NULL;
}

/* Layer by layer where all of them are stages; else as the graph is. Of two refusals the first is
 * shown, unless it is of a layer that only the graph knows. */
static Foreign *import_either(Keras *k, json_t *config, const char *format, const Graph *graph) {
  Keras *layers = keras_again(k, config, format, diags_new(k->arena, k->diags->sources));
  Foreign *foreign = import_layers(layers, config, graph);
  if (foreign) return foreign;
  foreign = lift_graph(k->file, graph, k->options,
                       layers->lacks_class ? k->diags : diags_new(k->arena, k->diags->sources));
  if (foreign || layers->lacks_class) return foreign;
  return import_layers(keras_again(k, config, format, k->diags), config, graph);
}

Foreign *keras_import(Keras *k, json_t *config, const char *version, const char *container) {
  const char *format = format_of(k, config, version, container);
  if (!format) return NULL;
  if (k->only_graph) {
    k->read = read_graph(k, config, format, k->diags);
    return NULL;
  }
  const Graph *graph = read_graph(k, config, format, diags_new(k->arena, k->diags->sources));
  if (graph) return import_either(k, config, format, graph);
  Keras *layers = keras_again(k, config, format, diags_new(k->arena, k->diags->sources));
  import_layers(layers, config, NULL);
  if (layers->diags->n_errors && !layers->lacks_class)
    import_layers(keras_again(k, config, format, k->diags), config, NULL);
  else
    read_graph(k, config, format, k->diags); /* once more, to say why */
  return NULL;
}

Graph *keras_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Keras *k = ARENA_NEW(file->arena, Keras);
  *k = (Keras){.arena = file->arena,
               .file = file,
               .options = options,
               .diags = diags,
               .root = "",
               .only_graph = true};
  if (hdf5_sniff(file->data))
    keras_hdf5_open(k);
  else
    keras_zip_open(k);
  return k->read;
}
