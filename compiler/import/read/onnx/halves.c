/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which nodes of an ONNX file compute in 16 bits. In, the nodes in order; out, the note of the
 * graph that says so. The file gives types of inputs, constants and casts; any other node computes
 * in the type of its operands. */
#include "import/read/onnx/reader.h"

#include <string.h>

void onnx_note_type(OnnxReader *r, const char *name, int64_t data_type) {
  const char *half = onnx_half(data_type);
  if (half) map_put(r->arena, &r->halves, name, (void *)(uintptr_t)half);
}

/* Whether an operator of real numbers gives truths, places or integers. */
static bool gives_whole(const char *op) {
  static const char *const known[] = {"Shape",          "Size",
                                      "ArgMax",         "ArgMin",
                                      "Equal",          "Less",
                                      "Greater",        "LessOrEqual",
                                      "GreaterOrEqual", "IsNaN",
                                      "IsInf",          "NonZero",
                                      "QuantizeLinear", "DynamicQuantizeLinear"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(op, known[i]) == 0) return true;
  return false;
}

/* The type of 16 bits in which a node computes; NULL: another. */
static const char *half_type(const OnnxCall *c) {
  const OnnxReader *r = c->reader;
  const char *op = c->node->op_type, *half = NULL;
  const OnnxAttribute *value = call_attribute(c, "value");
  if (strcmp(op, "Cast") == 0) return onnx_half(call_attr_int(c, "to", 0));
  if (value && value->t) return onnx_half(value->t->data_type);
  if (gives_whole(op)) return NULL;
  for (int k = strcmp(op, "CastLike") == 0; k < c->n_in && !half; k++)
    if (c->in[k]) half = map_get(&r->halves, c->node->input[k]);
  return half;
}

/* Whether no number changes when the model runs, and none was rounded while it was read. */
static bool is_stored(const OnnxCall *c) {
  for (int k = 0; k < c->n_in; k++)
    if (c->in[k] && !c->in[k]->constant) return false;
  return !c->n_in || strcmp(c->node->op_type, "Cast") != 0 ||
         map_get(&c->reader->halves, c->node->input[0]);
}

void onnx_note_halves(OnnxCall *c) {
  OnnxReader *r = c->reader;
  const char *half = half_type(c);
  if (!half) return;
  if (!is_stored(c)) graph_half(r->graph, c->emit->name, half);
  for (size_t k = 0; k < c->node->n_output; k++)
    map_put(r->arena, &r->halves, c->node->output[k], (void *)(uintptr_t)half);
}
