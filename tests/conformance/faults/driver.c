/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The translation check against mistakes of the lifter: each fault of faults.def is made in what
 * was lifted, and import must then end with E905. Each fixture is imported without a fault first,
 * and must pass. lift_check and roles_solve are wrapped by the linker (CMakeLists.txt): the
 * compiler has no hook for this.
 *
 *     faults FOLDER        FOLDER is tests/conformance */
#include "../graph/runner.h"
#include "faults.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct Fault {
  const char *name, *folder, *fixture, *time, *what;
  bool (*model)(Model *model);
  bool (*roles)(Atoms *atoms, Roles *roles);
} Fault;

static const Fault faults[] = {
#define FAULT(name, folder, fixture, time, what)                                                   \
  {#name, #folder, fixture, time, what, fault_##name, NULL},
#define CONFUSION(name, folder, fixture, time, what)                                               \
  {#name, #folder, fixture, time, what, NULL, confuse_##name},
#include "faults.def"
};

/* Where the fixtures of a folder of the table are. */
static const struct {
  const char *name, *path;
} folders[] = {{"onnx", "onnx/fixtures"},
               {"onnx_axes", "onnx/fixtures/axes"},
               {"onnx_exported", "onnx/fixtures/exported"},
               {"onnx_windows", "onnx/fixtures/windows"},
               {"keras", "keras/fixtures"},
               {"keras_padded", "keras/fixtures/padded"},
               {"tflite", "tflite/fixtures"},
               {"graph", "graph/fixtures"}};

/* The fault that is made now, NULL: none; and whether it found anything to be wrong about. */
static const Fault *current;
static bool made, compared;

bool __real_lift_check(Lift *l);
bool __wrap_lift_check(Lift *l);
Roles __real_roles_solve(Atoms *atoms, const Graph *graph, const int *input,
                         const RoleHints *hints);
Roles __wrap_roles_solve(Atoms *atoms, const Graph *graph, const int *input,
                         const RoleHints *hints);

bool __wrap_lift_check(Lift *l) {
  compared = true;
  if (current && current->model) made = current->model(l->foreign->model);
  return __real_lift_check(l);
}

Roles __wrap_roles_solve(Atoms *atoms, const Graph *graph, const int *input,
                         const RoleHints *hints) {
  Roles roles = __real_roles_solve(atoms, graph, input, hints);
  if (current && current->roles) made = current->roles(atoms, &roles) || made;
  return roles;
}

/* NULL: the file was imported; else the first thing that was reported. */
static const Diag *import(Arena *arena, const char *root, const Fault *fault) {
  Runner run;
  const char *why, *folder = NULL;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (strcmp(folders[i].name, fault->folder) == 0) folder = folders[i].path;
  const char *path = arena_printf(arena, "%s/%s/%s", root, folder, fault->fixture);
  runner_begin(&run, arena);
  const Graph *graph = runner_read(&run, path, &why);
  if (!graph) return run.diags->first;
  ForeignFile *file = ARENA_NEW(arena, ForeignFile);
  *file = (ForeignFile){.arena = arena, .path = path};
  if (!file_map(arena, path, &file->data, &why)) return NULL;
  ImportOptions *options = ARENA_NEW(arena, ImportOptions);
  options->time = fault->time;
  made = compared = false;
  return lift_graph(file, graph, options, run.diags) ? NULL : run.diags->first;
}

/* NULL: the fault was caught; else what happened. */
static const char *outcome(Arena *arena, const char *root, const Fault *fault) {
  current = NULL;
  const Diag *plain = import(arena, root, fault);
  if (plain) return plain->message;
  if (!compared) return "the fixture was not compared";
  current = fault;
  const Diag *found = import(arena, root, fault);
  if (!made) return "the fault has no place in the fixture";
  if (!found) return "the fault was not seen";
  return found->code == E905 ? NULL : arena_printf(arena, "not E905 but: %s", found->message);
}

/* Prints a line and returns true where the fault was not caught. */
static bool fails(const char *root, const Fault *fault) {
  jmp_buf oom;
  if (setjmp(oom)) return true;
  Arena *arena = arena_new(&oom);
  const char *wrong = outcome(arena, root, fault);
  if (wrong) printf("%-32s %-24s %s: %s\n", fault->name, fault->fixture, fault->what, wrong);
  arena_free(arena);
  return wrong != NULL;
}

int main(int argc, char **argv) {
  enum { FAULTS = sizeof faults / sizeof *faults };
  int n_failed = 0;
  if (argc != 2) return 2;
  for (int i = 0; i < FAULTS; i++)
    n_failed += fails(argv[1], &faults[i]);
  printf("%d faults, %d not caught\n", FAULTS, n_failed);
  return n_failed > 0;
}
