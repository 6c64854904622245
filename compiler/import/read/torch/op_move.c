/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that put the same numbers elsewhere, and tensors of one number. */
#include "import/read/torch/reader.h"

#include <string.h>

bool torch_op_view(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"),
             *size = x ? torch_sizes(c, torch_has(c, "size") ? "size" : "shape") : NULL;
  return size && torch_set(c, 0, EMIT(c->emit, Reshape, x, size));
}

/* The sizes of x in front of an axis, then those of the middle, then those of x from another axis
 * on. */
static GraphValue *sizes_around(TorchCall *c, GraphValue *x, int front, GraphValue *middle,
                                int back, int rank) {
  GraphValue *part[3], *shape = EMIT(c->emit, Shape, x);
  int n = 0;
  if (front > 0) part[n++] = emit_slice(c->emit, shape, 0, 0, front, 1);
  part[n++] = middle;
  if (back < rank) part[n++] = emit_slice(c->emit, shape, 0, back, rank, 1);
  return emit_concat(c->emit, 0, n, part);
}

/* Axes from start_dim to end_dim become one. */
bool torch_op_flatten(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self");
  if (!x) return false;
  if (rank == 0) return torch_set(c, 0, emit_reshape(c->emit, x, 1, (int64_t[]){1}));
  int start = torch_axis(c, "start_dim", 0, "self", 0),
      end = start < 0 ? -1 : torch_axis(c, "end_dim", -1, "self", 0);
  int64_t dim[GRAPH_MAX_RANK] = {0};
  if (end < 0) return false;
  if (end < start) return torch_refuse(c, E901, "ends before it begins");
  if (start == end) return torch_set(c, 0, x);
  dim[start] = -1;
  if (end == rank - 1) return torch_set(c, 0, emit_reshape(c->emit, x, start + 1, dim));
  GraphValue *one = emit_ints(c->emit, 1, (int64_t[]){-1});
  return torch_set(c, 0, EMIT(c->emit, Reshape, x, sizes_around(c, x, start, one, end + 1, rank)));
}

bool torch_op_unflatten(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *sizes = x ? torch_sizes(c, "sizes") : NULL;
  int axis = sizes ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 &&
         torch_set(c, 0,
                   EMIT(c->emit, Reshape, x,
                        sizes_around(c, x, axis, sizes, axis + 1, torch_rank(c, "self"))));
}

/* Of the axes that are named, or all, those of size 1. */
bool torch_op_squeeze(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self"), n = 0, given = torch_has(c, "dim") ? -1 : 0;
  int64_t named[GRAPH_MAX_RANK], axes[GRAPH_MAX_RANK];
  bool all = given == 0;
  if (!x) return false;
  if (!all) given = torch_ints(c, "dim", GRAPH_MAX_RANK, named);
  if (rank < 0 || given < 0) return torch_refuse(c, E901, "names unknown axes");
  for (int i = 0; i < rank; i++) {
    bool wanted = all;
    for (int k = 0; k < given; k++)
      wanted = wanted || named[k] == i || named[k] + rank == i;
    if (wanted && torch_size(c, "self", i) == 1) axes[n++] = i;
  }
  return torch_set(c, 0, n ? emit_squeeze(c->emit, x, n, axes) : x);
}

bool torch_op_unsqueeze(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t axis = x ? torch_axis(c, "dim", 0, "self", 1) : -1;
  return axis >= 0 && torch_set(c, 0, emit_unsqueeze(c->emit, x, 1, &axis));
}

static bool swap(TorchCall *c, GraphValue *x, int a, int b, int rank) {
  int64_t perm[GRAPH_MAX_RANK];
  for (int i = 0; i < rank; i++)
    perm[i] = i == a ? b : i == b ? a : i;
  return torch_set(c, 0, a == b ? x : emit_transpose(c->emit, x, rank, perm));
}

bool torch_op_transpose(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int a = x ? torch_axis(c, "dim0", 0, "self", 0) : -1,
      b = a >= 0 ? torch_axis(c, "dim1", 0, "self", 0) : -1;
  return b >= 0 && swap(c, x, a, b, torch_rank(c, "self"));
}

bool torch_op_t(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self");
  return x && (rank == 2 ? swap(c, x, 0, 1, 2) : torch_set(c, 0, x));
}

bool torch_op_permute(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t perm[GRAPH_MAX_RANK];
  int rank = torch_rank(c, "self"), n = torch_ints(c, "dims", GRAPH_MAX_RANK, perm);
  if (!x) return false;
  if (n != rank) return torch_refuse(c, E901, "has an order of %d axes for %d", n, rank);
  for (int i = 0; i < n; i++)
    if (perm[i] < 0) perm[i] += rank;
  return torch_set(c, 0, emit_transpose(c->emit, x, n, perm));
}

/* -1 keeps a size. */
bool torch_op_expand(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *size = x ? torch_sizes(c, "size") : NULL;
  return size &&
         torch_set(c, 0, EMIT(c->emit, Expand, x, EMIT(c->emit, Max, size, emit_int(c->emit, 1))));
}

/* self takes the numbers of src, repeated to its shape. */
bool torch_op_copy(TorchCall *c) {
  GraphValue *to = torch_in(c, "self"), *x = to ? torch_in(c, "src") : NULL;
  GraphValue *shape = x ? EMIT(c->emit, Shape, to) : NULL;
  return shape && torch_set(c, 0, EMIT(c->emit, Expand, x, shape));
}

bool torch_op_repeat(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *repeats = x ? torch_sizes(c, "repeats") : NULL;
  int more = torch_result_rank(c) - torch_rank(c, "self");
  int64_t axes[GRAPH_MAX_RANK];
  if (!repeats) return false;
  if (more < 0 || more > GRAPH_MAX_RANK)
    return torch_refuse(c, E901, "has repeats that do not fit its axes");
  for (int i = 0; i < more; i++)
    axes[i] = i;
  if (more) x = emit_unsqueeze(c->emit, x, more, axes);
  return torch_set(c, 0, EMIT(c->emit, Tile, x, repeats));
}

/* The axis of the result along which a list of tensors is put together. */
static int list_axis(TorchCall *c) {
  int rank = torch_result_rank(c);
  int64_t axis = torch_int(c, "dim", 0);
  if (axis < 0) axis += rank;
  if (axis >= 0 && axis < rank) return (int)axis;
  torch_refuse(c, E901, "names an axis that does not exist");
  return -1;
}

bool torch_op_cat(TorchCall *c) {
  int n, axis = list_axis(c);
  GraphValue **in = axis < 0 ? NULL : torch_tensors(c, "tensors", &n);
  return in && torch_set(c, 0, emit_concat(c->emit, axis, n, in));
}

bool torch_op_stack(TorchCall *c) {
  int n;
  int64_t axis = list_axis(c);
  GraphValue **in = axis < 0 ? NULL : torch_tensors(c, "tensors", &n);
  if (!in) return false;
  for (int i = 0; i < n; i++)
    in[i] = emit_unsqueeze(c->emit, in[i], 1, &axis);
  return torch_set(c, 0, emit_concat(c->emit, axis, n, in));
}

/* split, chunk: parts of one size; split_with_sizes: of the sizes that are given. */
bool torch_op_split(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int n = torch_list_length(c), axis = x ? torch_axis(c, "dim", 0, "self", 0) : -1;
  if (axis < 0) return false;
  int64_t size = torch_size(c, "self", axis), each = torch_int(c, "split_size", 0), from = 0;
  int64_t *sizes = ARENA_ARRAY(c->reader->arena, int64_t, n + 1);
  GraphValue **part = ARENA_ARRAY(c->reader->arena, GraphValue *, n + 1);
  bool given = strcmp(c->op, "split_with_sizes") == 0;
  if (given && torch_ints(c, "split_sizes", n, sizes) != n)
    return torch_refuse(c, E901, "has unknown sizes");
  if (strcmp(c->op, "chunk") == 0 && size >= 0 && torch_int(c, "chunks", 0) > 0)
    each = (size + torch_int(c, "chunks", 0) - 1) / torch_int(c, "chunks", 0);
  if (!given && each < 1) return torch_refuse(c, E902, "splits a size that is open");
  for (int i = 0; i < n; i++) {
    int64_t to = from + (given ? sizes[i] : each);
    part[i] = emit_slice(c->emit, x, axis, from, to, 1);
    from = to;
  }
  return torch_set_list(c, n, part);
}

static GraphValue *selected(TorchCall *c, GraphValue *x, int axis, GraphValue *place) {
  return emit_axis_call(c->emit, GRAPH_Gather, axis, 2, (GraphValue *[]){x, place});
}

bool torch_op_unbind(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int n = torch_list_length(c), axis = x ? torch_axis(c, "dim", 0, "self", 0) : -1;
  GraphValue **part = ARENA_ARRAY(c->reader->arena, GraphValue *, n + 1);
  for (int i = 0; axis >= 0 && i < n; i++)
    part[i] = selected(c, x, axis, emit_int(c->emit, i));
  return axis >= 0 && torch_set_list(c, n, part);
}

bool torch_op_select(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *place = x ? torch_operand(c, "index") : NULL;
  int axis = place ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 && torch_set(c, 0, selected(c, x, axis, place));
}

bool torch_op_index_select(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *places = x ? torch_in(c, "index") : NULL;
  int axis = places ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 && torch_set(c, 0, selected(c, x, axis, places));
}

bool torch_op_gather(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *places = x ? torch_in(c, "index") : NULL;
  int axis = places ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 && torch_set(c, 0,
                                emit_axis_call(c->emit, GRAPH_GatherElements, axis, 2,
                                               (GraphValue *[]){x, places}));
}

/* A bound of a slice as a vector of one number. */
static GraphValue *bound(TorchCall *c, const char *name, int64_t if_absent) {
  GraphValue *value = torch_has(c, name) ? torch_operand(c, name) : emit_int(c->emit, if_absent);
  return value ? emit_reshape(c->emit, value, 1, (int64_t[]){1}) : NULL;
}

bool torch_op_slice(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *start = x ? bound(c, "start", 0) : NULL,
             *end = start ? bound(c, "end", INT32_MAX) : NULL;
  int64_t axis = end ? torch_axis(c, "dim", 0, "self", 0) : -1;
  if (axis < 0) return false;
  GraphValue *step = bound(c, "step", 1);
  return step &&
         torch_set(c, 0, EMIT(c->emit, Slice, x, start, end, emit_ints(c->emit, 1, &axis), step));
}

bool torch_op_narrow(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int axis = x ? torch_axis(c, "dim", 0, "self", 0) : -1;
  int64_t start = torch_int(c, "start", 0), length = torch_int(c, "length", -1);
  if (axis < 0) return false;
  if (length < 0 || start < 0) return torch_refuse(c, E902, "has a computed index or length");
  return torch_set(c, 0, emit_slice(c->emit, x, axis, start, start + length, 1));
}

/* Pads come from the last axis to the first: before, after, before, after. */
bool torch_op_pad(TorchCall *c) {
  static const char *const modes[][2] = {{"constant", "constant"},
                                         {"reflect", "reflect"},
                                         {"replicate", "edge"},
                                         {"circular", "wrap"}};
  GraphValue *x = torch_in(c, "self");
  const char *mode = torch_word(c, "mode", "constant"), *word = NULL;
  int rank = torch_rank(c, "self");
  int64_t given[2 * GRAPH_MAX_RANK], pads[2 * GRAPH_MAX_RANK] = {0};
  int n = torch_ints(c, "pad", 2 * GRAPH_MAX_RANK, given);
  if (!x) return false;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (strcmp(modes[i][0], mode) == 0) word = modes[i][1];
  if (n < 0 || n % 2 || n / 2 > rank || !word)
    return torch_refuse(c, E902, "pads in a way that is not supported");
  for (int i = 0; i < n / 2; i++) {
    pads[rank - 1 - i] = given[2 * i];
    pads[2 * rank - 1 - i] = given[2 * i + 1];
  }
  GraphNode *node = emit_node(c->emit, GRAPH_Pad, 3,
                              (GraphValue *[]){x, emit_ints(c->emit, 2 * rank, pads),
                                               emit_number(c->emit, torch_number(c, "value", 0))},
                              1);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &word);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_flip(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t axes[GRAPH_MAX_RANK];
  int n = torch_ints(c, "dims", GRAPH_MAX_RANK, axes), rank = torch_rank(c, "self");
  if (!x) return false;
  if (n < 0 || rank < 0) return torch_refuse(c, E901, "names unknown axes");
  for (int i = 0; i < n; i++)
    if (axes[i] < 0) axes[i] += rank;
  GraphNode *node = emit_node(c->emit, GRAPH_Reverse, 1, &x, 1);
  graph_set_ints(c->emit->graph, node, GRAPH_ATTR_axes, n, axes);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_triangle(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *k = emit_int(c->emit, torch_int(c, "diagonal", 0));
  return x && torch_set(c, 0,
                        strcmp(c->op, "triu") == 0 ? EMIT(c->emit, Triu, x, k)
                                                   : EMIT(c->emit, Tril, x, k));
}

/* The type that is asked for, else `usual`. */
static GraphElem elem_of(TorchCall *c, GraphElem usual) {
  json_t *inputs = json_object_get(c->node, "inputs");
  for (size_t i = 0; i < json_array_size(inputs); i++) {
    json_t *dtype =
        json_object_get(json_object_get(json_array_get(inputs, i), "arg"), "as_scalar_type");
    if (dtype) torch_elem(json_integer_value(dtype), &usual);
  }
  return usual;
}

static bool filled(TorchCall *c, GraphValue *size, GraphElem elem) {
  double value = strstr(c->op, "ones") ? 1 : torch_number(c, "fill_value", 0);
  if (!size) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_ConstantOfShape, 1, &size, 1);
  graph_set_number(c->emit->graph, node, GRAPH_ATTR_value, value);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_elem, elem);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_filled(TorchCall *c) {
  GraphElem usual = torch_has(c, "self") ? torch_arg_elem(c, "self") : GRAPH_FLOAT;
  return filled(c, torch_sizes(c, "size"), elem_of(c, usual));
}

bool torch_op_filled_like(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  return x && filled(c, EMIT(c->emit, Shape, x), elem_of(c, torch_arg_elem(c, "self")));
}

bool torch_op_sym_size(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int axis = x ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 &&
         torch_set(c, 0, selected(c, EMIT(c->emit, Shape, x), 0, emit_int(c->emit, axis)));
}
