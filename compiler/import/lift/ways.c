/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that layers express in another way. In, a flat graph; out, the same values:
 *
 *   an LSTM with coupled gates     an LSTM whose f = 1 - i is a gate of its own, with the weights
 * of (input_forget)                 i and the other sign a transposed convolution of    a
 * convolution with the kernel reversed, which can read earlier stride 1 over kept rows        steps
 * of a stream an operator in both            two operators of one direction, whose results are
 * joined directions, if these differ or no stage computes it */
#include "import/lift/flat.h"
#include "import/lift/recurrent_form.h"

#include <string.h>

static int state_operand(GraphOp op) {
  return op == GRAPH_Gru ? 6 : 5;
}

static int activations_of(GraphOp op) {
  return op == GRAPH_Lstm ? 3 : op == GRAPH_Gru ? 2 : 1;
}

/* ---- coupled gates ---- */

/* Whether 1 - f(x) = f(-x) for the activation f. */
static bool is_odd_about_half(const char *word) {
  return strcmp(word, "sigmoid") == 0 || strcmp(word, "hard_sigmoid(0.2,0.5)") == 0;
}

/* A constant [dirs, gates, ...] whose gate `to` is gate `from` with the other sign. */
static GraphValue *mirrored(Flat *flat, const GraphTensor *t, int64_t from, int64_t to) {
  double *data;
  int64_t gates = t->dim[1], inner = t->count / (t->dim[0] * gates);
  GraphTensor *out = graph_tensor(flat->graph->numbers, GRAPH_FLOAT, t->rank, t->dim, &data);
  graph_copy_numbers(t, data);
  for (int64_t d = 0; d < t->dim[0]; d++)
    for (int64_t i = 0; i < inner; i++)
      data[(d * gates + to) * inner + i] = -graph_at(t, (d * gates + from) * inner + i);
  return flat_constant(flat, "", out);
}

/* Gives an LSTM with coupled gates a gate f of its own, if its function and weights allow it. */
static void uncouple(Flat *flat, GraphNode *node) {
  static const int weights[] = {1, 2, 3, 7}; /* W, R, b, peepholes: gates i f .. in all of them */
  const GraphTensor *w = node->in[1] ? flat_type_of(flat, node->in[1]) : NULL;
  int64_t dirs = w ? w->dim[0] : 0;
  for (int64_t d = 0; d < dirs; d++)
    if (!is_odd_about_half(graph_word(node, GRAPH_ATTR_activations, (int)(3 * d), "sigmoid")))
      return;
  for (size_t k = 0; k < sizeof weights / sizeof *weights; k++) {
    const GraphValue *value = weights[k] < node->n_in ? node->in[weights[k]] : NULL;
    if (value && (!graph_known(flat_type_of(flat, value)) || !flat_type_of(flat, value)->count))
      return;
  }
  for (size_t k = 0; k < sizeof weights / sizeof *weights; k++)
    if (weights[k] < node->n_in && node->in[weights[k]])
      node->in[weights[k]] = mirrored(flat, flat_type_of(flat, node->in[weights[k]]), 0, 1);
  graph_set_int(flat->graph, node, GRAPH_ATTR_input_forget, 0);
}

/* ---- two directions ---- */

/* Whether a node goes both ways, and must become two nodes. */
static bool ways_differ(const Flat *flat, const GraphNode *node) {
  int n = activations_of(node->op);
  if (strcmp(graph_word(node, GRAPH_ATTR_direction, 0, "forward"), "both") != 0) return false;
  if (flat_is_of_no_layer(flat, node))
    return true; /* spelled.c writes out one direction at a time */
  for (int i = 0; i < n; i++)
    if (strcmp(graph_word(node, GRAPH_ATTR_activations, i, ""),
               graph_word(node, GRAPH_ATTR_activations, n + i, "")) != 0)
      return true;
  return false;
}

/* Direction d of an operand whose first axis is that of directions. */
static GraphValue *part_of(Flat *flat, const GraphNode *like, GraphValue *x, int d) {
  const GraphTensor *t = flat_type_of(flat, x);
  int64_t dim[GRAPH_MAX_RANK], at = d;
  double *data;
  if (graph_known(t)) {
    memcpy(dim, t->dim, sizeof dim);
    dim[0] = 1;
    GraphTensor *part = graph_tensor(flat->graph->numbers, t->elem, t->rank, dim, &data);
    for (int64_t i = 0; i < part->count; i++)
      data[i] = graph_at(t, d * part->count + i);
    return flat_constant(flat, "", part);
  }
  GraphValue *in[2] = {x, flat_constant(flat, "", graph_ints(flat->arena, 1, &at))};
  GraphNode *node = flat_node(flat, GRAPH_Gather, like, 2, in, 1);
  graph_set_int(flat->graph, node, GRAPH_ATTR_axis, 0);
  return flat_typed(flat, node);
}

/* Whether operand k is the same for both directions: x, the lengths, the mask. */
static bool is_shared(GraphOp op, int k) {
  int mask = op == GRAPH_Lstm ? 8 : op == GRAPH_Gru ? 7 : 6, lengths = state_operand(op) - 1;
  return k == 0 || k == lengths || k == mask;
}

static GraphNode *one_way(Flat *flat, const GraphNode *node, int d) {
  GraphValue **in = ARENA_ARRAY(flat->arena, GraphValue *, node->n_in);
  int n = activations_of(node->op);
  const char *word[3], *direction = d ? "backward" : "forward";
  for (int k = 0; k < node->n_in; k++) {
    in[k] = node->in[k];
    if (!in[k] || is_shared(node->op, k)) continue;
    in[k] = part_of(flat, node, in[k], d);
    if (!in[k]) return NULL;
  }
  GraphNode *way = flat_like(flat, node, node->n_in, in);
  for (int i = 0; i < n; i++)
    word[i] = graph_word(node, GRAPH_ATTR_activations, d * n + i, "");
  graph_set_words(flat->graph, way, GRAPH_ATTR_activations, n, word);
  graph_set_words(flat->graph, way, GRAPH_ATTR_direction, 1, &direction);
  return flat_typed(flat, way) ? way : NULL;
}

static bool part_ways(Flat *flat, const GraphNode *node) {
  GraphNode *way[2] = {one_way(flat, node, 0), one_way(flat, node, 1)};
  GraphValue *both[3] = {NULL};
  if (!way[0] || !way[1]) return false;
  for (int k = 0; k < node->n_out; k++) { /* y [T, dirs, N, u], states [dirs, N, u] */
    both[k] = flat_joined(flat, node, k == 0, 2, (GraphValue *[]){way[0]->out[k], way[1]->out[k]});
    if (!both[k]) return false;
  }
  for (int k = 0; k < node->n_out; k++)
    flat_replace(flat, node->out[k], both[k]);
  return true;
}

static bool make_alike(Flat *flat, GraphNode *node) {
  if (!recurrent_form(node->op)) return false;
  if (node->op == GRAPH_Lstm && graph_int(node, GRAPH_ATTR_input_forget, 0)) uncouple(flat, node);
  return ways_differ(flat, node) && part_ways(flat, node);
}

void flat_part_ways(Flat *flat) {
  flat_each(flat, make_alike);
}

/* ---- transposed convolutions ---- */

/* A kernel [C, M / groups, k...] as [M, C / groups, k...], with all axes of k reversed. */
static GraphValue *turned_kernel(Flat *flat, const GraphTensor *w, int64_t groups) {
  int64_t c = w->dim[0] / groups, m = w->dim[1], taps = w->count / (w->dim[0] * m),
          dim[GRAPH_MAX_RANK];
  double *data;
  memcpy(dim, w->dim, sizeof dim);
  dim[0] = m * groups;
  dim[1] = c;
  const GraphTensor *out = graph_tensor(flat->graph->numbers, GRAPH_FLOAT, w->rank, dim, &data);
  for (int64_t g = 0; g < groups; g++)
    for (int64_t i = 0; i < c; i++)
      for (int64_t o = 0; o < m; o++)
        for (int64_t t = 0; t < taps; t++) /* to reverse all axes is to reverse the order of taps */
          data[((g * m + o) * c + i) * taps + t] =
              graph_at(w, ((g * c + i) * m + o) * taps + taps - 1 - t);
  return flat_constant(flat, "", out);
}

static int64_t at_axis(const GraphNode *node, GraphAttributeName name, int i, int64_t usual) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && i < a->n ? a->i[i] : usual;
}

void flat_turn_transposed(Flat *flat, GraphNode *node) {
  const GraphTensor *w = flat_type_of(flat, node->in[1]);
  int64_t groups = graph_int(node, GRAPH_ATTR_groups, 1), pads[2 * GRAPH_MAX_RANK];
  int n = w->rank - 2;
  if (node->op != GRAPH_ConvTranspose || !graph_known(w) || !w->count) return;
  for (int i = 0; i < n; i++) {
    int64_t reach = (w->dim[2 + i] - 1) * at_axis(node, GRAPH_ATTR_dilations, i, 1);
    pads[i] = reach - at_axis(node, GRAPH_ATTR_pads, i, 0);
    pads[n + i] = reach - at_axis(node, GRAPH_ATTR_pads, n + i, 0);
    if (at_axis(node, GRAPH_ATTR_strides, i, 1) != 1 ||
        at_axis(node, GRAPH_ATTR_output_padding, i, 0) != 0 || pads[i] < 0 || pads[n + i] < 0)
      return;
  }
  GraphValue **in = ARENA_ARRAY(flat->arena, GraphValue *, node->n_in);
  memcpy(in, node->in, sizeof *in * (size_t)node->n_in);
  in[1] = turned_kernel(flat, w, groups);
  node->op = GRAPH_Conv;
  node->in = in;
  graph_set_ints(flat->graph, node, GRAPH_ATTR_pads, 2 * n, pads);
}
