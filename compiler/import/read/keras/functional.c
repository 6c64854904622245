/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functional models name for each layer the layers it reads, in one of two forms:
 *
 *   Keras 1, 2   "inbound_nodes": [[["input_1", 0, 0, {}], ["state", 0, 0, {}]]]
 *   Keras 3      "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config":
 *                {"keras_history": ["input_1", 0, 0]}}], "kwargs": {"initial_state": [...]}}]
 *
 * The second number of a reference says which call of the layer is meant: a layer called twice
 * becomes two stages of equal weights.
 *
 * A call is read, in the order of the file, as soon as all values that it needs have been read. If
 * no further call can be read, the others form a cycle, which is an error. */
#include "import/read/keras/walk.h"

#include <string.h>

/* The value of a reference ["name", call, index]; NULL if it does not exist, or not yet. */
static const KerasValue *referenced(KerasGraph *g, json_t *reference, bool is_output) {
  const char *name = json_string_value(json_array_get(reference, 0));
  json_int_t call = json_integer_value(json_array_get(reference, 1)),
             index = json_integer_value(json_array_get(reference, 2));
  const KerasNode *node = name ? map_get(&g->by_name, name) : NULL;
  if (node) call -= node->first[is_output];
  if (!node || call < 0 || call >= node->n_calls || !node->done[call]) return NULL;
  const KerasLayer *layer = &node->call[call];
  return index >= 0 && index < layer->n_out ? &layer->out[index] : NULL;
}

/* ["name", 0, 0, {}] or a __keras_tensor__: the reference in it; NULL if it is neither. */
static json_t *reference_of(json_t *object) {
  if (json_is_array(object) && json_array_size(object) >= 3 &&
      json_is_string(json_array_get(object, 0)))
    return object;
  const char *class_name = json_string_value(json_object_get(object, "class_name"));
  if (!class_name || strcmp(class_name, "__keras_tensor__") != 0) return NULL;
  return json_object_get(json_object_get(object, "config"), "keras_history");
}

/* The values of a call, or a part of them. */
typedef struct Collected {
  const KerasLayer *layer;
  KerasValue value[INPUTS_MAX];
  int n;
  int n_arrays; /* of these values */
} Collected;

/* All references in a nest of lists, and the arrays that the layer takes; false if one of them is
 * not there yet, or too many are. */
static bool collect(KerasGraph *g, json_t *object, Collected *out, int depth) {
  json_t *reference = reference_of(object);
  const KerasValue *value = reference ? referenced(g, reference, false) : NULL;
  KerasValue array;
  if (reference && !value) return false;
  if (!reference && keras_array_value(g, out->layer, object, &array)) {
    value = &array;
    out->n_arrays++;
  }
  if (value && out->n >= INPUTS_MAX) return false;
  if (value) {
    out->value[out->n++] = *value;
    return true;
  }
  for (size_t i = 0; i < json_array_size(object) && depth < 8; i++)
    if (!collect(g, json_array_get(object, i), out, depth + 1)) return false;
  return true;
}

bool keras_is_constant(json_t *reference) {
  const char *name = json_string_value(json_array_get(reference, 0));
  return name && strcmp(name, "_CONSTANT_VALUE") == 0;
}

json_t *keras_first_reference(json_t *call) {
  return reference_of(call) ? call : json_array_get(call, 0);
}

/* What a TFOpLambda reads: its first argument, then the values among those with names, which stand
 * behind it. */
static bool collect_operation(KerasGraph *g, json_t *call, Collected *out) {
  json_t *first = keras_first_reference(call), *value;
  const char *name;
  if (!keras_is_constant(first) && !collect(g, call, out, 0)) return false;
  json_object_foreach(json_array_get(first, json_array_size(first) - 1), name, value) {
    if (!collect(g, value, out, 0)) return false;
  }
  return true;
}

/* Values that a call may also name: attention(query=q, value=v). */
static const char *const named_inputs[] = {"query", "value", "key"};

static bool collect_named(KerasGraph *g, json_t *keywords, Collected *out) {
  for (size_t i = 0; i < sizeof named_inputs / sizeof *named_inputs; i++)
    if (!collect(g, json_object_get(keywords, named_inputs[i]), out, 0)) return false;
  return true;
}

static bool in_table(const KerasClass *table, const KerasLayer *layer) {
  for (; table->name; table++)
    if (strcmp(table->name, layer->class_name) == 0) return true;
  return false;
}

static bool attention_reads(const KerasLayer *layer, const char *name) {
  bool known = strcmp(name, "use_causal_mask") == 0 || strcmp(name, "return_attention_scores") == 0;
  for (size_t i = 0; i < sizeof named_inputs / sizeof *named_inputs; i++)
    known = known || strcmp(name, named_inputs[i]) == 0;
  return known && in_table(keras_attention, layer);
}

/* A reference anywhere in a nest of lists. */
static bool holds_reference(json_t *nest, int depth) {
  if (reference_of(nest)) return true;
  for (size_t i = 0; i < json_array_size(nest) && depth < DEPTH_MAX; i++)
    if (holds_reference(json_array_get(nest, i), depth + 1)) return true;
  return false;
}

/* Keyword arguments of the call; false after reporting one that changes the results. A mask is one
 * value; a list of them, one for each input, is not read. */
static bool keywords_known(const KerasLayer *layer, json_t *keywords) {
  const char *name;
  json_t *value;
  json_object_foreach(keywords, name, value) {
    bool read =
        attention_reads(layer, name) ||
        (strcmp(name, "mask") == 0 && (reference_of(value) || !holds_reference(value, 0))) ||
        (strcmp(name, "slice_spec") == 0 && strcmp(layer->class_name, "SlicingOpLambda") == 0);
    if (read || json_is_null(value) || strcmp(name, "initial_state") == 0 ||
        (strcmp(name, "training") == 0 && json_is_false(value)))
      continue;
    if (json_is_array(value) && json_array_size(value) == 0) continue;
    keras_lacks(layer, E903, keras_cut(layer), "is called with `%s`, which is not supported", name);
    return false;
  }
  return true;
}

/* Arguments of a call of Keras 3 by their places: a value after a None is no input, but a mask or
 * the like. False after reporting one. */
static bool places_known(const KerasLayer *layer, json_t *args) {
  bool none = false;
  for (size_t i = 0; i < json_array_size(args); i++) {
    json_t *value = json_array_get(args, i);
    if (none && holds_reference(value, 0)) {
      keras_lacks(
          layer, E903,
          "name the argument in the call, as in `attention(query, value, use_causal_mask=True)`",
          "is called with None before argument %zu, which is not supported", i + 1);
      return false;
    }
    none = none || json_is_null(value);
  }
  return true;
}

typedef enum Wait { READY, NOT_YET, FAILED } Wait;

/* The mask that a call names; none in a call that names none. */
static Wait call_mask(KerasGraph *g, KerasLayer *layer, json_t *keywords) {
  json_t *mask = reference_of(json_object_get(keywords, "mask"));
  const KerasValue *keeps = mask ? referenced(g, mask, false) : NULL;
  if (keeps) layer->mask = keeps->graph;
  return mask && !keeps ? NOT_YET : READY;
}

static Wait take_inputs(KerasGraph *g, KerasLayer *layer, json_t *call, const Collected *values) {
  layer->call = call;
  layer->n_in = values->n;
  layer->in = ARENA_ARRAY(g->keras->arena, KerasValue, values->n);
  memcpy(layer->in, values->value, sizeof *values->value * (size_t)values->n);
  return READY;
}

/* Finds the values that a call reads. */
static Wait call_inputs(KerasGraph *g, KerasLayer *layer, json_t *call) {
  json_t *keywords = json_object_get(call, "kwargs");
  Collected values = {.layer = layer}, states = {.layer = layer};
  json_t *args = json_is_object(call) ? json_object_get(call, "args") : call;
  if (strcmp(layer->class_name, "TFOpLambda") == 0) {
    if (!collect_operation(g, call, &values)) return NOT_YET;
    return take_inputs(g, layer, call, &values);
  }
  keras_call_operand(g, layer, call);
  if (!collect(g, args, &values, 0) || !collect_named(g, keywords, &values) ||
      !collect(g, json_object_get(keywords, "initial_state"), &states, 0))
    return NOT_YET;
  if (!keras_call_numbers(layer, call, values.n_arrays + states.n_arrays)) return FAILED;
  if (call_mask(g, layer, keywords) == NOT_YET) return NOT_YET;
  size_t n_first = reference_of(call) ? 1 : json_array_size(call);
  for (size_t i = 0; !keywords && i < n_first; i++) {
    json_t *first = reference_of(call) ? call : json_array_get(call, i),
           *own = json_array_get(first, 3); /* Keras 2: keywords after each reference */
    if (!keywords_known(layer, own)) return FAILED;
    if (!collect(g, json_object_get(own, "initial_state"), &states, 0) ||
        !collect_named(g, own, &values) || call_mask(g, layer, own) == NOT_YET)
      return NOT_YET;
  }
  if (!keywords_known(layer, keywords) || (json_is_object(call) && !places_known(layer, args)))
    return FAILED;
  bool follow = in_table(keras_recurrent, layer) && values.n > 1 && !states.n;
  int first = follow ? 1 : values.n; /* Keras 2: states follow the sequence */
  take_inputs(g, layer, call, &values);
  layer->n_in = first;
  layer->n_states = follow ? values.n - first : states.n;
  layer->states = ARENA_ARRAY(g->keras->arena, KerasValue, layer->n_states);
  memcpy(layer->states, follow ? values.value + first : states.value,
         sizeof *states.value * (size_t)layer->n_states);
  return READY;
}

/* The input of the model, or what the model around it passes. */
static Wait read_input(KerasGraph *g, KerasLayer *layer, json_t *inputs) {
  layer->n_out = 1;
  if (!g->outer)
    return keras_graph_input(layer, layer->name, graph_input_shape(layer), &layer->out[0]) ? READY
                                                                                           : FAILED;
  size_t n = reference_of(inputs) ? 1 : json_array_size(inputs);
  for (size_t i = 0; i < n && i < (size_t)g->outer->n_in; i++) {
    const char *name = json_string_value(
        json_array_get(reference_of(inputs) ? inputs : json_array_get(inputs, i), 0));
    if (!name || strcmp(name, layer->own) != 0) continue;
    layer->out[0] = g->outer->in[i];
    return READY;
  }
  keras_refuse(layer, E901, "is an input that the model around it does not pass");
  return FAILED;
}

static Wait read_call(KerasGraph *g, KerasNode *node, int i, json_t *inputs) {
  KerasLayer *layer = &node->call[i];
  *layer = node->layer;
  if (i > 0 && ++g->keras->n_reads > READS_MAX) {
    keras_lacks(layer, E903,
                "import its parts as models of their own: `keras.Model(inputs, "
                "outputs).save(\"part.keras\")`",
                "is called too often: at most %d layers are supported", READS_MAX);
    return FAILED;
  }
  if (graph_is_input(layer)) return read_input(g, layer, inputs);
  Wait wait = call_inputs(g, layer, json_array_get(node->inbound, (size_t)i));
  if (wait != READY) return wait;
  if (!layer->n_in) {
    keras_lacks(layer, E903, keras_cut(layer), "reads nothing");
    return FAILED;
  }
  if (node->n_calls > 1 && keras_flag(layer, "stateful", false)) {
    keras_lacks(layer, E903,
                "call it once, or build a layer for each call and give all of them the same "
                "weights: `b.set_weights(a.get_weights())`",
                "is called %d times and keeps its state from one to the next", node->n_calls);
    return FAILED;
  }
  return keras_layer_read(layer) ? READY : FAILED;
}

/* False after reporting. */
static bool read_calls(KerasGraph *g, json_t *inputs) {
  for (int before = g->n_left + 1; g->n_left && g->n_left < before;) {
    before = g->n_left;
    for (int i = 0; i < g->n; i++)
      for (int k = 0; k < g->node[i].n_calls; k++) {
        KerasNode *node = &g->node[i];
        if (node->done[k]) continue;
        Wait wait = read_call(g, node, k, inputs);
        if (wait == FAILED) return false;
        node->done[k] = wait == READY;
        g->n_left -= node->done[k];
      }
  }
  for (int i = 0; i < g->n; i++)
    for (int k = 0; k < g->node[i].n_calls; k++)
      if (!g->node[i].done[k]) {
        keras_refuse(&g->node[i].layer, E901, "reads a layer that does not exist, or itself");
        return false;
      }
  return true;
}

/* Reference *i of a nest, in the order of the file; *i counts down the others. */
static json_t *nested_at(json_t *nest, size_t *i, int depth) {
  const char *key;
  json_t *value, *found = NULL;
  if (reference_of(nest)) return (*i)-- ? NULL : nest;
  for (size_t k = 0; k < json_array_size(nest) && depth < DEPTH_MAX && !found; k++)
    found = nested_at(json_array_get(nest, k), i, depth + 1);
  json_object_foreach(nest, key, value) {
    if (!found && depth < DEPTH_MAX) found = nested_at(value, i, depth + 1);
  }
  return found;
}

/* Output i of [["a", 0, 0], ["b", 0, 0]], ["a", 0, 0], {"name": ["a", 0, 0]} and nests of these;
 * NULL: there is none. */
static json_t *output_at(json_t *outputs, size_t i) {
  return nested_at(outputs, &i, 0);
}

static bool read_outputs(KerasGraph *g, json_t *outputs) {
  Keras *k = g->keras;
  size_t n = 0;
  for (json_t *reference = output_at(outputs, 0); reference; reference = output_at(outputs, ++n)) {
    const KerasValue *value = referenced(g, reference, true);
    const char *name = json_string_value(json_array_get(reference, 0));
    if (!value) {
      foreign_report(k->diags, k->file, E901, "output %zu of `%s` is a layer that does not exist",
                     n, k->file->path);
      return false;
    }
    graph_output(k->emit->graph,
                 value->field ? arena_printf(k->arena, "%s_%s", name, value->field)
                              : arena_strdup(k->arena, name),
                 value->graph);
  }
  if (n) return true;
  foreign_report(k->diags, k->file, E901, "the model in `%s` has no outputs", k->file->path);
  return false;
}

/* The lowest call of a layer that anything refers to, over a nest of lists and objects. */
static void find_first(KerasGraph *g, json_t *object, int depth) {
  json_t *reference = reference_of(object), *value;
  const char *name = reference ? json_string_value(json_array_get(reference, 0)) : NULL, *key;
  KerasNode *node = name ? map_get(&g->by_name, name) : NULL;
  json_int_t call = json_integer_value(json_array_get(reference, 1));
  if (node && call >= 0 && call < node->first[0]) node->first[0] = node->first[1] = call;
  if (depth > 2 * DEPTH_MAX) return;
  for (size_t i = 0; i < json_array_size(object); i++)
    find_first(g, json_array_get(object, i), depth + 1);
  json_object_foreach(object, key, value) find_first(g, value, depth + 1);
}

/* Reads the layers and their calls; false after reporting. */
static bool read_nodes(KerasGraph *g, json_t *config) {
  Keras *k = g->keras;
  json_t *layers = json_object_get(config, "layers");
  size_t n = json_array_size(layers);
  if (!n || n > LAYERS_MAX) {
    foreign_report(k->diags, k->file, E901, "the model in `%s` has %zu layers", k->file->path, n);
    return false;
  }
  g->node = ARENA_ARRAY(k->arena, KerasNode, n);
  for (size_t i = 0; i < n; i++) {
    KerasNode *node = &g->node[g->n++];
    json_t *object = json_array_get(layers, i);
    if (!graph_layer_read(g, object, (int)i, &node->layer)) return false;
    node->inbound = json_object_get(object, "inbound_nodes");
    size_t calls = graph_is_input(&node->layer) ? 1 : json_array_size(node->inbound);
    node->n_calls = calls && calls <= LAYERS_MAX ? (int)calls : 1;
    node->layer.n_calls = node->n_calls;
    node->call = ARENA_ARRAY(k->arena, KerasLayer, node->n_calls);
    node->done = ARENA_ARRAY(k->arena, bool, node->n_calls);
    bool functional =
        keras_is_model(node->layer.class_name) && strcmp(node->layer.class_name, "Sequential") != 0;
    node->first[0] = k->major > 2 ? 0 : INT64_MAX;
    node->first[1] = k->major > 2 ? functional : INT64_MAX;
    g->n_left += node->n_calls;
    const char *name =
        json_string_value(json_object_get(object, "name")); /* references use this one */
    map_put(k->arena, &g->by_name, arena_strdup(k->arena, name ? name : node->layer.name), node);
  }
  for (int i = 0; i < g->n && k->major < 3; i++)
    find_first(g, g->node[i].inbound, 0);
  if (k->major < 3) find_first(g, json_object_get(config, "output_layers"), 0);
  return true;
}

static void note_copies(KerasGraph *g) {
  for (int i = 0; i < g->n; i++)
    if (g->node[i].n_calls > 1)
      graph_note(g->keras->emit->graph,
                 "`%s` is called %d times: each call has a copy of its weights",
                 g->node[i].layer.name, g->node[i].n_calls);
}

bool graph_functional(KerasGraph *g, json_t *config) {
  if (!read_nodes(g, config) || !read_calls(g, json_object_get(config, "input_layers")) ||
      !read_outputs(g, json_object_get(config, "output_layers")))
    return false;
  note_copies(g);
  return true;
}

/* A functional model among the layers: its outputs become those of the call. */
bool graph_functional_call(KerasGraph *g, KerasLayer *layer) {
  if (!read_nodes(g, layer->config) ||
      !read_calls(g, json_object_get(layer->config, "input_layers")))
    return false;
  json_t *outputs = json_object_get(layer->config, "output_layers"), *reference;
  for (size_t i = 0; (reference = output_at(outputs, i)) != NULL; i++) {
    const KerasValue *value = referenced(g, reference, true);
    if (!value) {
      keras_refuse(layer, E901, "has an output that does not exist");
      return false;
    }
    if (i >= KERAS_MAX_OUT)
      return keras_lacks(layer, E903,
                         "call its layers in the outer model, without a model around them",
                         "is a model inside a model, of more than %d outputs", KERAS_MAX_OUT);
    layer->out[layer->n_out++] = *value;
  }
  note_copies(g);
  if (!layer->n_out) keras_refuse(layer, E901, "is a model without outputs");
  return layer->n_out > 0;
}

/* The inputs in the order of the model's own list. */
void graph_order_inputs(KerasGraph *g, json_t *inputs) {
  Graph *graph = g->keras->emit->graph;
  int at = 0;
  for (size_t i = 0; json_is_array(inputs) && !reference_of(inputs) && i < json_array_size(inputs);
       i++) {
    const KerasValue *value = referenced(g, json_array_get(inputs, i), false);
    for (int p = at; value && p < graph->n_in; p++)
      if (graph->in[p].value == value->graph) {
        GraphInput in = graph->in[p];
        memmove(graph->in + at + 1, graph->in + at, sizeof in * (size_t)(p - at));
        graph->in[at++] = in;
      }
  }
}
