/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that put axes, and elements along an axis, in another order. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <string.h>

static bool swap(TorchCall *c, GraphValue *x, int a, int b, int rank) {
  int64_t perm[GRAPH_MAX_RANK];
  for (int i = 0; i < rank; i++)
    perm[i] = i == a ? b : i == b ? a : i;
  return torch_set(c, 0, a == b ? x : emit_transpose(c->emit, x, rank, perm));
}

bool torch_op_transpose(TorchCall *c) {
  bool named = torch_has(c, "axis0");
  GraphValue *x = torch_in(c, "self");
  int a = x ? torch_axis(c, named ? "axis0" : "dim0", 0, "self", 0) : -1,
      b = a >= 0 ? torch_axis(c, named ? "axis1" : "dim1", 0, "self", 0) : -1;
  return b >= 0 && swap(c, x, a, b, torch_rank(c, "self"));
}

bool torch_op_t(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self");
  return x && (rank == 2 ? swap(c, x, 0, 1, 2) : torch_set(c, 0, x));
}

bool torch_op_last_two(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self");
  if (!x) return false;
  if (rank < 2)
    return torch_refuse(c, E901,
                        "exchanges the last two axes of a tensor that has fewer, or that the file "
                        "does not describe");
  return swap(c, x, rank - 2, rank - 1, rank);
}

bool torch_op_numpy_t(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self");
  int64_t perm[GRAPH_MAX_RANK];
  for (int i = 0; i < rank; i++)
    perm[i] = rank - 1 - i;
  if (rank < 0) return torch_refuse(c, E901, "reverses unknown axes");
  return x && torch_set(c, 0, rank < 2 ? x : emit_transpose(c->emit, x, rank, perm));
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

/* Some axes go to other places; the rest fill what is left, in their order. */
bool torch_op_movedim(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self"), n, n_to, next = 0;
  int64_t from[GRAPH_MAX_RANK], to[GRAPH_MAX_RANK], perm[GRAPH_MAX_RANK];
  bool moves[GRAPH_MAX_RANK] = {false};
  if (!x || !torch_axes(c, "source", "self", &n, from) ||
      !torch_axes(c, "destination", "self", &n_to, to))
    return false;
  if (n != n_to) return torch_refuse(c, E901, "moves %d axes to %d places", n, n_to);
  for (int i = 0; i < rank; i++)
    perm[i] = -1;
  for (int i = 0; i < n; i++) {
    if (moves[from[i]] || perm[to[i]] >= 0) return torch_refuse(c, E901, "moves an axis twice");
    moves[from[i]] = true;
    perm[to[i]] = from[i];
  }
  for (int i = 0; i < rank; i++) {
    if (perm[i] >= 0) continue;
    while (moves[next])
      next++;
    perm[i] = next++;
  }
  return torch_set(c, 0, emit_transpose(c->emit, x, rank, perm));
}

/* Whether the numbers of self stand one after another, without gaps. */
static bool is_dense(const TorchCall *c, int rank, int64_t *count) {
  *count = 1;
  for (int i = rank - 1; i >= 0; i--) {
    int64_t size = torch_size(c, "self", i);
    if (size < 1 || (size > 1 && torch_stride(c, "self", i) != *count) || *count > INT32_MAX)
      return false;
    *count *= size;
  }
  return true;
}

/* A view by sizes and strides, where each number is seen once: axes in the order of their strides,
 * then put in the order that is asked for. */
bool torch_op_as_strided(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t size[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK], count, seen = 1;
  int n = torch_ints(c, "size", GRAPH_MAX_RANK, size),
      n_strides = torch_ints(c, "stride", GRAPH_MAX_RANK, stride), rank = torch_rank(c, "self");
  int64_t by_stride[GRAPH_MAX_RANK], sorted[GRAPH_MAX_RANK], perm[GRAPH_MAX_RANK];
  if (!x) return false;
  bool possible = n >= 0 && n == n_strides && rank >= 0 && is_dense(c, rank, &count) &&
                  torch_int(c, "storage_offset", 0) == 0;
  for (int i = 0; possible && i < n; i++) {
    int at = i;
    for (; at > 0 && stride[i] > stride[by_stride[at - 1]]; at--)
      by_stride[at] = by_stride[at - 1];
    by_stride[at] = i;
  }
  for (int k = n - 1; possible && k >= 0; k--) {
    int64_t axis = by_stride[k];
    possible = size[axis] >= 1 && (size[axis] == 1 || stride[axis] == seen) && seen <= count;
    sorted[k] = size[axis];
    perm[axis] = k;
    seen *= possible ? size[axis] : 1;
  }
  if (!possible || seen != count)
    return torch_lacks(
        c, E902, "use `reshape`, `permute` and slices; `x.unfold(dim, size, step)` takes windows",
        "looks at the memory of a tensor in a way that is no `reshape` and `permute`");
  return torch_set(c, 0, emit_transpose(c->emit, emit_reshape(c->emit, x, n, sorted), n, perm));
}

bool torch_op_flip(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t axes[GRAPH_MAX_RANK];
  int n;
  if (!x || !torch_axes(c, "dims", "self", &n, axes)) return false;
  if (n == 0) axes[n++] = strcmp(c->op, "fliplr") == 0; /* flipud: axis 0 */
  GraphNode *node = emit_node(c->emit, GRAPH_Reverse, 1, &x, 1);
  graph_set_ints(c->emit->graph, node, GRAPH_ATTR_axes, n, axes);
  return torch_set(c, 0, emit_done(c->emit, node));
}

/* The end of an axis goes to its front, by `shift` elements. */
static GraphValue *rolled(TorchCall *c, GraphValue *x, int64_t axis, int64_t size, int64_t shift) {
  int64_t front = (shift % size + size) % size;
  if (front == 0) return x;
  return emit_concat(c->emit, axis, 2,
                     (GraphValue *[]){emit_slice(c->emit, x, axis, size - front, size, 1),
                                      emit_slice(c->emit, x, axis, 0, size - front, 1)});
}

bool torch_op_roll(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t axes[GRAPH_MAX_RANK], shift[GRAPH_MAX_RANK];
  int n, n_shifts = torch_ints(c, "shifts", GRAPH_MAX_RANK, shift);
  if (!x || !torch_axes(c, "dims", "self", &n, axes)) return false;
  if (n == 0 || n != n_shifts)
    return torch_lacks(c, E902, "name the axes: `torch.roll(x, 1, dims=1)`",
                       "shifts without naming the axes, one for each shift");
  for (int i = 0; i < n; i++) {
    int64_t size = torch_size(c, "self", (int)axes[i]);
    if (size < 1)
      return torch_lacks(c, E902,
                         "export with a fixed size of that axis, without `dynamic_shapes` for it",
                         "shifts along an axis whose size is open");
    x = rolled(c, x, axes[i], size, shift[i]);
  }
  return torch_set(c, 0, x);
}

bool torch_op_pixel_shuffle(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t block = torch_int(c, "upscale_factor", 1);
  const char *mode = "CRD";
  if (!x) return false;
  if (torch_rank(c, "self") != 4)
    return torch_lacks(c, E902, "give it one: `x.unsqueeze(0)` before, and `squeeze(0)` after",
                       "has an input without a batch");
  GraphNode *node = emit_node(c->emit, GRAPH_DepthToSpace, 1, &x, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_block, block);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &mode);
  return torch_set(c, 0, emit_done(c->emit, node));
}

bool torch_op_pixel_unshuffle(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t block = torch_int(c, "downscale_factor", 1);
  if (!x) return false;
  if (torch_rank(c, "self") != 4)
    return torch_lacks(c, E902, "give it one: `x.unsqueeze(0)` before, and `squeeze(0)` after",
                       "has an input without a batch");
  if (block < 1 || block > INT16_MAX)
    return torch_refuse(c, E901, "has blocks of %lld", (long long)block);
  return torch_set(c, 0, form_space_to_depth(c->emit, x, block, true));
}

/* Channels [g, C/g] become [C/g, g]. */
bool torch_op_channel_shuffle(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int rank = torch_rank(c, "self");
  int64_t groups = torch_int(c, "groups", 1), channels = torch_size(c, "self", 1);
  int64_t size[GRAPH_MAX_RANK + 1], perm[GRAPH_MAX_RANK + 1];
  if (!x) return false;
  if (rank < 3 || rank + 1 > GRAPH_MAX_RANK || groups < 1 || channels < 1 || channels % groups)
    return torch_refuse(c, E901, "has %lld groups of %lld channels", (long long)groups,
                        (long long)channels);
  for (int i = 0; i <= rank; i++) {
    size[i] = i == 0 ? 0 : torch_size(c, "self", i - 1);
    perm[i] = i == 1 ? 2 : i == 2 ? 1 : i;
    if (i > 2 && size[i] < 0)
      return torch_lacks(c, E902,
                         "export with fixed sizes of these axes, without `dynamic_shapes` for them",
                         "has axes whose sizes are open");
  }
  size[1] = groups;
  size[2] = channels / groups;
  GraphValue *y = emit_transpose(c->emit, emit_reshape(c->emit, x, rank + 1, size), rank + 1, perm);
  return torch_set(c, 0, EMIT(c->emit, Reshape, y, EMIT(c->emit, Shape, x)));
}
