/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators whose results have the same numbers in other places, which follow from axes. */
#include "import/graph/eval.h"

#include <string.h>

/* The same numbers in the same order under another shape. */
static bool renamed(GraphCall *call) {
  call->out[0].wide = call_in(call, 0)->wide;
  call->out[0].narrow = call_in(call, 0)->narrow;
  return true;
}

bool graph_eval_Reshape(GraphCall *call) {
  return renamed(call);
}
bool graph_eval_Squeeze(GraphCall *call) {
  return renamed(call);
}
bool graph_eval_Unsqueeze(GraphCall *call) {
  return renamed(call);
}
bool graph_eval_Flatten(GraphCall *call) {
  return renamed(call);
}

/* y[i, j, ...] = x[base + stride . (i, j, ...)] */
static bool strided(GraphCall *call, const int64_t *stride) {
  const GraphTensor *x = call_in(call, 0);
  GraphTensor *out = &call->out[0];
  GraphNumbers y = call_numbers_like(call, 0, x);
  Walk w = walk_start(out->rank, out->dim);
  for (int i = 0; i < out->rank; i++)
    w.stride[0][i] = stride[i];
  int last = out->rank - 1;
  int64_t n = out->rank ? out->dim[last] : 1, step = out->rank ? stride[last] : 0;
  for (int64_t i = 0; i < out->count; i += n) { /* a row of the last axis at a time */
    for (int64_t k = 0; k < n; k++)
      graph_put(&y, i + k, graph_at(x, w.offset[0] + k * step));
    walk_skip_row(&w);
  }
  return true;
}

bool graph_eval_Transpose(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  const GraphAttribute *perm = graph_attribute(call->node, GRAPH_ATTR_perm);
  int64_t own[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK];
  strides_of(x->rank, x->dim, own);
  for (int i = 0; i < x->rank; i++) {
    int64_t from = perm ? perm->i[i] : x->rank - 1 - i;
    stride[i] = own[from < 0 ? from + x->rank : from];
  }
  return strided(call, stride);
}

bool graph_eval_Expand(GraphCall *call) {
  int64_t stride[GRAPH_MAX_RANK];
  strides_broadcast(call_in(call, 0), call->out[0].rank, stride);
  return strided(call, stride);
}

/* For each place along each axis of the result, the place in the operand from which its numbers
 * come; -1 if they come from none. */
typedef struct Pick {
  int64_t *from[GRAPH_MAX_RANK];
} Pick;

static Pick pick_new(GraphCall *call) {
  Pick pick = {{NULL}};
  for (int i = 0; i < call->out[0].rank; i++) {
    int64_t n = call->out[0].dim[i];
    pick.from[i] = ARENA_ARRAY(call->arena, int64_t, n + 1);
    for (int64_t k = 0; k < n; k++)
      pick.from[i][k] = k;
  }
  return pick;
}

static bool picked(GraphCall *call, const Pick *pick, double fill) {
  const GraphTensor *x = call_in(call, 0);
  GraphTensor *out = &call->out[0];
  int64_t stride[GRAPH_MAX_RANK];
  GraphNumbers y = call_numbers_like(call, 0, x);
  strides_of(x->rank, x->dim, stride);
  Walk w = walk_start(out->rank, out->dim);
  for (int64_t i = 0; i < out->count; i++, walk_next(&w)) {
    int64_t at = 0;
    bool inside = true;
    for (int a = 0; a < out->rank && inside; a++) {
      int64_t from = pick->from[a][w.at[a]];
      inside = from >= 0;
      at += from * stride[a];
    }
    graph_put(&y, i, inside ? graph_at(x, at) : fill);
  }
  return true;
}

/* Whether the result has no elements: its other axes may be too long to walk over. */
static bool is_empty(GraphCall *call) {
  if (call->out[0].count) return false;
  call_data(call, 0);
  return true;
}

bool graph_eval_Tile(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  if (is_empty(call)) return true;
  Pick pick = pick_new(call);
  for (int i = 0; i < x->rank; i++)
    for (int64_t k = 0; k < call->out[0].dim[i]; k++)
      pick.from[i][k] = k % x->dim[i];
  return picked(call, &pick, 0);
}

bool graph_eval_Slice(GraphCall *call) {
  CallSlice slice;
  if (!call_slice(call, &slice)) return false;
  if (is_empty(call)) return true;
  Pick pick = pick_new(call);
  for (int i = 0; i < call->out[0].rank; i++)
    for (int64_t k = 0; k < slice.count[i]; k++)
      pick.from[i][k] = slice.start[i] + k * slice.step[i];
  return picked(call, &pick, 0);
}

bool graph_eval_Reverse(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  unsigned set;
  if (!call_axes(call, GRAPH_ATTR_axes, x->rank, &set)) return false;
  if (is_empty(call)) return true;
  Pick pick = pick_new(call);
  for (int i = 0; i < x->rank; i++)
    for (int64_t k = 0; k < x->dim[i]; k++)
      if (set & 1u << i) pick.from[i][k] = x->dim[i] - 1 - k;
  return picked(call, &pick, 0);
}

/* The place along an axis of n elements from which element k of the padded axis comes, where k
 * counts from the first element that is not padding; -1 if it is a fill. */
static int64_t padded_place(int64_t k, int64_t n, const char *mode) {
  if (k >= 0 && k < n) return k;
  if (n == 0 || strcmp(mode, "constant") == 0) return -1;
  if (strcmp(mode, "edge") == 0) return k < 0 ? 0 : n - 1;
  if (strcmp(mode, "wrap") == 0) return (k % n + n) % n;
  int64_t period = n > 1 ? 2 * (n - 1) : 1, place = (k % period + period) % period;
  return place < n ? place : period - place;
}

bool graph_eval_Pad(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *value = call_in(call, 2);
  const char *mode = graph_word(call->node, GRAPH_ATTR_mode, 0, "constant");
  int n;
  int64_t pads[2 * GRAPH_MAX_RANK];
  if (!call_numbers(call, 1, 2 * GRAPH_MAX_RANK, &n, pads)) return false;
  if (value && value->count != 1) return call_fault(call, "its value is not one number");
  bool known = strcmp(mode, "constant") == 0 || strcmp(mode, "edge") == 0 ||
               strcmp(mode, "wrap") == 0 || strcmp(mode, "reflect") == 0;
  if (!known) return call_fault(call, "there is no way of padding called `%s`", mode);
  if (is_empty(call)) return true;
  Pick pick = pick_new(call);
  for (int i = 0; i < x->rank; i++)
    for (int64_t k = 0; k < call->out[0].dim[i]; k++)
      pick.from[i][k] = padded_place(k - pads[i], x->dim[i], mode);
  return picked(call, &pick, value ? value->wide[0] : 0);
}

bool graph_eval_Concat(GraphCall *call) {
  int axis;
  double *y = call_data(call, 0);
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), call->out[0].rank, &axis))
    return false;
  Line all = line_of(&call->out[0], axis);
  int64_t done = 0;
  for (int k = 0; k < call->node->n_in; k++) {
    Line line = line_of(call_in(call, k), axis);
    int64_t run = line.n * line.inner;
    for (int64_t o = 0; o < line.outer && run; o++)
      memcpy(y + o * all.n * all.inner + done, call_in(call, k)->wide + o * run,
             sizeof *y * (size_t)run);
    done += run;
  }
  return true;
}

bool graph_eval_Split(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int axis;
  if (!call_axis(call, graph_int(call->node, GRAPH_ATTR_axis, 0), x->rank, &axis)) return false;
  Line all = line_of(x, axis);
  int64_t done = 0;
  for (int k = 0; k < call->node->n_out; k++) {
    GraphNumbers y = call_numbers_like(call, k, x);
    int64_t run = call->out[k].dim[axis] * all.inner;
    for (int64_t o = 0; o < all.outer; o++)
      for (int64_t i = 0; i < run; i++)
        graph_put(&y, o * run + i, graph_at(x, o * all.n * all.inner + done + i));
    done += run;
  }
  return true;
}

/* x [N, C, H, W]: the channels of a block become a square of positions. A channel counts the rows
 * of the block, its columns and then c (mode DCR), or c first (CRD). */
bool graph_eval_DepthToSpace(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  GraphTensor *out = &call->out[0];
  int64_t b = graph_int(call->node, GRAPH_ATTR_block, 1), c = out->dim[1], h = x->dim[2],
          w = x->dim[3];
  bool crd = strcmp(graph_word(call->node, GRAPH_ATTR_mode, 0, "DCR"), "CRD") == 0;
  double *y = call_data(call, 0);
  Walk at = walk_start(4, out->dim);
  for (int64_t i = 0; i < out->count; i++, walk_next(&at)) {
    int64_t row = at.at[2] % b, column = at.at[3] % b, k = at.at[1];
    int64_t channel = crd ? (k * b + row) * b + column : (row * b + column) * c + k;
    y[i] = x->wide[((at.at[0] * x->dim[1] + channel) * h + at.at[2] / b) * w + at.at[3] / b];
  }
  return true;
}

static bool triangle(GraphCall *call, bool upper) {
  const GraphTensor *x = call_in(call, 0);
  int64_t k = 0;
  if (x->rank < 2) return call_fault(call, "a triangle needs two axes");
  if (call_in(call, 1) && !call_number(call, 1, &k)) return false;
  double *y = call_data(call, 0);
  int64_t columns = x->dim[x->rank - 1], rows = x->dim[x->rank - 2];
  for (int64_t i = 0; i < x->count; i++) {
    int64_t diagonal = i % columns - i / columns % rows;
    y[i] = (upper ? diagonal >= k : diagonal <= k) ? x->wide[i] : 0;
  }
  return true;
}

bool graph_eval_Triu(GraphCall *call) {
  return triangle(call, true);
}
bool graph_eval_Tril(GraphCall *call) {
  return triangle(call, false);
}
