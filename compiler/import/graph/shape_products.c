/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shape rules of products, windows and recurrent operators. */
#include "import/graph/call.h"

#include <string.h>

bool graph_shape_matmul(GraphCall *call) {
  const GraphTensor *a = call_in(call, 0), *b = call_in(call, 1);
  bool whole = call->node->op == GRAPH_MatMulInteger;
  int rank;
  int64_t dim[GRAPH_MAX_RANK];
  if (a->rank < 1 || b->rank < 1) return call_fault(call, "a product needs axes");
  int front_a = a->rank > 2 ? a->rank - 2 : 0, front_b = b->rank > 2 ? b->rank - 2 : 0;
  int64_t inner_a = a->dim[a->rank - 1], inner_b = b->dim[b->rank > 1 ? b->rank - 2 : 0];
  if (inner_a != inner_b)
    return call_fault(call, "sizes %lld and %lld do not match (%s and %s)", (long long)inner_a,
                      (long long)inner_b, call_dims(call, a->rank, a->dim),
                      call_dims(call, b->rank, b->dim));
  if (!call_broadcast(call, front_a, a->dim, front_b, b->dim, &rank, dim)) return false;
  if (a->rank > 1) dim[rank++] = a->dim[a->rank - 2];
  if (b->rank > 1) dim[rank++] = b->dim[b->rank - 1];
  return call_result(call, 0, whole ? GRAPH_I32 : a->elem, rank, dim);
}

bool graph_shape_attention(GraphCall *call) {
  const GraphTensor *q = call_in(call, 0), *k = call_in(call, 1), *v = call_in(call, 2);
  const GraphTensor *scale = call_in(call, 3);
  int rank = q->rank;
  int64_t dim[GRAPH_MAX_RANK];
  if (rank < 2 || k->rank != rank || v->rank != rank)
    return call_fault(call, "queries, keys and values need the same axes, at least two");
  for (int i = 0; i < rank; i++) {
    bool keys = i == rank - 2 || k->dim[i] == q->dim[i],
         values = i == rank - 1 || v->dim[i] == k->dim[i];
    if (!keys || !values)
      return call_fault(call, "queries %s, keys %s and values %s do not match",
                        call_dims(call, rank, q->dim), call_dims(call, rank, k->dim),
                        call_dims(call, rank, v->dim));
    dim[i] = i == rank - 1 ? v->dim[i] : q->dim[i];
  }
  if (scale && scale->count != q->dim[rank - 1])
    return call_fault(call, "its scale does not match queries %s", call_dims(call, rank, q->dim));
  return call_result(call, 0, q->elem, rank, dim);
}

/* Sets the pads of a window that gives ceil(size / stride) steps. */
static bool same_pads(GraphCall *call, CallWindow *w) {
  const char *same = graph_word(call->node, GRAPH_ATTR_same, 0, "");
  const int64_t *size = call_in(call, 0)->dim + 2;
  for (int i = 0; *same && i < w->n; i++) {
    int64_t span, last;
    if (size[i] < 1 || !size_mul(w->kernel[i] - 1, w->dilation[i], &span))
      return call_fault(call, "a window has negative or too large sizes");
    last = (size[i] - 1) / w->stride[i] * w->stride[i];
    int64_t needed = last + span + 1 - size[i];
    if (needed < 0) needed = 0;
    w->before[i] = strcmp(same, "lower") == 0 ? needed - needed / 2 : needed / 2;
    w->after[i] = needed - w->before[i];
  }
  return true;
}

bool call_window(GraphCall *call, int n, CallWindow *window) {
  const GraphAttribute *pads = graph_attribute(call->node, GRAPH_ATTR_pads);
  window->n = n;
  if (!call_per_axis(call, GRAPH_ATTR_strides, n, 1, window->stride) ||
      !call_per_axis(call, GRAPH_ATTR_dilations, n, 1, window->dilation))
    return false;
  if (pads && pads->n != 2 * n)
    return call_fault(call, "%d pads do not fit a window of %d axes", pads->n, n);
  for (int i = 0; i < n; i++) {
    window->before[i] = pads ? pads->i[i] : 0;
    window->after[i] = pads ? pads->i[n + i] : 0;
    if (window->stride[i] < 1 || window->dilation[i] < 1 || window->kernel[i] < 1)
      return call_fault(call, "a window needs a kernel, strides and dilations of at least 1");
    if (window->before[i] < 0 || window->after[i] < 0 || window->before[i] > INT32_MAX ||
        window->after[i] > INT32_MAX || window->kernel[i] > INT32_MAX ||
        window->stride[i] > INT32_MAX || window->dilation[i] > INT32_MAX)
      return call_fault(call, "a window has negative or too large pads or sizes");
  }
  return same_pads(call, window);
}

/* *out gets the number of windows along axis i. The last window has to lie in the padded input or,
 * with the attribute `ceil`, to begin in the input or in the pads in front. */
static bool window_steps(GraphCall *call, const CallWindow *w, int i, int64_t size, int64_t *out) {
  bool up = graph_int(call->node, GRAPH_ATTR_ceil, 0) != 0;
  int64_t span, room, extra = up ? w->stride[i] - 1 : 0;
  if (!size_mul(w->kernel[i] - 1, w->dilation[i], &span))
    return call_fault(call, "a window has negative or too large sizes");
  room = size + w->before[i] + w->after[i] - span - 1;
  if (room < 0)
    return call_fault(call, "a window of %lld does not fit %lld with its pads",
                      (long long)(span + 1), (long long)size);
  *out = (room + extra) / w->stride[i] + 1;
  if (up && (*out - 1) * w->stride[i] >= size + w->before[i]) --*out;
  return true;
}

/* Checks the operands of a convolution, x [N, C, ...] and a kernel [M, C / groups, ...], and reads
 * its attributes. */
static bool conv_operands(GraphCall *call, int64_t *groups, CallWindow *w) {
  const GraphTensor *x = call_in(call, 0), *k = call_in(call, 1);
  if (x->rank < 3 || k->rank != x->rank)
    return call_fault(call, "a convolution needs operands of 3 axes or more, and got %s and %s",
                      call_dims(call, x->rank, x->dim), call_dims(call, k->rank, k->dim));
  *groups = graph_groups(call->node, x, k);
  if (*groups < 1 || x->dim[1] % *groups != 0 || k->dim[0] % *groups != 0)
    return call_fault(call, "%lld groups do not divide its channels", (long long)*groups);
  memcpy(w->kernel, k->dim + 2, sizeof *k->dim * (size_t)(k->rank - 2));
  return call_window(call, x->rank - 2, w);
}

static bool bias_fits(GraphCall *call, int k, int64_t channels) {
  const GraphTensor *b = call_in(call, k);
  return !b || (b->rank == 1 && b->dim[0] == channels) ||
         call_fault(call, "a bias %s does not fit %lld channels", call_dims(call, b->rank, b->dim),
                    (long long)channels);
}

bool graph_shape_conv(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *k = call_in(call, 1);
  bool whole = call->node->op == GRAPH_ConvInteger;
  int64_t groups, dim[GRAPH_MAX_RANK];
  CallWindow w;
  if (!conv_operands(call, &groups, &w)) return false;
  if (x->dim[1] / groups != k->dim[1])
    return call_fault(call,
                      "sizes %lld and %lld do not match: channels of the input and of the kernel",
                      (long long)(x->dim[1] / groups), (long long)k->dim[1]);
  if (!whole && !bias_fits(call, 2, k->dim[0])) return false;
  dim[0] = x->dim[0];
  dim[1] = k->dim[0];
  for (int i = 0; i < w.n; i++)
    if (!window_steps(call, &w, i, x->dim[i + 2], &dim[i + 2])) return false;
  return call_result(call, 0, whole ? GRAPH_I32 : GRAPH_FLOAT, x->rank, dim);
}

bool graph_shape_conv_transpose(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *k = call_in(call, 1);
  int64_t groups, dim[GRAPH_MAX_RANK], more[GRAPH_MAX_RANK];
  CallWindow w;
  if (!conv_operands(call, &groups, &w) ||
      !call_per_axis(call, GRAPH_ATTR_output_padding, w.n, 0, more))
    return false;
  if (x->dim[1] != k->dim[0])
    return call_fault(call,
                      "sizes %lld and %lld do not match: channels of the input and of the kernel",
                      (long long)x->dim[1], (long long)k->dim[0]);
  dim[0] = x->dim[0];
  if (!size_mul(k->dim[1], groups, &dim[1]) || !bias_fits(call, 2, dim[1])) return false;
  for (int i = 0; i < w.n; i++) {
    int64_t span, steps;
    if (!size_mul(w.kernel[i] - 1, w.dilation[i], &span) ||
        !size_mul(x->dim[i + 2] - 1, w.stride[i], &steps) || more[i] < 0 || more[i] > INT32_MAX ||
        !size_add(steps, span, &dim[i + 2]))
      return call_fault(call, "a window has negative or too large sizes");
    dim[i + 2] += 1 + more[i] - w.before[i] - w.after[i];
  }
  return call_result(call, 0, GRAPH_FLOAT, x->rank, dim);
}

bool graph_shape_pool(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0);
  int64_t dim[GRAPH_MAX_RANK];
  CallWindow w;
  if (x->rank < 3) return call_fault(call, "a pool needs 3 axes or more, and got %d", x->rank);
  if (!call_per_axis(call, GRAPH_ATTR_kernel, x->rank - 2, 1, w.kernel) ||
      !call_window(call, x->rank - 2, &w))
    return false;
  dim[0] = x->dim[0];
  dim[1] = x->dim[1];
  for (int i = 0; i < w.n; i++)
    if (!window_steps(call, &w, i, x->dim[i + 2], &dim[i + 2])) return false;
  return call_result(call, 0, x->elem, x->rank, dim);
}

/* ---- recurrent ---- */

static bool operand_fits(GraphCall *call, int k, const char *what, int rank, const int64_t *dim) {
  const GraphTensor *t = call_in(call, k);
  if (!t) return true;
  bool fits = t->rank == rank;
  for (int i = 0; i < rank && fits; i++)
    fits = t->dim[i] == dim[i];
  return fits || call_fault(call, "has %s %s; it needs %s", what, call_dims(call, t->rank, t->dim),
                            call_dims(call, rank, dim));
}

bool graph_shape_state(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *start = call_in(call, 1);
  int64_t dim[GRAPH_MAX_RANK] = {0};
  if (x->rank < 1 || start->rank >= GRAPH_MAX_RANK)
    return call_fault(call, "a state has too many axes, or no steps");
  dim[0] = x->dim[0];
  for (int i = 0; i < start->rank; i++)
    dim[i + 1] = start->dim[i];
  return call_result(call, 0, GRAPH_FLOAT, start->rank + 1, dim);
}

bool graph_shape_keep(GraphCall *call) {
  int states = (int)graph_int(call->node, GRAPH_ATTR_states, 0);
  if (states < 1 || call->node->n_in < 2 * states || call->node->n_out != call->node->n_in - states)
    return call_fault(call, "a cell has no states, or not all of its results");
  for (int k = 0; k < call->node->n_out; k++) {
    const GraphTensor *t = call_in(call, k < states ? 2 * k : k + states);
    if (k < states && !operand_fits(call, 2 * k + 1, "the state", t->rank, t->dim)) return false;
    if (!call_result(call, k, t->elem, t->rank, t->dim)) return false;
  }
  return true;
}

bool graph_shape_recurrent(GraphCall *call) {
  const GraphNode *node = call->node;
  const GraphTensor *x = call_in(call, 0), *w = call_in(call, 1);
  int64_t gates = node->op == GRAPH_Lstm ? 4 : node->op == GRAPH_Gru ? 3 : 1;
  bool lstm = node->op == GRAPH_Lstm, gru = node->op == GRAPH_Gru;
  const char *direction = graph_word(node, GRAPH_ATTR_direction, 0, "forward");
  int64_t dirs = strcmp(direction, "both") == 0 ? 2 : 1;
  if (x->rank != 3 || w->rank != 4)
    return call_fault(call, "x and W need 3 and 4 axes, and are %s and %s",
                      call_dims(call, x->rank, x->dim), call_dims(call, w->rank, w->dim));
  int64_t steps = x->dim[0], batch = x->dim[1], d = x->dim[2], u = w->dim[2];
  const GraphTensor *projection = lstm ? call_in(call, 9) : NULL;
  int64_t p = projection && projection->rank == 3 ? projection->dim[1] : u;
  if (w->dim[3] != d)
    return call_fault(call, "was trained on %lld inputs, but the graph feeds it %lld",
                      (long long)w->dim[3], (long long)d);
  int lengths = gru ? 5 : 4, h0 = lengths + 1, mask = gru ? 7 : lstm ? 8 : 6;
  if (!operand_fits(call, 1, "W", 4, (int64_t[]){dirs, gates, u, d}) ||
      !operand_fits(call, 2, "R", 4, (int64_t[]){dirs, gates, u, p}) ||
      !operand_fits(call, 3, "b", 3, (int64_t[]){dirs, gates, u}) ||
      (gru && !operand_fits(call, 4, "rb", 3, (int64_t[]){dirs, gates, u})) ||
      !operand_fits(call, lengths, "lengths", 1, &batch) ||
      !operand_fits(call, h0, "h0", 3, (int64_t[]){dirs, batch, p}) ||
      (lstm && !operand_fits(call, 6, "c0", 3, (int64_t[]){dirs, batch, u})) ||
      (lstm && !operand_fits(call, 7, "the peephole", 3, (int64_t[]){dirs, 3, u})) ||
      !operand_fits(call, mask, "the mask", 2, (int64_t[]){steps, batch}) ||
      (lstm && !operand_fits(call, 9, "the projection", 3, (int64_t[]){dirs, p, u})))
    return false;
  const int64_t y[] = {steps, dirs, batch, p}, h[] = {dirs, batch, p}, c[] = {dirs, batch, u};
  return call_result(call, 0, GRAPH_FLOAT, 4, y) &&
         (node->n_out < 2 || call_result(call, 1, GRAPH_FLOAT, 3, h)) &&
         (node->n_out < 3 || call_result(call, 2, GRAPH_FLOAT, 3, c));
}
