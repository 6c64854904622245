/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows over a stream. A graph of one call keeps the rows that its convolutions look back on: it
 * joins them with the new ones, and gives the last of all of them out for the next call.
 *
 *     all = Concat(kept, fresh)      kept' = the last rows of all
 *
 * Then the rows of `all` are the last ones of an endless sequence. That is proved element by
 * element: what is kept of row j was row j + s of the same Concat one call earlier, s being the
 * number of new rows. How the file packs, cuts or transposes what it keeps does not matter. */
#include "import/lift/lift.h"

/* Element [outer, row, inner] along the axis of the Concat. */
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
  return !kept->data && kept->count > 0 && out->all > out->kept;
}

/* The input that all elements of a value are of; -1: none is. */
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

/* The output holds, where the input has the kept rows, the rows that follow them. */
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

/* The output that an input is in the next call, as far as this Concat shows; -1: none. */
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

static bool starts_at_zero(const Lift *l, int in) {
  const StatePair *pair = lift_pair_of_input(l, in);
  for (int64_t i = 0; pair && pair->start && i < pair->start->count; i++)
    if (pair->start->data[i] != 0) return false;
  return true;
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
    bool turned = in >= 0 && input_of(l, &l->trace, node->in[1]) == in; /* no row of it is new */
    if (out < 0 || turned || !starts_at_zero(l, in)) continue;
    lift_add_pair(l, in, out);
    window[node->out[0]->id] = true;
    l->n_windows++;
  }
  l->flat->window = window;
  for (int i = 0; i < graph->n_nodes && l->n_windows; i++)
    if (graph->node[i]->op == GRAPH_ConvTranspose && flat_is_window(l->flat, graph->node[i]->in[0]))
      flat_turn_transposed(l->flat, graph->node[i]);
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
