/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The published tests of ONNX through the reader and the evaluator of graphs.
 *
 *     nodes MODELS
 *
 * A test is a folder with model.onnx and recorded inputs and outputs. Differences are a part of the
 * largest output: 1e-6, what is lost in the float32 of the recorded numbers. */
#include "runner.h"

#include "import/onnx.pb-c.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PORTS = 16, MAX_TESTS = 1024 };

static const double tolerance = 1e-6;

/* Tests that do not pass, and why. One that passes after all is a failure. */
static const char *const not_passed[][2] = {
    {"test_batchnorm_epsilon_training_mode", "is for training"},
    {"test_qlinearmatmul_2D_int8_float32", "its recorded -236 has become 20 instead of -128"},
    {"test_qlinearmatmul_3D_int8_float32", "likewise"},
    {"test_scan_sum", "is of opset 8, whose Scan has a batch of its own"},
};

static bool is_expected(const char *name) {
  for (size_t i = 0; i < sizeof not_passed / sizeof *not_passed; i++)
    if (strcmp(not_passed[i][0], name) == 0) return true;
  return false;
}

/* Messages live in the arena of the run. */
static void *take(void *arena, size_t size) {
  return arena_alloc(arena, size);
}

static void keep(void *arena, void *memory) {
  (void)arena;
  (void)memory;
}

static OnnxFile__Tensor *recorded(Runner *run, const char *folder, int input) {
  Mapped file;
  const char *why;
  if (!file_map(run->arena,
                arena_printf(run->arena, "%s/test_data_set_0/input_%d.pb", folder, input), &file,
                &why))
    return NULL;
  ProtobufCAllocator in_arena = {take, keep, run->arena};
  return onnx_file__tensor__unpack(&in_arena, file.len, file.data);
}

/* The same model with all its inputs but the first as constants: weights, axes, as in a trained
 * model. */
static Graph *read_with_weights(Runner *run, const char *folder, const char **why) {
  Mapped file;
  if (!file_map(run->arena, arena_printf(run->arena, "%s/model.onnx", folder), &file, why))
    return NULL;
  ProtobufCAllocator in_arena = {take, keep, run->arena};
  OnnxFile__Model *model = onnx_file__model__unpack(&in_arena, file.len, file.data);
  OnnxFile__Graph *graph = model->graph;
  OnnxFile__Tensor **all =
      ARENA_ARRAY(run->arena, OnnxFile__Tensor *, graph->n_initializer + graph->n_input + 1);
  for (size_t i = 0; i < graph->n_initializer; i++)
    all[i] = graph->initializer[i];
  for (size_t i = 1; i < graph->n_input; i++) {
    OnnxFile__Tensor *t = recorded(run, folder, (int)i);
    if (!t) continue;
    t->name = graph->input[i]->name;
    all[graph->n_initializer++] = t;
  }
  graph->initializer = all;
  size_t size = onnx_file__model__get_packed_size(model);
  uint8_t *bytes = arena_alloc(run->arena, size + 1);
  onnx_file__model__pack(model, bytes);
  return runner_read_bytes(run, "model.onnx", (Mapped){bytes, size}, why);
}

/* Quantised numbers may be one step apart where float32 rounds a tie: one in six of them. */
static bool nearly(const GraphTensor *a, const GraphTensor *b) {
  int64_t apart = 0;
  if (a->elem != GRAPH_U8 && a->elem != GRAPH_I8) return false;
  for (int64_t i = 0; i < a->count; i++) {
    if (fabs(a->wide[i] - b->wide[i]) > 1) return false;
    apart += a->wide[i] != b->wide[i];
  }
  return apart * 6 <= a->count;
}

/* NULL if it passes; else why not. */
static const char *run_test(Runner *run, const char *folder, double *worst) {
  const char *why;
  const GraphTensor *in[MAX_PORTS] = {NULL}, *out[MAX_PORTS];
  GraphFault fault;
  Graph *graph = runner_read(run, arena_printf(run->arena, "%s/model.onnx", folder), &why);
  if (!graph && run->diags->first) graph = read_with_weights(run, folder, &why);
  if (!graph) return why;
  if (graph->n_in > MAX_PORTS || graph->n_out > MAX_PORTS)
    return "it has more inputs or outputs than the test reads";
  for (int i = 0; i < graph->n_in; i++) {
    in[i] = runner_npy(run, arena_printf(run->arena, "%s/test_data_set_0/input_%d.npy", folder, i),
                       &why);
    if (!in[i]) return arena_printf(run->arena, "input %d: %s", i, why);
  }
  if (!graph_eval(graph, run->arena, NULL, NULL, in, out, &fault)) return runner_fault(run, &fault);
  for (int i = 0; i < graph->n_out; i++) {
    const GraphTensor *y = runner_npy(
        run, arena_printf(run->arena, "%s/test_data_set_0/output_%d.npy", folder, i), &why);
    if (!y) return arena_printf(run->arena, "output %d: %s", i, why);
    bool same = y->rank == out[i]->rank &&
                memcmp(y->dim, out[i]->dim, sizeof *y->dim * (size_t)y->rank) == 0;
    if (!same)
      return arena_printf(run->arena, "output %d is %s, expected %s", i, runner_dims(run, out[i]),
                          runner_dims(run, y));
    if (y->elem != out[i]->elem)
      return arena_printf(run->arena, "output %d has elements of type %d, expected %d", i,
                          out[i]->elem, y->elem);
    double d = runner_difference(out[i]->wide, y->wide, y->count);
    if (d > tolerance && nearly(out[i], y)) continue;
    if (!(d <= tolerance))
      return arena_printf(run->arena, "output %d differs by %.2g of the largest", i, d);
    *worst = fmax(*worst, d);
  }
  return NULL;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int folders(Runner *run, const char *path, const char **name) {
  DIR *dir = opendir(path);
  int n = 0;
  for (struct dirent *e = dir ? readdir(dir) : NULL; e && n < MAX_TESTS; e = readdir(dir))
    if (e->d_name[0] != '.') name[n++] = arena_strdup(run->arena, e->d_name);
  if (dir) closedir(dir);
  qsort(name, (size_t)n, sizeof *name, by_name);
  return n;
}

static int run_all(Arena *arena, const char *models) {
  static const char *const groups[] = {"node", "pytorch-converted", "onnx2c_local_ops"};
  const char *name[MAX_TESTS];
  int failures = 0, passed = 0;
  double worst = 0;
  Runner run;
  runner_begin(&run, arena);
  for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
    const char *folder = arena_printf(arena, "%s/onnx_conformance/%s", models, groups[g]);
    int n = folders(&run, folder, name);
    if (!n) {
      printf("skipped: no %s\n", folder);
      return SKIPPED;
    }
    for (int i = 0; i < n; i++) {
      const char *why = run_test(&run, arena_printf(arena, "%s/%s", folder, name[i]), &worst);
      bool expected = is_expected(name[i]);
      passed += !why;
      failures += (why != NULL) != expected;
      if (why && !expected) printf("%s/%s: %s\n", groups[g], name[i], why);
      if (!why && expected)
        printf("%s/%s: passes, and is listed as one that does not\n", groups[g], name[i]);
    }
  }
  printf("%d tests as published, the largest difference %.1e of the largest output; %d that should "
         "and do not\n",
         passed, worst, failures);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile int status = EXIT_FAILURE;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (arena && argc == 2) status = run_all(arena, argv[1]);
  }
  arena_free(arena);
  return status;
}
