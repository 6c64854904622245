/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that give the same numbers another shape, repeat them, join and part them. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <string.h>

bool torch_op_view(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"),
             *size = x ? torch_sizes(c, torch_has(c, "size") ? "size" : "shape") : NULL;
  return size && torch_set(c, 0, EMIT(c->emit, Reshape, x, size));
}

static GraphValue *shape_of(TorchCall *c, const char *name) {
  GraphValue *x = torch_in(c, name);
  return x ? EMIT(c->emit, Shape, x) : NULL;
}

bool torch_op_view_as(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *shape = x ? shape_of(c, "other") : NULL;
  return shape && torch_set(c, 0, EMIT(c->emit, Reshape, x, shape));
}

bool torch_op_ravel(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  return x && torch_set(c, 0, emit_reshape(c->emit, x, 1, (int64_t[]){-1}));
}

GraphValue *torch_sizes_around(TorchCall *c, GraphValue *x, int front, GraphValue *middle, int back,
                               int rank) {
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
  return torch_set(c, 0,
                   EMIT(c->emit, Reshape, x, torch_sizes_around(c, x, start, one, end + 1, rank)));
}

bool torch_op_unflatten(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *sizes = x ? torch_sizes(c, "sizes") : NULL;
  int axis = sizes ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 &&
         torch_set(c, 0,
                   EMIT(c->emit, Reshape, x,
                        torch_sizes_around(c, x, axis, sizes, axis + 1, torch_rank(c, "self"))));
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

/* -1 keeps a size. */
bool torch_op_expand(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *size = x ? torch_sizes(c, "size") : NULL;
  return size &&
         torch_set(c, 0, EMIT(c->emit, Expand, x, EMIT(c->emit, Max, size, emit_int(c->emit, 1))));
}

bool torch_op_expand_as(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *shape = x ? shape_of(c, "other") : NULL;
  return shape && torch_set(c, 0, EMIT(c->emit, Expand, x, shape));
}

/* self takes the numbers of src, repeated to its shape and made its type. */
bool torch_op_copy(TorchCall *c) {
  GraphValue *shape = shape_of(c, "self"), *x = shape ? torch_in(c, "src") : NULL;
  GraphElem elem = torch_arg_elem(c, "self");
  if (!x) return false;
  if (elem != torch_arg_elem(c, "src")) x = emit_cast(c->emit, x, elem);
  return torch_set(c, 0, EMIT(c->emit, Expand, x, shape));
}

/* repeat and tile: as many repeats as the result has axes; tile may name fewer, the last ones. */
bool torch_op_repeat(TorchCall *c) {
  const char *counts = strcmp(c->op, "tile") == 0 ? "dims" : "repeats";
  GraphValue *x = torch_in(c, "self"), *repeats = x ? torch_sizes(c, counts) : NULL;
  int64_t axes[GRAPH_MAX_RANK], once[GRAPH_MAX_RANK];
  int rank = torch_result_rank(c), more = rank - torch_rank(c, "self"),
      named = torch_count(c, counts);
  if (!repeats) return false;
  if (more < 0 || more > GRAPH_MAX_RANK || named > rank)
    return torch_refuse(c, E901, "has repeats that do not fit its axes");
  for (int i = 0; i < rank; i++) {
    axes[i] = i;
    once[i] = 1;
  }
  if (more) x = emit_unsqueeze(c->emit, x, more, axes);
  if (named < rank)
    repeats = emit_concat(c->emit, 0, 2,
                          (GraphValue *[]){emit_ints(c->emit, rank - named, once), repeats});
  return torch_set(c, 0, EMIT(c->emit, Tile, x, repeats));
}

GraphValue *torch_repeated(TorchCall *c, GraphValue *x, int rank, int axis, int64_t factor) {
  if (factor == 1) return x;
  return form_repeated(c->emit, x, rank, axis, emit_ints(c->emit, 1, &factor));
}

/* Each element of an axis as often as a number says. */
bool torch_op_repeat_interleave(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t factor = torch_int(c, "repeats", 0);
  if (!x) return false;
  if (factor < 1 || factor > INT16_MAX || !torch_has(c, "dim"))
    return torch_lacks(c, E902, "name one number and the axis: `x.repeat_interleave(2, dim=1)`",
                       "repeats by numbers that are not one constant along one axis");
  int axis = torch_axis(c, "dim", 0, "self", 0);
  return axis >= 0 && torch_set(c, 0, torch_repeated(c, x, torch_rank(c, "self"), axis, factor));
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
  bool given = strstr(c->op, "split_with_sizes") != NULL;
  if (given && torch_ints(c, "split_sizes", n, sizes) != n)
    return torch_refuse(c, E901, "has unknown sizes");
  if (strstr(c->op, "chunk") && size >= 0 && torch_int(c, "chunks", 0) > 0)
    each = (size + torch_int(c, "chunks", 0) - 1) / torch_int(c, "chunks", 0);
  if (!given && each < 1)
    return torch_lacks(c, E902,
                       "export with a fixed size of that axis, without `dynamic_shapes` for it",
                       "splits a size that is open");
  for (int i = 0; i < n; i++) {
    int64_t to = from + (given ? sizes[i] : each);
    part[i] = emit_slice(c->emit, x, axis, from, to, 1);
    from = to;
  }
  return torch_set_list(c, n, part);
}

bool torch_op_unbind(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int n = torch_list_length(c), axis = x ? torch_axis(c, "dim", 0, "self", 0) : -1;
  GraphValue **part = ARENA_ARRAY(c->reader->arena, GraphValue *, n + 1);
  for (int i = 0; axis >= 0 && i < n; i++)
    part[i] = torch_selected(c, x, axis, emit_int(c->emit, i));
  return axis >= 0 && torch_set_list(c, n, part);
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
    return torch_lacks(c, E902,
                       "constant numbers as pads are read, with the modes constant, reflect, "
                       "replicate and circular",
                       "pads in a way that is not supported");
  for (int i = 0; i < n / 2; i++) {
    pads[rank - 1 - i] = given[2 * i];
    pads[2 * rank - 1 - i] = given[2 * i + 1];
  }
  bool wraps = strcmp(word, "wrap") == 0;
  for (int i = 0; wraps && i < rank; i++) {
    int64_t size = torch_size(c, "self", i);
    if (pads[i] < 0 || pads[rank + i] < 0 ||
        (size >= 0 && (pads[i] > size || pads[rank + i] > size)))
      return torch_lacks(
          c, E902,
          "circular pads from 0 to the size of the axis are read; `x.repeat` repeats it whole",
          "repeats more of an axis than it has, or cuts it");
    x = form_wrapped(c->emit, x, i, pads[i], pads[rank + i]);
  }
  if (wraps) return torch_set(c, 0, x);
  GraphNode *node = emit_node(c->emit, GRAPH_Pad, 3,
                              (GraphValue *[]){x, emit_ints(c->emit, 2 * rank, pads),
                                               emit_number(c->emit, torch_number(c, "value", 0))},
                              1);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &word);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_triangle(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *k = emit_int(c->emit, torch_int(c, "diagonal", 0));
  return x && torch_set(c, 0,
                        strcmp(c->op, "triu") == 0 ? EMIT(c->emit, Triu, x, k)
                                                   : EMIT(c->emit, Tril, x, k));
}
