/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The configuration of a Keras model to a graph: its layers in order, chains of them (Sequential),
 * and models among the layers, which are read as their layers for each call. Functional models are
 * in functional.c. */
#include "import/read/keras/walk.h"

#include "base/text.h"
#include "import/json_read.h"
#include "import/read/read.h"

#include <string.h>

enum {
  FOLDS = 1 << 26, /* elements that may be computed while reading */
  CONFIG_DEPTH_MAX = 256
};

/* Whether an object of Keras 3 is of a class that the program itself defines, by its own words. */
static bool is_own(json_t *object) {
  static const char *const packages[] = {"keras", "tf_keras", "tensorflow"};
  const char *module = json_string_value(json_object_get(object, "module"));
  if (!json_is_string(json_object_get(object, "registered_name"))) return false;
  for (size_t i = 0; module && i < sizeof packages / sizeof *packages; i++)
    if (strncmp(module, packages[i], strlen(packages[i])) == 0) return false;
  return true;
}

/* Gives classes of the program that have the name of one of Keras their names with the package, as
 * "Custom>ReLU". */
static void name_own(const Keras *k, json_t *nest, int depth) {
  const char *name, *class_name = json_string_value(json_object_get(nest, "class_name"));
  json_t *value;
  size_t len = class_name ? strlen(class_name) : 0, cell = strlen("Cell");
  bool known = class_name && (keras_class_find(class_name) ||
                              (len > cell && strcmp(class_name + len - cell, "Cell") == 0));
  if (known && is_own(nest)) {
    const char *own = json_string_value(json_object_get(nest, "registered_name"));
    json_error_t error;
    Text text = text_new(k->arena);
    text_add_json(&text, strchr(own, '>') ? own : arena_printf(k->arena, "Custom>%s", own));
    json_t *renamed = json_read(k->arena, text_str(&text), text.len, JSON_DECODE_ANY, &error);
    if (renamed) json_put(k->arena, nest, "class_name", renamed);
  }
  if (depth == CONFIG_DEPTH_MAX) return;
  for (size_t i = 0; i < json_array_size(nest); i++)
    name_own(k, json_array_get(nest, i), depth + 1);
  json_object_foreach(nest, name, value) name_own(k, value, depth + 1);
}

json_t *keras_json(const Keras *k, const char *what, const char *text, size_t len) {
  json_error_t error;
  json_t *root = json_read(k->arena, text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  if (!root) {
    Diag *d =
        foreign_report(k->diags, k->file, E901, "the %s of `%s` is not JSON", what, k->file->path);
    diag_note(d, "line %d: %s", error.line, error.text);
    return NULL;
  }
  name_own(k, root, 0);
  return root;
}

/* Fills name, class, configuration and group from a layer's object; false after reporting. */
bool graph_layer_read(KerasGraph *g, json_t *object, int index, KerasLayer *out) {
  Keras *k = g->keras;
  json_t *config = json_object_get(object, "config");
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  const char *name = json_string_value(json_object_get(config, "name")),
             *module = json_string_value(json_object_get(object, "module"));
  if (!name) name = json_string_value(json_object_get(object, "name"));
  if (++k->n_reads > READS_MAX)
    return foreign_lacks(
        k->diags, k->file, E903,
        "import its parts as models of their own: `keras.Model(inputs, "
        "outputs).save(\"part.keras\")`",
        "`%s` has more than %d layers, those of models inside counted with each call",
        k->file->path, READS_MAX);
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
  return true;
}

/* Axes after the batch. */
static bool shape_read(const KerasLayer *layer, json_t *shape, KerasValue *out) {
  size_t n = json_array_size(shape);
  if (n < 2 || n > TYPE_MAX_AXES) {
    keras_lacks(
        layer, E903,
        arena_printf(layer->keras->arena,
                     "a model can have inputs of 1 to %d axes after the batch: `keras.Input((1,))`",
                     TYPE_MAX_AXES - 1),
        "has an input without axes after the batch, or with too many");
    return false;
  }
  out->rank = (int)n - 1;
  for (int i = 0; i < out->rank; i++) {
    json_t *dim = json_array_get(shape, (size_t)i + 1);
    int64_t size = json_is_null(dim) ? -1 : json_integer_value(dim);
    if (size == 0 || size < -1 || size > INT32_MAX || (size == -1 && i > 0)) {
      keras_lacks(layer, E904,
                  "say it in the input of the model, as in `keras.Input((None, 3))`, where only "
                  "the length of a sequence stays open",
                  "does not say the size of axis %d", i + 1);
      return false;
    }
    out->dim[i] = size;
  }
  return true;
}

bool keras_graph_input(const KerasLayer *layer, const char *name, json_t *shape, KerasValue *out) {
  if (!shape_read(layer, shape, out)) return false;
  keras_read_input(layer, name, out);
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

static bool read_nested(KerasLayer *layer);

bool keras_layer_read(KerasLayer *layer) {
  return keras_is_model(layer->class_name) ? read_nested(layer) : keras_read_layer(layer);
}

/* The layers one after another, after `value` if there is one. False after reporting. */
static bool read_chain(KerasGraph *g, json_t *layers, json_t *build_shape, KerasValue *value,
                       const char **name) {
  KerasLayer layer = {0};
  for (size_t i = 0; i < json_array_size(layers); i++) {
    if (!graph_layer_read(g, json_array_get(layers, i), (int)i, &layer)) return false;
    json_t *shape = graph_input_shape(&layer);
    if (!value->graph) {
      if (!shape) shape = build_shape;
      if (!shape) {
        keras_lacks(&layer, E904,
                    "build the model before you save it: `model.build((None, steps, features))`",
                    "is the first layer, and the file does not say the shape of its input");
        return false;
      }
      if (!keras_graph_input(&layer, graph_is_input(&layer) ? layer.name : "x", shape, value))
        return false;
    }
    if (graph_is_input(&layer)) continue;
    layer.in = value;
    layer.n_in = 1;
    if (!keras_layer_read(&layer)) return false;
    if (layer.n_out != 1) {
      keras_lacks(
          &layer, E903,
          "leave out `return_state`, or build the model from `keras.Input` with `keras.Model`",
          "returns its state inside a Sequential model, which passes on one value");
      return false;
    }
    *value = layer.out[0];
  }
  *name = layer.name;
  return true;
}

static bool read_sequential(KerasGraph *g, json_t *layers, json_t *build_shape) {
  KerasValue value = {0};
  const char *name = "";
  if (!read_chain(g, layers, build_shape, &value, &name)) return false;
  if (value.graph && value.graph->node) {
    graph_output(g->keras->emit->graph, name, value.graph);
    return true;
  }
  foreign_report(g->keras->diags, g->keras->file, E901, "the model in `%s` has no layers",
                 g->keras->file->path);
  return false;
}

static bool read_nested(KerasLayer *layer) {
  Keras *k = layer->keras;
  const char *root = k->by_class ? arena_printf(k->arena, "%s/layers", layer->group) : k->root;
  KerasGraph g = {.keras = k,
                  .groups = {.keras = k, .root = root, .outer = layer},
                  .outer = layer,
                  .depth = layer->depth + 1};
  json_t *layers =
      json_is_array(layer->config) ? layer->config : json_object_get(layer->config, "layers");
  if (g.depth > DEPTH_MAX || layer->n_states) {
    keras_lacks(layer, E903,
                layer->n_states
                    ? "give the states to the layer inside the model, without a model around it"
                    : "call the layers of the inner models in one `keras.Model`",
                layer->n_states ? "is a model that is called with initial states"
                                : "is a model that is nested too deeply");
    return false;
  }
  if (strcmp(layer->class_name, "Sequential") != 0) return graph_functional_call(&g, layer);
  KerasValue value = layer->in[0];
  const char *name = "";
  if (layer->n_in != 1) {
    keras_lacks(layer, E903, "a `keras.Model` takes several inputs; a `Sequential` takes one",
                "reads %d values; it takes 1", layer->n_in);
    return false;
  }
  if (!read_chain(&g, layers, NULL, &value, &name)) return false;
  layer->out[layer->n_out++] = value;
  return true;
}

/* The number in front of a text, 0 if there is none. */
static int minor_of(const char *digits) {
  enum { MOST = 9999, TEN = 10 };
  int number = 0;
  for (; *digits >= '0' && *digits <= '9' && number <= MOST; digits++)
    number = number * TEN + (*digits - '0');
  return number;
}

/* The format, as the summary names it; NULL after reporting that this is no model. */
static const char *format_of(Keras *k, json_t *config, const char *version, const char *container) {
  const char *class_name = json_string_value(json_object_get(config, "class_name"));
  json_t *inner = json_object_get(config, "config");
  json_t *layers = json_is_array(inner) ? inner : json_object_get(inner, "layers");
  k->major = version[0] >= '1' && version[0] <= '9' ? version[0] - '0' : 0;
  k->minor = k->major && version[1] == '.' ? minor_of(version + 2) : 0;
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
static bool read_all(Keras *k, json_t *config) {
  const char *class_name = json_string_value(json_object_get(config, "class_name"));
  json_t *inner = json_object_get(config, "config");
  json_t *layers = json_is_array(inner) ? inner : json_object_get(inner, "layers");
  KerasGraph g = {.keras = k, .groups = {.keras = k, .root = k->root}};
  keras_scan_groups(k, layers);
  bool sequential = json_is_array(inner) || strcmp(class_name, "Sequential") == 0;
  bool ok = sequential ? read_sequential(&g, layers, json_object_get(inner, "build_input_shape"))
                       : graph_functional(&g, inner);
  if (ok && !sequential) graph_order_inputs(&g, json_object_get(inner, "input_layers"));
  return ok;
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

Graph *keras_walk(Keras *k, json_t *config, const char *version, const char *container) {
  const char *format = format_of(k, config, version, container);
  if (!format) return NULL;
  Graph *graph = graph_new(k->arena, foreign_numbers(k->file), k->file->path);
  graph->format = format;
  graph->names_layers = true;
  k->emit = ARENA_NEW(k->arena, GraphEmit);
  *k->emit =
      (GraphEmit){.graph = graph, .name = "", .source = "", .folds = ARENA_NEW(k->arena, int64_t)};
  *k->emit->folds = FOLDS;
  k->is_masked = makes_mask(config, CONFIG_DEPTH_MAX);
  if (!read_all(k, config)) return NULL;
  for (int i = 0; i < k->n_carried; i++)
    graph_output(graph, k->carried[i].name, k->carried[i].value);
  return graph;
}

Graph *keras_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Keras *k = ARENA_NEW(file->arena, Keras);
  *k = (Keras){.arena = file->arena, .file = file, .options = options, .diags = diags, .root = ""};
  return hdf5_sniff(file->data) ? keras_hdf5_graph(k) : keras_zip_graph(k);
}
