/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elements by their places; shapes as numbers; tensors made from numbers. */
#include "import/read/tflite/reader.h"

bool tfl_op_gather(TflCall *c) {
  if (tfl_option(c, 1, 0) != 0)
    return tfl_lacks(c, E902,
                     "places that are the same for all samples are read: `tf.gather(x, places, "
                     "axis=1)`, without `batch_dims`",
                     "has `batch_dims`, which is not supported");
  if (tfl_quantised(c->from[0]) &&
      c->from[0]->n_scales > 1) { /* a table with a scale for each row */
    GraphValue *in[2] = {tfl_real(c, 0), c->in[1]};
    return tfl_set_real(c, 0, emit_axis_call(c->emit, GRAPH_Gather, tfl_option(c, 0, 0), 2, in));
  }
  return tfl_set_like(c, 0, emit_axis_call(c->emit, GRAPH_Gather, tfl_option(c, 0, 0), 2, c->in),
                      0);
}

bool tfl_op_gather_nd(TflCall *c) {
  return tfl_set_like(c, 0, EMIT(c->emit, GatherNd, c->in[0], c->in[1]), 0);
}

/* Operands: places, updates, shape. The result has the updates at the places and 0 elsewhere. The
 * interpreter adds updates of equal places up, and the graph does not, so that the places have to
 * be constants that differ. */
bool tfl_op_scatter_nd(TflCall *c) {
  const GraphTensor *places = c->in[0]->constant;
  if (!places || places->rank < 1)
    return tfl_lacks(
        c, E902,
        "constant indices that differ are read; slices and `tf.concat` put parts together, too",
        "has computed indices, which may be equal");
  int64_t depth = places->dim[places->rank - 1], n = depth ? places->count / depth : 0;
  enum { MOST = 4096 };
  if (n > MOST || depth > GRAPH_MAX_RANK)
    return tfl_lacks(c, E902, "slices and `tf.concat` put any number of elements together",
                     "has %lld indices; at most %d are supported", (long long)n, MOST);
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < i; k++) {
      bool same = true;
      for (int64_t d = 0; d < depth; d++)
        same = same && graph_at(places, i * depth + d) == graph_at(places, k * depth + d);
      if (same)
        return tfl_lacks(c, E902,
                         "constant indices that differ are read; a product with a constant matrix "
                         "of zeros and ones adds elements up",
                         "adds up elements that have the same index");
    }
  GraphElem elem = GRAPH_FLOAT;
  tfl_elem(c->from[1]->type, &elem);
  GraphValue *base = emit_filled(
      c->emit, c->in[2], tfl_quantised(c->from[1]) ? graph_at(c->from[1]->zero, 0) : 0, elem);
  return tfl_set_like(c, 0, EMIT(c->emit, ScatterNd, base, c->in[0], c->in[1]), 1);
}

/* Operands: places, depth, and the values at these places and elsewhere. */
bool tfl_op_one_hot(TflCall *c) {
  GraphValue *both[2] = {tfl_real(c, 3), tfl_real(c, 2)};
  for (int k = 0; k < 2; k++)
    both[k] = emit_reshape(c->emit, both[k], 1, (int64_t[]){1});
  GraphValue *in[3] = {c->in[0], c->in[1], emit_concat(c->emit, 0, 2, both)};
  return tfl_set_real(c, 0, emit_axis_call(c->emit, GRAPH_OneHot, tfl_option(c, 0, -1), 3, in));
}

bool tfl_op_shape(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, Shape, c->in[0]));
}

bool tfl_op_rank(TflCall *c) {
  int rank;
  return tfl_rank(c, 0, &rank) && tfl_set(c, 0, emit_int(c->emit, rank));
}

bool tfl_op_fill(TflCall *c) {
  double value;
  GraphElem elem;
  if (!constant_number(c->in[1], &value) || !tfl_elem(c->from[1]->type, &elem))
    return tfl_set_like(c, 0, EMIT(c->emit, Expand, c->in[1], c->in[0]), 1);
  return tfl_set_like(c, 0, emit_filled(c->emit, c->in[0], value, elem), 1);
}

bool tfl_op_zeros_like(TflCall *c) {
  GraphElem elem = GRAPH_FLOAT;
  const TflTensor *to = c->to[0];
  if (to && !tfl_elem(to->type, &elem))
    return tfl_lacks(c, E902, tfl_cut(c), "has a result of type %s", tfl_type_name(to->type));
  GraphValue *shape = EMIT(c->emit, Shape, c->in[0]);
  return tfl_set(c, 0,
                 emit_filled(c->emit, shape, tfl_quantised(to) ? graph_at(to->zero, 0) : 0, elem));
}

bool tfl_op_range(TflCall *c) {
  return tfl_set(c, 0, EMIT(c->emit, Range, c->in[0], c->in[1], c->in[2]));
}

/* The shape to which two shapes broadcast: that of the sum of zeros of these shapes. */
bool tfl_op_broadcast_args(TflCall *c) {
  GraphValue *zeros[2];
  for (int k = 0; k < 2; k++) {
    GraphNode *node = emit_node(c->emit, GRAPH_ConstantOfShape, 1, &c->in[k], 1);
    graph_set_number(c->emit->graph, node, GRAPH_ATTR_value, 0);
    zeros[k] = emit_done(c->emit, node);
  }
  return tfl_set(c, 0, EMIT(c->emit, Shape, EMIT(c->emit, Add, zeros[0], zeros[1])));
}
