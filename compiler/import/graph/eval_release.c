/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The memory of an evaluation: the numbers of a value are freed once no later node reads them, so
 * that a graph takes the memory of what is alive at once, and not of all that its nodes make.
 *
 * A large result has an arena of its own. A result that shares the numbers of an operand, under
 * another shape, shares its arena, which is freed with the last value in it. Values that the body
 * of a loop or a branch reads, variables and outputs are not freed. */
#include "import/graph/run.h"

enum {
  STAYS = INT32_MAX, /* the last reader of a value that lives as long as the evaluation */
  LARGE = 4096       /* the number of elements from which on numbers have an arena of their own */
};

/* Numbers in an arena of their own. */
typedef struct Numbers {
  Arena *arena;
  int64_t room; /* the number of elements, as run->room counts them */
  int values;   /* the number of values that have these numbers */
} Numbers;

struct Release {
  int *last;     /* of each value, the place of the node that reads it last; -1 if none does */
  Numbers **own; /* of each value; NULL if its numbers lie elsewhere */
};

/* Marks all that a body reads of this graph as values that stay. */
static void keep_read(Release *release, const Graph *graph, const Graph *body) {
  for (int i = 0; i < body->n_nodes; i++) {
    const GraphNode *node = body->node[i];
    for (int k = 0; k < node->n_in; k++)
      if (graph_owns(graph, node->in[k])) release->last[node->in[k]->id] = STAYS;
    for (int b = 0; b < 2; b++)
      if (node->body[b]) keep_read(release, graph, node->body[b]);
  }
  for (int i = 0; i < body->n_out; i++)
    if (graph_owns(graph, body->out[i].value)) release->last[body->out[i].value->id] = STAYS;
}

static bool is_control(const GraphNode *node) {
  return node->body[0] || node->op == GRAPH_VarRead || node->op == GRAPH_VarAssign;
}

Release *release_plan(Arena *arena, const Graph *graph) {
  Release *release = ARENA_NEW(arena, Release);
  release->last = ARENA_ARRAY(arena, int, graph->n_values + 1);
  release->own = ARENA_ARRAY(arena, Numbers *, graph->n_values + 1);
  for (int i = 0; i < graph->n_values; i++)
    release->last[i] = -1;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in; k++)
      if (graph_owns(graph, node->in[k]) && release->last[node->in[k]->id] != STAYS)
        release->last[node->in[k]->id] = is_control(node) ? STAYS : i;
    for (int b = 0; b < 2; b++)
      if (node->body[b]) keep_read(release, graph, node->body[b]);
  }
  for (int i = 0; i < graph->n_out; i++)
    if (graph_owns(graph, graph->out[i].value)) release->last[graph->out[i].value->id] = STAYS;
  return release;
}

Arena *release_arena(const RunFrame *frame, int64_t elements) {
  return frame->release && elements >= LARGE ? arena_child(frame->arena) : frame->arena;
}

/* The numbers of a result, if they have an arena of their own: those of an operand under another
 * shape, or those that the call made. */
static Numbers *numbers_of(const Release *release, const GraphCall *call, const GraphTensor *out,
                           Numbers *made) {
  for (int k = 0; k < call->node->n_in; k++) {
    const GraphTensor *in = call->in[k];
    bool narrow = in && in->narrow && out->narrow == in->narrow;
    bool wide = in && in->wide && out->wide >= in->wide &&
                out->wide < in->wide + (in->count ? in->count : 1);
    if (!narrow && !wide) continue;
    return call->node->in[k]->constant ? NULL : release->own[call->node->in[k]->id];
  }
  return made;
}

void release_made(const RunFrame *frame, const GraphCall *call, int64_t room) {
  Release *release = frame->release;
  if (!release) return;
  Numbers *made = NULL;
  if (call->arena != frame->arena) {
    made = ARENA_NEW(frame->arena, Numbers);
    *made = (Numbers){.arena = call->arena, .room = room};
  }
  for (int k = 0; k < call->node->n_out; k++) {
    const GraphValue *value = call->node->out[k];
    Numbers *numbers = numbers_of(release, call, &call->out[k], made);
    if (!value || !numbers) continue;
    release->own[value->id] = numbers;
    numbers->values++;
  }
  if (made && !made->values) arena_free(made->arena);
}

static void release_value(Run *run, RunFrame *frame, const GraphValue *value, int place) {
  Release *release = frame->release;
  if (!graph_owns(frame->graph, value) || release->last[value->id] > place) return;
  Numbers *numbers = release->own[value->id];
  release->own[value->id] = NULL;
  frame->value[value->id] = NULL;
  if (!numbers || --numbers->values) return;
  arena_free(numbers->arena);
  run->room += numbers->room;
}

void release_read(Run *run, RunFrame *frame, int place) {
  if (!frame->release) return;
  const GraphNode *node = frame->graph->node[place];
  for (int k = 0; k < node->n_in; k++)
    release_value(run, frame, node->in[k], place);
  for (int k = 0; k < node->n_out; k++)
    release_value(run, frame, node->out[k], place);
}
