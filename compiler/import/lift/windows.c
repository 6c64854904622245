/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows over a stream. A graph of one call may keep the rows that its convolutions read again: it
 * joins them with the new rows, and gives the last ones of all rows to the next call.
 *
 *     all = Concat(kept, fresh)      kept' = the last rows of all
 *
 * The rows of `all` are then the last rows of an endless sequence. In, a flat graph; out, which
 * Concats are such windows, after a proof for each element: the kept row j was row j + s of the
 * same Concat one call earlier, where s is the number of new rows. The file may pack, slice and
 * transpose what it keeps in any way. */
#include "import/lift/lift.h"

#include <string.h>

/* The sizes of a Concat, [outer, rows, inner] around its axis: `kept` of `all` rows are kept. The
 * others are new: rows of numbers that the file holds are padding, and no window. */
typedef struct WindowRows {
  int64_t outer, inner, kept, all;
} WindowRows;

static bool rows_of(const Flat *flat, const GraphNode *node, WindowRows *out) {
  if (node->op != GRAPH_Concat || node->n_in != 2) return false;
  const GraphTensor *kept = flat_type_of(flat, node->in[0]), *y = flat_type_of(flat, node->out[0]);
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  *out = (WindowRows){.outer = 1, .inner = 1, .kept = kept->dim[axis], .all = y->dim[axis]};
  for (int i = 0; i < y->rank; i++) {
    if (i < axis) out->outer *= y->dim[i];
    if (i > axis) out->inner *= y->dim[i];
  }
  return !graph_known(kept) && kept->count > 0 && out->all > out->kept &&
         !graph_known(flat_type_of(flat, node->in[1]));
}

/* The input that has all elements of a value; -1: there is none. */
static int input_of(Lift *l, Trace *t, const GraphValue *value) {
  const Graph *graph = l->flat->graph;
  const double *code = trace_of(t, value);
  int64_t n = lift_type(l, value)->count;
  for (int i = 0; code && i < graph->n_in; i++) {
    int64_t k = 0;
    while (k < n && trace_holds(t, graph->in[i].value, code[k]))
      k++;
    if (k == n) return i;
  }
  return -1;
}

/* Whether an output has, at the place of each kept row in the input, the row that is kept there in
 * the next call. */
static bool shifts(Lift *l, Trace *t, const GraphNode *node, const WindowRows *r,
                   const GraphValue *in, const GraphValue *out) {
  const double *from = trace_of(t, node->in[0]), *all = trace_of(t, node->out[0]),
               *to = trace_of(t, out);
  if (!from || !all || !to || lift_type(l, in)->count != lift_type(l, out)->count) return false;
  int64_t fresh = r->all - r->kept;
  for (int64_t o = 0; o < r->outer; o++)
    for (int64_t j = 0; j < r->kept; j++)
      for (int64_t i = 0; i < r->inner; i++) {
        int64_t place = (int64_t)(from[(o * r->kept + j) * r->inner + i] - t->base[in->id]);
        if (to[place] != all[(o * r->all + j + fresh) * r->inner + i]) return false;
      }
  return true;
}

/* The output that is the input of the next call, if this Concat is a window; -1: there is none. */
static int output_of(Lift *l, Trace *t, const GraphNode *node, const WindowRows *r, int in) {
  const Graph *graph = l->flat->graph;
  const StatePair *known = lift_pair_of_input(l, in);
  if (known)
    return shifts(l, t, node, r, graph->in[in].value, graph->out[known->out].value) ? known->out
                                                                                    : -1;
  for (int o = 0; o < l->flat->n_file_out && in < l->flat->n_file_in; o++)
    if (shifts(l, t, node, r, graph->in[in].value, graph->out[o].value)) return o;
  return -1;
}

/* The value that an element with this code is computed as. */
static const GraphValue *owner_of(const Trace *t, double code) {
  const Graph *graph = t->flat->graph;
  int low = 0, high = graph->n_values - 1;
  while (low < high) {
    int middle = low + (high - low + 1) / 2;
    if (t->base[middle] <= code)
      low = middle;
    else
      high = middle - 1;
  }
  return graph->value[low];
}

/* Whether a value is computed from rows of an input that `kept` holds, and not from others of the
 * same input alone, in which a file may keep what several convolutions look back on. */
static bool is_made_of(Lift *l, Trace *t, const GraphValue *value, const GraphValue *kept,
                       const GraphValue *in) {
  const double *rows = trace_of(t, kept);
  bool *is_kept = ARENA_ARRAY(l->arena, bool, lift_type(l, in)->count + 1);
  bool *seen = ARENA_ARRAY(l->arena, bool, l->flat->graph->n_values + 1);
  const GraphValue **left = NULL;
  int n = 0;
  size_t cap = 0;
  for (int64_t k = 0; k < lift_type(l, kept)->count; k++)
    is_kept[(int64_t)(rows[k] - t->base[in->id])] = true;
  ARENA_PUSH(l->arena, left, n, cap, value);
  while (n) {
    const GraphValue *next = left[--n];
    const double *code = trace_of(t, next);
    if (!code) return true;
    for (int64_t k = 0; k < lift_type(l, next)->count; k++) {
      if (code[k] < 0) continue;
      if (trace_holds(t, in, code[k]) && is_kept[(int64_t)(code[k] - t->base[in->id])]) return true;
      const GraphValue *owner = owner_of(t, code[k]);
      if (seen[owner->id] || !owner->node) continue;
      seen[owner->id] = true;
      for (int i = 0; i < owner->node->n_in; i++)
        if (owner->node->in[i]) ARENA_PUSH(l->arena, left, n, cap, owner->node->in[i]);
    }
  }
  return false;
}

static bool starts_at_zero(const Lift *l, int in) {
  const StatePair *pair = lift_pair_of_input(l, in);
  for (int64_t i = 0; pair && pair->start && i < pair->start->count; i++)
    if (graph_at(pair->start, i) != 0) return false;
  return true;
}

/* The row of a window that holds the element with this code; -1: none does. */
static int64_t row_with(Trace *t, const GraphValue *all, const WindowRows *r, double code) {
  const double *rows = trace_of(t, all);
  for (int64_t k = 0; rows && k < r->outer * r->all * r->inner; k++)
    if (rows[k] == code) return k / r->inner % r->all;
  return -1;
}

/* Whether the rows of a window go along an axis of a value, as its first two elements there say. */
static bool goes_along(Lift *l, Trace *t, const GraphValue *value, int axis, const GraphValue *all,
                       const WindowRows *r) {
  const GraphTensor *type = lift_type(l, value);
  const double *code = trace_of(t, value);
  int64_t inner = 1;
  for (int i = axis + 1; i < type->rank; i++)
    inner *= type->dim[i];
  if (!code || type->count <= inner || type->dim[axis] < 2 || code[0] < 0) return false;
  int64_t from = row_with(t, all, r, code[0]), to = row_with(t, all, r, code[inner]);
  return from >= 0 && to >= 0 && from != to;
}

/* Whether a Pad repeats or mirrors the ends of all rows of a call, which are then no rows of an
 * endless sequence. */
static bool has_ends(Lift *l, Trace *t, const GraphValue *all, const WindowRows *r) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *pad = graph->node[i];
    if (pad->op != GRAPH_Pad ||
        strcmp(graph_word(pad, GRAPH_ATTR_mode, 0, "constant"), "constant") == 0)
      continue;
    const GraphTensor *pads = lift_type(l, pad->in[1]);
    int rank = lift_type(l, pad->in[0])->rank;
    for (int axis = 0; axis < rank && graph_known(pads); axis++)
      if ((graph_at(pads, axis) > 0 || graph_at(pads, rank + axis) > 0) &&
          goes_along(l, t, pad->in[0], axis, all, r))
        return true;
  }
  return false;
}

/* The taps of a kernel [C, 1, K] in a constant that a window [N, C, K], its rows along `axis`, is
 * multiplied by; NULL: it is another. */
static GraphValue *taps_of(Flat *flat, const GraphTensor *x, int axis, const GraphTensor *c) {
  int64_t channels = x->dim[3 - axis], rows = x->dim[axis], stride[3] = {0}, run = 1;
  double *data;
  if (!graph_known(c) || c->rank > 3 || (c->rank == 3 && c->dim[0] != 1)) return NULL;
  for (int i = c->rank; i-- > 0; run *= c->dim[i])
    stride[3 - c->rank + i] = c->dim[i] == 1 ? 0 : run;
  GraphTensor *taps =
      graph_tensor(flat->graph->numbers, GRAPH_FLOAT, 3, (int64_t[]){channels, 1, rows}, &data);
  for (int64_t i = 0; i < channels * rows; i++)
    data[i] = graph_at(c, i / rows * stride[3 - axis] + i % rows * stride[axis]);
  return flat_constant(flat, "", taps);
}

/* The sum of a window's rows, each channel of each times a constant, is a convolution:
 *
 *     ReduceSum(Mul(all, c), axis)      Squeeze(Conv(all, c, groups = C), axis) */
static GraphValue *weighted_rows(Flat *flat, const GraphNode *sum) {
  const GraphAttribute *axes = graph_attribute(sum, GRAPH_ATTR_axes);
  const GraphNode *mul = sum->op == GRAPH_ReduceSum ? sum->in[0]->node : NULL;
  if (!mul || mul->op != GRAPH_Mul || !axes || axes->n != 1) return NULL;
  int k = flat_is_window(flat, mul->in[0]) ? 0 : 1, axis = (int)axes->i[0];
  GraphValue *x = mul->in[k];
  const GraphTensor *t = flat_type_of(flat, x);
  if (!flat_is_window(flat, x) || t->rank != 3 || axis < 1 ||
      graph_int(x->node, GRAPH_ATTR_axis, 0) != axis)
    return NULL;
  GraphValue *taps = taps_of(flat, t, axis, flat_type_of(flat, mul->in[1 - k]));
  if (axis == 1) x = flat_transposed(flat, sum, x, 3, (int64_t[]){0, 2, 1});
  if (!taps || !x) return NULL;
  GraphNode *conv = flat_node(flat, GRAPH_Conv, mul, 2, (GraphValue *[]){x, taps}, 1);
  graph_set_int(flat->graph, conv, GRAPH_ATTR_groups, t->dim[3 - axis]);
  GraphValue *y = flat_typed(flat, conv);
  if (y && axis == 1) y = flat_transposed(flat, sum, y, 3, (int64_t[]){0, 2, 1});
  if (!y || graph_int(sum, GRAPH_ATTR_keepdims, 1)) return y;
  GraphNode *squeeze = flat_node(flat, GRAPH_Squeeze, sum, 1, &y, 1);
  graph_set_int(flat->graph, squeeze, GRAPH_ATTR_axes, axis);
  return flat_typed(flat, squeeze);
}

static bool find_weighted_rows(Flat *flat, GraphNode *node) {
  GraphValue *y = weighted_rows(flat, node);
  if (y) flat_replace(flat, node->out[0], y);
  return y != NULL;
}

void lift_find_windows(Lift *l) {
  const Graph *graph = l->flat->graph;
  bool *window = ARENA_ARRAY(l->arena, bool, graph->n_values + 1);
  l->n_windows = 0;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    WindowRows r;
    if (!rows_of(l->flat, node, &r)) continue;
    int in = input_of(l, &l->trace, node->in[0]),
        out = in >= 0 ? output_of(l, &l->trace, node, &r, in) : -1;
    bool turned = in >= 0 && input_of(l, &l->trace, node->in[1]) == in;
    /* rows of the input itself, or made of the kept ones, are not new */
    if (out < 0 || turned || !starts_at_zero(l, in) ||
        is_made_of(l, &l->trace, node->in[1], node->in[0], graph->in[in].value) ||
        has_ends(l, &l->trace, node->out[0], &r))
      continue;
    lift_add_pair(l, in, out);
    window[node->out[0]->id] = true;
    l->n_windows++;
  }
  l->flat->window = window;
  for (int i = 0; i < graph->n_nodes && l->n_windows; i++)
    if (graph->node[i]->op == GRAPH_ConvTranspose && flat_is_window(l->flat, graph->node[i]->in[0]))
      flat_turn_transposed(l->flat, graph->node[i]);
  if (l->n_windows) flat_each(l->flat, find_weighted_rows);
}

LiftDone lift_window(Lift *l, const GraphNode *node) {
  if (!flat_is_window(l->flat, node->out[0])) return LIFT_OTHER;
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0), time;
  const Placed *fresh = &l->placed[node->in[1]->id];
  if (l->time.kind != TIME_STREAM || !fresh->value || !fresh->layout.timed) return LIFT_OTHER;
  Placed out = *fresh;
  out.before += lift_type(l, node->in[0])->dim[axis];
  lift_axis(l, node->out[0], axis, &time);
  if (time >= 0) out.layout.time = time;
  l->placed[node->out[0]->id] = out;
  return LIFT_DONE;
}
