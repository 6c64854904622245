/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators whose places are numbers of another operand; shapes and constants. */
#include "import/read/onnx/reader.h"

#include <string.h>

bool onnx_op_gather(OnnxCall *c) {
  return call_set(c, 0,
                  emit_axis_call(c->emit, GRAPH_Gather, call_attr_int(c, "axis", 0), 2, c->in));
}

bool onnx_op_gather_elements(OnnxCall *c) {
  return call_set(
      c, 0, emit_axis_call(c->emit, GRAPH_GatherElements, call_attr_int(c, "axis", 0), 2, c->in));
}

bool onnx_op_gather_nd(OnnxCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_GatherNd, 2, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_block, call_attr_int(c, "batch_dims", 0));
  return call_set(c, 0, emit_done(c->emit, node));
}

static bool reduces(OnnxCall *c) {
  const char *reduction = call_attr_string(c, "reduction", "none");
  return strcmp(reduction, "none") != 0 &&
         !call_lacks(c, E902,
                     "take the elements out with `Slice`, combine them, and put the parts together "
                     "with `Concat`",
                     "combines old elements with new ones (`%s`), which is not supported",
                     reduction);
}

bool onnx_op_scatter_elements(OnnxCall *c) {
  if (reduces(c)) return false;
  return call_set(
      c, 0, emit_axis_call(c->emit, GRAPH_ScatterElements, call_attr_int(c, "axis", 0), 3, c->in));
}

bool onnx_op_scatter_nd(OnnxCall *c) {
  return !reduces(c) && call_set(c, 0, emit_call(c->emit, GRAPH_ScatterNd, 3, c->in));
}

bool onnx_op_onehot(OnnxCall *c) {
  return call_set(c, 0,
                  emit_axis_call(c->emit, GRAPH_OneHot, call_attr_int(c, "axis", -1), 3, c->in));
}

bool onnx_op_shape(OnnxCall *c) {
  int64_t start = call_attr_int(c, "start", 0), end = call_attr_int(c, "end", INT32_MAX);
  GraphValue *shape = EMIT(c->emit, Shape, c->in[0]);
  return call_set(
      c, 0, start == 0 && end == INT32_MAX ? shape : emit_slice(c->emit, shape, 0, start, end, 1));
}

bool onnx_op_constant(OnnxCall *c) {
  const OnnxAttribute *t = call_attribute(c, "value"), *f = call_attribute(c, "value_float"),
                      *i = call_attribute(c, "value_int");
  const OnnxAttribute *floats = call_attribute(c, "value_floats"),
                      *ints = call_attribute(c, "value_ints");
  if (t && t->t) {
    const GraphTensor *constant = onnx_constant(c->reader, t->t);
    return constant && call_set(c, 0, graph_constant(c->emit->graph, "", constant));
  }
  if (f) return call_set(c, 0, emit_number(c->emit, (double)f->f));
  if (i) return call_set(c, 0, emit_int(c->emit, i->i));
  if (ints && ints->n_ints < INT32_MAX)
    return call_set(c, 0, emit_ints(c->emit, (int)ints->n_ints, ints->ints));
  if (!floats || floats->n_floats >= INT32_MAX)
    return call_lacks(c, E902,
                      call_attribute(c, "sparse_value")
                          ? "store the constant as a dense tensor, in the attribute `value`"
                          : onnx_cut(c),
                      "is not a tensor of numbers");
  double *data;
  GraphTensor *vector =
      graph_tensor(c->reader->arena, GRAPH_FLOAT, 1, &(int64_t){(int64_t)floats->n_floats}, &data);
  for (size_t k = 0; k < floats->n_floats; k++)
    data[k] = (double)floats->floats[k];
  return call_set(c, 0, graph_constant(c->emit->graph, "", vector));
}

bool onnx_op_constant_of_shape(OnnxCall *c) {
  const OnnxAttribute *value = call_attribute(c, "value");
  if (value && !value->t) return call_refuse(c, E901, "has a value that is not a tensor");
  const GraphTensor *t = value ? onnx_constant(c->reader, value->t) : NULL;
  if (value && (!t || t->count != 1))
    return t && call_refuse(c, E901, "has a value of %lld elements", (long long)t->count);
  return call_set(
      c, 0, emit_filled(c->emit, c->in[0], t ? graph_at(t, 0) : 0, t ? t->elem : GRAPH_FLOAT));
}
