/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants that nothing reads any more. In, a graph with its bodies; out, the same graph without
 * the numbers of constants from which only other constants were made, such as integers with a scale
 * that became real numbers, and weights that were transposed. Tensors may share numbers, which are
 * freed when none of these tensors is read. */
#include "import/graph/graph.h"

#include <stdlib.h>

enum { LARGE = 4096 }; /* the number of elements from which on a constant is worth the search */

/* The addresses at which the numbers of tensors begin, sorted once all are there. */
typedef struct Numbers {
  Arena *arena;
  const void **data;
  size_t n, cap;
} Numbers;

static const void *numbers_of(const GraphTensor *t) {
  return t->wide ? (const void *)t->wide : t->narrow;
}

static void add(Numbers *to, const GraphTensor *t) {
  if (t && graph_known(t) && t->count >= LARGE)
    ARENA_PUSH(to->arena, to->data, to->n, to->cap, numbers_of(t));
}

static int by_place(const void *a, const void *b) {
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  return (x > y) - (x < y);
}

static void sort(Numbers *numbers) {
  if (numbers->n) qsort(numbers->data, numbers->n, sizeof *numbers->data, by_place);
}

static bool holds(const Numbers *numbers, const void *data) {
  return numbers->n &&
         bsearch(&data, numbers->data, numbers->n, sizeof *numbers->data, by_place) != NULL;
}

/* Adds the numbers of all constants that the graph and its bodies read. */
static void add_read(Numbers *read, const Graph *graph) {
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in; k++)
      if (node->in[k]) add(read, node->in[k]->constant);
    for (int b = 0; b < 2; b++)
      if (node->body[b]) add_read(read, node->body[b]);
  }
  for (int i = 0; i < graph->n_values; i++)
    if (graph->value[i]->is_held) add(read, graph->value[i]->constant);
  for (int i = 0; i < graph->n_in; i++)
    add(read, graph->in[i].fallback);
  for (int i = 0; i < graph->n_out; i++)
    add(read, graph->out[i].value->constant);
  for (int i = 0; i < graph->n_variables; i++)
    add(read, graph->variable[i].start);
  for (int i = 0; i < graph->n_said; i++) {
    add(read, graph->said[i].said);
    add(read, graph->said[i].value->constant);
  }
}

static void release(const Graph *graph, const Numbers *read, Numbers *gone) {
  for (int i = 0; i < graph->n_values; i++) {
    const GraphTensor *t = graph->value[i]->constant;
    bool large = t && graph_known(t) && t->count >= LARGE;
    if (large && !holds(read, numbers_of(t)) && arena_release(graph->numbers, numbers_of(t)))
      add(gone, t);
  }
  for (int i = 0; i < graph->n_nodes; i++)
    for (int b = 0; b < 2; b++)
      if (graph->node[i]->body[b]) release(graph->node[i]->body[b], read, gone);
}

/* Takes the numbers from all tensors that had them, so that no other owner of one reads them. */
static void forget(const Graph *graph, const Numbers *gone) {
  for (int i = 0; i < graph->n_values; i++) {
    GraphTensor *t = (GraphTensor *)graph->value[i]->constant;
    if (!t || t->count < LARGE || (graph_known(t) && !holds(gone, numbers_of(t)))) continue;
    t->wide = NULL;
    t->narrow = NULL;
    graph->value[i]->constant = NULL;
  }
  for (int i = 0; i < graph->n_nodes; i++)
    for (int b = 0; b < 2; b++)
      if (graph->node[i]->body[b]) forget(graph->node[i]->body[b], gone);
}

void graph_sweep(Graph *graph) {
  graph_sweep_for(graph, graph);
}

void graph_sweep_for(Graph *graph, const Graph *reader) {
  Arena *arena = arena_child(graph->arena);
  Numbers read = {.arena = arena}, gone = {.arena = arena};
  if (graph->numbers != graph->arena) {
    add_read(&read, reader);
    sort(&read);
    release(graph, &read, &gone);
    sort(&gone);
    forget(graph, &gone);
  }
  arena_free(arena);
}
