/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lists of tensors, as TensorFlow's loops keep their steps: operators of TensorFlow Lite and, with
 * "Flex" in front, those of TensorFlow itself. Shapes of elements say nothing that the elements do
 * not. */
#include "import/read/tflite/reader.h"

/* element shape, count */
bool tfl_op_list_reserve(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, ListNew, c->in[1]));
}

/* element shape, largest count */
bool tfl_op_list_empty(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, ListNew, emit_int(c->emit, 0)));
}

bool tfl_op_list_from_tensor(TflCall *c) {
  return tfl_set(c, 0, emit_axis_call(c->emit, GRAPH_ListFrom, 0, 1, c->in));
}

/* list, place, element shape */
bool tfl_op_list_get(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, ListGet, c->in[0], c->in[1]));
}

bool tfl_op_list_set(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, ListSet, c->in[0], c->in[1], c->in[2]));
}

bool tfl_op_list_push(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, ListPush, c->in[0], c->in[1]));
}

bool tfl_op_list_stack(TflCall *c) {
  return tfl_set(c, 0, emit_axis_call(c->emit, GRAPH_ListStack, 0, 1, c->in));
}

bool tfl_op_list_length(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, ListSize, c->in[0]));
}
