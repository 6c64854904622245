/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The evaluation of a whole graph in double: its nodes in order, loops and branches with their
 * bodies, variables.
 *
 * Each turn of a loop has an arena of its own, which is freed when the next one begins; what is
 * carried over is copied. Outside of loops, the numbers of a value are freed after its last reader
 * (eval_release.c). Steps, work and room are counted, so that no file can keep the evaluation busy
 * without end. */
#include "import/graph/run.h"

#include <string.h>

const GraphLimits graph_usual_limits = {
    .steps = INT64_C(1) << 20, .work = INT64_C(1) << 35, .room = INT64_C(1) << 28};

bool run_fault(Run *run, const GraphNode *node, const char *text) {
  /* The text may be in the memory of one turn of a loop. */
  if (!run->fault->text)
    *run->fault = (GraphFault){.node = node, .text = arena_printf(run->arena, "%s", text)};
  return false;
}

bool run_limited(Run *run, const GraphNode *node, const char *text) {
  run_fault(run, node, text);
  run->fault->limited = true;
  return false;
}

GraphTensor *run_copy(Run *run, Arena *arena, const GraphTensor *t) {
  GraphTensor *copy = ARENA_NEW(arena, GraphTensor);
  *copy = *t;
  if (t->wide) copy->wide = arena_copy(arena, t->wide, (size_t)t->count, sizeof *t->wide);
  if (t->narrow) copy->narrow = arena_copy(arena, t->narrow, (size_t)t->count, sizeof *t->narrow);
  if (graph_known(t)) run->room -= t->count;
  return copy;
}

/* A tensor with its numbers as doubles, which is what callers of graph_eval get. */
static const GraphTensor *run_wide(Arena *arena, const GraphTensor *t) {
  if (!t->narrow) return t;
  GraphTensor *wide = ARENA_NEW(arena, GraphTensor);
  *wide = *t;
  wide->wide = graph_wide(arena, t);
  wide->narrow = NULL;
  return wide;
}

/* The tensor of a value, which belongs to the graph of this frame or to one around it; NULL if it
 * is not computed yet. */
static const GraphTensor *value_get(const RunFrame *frame, const GraphValue *value) {
  if (value->constant) return value->constant;
  for (; frame; frame = frame->outer)
    if (graph_owns(frame->graph, value)) return frame->value[value->id];
  return NULL;
}

bool run_operand(Run *run, const RunFrame *frame, const GraphNode *node, int k,
                 const GraphTensor **out) {
  *out = NULL;
  if (k >= node->n_in || !node->in[k]) return true;
  *out = value_get(frame, node->in[k]);
  return *out || run_fault(run, node, "an operand is used before it is computed");
}

void run_result(const RunFrame *frame, const GraphNode *node, int k, const GraphTensor *tensor) {
  if (k < node->n_out && node->out[k]) frame->value[node->out[k]->id] = tensor;
}

static double window_of(const GraphNode *node) {
  double window = 1;
  const GraphAttribute *kernel = graph_attribute(node, GRAPH_ATTR_kernel);
  for (int i = 0; kernel && i < kernel->n; i++)
    window *= (double)kernel->i[i];
  return window;
}

double graph_work(const GraphNode *node, const GraphTensor *const *in, const GraphTensor *out) {
  const GraphTensor *y = &out[0], *k = node->n_in > 1 ? in[1] : NULL;
  double work = 1;
  for (int i = 0; i < node->n_in; i++)
    if (in[i]) work += (double)graph_span(in[i]);
  for (int i = 0; i < node->n_out; i++)
    work += (double)graph_span(&out[i]);
  GraphOp op = node->op;
  double steps = y->count ? (double)y->count : 0;
  if (op == GRAPH_MatMul || op == GRAPH_MatMulInteger)
    work += steps * (double)in[0]->dim[in[0]->rank - 1];
  else if (op == GRAPH_Attention)
    work += (steps + (double)in[0]->count) * (double)in[1]->dim[in[1]->rank - 2];
  else if (op == GRAPH_Conv || op == GRAPH_ConvInteger)
    work += steps * (double)(k->count / (k->dim[0] ? k->dim[0] : 1));
  else if (op == GRAPH_ConvTranspose)
    work += (double)in[0]->count * (double)(k->count / (k->dim[0] ? k->dim[0] : 1));
  else if (op == GRAPH_MaxPool || op == GRAPH_AvgPool)
    work += steps * window_of(node);
  else if (op == GRAPH_Lstm || op == GRAPH_Gru || op == GRAPH_Rnn)
    work += (double)(in[0]->dim[0] * in[0]->dim[1]) * (double)(k->count + in[2]->count);
  return work;
}

/* The number of elements that the results of a call take. A result that shares the numbers of its
 * operand takes none. */
static int64_t room_of(const GraphCall *call) {
  int64_t room = 0;
  for (int i = 0; i < call->node->n_out; i++)
    if (graph_known(&call->out[i]) &&
        !(call->node->n_in && call->in[0] && call_hands_on(call->in[0], &call->out[i])))
      room += call->out[i].count;
  return room;
}

static bool run_call(Run *run, const RunFrame *frame, const GraphNode *node) {
  GraphCall call = {.arena = frame->arena, .node = node};
  const GraphTensor **in = ARENA_ARRAY(frame->arena, const GraphTensor *, node->n_in + 1);
  for (int k = 0; k < node->n_in; k++)
    if (!run_operand(run, frame, node, k, &in[k])) return false;
  call.in = in;
  call.out = ARENA_ARRAY(frame->arena, GraphTensor, node->n_out + 1);
  if (!graph_call_shape(&call)) return run_fault(run, node, call.fault);
  int64_t work = graph_whole(graph_work(node, in, call.out)), elements = 0;
  for (int k = 0; k < node->n_out; k++)
    elements += call.out[k].count;
  if (work > run->work) return run_limited(run, node, "the graph takes too long to evaluate");
  if (elements > run->room)
    return run_limited(run, node, "the graph takes too much memory to evaluate");
  run->work -= work;
  call.arena = release_arena(frame, elements);
  if (!graph_call_compute(&call)) return run_fault(run, node, call.fault);
  int64_t room = room_of(&call);
  run->room -= room;
  release_made(frame, &call, room);
  for (int k = 0; k < node->n_out; k++)
    run_result(frame, node, k, &call.out[k]);
  return true;
}

static bool run_node(Run *run, RunFrame *frame, const GraphNode *node) {
  static bool (*const control[GRAPH_OP_COUNT])(Run *, RunFrame *, const GraphNode *) = {
      [GRAPH_If] = run_if,
      [GRAPH_Loop] = run_loop,
      [GRAPH_Scan] = run_scan,
      [GRAPH_While] = run_while,
      [GRAPH_VarRead] = run_var_read,
      [GRAPH_VarAssign] = run_var_assign};
  return control[node->op] ? control[node->op](run, frame, node) : run_call(run, frame, node);
}

bool run_graph(Run *run, const Graph *graph, const RunFrame *outer, Arena *arena,
               const GraphNode *node, int n_in, const GraphTensor *const *in, int n_out,
               const GraphTensor **out) {
  RunFrame frame = {graph, NULL, arena, outer, NULL, outer ? outer->depth + 1 : 0};
  if (frame.depth > MAX_DEPTH) return run_fault(run, node, "its bodies are nested too deeply");
  if (graph->n_in != n_in || graph->n_out != n_out)
    return run_fault(run, node,
                     arena_printf(run->arena,
                                  "its body has %d inputs and %d outputs; it needs %d and %d",
                                  graph->n_in, graph->n_out, n_in, n_out));
  frame.value = ARENA_ARRAY(arena, const GraphTensor *, graph->n_values + 1);
  for (int i = 0; i < n_in; i++)
    frame.value[graph->in[i].value->id] = in[i];
  if (!outer) frame.release = release_plan(arena, graph);
  for (int i = 0; i < graph->n_nodes; i++) {
    if (!run_node(run, &frame, graph->node[i])) return false;
    release_read(run, &frame, i);
  }
  for (int i = 0; i < n_out; i++) {
    out[i] = value_get(&frame, graph->out[i].value);
    if (out[i] && !outer) out[i] = run_wide(arena, out[i]);
    if (!out[i])
      return run_fault(run, node,
                       arena_printf(run->arena, "output `%s` is not computed", graph->out[i].name));
  }
  return true;
}

GraphState *graph_state_new(Arena *arena, const Graph *graph) {
  GraphState *state = ARENA_NEW(arena, GraphState);
  state->arena = arena;
  state->variable = ARENA_ARRAY(arena, const GraphTensor *, graph->n_variables + 1);
  for (int i = 0; i < graph->n_variables; i++)
    state->variable[i] = graph->variable[i].start;
  return state;
}

/* Whether a tensor has the rank and the sizes that the file says of an input; false after
 * run_fault. */
static bool input_fits(Run *run, const GraphInput *input, const GraphTensor *given) {
  if (!given)
    return run_fault(run, NULL, arena_printf(run->arena, "input `%s` is not given", input->name));
  bool fits = input->rank < 0 || given->rank == input->rank;
  for (int i = 0; fits && i < input->rank; i++)
    fits = input->dim[i].n == GRAPH_OPEN || input->dim[i].n == given->dim[i];
  return fits ||
         run_fault(run, NULL,
                   arena_printf(run->arena, "input `%s` has another shape than the file says",
                                input->name));
}

bool graph_eval(const Graph *graph, Arena *arena, GraphState *state, const GraphLimits *limits,
                const GraphTensor *const *in, const GraphTensor **out, GraphFault *fault) {
  if (!limits) limits = &graph_usual_limits;
  Run run = {.arena = arena,
             .graph = graph,
             .state = state,
             .fault = fault,
             .steps = limits->steps,
             .work = limits->work,
             .room = limits->room};
  *fault = (GraphFault){0};
  if (graph->n_variables && !state)
    return run_fault(&run, NULL, "the graph has variables and no state is given");
  const GraphTensor **all = ARENA_ARRAY(arena, const GraphTensor *, graph->n_in + 1);
  for (int i = 0; i < graph->n_in; i++) {
    all[i] = in[i] ? in[i] : graph->in[i].fallback;
    if (!input_fits(&run, &graph->in[i], all[i])) return false;
  }
  return run_graph(&run, graph, NULL, arena, NULL, graph->n_in, all, graph->n_out, out);
}
