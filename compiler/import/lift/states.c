/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* States that go from call to call. In, a flat graph and the options; out, the pairs of outputs and
 * inputs that are a state (StatePair). The initial state of a recurrent operator is followed back
 * to the elements of an input, and its final state to the elements of an output. If both have the
 * same elements at the same places, the output is the input of the next call. The graph may pack
 * and transpose the state in any way. */
#include "import/lift/lift.h"
#include "import/lift/relate.h"
#include "import/lift/trace.h"

#include <string.h>

/* The codes (trace.h) of the elements of a final state: n of them from `first` on. */
typedef struct LastState {
  double first;
  int64_t n;
} LastState;

static bool last_holds(const LastState *last, double code) {
  return code >= last->first && code < last->first + (double)last->n;
}

/* Whether input `in` is the initial state `start`, and output `out` its final state, with each
 * element at the same place. */
static bool comes_back(Lift *l, Trace *t, const GraphValue *start, const LastState *last,
                       const GraphValue *in, const GraphValue *out) {
  const double *from = trace_of(t, start), *to = trace_of(t, out);
  const GraphTensor *in_type = lift_type(l, in), *out_type = lift_type(l, out);
  if (!from || !to || !last->n || lift_type(l, start)->count != last->n ||
      in_type->count != out_type->count)
    return false;
  int64_t n = 0;
  for (int64_t p = 0; p < out_type->count; p++) {
    if (!last_holds(last, to[p])) continue;
    int64_t k = (int64_t)(to[p] - last->first);
    if (from[k] != t->base[in->id] + (double)p) return false;
    n++;
  }
  return n == last->n;
}

/* The operand that is initial state number `state` of a node; -1: it has none. */
static int start_operand(const GraphNode *node, int state) {
  if (node->op == GRAPH_Lstm) return state < 2 ? 5 + state : -1;
  if (state > 0) return -1;
  if (node->op == GRAPH_Gru) return 6;
  if (node->op == GRAPH_Rnn) return 5;
  return node->op == GRAPH_State ? 1 : -1;
}

/* The result of a Keep that keeps the state of a State node; NULL: there is none. */
static const GraphValue *kept_of(const Lift *l, const GraphNode *state) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *keep = graph->node[i];
    int states = keep->op == GRAPH_Keep ? (int)graph_int(keep, GRAPH_ATTR_states, 0) : 0;
    for (int k = 0; k < states; k++)
      if (keep->in[2 * k + 1] == state->out[0]) return keep->out[k];
  }
  return NULL;
}

/* The final state number s of a recurrent node. */
static LastState last_of(const Lift *l, const Trace *t, const GraphNode *node, int s) {
  if (node->op != GRAPH_State)
    return (LastState){t->base[node->out[1 + s]->id], lift_type(l, node->out[1 + s])->count};
  const GraphValue *kept = kept_of(l, node);
  if (!kept) return (LastState){0, 0};
  int64_t all = lift_type(l, kept)->count, n = lift_type(l, node->in[1])->count;
  return (LastState){t->base[kept->id] + (double)(all - n), n};
}

/* The input of which an initial state has its first element; -1: it is of no input. */
static int input_of(Lift *l, Trace *t, const GraphValue *start) {
  const double *code = trace_of(t, start);
  const Graph *graph = l->flat->graph;
  for (int i = 0; code && i < graph->n_in; i++)
    if (lift_type(l, start)->count && trace_holds(t, graph->in[i].value, code[0])) return i;
  return -1;
}

const StatePair *lift_pair_of_input(const Lift *l, int in) {
  for (int i = 0; i < l->n_states; i++)
    if (l->state[i].in == in) return &l->state[i];
  return NULL;
}

void lift_add_pair(Lift *l, int in, int out) {
  if (!lift_pair_of_input(l, in)) l->state[l->n_states++] = (StatePair){.in = in, .out = out};
}

/* ---- states that the file or the user names ---- */

static bool is_named(const char *port, const char *name, size_t len) {
  return strlen(port) == len && memcmp(port, name, len) == 0;
}

static int input_named(const Lift *l, const char *name, size_t len) {
  int i = l->flat->n_file_in - 1;
  while (i >= 0 && !is_named(l->flat->graph->in[i].name, name, len))
    i--;
  return i;
}

static int output_named(const Lift *l, const char *name, size_t len) {
  int i = l->flat->n_file_out - 1;
  while (i >= 0 && !is_named(l->flat->graph->out[i].name, name, len))
    i--;
  return i;
}

/* Which outputs could be the state of an input. */
static const char *outputs_like(const Lift *l, int in) {
  const Graph *flat = l->flat->graph;
  int64_t count = lift_type(l, flat->in[in].value)->count;
  for (int o = 0; o < l->flat->n_file_out; o++)
    if (lift_type(l, flat->out[o].value)->count == count)
      return arena_printf(l->arena, "name an output of as many elements: --state %s=%s",
                          flat->in[in].name, flat->out[o].name);
  return arena_printf(l->arena, "leave out --state: no output has as many elements as `%s`",
                      flat->in[in].name);
}

/* Adds the pair of --state IN=OUT, or of OUT=IN if the names allow only that. False after
 * reporting. */
static bool said_pair(Lift *l, const char *text) {
  const char *equal = strchr(text, '=');
  size_t left = equal ? (size_t)(equal - text) : 0, right = equal ? strlen(equal + 1) : 0;
  int in = equal ? input_named(l, text, left) : -1,
      out = equal ? output_named(l, equal + 1, right) : -1;
  if (equal && in < 0 && out < 0) {
    in = input_named(l, equal + 1, right);
    out = output_named(l, text, left);
  }
  if (in < 0 || out < 0) {
    return foreign_lacks(
        l->diags, l->file, E903,
        "name an input and the output that becomes this input in the next call: `h=next_h`",
        "--state cannot be `%s`", text);
  }
  const GraphTensor *from = lift_type(l, l->flat->graph->in[in].value),
                    *to = lift_type(l, l->flat->graph->out[out].value);
  if (from->count != to->count) {
    return foreign_lacks(l->diags, l->file, E903, outputs_like(l, in),
                         "--state %s: the input has %lld elements and the output %lld", text,
                         (long long)from->count, (long long)to->count);
  }
  lift_add_pair(l, in, out);
  return true;
}

bool lift_declared_states(Lift *l) {
  l->n_states = 0;
  l->state = ARENA_ARRAY(l->arena, StatePair, l->flat->graph->n_in + 1);
  for (int i = 0; i < l->flat->n_variables; i++) {
    const FlatVariable *v = &l->flat->variable[i];
    if (!lift_pair_of_input(l, v->in))
      l->state[l->n_states++] = (StatePair){.in = v->in, .out = v->out, .start = v->start};
  }
  for (int i = 0; i < l->options->n_states; i++)
    if (!said_pair(l, l->options->state[i])) return false;
  bool *told = ARENA_ARRAY(l->arena, bool, l->flat->graph->n_values + 1);
  for (int i = 0; i < l->n_states; i++)
    told[l->flat->graph->in[l->state[i].in].value->id] = true;
  l->flat->told = told;
  l->flat->n_known = l->flat->graph->n_values;
  return true;
}

/* ---- states that the graph shows ---- */

/* The output of the file that is the final state number s of a recurrent operator whose initial
 * state is an input, in the shape of that input; -1: there is none. */
static int output_of(Lift *l, const GraphNode *node, int s, int in) {
  const Graph *graph = l->flat->graph;
  const GraphValue *start = graph->in[in].value;
  LastState last = last_of(l, &l->trace, node, s);
  for (int o = 0; o < l->flat->n_file_out; o++)
    if (graph_same_shape(lift_type(l, start), lift_type(l, graph->out[o].value)) &&
        comes_back(l, &l->trace, node->in[start_operand(node, s)], &last, start,
                   graph->out[o].value))
      return o;
  return -1;
}

/* Only if all states of an operator that vary have an output are they pairs. */
void lift_find_states(Lift *l) {
  const Graph *graph = l->flat->graph;
  for (int n = 0; n < graph->n_nodes; n++) {
    const GraphNode *node = graph->node[n];
    int in[2], out[2], found = 0;
    bool whole = true;
    for (int s = 0; s < 2; s++) {
      int operand = start_operand(node, s);
      const GraphValue *start = operand >= 0 && operand < node->n_in ? node->in[operand] : NULL;
      if (!start || lift_is_constant(l, start)) continue;
      in[found] = input_of(l, &l->trace, start);
      out[found] = in[found] >= 0 ? output_of(l, node, s, in[found]) : -1;
      whole = whole && (out[found] >= 0 || (in[found] >= 0 && lift_pair_of_input(l, in[found])));
      found++;
    }
    for (int i = 0; i < found && whole; i++)
      if (out[i] >= 0) lift_add_pair(l, in[i], out[i]);
  }
}

/* Whether the output of a pair has the final state of every operator that begins with `start`. */
static bool all_come_back(Lift *l, const GraphValue *start, const StatePair *pair) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int s = 0; s < 2; s++) {
      const GraphNode *node = graph->node[i];
      int operand = start_operand(node, s);
      if (operand < 0 || operand >= node->n_in || node->in[operand] != start) continue;
      LastState last = last_of(l, &l->trace, node, s);
      if (!comes_back(l, &l->trace, start, &last, graph->in[pair->in].value,
                      graph->out[pair->out].value))
        return false;
    }
  return true;
}

/* The input of a pair that has all elements of an initial state; -1: there is none. */
static int start_input(Lift *l, const GraphValue *start) {
  int in = input_of(l, &l->trace, start);
  const double *code = trace_of(&l->trace, start);
  const StatePair *pair = in >= 0 ? lift_pair_of_input(l, in) : NULL;
  if (!code || !pair || !all_come_back(l, start, pair)) return -1;
  for (int64_t k = 0; k < lift_type(l, start)->count; k++)
    if (!trace_holds(&l->trace, l->flat->graph->in[in].value, code[k])) return -1;
  return in;
}

bool lift_start_is_earlier(Lift *l, const GraphNode *node, const GraphValue *start) {
  if (!l->placed[start->id].layout.timed || l->roles.way != TIME_WAY_CALLS) return true;
  lift_lacks(l, node, E902, "make the initial state an input of the file, or a constant",
             "takes its initial state from a value of the same step");
  return false;
}

bool lift_state_is_kept(Lift *l, const GraphValue *start, const GraphTensor **first) {
  int in = l->time.kind == TIME_STREAM ? start_input(l, start) : -1;
  *first = NULL;
  if (in < 0) return false;
  const StatePair *pair = lift_pair_of_input(l, in);
  const double *code = trace_of(&l->trace, start);
  const GraphTensor *type = lift_type(l, start);
  double *numbers;
  GraphTensor *made = graph_tensor(l->arena, GRAPH_FLOAT, type->rank, type->dim, &numbers);
  for (int64_t k = 0; k < type->count && pair->start; k++)
    numbers[k] =
        graph_at(pair->start, (int64_t)(code[k] - l->trace.base[l->flat->graph->in[in].value->id]));
  if (pair->start) *first = made;
  return true;
}

/* Whether operand k of a node is a state that a stream keeps, so that nothing has to compute it. */
static bool is_kept_operand(Lift *l, const GraphNode *node, int k, bool stream) {
  bool is_start = start_operand(node, 0) == k || start_operand(node, 1) == k;
  if (!stream) return false;
  if (k == 0 && flat_is_window(l->flat, node->out[0])) return true;
  return is_start && !lift_is_constant(l, node->in[k]) && start_input(l, node->in[k]) >= 0;
}

/* Whether all outputs of the file are states, as in a file that is one cell. */
static bool gives_states_alone(const Lift *l) {
  for (int o = 0; o < l->flat->n_file_out; o++) {
    bool kept = false;
    for (int i = 0; i < l->n_states; i++)
      kept = kept || l->state[i].out == o;
    if (!kept && !lift_is_constant(l, l->flat->graph->out[o].value)) return false;
  }
  return true;
}

/* Whether all elements of output o are of the final h of one recurrent operator. */
static bool is_result(Lift *l, int o) {
  const Graph *graph = l->flat->graph;
  const GraphValue *out = graph->out[o].value;
  const double *code = trace_of(&l->trace, out);
  for (int i = 0; code && i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (start_operand(node, 0) < 0) continue;
    bool all = true;
    LastState last = last_of(l, &l->trace, node, 0);
    for (int64_t k = 0; k < lift_type(l, out)->count && all; k++)
      all = last_holds(&last, code[k]);
    if (all) return true;
  }
  return false;
}

/* lift_is_kept_output() for a stream. */
static bool is_kept_output(Lift *l, int o) {
  bool kept = false;
  for (int i = 0; i < l->n_states; i++)
    kept = kept || l->state[i].out == o;
  for (int i = 0; i < l->n_states && l->own; i++)
    if (l->state[i].out == o && l->own[l->state[i].in] && gives_states_alone(l)) return false;
  return kept && !(gives_states_alone(l) && is_result(l, o));
}

bool lift_is_kept_output(Lift *l, int o) {
  return l->time.kind == TIME_STREAM && is_kept_output(l, o);
}

/* By flat value id: whether an output that is no state depends on it. start: the initial states of
 * a stream count too. */
static bool *needed_by_outputs(Lift *l, bool stream, bool start) {
  const Graph *graph = l->flat->graph;
  bool *needed = ARENA_ARRAY(l->arena, bool, graph->n_values + 1);
  for (int i = 0; i < l->flat->n_file_out; i++) {
    if (!(stream && is_kept_output(l, i))) needed[graph->out[i].value->id] = true;
  }
  for (int i = 0; i < l->n_states && stream && l->own; i++)
    if (l->own[l->state[i].in]) needed[graph->out[l->state[i].out].value->id] = true;
  for (int i = graph->n_nodes; i-- > 0;) { /* a node comes after those that it reads */
    const GraphNode *node = graph->node[i];
    bool any = false;
    for (int k = 0; k < node->n_out; k++)
      any = any || needed[node->out[k]->id];
    for (int k = 0; any && k < node->n_in; k++)
      if (node->in[k] && (start || !is_kept_operand(l, node, k, stream)))
        needed[node->in[k]->id] = true;
  }
  return needed;
}

void lift_find_own_states(Lift *l) {
  const Graph *graph = l->flat->graph;
  l->own = ARENA_ARRAY(l->arena, bool, graph->n_in + 1);
  for (bool again = true; again;) { /* one such state may depend on another one */
    const bool *needed = needed_by_outputs(l, true, false);
    again = false;
    for (int i = 0; i < l->n_states; i++) {
      int in = l->state[i].in;
      if (l->own[in] || !needed[graph->in[in].value->id]) continue;
      l->own[in] = again = true;
    }
  }
}

void lift_join_own_states(Lift *l) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < l->n_states; i++) {
    const GraphValue *in = graph->in[l->state[i].in].value,
                     *out = graph->out[l->state[i].out].value;
    if (!l->own[l->state[i].in] || lift_is_constant(l, out) ||
        !graph_same_shape(lift_type(l, in), lift_type(l, out)))
      continue;
    for (int axis = 0; axis < lift_type(l, in)->rank; axis++)
      atoms_join_axes(l->atoms, in, axis, out, axis);
  }
}

bool *lift_needed(Lift *l) {
  return needed_by_outputs(l, l->time.kind == TIME_STREAM, false);
}

void lift_mark_idle(Lift *l) {
  bool *needed = needed_by_outputs(l, true, true),
       *idle = ARENA_ARRAY(l->arena, bool, l->flat->graph->n_values + 1);
  for (int i = 0; i < l->flat->n_known; i++) {
    const GraphTensor *type =
        lift_type(l, l->flat->graph->value[i]); /* NULL: its node was removed again */
    idle[i] = !needed[i] && !(type && graph_known(type));
  }
  l->flat->idle = idle;
}
