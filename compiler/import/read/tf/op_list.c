/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lists of tensors, in which loops of TensorFlow 2 keep their steps. The operand that says the
 * shape of the elements is not read: the elements have shapes themselves. */
#include "import/read/tf/reader.h"

/* Operands: shape of an element, number of elements. */
bool tf_op_list_reserve(TfCall *c) {
  GraphValue *count = tf_in(c, 1);
  return count && tf_done(c, EMIT(c->emit, ListNew, count));
}

/* Operands: shape of an element, largest number of elements. The list starts empty. */
bool tf_op_list_empty(TfCall *c) {
  return tf_done(c, EMIT(c->emit, ListNew, emit_int(c->emit, 0)));
}

/* Operands: a tensor, whose rows become the elements, and the shape of an element. */
bool tf_op_list_from(TfCall *c) {
  GraphValue *rows = tf_in(c, 0);
  return rows && tf_done(c, emit_axis_call(c->emit, GRAPH_ListFrom, 0, 1, &rows));
}

/* Operands: list, place, shape of an element. */
bool tf_op_list_get(TfCall *c) {
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, ListGet, in[0], in[1]));
}

/* Operands: list, place, element. The result is the list with this element at this place. */
bool tf_op_list_set(TfCall *c) {
  GraphValue *in[3];
  return tf_all_in(c, 3, in) && tf_done(c, EMIT(c->emit, ListSet, in[0], in[1], in[2]));
}

/* Operands: list, element. The result is the list with the element after its last one. */
bool tf_op_list_push(TfCall *c) {
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, ListPush, in[0], in[1]));
}

/* Operands: list, shape of an element. The result has the elements as its rows. */
bool tf_op_list_stack(TfCall *c) {
  GraphValue *list = tf_in(c, 0);
  return list && tf_done(c, emit_axis_call(c->emit, GRAPH_ListStack, 0, 1, &list));
}

bool tf_op_list_length(TfCall *c) {
  GraphValue *list = tf_in(c, 0);
  return list && tf_done(c, EMIT(c->emit, ListSize, list));
}
