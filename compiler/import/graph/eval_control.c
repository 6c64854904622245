/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Branches, loops and variables. In, a node with bodies in a frame; out, its results in that
 * frame. */
#include "import/graph/eval.h"
#include "import/graph/run.h"

#include <string.h>

/* These operators have no function of their own: graph_shape_control fails before one is called. */
#define CONTROL(name)                                                                              \
  bool graph_eval_##name(GraphCall *call) {                                                        \
    return graph_shape_control(call);                                                              \
  }
CONTROL(If)
CONTROL(Loop)
CONTROL(Scan)
CONTROL(While)
CONTROL(VarRead)
CONTROL(VarAssign)
/* Nor have the ends of a cell, whose steps depend on one another. */
CONTROL(State)
CONTROL(Keep)
/* Nor has an operator that depends on a length that is not in the graph. */
CONTROL(Hold)
CONTROL(Cut)

static bool truth(Run *run, const GraphNode *node, const GraphTensor *t, bool *out) {
  *out = t && t->count == 1 && graph_known(t) && graph_at(t, 0) != 0;
  return (t && t->count == 1 && graph_known(t)) ||
         run_fault(run, node, "a condition has to be one value");
}

bool run_if(Run *run, RunFrame *frame, const GraphNode *node) {
  const GraphTensor *condition;
  bool yes;
  if (!run_operand(run, frame, node, 0, &condition) || !truth(run, node, condition, &yes))
    return false;
  const Graph *body = node->body[yes ? 0 : 1];
  const GraphTensor **out = ARENA_ARRAY(frame->arena, const GraphTensor *, node->n_out + 1);
  if (!body || !run_graph(run, body, frame, frame->arena, node, 0, NULL, node->n_out, out))
    return run_fault(run, node, "it has no such branch");
  for (int k = 0; k < node->n_out; k++)
    run_result(frame, node, k, out[k]);
  return true;
}

/* ---- loops ---- */

/* What a loop carries from step to step, and the rows that its steps add to its outputs. */
typedef struct Turns {
  Run *run;
  RunFrame *frame;
  const GraphNode *node;
  int n_carried, n_rows;
  const GraphTensor **carried;
  Arena *keep;             /* where `carried` is; NULL before the first turn */
  const GraphTensor **row; /* [turn * n_rows + k], in the frame's arena */
  size_t n_row, cap_row;
} Turns;

static bool turns_start(Turns *turns, Run *run, RunFrame *frame, const GraphNode *node, int first,
                        int n_carried) {
  *turns = (Turns){.run = run,
                   .frame = frame,
                   .node = node,
                   .n_carried = n_carried,
                   .n_rows = node->n_out - n_carried};
  if (n_carried < 0 || turns->n_rows < 0)
    return run_fault(run, node, "it has fewer results than it carries values");
  turns->carried = ARENA_ARRAY(frame->arena, const GraphTensor *, n_carried + 1);
  for (int k = 0; k < n_carried; k++)
    if (!run_operand(run, frame, node, first + k, &turns->carried[k]) || !turns->carried[k])
      return run_fault(run, node, "a value that it carries is missing");
  return true;
}

/* One turn of a loop: computes body(in), whose results are a condition (if first is 1), then the
 * carried values, then the rows. These are copied, and the other values of the turn are freed.
 * *more gets the condition. */
static bool turns_next(Turns *turns, const Graph *body, int n_in, const GraphTensor *const *in,
                       int first, bool *more) {
  Run *run = turns->run;
  int n_out = first + turns->n_carried + turns->n_rows;
  int64_t room = run->room;
  if (run->steps-- <= 0)
    return run_limited(run, turns->node, "its loops take too many steps to evaluate");
  Arena *scratch = arena_child(turns->frame->arena), *keep = arena_child(turns->frame->arena);
  const GraphTensor **out = ARENA_ARRAY(scratch, const GraphTensor *, n_out + 1);
  bool ok = run_graph(run, body, turns->frame, scratch, turns->node, n_in, in, n_out, out);
  if (ok && first) ok = truth(run, turns->node, out[0], more);
  run->room = room;
  for (int k = 0; ok && k < turns->n_carried; k++) {
    if (turns->keep) run->room += turns->carried[k]->count;
    turns->carried[k] = run_copy(run, keep, out[first + k]);
  }
  for (int k = 0; ok && k < turns->n_rows; k++) {
    const GraphTensor *row = run_copy(run, turns->frame->arena, out[first + turns->n_carried + k]);
    ARENA_PUSH(turns->frame->arena, turns->row, turns->n_row, turns->cap_row, row);
  }
  arena_free(scratch);
  if (turns->keep) arena_free(turns->keep);
  turns->keep = keep;
  if (ok && run->room < 0)
    return run_limited(run, turns->node, "the graph takes too much memory to evaluate");
  return ok;
}

/* The rows k of all turns as one tensor, along a new axis. */
static const GraphTensor *turns_stack(Turns *turns, int k, int64_t where, bool reverse) {
  Arena *arena = turns->frame->arena;
  int64_t n = turns->n_rows ? (int64_t)turns->n_row / turns->n_rows : 0, dim[GRAPH_MAX_RANK + 1];
  double *y;
  if (n == 0) return graph_tensor(arena, GRAPH_FLOAT, 1, &n, &y);
  const GraphTensor *first = turns->row[k];
  int64_t axis = where < 0 ? where + first->rank + 1 : where;
  if (axis < 0 || axis > first->rank || first->rank == GRAPH_MAX_RANK) {
    run_fault(turns->run, turns->node, "its rows have too few axes or too many");
    return NULL;
  }
  for (int i = 0; i <= first->rank; i++)
    dim[i] = i == axis ? n : first->dim[i > axis ? i - 1 : i];
  GraphTensor *out = graph_tensor(arena, first->elem, first->rank + 1, dim, &y);
  if (!out || (turns->run->room -= out->count) < 0) {
    run_fault(turns->run, turns->node, "the graph takes too much memory to evaluate");
    return NULL;
  }
  Line line = line_of(out, (int)axis);
  for (int64_t t = 0; t < n; t++) {
    const GraphTensor *row = turns->row[(reverse ? n - 1 - t : t) * turns->n_rows + k];
    if (row->rank != first->rank || memcmp(row->dim, first->dim, sizeof row->dim) != 0 ||
        !graph_known(row)) {
      run_fault(turns->run, turns->node, "the rows of its steps differ in shape");
      return NULL;
    }
    const double *from = graph_wide(arena, row);
    for (int64_t o = 0; o < line.outer && line.inner; o++)
      memcpy(y + (o * n + t) * line.inner, from + o * line.inner, sizeof *y * (size_t)line.inner);
  }
  return out;
}

static void turns_results(Turns *turns) {
  for (int k = 0; k < turns->n_carried; k++)
    run_result(turns->frame, turns->node, k,
               run_copy(turns->run, turns->frame->arena, turns->carried[k]));
  if (turns->keep) arena_free(turns->keep);
}

bool run_loop(Run *run, RunFrame *frame, const GraphNode *node) {
  const GraphTensor *count, *condition;
  Turns turns;
  bool more = true;
  if (!run_operand(run, frame, node, 0, &count) || !run_operand(run, frame, node, 1, &condition) ||
      (condition && !truth(run, node, condition, &more)) ||
      !turns_start(&turns, run, frame, node, 2, node->n_in - 2))
    return false;
  if (count && (count->count != 1 || !graph_known(count)))
    return run_fault(run, node, "its count has to be one number");
  int64_t most = count ? graph_whole(graph_at(count, 0)) : INT64_MAX;
  for (int64_t i = 0; i < most && (more || !condition);
       i++) { /* a loop may have a count, a condition or both */
    Arena *arena = arena_child(frame->arena);
    const GraphTensor **in = ARENA_ARRAY(arena, const GraphTensor *, turns.n_carried + 2);
    in[0] = graph_scalar(arena, GRAPH_I64, (double)i);
    in[1] = graph_scalar(arena, GRAPH_BOOL, 1);
    for (int k = 0; k < turns.n_carried; k++)
      in[2 + k] = turns.carried[k];
    bool ok = turns_next(&turns, node->body[0], turns.n_carried + 2, in, 1, &more);
    arena_free(arena);
    if (!ok) return false;
  }
  turns_results(&turns);
  for (int k = 0; k < turns.n_rows; k++) {
    const GraphTensor *rows = turns_stack(&turns, k, 0, false);
    if (!rows) return false;
    run_result(frame, node, turns.n_carried + k, rows);
  }
  return true;
}

static int64_t listed(const GraphNode *node, GraphAttributeName name, int k) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && k < a->n ? a->i[k] : 0;
}

/* Element t of a sequence along an axis. */
static const GraphTensor *sequence_row(Arena *arena, const GraphTensor *x, int axis, int64_t t) {
  int64_t dim[GRAPH_MAX_RANK];
  double *y;
  for (int i = 0, to = 0; i < x->rank; i++)
    if (i != axis) dim[to++] = x->dim[i];
  GraphTensor *row = graph_tensor(arena, x->elem, x->rank - 1, dim, &y);
  Line line = line_of(x, axis);
  for (int64_t o = 0; o < line.outer; o++)
    for (int64_t i = 0; i < line.inner; i++)
      y[o * line.inner + i] = graph_at(x, (o * line.n + t) * line.inner + i);
  return row;
}

bool run_scan(Run *run, RunFrame *frame, const GraphNode *node) {
  int n_scan = (int)graph_int(node, GRAPH_ATTR_scan_inputs, 0), n_carried = node->n_in - n_scan;
  Turns turns;
  if (n_scan < 1 || n_carried < 0) return run_fault(run, node, "it has no sequence");
  if (!turns_start(&turns, run, frame, node, 0, n_carried)) return false;
  const GraphTensor **sequence = ARENA_ARRAY(frame->arena, const GraphTensor *, n_scan + 1);
  int *axis = ARENA_ARRAY(frame->arena, int, n_scan + 1);
  int64_t steps = 0;
  for (int k = 0; k < n_scan; k++) {
    if (!run_operand(run, frame, node, n_carried + k, &sequence[k])) return false;
    int64_t a = listed(node, GRAPH_ATTR_scan_axes, k);
    if (!sequence[k] || a + sequence[k]->rank < 0 || a >= sequence[k]->rank ||
        !graph_known(sequence[k]))
      return run_fault(run, node, "a sequence has no such axis");
    axis[k] = (int)(a < 0 ? a + sequence[k]->rank : a);
    if (k && sequence[k]->dim[axis[k]] != steps)
      return run_fault(run, node, "its sequences differ in length");
    steps = sequence[k]->dim[axis[k]];
  }
  for (int64_t t = 0; t < steps; t++) {
    Arena *rows = arena_child(frame->arena);
    const GraphTensor **in = ARENA_ARRAY(rows, const GraphTensor *, node->n_in + 1);
    for (int k = 0; k < n_carried; k++)
      in[k] = turns.carried[k];
    for (int k = 0; k < n_scan; k++)
      in[n_carried + k] = sequence_row(
          rows, sequence[k], axis[k], listed(node, GRAPH_ATTR_scan_reverse, k) ? steps - 1 - t : t);
    bool ok = turns_next(&turns, node->body[0], node->n_in, in, 0, NULL);
    arena_free(rows);
    if (!ok) return false;
  }
  turns_results(&turns);
  for (int k = 0; k < turns.n_rows; k++) {
    const GraphTensor *out = turns_stack(&turns, k, listed(node, GRAPH_ATTR_out_axes, k),
                                         listed(node, GRAPH_ATTR_out_reverse, k) != 0);
    if (!out) return false;
    run_result(frame, node, n_carried + k, out);
  }
  return true;
}

bool run_while(Run *run, RunFrame *frame, const GraphNode *node) {
  Turns turns;
  if (!turns_start(&turns, run, frame, node, 0, node->n_in)) return false;
  for (;;) {
    const GraphTensor *go;
    bool more;
    Arena *scratch = arena_child(frame->arena);
    int64_t room = run->room;
    bool ok = run_graph(run, node->body[0], frame, scratch, node, turns.n_carried, turns.carried, 1,
                        &go) &&
              truth(run, node, go, &more);
    run->room = room;
    arena_free(scratch);
    if (!ok) return false;
    if (!more) break;
    if (!turns_next(&turns, node->body[1], turns.n_carried, turns.carried, 0, NULL)) return false;
  }
  turns_results(&turns);
  return true;
}

/* ---- variables ---- */

static const GraphTensor **variable_of(Run *run, const GraphNode *node) {
  int64_t v = graph_int(node, GRAPH_ATTR_variable, -1);
  if (v >= 0 && v < run->graph->n_variables) return &run->state->variable[v];
  run_fault(run, node, "it names no variable");
  return NULL;
}

bool run_var_read(Run *run, RunFrame *frame, const GraphNode *node) {
  const GraphTensor **variable = variable_of(run, node);
  if (!variable) return false;
  if (!*variable) return run_fault(run, node, "a variable is read before it is set");
  run_result(frame, node, 0, run_copy(run, frame->arena, *variable));
  return true;
}

/* The values that were read before stay as they are, because run_var_read copies. */
bool run_var_assign(Run *run, RunFrame *frame, const GraphNode *node) {
  const GraphTensor **variable = variable_of(run, node), *value;
  if (!variable || !run_operand(run, frame, node, 0, &value)) return false;
  if (!value || !graph_known(value)) return run_fault(run, node, "a variable is set to nothing");
  *variable = run_copy(run, run->state->arena, value);
  return true;
}
