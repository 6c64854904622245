/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is said of ONNX files. A case (../cases.h) is
 *
 *     NAME | INPUT INPUT ... | NODE ; NODE ... | OPSET
 *
 * An input is `name:1,6,3`, with `?` for a size that is open; nothing stands for `x:1,6,3`. A node
 * is words: its operator, with the domain in front as in `com.microsoft:Gelu`, then operands,
 * attributes `name=value` and results `>name`; nothing stands for `>y`, which is the output. An
 * operand is a name, `-` where it is left out, `[1,2]` for whole numbers, and `(2,3)` for numbers
 * of that shape, all 0.5. A value is a whole number, a fraction with a point, a list of whole
 * numbers `[1,2]`, or text;
 * `{a,b}` is a list of texts. The opset is 17 unless one is named. */
#include "tests/conformance/cases.h"

#include "import/onnx.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 16, FLOATS = 1, WHOLE = 7, USUAL_OPSET = 17, IR_VERSION = 8 };

/* Comma-separated whole numbers; `?` is -1. */
static size_t numbers_of(const char *text, int64_t *out) {
  size_t n = 0;
  for (const char *at = text; *at && *at != ']' && n < MOST; n++) {
    char *end;
    out[n] = *at == '?' ? -1 : strtoll(at, &end, 10);
    at += strcspn(at, ",])");
    if (*at) at++;
  }
  return n;
}

static OnnxFile__Port *input_of(Arena *arena, const char *text) {
  const char *shape, *name = case_part(arena, text, ":", &shape);
  OnnxFile__Port *port = ARENA_NEW(arena, OnnxFile__Port);
  OnnxFile__Type *type = ARENA_NEW(arena, OnnxFile__Type);
  OnnxFile__TensorType *tensor = ARENA_NEW(arena, OnnxFile__TensorType);
  OnnxFile__Shape *dims = ARENA_NEW(arena, OnnxFile__Shape);
  int64_t size[MOST];
  onnx_file__port__init(port);
  onnx_file__type__init(type);
  onnx_file__tensor_type__init(tensor);
  onnx_file__shape__init(dims);
  dims->n_dim = numbers_of(shape ? shape : "", size);
  dims->dim = ARENA_ARRAY(arena, OnnxFile__Dim *, dims->n_dim + 1);
  for (size_t i = 0; i < dims->n_dim; i++) {
    dims->dim[i] = ARENA_NEW(arena, OnnxFile__Dim);
    onnx_file__dim__init(dims->dim[i]);
    if (size[i] < 0) continue;
    dims->dim[i]->value_case = ONNX_FILE__DIM__VALUE_DIM_VALUE;
    dims->dim[i]->dim_value = size[i];
  }
  tensor->elem_type = FLOATS;
  tensor->shape = dims;
  type->tensor_type = tensor;
  port->name = (char *)(uintptr_t)name;
  port->type = type;
  return port;
}

/* [1,2] are these numbers, (2,3) is 0.5 in this shape. */
static OnnxFile__Tensor *constant_of(Arena *arena, const char *text) {
  OnnxFile__Tensor *t = ARENA_NEW(arena, OnnxFile__Tensor);
  bool whole = *text == '[';
  size_t count = 1;
  onnx_file__tensor__init(t);
  t->name = (char *)(uintptr_t)text;
  t->dims = ARENA_ARRAY(arena, int64_t, MOST);
  t->n_dims = numbers_of(text + 1, t->dims);
  t->data_type = whole ? WHOLE : FLOATS;
  if (whole) {
    t->int64_data = t->dims;
    t->n_int64_data = t->n_dims;
    t->dims = ARENA_ARRAY(arena, int64_t, 1);
    t->dims[0] = (int64_t)t->n_int64_data;
    t->n_dims = 1;
    return t;
  }
  for (size_t i = 0; i < t->n_dims; i++)
    count *= (size_t)t->dims[i];
  t->float_data = ARENA_ARRAY(arena, float, count);
  t->n_float_data = count;
  for (size_t i = 0; i < count; i++)
    t->float_data[i] = 0.5F;
  return t;
}

static ProtobufCBinaryData bytes_of(const char *text, size_t n) {
  return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)text, .len = n};
}

static OnnxFile__Attribute *attribute_of(Arena *arena, const char *word) {
  OnnxFile__Attribute *a = ARENA_NEW(arena, OnnxFile__Attribute);
  const char *value;
  onnx_file__attribute__init(a);
  a->name = (char *)(uintptr_t)case_part(arena, word, "=", &value);
  size_t n = strlen(value);
  if (*value == '[') {
    a->ints = ARENA_ARRAY(arena, int64_t, MOST);
    a->n_ints = numbers_of(value + 1, a->ints);
  } else if (*value == '{') {
    a->strings = ARENA_ARRAY(arena, ProtobufCBinaryData, MOST);
    for (const char *rest = arena_strndup(arena, value + 1, n - 2); rest && a->n_strings < MOST;) {
      const char *text = case_part(arena, rest, ",", &rest);
      a->strings[a->n_strings++] = bytes_of(text, strlen(text));
    }
  } else if (strspn(value, "-0123456789") == n)
    a->i = strtoll(value, NULL, 10);
  else if (strspn(value, "-.0123456789") == n)
    a->f = strtof(value, NULL);
  else
    a->s = bytes_of(value, n);
  return a;
}

static void add_constant(OnnxFile__Graph *graph, OnnxFile__Tensor *t) {
  for (size_t i = 0; i < graph->n_initializer; i++)
    if (strcmp(graph->initializer[i]->name, t->name) == 0) return;
  graph->initializer[graph->n_initializer++] = t;
}

static OnnxFile__Node *node_of(Arena *arena, OnnxFile__Graph *graph, const char *text) {
  OnnxFile__Node *node = ARENA_NEW(arena, OnnxFile__Node);
  const char *rest, *op = case_part(arena, text, " ", &rest), *colon = strchr(op, ':');
  onnx_file__node__init(node);
  node->domain = (char *)(uintptr_t)(colon ? arena_strndup(arena, op, (size_t)(colon - op)) : "");
  node->op_type = (char *)(uintptr_t)(colon ? colon + 1 : op);
  node->input = ARENA_ARRAY(arena, char *, MOST);
  node->output = ARENA_ARRAY(arena, char *, MOST);
  node->attribute = ARENA_ARRAY(arena, OnnxFile__Attribute *, MOST);
  while (rest && *rest) {
    const char *word = case_part(arena, rest, " ", &rest);
    if (*word == '>')
      node->output[node->n_output++] = (char *)(uintptr_t)(word + 1);
    else if (strchr(word, '='))
      node->attribute[node->n_attribute++] = attribute_of(arena, word);
    else {
      if (*word == '[' || *word == '(') add_constant(graph, constant_of(arena, word));
      node->input[node->n_input++] = (char *)(uintptr_t)(*word == '-' ? "" : word);
    }
  }
  if (!node->n_output) node->output[node->n_output++] = (char *)(uintptr_t)"y";
  return node;
}

Mapped case_file(Arena *arena, const char *const part[CASE_PARTS], const char **path) {
  OnnxFile__Model model;
  OnnxFile__Graph graph;
  OnnxFile__Opset opset, microsoft;
  OnnxFile__Port output;
  onnx_file__model__init(&model);
  onnx_file__graph__init(&graph);
  onnx_file__opset__init(&opset);
  onnx_file__opset__init(&microsoft);
  onnx_file__port__init(&output);
  output.name = (char *)(uintptr_t)"y";
  graph.input = ARENA_ARRAY(arena, OnnxFile__Port *, MOST);
  graph.node = ARENA_ARRAY(arena, OnnxFile__Node *, MOST);
  graph.initializer = ARENA_ARRAY(arena, OnnxFile__Tensor *, MOST * MOST);
  for (const char *rest = *part[1] ? part[1] : "x:1,6,3"; rest && *rest;)
    graph.input[graph.n_input++] = input_of(arena, case_part(arena, rest, " ", &rest));
  for (const char *rest = part[2]; rest && *rest;)
    graph.node[graph.n_node++] = node_of(arena, &graph, case_part(arena, rest, " ; ", &rest));
  graph.output = (OnnxFile__Port *[]){&output};
  graph.n_output = 1;
  opset.version = *part[3] ? strtoll(part[3], NULL, 10) : USUAL_OPSET;
  microsoft.domain = (char *)(uintptr_t)"com.microsoft";
  microsoft.version = 1;
  model.opset_import = (OnnxFile__Opset *[]){&opset, &microsoft};
  model.n_opset_import = 2;
  model.ir_version = IR_VERSION;
  model.graph = &graph;
  uint8_t *data = arena_alloc(arena, onnx_file__model__get_packed_size(&model));
  *path = "model.onnx";
  return (Mapped){data, onnx_file__model__pack(&model, data)};
}
