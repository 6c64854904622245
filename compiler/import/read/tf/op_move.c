/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators whose results have the same numbers in other places, and TensorArrays. */
#include "import/read/tf/reader.h"

#include <string.h>

static bool axis_of(TfCall *c, int k, int64_t *axis) {
  int n;
  return tf_constant_ints(c, k, "axis", 1, &n, axis) &&
         (n == 1 || tf_refuse(c, E901, "names no axis"));
}

bool tf_op_transpose(TfCall *c) {
  GraphValue *x = tf_in(c, 0);
  int n;
  int64_t perm[GRAPH_MAX_RANK];
  return x && tf_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, &n, perm) &&
         tf_done(c, emit_transpose(c->emit, x, n, perm));
}

bool tf_op_concat(TfCall *c) {
  int n = c->n_in - 1;
  int64_t axis;
  GraphValue **in = ARENA_ARRAY(c->reader->arena, GraphValue *, n + 1);
  return tf_all_in(c, n, in) && axis_of(c, n, &axis) &&
         tf_done(c, emit_concat(c->emit, axis, n, in));
}

static bool split(TfCall *c, GraphValue *x, GraphValue *sizes, int64_t axis, int64_t n) {
  if (n < 1 || n > INT16_MAX) return tf_refuse(c, E901, "has %lld parts", (long long)n);
  GraphNode *node =
      emit_node(c->emit, GRAPH_Split, sizes ? 2 : 1, (GraphValue *[]){x, sizes}, (int)n);
  graph_set_int(c->scope->graph, node, GRAPH_ATTR_axis, axis);
  if (!sizes) graph_set_int(c->scope->graph, node, GRAPH_ATTR_count, n);
  emit_done(c->emit, node);
  for (int k = 0; k < n; k++)
    tf_set(c, k, node->out[k]);
  return true;
}

bool tf_op_split(TfCall *c) {
  int64_t axis;
  GraphValue *x = tf_in(c, 1);
  return x && axis_of(c, 0, &axis) && split(c, x, NULL, axis, tf_int(c->node, "num_split", 0));
}

/* The sizes of the parts of x along an axis. A size of -1 becomes what the others leave of the
 * axis. Where the file's sizes do not fit, neither do these, and Split fails. */
static GraphValue *part_sizes(TfCall *c, GraphValue *x, int64_t axis, GraphValue *sizes) {
  GraphEmit *e = c->emit;
  static const int64_t first[] = {0};
  GraphValue *axis_size = emit_axis_call(
      e, GRAPH_Gather, 0, 2, (GraphValue *[]){EMIT(e, Shape, x), emit_ints(e, 1, &axis)});
  GraphValue *told =
      EMIT(e, Add, emit_reduce(e, GRAPH_ReduceSum, sizes, 1, first, true), emit_int(e, 1));
  return EMIT(e, Where, EMIT(e, Less, sizes, emit_int(e, 0)), EMIT(e, Sub, axis_size, told), sizes);
}

bool tf_op_split_v(TfCall *c) {
  int64_t axis;
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && axis_of(c, 2, &axis) &&
         split(c, in[0], part_sizes(c, in[0], axis, in[1]), axis, tf_int(c->node, "num_split", 0));
}

bool tf_op_pack(TfCall *c) {
  int64_t axis = tf_int(c->node, "axis", 0);
  GraphValue **in = ARENA_ARRAY(c->reader->arena, GraphValue *, c->n_in + 1);
  if (!tf_all_in(c, c->n_in, in)) return false;
  for (int k = 0; k < c->n_in; k++)
    in[k] = emit_unsqueeze(c->emit, in[k], 1, &axis);
  return tf_done(c, emit_concat(c->emit, axis, c->n_in, in));
}

bool tf_op_unpack(TfCall *c) {
  int64_t n = tf_int(c->node, "num", 0), axis = tf_int(c->node, "axis", 0);
  GraphValue *x = tf_in(c, 0);
  if (!x) return false;
  if (n < 1 || n > INT16_MAX) return tf_refuse(c, E901, "has %lld parts", (long long)n);
  for (int k = 0; k < n; k++)
    tf_set(c, k, emit_row_of(c->emit, x, axis, k, n));
  return true;
}

/* x without the axes i of goes[i]: of each, the row at the computed place begin[i] is left. */
static GraphValue *rows_at(TfCall *c, GraphValue *x, GraphValue *begin, int n, const bool *goes) {
  for (int i = n - 1; i >= 0; i--) {
    int64_t place = i;
    if (!goes[i]) continue;
    GraphValue *at =
        emit_squeeze(c->emit, emit_gather(c->emit, begin, 0, 1, &place), 1, (int64_t[]){0});
    x = emit_axis_call(c->emit, GRAPH_Gather, i, 2, (GraphValue *[]){x, at});
  }
  return x;
}

/* A slice whose bounds are computed, which can be read where of each axis everything is taken (both
 * masks say so) or one row. */
static bool slice_computed(TfCall *c, GraphValue *x, int n, const int64_t *step) {
  int64_t whole = tf_int(c->node, "begin_mask", 0) & tf_int(c->node, "end_mask", 0),
          shrink = tf_int(c->node, "shrink_axis_mask", 0);
  bool goes[GRAPH_MAX_RANK];
  GraphValue *begin = tf_in(c, 1);
  for (int i = 0; i < n; i++) {
    goes[i] = (shrink >> i & 1) != 0;
    if (!goes[i] && !((whole >> i & 1) && step[i] == 1))
      return tf_lacks(c, E902, tf_fixed_sizes, "has computed bounds, where grus needs constants");
  }
  return begin && tf_done(c, rows_at(c, x, begin, n, goes));
}

/* Bit i of a mask is about place i of begin, end and strides. */
bool tf_op_strided_slice(TfCall *c) {
  int n, n_end, n_step, n_cut = 0;
  int64_t begin[GRAPH_MAX_RANK], end[GRAPH_MAX_RANK], step[GRAPH_MAX_RANK], axes[GRAPH_MAX_RANK],
      cut[GRAPH_MAX_RANK];
  GraphValue *in[3];
  int64_t begin_mask = tf_int(c->node, "begin_mask", 0), end_mask = tf_int(c->node, "end_mask", 0),
          shrink = tf_int(c->node, "shrink_axis_mask", 0);
  if (tf_int(c->node, "ellipsis_mask", 0) || tf_int(c->node, "new_axis_mask", 0))
    return tf_lacks(c, E902,
                    "name all axes, as in `x[:, :, 0]`, and make new ones with `tf.expand_dims`",
                    "has an ellipsis or makes new axes, which is not supported");
  if (!tf_all_in(c, 3, in) || !tf_constant_ints(c, 3, "strides", GRAPH_MAX_RANK, &n_step, step))
    return false;
  if (!constant_ints(in[1], GRAPH_MAX_RANK, &n, begin) ||
      !constant_ints(in[2], GRAPH_MAX_RANK, &n_end, end))
    return slice_computed(c, in[0], n_step, step);
  if (n != n_end || n != n_step) return tf_refuse(c, E901, "has bounds of different lengths");
  for (int i = 0; i < n; i++) {
    bool one = (shrink >> i & 1) != 0;
    axes[i] = i;
    if (one) cut[n_cut++] = i;
    if (begin_mask >> i & 1 && !one) begin[i] = step[i] > 0 ? 0 : INT32_MAX;
    if (end_mask >> i & 1 && !one) end[i] = step[i] > 0 ? INT32_MAX : -(int64_t)INT32_MAX;
    if (one) step[i] = 1;
    if (one) end[i] = begin[i] == -1 ? INT32_MAX : begin[i] + 1;
  }
  GraphValue *y =
      EMIT(c->emit, Slice, in[0], emit_ints(c->emit, n, begin), emit_ints(c->emit, n, end),
           emit_ints(c->emit, n, axes), emit_ints(c->emit, n, step));
  return tf_done(c, n_cut ? emit_squeeze(c->emit, y, n_cut, cut) : y);
}

/* A size of -1 goes to the end. */
bool tf_op_slice(TfCall *c) {
  int n, n_size;
  int64_t begin[GRAPH_MAX_RANK], size[GRAPH_MAX_RANK];
  GraphValue *x = tf_in(c, 0);
  if (!x || !tf_constant_ints(c, 1, "bounds", GRAPH_MAX_RANK, &n, begin) ||
      !tf_constant_ints(c, 2, "sizes", GRAPH_MAX_RANK, &n_size, size))
    return false;
  if (n != n_size) return tf_refuse(c, E901, "has bounds of different lengths");
  for (int i = 0; i < n; i++)
    size[i] = size[i] < 0 ? INT32_MAX : begin[i] + size[i];
  return tf_done(
      c, EMIT(c->emit, Slice, x, emit_ints(c->emit, n, begin), emit_ints(c->emit, n, size)));
}

bool tf_op_expand_dims(TfCall *c) {
  int64_t axis;
  GraphValue *x = tf_in(c, 0);
  if (!x || !axis_of(c, 1, &axis)) return false;
  GraphValue *y = emit_unsqueeze(c->emit, x, 1, &axis);
  return tf_blocks_moved(c, x, y, axis, true) && tf_done(c, y);
}

bool tf_op_squeeze(TfCall *c) {
  const TfFile__Value *dims = tf_attribute(c->node, "squeeze_dims");
  if (!dims) dims = tf_attribute(c->node, "axis");
  GraphValue *x = tf_in(c, 0);
  if (!x) return false;
  if (dims && dims->list && dims->list->n_i > GRAPH_MAX_RANK)
    return tf_refuse(c, E901, "names too many axes");
  int n = dims && dims->list ? (int)dims->list->n_i : 0;
  GraphValue *y = n ? emit_squeeze(c->emit, x, n, dims->list->i) : EMIT(c->emit, Squeeze, x);
  return tf_blocks_moved(c, x, y, n == 1 ? dims->list->i[0] : 0, false) && tf_done(c, y);
}

bool tf_op_fill(TfCall *c) {
  GraphValue *in[2];
  return tf_all_in(c, 2, in) && tf_done(c, EMIT(c->emit, Expand, in[1], in[0]));
}

bool tf_op_filled_like(TfCall *c) {
  const TfFile__Value *type = tf_attribute(c->node, "T");
  GraphElem elem = GRAPH_FLOAT;
  GraphValue *x = tf_in(c, 0);
  if (!x) return false;
  if (type && !tf_elem(type->type, &elem))
    return tf_lacks(c, E902,
                    "real and whole numbers and booleans are read: `tf.cast(x, tf.float32)`",
                    "makes elements of a type that grus does not know");
  GraphValue *shape = EMIT(c->emit, Shape, x);
  return tf_done(c, emit_filled(c->emit, shape, strcmp(c->node->op, "OnesLike") == 0, elem));
}

bool tf_op_gather(TfCall *c) {
  int64_t axis = 0;
  GraphValue *in[2];
  if (tf_int(c->node, "batch_dims", 0))
    return tf_lacks(c, E902,
                    "places that are the same for all samples are read: `tf.gather(x, places, "
                    "axis=1)`, without `batch_dims`",
                    "has `batch_dims`, which is not supported");
  return tf_all_in(c, 2, in) && (c->n_in < 3 || axis_of(c, 2, &axis)) &&
         tf_done(c, emit_axis_call(c->emit, GRAPH_Gather, axis, 2, in));
}

bool tf_op_reverse(TfCall *c) {
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  GraphValue *x = tf_in(c, 0);
  if (!x || !tf_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, &n, axes)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_Reverse, 1, &x, 1);
  graph_set_ints(c->scope->graph, node, GRAPH_ATTR_axes, n, axes);
  return tf_done(c, emit_done(c->emit, node));
}

/* The pads in the order of the graph, all before and then all after, from pads [rank, 2], which has
 * them before and after each axis. */
static GraphValue *pads_in_order(TfCall *c, GraphValue *pads) {
  return emit_reshape(c->emit, emit_transpose(c->emit, pads, 2, (int64_t[]){1, 0}), 1,
                      (int64_t[]){-1});
}

/* Operands: x, pads, and the number to pad with, which is 0 where it is absent. */
bool tf_op_pad(TfCall *c) {
  GraphValue *in[3];
  if (!tf_all_in(c, c->n_in, in)) return false;
  in[1] = pads_in_order(c, in[1]);
  return tf_done(c, emit_call(c->emit, GRAPH_Pad, c->n_in, in));
}

bool tf_op_mirror_pad(TfCall *c) {
  GraphValue *in[2];
  const char *mode = "reflect";
  if (strcmp(tf_word(c->reader, c->node, "mode", ""), "REFLECT") != 0)
    return tf_lacks(
        c, E902,
        "`tf.pad(x, pads, mode=\"REFLECT\")` is read, which does not repeat the last element",
        "pads with the outermost elements (`SYMMETRIC`), which is not supported");
  if (!tf_all_in(c, 2, in)) return false;
  in[1] = pads_in_order(c, in[1]);
  GraphNode *node = emit_node(c->emit, GRAPH_Pad, 2, in, 1);
  graph_set_words(c->scope->graph, node, GRAPH_ATTR_mode, 1, &mode);
  return tf_done(c, emit_done(c->emit, node));
}

/* Operands: places, depth, and the values at these places and elsewhere. */
bool tf_op_one_hot(TfCall *c) {
  GraphValue *in[4];
  if (!tf_all_in(c, 4, in)) return false;
  GraphValue *both[2] = {emit_unsqueeze(c->emit, in[3], 1, (int64_t[]){0}),
                         emit_unsqueeze(c->emit, in[2], 1, (int64_t[]){0})};
  in[2] = emit_concat(c->emit, 0, 2, both);
  return tf_done(c, emit_axis_call(c->emit, GRAPH_OneHot, tf_int(c->node, "axis", -1), 3, in));
}

/* ---- TensorArrays ---- */

/* Result 1, the flow, is the list. Operators take the handle, result 0, as an operand, too, but
 * their readers do not use it, so that any value does. */
bool tf_op_array_new(TfCall *c) {
  GraphValue *size = tf_in(c, 0);
  if (!size) return false;
  tf_set(c, 0, emit_int(c->emit, 0));
  tf_set(c, 1, EMIT(c->emit, ListNew, size));
  return true;
}

/* Whether the places are 0, 1, 2 ...: a constant of these numbers, or a Range from 0 in steps
 * of 1. */
static bool is_all(const GraphValue *places) {
  double start, step;
  const GraphTensor *t = places->constant;
  for (int64_t i = 0; t && i < t->count; i++)
    if (graph_at(t, i) != (double)i) return false;
  if (t) return true;
  const GraphNode *node = places->node;
  return node && node->op == GRAPH_Range && constant_number(node->in[0], &start) &&
         constant_number(node->in[2], &step) && start == 0 && step == 1;
}

bool tf_op_array_scatter(TfCall *c) {
  GraphValue *places = tf_in(c, 1), *rows = places ? tf_in(c, 2) : NULL;
  if (!rows) return false;
  if (!is_all(places))
    return tf_lacks(c, E902,
                    "fill it from an array in order, with `unstack`, and turn that with "
                    "`tf.reverse` in front of it",
                    "fills a TensorArray in another order than 0, 1, 2, which is not supported");
  return tf_done(c, EMIT(c->emit, ListFrom, rows));
}

bool tf_op_array_read(TfCall *c) {
  GraphValue *place = tf_in(c, 1), *list = place ? tf_in(c, 2) : NULL;
  return list && tf_done(c, EMIT(c->emit, ListGet, list, place));
}

bool tf_op_array_write(TfCall *c) {
  GraphValue *place = tf_in(c, 1), *row = place ? tf_in(c, 2) : NULL,
             *list = row ? tf_in(c, 3) : NULL;
  return list && tf_done(c, EMIT(c->emit, ListSet, list, place, row));
}

bool tf_op_array_gather(TfCall *c) {
  GraphValue *places = tf_in(c, 1), *list = places ? tf_in(c, 2) : NULL;
  if (!list) return false;
  if (!is_all(places))
    return tf_lacks(c, E902,
                    "read all of it in order, with `stack`, and turn the result with `tf.reverse` "
                    "or `tf.gather`",
                    "reads a TensorArray in another order than 0, 1, 2, which is not supported");
  return tf_done(c, EMIT(c->emit, ListStack, list));
}

bool tf_op_array_size(TfCall *c) {
  GraphValue *list = tf_in(c, 1);
  return list && tf_done(c, EMIT(c->emit, ListSize, list));
}
