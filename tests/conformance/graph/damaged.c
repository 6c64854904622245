/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Damaged copies of the fixtures through their reader: each is refused with a message, or is a
 * graph that prints and that the evaluator computes or says why not. Its faults are crashes,
 * silence, and what a sanitizer sees.
 *
 *     damaged FOLDER COPIES */
#include "runner.h"

#include "tests/hostile/mutate.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PORTS = 64, LARGEST = 1 << 12 };

/* Small numbers of the input's shape, open sizes 2; NULL where it is large. */
static const GraphTensor *some(Arena *arena, const GraphInput *input) {
  int64_t dim[GRAPH_MAX_RANK], count = 1;
  double *values;
  for (int i = 0; i < input->rank; i++) {
    dim[i] = input->dim[i].n == GRAPH_OPEN ? 2 : input->dim[i].n;
    if (dim[i] > LARGEST || (count *= dim[i]) > LARGEST) return NULL;
  }
  GraphTensor *t =
      graph_tensor(arena, input->elem, input->rank < 0 ? 0 : input->rank, dim, &values);
  for (int64_t i = 0; t && i < t->count; i++)
    values[i] = (double)(i % 3);
  return t;
}

/* Two calls. */
static void evaluate(Arena *arena, const Graph *graph) {
  const GraphLimits limits = {.steps = 64, .work = 1 << 20, .room = 1 << 18};
  const GraphTensor *in[MAX_PORTS], *out[MAX_PORTS];
  GraphFault fault;
  if (graph->n_in > MAX_PORTS || graph->n_out > MAX_PORTS) return;
  for (int i = 0; i < graph->n_in; i++)
    in[i] = some(arena, &graph->in[i]);
  GraphState *state = graph_state_new(arena, graph);
  for (int call = 0; call < 2; call++)
    graph_eval(graph, arena, state, &limits, in, out, &fault);
}

static int run_copies(Arena *arena, const char *path, unsigned copies, unsigned *read) {
  int failures = 0;
  const char *why;
  Mapped file;
  if (!file_map(arena, path, &file, &why)) return 1;
  for (unsigned k = 0; k < copies; k++) {
    Arena *own = arena_child(arena);
    Runner run;
    Damage damage;
    uint8_t *copy = arena_alloc(own, file.len + MUTATE_MORE);
    size_t len = mutate(file.data, file.len, 1, k, copy, &damage);
    runner_begin(&run, own);
    Graph *graph = runner_read_bytes(&run, path, (Mapped){copy, len}, &why);
    if (!graph && !run.diags->n_errors) {
      printf("%s, copy %u (%s): refused without a word\n", path, k, damage_name[damage]);
      failures++;
    }
    if (graph) graph_print(graph);
    if (graph) evaluate(own, graph);
    *read += graph != NULL;
    arena_free(own);
  }
  return failures;
}

static int run_all(Arena *arena, const char *folder, unsigned copies) {
  unsigned files = 0, read = 0;
  int failures = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    const char *end = strrchr(e->d_name, '.');
    if (!end || (strcmp(end, ".tflite") != 0 && strcmp(end, ".onnx") != 0 &&
                 strcmp(end, ".pt2") != 0 && strcmp(end, ".pt") != 0 && strcmp(end, ".pb") != 0))
      continue;
    files++;
    failures += run_copies(arena, arena_printf(arena, "%s/%s", folder, e->d_name), copies, &read);
  }
  if (dir) closedir(dir);
  printf("%u copies of %u files: %u are read, the others refused; %d without a word\n",
         files * copies, files, read, failures);
  return failures || !files ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile int status = EXIT_FAILURE;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (arena && argc == 3) status = run_all(arena, argv[1], (unsigned)strtoul(argv[2], NULL, 10));
  }
  arena_free(arena);
  return status;
}
