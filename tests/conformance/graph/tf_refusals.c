/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the reader of TensorFlow says of frozen graphs and SavedModels. A case (../cases.h) is
 *
 *     NAME | NODE ; NODE ... | SIGNATURE
 *
 * A node is `name Operator reference ... attribute=VALUE ...`. `def NAME argument,...
 * result=reference` begins a function, whose nodes follow up to `end`. With a SIGNATURE, which is
 * `in name=reference` and `out name=reference` any number of times, the file is a SavedModel. A
 * VALUE is
 *
 *     3  0.5  true  'WORD  [1,2]      a number, a truth, a text, numbers
 *     #3  @NAME  {2,-1}               a type, a function, a shape; -1: an open size
 *     f{2,3}=1,2  i{2}=0,1  s{}=      a constant of floats, whole numbers, texts */
#include "tests/conformance/cases.h"

#include "import/graphdef.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { LIST = 64, FLOATS = 1, INTS = 3, TEXTS = 7 };

/* A message in memory that the arena owns. */
#define MESSAGE(name, type, init)                                                                  \
  static type *name(Arena *arena) {                                                                \
    type *m = ARENA_NEW(arena, type);                                                              \
    init(m);                                                                                       \
    return m;                                                                                      \
  }
MESSAGE(new_graph, TfFile__Graph, tf_file__graph__init)
MESSAGE(new_node, TfFile__Node, tf_file__node__init)
MESSAGE(new_entry, TfFile__Entry, tf_file__entry__init)
MESSAGE(new_value, TfFile__Value, tf_file__value__init)
MESSAGE(new_list, TfFile__List, tf_file__list__init)
MESSAGE(new_shape, TfFile__Shape, tf_file__shape__init)
MESSAGE(new_dim, TfFile__Dim, tf_file__dim__init)
MESSAGE(new_tensor, TfFile__Tensor, tf_file__tensor__init)
MESSAGE(new_called, TfFile__Called, tf_file__called__init)
MESSAGE(new_library, TfFile__Library, tf_file__library__init)
MESSAGE(new_function, TfFile__Function, tf_file__function__init)
MESSAGE(new_declared, TfFile__Declared, tf_file__declared__init)
MESSAGE(new_argument, TfFile__Argument, tf_file__argument__init)
MESSAGE(new_result, TfFile__Result, tf_file__result__init)
MESSAGE(new_saved, TfFile__SavedModel, tf_file__saved_model__init)
MESSAGE(new_meta, TfFile__MetaGraph, tf_file__meta_graph__init)
MESSAGE(new_signature, TfFile__Signature, tf_file__signature__init)
MESSAGE(new_signature_entry, TfFile__SignatureEntry, tf_file__signature_entry__init)
MESSAGE(new_port_entry, TfFile__PortEntry, tf_file__port_entry__init)
MESSAGE(new_port, TfFile__Port, tf_file__port__init)

/* Adds to a list of pointers with room for LIST of them. */
#define ADD(arena, list, n, item)                                                                  \
  do {                                                                                             \
    if ((n) == 0) (list) = arena_alloc((arena), sizeof *(list) * LIST);                            \
    if ((n) == LIST) abort();                                                                      \
    (list)[(n)++] = (item);                                                                        \
  } while (0)

/* "1,2,3" up to a brace or the end; *rest: behind it. */
static size_t numbers(const char *text, double *out, const char **rest) {
  size_t n = 0;
  while (*text && *text != '}' && *text != ']' && n < LIST) {
    char *end;
    out[n++] = strtod(text, &end);
    if (end == text) abort();
    text = *end == ',' ? end + 1 : end;
  }
  *rest = *text ? text + 1 : text;
  return n;
}

static TfFile__Shape *shape_of(Arena *arena, const char *text, const char **rest) {
  TfFile__Shape *shape = new_shape(arena);
  double size[LIST];
  size_t n = numbers(text, size, rest);
  for (size_t i = 0; i < n; i++) {
    TfFile__Dim *dim = new_dim(arena);
    dim->size = (int64_t)size[i];
    ADD(arena, shape->dim, shape->n_dim, dim);
  }
  return shape;
}

static TfFile__Tensor *tensor_of(Arena *arena, const char *text) {
  TfFile__Tensor *t = new_tensor(arena);
  double number[LIST];
  t->dtype = *text == 'f' ? FLOATS : *text == 'i' ? INTS : TEXTS;
  t->tensor_shape = shape_of(arena, text + 2, &text);
  size_t n = *text == '=' ? numbers(text + 1, number, &text) : 0;
  for (size_t i = 0; i < n; i++)
    if (t->dtype == FLOATS)
      ADD(arena, t->float_val, t->n_float_val, (float)number[i]);
    else
      ADD(arena, t->int_val, t->n_int_val, (int32_t)number[i]);
  return t;
}

static TfFile__Value *value_of(Arena *arena, const char *text) {
  TfFile__Value *v = new_value(arena);
  double number[LIST];
  if (*text == '\'') {
    v->s = (ProtobufCBinaryData){strlen(text + 1), (uint8_t *)arena_strdup(arena, text + 1)};
  } else if (*text == '[') {
    v->list = new_list(arena);
    size_t n = numbers(text + 1, number, &text);
    for (size_t i = 0; i < n; i++)
      ADD(arena, v->list->i, v->list->n_i, (int64_t)number[i]);
  } else if (*text == '#') {
    v->type = atoi(text + 1);
  } else if (*text == '@') {
    v->func = new_called(arena);
    v->func->name = arena_strdup(arena, text + 1);
  } else if (*text == '{') {
    v->shape = shape_of(arena, text + 1, &text);
  } else if (text[0] && text[1] == '{') {
    v->tensor = tensor_of(arena, text);
  } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
    v->b = *text == 't';
  } else if (strchr(text, '.')) {
    v->f = (float)atof(text);
  } else {
    v->i = atoll(text);
  }
  return v;
}

static TfFile__Node *node_of(Arena *arena, const char *text) {
  TfFile__Node *node = new_node(arena);
  node->name = (char *)(uintptr_t)case_part(arena, text, " ", &text);
  node->op = text ? (char *)(uintptr_t)case_part(arena, text, " ", &text) : node->op;
  while (text && *text) {
    const char *word = case_part(arena, text, " ", &text), *equals = strchr(word, '=');
    if (!equals) {
      ADD(arena, node->input, node->n_input, arena_strdup(arena, word));
      continue;
    }
    TfFile__Entry *entry = new_entry(arena);
    entry->key = arena_strndup(arena, word, (size_t)(equals - word));
    entry->value = value_of(arena, equals + 1);
    ADD(arena, node->attr, node->n_attr, entry);
  }
  return node;
}

/* `def NAME argument,... result=reference ...` */
static TfFile__Function *function_of(Arena *arena, const char *text) {
  TfFile__Function *f = new_function(arena);
  f->signature = new_declared(arena);
  case_part(arena, text, " ", &text);
  f->signature->name = (char *)(uintptr_t)case_part(arena, text, " ", &text);
  const char *names = text ? case_part(arena, text, " ", &text) : "";
  while (names && *names) {
    TfFile__Argument *argument = new_argument(arena);
    argument->name = (char *)(uintptr_t)case_part(arena, names, ",", &names);
    ADD(arena, f->signature->input, f->signature->n_input, argument);
  }
  while (text && *text) {
    const char *word = case_part(arena, text, " ", &text), *reference;
    TfFile__Argument *output = new_argument(arena);
    TfFile__Result *result = new_result(arena);
    output->name = result->key = (char *)(uintptr_t)case_part(arena, word, "=", &reference);
    result->value = arena_strdup(arena, reference ? reference : "");
    ADD(arena, f->signature->output, f->signature->n_output, output);
    if (reference) ADD(arena, f->result, f->n_result, result);
  }
  return f;
}

static TfFile__Graph *graph_of(Arena *arena, const char *text) {
  TfFile__Graph *graph = new_graph(arena);
  TfFile__Function *inside = NULL;
  while (text && *text) {
    const char *node = case_part(arena, text, " ;", &text);
    if (strncmp(node, "def ", strlen("def ")) == 0) {
      if (!graph->library) graph->library = new_library(arena);
      inside = function_of(arena, node);
      ADD(arena, graph->library->function, graph->library->n_function, inside);
    } else if (strcmp(node, "end") == 0) {
      inside = NULL;
    } else if (inside) {
      ADD(arena, inside->node, inside->n_node, node_of(arena, node));
    } else if (*node) {
      ADD(arena, graph->node, graph->n_node, node_of(arena, node));
    }
  }
  return graph;
}

static TfFile__SavedModel *saved_model(Arena *arena, TfFile__Graph *graph, const char *text) {
  TfFile__SavedModel *model = new_saved(arena);
  TfFile__MetaGraph *meta = new_meta(arena);
  TfFile__SignatureEntry *entry = new_signature_entry(arena);
  entry->key = arena_strdup(arena, "serving_default");
  entry->value = new_signature(arena);
  meta->graph = graph;
  while (text && *text) {
    const char *way = case_part(arena, text, " ", &text),
               *word = text ? case_part(arena, text, " ", &text) : "", *reference;
    TfFile__PortEntry *port = new_port_entry(arena);
    port->value = new_port(arena);
    port->key = (char *)(uintptr_t)case_part(arena, word, "=", &reference);
    port->value->name = arena_strdup(arena, reference ? reference : "");
    if (strcmp(way, "in") == 0)
      ADD(arena, entry->value->input, entry->value->n_input, port);
    else if (strcmp(way, "out") == 0)
      ADD(arena, entry->value->output, entry->value->n_output, port);
  }
  if (entry->value->n_input || entry->value->n_output)
    ADD(arena, meta->signature, meta->n_signature, entry);
  ADD(arena, model->meta_graph, model->n_meta_graph, meta);
  return model;
}

Mapped case_file(Arena *arena, const char *const part[CASE_PARTS], const char **path) {
  static const uint8_t version[] = {0x08, 0x01}; /* of SavedModel, which begins with it */
  TfFile__Graph *graph = graph_of(arena, part[1]);
  const ProtobufCMessage *message = &graph->base;
  *path = "case.pb";
  if (*part[2]) {
    message = &saved_model(arena, graph, part[2])->base;
    *path = "case/saved_model.pb";
  }
  size_t from = 0;
  uint8_t *data = arena_alloc(arena, protobuf_c_message_get_packed_size(message) + sizeof version);
  if (*part[2]) {
    memcpy(data, version, sizeof version);
    from = sizeof version;
  }
  return (Mapped){data, from + protobuf_c_message_pack(message, data + from)};
}
