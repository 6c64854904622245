/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which nodes of a PyTorch program compute in 16 bits. In, a node; out, the note of the graph that
 * says so. A .pt2 file gives the type of each tensor. An archive of TorchScript gives those of its
 * tensors and casts; any other node computes in the type of its operands. */
#include "import/read/torch/reader.h"

#include <string.h>

static const char *half_named(const TorchReader *r, json_t *tensor) {
  const char *name = json_string_value(json_object_get(tensor, "name"));
  json_t *meta = name ? json_object_get(r->sizes, name) : NULL;
  const char *half = torch_half(json_integer_value(json_object_get(meta, "dtype")));
  return half || !name ? half : map_get(&r->halves, name);
}

/* The type of 16 bits of the first tensor of an argument that has one; NULL: of none. */
static const char *half_in(const TorchReader *r, json_t *arg) {
  json_t *tensor = json_object_get(arg, "as_tensor"), *list = json_object_get(arg, "as_tensors");
  const char *half = tensor ? half_named(r, tensor) : NULL;
  for (size_t i = 0; i < json_array_size(list) && !half; i++)
    half = half_named(r, json_array_get(list, i));
  return half;
}

/* The type of 16 bits that the arguments show; NULL: they show another, or none. */
static const char *half_of_arguments(const TorchCall *c) {
  json_t *inputs = json_object_get(c->node, "inputs");
  const char *half = NULL;
  for (size_t i = 0; i < json_array_size(inputs); i++) {
    json_t *input = json_array_get(inputs, i), *arg = json_object_get(input, "arg"),
           *type = json_object_get(arg, "as_scalar_type");
    const char *name = json_string_value(json_object_get(input, "name"));
    bool other = name && strcmp(name, "other") == 0,
         casts = strcmp(c->op, "to") == 0 || strcmp(c->op, "type_as") == 0;
    if (type) return torch_half(json_integer_value(type));
    if (other && casts) return half_in(c->reader, arg);
    if (!half) half = half_in(c->reader, arg);
  }
  return half;
}

/* Whether the result is a constant that was not rounded while it was read. */
static bool is_stored(TorchCall *c, json_t *tensor) {
  const char *name = json_string_value(json_object_get(tensor, "name"));
  const GraphValue *value = name ? map_get(&c->reader->values, name) : NULL;
  json_t *inputs = json_object_get(c->node, "inputs");
  return value && value->constant &&
         half_in(c->reader, json_object_get(json_array_get(inputs, 0), "arg"));
}

void torch_note_halves(TorchCall *c) {
  TorchReader *r = c->reader;
  json_t *result = json_array_get(json_object_get(c->node, "outputs"), 0),
         *list = json_object_get(result, "as_tensors"), *one = json_object_get(result, "as_tensor");
  if (!one && !json_is_array(list)) return;
  if (torch_result_elem(c) != GRAPH_FLOAT) return;
  const char *half = half_in(r, result);
  if (!half && r->is_script) half = half_of_arguments(c);
  if (!half) return;
  if (!is_stored(c, one ? one : json_array_get(list, 0))) graph_half(r->graph, c->emit->name, half);
  if (!r->is_script) return;
  json_t *outputs = json_object_get(c->node, "outputs");
  size_t n = list ? json_array_size(list) : json_array_size(outputs);
  for (size_t k = 0; k < n; k++) {
    json_t *tensor =
        list ? json_array_get(list, k) : json_object_get(json_array_get(outputs, k), "as_tensor");
    const char *name = json_string_value(json_object_get(tensor, "name"));
    if (name) map_put(r->arena, &r->halves, name, (void *)(uintptr_t)half);
  }
}
