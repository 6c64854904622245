/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a file of a format that is read as a graph, GRAPH_READER: refused, or a graph that prints and that the evaluator computes or says why not. */
#include "import/read/read.h"

#include <setjmp.h>

#ifndef GRAPH_READER
#define GRAPH_READER onnx_graph
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small numbers of the input's shape, open sizes 2; NULL where it is large. */
static const GraphTensor *some(Arena *arena, const GraphInput *input) {
  enum { MOST = 1 << 12 };
  int64_t dim[GRAPH_MAX_RANK], count = 1;
  double *values;
  for (int i = 0; i < input->rank; i++) {
    dim[i] = input->dim[i].n == GRAPH_OPEN ? 2 : input->dim[i].n;
    if (dim[i] > MOST || (count *= dim[i]) > MOST) return NULL;
  }
  GraphTensor *t = graph_tensor(arena, input->elem, input->rank < 0 ? 0 : input->rank, dim, &values);
  for (int64_t i = 0; t && i < t->count; i++)
    values[i] = (double)(i % 3);
  return t;
}

static void evaluate(Arena *arena, const Graph *graph) {
  const GraphLimits limits = {.steps = 64, .work = 1 << 20, .room = 1 << 18};
  const GraphTensor **in = ARENA_ARRAY(arena, const GraphTensor *, graph->n_in + 1);
  const GraphTensor **out = ARENA_ARRAY(arena, const GraphTensor *, graph->n_out + 1);
  GraphFault fault;
  for (int i = 0; i < graph->n_in; i++)
    in[i] = some(arena, &graph->in[i]);
  graph_eval(graph, arena, graph_state_new(arena, graph), &limits, in, out, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return 0;
    Sources sources = {.arena = arena};
    Diags *diags = diags_new(arena, &sources);
    ForeignFile file = {.arena = arena, .path = "fuzz", .data = {data, size}};
    ImportOptions options = {0};
    Graph *graph = GRAPH_READER(&file, &options, diags);
    if (!graph && !diags->n_errors) __builtin_trap(); /* refused without a word */
    if (graph) graph_print(graph);
    if (graph) evaluate(arena, graph);
  }
  arena_free(arena);
  return 0;
}
