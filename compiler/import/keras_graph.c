/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The configuration of a Keras model to a Model. Sequential models are chains; functional models name
 * for each layer the layers it reads, in one of two forms:
 *
 *   Keras 1, 2   "inbound_nodes": [[["input_1", 0, 0, {}], ["state", 0, 0, {}]]]
 *   Keras 3      "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config":
 *                {"keras_history": ["input_1", 0, 0]}}], "kwargs": {"initial_state": [...]}}]
 *
 * Layers are imported when all they read is there, in the order of the file; what is left over waits
 * for itself in a circle. */
#include "import/keras.h"

#include "base/map.h"

#include <ctype.h>
#include <string.h>

enum { LAYERS_MAX = 4096, INPUTS_MAX = 256 };

/* A layer of a functional model. */
typedef struct Node {
  KerasLayer layer;
  json_t *inbound;
  bool done;
} Node;

typedef struct Graph {
  Keras *keras;
  Node *node;
  int n;
  Map by_name;    /* Node */
  Map class_uses; /* int: how many layers of a class were named so far, Keras 3 */
} Graph;

static void json_release(void *arg) { json_decref(arg); }

json_t *keras_json(const Keras *k, const char *what, const char *text, size_t len) {
  json_error_t error;
  json_t *root = json_loadb(text, len, JSON_DECODE_ANY, &error);
  if (!root) {
    Diag *d = foreign_report(k->diags, k->file, E901, "the %s of `%s` is not JSON", what, k->file->path);
    diag_note(d, "line %d: %s", error.line, error.text);
    return NULL;
  }
  arena_defer(k->arena, json_release, root);
  return root;
}

static const KerasClass *class_find(const char *name) {
  const KerasClass *const tables[] = {keras_layer_classes, keras_join_classes, keras_recurrent_classes};
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
      {"TFOpLambda", "a TensorFlow operation: use a Keras layer that does the same (Add, Multiply, Concatenate)"},
      {"SlicingOpLambda", "a TensorFlow operation: in .grus `slice` and `last` do it"},
      {"Attention", "attention is left out of version 1"},
      {"MultiHeadAttention", "attention is left out of version 1"},
      {"Model", "a model inside a model: build it of its layers, and save that"},
      {"Functional", "a model inside a model: build it of its layers, and save that"},
      {"Sequential", "a model inside a model: build it of its layers, and save that"},
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

bool keras_layer_import(KerasLayer *layer) {
  const KerasClass *class = class_find(layer->class_name);
  if (!class) {
    suggest(layer->class_name, keras_refuse(layer, E902, "is a layer that grus does not have"));
    return false;
  }
  size_t errors = layer->keras->diags->n_errors;
  if (class->n_in && layer->n_in != class->n_in) {
    keras_refuse(layer, E903, "reads %d values, and takes %d", layer->n_in, class->n_in);
    return false;
  }
  for (int i = 0; i < layer->n_in; i++)
    if ((layer->in[i].pad_before || layer->in[i].pad_after) && strcmp(layer->class_name, "Conv1D") != 0) {
      Diag *d = keras_refuse(layer, E902, "reads a sequence with zeros around it");
      diag_note(d, "ZeroPadding1D is known in front of Conv1D");
      return false;
    }
  if (!keras_check_options(layer, class->options) || !class->import(layer)) return false;
  return layer->keras->diags->n_errors == errors;
}

/* "BatchNormalization" to "batch_normalization", "Conv1D" to "conv1d", "LSTM" to "lstm": as Keras does. */
static const char *snake_case(Arena *arena, const char *name) {
  Text text = text_new(arena);
  for (const char *s = name; *s; s++) {
    bool upper = isupper((unsigned char)*s), after_lower = s > name && (islower((unsigned char)s[-1]));
    bool word = s > name && islower((unsigned char)s[1]) && !isdigit((unsigned char)s[-1]);
    if (upper && s > name && (after_lower || (word && s[-1] != '_')) ) text_add_char(&text, '_');
    text_add_char(&text, (char)tolower((unsigned char)*s));
  }
  return text_str(&text);
}

/* The group of a layer's weights. */
static const char *group_of(Graph *g, const KerasLayer *layer) {
  Keras *k = g->keras;
  const char *slash = *k->root ? "/" : "";
  if (!k->by_class) return arena_printf(k->arena, "%s%s%s", k->root, slash, layer->name);
  const char *stem = snake_case(k->arena, layer->class_name);
  int *uses = map_get(&g->class_uses, stem);
  if (!uses) {
    uses = ARENA_NEW(k->arena, int);
    map_put(k->arena, &g->class_uses, stem, uses);
  }
  int number = (*uses)++;
  return number ? arena_printf(k->arena, "%s%s%s_%d", k->root, slash, stem, number) : arena_printf(k->arena, "%s%s%s", k->root, slash, stem);
}

/* Fills name, class, configuration and group from a layer's object; false after reporting. */
static bool layer_read(Graph *g, json_t *object, int index, KerasLayer *out) {
  Keras *k = g->keras;
  json_t *config = json_object_get(object, "config");
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  const char *name = json_string_value(json_object_get(config, "name"));
  if (!name) name = json_string_value(json_object_get(object, "name"));
  if (!class_name || !json_is_object(config)) {
    foreign_report(k->diags, k->file, E901, "layer %d of `%s` has no class_name or no config", index, k->file->path);
    return false;
  }
  *out = (KerasLayer){.keras = k, .class_name = class_name, .config = config, .inner = ""};
  out->name = arena_strdup(k->arena, name ? name : arena_printf(k->arena, "%s_%d", snake_case(k->arena, class_name), index));
  out->origin = arena_printf(k->arena, "layer `%s`", out->name);
  out->group = group_of(g, out);
  return true;
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

static bool add_input(const KerasLayer *layer, const char *name, json_t *shape, KerasValue *out) {
  Keras *k = layer->keras;
  if (!shape_read(layer, shape, out)) return false;
  bool open = out->dim[0] < 0, sequence = out->rank > 1 || open;
  if (open && !k->options->stream && !k->options->time) {
    Diag *d = keras_refuse(layer, E904, "does not say how long its sequence is");
    diag_note(d, "say it: --stream, `--time 49` or `--time \"n <= 120\"`");
    return false;
  }
  Time time = {.kind = sequence ? TIME_FIXED : TIME_NONE, .n = open ? 1 : sequence ? out->dim[0] : 0};
  Port *port = model_input(k->model, name, foreign_type(time, out->rank - sequence, out->dim + sequence));
  out->value = port->value;
  return true;
}

static json_t *input_shape(const KerasLayer *layer) {
  json_t *shape = keras_option(layer, "batch_input_shape");
  if (!shape) shape = keras_option(layer, "batch_shape");
  return shape;
}

static bool is_input(const KerasLayer *layer) { return strcmp(layer->class_name, "InputLayer") == 0; }

static Value *output_value(Graph *g, KerasValue value, const char *name) {
  if (value.pad_before || value.pad_after) {
    foreign_report(g->keras->diags, g->keras->file, E902, "output `%s` has zeros around it: ZeroPadding1D is known in front of Conv1D", name);
    return NULL;
  }
  return value.value;
}

/* The first n outputs, states that stateful layers hand out, go behind the outputs of the model. */
static void states_last(Model *model, int n) {
  for (int i = 0; i < n; i++) {
    Port *first = model->out[0];
    memmove(model->out, model->out + 1, sizeof(Port *) * (size_t)(model->n_out - 1));
    model->out[model->n_out - 1] = first;
  }
}

static bool import_sequential(Graph *g, json_t *layers, json_t *build_shape) {
  KerasValue value = {0};
  KerasLayer layer = {0};
  bool begun = false;
  for (size_t i = 0; i < json_array_size(layers); i++) {
    if (!layer_read(g, json_array_get(layers, i), (int)i, &layer)) return false;
    json_t *shape = input_shape(&layer);
    if (!begun) {
      if (!shape) shape = build_shape;
      if (!shape) {
        keras_refuse(&layer, E904, "is the first layer, and the file does not say the shape of its input");
        return false;
      }
      if (!add_input(&layer, is_input(&layer) ? layer.name : "x", shape, &value)) return false;
      begun = true;
    }
    if (is_input(&layer)) continue;
    layer.in = &value;
    layer.n_in = 1;
    if (!keras_layer_import(&layer)) return false;
    if (layer.n_out != 1) {
      keras_refuse(&layer, E903, "returns its state inside a Sequential model");
      return false;
    }
    value = layer.out[0];
  }
  if (!begun || !value.value->layer) {
    foreign_report(g->keras->diags, g->keras->file, E901, "the model in `%s` has no layers", g->keras->file->path);
    return false;
  }
  Value *out = output_value(g, value, layer.name);
  int n_states = g->keras->model->n_out;
  if (out) model_output(g->keras->model, layer.name, out);
  if (out) states_last(g->keras->model, n_states);
  return out != NULL;
}

/* The value a reference ["name", node, index] means; NULL if it is not there (yet). */
static const KerasValue *referenced(Graph *g, json_t *reference) {
  const char *name = json_string_value(json_array_get(reference, 0));
  json_int_t index = json_integer_value(json_array_get(reference, 2));
  const Node *node = name ? map_get(&g->by_name, name) : NULL;
  if (!node || !node->done || index < 0 || index >= node->layer.n_out) return NULL;
  return &node->layer.out[index];
}

/* ["name", 0, 0, {}] or a __keras_tensor__: the reference in it; NULL if it is neither. */
static json_t *reference_of(json_t *object) {
  if (json_is_array(object) && json_array_size(object) >= 3 && json_is_string(json_array_get(object, 0))) return object;
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  if (!class_name || strcmp(class_name, "__keras_tensor__") != 0) return NULL;
  return json_object_get(json_object_get(object, "config"), "keras_history");
}

/* All references in a nest of lists; false if one of them is not there yet, or too many are. */
static bool collect(Graph *g, json_t *object, KerasValue *out, int *n, int depth) {
  json_t *reference = reference_of(object);
  if (reference) {
    const KerasValue *value = referenced(g, reference);
    if (!value || *n >= INPUTS_MAX) return false;
    out[(*n)++] = *value;
    return true;
  }
  for (size_t i = 0; i < json_array_size(object) && depth < 8; i++)
    if (!collect(g, json_array_get(object, i), out, n, depth + 1)) return false;
  return true;
}

/* x * 2 of Keras 3: one of the arguments is a number. */
static void constant_operand(KerasLayer *layer, json_t *args) {
  for (size_t i = 0; i < json_array_size(args) && json_array_size(args) == 2; i++)
    if (json_is_number(json_array_get(args, i))) {
      layer->number = json_number_value(json_array_get(args, i));
      layer->has_number = true;
      layer->number_first = i == 0;
    }
}

static bool is_recurrent(const KerasLayer *layer) {
  for (const KerasClass *c = keras_recurrent_classes; c->name; c++)
    if (strcmp(c->name, layer->class_name) == 0) return true;
  return false;
}

/* Keyword arguments of the call; false after reporting one that changes the results. */
static bool keywords_known(const KerasLayer *layer, json_t *keywords) {
  const char *name;
  json_t *value;
  json_object_foreach(keywords, name, value) {
    if (json_is_null(value) || strcmp(name, "initial_state") == 0 || strcmp(name, "training") == 0) continue;
    if (json_is_array(value) && json_array_size(value) == 0) continue;
    keras_refuse(layer, E903, "is called with `%s`, which grus does not have", name);
    return false;
  }
  return true;
}

typedef enum Wait { READY, NOT_YET, FAILED } Wait;

/* Finds what a node reads. */
static Wait node_inputs(Graph *g, Node *node) {
  KerasLayer *layer = &node->layer;
  json_t *call = json_array_get(node->inbound, 0), *keywords = json_object_get(call, "kwargs");
  KerasValue values[INPUTS_MAX], states[INPUTS_MAX];
  int n = 0, n_states = 0;
  json_t *args = json_is_object(call) ? json_object_get(call, "args") : call;
  if (!collect(g, args, values, &n, 0) || !collect(g, json_object_get(keywords, "initial_state"), states, &n_states, 0)) return NOT_YET;
  if (json_is_object(call)) constant_operand(layer, args);
  for (size_t i = 0; !keywords && i < json_array_size(call); i++) {
    json_t *own = json_array_get(json_array_get(call, i), 3); /* Keras 2: keywords behind each reference */
    if (!keywords_known(layer, own)) return FAILED;
    if (!collect(g, json_object_get(own, "initial_state"), states, &n_states, 0)) return NOT_YET;
  }
  if (!keywords_known(layer, keywords)) return FAILED;
  if (json_array_size(node->inbound) > 1) {
    Diag *d = keras_refuse(layer, E903, "is used %zu times", json_array_size(node->inbound));
    diag_note(d, "version 1 has no shared weights: save the model with one layer for each use");
    return FAILED;
  }
  int first = is_recurrent(layer) && n > 1 && !n_states ? 1 : n; /* Keras 2: states follow the sequence */
  layer->n_in = first;
  layer->in = ARENA_ARRAY(g->keras->arena, KerasValue, n);
  memcpy(layer->in, values, sizeof *values * (size_t)n);
  layer->n_states = first < n ? n - first : n_states;
  layer->states = ARENA_ARRAY(g->keras->arena, KerasValue, layer->n_states);
  memcpy(layer->states, first < n ? values + first : states, sizeof *states * (size_t)layer->n_states);
  return READY;
}

static Wait node_import(Graph *g, Node *node) {
  KerasLayer *layer = &node->layer;
  if (is_input(layer)) {
    json_t *shape = input_shape(layer);
    if (!add_input(layer, layer->name, shape, &layer->out[0])) return FAILED;
    layer->n_out = 1;
    return READY;
  }
  Wait wait = node_inputs(g, node);
  if (wait != READY) return wait;
  if (!layer->n_in) {
    keras_refuse(layer, E903, "reads nothing");
    return FAILED;
  }
  return keras_layer_import(layer) ? READY : FAILED;
}

/* False after reporting. */
static bool import_nodes(Graph *g) {
  int left = g->n, before = g->n + 1;
  while (left && left < before) {
    before = left;
    for (int i = 0; i < g->n; i++) {
      Node *node = &g->node[i];
      if (node->done) continue;
      Wait wait = node_import(g, node);
      if (wait == FAILED) return false;
      node->done = wait == READY;
      left -= node->done;
    }
  }
  for (int i = 0; i < g->n && left; i++)
    if (!g->node[i].done) {
      keras_refuse(&g->node[i].layer, E901, "reads a layer that is not there, or itself in a circle");
      return false;
    }
  return true;
}

/* [["a", 0, 0], ["b", 0, 0]], ["a", 0, 0], or {"name": ["a", 0, 0]} */
static bool import_outputs(Graph *g, json_t *outputs) {
  Keras *k = g->keras;
  bool one = reference_of(outputs) != NULL;
  size_t n = one ? 1 : json_is_object(outputs) ? json_object_size(outputs) : json_array_size(outputs);
  void *iterator = json_object_iter(outputs);
  for (size_t i = 0; i < n; i++) {
    json_t *reference = one ? outputs : iterator ? json_object_iter_value(iterator) : json_array_get(outputs, i);
    const KerasValue *value = referenced(g, reference);
    const char *name = json_string_value(json_array_get(reference, 0));
    if (!value) {
      foreign_report(k->diags, k->file, E901, "output %zu of `%s` is a layer that is not there", i, k->file->path);
      return false;
    }
    Value *out = output_value(g, *value, name);
    if (!out) return false;
    const char *field = value->value->field ? arena_printf(k->arena, "%s_%s", name, value->value->field) : arena_strdup(k->arena, name);
    model_output(k->model, field, out);
    if (iterator) iterator = json_object_iter_next(outputs, iterator);
  }
  if (n) return true;
  foreign_report(k->diags, k->file, E901, "the model in `%s` has no outputs", k->file->path);
  return false;
}

static bool import_functional(Graph *g, json_t *config) {
  Keras *k = g->keras;
  json_t *layers = json_object_get(config, "layers");
  size_t n = json_array_size(layers);
  if (!n || n > LAYERS_MAX) {
    foreign_report(k->diags, k->file, E901, "the model in `%s` has %zu layers", k->file->path, n);
    return false;
  }
  g->node = ARENA_ARRAY(k->arena, Node, n);
  for (size_t i = 0; i < n; i++) {
    Node *node = &g->node[g->n++];
    json_t *object = json_array_get(layers, i);
    if (!layer_read(g, object, (int)i, &node->layer)) return false;
    node->inbound = json_object_get(object, "inbound_nodes");
    const char *name = json_string_value(json_object_get(object, "name")); /* references use this one */
    map_put(k->arena, &g->by_name, arena_strdup(k->arena, name ? name : node->layer.name), node);
  }
  int n_states = 0;
  if (!import_nodes(g)) return false;
  n_states = k->model->n_out;
  if (!import_outputs(g, json_object_get(config, "output_layers"))) return false;
  states_last(k->model, n_states);
  return true;
}

/* The inputs in the order of the model's own list. */
static void order_inputs(Graph *g, json_t *inputs) {
  Model *model = g->keras->model;
  int at = 0;
  for (size_t i = 0; json_is_array(inputs) && !reference_of(inputs) && i < json_array_size(inputs); i++) {
    const KerasValue *value = referenced(g, json_array_get(inputs, i));
    for (int p = at; value && p < model->n_in; p++)
      if (model->in[p]->value == value->value) {
        Port *port = model->in[p];
        memmove(model->in + at + 1, model->in + at, sizeof(Port *) * (size_t)(p - at));
        model->in[at++] = port;
      }
  }
}

Foreign *keras_import(Keras *k, json_t *config, const char *version, const char *container) {
  const char *class_name = json_string_value(json_object_get(config, "class_name"));
  json_t *inner = json_object_get(config, "config");
  json_t *layers = json_is_array(inner) ? inner : json_object_get(inner, "layers");
  k->major = version[0] >= '1' && version[0] <= '9' ? version[0] - '0' : 0;
  k->minor = k->major && version[1] == '.' && version[2] >= '0' && version[2] <= '9' ? version[2] - '0' : 0;
  if (!class_name || !layers || k->major < 1 || k->major > 3) {
    Diag *d = foreign_report(k->diags, k->file, E901, "`%s` holds no Sequential or functional model of Keras 1, 2 or 3", k->file->path);
    diag_note(d, "class %s, Keras version %.20s", class_name ? class_name : "unknown", version);
    return NULL;
  }
  k->foreign = foreign_new(k->file, arena_printf(k->arena, "Keras %.20s, %s", version, container), NULL);
  k->model = k->foreign->model;
  Graph g = {.keras = k};
  bool sequential = json_is_array(inner) || strcmp(class_name, "Sequential") == 0;
  bool ok = sequential ? import_sequential(&g, layers, json_object_get(inner, "build_input_shape")) : import_functional(&g, inner);
  if (ok && !sequential) order_inputs(&g, json_object_get(inner, "input_layers"));
  return ok ? k->foreign : NULL;
}
