/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that take elements by their places, or put some there. */
#include "import/read/torch/reader.h"

#include <string.h>

GraphValue *torch_selected(TorchCall *c, GraphValue *x, int axis, GraphValue *place) {
  return emit_axis_call(c->emit, GRAPH_Gather, axis, 2, (GraphValue *[]){x, place});
}

/* How many elements from one on stand in their order: places p, p + 1, ... */
static int64_t run_of(const GraphTensor *t, int64_t from) {
  int64_t to = from + 1;
  while (to < t->count && graph_at(t, to) == graph_at(t, to - 1) + 1)
    to++;
  return to - from;
}

/* Places that go on from the front at the end, as a roll decomposed: two slices. NULL: others. */
static GraphValue *two_runs(TorchCall *c, GraphValue *x, int axis, const GraphValue *places) {
  const GraphTensor *t = places->constant;
  if (!t || t->rank != 1 || t->count < 3 || !graph_known(t)) return NULL;
  int64_t first = run_of(t, 0), second = t->count - first, size = torch_size(c, "self", axis);
  if (second == 0 || first + run_of(t, first) != t->count) return NULL;
  int64_t start[2] = {(int64_t)graph_at(t, 0), (int64_t)graph_at(t, first)};
  if (start[0] < 0 || start[1] < 0 || start[0] + first > size || start[1] + second > size)
    return NULL; /* counted from the end, or of a size that is open */
  GraphValue *slice[2] = {emit_slice(c->emit, x, axis, start[0], start[0] + first, 1),
                          emit_slice(c->emit, x, axis, start[1], start[1] + second, 1)};
  return emit_concat(c->emit, axis, 2, slice);
}

/* Constants that name each place of an axis of `size` as often, 0, 0, 1, 1, ...: how often; 0: they
 * are others. */
static int64_t factor_of(const GraphValue *places, int64_t size) {
  const GraphTensor *t = places->constant;
  if (!t || t->rank != 1 || size < 1 || t->count < size || t->count % size) return 0;
  int64_t factor = t->count / size;
  for (int64_t i = 0; i < t->count; i++)
    if (graph_at(t, i) != (double)(i / factor)) return 0;
  return factor;
}

/* Places of one axis. */
static GraphValue *indexed(TorchCall *c, GraphValue *x, int axis, GraphValue *places) {
  int64_t factor = factor_of(places, torch_size(c, "self", axis));
  if (factor) return torch_repeated(c, x, torch_rank(c, "self"), axis, factor);
  GraphValue *runs = two_runs(c, x, axis, places);
  return runs ? runs : torch_selected(c, x, axis, places);
}

bool torch_op_select(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *place = x ? torch_operand(c, "index") : NULL;
  int axis = place ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 && torch_set(c, 0, torch_selected(c, x, axis, place));
}

bool torch_op_index_select(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *places = x ? torch_in(c, "index") : NULL;
  int axis = places ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 && torch_set(c, 0, indexed(c, x, axis, places));
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
  if (length < 0 || start < 0)
    return torch_lacks(
        c, E902, "write it as a slice, `x[:, start:end]`, whose bounds may be computed from sizes",
        "has a computed index or length");
  return torch_set(c, 0, emit_slice(c->emit, x, axis, start, start + length, 1));
}

/* How many windows of a size fit, one each `step` elements; -1 after reporting. */
static int64_t windows_of(TorchCall *c, int axis, int64_t size, int64_t step) {
  int64_t all = torch_size(c, "self", axis);
  if (all >= 0 && size >= 1 && step >= 1 && size <= all) return (all - size) / step + 1;
  if (all < 0)
    torch_lacks(c, E902,
                "export with a fixed size of that axis, without `dynamic_shapes` for it; windows "
                "of a signal of any length are `torch.nn.functional.conv1d` with the weight "
                "`torch.eye(N).unsqueeze(1)`",
                "takes windows of an axis whose size is open");
  else
    torch_refuse(c, E901, "takes windows of %lld, one each %lld elements, of %lld", (long long)size,
                 (long long)step, (long long)all);
  return -1;
}

/* Windows along an axis; the elements of each stand along a new last axis. Each window is a slice,
 * and all of them are joined. */
bool torch_op_unfold(TorchCall *c) {
  enum { LARGEST = 1024 };
  GraphValue *x = torch_in(c, "self"), *window[LARGEST];
  int64_t size = torch_int(c, "size", 0), step = torch_int(c, "step", 0), perm[GRAPH_MAX_RANK];
  int64_t axis = x ? torch_axis(c, "dimension", 0, "self", 0) : -1;
  int64_t n = axis < 0 ? -1 : windows_of(c, (int)axis, size, step);
  int rank = torch_rank(c, "self");
  if (n < 0) return false;
  if (n > LARGEST)
    return torch_lacks(c, E902,
                       "`torch.nn.functional.conv1d` with the weight `torch.eye(N).unsqueeze(1)` "
                       "and the same stride takes windows of a signal of any length",
                       "takes more than %d windows", LARGEST);
  for (int i = 0; i < rank; i++)
    perm[i] = i < axis ? i : i == rank - 1 ? axis : i + 1;
  for (int64_t k = 0; k < n; k++) {
    GraphValue *part = emit_slice(c->emit, x, axis, k * step, k * step + size, 1);
    if (axis < rank - 1) part = emit_transpose(c->emit, part, rank, perm);
    window[k] = emit_unsqueeze(c->emit, part, 1, &axis);
  }
  return torch_set(c, 0, emit_concat(c->emit, axis, (int)n, window));
}

/* ---- index: x[:, a, b] ---- */

/* Whether the k-th of n lists of places changes along axis k of what they have together alone: each
 * axis is then taken by itself. */
static bool is_mesh(int n, GraphValue *const *places) {
  for (int k = 0; k < n; k++) {
    const GraphTensor *t = places[k]->constant;
    if (!t || t->rank > n) return false;
    for (int i = 0; i < t->rank; i++)
      if (t->dim[i] != 1 && i + n - t->rank != k) return false;
  }
  return true;
}

/* Axes from `front` on become one, and so do their places; NULL: a size is open. */
static GraphValue *taken_together(TorchCall *c, GraphValue *x, int front, int n,
                                  GraphValue *const *places) {
  GraphEmit *e = c->emit;
  GraphValue *joined = NULL, *zero = emit_int(e, 0);
  int64_t all = 1;
  for (int k = 0; k < n; k++) {
    int64_t n_of = torch_size(c, "self", front + k);
    if (n_of < 1 || n_of > INT32_MAX / all) return NULL;
    all *= n_of;
    GraphValue *size = emit_int(e, n_of), *from_end = EMIT(e, Add, places[k], size);
    GraphValue *place = EMIT(e, Where, EMIT(e, Less, places[k], zero), from_end, places[k]);
    joined = joined ? EMIT(e, Add, EMIT(e, Mul, joined, size), place) : place;
  }
  GraphValue *one = emit_ints(e, 1, &all);
  GraphValue *sizes = torch_sizes_around(c, x, front, one, front + n, torch_rank(c, "self"));
  return torch_selected(c, EMIT(e, Reshape, x, sizes), front, joined);
}

/* Places for some axes that follow each other; the others are taken whole. */
bool torch_op_index(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), **all, *places[GRAPH_MAX_RANK];
  int n_all, n = 0, front = 0;
  all = x ? torch_optional_tensors(c, "indices", &n_all) : NULL;
  if (!all) return false;
  if (n_all > torch_rank(c, "self"))
    return torch_refuse(c, E901, "has places for more axes than there are");
  for (int i = 0; i < n_all; i++) {
    if (!all[i]) continue;
    if (n && front + n != i)
      return torch_lacks(
          c, E902,
          "put these axes next to each other at the front, with `x.movedim`, and index them there",
          "has places for axes that do not follow each other");
    if (torch_listed_elem(c, "indices", i) == GRAPH_BOOL)
      return torch_lacks(
          c, E902,
          "`torch.where` and products with the condition keep the shape; `index_select` takes "
          "elements by their numbers",
          "keeps the elements where a condition holds, so that their number depends on the data");
    if (!n) front = i;
    places[n++] = all[i];
  }
  if (n == 1) return torch_set(c, 0, indexed(c, x, front, places[0]));
  if (n > 1 && !is_mesh(n, places)) {
    GraphValue *y = taken_together(c, x, front, n, places);
    return y ? torch_set(c, 0, y)
             : torch_lacks(c, E902,
                           "index one axis after the other, or export with fixed sizes of these "
                           "axes, without `dynamic_shapes` for them",
                           "takes places of axes whose sizes are open");
  }
  for (int k = 0; k < n; k++)
    x = indexed(c, x, front + k, emit_reshape(c->emit, places[k], 1, (int64_t[]){-1}));
  return torch_set(c, 0, x);
}

/* ---- others ---- */

/* A bound of a slice, counted from the front; -1: it is not known. */
static int64_t bound_of(const TorchCall *c, const char *name, int64_t if_absent, int64_t size) {
  int64_t at = torch_has(c, name) ? torch_int(c, name, -1) : if_absent;
  if (at < 0 && size >= 0) at += size;
  if (size >= 0 && at > size) return size;
  return at;
}

/* slice_scatter, select_scatter: self, of which a slice is that of src. */
bool torch_op_scatter(TorchCall *c) {
  GraphValue *x = torch_in(c, "self"), *src = x ? torch_in(c, "src") : NULL, *part[3];
  int64_t axis = src ? torch_axis(c, "dim", 0, "self", 0) : -1;
  bool one = strcmp(c->op, "select_scatter") == 0;
  int n = 0;
  if (axis < 0) return false;
  int64_t size = torch_size(c, "self", (int)axis);
  int64_t start = bound_of(c, one ? "index" : "start", 0, size),
          end = one ? start + 1 : bound_of(c, "end", INT32_MAX, size);
  if (start < 0 || end < start || torch_int(c, "step", 1) != 1)
    return torch_lacks(c, E902,
                       "put the parts together with `torch.cat`, or write to a slice of constant "
                       "bounds and step 1",
                       "writes to places that are not known, or not next to each other");
  if (one) src = emit_unsqueeze(c->emit, src, 1, &axis);
  if (start > 0) part[n++] = emit_slice(c->emit, x, axis, 0, start, 1);
  if (end > start) part[n++] = src;
  if (size < 0 ? end < INT32_MAX : end < size)
    part[n++] = emit_slice(c->emit, x, axis, end, INT32_MAX, 1);
  return torch_set(c, 0, emit_concat(c->emit, axis, n, part));
}

bool torch_op_one_hot(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int64_t depth = torch_int(c, "num_classes", -1);
  if (!x) return false;
  if (depth < 1)
    return torch_lacks(c, E902, "pass it: `one_hot(x, num_classes=N)`",
                       "takes the number of classes from the data");
  GraphValue *off_on = emit_ints(c->emit, 2, (int64_t[]){0, 1});
  return torch_set(c, 0,
                   emit_axis_call(c->emit, GRAPH_OneHot, -1, 3,
                                  (GraphValue *[]){x, emit_int(c->emit, depth), off_on}));
}

/* Each element less the one before, `n` times. */
bool torch_op_diff(TorchCall *c) {
  GraphValue *part[3] = {torch_tensor_arg(c, "prepend"), torch_in(c, "self"),
                         torch_tensor_arg(c, "append")};
  int64_t times = torch_int(c, "n", 1);
  int axis = part[1] ? torch_axis(c, "dim", -1, "self", 0) : -1, n = 0;
  if (axis < 0) return false;
  if (torch_arg_elem(c, "self") == GRAPH_BOOL)
    return torch_lacks(c, E902, "turn the booleans into numbers first: `x.float()`",
                       "takes differences of booleans, which is not supported");
  if (times < 0 || times > INT8_MAX)
    return torch_lacks(c, E902, "orders of 0 to 127 are read",
                       "takes differences of order %lld, which is not supported", (long long)times);
  for (int k = 0; k < 3; k++)
    if (part[k]) part[n++] = part[k];
  GraphValue *x = emit_concat(c->emit, axis, n, part);
  for (int64_t i = 0; i < times; i++)
    x = EMIT(c->emit, Sub, emit_slice(c->emit, x, axis, 1, INT32_MAX, 1),
             emit_slice(c->emit, x, axis, 0, -1, 1));
  return torch_set(c, 0, x);
}

/* ---- index_put: x[:, a] = values ---- */

/* The one axis whose places are given by a constant vector; -1: there is none, or another. */
static int written_axis(int n, GraphValue *const *places) {
  int axis = -1;
  for (int i = 0; i < n; i++) {
    if (!places[i]) continue;
    const GraphTensor *t = places[i]->constant;
    if (axis >= 0 || !t || t->rank != 1 || !graph_known(t) || t->elem == GRAPH_BOOL) return -1;
    axis = i;
  }
  return axis;
}

/* Elements of an axis are replaced at constant places: each element of the result is taken from x,
 * or from the values behind it. */
bool torch_op_index_put(TorchCall *c) {
  int n = 0, rank = torch_rank(c, "self");
  GraphValue *x = torch_in(c, "self"), *values = x ? torch_in(c, "values") : NULL,
             **places = values ? torch_optional_tensors(c, "indices", &n) : NULL;
  int axis = places ? written_axis(n, places) : -1;
  if (!places) return false;
  if (axis < 0 || axis >= rank || torch_bool(c, "accumulate", false))
    return torch_lacks(c, E902,
                       "put the parts together with `torch.cat`, or choose between old and new "
                       "elements with `torch.where`",
                       "writes elements at places that are not a constant list of one axis");
  const GraphTensor *t = places[axis]->constant;
  int64_t size = torch_size(c, "self", axis), count = t->count;
  if (size < 0)
    return torch_lacks(c, E902,
                       "export with a fixed size of that axis, without `dynamic_shapes` for it, or "
                       "choose between old and new elements with `torch.where`",
                       "writes elements along an axis whose size is open");
  int64_t *from = ARENA_ARRAY(c->reader->arena, int64_t, size + 1);
  for (int64_t i = 0; i < size; i++)
    from[i] = i;
  for (int64_t i = 0; i < count; i++) {
    int64_t at = (int64_t)graph_at(t, i);
    if (at < 0) at += size;
    if (at < 0 || at >= size) return torch_refuse(c, E901, "writes an element that does not exist");
    from[at] = size + i;
  }
  GraphValue *shape = torch_sizes_around(c, x, axis, emit_ints(c->emit, 1, &count), axis + 1, rank);
  GraphValue *all[2] = {x, EMIT(c->emit, Expand, values, shape)};
  GraphValue *joined = emit_concat(c->emit, axis, 2, all);
  return torch_set(c, 0, emit_gather(c->emit, joined, axis, (int)size, from));
}
