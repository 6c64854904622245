/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The states of a cell that is no LSTM, GRU or RNN. In, a State or a Keep; out, a stage `state` or
 * `keep`. In the model, a state is a vector at each step, even if it has several axes in the graph.
 */
#include "import/lift/lift.h"

#include <string.h>

/* A layout with all features in one axis, and a step for each step of the cell. time: the atom of
 * time, if the layout has none. */
static Layout as_vectors(const Layout *layout, int time) {
  int atom[LAYOUT_MAX_LEAVES], n = layout_leaves(layout, atom);
  Layout out = {.timed = true, .time = layout->timed ? layout->time : time, .n = 1};
  for (int i = 0; i < n && out.axis[0].n < FACTORS_MAX; i++)
    if (atom[i] != out.time) out.axis[0].atom[out.axis[0].n++] = atom[i];
  return out;
}

/* The `units` numbers of the first sample of an initial state; NULL: these are not as many. All
 * samples of a batch begin with the same numbers, which the translation check shows. */
static const double *first_sample(Lift *l, const GraphValue *state, const GraphTensor *start,
                                  int64_t units) {
  int steps = lift_type(l, state)->rank > start->rank ? 0 : -1; /* the axis of steps; -1: none */
  Factors f = atoms_of(l->atoms, state);
  double *out = ARENA_ARRAY(l->arena, double, units + 1);
  int64_t n = 0;
  for (int64_t e = 0; e < start->count; e++) {
    int64_t left = e;
    bool first = true;
    for (int i = f.n; i-- > 0;) {
      int64_t size = atom_size(l->atoms, f.atom[i]);
      if (f.dim[i] == steps) continue;
      if (atom_family(l->atoms, f.atom[i]) == l->roles.batch && left % size) first = false;
      left /= size;
    }
    if (first && n < units) out[n++] = graph_at(start, e);
  }
  return n == units ? out : NULL;
}

/* The initial state: zeros, numbers of the file, or a value of the model. */
typedef struct Beginning {
  const double *number; /* NULL: zeros, if `value` is NULL too */
  Value *value;         /* NULL: it is numbers */
} Beginning;

/* Finds the initial state of a State. To be called before its layer is made. False after reporting.
 */
static bool find_start(Lift *l, const GraphNode *node, const Layout *layout, Beginning *out) {
  const GraphValue *start = node->in[1];
  const GraphTensor *number = lift_is_constant(l, start) ? lift_type(l, start) : NULL;
  int64_t units = axis_size(l, &layout->axis[0]);
  bool constant = number != NULL, kept = !constant && lift_state_is_kept(l, start, &number);
  *out = (Beginning){0};
  if (!kept && !constant) {
    Layout vector = {.time = -1, .n = 1, .axis = {layout->axis[0]}};
    if (!lift_start_is_earlier(l, node, start)) return false;
    out->value = lift_value(l, node, start, &vector);
    return out->value != NULL;
  }
  out->number = number ? first_sample(l, node->out[0], number, units) : NULL;
  if (number && !out->number) {
    lift_lacks(l, node, E902,
               "make the initial state an input of the file, or the same for all samples",
               "starts each sample of a batch from other numbers");
    return false;
  }
  bool zero = true;
  for (int64_t i = 0; i < units && out->number; i++)
    zero = zero && out->number[i] == 0;
  if (zero) out->number = NULL;
  return true;
}

/* Gives a layer its initial state. False after reporting. */
static bool give_start(Lift *l, const GraphNode *node, const Beginning *start, int64_t units,
                       Layer *layer) {
  if (start->value) layer_set_states(l->arena, layer, 1, &start->value);
  if (start->value || !start->number) return true;
  layer_set_learned(layer);
  float *to = lift_tensor(l, node, layer, ROLE_INITIAL_H, 1, &units);
  for (int64_t i = 0; to && i < units; i++)
    to[i] = (float)start->number[i];
  return to != NULL;
}

/* A State becomes `state`. */
static LiftDone begin(Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0], *state = node->out[0];
  int time;
  lift_axis(l, state, 0, &time);
  Layout natural = lift_natural(l, state), layout = as_vectors(&natural, time),
         from = as_vectors(&l->placed[x->id].layout, time);
  if (time < 0 && l->roles.way != TIME_WAY_CALLS) {
    lift_refuse(l, node, E902, "keeps a state along an axis that is not time");
    return LIFT_FAILED;
  }
  Beginning start;
  int64_t units = axis_size(l, &layout.axis[0]);
  if (!find_start(l, node, &layout, &start)) return LIFT_FAILED;
  Value *value = lift_value(l, node, x, &from);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_state, 1, &value);
  layer_set_size(layer, OPT_units, units);
  if (!give_start(l, node, &start, units, layer)) return LIFT_FAILED;
  if (*state->name) layer->out[0]->name = state->name;
  lift_place(l, state, layer->out[0], &layout);
  return LIFT_DONE;
}

/* A Keep becomes a `keep` for each state. Its other results are its other operands. */
static LiftDone end(Lift *l, const GraphNode *node) {
  int states = (int)graph_int(node, GRAPH_ATTR_states, 0);
  for (int k = 0; k < states; k++) {
    const GraphValue *state = node->in[2 * k + 1];
    Layout layout = l->placed[state->id].layout;
    Value *value = lift_value(l, node, node->in[2 * k], &layout);
    if (!value) return LIFT_FAILED;
    Layer *layer = lift_layer(l, node, LAYER_keep, 1, &value);
    layer_set_value(layer, OPT_as, l->placed[state->id].value);
    if (*node->out[k]->name) layer->out[0]->name = node->out[k]->name;
    lift_place(l, node->out[k], layer->out[0], &layout);
  }
  for (int k = states; k < node->n_out; k++)
    l->placed[node->out[k]->id] = l->placed[node->in[k + states]->id];
  return LIFT_DONE;
}

LiftDone lift_kept(Lift *l, const GraphNode *node) {
  if (node->op == GRAPH_State) return begin(l, node);
  return node->op == GRAPH_Keep ? end(l, node) : LIFT_OTHER;
}

/* ---- states of a graph whose calls are steps ---- */

static bool has_own_states(const Lift *l) {
  return l->own && l->time.kind == TIME_STREAM && l->roles.way == TIME_WAY_CALLS;
}

/* The first input that is a sequence in the model: states have its steps. */
static const GraphValue *stepped_input(const Lift *l) {
  for (int i = 0; i < l->flat->n_file_in; i++) {
    const GraphValue *value = l->flat->graph->in[i].value;
    if (l->placed[value->id].value && l->placed[value->id].layout.timed) return value;
  }
  return NULL;
}

bool lift_begin_own_states(Lift *l) {
  const Graph *graph = l->flat->graph;
  const GraphValue *x = stepped_input(l);
  for (int i = 0; i < l->n_states && has_own_states(l) && x; i++) {
    const StatePair *pair = &l->state[i];
    const GraphInput *in = &graph->in[pair->in];
    if (!l->own[pair->in] ||
        lift_type(l, in->value)->count != lift_type(l, graph->out[pair->out].value)->count)
      continue;
    GraphNode node = {.op = GRAPH_Identity, .name = in->name, .source = "state"};
    Layout natural = lift_natural(l, in->value), layout = as_vectors(&natural, -1),
           from = as_vectors(&l->placed[x->id].layout, -1);
    int64_t units = axis_size(l, &layout.axis[0]);
    Beginning start = {0};
    if (pair->start) start.number = first_sample(l, in->value, pair->start, units);
    Value *value = lift_value(l, &node, x, &from);
    if (!value) return false;
    Layer *layer = lift_layer(l, &node, LAYER_state, 1, &value);
    layer->origin = arena_printf(l->arena, "state `%s`", in->name);
    layer_set_size(layer, OPT_units, units);
    if (!give_start(l, &node, &start, units, layer)) return false;
    layer->out[0]->name = in->name;
    lift_place(l, in->value, layer->out[0], &layout);
  }
  return true;
}

static bool is_graph_input(const Graph *graph, const GraphValue *value) {
  for (int i = 0; i < graph->n_in; i++)
    if (graph->in[i].value == value) return true;
  return false;
}

bool lift_end_own_states(Lift *l) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < l->n_states && has_own_states(l); i++) {
    const GraphValue *in = graph->in[l->state[i].in].value,
                     *out = graph->out[l->state[i].out].value;
    if (!l->own[l->state[i].in] || !l->placed[in->id].value) continue;
    GraphNode node = {
        .op = GRAPH_Identity, .name = graph->in[l->state[i].in].name, .source = "state"};
    Layout layout = l->placed[in->id].layout;
    Value *value = lift_value(l, &node, out, &layout);
    if (!value) return false;
    Layer *layer = lift_layer(l, &node, LAYER_keep, 1, &value);
    layer->origin = arena_printf(l->arena, "state `%s`", node.name);
    layer_set_value(layer, OPT_as, l->placed[in->id].value);
    /* An input, or another state, stays what it is. */
    if (!is_graph_input(graph, out))
      l->placed[out->id] = (Placed){.value = layer->out[0], .layout = layout};
  }
  return true;
}
