/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The fixtures of the importers as graphs.
 *
 *     fixtures FOLDER...       NAME.onnx, .tflite, .pt2, .pt, .pb against NAME.npz with arrays
 * in_x, out_y, as its framework gives; NAME.saved_model is a folder NAME.keras, .h5 with arrays x0,
 * x1 ..., y0, y1 ... fixtures --print FILE    the text of the graph, or why it is refused
 *
 * Arrays with one more axis than the graph's are calls, one a row. An input h without an array gets
 * what h_next was in the call before. Tolerance: they were computed in float32; integers with a
 * scale may be one step beside those of an interpreter that rounds otherwise. */
#include "runner.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PORTS = 64, MAX_FILES = 2048 };

static const double tolerance = 2e-6;

/* Files whose recorded outputs are those of another model: the runtime that recorded them took a
 * norm with its difference exchanged, or with another exponent, for a layer norm. One that agrees
 * after all is a failure. */
static const char *const recorded_otherwise[] = {"norm_q_1_x.onnx"};

static bool is_otherwise(const char *name) {
  for (size_t i = 0; i < sizeof recorded_otherwise / sizeof *recorded_otherwise; i++)
    if (strcmp(recorded_otherwise[i], name) == 0) return true;
  return false;
}

/* Arrays in_x, in_y are for inputs x, y; where nothing is said of a type the numbers are real. */
static const GraphTensor *array_of(Runner *run, const TensorFile *file, const char *kind,
                                   const char *name, int number) {
  const Tensor *t = tensor_find(file, arena_printf(run->arena, "%s_%s", kind, name));
  if (!t) t = tensor_find(file, arena_printf(run->arena, "%c%d", *kind == 'i' ? 'x' : 'y', number));
  double *data;
  if (!t) return NULL;
  GraphTensor *out = graph_tensor(run->arena, runner_elem(t->elem), t->rank, t->dim, &data);
  for (int64_t i = 0; i < t->count; i++)
    data[i] = tensor_get(t, i);
  return out;
}

/* A state, which begins with zeros. */
static const GraphTensor *zeros(Runner *run, const GraphInput *input) {
  int64_t dim[GRAPH_MAX_RANK];
  double *data;
  for (int i = 0; i < input->rank; i++)
    dim[i] = input->dim[i].n == GRAPH_OPEN ? 1 : input->dim[i].n;
  return graph_tensor(run->arena, GRAPH_FLOAT, input->rank < 0 ? 0 : input->rank, dim, &data);
}

/* The output `h_next` for an input `h`; -1: there is none. */
static int next_of(Runner *run, const Graph *graph, const char *name) {
  const char *next = arena_printf(run->arena, "%s_next", name);
  for (int i = 0; i < graph->n_out; i++)
    if (strcmp(graph->out[i].name, next) == 0) return i;
  return -1;
}

/* Call `row` of the arrays, or all of them where they are whole. */
static const GraphTensor *part(Runner *run, const GraphTensor *t, int rank, int64_t row) {
  return t->rank > rank ? runner_rows(run, t, row, 1, true) : t;
}

/* Integers with a scale: at most one step apart. */
static bool one_step(const GraphTensor *a, const GraphTensor *b) {
  if (b->elem != GRAPH_I8 && b->elem != GRAPH_U8 && b->elem != GRAPH_I16) return false;
  for (int64_t i = 0; i < a->count; i++)
    if (fabs(a->wide[i] - b->wide[i]) > 1) return false;
  return true;
}

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n > m && strcmp(s + n - m, end) == 0;
}

static bool is_model(const char *name) {
  static const char *const ends[] = {".onnx", ".tflite", ".pt2", ".pt",
                                     ".pb",   ".keras",  ".h5",  ".saved_model"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (ends_with(name, ends[i])) return true;
  return false;
}

static const char *run_file(Runner *run, const char *folder, const char *name, double *worst) {
  const char *why, *stem = arena_strndup(run->arena, name, (size_t)(strrchr(name, '.') - name));
  Mapped bytes;
  const GraphTensor *in[MAX_PORTS], *given[MAX_PORTS], *out[MAX_PORTS], *y[MAX_PORTS];
  GraphFault fault;
  int64_t calls = 1;
  int next[MAX_PORTS]; /* the output that a state gets after each call; -1: is given */
  const char *path = arena_printf(run->arena, "%s/%s", folder, name);
  Graph *graph = runner_read(run, foreign_path(run->arena, path), &why);
  if (!graph) return why;
  if (graph->n_in > MAX_PORTS || graph->n_out > MAX_PORTS) return "it has too many inputs";
  if (!file_map(run->arena, arena_printf(run->arena, "%s/%s.npz", folder, stem), &bytes, &why))
    return why;
  const TensorFile *file = npz_parse(run->arena, bytes, &why);
  if (!file) return why;
  for (int i = 0; i < graph->n_in; i++) {
    given[i] = array_of(run, file, "in", graph->in[i].name, i);
    next[i] = given[i] ? -1 : next_of(run, graph, graph->in[i].name);
    if (!given[i] && next[i] < 0)
      return arena_printf(run->arena, "no array for `%s`", graph->in[i].name);
    if (!given[i]) given[i] = zeros(run, &graph->in[i]);
    if (given[i]->rank > graph->in[i].rank) calls = given[i]->dim[0];
  }
  for (int i = 0; i < graph->n_out; i++) {
    y[i] = array_of(run, file, "out", graph->out[i].name, i);
    bool is_state = false;
    for (int k = 0; k < graph->n_in; k++)
      is_state = is_state || next[k] == i;
    if (!y[i] && !is_state)
      return arena_printf(run->arena, "no array for `%s`", graph->out[i].name);
  }
  GraphState *state = graph_state_new(run->arena, graph);
  for (int64_t row = 0; row < calls; row++) {
    for (int i = 0; i < graph->n_in; i++)
      in[i] = part(run, given[i], graph->in[i].rank, row);
    if (!graph_eval(graph, run->arena, state, NULL, in, out, &fault))
      return runner_fault(run, &fault);
    for (int i = 0; i < graph->n_out; i++) {
      if (!y[i]) continue;
      const GraphTensor *expected = part(run, y[i], out[i]->rank, row);
      if (expected->count != out[i]->count)
        return arena_printf(run->arena, "`%s` is %s", graph->out[i].name, runner_dims(run, out[i]));
      double d = runner_difference(out[i]->wide, expected->wide, expected->count);
      if (one_step(out[i], expected)) continue;
      if (!(d <= tolerance))
        return arena_printf(run->arena, "`%s` differs by %.2g of the largest", graph->out[i].name,
                            d);
      *worst = fmax(*worst, d);
    }
    for (int i = 0; i < graph->n_in; i++)
      if (next[i] >= 0) given[i] = out[next[i]];
  }
  return NULL;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int run_folder(Arena *arena, const char *folder, int *passed, double *worst) {
  const char *name[MAX_FILES];
  size_t n = 0;
  int failures = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *e = dir ? readdir(dir) : NULL; e && n < MAX_FILES; e = readdir(dir))
    if (is_model(e->d_name)) name[n++] = arena_strdup(arena, e->d_name);
  if (dir) closedir(dir);
  qsort(name, n, sizeof *name, by_name);
  for (size_t i = 0; i < n; i++) {
    Runner run;
    Arena *own = arena_child(arena);
    runner_begin(&run, own);
    const char *why = run_file(&run, folder, name[i], worst);
    bool otherwise = is_otherwise(name[i]);
    *passed += !why;
    failures += (why != NULL) != otherwise;
    if ((why != NULL) != otherwise) printf("%s/%s: %s\n", folder, name[i], why ? why : "agrees");
    arena_free(own);
  }
  return n ? failures : 1;
}

static int print(Arena *arena, const char *path) {
  Runner run;
  const char *why;
  runner_begin(&run, arena);
  Graph *graph = runner_read(&run, path, &why);
  if (!graph) {
    printf("%s\n", why);
    return EXIT_FAILURE;
  }
  printf("%s\n%s", graph->format, graph_print(graph));
  for (int i = 0; i < graph->n_notes; i++)
    printf("note: %s\n", graph->note[i]);
  return EXIT_SUCCESS;
}

static int run_all(Arena *arena, int n, char **folder) {
  int passed = 0, failures = 0;
  double worst = 0;
  for (int i = 0; i < n; i++)
    failures += run_folder(arena, folder[i], &passed, &worst);
  printf("%d files as recorded, the largest difference %.1e of the largest output; %d not\n",
         passed, worst, failures);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile int status = EXIT_FAILURE;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    bool prints = argc == 3 && strcmp(argv[1], "--print") == 0;
    if (arena && argc > 1)
      status = prints ? print(arena, argv[2]) : run_all(arena, argc - 1, argv + 1);
  }
  arena_free(arena);
  return status;
}
