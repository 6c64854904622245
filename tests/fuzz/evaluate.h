/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A graph that a reader made of any bytes: printed, and evaluated within small limits. */
#ifndef GRUS_TESTS_FUZZ_EVALUATE_H
#define GRUS_TESTS_FUZZ_EVALUATE_H

#include "import/read/read.h"

#include <setjmp.h>

/* Small numbers of the input's shape, open sizes 2; NULL where it is large. */
static inline const GraphTensor *fuzz_input(Arena *arena, const GraphInput *input) {
  enum { MOST = 1 << 12 };
  int64_t dim[GRAPH_MAX_RANK], count = 1;
  double *values;
  for (int i = 0; i < input->rank; i++) {
    dim[i] = input->dim[i].n == GRAPH_OPEN ? 2 : input->dim[i].n;
    if (dim[i] > MOST || (count *= dim[i]) > MOST) return NULL;
  }
  GraphTensor *t =
      graph_tensor(arena, input->elem, input->rank < 0 ? 0 : input->rank, dim, &values);
  for (int64_t i = 0; t && i < t->count; i++)
    values[i] = (double)(i % 3);
  return t;
}

static inline void fuzz_evaluate(Arena *arena, const Graph *graph) {
  const GraphLimits limits = {.steps = 64, .work = 1 << 16, .room = 1 << 16};
  const GraphTensor **in = ARENA_ARRAY(arena, const GraphTensor *, graph->n_in + 1);
  const GraphTensor **out = ARENA_ARRAY(arena, const GraphTensor *, graph->n_out + 1);
  GraphFault fault;
  graph_print(graph);
  for (int i = 0; i < graph->n_in; i++)
    in[i] = fuzz_input(arena, &graph->in[i]);
  graph_eval(graph, arena, graph_state_new(arena, graph), &limits, in, out, &fault);
}

typedef Graph *FuzzReader(const ForeignFile *, const ImportOptions *, Diags *);

/* Any bytes as the file at `path`, next to which others may lie: refused with a message, or a graph
 * that the evaluator computes or says why not. */
static inline void fuzz_read_at(const char *path, const uint8_t *data, size_t size,
                                const ImportOptions *options, FuzzReader *read) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return;
    Sources sources = {.arena = arena};
    Diags *diags = diags_new(arena, &sources);
    ForeignFile file = {.arena = arena, .path = path, .data = {data, size}};
    Graph *graph = read(&file, options, diags);
    if (!graph && !diags->n_errors) __builtin_trap(); /* refused without a word */
    if (graph) fuzz_evaluate(arena, graph);
  }
  arena_free(arena);
}

static inline void fuzz_read(const uint8_t *data, size_t size, FuzzReader *read) {
  const ImportOptions options = {0};
  fuzz_read_at("fuzz", data, size, &options, read);
}

#endif
