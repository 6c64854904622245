/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators whose results have the same numbers in other places. The integers of a quantised tensor
 * stay what they are if the result has the same scale. */
#include "import/read/tflite/reader.h"

/* The new shape is operand 1 or, in older files, an option. */
bool tfl_op_reshape(TflCall *c) {
  FlatBuffer *flat = &c->reader->flat;
  FlatVector given = flat_vector(flat, c->op.options, 0, 4);
  int64_t dim[GRAPH_MAX_RANK];
  if (tfl_in(c, 1)) return tfl_set_like(c, 0, EMIT(c->emit, Reshape, c->in[0], c->in[1]), 0);
  if (given.n > GRAPH_MAX_RANK) return tfl_refuse(c, E901, "has a shape of %u axes", given.n);
  for (uint32_t i = 0; i < given.n; i++)
    dim[i] = flat_element_i32(flat, given, i);
  GraphValue *shape = emit_ints(c->emit, (int)given.n, dim);
  return tfl_set_like(c, 0, EMIT(c->emit, Reshape, c->in[0], shape), 0);
}

bool tfl_op_squeeze(TflCall *c) {
  FlatBuffer *flat = &c->reader->flat;
  FlatVector given = flat_vector(flat, c->op.options, 0, 4);
  int64_t axes[GRAPH_MAX_RANK];
  if (given.n > GRAPH_MAX_RANK) return tfl_refuse(c, E901, "names %u axes", given.n);
  for (uint32_t i = 0; i < given.n; i++)
    axes[i] = flat_element_i32(flat, given, i);
  GraphValue *y = given.n ? emit_squeeze(c->emit, c->in[0], (int)given.n, axes)
                          : EMIT(c->emit, Squeeze, c->in[0]);
  return tfl_set_like(c, 0, y, 0);
}

bool tfl_op_expand_dims(TflCall *c) {
  int64_t axis;
  return tfl_constant_int(c, 1, "axis", &axis) &&
         tfl_set_like(c, 0, emit_unsqueeze(c->emit, c->in[0], 1, &axis), 0);
}

bool tfl_op_transpose(TflCall *c) {
  int n;
  int64_t perm[GRAPH_MAX_RANK];
  return tfl_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, &n, perm) &&
         tfl_set_like(c, 0, emit_transpose(c->emit, c->in[0], n, perm), 0);
}

/* Each part may have a scale of its own. Unless all have the scale of the result, they are joined
 * as real numbers. */
bool tfl_op_concat(TflCall *c) {
  GraphValue **part = ARENA_ARRAY(c->reader->arena, GraphValue *, c->n_in + 1);
  bool same = true;
  for (int k = 0; k < c->n_in; k++) {
    if (!c->in[k]) return tfl_refuse(c, E901, "lacks operand %d", k);
    same = same && (!c->to[0] || tfl_same_scale(c->from[k], c->to[0]));
  }
  for (int k = 0; k < c->n_in; k++)
    part[k] = same ? c->in[k] : tfl_real(c, k);
  GraphValue *y = c->n_in == 1 ? EMIT(c->emit, Identity, part[0])
                               : emit_concat(c->emit, tfl_option(c, 0, 0), c->n_in, part);
  int activation = flat_u8(&c->reader->flat, c->op.options, 1);
  if (same && activation == 0) return tfl_set(c, 0, y);
  y = tfl_activated(c, same ? tfl_real_of(c, y, c->to[0]) : y, activation);
  return y && tfl_set_real(c, 0, y);
}

/* Splits an operand along an axis into parts of these sizes, or into equal parts if they are
 * NULL. */
static bool split(TflCall *c, int operand, GraphValue *sizes, int64_t axis) {
  if (c->n_out > TFL_RESULTS) return tfl_refuse(c, E901, "has %d results", c->n_out);
  GraphNode *node = emit_node(c->emit, GRAPH_Split, sizes ? 2 : 1,
                              (GraphValue *[]){c->in[operand], sizes}, c->n_out);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, axis);
  if (!sizes) graph_set_int(c->emit->graph, node, GRAPH_ATTR_count, c->n_out);
  emit_done(c->emit, node);
  for (int k = 0; k < c->n_out; k++)
    if (!tfl_set_like(c, k, node->out[k], operand)) return false;
  return true;
}

bool tfl_op_split(TflCall *c) {
  int64_t axis;
  return tfl_constant_int(c, 0, "axis", &axis) && split(c, 1, NULL, axis);
}

bool tfl_op_split_v(TflCall *c) {
  int64_t axis, total = 0, size[TFL_RESULTS];
  int n, open = -1;
  if (!tfl_constant_int(c, 2, "axis", &axis) ||
      !tfl_constant_ints(c, 1, "sizes", TFL_RESULTS, &n, size))
    return false;
  if (n != c->n_out) return tfl_refuse(c, E901, "has %d sizes and %d results", n, c->n_out);
  for (int i = 0; i < n; i++) {
    if (size[i] == -1)
      open = i;
    else
      total += size[i];
  }
  int rank = c->from[0]->rank;
  int64_t at = axis < 0 ? axis + rank : axis;
  if (open >= 0) { /* a size of -1 is what the others leave */
    if (at < 0 || at >= rank || c->from[0]->dim[at] < total)
      return tfl_lacks(c, E904, tfl_fixed_sizes,
                       "has a size of -1 along an axis whose size is not known");
    size[open] = c->from[0]->dim[at] - total;
  }
  return split(c, 0, emit_ints(c->emit, n, size), axis);
}

bool tfl_op_pack(TflCall *c) {
  GraphValue **part = ARENA_ARRAY(c->reader->arena, GraphValue *, c->n_in + 1);
  int64_t axis = tfl_option(c, 1, 0);
  for (int k = 0; k < c->n_in; k++) {
    if (!c->in[k]) return tfl_refuse(c, E901, "lacks operand %d", k);
    if (!tfl_same_scale(c->from[k], c->from[0]))
      return tfl_lacks(c, E902, tfl_in_floats, "packs parts of different scales");
    part[k] = emit_unsqueeze(c->emit, c->in[k], 1, &axis);
  }
  return tfl_set_like(c, 0, emit_concat(c->emit, axis, c->n_in, part), 0);
}

/* Result k has element k of the axis, and the axis goes. */
bool tfl_op_unpack(TflCall *c) {
  int64_t axis = tfl_option(c, 1, 0);
  if (c->n_out > TFL_RESULTS) return tfl_refuse(c, E901, "has %d results", c->n_out);
  for (int k = 0; k < c->n_out; k++) {
    GraphValue *y = emit_row_of(c->emit, c->in[0], axis, k, c->n_out);
    if (!tfl_set_like(c, k, y, 0)) return false;
  }
  return true;
}

/* The pads in the order of the graph, all begins and then all ends, from operand 1 [n, 2], which
 * may be computed. */
static GraphValue *pads_of(TflCall *c) {
  static const int64_t swap[] = {1, 0};
  return emit_reshape(c->emit, emit_transpose(c->emit, c->in[1], 2, swap), 1, (int64_t[]){-1});
}

/* Pads operand 0. value: the number to pad with; NULL if the mode needs none. */
static bool padded(TflCall *c, GraphValue *value, const char *mode) {
  GraphValue *pads = pads_of(c);
  GraphNode *node =
      emit_node(c->emit, GRAPH_Pad, value ? 3 : 2, (GraphValue *[]){c->in[0], pads, value}, 1);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &mode);
  return tfl_set_like(c, 0, emit_done(c->emit, node), 0);
}

/* PAD pads with the integer that stands for 0, and PADV2 with a number that has the scale of the
 * operand. */
bool tfl_op_pad(TflCall *c) {
  const TflTensor *x = c->from[0];
  if (tfl_in(c, 2)) {
    if (tfl_quantised(x) && !tfl_same_scale(x, c->from[2]))
      return tfl_lacks(c, E902, tfl_in_floats, "pads with a number of another scale");
    return padded(c, c->in[2], "constant");
  }
  GraphElem elem = GRAPH_FLOAT;
  tfl_elem(x->type, &elem);
  double zero = tfl_quantised(x) ? graph_at(x->zero, 0) : 0;
  return padded(c, graph_constant(c->emit->graph, "", graph_scalar(c->reader->arena, elem, zero)),
                "constant");
}

/* Mode 0 (REFLECT) does not repeat the element at the edge. Mode 1 (SYMMETRIC) does, and pads of
 * one element repeat nothing but it. */
bool tfl_op_mirror_pad(TflCall *c) {
  if (!flat_u8(&c->reader->flat, c->op.options, 0)) return padded(c, NULL, "reflect");
  int n;
  int64_t pads[2 * GRAPH_MAX_RANK];
  if (!tfl_constant_ints(c, 1, "pads", 2 * GRAPH_MAX_RANK, &n, pads)) return false;
  for (int i = 0; i < n; i++)
    if (pads[i] > 1)
      return tfl_lacks(
          c, E902, "pads of 1 are read, and of any size with `tf.pad(x, pads, mode=\"REFLECT\")`",
          "repeats more than one element at the edge");
  return padded(c, NULL, "edge");
}

bool tfl_op_tile(TflCall *c) {
  return tfl_set_like(c, 0, EMIT(c->emit, Tile, c->in[0], c->in[1]), 0);
}

bool tfl_op_broadcast_to(TflCall *c) {
  return tfl_set_like(c, 0, EMIT(c->emit, Expand, c->in[0], c->in[1]), 0);
}

bool tfl_op_reverse(TflCall *c) {
  int n;
  int64_t axes[GRAPH_MAX_RANK];
  if (!tfl_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, &n, axes)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_Reverse, 1, c->in, 1);
  graph_set_ints(c->emit->graph, node, GRAPH_ATTR_axes, n, axes);
  return tfl_set_like(c, 0, emit_done(c->emit, node), 0);
}

bool tfl_op_reverse_sequence(TflCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_ReverseSequence, 2, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, tfl_option(c, 0, 0));
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_batch_axis, tfl_option(c, 1, 0));
  return tfl_set_like(c, 0, emit_done(c->emit, node), 0);
}
