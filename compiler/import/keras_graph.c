/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The configuration of a Keras model to a Model. Sequential models are chains; functional models name
 * for each layer the layers it reads, in one of two forms:
 *
 *   Keras 1, 2   "inbound_nodes": [[["input_1", 0, 0, {}], ["state", 0, 0, {}]]]
 *   Keras 3      "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config":
 *                {"keras_history": ["input_1", 0, 0]}}], "kwargs": {"initial_state": [...]}}]
 *
 * The second number of a reference says which call of the layer is meant: a layer called twice becomes
 * two stages of equal weights. A model among the layers is imported as its layers, for each call.
 *
 * Calls are imported when all they read is there, in the order of the file; what is left over waits
 * for itself in a circle. */
#include "import/keras.h"

#include <string.h>

enum { LAYERS_MAX = 4096, INPUTS_MAX = 256, READS_MAX = 16384, DEPTH_MAX = KERAS_MAX_DEPTH };

/* A layer of a functional model, and its calls. */
typedef struct Node {
  KerasLayer layer;
  json_t *inbound;
  KerasLayer *call;
  bool *done; /* by call */
  int n_calls;
  int64_t first[2]; /* the number of the first call, in what layers read and in the list of outputs: 1
                       for models among the layers of Keras 1 and 2, in Keras 3 in that list alone */
} Node;

typedef struct Graph {
  Keras *keras;
  KerasGroups groups;
  const KerasLayer *outer; /* the call of this model by another one; NULL */
  int depth;
  Node *node;
  int n, n_left; /* layers, and calls to be imported */
  Map by_name; /* Node */
} Graph;

static bool import_nested(KerasLayer *layer);

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
  if (keras_is_model(layer->class_name)) return import_nested(layer);
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

/* Fills name, class, configuration and group from a layer's object; false after reporting. */
static bool layer_read(Graph *g, json_t *object, int index, KerasLayer *out) {
  Keras *k = g->keras;
  json_t *config = json_object_get(object, "config");
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  const char *name = json_string_value(json_object_get(config, "name"));
  if (!name) name = json_string_value(json_object_get(object, "name"));
  if (++k->n_reads > READS_MAX) {
    foreign_report(k->diags, k->file, E903, "`%s` has more than %d layers, those of models inside counted with each call", k->file->path, READS_MAX);
    return false;
  }
  if (!class_name || !json_is_object(config)) {
    foreign_report(k->diags, k->file, E901, "layer %d of `%s` has no class_name or no config", index, k->file->path);
    return false;
  }
  *out = (KerasLayer){.keras = k, .class_name = class_name, .config = config, .inner = "", .own = "", .part = "", .depth = g->depth};
  out->name = arena_strdup(k->arena, name ? name : arena_printf(k->arena, "%s_%d", keras_snake_case(k->arena, class_name), index));
  out->group = keras_group(&g->groups, out);
  if (g->outer) {
    out->own = out->name;
    out->part = *g->outer->part ? arena_printf(k->arena, "%s/%s", g->outer->part, out->own) : out->own;
    out->name = arena_printf(k->arena, "%s/%s", g->outer->name, out->name);
  }
  out->origin = arena_printf(k->arena, "layer `%s`", out->name);
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

/* The layers one after another, behind `value` if there is one. False after reporting. */
static bool import_chain(Graph *g, json_t *layers, json_t *build_shape, KerasValue *value, const char **name) {
  KerasLayer layer = {0};
  for (size_t i = 0; i < json_array_size(layers); i++) {
    if (!layer_read(g, json_array_get(layers, i), (int)i, &layer)) return false;
    json_t *shape = input_shape(&layer);
    if (!value->value) {
      if (!shape) shape = build_shape;
      if (!shape) {
        keras_refuse(&layer, E904, "is the first layer, and the file does not say the shape of its input");
        return false;
      }
      if (!add_input(&layer, is_input(&layer) ? layer.name : "x", shape, value)) return false;
    }
    if (is_input(&layer)) continue;
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

static bool import_sequential(Graph *g, json_t *layers, json_t *build_shape) {
  KerasValue value = {0};
  const char *name = "";
  if (!import_chain(g, layers, build_shape, &value, &name)) return false;
  if (!value.value || !value.value->layer) {
    foreign_report(g->keras->diags, g->keras->file, E901, "the model in `%s` has no layers", g->keras->file->path);
    return false;
  }
  Value *out = output_value(g, value, name);
  int n_states = g->keras->model->n_out;
  if (out) model_output(g->keras->model, name, out);
  if (out) states_last(g->keras->model, n_states);
  return out != NULL;
}

/* The value a reference ["name", call, index] means; NULL if it is not there (yet). */
static const KerasValue *referenced(Graph *g, json_t *reference, bool is_output) {
  const char *name = json_string_value(json_array_get(reference, 0));
  json_int_t call = json_integer_value(json_array_get(reference, 1)), index = json_integer_value(json_array_get(reference, 2));
  const Node *node = name ? map_get(&g->by_name, name) : NULL;
  if (node) call -= node->first[is_output];
  if (!node || call < 0 || call >= node->n_calls || !node->done[call]) return NULL;
  const KerasLayer *layer = &node->call[call];
  return index >= 0 && index < layer->n_out ? &layer->out[index] : NULL;
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
    const KerasValue *value = referenced(g, reference, false);
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
    if (json_is_null(value) || strcmp(name, "initial_state") == 0 || (strcmp(name, "training") == 0 && json_is_false(value))) continue;
    if (json_is_array(value) && json_array_size(value) == 0) continue;
    keras_refuse(layer, E903, "is called with `%s`, which grus does not have", name);
    return false;
  }
  return true;
}

typedef enum Wait { READY, NOT_YET, FAILED } Wait;

/* Finds what a call reads. */
static Wait call_inputs(Graph *g, KerasLayer *layer, json_t *call) {
  json_t *keywords = json_object_get(call, "kwargs");
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
  int first = is_recurrent(layer) && n > 1 && !n_states ? 1 : n; /* Keras 2: states follow the sequence */
  layer->n_in = first;
  layer->in = ARENA_ARRAY(g->keras->arena, KerasValue, n);
  memcpy(layer->in, values, sizeof *values * (size_t)n);
  layer->n_states = first < n ? n - first : n_states;
  layer->states = ARENA_ARRAY(g->keras->arena, KerasValue, layer->n_states);
  memcpy(layer->states, first < n ? values + first : states, sizeof *states * (size_t)layer->n_states);
  return READY;
}

/* The input of the model, or what the model around it passes. */
static Wait input_import(Graph *g, KerasLayer *layer, json_t *inputs) {
  layer->n_out = 1;
  if (!g->outer) return add_input(layer, layer->name, input_shape(layer), &layer->out[0]) ? READY : FAILED;
  size_t n = reference_of(inputs) ? 1 : json_array_size(inputs);
  for (size_t i = 0; i < n && i < (size_t)g->outer->n_in; i++) {
    const char *name = json_string_value(json_array_get(reference_of(inputs) ? inputs : json_array_get(inputs, i), 0));
    if (!name || strcmp(name, layer->own) != 0) continue;
    layer->out[0] = g->outer->in[i];
    return READY;
  }
  keras_refuse(layer, E901, "is an input that the model around it does not pass");
  return FAILED;
}

static Wait call_import(Graph *g, Node *node, int i, json_t *inputs) {
  KerasLayer *layer = &node->call[i];
  *layer = node->layer;
  if (i > 0 && ++g->keras->n_reads > READS_MAX) {
    keras_refuse(layer, E903, "is called too often: %d layers are read", READS_MAX);
    return FAILED;
  }
  if (is_input(layer)) return input_import(g, layer, inputs);
  Wait wait = call_inputs(g, layer, json_array_get(node->inbound, (size_t)i));
  if (wait != READY) return wait;
  if (!layer->n_in) {
    keras_refuse(layer, E903, "reads nothing");
    return FAILED;
  }
  if (node->n_calls > 1 && keras_flag(layer, "stateful", false)) {
    keras_refuse(layer, E903, "is called %d times and keeps its state from one to the next", node->n_calls);
    return FAILED;
  }
  if (i > 0) layer->origin = arena_printf(g->keras->arena, "%s, call %d", layer->origin, i + 1);
  return keras_layer_import(layer) ? READY : FAILED;
}

/* False after reporting. */
static bool import_nodes(Graph *g, json_t *inputs) {
  for (int before = g->n_left + 1; g->n_left && g->n_left < before;) {
    before = g->n_left;
    for (int i = 0; i < g->n; i++)
      for (int k = 0; k < g->node[i].n_calls; k++) {
        Node *node = &g->node[i];
        if (node->done[k]) continue;
        Wait wait = call_import(g, node, k, inputs);
        if (wait == FAILED) return false;
        node->done[k] = wait == READY;
        g->n_left -= node->done[k];
      }
  }
  for (int i = 0; i < g->n; i++)
    for (int k = 0; k < g->node[i].n_calls; k++)
      if (!g->node[i].done[k]) {
        keras_refuse(&g->node[i].layer, E901, "reads a layer that is not there, or itself in a circle");
        return false;
      }
  return true;
}

/* Output i of [["a", 0, 0], ["b", 0, 0]], ["a", 0, 0], or {"name": ["a", 0, 0]}; NULL: there is none. */
static json_t *output_at(json_t *outputs, size_t i) {
  if (reference_of(outputs)) return i ? NULL : outputs;
  if (!json_is_object(outputs)) return json_array_get(outputs, i);
  void *at = json_object_iter(outputs);
  for (; i && at; i--)
    at = json_object_iter_next(outputs, at);
  return at ? json_object_iter_value(at) : NULL;
}

static bool import_outputs(Graph *g, json_t *outputs) {
  Keras *k = g->keras;
  size_t n = 0;
  for (json_t *reference = output_at(outputs, 0); reference; reference = output_at(outputs, ++n)) {
    const KerasValue *value = referenced(g, reference, true);
    const char *name = json_string_value(json_array_get(reference, 0));
    if (!value) {
      foreign_report(k->diags, k->file, E901, "output %zu of `%s` is a layer that is not there", n, k->file->path);
      return false;
    }
    Value *out = output_value(g, *value, name);
    if (!out) return false;
    const char *field = value->value->field ? arena_printf(k->arena, "%s_%s", name, value->value->field) : arena_strdup(k->arena, name);
    model_output(k->model, field, out);
  }
  if (n) return true;
  foreign_report(k->diags, k->file, E901, "the model in `%s` has no outputs", k->file->path);
  return false;
}

/* The lowest call of a layer that anything refers to, over a nest of lists and objects. */
static void find_first(Graph *g, json_t *object, int depth) {
  json_t *reference = reference_of(object), *value;
  const char *name = reference ? json_string_value(json_array_get(reference, 0)) : NULL, *key;
  Node *node = name ? map_get(&g->by_name, name) : NULL;
  json_int_t call = json_integer_value(json_array_get(reference, 1));
  if (node && call >= 0 && call < node->first[0]) node->first[0] = node->first[1] = call;
  if (depth > 2 * DEPTH_MAX) return;
  for (size_t i = 0; i < json_array_size(object); i++)
    find_first(g, json_array_get(object, i), depth + 1);
  json_object_foreach(object, key, value) find_first(g, value, depth + 1);
}

/* Reads the layers and their calls; false after reporting. */
static bool read_nodes(Graph *g, json_t *config) {
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
    size_t calls = is_input(&node->layer) ? 1 : json_array_size(node->inbound);
    node->n_calls = calls && calls <= LAYERS_MAX ? (int)calls : 1;
    node->call = ARENA_ARRAY(k->arena, KerasLayer, node->n_calls);
    node->done = ARENA_ARRAY(k->arena, bool, node->n_calls);
    bool functional = keras_is_model(node->layer.class_name) && strcmp(node->layer.class_name, "Sequential") != 0;
    node->first[0] = k->major > 2 ? 0 : INT64_MAX;
    node->first[1] = k->major > 2 ? functional : INT64_MAX;
    g->n_left += node->n_calls;
    const char *name = json_string_value(json_object_get(object, "name")); /* references use this one */
    map_put(k->arena, &g->by_name, arena_strdup(k->arena, name ? name : node->layer.name), node);
  }
  for (int i = 0; i < g->n && k->major < 3; i++)
    find_first(g, g->node[i].inbound, 0);
  if (k->major < 3) find_first(g, json_object_get(config, "output_layers"), 0);
  return true;
}

static void note_copies(Graph *g) {
  for (int i = 0; i < g->n; i++)
    if (g->node[i].n_calls > 1)
      foreign_note(g->keras->foreign, "`%s` is called %d times: each call has a copy of its weights", g->node[i].layer.name, g->node[i].n_calls);
}

static bool import_functional(Graph *g, json_t *config) {
  Keras *k = g->keras;
  if (!read_nodes(g, config) || !import_nodes(g, json_object_get(config, "input_layers"))) return false;
  int n_states = k->model->n_out;
  if (!import_outputs(g, json_object_get(config, "output_layers"))) return false;
  states_last(k->model, n_states);
  note_copies(g);
  return true;
}

/* A functional model among the layers: its outputs become those of the call. */
static bool import_nested_functional(Graph *g, KerasLayer *layer) {
  if (!read_nodes(g, layer->config) || !import_nodes(g, json_object_get(layer->config, "input_layers"))) return false;
  json_t *outputs = json_object_get(layer->config, "output_layers"), *reference;
  for (size_t i = 0; (reference = output_at(outputs, i)) != NULL; i++) {
    const KerasValue *value = referenced(g, reference, true);
    if (!value || i >= KERAS_MAX_OUT) {
      keras_refuse(layer, value ? E903 : E901, value ? "is a model inside a model, of more than %d outputs" : "has an output that is not there", KERAS_MAX_OUT);
      return false;
    }
    layer->out[layer->n_out++] = *value;
  }
  note_copies(g);
  if (!layer->n_out) keras_refuse(layer, E901, "is a model without outputs");
  return layer->n_out > 0;
}

static bool import_nested(KerasLayer *layer) {
  Keras *k = layer->keras;
  const char *root = k->by_class ? arena_printf(k->arena, "%s/layers", layer->group) : k->root;
  Graph g = {.keras = k, .groups = {.keras = k, .root = root, .outer = layer}, .outer = layer, .depth = layer->depth + 1};
  json_t *layers = json_is_array(layer->config) ? layer->config : json_object_get(layer->config, "layers");
  if (g.depth > DEPTH_MAX || layer->n_states) {
    keras_refuse(layer, E903, layer->n_states ? "is a model, and is called with initial states" : "is a model too deep in others");
    return false;
  }
  if (strcmp(layer->class_name, "Sequential") != 0) return import_nested_functional(&g, layer);
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

/* The inputs in the order of the model's own list. */
static void order_inputs(Graph *g, json_t *inputs) {
  Model *model = g->keras->model;
  int at = 0;
  for (size_t i = 0; json_is_array(inputs) && !reference_of(inputs) && i < json_array_size(inputs); i++) {
    const KerasValue *value = referenced(g, json_array_get(inputs, i), false);
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
  Graph g = {.keras = k, .groups = {.keras = k, .root = k->root}};
  keras_scan_groups(k, layers);
  bool sequential = json_is_array(inner) || strcmp(class_name, "Sequential") == 0;
  bool ok = sequential ? import_sequential(&g, layers, json_object_get(inner, "build_input_shape")) : import_functional(&g, inner);
  if (ok && !sequential) order_inputs(&g, json_object_get(inner, "input_layers"));
  return ok ? k->foreign : NULL;
}
