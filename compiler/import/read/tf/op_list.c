/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lists of tensors, as loops of TensorFlow 2 keep their steps. Shapes of elements say nothing that
 * the elements do not, so they are not read. */
#include "import/read/tf/reader.h"

/* element shape, count */
bool tf_op_list_reserve(TfCall *c) {
  GraphValue *count = tf_in(c, 1);
  return count && tf_done(c, EMIT(c->emit, ListNew, count));
}

/* element shape, largest count */
bool tf_op_list_empty(TfCall *c) {
  return tf_done(c, EMIT(c->emit, ListNew, emit_int(c->emit, 0)));
}

/* tensor, element shape */
bool tf_op_list_from(TfCall *c) {
  GraphValue *rows = tf_in(c, 0);
  return rows && tf_done(c, emit_axis_call(c->emit, GRAPH_ListFrom, 0, 1, &rows));
}

/* list, place, element shape */
bool tf_op_list_get(TfCall *c) {
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, ListGet, in[0], in[1]));
}

/* list, place, element */
bool tf_op_list_set(TfCall *c) {
  GraphValue *in[3];
  return tf_all_in(c, 3, in) && tf_done(c, EMIT(c->emit, ListSet, in[0], in[1], in[2]));
}

/* list, element */
bool tf_op_list_push(TfCall *c) {
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, ListPush, in[0], in[1]));
}

/* list, element shape */
bool tf_op_list_stack(TfCall *c) {
  GraphValue *list = tf_in(c, 0);
  return list && tf_done(c, emit_axis_call(c->emit, GRAPH_ListStack, 0, 1, &list));
}

bool tf_op_list_length(TfCall *c) {
  GraphValue *list = tf_in(c, 0);
  return list && tf_done(c, EMIT(c->emit, ListSize, list));
}
