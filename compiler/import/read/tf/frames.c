/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops of TensorFlow 1. A value that is carried goes Enter -> Merge -> Switch -> ... ->
 * NextIteration -> Merge, and out of the loop Switch -> Exit; all Switches ask one LoopCond. The
 * Enters of one loop have one frame_name; those with is_constant bring in what does not change. In,
 * such nodes; out, one While. */
#include "import/read/tf/reader.h"

#include <string.h>

bool tf_is_frame(const TfNode *node) {
  static const char *const ops[] = {"Enter",         "Merge", "Switch",
                                    "NextIteration", "Exit",  "LoopCond"};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (tf_is(node, ops[i])) return true;
  return false;
}

static const TfNode *input_node(TfReader *r, const TfNode *node, size_t k) {
  return node && k < node->n_input ? tf_node(r, node->input[k]) : NULL;
}

static GraphValue *refuse(TfReader *r, const TfNode *node, const char *what) {
  foreign_lacks_node(r->diags, r->file, E902, node->name, node->op,
                     "build the graph after `tf.compat.v1.enable_control_flow_v2()`: loops and "
                     "branches are then `While` and `If`, which are read",
                     "%s", what);
  return NULL;
}

/* The Merges of a loop that carry values, in the order of the file. */
static const TfNode **carried_of(TfReader *r, const char *frame, int *n) {
  const TfNode **merges = ARENA_ARRAY(r->arena, const TfNode *, r->nodes->n + 1);
  *n = 0;
  for (size_t i = 0; i < r->nodes->n; i++) {
    const TfNode *node = r->nodes->node[i],
                 *enter = tf_is(node, "Merge") ? input_node(r, node, 0) : NULL;
    bool ours = tf_is(enter, "Enter") && enter->n_input > 0 &&
                strcmp(tf_word(r, enter, "frame_name", ""), frame) == 0;
    if (ours && tf_is(input_node(r, node, 1), "NextIteration") &&
        input_node(r, node, 1)->n_input > 0)
      merges[(*n)++] = node;
  }
  return merges;
}

/* The condition: what LoopCond reads, which any Switch of a carried value names. */
static const TfNode *condition_of(TfReader *r, const TfNode *const *merges, int n) {
  for (size_t i = 0; n && i < r->nodes->n; i++) {
    const TfNode *node = r->nodes->node[i];
    for (int k = 0; tf_is(node, "Switch") && k < n; k++)
      if (input_node(r, node, 0) == merges[k] && tf_is(input_node(r, node, 1), "LoopCond"))
        return input_node(r, node, 1);
  }
  return NULL;
}

/* A body: the carried values are its inputs, under the names of the Merges, and of the true sides
 * of their Switches. */
static TfScope *body_new(TfReader *r, TfScope *outer, const char *frame,
                         const TfNode *const *merges, int n) {
  TfScope *body = ARENA_NEW(r->arena, TfScope);
  *body = (TfScope){
      .graph = graph_new(r->arena, r->graph->numbers, frame), .outer = outer, .frame = frame};
  for (int k = 0; k < n; k++) {
    GraphInput *input = graph_input(body->graph, merges[k]->name, GRAPH_FLOAT);
    map_put(r->arena, &body->values, tf_key(r, merges[k]->name), input->value);
    for (size_t i = 0; i < r->nodes->n; i++)
      if (tf_is(r->nodes->node[i], "Switch") && input_node(r, r->nodes->node[i], 0) == merges[k])
        map_put(r->arena, &body->values, arena_printf(r->arena, "%s:1", r->nodes->node[i]->name),
                input->value);
  }
  return body;
}

static GraphNode *loop_new(TfReader *r, TfScope *scope, const TfNode *at, const char *frame) {
  int n;
  const TfNode **merges = carried_of(r, frame, &n), *condition = condition_of(r, merges, n);
  if (!condition || condition->n_input < 1) {
    refuse(r, at, "belongs to a loop whose condition is not found");
    return NULL;
  }
  GraphValue **start = ARENA_ARRAY(r->arena, GraphValue *, n + 1);
  for (int k = 0; k < n; k++) {
    start[k] = tf_value(r, scope, input_node(r, merges[k], 0)->input[0]);
    if (!start[k]) return NULL;
  }
  TfScope *test = body_new(r, scope, frame, merges, n),
          *step = body_new(r, scope, frame, merges, n);
  GraphValue *go = tf_value(r, test, condition->input[0]);
  if (!go) return NULL;
  graph_output(test->graph, "condition", go);
  for (int k = 0; k < n; k++) {
    GraphValue *next = tf_value(r, step, input_node(r, merges[k], 1)->input[0]);
    if (!next) return NULL;
    graph_output(step->graph, merges[k]->name, next);
  }
  GraphNode *loop = graph_node(scope->graph, GRAPH_While, frame, "While", n, start, n);
  loop->body[0] = test->graph;
  loop->body[1] = step->graph;
  for (int k = 0; k < n; k++)
    loop->out[k]->name = merges[k]->name; /* by which Exit finds it */
  return loop;
}

/* Exit <- Switch <- Merge <- Enter. */
static GraphValue *exit_value(TfReader *r, TfScope *scope, const TfNode *node) {
  const TfNode *merge = input_node(r, input_node(r, node, 0), 0), *enter = input_node(r, merge, 0);
  if (!tf_is(merge, "Merge") || !tf_is(enter, "Enter"))
    return refuse(r, node, "leaves a loop in a way that is not supported");
  const char *frame = tf_word(r, enter, "frame_name", "");
  GraphNode *loop = map_get(&scope->loops, frame);
  if (!loop) loop = loop_new(r, scope, node, frame);
  if (!loop) return NULL;
  map_put(r->arena, &scope->loops, frame, loop);
  for (int k = 0; k < loop->n_out; k++)
    if (strcmp(loop->out[k]->name, merge->name) == 0) return loop->out[k];
  return refuse(r, node, "leaves a loop with a value that it does not carry");
}

GraphValue *tf_frame_value(TfReader *r, TfScope *scope, const TfNode *node) {
  if (tf_is(node, "Exit")) return exit_value(r, scope, node);
  bool ours = tf_is(node, "Enter") && scope->frame &&
              strcmp(tf_word(r, node, "frame_name", ""), scope->frame) == 0;
  if (ours && node->n_input > 0 && tf_bool(node, "is_constant", false))
    return tf_value(r, scope->outer, node->input[0]);
  return refuse(r, node, "is part of a branch or of a loop in a way that is not supported");
}
