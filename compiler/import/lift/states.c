/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* State that goes out and comes back. A start state of a recurrent operator is followed to the elements of
 * an input, its last state to the elements of an output; where both are the same elements, in the same places,
 * the output is the input of the next call, packed and transposed in whatever way.
 *
 * Elements are followed by computing the operators that only move on the numbers of elements instead of the
 * elements. */
#include "import/lift/lift.h"

#include <string.h>

enum { TRACE_MAX_ELEMENTS = 1 << 22 };

/* Element k of a value is element code[k] of all values laid end to end: base[id] + index. -1: a constant. */
typedef struct Trace {
  Lift *l;
  double *base;
  const double **code; /* by value id, once known */
  int64_t budget;
} Trace;

static bool only_moves(GraphOp op) {
  switch (op) {
  case GRAPH_Identity: case GRAPH_Reshape: case GRAPH_Squeeze: case GRAPH_Unsqueeze: case GRAPH_Flatten: case GRAPH_Transpose:
  case GRAPH_Expand: case GRAPH_Tile: case GRAPH_Concat: case GRAPH_Split: case GRAPH_Slice: case GRAPH_Reverse: case GRAPH_Gather: return true;
  default: return false;
  }
}

/* Operand i of a moving operator holds the numbers that are moved, not where to. */
static bool is_moved(const GraphNode *node, int i) { return node->op == GRAPH_Concat || i == 0; }

static const double *trace(Trace *t, const GraphValue *value);

/* y [T, dirs, N, u] of a forward layer: its last row is h. */
static const double *own_elements(Trace *t, const GraphValue *value) {
  const GraphTensor *type = lift_type(t->l, value);
  double *code = ARENA_ARRAY(t->l->arena, double, type->count ? type->count : 1);
  const GraphNode *node = value->node;
  bool recurrent = node && (node->op == GRAPH_Lstm || node->op == GRAPH_Gru || node->op == GRAPH_Rnn) && value->index == 0;
  bool forward = recurrent && strcmp(graph_word(node, GRAPH_ATTR_direction, 0, "forward"), "forward") == 0;
  int64_t last = forward || (recurrent && type->dim[0] == 1) ? lift_type(t->l, node->out[1])->count : 0;
  for (int64_t i = 0; i < type->count; i++)
    code[i] = t->base[value->id] + (double)i;
  for (int64_t i = 0; i < last; i++)
    code[type->count - last + i] = t->base[node->out[1]->id] + (double)i;
  return code;
}

static const double *moved_elements(Trace *t, const GraphValue *value) {
  const GraphNode *node = value->node;
  Arena *arena = t->l->arena;
  const GraphTensor **in = ARENA_ARRAY(arena, const GraphTensor *, node->n_in);
  for (int i = 0; i < node->n_in; i++) {
    const GraphTensor *type = node->in[i] ? lift_type(t->l, node->in[i]) : NULL;
    in[i] = type;
    if (!type || !is_moved(node, i)) continue;
    GraphTensor *codes = ARENA_NEW(arena, GraphTensor);
    *codes = *type;
    codes->data = trace(t, node->in[i]);
    if (!codes->data) return NULL;
    in[i] = codes;
  }
  GraphCall call = {.arena = arena, .node = node, .in = in, .out = ARENA_ARRAY(arena, GraphTensor, node->n_out)};
  return graph_call_eval(&call) ? call.out[value->index].data : NULL;
}

static const double *trace(Trace *t, const GraphValue *value) {
  if (t->code[value->id]) return t->code[value->id];
  const GraphTensor *type = lift_type(t->l, value);
  t->budget -= type->count;
  if (t->budget < 0) return NULL;
  if (type->data) {
    double *none = ARENA_ARRAY(t->l->arena, double, type->count ? type->count : 1);
    for (int64_t i = 0; i < type->count; i++)
      none[i] = -1;
    t->code[value->id] = none;
  } else if (value->node && only_moves(value->node->op)) t->code[value->id] = moved_elements(t, value);
  else t->code[value->id] = own_elements(t, value);
  return t->code[value->id];
}

static bool holds(const Trace *t, const GraphValue *value, double code) {
  return code >= t->base[value->id] && code < t->base[value->id] + (double)lift_type(t->l, value)->count;
}

/* Input `in` starts a state whose last value is output `out`, each element in its place. */
static bool comes_back(Trace *t, const GraphValue *start, const GraphValue *last, const GraphValue *in, const GraphValue *out) {
  const double *from = trace(t, start), *to = trace(t, out);
  const GraphTensor *state = lift_type(t->l, last), *in_type = lift_type(t->l, in), *out_type = lift_type(t->l, out);
  if (!from || !to || lift_type(t->l, start)->count != state->count || in_type->count != out_type->count) return false;
  int64_t n = 0;
  for (int64_t p = 0; p < out_type->count; p++) {
    if (!holds(t, last, to[p])) continue;
    int64_t k = (int64_t)(to[p] - t->base[last->id]);
    if (from[k] != t->base[in->id] + (double)p) return false;
    n++;
  }
  return n == state->count;
}

static int start_operand(const GraphNode *node, int state) {
  switch (node->op) {
  case GRAPH_Lstm: return state < 2 ? 5 + state : -1;
  case GRAPH_Gru: return state < 1 ? 6 : -1;
  case GRAPH_Rnn: return state < 1 ? 5 : -1;
  default: return -1;
  }
}

/* The input whose elements a start state is made of; -1: none, or several. */
static int input_of(Trace *t, const GraphValue *start) {
  const double *code = trace(t, start);
  const Graph *graph = t->l->flat->graph;
  for (int i = 0; code && i < graph->n_in; i++)
    if (lift_type(t->l, start)->count && holds(t, graph->in[i].value, code[0])) return i;
  return -1;
}

static const StatePair *pair_of_input(const Lift *l, int in) {
  for (int i = 0; i < l->n_states; i++)
    if (l->state[i].in == in) return &l->state[i];
  return NULL;
}

static void add_pair(Lift *l, int in, int out, const GraphTensor *start) {
  const StatePair *known = pair_of_input(l, in);
  if (known) return;
  l->state[l->n_states++] = (StatePair){.in = in, .out = out, .start = start};
}

static Trace trace_new(Lift *l) {
  const Graph *graph = l->flat->graph;
  Trace t = {.l = l, .budget = TRACE_MAX_ELEMENTS};
  t.base = ARENA_ARRAY(l->arena, double, graph->n_values + 1);
  t.code = ARENA_ARRAY(l->arena, const double *, graph->n_values + 1);
  double at = 0;
  for (int i = 0; i < graph->n_values; i++) {
    t.base[i] = at;
    const GraphTensor *type = flat_type_of(l->flat, graph->value[i]);
    at += type ? (double)type->count : 0;
  }
  return t;
}

bool lift_find_states(Lift *l) {
  const Graph *graph = l->flat->graph;
  Trace t = trace_new(l);
  l->state = ARENA_ARRAY(l->arena, StatePair, graph->n_in + 1);
  for (int i = 0; i < l->flat->n_variables; i++)
    add_pair(l, l->flat->variable[i].in, l->flat->variable[i].out, l->flat->variable[i].start);
  for (int n = 0; n < graph->n_nodes; n++) {
    const GraphNode *node = graph->node[n];
    for (int s = 0; s < 2; s++) {
      int operand = start_operand(node, s);
      const GraphValue *start = operand >= 0 && operand < node->n_in ? node->in[operand] : NULL;
      if (!start || lift_is_constant(l, start)) continue;
      int in = input_of(&t, start);
      for (int o = 0; in >= 0 && o < l->flat->n_file_out; o++)
        if (comes_back(&t, start, node->out[1 + s], graph->in[in].value, graph->out[o].value)) {
          add_pair(l, in, o, NULL);
          break;
        }
    }
  }
  return true;
}

bool lift_state_is_kept(Lift *l, const GraphValue *start, const GraphTensor **first) {
  if (l->time.kind != TIME_STREAM) return false;
  Trace t = trace_new(l);
  int in = input_of(&t, start);
  const StatePair *pair = in >= 0 ? pair_of_input(l, in) : NULL;
  const double *code = trace(&t, start);
  *first = NULL;
  if (!pair || !code) return false;
  const GraphTensor *type = lift_type(l, start);
  double *numbers;
  GraphTensor *made = graph_tensor(l->arena, GRAPH_FLOAT, type->rank, type->dim, &numbers);
  for (int64_t k = 0; k < type->count; k++) {
    if (!holds(&t, l->flat->graph->in[in].value, code[k])) return false;
    if (pair->start) numbers[k] = pair->start->data[(int64_t)(code[k] - t.base[l->flat->graph->in[in].value->id])];
  }
  if (pair->start) *first = made;
  return true;
}

/* Marks what makes value: not the start states of recurrent operators that a stream keeps. */
static void need(Lift *l, const GraphValue *value, bool *needed) {
  const GraphNode *node = value->node;
  const GraphTensor *first;
  if (needed[value->id]) return;
  needed[value->id] = true;
  for (int k = 0; node && k < node->n_in; k++) {
    bool is_start = node->in[k] && (start_operand(node, 0) == k || start_operand(node, 1) == k);
    if (!node->in[k] || (is_start && !lift_is_constant(l, node->in[k]) && lift_state_is_kept(l, node->in[k], &first))) continue;
    need(l, node->in[k], needed);
  }
}

bool *lift_needed(Lift *l) {
  const Graph *graph = l->flat->graph;
  bool *needed = ARENA_ARRAY(l->arena, bool, graph->n_values + 1);
  for (int i = 0; i < l->flat->n_file_out; i++) {
    bool kept = false;
    for (int k = 0; k < l->n_states; k++)
      kept = kept || (l->state[k].out == i && l->time.kind == TIME_STREAM);
    if (!kept) need(l, graph->out[i].value, needed);
  }
  return needed;
}
